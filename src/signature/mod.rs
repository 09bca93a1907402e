//! Whether a file is what its maker made (sections 6.3.5, 6.3.6 and 6.3.8): integrity codes, certificates and
//! signatures, over the hash of [`mmo`](crate::mmo).
//!
//! A signed file ends in two elements:
//!
//! | element | suite 1 | suite 2 | hashed |
//! |---|---|---|---|
//! | header and other elements | any | any | yes |
//! | certificate: tag, length, certificate | `02 00`, 48 | `06 00`, 74 | yes |
//! | signature: tag, length, signer (8, little endian) | `01 00`, 50 | `05 00`, 80 | yes |
//! | rest of it: r, then s, big endian | 21 + 21 | 36 + 36 | no |
//!
//! The 16 bytes of the digest, as a big-endian number, are what ECDSA signs. The certificate is implicit: it holds no
//! signature of its own, and the signer's key follows from it and from the key of the authority that issued it
//! ([`Certificate::signer_key`]). So only the check of the file's signature tells whether the certificate is right.
//!
//! # What it is worth
//!
//! Suite 1 stands on the curve sect163k1, which is worth 80 bits; suite 2 on sect283k1. Both sign a digest of 128 bits,
//! for which two files of the same digest can be found in some 2^64 steps: who may prepare the file that a maker signs
//! can prepare another one with it. An [integrity code](integrity) proves nothing about who made a file.
//!
//! The rules of suite 1 are proven by a file that a vendor's tool signed. No file signed by suite 2 is public: that its
//! digest is the same hash follows from vendors' headers, and that r and s are big endian is by analogy with suite 1.
//!
//! The arithmetic here takes a time that depends on its input. It is for verification, where all input is public;
//! never sign with it. Signatures come from OpenSSL (`SigningKey`, feature `openssl`) or from a signer outside:
//! [`Sealing`] gives out the digest and takes back r and s.

use curve::{K163, K283};

use crate::file::Tag;

mod certificate;
mod curve;
pub mod integrity;
mod invalid;
mod key;
mod longer;
mod policy;
mod seal;
#[cfg(feature = "openssl")]
mod sign;
mod verify;

pub use certificate::{Certificate, Certificate1, Certificate2, KeyUsage};
pub use invalid::{BadSignature, Invalid};
pub use key::PublicKey;
pub use policy::{Authority, Policy, Signatures, Signers};
#[cfg(feature = "alloc")]
pub use seal::seal;
pub use seal::{SealError, Sealing};
#[cfg(feature = "openssl")]
pub use sign::{SignError, SigningKey};
pub use verify::{Valid, Verifier, VerifySignature, verify};

/// Which curve, and which elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// sect163k1; tags 0x0001 and 0x0002.
    One,
    /// sect283k1; tags 0x0005 and 0x0006.
    Two,
}

impl Suite {
    /// Both.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];

    /// Bytes of a signature: r and s.
    #[must_use]
    pub const fn signature_len(self) -> usize {
        match self {
            Self::One => 42,
            Self::Two => 72,
        }
    }

    /// The element that holds the certificate.
    #[must_use]
    pub const fn certificate_tag(self) -> Tag {
        match self {
            Self::One => Tag::ECDSA_CERTIFICATE,
            Self::Two => Tag::ECDSA_CERTIFICATE_2,
        }
    }

    /// The element that holds the signature.
    #[must_use]
    pub const fn signature_tag(self) -> Tag {
        match self {
            Self::One => Tag::ECDSA_SIGNATURE,
            Self::Two => Tag::ECDSA_SIGNATURE_2,
        }
    }

    /// Whether `signature` may be one: of this suite's length, r and s below the order of the group.
    #[must_use]
    pub fn allows(self, signature: &[u8]) -> bool {
        signature.len() == self.signature_len()
            && match self {
                Self::One => curve::in_range::<K163, 3>(signature),
                Self::Two => curve::in_range::<K283, 5>(signature),
            }
    }
}
