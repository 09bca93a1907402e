//! Page in transfer: one Image Page Request and the series of Image Block Responses by which the server answers the
//! request. Sections refer to ZigBee document 095264 (2011); pages are in section 6.10.7.
//!
//! ```text
//!   request      block   block           block        last block     next page
//!   |------------|-------|-------|-------|------- ... |--------------|
//!     round trip   interval       lost                  at once: single requests for lost blocks,
//!                                                       then the next page
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | none | the request is sent | Requested |
//! | Requested | a block at or after the start of the page | Receiving; none if the block was the last of the page |
//! | | timeout of the first block; failed delivery | none, and the page is requested again; after four consecutive failures, blocks |
//! | Receiving | the next block, or one after it | Receiving |
//! | | silence for the time of up to eight blocks | none, and lost blocks are requested |
//! | | the last block, and no block is missing or blocks never overtake each other | none, and lost blocks are requested |
//! | | the last block, and blocks have overtaken each other before | Trailing |
//! | Trailing | the last missing block; the end of the wait for overtaken blocks | none, and lost blocks are requested |
//! | any | WAIT_FOR_DATA, an error, a search for the server | none; the download continues after the pause |
//!
//! The client sends no request while blocks of a page arrive, because a server stops sending a page when a newer
//! request arrives. The client computes the timeout of the next block from the measured interval between blocks. Until
//! the client has measured an interval between blocks, the timeouts are long, because a server may pace its blocks more
//! slowly than requested. The timeouts of the blocks of a page double with each consecutive page whose last block does
//! not arrive.

use crate::client::clock_ticks::Ticks;
use crate::client::config::{ClientConfig, TransferMode};
use crate::client::request_retry::exponential_backoff;
use crate::client::rtt::RttEstimator;
use crate::ranges::Range;
use crate::time::Millis;

use super::mode_probe::Choice;
use super::{Download, DownloadPhase};

/// Number of consecutive page requests that bring no data, after which the client continues the download by Image Block
/// Requests.
///
/// At 5 % loss, four consecutive page requests are lost about once in 160,000 pages. Four consecutive page requests
/// without data therefore mean that the server ignores Image Page Requests. The limit of four consecutive page requests
/// without data was chosen without a measurement.
pub(super) const SILENT_PAGES_LIMIT: u8 = 4;

/// Longest time for which the client waits for the next block of a page, as a multiple of the measured interval between
/// blocks. If no block of the page arrives for this longest time, the page ends.
///
/// Over three hops, the goodput falls by up to 5 % if the client waits for the next block of a page for at most 4
/// intervals between blocks instead of 8, and by up to 42 % if the client waits for at most 2 intervals. If the client
/// waits for the next block of a page for at most 2 or 4 intervals, it requests pages again that are only slow. If the
/// client waits for at most 16 intervals instead of 8 for the next block of a page, the goodput does not rise
/// (simulation `examples/goodput`, `Auto`, 64 blocks a page).
const LOST_BLOCKS_LIMIT: u32 = 8;

/// Shortest time for which the client waits for the next block of a page, as long as fewer than [`FIRST_SAMPLES`]
/// intervals between blocks have been measured. A server may pace its blocks more slowly than the client has requested.
///
/// One second is the initial retransmission timeout of RFC 6298. The server zigbee2mqtt sends one block of a page every
/// 250 ms by default.
const FIRST_INTERVAL: Millis = Millis::from_secs(1);

/// Number of measured intervals between blocks after which the client relies on the estimate of the interval. The first
/// blocks of a page may arrive together although the server spaces its blocks, so that the first measured interval may
/// be too short. In the estimate of RFC 6298, the weight of the first measured interval has fallen to a third after
/// eight further intervals.
const FIRST_SAMPLES: u8 = 8;

/// Limit of the halvings of a page: a page has at least an eighth of its usual size.
///
/// The client has no room for a block above more gaps than its list of out-of-order ranges has entries, and ignores the
/// block. If the list is full at the end of a page, the next page has half the size; if fewer than a quarter of the
/// list are in use, the next page has twice the size. In the simulation `examples/goodput` with 8 ranges and 10 % loss,
/// the adapted size raises the goodput of pages by 10 to 17 % over three hops, compared with pages of 4 KiB.
const MAX_HALVINGS: u8 = 3;

/// Longest time for which the client waits for a block that the last block of the page has overtaken. The longest wait
/// for an overtaken block, 500 ms, was chosen without a measurement. If a block was lost, a new request for the block
/// takes less than 500 ms.
const MAX_REORDERING: Millis = Millis(500);

