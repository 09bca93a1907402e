//! NOR flash with real constraints: whole words, one write per word after the erasure of its sector, and power failures
//! in the middle of operations.

use std::cell::Cell;
use std::rc::Rc;

use embassy_futures::yield_now;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use embedded_storage_async::nor_flash as asynchronous;

/// Simulated NOR flash that counts its operations. The initial contents are not erased.
///
/// One operation is the erasure of one sector or the write of one word. A power failure can be scheduled for the middle
/// of an operation: half of the operation takes effect, and all further operations fail until the power is restored.
#[derive(Clone, Debug)]
pub struct Nor {
    bytes: Vec<u8>,
    /// Marks words that are erased and not written since.
    blank: Vec<bool>,
    erases: u64,
    writes: u64,
    fails_at: Option<u64>,
    off: Rc<Cell<bool>>,
    busy: Rc<Cell<bool>>,
}

/// Rejected operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NorError {
    /// Partial words or sectors, or an address beyond the end.
    #[error("{0}")]
    Arguments(NorFlashErrorKind),
    /// Offset of a word that was written since its erasure, or whose erasure was interrupted.
    #[error("the word at {0} is not erased")]
    NotErased(usize),
    /// Power failure.
    #[error("there is no power")]
    Off,
}

impl NorFlashError for NorError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Arguments(kind) => *kind,
            Self::NotErased(_) | Self::Off => NorFlashErrorKind::Other,
        }
    }
}

/// Part of an operation that takes effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    All,
    /// Half of the operation, because the power fails.
    Half,
}

impl Nor {
    /// Word size in bytes.
    pub const WORD: usize = 4;
    /// Sector size in bytes.
    pub const SECTOR: usize = 4096;

    /// Creates flash of `sectors` sectors, none of them erased.
    #[must_use]
    pub fn new(sectors: usize) -> Self {
        let size = sectors * Self::SECTOR;
        let blank = vec![false; size / Self::WORD];
        Self {
            bytes: vec![0x5a; size],
            blank,
            erases: 0,
            writes: 0,
            fails_at: None,
            off: Rc::default(),
            busy: Rc::default(),
        }
    }

    /// Schedules a power failure for the middle of the operation after `operations` further ones.
    pub fn fail_after(&mut self, operations: u64) {
        self.fails_at = Some(self.operations() + operations);
    }

    /// Restores the power and cancels scheduled failures.
    pub fn restore_power(&mut self) {
        self.fails_at = None;
        self.off.set(false);
        self.busy.set(false);
    }

    /// Number of sectors erased and words written so far, including interrupted operations.
    #[must_use]
    pub const fn operations(&self) -> u64 {
        self.erases + self.writes
    }

    /// Number of sectors erased so far.
    #[must_use]
    pub const fn erases(&self) -> u64 {
        self.erases
    }

    /// Number of words written so far.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.writes
    }

    /// Contents of the flash, readable without power.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the sign that the power has failed, which can be read while a driver has the flash.
    #[must_use]
    pub fn is_off(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.off)
    }

    /// Returns the sign that an asynchronous erasure or write is under way.
    #[must_use]
    pub fn is_busy(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.busy)
    }

    fn need_power(&self) -> Result<(), NorError> {
        if self.off.get() { Err(NorError::Off) } else { Ok(()) }
    }

    /// Returns the part of the next operation that takes effect.
    fn share(&mut self) -> Share {
        self.off.set(self.fails_at == Some(self.operations()));
        if self.off.get() { Share::Half } else { Share::All }
    }

    fn erase_sector(&mut self, from: usize) -> Result<(), NorError> {
        let share = self.share();
        self.erases += 1;
        let erased = if share == Share::All { Self::SECTOR } else { Self::SECTOR / 2 };
        self.bytes[from..from + erased].fill(0xff);
        // An interrupted erasure may read as erased but is not reliable, so the sector counts as not erased.
        self.blank[from / Self::WORD..(from + Self::SECTOR) / Self::WORD].fill(share == Share::All);
        self.need_power()
    }

    fn write_word(&mut self, offset: usize, word: &[u8]) -> Result<(), NorError> {
        let blank = &mut self.blank[offset / Self::WORD];
        if !std::mem::take(blank) {
            return Err(NorError::NotErased(offset));
        }
        let share = self.share();
        self.writes += 1;
        let written = if share == Share::All { Self::WORD } else { Self::WORD / 2 };
        self.bytes[offset..offset + written].copy_from_slice(&word[..written]);
        self.need_power()
    }
}

/// Converts an address to an index.
fn wide(address: u32) -> usize {
    usize::try_from(address).unwrap_or(usize::MAX)
}

impl ErrorType for Nor {
    type Error = NorError;
}

