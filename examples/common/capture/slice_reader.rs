//! Readers of fields at the start of a slice. Each function removes its field from the slice, or returns `None` if the
//! slice is too short.

/// Removes and returns the next `N` bytes.
pub fn array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*field)
}

/// Removes and returns the next `len` bytes.
pub fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (field, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(field)
}

pub fn u8(bytes: &mut &[u8]) -> Option<u8> {
    array(bytes).map(u8::from_le_bytes)
}

/// Removes and returns a little-endian number of two bytes.
pub fn u16(bytes: &mut &[u8]) -> Option<u16> {
    array(bytes).map(u16::from_le_bytes)
}

/// Removes and returns a big-endian number of two bytes.
pub fn u16_be(bytes: &mut &[u8]) -> Option<u16> {
    array(bytes).map(u16::from_be_bytes)
}
