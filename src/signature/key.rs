//! A public key: a point of the curve of its suite, in the compressed form of SEC 1.
//!
//! | suite | bytes | content |
//! |---|---|---|
//! | 1 | 22 | 02 or 03, x (21, big endian) |
//! | 2 | 37 | 02 or 03, x (36, big endian) |

use super::Suite;
use super::curve::{self, Affine, Curve, K163, K283};
use crate::mmo::Digest;

/// A public key of a certificate authority or of a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// On sect163k1.
    Suite1([u8; 22]),
    /// On sect283k1.
    Suite2([u8; 37]),
}

impl PublicKey {
    /// A key from its bytes, whose number tells the suite; `None` when it is another number. Whether they are a point
    /// is another question: [`is_valid`](Self::is_valid).
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match (bytes.try_into(), bytes.try_into()) {
            (Ok(bytes), _) => Some(Self::Suite1(bytes)),
            (_, Ok(bytes)) => Some(Self::Suite2(bytes)),
            _ => None,
        }
    }

    /// Its bytes in the compressed form of SEC 1: 22 of suite 1, 37 of suite 2.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Suite1(bytes) => bytes,
            Self::Suite2(bytes) => bytes,
        }
    }

    /// Of which suite it is.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self {
            Self::Suite1(_) => Suite::One,
            Self::Suite2(_) => Suite::Two,
        }
    }

    /// Whether it is a point of the group that the suite uses: on the curve, and of the right order.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Suite1(bytes) => K163::point(bytes).is_some(),
            Self::Suite2(bytes) => K283::point(bytes).is_some(),
        }
    }

    /// Whether `signature`, r and s of the width of the suite, is one of `digest` by this key.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_point() {
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
