//! What to ask for next.
//!
//! ```text
//!   here ####   asked for ~~~~   missing ....
//!
//!   blocks   ########....####~~~~........   the lowest gap that nobody is asked for, a stride of it
//!                    ^
//!   pages    ########.###................   a few missing blocks by themselves, then the next page; more of them by a page
//!                    ^   ^
//!                block   page
//! ```

use crate::client::config::{ClientConfig, TransferMode};
use crate::client::ranges::Range;
use crate::client::rtt::RttEstimator;
use crate::time::Instant;

use super::block_size::BlockSize;
use super::in_flight::Request;
use super::{Body, Download, mode_probe};

/// Missing blocks in a row that are asked for by blocks; more by a page.
const FEW: u32 = 4;

/// What to ask for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextRequest {
    Block(Range),
    Page(Range),
}

impl<const RANGES: usize> Download<RANGES> {
    /// What to ask for now, if anything.
    pub(super) fn next(
        &self,
        now: Instant,
        config: &ClientConfig,
        link: &RttEstimator,
    ) -> Option<NextRequest> {
        let is_ready = self.ready.is_some_and(|ready| ready <= now);
        if !is_ready || self.page().is_some() || self.is_given_up(config) {
            return None;
        }
        self.wanted(config, self.late(link).is_some_and(|late| late <= now))
    }

    /// What to ask for as soon as that may be. Of several requests one more when an answer is late, so that one that is
    /// lost leaves no idle time until it is asked for again.
    pub(super) fn wanted(&self, config: &ClientConfig, is_late: bool) -> Option<NextRequest> {
        let open = self.slots.waiting().saturating_add(self.slots.lent().count());
        let has_begun = matches!(self.body, Body::Rest(..));
        let window = if has_begun && Self::ANY_ORDER { self.window.size() } else { 1 };
        if self.by_pages() && !has_begun {
            return self.unasked(0).filter(|_| open == 0).map(|gap| self.page_of(gap, config));
        }
        if self.by_pages() {
            return self.wanted_beside_pages(open, config);
        }
        // While one block is stored the next may be on its way, but where it is one after the other.
        let stored_meanwhile = usize::from(window > 1 && self.slots.lent().next().is_some());
        let in_place_of_late = usize::from(window > 1 && is_late);
        if open >= window.saturating_add(stored_meanwhile).saturating_add(in_place_of_late) {
            return None;
        }
        // One at a time, what a server does not give is asked for again, however little it gave before.
        let most = if window == 1 { BlockSize::new(config).bytes() } else { self.stride.bytes() };
        let unasked = self.unasked(0).filter(|_| self.slots.free() > 0).map(|gap| first(gap, most));
        let lowest = self.recalled(config).into_iter().chain(unasked).min_by_key(|range| range.start);
        lowest.map(NextRequest::Block)
    }

    /// Single blocks for what is missing here and there, then the next page.
    fn wanted_beside_pages(&self, open: usize, config: &ClientConfig) -> Option<NextRequest> {
        // One place is kept for what the page brings, if there are two.
        let places = self.slots.len().saturating_sub(1).max(1);
        if open < places
            && let Some(again) = self.recalled(config)
        {
            return Some(NextRequest::Block(again));
        }
        let few = u32::from(self.stride.bytes()).saturating_mul(FEW);
        let top = self.top();
        let gap = self.unasked(0)?;
        // Two that are free: one of them for what the page brings.
        if gap.start < top && gap.len() <= few && self.slots.free() > 1 {
            return Some(NextRequest::Block(first(gap, self.stride.bytes())));
        }
        if gap.start < top && gap.len() > few {
            return Some(self.page_of(gap, config)).filter(|_| self.slots.free() > 0);
        }
        let gap = self.unasked(top).filter(|_| self.slots.free() > 0)?;
        if gap.len() <= self.stride.bytes().into() && open < places {
            return Some(NextRequest::Block(first(gap, self.stride.bytes())));
        }
        Some(self.page_of(gap, config))
    }

    /// What was asked for and is to be asked for again, the lowest first.
    fn recalled(&self, config: &ClientConfig) -> Option<Range> {
        let due = |request: &&Request| !request.waiting && request.tries < config.block_attempts;
        self.slots.requests().filter(due).map(Request::range).min_by_key(|range| range.start)
    }

    /// As much of `gap` as a page can bring.
    fn page_of(&self, gap: Range, config: &ClientConfig) -> NextRequest {
        let size = match Self::transfer(config) {
            TransferMode::Pages { size, .. } => size.get(),
            TransferMode::Blocks { .. } | TransferMode::Auto => {
                u16::from(self.stride.bytes()).saturating_mul(mode_probe::PAGE)
            }
        };
        // A page ends where a word does, so that the next one begins with a whole one.
        let word = u16::from(config.alignment.get());
        let words = size.checked_rem(word).and_then(|over| size.checked_sub(over)).filter(|size| *size > 0);
        let size = u32::from(words.unwrap_or(size));
        NextRequest::Page(Range { start: gap.start, end: gap.end.min(gap.start.saturating_add(size)) })
    }
}

/// The first `most` bytes of `gap`.
fn first(gap: Range, most: u8) -> Range {
    Range { start: gap.start, end: gap.end.min(gap.start.saturating_add(most.into())) }
}
