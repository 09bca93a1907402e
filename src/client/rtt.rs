//! Estimator of the round-trip time and of the retransmission timeout, after RFC 6298.
//!
//! Each attempt of a request has a sequence number of its own, and the answer repeats the sequence number of the
//! attempt. The client therefore knows which attempt an answer belongs to, and measures the round trip from that
//! attempt, also after a retry. Because the measured round trips are exact, the timeout of a request can stay close to
//! the round-trip time of the link.
//!
//! ```text
//! sample ---> smoothed  += (sample - smoothed) / 8
//!        \--> deviation += (|sample - smoothed| - deviation) / 4      timeout: smoothed + 4 deviation
//! ```

use crate::time::Millis;

use super::request_retry::exponential_backoff;

/// Estimator that holds the smoothed round-trip time and the mean deviation of the measured round trips. The round-trip
/// time and the deviation are in eighths of a millisecond, so that small changes are not rounded away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RttEstimator {
    smoothed: u32,
    /// Mean deviation of the measured round trips, in eighths of a millisecond; `NOT_MEASURED` before the first
    /// measurement.
    deviation: u32,
}

/// Value of `deviation` before the first round trip is measured. A measured deviation never equals `NOT_MEASURED`,
/// because round trips and deviations are limited to half of `NOT_MEASURED`.
const NOT_MEASURED: u32 = u32::MAX;

/// Minimum difference between the timeout and the smoothed round-trip time, in milliseconds. If the timeout were closer
/// to the smoothed round-trip time, a client on a steady link would send a retry each time the server is slightly
/// slower than usual.
const MIN_MARGIN: u32 = 5;

impl RttEstimator {
    pub(super) const fn new() -> Self {
        Self { smoothed: 0, deviation: NOT_MEASURED }
    }

    /// Adds a measured round trip to the estimate (RFC 6298, section 2).
    pub(super) fn update(&mut self, Millis(millis): Millis) {
        let sample = millis.saturating_mul(8).min(NOT_MEASURED >> 1);
        let Self { smoothed, deviation } = *self;
        *self = match deviation {
            NOT_MEASURED => Self { smoothed: sample, deviation: sample >> 1 },
            _ => Self {
                smoothed: moving_average(smoothed, sample, 3),
                deviation: moving_average(deviation, smoothed.abs_diff(sample), 2),
            },
        };
    }

    /// Returns the smoothed round-trip time; `None` before the first measurement.
    pub(super) fn smoothed(&self) -> Option<Millis> {
        self.smoothed_eighths().map(|eighths| Millis(eighths >> 3))
    }

    /// Returns the smoothed round-trip time in eighths of a millisecond; `None` before the first measurement.
    pub(super) fn smoothed_eighths(&self) -> Option<u32> {
        (self.deviation != NOT_MEASURED).then_some(self.smoothed)
    }

    /// Returns whether the round-trip times are measured and vary so little that the timeout is at most twice the
    /// smoothed round-trip time.
    pub(super) const fn is_steady(&self) -> bool {
        self.deviation <= self.smoothed >> 2
    }

    /// Raises the deviation so that the timeout is at least `times` + 1 times the smoothed round-trip time. The client
    /// calls `raise_deviation` when the window of block requests grows: with more requests in flight, each response
    /// waits longer for the responses before it. Later measurements correct the raised deviation.
    // Not inlined on a small processor, to save flash.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(super) fn raise_deviation(&mut self, times: u8) {
        if self.deviation != NOT_MEASURED {
            // The timeout exceeds the smoothed round trip by four deviations.
            let quarter = self.smoothed >> 2;
            self.deviation = self.deviation.max(quarter.saturating_mul(times.into()).min(NOT_MEASURED >> 1));
        }
    }

    /// Returns the time after a request before which an answer is implausible: an eighth of the smoothed round-trip
    /// time, and 0 before the first sample.
    ///
    /// The smoothed round-trip time may be longer than the present round trip. A limit of a quarter would then count an
    /// early answer as an answer to an earlier attempt, and make the smoothed round-trip time still longer. In the
    /// simulation of a server with sequence numbers of its own (three hops, 10 % loss), a limit of a quarter instead of
    /// an eighth reduces the goodput of a window of 8 from 90 to 52 % of the goodput of the oracle.
    pub(super) const fn shortest_plausible(&self) -> Millis {
        // The smoothed round-trip time is in eighths of a millisecond.
        Millis(self.smoothed >> 6)
    }

    /// Returns the time after a request at which the answer counts as late, although the timeout of the request has not
    /// passed. The returned time is the smoothed round-trip time plus one mean deviation; most answers arrive before
    /// the returned time.
    pub(super) fn late_after(&self) -> Option<Millis> {
        self.smoothed_eighths().map(|smoothed| Millis(smoothed.saturating_add(self.deviation) >> 3))
    }

    /// Returns the timeout of an attempt, doubled `doublings` times. The timeout of a first attempt is `initial` before
    /// the first measured round trip, and follows from the measured round trips afterwards. The timeout stays between
    /// 1 ms and `max`.
    pub(super) fn timeout(&self, initial: Millis, max: Millis, doublings: u8) -> Millis {
        let Self { smoothed, deviation } = *self;
        let base = match deviation {
            NOT_MEASURED => initial.0,
            _ => {
                let margin = deviation.saturating_mul(4).max(smoothed >> 2) >> 3;
                (smoothed >> 3).saturating_add(margin.max(MIN_MARGIN))
            }
        };
        Millis(exponential_backoff(Millis(base), doublings).0.min(max.0).max(1))
    }
}