/// Shortest response spacing, in ms, at which a sleepy device need not poll its parent fast between two blocks.
///
/// Section 6.10.7.3 lets a device sleep between blocks that are far apart, but names no time; this crate chooses a
/// response spacing of one second.
pub(super) const SLEEP_SPACING: u16 = 1000;

/// Largest accepted distance between the sequence number of the first response of a page and the sequence number of a
/// later response of the page. The largest accepted distance between two sequence numbers is just below half of the 256
/// sequence numbers, so that the client knows which of two sequence numbers is the later one.
const MAX_RESPONSE_DISTANCE: u8 = 127;

/// State of the page in transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// File offset of the first byte of the page.
    pub(super) start: u32,
    /// Range of the file from the end of the highest block that has arrived to the end of the page; the whole page
    /// before the first block of the page has arrived.
    pub(super) remaining: Range,
    /// Time of the page request or of the latest received block, whichever is later.
    pub(super) updated: Ticks,
    /// Sequence number of the Image Page Request.
    pub(super) sequence: u8,
    /// Sequence number of the first response of the page; 0 until the first response arrives.
    first_response: u8,
    /// Stage of the page in transfer, which says which blocks of the page have arrived.
    pub(super) stage: PageStage,
}

/// Stage of a page in transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageStage {
    /// No block of the page has arrived.
    Requested,
    /// At least one block of the page has arrived.
    Receiving,
    /// The last block of the page has arrived, but earlier blocks are missing. The missing blocks of the page may still
    /// arrive, because later blocks may have overtaken them.
    Trailing,
}

impl Page {
    /// Starts the page that covers `range`; the client sends the request for this page at the time `now`.
    pub(super) const fn new(now: Ticks, sequence: u8, range: Range) -> Self {
        let start = range.start;
        Self {
            start,
            remaining: range,
            updated: now,
            sequence,
            first_response: 0,
            stage: PageStage::Requested,
        }
    }

    /// Returns whether a response with the sequence number `sequence` can belong to this page. The response can belong
    /// to the page if `sequence` is the sequence number of the page request, or lies 0 to 127 after the sequence
    /// number of the first response of the page.
    pub(super) fn has_response(&self, sequence: u8) -> bool {
        sequence == self.sequence
            || (self.stage != PageStage::Requested
                && sequence.wrapping_sub(self.first_response) <= MAX_RESPONSE_DISTANCE)
    }

    /// Returns whether the byte at the file offset `offset` belongs to the page.
    pub(super) const fn contains(&self, offset: u32) -> bool {
        self.start <= offset && offset < self.remaining.end
    }

    /// Adapts the instant `updated` of the page to a new origin of the clock, which is `shift` later than the old
    /// origin.
    pub(super) fn shift(&mut self, shift: Millis) {
        self.updated.shift(shift);
    }

    /// Records the arrival of `block`, whose response has the sequence number `response`. Returns the updated page, and
    /// the time measurement that follows from the arrival of `block`.
    ///
    /// If blocks between the previous received block and `block` were lost, the method divides the time since the
    /// previous received block by the number of blocks from the first lost block to `block`. The first block of a page
    /// arrives one round trip after the request, so that its arrival measures no interval between blocks.
    pub(super) fn record_block(
        self,
        now: Ticks,
        response: u8,
        block: Range,
        block_size: u8,
    ) -> (Self, BlockTiming) {
        let Self { remaining, updated, stage, .. } = self;
        let elapsed = now.since(updated);
        if block.start >= remaining.end {
            // The block belongs to another page, which follows this page in the file.
            return (Self { updated: now, ..self }, BlockTiming::Unknown);
        }
        if block.start < remaining.start {
            // A block below the highest block that has arrived, or the response to a block request, leaves `remaining`
            // unchanged.
            let behind =
                remaining.start.saturating_sub(block.end).checked_div(block_size.into()).unwrap_or(0);
            let timing = match stage {
                PageStage::Requested => BlockTiming::Unknown,
                PageStage::Receiving | PageStage::Trailing if block.start >= self.start => {
                    BlockTiming::Overtaken { elapsed, behind }
                }
                PageStage::Receiving | PageStage::Trailing => BlockTiming::Unknown,
            };
            return (Self { updated: now, ..self }, timing);
        }
        let blocks =
            block.end.saturating_sub(remaining.start).checked_div(block_size.into()).unwrap_or(1).max(1);
        let timing = match (stage, elapsed.0.checked_div(blocks)) {
            (PageStage::Receiving, Some(interval)) => BlockTiming::Interval(Millis(interval)),
            _ => BlockTiming::Unknown,
        };
        let first_response = match stage {
            PageStage::Requested => response,
            PageStage::Receiving | PageStage::Trailing => self.first_response,
        };
        let remaining = Range { start: block.end.min(remaining.end), end: remaining.end };
        let stage = if remaining.is_empty() { PageStage::Trailing } else { PageStage::Receiving };
        (Self { remaining, updated: now, first_response, stage, ..self }, timing)
    }

