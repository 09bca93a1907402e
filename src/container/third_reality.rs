//! [`ContainerKind::ThirdReality`]: a container with a header of 152 bytes, which has a SHA-512, then the OTA file.
//!
//! ```text
//! 0  SHA-512 of all bytes from 64 on   64 u32 not checked   68 u32 length of all bytes from 64 on
//! 72 80 bytes that are not checked     152 the OTA file, up to the last byte
//! ```

use core::mem::size_of;

use sha2::{Digest, Sha512};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::{Container, ContainerIntegrity, ContainerKind};
use crate::codec::fixed;

/// Fields of the container before the OTA file.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    sha_512: [u8; SUMMED],
    first: [u8; 4],
    length: U32,
    rest: [u8; 80],
}

/// Offset of the first byte of a Third Reality container that its SHA-512 covers and its length field counts.
const SUMMED: usize = 64;
const OFFSET: usize = 152;
const _: () = assert!(size_of::<RawHeader>() == OFFSET);
/// Number of bytes before the OTA file that the length field of a Third Reality container counts.
const COUNTED: u32 = 88;

pub(super) fn open(bytes: &[u8]) -> Option<Container<'_>> {
    let (_, raw) = fixed::<RawHeader>(bytes).ok()?;
    let size = raw.length.get().checked_sub(COUNTED)?;
    let container = Container::split(ContainerKind::ThirdReality, bytes, OFFSET, size)?;
    if !container.after.is_empty() {
        return None;
    }
    let summed = bytes.get(SUMMED..).unwrap_or_default();
    let matches = container.is_complete(size) && Sha512::digest(summed).as_slice() == raw.sha_512;
    Some(Container { integrity: ContainerIntegrity::from_checksums([(0, matches)]), ..container })
}
