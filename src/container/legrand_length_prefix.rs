//! [`ContainerKind::LegrandLength`]: a container with the length of the OTA file, then the file.
//!
//! ```text
//! 0  length:u32   4 the OTA file   4 + length: 00 or nothing, then 16 bytes that are not checked
//! ```

use super::{Container, ContainerKind};
use crate::codec::le_u32;

/// Offset of the OTA file in the container, in bytes.
const OFFSET: usize = 4;

pub(super) fn open(bytes: &[u8]) -> Option<Container<'_>> {
    let (_, length) = le_u32(bytes).ok()?;
    let container = Container::split(ContainerKind::LegrandLength, bytes, OFFSET, length)?;
    let is_consistent = container.after.first().is_none_or(|byte| *byte == 0);
    is_consistent.then_some(container)
}
