//! [`ContainerKind::SalusCrc32`] and [`ContainerKind::SdevicesCrc32`]: a CRC-32 after the OTA file, and nothing else to know them by.
//!
//! ```text
//! Salus      | OTA file | CRC-32 of it |
//! SDevices   | OTA file | padding to 16 | CRC-32 of all before |
//! ```

use super::{Container, ContainerIntegrity, ContainerKind};
use crate::crc::crc32;

/// Padding goes to a multiple of so many bytes.
const ALIGNMENT: usize = 16;

/// What begins with an OTA header of this total image size.
pub(super) fn open(bytes: &[u8], total_size: u32) -> Container<'_> {
    let total = usize::try_from(total_size).unwrap_or(usize::MAX);
    let trailer = bytes.split_at_checked(total).and_then(|(ota, after)| {
        let kind = recognise(bytes, total)?;
        Some(Container { kind, before: &[], ota, after, integrity: ContainerIntegrity::Verified })
    });
    let none = Container {
        kind: ContainerKind::None,
        before: &[],
        ota: bytes,
        after: &[],
        integrity: ContainerIntegrity::NoSum,
    };
    trailer.unwrap_or(none)
}

fn recognise(bytes: &[u8], total: usize) -> Option<ContainerKind> {
    let (summed, sum) = bytes.split_last_chunk()?;
    let padding = summed.get(total..)?;
    let bare = padding.is_empty();
    let aligned = total.checked_next_multiple_of(ALIGNMENT) == Some(summed.len());
    let padded = aligned && padding.iter().all(|byte| *byte == 0xff);
    // The sum is over the whole file: only where it may be one.
    if !bare && !padded {
        return None;
    }
    let (sum, crc) = (u32::from_le_bytes(*sum), crc32(summed));
    match sum {
        _ if bare && sum == crc => Some(ContainerKind::SalusCrc32),
        // The final xor turns every bit.
        _ if padded && sum == !crc => Some(ContainerKind::SdevicesCrc32),
        _ => None,
    }
}
