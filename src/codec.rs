//! Conversion between bytes and values: the trait [`Encode`] writes values, and parsers of the crate `nom` read values.
//!
//! ```text
//! bytes --nom parsers, then `locate`--> value, or DecodeError with its offset
//! value --`len`, then `emit` into a Sink of that length--> bytes, or EncodeError
//! ```
//!
//! No function in this module can panic: slices are split by `split_at_checked` and `split_at_mut_checked`.

use core::mem::size_of;

use nom::error::{ErrorKind, ParseError};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::error::{DecodeError, DecodeErrorKind, EncodeError};

/// Value with a binary form whose length is known before the value is written.
///
/// Only types of this crate implement `Encode`.
pub trait Encode: sealed::Emit {
    /// Returns the exact number of bytes that [`encode`](Self::encode) writes.
    #[must_use]
    fn encoded_len(&self) -> usize {
        self.len()
    }

    /// Writes the value to the start of `out` and returns the number of bytes written.
    ///
    /// # Errors
    /// Fails with [`EncodeError::NoRoom`] if `out` is shorter than [`encoded_len`](Self::encoded_len); `out` is then
    /// unchanged.
    #[inline(always)]
    fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let (needed, available) = (self.len(), out.len());
        match out.split_at_mut_checked(needed) {
            Some((room, _)) => {
                self.emit(&mut Sink { room });
                Ok(needed)
            }
            None => Err(EncodeError::no_room(needed, available)),
        }
    }

    /// Writes the value to a new vector.
    #[cfg(feature = "alloc")]
    #[must_use]
    fn to_vec(&self) -> alloc::vec::Vec<u8> {
        let mut bytes = alloc::vec![0; self.len()];
        self.emit(&mut Sink { room: &mut bytes });
        bytes
    }
}

impl<T: sealed::Emit> Encode for T {}

pub(crate) mod sealed {
    /// Length and bytes of a value, for [`Encode`](super::Encode): `emit` writes exactly `len` bytes.
    ///
    /// The trait is sealed, because `emit` writes into a `Sink` without a check that `len` is right.
    pub trait Emit {
        fn len(&self) -> usize;
        fn emit(&self, out: &mut super::Sink<'_>);
    }
}
pub(crate) use sealed::Emit;

/// Output buffer of exactly the length that [`Emit::len`] announced.
///
/// A `Sink` drops bytes that do not fit into its buffer. The buffer of a `Sink` is too short only if an [`Emit::len`]
/// returns too small a length.
#[derive(Debug)]
pub struct Sink<'a> {
    room: &'a mut [u8],
}

impl Sink<'_> {
    /// Writes an array, whose length is known to the compiler.
    pub(crate) fn array<const N: usize>(&mut self, bytes: &[u8; N]) {
        if let Some((head, rest)) = core::mem::take(&mut self.room).split_first_chunk_mut() {
            *head = *bytes;
            self.room = rest;
        }
    }

    /// Writes a slice of any length.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if let Some((head, rest)) = core::mem::take(&mut self.room).split_at_mut_checked(bytes.len()) {
            head.copy_from_slice(bytes);
            self.room = rest;
        }
    }
}

/// Error of a nom parser: the reason, and the rest of the input from the byte at fault on. [`locate`] computes the
/// offset of the byte at fault from `rest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadError<'a> {
    rest: &'a [u8],
    kind: DecodeErrorKind,
}

impl<'a> ParseError<&'a [u8]> for ReadError<'a> {
    fn from_error_kind(rest: &'a [u8], _: ErrorKind) -> Self {
        // nom requires this function, but the combinators in use (`cond`, `map` and tuples) do not call this function.
        Self { rest, kind: DecodeErrorKind::TrailingBytes { count: rest.len() } }
    }

    fn append(_: &'a [u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// Result of a nom parser: the value, and the rest of the input after the value.
pub(crate) type Parsed<'a, T> = nom::IResult<&'a [u8], T, ReadError<'a>>;

/// Returns the error `kind` at the first byte of `rest`.
pub(crate) fn fail<'a, T>(rest: &'a [u8], kind: DecodeErrorKind) -> Parsed<'a, T> {
    Err(nom::Err::Error(ReadError { rest, kind }))
}

/// Borrows a structure of fixed layout from the start of the input.
pub(crate) fn fixed<'a, T>(input: &'a [u8]) -> Parsed<'a, &'a T>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    match T::ref_from_prefix(input) {
        Ok((value, rest)) => Ok((rest, value)),
        Err(_) => fail(input, DecodeErrorKind::Truncated { needed: size_of::<T>(), present: input.len() }),
    }
}

/// Copies `N` bytes from the start of the input.
fn array<const N: usize>(input: &[u8]) -> Parsed<'_, [u8; N]> {
    match input.split_first_chunk() {
        Some((head, rest)) => Ok((rest, *head)),
        None => fail(input, DecodeErrorKind::Truncated { needed: N, present: input.len() }),
    }
}

// nom's own number parsers read byte by byte and do not report how many bytes are missing.

pub(crate) fn le_u8(input: &[u8]) -> Parsed<'_, u8> {
    array(input).map(|(rest, bytes)| (rest, u8::from_le_bytes(bytes)))
}

pub(crate) fn le_u16(input: &[u8]) -> Parsed<'_, u16> {
    array(input).map(|(rest, bytes)| (rest, u16::from_le_bytes(bytes)))
}

pub(crate) fn le_u32(input: &[u8]) -> Parsed<'_, u32> {
    array(input).map(|(rest, bytes)| (rest, u32::from_le_bytes(bytes)))
}

pub(crate) fn le_u64(input: &[u8]) -> Parsed<'_, u64> {
    array(input).map(|(rest, bytes)| (rest, u64::from_le_bytes(bytes)))
}

