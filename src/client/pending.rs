//! One request until its answer: when to send it, and when to send it again. Those of the download have places of
//! their own, see `transfer`.
//!
//! ```text
//! due -- sent --> waiting -- answered --> over
//!  ^                |
//!  +-- overdue, not delivered: once more, with a sequence number of its own
//! ```

use crate::aps::TransmitToken;
use crate::time::{Instant, Millis};

/// Tries whose sequence number is remembered.
const REMEMBERED: u8 = 3;

/// The state of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingRequest {
    /// When it is to be sent or, once it was, until when its answer is expected.
    deadline: Instant,
    /// Tries so far, with those that could not be sent.
    attempts: u8,
    /// Tries in a row that were sent: only those have a sequence number.
    numbered: u8,
    /// Sequence number of the last try; those before it count down from there.
    sequence: u8,
    /// The last try is out.
    waiting: bool,
}

impl PendingRequest {
    /// A request to be sent from `at` on.
    pub(super) const fn due(at: Instant) -> Self {
        Self { deadline: at, attempts: 0, numbered: 0, sequence: 0, waiting: false }
    }

    /// The next moment something is to be done.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        !self.waiting && self.deadline <= now
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting
    }

    pub(super) const fn attempts(&self) -> u8 {
        self.attempts
    }

    /// The request went out.
    pub(super) fn sent(&mut self, now: Instant, sequence: u8, timeout: Millis) {
        self.deadline = now.plus(timeout);
        self.sequence = sequence;
        self.attempts = self.attempts.saturating_add(1);
        self.numbered = self.numbered.saturating_add(1);
        self.waiting = true;
    }

    /// Whether the answer is overdue.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.waiting && self.deadline <= now
    }

    /// The same request once more, from `at` on.
    pub(super) fn again(&mut self, at: Instant) {
        self.deadline = at;
        self.waiting = false;
    }

    /// A try that could not even be sent. It had no sequence number, so those before it cannot be told by theirs any more.
    pub(super) fn missed(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.numbered = 0;
    }

    /// The last try did not arrive, if that is the one meant: its answer is not waited for beyond `pause`, doubled with
    /// each try. It may come all the same, as the acknowledgement alone may be what was lost.
    pub(super) fn undelivered(&mut self, token: TransmitToken, now: Instant, pause: Millis) {
        if self.waiting && token == TransmitToken::request(self.sequence) {
            let pause = doubled(pause, self.attempts.saturating_sub(1));
            self.deadline = self.deadline.min(now.plus(pause));
        }
    }

    /// Whether there is something to answer.
    pub(super) const fn was_sent(&self) -> bool {
        self.numbered > 0
    }

    /// Whether one of the last tries carried `sequence`.
    pub(super) fn carried(&self, sequence: u8) -> bool {
        self.sequence.wrapping_sub(sequence) < self.numbered.min(REMEMBERED)
    }
}

/// `pause`, doubled so many times: a route that is gone for a while must not use up all tries.
pub(super) fn doubled(Millis(pause): Millis, times: u8) -> Millis {
    Millis(pause.saturating_mul(1 << times.min(20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn the_last_tries_are_known_by_their_numbers() {
        let mut exchange = PendingRequest::due(at(0));
        assert!(!exchange.carried(0) && !exchange.was_sent());
        for (sequence, time) in [(254, 0), (255, 30), (0, 90), (1, 210)] {
            exchange.sent(at(time), sequence, Millis(30));
        }
        assert!([1, 0, 255].into_iter().all(|sequence| exchange.carried(sequence)));
        assert!(!exchange.carried(254), "forgotten");
        assert!(!exchange.carried(2), "not sent yet");
        assert_eq!(exchange.attempts(), 4);
    }

    #[test]
    fn a_request_is_due_then_waited_for_then_overdue() {
        let mut exchange = PendingRequest::due(at(50));
        let states = |exchange: &PendingRequest, time| {
            (exchange.is_due(at(time)), exchange.is_waiting(), exchange.is_overdue(at(time)))
        };
        assert_eq!(states(&exchange, 49), (false, false, false));
        assert_eq!(states(&exchange, 50), (true, false, false));
        exchange.sent(at(50), 7, Millis(30));
        assert!(exchange.was_sent());
        assert_eq!(states(&exchange, 79), (false, true, false));
        assert_eq!(states(&exchange, 80), (false, true, true));
        exchange.again(at(100));
        assert_eq!(states(&exchange, 99), (false, false, false));
        assert_eq!(states(&exchange, 100), (true, false, false));
    }

    #[test]
    fn a_try_that_was_not_sent_has_no_number() {
        let mut exchange = PendingRequest::due(at(0));
        exchange.sent(at(0), 7, Millis(30));
        exchange.again(at(50));
        assert!(exchange.carried(7));
        exchange.missed();
        assert!(!exchange.carried(7) && !exchange.was_sent());
        exchange.sent(at(90), 9, Millis(30));
        assert!(exchange.carried(9) && !exchange.carried(8));
        assert_eq!(exchange.attempts(), 3);
    }

    #[test]
    fn a_failed_delivery_ends_the_wait_early_and_never_late() {
        let mut exchange = PendingRequest::due(at(0));
        exchange.sent(at(0), 7, Millis(3000));
        exchange.undelivered(TransmitToken::request(6), at(10), Millis(100));
        assert_eq!(exchange.deadline(), at(3000), "another's");
        exchange.undelivered(TransmitToken::request(7), at(10), Millis(100));
        assert_eq!(exchange.deadline(), at(110));
        exchange.sent(at(110), 8, Millis(100));
        exchange.undelivered(TransmitToken::request(8), at(110), Millis(100));
        assert_eq!(exchange.deadline(), at(210), "not the doubled pause, which is longer");
        assert_eq!(doubled(Millis(u32::MAX), u8::MAX), Millis(u32::MAX));
    }
}
