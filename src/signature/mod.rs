//! Integrity codes, certificates and signatures of OTA files (sections 6.3.5, 6.3.6 and 6.3.8), computed with the hash
//! function of [`mmo`](crate::mmo). Sections refer to ZigBee document 095264 (2011).
//!
//! | task | item |
//! |---|---|
//! | verify a file before it is applied | [`verify`], or [`Verifier`] for a file in pieces |
//! | choose signers and authorities | [`VerifyPolicy`] |
//! | use ECDSA and AES of the chip | [`VerifySignature`], [`BlockCipher`](crate::mmo::BlockCipher) |
//! | sign a file with an external key | [`FileSigner`], `sign_file` |
//! | sign a file with OpenSSL | `SigningKey` (feature `openssl`) |
//! | issue certificates of an authority of one's own | `SigningKey::issue` (feature `openssl`) |
//! | add or check an integrity code | [`integrity`] |
//!
//! A signed file ends in two elements: the certificate and the signature. The signature covers all bytes from the start
//! of the file to the end of the signer's address, the total image size included. In the table below, the column
//! "signed" is "yes" for the bytes that the signature covers.
//!
//! | element | suite 1 | suite 2 | signed |
//! |---|---|---|---|
//! | header and other elements | any | any | yes |
//! | certificate: tag, length, certificate | `02 00`, 48 | `06 00`, 74 | yes |
//! | signature: tag, length, signer (8, little endian) | `01 00`, 50 | `05 00`, 80 | yes |
//! | rest of the signature: r, then s, big endian | 21 + 21 | 36 + 36 | no |
//! | bytes after the total image size | any | any | no |
//!
//! An accepted file is the first [`total_size`](crate::file::FileHeader::total_size) bytes of the verified bytes. No
//! signature covers the bytes after the accepted file, or the container around the file. If a caller stores, compares,
//! hashes or serves all verified bytes, the caller itself has to refuse an input with bytes after the accepted file.
//!
//! ECDSA signs the 16 bytes of the digest as a big-endian number. The certificate is implicit (ECQV): it holds no
//! signature of its own, and the signer's public key is computed from the certificate and from the public key of the
//! issuing authority ([`Certificate::signer_key`]). Every certificate yields some key, so only the signature of the
//! file proves that the authority issued the certificate.
//!
//! # Strength
//!
//! Suite 1 uses the curve sect163k1 (80 bits of security), suite 2 the curve sect283k1. Both suites sign a digest of
//! 128 bits, for which a collision takes about 2^64 steps: an attacker who prepares the file that a manufacturer signs
//! could prepare a second file with the same digest. An [integrity code](integrity) proves nothing about the origin of
//! a file.
//!
//! The rules of suite 1 are confirmed by a file that a vendor's tool signed. No file with a signature of suite 2 is
//! publicly available. Header files in the source code of vendors show that suite 2 uses the same hash function as
//! suite 1; r and s are assumed to be big endian as in suite 1.
//!
//! The running time of this crate's curve arithmetic depends on the input. The curve arithmetic of this crate suits the
//! verification of signatures, where all input is public, and must not be used to sign. Signatures come from OpenSSL
//! (`SigningKey`) or from an external signer: [`FileSigner`] returns the digest and accepts r and s.

use curve::{K163, K283};

use crate::file::Tag;

mod append_elements;
mod certificate;
#[cfg(feature = "openssl")]
mod certificate_issuance;
mod curve;
mod error;
mod file_signer;
pub mod integrity;
mod public_key;
#[cfg(feature = "openssl")]
mod signing_key;
mod verification_policy;
mod verify;

pub use certificate::{Certificate, KeyUsage};
#[cfg(feature = "openssl")]
pub use certificate_issuance::{CertificateFields, IssuedCertificate};
pub use error::{SignatureError, VerifyError};
#[cfg(feature = "alloc")]
pub use file_signer::sign_file;
pub use file_signer::{FileSigner, SignFileError};
pub use public_key::PublicKey;
#[cfg(feature = "openssl")]
pub use signing_key::{SigningKey, SigningKeyError};
pub use verification_policy::{AllowedSigners, Authority, SignatureRequirement, VerifyPolicy};
pub use verify::{Accepted, Verifier, VerifySignature, verify};

/// Crypto suite: the curve, and the tags of its certificate and signature elements.
// Exhaustive: the specification defines these two suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Suite {
    /// Curve sect163k1; tags 0x0001 (signature) and 0x0002 (certificate).
    One,
    /// Curve sect283k1; tags 0x0005 (signature) and 0x0006 (certificate).
    Two,
}

impl Suite {
    /// Both crypto suites, 1 and 2.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];

    /// Returns the length of a signature in bytes: r and s together.
    #[must_use]
    pub const fn signature_len(self) -> usize {
        match self {
            Self::One => 42,
            Self::Two => 72,
        }
    }

    /// Returns the tag of the certificate element.
    #[must_use]
    pub const fn certificate_tag(self) -> Tag {
        match self {
            Self::One => Tag::ECDSA_CERTIFICATE,
            Self::Two => Tag::ECDSA_CERTIFICATE_2,
        }
    }

    /// Returns the tag of the signature element.
    #[must_use]
    pub const fn signature_tag(self) -> Tag {
        match self {
            Self::One => Tag::ECDSA_SIGNATURE,
            Self::Two => Tag::ECDSA_SIGNATURE_2,
        }
    }

    /// Whether `signature` has the length of this suite, and both r and s are from 1 to the order of the group minus 1.
    #[must_use]
    pub fn allows(self, signature: &[u8]) -> bool {
        signature.len() == self.signature_len()
            && match self {
                Self::One => curve::in_range::<K163, 3>(signature),
                Self::Two => curve::in_range::<K283, 5>(signature),
            }
    }
}
