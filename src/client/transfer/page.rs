//! Page in transfer: one Image Page Request and the run of Image Block Responses that the request causes. Sections
//! refer to ZigBee document 095264 (2011); pages are in section 6.10.7.
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
//! | Requested | a block at or after the start of the page | Receiving; none if it was the last |
//! | | timeout of the first block; failed delivery | none, and the page is requested again; after the fourth time in a row, blocks |
//! | Receiving | the next block, or one after it | Receiving |
//! | | the last block; silence for the time of up to eight blocks | none, and lost blocks are requested |
//! | any | WAIT_FOR_DATA, an error, a search for the server | none; the download continues after the pause |
//!
//! The client sends no request while blocks of a page arrive, because a newer request makes the server stop the page.
//! The timeout of the next block follows the measured interval between blocks.

use crate::client::ranges::Range;
use crate::client::rtt::RttEstimator;
use crate::time::{Instant, Millis};

use super::in_flight::Millis32;

/// Number of page requests in a row without any data after which the download continues by blocks.
///
/// At 5 % loss, four requests in a row are lost about once in 160,000 pages. Four page requests without data therefore
/// mean that the server ignores Image Page Requests. The limit is chosen, not measured.
pub(super) const SILENT_PAGES_LIMIT: u8 = 4;

/// Longest silence in a page, as a number of blocks at the measured interval. After this silence the page counts as
/// ended.
///
/// Over three hops, a limit of 4 blocks costs up to 5 % of the goodput, and a limit of 2 blocks up to 42 %. With such
/// low limits, pages that are only slow are requested again. A limit of 16 blocks gains nothing (simulation
/// `examples/goodput`, `Auto`, 64 blocks a page).
const LOST_BLOCKS_LIMIT: u32 = 8;

/// Shortest response spacing, in ms, at which a sleepy device need not poll its parent fast between two blocks.
///
/// Section 6.10.7.3 lets a device sleep between blocks that are far apart, but names no time; this crate chooses one
/// second.
pub(super) const SLEEP_SPACING: u16 = 1000;

/// Largest distance between the sequence numbers of the first response of a page and of a later response of the same
/// page: half of the 256 numbers, so that "after" is unambiguous.
const MAX_RESPONSE_DISTANCE: u8 = 127;

/// State of the page in transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Bytes of the page after the last byte that arrived.
    pub(super) remaining: Range,
    /// Time of the page request or of the last block, whichever is later.
    updated: Millis32,
    /// Sequence number of the Image Page Request.
    pub(super) sequence: u8,
    /// Sequence number of the first response of the page; 0 before the first response.
    first_response: u8,
    /// Stage of the page, which says whether blocks of the page have arrived.
    pub(super) stage: PageStage,
}

/// Stage of a page in transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageStage {
    /// Page of which no block has arrived.
    Requested,
    /// Page of which at least one block has arrived.
    Receiving,
}

impl Page {
    /// Starts the page that covers `range`; the request for this page is sent `now`.
    pub(super) const fn new(now: Instant, sequence: u8, range: Range) -> Self {
        let updated = Millis32::from_instant(now);
        Self { remaining: range, updated, sequence, first_response: 0, stage: PageStage::Requested }
    }

    /// Returns whether a response with the sequence number `sequence` can belong to this page: the number is that of the
    /// request, or follows the number of the first response of the page.
    pub(super) fn has_response(&self, sequence: u8) -> bool {
        sequence == self.sequence
            || (self.stage == PageStage::Receiving
                && sequence.wrapping_sub(self.first_response) <= MAX_RESPONSE_DISTANCE)
    }

    /// Returns the time of the page request or of the last block, whichever is later.
    pub(super) fn last_update(&self, last_activity: Instant) -> Instant {
        self.updated.to_instant(last_activity)
    }

