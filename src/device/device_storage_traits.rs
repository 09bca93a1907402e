//! Storage of a device: the traits by which the blocking and the asynchronous driver store the image and the state that
//! survives a restart.

use super::saved_state::SavedState;
use crate::client::{ClientConfig, PrepareResult, Storage, StoreResult, VerifyResult};
use crate::zcl::ImageOffer;

/// Blocking storage of a device: the image by the methods of [`Storage`], and the state that survives a restart.
///
/// With the feature `embedded-storage`, `FlashStorage` implements `DeviceStorage` over NOR flash. For storage other
/// than NOR flash, the device implements `DeviceStorage` itself; the default methods of the trait save nothing for a
/// restart.
pub trait DeviceStorage: Storage {
    /// Returns the settings of the client with the values that depend on storage, such as
    /// [`write_size`](ClientConfig::write_size) and [`max_file_size`](ClientConfig::max_file_size).
    fn configure(&self, config: ClientConfig) -> ClientConfig {
        config
    }

    /// Loads the last saved state after a restart. If the download is incomplete, the implementation must erase storage
    /// from the offset `received` of the returned checkpoint on, either in `load` or before the next write.
    fn load(&mut self) -> SavedState {
        SavedState::default()
    }

    /// Saves the state of the upgrade for a restart. A driver calls `save` in each turn of its loop. The implementation
    /// decides whether the state has changed enough for a write to flash; if not, the call of `save` does nothing.
    fn save(&mut self, state: &SavedState) {
        let _ = state;
    }
}

/// Asynchronous storage of a device: the image, and the state that survives a restart.
///
/// A driver awaits one method of the storage at a time. The driver drops the future of a storage method before the
/// method has finished only if the device drops the future of the driver. With the feature `embedded-storage-async`,
/// `FlashStorage` implements `AsyncDeviceStorage` over NOR flash.
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
    /// from the offset `received` of the returned checkpoint on, either in `load` or before the next write.
    async fn load(&mut self) -> SavedState {
        SavedState::default()
    }

    /// Saves the state of the upgrade for a restart. A driver calls `save` in each turn of its loop. The implementation
    /// decides whether the state has changed enough for a write to flash; if not, the call of `save` does nothing.
    async fn save(&mut self, state: &SavedState) {
        let _ = state;
    }

    /// Prepares storage for the whole file of `offer`, for example erases or unlocks flash.
    async fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult;

    /// Writes `data` to storage at `offset`, which counts from the start of the file.
    async fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult;

    /// Verifies the whole stored file.
    async fn verify(&mut self, offer: &ImageOffer) -> VerifyResult;
}
