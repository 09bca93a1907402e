//! Storage of a device over NOR flash of the `embedded-storage` traits: a slot for the image, and records for the state
//! that survives a restart.
//!
//! ```text
//! FlashStorage:  Slot, RecordLog, Verification --> FlashJob --> NorFlash, blocking or asynchronous
//! ```

use super::flash_layout::{Aligned, FlashLayout, LONGEST_WORD, ceil};
use super::image_slot::{FlashJob, Keep, KeptRange, Slot, SlotError};
use super::record_log::{Payload, RECORD_LEN, RecordLog};
use super::saved_state::SavedState;
use super::verification::{NoCheck, StructureCheck, Verification};
use crate::client::{ClientConfig, PrepareResult, StoreResult, VerifyResult};
use crate::file::Tag;
use crate::zcl::ImageOffer;

/// Number of bytes per read in a verification, a multiple of the read unit of the flash.
const PIECE: usize = 2 * LONGEST_WORD;

/// Storage over NOR flash: an image in a slot, and the state of an upgrade in records. A power cut destroys at most the
/// newest record.
///
/// `F` is a flash driver that implements the trait `NorFlash` of `embedded-storage` or of `embedded-storage-async`. A
/// flash driver that also implements `MultiwriteNorFlash` is supported. `V` is the check of a complete file, see
/// [`Verification`].
///
/// | the power fails during | after the restart |
/// |---|---|
/// | an erasure or a write of the slot | the download continues at the start of the last saved sector |
/// | an erasure or a write of a record | the previous record is valid |
///
/// The storage writes a record when the download has reached the next sector of the slot, and when the upgrade enters
/// another stage.
#[derive(Clone, Debug)]
pub struct FlashStorage<F, V = StructureCheck> {
    flash: F,
    unit: core::num::NonZeroU32,
    slot: Slot,
    log: RecordLog,
    saved: Saved,
    check: V,
    fault: Option<FlashFault>,
}

/// Content of a record in flash: the state of an upgrade, and the range of the file that the slot keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Saved {
    state: SavedState,
    kept: Option<KeptRange>,
}

impl Saved {
    const NOTHING: Self = Self { state: SavedState::new(None, None), kept: None };

    fn without_sums(mut self) -> Self {
        if let Some(checkpoint) = &mut self.state.checkpoint {
            checkpoint.sums = None;
        }
        self
    }
}

/// Reason of the last storage failure. The client learns only that storage failed, not the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FlashFault {
    /// The slot cannot store the file or a block of the file.
    #[error(transparent)]
    Slot(SlotError),
    /// The flash driver could not erase sectors; the value is the address of the first of these sectors.
    #[error("flash cannot be erased at {0:#x}")]
    Erase(u32),
    /// The flash driver could not write to flash; the value is the address of the failed write.
    #[error("flash cannot be written at {0:#x}")]
    Write(u32),
    /// The flash driver could not read from flash; the value is the address of the failed read.
    #[error("flash cannot be read at {0:#x}")]
    Read(u32),
}

impl<F, V> FlashStorage<F, V> {
    /// Creates storage that keeps the whole file, and verifies it by `check`.
    #[must_use]
    pub const fn whole_file(flash: F, layout: &FlashLayout, check: V) -> Self {
        Self::new(flash, layout, Keep::File, check)
    }

    const fn new(flash: F, layout: &FlashLayout, keep: Keep, check: V) -> Self {
        let (slot, log) = (Slot::new(layout, keep), RecordLog::new(layout));
        Self { flash, unit: layout.read, slot, log, saved: Saved::NOTHING, check, fault: None }
    }

    /// Returns the flash driver.
    pub const fn flash(&mut self) -> &mut F {
        &mut self.flash
    }

    /// Returns the reason of the last storage failure; `None` if storage never failed.
    #[must_use]
    pub const fn fault(&self) -> Option<FlashFault> {
        self.fault
    }

