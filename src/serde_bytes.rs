//! Serde functions for borrowed bytes, for the attribute `#[serde(with = "...")]`.
//!
//! | module | field |
//! |---|---|
//! | `serde_bytes` | `&[u8]` |
//! | [`pieces`] | `&[[u8; N]]`, written as one byte string |
//! | [`array`] | `&[u8; N]` |
//!
//! A format that can lend bytes of its input, such as postcard, reads fields of borrowed bytes without a copy. A format
//! that cannot lend bytes, such as JSON, reads a field of borrowed bytes only if the field is empty. JSON suits only
//! frames and headers in which all fields of borrowed bytes are empty.

use core::fmt;

use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::ser::Serializer;

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<&'de [u8], D::Error> {
    from.deserialize_bytes(BorrowedBytes)
}

/// Visitor that accepts bytes borrowed from the input, and also empty bytes and empty sequences.
struct BorrowedBytes;

impl<'de> Visitor<'de> for BorrowedBytes {
    type Value = &'de [u8];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes that can be borrowed, or none")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(bytes)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        if bytes.is_empty() { Ok(&[]) } else { Err(E::invalid_type(Unexpected::Bytes(bytes), &self)) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Self::Value, A::Error> {
        match bytes.next_element::<u8>()? {
            Some(_) => Err(A::Error::invalid_type(Unexpected::Seq, &self)),
            None => Ok(&[]),
        }
    }
}

/// Serde functions for slices of arrays, which are written as one byte string. The length of the byte string must be a
/// multiple of `N`, the length of one array.
pub(crate) mod pieces {
    use serde::de::{Deserializer, Error};
    use serde::ser::Serializer;

    pub(crate) fn serialize<const N: usize, S: Serializer>(
        pieces: &[[u8; N]],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        super::serialize(pieces.as_flattened(), to)
    }

    pub(crate) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        from: D,
    ) -> Result<&'de [[u8; N]], D::Error> {
        let bytes = super::deserialize(from)?;
        match bytes.as_chunks() {
            (pieces, []) => Ok(pieces),
            _ => Err(D::Error::invalid_length(bytes.len(), &"bytes of whole records")),
        }
    }
}

/// Serde functions for references to arrays, which are written as a byte string. The length of the byte string must be
/// `N`, the length of the array.
pub(crate) mod array {
    use serde::de::{Deserializer, Error};
    use serde::ser::Serializer;

    pub(crate) fn serialize<const N: usize, S: Serializer>(
        bytes: &[u8; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        super::serialize(bytes, to)
    }

    pub(crate) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        from: D,
    ) -> Result<&'de [u8; N], D::Error> {
        let bytes = super::deserialize(from)?;
        bytes
            .try_into()
            .map_err(|_| D::Error::invalid_length(bytes.len(), &"as many bytes as the crypto suite has"))
    }
}
