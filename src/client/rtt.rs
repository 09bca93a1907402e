//! How long answers take: smoothed round trip and deviation as in RFC 6298, and from them how long to wait for one.
//!
//! Each try of a request has a sequence number of its own, which the answer repeats: so the round trip is measured from
//! the try that was answered, also after a repetition, and the timer can follow the link closely.
//!
//! ```text
//! sample ---> smoothed  += (sample - smoothed) / 8
//!        \--> deviation += (|sample - smoothed| - deviation) / 4      time to wait: smoothed + 4 deviation
//! ```

use crate::time::Millis;

use super::pending::doubled;

/// How long answers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RttEstimator {
    // Both in eighths of a millisecond, so that small changes are not rounded away.
    smoothed: u32,
    /// `UNKNOWN` before the first measurement.
    deviation: u32,
}

/// No deviation is as large: it is at most half of what can be measured.
const UNKNOWN: u32 = u32::MAX;

/// Below this the timer would fire for a server that is a little slower once, ms.
const LEAST_MARGIN: u32 = 5;

impl RttEstimator {
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

    /// The mean; `None` before the first measurement.
    pub(super) fn mean(&self) -> Option<Millis> {
        self.eighths().map(|eighths| Millis(eighths >> 3))
    }

    /// The mean in eighths of a millisecond.
    pub(super) fn eighths(&self) -> Option<u32> {
        (self.deviation != UNKNOWN).then_some(self.smoothed)
    }

    /// From now on answers may take `times` as long as measured, as more requests are under way; the next measurements
    /// tell.
    pub(super) fn loosen(&mut self, times: u8) {
        if self.deviation != UNKNOWN {
            // The margin is four deviations.
            let quarter = self.smoothed >> 2;
            self.deviation = self.deviation.max(quarter.saturating_mul(times.into()).min(UNKNOWN >> 1));
        }
    }

    /// After how long an answer is late, that is more so than most are: smoothed round trip and deviation.
    pub(super) fn late(&self) -> Option<Millis> {
        self.eighths().map(|smoothed| Millis(smoothed.saturating_add(self.deviation) >> 3))
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
        Millis(doubled(Millis(base), unanswered).0.min(most.0).max(1))
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

    #[test]
    fn a_steady_link_is_timed_closely() {
        let mut link = RttEstimator::new();
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
        let mut link = RttEstimator::new();
        for turn in 0..50 {
            link.measure(Millis(if turn % 2 == 0 { 20 } else { 60 }));
        }
        let Millis(timeout) = link.timeout(FIRST, MOST, 0);
        assert!((80..200).contains(&timeout), "{timeout}");
    }

    #[test]
    fn the_first_measurement_counts_whole_and_half_of_it_as_deviation() {
        let mut link = RttEstimator::new();
        assert_eq!((link.mean(), link.eighths()), (None, None));
        link.measure(Millis(24));
        assert_eq!((link.mean(), link.eighths()), (Some(Millis(24)), Some(192)));
        assert_eq!(link.timeout(FIRST, MOST, 0), Millis(24 + 4 * 12));
        // One eighth of what is new counts, and one quarter of how far off it was.
        link.measure(Millis(32));
        assert_eq!((link.mean(), link.eighths()), (Some(Millis(25)), Some(200)));
        assert_eq!(link.timeout(FIRST, MOST, 0), Millis(25 + 4 * (9 + 2)));
    }

    #[test]
    fn a_loosened_timer_waits_for_more_and_only_where_it_was_measured() {
        let mut link = RttEstimator::new();
        link.loosen(4);
        assert_eq!((link.mean(), link.timeout(FIRST, MOST, 0)), (None, FIRST));
        for _ in 0..50 {
            link.measure(Millis(24));
        }
        link.loosen(4);
        assert_eq!(link.timeout(FIRST, MOST, 0), Millis(24 + 4 * 24));
        link.loosen(1);
        assert_eq!(link.timeout(FIRST, MOST, 0), Millis(24 + 4 * 24), "never tighter");
    }

    #[test]
    fn nothing_measured_is_taken_for_unknown() {
        let mut link = RttEstimator::new();
        link.measure(Millis(u32::MAX));
        assert_eq!(link.eighths(), Some(UNKNOWN >> 1));
        link.loosen(u8::MAX);
        assert_eq!(link.deviation, UNKNOWN >> 1);
    }

    #[test]
    fn extremes_neither_wrap_nor_panic() {
        let mut link = RttEstimator::new();
        link.measure(Millis(u32::MAX));
        link.measure(Millis(0));
        assert_eq!(link.timeout(FIRST, MOST, u8::MAX), MOST);
        let mut quick = RttEstimator::new();
        quick.measure(Millis(0));
        assert_eq!(quick.timeout(FIRST, MOST, 0), Millis(LEAST_MARGIN));
    }
}
