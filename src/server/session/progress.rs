//! Progress of a download: the bytes sent, the rate of the download, and the remaining time.
//!
//! ```text
//! file   |-------------|=======================|--------------|
//!        0            from                  reached          size
//! time                 at                 last block
//!                      |---- measurement ------|
//! ```
//!
//! The rate is the number of bytes by which the furthest sent block advanced in the file during a rate measurement,
//! divided by the duration of the rate measurement. After two minutes, a rate measurement drops its older half, so that
//! the rate follows changes of the speed. When the server sends a block, it only moves the start and the end of the
//! rate measurement; the method `progress` computes the rate.

use core::fmt::{self, Display, Formatter};
use core::ops::Range;

use super::{Session, State};

/// Progress of a download. `Display` writes, for instance, `400 of 1000 bytes, 133 bytes/s, 4 s left`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct SessionProgress {
    /// Offset in bytes, from the start of the file, at which the furthest sent block ends.
    pub reached: u32,
    /// Total image size of the downloaded image in bytes.
    pub size: u32,
    /// Speed of the download in bytes per second over the last minute or two; `None` in the first seconds of a
    /// download, before the speed can be known.
    pub rate: Option<u32>,
    /// Seconds until the server sends the last byte of the file at the present speed; `None` while the speed is not
    /// known.
    pub remaining: Option<u32>,
}

impl Display for SessionProgress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { reached, size, rate, remaining } = self;
        write!(f, "{reached} of {size} bytes")?;
        rate.map_or(Ok(()), |rate| write!(f, ", {rate} bytes/s"))?;
        remaining.map_or(Ok(()), |seconds| write!(f, ", {seconds} s left"))
    }
}

/// Minimum duration in milliseconds of a rate measurement that shows the rate of the download. Waiting times are whole
/// seconds, and the blocks between two waits come in bursts, so a rate measured over a shorter time can differ much
/// from the rate of the download.
const KNOWN_AFTER_MILLIS: u32 = 5_000;

/// Minimum number of bytes of a rate measurement that shows the rate of the download: eight blocks of 64 bytes, so that
/// the time of one block has little effect on the rate.
const KNOWN_AFTER_BYTES: u32 = 512;

/// Duration in milliseconds of a rate measurement after which its older half is dropped, so that the rate follows
/// changes of the speed.
const HALVED_AFTER_MILLIS: u32 = 120_000;

/// Minimum number of bytes in a rate measurement whose older half may be dropped.
const HALVED_AFTER_BYTES: u32 = 4_096;

/// Maximum distance from the end of the furthest sent block to the start of the next sent block in a download with
/// several requests in flight, as a number of blocks. A greater distance shows that the client already had the bytes
/// between the two blocks.
const MAX_BLOCKS_AHEAD: u32 = 16;

/// Start of a rate measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateMeasurement {
    /// Time at which the rate measurement starts, in milliseconds modulo 2³²: the time of the first block, or a later
    /// time.
    at: u32,
    /// Offset at which the rate measurement starts: the end of the first block in the file, or a higher offset.
    from: u32,
}

impl RateMeasurement {
    /// Starts a rate measurement with a block that was sent at `now`, in milliseconds modulo 2³², and ends at `end`.
    pub(super) const fn start(now: u32, end: u32) -> Self {
        Self { at: now, from: end }
    }

    /// Returns whether the rate measurement starts at the offset `end`, as it does after the first block of a download.
    pub(super) const fn starts_at(&self, end: u32) -> bool {
        self.from == end
    }

    /// Moves the start of the rate measurement after a block was sent. `now` is the time at which the block was sent,
    /// `range` the range of the block in the file, and `before` the end of the furthest block that the server had sent
    /// before.
    #[inline]
    pub(super) fn record_block(&mut self, now: u32, before: u32, range: Range<u32>) {
        let len = range.end.saturating_sub(range.start);
        let ahead = range.start.saturating_sub(before);
        if ahead > 0 && ahead > len.saturating_mul(MAX_BLOCKS_AHEAD) {
            // The client resumed the download at a later offset, so the rate measurement restarts.
            *self = Self::start(now, range.end);
        } else if now.wrapping_sub(self.at) >= HALVED_AFTER_MILLIS {
            self.drop_older_half(now, before.max(range.end));
        }
    }

    /// Drops the older half of a rate measurement that ends at `now` and at the offset `reached`, unless the
    /// measurement has fewer than [`HALVED_AFTER_BYTES`] bytes.
    #[cold]
    fn drop_older_half(&mut self, now: u32, reached: u32) {
        let (millis, bytes) = (now.wrapping_sub(self.at), reached.saturating_sub(self.from));
        if bytes >= HALVED_AFTER_BYTES {
            *self = Self::start(self.at.wrapping_add(millis / 2), self.from.saturating_add(bytes / 2));
        }
    }
}

