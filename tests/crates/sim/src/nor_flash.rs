//! A part of NOR flash as its data sheet has it: whole words, each written once after its sector was erased, and power
//! that can fail in the middle of either.

use embassy_futures::yield_now;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use embedded_storage_async::nor_flash as asynchronous;

/// NOR flash that counts what is done to it. As it comes from the factory, nobody knows what is in it.
///
/// One operation is the erasure of one sector or the writing of one word. The power can be made to fail in the middle
/// of one: half of it is done, and nothing works until the power is back.
#[derive(Clone, Debug)]
pub struct Nor {
    bytes: Vec<u8>,
    /// Which words are erased and not written since.
    blank: Vec<bool>,
    erases: u64,
    writes: u64,
    fails_at: Option<u64>,
    off: bool,
}

/// What the part does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NorError {
    /// Half words or half sectors, or bytes beyond the end.
    #[error("{0}")]
    Arguments(NorFlashErrorKind),
    /// The word at this place was written since it was erased, or its erasure was cut short.
    #[error("the word at {0} is not erased")]
    NotErased(usize),
    /// The power failed.
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

/// How much of an operation is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    All,
    /// The power fails.
    Half,
}

impl Nor {
    /// Bytes that are written at once.
    pub const WORD: usize = 4;
    /// Bytes that are erased at once.
    pub const SECTOR: usize = 4096;

    /// A part of so many sectors, none of them erased.
    #[must_use]
    pub fn new(sectors: usize) -> Self {
        let size = sectors * Self::SECTOR;
        let blank = vec![false; size / Self::WORD];
        Self { bytes: vec![0x5a; size], blank, erases: 0, writes: 0, fails_at: None, off: false }
    }

    /// Lets the power fail in the middle of the operation after so many more.
    pub fn fail_after(&mut self, operations: u64) {
        self.fails_at = Some(self.operations() + operations);
    }

    /// The power is back, and stays.
    pub fn restore_power(&mut self) {
        (self.off, self.fails_at) = (false, None);
    }

    /// Sectors erased and words written so far, the halves included.
    #[must_use]
    pub const fn operations(&self) -> u64 {
        self.erases + self.writes
    }

    /// Sectors erased so far.
    #[must_use]
    pub const fn erases(&self) -> u64 {
        self.erases
    }

    /// Words written so far.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.writes
    }

    /// Everything in it, with or without power.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        &self.bytes
    }

    fn need_power(&self) -> Result<(), NorError> {
        if self.off { Err(NorError::Off) } else { Ok(()) }
    }

    /// How much of the next operation is done.
    fn share(&mut self) -> Share {
        self.off = self.fails_at == Some(self.operations());
        if self.off { Share::Half } else { Share::All }
    }

    fn erase_sector(&mut self, from: usize) -> Result<(), NorError> {
        let share = self.share();
        self.erases += 1;
        let erased = if share == Share::All { Self::SECTOR } else { Self::SECTOR / 2 };
        self.bytes[from..from + erased].fill(0xff);
        // What looks erased after half of the time does not hold: all of it is to be erased again.
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

/// An address in memory.
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

/// The same part behind a driver that does not block: while it erases or writes, others have their turn.
#[derive(Debug)]
pub struct AsyncNor<'a>(pub &'a mut Nor);

/// Turns that others have while a sector is erased, which takes tens of milliseconds.
const ERASE_TURNS: u32 = 40;

/// Turns that they have while a few words are written.
const WRITE_TURNS: u32 = 2;

async fn wait(turns: u32) {
    for _ in 0..turns {
        yield_now().await;
    }
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
            wait(ERASE_TURNS).await;
            self.0.need_power()?;
            self.0.erase_sector(sector)?;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorError> {
        wait(WRITE_TURNS).await;
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
