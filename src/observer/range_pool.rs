//! Sets of byte ranges of several files, in one slice that the caller lends.
//!
//! ```text
//! | set 0: 0..64 | set 0: 128..192 | set 1: 0..4096 | set 3: 64..128 |   free   |      by set, then by offset
//! ```
//!
//! All sets share one slice, because a download without gaps needs a single range, and a download with many gaps needs
//! hundreds of ranges.

use crate::ranges::Range;

/// Memory for one range of consecutive bytes that were overheard. The caller lends a list of [`HeardRange`] values to
/// an [`Assembly`](super::Assembly).
#[derive(Clone, Copy, Debug)]
pub struct HeardRange {
    /// Index of the set to which the range belongs.
    set: u32,
    range: Range,
}

impl HeardRange {
    /// Entry that contains no range.
    pub const EMPTY: Self = Self { set: u32::MAX, range: Range::NONE };

    pub(super) const fn range(&self) -> Range {
        self.range
    }
}

/// Memory for ranges, such as `[HeardRange; N]`, `&mut [HeardRange]` or `Vec<HeardRange>`. A download takes one entry
/// for each range of consecutive overheard bytes. An image takes entries in addition to the entries of its downloads:
/// if only one client downloads the image, the image takes as many entries as the download.
pub trait RangeSlots: AsRef<[HeardRange]> + AsMut<[HeardRange]> {}

impl<T: AsRef<[HeardRange]> + AsMut<[HeardRange]>> RangeSlots for T {}

/// Sets of byte ranges in one list of entries.
///
/// Invariant: the first `used` entries are sorted by set and offset. The ranges of a set are not empty, do not overlap,
/// and do not touch each other.
#[derive(Clone, Debug)]
pub(super) struct RangePool<R> {
    entries: R,
    used: usize,
}

/// Error of [`RangePool::insert`]: no entry is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PoolFull;

impl<R: RangeSlots> RangePool<R> {
    pub(super) const fn new(entries: R) -> Self {
        Self { entries, used: 0 }
    }

    fn used(&self) -> &[HeardRange] {
        self.entries.as_ref().get(..self.used).unwrap_or_default()
    }

    /// Returns the ranges of a set, in ascending order of their offsets.
    pub(super) fn set(&self, set: u32) -> &[HeardRange] {
        let used = self.used();
        let start = used.partition_point(|entry| entry.set < set);
        let end = used.partition_point(|entry| entry.set <= set);
        used.get(start..end).unwrap_or_default()
    }

    /// Returns the first missing range of the set between the offsets `start` and `end`, or an empty range at `end` if
    /// no byte between the two offsets is missing.
    pub(super) fn gap_from(&self, set: u32, start: u32, end: u32) -> Range {
        let ranges = self.set(set);
        let next = ranges.partition_point(|entry| entry.range.end <= start);
        let mut after = ranges.iter().skip(next).map(HeardRange::range);
        match after.next() {
            Some(range) if range.start <= start => {
                let gap_end = after.next().map_or(end, |next| next.start.min(end));
                Range { start: range.end.min(end), end: gap_end }
            }
            Some(range) => Range { start, end: range.start.min(end) },
            None => Range { start, end },
        }
    }

    /// Returns the indices of the entries of the set that `range` overlaps or touches: the index of the first of these
    /// entries, and the index after the last.
    fn touched(&self, set: u32, range: Range) -> (usize, usize) {
        let used = self.used();
        let first = used.partition_point(|entry| (entry.set, entry.range.end) < (set, range.start));
        let after = used.partition_point(|entry| (entry.set, entry.range.start) <= (set, range.end));
        (first, after)
    }

    /// Returns whether [`insert`](Self::insert) can add `range` to the set.
    pub(super) fn has_room(&self, set: u32, range: Range) -> bool {
        let (first, after) = self.touched(set, range);
        range.is_empty() || first < after || self.used < self.entries.as_ref().len()
    }

