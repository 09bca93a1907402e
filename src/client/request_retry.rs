//! Retry state of one request in flight. Block and page requests of a download have their own, see `transfer::in_flight`.
//!
//! ```text
//! due -- sent --> in flight -- answered --> done
//!  ^                 |
//!  +-- timeout, delivery failed: retry with a new sequence number
//! ```

use crate::aps::TransmitToken;
use crate::time::{Instant, Millis};

/// Number of latest attempts whose sequence numbers are accepted in answers.
const MAX_SEQUENCES: u8 = 3;

/// A request with its attempts and its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingRequest {
    /// Time to send the request or, once it is in flight, the end of its timeout.
    deadline: Instant,
    /// Attempts so far, including those that could not be sent.
    attempts: u8,
    /// Attempts sent since the last one that could not be sent. Their sequence numbers are consecutive.
    sequences: u8,
    /// Sequence number of the last attempt sent; earlier attempts have the numbers just below it.
    sequence: u8,
    /// Whether the last attempt was sent and is still waited for.
    in_flight: bool,
}

impl PendingRequest {
    /// Request to be sent from `at` on.
    pub(super) const fn due_at(at: Instant) -> Self {
        Self { deadline: at, attempts: 0, sequences: 0, sequence: 0, in_flight: false }
    }

    /// Time of the next attempt, or end of the timeout.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        !self.in_flight && self.deadline <= now
    }

    pub(super) const fn is_in_flight(&self) -> bool {
        self.in_flight
    }

    pub(super) const fn attempts(&self) -> u8 {
        self.attempts
    }

    /// Records an attempt that was sent.
    pub(super) fn on_sent(&mut self, now: Instant, sequence: u8, timeout: Millis) {
        self.deadline = now.plus(timeout);
        self.sequence = sequence;
        self.attempts = self.attempts.saturating_add(1);
        self.sequences = self.sequences.saturating_add(1);
        self.in_flight = true;
    }

    /// Returns whether the timeout of the last attempt has passed.
    pub(super) fn is_timed_out(&self, now: Instant) -> bool {
        self.in_flight && self.deadline <= now
    }

    /// Schedules a retry at `at`.
    pub(super) fn retry_at(&mut self, at: Instant) {
        self.deadline = at;
        self.in_flight = false;
    }

    /// Counts an attempt that could not be sent. It used no sequence number, so the numbers of earlier attempts are no
    /// longer consecutive and are forgotten.
    pub(super) fn count_failed_attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.sequences = 0;
    }

    /// Shortens the timeout to `backoff`, doubled with each attempt, if the frame that was not delivered is the last
    /// attempt. An answer is still accepted: perhaps only the acknowledgement was lost.
    pub(super) fn on_delivery_failure(&mut self, token: TransmitToken, now: Instant, backoff: Millis) {
        if self.in_flight && token == TransmitToken::request(self.sequence) {
            let backoff = exponential_backoff(backoff, self.attempts.saturating_sub(1));
            self.deadline = self.deadline.min(now.plus(backoff));
        }
    }

    /// Returns whether an attempt was sent that the server may answer.
    pub(super) const fn has_been_sent(&self) -> bool {
        self.sequences > 0
    }

    /// Returns whether one of the latest attempts had this sequence number.
    pub(super) fn has_sequence(&self, sequence: u8) -> bool {
        self.sequence.wrapping_sub(sequence) < self.sequences.min(MAX_SEQUENCES)
    }
}

/// Returns `base` doubled `doublings` times. Backoff keeps a short outage of a route from using up all attempts.
pub(super) fn exponential_backoff(Millis(base): Millis, doublings: u8) -> Millis {
    // 20 doublings turn one millisecond into 17 minutes, beyond every maximum timeout.
    Millis(base.saturating_mul(1 << doublings.min(20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
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
