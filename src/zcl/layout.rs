//! Runs of bytes that several commands share, at fixed places.
//!
//! ```text
//! RawImageId   0 manufacturer:u16   2 image type:u16   4 file version:u32
//! RawTime      0 current:u32, s     4 then:u32, s                           (section 6.8.4)
//! ```

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::time::ServerTime;
use crate::types::{FileVersion, ImageFilter, ImageId, ImageType, ManufacturerCode};

/// Manufacturer code (2), image type (2), file version (4).
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct RawImageId {
    manufacturer: U16,
    image_type: U16,
    version: U32,
}

impl From<ImageId> for RawImageId {
    fn from(id: ImageId) -> Self {
        ImageFilter::from(id).into()
    }
}

impl From<ImageFilter> for RawImageId {
    fn from(filter: ImageFilter) -> Self {
        Self {
            manufacturer: filter.manufacturer.0.into(),
            image_type: filter.image_type.0.into(),
            version: filter.version.0.into(),
        }
    }
}

impl From<RawImageId> for ImageId {
    fn from(raw: RawImageId) -> Self {
        Self::new(raw.manufacturer.get(), raw.image_type.get(), raw.version.get())
    }
}

impl From<RawImageId> for ImageFilter {
    fn from(raw: RawImageId) -> Self {
        Self {
            manufacturer: ManufacturerCode(raw.manufacturer.get()),
            image_type: ImageType(raw.image_type.get()),
            version: FileVersion(raw.version.get()),
        }
    }
}

/// Current time (4), upgrade or request time (4).
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct RawTime {
    current: U32,
    then: U32,
}

impl From<ServerTime> for RawTime {
    fn from(time: ServerTime) -> Self {
        Self { current: time.current.into(), then: time.then.into() }
    }
}

impl From<RawTime> for ServerTime {
    fn from(raw: RawTime) -> Self {
        Self { current: raw.current.get(), then: raw.then.get() }
    }
}