    /// Returns the time until which the client waits for the next block of the page.
    ///
    /// - In the stage `Requested`, the client waits for `first_timeout` after the page request.
    /// - In the stage `Receiving`, the client waits from the arrival of the latest block for the retransmission timeout
    ///   of RFC 6298, computed from the measured intervals between blocks. If several blocks up to the end of the page
    ///   have yet to arrive, the client waits one mean interval longer for each of these blocks except the first; at
    ///   most [`LOST_BLOCKS_LIMIT`] of these blocks count. The wait for a block doubles with each consecutive page
    ///   whose last block did not arrive, up to `max_timeout`. If at least [`FIRST_SAMPLES`] intervals have been
    ///   measured, the first page whose last block did not arrive does not double the wait for a block, because perhaps
    ///   the server sent the whole page and only the last blocks were lost. To the wait for a block, doubled or not,
    ///   the client adds `reordering`, the longest delay of blocks that later blocks have overtaken.
    /// - In the stage `Trailing`, the client waits for the time `reordering` after the latest block. The time
    ///   `reordering` is the longest delay of earlier blocks that later blocks have overtaken.
    ///
    /// Until an interval between blocks has been measured, the mean interval is the response spacing `spacing` in ms.
    /// Until [`FIRST_SAMPLES`] intervals have been measured, the wait in the stage `Receiving` is at least
    /// [`FIRST_INTERVAL`].
    pub(super) fn deadline(
        &self,
        block_size: u8,
        first_timeout: Millis,
        timing: &PageTiming,
        spacing: u16,
        max_timeout: Millis,
    ) -> Ticks {
        let interval = &timing.interval;
        let wait = match self.stage {
            PageStage::Requested => first_timeout.0,
            PageStage::Receiving => {
                let blocks =
                    self.remaining.len().div_ceil(u32::from(block_size).max(1)).min(LOST_BLOCKS_LIMIT);
                let initial = Millis(first_timeout.0.saturating_add(spacing.into()));
                let next = interval.timeout(initial, max_timeout, 0).max(timing.shortest_wait());
                let mean = interval.smoothed().map_or(u32::from(spacing), |Millis(mean)| mean);
                let wait = next.0.saturating_add(mean.saturating_mul(blocks.saturating_sub(1)));
                let patient = exponential_backoff(Millis(wait), timing.doublings()).min(max_timeout);
                patient.0.max(wait).saturating_add(timing.reordering.0)
            }
            PageStage::Trailing => timing.reordering.0,
        };
        self.updated.plus(Millis(wait))
    }
}

/// Time measurement that follows from the arrival of a block of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockTiming {
    /// The arrival of the block gives no measurement of the interval between blocks.
    Unknown,
    /// The arrival of the block gives a measurement of the interval between two blocks of the page.
    Interval(Millis),
    /// Later blocks have overtaken the block: `elapsed` is the time since the last arrival of a block, and `behind` the
    /// number of blocks between the overtaken block and the highest block that has arrived.
    Overtaken { elapsed: Millis, behind: u32 },
}

/// Measured times between the blocks of pages, collected over all pages of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageTiming {
    /// Estimator of the interval between the blocks of a page.
    pub(super) interval: RttEstimator,
    /// Longest measured delay of a block that later blocks have overtaken. At the end of each page, the client reduces
    /// `reordering` by an eighth.
    pub(super) reordering: Millis,
    /// Number of consecutive pages whose last block did not arrive.
    silent_ends: u8,
    /// Number of measured intervals between blocks, at most [`FIRST_SAMPLES`].
    samples: u8,
    /// Number of times that the client halves the usual size of a page.
    halvings: u8,
}

impl PageTiming {
    /// State before the first page of a download: no time between blocks has been measured.
    pub(super) const fn new() -> Self {
        Self { interval: RttEstimator::new(), reordering: Millis(0), silent_ends: 0, samples: 0, halvings: 0 }
    }

    /// Returns the lower limit of the wait for the next block of a page. After [`FIRST_SAMPLES`] measured intervals
    /// between blocks, the wait for the next block of a page has no lower limit.
    const fn shortest_wait(&self) -> Millis {
        if self.is_trusted() { Millis(0) } else { FIRST_INTERVAL }
    }