    /// Returns the content of a record for `state`, in which the checkpoint is rounded down to an offset from which the
    /// slot can resume.
    fn to_save(&self, state: &SavedState) -> Saved {
        let checkpoint = state.checkpoint.map(|checkpoint| self.slot.floor(checkpoint));
        Saved { state: SavedState { checkpoint, ..*state }, kept: checkpoint.and_then(|_| self.slot.kept()) }
    }

    /// Returns whether the newest record already contains `saved`, except for the checksums. The checksums of a
    /// checkpoint change with each block, so a change of the checksums alone causes no record.
    fn is_saved(&self, saved: &Saved) -> bool {
        saved.without_sums() == self.saved
    }

    /// Reads the `payload` of the newest record. Returns the state that was saved before the restart, and the erasure
    /// to execute before the upgrade continues.
    fn restore(&mut self, payload: &Payload) -> (SavedState, Option<FlashJob<'static>>) {
        let (state, kept) = SavedState::from_payload(payload);
        self.saved = Saved { state, kept }.without_sums();
        match state.checkpoint.and_then(|checkpoint| self.slot.resume(checkpoint, kept)) {
            Some((checkpoint, job)) => (SavedState { checkpoint: Some(checkpoint), ..state }, job),
            None => (SavedState { checkpoint: None, ..state }, None),
        }
    }

    /// Returns the next piece of the stored file for a verification that has already read `read` bytes: the address of
    /// the piece, the number of file bytes in the piece, and the number of bytes to read from flash.
    fn piece(&self, read: u32) -> Option<(u32, usize, usize)> {
        let (start, len) = self.slot.stored()?;
        let left = len.checked_sub(read).filter(|left| *left > 0)?;
        let used = left.min(u32::try_from(PIECE).unwrap_or(u32::MAX));
        let size = |bytes: u32| usize::try_from(bytes).unwrap_or(PIECE);
        Some((start.saturating_add(read), size(used), size(ceil(used, self.unit))))
    }
}

impl<F> FlashStorage<F, NoCheck> {
    /// Creates storage that keeps only the data of the first element with `tag`, such as [`Tag::UPGRADE_IMAGE`]. The
    /// image counts as valid if the kept element has arrived completely. The device cannot verify the whole file,
    /// because the storage keeps only one element of the file; the boot loader must verify the firmware.
    #[must_use]
    pub const fn element(flash: F, layout: &FlashLayout, tag: Tag) -> Self {
        Self::new(flash, layout, Keep::Element(tag), NoCheck)
    }
}

#[cfg(feature = "embedded-storage")]
mod blocking {
    use embedded_storage::nor_flash::NorFlash;

    use super::*;
    use crate::client::Storage;
    use crate::device::device_storage_traits::DeviceStorage;

    fn execute<F: NorFlash>(flash: &mut F, job: FlashJob<'_>) -> Result<(), FlashFault> {
        match job {
            FlashJob::Erase { from, to } => flash.erase(from, to).map_err(|_| FlashFault::Erase(from)),
            FlashJob::Write { at, bytes } => flash.write(at, bytes).map_err(|_| FlashFault::Write(at)),
        }
    }

    impl<F: NorFlash, V: Verification> FlashStorage<F, V> {
        fn try_prepare(&mut self, offer: &ImageOffer) -> Result<(), FlashFault> {
            match self.slot.begin(offer).map_err(FlashFault::Slot)? {
                Some(job) => execute(&mut self.flash, job),
                None => Ok(()),
            }
        }

        fn try_write(&mut self, offset: u32, data: &[u8]) -> Result<(), FlashFault> {
            let mut write = self.slot.write(offset, data).map_err(FlashFault::Slot)?;
            while let Some(job) = write.next_job() {
                execute(&mut self.flash, job)?;
            }
            Ok(())
        }

