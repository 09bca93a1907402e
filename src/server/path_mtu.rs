//! Path MTU of a client: the longest block that the path to the client carries, found from delivery reports as in
//! packetization layer path MTU discovery (RFC 4821).
//!
//! A single lost block is no evidence of a size limit: on a path that loses short and long frames with the same
//! probability, shorter blocks only make the download longer. If long blocks fail while shorter blocks arrive, the long
//! blocks are lost because of their length.
//!
//! ```text
//!           4 consecutive failures,
//!           3 on a path that has
//!           delivered no block yet       a shorter block arrives         a long block fails once more
//!   Open -----------------------> Search -----------------------> Confirm ------------------------> Limited
//!    ^                              |                                |                                |
//!    +--- a long block arrives -----+--------------------------------+          a probe of full size -+
//!    +--- not even 16 bytes arrive -+                                                  arrives        |
//!    +------------------------------------------------------------------------------------------------+
//!
//!   Limited:  blocks of `passes` bytes, and now and then one longer block, the probe
//!             passes < probe < fails   at once, until the two are 16 bytes apart (bisection)
//!             passes + 16              after 8, 16, ... 255 delivered blocks
//! ```
//!
//! On a path without a size limit that loses 20 % of the blocks at random, 4 consecutive failures happen once in 800
//! blocks on average; after 4 failures, the server sends two short blocks without need. On a path without a size limit
//! that loses 20 % of the blocks at random, the server sets a false limit once in 4,000 blocks on average, and removes
//! the false limit after 8 blocks. The limit of a path that carries at least 16 bytes of data is found within about ten
//! blocks: 4 failures, then a binary search between 16 and 255 bytes, and one confirmation.

use core::fmt;
use core::num::NonZeroU8;

/// Unit of reduced block sizes in bytes, which is also the smallest block size. Telink's clients refuse images in
/// blocks whose size is not a multiple of 16 bytes. In a block of less than 16 bytes, the data is shorter than the 17
/// bytes of the frame before the data.
const STEP: u8 = 16;

/// Number of consecutive failed deliveries after which the server tries shorter blocks.
const FAILURES: u8 = 4;

/// Number of consecutive failed deliveries after which the server tries shorter blocks on a path that has delivered no
/// block yet.
const FIRST_FAILURES: u8 = 3;

/// Number of delivered blocks after which the server sends the first probe, a block that is longer than the limit of
/// the path. The number of blocks before the next probe doubles with each probe that fails.
const PROBE_AFTER: u8 = 8;

/// Maximum number of doublings of [`PROBE_AFTER`]; the doubled number is limited to 255 blocks.
const MAX_BACKOFF: u8 = 5;

/// Number of blocks after a probe before the server sends another probe, if no delivery report of the probe arrives.
const UNREPORTED: u8 = 16;

/// State of the search for the block size limit of the path to one client. Sizes are counted in units of [`STEP`]: the
/// size 4 stands for a block of 64 bytes of data, or for a failed block of 49 to 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathMtu {
    /// No size limit of the path is known. The last `failures` blocks were not delivered, and the shortest of them has
    /// the size `shortest`. `proven` is set if the path delivered a block before these `failures` blocks, or if a
    /// search for the limit of the path found none.
    Open { proven: bool, failures: u8, shortest: u8 },
    /// The stack reported that blocks of the size `full` were not delivered. The server tries blocks of the size
    /// `size`, after blocks of the size `fails` were not delivered.
    Search { full: u8, fails: u8, size: u8 },
    /// A block of the size `passes` was delivered, after a block of the size `fails` and several blocks of the size
    /// `full` were not delivered. The server tries one block of the size `full` again.
    Confirm { full: u8, fails: u8, passes: u8, probe: Probe },
    /// Blocks of the size `passes` are delivered, and blocks of the size `fails` are not. After a successful probe,
    /// `fails` is 0, because the path may no longer have a limit.
    Limited {
        passes: u8,
        fails: u8,
        /// Number of consecutive blocks of the size `passes` or less that were not delivered; less than [`FAILURES`].
        failures: u8,
        /// Number of consecutive failed probes, up to [`MAX_BACKOFF`].
        backoff: u8,
        probe: Probe,
    },
}