impl ReadNorFlash for Nor {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorError> {
        self.need_power()?;
        check_read(self, offset, bytes.len()).map_err(NorError::Arguments)?;
        bytes.copy_from_slice(&self.bytes[wide(offset)..wide(offset) + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Nor {
    const WRITE_SIZE: usize = Self::WORD;
    const ERASE_SIZE: usize = Self::SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorError> {
        self.need_power()?;
        check_erase(self, from, to).map_err(NorError::Arguments)?;
        (wide(from)..wide(to)).step_by(Self::SECTOR).try_for_each(|sector| self.erase_sector(sector))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorError> {
        self.need_power()?;
        check_write(self, offset, bytes.len()).map_err(NorError::Arguments)?;
        let places = (wide(offset)..).step_by(Self::WORD);
        bytes.chunks(Self::WORD).zip(places).try_for_each(|(word, place)| self.write_word(place, word))
    }
}

/// Asynchronous driver of the same flash: other tasks run during erasures and writes.
#[derive(Debug)]
pub struct AsyncNor<'a>(pub &'a mut Nor);

/// Number of turns that other tasks get during the erasure of a sector, which takes tens of milliseconds.
const ERASE_TURNS: u32 = 40;

/// Number of turns that other tasks get during the write of a few words.
const WRITE_TURNS: u32 = 2;

async fn wait(busy: &Cell<bool>, turns: u32) {
    busy.set(true);
    for _ in 0..turns {
        yield_now().await;
    }
    busy.set(false);
}

impl ErrorType for AsyncNor<'_> {
    type Error = NorError;
}

impl asynchronous::ReadNorFlash for AsyncNor<'_> {
    const READ_SIZE: usize = <Nor as ReadNorFlash>::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorError> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl asynchronous::NorFlash for AsyncNor<'_> {
    const WRITE_SIZE: usize = Nor::WORD;
    const ERASE_SIZE: usize = Nor::SECTOR;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorError> {
        check_erase(self.0, from, to).map_err(NorError::Arguments)?;
        for sector in (wide(from)..wide(to)).step_by(Nor::SECTOR) {
            wait(&self.0.busy, ERASE_TURNS).await;
            self.0.need_power()?;
            self.0.erase_sector(sector)?;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorError> {
        wait(&self.0.busy, WRITE_TURNS).await;
        self.0.write(offset, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_written_once_after_each_erasure_of_its_sector() {
        let mut nor = Nor::new(2);
        assert_eq!(nor.write(8, &[1; 4]), Err(NorError::NotErased(8)), "as it comes from the factory");
        assert_eq!(nor.erase(0, 4096), Ok(()));
        assert_eq!(nor.write(8, &[1; 8]), Ok(()));
        assert_eq!(nor.write(12, &[1; 4]), Err(NorError::NotErased(12)));
        assert_eq!(nor.write(18, &[1; 4]), Err(NorError::Arguments(NorFlashErrorKind::NotAligned)));
        assert_eq!(nor.write(20, &[1; 3]), Err(NorError::Arguments(NorFlashErrorKind::NotAligned)));
        assert_eq!(nor.erase(0, 4000), Err(NorError::Arguments(NorFlashErrorKind::NotAligned)));
        assert_eq!(nor.write(8192, &[1; 4]), Err(NorError::Arguments(NorFlashErrorKind::OutOfBounds)));
        assert_eq!((nor.erases(), nor.writes()), (1, 2));
        assert_eq!(nor.contents()[4..20], [255, 255, 255, 255, 1, 1, 1, 1, 1, 1, 1, 1, 255, 255, 255, 255]);
    }

    #[test]
    fn without_power_half_of_an_operation_is_done_and_no_more() {
        let mut nor = Nor::new(1);
        nor.fail_after(0);
        assert_eq!(nor.erase(0, 4096), Err(NorError::Off));
        assert_eq!(nor.contents()[2047..=2048], [255, 0x5a]);
        assert_eq!(nor.read(0, &mut [0]), Err(NorError::Off));
        nor.restore_power();
        assert_eq!(nor.write(0, &[1; 4]), Err(NorError::NotErased(0)), "erased by half is not erased");
        assert_eq!(nor.erase(0, 4096), Ok(()));
        nor.fail_after(1);
        assert_eq!(nor.write(0, &[1; 12]), Err(NorError::Off));
        assert_eq!(nor.contents()[..8], [1, 1, 1, 1, 1, 1, 255, 255]);
        nor.restore_power();
        assert_eq!(nor.write(4, &[1; 4]), Err(NorError::NotErased(4)), "written by half is written");
        assert_eq!(nor.write(8, &[1; 4]), Ok(()));
    }
}
