//! [`ContainerKind::Sonoff100`]: a header of 100 bytes with three sums, then the OTA file.
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

/// What stands before the OTA file.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Raw {
    identifier: U16,
    version: [u8; 18],
    version_sum: U32,
    model: [u8; 32],
    model_version: [u8; 16],
    offset: U32,
    size: U32,
    ota_sum: U32,
    model_sum: U32,
    zeros: [u8; 12],
}

const OFFSET: usize = 100;
const _: () = assert!(size_of::<Raw>() == OFFSET);

impl Raw {
    fn agrees(&self) -> bool {
        self.identifier == 0x0301 && self.offset == 100 && self.zeros == [0; 12]
    }
}

pub(super) fn open(bytes: &[u8]) -> Option<Container<'_>> {
    let (_, raw) = fixed::<Raw>(bytes).ok()?;
    if !raw.agrees() {
        return None;
    }
    let container = Container::cut(ContainerKind::Sonoff100, bytes, OFFSET, raw.size.get())?;
    let version = bytes.get(..offset_of!(Raw, version_sum))?;
    let model = bytes.get(offset_of!(Raw, model)..offset_of!(Raw, model_sum))?;
    let integrity = ContainerIntegrity::of([
        (offset_of!(Raw, version_sum), raw.version_sum == crc32(version)),
        (offset_of!(Raw, ota_sum), container.is_whole(raw.size.get()) && raw.ota_sum == crc32(container.ota)),
        (offset_of!(Raw, model_sum), raw.model_sum == crc32(model)),
    ]);
    Some(Container { integrity, ..container })
}