/// Probe: a block that is longer than the limit of the path, and tests whether the path carries longer blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// Number of blocks that the client must still receive before the server sends the probe; 0 means that the next
    /// block is the probe.
    After(u8),
    /// The server has sent the probe; the number counts the blocks that it sent after the probe.
    InFlight(u8),
}

impl Probe {
    const NEXT: Self = Self::After(0);

    /// Records a sent block, which may be the probe. The sent block is the probe if the probe was due and the block is
    /// longer than the limit of the path.
    const fn sent(self, longer: bool) -> Self {
        match self {
            Self::After(0) if longer => Self::InFlight(0),
            Self::After(_) => self,
            Self::InFlight(UNREPORTED..) => Self::NEXT,
            Self::InFlight(after) => Self::InFlight(after.saturating_add(1)),
        }
    }

    /// Records the delivery of a block that is no longer than the limit of the path.
    const fn delivered(self) -> Self {
        match self {
            Self::After(left) => Self::After(left.saturating_sub(1)),
            Self::InFlight(_) => self,
        }
    }
}

impl PathMtu {
    /// Initial state of the search for the limit of a path, before any delivery report.
    pub(super) const UNKNOWN: Self = Self::Open { proven: false, failures: 0, shortest: MAX_SIZE };

    /// State of a path that has delivered a block, or on which a search found no limit.
    const PROVEN: Self = Self::Open { proven: true, failures: 0, shortest: MAX_SIZE };

    /// Returns the maximum number of bytes of data that the path carries in a block; `None` if no limit is known.
    pub(super) const fn limit(self) -> Option<NonZeroU8> {
        match self {
            Self::Open { .. } | Self::Search { .. } | Self::Confirm { .. } => None,
            Self::Limited { passes, .. } => NonZeroU8::new(bytes(passes)),
        }
    }

    /// Returns the number of bytes of data in the next block, at most `most`: the number of bytes that the request and
    /// all limits except the limit of the path allow.
    pub(super) const fn next_size(self, most: u8) -> u8 {
        let size = match self {
            Self::Open { .. } => MAX_SIZE,
            Self::Search { size, .. } => size,
            Self::Confirm { full, probe: Probe::NEXT, .. } => full,
            Self::Confirm { passes, .. } => passes,
            Self::Limited { fails: 0, probe: Probe::NEXT, .. } => MAX_SIZE,
            Self::Limited { passes, fails, probe: Probe::NEXT, .. } => midpoint(passes, fails),
            Self::Limited { passes, .. } => passes,
        };
        if bytes(size) < most { bytes(size) } else { most }
    }

    /// Records that a block of `len` bytes was sent.
    pub(super) const fn record_sent(&mut self, len: u8) {
        match self {
            Self::Open { .. } | Self::Search { .. } => {}
            Self::Confirm { passes, probe, .. } | Self::Limited { passes, probe, .. } => {
                *probe = probe.sent(len > bytes(*passes));
            }
        }
    }

    /// Records whether a block of `len` bytes was delivered. Returns `true` if the limit of the path was found.
    pub(super) fn record_delivery(&mut self, len: u8, delivered: bool) -> bool {
        let is_known = self.limit().is_some();
        *self = if delivered { self.after_delivery(len) } else { self.after_failure(len) };
        !is_known && self.limit().is_some()
    }

