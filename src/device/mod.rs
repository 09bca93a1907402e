//! Parts of a device around its client: storage in flash, the state that survives a restart, checks of a stored file,
//! and a driver that calls the client in a loop.
//!
//! ```text
//!   Board (radio, clock, decisions)          Driver, AsyncDriver          DeviceStorage, AsyncDeviceStorage
//!        receive, send, apply    <------->  Client, SavedState  <------->  FlashStorage over NorFlash
//!                                                                          Slot   RecordLog   Verification
//! ```
//!
//! A device implements [`Board`] or [`AsyncBoard`], and calls [`Driver::step`] or awaits [`AsyncDriver::run`]. A device
//! can use the driver, the storage and the checks of this module separately, and can replace each of them by its own
//! code. A [`Slot`] and a [`RecordLog`] do no I/O: the caller executes the operations on flash that they return. For
//! storage other than NOR flash, the device implements [`DeviceStorage`] or [`AsyncDeviceStorage`]. A device with a
//! main loop of its own uses the [`client`](crate::client) directly, without a driver.
//!
//! | item | feature |
//! |---|---|
//! | drivers, boards, slots, records | `device` |
//! | `IntegrityCheck`, `SignatureCheck` | `crypto` |
//! | `FlashStorage`, blocking | `embedded-storage` |
//! | `FlashStorage`, asynchronous | `embedded-storage-async` |
//!
//! The [guide](crate::guide::device) has an example of a complete device.

mod async_driver;
mod board_traits;
mod device_storage_traits;
mod driver;
mod flash_layout;
#[cfg(any(feature = "embedded-storage", feature = "embedded-storage-async"))]
mod flash_storage;
mod image_slot;
mod record_log;
mod saved_state;
mod verification;

pub use async_driver::AsyncDriver;
pub use board_traits::{AsyncBoard, Board, Decision, FrameBuffer, Input};
pub use device_storage_traits::{AsyncDeviceStorage, DeviceStorage};
pub use driver::Driver;
pub use flash_layout::{EraseMode, FlashLayout, FlashUnits, LONGEST_WORD, LayoutError};
#[cfg(any(feature = "embedded-storage", feature = "embedded-storage-async"))]
pub use flash_storage::{FlashFault, FlashStorage};
pub use image_slot::{FlashJob, Keep, KeptRange, Slot, SlotError, SlotWrite};
pub use record_log::{PAYLOAD_LEN, Payload, RECORD_LEN, RecordLog, RecordWrite};
pub use saved_state::SavedState;
#[cfg(feature = "crypto")]
pub use verification::{IntegrityCheck, SignatureCheck};
pub use verification::{NoCheck, StructureCheck, Verification};
