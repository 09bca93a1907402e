//! [`ContainerKind::Sonoff100`]: a container with a header of 100 bytes, which contains three CRC-32 checksums, then
//! the OTA file.
//!
//! ```text
//! 0x00 03 01   0x02 version, 18   0x14 CRC-32 of 0x00 to 0x13   0x18 model, 32   0x38 version, 16   0x48 u32 100
//! 0x4C size    0x50 CRC-32 of the OTA file   0x54 CRC-32 of 0x18 to 0x53   0x58 zeros, 12   0x64 the OTA file
//! ```

use core::mem::{offset_of, size_of};

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::{Container, ContainerIntegrity, ContainerKind};
use crate::codec::fixed;
use crate::crc::crc32;

/// Fields of the container before the OTA file.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    identifier: U16,
    version: [u8; 18],
    version_crc: U32,
    model: [u8; 32],
    model_version: [u8; 16],
    offset: U32,
    size: U32,
    ota_crc: U32,
    model_crc: U32,
    zeros: [u8; 12],
}

const OFFSET: usize = 100;
const _: () = assert!(size_of::<RawHeader>() == OFFSET);

impl RawHeader {
    /// Returns whether each constant field of a Sonoff header has its expected value.
    fn is_consistent(&self) -> bool {
        self.identifier == 0x0301 && self.offset == 100 && self.zeros == [0; 12]
    }
}

pub(super) fn open(bytes: &[u8]) -> Option<Container<'_>> {
    let (_, raw) = fixed::<RawHeader>(bytes).ok()?;
    if !raw.is_consistent() {
        return None;
    }
    let container = Container::split(ContainerKind::Sonoff100, bytes, OFFSET, raw.size.get())?;
    let version = bytes.get(..offset_of!(RawHeader, version_crc))?;
    let model = bytes.get(offset_of!(RawHeader, model)..offset_of!(RawHeader, model_crc))?;
    let integrity = ContainerIntegrity::from_checksums([
        (offset_of!(RawHeader, version_crc), raw.version_crc == crc32(version)),
        (
            offset_of!(RawHeader, ota_crc),
            container.is_complete(raw.size.get()) && raw.ota_crc == crc32(container.ota),
        ),
        (offset_of!(RawHeader, model_crc), raw.model_crc == crc32(model)),
    ]);
    Some(Container { integrity, ..container })
}