    fn after_delivery(self, len: u8) -> Self {
        let (whole, started) = (len / STEP, len.div_ceil(STEP));
        match self {
            // The delivery of a block shorter than the failed blocks is no evidence that blocks of the failed size
            // would arrive now.
            Self::Open { failures: 1.., shortest, .. } if started < shortest => self,
            Self::Open { .. } => Self::PROVEN,
            Self::Search { full, .. } | Self::Confirm { full, .. } if started >= full => Self::PROVEN,
            Self::Search { .. } if whole == 0 => self,
            Self::Search { full, fails, .. } => {
                // If a block arrives although a shorter block did not, the shorter block was lost by chance.
                let fails = if fails > whole { fails } else { full };
                Self::Confirm { full, fails, passes: whole, probe: Probe::NEXT }
            }
            Self::Confirm { full, fails, passes, probe } => {
                let fails = if fails > whole { fails } else { full };
                Self::Confirm { full, fails, passes: passes.max(whole), probe }
            }
            // The last probe arrived, and the client does not request longer blocks.
            Self::Limited { passes, fails: 0, probe: Probe::NEXT, .. } if len == bytes(passes) => {
                Self::PROVEN
            }
            Self::Limited { passes, fails, backoff, probe, .. } if len <= bytes(passes) => {
                Self::Limited { passes, fails, failures: 0, backoff, probe: probe.delivered() }
            }
            // The probe arrived with the full requested length.
            Self::Limited { fails: 0, .. } => Self::PROVEN,
            Self::Limited { fails, .. } if started >= fails => {
                Self::Limited { passes: whole, fails: 0, failures: 0, backoff: 0, probe: Probe::NEXT }
            }
            Self::Limited { fails, backoff, .. } => Self::bounded(whole, fails, backoff),
        }
    }

    fn after_failure(self, len: u8) -> Self {
        let started = len.div_ceil(STEP);
        match self {
            // The search for the limit does not try blocks below this size.
            Self::Open { .. } if len <= STEP => self,
            Self::Open { proven, failures, shortest } => {
                let (failures, shortest) = (failures.saturating_add(1), shortest.min(started));
                if failures < if proven { FAILURES } else { FIRST_FAILURES } {
                    return Self::Open { proven, failures, shortest };
                }
                Self::search(shortest)
            }
            Self::Search { size, .. } if len > bytes(size) => self,
            // Blocks of all sizes fail, so the size is not the cause.
            Self::Search { size: ..=1, .. } => Self::PROVEN,
            Self::Search { full, size, .. } => Self::Search { full, fails: size, size: midpoint(0, size) },
            Self::Confirm { fails, passes, .. } if len > bytes(passes) => {
                Self::bounded(passes, fails.min(started), 0)
            }
            Self::Confirm { .. } => self,
            Self::Limited { passes, fails, backoff, .. } if len > bytes(passes) => {
                let fails = if fails == 0 { started } else { fails.min(started) };
                Self::bounded(passes, fails, backoff.saturating_add(1).min(MAX_BACKOFF))
            }
            Self::Limited { passes: passes @ 2.., failures, .. }
                if failures.saturating_add(1) >= FAILURES =>
            {
                Self::search(passes)
            }
            Self::Limited { passes, fails, failures, backoff, probe } => {
                let failures = failures.saturating_add(1).min(FAILURES - 1);
                Self::Limited { passes, fails, failures, backoff, probe }
            }
        }
    }

    /// Returns the first state of a search for the limit of a path, after several blocks of the size `full` were not
    /// delivered.
    const fn search(full: u8) -> Self {
        Self::Search { full, fails: full, size: midpoint(0, full) }
    }

    /// Returns the state of a path whose limit is at least the size `passes` and below the size `fails`. If any size
    /// lies between `passes` and `fails`, the next block is a probe; if not, the server sends the next probe only after
    /// several delivered blocks.
    fn bounded(passes: u8, fails: u8, backoff: u8) -> Self {
        let after = u16::from(PROBE_AFTER).checked_shl(backoff.into()).unwrap_or(u16::MAX);
        let apart = fails.saturating_sub(passes) > 1;
        let after = if apart { 0 } else { u8::try_from(after).unwrap_or(u8::MAX) };
        Self::Limited { passes, fails, failures: 0, backoff, probe: Probe::After(after) }
    }
}

/// Largest size in units of [`STEP`], which stands for a block of 241 to 255 bytes.
const MAX_SIZE: u8 = 16;

/// Converts a size from units of [`STEP`] to bytes; [`MAX_SIZE`] becomes 255.
const fn bytes(size: u8) -> u8 {
    size.saturating_mul(STEP)
}

