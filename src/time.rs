//! Time types: [`Instant`] and [`Millis`] of the caller's monotonic clock, [`UtcTime`] and [`ServerTime`] in frames.
//! Sections refer to ZigBee document 095264 (2011).
//!
//! This crate reads no clock: each call takes the current [`Instant`] as an argument.
//!
//! A server states a time by two fields in seconds (section 6.8.4, table 18). The first time field of a frame is the
//! current time. The second time field of a frame is the upgrade time (Upgrade End Response) or the request time
//! (WAIT_FOR_DATA):
//!
//! | current time | upgrade or request time | meaning |
//! |---|---|---|
//! | 0 | 0 to 0xFFFFFFFE | offset in seconds from the receipt of the frame |
//! | 1 to 0xFFFFFFFE | 0 to 0xFFFFFFFE | UTC, seconds since 2000-01-01; a client without a clock waits for the difference of the two fields |
//! | any | 0xFFFFFFFF | wait for another Upgrade End Response, or (WAIT_FOR_DATA) without a limit |

use core::num::TryFromIntError;
use core::time::Duration;

/// Point in time on the caller's monotonic clock, in milliseconds since a start that the caller chooses.
///
/// Additions saturate at the end of the counter, 584 million years after the start.
///
/// ```
/// use std::time::Duration;
/// use zigbee_ota::time::Instant;
///
/// let start = std::time::Instant::now();
/// let now = Instant::from(start.elapsed());
/// let wake = start + Duration::from(now.after(Duration::from_secs(3)));
/// assert!(wake > start);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// Start of the caller's clock.
    pub const ZERO: Self = Self(0);

    /// Creates the instant `millis` milliseconds after the start of the clock.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the start of the clock.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the instant `duration` later than `self`, rounded up to the next millisecond: a deadline is never early.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis_ceil(duration)))
    }

    /// Returns the instant `millis` later than `self`.
    #[must_use]
    // Not inlined: copies of the 64-bit addition in thirty places would take 400 bytes of flash on a small processor.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub fn plus(self, Millis(millis): Millis) -> Self {
        Self(self.0.saturating_add(u64::from(millis)))
    }

    /// Returns the instant `seconds` after `self`.
    pub(crate) fn plus_seconds(self, seconds: u32) -> Self {
        // The product has at most 42 bits, so that it does not overflow 64 bits.
        Self(self.0.saturating_add(u64::from(seconds).wrapping_mul(1000)))
    }

    /// Returns the instant `millis` earlier than `self`, but not before the start of the clock.
    pub(crate) fn minus(self, Millis(millis): Millis) -> Self {
        Self(self.0.saturating_sub(u64::from(millis)))
    }

    /// Returns the time from `earlier` to `self`, at most 49 days (`u32::MAX` milliseconds). The result is zero if
    /// `earlier` is later than `self`.
    #[must_use]
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u32::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(u32::MAX))
    }
}

/// Converts the time since the start of the clock to an instant, rounded down to a whole millisecond.
impl From<Duration> for Instant {
    fn from(since_start: Duration) -> Self {
        let part = u64::from(since_start.subsec_millis());
        Self(since_start.as_secs().saturating_mul(1000).saturating_add(part))
    }
}

/// Converts an instant to the time since the start of the clock.
impl From<Instant> for Duration {
    fn from(Instant(millis): Instant) -> Self {
        Self::from_millis(millis)
    }
}

/// Returns a duration in milliseconds, rounded up to a whole number.
fn millis_ceil(duration: Duration) -> u64 {
    let part = u64::from(duration.subsec_nanos().div_ceil(1_000_000));
    duration.as_secs().saturating_mul(1000).saturating_add(part)
}

/// Length of time in milliseconds, at most 49 days, stored in four bytes; a [`Duration`] takes 12 or 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Millis(pub u32);

impl Millis {
    /// Creates a length of time of `seconds`, but at most 49 days (`u32::MAX` milliseconds).
    #[must_use]
    pub const fn from_secs(seconds: u32) -> Self {
        Self(seconds.saturating_mul(1000))
    }
}

impl From<Millis> for Duration {
    fn from(Millis(millis): Millis) -> Self {
        Self::from_millis(u64::from(millis))
    }
}

/// Converts a duration, rounded up to the next millisecond. Fails for a duration of more than `u32::MAX` milliseconds
/// (49 days).
impl TryFrom<Duration> for Millis {
    type Error = TryFromIntError;

    fn try_from(duration: Duration) -> Result<Self, Self::Error> {
        u32::try_from(millis_ceil(duration)).map(Self)
    }
}

/// UTC of the ZCL Time cluster: seconds since 2000-01-01 00:00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UtcTime(pub u32);

impl UtcTime {
    /// Unix time of 2000-01-01 00:00:00, in seconds.
    pub const UNIX_START: u64 = 946_684_800;

    /// Converts a Unix time, in seconds, to a time of the ZCL Time cluster; returns `None` before the year 2000 and
    /// from 2136 on.
    #[must_use]
    pub fn from_unix(seconds: u64) -> Option<Self> {
        seconds.checked_sub(Self::UNIX_START).and_then(|seconds| u32::try_from(seconds).ok()).map(Self)
    }