    /// Returns the lower limit of the wait for the first block of a page. If the last block of an earlier page has not
    /// arrived, the server may still be sending the blocks of the earlier page, so that the wait has a lower limit.
    pub(super) fn shortest_first_wait(&self, max_timeout: Millis) -> Millis {
        if self.is_trusted() || self.silent_ends == 0 {
            return Millis(0);
        }
        exponential_backoff(FIRST_INTERVAL, self.silent_ends).min(max_timeout)
    }

    const fn is_trusted(&self) -> bool {
        self.samples >= FIRST_SAMPLES
    }

    /// Returns how often the client doubles the wait for the next block of a page.
    const fn doublings(&self) -> u8 {
        if self.is_trusted() { self.silent_ends.saturating_sub(1) } else { self.silent_ends }
    }

    /// Records the time measurement that follows from the arrival of a block of a page. The delay of an overtaken block
    /// counts from the time at which the preceding block of the file was due, plus one interval as a margin.
    pub(super) fn record(&mut self, timing: BlockTiming) {
        match timing {
            BlockTiming::Unknown => {}
            BlockTiming::Interval(interval) => {
                self.interval.update(interval);
                self.samples = self.samples.saturating_add(1).min(FIRST_SAMPLES);
            }
            BlockTiming::Overtaken { elapsed, behind } => {
                let mean = self.interval.smoothed().map_or(0, |Millis(mean)| mean);
                let late = elapsed.0.saturating_add(mean.saturating_mul(behind.saturating_add(2)));
                self.reordering = self.reordering.max(Millis(late).min(MAX_REORDERING));
            }
        }
    }

    /// Returns the size of the next page in bytes, if the usual size of a page is `size` bytes.
    pub(super) fn page_size(&self, size: u32) -> u32 {
        size >> self.halvings
    }

    /// Adapts the size of the next page to the losses, at the end of a page that has left `gaps` gaps in the file. The
    /// client has room for at most `max_gaps` gaps.
    pub(super) fn adapt_page_size(&mut self, gaps: usize, max_gaps: usize) {
        if gaps >= max_gaps {
            self.halvings = self.halvings.saturating_add(1).min(MAX_HALVINGS);
        } else if gaps.saturating_mul(4) < max_gaps {
            self.halvings = self.halvings.saturating_sub(1);
        }
    }

    /// Records the end of a page; `is_silent` is `true` if the last block of the page did not arrive.
    pub(super) fn end_page(&mut self, is_silent: bool) {
        self.silent_ends = if is_silent { self.silent_ends.saturating_add(1) } else { 0 };
        let Millis(reordering) = self.reordering;
        self.reordering = Millis(reordering.saturating_sub(reordering.div_ceil(8)));
    }
}

impl<const RANGES: usize> Download<RANGES> {
    /// Ends the page in transfer after the last block of the page has arrived, unless missing blocks of the page may
    /// still arrive. Missing blocks of the page may still arrive if earlier blocks of the download have overtaken each
    /// other. If no block of the download has overtaken another block, the missing blocks of the page count as lost.
    pub(super) fn end_complete_page(&mut self) {
        let Some(page) = self.page().filter(|page| page.stage == PageStage::Trailing) else { return };
        let is_missing = self.missing(page.start).is_some_and(|gap| gap.start < page.remaining.end);
        if !is_missing || self.page_timing.reordering == Millis(0) {
            self.end_page(false);
        }
    }

    /// Ends the page in transfer; `is_silent` is `true` if the last block of the page did not arrive.
    pub(super) fn end_page(&mut self, is_silent: bool) {
        self.page = None;
        self.page_timing.end_page(is_silent);
        if let DownloadPhase::Rest { received, .. } = &self.phase {
            self.page_timing.adapt_page_size(received.out_of_order_count(), RANGES);
        }
    }

    /// Returns the response spacing, in ms, that the transfer mode demands for Image Page Requests.
    pub(super) const fn page_spacing(&self, config: &ClientConfig) -> u16 {
        match Self::mode(config) {
            TransferMode::Pages { spacing, .. } => spacing,
            TransferMode::Blocks { .. } | TransferMode::Auto => match &self.phase {
                DownloadPhase::Header(_) => 0,
                DownloadPhase::Rest { mode_probe, .. } => mode_probe.spacing(),
            },
        }
    }

    /// Leaves the present page out of the measurements of `TransferMode::Auto`, because the download pauses or waits.
    pub(super) fn discard_measured_page(&mut self) {
        if Self::ANY_ORDER
            && let DownloadPhase::Rest { mode_probe, .. } = &mut self.phase
        {
            mode_probe.discard_page();
        }
    }

