//! Byte ranges of a file, and the set of received byte ranges that a client keeps: all bytes below a watermark, and
//! out-of-order ranges above the watermark.
//!
//! ```text
//! 0              watermark      start    end     start   end        size
//! |##################|............|########|.......|######|...........|
//!     received          gap     out-of-order  gap  out-of-order  gap
//! ```

/// Received bytes of a file. A `ReceivedRanges` with `RANGES` = 0 accepts the bytes of a file in order only.
///
/// Invariant: the out-of-order ranges are sorted and not empty, and touch neither each other nor the watermark. Unused
/// entries of the list follow the out-of-order ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedRanges<const RANGES: usize> {
    watermark: u32,
    out_of_order: [Range; RANGES],
}

/// Half-open range of file offsets: `start` is included, `end` is not included. Both the client and the observer use
/// the type `Range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Error of [`ReceivedRanges::insert`]: the set would need more than `RANGES` out-of-order ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyRanges;

impl Range {
    /// Sentinel for an unused entry in a list of ranges.
    pub(crate) const NONE: Self = Self { start: u32::MAX, end: u32::MAX };

    pub(crate) const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Returns the length of the range in bytes.
    pub(crate) const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Returns whether this range and `other` overlap or are adjacent.
    const fn touches(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl<const RANGES: usize> ReceivedRanges<RANGES> {
    /// Creates the set of all bytes below `watermark`.
    pub(crate) const fn new(watermark: u32) -> Self {
        Self { watermark, out_of_order: [Range::NONE; RANGES] }
    }

    /// Returns the file offset of the first missing byte.
    pub(crate) const fn watermark(&self) -> u32 {
        self.watermark
    }

    /// Returns the number of out-of-order ranges, at most `RANGES`.
    pub(crate) fn out_of_order_count(&self) -> usize {
        self.out_of_order().count()
    }

    fn out_of_order(&self) -> impl Iterator<Item = Range> {
        self.out_of_order.iter().copied().take_while(|range| !range.is_empty())
    }

    /// Adds `range` to the set.
    ///
    /// # Errors
    /// Fails if the list has no free entry for an additional out-of-order range; the set is then unchanged.
    pub(crate) fn insert(&mut self, range: Range) -> Result<(), TooManyRanges> {
        if range.is_empty() {
            return Ok(());
        }
        // Blocks that arrive in order leave the list unchanged, which is not copied then.
        if range.start <= self.watermark && self.out_of_order().next().is_none() {
            self.watermark = self.watermark.max(range.end);
            return Ok(());
        }
        let merged = self.out_of_order().filter(|known| known.touches(range)).fold(range, Range::union);
        let is_in_order = merged.start <= self.watermark;
        self.out_of_order = self.with_replaced(merged, is_in_order).ok_or(TooManyRanges)?;
        if is_in_order {
            self.watermark = self.watermark.max(merged.end);
        }
        Ok(())
    }

    /// Returns the out-of-order ranges after `merged` has replaced all ranges that touch `merged`; `None` if the result
    /// has more than `RANGES` ranges. If `is_in_order` is `true`, the method removes the ranges that touch `merged` and
    /// does not add `merged`, because the watermark will cover `merged`.
    fn with_replaced(&self, merged: Range, is_in_order: bool) -> Option<[Range; RANGES]> {
        let mut ranges = [Range::NONE; RANGES];
        let mut places = ranges.iter_mut();
        let mut left = Some(merged).filter(|_| !is_in_order);
        for range in self.out_of_order().filter(|range| !range.touches(merged)) {
            if let Some(merged) = left.take_if(|merged| merged.start < range.start) {
                *places.next()? = merged;
            }
            *places.next()? = range;
        }
        if let Some(merged) = left {
            *places.next()? = merged;
        }
        Some(ranges)
    }

    /// Returns the first missing range of a file of `size` bytes; `None` if the file is complete.
    pub(crate) fn first_gap(&self, size: u32) -> Option<Range> {
        self.gap_from(0, size)
    }

    /// Returns the first missing range at or after `start` of a file of `size` bytes; `None` if no byte at or after
    /// `start` is missing.
    pub(crate) fn gap_from(&self, start: u32, size: u32) -> Option<Range> {
        let mut start = start.max(self.watermark);
        let mut end = size;
        // The ranges are sorted and do not touch each other.
        for range in self.out_of_order() {
            if range.start > start {
                end = range.start;
                break;
            }
            start = start.max(range.end);
        }
        Some(Range { start, end: end.min(size) }).filter(|gap| !gap.is_empty())
    }

    /// Returns the offset after the received byte with the highest offset.
    pub(crate) fn highest_end(&self) -> u32 {
        self.out_of_order().fold(self.watermark, |highest, range| highest.max(range.end))
    }

    /// Returns whether the set has free entries for all ranges in `ranges`, in whatever order the caller inserts the
    /// ranges.
    pub(crate) fn has_room(&self, ranges: impl Iterator<Item = Range>) -> bool {
        let is_separate = |range: &Range| {
            range.start > self.watermark && !self.out_of_order().any(|known| known.touches(*range))
        };
        match ranges.filter(is_separate).count() {
            0 => true,
            separate => self.out_of_order().count().saturating_add(separate) <= RANGES,
        }
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
    fn in_order_reception_needs_the_watermark_alone() {
        let mut received = ReceivedRanges::<0>::new(0);
        assert_eq!(received.first_gap(100), Some(range(0, 100)));
        assert_eq!(received.insert(range(0, 64)), Ok(()));
        assert_eq!(received.insert(range(65, 70)), Err(TooManyRanges));
        assert_eq!(received.insert(range(40, 100)), Ok(()));
        assert_eq!((received.watermark(), received.first_gap(100)), (100, None));
        assert_eq!(size_of_val(&received), 4);
    }

    #[test]
    fn adjacent_out_of_order_ranges_are_merged() {
        let mut received = ReceivedRanges::<2>::new(10);
        assert_eq!(received.insert(range(30, 40)), Ok(()));
        assert_eq!(received.insert(range(20, 25)), Ok(()));
        assert_eq!(received.first_gap(100), Some(range(10, 20)));
        let before = received;
        assert_eq!(received.insert(range(50, 60)), Err(TooManyRanges));
        assert_eq!(received, before);
        assert_eq!(received.insert(range(25, 30)), Ok(()));
        assert_eq!((received.gap_from(20, 100), received.highest_end()), (Some(range(40, 100)), 40));
        assert_eq!(received.gap_from(15, 100), Some(range(15, 20)));
        let has_room = |ranges: &[Range]| received.has_room(ranges.iter().copied());
        assert!(has_room(&[range(50, 60)]) && !has_room(&[range(50, 60), range(60, 70)]), "in any order");
        assert!(has_room(&[range(50, 60), range(40, 50), range(10, 20), range(0, 99)]));
        assert_eq!(received.insert(range(50, 60)), Ok(()));
        assert_eq!(received.insert(range(5, 20)), Ok(()));
        assert_eq!((received.watermark(), received.first_gap(100)), (40, Some(range(40, 50))));
        assert_eq!(received.insert(range(7, 7)), Ok(()), "an empty range changes nothing");
    }

    #[test]
    fn a_range_adjacent_to_the_watermark_is_not_out_of_order() {
        let received = ReceivedRanges::<0>::new(10);
        let has_room = |range: Range| received.has_room([range].into_iter());
        assert!(has_room(range(9, 20)) && has_room(range(10, 20)) && !has_room(range(11, 20)));
    }

    #[test]
    fn the_length_of_a_range_is_its_count_of_bytes() {
        assert_eq!([range(3, 10), range(7, 7), Range::NONE].map(Range::len), [7, 0, 0]);
    }

    /// Compares the set with a model of one bool per byte of the file.
    fn agrees_with_model<const RANGES: usize>(inserts: &[(u8, u8)]) {
        let mut received = ReceivedRanges::<RANGES>::new(0);
        let mut model = [false; 512];
        for (start, len) in inserts {
            let (start, end) = (u32::from(*start), u32::from(*start) + u32::from(*len));
            let mut after = model;
            after[start as usize..end as usize].fill(true);
            let count_ranges = |model: &[bool]| (1..512).filter(|at| model[*at] && !model[at - 1]).count();
            let fits = count_ranges(&after) <= RANGES;
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
        fn ranges_agree_with_a_map_of_bytes(
            inserts in proptest::collection::vec((any::<u8>(), 0_u8..40), 0..60),
        ) {
            agrees_with_model::<0>(&inserts);
            agrees_with_model::<1>(&inserts);
            agrees_with_model::<8>(&inserts);
        }
    }
}
