//! [`ContainerKind::SalusCrc32`] and [`ContainerKind::SdevicesCrc32`]: containers with a CRC-32 after the OTA file.
//! Only a matching CRC-32 in the last four bytes identifies a container of Salus or SDevices.
//!
//! ```text
//! Salus      | OTA file | CRC-32 of it |
//! SDevices   | OTA file | padding to 16 | CRC-32 of all bytes before it, without the final xor |
//! ```

use super::{Container, ContainerIntegrity, ContainerKind};
use crate::crc::crc32;

/// SDevices pads the OTA file to a multiple of this number of bytes, and appends the CRC after the padding.
const ALIGNMENT: usize = 16;

/// Reads `bytes` as a container of Salus or SDevices, or as an OTA file without a container. `bytes` start with an OTA
/// header, whose total image size is `total_size`.
pub(super) fn open(bytes: &[u8], total_size: u32) -> Container<'_> {
    let total = usize::try_from(total_size).unwrap_or(usize::MAX);
    let with_trailer = bytes.split_at_checked(total).and_then(|(ota, after)| {
        let kind = recognise_trailer(bytes, total)?;
        Some(Container { kind, before: &[], ota, after, integrity: ContainerIntegrity::Verified })
    });
    let none = Container {
        kind: ContainerKind::None,
        before: &[],
        ota: bytes,
        after: &[],
        integrity: ContainerIntegrity::NoChecksum,
    };
    with_trailer.unwrap_or(none)
}

/// Recognises the kind of container by the CRC in its last four bytes. Returns `None` unless `bytes` end with the
/// CRC-32 of a container of Salus or SDevices.
fn recognise_trailer(bytes: &[u8], total: usize) -> Option<ContainerKind> {
    let (summed, crc) = bytes.split_last_chunk()?;
    let padding = summed.get(total..)?;
    let bare = padding.is_empty();
    let aligned = total.checked_next_multiple_of(ALIGNMENT) == Some(summed.len());
    let padded = aligned && padding.iter().all(|byte| *byte == 0xff);
    // The length is checked first, because the computation of the CRC takes time in proportion to the length of the
    // file.
    if !bare && !padded {
        return None;
    }
    let (stored, computed) = (u32::from_le_bytes(*crc), crc32(summed));
    match stored {
        _ if bare && stored == computed => Some(ContainerKind::SalusCrc32),
        // The final xor inverts every bit.
        _ if padded && stored == !computed => Some(ContainerKind::SdevicesCrc32),
        _ => None,
    }
}