    /// Ends the measurement of the present page in `TransferMode::Auto`, before the client requests the page `next`.
    pub(super) fn end_measured_page(&mut self, now: Ticks, next: Range) -> Choice {
        let (size, single_rtt) = (self.block_size.bytes(), self.window.single_rtt());
        match &mut self.phase {
            DownloadPhase::Header(_) => Choice::Pages,
            DownloadPhase::Rest { mode_probe, .. } => mode_probe.end_page(now, next, size, single_rtt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Ticks {
        Ticks::from_millis(millis)
    }

    #[test]
    fn lost_blocks_do_not_lengthen_the_measured_interval() {
        let page = Page::new(at(0), 1, Range { start: 0, end: 640 });
        let block = |start: u32| Range { start, end: start + 64 };
        let (page, timing) = page.record_block(at(20), 1, block(0), 64);
        assert_eq!(timing, BlockTiming::Unknown, "the first block took a round trip");
        let (page, timing) = page.record_block(at(27), 1, block(64), 64);
        assert_eq!(timing, BlockTiming::Interval(Millis(7)));
        let (page, timing) = page.record_block(at(48), 1, block(256), 64);
        assert_eq!(timing, BlockTiming::Interval(Millis(7)), "two blocks were lost");
        let (page, timing) = page.record_block(at(50), 1, block(128), 64);
        let overtaken = BlockTiming::Overtaken { elapsed: Millis(2), behind: 2 };
        assert_eq!((page.remaining.start, timing), (320, overtaken), "a block out of order");
        let (page, _) = page.record_block(at(60), 1, block(576), 64);
        assert_eq!((page.stage, page.remaining.is_empty()), (PageStage::Trailing, true));
    }

    #[test]
    fn a_block_out_of_order_restarts_the_interval() {
        let page = Page::new(at(0), 1, Range { start: 0, end: 640 });
        let block = |start: u32| Range { start, end: start + 64 };
        let (page, _) = page.record_block(at(20), 1, block(128), 64);
        let (page, _) = page.record_block(at(35), 1, block(0), 64);
        assert_eq!(page.updated, at(35));
        let (_, timing) = page.record_block(at(42), 1, block(192), 64);
        assert_eq!(timing, BlockTiming::Interval(Millis(7)));
    }

    #[test]
    fn a_late_block_of_an_earlier_page_does_not_end_the_page() {
        let page = Page::new(at(0), 1, Range { start: 0, end: 640 });
        for start in [640, 704, 6400] {
            let (page, timing) = page.record_block(at(20), 9, Range { start, end: start + 64 }, 64);
            assert_eq!((page.stage, page.remaining), (PageStage::Requested, Range { start: 0, end: 640 }));
            assert_eq!(timing, BlockTiming::Unknown);
            let (page, _) = page.record_block(at(30), 1, Range { start: 0, end: 64 }, 64);
            let (page, timing) = page.record_block(at(40), 9, Range { start, end: start + 64 }, 64);
            assert_eq!((page.stage, page.remaining), (PageStage::Receiving, Range { start: 64, end: 640 }));
            assert_eq!((page.first_response, timing), (1, BlockTiming::Unknown));
        }
    }

    #[test]
    fn the_size_of_a_page_follows_the_gaps_that_it_leaves() {
        let mut timing = PageTiming::new();
        assert_eq!(timing.page_size(4096), 4096);
        for (gaps, size) in
            [(7, 4096), (8, 2048), (8, 1024), (2, 1024), (8, 512), (8, 512), (1, 1024), (0, 2048)]
        {
            timing.adapt_page_size(gaps, 8);
            assert_eq!(timing.page_size(4096), size, "after {gaps} gaps");
        }
        assert_eq!(timing.page_size(5), 2);
    }

    /// Shows: FLD-016
    #[test]
    fn the_wait_for_overtaken_blocks_is_learned_and_forgotten_again() {
        let mut timing = PageTiming::new();
        (0..50).for_each(|_| timing.record(BlockTiming::Interval(Millis(20))));
        timing.record(BlockTiming::Overtaken { elapsed: Millis(5), behind: 1 });
        assert_eq!(timing.reordering, Millis(65));
        timing.record(BlockTiming::Overtaken { elapsed: Millis(0), behind: 0 });
        assert_eq!(timing.reordering, Millis(65), "the longest time counts");
        timing.record(BlockTiming::Overtaken { elapsed: Millis(9000), behind: 9 });
        assert_eq!(timing.reordering, MAX_REORDERING);
        (0..100).for_each(|_| timing.end_page(false));
        assert_eq!(timing.reordering, Millis(0));
    }
}
