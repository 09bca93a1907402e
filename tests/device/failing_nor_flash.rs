//! NOR flash whose power fails: bits only fall in a write and only rise in an erasure, words are written once, and an
//! interrupted operation leaves any part of its bits.

use std::cell::Cell;
use std::rc::Rc;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use embedded_storage_async::nor_flash as asynchronous;

/// Flash with `WORD` bytes per write and `SECTOR` bytes per erasure.
pub struct Nor<const WORD: usize, const SECTOR: usize> {
    pub bytes: Vec<u8>,
    /// Words that are erased and not written since.
    blank: Vec<bool>,
    /// Operations so far: words written and sectors erased.
    pub operations: u64,
    /// Operation in whose middle the power fails.
    pub fails_at: Option<u64>,
    pub is_off: Rc<Cell<bool>>,
    random: fastrand::Rng,
    /// Whether an asynchronous operation is under way.
    pub is_busy: Rc<Cell<bool>>,
}

impl<const WORD: usize, const SECTOR: usize> Nor<WORD, SECTOR> {
    /// Creates flash with arbitrary contents.
    pub fn new(sectors: usize) -> Self {
        let size = sectors * SECTOR;
        Self {
            bytes: vec![0x5a; size],
            blank: vec![false; size / WORD],
            operations: 0,
            fails_at: None,
            is_off: Rc::default(),
            random: fastrand::Rng::with_seed(7),
            is_busy: Rc::default(),
        }
    }

    /// Restores the power, which fails again after `operations` more, if given.
    pub fn power_on(&mut self, operations: Option<u64>) {
        self.is_off.set(false);
        self.fails_at = operations.map(|operations| self.operations + operations);
    }

    fn has_power(&self) -> Result<(), NorFlashErrorKind> {
        if self.is_off.get() { Err(NorFlashErrorKind::Other) } else { Ok(()) }
    }

    /// Counts an operation. Returns whether the power fails in its middle.
    fn is_cut(&mut self) -> bool {
        let is_cut = self.fails_at == Some(self.operations);
        self.is_off.set(is_cut);
        self.operations += 1;
        is_cut
    }
}

impl<const WORD: usize, const SECTOR: usize> ErrorType for &mut Nor<WORD, SECTOR> {
    type Error = NorFlashErrorKind;
}

impl<const WORD: usize, const SECTOR: usize> ReadNorFlash for &mut Nor<WORD, SECTOR> {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.has_power()?;
        check_read(&*self, offset, bytes.len())?;
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WORD: usize, const SECTOR: usize> NorFlash for &mut Nor<WORD, SECTOR> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.has_power()?;
        check_erase(&*self, from, to)?;
        for sector in (from as usize..to as usize).step_by(SECTOR) {
            let is_cut = self.is_cut();
            for place in sector..sector + SECTOR {
                let risen = if is_cut { self.random.u8(..) } else { 0xff };
                self.bytes[place] |= risen;
            }
            // A half-erased word may read as erased although it is not.
            self.blank[sector / WORD..(sector + SECTOR) / WORD].fill(!is_cut);
            self.has_power()?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        self.has_power()?;
        check_write(&*self, offset, bytes.len())?;
        for (place, word) in (offset as usize..).step_by(WORD).zip(bytes.chunks(WORD)) {
            assert!(std::mem::take(&mut self.blank[place / WORD]), "the word at {place:#x} is not erased");
            let is_cut = self.is_cut();
            for (place, byte) in (place..).zip(word) {
                let kept = if is_cut { self.random.u8(..) } else { 0 };
                self.bytes[place] &= byte | kept;
            }
            self.has_power()?;
        }
        Ok(())
    }
}

impl<const WORD: usize, const SECTOR: usize> asynchronous::ReadNorFlash for &mut Nor<WORD, SECTOR> {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        ReadNorFlash::read(self, offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WORD: usize, const SECTOR: usize> asynchronous::NorFlash for &mut Nor<WORD, SECTOR> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.is_busy.set(true);
        for _ in 0..5 {
            embassy_futures::yield_now().await;
        }
        self.is_busy.set(false);
        NorFlash::erase(self, from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        self.is_busy.set(true);
        for _ in 0..3 {
            embassy_futures::yield_now().await;
        }
        self.is_busy.set(false);
        NorFlash::write(self, offset, bytes)
    }
}