    /// Adds `range` to a set.
    ///
    /// # Errors
    /// Fails if the set needs another entry, and no entry is free. An insertion that fails leaves the set unchanged.
    pub(super) fn insert(&mut self, set: u32, range: Range) -> Result<(), PoolFull> {
        if range.is_empty() {
            return Ok(());
        }
        let (first, after) = self.touched(set, range);
        let touched = self.used().get(first..after).unwrap_or_default();
        let merged = touched.iter().map(HeardRange::range).fold(range, Range::union);
        let merged = HeardRange { set, range: merged };
        if first == after {
            return self.insert_at(first, merged);
        }
        if let Some(entry) = self.entries.as_mut().get_mut(first) {
            *entry = merged;
        }
        self.remove(first.saturating_add(1), after);
        Ok(())
    }

    /// Inserts an entry before the entry with the index `place`.
    fn insert_at(&mut self, place: usize, mut entry: HeardRange) -> Result<(), PoolFull> {
        let entries = self.entries.as_mut();
        if self.used >= entries.len() {
            return Err(PoolFull);
        }
        for other in entries.get_mut(place..=self.used).unwrap_or_default() {
            core::mem::swap(other, &mut entry);
        }
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// Removes the entries from the index `start` up to the index before `end`.
    fn remove(&mut self, start: usize, end: usize) {
        let removed = end.saturating_sub(start);
        if removed == 0 {
            return;
        }
        let entries = self.entries.as_mut();
        for from in end..self.used {
            if let Some(&entry) = entries.get(from)
                && let Some(to) = entries.get_mut(from.saturating_sub(removed))
            {
                *to = entry;
            }
        }
        self.used = self.used.saturating_sub(removed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(start: u32, end: u32) -> Range {
        Range { start, end }
    }

    fn ranges<const N: usize>(pool: &RangePool<[HeardRange; N]>, set: u32) -> std::vec::Vec<(u32, u32)> {
        pool.set(set).iter().map(|entry| (entry.range.start, entry.range.end)).collect()
    }

    #[test]
    fn adjacent_ranges_of_a_set_share_an_entry() {
        let mut pool = RangePool::new([HeardRange::EMPTY; 3]);
        for (set, start, end) in [(1, 50, 100), (0, 0, 50), (1, 0, 50), (1, 100, 110), (1, 200, 210)] {
            assert_eq!(pool.insert(set, range(start, end)), Ok(()));
        }
        assert_eq!((ranges(&pool, 0), ranges(&pool, 1)), ([(0, 50)].into(), [(0, 110), (200, 210)].into()));
        assert_eq!(pool.insert(0, range(51, 52)), Err(PoolFull));
        assert_eq!((ranges(&pool, 0), ranges(&pool, 1)), ([(0, 50)].into(), [(0, 110), (200, 210)].into()));
        // A new range that joins two ranges of the set frees an entry.
        assert_eq!(pool.insert(1, range(105, 200)), Ok(()));
        assert_eq!((ranges(&pool, 0), ranges(&pool, 1)), ([(0, 50)].into(), [(0, 210)].into()));
        assert_eq!(pool.insert(0, range(51, 52)), Ok(()));
    }

    proptest! {
        /// Compares the pool with a map of one bool for each byte of each set.
        #[test]
        fn sets_agree_with_maps_of_bytes(
            inserts in proptest::collection::vec((0_u32..3, 0_u32..60, 0_u32..12), 0..40),
        ) {
            let mut pool = RangePool::new([HeardRange::EMPTY; 8]);
            let mut model = [[false; 80]; 3];
            for (set, start, len) in inserts {
                let mut after = model;
                after[set as usize][start as usize..(start + len) as usize].fill(true);
                let runs = |model: &[[bool; 80]; 3]| {
                    let starts = |map: &[bool; 80]| (0..80).filter(|at| map[*at] && (*at == 0 || !map[at - 1])).count();
                    model.iter().map(starts).sum::<usize>()
                };
                let fits = runs(&after) <= 8;
                prop_assert_eq!(pool.has_room(set, range(start, start + len)), fits);
                prop_assert_eq!(pool.insert(set, range(start, start + len)).is_ok(), fits);
                if fits {
                    model = after;
                }
                prop_assert_eq!(pool.used, runs(&model));
                for (set, map) in (0..).zip(&model) {
                    let first = (start..80).find(|at| !map[*at as usize]).expect("the end is free");
                    let end = (first..80).find(|at| map[*at as usize]).unwrap_or(80);
                    prop_assert_eq!(pool.gap_from(set, start, 80), range(first, end));
                }
            }
        }
    }
}