/// Converts the result of a nom parser, whose input was `whole`, to the value and the bytes after the value. Converts
/// an error of the parser to a [`DecodeError`] with the name `item` and the offset of the byte at fault.
///
/// `base` is the offset of `whole` in the caller's frame or file.
pub(crate) fn locate<'a, T>(
    item: &'static str,
    base: usize,
    whole: &'a [u8],
    parsed: Parsed<'a, T>,
) -> Result<(T, &'a [u8]), DecodeError> {
    let error = match parsed {
        Ok((rest, value)) => return Ok((value, rest)),
        Err(nom::Err::Error(error) | nom::Err::Failure(error)) => error,
        // No parser returns this error, because every parser of this crate reads complete input.
        Err(nom::Err::Incomplete(_)) => {
            ReadError { rest: &[], kind: DecodeErrorKind::Truncated { needed: 1, present: 0 } }
        }
    };
    let consumed = whole.len().saturating_sub(error.rest.len());
    Err(DecodeError { item, offset: base.saturating_add(consumed), kind: error.kind })
}

/// Writer of little-endian fields, for the encoders that run on a device. A field that does not fit into the rest of the
/// output is left out, as are all fields after it.
#[derive(Debug)]
pub(crate) struct FieldWriter<'a> {
    rest: &'a mut [u8],
}

impl<'a> FieldWriter<'a> {
    pub(crate) const fn new(out: &'a mut [u8]) -> Self {
        Self { rest: out }
    }

    /// Writes the low `size` bytes of `number`; `size` is at most 4.
    // Not inlined on a small processor, to save flash, like `FieldReader::number`.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(crate) fn number(&mut self, number: u32, size: usize) {
        if let Some((field, rest)) = core::mem::take(&mut self.rest).split_at_mut_checked(size) {
            let mut left = number;
            for place in field {
                let [low, ..] = left.to_le_bytes();
                *place = low;
                left >>= 8;
            }
            self.rest = rest;
        }
    }

    pub(crate) fn u64(&mut self, number: u64) {
        let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
        self.number(u32::from_le_bytes([a, b, c, d]), 4);
        self.number(u32::from_le_bytes([e, f, g, h]), 4);
    }

    /// Returns the number of bytes of the output that are still free.
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }
}

/// Reader of little-endian fields, for the decoders that run on a device. A decoder that uses a `FieldReader` reports
/// that an input is too short, but not the offset at which the input ends. A field past the end of the input reads as
/// 0, and from this field on [`is_short`](Self::is_short) returns `true`.
#[derive(Debug)]
pub(crate) struct FieldReader<'a> {
    rest: &'a [u8],
    is_short: bool,
}

impl<'a> FieldReader<'a> {
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self { rest: input, is_short: false }
    }

    /// Reads a field of `size` bytes; `size` is at most 4.
    // Not inlined on a small processor, to save flash: a device reads fields at some thirty places, and each call takes
    // six bytes.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(crate) fn number(&mut self, size: usize) -> u32 {
        let Some((field, rest)) = self.rest.split_at_checked(size) else {
            (self.rest, self.is_short) = (&[], true);
            return 0;
        };
        self.rest = rest;
        field.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
    }

    pub(crate) fn u8(&mut self) -> u8 {
        let [byte, ..] = self.number(1).to_le_bytes();
        byte
    }

    pub(crate) fn u16(&mut self) -> u16 {
        let [low, high, ..] = self.number(2).to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    pub(crate) fn u32(&mut self) -> u32 {
        self.number(4)
    }

    pub(crate) fn u64(&mut self) -> u64 {
        let low = self.u32();
        u64::from(self.u32()) << 32 | u64::from(low)
    }

    /// Returns the bytes after the last field that was read, and leaves no bytes to read.
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Returns the number of bytes after the last field that was read.
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Returns whether any field that was read was longer than the rest of the input.
    pub(crate) const fn is_short(&self) -> bool {
        self.is_short
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nom::Parser;

    struct Pair(u8, &'static [u8]);

    impl Emit for Pair {
        fn len(&self) -> usize {
            1 + self.1.len()
        }
        fn emit(&self, out: &mut Sink<'_>) {
            out.array(&[self.0]);
            out.bytes(self.1);
        }
    }

    #[test]
    fn encoding_fills_exactly_its_length_or_nothing() {
        let pair = Pair(1, &[2, 3]);
        let mut out = [0xee; 5];
        assert_eq!(pair.encoded_len(), 3);
        assert_eq!(pair.encode(&mut out), Ok(3));
        assert_eq!(out, [1, 2, 3, 0xee, 0xee]);
        #[cfg(feature = "alloc")]
        assert_eq!(pair.to_vec(), [1, 2, 3]);
        let mut short = [0xee; 2];
        assert_eq!(pair.encode(&mut short), Err(EncodeError::NoRoom { needed: 3, available: 2 }));
        assert_eq!(short, [0xee; 2]);
    }

    #[test]
    fn an_error_holds_the_offset_of_the_byte_at_fault() {
        let input = [1, 2, 3, 4, 5];
        let parsed = (le_u16, le_u32).parse(&input[..]);
        let error = locate("sub-element", 100, &input, parsed).unwrap_err();
        assert_eq!(error.offset, 102);
        assert_eq!(error.kind, DecodeErrorKind::Truncated { needed: 4, present: 3 });
        let error = locate("sub-element", 0, &input, fixed::<[u8; 6]>(&input)).unwrap_err();
        assert_eq!(error.offset, 0);
        assert_eq!(error.kind, DecodeErrorKind::Truncated { needed: 6, present: 5 });
        assert_eq!(locate("sub-element", 0, &input, fixed(&input)), Ok((&input, &[][..])));
    }
}
