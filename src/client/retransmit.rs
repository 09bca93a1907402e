//! One request until its answer: when to send it, when to send it again, and how long answers take.
//!
//! Each try has a sequence number of its own, which the answer repeats. So the round trip is measured from the try that
//! was answered, also after a repetition, and the timer can follow the link closely: smoothed round trip and
//! variance as in RFC 6298, doubled with each try that stays unanswered.

use crate::link::Token;
use crate::time::{Instant, Millis};

/// Tries whose send time is remembered.
const REMEMBERED: usize = 3;

/// No try is remembered: no time that counts is as long.
const NEVER: Millis = Millis(u32::MAX);

/// The state of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    /// When it is to be sent or, once it was, until when its answer is expected.
    deadline: Instant,
    /// How long before that the last try went out; `NEVER` without one.
    before: Millis,
    /// Time from each try before the last to the next one, the newest first; `NEVER` where there was none.
    gaps: [Millis; REMEMBERED - 1],
    /// Tries so far, with those that could not be sent.
    attempts: u8,
    /// Sequence number of the last try; those before it count down from there.
    sequence: u8,
    /// The last try is out.
    waiting: bool,
}

impl Exchange {
    /// A request to be sent from `at` on.
    pub(super) const fn due(at: Instant) -> Self {
        Self {
            deadline: at,
            before: NEVER,
            gaps: [NEVER; REMEMBERED - 1],
            attempts: 0,
            sequence: 0,
            waiting: false,
        }
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
        let [before, _] = self.gaps;
        self.gaps = [self.newest().map_or(NEVER, |newest| now.since(newest)), before];
        (self.deadline, self.before) = (now.plus(timeout), timeout);
        self.sequence = sequence;
        self.attempts = self.attempts.saturating_add(1);
        self.waiting = true;
    }

    /// When the last try went out.
    fn newest(&self) -> Option<Instant> {
        (self.before != NEVER).then(|| self.deadline.minus(self.before))
    }

    fn set_deadline(&mut self, at: Instant) {
        self.before = self.newest().map_or(NEVER, |newest| at.since(newest));
        self.deadline = at;
    }

    /// Whether the answer is overdue.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.waiting && self.deadline <= now
    }

    /// The same request once more, from `at` on.
    pub(super) fn again(&mut self, at: Instant) {
        self.set_deadline(at);
        self.waiting = false;
    }

    /// A try that could not even be sent. It had no sequence number, so those before it cannot be told by theirs any more.
    pub(super) fn missed(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.before = NEVER;
        self.gaps = [NEVER; REMEMBERED - 1];
    }

    /// The last try did not arrive, if that is the one meant: its answer is not waited for beyond `pause`, which is doubled
    /// with each try, so that a route that is gone for a while does not use up all tries. It may come all the same, as
    /// the acknowledgement alone may be what was lost.
    pub(super) fn undelivered(&mut self, token: Token, now: Instant, Millis(pause): Millis) {
        if self.waiting && token == Token::request(self.sequence) {
            let before = self.attempts.saturating_sub(1).min(20);
            let doubled = Millis(pause.saturating_mul(1 << before));
            self.set_deadline(self.deadline.min(now.plus(doubled)));
        }
    }

    /// Whether there is something to answer.
    pub(super) fn was_sent(&self) -> bool {
        self.before != NEVER
    }

    /// When the try that carried `sequence` went out; `None` for a number that is none of the remembered tries'.
    pub(super) fn sent_at(&self, sequence: u8) -> Option<Instant> {
        let back = usize::from(self.sequence.wrapping_sub(sequence));
        if back >= REMEMBERED {
            return None;
        }
        let earlier = |at: Instant, gap: Millis| (gap != NEVER).then(|| at.minus(gap));
        self.gaps.iter().take(back).try_fold(self.newest()?, |at, gap| earlier(at, *gap))
    }

    /// When the last try went out.
    pub(super) fn last_sent(&self) -> Option<Instant> {
        self.sent_at(self.sequence)
    }
}

/// How long answers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RoundTrip {
    // Both in eighths of a millisecond, so that small changes are not rounded away.
    smoothed: u32,
    /// `UNKNOWN` before the first measurement.
    deviation: u32,
}

/// No deviation is as large: it is at most half of what can be measured.
const UNKNOWN: u32 = u32::MAX;

/// Below this the timer would fire for a server that is a little slower once, ms.
const LEAST_MARGIN: u32 = 5;

