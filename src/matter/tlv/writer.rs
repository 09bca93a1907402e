//! TLV writer of anonymous structures, with the shortest encoding of each number and length.
//!
//! ```text
//! 15   control 1, context tag 1, length 0 to 8, value   control ...   18
//! ```

use super::{END_OF_CONTAINER, STRUCTURE};
use crate::codec::{Emit, Sink};

/// Value of a field to write.
#[derive(Clone, Copy)]
pub(in crate::matter) enum FieldValue<'a> {
    Unsigned(u64),
    Boolean(bool),
    Utf8(&'a str),
    Octets(&'a [u8]),
    /// Array of 8-bit numbers.
    Numbers(&'a [u8]),
}

/// Returns the length in bytes of a structure with the fields `values`. The context tag of each value is its index in
/// `values`.
pub(in crate::matter) fn structure_len(values: &[Option<FieldValue<'_>>]) -> usize {
    // Each member has a control octet and a context tag; the structure has a first and a last octet.
    values.iter().flatten().map(|value| value.len().saturating_add(2)).fold(2, usize::saturating_add)
}

/// Writes a structure with the fields `values`.
pub(in crate::matter) fn emit_structure(values: &[Option<FieldValue<'_>>], out: &mut Sink<'_>) {
    const CONTEXT_TAG: u8 = 1 << 5;
    out.array(&[STRUCTURE]);
    for (tag, value) in (0..=u8::MAX).zip(values) {
        if let Some(value) = value {
            out.array(&[CONTEXT_TAG | value.type_code(), tag]);
            value.emit(out);
        }
    }
    out.array(&[END_OF_CONTAINER]);
}

impl FieldValue<'_> {
    /// Returns the type code: the lower five bits of the control octet.
    fn type_code(&self) -> u8 {
        match *self {
            Self::Unsigned(number) => 0x04 | width(number),
            Self::Boolean(false) => 0x08,
            Self::Boolean(true) => 0x09,
            Self::Utf8(text) => 0x0c | width(wide(text.len())),
            Self::Octets(octets) => 0x10 | width(wide(octets.len())),
            Self::Numbers(_) => 0x16,
        }
    }
}

impl Emit for FieldValue<'_> {
    fn len(&self) -> usize {
        match *self {
            Self::Unsigned(number) => size(width(number)),
            Self::Boolean(_) => 0,
            Self::Utf8(text) => counted_len(text.as_bytes()),
            Self::Octets(octets) => counted_len(octets),
            // Each number has a control octet; the array has a last octet.
            Self::Numbers(numbers) => numbers.len().saturating_mul(2).saturating_add(1),
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match *self {
            Self::Unsigned(number) => emit_unsigned(number, out),
            Self::Boolean(_) => {}
            Self::Utf8(text) => emit_counted(text.as_bytes(), out),
            Self::Octets(octets) => emit_counted(octets, out),
            Self::Numbers(numbers) => {
                const ANONYMOUS_UNSIGNED_8: u8 = 0x04;
                numbers.iter().for_each(|number| out.array(&[ANONYMOUS_UNSIGNED_8, *number]));
                out.array(&[END_OF_CONTAINER]);
            }
        }
    }
}

/// Returns the number of bytes for a width code: 1, 2, 4 or 8 bytes for the codes 0 to 3.
const fn size(width: u8) -> usize {
    match width {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => 8,
    }
}

/// Returns the width code of the shortest encoding of a number: 0 to 3 for 1, 2, 4 or 8 bytes.
const fn width(number: u64) -> u8 {
    match number {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xffff_ffff => 2,
        _ => 3,
    }
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Returns the length in bytes of a string and its length field together.
fn counted_len(octets: &[u8]) -> usize {
    octets.len().saturating_add(size(width(wide(octets.len()))))
}

fn emit_counted(octets: &[u8], out: &mut Sink<'_>) {
    emit_unsigned(wide(octets.len()), out);
    out.bytes(octets);
}

fn emit_unsigned(number: u64, out: &mut Sink<'_>) {
    match width(number) {
        0 => emit_low_bytes::<1>(number, out),
        1 => emit_low_bytes::<2>(number, out),
        2 => emit_low_bytes::<4>(number, out),
        _ => out.array(&number.to_le_bytes()),
    }
}

/// Writes the lowest `N` bytes of a number. All bytes of the number above the lowest `N` bytes must be zero.
fn emit_low_bytes<const N: usize>(number: u64, out: &mut Sink<'_>) {
    if let Some((low, _)) = number.to_le_bytes().split_first_chunk::<N>() {
        out.array(low);
    }
}
