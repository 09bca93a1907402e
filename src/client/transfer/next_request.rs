//! Choice of the block or page that a download requests next.
//!
//! ```text
//!   stored ####   requested ~~~~   missing ....
//!
//!   blocks   ########....####~~~~........   the lowest gap that is not requested, one block size of it
//!                    ^
//!   pages    ########.###................   short gaps by single blocks, then the next page; a long gap by a page
//!                    ^   ^
//!                block   page
//! ```

use crate::client::clock_ticks::Ticks;
use crate::client::config::{ClientConfig, TransferMode};
use crate::client::rtt::RttEstimator;
use crate::ranges::Range;

use super::block_size::{beyond_word, largest_block};
use super::in_flight::{BlockRequest, Slot};
use super::same_file_check::FileCheck;
use super::{Download, DownloadPhase};

/// Longest gap of a file, in blocks, that the client fills by single Image Block Requests. The client fetches a gap of
/// more than `MAX_SINGLE_REPAIRS` blocks as a page.
///
/// A page costs one request and the wait for the first block of the page; single blocks cost one request each. If the
/// client fills gaps of up to 2 blocks instead of 4 by single block requests, the goodput falls by up to 8 %, and by up
/// to 20 % with gaps of 1 block instead of 4. If the client fills gaps of up to 8 blocks by single block requests, the
/// goodput is the same as with gaps of up to 4 blocks
/// (simulation `examples/goodput`, `Auto`, three hops, 5 % loss).
const MAX_SINGLE_REPAIRS: u32 = 4;

/// Number of unanswered page requests for the header of a file, after which the client requests the header block by
/// block. Timeouts are long until a response has arrived, so that more than two page requests without an answer could
/// take longer than a minute. Some servers end the session with a client after a minute. After the header has arrived,
/// timeouts follow the measured round trip, and the client requests pages again.
const MAX_HEADER_PAGES: u8 = 2;

/// Number of consecutive unanswered page requests, each sent while other requests were in flight, after which the
/// client has at most one request in flight while it uses pages.
///
/// Some servers, such as zigbee-herdsman, drop a request that arrives while they answer another request. In the
/// simulation of a server that drops requests (10 % loss), one request in flight raises the goodput of pages from 56 to
/// 72 % of the goodput of the oracle. At 10 % loss, a limit of two page requests instead of three costs up to 15 % of
/// the goodput at other servers, because two consecutive page requests are lost once in 28 pages.
pub(super) const MAX_DROPPED_PAGES: u8 = 3;

/// Next block or page request of a download, with the range of file bytes to request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum NextRequest {
    /// Image Block Request for the given range.
    Block(Range),
    /// Image Page Request for the given range.
    Page(Range),
}

impl<const RANGES: usize> Download<RANGES> {
    /// Returns the request that the client has to send at `now`; `None` during a pause or a page, if the window is
    /// full, or if no bytes are left to request.
    pub(super) fn due_request(
        &self,
        now: Ticks,
        config: &ClientConfig,
        rtt: &RttEstimator,
    ) -> Option<NextRequest> {
        if self.not_before > now || self.page().is_some() || self.is_exhausted(config) {
            return None;
        }
        self.next_request(config, self.late_at(rtt) <= now)
    }

    /// Returns the next request, even if the client may send the request only later. `has_late` is `true` if a response
    /// is late; with a late response, the window allows one request more.
    ///
    /// If the window is larger than 1 and a response is late, the client sends one additional request, as if the late
    /// request were no longer in flight. Without an additional request while a response is late, a lost request would
    /// reduce the number of useful requests in flight by one until the timeout of the lost request.
    pub(super) fn next_request(&self, config: &ClientConfig, has_late: bool) -> Option<NextRequest> {
        if Self::ANY_ORDER {
            self.next_request_in_any_order(config, has_late)
        } else {
            self.next_request_in_order(config)
        }
    }

    /// Returns the next request of a client without out-of-order ranges, which has one slot (guide, "Fast paths").
    fn next_request_in_order(&self, config: &ClientConfig) -> Option<NextRequest> {
        let range = match self.in_flight.first() {
            Slot::Free => {
                let left = match &self.check {
                    Some(check) => check.range(&self.sums),
                    None => Range { start: self.received(), end: self.offer.size },
                };
                Some(prefix(left, largest_block(config))).filter(|range| !range.is_empty())
            }
            Slot::Requested(request) => {
                let is_due = !request.is_waiting && request.attempts < self.max_attempts(config);
                is_due.then(|| request.range())
            }
            Slot::Storing(_) => None,
        };
        range.map(NextRequest::Block)
    }

