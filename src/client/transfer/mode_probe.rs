//! Choice between pages and blocks for [`TransferMode::Auto`](crate::client::TransferMode::Auto), made by measuring the
//! speed of pages and of blocks.
//!
//! ```text
//!   header by blocks --> Unmeasured --several hops--> Spacing --> Settled --pages not much faster--> Window
//!     |                  ^ ^ |                                    ^  ^ |    than single blocks,      | |
//!     | blocks in        | | +--------------- one hop ------------+  | |    or poor pages            | |
//!     | fragments        | |                                         +-|------- slower --------------+ |
//!     |                  | +-------- three pages cost twice as much ---+           blocks for good <---+ faster
//!     v                  |                                           ^
//!     Short --complete---+           Halving ------- no faster ------+
//!       +------- blocks are lost ------^
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | Short | all blocks of the page arrive | Unmeasured |
//! | | blocks of the page are lost | Halving, with the round trip of a single request as spacing |
//! | Halving | the page ends at a cost at least 1/16 lower than the best one | Halving, with half the spacing |
//! | | the page ends at a higher cost, or without spacing | Settled, with the spacing of the best page |
//! | Unmeasured | the blocks of a page arrive as fast as over one hop | Settled, with spacing 0 |
//! | | the blocks of a page arrive as slowly as over several hops | Spacing, with the airtime of all hops as spacing |
//! | Spacing | the page ends | Settled, with this spacing if its cost is at most 1/16 higher, else with spacing 0 |
//! | Settled | a block takes more than 2/3 of a single request, and pages were not compared with blocks yet | Window |
//! | | three consecutive pages cost more than twice the cost of the best page | Unmeasured |
//! | any of pages | two consecutive pages are poor, later four, eight and so on | Window |
//! | Window | 24 blocks have arrived | Settled and compared; or blocks for good, if blocks cost less than pages, after poor pages a fourth less |
//! | any | the server has no pages, or ignores four consecutive page requests | blocks until the end |
//!
//! In the documentation of `mode_probe`, the cost of a transfer mode is the time per block that the transfer mode
//! takes. Over several hops, blocks that a server sends without spacing collide with earlier blocks, which the relays
//! forward on the same channel. The client does not know the number of hops of the route, and estimates the number of
//! hops from the interval between blocks.
//!
//! A page is poor if it lost most of its blocks. Pages are poor if the parent of a sleepy device holds fewer blocks
//! than a page has, and if the queues of a path overflow. After poor pages, the client compares the cost of the blocks
//! of a window with the mean cost of all pages, so that a burst of losses does not end the pages of a good link, and
//! continues by blocks only if they cost at least a fourth less.
//!
//! All simulated figures in the documentation of `mode_probe` were measured in the simulation `examples/goodput` with
//! `TransferMode::Auto`. The simulation `examples/goodput` has 64-byte blocks, one and three hops, servers that take 0
//! to 50 ms for a response, and 0 and 5 % loss. At 0 and 5 % loss, `tests/goodput.rs` asserts that `TransferMode::Auto`
//! reaches at least 95 % of the goodput of the best transfer mode; with three hops, 5 % loss and a server without
//! delay, the asserted share is 94 %.

use crate::client::clock_ticks::Ticks;
use crate::ranges::Range;
use crate::time::Millis;

/// Number of blocks of a page in `TransferMode::Auto`. With 64 bytes per block, a page of 64 blocks has 4 KiB and
/// reaches 99 % of the channel's capacity over one hop.
///
/// In the simulation, a page of 128 blocks instead of 64 costs up to 24 % of the goodput at 5 % loss, because a page
/// loses more blocks than the client has out-of-order ranges for. In the simulation, a page of 32 blocks instead of 64
/// costs up to 15 % of the goodput, because the client waits for the delay of the server once per page.
const PAGE_BLOCKS: u8 = 64;

