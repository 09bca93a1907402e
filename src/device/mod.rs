//! Device around a client: storage in flash, the state that survives a restart, checks of a stored file, and a driver
//! that makes the loop of calls.
//!
//! ```text
//!   Board (radio, clock, decisions)          Driver, AsyncDriver          DeviceStorage, AsyncDeviceStorage
//!        receive, send, apply    <------->  Client, SavedState  <------->  FlashStorage over NorFlash
//!                                                                          Slot   RecordLog   Verification
//! ```
//!
//! A device implements [`Board`] or [`AsyncBoard`], and calls [`Driver::step`] or awaits [`AsyncDriver::run`]. Each part
//! can be used alone, or replaced: a [`Slot`] and a [`RecordLog`] do no I/O, other storage implements [`DeviceStorage`],
//! and a device with a loop of its own uses the [`client`](crate::client) as it is.
//!
//! | item | feature |
//! |---|---|
//! | drivers, boards, slots, records | `device` |
//! | `IntegrityCheck`, `SignatureCheck` | `crypto` |
//! | `FlashStorage`, blocking | `embedded-storage` |
//! | `FlashStorage`, asynchronous | `embedded-storage-async` |
//!
//! The [guide](crate::guide::device) has a whole device.

mod async_driver;
mod board;
mod driver;
#[cfg(any(feature = "embedded-storage", feature = "embedded-storage-async"))]
mod flash_storage;
mod layout;
mod record;
mod saved_state;
mod slot;
mod storage;
mod verification;

pub use async_driver::AsyncDriver;
pub use board::{AsyncBoard, Board, Decision, FrameBuffer, Input};
pub use driver::Driver;
#[cfg(any(feature = "embedded-storage", feature = "embedded-storage-async"))]
pub use flash_storage::{FlashFault, FlashStorage};
pub use layout::{EraseMode, FlashLayout, FlashUnits, LONGEST_WORD, LayoutError};
pub use record::{PAYLOAD_LEN, Payload, RECORD_LEN, RecordLog, RecordWrite};
pub use saved_state::SavedState;
pub use slot::{FlashJob, Keep, KeptRange, Slot, SlotError, SlotWrite};
pub use storage::{AsyncDeviceStorage, DeviceStorage};
#[cfg(feature = "crypto")]
pub use verification::{IntegrityCheck, SignatureCheck};
pub use verification::{NoCheck, StructureCheck, Verification};