    fn next_request_in_any_order(&self, config: &ClientConfig, has_late: bool) -> Option<NextRequest> {
        if let Some(check) = &self.check {
            return self.next_check_request(check, config);
        }
        let open = self.in_flight.open_count();
        let has_header = matches!(self.phase, DownloadPhase::Rest { .. });
        let window = if has_header && Self::ANY_ORDER { self.window.size() } else { 1 };
        if self.is_paging() && !has_header && self.silent_pages < MAX_HEADER_PAGES {
            return self.not_requested(0).filter(|_| open == 0).map(|gap| self.page_request(gap, config));
        }
        if self.is_paging() && has_header {
            return self.next_request_with_pages(open, config);
        }
        // With a window above 1, the next block is requested while another block is being stored. With a window of 1,
        // the client requests the next block only after the previous block is stored.
        let while_storing = usize::from(window > 1 && self.in_flight.storing().next().is_some());
        let in_place_of_late = usize::from(window > 1 && has_late);
        if open >= window.saturating_add(while_storing).saturating_add(in_place_of_late) {
            return None;
        }
        // With a window of 1, the next request starts at the end of a short block, so that no gap remains. The client
        // therefore always requests the largest block size.
        let max = if window == 1 { largest_block(config) } else { self.block_size.bytes() };
        let new =
            self.not_requested(0).filter(|_| self.in_flight.free_count() > 0).map(|gap| prefix(gap, max));
        let lowest = self.range_to_resend(config).into_iter().chain(new).min_by_key(|range| range.start);
        lowest.map(NextRequest::Block)
    }

    /// Returns the next request of the check that the server still has the same file. During the check, the client
    /// requests one block at a time.
    fn next_check_request(&self, check: &FileCheck, config: &ClientConfig) -> Option<NextRequest> {
        if self.in_flight.waiting_count() > 0 {
            return None;
        }
        let range = prefix(check.range(&self.sums), largest_block(config));
        let resend = self.range_to_resend(config);
        let fits = resend.is_some() || self.in_flight.free_count() > 0;
        fits.then(|| NextRequest::Block(resend.unwrap_or(range)))
    }

    /// Returns the next request while the client uses pages: single blocks for short gaps first, then the next page.
    fn next_request_with_pages(&self, open: usize, config: &ClientConfig) -> Option<NextRequest> {
        let drops_requests = self.dropped_pages >= MAX_DROPPED_PAGES;
        // One slot is reserved for the blocks of the page, if the client has at least two slots.
        let max_open = if drops_requests { 1 } else { self.in_flight.capacity().saturating_sub(1).max(1) };
        if open < max_open
            && let Some(retry) = self.range_to_resend(config)
        {
            return Some(NextRequest::Block(retry));
        }
        if drops_requests && self.in_flight.waiting_count() > 0 {
            return None;
        }
        let repairable = u32::from(self.block_size.bytes()).saturating_mul(MAX_SINGLE_REPAIRS);
        let top = self.stored_end();
        let gap = self.not_requested(0)?;
        // A request for a lost block needs two free slots: one slot for the lost block, and one slot that is reserved
        // for the blocks of the page.
        if gap.start < top && gap.len() <= repairable && self.in_flight.free_count() > 1 {
            return Some(NextRequest::Block(prefix(gap, self.block_size.bytes())));
        }
        if gap.start < top && gap.len() > repairable {
            return Some(self.page_request(gap, config)).filter(|_| self.in_flight.free_count() > 0);
        }
        let gap = self.not_requested(top).filter(|_| self.in_flight.free_count() > 0)?;
        if gap.len() <= self.block_size.bytes().into() && open < max_open {
            return Some(NextRequest::Block(prefix(gap, self.block_size.bytes())));
        }
        Some(self.page_request(gap, config))
    }

    /// Returns the range of the block with the lowest offset whose request the client has to resend, if the request has
    /// attempts left.
    fn range_to_resend(&self, config: &ClientConfig) -> Option<Range> {
        let max = self.max_attempts(config);
        let is_due = |request: &&BlockRequest| !request.is_waiting && request.attempts < max;
        let lowest = self
            .in_flight
            .requests()
            .filter(is_due)
            .map(BlockRequest::range)
            .min_by_key(|range| range.start)?;
        // The end of the block may have arrived as part of another block.
        let end = if Self::ANY_ORDER {
            self.missing(lowest.start).map_or(lowest.end, |gap| gap.end)
        } else {
            lowest.end
        };
        Some(Range { end: lowest.end.min(end), ..lowest })
    }