/// Number of consecutive slow pages after which the client measures the spacing and the time per block of pages again.
/// A page is slow if the time per block of the page is more than twice the lowest measured time per block.
///
/// One or two slow pages may be a coincidence. The limit of three consecutive slow pages, after which the client
/// measures pages again, was chosen without a measurement, because routes do not change in the simulation.
const SLOW_PAGES_LIMIT: u8 = 3;

/// Largest block, in bytes of data, whose Image Block Response fits into one frame of IEEE 802.15.4 with the usual
/// headers. APS sends larger blocks in fragments.
const LARGEST_UNFRAGMENTED: u8 = 65;

/// Number of blocks of the first pages in `TransferMode::Auto`, if APS sends the blocks in fragments.
///
/// A path of several hops carries fragments so slowly that a page of 64 blocks without spacing fills the queues of the
/// path for up to 40 seconds. In the simulation of blocks in fragments, first pages of 8 instead of 16 blocks cost 4 %
/// of the goodput on average, because 8 blocks often fit into the queues.
const SHORT_PAGE_BLOCKS: u8 = 16;

/// Number of consecutive poor pages after which the client compares pages with a window. The number doubles with each
/// comparison.
///
/// A burst of losses makes one page poor. If one poor page were enough, the goodput of `TransferMode::Auto` would fall
/// by 3 % on average in the simulation with bursts of losses and with peculiar servers. With three poor pages instead
/// of two, the goodput of sleepy devices falls by 3 %.
const POOR_PAGES_LIMIT: u8 = 2;

/// Smallest number of blocks of a page that can be poor. Smaller pages fill gaps, and a short burst of losses ends
/// them.
///
/// In the simulation, a limit of 16 blocks gives the same goodput, and a limit of 32 blocks leaves the goodput of
/// `TransferMode::Auto` at a sixth of that of single requests, if the parent of a sleepy device holds one frame.
const SMALLEST_POOR_PAGE: u8 = 8;

/// Limit of the doublings of [`POOR_PAGES_LIMIT`], chosen without a measurement: the client compares after at most 64
/// poor pages.
const MAX_COMPARISONS: u8 = 5;

/// Number of blocks that the client fetches by a window to compare the window with pages.
///
/// While the client fetches 24 blocks to compare a window with pages, the window grows to 8 requests by doubling during
/// the first 19 blocks, see [`Window`](super::window::Window). If the client fetches 12 or 48 blocks instead of 24 to
/// compare a window with pages, the goodput in the simulation changes by at most 4 %.
const WINDOW_BLOCKS: u8 = 24;

/// Returns the airtime in microseconds of an Image Block Response with `size` bytes of data over one hop at 2.4 GHz.
///
/// The airtime of a response has three parts with times from IEEE 802.15.4. The data and the 68 bytes of headers of the
/// frame (preamble 6, MAC 11, NWK 8, NWK security 18, APS 8, ZCL 3, OTA 14) take 32 us per byte. The access to the
/// channel and the acknowledgement of the frame take 1984 us: 1120 us mean backoff, 128 us channel assessment, 384 us
/// for two turnarounds, and 352 us acknowledgement. The pause before the next frame of the sender (LIFS) takes 640 us.
fn hop_micros(size: u8) -> u32 {
    let bytes = u32::from(size).saturating_add(68);
    bytes.saturating_mul(32).saturating_add(1984 + 640)
}