        fn try_verify(&mut self, offer: &ImageOffer) -> Result<VerifyResult, FlashFault> {
            if !self.slot.is_whole(offer) {
                return Ok(VerifyResult::Invalid);
            }
            self.check.begin(offer);
            let (mut read, mut buffer) = (0_u32, Aligned([0; PIECE]));
            while V::READS_FILE
                && let Some((at, used, len)) = self.piece(read)
            {
                let piece = buffer.0.get_mut(..len).unwrap_or_default();
                self.flash.read(at, piece).map_err(|_| FlashFault::Read(at))?;
                self.check.update(piece.get(..used).unwrap_or_default());
                read = read.saturating_add(u32::try_from(used).unwrap_or(u32::MAX));
            }
            Ok(self.check.finish())
        }

        fn try_save(&mut self, saved: Saved) -> Result<(), FlashFault> {
            let write = self.log.write(&saved.state.to_payload(saved.kept));
            if let Some(erasure) = write.erasure() {
                execute(&mut self.flash, erasure)?;
            }
            execute(&mut self.flash, write.record())?;
            self.log.written(&write);
            self.saved = saved.without_sums();
            Ok(())
        }

        fn try_load(&mut self) -> Result<SavedState, FlashFault> {
            let (mut newest, mut record) = (None, Aligned([0; RECORD_LEN]));
            for at in self.log.places() {
                self.flash.read(at, &mut record.0).map_err(|_| FlashFault::Read(at))?;
                newest = self.log.see(at, &record.0).or(newest);
            }
            let Some(payload) = newest else { return Ok(SavedState::default()) };
            let (state, erasure) = self.restore(&payload);
            match erasure {
                Some(job) => execute(&mut self.flash, job).map(|()| state),
                None => Ok(state),
            }
        }
    }

    impl<F: NorFlash, V: Verification> Storage for FlashStorage<F, V> {
        fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult {
            match self.try_prepare(offer) {
                Ok(()) => PrepareResult::Ready,
                Err(fault) => {
                    self.fault = Some(fault);
                    PrepareResult::Fault
                }
            }
        }

        fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult {
            match self.try_write(offset, data) {
                Ok(()) => StoreResult::Ok,
                Err(fault) => {
                    self.fault = Some(fault);
                    StoreResult::Fault
                }
            }
        }

        fn verify(&mut self, offer: &ImageOffer) -> VerifyResult {
            match self.try_verify(offer) {
                Ok(result) => result,
                Err(fault) => {
                    self.fault = Some(fault);
                    VerifyResult::Invalid
                }
            }
        }
    }

    impl<F: NorFlash, V: Verification> DeviceStorage for FlashStorage<F, V> {
        fn configure(&self, config: ClientConfig) -> ClientConfig {
            self.slot.configure(config)
        }

        fn load(&mut self) -> SavedState {
            match self.try_load() {
                Ok(state) => state,
                Err(fault) => {
                    self.fault = Some(fault);
                    SavedState::default()
                }
            }
        }

        fn save(&mut self, state: &SavedState) {
            // A failed write of a record only means that an older checkpoint stays valid.
            let saved = self.to_save(state);
            if !self.is_saved(&saved)
                && let Err(fault) = self.try_save(saved)
            {
                self.fault = Some(fault);
            }
        }
    }
}

#[cfg(feature = "embedded-storage-async")]
mod asynchronous {
    use embedded_storage_async::nor_flash::NorFlash;

    use super::*;
    use crate::device::device_storage_traits::AsyncDeviceStorage;

    async fn execute<F: NorFlash>(flash: &mut F, job: FlashJob<'_>) -> Result<(), FlashFault> {
        match job {
            FlashJob::Erase { from, to } => flash.erase(from, to).await.map_err(|_| FlashFault::Erase(from)),
            FlashJob::Write { at, bytes } => flash.write(at, bytes).await.map_err(|_| FlashFault::Write(at)),
        }
    }

