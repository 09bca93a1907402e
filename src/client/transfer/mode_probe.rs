//! Choice between pages and blocks for [`TransferMode::Auto`](crate::client::TransferMode::Auto), made by measuring the
//! speed of pages and of blocks.
//!
//! ```text
//!   header by blocks --> Unmeasured --several hops--> Spacing --> Settled --pages not much faster--> Window
//!                        ^ |                                      ^  ^ |    than single blocks        | |
//!                        | +--------------- one hop --------------+  | |                              | |
//!                        |                                           +-|------- slower ---------------+ |
//!                        +-------- three pages cost twice as much -----+           blocks for good <----+ faster
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | Unmeasured | the blocks of a page arrive as fast as over one hop | Settled, with spacing 0 |
//! | | the blocks of a page arrive as slowly as over several hops | Spacing, with the airtime of all hops as spacing |
//! | Spacing | the page ends | Settled, with this spacing if its cost is at most 1/16 higher, else with spacing 0 |
//! | Settled | a block takes more than 2/3 of a single request, and pages were not compared with blocks yet | Window |
//! | | three consecutive pages cost more than twice the cost of the best page | Unmeasured |
//! | Window | 24 blocks have arrived | Settled and compared; or blocks for good, if blocks cost less than pages |
//! | any | the server has no pages, or ignores four consecutive page requests | blocks until the end |
//!
//! In the documentation of `mode_probe`, the cost of a transfer mode is the time per block that the transfer mode
//! takes. Over several hops, blocks that a server sends without spacing collide with earlier blocks, which the relays
//! forward on the same channel. The client does not know the number of hops of the route, and estimates the number of
//! hops from the interval between blocks.
//!
//! All simulated figures in the documentation of `mode_probe` were measured in the simulation `examples/goodput` with
//! `TransferMode::Auto`. The simulation `examples/goodput` has 64-byte blocks, one and three hops, servers that take 0
//! to 50 ms for a response, and 0 and 5 % loss. At 0 and 5 % loss, `tests/goodput.rs` asserts that `TransferMode::Auto`
//! reaches at least 95 % of the goodput of the best transfer mode; with three hops, 5 % loss and a server without
//! delay, the asserted share is 94 %.

use crate::client::clock_ticks::Ticks;
use crate::client::rtt::RttEstimator;
use crate::time::Millis;

/// Number of blocks of a page in `TransferMode::Auto`. With 64 bytes per block, a page of 64 blocks has 4 KiB and
/// reaches 99 % of the channel's capacity over one hop.
///
/// In the simulation, a page of 128 blocks instead of 64 costs up to 24 % of the goodput at 5 % loss, because a page
/// loses more blocks than the client has out-of-order ranges for. In the simulation, a page of 32 blocks instead of 64
/// costs up to 15 % of the goodput, because the client waits for the delay of the server once per page.
pub(super) const PAGE_BLOCKS: u16 = 64;

/// Number of consecutive slow pages after which the client measures the spacing and the time per block of pages again.
/// A page is slow if the time per block of the page is more than twice the lowest measured time per block.
///
/// One or two slow pages may be a coincidence. The limit of three consecutive slow pages, after which the client
/// measures pages again, was chosen without a measurement, because routes do not change in the simulation.
const WORSE_PAGES_LIMIT: u8 = 3;

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
pub(super) struct ModeProbe {
    trial: Trial,
    /// Response spacing that the client requested for the present page, in ms.
    spacing: u16,
    /// Response spacing, in ms, of the page with the lowest measured time per block.
    best_spacing: u16,
    /// Lowest measured time per block with pages, in eighths of a millisecond.
    best_cost: u32,
    /// Round trip of a single block request, in eighths of a millisecond.
    single_rtt: u32,
    /// File offset of the present page, or of the blocks that the client fetches by a window to compare the window with
    /// pages.
    start: u32,
    /// Number of bytes that have arrived of the page, or of the window, whose time per block the client measures.
    bytes: u32,
    /// `true` if the client has requested the present page twice. The client does not measure a page that it has
    /// requested twice, because the blocks of the page may arrive twice.
    is_repeated: bool,
    /// Time at which the first block arrived of the page, or of the window, whose time per block the client measures.
    first_data: Ticks,
    /// Time at which the latest block arrived of the page, or of the window, whose time per block the client measures.
    last_data: Ticks,
}