/// Returns the exponentially weighted moving average of `average` and the new value `sample`, which has the weight
/// 1/2^`shift`.
fn moving_average(average: u32, sample: u32, shift: u32) -> u32 {
    average.saturating_sub(average >> shift).saturating_add(sample >> shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INITIAL: Millis = Millis(3000);
    const MAX: Millis = Millis(10_000);

    #[test]
    fn a_link_is_steady_up_to_a_deviation_of_a_quarter() {
        let mut rtt = RttEstimator::new();
        assert!(!rtt.is_steady(), "nothing is measured");
        rtt.update(Millis(100));
        assert!(!rtt.is_steady(), "the first deviation is half of the round trip");
        (0..50).for_each(|_| rtt.update(Millis(100)));
        assert!(rtt.is_steady());
        for (deviation, is_steady) in [(rtt.smoothed >> 2, true), ((rtt.smoothed >> 2) + 1, false)] {
            assert_eq!(RttEstimator { deviation, ..rtt }.is_steady(), is_steady, "{deviation}");
        }
    }

    #[test]
    fn a_steady_link_has_a_timeout_close_to_its_round_trip() {
        let mut rtt = RttEstimator::new();
        assert_eq!(rtt.timeout(INITIAL, MAX, 0), INITIAL);
        for _ in 0..50 {
            rtt.update(Millis(24));
        }
        assert_eq!(rtt.timeout(INITIAL, MAX, 0), Millis(30));
        assert_eq!(rtt.timeout(INITIAL, MAX, 1), Millis(60));
        assert_eq!(rtt.timeout(INITIAL, MAX, 30), MAX);
    }

    #[test]
    fn an_unsteady_link_has_a_timeout_that_covers_its_variance() {
        let mut rtt = RttEstimator::new();
        for turn in 0..50 {
            rtt.update(Millis(if turn % 2 == 0 { 20 } else { 60 }));
        }
        let Millis(timeout) = rtt.timeout(INITIAL, MAX, 0);
        assert!((80..200).contains(&timeout), "{timeout}");
    }

    #[test]
    fn the_first_sample_is_the_average_and_half_of_it_the_deviation() {
        let mut rtt = RttEstimator::new();
        assert_eq!((rtt.smoothed(), rtt.smoothed_eighths()), (None, None));
        rtt.update(Millis(24));
        assert_eq!((rtt.smoothed(), rtt.smoothed_eighths()), (Some(Millis(24)), Some(192)));
        assert_eq!(rtt.timeout(INITIAL, MAX, 0), Millis(24 + 4 * 12));
        // The second sample weighs one eighth in the average, and its error one quarter in the deviation.
        rtt.update(Millis(32));
        assert_eq!((rtt.smoothed(), rtt.smoothed_eighths()), (Some(Millis(25)), Some(200)));
        assert_eq!(rtt.timeout(INITIAL, MAX, 0), Millis(25 + 4 * (9 + 2)));
    }

    #[test]
    fn an_answer_is_plausible_from_an_eighth_of_the_round_trip_on() {
        let mut rtt = RttEstimator::new();
        assert_eq!(rtt.shortest_plausible(), Millis(0), "nothing is known before the first sample");
        rtt.update(Millis(80));
        assert_eq!(rtt.shortest_plausible(), Millis(10));
    }

    #[test]
    fn a_raised_deviation_extends_the_timeout_once_there_is_a_sample() {
        let mut rtt = RttEstimator::new();
        rtt.raise_deviation(4);
        assert_eq!((rtt.smoothed(), rtt.timeout(INITIAL, MAX, 0)), (None, INITIAL));
        for _ in 0..50 {
            rtt.update(Millis(24));
        }
        rtt.raise_deviation(4);
        assert_eq!(rtt.timeout(INITIAL, MAX, 0), Millis(24 + 4 * 24));
        rtt.raise_deviation(1);
        assert_eq!(rtt.timeout(INITIAL, MAX, 0), Millis(24 + 4 * 24), "a deviation is never lowered");
    }

    #[test]
    fn no_sample_is_mistaken_for_the_sentinel() {
        let mut rtt = RttEstimator::new();
        rtt.update(Millis(u32::MAX));
        assert_eq!(rtt.smoothed_eighths(), Some(NOT_MEASURED >> 1));
        rtt.raise_deviation(u8::MAX);
        assert_eq!(rtt.deviation, NOT_MEASURED >> 1);
    }

    #[test]
    fn extreme_samples_neither_wrap_nor_panic() {
        let mut rtt = RttEstimator::new();
        rtt.update(Millis(u32::MAX));
        rtt.update(Millis(0));
        assert_eq!(rtt.timeout(INITIAL, MAX, u8::MAX), MAX);
        let mut fast = RttEstimator::new();
        fast.update(Millis(0));
        assert_eq!(fast.timeout(INITIAL, MAX, 0), Millis(MIN_MARGIN));
    }
}