/// Returns the size in the middle between `low` and `high`, at least one unit above `low`.
const fn midpoint(low: u8, high: u8) -> u8 {
    let (middle, least) = (low.midpoint(high), low.saturating_add(1));
    if middle < least { least } else { middle }
}

/// [`PathMtu`] packed into three bytes, so that a session has room for the state.
///
/// ```text
/// bit      0-1  2      3-5       6-9       10-13           14-22
/// Open      0   proven failures  shortest
/// bit      0-1  2-5              6-9       10-13
/// Search    1   full             fails     size
/// Confirm   2   full             fails     passes          probe
/// bit      0-1  2-5              6-9       10-11 12-14     15-23
/// Limited   3   passes           fails     failures backoff probe
///
/// size: one less than the size; `fails` of Limited: 0 for none.   probe: number of blocks, then 1 if it is in flight
/// ```
#[derive(Clone, Copy)]
pub(super) struct PackedPathMtu([u8; 3]);

impl PackedPathMtu {
    pub(super) const UNKNOWN: Self = Self::new(PathMtu::UNKNOWN);

    pub(super) const fn new(path: PathMtu) -> Self {
        const fn put(value: u8, place: u32) -> u32 {
            u32::from_le_bytes([value, 0, 0, 0]).wrapping_shl(place)
        }
        const fn size(size: u8, place: u32) -> u32 {
            put(size.saturating_sub(1), place)
        }
        const fn probe(probe: Probe, place: u32) -> u32 {
            match probe {
                Probe::After(blocks) => put(blocks, place),
                Probe::InFlight(blocks) => (put(blocks, 0) | 1 << 8).wrapping_shl(place),
            }
        }
        let bits = match path {
            PathMtu::Open { proven, failures, shortest } => {
                let proven = if proven { 1 << 2 } else { 0 };
                proven | put(failures & 7, 3) | size(shortest, 6)
            }
            PathMtu::Search { full, fails, size: tried } => {
                1 | size(full, 2) | size(fails, 6) | size(tried, 10)
            }
            PathMtu::Confirm { full, fails, passes, probe: sent } => {
                2 | size(full, 2) | size(fails, 6) | size(passes, 10) | probe(sent, 14)
            }
            PathMtu::Limited { passes, fails, failures, backoff, probe: sent } => {
                let counts = put(failures & 3, 10) | put(backoff & 7, 12);
                3 | size(passes, 2) | size(fails, 6) | counts | probe(sent, 15)
            }
        };
        let [a, b, c, _] = bits.to_le_bytes();
        Self([a, b, c])
    }

    /// Records that a block of `len` bytes was sent. Fast path: most paths have no limit, and a sent block does not
    /// change the state of a path without a limit.
    #[inline(always)]
    pub(super) const fn record_sent(&mut self, len: u8) {
        let [tag, ..] = self.0;
        if tag & 3 >= 2 {
            let mut path = self.get();
            path.record_sent(len);
            *self = Self::new(path);
        }
    }

    /// Returns the number of bytes of data in the next block: at most `most`, the number of bytes that the request and
    /// all limits except the limit of the path allow.
    #[inline(always)]
    pub(super) const fn next_size(self, most: u8) -> u8 {
        let [tag, ..] = self.0;
        if tag & 3 == 0 { most } else { self.get().next_size(most) }
    }

    pub(super) const fn get(self) -> PathMtu {
        /// Returns the bit field of at most eight bits at the bit position `place`, selected by `mask`.
        const fn field(bits: u32, place: u32, mask: u8) -> u8 {
            let [low, ..] = bits.wrapping_shr(place).to_le_bytes();
            low & mask
        }
        const fn size(bits: u32, place: u32) -> u8 {
            field(bits, place, 15).saturating_add(1)
        }
        const fn probe(bits: u32) -> Probe {
            let blocks = field(bits, 0, u8::MAX);
            if field(bits, 8, 1) > 0 { Probe::InFlight(blocks) } else { Probe::After(blocks) }
        }
        let [a, b, c] = self.0;
        let bits = u32::from_le_bytes([a, b, c, 0]);
        match field(bits, 0, 3) {
            0 => PathMtu::Open {
                proven: field(bits, 2, 1) > 0,
                failures: field(bits, 3, 7),
                shortest: size(bits, 6),
            },
            1 => PathMtu::Search { full: size(bits, 2), fails: size(bits, 6), size: size(bits, 10) },
            2 => PathMtu::Confirm {
                full: size(bits, 2),
                fails: size(bits, 6),
                passes: size(bits, 10),
                probe: probe(bits.wrapping_shr(14)),
            },
            _ => PathMtu::Limited {
                passes: size(bits, 2),
                fails: match field(bits, 6, 15) {
                    0 => 0,
                    fails => fails.saturating_add(1),
                },
                failures: field(bits, 10, 3),
                backoff: field(bits, 12, 7),
                probe: probe(bits.wrapping_shr(15)),
            },
        }
    }
}