    /// Returns the page request for the start of `gap`; the request covers at most one page size.
    fn page_request(&self, gap: Range, config: &ClientConfig) -> NextRequest {
        let size = match Self::mode(config) {
            TransferMode::Pages { size, .. } => size.get(),
            TransferMode::Blocks { .. } | TransferMode::Auto => {
                let blocks = match &self.phase {
                    DownloadPhase::Header(_) => 1,
                    DownloadPhase::Rest { mode_probe, .. } => mode_probe.blocks_of_page(),
                };
                u16::from(self.block_size.bytes()).saturating_mul(blocks.into())
            }
        };
        // The page size is rounded down to whole words of storage, so that the next page starts at a word boundary.
        let size = self.page_timing.page_size(size.into());
        let words = size.saturating_sub(beyond_word(size, config));
        let size = if words > 0 { words } else { size };
        NextRequest::Page(Range { start: gap.start, end: gap.end.min(gap.start.saturating_add(size)) })
    }
}

/// Returns the first `max` bytes of `gap`, or the whole gap if the gap has fewer than `max` bytes.
fn prefix(gap: Range, max: u8) -> Range {
    Range { start: gap.start, end: gap.end.min(gap.start.saturating_add(max.into())) }
}

#[cfg(test)]
mod tests {
    use core::num::{NonZeroU8, NonZeroU16};

    use super::*;
    use crate::aps::Address;
    use crate::client::Identity;
    use crate::client::actions_and_needs::Ticket;
    use crate::client::checkpoint::{HeaderFacts, RangeSum};
    use crate::client::transfer::PartialHeader;
    use crate::client::transfer::in_flight::StoringBlock;
    use crate::client::transfer::mode_probe::ModeProbe;
    use crate::ranges::ReceivedRanges;
    use crate::types::{ImageId, StackVersion};
    use crate::zcl::ImageOffer;

    const SIZE: u32 = 300;
    const FACTS: HeaderFacts = HeaderFacts { stack: StackVersion(2), credential: None };

    fn rest<const RANGES: usize>(received: ReceivedRanges<RANGES>) -> DownloadPhase<RANGES> {
        DownloadPhase::Rest { header: FACTS, received, mode_probe: ModeProbe::new(64) }
    }

    fn config(write_size: u8) -> ClientConfig {
        let identity = Identity { current: ImageId::new(1, 2, 3), hardware: None, node: None };
        let config = ClientConfig::new(identity, Address::new(0, 1));
        ClientConfig { write_size: NonZeroU8::new(write_size).unwrap(), ..config }
    }

    fn download<const RANGES: usize>(config: &ClientConfig) -> Download<RANGES> {
        Download::new(ImageOffer { id: ImageId::new(1, 2, 4), size: SIZE }, Ticks::LONG_AGO, config)
    }

    fn request(Range { start, end }: Range, attempts: u8, is_waiting: bool) -> BlockRequest {
        let sent = Ticks::LONG_AGO;
        let size = u8::try_from(end - start).unwrap();
        BlockRequest {
            offset: start,
            first_sent: sent,
            last_sent: sent,
            sequence: 1,
            attempts,
            size,
            is_waiting,
        }
    }

    /// Returns downloads of a client without out-of-order ranges that have `received` bytes, one download for each
    /// state that the choice of the next request distinguishes.
    fn downloads(config: &ClientConfig, received: u32) -> std::vec::Vec<Download<0>> {
        let mut header = PartialHeader::EMPTY;
        header.add_stored(u8::try_from(received).unwrap_or(u8::MAX));
        let mut phases = std::vec![rest(ReceivedRanges::new(received))];
        if received < 69 {
            phases.push(DownloadPhase::Header(header));
        }
        let mut checks = std::vec![None];
        let mut sums = download::<0>(config).sums;
        if received > 0 {
            sums.add_header(0, &[7; 69]);
            sums.last_block = RangeSum { start: received.saturating_sub(30), size: 30, sum: 1 };
            checks.push(FileCheck::new(&sums));
        }
        let mut all = std::vec![];
        for (phase, check, is_unconfirmed) in phases.iter().flat_map(|phase| {
            checks.iter().flat_map(move |check| [false, true].map(|flag| (phase, check, flag)))
        }) {
            let download =
                Download { phase: *phase, check: *check, sums, is_unconfirmed, ..download(config) };
            let start = check.as_ref().map_or(received, |check| check.range(&sums).start);
            let range = Range { start, end: (start + 64).min(SIZE) };
            let block = StoringBlock { offset: start, ticket: Ticket(1), sum: 1, size: 64 };
            all.push(download);
            let mut storing = download;
            storing.in_flight.start_storing(block);
            all.push(storing);
            for attempts in 0..=config.max_block_attempts {
                for is_waiting in [false, true] {
                    let mut requested = download;
                    requested.in_flight.insert_request(request(range, attempts, is_waiting));
                    all.push(requested);
                }
            }
        }
        all
    }