    /// Records the arrival of `block`. Returns the page, or `None` at the end of the page, together with the interval
    /// since the block before.
    ///
    /// If blocks before `block` were lost, the time is divided by the number of blocks. The interval is `None` for the
    /// first block, which took a round trip, and for a block out of order.
    pub(super) fn record_block(
        self,
        now: Instant,
        last_activity: Instant,
        response: u8,
        block: Range,
        block_size: u8,
    ) -> (Option<Self>, Option<Millis>) {
        let Self { remaining, updated, stage, .. } = self;
        let now_short = Millis32::from_instant(now);
        if block.start < remaining.start {
            // A block out of order, or the response to a block request, leaves the rest of the page unchanged.
            return (Some(Self { updated: now_short, ..self }), None);
        }
        let blocks =
            block.end.saturating_sub(remaining.start).checked_div(block_size.into()).unwrap_or(1).max(1);
        let interval = now.since(updated.to_instant(last_activity)).0.checked_div(blocks).map(Millis);
        let left = Range { start: block.end, end: remaining.end };
        let first_response = match stage {
            PageStage::Requested => response,
            PageStage::Receiving => self.first_response,
        };
        let stage_now = PageStage::Receiving;
        let page = Self { remaining: left, updated: now_short, first_response, stage: stage_now, ..self };
        (
            Some(page).filter(|page| !page.remaining.is_empty()),
            interval.filter(|_| stage == PageStage::Receiving),
        )
    }

    /// Returns the time until which the client waits for the next block of the page.
    ///
    /// - In the stage `Requested`, the time is `first_timeout` after the request.
    /// - In the stage `Receiving`, the time is the retransmission timeout of RFC 6298 for one interval after the last
    ///   block. Each further block that remains, up to [`LOST_BLOCKS_LIMIT`], adds the mean interval.
    ///
    /// Until an interval is measured, `spacing` in ms is used as the mean interval.
    pub(super) fn deadline(
        &self,
        last_activity: Instant,
        block_size: u8,
        first_timeout: Millis,
        interval: &RttEstimator,
        spacing: u16,
        max_timeout: Millis,
    ) -> Instant {
        let wait = match self.stage {
            PageStage::Requested => first_timeout.0,
            PageStage::Receiving => {
                let blocks =
                    self.remaining.len().div_ceil(u32::from(block_size).max(1)).min(LOST_BLOCKS_LIMIT);
                let initial = Millis(first_timeout.0.saturating_add(spacing.into()));
                let next = interval.timeout(initial, max_timeout, 0);
                let mean = interval.smoothed().map_or(u32::from(spacing), |Millis(mean)| mean);
                next.0.saturating_add(mean.saturating_mul(blocks.saturating_sub(1)))
            }
        };
        self.last_update(last_activity).plus(Millis(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn lost_blocks_do_not_lengthen_the_measured_interval() {
        let page = Page::new(at(0), 1, Range { start: 0, end: 640 });
        let block = |start: u32| Range { start, end: start + 64 };
        let (page, interval) = page.record_block(at(20), at(0), 1, block(0), 64);
        assert_eq!(interval, None, "the first block took a round trip");
        let (page, interval) = page.unwrap().record_block(at(27), at(20), 1, block(64), 64);
        assert_eq!(interval, Some(Millis(7)));
        let (page, interval) = page.unwrap().record_block(at(48), at(27), 1, block(256), 64);
        assert_eq!(interval, Some(Millis(7)), "two blocks were lost");
        let (page, interval) = page.unwrap().record_block(at(50), at(48), 1, block(128), 64);
        assert_eq!((page.unwrap().remaining.start, interval), (320, None), "a block out of order");
        let (page, _) = page.unwrap().record_block(at(60), at(50), 1, block(576), 64);
        assert_eq!(page, None, "the last block ends the page");
    }

    #[test]
    fn a_block_out_of_order_restarts_the_interval() {
        let page = Page::new(at(0), 1, Range { start: 0, end: 640 });
        let block = |start: u32| Range { start, end: start + 64 };
        let (page, _) = page.record_block(at(20), at(0), 1, block(128), 64);
        let (page, _) = page.unwrap().record_block(at(35), at(20), 1, block(0), 64);
        assert_eq!(page.unwrap().last_update(at(35)), at(35));
        let (_, interval) = page.unwrap().record_block(at(42), at(35), 1, block(192), 64);
        assert_eq!(interval, Some(Millis(7)));
    }
}
