//! Retry state of one request: a query or an Upgrade End Request. The retry state of block and page requests is in the
//! module `transfer::in_flight`.
//!
//! ```text
//! due -- sent --> in flight -- answered --> done
//!  ^                 |
//!  +-- timeout, delivery failed: retry with a new sequence number
//! ```

use crate::aps::TransmitToken;
use crate::time::Millis;

use super::clock_ticks::Ticks;

/// Maximum number of attempts of a request, counted back from the latest, whose answers the client accepts. The
/// sequence number of an answer says which attempt the server answers.
const MAX_SEQUENCES: u8 = 3;

/// Retry state of one request, with the number of attempts and the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingRequest {
    /// Time to send the request or, while the request is in flight, the end of the timeout.
    deadline: Ticks,
    /// Number of attempts of the request so far, including attempts that could not be sent.
    attempts: u8,
    /// Number of attempts that the client has sent since the last attempt that it could not send. Successive attempts
    /// that the client could send have consecutive sequence numbers, and `sequence` is the sequence number of the last
    /// attempt.
    sequences: u8,
    /// Sequence number of the last attempt that the client has sent.
    sequence: u8,
    /// Whether the client has sent the last attempt and waits for its answer.
    in_flight: bool,
}

impl PendingRequest {
    /// Creates the retry state of a request that is to be sent from `at` on.
    pub(super) const fn due_at(at: Ticks) -> Self {
        Self { deadline: at, attempts: 0, sequences: 0, sequence: 0, in_flight: false }
    }

    /// Returns the time of the next attempt of the request or, while the request is in flight, the end of the timeout.
    pub(super) const fn deadline(&self) -> Ticks {
        self.deadline
    }

    /// Adjusts the deadline of the request after the origin of the clock has moved by `shift`.
    pub(super) fn shift(&mut self, shift: Millis) {
        self.deadline.shift(shift);
    }

    pub(super) fn is_due(&self, now: Ticks) -> bool {
        !self.in_flight && self.deadline <= now
    }

    pub(super) const fn is_in_flight(&self) -> bool {
        self.in_flight
    }

    pub(super) const fn attempts(&self) -> u8 {
        self.attempts
    }

    /// Records an attempt that was sent at the time `now` with the sequence number `sequence`, and starts the timeout
    /// of this attempt.
    pub(super) fn on_sent(&mut self, now: Ticks, sequence: u8, timeout: Millis) {
        self.deadline = now.plus(timeout);
        self.sequence = sequence;
        self.attempts = self.attempts.saturating_add(1);
        self.sequences = self.sequences.saturating_add(1);
        self.in_flight = true;
    }

    /// Returns whether the timeout of the last attempt has passed.
    pub(super) fn is_timed_out(&self, now: Ticks) -> bool {
        self.in_flight && self.deadline <= now
    }

    /// Schedules a retry of the request at `at`.
    pub(super) fn retry_at(&mut self, at: Ticks) {
        self.deadline = at;
        self.in_flight = false;
    }

    /// Counts an attempt that could not be sent and used no sequence number. After an attempt that could not be sent,
    /// the client accepts no answers to earlier attempts, because their sequence numbers need not be consecutive with
    /// the sequence number of the next attempt.
    pub(super) fn count_failed_attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.sequences = 0;
    }

    /// Handles a report that the frame with `token` was not delivered. If the undelivered frame is the last attempt of
    /// the request, the client shortens the timeout of the attempt to `backoff` milliseconds, doubled for each earlier
    /// attempt. The client still accepts an answer to the undelivered attempt, because perhaps only the acknowledgement
    /// was lost.
    pub(super) fn on_delivery_failure(&mut self, token: TransmitToken, now: Ticks, backoff: Millis) {
        if self.in_flight && token == TransmitToken::request(self.sequence) {
            let backoff = exponential_backoff(backoff, self.attempts.saturating_sub(1));
            self.deadline = self.deadline.min(now.plus(backoff));
        }
    }

    /// Returns whether the client has sent an attempt that the server may answer.
    pub(super) const fn has_been_sent(&self) -> bool {
        self.sequences > 0
    }

    /// Returns whether `sequence` is the sequence number of an attempt whose answer the client accepts.
    pub(super) fn has_sequence(&self, sequence: u8) -> bool {
        self.sequence.wrapping_sub(sequence) < self.sequences.min(MAX_SEQUENCES)
    }
}