impl Session {
    /// Returns the progress of the download; `None` if the phase of the session is not `SessionPhase::Downloading`.
    #[must_use]
    pub fn progress(&self) -> Option<SessionProgress> {
        let State::Downloading { reached, size, measured, .. } = self.state else {
            return None;
        };
        // The field `served` holds the time of the last block, because a session becomes the primary one when a block
        // is sent.
        let millis = self.served.wrapping_sub(measured.at);
        let bytes = reached.saturating_sub(measured.from);
        if millis < KNOWN_AFTER_MILLIS || bytes < KNOWN_AFTER_BYTES {
            return Some(SessionProgress { reached, size, rate: None, remaining: None });
        }
        // The speed is rounded to the nearest whole number. The products have less than 64 bits, and the divisors are
        // not 0.
        let (millis, bytes) = (u64::from(millis), u64::from(bytes));
        let rounded = |dividend: u64, divisor: u64| {
            let quotient = dividend.saturating_add(divisor / 2).checked_div(divisor);
            u32::try_from(quotient.unwrap_or(0)).unwrap_or(u32::MAX)
        };
        let left = u64::from(size.saturating_sub(reached));
        let rate = Some(rounded(bytes.saturating_mul(1000), millis));
        let remaining = Some(rounded(left.saturating_mul(millis), bytes.saturating_mul(1000)));
        Some(SessionProgress { reached, size, rate, remaining })
    }
}

/// Returns whether a multiple of a hundredth of `size` is above `before` and at most `after`.
pub(super) fn passes_hundredth(before: u32, after: u32, size: u32) -> bool {
    // No product overflows for a size below 2³², and one division for each argument is enough.
    let hundred = |bytes: u32| u64::from(bytes).wrapping_mul(100);
    let done = hundred(before).checked_div(size.into()).unwrap_or(0);
    hundred(after) >= done.wrapping_add(1).wrapping_mul(size.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;
    use crate::types::ImageId;

    const A: ImageId = ImageId::new(0x1001, 0x00ab, 5);

    /// Records `count` blocks of `len` bytes from `offset` on. The first block is sent at `at`, and each further block
    /// `pause` milliseconds after the previous block. After each block, `serve` calls `check` with the time, the true
    /// rate and the progress of the session.
    fn serve(
        session: &mut Session,
        (at, pause): (u64, u64),
        (offset, len, count): (u32, u32, u32),
        mut check: impl FnMut(u64, f64, Option<SessionProgress>),
    ) {
        for block in 0..count {
            let (at, start) = (at + u64::from(block) * pause, offset + block * len);
            session.record_block(Instant::from_millis(at), A, 1_000_000, start, start + len);
            check(at, f64::from(len) * 1000.0 / pause as f64, session.progress());
        }
    }

    /// Returns whether rate and remaining time are both unknown, or are both within 20 % of the true values.
    fn is_right(rate: f64, progress: Option<SessionProgress>) -> bool {
        let Some(SessionProgress { reached, size, rate: told, remaining }) = progress else { return false };
        let near = |told: u32, truth: f64| (f64::from(told) - truth).abs() <= 0.2 * truth + 0.5;
        let left = f64::from(size - reached) / rate;
        told.is_none_or(|told| near(told, rate))
            && remaining.is_none_or(|told| near(told, left))
            && told.is_some() == remaining.is_some()
    }

    /// Shows: FLD-051
    #[test]
    fn a_rate_is_unknown_at_first_and_then_right() {
        // The first time is just before the 32-bit counter of milliseconds turns.
        for start in [u64::from(u32::MAX) - 1_000, 5, 7_000_000] {
            for (pause, len) in
                [(1, 50), (20, 64), (250, 50), (302, 223), (1_000, 16), (7_500, 64), (60_000, 50)]
            {
                for offset in [0, 4_000] {
                    let mut session = Session::EMPTY;
                    assert_eq!(session.progress(), None);
                    let mut known = None;
                    serve(
                        &mut session,
                        (start, pause),
                        (offset, len, 6_000.min(900_000 / len)),
                        |at, rate, progress| {
                            assert!(is_right(rate, progress), "{pause} {len} {at}: {rate} {progress:?}");
                            if progress.unwrap().rate.is_some() {
                                known.get_or_insert(at - start);
                            }
                        },
                    );
                    let expected = 5_000.max(u64::from(512_u32.div_ceil(len)) * pause);
                    assert!(known.is_none_or(|known| known < expected + pause), "{pause} {len}: {known:?}");
                    assert_eq!(
                        known.is_none(),
                        pause == 1 && len * 6_000 < 5_000,
                        "{pause} {len}: {known:?}"
                    );
                }
            }
        }
    }

    /// Shows: FLD-051
    #[test]
    fn a_rate_follows_the_speed_and_survives_jumps() {
        let mut session = Session::EMPTY;
        // Ten times slower than before: told within a few minutes, by 20 %.
        serve(&mut session, (0, 20), (0, 50, 10_000), |_, _, _| ());
        let (mut last, mut right) = (0, 0);
        serve(&mut session, (200_000, 200), (500_000, 50, 5_000), |at, rate, progress| {
            if !is_right(rate, progress) {
                last = at;
            }
            right += u32::from(is_right(rate, progress));
        });
        assert!(last < 200_000 + 600_000 && right > 2_000, "wrong until {last} ms, right {right} times");

        // A device that comes back asks for the header, for its last block, and goes on from there.
        let mut session = Session::EMPTY;
        serve(&mut session, (0, 100), (0, 50, 1), |_, _, _| ());
        serve(&mut session, (100, 100), (600_000, 50, 1), |_, _, _| ());
        serve(&mut session, (200, 100), (600_050, 50, 1_000), |at, rate, progress| {
            assert!(is_right(rate, progress), "{at} {progress:?}");
        });
        assert_eq!(session.progress().unwrap().rate, Some(500));
        // Blocks that are sent again are no progress, and a time without progress makes the rate smaller.
        session.record_block(Instant::from_millis(9_000_000), A, 1_000_000, 650_000, 650_050);
        assert!(session.progress().unwrap().rate.unwrap() < 10);
    }
}
