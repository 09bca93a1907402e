//! Public keys: points of their suite's curve, in the compressed form of SEC 1.
//!
//! | suite | bytes | content |
//! |---|---|---|
//! | 1 | 22 | 02 or 03, x (21, big endian) |
//! | 2 | 37 | 02 or 03, x (36, big endian) |

use super::Suite;
use super::curve::{self, Affine, Curve, K163, K283};
use crate::mmo::Digest;

/// Public key of a certificate authority or of a signer.
///
/// Serde represents a key as its bytes.
// Exhaustive: the specification defines these two suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// Compressed point of sect163k1.
    Suite1([u8; 22]),
    /// Compressed point of sect283k1.
    Suite2([u8; 37]),
}

impl PublicKey {
    /// Reads a public key: 22 bytes are a key of suite 1, 37 bytes of suite 2. Returns `None` if the length is neither
    /// 22 nor 37 bytes.
    ///
    /// The bytes need not be a point of the curve: see [`is_valid`](Self::is_valid).
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match (bytes.try_into(), bytes.try_into()) {
            (Ok(bytes), _) => Some(Self::Suite1(bytes)),
            (_, Ok(bytes)) => Some(Self::Suite2(bytes)),
            _ => None,
        }
    }

    /// Returns the key in the compressed form of SEC 1: 22 bytes for suite 1, 37 bytes for suite 2.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Suite1(bytes) => bytes,
            Self::Suite2(bytes) => bytes,
        }
    }

    /// Returns the suite of the key.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self {
            Self::Suite1(_) => Suite::One,
            Self::Suite2(_) => Suite::Two,
        }
    }

    /// Whether the key is a point of the suite's group: on the curve, and of prime order.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Suite1(bytes) => K163::point(bytes).is_some(),
            Self::Suite2(bytes) => K283::point(bytes).is_some(),
        }
    }

    /// Whether `signature` (r, then s) is a valid ECDSA signature of `digest` by this key.
    #[must_use]
    pub fn verify(&self, digest: &Digest, signature: &[u8]) -> bool {
        signature.len() == self.suite().signature_len()
            && match self {
                Self::Suite1(bytes) => {
                    K163::point(bytes).is_some_and(|key| curve::verify::<K163, 3>(&key, digest, signature))
                }
                Self::Suite2(bytes) => {
                    K283::point(bytes).is_some_and(|key| curve::verify::<K283, 5>(&key, digest, signature))
                }
            }
    }
}

impl From<Affine<3>> for PublicKey {
    fn from(point: Affine<3>) -> Self {
        let mut bytes = [0; 22];
        K163::compressed(&point, &mut bytes);
        Self::Suite1(bytes)
    }
}

impl From<Affine<5>> for PublicKey {
    fn from(point: Affine<5>) -> Self {
        let mut bytes = [0; 37];
        K283::compressed(&point, &mut bytes);
        Self::Suite2(bytes)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        crate::serde_bytes::serialize(self.as_bytes(), to)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(KeyBytes)
    }
}

/// Visitor that accepts the bytes of a key, even from formats that write bytes as a sequence of numbers.
#[cfg(feature = "serde")]
struct KeyBytes;

#[cfg(feature = "serde")]
impl<'de> serde::de::Visitor<'de> for KeyBytes {
    type Value = PublicKey;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("22 or 37 bytes of a public key")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<PublicKey, E> {
        PublicKey::from_bytes(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut sequence: A) -> Result<PublicKey, A::Error> {
        let (mut bytes, mut len) = ([0; 37], 0_usize);
        while let Some(byte) = sequence.next_element()? {
            if let Some(room) = bytes.get_mut(len) {
                *room = byte;
            }
            len = len.saturating_add(1);
        }
        let key = bytes.get(..len).and_then(PublicKey::from_bytes);
        key.ok_or_else(|| serde::de::Error::invalid_length(len, &self))
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for PublicKey {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "PublicKey({=[u8]:02x})", self.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_points_of_the_group_are_valid_keys() {
        let keys: [PublicKey; 2] = [K163::BASE.into(), K283::BASE.into()];
        for key in keys {
            assert!(key.is_valid());
            let mut bytes = [0xff; 37];
            let bytes = &mut bytes[..key.as_bytes().len()];
            bytes[0] = 2;
            let other = PublicKey::from_bytes(bytes).unwrap();
            assert_eq!((other.suite(), other.is_valid()), (key.suite(), false));
        }
    }
}