impl RoundTrip {
    pub(super) const fn new() -> Self {
        Self { smoothed: 0, deviation: UNKNOWN }
    }

    /// Takes a round trip into account (RFC 6298, section 2).
    pub(super) fn measure(&mut self, Millis(millis): Millis) {
        let sample = millis.saturating_mul(8).min(UNKNOWN >> 1);
        let Self { smoothed, deviation } = *self;
        *self = match deviation {
            UNKNOWN => Self { smoothed: sample, deviation: sample >> 1 },
            _ => Self {
                smoothed: blend(smoothed, sample, 3),
                deviation: blend(deviation, smoothed.abs_diff(sample), 2),
            },
        };
    }

    /// How long to wait for the answer after `unanswered` tries before this one.
    pub(super) fn timeout(&self, first: Millis, most: Millis, unanswered: u8) -> Millis {
        let Self { smoothed, deviation } = *self;
        let base = match deviation {
            UNKNOWN => first.0,
            _ => {
                let margin = deviation.saturating_mul(4).max(smoothed >> 2) >> 3;
                (smoothed >> 3).saturating_add(margin.max(LEAST_MARGIN))
            }
        };
        let doubled = base.saturating_mul(1 << unanswered.min(20));
        Millis(doubled.min(most.0).max(1))
    }
}

/// `old` moved towards `new` by one part in two to the power of `shift`.
fn blend(old: u32, new: u32, shift: u32) -> u32 {
    old.saturating_sub(old >> shift).saturating_add(new >> shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Millis = Millis(3000);
    const MOST: Millis = Millis(10_000);

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn the_try_that_is_answered_gives_the_round_trip() {
        let mut exchange = Exchange::due(at(0));
        assert_eq!(exchange.sent_at(0), None, "nothing was sent");
        for (sequence, time) in [(254, 0), (255, 30), (0, 90), (1, 210)] {
            exchange.sent(at(time), sequence, Millis(30));
        }
        assert_eq!(exchange.sent_at(1), Some(at(210)));
        assert_eq!(exchange.sent_at(0), Some(at(90)));
        assert_eq!(exchange.sent_at(255), Some(at(30)));
        assert_eq!(exchange.sent_at(254), None, "forgotten");
        assert_eq!(exchange.sent_at(2), None, "not sent yet");
        assert_eq!(exchange.attempts(), 4);
    }

    #[test]
    fn a_try_that_was_not_sent_has_no_number() {
        let mut exchange = Exchange::due(at(0));
        exchange.sent(at(0), 7, Millis(30));
        exchange.again(at(50));
        assert_eq!(exchange.sent_at(7), Some(at(0)));
        exchange.missed();
        assert_eq!((exchange.sent_at(7), exchange.was_sent()), (None, false));
        exchange.sent(at(90), 9, Millis(30));
        assert_eq!((exchange.sent_at(9), exchange.sent_at(8)), (Some(at(90)), None));
        assert_eq!(exchange.attempts(), 3);
    }

    #[test]
    fn a_steady_link_is_timed_closely() {
        let mut link = RoundTrip::new();
        assert_eq!(link.timeout(FIRST, MOST, 0), FIRST);
        for _ in 0..50 {
            link.measure(Millis(24));
        }
        assert_eq!(link.timeout(FIRST, MOST, 0), Millis(30));
        assert_eq!(link.timeout(FIRST, MOST, 1), Millis(60));
        assert_eq!(link.timeout(FIRST, MOST, 30), MOST);
    }

    #[test]
    fn an_unsteady_link_is_given_its_variance() {
        let mut link = RoundTrip::new();
        for turn in 0..50 {
            link.measure(Millis(if turn % 2 == 0 { 20 } else { 60 }));
        }
        let Millis(timeout) = link.timeout(FIRST, MOST, 0);
        assert!((80..200).contains(&timeout), "{timeout}");
    }

    #[test]
    fn extremes_neither_wrap_nor_panic() {
        let mut link = RoundTrip::new();
        link.measure(Millis(u32::MAX));
        link.measure(Millis(0));
        assert_eq!(link.timeout(FIRST, MOST, u8::MAX), MOST);
        let mut quick = RoundTrip::new();
        quick.measure(Millis(0));
        assert_eq!(quick.timeout(FIRST, MOST, 0), Millis(LEAST_MARGIN));
    }
}
