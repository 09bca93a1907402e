//! How many requests may be under way.
//!
//! More than one at a time hides the time that a server takes. They do not make the radio any faster: what is more than
//! fills that time queues up, and gets in its own way. And some servers answer but one of those they get at once. So
//! the window is watched:
//!
//! - It is shut, for a while that doubles, when more go unanswered than a bad link loses.
//! - Where its size is left to the client, the queue is what counts (as in TCP Vegas, Brakmo and Peterson 1995): of
//!   `n` requests that take the time `t`, where a single one took `s`, `n * (t - s) / t` wait for the others.
//!
//! ```text
//!   until the first answers   found by the client: a queue below 3/8 of the window doubles it, up to the places
//!        1  ----------------> 2 ----------> 4 ----------> 8 -- a queue --> settled: little queue for 128 answers, one
//!        |                                                                 more; a long one, one less
//!        |                    given: all of it at once
//!        +------------------> n
//!
//!   any --10 of 24 unanswered--> 1, shut --256 answers, twice as many each time--> given: n; found: doubles on, or settled
//! ```

use crate::client::rtt::RttEstimator;

/// Requests that are judged together.
const SAMPLE: u8 = 24;

/// Of those, unanswered ones that no link explains: one that loses a twentieth of the frames each way loses as many
/// once in a million requests.
const TOO_MANY: u8 = 10;

/// Answers to single requests before more are tried again the first time; twice as many each further time.
const SHUT: u16 = 256;

/// Answers after which a larger window is tried once more.
const CONTENT: u16 = 128;

/// The number of requests under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    most: u8,
    now: u8,
    sent: u8,
    overdue: u8,
    /// Answers until it opens.
    shut: u16,
    /// How long it is to be shut the next time.
    next_shut: u16,
    growth: Growth,
}

/// Who decides on the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    /// It is given.
    Fixed,
    /// The client.
    Measured {
        /// How long a single request took, in eighths of a millisecond.
        single: u32,
        /// Answers since the size was changed.
        answers: u16,
        /// It doubles while there is no queue.
        doubles: bool,
    },
}

impl Window {
    /// A window of one until it is [opened](Self::open), then of `most`.
    pub(super) const fn fixed(most: u8) -> Self {
        Self { most, now: 1, sent: 0, overdue: 0, shut: 0, next_shut: SHUT, growth: Growth::Fixed }
    }

    /// A window that finds its size, up to `most`.
    pub(super) const fn measured(most: u8) -> Self {
        let growth = Growth::Measured { single: 0, answers: 0, doubles: true };
        Self { growth, ..Self::fixed(most) }
    }

    pub(super) fn size(&self) -> usize {
        self.now.into()
    }

    /// The first answers are here: more may be asked for.
    pub(super) fn open(&mut self, link: &mut RttEstimator) {
        match &mut self.growth {
            Growth::Fixed => self.set(self.most, link),
            Growth::Measured { single, .. } => *single = link.eighths().unwrap_or(0),
        }
    }

    fn set(&mut self, size: u8, link: &mut RttEstimator) {
        if size > self.now {
            // Answers will wait for each other.
            link.loosen(size.checked_div(self.now).unwrap_or(1));
        }
        (self.now, self.sent, self.overdue) = (size, 0, 0);
        if let Growth::Measured { answers, .. } = &mut self.growth {
            *answers = 0;
        }
    }

    /// A request goes out.
    pub(super) fn sent(&mut self) {
        if self.sent >= SAMPLE {
            (self.sent, self.overdue) = (0, 0);
        }
        self.sent = self.sent.saturating_add(1);
    }

    /// A request was not answered in time.
    pub(super) fn unanswered(&mut self) {
        self.overdue = self.overdue.saturating_add(1);
        if self.overdue >= TOO_MANY && self.now > 1 {
            (self.now, self.sent, self.overdue) = (1, 0, 0);
            (self.shut, self.next_shut) = (self.next_shut, self.next_shut.saturating_mul(2));
        }
    }

    /// The answer to a request that counted as unanswered came late.
    pub(super) fn late(&mut self) {
        self.overdue = self.overdue.saturating_sub(1);
    }

