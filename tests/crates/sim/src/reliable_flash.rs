//! Simple flash memory without power failures: bytes or words, each written once after an erasure.

/// Range of NOR flash: an erasure sets all bits, and each word may be written once.
#[derive(Clone, Debug)]
pub struct Flash {
    bytes: Vec<u8>,
    /// Marks bytes that were written since their erasure, or never erased.
    written: Vec<bool>,
    word: usize,
}

/// Misuse of the flash, which real flash answers with corrupt data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlashError {
    /// Write beyond the end of the flash.
    #[error("{len} bytes at {offset} do not fit in {size}")]
    OutOfRange {
        /// Offset of the first byte.
        offset: usize,
        /// Number of bytes.
        len: usize,
        /// Size of the flash in bytes.
        size: usize,
    },
    /// Offset of a byte that was already written since its erasure.
    #[error("byte {0} is written twice")]
    WrittenTwice(usize),
    /// Write of a partial word before the end of the flash.
    #[error("{len} bytes at {offset} are not whole words")]
    NotWhole {
        /// Offset of the first byte.
        offset: usize,
        /// Number of bytes.
        len: usize,
    },
}

impl Flash {
    /// Flash of `size` bytes with a word size of one byte, not erased.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self::with_words(size, 1)
    }

    /// Flash of `size` bytes with words of `word` bytes, not erased. The last word may be shorter.
    #[must_use]
    pub fn with_words(size: usize, word: usize) -> Self {
        Self { bytes: vec![0; size], written: vec![true; size], word: word.max(1) }
    }

    /// Erases the whole flash.
    pub fn erase(&mut self) {
        self.erase_from(0);
    }

    /// Erases everything from `offset` to the end.
    pub fn erase_from(&mut self, offset: usize) {
        let from = offset.min(self.bytes.len());
        self.bytes[from..].fill(0xff);
        self.written[from..].fill(false);
    }

    /// Writes `data` at `offset`.
    ///
    /// # Errors
    /// Fails without a write if a byte lies outside, was already written, or a word is partial.
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result<(), FlashError> {
        let (size, len) = (self.bytes.len(), data.len());
        let range = offset..offset.saturating_add(len);
        let whole = offset.is_multiple_of(self.word) && (len.is_multiple_of(self.word) || range.end == size);
        let out_of_range = FlashError::OutOfRange { offset, len, size };
        let written = self.written.get_mut(range.clone()).ok_or(out_of_range)?;
        if !whole {
            return Err(FlashError::NotWhole { offset, len });
        }
        if let Some(place) = written.iter().position(|written| *written) {
            return Err(FlashError::WrittenTwice(offset + place));
        }
        written.fill(true);
        self.bytes[range].copy_from_slice(data);
        Ok(())
    }

    /// Contents of the whole flash.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_written_once_after_each_erasure() {
        let mut flash = Flash::new(4);
        assert_eq!(flash.write(0, &[1]), Err(FlashError::WrittenTwice(0)), "not erased");
        flash.erase();
        assert_eq!(flash.write(1, &[1, 2]), Ok(()));
        assert_eq!(flash.write(2, &[9, 9]), Err(FlashError::WrittenTwice(2)));
        assert_eq!(flash.write(3, &[9, 9]), Err(FlashError::OutOfRange { offset: 3, len: 2, size: 4 }));
        assert_eq!(flash.contents(), [0xff, 1, 2, 0xff]);
        flash.erase_from(2);
        assert_eq!(flash.write(2, &[3, 4]), Ok(()));
        assert_eq!(flash.contents(), [0xff, 1, 3, 4]);
    }

    #[test]
    fn words_are_whole_but_for_the_last() {
        let mut flash = Flash::with_words(10, 4);
        flash.erase();
        assert_eq!(flash.write(2, &[1; 4]), Err(FlashError::NotWhole { offset: 2, len: 4 }));
        assert_eq!(flash.write(0, &[1; 6]), Err(FlashError::NotWhole { offset: 0, len: 6 }));
        assert_eq!(flash.write(4, &[1; 6]), Ok(()));
        assert_eq!(flash.write(0, &[1; 4]), Ok(()));
    }
}
