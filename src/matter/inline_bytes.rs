//! Byte string of bounded length that is stored inline, without an allocator.

/// Byte string of at most `N` bytes. The bytes of the array after the byte string are zero, so that equal byte strings
/// have equal arrays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct InlineBytes<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> InlineBytes<N> {
    pub(super) const EMPTY: Self = Self { bytes: [0; N], len: 0 };

    /// Copies `bytes`. Returns `None` if `bytes` has more than `N` bytes.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let mut copy = Self::EMPTY;
        let (room, _) = copy.bytes.split_at_mut_checked(bytes.len())?;
        room.copy_from_slice(bytes);
        copy.len = u8::try_from(bytes.len()).ok()?;
        Some(copy)
    }

    /// Appends a byte. Returns `false` if all `N` bytes are in use.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        match self.bytes.get_mut(usize::from(self.len)) {
            Some(room) => {
                *room = byte;
                self.len = self.len.saturating_add(1);
                true
            }
            None => false,
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.split_at_checked(self.len.into()).map_or(&[], |(bytes, _)| bytes)
    }

    /// Generates an arbitrary byte string of at least `min` bytes.
    #[cfg(feature = "arbitrary")]
    pub(super) fn arbitrary(min: usize, u: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Self> {
        let len = u.int_in_range(min..=N)?;
        Self::new(u.bytes(len)?).ok_or(arbitrary::Error::IncorrectFormat)
    }
}

#[cfg(feature = "serde")]
impl<const N: usize> serde::Serialize for InlineBytes<N> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.as_slice())
    }
}

#[cfg(feature = "serde")]
impl<'de, const N: usize> serde::Deserialize<'de> for InlineBytes<N> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(visitor::Bytes)
    }
}

#[cfg(feature = "serde")]
mod visitor {
    use core::fmt;

    use serde::de::{Error, SeqAccess, Visitor};

    use super::InlineBytes;

    pub(super) struct Bytes<const N: usize>;

    impl<'de, const N: usize> Visitor<'de> for Bytes<N> {
        type Value = InlineBytes<N>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {N} bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<InlineBytes<N>, E> {
            InlineBytes::new(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
        }

        // A format without byte strings, such as JSON, represents the bytes as an array of numbers.
        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<InlineBytes<N>, A::Error> {
            let mut bytes = InlineBytes::EMPTY;
            while let Some(byte) = from.next_element()? {
                if !bytes.push(byte) {
                    return Err(A::Error::invalid_length(N.saturating_add(1), &self));
                }
            }
            Ok(bytes)
        }
    }
}