    /// Returns the time at `now` on a clock that showed `self` at the instant `set`. The returned time saturates at the
    /// maximum of [`UtcTime`], in the year 2136.
    #[must_use]
    pub fn advance(self, set: Instant, now: Instant) -> Self {
        // Long division bit by bit: a division of 32 bits would add 0.4 kilobytes of code on a small processor, and one of
        // 64 bits a kilobyte. A quotient of more than 32 bits ends as `u32::MAX`, because each part can be subtracted.
        let (mut rest, mut seconds) = (now.0.saturating_sub(set.0), 0_u32);
        let mut part = 1000_u64 << 31;
        while part >= 1000 {
            seconds <<= 1;
            if let Some(left) = rest.checked_sub(part) {
                (rest, seconds) = (left, seconds | 1);
            }
            part >>= 1;
        }
        Self(self.0.saturating_add(seconds))
    }
}

/// The two time fields of a frame, as on the wire (section 6.8.4): the current time, and the upgrade time (Upgrade End
/// Response) or the request time (WAIT_FOR_DATA).
// Exhaustive: the two fields are fixed by the wire format.
#[doc(alias("upgrade time", "request time"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServerTime {
    /// Current time: the clock of the server when the server sends the frame; 0 if `then` is an offset in seconds from
    /// the receipt of the frame.
    pub current: u32,
    /// Upgrade time or request time; `u32::MAX` means that the client waits until the server sends a new command.
    pub then: u32,
}

/// Field of a frame from which [`ServerTime::then`] was read. With a current time other than 0, a value of 0 means
/// "now" in an upgrade time, and is an error in a request time (section 6.8.4).
// Exhaustive: no other command carries a current time and a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TimeField {
    /// Upgrade time of an Upgrade End Response. Together with a current time other than 0, an upgrade time of 0 means
    /// "now", as devices in the field interpret it.
    Upgrade,
    /// Request time of WAIT_FOR_DATA. Together with a current time other than 0, a request time of 0 is in the past,
    /// and is an error.
    Request,
}

/// Time that the receiver of a [`ServerTime`] shall wait.
// Exhaustive: table 18 defines no third answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Delay {
    /// The receiver waits at least for this duration; zero means that the receiver does not wait.
    For(Duration),
    /// The receiver waits until the server sends a new command.
    Forever,
}

/// Error for an upgrade or request time that lies before the current time in the same frame (sections 6.10.8.5.1 and
/// 6.10.10.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("time {then} lies before the clock {clock}")]
pub struct TimeInPast {
    /// Upgrade or request time, in seconds.
    pub then: u32,
    /// Current time of the server, in seconds.
    pub clock: u32,
}

impl ServerTime {
    /// The client upgrades now: an offset of 0 seconds.
    pub const NOW: Self = Self { current: 0, then: 0 };
    /// The client waits until the server sends a new command.
    pub const WAIT: Self = Self { current: 0, then: u32::MAX };

    /// Creates an offset of `seconds` from the receipt of the frame. On the wire, `u32::MAX` means "wait", so the
    /// function turns an offset of `u32::MAX` into `u32::MAX - 1` (136 years).
    #[must_use]
    pub const fn after_seconds(seconds: u32) -> Self {
        Self { current: 0, then: if seconds == u32::MAX { u32::MAX - 1 } else { seconds } }
    }

    /// Returns whether the current time of the server and `utc`, the client's own clock, differ by at most `tolerance`
    /// seconds. The result is `false` if the current time is 0: in this case, [`then`](Self::then) is an offset, which
    /// does not depend on a clock.
    #[must_use]
    pub const fn agrees_with(self, utc: UtcTime, tolerance: u32) -> bool {
        self.current != 0 && self.current.abs_diff(utc.0) <= tolerance
    }

    /// Returns the time for which the receiver shall wait, by table 18 of the specification.
    ///
    /// `utc` is the time of the client's own clock; `None` if the client has no clock. If the clocks of server and
    /// client [agree](Self::agrees_with) within `tolerance` seconds, the waiting time ends when `utc` reaches the
    /// upgrade or request time. If the clocks of server and client agree and `utc` is already past the upgrade or
    /// request time, the waiting time is zero. If the clocks of server and client disagree, or if the client has no
    /// clock, the waiting time is the upgrade or request time minus the current time of the server. Some servers send
    /// their uptime in place of UTC, so that the clocks of server and client disagree.
    ///
    /// # Errors
    /// Fails with [`TimeInPast`] if the upgrade or request time lies before the current time of the server.
    pub fn delay(self, field: TimeField, utc: Option<UtcTime>, tolerance: u32) -> Result<Delay, TimeInPast> {
        let seconds = self.delay_seconds(field, utc, tolerance)?;
        Ok(seconds.map_or(Delay::Forever, |seconds| Delay::For(Duration::from_secs(u64::from(seconds)))))
    }

