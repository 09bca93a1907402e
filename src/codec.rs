//! The two ways between values and bytes that everything else uses: [`Encode`] with its one check for room, and
//! the reading combinators with the nom error that knows where it is.
//!
//! Nothing here can panic: reading splits by `split_at_checked`, writing by its mutable twin.
//!
//! ```text
//! bytes --nom, offsets kept--> value     value --len, then emit into that much room--> bytes
//! ```

use core::mem::size_of;

use nom::error::{ErrorKind, ParseError};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::error::{DecodeError, DecodeErrorKind, EncodeError};

/// A value with a form in bytes, whose length is known before it is written.
pub trait Encode: sealed::Emit {
    /// Bytes that [`encode`](Self::encode) writes, exactly.
    #[must_use]
    fn encoded_len(&self) -> usize {
        self.len()
    }

    /// Writes the value to the start of `out` and returns how many bytes that were.
    ///
    /// # Errors
    /// [`EncodeError::NoRoom`] when `out` is shorter than [`encoded_len`](Self::encoded_len); `out` is
    /// untouched then.
    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let (needed, available) = (self.len(), out.len());
        let Some((room, _)) = out.split_at_mut_checked(needed) else {
            return Err(EncodeError::NoRoom { needed, available });
        };
        self.emit(&mut Sink { room });
        Ok(needed)
    }

    /// Writes the value to a vector of just its length.
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
    /// How a type writes itself; `emit` fills exactly `len` bytes.
    pub trait Emit {
        fn len(&self) -> usize;
        fn emit(&self, out: &mut super::Sink<'_>);
    }
}
pub(crate) use sealed::Emit;

/// Room that was measured before; what does not fit is a wrong `len` and is not written.
#[derive(Debug)]
pub struct Sink<'a> {
    room: &'a mut [u8],
}

impl Sink<'_> {
    /// Writes a constant number of bytes.
    pub(crate) fn array<const N: usize>(&mut self, bytes: &[u8; N]) {
        if let Some((head, rest)) = core::mem::take(&mut self.room).split_first_chunk_mut() {
            *head = *bytes;
            self.room = rest;
        }
    }

    /// Writes any number of bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if let Some((head, rest)) = core::mem::take(&mut self.room).split_at_mut_checked(bytes.len()) {
            head.copy_from_slice(bytes);
            self.room = rest;
        }
    }
}

/// Why a combinator failed, and how much input it left: that gives the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At<'a> {
    rest: &'a [u8],
    kind: DecodeErrorKind,
}

impl<'a> ParseError<&'a [u8]> for At<'a> {
    fn from_error_kind(rest: &'a [u8], _: ErrorKind) -> Self {
        // Only what is not a shortage of bytes ends here; our combinators report those with their numbers.
        Self { rest, kind: DecodeErrorKind::TrailingBytes { count: rest.len() } }
    }

    fn append(_: &'a [u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

pub(crate) type Parsed<'a, T> = nom::IResult<&'a [u8], T, At<'a>>;

/// Fails at `rest` for the reason `kind`.
pub(crate) fn fail<'a, T>(rest: &'a [u8], kind: DecodeErrorKind) -> Parsed<'a, T> {
    Err(nom::Err::Error(At { rest, kind }))
}

/// Borrows a structure whose layout is fixed.
pub(crate) fn fixed<'a, T>(input: &'a [u8]) -> Parsed<'a, &'a T>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    match T::ref_from_prefix(input) {
        Ok((value, rest)) => Ok((rest, value)),
        Err(_) => fail(input, DecodeErrorKind::Truncated { needed: size_of::<T>(), present: input.len() }),
    }
}

/// Takes a constant number of bytes.
fn array<const N: usize>(input: &[u8]) -> Parsed<'_, [u8; N]> {
    match input.split_first_chunk() {
        Some((head, rest)) => Ok((rest, *head)),
        None => fail(input, DecodeErrorKind::Truncated { needed: N, present: input.len() }),
    }
}

// Not nom's own numbers: those read byte by byte, and do not say where the bytes ran out.

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

/// Ends a parse of `whole`, whose first byte stands at `base` of what the caller sees, in a public result.
pub(crate) fn locate<'a, T>(
    item: &'static str,
    base: usize,
    whole: &'a [u8],
    parsed: Parsed<'a, T>,
) -> Result<(T, &'a [u8]), DecodeError> {
    let at = match parsed {
        Ok((rest, value)) => return Ok((value, rest)),
        Err(nom::Err::Error(at) | nom::Err::Failure(at)) => at,
        // None of ours says so: all know how many bytes they want.
        Err(nom::Err::Incomplete(_)) => {
            At { rest: &[], kind: DecodeErrorKind::Truncated { needed: 1, present: 0 } }
        }
    };
    let consumed = whole.len().saturating_sub(at.rest.len());
    Err(DecodeError { item, offset: base.saturating_add(consumed), kind: at.kind })
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
    fn errors_know_their_place() {
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
