//! Time as an argument: [`Instant`] for deadlines, [`UtcTime`] and [`ServerTime`] for what servers say.
//!
//! A server tells a time by two seconds counters (section 6.8.4, table 18):
//!
//! | current time | other time | meaning |
//! |---|---|---|
//! | 0 | 0 to 0xFFFFFFFE | offset in seconds from the receipt of the frame |
//! | 1 to 0xFFFFFFFE | 0 to 0xFFFFFFFE | UTC, seconds since 2000-01-01; without a clock the difference counts |
//! | any | 0xFFFFFFFF | wait: for an Upgrade End Response, or (in WAIT_FOR_DATA) without end |

use core::time::Duration;

/// A moment on the caller's monotonic clock, in milliseconds since any start the caller likes.
///
/// Adding never wraps: a deadline beyond the end of the counter is the end of the counter, 584 million years on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The clock's start.
    pub const ZERO: Self = Self(0);

    /// A moment `millis` milliseconds after the clock's start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the clock's start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `duration` later, rounded up to the next millisecond, so that nothing happens early.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let part = u64::from(duration.subsec_nanos().div_ceil(1_000_000));
        Self(self.0.saturating_add(duration.as_secs().saturating_mul(1000)).saturating_add(part))
    }

    /// The moment `millis` later.
    #[must_use]
    pub fn plus(self, Millis(millis): Millis) -> Self {
        Self(self.0.saturating_add(u64::from(millis)))
    }

    /// The moment `millis` earlier, at most as far back as the clock's start.
    pub(crate) fn minus(self, Millis(millis): Millis) -> Self {
        Self(self.0.saturating_sub(u64::from(millis)))
    }

    /// Time since `earlier`; zero when that lies in the future, at most 49 days.
    #[must_use]
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u32::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(u32::MAX))
    }
}

/// A span of up to 49 days in four bytes, for settings and what a machine remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Millis(pub u32);

impl Millis {
    /// So many seconds, at most 49 days.
    #[must_use]
    pub const fn secs(seconds: u32) -> Self {
        Self(seconds.saturating_mul(1000))
    }
}

impl From<Millis> for Duration {
    fn from(Millis(millis): Millis) -> Self {
        Self::from_millis(u64::from(millis))
    }
}

/// UTC as the Time cluster counts it: seconds since 2000-01-01 00:00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UtcTime(pub u32);

impl UtcTime {
    /// The Unix time of this counter's start.
    pub const UNIX_START: u64 = 946_684_800;

    /// From seconds since 1970; `None` before 2000 and from the year 2136 on.
    #[must_use]
    pub fn from_unix(seconds: u64) -> Option<Self> {
        seconds.checked_sub(Self::UNIX_START).and_then(|seconds| u32::try_from(seconds).ok()).map(Self)
    }

    /// What a clock that showed this time at `set` shows at `now`; it stops at its end, in the year 2136.
    #[must_use]
    pub fn running(self, set: Instant, now: Instant) -> Self {
        let [a, b, c, d, e, f, g, h] = now.0.saturating_sub(set.0).to_be_bytes();
        // By halves of a word, as on paper: a division of 64 bits is a kilobyte of code on a small processor.
        let halves = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_be_bytes);
        let (seconds, _) = halves.into_iter().fold((0_u64, 0_u32), |(seconds, rest), half| {
            let part = rest << 16 | u32::from(half);
            (seconds << 16 | u64::from(part / 1000), part % 1000)
        });
        Self(self.0.saturating_add(u32::try_from(seconds).unwrap_or(u32::MAX)))
    }
}

/// The pair of times in an Upgrade End Response and in WAIT_FOR_DATA, as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServerTime {
    /// The server's clock when it sent the frame, or 0 where `then` is an offset.
    pub current: u32,
    /// The moment meant: upgrade time or request time.
    pub then: u32,
}