    #[test]
    fn in_order_the_next_request_the_gaps_and_the_deadline_are_those_of_any_order() {
        let mut compared = 0;
        for (write_size, received) in [1, 8, 24]
            .into_iter()
            .flat_map(|size| [0, 20, 64, 68, 69, 128, SIZE - 1, SIZE].map(|at| (size, at)))
        {
            let config = config(write_size);
            for download in downloads(&config, received) {
                for has_late in [false, true] {
                    let in_order = download.next_request_in_order(&config);
                    assert_eq!(
                        in_order,
                        download.next_request_in_any_order(&config, has_late),
                        "{download:?}"
                    );
                }
                let rtt = RttEstimator::new();
                for not_before in [Ticks::NEVER, Ticks::LONG_AGO, Ticks::from_millis(10_000)] {
                    let download = Download { not_before, ..download };
                    let deadline = download.deadline_in_order(&config, &rtt);
                    assert_eq!(deadline, download.deadline_in_any_order(&config, &rtt), "{download:?}");
                }
                for start in 0..=SIZE {
                    for covered in [Slot::range, |slot: &Slot| slot.storing().map(StoringBlock::range)] {
                        let gap = download.gap_outside_first_slot(start, covered);
                        // A request of a check lies below the bytes that are stored, and leaves no gap.
                        assert_eq!(gap, download.gap_outside_slots(start, covered), "{start} {download:?}");
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 100_000, "{compared}");
    }

    #[test]
    fn with_pages_a_server_that_drops_requests_gets_one_request_at_a_time() {
        for transfer in
            [TransferMode::Pages { size: NonZeroU16::new(640).unwrap(), spacing: 0 }, TransferMode::Auto]
        {
            let config = ClientConfig { transfer, ..config(1) };
            let mut download = download::<8>(&config);
            let mut received = ReceivedRanges::new(64);
            received.insert(Range { start: 128, end: 192 }).unwrap();
            (download.phase, download.uses_pages) = (rest(received), true);
            for dropped in 0..=MAX_DROPPED_PAGES {
                download.dropped_pages = dropped;
                let repair = Range { start: 64, end: 128 };
                assert_eq!(download.next_request(&config, false), Some(NextRequest::Block(repair)));
                let mut waiting = download;
                waiting.in_flight.insert_request(request(repair, 1, true));
                let next = (dropped < MAX_DROPPED_PAGES)
                    .then_some(NextRequest::Page(Range { start: 192, end: SIZE }));
                assert_eq!(waiting.next_request(&config, false), next, "{dropped} dropped");
                waiting.in_flight.drop_requests();
                waiting.in_flight.insert_request(request(repair, 1, false));
                assert_eq!(waiting.next_request(&config, false), Some(NextRequest::Block(repair)));
            }
        }
    }

    #[test]
    fn a_repeated_request_asks_for_no_byte_that_has_arrived_in_another_block() {
        let config = config(1);
        let mut download = download::<8>(&config);
        let mut received = ReceivedRanges::new(64);
        received.insert(Range { start: 96, end: 160 }).unwrap();
        download.phase = rest(received);
        assert!(download.in_flight.insert_request(request(Range { start: 64, end: 128 }, 1, false)));
        assert_eq!(
            download.next_request(&config, false),
            Some(NextRequest::Block(Range { start: 64, end: 96 }))
        );
        let storing = StoringBlock { offset: 80, ticket: Ticket(1), sum: 1, size: 16 };
        assert!(download.in_flight.start_storing(storing));
        download.window = super::super::Window::fixed(4);
        download.window.open(&mut RttEstimator::new());
        assert_eq!(
            download.next_request(&config, false),
            Some(NextRequest::Block(Range { start: 64, end: 80 }))
        );
    }
}
