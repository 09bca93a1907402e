//! Checksums of the header and of the last stored block, and the check by which a client finds out whether the server
//! still has the same file.
//!
//! ```text
//!   0        header_end                    last.start      received                size
//!   |########|#############################|###############|.......................|
//!    header: asked again, sum compared      last block: asked again, sum compared
//! ```
//!
//! A server may label the bytes of a new file with the identity of the old file, and a new build of a file may have the
//! same identity and size as the old build. After a pause, a restart or a change of the server, the client therefore
//! requests the header and the last stored block once more, before the download continues at the first missing byte.

use crate::client::checkpoint::{FileSums, RangeSum};
use crate::ranges::Range;

/// Smallest and largest number of bytes that the checksum of the header covers: the length of a header without optional
/// fields, and the length of the longest known header.
const HEADER_SIZES: (u8, u8) = (56, 69);

impl RangeSum {
    /// Initial value of the 32-bit checksum FNV-1a.
    const FNV_BASIS: u32 = 0x811c_9dc5;
    /// Multiplier of the 32-bit checksum FNV-1a.
    const FNV_PRIME: u32 = 0x0100_0193;

    /// Checksum of an empty range, which covers no byte.
    const EMPTY: Self = Self { start: 0, size: 0, sum: Self::FNV_BASIS };

    /// Returns the file offset after the last byte that the checksum covers.
    pub(in crate::client) fn end(&self) -> u32 {
        self.start.saturating_add(u32::from(self.size))
    }

    /// Continues the FNV-1a checksum `sum` with `data`.
    fn extend(sum: u32, data: &[u8]) -> u32 {
        data.iter().fold(sum, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(Self::FNV_PRIME))
    }

    /// Returns the FNV-1a checksum of `data`.
    pub(in crate::client) fn of(data: &[u8]) -> u32 {
        Self::extend(Self::FNV_BASIS, data)
    }
}

impl FileSums {
    /// Checksums of a file of which no byte has arrived.
    pub(in crate::client) const EMPTY: Self =
        Self { header: RangeSum::EMPTY, last_block: RangeSum::EMPTY, header_size: HEADER_SIZES.1 };

    /// Adds `data`, which begins at the file offset `start`, to the checksum of the header. The method skips bytes that
    /// the checksum covers already, and bytes after the header.
    pub(in crate::client) fn add_header(&mut self, start: u32, data: &[u8]) {
        for (byte, offset) in data.iter().zip(start..) {
            if offset != u32::from(self.header.size) {
                continue;
            }
            // Bytes 6 and 7 are the header length. The shortest header has 56 bytes, so that the length is known before
            // the last byte of the header arrives.
            match self.header.size {
                6 => self.header_size = *byte,
                7 if *byte > 0 => self.header_size = HEADER_SIZES.1,
                7 => self.header_size = self.header_size.clamp(HEADER_SIZES.0, HEADER_SIZES.1),
                size if size >= self.header_size => return,
                _ => {}
            }
            self.header.sum = RangeSum::extend(self.header.sum, &[*byte]);
            self.header.size = self.header.size.saturating_add(1);
        }
    }
}

/// Check in progress that the server still has the same file. The client requests the header and the last stored block
/// again, and compares the checksum of each with the checksum of the stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileCheck {
    /// File offset of the next byte that the client compares to find out whether the server still has the same file.
    next: u32,
    /// Checksum of the bytes that have arrived of the header or of the last stored block, up to the file offset `next`.
    sum: u32,
    /// `true` while the client compares the header, `false` while the client compares the last stored block.
    is_header: bool,
}

/// Result of the check whether the server still has the same file, after the client has compared one more block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckProgress {
    /// The client has not yet compared all bytes of the header and of the last stored block.
    Incomplete(FileCheck),
    /// The server still has the same file: all compared bytes equal the stored bytes.
    Same,
    /// The server has another file: the compared bytes differ from the stored bytes.
    Different,
}

impl FileCheck {
    /// Starts the check whether the server still has the file with the checksums `sums`; returns `None` if the
    /// checksums cover no byte, so that there is nothing to compare.
    pub(super) const fn new(sums: &FileSums) -> Option<Self> {
        if sums.header.size == 0 {
            return None;
        }
        // If the last block contains the whole header, the check compares only the last block.
        let RangeSum { start, size, .. } = sums.last_block;
        let is_header = start > 0 || size < sums.header.size;
        Some(Self { next: 0, sum: RangeSum::FNV_BASIS, is_header })
    }

