//! Flash of the device, one area for each image: which bytes are written, and of which file.

use crate::setup::MAX_SIZE;

/// One area. Erased bytes are 1 in neither set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flash {
    /// File version that the area was erased for; 0 at first.
    pub version: u32,
    written: [u64; MAX_SIZE / 64],
    /// Written bytes that are those of build 1 and not of build 0.
    rebuilt: [u64; MAX_SIZE / 64],
}

impl Flash {
    pub const EMPTY: Self = Self::erased(0);

    pub const fn erased(version: u32) -> Self {
        Self { version, written: [0; MAX_SIZE / 64], rebuilt: [0; MAX_SIZE / 64] }
    }

    fn is_written(&self, at: u32) -> bool {
        self.written[at as usize / 64] >> (at % 64) & 1 == 1
    }

    pub fn has_all(&self, start: u32, end: u32) -> bool {
        (start..end).all(|at| self.is_written(at))
    }

    pub fn has_any(&self, start: u32, end: u32) -> bool {
        (start..end).any(|at| self.is_written(at))
    }

    pub fn count(&self) -> u32 {
        self.written.iter().map(|word| word.count_ones()).sum()
    }

    /// Writes bytes. `is_rebuilt` is `true` if only build 1 of the file has these bytes.
    pub fn write(&mut self, start: u32, end: u32, is_rebuilt: impl Fn(u32) -> bool) {
        for at in start..end {
            self.written[at as usize / 64] |= 1 << (at % 64);
            let bit = 1 << (at % 64);
            let rebuilt = &mut self.rebuilt[at as usize / 64];
            *rebuilt = if is_rebuilt(at) { *rebuilt | bit } else { *rebuilt & !bit };
        }
    }

    /// Erases all bytes from `end` on.
    pub fn keep_below(&mut self, end: u32) {
        for at in end..MAX_SIZE as u32 {
            self.written[at as usize / 64] &= !(1 << (at % 64));
            self.rebuilt[at as usize / 64] &= !(1 << (at % 64));
        }
    }

    /// Returns whether every byte below `size` is that of `file`; `files` are the two builds.
    pub fn holds(&self, size: u32, files: [&[u8]; 2]) -> bool {
        let byte = |at: u32| {
            let build = self.rebuilt[at as usize / 64] >> (at % 64) & 1;
            files[build as usize][at as usize]
        };
        self.has_all(0, size) && files.iter().any(|file| (0..size).all(|at| byte(at) == file[at as usize]))
    }

    pub fn words(&self) -> impl Iterator<Item = u64> {
        [u64::from(self.version)].into_iter().chain(self.written).chain(self.rebuilt)
    }
}
