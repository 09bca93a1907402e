//! [`ContainerKind::NxpFlashWord`]: a container with the first word of an NXP flash image, then the OTA file.
//!
//! ```text
//! 0  07 03 00 08 (JN5168) or 0F 03 00 0B (JN5169)   4 the OTA file, up to the last byte
//! ```

use super::{Container, ContainerKind};
use crate::file::FileHeader;

/// First words of flash images for the JN5168 and the JN5169.
const WORDS: [[u8; 4]; 2] = [[0x07, 0x03, 0x00, 0x08], [0x0f, 0x03, 0x00, 0x0b]];

pub(super) fn open(bytes: &[u8]) -> Option<Container<'_>> {
    let (word, rest) = bytes.split_first_chunk()?;
    let (header, _) = FileHeader::parse_lenient(rest).ok()?;
    let container = Container::split(ContainerKind::NxpFlashWord, bytes, word.len(), header.total_size)?;
    (WORDS.contains(word) && container.after.is_empty()).then_some(container)
}
