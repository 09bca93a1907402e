//! A few bytes, as many as fit, of their own.

/// Up to `N` bytes. What is behind them is zero, so that equal means equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Few<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> Few<N> {
    pub(super) const EMPTY: Self = Self { bytes: [0; N], len: 0 };

    /// `None` when they do not fit.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let mut few = Self::EMPTY;
        let (room, _) = few.bytes.split_at_mut_checked(bytes.len())?;
        room.copy_from_slice(bytes);
        few.len = u8::try_from(bytes.len()).ok()?;
        Some(few)
    }

    /// One more; whether it did fit.
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

    pub(super) fn get(&self) -> &[u8] {
        self.bytes.split_at_checked(self.len.into()).map_or(&[], |(bytes, _)| bytes)
    }
}

#[cfg(feature = "serde")]
impl<const N: usize> serde::Serialize for Few<N> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.get())
    }
}

#[cfg(feature = "serde")]
impl<'de, const N: usize> serde::Deserialize<'de> for Few<N> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(visitor::Bytes)
    }
}

#[cfg(feature = "serde")]
mod visitor {
    use core::fmt;

    use serde::de::{Error, SeqAccess, Visitor};

    use super::Few;

    pub(super) struct Bytes<const N: usize>;

    impl<'de, const N: usize> Visitor<'de> for Bytes<N> {
        type Value = Few<N>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {N} bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Few<N>, E> {
            Few::new(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Few<N>, A::Error> {
            let mut few = Few::EMPTY;
            while let Some(byte) = from.next_element()? {
                if !few.push(byte) {
                    return Err(A::Error::invalid_length(N.saturating_add(1), &self));
                }
            }
            Ok(few)
        }
    }
}
