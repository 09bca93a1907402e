//! Flash memory as a device has it.

/// A range of NOR flash: erased to ones, each word of it written once.
#[derive(Clone, Debug)]
pub struct Flash {
    bytes: Vec<u8>,
    /// Bytes written since they were erased, or never erased.
    written: Vec<bool>,
    word: usize,
}

/// What a real part would punish by wrong data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlashError {
    /// Bytes beyond the end.
    #[error("{len} bytes at {offset} do not fit in {size}")]
    OutOfRange {
        /// First byte.
        offset: usize,
        /// How many.
        len: usize,
        /// Bytes of the flash.
        size: usize,
    },
    /// A byte that was written since it was erased.
    #[error("byte {0} is written twice")]
    WrittenTwice(usize),
    /// Not whole words, before the end of the flash.
    #[error("{len} bytes at {offset} are not whole words")]
    NotWhole {
        /// First byte.
        offset: usize,
        /// How many.
        len: usize,
    },
}

impl Flash {
    /// Flash of `size` bytes that are written one by one, not erased.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self::with_words(size, 1)
    }

    /// Flash of `size` bytes that are written `word` at a time, not erased. The last word may lack bytes.
    #[must_use]
    pub fn with_words(size: usize, word: usize) -> Self {
        Self { bytes: vec![0; size], written: vec![true; size], word: word.max(1) }
    }

    /// Erases all of it.
    pub fn erase(&mut self) {
        self.erase_from(0);
    }

    /// Erases all from `offset` on.
    pub fn erase_from(&mut self, offset: usize) {
        let from = offset.min(self.bytes.len());
        self.bytes[from..].fill(0xff);
        self.written[from..].fill(false);
    }

    /// Writes `data` from `offset` on.
    ///
    /// # Errors
    /// Nothing is written if a byte lies outside or was written before, or a word is not whole.
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

    /// Everything in it.
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
