//! Readers of integers and byte arrays at an offset of a payload. The functions that read a value return `None` if the
//! payload ends before the end of the value.

use sha2::{Digest, Sha256};

/// Returns the `N` bytes at `offset`.
pub(super) fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

/// Reads a little-endian `u16` at `offset`.
pub(super) fn le_u16(bytes: &[u8], offset: usize) -> Option<u16> {
    array(bytes, offset).map(u16::from_le_bytes)
}

/// Reads a little-endian `u32` at `offset`.
pub(super) fn le_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    array(bytes, offset).map(u32::from_le_bytes)
}

/// Reads a little-endian `u32` at `offset`, which is a length or an offset.
pub(super) fn le_len(bytes: &[u8], offset: usize) -> Option<usize> {
    le_u32(bytes, offset).map(to_len)
}

/// Converts the length `count` to `usize`. A length that exceeds the address space becomes `usize::MAX`, because no
/// payload has as many as `usize::MAX` bytes.
pub(super) fn to_len(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Reads a big-endian `u16` at `offset`.
pub(super) fn be_u16(bytes: &[u8], offset: usize) -> Option<u16> {
    array(bytes, offset).map(u16::from_be_bytes)
}

/// Computes the SHA-256 of `bytes` after the byte at `offset` is replaced by `byte`.
pub(super) fn sha256_with(bytes: &[u8], offset: usize, byte: u8) -> [u8; 32] {
    let (before, rest) = bytes.split_at_checked(offset).unwrap_or((bytes, &[]));
    let after = rest.get(1..).unwrap_or_default();
    Sha256::new().chain_update(before).chain_update([byte]).chain_update(after).finalize().into()
}

/// Returns whether all bytes have the same value, as padding has. An empty slice counts as padding.
pub(super) fn is_padding(bytes: &[u8]) -> bool {
    bytes.split_first().is_none_or(|(first, rest)| rest.iter().all(|byte| byte == first))
}
