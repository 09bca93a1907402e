//! Storage of a device: the traits by which the blocking and the asynchronous driver store the image and the state that
//! survives a restart.

use super::saved_state::SavedState;
use crate::client::{ClientConfig, PrepareResult, Storage, StoreResult, VerifyResult};
use crate::zcl::ImageOffer;

/// Blocking storage of a device: the image by the methods of [`Storage`], and the state that survives a restart.
///
/// With the feature `embedded-storage`, `FlashStorage` implements this trait over NOR flash. A device whose storage is
/// not NOR flash implements this trait itself; the default methods save nothing for a restart.
pub trait DeviceStorage: Storage {
    /// Returns the settings of the client with the values that depend on storage, such as
    /// [`write_size`](ClientConfig::write_size) and [`max_file_size`](ClientConfig::max_file_size).
    fn configure(&self, config: ClientConfig) -> ClientConfig {
        config
    }

    /// Loads the last saved state after a restart. If the download is incomplete, the implementation must erase storage
    /// from the offset `received` of the returned checkpoint on, either in this method or before the next write.
    fn load(&mut self) -> SavedState {
        SavedState::default()
    }

    /// Saves the state, if the difference to the state that was saved last is worth a write. A driver calls this method
    /// in each turn of its loop, so that the implementation decides how often flash is written.
    fn save(&mut self, state: &SavedState) {
        let _ = state;
    }
}

/// Asynchronous storage of a device: the image, and the state that survives a restart.
///
/// A driver awaits one method at a time, and drops no future before its end unless the device drops the future of the
/// driver. With the feature `embedded-storage-async`, `FlashStorage` implements this trait over NOR flash.
#[expect(
    async_fn_in_trait,
    reason = "executors of microcontrollers run tasks in one thread, so no future must be `Send`"
)]
pub trait AsyncDeviceStorage {
    /// Returns the settings of the client with the values that depend on storage, such as
    /// [`write_size`](ClientConfig::write_size) and [`max_file_size`](ClientConfig::max_file_size).
    fn configure(&self, config: ClientConfig) -> ClientConfig {
        config
    }

    /// Loads the last saved state after a restart. If the download is incomplete, the implementation must erase storage
    /// from the offset `received` of the returned checkpoint on, either in this method or before the next write.
    async fn load(&mut self) -> SavedState {
        SavedState::default()
    }

    /// Saves the state, if the difference to the state that was saved last is worth a write. A driver calls this method
    /// in each turn of its loop, so that the implementation decides how often flash is written.
    async fn save(&mut self, state: &SavedState) {
        let _ = state;
    }

    /// Prepares storage for the whole file, for example erases or unlocks flash.
    async fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult;

    /// Writes `data` to storage at `offset`, which counts from the start of the file.
    async fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult;

    /// Verifies the whole stored file.
    async fn verify(&mut self, offer: &ImageOffer) -> VerifyResult;
}