    const fn target<'s>(&self, sums: &'s FileSums) -> &'s RangeSum {
        if self.is_header { &sums.header } else { &sums.last_block }
    }

    /// Returns the part of the header, or of the last stored block, that the client has yet to request and compare.
    pub(super) fn range(&self, sums: &FileSums) -> Range {
        Range { start: self.next, end: self.target(sums).end() }
    }

    /// Compares `data`, which the server sent for the start of [`range`](Self::range). The method ignores bytes of
    /// `data` after the end of `range`.
    pub(super) fn compare(self, data: &[u8], sums: &FileSums) -> CheckProgress {
        let target = self.target(sums);
        let left = usize::try_from(self.range(sums).len()).unwrap_or(usize::MAX);
        let data = data.get(..left).unwrap_or(data);
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let check =
            Self { next: self.next.saturating_add(len), sum: RangeSum::extend(self.sum, data), ..self };
        if check.next < target.end() {
            return CheckProgress::Incomplete(check);
        }
        let RangeSum { start, size, .. } = sums.last_block;
        match check.sum == target.sum {
            false => CheckProgress::Different,
            // The last block is compared only if it ends after the header.
            true if check.is_header && size > 0 && sums.last_block.end() > target.end() => {
                CheckProgress::Incomplete(Self { next: start, sum: RangeSum::FNV_BASIS, is_header: false })
            }
            true => CheckProgress::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::FileHeader;

    fn sums(file: &[u8], cuts: usize, last: core::ops::Range<usize>) -> FileSums {
        let mut sums = FileSums::EMPTY;
        for (data, at) in file.chunks(cuts).zip((0..).step_by(cuts)) {
            sums.add_header(at, data);
            // Storage may be busy, so that a block comes twice.
            sums.add_header(at, data);
        }
        let size = u8::try_from(last.len()).unwrap();
        let start = u32::try_from(last.start).unwrap();
        sums.last_block = RangeSum { start, size, sum: RangeSum::of(&file[last]) };
        sums
    }

    /// Returns the first 200 bytes of a file with a header of `header_len` bytes.
    fn file(header_len: u16) -> std::vec::Vec<u8> {
        let mut file: std::vec::Vec<u8> = (0..200).collect();
        file[6..8].copy_from_slice(&header_len.to_le_bytes());
        file
    }

    fn run(sums: &FileSums, file: &[u8], max: usize) -> CheckProgress {
        let mut check = FileCheck::new(sums).unwrap();
        loop {
            let Range { start, end } = check.range(sums);
            let (start, end) = (start as usize, end as usize);
            match check.compare(&file[start..end.min(start + max)], sums) {
                CheckProgress::Incomplete(next) => check = next,
                end => return end,
            }
        }
    }

    #[test]
    fn the_summed_header_is_as_long_as_the_file_says_within_the_known_fields() {
        for (header_len, summed) in [(56, 56), (60, 60), (69, 69), (70, 69), (300, 69), (0, 56), (9, 56)] {
            for cuts in [1, 7, 64, 200] {
                let sums = sums(&file(header_len), cuts, 100..164);
                assert_eq!(sums.header.size, summed, "{header_len} by {cuts}");
                assert_eq!(sums.header.sum, RangeSum::of(&file(header_len)[..usize::from(summed)]));
            }
        }
    }

    /// Shows: FLD-003
    #[test]
    fn one_changed_byte_of_either_range_is_found_whatever_the_size_of_the_blocks() {
        let old = file(60);
        let sums = sums(&old, 64, 100..164);
        for max in [1, 17, 64, 255] {
            assert_eq!(run(&sums, &old, max), CheckProgress::Same);
            for place in (0..60).chain(100..164) {
                let mut new = old.clone();
                new[place] ^= 1;
                assert_eq!(run(&sums, &new, max), CheckProgress::Different, "byte {place}");
            }
        }
    }

    #[test]
    fn the_summed_header_is_the_known_header() {
        let (shortest, longest) = HEADER_SIZES;
        let known = (FileHeader::MIN_LEN, FileHeader::MAX_KNOWN_LEN);
        assert_eq!((usize::from(shortest), usize::from(longest)), known);
    }

    #[test]
    fn fnv_1a_has_its_published_values() {
        assert_eq!(
            [RangeSum::of(b""), RangeSum::of(b"a"), RangeSum::of(b"foobar")],
            [0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968]
        );
    }

    #[test]
    fn a_last_block_within_the_header_is_not_compared_twice() {
        let old = file(60);
        let sums = sums(&old[..40], 40, 0..40);
        let check = FileCheck::new(&sums).unwrap();
        assert_eq!(check.range(&sums), Range { start: 0, end: 40 });
        assert_eq!(check.compare(&old[..64], &sums), CheckProgress::Same);
        let sums = self::sums(&old, 64, 0..64);
        let check = FileCheck::new(&sums).unwrap();
        assert_eq!(check.range(&sums), Range { start: 0, end: 64 }, "the header lies within the last block");
        assert_eq!(check.compare(&old[..64], &sums), CheckProgress::Same);
        assert_eq!(FileCheck::new(&FileSums::EMPTY), None);
    }
}