/// What a time stands for, where the two commands differ (section 6.8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Purpose {
    /// Upgrade time of an Upgrade End Response: 0 with a clock means now, as field devices read it.
    Upgrade,
    /// Request time of WAIT_FOR_DATA: 0 with a clock lies before the clock and is an error.
    Request,
}

/// What a [`ServerTime`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Delay {
    /// Wait at least so long; zero is now.
    For(Duration),
    /// Wait for another command.
    Forever,
}

/// A time that lies before the clock it is given with (sections 6.10.8.5.1 and 6.10.10.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("time {then} lies before the clock {clock}")]
pub struct TimeInPast {
    /// The moment named.
    pub then: u32,
    /// The server's or the own clock it lies before.
    pub clock: u32,
}

impl ServerTime {
    /// Now, as an offset.
    pub const NOW: Self = Self { current: 0, then: 0 };
    /// Wait for another command.
    pub const WAIT: Self = Self { current: 0, then: u32::MAX };

    /// So many seconds after receipt, as an offset; `u32::MAX` is one less, which is 136 years.
    #[must_use]
    pub const fn after_seconds(seconds: u32) -> Self {
        Self { current: 0, then: if seconds == u32::MAX { u32::MAX - 1 } else { seconds } }
    }

    /// What to wait for, by table 18.
    ///
    /// `utc` is the own clock, where there is one. A moment before it is still now when it is at most
    /// `tolerance` seconds old, as clocks differ and frames are delayed.
    ///
    /// # Errors
    /// The moment lies before the server's own clock, or before `utc` by more than `tolerance`.
    pub fn delay(self, purpose: Purpose, utc: Option<UtcTime>, tolerance: u32) -> Result<Delay, TimeInPast> {
        let Self { current, then } = self;
        let seconds = |seconds: u32| Ok(Delay::For(Duration::from_secs(u64::from(seconds))));
        if then == u32::MAX {
            return Ok(Delay::Forever);
        }
        if current == 0 {
            return seconds(then);
        }
        if then == 0 && purpose == Purpose::Upgrade {
            return seconds(0);
        }
        let Some(difference) = then.checked_sub(current) else {
            return Err(TimeInPast { then, clock: current });
        };
        let Some(UtcTime(clock)) = utc else {
            return seconds(difference);
        };
        match clock.checked_sub(then) {
            Some(late) if late > tolerance => Err(TimeInPast { then, clock }),
            _ => seconds(then.saturating_sub(clock)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: u32 = 300;

    fn upgrade(current: u32, then: u32, utc: Option<u32>) -> Result<Delay, TimeInPast> {
        ServerTime { current, then }.delay(Purpose::Upgrade, utc.map(UtcTime), TOLERANCE)
    }

    fn request(current: u32, then: u32, utc: Option<u32>) -> Result<Delay, TimeInPast> {
        ServerTime { current, then }.delay(Purpose::Request, utc.map(UtcTime), TOLERANCE)
    }

    fn secs(seconds: u64) -> Result<Delay, TimeInPast> {
        Ok(Delay::For(Duration::from_secs(seconds)))
    }

    /// Shows: CLI-087, CLI-088, CLI-099
    #[test]
    fn current_time_zero_makes_the_other_an_offset() {
        for read in [upgrade, request] {
            assert_eq!(read(0, 60, None), secs(60));
            assert_eq!(read(0, 60, Some(1_000_000)), secs(60));
            assert_eq!(read(0, 0, Some(7)), secs(0));
            assert_eq!(read(0, 0xffff_fffe, None), secs(0xffff_fffe));
        }
        let far = Instant::from_millis(5).after(Duration::from_secs(0xffff_fffe));
        assert_eq!(far.as_millis(), 5 + 0xffff_fffe * 1000);
    }

    /// Shows: CLI-089, CLI-091
    #[test]
    fn with_both_clocks_the_other_is_utc_and_without_one_the_difference_counts() {
        for read in [upgrade, request] {
            assert_eq!(read(1000, 1600, Some(1010)), secs(590));
            assert_eq!(read(1000, 1600, None), secs(600));
        }
    }

    /// Shows: CLI-090
    #[test]
    fn utc_starts_in_2000() {
        assert_eq!(UtcTime::from_unix(946_684_800), Some(UtcTime(0)));
        assert_eq!(UtcTime::from_unix(946_684_799), None);
        assert_eq!(UtcTime::from_unix(946_684_800 + 0x1_0000_0000), None);
    }

    /// Shows: CLI-092
    #[test]
    fn all_ones_is_wait_whatever_the_clock() {
        for current in [0, 5, u32::MAX] {
            assert_eq!(upgrade(current, u32::MAX, None), Ok(Delay::Forever));
            assert_eq!(request(current, u32::MAX, Some(9)), Ok(Delay::Forever));
        }
    }

    /// Shows: CLI-094, CLI-095
    #[test]
    fn a_moment_before_the_servers_clock_is_an_error() {
        for read in [upgrade, request] {
            assert_eq!(read(u32::MAX, 100, None), Err(TimeInPast { then: 100, clock: u32::MAX }));
            assert_eq!(read(100, 99, None), Err(TimeInPast { then: 99, clock: 100 }));
            assert_eq!(read(100, 100, None), secs(0));
        }
    }

    /// Shows: CLI-096
    #[test]
    fn a_moment_just_before_the_own_clock_is_now() {
        for read in [upgrade, request] {
            assert_eq!(read(1000, 1001, Some(1005)), secs(0));
            assert_eq!(read(1000, 1001, Some(1001 + TOLERANCE)), secs(0));
            assert_eq!(
                read(1000, 1001, Some(1002 + TOLERANCE)),
                Err(TimeInPast { then: 1001, clock: 1002 + TOLERANCE })
            );
            assert_eq!(read(0, 5, Some(9000)), secs(5));
        }
    }

    /// Shows: CLI-097
    #[test]
    fn upgrade_time_zero_is_now_and_request_time_zero_is_an_error() {
        assert_eq!(upgrade(1000, 0, None), secs(0));
        assert_eq!(request(1000, 0, None), Err(TimeInPast { then: 0, clock: 1000 }));
    }

    #[test]
    fn a_clock_runs_on_for_years() {
        let (set, start) = (Instant::from_millis(500), UtcTime(100));
        assert_eq!(start.running(set, Instant::from_millis(1499)), start);
        assert_eq!(start.running(set, Instant::from_millis(1500)), UtcTime(101));
        let year = 365 * 24 * 60 * 60;
        assert_eq!(start.running(set, Instant::from_millis(500 + year * 1000)), UtcTime(100 + 31_536_000));
        assert_eq!(start.running(set, Instant::from_millis(u64::MAX)), UtcTime(u32::MAX));
        assert_eq!(start.running(set, Instant::ZERO), start);
        // By halves of a word as all at once.
        for millis in (0..32).flat_map(|bit| [999, 1000, 1001].map(|off| (1_u64 << bit) * 1000 + off - 1000))
        {
            let seconds = u32::try_from(millis / 1000).unwrap();
            assert_eq!(UtcTime(0).running(Instant::ZERO, Instant::from_millis(millis)), UtcTime(seconds));
        }
    }

    #[test]
    fn instants_round_up_and_saturate() {
        let start = Instant::from_millis(10);
        assert_eq!(start.after(Duration::from_micros(1)), Instant::from_millis(11));
        assert_eq!(start.after(Duration::MAX), Instant::from_millis(u64::MAX));
        assert_eq!(start.since(Instant::from_millis(30)), Millis(0));
        assert_eq!(Instant::from_millis(30).since(start), Millis(20));
        assert_eq!(start.plus(Millis::secs(2)), Instant::from_millis(2010));
        assert_eq!(ServerTime::after_seconds(u32::MAX).then, u32::MAX - 1);
    }
}
