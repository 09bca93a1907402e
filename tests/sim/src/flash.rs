//! Flash memory as a device has it.

/// A range of NOR flash: erased to ones, written once.
#[derive(Clone, Debug)]
pub struct Flash {
    bytes: Vec<u8>,
    written: Vec<bool>,
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
}

impl Flash {
    /// Flash of `size` bytes, not erased.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { bytes: vec![0; size], written: vec![true; size] }
    }

    /// Erases all of it.
    pub fn erase(&mut self) {
        self.bytes.fill(0xff);
        self.written.fill(false);
    }

    /// Writes `data` from `offset` on.
    ///
    /// # Errors
    /// Nothing is written if a byte lies outside or was written before.
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result<(), FlashError> {
        let size = self.bytes.len();
        let range = offset..offset.saturating_add(data.len());
        let out_of_range = FlashError::OutOfRange { offset, len: data.len(), size };
        let written = self.written.get_mut(range.clone()).ok_or(out_of_range)?;
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
    }
}
