//! Clock of a server. A response with WAIT_FOR_DATA and an Upgrade End Response contain two times: the current time,
//! and the time of the next request or of the upgrade. The clock of the server turns a waiting time or an upgrade time
//! into the two time fields of a response (section 6.13 of ZigBee document 095264, 2011).
//!
//! ```text
//! offsets, no UTC clock set   current 0      then: offset in seconds      hold: then 0xFFFFFFFF
//! UTC                         current UTC    then: UTC, not before current
//! ```

use crate::time::{Instant, ServerTime, UtcTime};

/// Maximum value of a time field of a response that means a time, in seconds. The value 0xFFFFFFFF of a time field
/// means "hold": the client waits for another Upgrade End Response.
const MAX_TIME: u32 = u32::MAX - 1;

/// Form of the times in responses: offsets in seconds, or UTC by the clock that the caller has set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    Offsets,
    /// UTC clock that showed `utc` at the time `set_at`.
    Utc {
        set_at: Instant,
        utc: UtcTime,
    },
}

impl Clock {
    /// Returns the UTC time in seconds, from 1 to `MAX_TIME`; `None` if the clock is [`Clock::Offsets`]. The returned
    /// UTC time is never 0, because a current time of 0 in a response means that the second time of the response is an
    /// offset.
    fn utc(self, now: Instant) -> Option<u32> {
        match self {
            Self::Offsets => None,
            Self::Utc { set_at, utc } => Some(utc.advance(set_at, now).0.clamp(1, MAX_TIME)),
        }
    }

    /// Returns the current time and the time `seconds` after `now`, for a response that orders the client to upgrade,
    /// or to repeat its request, `seconds` after `now`. The second time of the response is at most `MAX_TIME`, because
    /// 0xFFFFFFFF means "hold".
    pub(super) fn after(self, now: Instant, seconds: u32) -> ServerTime {
        match self.utc(now) {
            None => ServerTime::after_seconds(seconds),
            Some(current) => ServerTime { current, then: current.saturating_add(seconds).min(MAX_TIME) },
        }
    }

    /// Returns the current time and the upgrade time of a response that orders the client to upgrade at the UTC time
    /// `time`. If `time` is past, the response contains the current time in place of `time`. If the caller has set no
    /// UTC clock, the response means "hold".
    pub(super) fn at(self, now: Instant, UtcTime(time): UtcTime) -> ServerTime {
        match self.utc(now) {
            None => ServerTime::WAIT,
            Some(current) => ServerTime { current, then: time.max(current).min(MAX_TIME) },
        }
    }

    /// Returns the current time and the upgrade time of a response that means "hold": the client waits for another
    /// Upgrade End Response.
    pub(super) fn hold(self, now: Instant) -> ServerTime {
        ServerTime { current: self.utc(now).unwrap_or(0), then: u32::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTS: [u32; 7] = [0, 1, 2, 1000, u32::MAX - 2, MAX_TIME, u32::MAX];

    /// Shows: SRV-066
    #[test]
    fn utc_is_never_0_and_no_time_lies_before_it() {
        let now = Instant::from_millis(7_999);
        for start in STARTS {
            let clock = Clock::Utc { set_at: Instant::from_millis(5_000), utc: UtcTime(start) };
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
        let clock = Clock::Utc { set_at: now, utc: UtcTime(1000) };
        assert_eq!(clock.after(now, 60), ServerTime { current: 1000, then: 1060 });
        assert_eq!(clock.at(now, UtcTime(5000)), ServerTime { current: 1000, then: 5000 });
        assert_eq!(clock.at(now, UtcTime(999)), ServerTime { current: 1000, then: 1000 });
    }

    #[test]
    fn without_a_clock_all_is_an_offset() {
        for value in STARTS {
            let now = Instant::from_millis(u64::from(value));
            assert_eq!(
                Clock::Offsets.after(now, value),
                ServerTime { current: 0, then: value.min(MAX_TIME) }
            );
            assert_eq!(Clock::Offsets.at(now, UtcTime(value)), ServerTime::WAIT);
            assert_eq!(Clock::Offsets.hold(now), ServerTime::WAIT);
        }
    }
}
