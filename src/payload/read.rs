//! Numbers at their places; nothing where the bytes end.

/// So many bytes from `offset` on.
pub(super) fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

/// Two bytes, little endian.
pub(super) fn le_u16(bytes: &[u8], offset: usize) -> Option<u16> {
    array(bytes, offset).map(u16::from_le_bytes)
}

/// Four bytes, little endian.
pub(super) fn le_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    array(bytes, offset).map(u32::from_le_bytes)
}

/// Four bytes, little endian, that count bytes or are a place.
pub(super) fn le_len(bytes: &[u8], offset: usize) -> Option<usize> {
    le_u32(bytes, offset).map(len)
}

/// A number of bytes; what no memory could hold is as good as the most that one can.
pub(super) fn len(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Two bytes, big endian.
pub(super) fn be_u16(bytes: &[u8], offset: usize) -> Option<u16> {
    array(bytes, offset).map(u16::from_be_bytes)
}

/// Whether all bytes are the same, as padding is; none are.
pub(super) fn is_padding(bytes: &[u8]) -> bool {
    bytes.split_first().is_none_or(|(first, rest)| rest.iter().all(|byte| byte == first))
}
