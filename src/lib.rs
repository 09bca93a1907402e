// Of two definitions of a link the first one counts: here the chapters are modules, on a page of the repository files.
//! [guide]: guide
//! [device]: guide::device
//! [gateway]: guide::gateway
//! [tool]: guide::tool
#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, unused_must_use)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
// A test that cannot go on may stop; only the library may not.
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod aps;
pub mod client;
pub mod codec;
#[cfg(feature = "inspect")]
pub mod container;
#[cfg(feature = "inspect")]
mod crc;
pub mod error;
mod fifo;
pub mod file;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(feature = "matter")]
pub mod matter;
#[cfg(feature = "crypto")]
pub mod mmo;
pub mod observer;
mod open_enum;
#[cfg(feature = "inspect")]
pub mod payload;
#[cfg(feature = "serde")]
mod serde_bytes;
pub mod server;
#[cfg(feature = "crypto")]
pub mod signature;
pub mod time;
pub mod types;
#[cfg(feature = "unify")]
pub mod unify;
pub mod zcl;

pub use codec::Encode;
pub use error::{DecodeError, DecodeErrorKind, EncodeError, Item};
pub use types::{
    Eui64, FileVersion, HardwareRange, HardwareVersion, ImageFilter, ImageId, ImageType, ManufacturerCode,
    SecurityCredentialVersion, StackVersion,
};
