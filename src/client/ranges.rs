//! Which bytes of a file are here: all up to a watermark, and islands beyond it.
//!
//! ```text
//! 0              watermark      start    end     start   end        size
//! |##################|............|########|.......|######|...........|
//!     stored            gap         island   gap    island     gap
//! ```

/// The bytes of a file that were received. With `RANGES` of 0 they can come in order only.
///
/// Islands are in order, do not touch each other nor the watermark, and are never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReceivedRanges<const RANGES: usize> {
    watermark: u32,
    islands: [Range; RANGES],
}

/// Bytes of a file: `start` and all after it, `end` excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// There are as many islands as can be remembered, and the bytes are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfRanges;

impl Range {
    /// The place of an island that is not there.
    const NONE: Self = Self { start: u32::MAX, end: u32::MAX };

    pub(super) const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// How many bytes.
    pub(super) const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the two overlap, or one begins where the other ends.
    const fn touches(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    fn union(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl<const RANGES: usize> ReceivedRanges<RANGES> {
    /// All bytes below `watermark`.
    pub(super) const fn new(watermark: u32) -> Self {
        Self { watermark, islands: [Range::NONE; RANGES] }
    }

    /// Everything below is here.
    pub(super) const fn watermark(&self) -> u32 {
        self.watermark
    }

    fn islands(&self) -> impl Iterator<Item = Range> {
        self.islands.iter().copied().filter(|island| !island.is_empty())
    }

    /// Takes `range` in.
    ///
    /// # Errors
    /// It would be one island too many. Nothing changed.
    pub(super) fn insert(&mut self, range: Range) -> Result<(), OutOfRanges> {
        if range.is_empty() {
            return Ok(());
        }
        let merged = self.islands().filter(|island| island.touches(range)).fold(range, Range::union);
        let reached = merged.start <= self.watermark;
        self.islands = self.apart_from(merged, Some(merged).filter(|_| !reached)).ok_or(OutOfRanges)?;
        if reached {
            self.watermark = self.watermark.max(merged.end);
        }
        Ok(())
    }

    /// The islands that lie below and above `merged`, and `between` them; `None` when they are too many.
    fn apart_from(&self, merged: Range, between: Option<Range>) -> Option<[Range; RANGES]> {
        let below = self.islands().filter(|island| island.end < merged.start);
        let above = self.islands().filter(|island| island.start > merged.end);
        let mut all = below.chain(between).chain(above);
        let mut islands = [Range::NONE; RANGES];
        for (place, island) in islands.iter_mut().zip(all.by_ref()) {
            *place = island;
        }
        all.next().is_none().then_some(islands)
    }

    /// The first bytes of a file of `size` that are not here; `None` when all are.
    pub(super) fn first_gap(&self, size: u32) -> Option<Range> {
        self.gap_from(0, size)
    }

    /// The first bytes at or after `start`, of a file of `size`, that are not here.
    pub(super) fn gap_from(&self, start: u32, size: u32) -> Option<Range> {
        let start = self
            .islands()
            .filter(|island| island.start <= start.max(self.watermark))
            .fold(start.max(self.watermark), |start, island| start.max(island.end));
        let end = self.islands().map(|island| island.start).find(|end| *end > start).unwrap_or(size);
        Some(Range { start, end: end.min(size) }).filter(|gap| !gap.is_empty())
    }

    /// The end of all that is here.
    pub(super) fn top(&self) -> u32 {
        self.islands().fold(self.watermark, |top, island| top.max(island.end))
    }

    /// Whether all of `ranges`, one with another and in any order, can be taken in.
    pub(super) fn has_room(&self, ranges: impl Iterator<Item = Range>) -> bool {
        let alone = |range: &Range| {
            range.start > self.watermark && !self.islands().any(|island| island.touches(*range))
        };
        self.islands().count().saturating_add(ranges.filter(alone).count()) <= RANGES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(start: u32, end: u32) -> Range {
        Range { start, end }
    }

    #[test]
    fn in_order_there_is_but_a_watermark() {
        let mut received = ReceivedRanges::<0>::new(0);
        assert_eq!(received.first_gap(100), Some(range(0, 100)));
        assert_eq!(received.insert(range(0, 64)), Ok(()));
        assert_eq!(received.insert(range(65, 70)), Err(OutOfRanges));
        assert_eq!(received.insert(range(40, 100)), Ok(()));
        assert_eq!((received.watermark(), received.first_gap(100)), (100, None));
        assert_eq!(size_of_val(&received), 4);
    }

    #[test]
    fn islands_grow_together() {
        let mut received = ReceivedRanges::<2>::new(10);
        assert_eq!(received.insert(range(30, 40)), Ok(()));
        assert_eq!(received.insert(range(20, 25)), Ok(()));
        assert_eq!(received.first_gap(100), Some(range(10, 20)));
        let before = received;
        assert_eq!(received.insert(range(50, 60)), Err(OutOfRanges));
        assert_eq!(received, before);
        assert_eq!(received.insert(range(25, 30)), Ok(()));
        assert_eq!((received.gap_from(20, 100), received.top()), (Some(range(40, 100)), 40));
        assert_eq!(received.gap_from(15, 100), Some(range(15, 20)));
        let rooms = |ranges: &[Range]| received.has_room(ranges.iter().copied());
        assert!(rooms(&[range(50, 60)]) && !rooms(&[range(50, 60), range(60, 70)]), "in any order");
        assert!(rooms(&[range(50, 60), range(40, 50), range(10, 20), range(0, 99)]));
        assert_eq!(received.insert(range(50, 60)), Ok(()));
        assert_eq!(received.insert(range(5, 20)), Ok(()));
        assert_eq!((received.watermark(), received.first_gap(100)), (40, Some(range(40, 50))));
        assert_eq!(received.insert(range(7, 7)), Ok(()), "nothing is always here");
    }

    #[test]
    fn what_begins_at_the_watermark_needs_no_island() {
        let received = ReceivedRanges::<0>::new(10);
        let rooms = |range: Range| received.has_room([range].into_iter());
        assert!(rooms(range(9, 20)) && rooms(range(10, 20)) && !rooms(range(11, 20)));
    }

    #[test]
    fn a_range_is_as_long_as_its_bytes() {
        assert_eq!([range(3, 10), range(7, 7), Range::NONE].map(Range::len), [7, 0, 0]);
    }

    /// A byte for each byte of the file says the same.
    fn agrees<const RANGES: usize>(inserts: &[(u8, u8)]) {
        let mut received = ReceivedRanges::<RANGES>::new(0);
        let mut model = [false; 512];
        for (start, len) in inserts {
            let (start, end) = (u32::from(*start), u32::from(*start) + u32::from(*len));
            let mut after = model;
            after[start as usize..end as usize].fill(true);
            let edges = |model: &[bool]| (1..512).filter(|at| model[*at] && !model[at - 1]).count();
            let fits = edges(&after) <= RANGES;
            assert_eq!(received.insert(range(start, end)).is_ok(), fits, "{start}..{end}");
            if fits {
                model = after;
            }
            let watermark = model.iter().position(|here| !here).unwrap() as u32;
            assert_eq!(received.watermark(), watermark);
            let missing = (start as usize..512).find(|at| !model[*at]).unwrap() as u32;
            let gap = received.gap_from(start, 512).unwrap();
            let end = (missing as usize..512).find(|at| model[*at]).unwrap_or(512) as u32;
            assert_eq!(gap, range(missing, end));
            let next = (watermark as usize..512).find(|at| model[*at]).unwrap_or(512) as u32;
            assert_eq!(received.first_gap(512), Some(range(watermark, next)));
        }
    }

    proptest! {
        #[test]
        fn the_ranges_are_those_of_a_map_of_bytes(
            inserts in proptest::collection::vec((any::<u8>(), 0_u8..40), 0..60),
        ) {
            agrees::<0>(&inserts);
            agrees::<1>(&inserts);
            agrees::<8>(&inserts);
        }
    }
}