/// Returns the delay `base`, doubled `doublings` times. Because the delay between two attempts grows, a short outage of
/// a route does not use up all attempts of a request.
#[inline(never)]
pub(super) fn exponential_backoff(Millis(base): Millis, doublings: u8) -> Millis {
    // The limit of 20 doublings turns one millisecond into 17 minutes, which is beyond every usual maximum timeout. The
    // delay is doubled step by step, because a multiplication that may overflow takes more code on a small processor.
    Millis((0..doublings.min(20)).fold(base, |delay, _| delay.saturating_add(delay)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Ticks {
        Ticks::from_millis(millis)
    }

    #[test]
    fn answers_to_the_last_three_attempts_are_recognised() {
        let mut pending = PendingRequest::due_at(at(0));
        assert!(!pending.has_sequence(0) && !pending.has_been_sent());
        for (sequence, time) in [(254, 0), (255, 30), (0, 90), (1, 210)] {
            pending.on_sent(at(time), sequence, Millis(30));
        }
        assert!([1, 0, 255].into_iter().all(|sequence| pending.has_sequence(sequence)));
        assert!(!pending.has_sequence(254), "the fourth last attempt is forgotten");
        assert!(!pending.has_sequence(2), "the next attempt is not sent yet");
        assert_eq!(pending.attempts(), 4);
    }

    #[test]
    fn a_request_is_due_then_in_flight_then_timed_out() {
        let mut pending = PendingRequest::due_at(at(50));
        let states = |pending: &PendingRequest, time| {
            (pending.is_due(at(time)), pending.is_in_flight(), pending.is_timed_out(at(time)))
        };
        assert_eq!(states(&pending, 49), (false, false, false));
        assert_eq!(states(&pending, 50), (true, false, false));
        pending.on_sent(at(50), 7, Millis(30));
        assert!(pending.has_been_sent());
        assert_eq!(states(&pending, 79), (false, true, false));
        assert_eq!(states(&pending, 80), (false, true, true));
        pending.retry_at(at(100));
        assert_eq!(states(&pending, 99), (false, false, false));
        assert_eq!(states(&pending, 100), (true, false, false));
    }

    #[test]
    fn an_attempt_that_was_not_sent_has_no_sequence_number() {
        let mut pending = PendingRequest::due_at(at(0));
        pending.on_sent(at(0), 7, Millis(30));
        pending.retry_at(at(50));
        assert!(pending.has_sequence(7));
        pending.count_failed_attempt();
        assert!(!pending.has_sequence(7) && !pending.has_been_sent());
        pending.on_sent(at(90), 9, Millis(30));
        assert!(pending.has_sequence(9) && !pending.has_sequence(8));
        assert_eq!(pending.attempts(), 3);
    }

    #[test]
    fn a_failed_delivery_shortens_the_timeout_and_never_extends_it() {
        let mut pending = PendingRequest::due_at(at(0));
        pending.on_sent(at(0), 7, Millis(3000));
        pending.on_delivery_failure(TransmitToken::request(6), at(10), Millis(100));
        assert_eq!(pending.deadline(), at(3000), "the token of another request");
        pending.on_delivery_failure(TransmitToken::request(7), at(10), Millis(100));
        assert_eq!(pending.deadline(), at(110));
        pending.on_sent(at(110), 8, Millis(100));
        pending.on_delivery_failure(TransmitToken::request(8), at(110), Millis(100));
        assert_eq!(pending.deadline(), at(210), "the timeout is shorter than the doubled backoff");
        assert_eq!(exponential_backoff(Millis(u32::MAX), u8::MAX), Millis(u32::MAX));
    }
}
