//! Clock of a client: instants in 32 bits, relative to an origin that the client moves forward every few hours.
//!
//! ```text
//!   LONG_AGO            origin + 0 to 4 hours: now                                  longest delay      NEVER
//!   |---------- 8 days --------|----|--------------------- 41 days ----------------------|            |
//! ```
//!
//! An [`Instant`] has 64 bits. A comparison or an addition of 64 bits takes two to four instructions of a small
//! processor; a comparison or an addition of 32 bits takes one instruction. Because small processors calculate faster
//! with 32 bits, the client stores an instant in 32 bits, as milliseconds relative to an origin. Instants of 32 bits
//! make the code of the client 5 % smaller in flash. Every few hours the client moves the origin forward and adjusts
//! all its instants, so that the 32 bits never overflow, however long the client runs. An instant that lies more than 8
//! days before the origin counts as 8 days before the origin.

use crate::time::{Instant, Millis};

/// Instant of a client, in milliseconds. The value [`ORIGIN`] stands for the origin of the [`Clock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticks(u32);

/// Value of a [`Ticks`] at the origin, in milliseconds, so that an instant can lie up to 8 days before the origin. 8
/// days are enough, because the longest elapsed time for which the client tests is 7 days.
const ORIGIN: u32 = 8 * 24 * 60 * 60 * 1000;

/// Time after which the origin of a clock moves, in milliseconds. In the unit tests the origin of a client's clock
/// moves with every millisecond, so that each test shows that the client adjusts all its instants.
const MAX_AGE: u32 = if cfg!(test) { 1 } else { 1 << 24 };

impl Ticks {
    /// Earliest instant, before every other instant.
    pub(super) const LONG_AGO: Self = Self(0);
    /// Latest instant, after every other instant, which is never reached.
    pub(super) const NEVER: Self = Self(u32::MAX);
    /// Latest instant before [`NEVER`](Self::NEVER), 41 days after the origin.
    const LAST: u32 = u32::MAX.saturating_sub(1);

    /// Returns the instant `millis` later than `self`, at most 41 days after the origin.
    // Not inlined, because a client adds at thirty places.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(super) fn plus(self, Millis(millis): Millis) -> Self {
        Self(self.0.saturating_add(millis).min(Self::LAST))
    }

    /// Returns the time from `earlier` to `self`; zero if `earlier` is the later instant.
    pub(super) const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    /// Returns whether this instant is [`NEVER`](Self::NEVER), which is never reached.
    pub(super) const fn is_never(self) -> bool {
        self.0 == u32::MAX
    }

    /// Adjusts the instant after the origin has moved by `shift`, so that the instant still denotes the same time.
    // Not inlined, because a client moves some twenty instants.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(super) fn shift(&mut self, Millis(shift): Millis) {
        if !self.is_never() {
            self.0 = self.0.saturating_sub(shift);
        }
    }
}

/// Origin of the instants of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: Instant,
}

impl Clock {
    /// Creates a clock whose origin is `now`.
    pub(super) const fn new(now: Instant) -> Self {
        Self { origin: now }
    }

    /// Converts `at`, an instant of the caller's clock, to an instant of the client. The returned instant lies between
    /// the origin of the clock and 41 days after the origin.
    pub(super) fn ticks(self, at: Instant) -> Ticks {
        Ticks(ORIGIN).plus(at.since(self.origin))
    }

    /// Converts an instant of the client to an instant of the caller's clock.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(super) fn instant(self, Ticks(at): Ticks) -> Instant {
        match at.checked_sub(ORIGIN) {
            Some(later) => self.origin.plus(Millis(later)),
            None => self.origin.minus(Millis(ORIGIN.saturating_sub(at))),
        }
    }

    /// Converts `now` to an instant of the client; returns `None` if the origin lies hours before `now`, so that the
    /// caller must move the origin.
    pub(super) fn recent_ticks(self, now: Instant) -> Option<Ticks> {
        let Millis(age) = now.since(self.origin);
        (age < MAX_AGE).then(|| Ticks(ORIGIN.saturating_add(age)))
    }

    /// Moves the origin of the clock to `now`. Returns the time by which the origin has moved; the caller must shift
    /// all instants of the client by this time.
    pub(super) fn move_origin(&mut self, now: Instant) -> Millis {
        let shift = now.since(self.origin);
        self.origin = now;
        shift
    }
}

#[cfg(test)]
impl Ticks {
    /// Returns the instant `millis` milliseconds after the origin.
    pub(super) fn from_millis(millis: u64) -> Self {
        Self(ORIGIN).plus(Millis(u32::try_from(millis).unwrap()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 60 * 60 * 1000;
    const DAY: u64 = 24 * HOUR;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn an_instant_is_the_same_time_after_the_origin_has_moved() {
        for start in [0, 5, 30 * DAY, 10_000 * DAY] {
            let mut clock = Clock::new(at(start));
            let mut ticks = clock.ticks(at(start + 40 * DAY));
            let (mut past, mut never) = (clock.ticks(at(start)), Ticks::NEVER);
            for now in (0..40 * DAY).step_by(7 * 60 * 1000) {
                if clock.recent_ticks(at(start + now)).is_none() {
                    let shift = clock.move_origin(at(start + now));
                    [&mut ticks, &mut past, &mut never].into_iter().for_each(|ticks| ticks.shift(shift));
                }
                assert_eq!(clock.instant(ticks), at(start + 40 * DAY));
                assert!(clock.ticks(at(start + now)) < ticks && never.is_never());
                let age = clock.ticks(at(start + now)).since(past).0;
                assert!(
                    u64::from(age) == now || (u64::from(age) > 8 * DAY - 5 * HOUR && now > u64::from(age))
                );
            }
        }
    }

    #[test]
    fn a_clock_survives_any_step_of_the_callers_clock() {
        let mut clock = Clock::new(at(1000));
        let mut deadline = clock.ticks(at(2000));
        assert_eq!(clock.ticks(at(500)), clock.ticks(at(1000)), "the clock is monotonic");
        assert_eq!(clock.recent_ticks(at(u64::MAX)), None);
        let shift = clock.move_origin(at(u64::MAX));
        deadline.shift(shift);
        assert!(deadline < clock.ticks(at(u64::MAX)));
        assert_eq!(clock.instant(clock.ticks(at(u64::MAX)).plus(Millis(9))), at(u64::MAX));
        assert_eq!(clock.instant(Ticks::LONG_AGO), at(u64::MAX - u64::from(ORIGIN)));
        assert_eq!(Clock::new(at(7)).instant(Ticks::LONG_AGO), Instant::ZERO);
    }

    #[test]
    fn the_longest_delay_is_41_days_and_never_is_later() {
        let clock = Clock::new(at(0));
        let last = clock.ticks(at(0)).plus(Millis(u32::MAX));
        assert!(!last.is_never() && last < Ticks::NEVER);
        assert_eq!(clock.instant(last).as_millis() / DAY, 41);
    }
}