    impl<F: NorFlash, V: Verification> FlashStorage<F, V> {
        async fn try_prepare_async(&mut self, offer: &ImageOffer) -> Result<(), FlashFault> {
            match self.slot.begin(offer).map_err(FlashFault::Slot)? {
                Some(job) => execute(&mut self.flash, job).await,
                None => Ok(()),
            }
        }

        async fn try_write_async(&mut self, offset: u32, data: &[u8]) -> Result<(), FlashFault> {
            let mut write = self.slot.write(offset, data).map_err(FlashFault::Slot)?;
            while let Some(job) = write.next_job() {
                execute(&mut self.flash, job).await?;
            }
            Ok(())
        }

        async fn try_verify_async(&mut self, offer: &ImageOffer) -> Result<VerifyResult, FlashFault> {
            if !self.slot.is_whole(offer) {
                return Ok(VerifyResult::Invalid);
            }
            self.check.begin(offer);
            let (mut read, mut buffer) = (0_u32, Aligned([0; PIECE]));
            while V::READS_FILE
                && let Some((at, used, len)) = self.piece(read)
            {
                let piece = buffer.0.get_mut(..len).unwrap_or_default();
                self.flash.read(at, piece).await.map_err(|_| FlashFault::Read(at))?;
                self.check.update(piece.get(..used).unwrap_or_default());
                read = read.saturating_add(u32::try_from(used).unwrap_or(u32::MAX));
            }
            Ok(self.check.finish())
        }

        async fn try_save_async(&mut self, saved: Saved) -> Result<(), FlashFault> {
            let write = self.log.write(&saved.state.to_payload(saved.kept));
            if let Some(erasure) = write.erasure() {
                execute(&mut self.flash, erasure).await?;
            }
            execute(&mut self.flash, write.record()).await?;
            self.log.written(&write);
            self.saved = saved.without_sums();
            Ok(())
        }

        async fn try_load_async(&mut self) -> Result<SavedState, FlashFault> {
            let (mut newest, mut record) = (None, Aligned([0; RECORD_LEN]));
            for at in self.log.places() {
                self.flash.read(at, &mut record.0).await.map_err(|_| FlashFault::Read(at))?;
                newest = self.log.see(at, &record.0).or(newest);
            }
            let Some(payload) = newest else { return Ok(SavedState::default()) };
            let (state, erasure) = self.restore(&payload);
            match erasure {
                Some(job) => execute(&mut self.flash, job).await.map(|()| state),
                None => Ok(state),
            }
        }
    }

    impl<F: NorFlash, V: Verification> AsyncDeviceStorage for FlashStorage<F, V> {
        fn configure(&self, config: ClientConfig) -> ClientConfig {
            self.slot.configure(config)
        }

        async fn load(&mut self) -> SavedState {
            match self.try_load_async().await {
                Ok(state) => state,
                Err(fault) => {
                    self.fault = Some(fault);
                    SavedState::default()
                }
            }
        }

        async fn save(&mut self, state: &SavedState) {
            // A failed write of a record only means that an older checkpoint stays valid.
            let saved = self.to_save(state);
            if !self.is_saved(&saved)
                && let Err(fault) = self.try_save_async(saved).await
            {
                self.fault = Some(fault);
            }
        }

        async fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult {
            match self.try_prepare_async(offer).await {
                Ok(()) => PrepareResult::Ready,
                Err(fault) => {
                    self.fault = Some(fault);
                    PrepareResult::Fault
                }
            }
        }

        async fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult {
            match self.try_write_async(offset, data).await {
                Ok(()) => StoreResult::Ok,
                Err(fault) => {
                    self.fault = Some(fault);
                    StoreResult::Fault
                }
            }
        }

        async fn verify(&mut self, offer: &ImageOffer) -> VerifyResult {
            match self.try_verify_async(offer).await {
                Ok(result) => result,
                Err(fault) => {
                    self.fault = Some(fault);
                    VerifyResult::Invalid
                }
            }
        }
    }
}
