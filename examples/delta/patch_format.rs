//! Format of the patch element.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | size of the old firmware in bytes, little endian |
//! | 4 | 32 | SHA-256 of the old firmware |
//! | 36 | 4 | size of the new firmware in bytes, little endian |
//! | 40 | 32 | SHA-256 of the new firmware |
//! | 72 | n | patch of the crate `bsdiff`, deflated |
//!
//! The patch is a sequence of steps. A step starts with three numbers in 24 bytes: the number of bytes that are added
//! to old bytes, the number of bytes that are copied, and the distance to the next read position in the old firmware.
//! The bytes to add and the bytes to copy follow. The device needs the steps only in this order, and can therefore
//! apply the patch during the download.

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress, create_comp_flags_from_zip_params,
};
use sha2::{Digest, Sha256};
use zigbee_ota::file::Tag;

/// Tag of a patch element, manufacturer specific.
pub const TAG: Tag = Tag(0xf0de);

/// Offset of the patch in the element.
pub const HEAD_LEN: usize = 72;

/// Maximum distance in bytes of back references in the deflated patch. The device must keep this number of bytes of the
/// inflated patch.
pub const WINDOW: usize = 4096;

/// Builds the contents of a patch element.
pub fn make(old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut patch = Vec::new();
    bsdiff::diff(old, new, &mut patch).expect("memory takes all");
    let mut element = Vec::new();
    for firmware in [old, new] {
        element.extend(u32::try_from(firmware.len()).expect("a small firmware").to_le_bytes());
        element.extend(Sha256::digest(firmware));
    }
    element.extend(deflate(&patch));
    element
}

/// Compresses `bytes` by deflate, in parts of `WINDOW` bytes. A part never refers to bytes of an earlier part.
fn deflate(mut bytes: &[u8]) -> Vec<u8> {
    // The compressor makes raw deflate data (without a zlib header) with the best compression.
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(9, -15, 0));
    let mut deflated = Vec::new();
    loop {
        let (mut part, rest) = bytes.split_at(bytes.len().min(WINDOW));
        let flush = if rest.is_empty() { TDEFLFlush::Finish } else { TDEFLFlush::Full };
        loop {
            let mut room = [0; 2 * WINDOW];
            let (status, taken, made) = compress(&mut compressor, part, &mut room, flush);
            deflated.extend_from_slice(&room[..made]);
            part = &part[taken..];
            match status {
                TDEFLStatus::Done => return deflated,
                TDEFLStatus::Okay if part.is_empty() && made < room.len() => break,
                TDEFLStatus::Okay => {}
                other => unreachable!("{other:?} of a compressor with room"),
            }
        }
        bytes = rest;
    }
}
