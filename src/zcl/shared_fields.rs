//! Fixed-layout groups of fields that several commands share, all little endian.
//!
//! In the module of a command, a struct named `Raw...` is a group of fields with fixed layout. A struct named `...Head`
//! is the fixed part of a message before optional fields or data.
//!
//! ```text
//! RawImageId   0 manufacturer:u16   2 image type:u16   4 file version:u32
//! RawTime      0 current:u32, s     4 then:u32, s      (ZigBee document 095264 (2011), section 6.8.4)
//! ```

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::time::ServerTime;
use crate::types::{FileVersion, ImageFilter, ImageId, ImageType, ManufacturerCode};

/// Fields that identify an image: manufacturer code (2 bytes), image type (2 bytes), file version (4 bytes).
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
        let ImageFilter { manufacturer, image_type, version } = filter;
        Self {
            manufacturer: manufacturer.0.into(),
            image_type: image_type.0.into(),
            version: version.0.into(),
        }
    }
}

impl From<RawImageId> for ImageId {
    fn from(raw: RawImageId) -> Self {
        let RawImageId { manufacturer, image_type, version } = raw;
        Self::new(manufacturer.get(), image_type.get(), version.get())
    }
}

impl From<RawImageId> for ImageFilter {
    fn from(raw: RawImageId) -> Self {
        let RawImageId { manufacturer, image_type, version } = raw;
        Self {
            manufacturer: ManufacturerCode(manufacturer.get()),
            image_type: ImageType(image_type.get()),
            version: FileVersion(version.get()),
        }
    }
}

/// Times in a message from a server: current time (4 bytes), then upgrade time or request time (4 bytes).
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct RawTime {
    current: U32,
    then: U32,
}

impl From<ServerTime> for RawTime {
    fn from(time: ServerTime) -> Self {
        let ServerTime { current, then } = time;
        Self { current: current.into(), then: then.into() }
    }
}

impl From<RawTime> for ServerTime {
    fn from(raw: RawTime) -> Self {
        let RawTime { current, then } = raw;
        Self { current: current.get(), then: then.get() }
    }
}
