//! Which way is the fastest: pages, how far apart their blocks, or several blocks at a time. Found out by trying.
//!
//! ```text
//!   header by blocks --> First --several hops--> Spacing --> Settled --pages not much faster--> Blocks
//!                        ^ |                                 ^  ^ |    than single blocks        | |
//!                        | +------------- one hop -----------+  | |                              | |
//!                        |                                      +-|--------- slower -------------+ |
//!                        +---- three pages cost twice as much ----+             blocks for good <--+ faster
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | First | the blocks came as fast as over one hop | Settled, without a pause |
//! | | it looks like several hops | Spacing, by the time that a block takes for all of them |
//! | Spacing | the page is over | Settled, by this spacing where it cost no more than a sixteenth above, else without a pause |
//! | Settled | a block takes more than two thirds of a single request, and nothing was compared yet | Blocks |
//! | | three pages in a row cost more than twice as much | First |
//! | Blocks | 24 blocks came | Settled, compared; or blocks by a window, where those cost less |
//! | any | no pages, or four in a row without a byte | blocks by a window |
//!
//! Over several hops a server that sends without a pause is in the way of its own frames, which relays pass on on the
//! same channel. How many hops there are nobody tells; but the interval between blocks does.

use crate::client::rtt::RttEstimator;
use crate::time::Instant;

use super::in_flight::Millis32;

/// Blocks of a page: few enough that what is lost of them has room among the islands.
pub(super) const PAGE: u16 = 64;

/// Pages in a row that must cost twice as much before all is measured anew.
const WORSE: u8 = 3;

/// Blocks that are asked for by a window to compare.
const PROBE: u8 = 24;

/// Microseconds that a frame with `size` bytes of data takes for a hop, at 2.4 GHz: back-off, 68 bytes of headers, the
/// data, acknowledgement, and the pause before the next frame.
const fn hop(size: u8) -> u32 {
    let bytes = u32::from_le_bytes([size, 0, 0, 0]).saturating_add(68);
    bytes.saturating_mul(32).saturating_add(1984 + 640)
}

/// A way to transfer, and what a block costs by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModeProbe {
    trial: Trial,
    /// The spacing of pages in use, and that which was the best, ms.
    spacing: u16,
    best: u16,
    /// What a block cost by that, in eighths of a millisecond.
    cost: u32,
    /// A single request took so long, in eighths of a millisecond.
    single: u32,
    /// Where the page starts, and the bytes of it that came.
    start: u32,
    bytes: u32,
    /// It was asked for twice, and may come so: it says nothing.
    spoiled: bool,
    /// When the first and the last of them came.
    since: Millis32,
    last: Millis32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    /// Nothing was measured.
    First,
    /// A spacing is tried for a page.
    Spacing,
    /// Pages it is; so many in a row cost twice as much as they did.
    Settled { compared: bool, worse: u8 },
    /// So many blocks more by a window.
    Blocks(u8),
}

/// What to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Pages,
    Blocks,
}

impl ModeProbe {
    pub(super) const fn new(at: Instant) -> Self {
        let at = Millis32::of(at);
        let trial = Trial::First;
        let (since, last) = (at, at);
        Self {
            trial,
            spacing: 0,
            best: 0,
            cost: 0,
            single: 0,
            start: 0,
            bytes: 0,
            spoiled: false,
            since,
            last,
        }
    }

    /// The spacing of pages, ms.
    pub(super) const fn spacing(&self) -> u16 {
        self.spacing
    }

    /// The header is here; single blocks took what `link` says.
    pub(super) fn begin(&mut self, link: &RttEstimator) {
        self.single = link.eighths().unwrap_or(0);
    }