/// Measurements that compare pages with blocks and choose the spacing of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) struct ModeProbe {
    trial: Trial,
    /// Number of consecutive poor pages, which lost most of their blocks.
    poor_pages: u8,
    /// Number of times that the client compared pages with a window because of poor pages.
    comparisons: u8,
    /// Number of blocks of the present page; 0 if the client does not measure a page: before the first page, after a
    /// pause, and while the client fetches blocks by a window.
    asked: u8,
    /// Number of blocks that have arrived of the present page, or of the window that the client measures.
    arrived: u8,
    /// Number of blocks that have arrived since the client requested the present page, with the repeated blocks of
    /// earlier pages.
    gained: u8,
    /// `true` if the client has requested the present page twice. The client does not measure the interval between the
    /// blocks of a page that it has requested twice, because the blocks of the page may arrive twice.
    is_repeated: bool,
    /// Response spacing that the client requested for the present page, in ms.
    spacing: u16,
    /// Response spacing, in ms, of the page with the lowest measured time per block.
    best_spacing: u16,
    /// Number of blocks that all measured pages have brought.
    page_blocks: u16,
    /// Time of all measured pages, in eighths of a millisecond.
    page_time: u32,
    /// Lowest measured time per block with pages, in eighths of a millisecond; `u32::MAX` before the first measurement.
    best_cost: u32,
    /// File offset of the present page, or of the blocks that the client fetches by a window to compare the window with
    /// pages.
    start: u32,
    /// Time at which the client requested the present page.
    requested: Ticks,
    /// Time at which the first block arrived of the page, or of the window, whose time per block the client measures.
    first_data: Ticks,
    /// Time at which the latest block arrived of the page, or of the window, whose time per block the client measures.
    last_data: Ticks,
}

/// Stage of the comparison of pages with blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    /// The client fetches a first short page, whose blocks APS sends in fragments.
    Short,
    /// The client fetches short pages, each with half the response spacing of the page before, because the path lost
    /// blocks of the first short page.
    Halving,
    /// The client has no measurement of a whole page yet.
    Unmeasured,
    /// The client fetches a page with a response spacing above 0, to measure the time per block with the response
    /// spacing.
    Spacing,
    /// The client uses pages with the spacing that has the lowest measured time per block.
    Settled {
        /// `true` if the client has compared pages with blocks, or need not compare them.
        is_compared: bool,
        /// Number of consecutive pages whose time per block was more than twice the lowest measured time per block.
        slow_pages: u8,
    },
    /// The client fetches blocks by a window for comparison with pages. The variant holds the number of blocks that the
    /// client has yet to fetch to compare the window with pages.
    Window(u8),
}

/// Transfer mode with which the download continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The download continues with Image Page Requests.
    Pages,
    /// The download continues with Image Block Requests.
    Blocks,
}

impl ModeProbe {
    /// Creates the comparison for a file whose blocks have `size` bytes, before the client has measured any page.
    pub(super) const fn new(size: u8) -> Self {
        let trial = if size > LARGEST_UNFRAGMENTED { Trial::Short } else { Trial::Unmeasured };
        Self {
            trial,
            poor_pages: 0,
            comparisons: 0,
            asked: 0,
            arrived: 0,
            gained: 0,
            is_repeated: false,
            spacing: 0,
            best_spacing: 0,
            page_blocks: 0,
            page_time: 0,
            best_cost: u32::MAX,
            start: 0,
            requested: Ticks::NEVER,
            first_data: Ticks::NEVER,
            last_data: Ticks::NEVER,
        }
    }

    /// Shifts the instants of the measurements, because the origin of the clock has moved by `shift`.
    pub(super) fn shift(&mut self, shift: Millis) {
        for at in [&mut self.requested, &mut self.first_data, &mut self.last_data] {
            at.shift(shift);
        }
    }

    /// Returns the response spacing, in ms, for the next Image Page Request.
    pub(super) const fn spacing(&self) -> u16 {
        self.spacing
    }

    /// Returns the number of blocks of the next page.
    pub(super) const fn blocks_of_page(&self) -> u8 {
        match self.trial {
            Trial::Short | Trial::Halving => SHORT_PAGE_BLOCKS,
            Trial::Unmeasured | Trial::Spacing | Trial::Settled { .. } | Trial::Window(_) => PAGE_BLOCKS,
        }
    }

