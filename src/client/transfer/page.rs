//! A page: one request, a run of blocks (section 6.10.7).
//!
//! ```text
//!   request      block   block           block        last block     next page
//!   |------------|-------|-------|-------|------- ... |--------------|
//!     round trip   interval       lost                  at once: what was lost is asked for by blocks,
//!                                                       then the next page
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | none | the request is sent | Asked |
//! | Asked | a block from its start on | Running; none where that was the last |
//! | | no block in time; it was not delivered | none, and a page is asked for again; the fourth time in a row blocks |
//! | Running | the next block, or one after it | Running |
//! | | the last block; none for as long as eight take | none, and what was lost is asked for |
//! | any | WAIT_FOR_DATA, an error, the server is sought | none, and all goes on after the pause |
//!
//! Any request would end the page (a server drops it for whatever is newer), so nothing is sent while blocks come.
//! How long to wait for the next one follows the interval between those that came.

use crate::client::ranges::Range;
use crate::client::rtt::RttEstimator;
use crate::time::{Instant, Millis};

use super::in_flight::Millis32;

/// Pages asked for in a row without a byte, after which blocks are asked for instead.
pub(super) const MISSED_LIMIT: u8 = 4;

/// Blocks that may be lost in a row before the page counts as ended.
const LOST_LIMIT: u32 = 8;

/// A spacing from which on a device need not stay awake between two blocks, ms.
pub(super) const LONG: u16 = 1000;

/// A page under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// What is still to come of it.
    pub(super) rest: Range,
    /// When it was asked for, or the last block came.
    at: Millis32,
    /// Of the request.
    pub(super) sequence: u8,
    pub(super) stage: PageStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageStage {
    /// Nothing came yet.
    Asked,
    /// Blocks come.
    Running,
}

impl Page {
    pub(super) const fn asked(now: Instant, sequence: u8, range: Range) -> Self {
        Self { rest: range, at: Millis32::of(now), sequence, stage: PageStage::Asked }
    }

    /// When it was asked for, or the last block came.
    pub(super) fn moved(&self, latest: Instant) -> Instant {
        self.at.before(latest)
    }

    /// A block came, all before `end`; `latest` is when anything came or went last. What is left of the page, and what
    /// the interval between two blocks was.
    pub(super) fn received(
        self,
        now: Instant,
        latest: Instant,
        block: Range,
        stride: u8,
    ) -> (Option<Self>, Option<Millis>) {
        let Self { rest, at, stage, .. } = self;
        if block.start < rest.start {
            // Out of order, or the answer to another request: it says nothing of what is to come.
            return (Some(Self { at: Millis32::of(now), ..self }), None);
        }
        let passed = block.end.saturating_sub(rest.start).checked_div(stride.into()).unwrap_or(1).max(1);
        let interval = now.since(at.before(latest)).0.checked_div(passed).map(Millis);
        let left = Range { start: block.end, end: rest.end };
        let page = Self { rest: left, at: Millis32::of(now), stage: PageStage::Running, ..self };
        (Some(page).filter(|page| !page.rest.is_empty()), interval.filter(|_| stage == PageStage::Running))
    }

    /// Until when the next block is waited for; `first` is how long for the first one.
    pub(super) fn deadline(
        &self,
        latest: Instant,
        stride: u8,
        first: Millis,
        interval: &RttEstimator,
        spacing: u16,
        most: Millis,
    ) -> Instant {
        let wait = match self.stage {
            PageStage::Asked => first.0,
            PageStage::Running => {
                let blocks = self.rest.len().div_ceil(u32::from(stride).max(1)).min(LOST_LIMIT);
                let one = interval.timeout(Millis(first.0.saturating_add(spacing.into())), most, 0);
                let mean = interval.mean().map_or(u32::from(spacing), |Millis(mean)| mean);
                one.0.saturating_add(mean.saturating_mul(blocks.saturating_sub(1)))
            }
        };
        self.at.before(latest).plus(Millis(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn the_interval_is_that_of_one_block_also_beside_those_that_are_lost() {
        let page = Page::asked(at(0), 1, Range { start: 0, end: 640 });
        let block = |start: u32| Range { start, end: start + 64 };
        let (page, interval) = page.received(at(20), at(0), block(0), 64);
        assert_eq!(interval, None, "the first took a round trip");
        let (page, interval) = page.unwrap().received(at(27), at(20), block(64), 64);
        assert_eq!(interval, Some(Millis(7)));
        let (page, interval) = page.unwrap().received(at(48), at(27), block(256), 64);
        assert_eq!(interval, Some(Millis(7)), "two were lost");
        let (page, interval) = page.unwrap().received(at(50), at(48), block(128), 64);
        assert_eq!((page.unwrap().rest.start, interval), (320, None), "late");
        let (page, _) = page.unwrap().received(at(60), at(50), block(576), 64);
        assert_eq!(page, None, "the last ends it");
    }

    #[test]
    fn a_block_that_comes_late_puts_the_next_one_off() {
        let page = Page::asked(at(0), 1, Range { start: 0, end: 640 });
        let block = |start: u32| Range { start, end: start + 64 };
        let (page, _) = page.received(at(20), at(0), block(128), 64);
        let (page, _) = page.unwrap().received(at(35), at(20), block(0), 64);
        assert_eq!(page.unwrap().moved(at(35)), at(35));
        let (_, interval) = page.unwrap().received(at(42), at(35), block(192), 64);
        assert_eq!(interval, Some(Millis(7)));
    }
}