impl fmt::Debug for PackedPathMtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Sends `count` blocks of at most `most` bytes over a path that carries blocks of up to `carries` bytes, and
    /// reports the delivery or loss of each block at once.
    fn send(mtu: &mut PathMtu, most: u8, carries: u8, count: usize) -> Vec<u8> {
        let one = |_| {
            let len = mtu.next_size(most);
            mtu.record_sent(len);
            mtu.record_delivery(len, len <= carries);
            len
        };
        (0..count).map(one).collect()
    }

    /// Shows: FLD-042
    #[test]
    fn a_path_that_carries_only_short_blocks_is_known_after_ten_blocks() {
        for most in [32, 48, 50, 63, 64, 65, 82, 128, 223, 255] {
            for carries in STEP..=255 {
                for before in [0, 5] {
                    let mut mtu = PathMtu::UNKNOWN;
                    send(&mut mtu, most, u8::MAX, before);
                    let sizes = send(&mut mtu, most, carries, 10);
                    assert!(
                        sizes.iter().all(|size| size % STEP == 0 || *size == most),
                        "{most} {carries} {sizes:?}"
                    );
                    if carries >= most {
                        assert_eq!(sizes, [most; 10]);
                        continue;
                    }
                    let next = send(&mut mtu, most, carries, 8);
                    let lost = next.iter().filter(|size| **size > carries).count();
                    // The first probe whether the path has healed.
                    assert!(lost <= 1, "{most} {carries} {sizes:?} {next:?}");
                    let found = mtu.limit().unwrap().get();
                    assert_eq!(found, carries / STEP * STEP, "{most} {carries} {sizes:?} {next:?}");
                }
            }
        }
    }

    /// Shows: FLD-042
    #[test]
    fn a_path_that_has_healed_carries_long_blocks_again() {
        for (most, carries) in [(64, 16), (64, 40), (50, 32), (255, 100), (255, 16)] {
            let mut mtu = PathMtu::UNKNOWN;
            send(&mut mtu, most, carries, 20);
            let healed = send(&mut mtu, most, 255, 100);
            assert_eq!(healed[90..], [most; 10], "{most} {carries} {healed:?}");
            assert_eq!(mtu, PathMtu::PROVEN);
            // The limit comes back, and is found as fast as the first time.
            send(&mut mtu, most, carries, 10);
            assert_eq!(mtu.limit().map(NonZeroU8::get), Some(carries / STEP * STEP));
            // Probes get rare while the limit stands.
            let blocks = send(&mut mtu, most, carries, 2_000);
            let lost = blocks.iter().filter(|size| **size > carries).count();
            assert!((8..=15).contains(&lost), "{lost} probes of 2000 blocks");
            let healed = send(&mut mtu, most, 255, 300);
            assert_eq!(healed[290..], [most; 10], "{most} {carries}");
        }
    }

    /// Shows: FLD-042
    #[test]
    fn an_outage_is_no_limit() {
        let mut mtu = PathMtu::UNKNOWN;
        let mut state = 7_u32;
        let mut limited = 0;
        for blocks in 0..1000 {
            // The lamp is unplugged for a while, which swallows blocks of any size.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let length = usize::try_from(state >> 27).unwrap();
            send(&mut mtu, 64, 0, length);
            let sizes = send(&mut mtu, 64, 255, 12);
            limited += usize::from(mtu.limit().is_some());
            assert!(sizes.iter().filter(|size| **size < 64).count() <= 1, "{blocks} {length} {sizes:?}");
        }
        assert_eq!(limited, 0);
    }

    #[test]
    fn a_probe_without_a_report_is_sent_again() {
        let mut mtu = PathMtu::UNKNOWN;
        send(&mut mtu, 64, 40, 10);
        assert_eq!(mtu.limit().map(NonZeroU8::get), Some(32));
        let mut probes = 0;
        for _ in 0..100 {
            let len = mtu.next_size(64);
            mtu.record_sent(len);
            if len > 32 {
                probes += 1;
            } else {
                mtu.record_delivery(len, true);
            }
        }
        assert!((4..=6).contains(&probes), "{probes}");
    }

    /// State of a path that carries blocks of the size `passes` and not of the size `fails`.
    const fn limited(passes: u8, fails: u8, probe: Probe) -> PathMtu {
        PathMtu::Limited { passes, fails, failures: 0, backoff: 0, probe }
    }

    /// Returns the state after a delivery report of a block of `len` bytes.
    fn after(mut mtu: PathMtu, len: u8, delivered: bool) -> PathMtu {
        mtu.record_delivery(len, delivered);
        mtu
    }

    #[test]
    fn a_probe_has_the_size_in_the_middle_and_the_full_size_after_a_success() {
        for (fails, size) in [(3, 48), (4, 48), (6, 64), (0, 255)] {
            assert_eq!(limited(2, fails, Probe::NEXT).next_size(255), size, "{fails}");
        }
        assert_eq!(limited(2, 6, Probe::After(1)).next_size(255), 32);
    }

    /// The last block of a file is often short. The next long block is then the probe.
    #[test]
    fn only_a_block_that_is_longer_than_the_limit_is_a_probe() {
        for (len, probe) in
            [(5, Probe::NEXT), (32, Probe::NEXT), (33, Probe::InFlight(0)), (48, Probe::InFlight(0))]
        {
            let mut mtu = limited(2, 6, Probe::NEXT);
            mtu.record_sent(len);
            assert_eq!(mtu, limited(2, 6, probe), "{len}");
        }
    }

    #[test]
    fn a_limit_is_told_once() {
        let mut mtu = PathMtu::UNKNOWN;
        let told = |mtu: &mut PathMtu, len, delivered| mtu.record_delivery(len, delivered);
        for (len, delivered) in [(64, false), (64, false), (64, false), (32, true)] {
            assert!(!told(&mut mtu, len, delivered));
        }
        assert!(told(&mut mtu, 64, false));
        // A failed probe, a block that arrives, and a longer limit.
        for (len, delivered) in [(48, false), (32, true), (48, true)] {
            assert!(!told(&mut mtu, len, delivered), "{len} {delivered}");
            assert!(mtu.limit().is_some());
        }
    }

    #[test]
    fn only_a_block_as_long_as_the_failed_ones_clears_a_path() {
        let open = PathMtu::Open { proven: true, failures: 3, shortest: 4 };
        assert_eq!(after(open, 20, true), open);
        assert_eq!(after(open, 48, true), open);
        assert_eq!(after(open, 50, true), PathMtu::PROVEN);
        let confirm = |fails, passes| PathMtu::Confirm { full: 8, fails, passes, probe: Probe::NEXT };
        for state in [PathMtu::Search { full: 8, fails: 4, size: 2 }, confirm(4, 2)] {
            assert_eq!(after(state, 128, true), PathMtu::PROVEN);
            assert_eq!(after(state, 120, true), PathMtu::PROVEN);
            assert_eq!(after(state, 32, true), confirm(4, 2));
            assert_eq!(after(state, 48, true), confirm(4, 3));
            // The failure of the size that arrives now was a chance.
            assert_eq!(after(state, 64, true), confirm(8, 4));
            assert_eq!(after(state, 80, true), confirm(8, 5));
        }
    }

    /// A client asks for shorter blocks than before the limit of the path was found.
    #[test]
    fn a_limit_of_the_requested_length_is_none() {
        let healed = limited(4, 0, Probe::NEXT);
        assert_eq!(after(healed, 64, true), PathMtu::PROVEN);
        assert_eq!(after(healed, 20, true), healed);
    }

    #[test]
    fn a_failure_counts_only_if_the_size_can_be_the_cause() {
        for len in [1, 16] {
            assert_eq!(after(PathMtu::UNKNOWN, len, false), PathMtu::UNKNOWN);
        }
        let one = PathMtu::Open { proven: false, failures: 1, shortest: 2 };
        assert_eq!(after(PathMtu::UNKNOWN, 17, false), one);
        // A late report of a longer block says nothing about the size that is tried.
        let search = PathMtu::Search { full: 8, fails: 8, size: 4 };
        assert_eq!(after(search, 128, false), search);
        assert_eq!(after(search, 64, false), PathMtu::Search { full: 8, fails: 4, size: 2 });
    }

    #[test]
    fn a_lost_probe_narrows_the_search_and_makes_probes_rare() {
        let limited = |fails, backoff, after| PathMtu::Limited {
            passes: 2,
            fails,
            failures: 0,
            backoff,
            probe: Probe::After(after),
        };
        let confirm = PathMtu::Confirm { full: 8, fails: 6, passes: 2, probe: Probe::NEXT };
        for (state, len, then) in [
            (confirm, 128, limited(6, 0, 0)),
            (confirm, 64, limited(4, 0, 0)),
            (confirm, 48, limited(3, 0, 8)),
            (confirm, 33, limited(3, 0, 8)),
            (confirm, 32, confirm),
            (limited(6, 0, 0), 128, limited(6, 1, 0)),
            (limited(6, 0, 0), 64, limited(4, 1, 0)),
            (limited(4, 1, 0), 48, limited(3, 2, 32)),
            (limited(3, 2, 0), 48, limited(3, 3, 64)),
            (limited(3, 4, 0), 48, limited(3, 5, 255)),
            (limited(3, 5, 0), 48, limited(3, 5, 255)),
            // The full size was tried after a probe that arrived.
            (limited(0, 0, 0), 128, limited(8, 1, 0)),
        ] {
            assert_eq!(after(state, len, false), then, "{state:?} {len}");
        }
    }

    /// Not even the blocks that the path carried arrive any more.
    #[test]
    fn blocks_within_the_limit_that_fail_start_the_search_again() {
        let failed = |passes, failures| PathMtu::Limited {
            passes,
            fails: 6,
            failures,
            backoff: 2,
            probe: Probe::After(3),
        };
        let then = |passes, failures| after(failed(passes, failures), 16, false);
        assert_eq!(
            [0, 1, 2].map(|failures| then(2, failures)),
            [1, 2, 3].map(|failures| failed(2, failures))
        );
        assert_eq!(then(2, 3), PathMtu::Search { full: 2, fails: 2, size: 1 });
        // There is no shorter size than the first one.
        assert_eq!(then(1, 3), failed(1, 3));
        let search = PathMtu::Search { full: 8, fails: 2, size: 1 };
        assert_eq!(after(search, 17, false), search);
        assert_eq!(after(search, 16, false), PathMtu::PROVEN);
    }

    /// Tests that the search chooses block sizes from 1 to the requested size after any sequence of delivery reports.
    #[test]
    fn any_reports_leave_sizes_in_range() {
        let mut mtu = PathMtu::UNKNOWN;
        let mut state = 1_u32;
        for _ in 0..200_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [_, most, len, bits] = state.to_le_bytes();
            let most = most.max(1);
            let size = mtu.next_size(most);
            assert!((1..=most).contains(&size), "{mtu:?}");
            assert!(size == most || size.is_multiple_of(STEP), "{mtu:?}");
            if bits & 2 > 0 {
                mtu.record_sent(size);
            }
            mtu.record_delivery(if bits & 4 > 0 { size } else { len.max(1) }, bits & 1 > 0);
            assert_eq!(PackedPathMtu::new(mtu).get(), mtu);
        }
    }
}