    /// Records the arrival of a block of data at the file offset `start`; `single_rtt` is the round trip of a single
    /// block request in eighths of a millisecond. Returns the chosen transfer mode after the last block that the client
    /// fetched to compare a window with pages, and `None` after every other block.
    pub(super) fn record_data(&mut self, now: Ticks, start: u32, single_rtt: u32) -> Option<Choice> {
        self.gained = self.gained.saturating_add(1);
        if start < self.start {
            // A block below `self.start` is a lost block of an earlier page, which is not measured.
            return None;
        }
        if self.arrived == 0 {
            self.first_data = now;
        }
        self.arrived = self.arrived.saturating_add(1);
        self.last_data = now;
        let Trial::Window(left) = &mut self.trial else { return None };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return None;
        }
        self.trial = Trial::Settled { is_compared: true, slow_pages: 0 };
        let intervals = u32::from(WINDOW_BLOCKS).saturating_sub(1);
        let time = self.last_data.since(self.first_data).0;
        let window_cost = time.saturating_mul(8).checked_div(intervals).unwrap_or(0);
        // The round trip of the page request counts for all blocks of the page together.
        let page_cost =
            self.best_cost.saturating_add(single_rtt.checked_div(PAGE_BLOCKS.into()).unwrap_or(0));
        Some(if window_cost < page_cost { Choice::Blocks } else { Choice::Pages })
    }

    /// Leaves the present page out of the measurements, because the download pauses or waits.
    pub(super) const fn discard_page(&mut self) {
        self.asked = 0;
    }

    /// Begins to fetch blocks by a window for comparison with pages, whose time per block counts as `page_cost`.
    fn begin_window(&mut self, page_cost: u32) -> Choice {
        (self.trial, self.asked, self.best_cost) = (Trial::Window(WINDOW_BLOCKS), 0, page_cost);
        Choice::Blocks
    }

    /// Ends the measurement of the present page, before the client requests the page `next` at `now`. Returns the
    /// transfer mode with which the download continues. The parameter `size` is the block size in bytes, and
    /// `single_rtt` is the round trip of a single block request in eighths of a millisecond.
    pub(super) fn end_page(&mut self, now: Ticks, next: Range, size: u8, single_rtt: u32) -> Choice {
        let Self { start, asked, arrived, gained, is_repeated, requested, first_data, last_data, .. } = *self;
        let blocks = next.start.saturating_sub(start).checked_div(size.into()).unwrap_or(0);
        let next_blocks = next.len().checked_div(size.into()).unwrap_or(0);
        (self.start, self.asked) = (next.start, u8::try_from(next_blocks).unwrap_or(u8::MAX));
        (self.arrived, self.gained, self.requested) = (0, 0, now);
        self.is_repeated = asked > 0 && blocks == 0;
        if asked == 0 {
            return Choice::Pages;
        }
        let elapsed = now.since(requested).0.saturating_mul(8);
        if self.count_poor_page(asked, arrived, gained, elapsed) {
            let page_cost = self.page_time.checked_div(self.page_blocks.into()).unwrap_or(u32::MAX);
            // Blocks for good are worth a change only if they are clearly faster. In bursts of 100 ms, the goodput
            // falls by up to 6 % if the client changes for any gain.
            return self.begin_window(page_cost.saturating_sub(page_cost >> 2));
        }
        let arrived = u32::from(arrived);
        let time = last_data.since(first_data).0.saturating_mul(8);
        let intervals = blocks.checked_sub(1).filter(|_| arrived > 0 && !is_repeated);
        let Some(interval) = intervals.and_then(|intervals| time.checked_div(intervals)) else {
            return Choice::Pages;
        };
        // Each lost block of the page is fetched later by a block request, which takes a round trip.
        let lost = blocks.saturating_sub(arrived);
        let repair = single_rtt.saturating_mul(lost).checked_div(blocks).unwrap_or(0);
        let cost = interval.saturating_add(repair);
        let hop = hop_micros(size);
        match self.trial {
            Trial::Short if arrived >= u32::from(asked) => self.trial = Trial::Unmeasured,
            Trial::Short => {
                // The path has carried one block in the round trip of a single request.
                self.spacing = u16::try_from(single_rtt >> 3).unwrap_or(u16::MAX);
                self.trial = Trial::Halving;
                (self.poor_pages, self.page_blocks, self.page_time) = (0, 0, 0);
            }
            Trial::Halving => {
                let cost = elapsed.checked_div(gained.into()).unwrap_or(u32::MAX);
                let is_better = cost < self.best_cost.saturating_sub(self.best_cost >> 4);
                if is_better {
                    self.record_best(cost);
                }
                if is_better && self.spacing > 0 {
                    self.spacing >>= 1;
                } else {
                    self.settle();
                }
            }
            Trial::Unmeasured => {
                self.record_best(cost);
                // The factor 125 converts eighths of a millisecond to microseconds. The added quarter of `hop` rounds
                // the number of hops up only from a fraction of 3/4 on, because lost blocks lengthen the interval. In
                // the simulation, rounding up from a fraction of 1/2 on costs up to 5 % of the goodput over three hops
                // at 5 % loss.
                let hops =
                    interval.saturating_mul(125).saturating_add(hop >> 2).checked_div(hop).unwrap_or(0);
                if hops > 1 {
                    self.spacing = u16::try_from(hops.saturating_mul(hop).div_ceil(1000)).unwrap_or(u16::MAX);
                    self.trial = Trial::Spacing;
                } else {
                    self.settle();
                }
            }
            Trial::Spacing => {
                // If a block with spacing takes at most 1/16 longer than a block without spacing, the client uses the
                // spacing, because spaced blocks leave the channel to other devices and collide less. In the
                // simulation, a tolerance of 1/64 instead of 1/16 costs up to 5 % of the goodput over three hops,
                // because the choice then depends on chance; a tolerance of 1/8 gains at most 2 %.
                if cost <= self.best_cost.saturating_add(self.best_cost >> 4) {
                    self.record_best(cost);
                }
                self.settle();
            }
            // Pages save the request for each block. If a block of a page nevertheless takes more than 2/3 of the time
            // of a single request, something else limits the speed of the page, such as a pause of the server between
            // blocks. If something else limits the speed, a window may be faster than pages. In the simulation, any
            // limit from 1/2 to 5/6 instead of 2/3 gives the same goodput within 4 %.
            Trial::Settled { is_compared: false, .. }
                if interval.saturating_mul(3) > single_rtt.saturating_mul(2) =>
            {
                return self.begin_window(self.best_cost);
            }
            Trial::Settled { slow_pages, .. } if cost > self.best_cost.saturating_mul(2) => {
                let slow_pages = slow_pages.saturating_add(1);
                self.trial = Trial::Settled { is_compared: true, slow_pages };
                if slow_pages >= SLOW_PAGES_LIMIT {
                    (self.trial, self.spacing) = (Trial::Unmeasured, 0);
                }
            }
            Trial::Settled { .. } => self.trial = Trial::Settled { is_compared: true, slow_pages: 0 },
            Trial::Window(_) => return Choice::Blocks,
        }
        Choice::Pages
    }

    /// Adds a page to the measured time and blocks of all pages, and counts the page if it is poor. Returns `true` if
    /// the client now compares pages with a window, because enough consecutive pages were poor.
    ///
    /// A page of at least [`SMALLEST_POOR_PAGE`] blocks is poor if fewer than half of the blocks that it `asked` for
    /// `arrived`. A page without any block counts only after a poor page, because perhaps the page request was lost.
    fn count_poor_page(&mut self, asked: u8, arrived: u8, gained: u8, elapsed: u32) -> bool {
        let has_lost_most = asked >= SMALLEST_POOR_PAGE && arrived < asked >> 1;
        let is_poor = has_lost_most && (arrived > 0 || self.poor_pages > 0);
        if arrived == 0 && !is_poor {
            return false;
        }
        self.page_time = self.page_time.saturating_add(elapsed);
        self.page_blocks = self.page_blocks.saturating_add(gained.into());
        self.poor_pages = if is_poor { self.poor_pages.saturating_add(1) } else { 0 };
        if self.poor_pages >> self.comparisons < POOR_PAGES_LIMIT {
            return false;
        }
        (self.poor_pages, self.comparisons) = (0, self.comparisons.saturating_add(1).min(MAX_COMPARISONS));
        true
    }

    /// Ends the measurement of the response spacing, and continues the download by pages with the spacing that has the
    /// lowest measured time per block.
    const fn settle(&mut self) {
        self.spacing = self.best_spacing;
        self.trial = Trial::Settled { is_compared: false, slow_pages: 0 };
    }

    fn record_best(&mut self, cost: u32) {
        (self.best_spacing, self.best_cost) = (self.spacing, cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u8 = 64;

    struct Scenario {
        probe: ModeProbe,
        now: Ticks,
        start: u32,
        /// Round trip of a single block request in eighths of a millisecond.
        single_rtt: u32,
    }

    impl Scenario {
        /// Creates a scenario in which a single block request has a round trip of `single` ms.
        fn new(single: u32) -> Self {
            Self::at(single, 128, SIZE)
        }

        /// Creates a scenario whose first page starts at the file offset `start`, with blocks of `size` bytes.
        fn at(single: u32, start: u32, size: u8) -> Self {
            let mut scenario =
                Self { probe: ModeProbe::new(size), now: Ticks::LONG_AGO, start, single_rtt: single * 8 };
            assert_eq!(scenario.request(), Choice::Pages);
            scenario
        }

        /// Requests the next page.
        fn request(&mut self) -> Choice {
            let end = self.start + u32::from(self.probe.blocks_of_page()) * u32::from(SIZE);
            self.probe.end_page(self.now, Range { start: self.start, end }, SIZE, self.single_rtt)
        }

        /// Simulates a page with one block every `interval` ms, of which every `lost`th block is lost (0: no block is
        /// lost). Returns the transfer mode with which the download continues after the page.
        fn page(&mut self, interval: u32, lost: u32) -> Choice {
            let blocks = u32::from(self.probe.blocks_of_page());
            self.page_of(interval, |block| block < blocks && (lost == 0 || block % lost != lost - 1))
        }

        /// Simulates a page with one block every `interval` ms, of which those blocks arrive for which `arrives` is
        /// `true`.
        fn page_of(&mut self, interval: u32, arrives: impl Fn(u32) -> bool) -> Choice {
            let blocks = u32::from(self.probe.blocks_of_page());
            for block in 0..blocks {
                self.now = self.now.plus(Millis(interval));
                if arrives(block) {
                    let place = self.start + block * u32::from(SIZE);
                    assert_eq!(self.probe.record_data(self.now, place, self.single_rtt), None);
                }
            }
            self.start += blocks * u32::from(SIZE);
            self.request()
        }

        /// Simulates blocks that a window fetches, one every `interval` ms, until the client chooses a transfer mode.
        /// Returns the chosen transfer mode.
        fn blocks(&mut self, interval: u32) -> Choice {
            for _ in 0..WINDOW_BLOCKS {
                self.now = self.now.plus(Millis(interval));
                let choice = self.probe.record_data(self.now, self.start, self.single_rtt);
                self.start += u32::from(SIZE);
                if let Some(choice) = choice {
                    if choice == Choice::Pages {
                        assert_eq!(self.request(), Choice::Pages);
                    }
                    return choice;
                }
            }
            panic!("no mode is chosen");
        }
    }

    #[test]
    fn over_one_hop_no_spacing_is_measured() {
        let mut scenario = Scenario::new(30);
        for _ in 0..10 {
            assert_eq!(scenario.page(7, 20), Choice::Pages);
            assert_eq!(scenario.probe.spacing(), 0);
        }
    }

    #[test]
    fn over_several_hops_the_spacing_is_the_airtime_of_all_hops() {
        for (hops, expected) in [(2, 14), (3, 21), (5, 35)] {
            let mut scenario = Scenario::new(200);
            scenario.page(7 * hops, 10);
            assert_eq!(scenario.probe.spacing(), expected);
            for _ in 0..5 {
                assert_eq!(scenario.page(7 * hops, 0), Choice::Pages);
                assert_eq!(scenario.probe.spacing(), expected, "with this spacing no block is lost");
            }
        }
    }

    #[test]
    fn a_spacing_that_costs_more_is_dropped() {
        let mut scenario = Scenario::new(200);
        scenario.page(14, 0);
        assert_eq!(scenario.probe.spacing(), 14);
        scenario.page(20, 0);
        assert_eq!(scenario.probe.spacing(), 0);
        scenario.page(14, 0);
        assert_eq!(scenario.probe.spacing(), 0, "the spacing is measured only once");
    }

    #[test]
    fn slow_pages_are_compared_with_blocks_once() {
        for (block, choice) in [(12, Choice::Blocks), (60, Choice::Pages)] {
            let mut scenario = Scenario::new(60);
            assert_eq!(scenario.page(50, 0), Choice::Pages, "a spacing for 7 hops is measured first");
            assert_eq!(scenario.page(50, 0), Choice::Pages);
            assert_eq!(scenario.page(50, 0), Choice::Blocks, "a single request takes hardly longer");
            assert_eq!(scenario.blocks(block), choice);
            if choice == Choice::Pages {
                assert!((0..10).all(|_| scenario.page(50, 0) == Choice::Pages));
            }
        }
    }

    #[test]
    fn a_route_that_changed_is_measured_again() {
        let mut scenario = Scenario::new(500);
        scenario.page(7, 0);
        assert_eq!(scenario.probe.spacing(), 0);
        scenario.page(7, 0);
        for _ in 0..2 {
            scenario.page(28, 0);
            assert_eq!(scenario.probe.spacing(), 0, "two slow pages may be chance");
        }
        scenario.page(28, 0);
        scenario.page(28, 0);
        assert_eq!(scenario.probe.spacing(), 28);
    }

    #[test]
    fn a_page_that_was_requested_twice_is_not_measured() {
        let mut scenario = Scenario::new(200);
        assert_eq!(scenario.request(), Choice::Pages);
        scenario.page(40, 0);
        assert_eq!(scenario.probe.spacing(), 0);
        scenario.page(21, 0);
        assert_eq!(scenario.probe.spacing(), 21);
    }

    #[test]
    fn a_cost_at_a_limit_changes_nothing() {
        // The page's own request, 64 ms for 64 blocks, adds 1 ms to the cost of each block.
        let mut scenario = Scenario::new(64);
        assert_eq!(
            [50; 3].map(|interval| scenario.page(interval, 0)),
            [Choice::Pages, Choice::Pages, Choice::Blocks]
        );
        assert_eq!(scenario.blocks(51), Choice::Pages);

        let mut scenario = Scenario::new(60);
        for _ in 0..3 {
            assert_eq!(scenario.page(40, 0), Choice::Pages, "exactly two thirds of a single request");
        }

        let mut scenario = Scenario::new(500);
        for interval in [7, 7, 14, 14, 14, 14] {
            scenario.page(interval, 0);
            assert_eq!(scenario.probe.spacing(), 0, "exactly twice the cost");
        }
    }

    #[test]
    fn a_first_page_near_the_start_of_the_file_is_measured() {
        let mut scenario = Scenario::at(0, 56, SIZE);
        scenario.page(14, 0);
        assert_eq!(scenario.probe.spacing(), 14);
    }

    /// Simulates pages of which only the first four blocks arrive, until the client compares or `pages` have passed.
    /// Returns the number of pages.
    fn pages_at_a_small_queue(scenario: &mut Scenario, pages: usize) -> usize {
        let taken = (1..=pages).find(|_| scenario.page_of(7, |block| block < 4) == Choice::Blocks);
        taken.unwrap_or(pages + 1)
    }

    #[test]
    fn two_poor_pages_are_compared_with_a_window_and_later_twice_as_many() {
        let mut scenario = Scenario::new(60);
        for pages in [2, 4, 8, 16, 32, 64, 64] {
            assert_eq!(pages_at_a_small_queue(&mut scenario, 100), pages);
            // Four blocks arrive in 64 * 7 ms, which is one each 112 ms.
            assert_eq!(scenario.blocks(85), Choice::Pages);
        }
        assert_eq!(pages_at_a_small_queue(&mut scenario, 100), 64);
        assert_eq!(scenario.blocks(83), Choice::Blocks);
    }

    #[test]
    fn one_poor_page_is_taken_for_a_burst_of_losses() {
        let mut scenario = Scenario::new(60);
        for _ in 0..10 {
            assert_eq!(scenario.page_of(7, |block| block < 31), Choice::Pages);
            assert_eq!(scenario.page_of(7, |block| block < 32), Choice::Pages, "half of the blocks arrived");
        }
        assert_eq!(scenario.page_of(7, |block| block < 31), Choice::Pages);
        assert_eq!(scenario.page_of(7, |block| block < 31), Choice::Blocks);
        // All pages have brought about half of their blocks, which is one each 14 ms.
        assert_eq!(scenario.blocks(12), Choice::Pages);
    }

    #[test]
    fn a_page_without_blocks_is_poor_only_after_a_poor_page() {
        let mut scenario = Scenario::new(60);
        for _ in 0..10 {
            assert_eq!(scenario.page_of(7, |_| false), Choice::Pages);
        }
        assert_eq!(scenario.page_of(7, |block| block < 4), Choice::Pages);
        assert_eq!(scenario.page_of(7, |_| false), Choice::Blocks);
    }

    #[test]
    fn a_page_with_a_pause_is_not_measured() {
        let mut scenario = Scenario::new(60);
        for _ in 0..10 {
            scenario.now = scenario.now.plus(Millis(100_000));
            scenario.probe.discard_page();
            assert_eq!(scenario.page_of(7, |block| block < 4), Choice::Pages);
            assert_eq!(scenario.page(7, 0), Choice::Pages);
        }
        assert_eq!(pages_at_a_small_queue(&mut scenario, 100), 2);
        // Eleven pages of 64 blocks each 7 ms, and two pages of four blocks, cost less than 8 ms per block.
        assert_eq!(scenario.blocks(8), Choice::Pages);
    }

    #[test]
    fn the_first_page_of_blocks_in_fragments_is_short() {
        let mut scenario = Scenario::at(200, 128, LARGEST_UNFRAGMENTED);
        assert_eq!(scenario.probe.blocks_of_page(), PAGE_BLOCKS);
        scenario = Scenario::at(200, 128, LARGEST_UNFRAGMENTED + 1);
        assert_eq!((scenario.probe.blocks_of_page(), scenario.probe.spacing()), (SHORT_PAGE_BLOCKS, 0));
        scenario.page(20, 0);
        assert_eq!((scenario.probe.blocks_of_page(), scenario.probe.spacing()), (PAGE_BLOCKS, 0));
    }

    #[test]
    fn after_a_lost_block_of_the_short_page_the_spacing_is_halved_as_long_as_pages_become_faster() {
        let mut scenario = Scenario::at(200, 128, 200);
        scenario.page(20, 16);
        let mut spacings = std::vec![];
        // The path carries a block every 40 ms; blocks that come faster are lost.
        loop {
            spacings.push(scenario.probe.spacing());
            if scenario.probe.blocks_of_page() == PAGE_BLOCKS {
                break;
            }
            let spacing = u32::from(scenario.probe.spacing());
            scenario.page_of(spacing.max(1), |block| spacing >= 40 || block % 4 == 0);
        }
        assert_eq!(spacings, [200, 100, 50, 25, 50]);
    }

    #[test]
    fn halving_ends_without_spacing() {
        let mut scenario = Scenario::at(7, 128, 200);
        scenario.page(2, 16);
        let spacings = [0; 4].map(|_| {
            let spacing = scenario.probe.spacing();
            scenario.page(u32::from(spacing), 0);
            spacing
        });
        assert_eq!(spacings, [7, 3, 1, 0]);
        assert_eq!((scenario.probe.blocks_of_page(), scenario.probe.spacing()), (PAGE_BLOCKS, 0));
    }
}