/// Stage of the comparison of pages with blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    /// The client has no measurement of a page yet.
    Unmeasured,
    /// The client fetches a page with a response spacing above 0, to measure the time per block with the response
    /// spacing.
    Spacing,
    /// The client uses pages with the spacing that has the lowest measured time per block.
    Settled {
        /// `true` if the client has compared pages with blocks, or need not compare them.
        is_compared: bool,
        /// Number of consecutive pages whose time per block was more than twice the lowest measured time per block.
        worse_pages: u8,
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
    /// Creates a comparison of pages with blocks, before the client has measured any page or block.
    pub(super) const fn new(at: Ticks) -> Self {
        Self {
            trial: Trial::Unmeasured,
            spacing: 0,
            best_spacing: 0,
            best_cost: 0,
            single_rtt: 0,
            start: 0,
            bytes: 0,
            is_repeated: false,
            first_data: at,
            last_data: at,
        }
    }

    /// Shifts the instants of the measurements, because the origin of the clock has moved by `shift`.
    pub(super) fn shift(&mut self, shift: Millis) {
        self.first_data.shift(shift);
        self.last_data.shift(shift);
    }

    /// Returns the response spacing, in ms, for the next Image Page Request.
    pub(super) const fn spacing(&self) -> u16 {
        self.spacing
    }

    /// Sets the round trip of single block requests from `rtt`, after the client has fetched the header by single block
    /// requests.
    pub(super) fn set_single_rtt(&mut self, rtt: &RttEstimator) {
        self.single_rtt = rtt.smoothed_eighths().unwrap_or(0);
    }

    /// Records the arrival of `size` bytes of data at the file offset `start`. Returns the chosen transfer mode after
    /// the last block that the client fetched to compare a window with pages, and `None` after every other block.
    pub(super) fn record_data(&mut self, now: Ticks, start: u32, size: u32) -> Option<Choice> {
        if start < self.start {
            // A block below `self.start` is a lost block of an earlier page, which is not measured.
            return None;
        }
        if self.bytes == 0 {
            self.first_data = now;
        }
        self.bytes = self.bytes.saturating_add(size);
        self.last_data = now;
        let Trial::Window(left) = &mut self.trial else { return None };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return None;
        }
        self.trial = Trial::Settled { is_compared: true, worse_pages: 0 };
        let intervals = u32::from(WINDOW_BLOCKS).saturating_sub(1);
        let time = self.last_data.since(self.first_data).0;
        let window_cost = time.saturating_mul(8).checked_div(intervals).unwrap_or(0);
        // The round trip of the page request counts for all blocks of the page together.
        let page_cost =
            self.best_cost.saturating_add(self.single_rtt.checked_div(PAGE_BLOCKS.into()).unwrap_or(0));
        Some(if window_cost < page_cost { Choice::Blocks } else { Choice::Pages })
    }

    /// Ends the measurement of the present page, before the client requests the page at the file offset `start`.
    /// Returns the transfer mode with which the download continues. The parameter `size` is the block size in bytes.
    pub(super) fn end_page(&mut self, start: u32, size: u8) -> Choice {
        let blocks = start.saturating_sub(self.start).checked_div(size.into()).unwrap_or(0);
        let arrived = self.bytes.checked_div(size.into()).unwrap_or(0);
        let is_repeated = core::mem::replace(&mut self.is_repeated, blocks == 0 && self.start > 0);
        (self.start, self.bytes) = (start, 0);
        let intervals = arrived.checked_sub(1).and(blocks.checked_sub(1)).filter(|_| !is_repeated);
        let Some(intervals) = intervals else { return Choice::Pages };
        let time = self.last_data.since(self.first_data).0.saturating_mul(8);
        let Some(interval) = time.checked_div(intervals) else { return Choice::Pages };
        // Each lost block of the page is fetched later by a block request, which takes a round trip.
        let lost = blocks.saturating_sub(arrived);
        let repair = self.single_rtt.saturating_mul(lost).checked_div(blocks).unwrap_or(0);
        let cost = interval.saturating_add(repair);
        let hop = hop_micros(size);
        match self.trial {
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
                if interval.saturating_mul(3) > self.single_rtt.saturating_mul(2) =>
            {
                self.trial = Trial::Window(WINDOW_BLOCKS);
                return Choice::Blocks;
            }
            Trial::Settled { worse_pages, .. } if cost > self.best_cost.saturating_mul(2) => {
                let worse_pages = worse_pages.saturating_add(1);
                self.trial = Trial::Settled { is_compared: true, worse_pages };
                if worse_pages >= WORSE_PAGES_LIMIT {
                    (self.trial, self.spacing) = (Trial::Unmeasured, 0);
                }
            }
            Trial::Settled { .. } => self.trial = Trial::Settled { is_compared: true, worse_pages: 0 },
            Trial::Window(_) => return Choice::Blocks,
        }
        Choice::Pages
    }

    /// Ends the measurement of the response spacing, and continues the download by pages with the spacing that has the
    /// lowest measured time per block.
    fn settle(&mut self) {
        self.spacing = self.best_spacing;
        self.trial = Trial::Settled { is_compared: false, worse_pages: 0 };
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
    }

    impl Scenario {
        /// Creates a scenario in which a single block request has a round trip of `single` ms.
        fn new(single: u32) -> Self {
            let mut rtt = RttEstimator::new();
            rtt.update(Millis(single));
            let mut probe = ModeProbe::new(Ticks::LONG_AGO);
            probe.set_single_rtt(&rtt);
            let mut scenario = Self { probe, now: Ticks::LONG_AGO, start: 128 };
            assert_eq!(scenario.probe.end_page(scenario.start, SIZE), Choice::Pages);
            scenario
        }

        /// Simulates a page with one block every `interval` ms, of which every `lost`th block is lost (0: no block is
        /// lost). Returns the transfer mode with which the download continues after the page.
        fn page(&mut self, interval: u32, lost: u32) -> Choice {
            for block in 0..u32::from(PAGE_BLOCKS) {
                self.now = self.now.plus(Millis(interval));
                if lost == 0 || block % lost != lost - 1 {
                    let place = self.start + block * u32::from(SIZE);
                    assert_eq!(self.probe.record_data(self.now, place, SIZE.into()), None);
                }
            }
            self.start += u32::from(PAGE_BLOCKS) * u32::from(SIZE);
            self.probe.end_page(self.start, SIZE)
        }

        /// Simulates blocks that a window fetches, one every `interval` ms, until the client chooses a transfer mode.
        /// Returns the chosen transfer mode.
        fn blocks(&mut self, interval: u32) -> Choice {
            for _ in 0..WINDOW_BLOCKS {
                self.now = self.now.plus(Millis(interval));
                let choice = self.probe.record_data(self.now, self.start, SIZE.into());
                self.start += u32::from(SIZE);
                if let Some(choice) = choice {
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
        assert_eq!(scenario.probe.end_page(scenario.start, SIZE), Choice::Pages);
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
        let mut scenario =
            Scenario { probe: ModeProbe::new(Ticks::LONG_AGO), now: Ticks::LONG_AGO, start: 56 };
        assert_eq!(scenario.probe.end_page(scenario.start, SIZE), Choice::Pages);
        scenario.page(14, 0);
        assert_eq!(scenario.probe.spacing(), 14);
    }
}