    /// Returns the result of [`delay`](Self::delay) as a number of seconds; `None` stands for [`Delay::Forever`].
    pub(crate) fn delay_seconds(
        self,
        field: TimeField,
        utc: Option<UtcTime>,
        tolerance: u32,
    ) -> Result<Option<u32>, TimeInPast> {
        let Self { current, then } = self;
        if then == u32::MAX {
            return Ok(None);
        }
        if current == 0 || (then == 0 && field == TimeField::Upgrade) {
            return Ok(Some(then));
        }
        let Some(difference) = then.checked_sub(current) else {
            return Err(TimeInPast { then, clock: current });
        };
        Ok(Some(match utc {
            Some(clock) if self.agrees_with(clock, tolerance) => then.saturating_sub(clock.0),
            _ => difference,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: u32 = 300;

    fn upgrade(current: u32, then: u32, utc: Option<u32>) -> Result<Delay, TimeInPast> {
        ServerTime { current, then }.delay(TimeField::Upgrade, utc.map(UtcTime), TOLERANCE)
    }

    fn request(current: u32, then: u32, utc: Option<u32>) -> Result<Delay, TimeInPast> {
        ServerTime { current, then }.delay(TimeField::Request, utc.map(UtcTime), TOLERANCE)
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

    /// Shows: CLI-096, FLD-009
    #[test]
    fn a_moment_before_the_own_clock_is_now_and_the_pair_of_a_clock_that_disagrees_is_a_distance() {
        for read in [upgrade, request] {
            assert_eq!(read(1000, 1001, Some(1005)), secs(0));
            assert_eq!(read(1000, 1001, Some(1000 + TOLERANCE)), secs(0));
            assert_eq!(read(1000, 1500, Some(1000 + TOLERANCE)), secs(200));
            assert_eq!(read(1000, 1500, Some(1001 + TOLERANCE)), secs(500), "the own clock is ahead");
            assert_eq!(read(1000, 1500, Some(999 - TOLERANCE)), secs(500), "the own clock is behind");
            assert_eq!(read(1000, 1500, Some(1000 - TOLERANCE)), secs(500 + u64::from(TOLERANCE)));
            assert_eq!(read(1000, 999, Some(9000)), Err(TimeInPast { then: 999, clock: 1000 }));
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
        assert_eq!(start.advance(set, Instant::from_millis(1499)), start);
        assert_eq!(start.advance(set, Instant::from_millis(1500)), UtcTime(101));
        let year = 365 * 24 * 60 * 60;
        assert_eq!(start.advance(set, Instant::from_millis(500 + year * 1000)), UtcTime(100 + 31_536_000));
        for millis in [1000 << 32, (1000 << 32) + 500, (1000 << 32) + 1500, 1000 << 40, u64::MAX] {
            assert_eq!(start.advance(set, Instant::from_millis(millis)), UtcTime(u32::MAX), "{millis}");
            assert_eq!(UtcTime(0).advance(Instant::ZERO, Instant::from_millis(millis)), UtcTime(u32::MAX));
        }
        assert_eq!(start.advance(set, Instant::ZERO), start);
        // The long division gives the same result as the division operator.
        for millis in (0..32).flat_map(|bit| [999, 1000, 1001].map(|off| (1_u64 << bit) * 1000 + off - 1000))
        {
            let seconds = u32::try_from(millis / 1000).unwrap();
            assert_eq!(UtcTime(0).advance(Instant::ZERO, Instant::from_millis(millis)), UtcTime(seconds));
        }
    }

    #[test]
    fn instants_round_up_and_saturate() {
        let start = Instant::from_millis(10);
        assert_eq!(start.after(Duration::from_micros(1)), Instant::from_millis(11));
        assert_eq!(start.after(Duration::MAX), Instant::from_millis(u64::MAX));
        assert_eq!(start.since(Instant::from_millis(30)), Millis(0));
        assert_eq!(Instant::from_millis(30).since(start), Millis(20));
        assert_eq!(start.plus(Millis::from_secs(2)), Instant::from_millis(2010));
        assert_eq!(ServerTime::after_seconds(u32::MAX).then, u32::MAX - 1);
    }

    #[test]
    fn durations_convert_both_ways() {
        let micros = Duration::from_micros(1_500_001);
        assert_eq!(Instant::from(micros), Instant::from_millis(1500), "a clock is not ahead of itself");
        assert_eq!(Millis::try_from(micros), Ok(Millis(1501)), "a timeout is never early");
        assert_eq!(Duration::from(Instant::from_millis(1500)), Duration::from_millis(1500));
        assert_eq!(Duration::from(Millis(1501)), Duration::from_millis(1501));
        assert_eq!(Millis::try_from(Duration::from_millis(0xffff_ffff)), Ok(Millis(u32::MAX)));
        for long in [Duration::from_millis(0x1_0000_0000), Duration::MAX] {
            assert!(Millis::try_from(long).is_err());
        }
        assert_eq!(Instant::from(Duration::MAX), Instant::from_millis(u64::MAX));
    }
}
