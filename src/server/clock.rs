//! How times are told: one way throughout (section 6.13).
//!
//! ```text
//! without a clock   current 0, then an offset in seconds      wait: then FFFFFFFF
//! with one          current UTC, then UTC                     never before current
//! ```

use crate::time::{Instant, ServerTime, UtcTime};

/// The last second that is not "wait".
const LAST: u32 = u32::MAX - 1;

/// As offsets, or in UTC by a clock that the caller has set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    Offsets,
    Utc { set: Instant, to: UtcTime },
}

impl Clock {
    /// Seconds of UTC, 1 to `LAST`: 0 would make an offset of the other time.
    fn utc(self, now: Instant) -> Option<u32> {
        match self {
            Self::Offsets => None,
            Self::Utc { set, to } => Some(to.advance(set, now).0.clamp(1, LAST)),
        }
    }

    /// So many seconds from now; never "wait".
    pub(super) fn after(self, now: Instant, seconds: u32) -> ServerTime {
        match self.utc(now) {
            None => ServerTime::after_seconds(seconds),
            Some(current) => ServerTime { current, then: current.saturating_add(seconds).min(LAST) },
        }
    }

    /// At `time`, or now when that is past; "wait" without a clock.
    pub(super) fn at(self, now: Instant, UtcTime(time): UtcTime) -> ServerTime {
        match self.utc(now) {
            None => ServerTime::WAIT,
            Some(current) => ServerTime { current, then: time.max(current).min(LAST) },
        }
    }

    /// Wait.
    pub(super) fn hold(self, now: Instant) -> ServerTime {
        ServerTime { current: self.utc(now).unwrap_or(0), then: u32::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTS: [u32; 7] = [0, 1, 2, 1000, u32::MAX - 2, LAST, u32::MAX];

    /// Shows: SRV-066
    #[test]
    fn utc_is_never_0_and_no_time_lies_before_it() {
        let now = Instant::from_millis(7_999);
        for start in STARTS {
            let clock = Clock::Utc { set: Instant::from_millis(5_000), to: UtcTime(start) };
            let expected = start.saturating_add(2).clamp(1, 0xffff_fffe);
            for value in STARTS {
                for time in [clock.after(now, value), clock.at(now, UtcTime(value)), clock.hold(now)] {
                    assert_eq!(time.current, expected);
                    assert!(time.then >= time.current);
                }
                assert!(clock.after(now, value).then < u32::MAX);
                assert!(clock.at(now, UtcTime(value)).then < u32::MAX);
            }
            assert_eq!(clock.hold(now).then, u32::MAX);
        }
        let clock = Clock::Utc { set: now, to: UtcTime(1000) };
        assert_eq!(clock.after(now, 60), ServerTime { current: 1000, then: 1060 });
        assert_eq!(clock.at(now, UtcTime(5000)), ServerTime { current: 1000, then: 5000 });
        assert_eq!(clock.at(now, UtcTime(999)), ServerTime { current: 1000, then: 1000 });
    }

    #[test]
    fn without_a_clock_all_is_an_offset() {
        for value in STARTS {
            let now = Instant::from_millis(u64::from(value));
            assert_eq!(Clock::Offsets.after(now, value), ServerTime { current: 0, then: value.min(LAST) });
            assert_eq!(Clock::Offsets.at(now, UtcTime(value)), ServerTime::WAIT);
            assert_eq!(Clock::Offsets.hold(now), ServerTime::WAIT);
        }
    }
}