    /// A request was answered.
    pub(super) fn answered(&mut self, link: &mut RttEstimator) {
        if self.shut > 0 {
            self.shut = self.shut.saturating_sub(1);
            if self.shut > 0 {
                return;
            }
            if let Growth::Fixed = self.growth {
                self.set(self.most, link);
            }
        }
        if let Some(size) = self.measure(link) {
            self.set(size, link);
        }
    }

    /// The size that fits what was measured, where that is another one.
    fn measure(&mut self, link: &RttEstimator) -> Option<u8> {
        let (now, most) = (self.now, self.most);
        let Growth::Measured { single, answers, doubles } = &mut self.growth else { return None };
        *answers = answers.saturating_add(1);
        // The mean follows about eight measurements; while it doubles, too much is soon taken back.
        let enough = if *doubles { now.saturating_add(4) } else { now.saturating_mul(2).saturating_add(8) };
        if *answers < enough.into() {
            return None;
        }
        let time = link.eighths().filter(|time| *time > 0)?;
        if now == 1 {
            *single = time;
        }
        let waited = time.saturating_sub(*single).saturating_mul(u32::from(now)).saturating_mul(8);
        // Eighths of a request.
        let queue = u8::try_from(waited.checked_div(time)?).unwrap_or(u8::MAX);
        if *doubles {
            if queue < now.saturating_mul(3) && now < most {
                return Some(now.saturating_mul(2).min(most));
            }
            *doubles = false;
            // Half of those that wait; one more each time that is still too many.
            return Some(now.saturating_sub(queue >> 4).max(1)).filter(|size| *size != now);
        }
        // Where one would do, a second is in its way; with more, those that wait keep the radio busy.
        let (few, many) = match now {
            0..=2 => (5, 8),
            3 | 4 => (8, 14),
            _ => (8, 24),
        };
        if queue < few && now < most && *answers >= CONTENT {
            now.checked_add(1)
        } else if queue > many {
            now.checked_sub(1).filter(|size| *size > 0)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    /// A server that takes its time for each answer, and a way that carries one block each `pace` ms.
    fn settled(most: u8, single: u32, pace: u32) -> (u8, u8) {
        let mut link = RttEstimator::new();
        let mut window = Window::measured(most);
        link.measure(Millis(single));
        window.open(&mut link);
        let (mut least, mut largest) = (u8::MAX, 0);
        for answer in 0..4000 {
            window.sent();
            link.measure(Millis(single.max(u32::from(window.now) * pace)));
            window.answered(&mut link);
            if answer >= 1000 {
                (least, largest) = (least.min(window.now), largest.max(window.now));
            }
        }
        (least, largest)
    }

    #[test]
    fn a_measured_window_fills_the_idle_time_and_no_more() {
        for (most, single, pace, expected) in [
            (9, 12, 12, 1..=2),
            (9, 22, 11, 2..=3),
            (9, 33, 12, 2..=5),
            (9, 62, 12, 5..=8),
            (9, 500, 12, 9..=9),
            (4, 500, 12, 4..=4),
            (1, 500, 12, 1..=1),
        ] {
            let (least, largest) = settled(most, single, pace);
            assert!(
                expected.contains(&least) && expected.contains(&largest),
                "{single} ms alone, {pace} ms each: {least} to {largest}, not {expected:?}"
            );
        }
    }

    #[test]
    fn a_given_window_is_shut_when_most_go_unanswered_and_tried_again_ever_more_rarely() {
        let mut link = RttEstimator::new();
        link.measure(Millis(20));
        let mut window = Window::fixed(8);
        assert_eq!(window.size(), 1, "until the first answers are here");
        window.open(&mut link);
        assert_eq!(window.size(), 8);
        for shut in [256, 512, 1024] {
            for _ in 0..TOO_MANY {
                assert_eq!(window.size(), 8);
                window.sent();
                window.unanswered();
            }
            for _ in 0..shut {
                assert_eq!(window.size(), 1);
                window.answered(&mut link);
            }
        }
        assert_eq!(window.size(), 8);
    }

    #[test]
    fn a_bad_link_does_not_shut_a_window() {
        let mut link = RttEstimator::new();
        let mut window = Window::fixed(8);
        window.open(&mut link);
        // Every third request is not answered; late answers do not count.
        for turn in 0..1000 {
            window.sent();
            if turn % 3 == 0 {
                window.unanswered();
            } else if turn % 3 == 1 {
                window.unanswered();
                window.late();
            }
            assert_eq!(window.size(), 8, "request {turn}");
        }
    }

    #[test]
    fn a_measured_window_grows_again_one_by_one_when_the_way_got_faster() {
        let mut link = RttEstimator::new();
        let mut window = Window::measured(9);
        link.measure(Millis(62));
        window.open(&mut link);
        let answer = |window: &mut Window, link: &mut RttEstimator, pace: u32| {
            window.sent();
            link.measure(Millis(62.max(u32::from(window.now) * pace)));
            window.answered(link);
        };
        for _ in 0..1000 {
            answer(&mut window, &mut link, 40);
        }
        let narrow = window.now;
        assert!((2..=3).contains(&narrow), "{narrow}");
        let mut largest = narrow;
        for turn in 0..4000 {
            answer(&mut window, &mut link, 12);
            assert!(window.now <= largest + 1, "by more than one at answer {turn}");
            largest = largest.max(window.now);
        }
        assert!((5..=8).contains(&largest), "{largest}");
    }

    #[test]
    fn answers_may_take_longer_once_there_are_several() {
        let timeout = |link: &RttEstimator| link.timeout(Millis(3000), Millis(10_000), 0).0;
        let mut link = RttEstimator::new();
        (0..50).for_each(|_| link.measure(Millis(24)));
        let before = timeout(&link);
        Window::fixed(1).open(&mut link);
        assert_eq!(timeout(&link), before, "one it was before");
        Window::fixed(8).open(&mut link);
        assert!(timeout(&link) >= 8 * 24, "{}", timeout(&link));
    }

    #[test]
    fn a_window_of_one_is_not_shut() {
        let mut link = RttEstimator::new();
        let mut window = Window::fixed(8);
        window.open(&mut link);
        (0..2 * TOO_MANY).for_each(|_| window.unanswered());
        (0..SHUT).for_each(|_| window.answered(&mut link));
        assert_eq!(window.size(), 8, "more that went unanswered meanwhile did not count");
    }

    /// Answers take what `time` says of the size of the window; the sizes, answer for answer.
    fn sizes(window: &mut Window, answers: usize, time: fn(u32) -> u32) -> std::vec::Vec<u8> {
        let mut link = RttEstimator::new();
        link.measure(Millis(time(1)));
        if window.now == 1 {
            window.open(&mut link);
        }
        (0..answers)
            .map(|_| {
                // As if the mean followed at once.
                link = RttEstimator::new();
                link.measure(Millis(time(window.now.into())));
                window.answered(&mut link);
                window.now
            })
            .collect()
    }

    #[test]
    fn a_window_doubles_until_answers_wait_and_then_lets_go_of_half_of_those() {
        let mut window = Window::measured(64);
        let sizes = sizes(&mut window, 80, |size| 60.max(size * 16));
        let runs: std::vec::Vec<_> = sizes.chunk_by(u8::eq).map(|run| (run[0], run.len())).collect();
        assert_eq!(runs[..4], [(1, 4), (2, 6), (4, 8), (8, 12)]);
        assert_eq!(runs[4].0, 6, "four of eight waited");
    }

    #[test]
    fn a_window_grows_again_when_the_way_is_free() {
        let mut window = Window::measured(9);
        assert_eq!(sizes(&mut window, 100, |size| 20 * size).last(), Some(&2), "a queue of one");
        let sizes = sizes(&mut window, 300, |_| 20);
        let runs: std::vec::Vec<_> = sizes.chunk_by(u8::eq).map(|run| (run[0], run.len())).collect();
        assert_eq!(runs[1..3], [(3, 128), (4, 128)], "one more each time");
    }

    #[test]
    fn two_that_are_in_each_others_way_become_one() {
        let mut window = Window::measured(9);
        let sizes = sizes(&mut window, 100, |size| if size == 1 { 25 } else { 60 });
        assert_eq!(sizes.last(), Some(&1));
    }

    #[test]
    fn the_largest_window_is_made_smaller_as_any_other() {
        let mut window = Window::measured(9);
        assert_eq!(sizes(&mut window, 100, |_| 60).last(), Some(&9));
        // Three of nine wait.
        assert!(sizes(&mut window, 60, |_| 93).contains(&8));
    }
}