    /// Data came, which starts at `start`, of `size` bytes. What to go on with, where that was to be seen.
    pub(super) fn received(&mut self, now: Instant, start: u32, size: u32) -> Option<Choice> {
        if start < self.start {
            // A repair.
            return None;
        }
        if self.bytes == 0 {
            self.since = Millis32::of(now);
        }
        self.bytes = self.bytes.saturating_add(size);
        self.last = Millis32::of(now);
        let Trial::Blocks(left) = &mut self.trial else { return None };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return None;
        }
        self.trial = Trial::Settled { compared: true, worse: 0 };
        let intervals = u32::from(PROBE).saturating_sub(1);
        let cost = self.last.since(self.since).0.saturating_mul(8).checked_div(intervals).unwrap_or(0);
        // A page has its own request, too.
        let page = self.cost.saturating_add(self.single.checked_div(PAGE.into()).unwrap_or(0));
        Some(if cost < page { Choice::Blocks } else { Choice::Pages })
    }

    /// The next page, which starts at `start`, is to be asked for: the one before is over, but for its repair.
    /// A block has `size` bytes.
    pub(super) fn page_over(&mut self, start: u32, size: u8) -> Choice {
        let blocks = start.saturating_sub(self.start).checked_div(size.into()).unwrap_or(0);
        let came = self.bytes.checked_div(size.into()).unwrap_or(0);
        let spoiled = core::mem::replace(&mut self.spoiled, blocks == 0 && self.start > 0);
        (self.start, self.bytes) = (start, 0);
        let intervals = came.checked_sub(1).and(blocks.checked_sub(1)).filter(|_| !spoiled);
        let Some(intervals) = intervals else { return Choice::Pages };
        let span = self.last.since(self.since).0.saturating_mul(8);
        let Some(seen) = span.checked_div(intervals) else { return Choice::Pages };
        let repair = self.single.saturating_mul(blocks.saturating_sub(came)).checked_div(blocks).unwrap_or(0);
        let cost = seen.saturating_add(repair);
        let hop = hop(size);
        match self.trial {
            Trial::First => {
                self.keep(cost);
                // So many hops it looks like, as what is lost makes it look longer; over one nobody is in the way.
                let hops = seen.saturating_mul(125).saturating_add(hop >> 2).checked_div(hop).unwrap_or(0);
                if hops > 1 {
                    self.spacing = u16::try_from(hops.saturating_mul(hop).div_ceil(1000)).unwrap_or(u16::MAX);
                    self.trial = Trial::Spacing;
                } else {
                    self.settle();
                }
            }
            Trial::Spacing => {
                // What is as fast without being in anybody's way is better.
                if cost <= self.cost.saturating_add(self.cost >> 4) {
                    self.keep(cost);
                }
                self.settle();
            }
            Trial::Settled { compared: false, .. }
                if seen.saturating_mul(3) > self.single.saturating_mul(2) =>
            {
                self.trial = Trial::Blocks(PROBE);
                return Choice::Blocks;
            }
            Trial::Settled { worse, .. } if cost > self.cost.saturating_mul(2) => {
                let worse = worse.saturating_add(1);
                self.trial = Trial::Settled { compared: true, worse };
                if worse >= WORSE {
                    (self.trial, self.spacing) = (Trial::First, 0);
                }
            }
            Trial::Settled { .. } => self.trial = Trial::Settled { compared: true, worse: 0 },
            Trial::Blocks(_) => return Choice::Blocks,
        }
        Choice::Pages
    }

    /// Pages it is, by the best spacing.
    fn settle(&mut self) {
        self.spacing = self.best;
        self.trial = Trial::Settled { compared: false, worse: 0 };
    }

    fn keep(&mut self, cost: u32) {
        (self.best, self.cost) = (self.spacing, cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    const SIZE: u8 = 64;

    struct Tried {
        auto: ModeProbe,
        now: Instant,
        start: u32,
    }

    impl Tried {
        /// A single block takes `single` ms.
        fn new(single: u32) -> Self {
            let mut link = RttEstimator::new();
            link.measure(Millis(single));
            let mut auto = ModeProbe::new(Instant::ZERO);
            auto.begin(&link);
            let mut tried = Self { auto, now: Instant::ZERO, start: 128 };
            assert_eq!(tried.auto.page_over(tried.start, SIZE), Choice::Pages);
            tried
        }

        /// A page passes whose blocks come `interval` ms after each other, with each `lost`th lost.
        fn page(&mut self, interval: u32, lost: u32) -> Choice {
            for block in 0..u32::from(PAGE) {
                self.now = self.now.plus(Millis(interval));
                if lost == 0 || block % lost != lost - 1 {
                    let place = self.start + block * u32::from(SIZE);
                    assert_eq!(self.auto.received(self.now, place, SIZE.into()), None);
                }
            }
            self.start += u32::from(PAGE) * u32::from(SIZE);
            self.auto.page_over(self.start, SIZE)
        }

        /// Blocks by a window come `interval` ms after each other, until it is decided.
        fn blocks(&mut self, interval: u32) -> Choice {
            for _ in 0..PROBE {
                self.now = self.now.plus(Millis(interval));
                let choice = self.auto.received(self.now, self.start, SIZE.into());
                self.start += u32::from(SIZE);
                if let Some(choice) = choice {
                    return choice;
                }
            }
            panic!("it is not decided");
        }
    }

    #[test]
    fn over_one_hop_no_pause_is_tried() {
        let mut tried = Tried::new(30);
        for _ in 0..10 {
            assert_eq!(tried.page(7, 20), Choice::Pages);
            assert_eq!(tried.auto.spacing(), 0);
        }
    }

    #[test]
    fn over_several_hops_the_pause_is_as_long_as_the_way() {
        for (hops, expected) in [(2, 14), (3, 21), (5, 35)] {
            let mut tried = Tried::new(200);
            tried.page(7 * hops, 10);
            assert_eq!(tried.auto.spacing(), expected);
            for _ in 0..5 {
                assert_eq!(tried.page(7 * hops, 0), Choice::Pages);
                assert_eq!(tried.auto.spacing(), expected, "nothing is lost any more");
            }
        }
    }

    #[test]
    fn a_pause_that_costs_more_is_given_up() {
        let mut tried = Tried::new(200);
        tried.page(14, 0);
        assert_eq!(tried.auto.spacing(), 14);
        tried.page(20, 0);
        assert_eq!(tried.auto.spacing(), 0);
        tried.page(14, 0);
        assert_eq!(tried.auto.spacing(), 0, "it is tried once");
    }

    #[test]
    fn slow_pages_are_held_against_blocks_once() {
        for (block, choice) in [(12, Choice::Blocks), (60, Choice::Pages)] {
            let mut tried = Tried::new(60);
            assert_eq!(tried.page(50, 0), Choice::Pages, "the pace of 7 hops is tried first");
            assert_eq!(tried.page(50, 0), Choice::Pages);
            assert_eq!(tried.page(50, 0), Choice::Blocks, "a block after the other takes no longer");
            assert_eq!(tried.blocks(block), choice);
            if choice == Choice::Pages {
                assert!((0..10).all(|_| tried.page(50, 0) == Choice::Pages));
            }
        }
    }

    #[test]
    fn a_way_that_changed_is_measured_anew() {
        let mut tried = Tried::new(500);
        tried.page(7, 0);
        assert_eq!(tried.auto.spacing(), 0);
        tried.page(7, 0);
        for _ in 0..2 {
            tried.page(28, 0);
            assert_eq!(tried.auto.spacing(), 0, "that may pass");
        }
        tried.page(28, 0);
        tried.page(28, 0);
        assert_eq!(tried.auto.spacing(), 28);
    }

    #[test]
    fn a_page_that_was_asked_for_twice_says_nothing() {
        let mut tried = Tried::new(200);
        assert_eq!(tried.auto.page_over(tried.start, SIZE), Choice::Pages);
        tried.page(40, 0);
        assert_eq!(tried.auto.spacing(), 0);
        tried.page(21, 0);
        assert_eq!(tried.auto.spacing(), 21);
    }

    #[test]
    fn what_costs_the_same_changes_nothing() {
        // A page costs a millisecond more a block than its blocks, for its request.
        let mut tried = Tried::new(64);
        assert_eq!(
            [50; 3].map(|interval| tried.page(interval, 0)),
            [Choice::Pages, Choice::Pages, Choice::Blocks]
        );
        assert_eq!(tried.blocks(51), Choice::Pages);

        let mut tried = Tried::new(60);
        for _ in 0..3 {
            assert_eq!(tried.page(40, 0), Choice::Pages, "two thirds of a single request");
        }

        let mut tried = Tried::new(500);
        for interval in [7, 7, 14, 14, 14, 14] {
            tried.page(interval, 0);
            assert_eq!(tried.auto.spacing(), 0, "twice, and no more");
        }
    }

    #[test]
    fn a_first_page_close_to_the_start_is_measured_as_well() {
        let mut tried = Tried { auto: ModeProbe::new(Instant::ZERO), now: Instant::ZERO, start: 56 };
        assert_eq!(tried.auto.page_over(tried.start, SIZE), Choice::Pages);
        tried.page(14, 0);
        assert_eq!(tried.auto.spacing(), 14);
    }
}
