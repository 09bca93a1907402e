//! Implicit certificates (ECQV; Smart Energy profile, annex C). All numbers are big endian.
//!
//! Suite 1, 48 bytes:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 22 | reconstruction point, compressed |
//! | 22 | 8 | subject, IEEE address |
//! | 30 | 8 | issuer |
//! | 38 | 10 | attributes of the profile |
//!
//! Suite 2, 74 bytes:
//!
//! | offset | size | field | unit or value |
//! |---|---|---|---|
//! | 0 | 1 | type | 0: implicit, no extensions |
//! | 1 | 8 | serial number | |
//! | 9 | 1 | curve | 0x0D: sect283k1 |
//! | 10 | 1 | hash | 0x08: AES-MMO |
//! | 11 | 8 | issuer | |
//! | 19 | 5 | valid from | Unix seconds |
//! | 24 | 4 | valid for | seconds; 0xFFFFFFFF = for ever |
//! | 28 | 8 | subject | IEEE address |
//! | 36 | 1 | key usage | [`KeyUsage`] |
//! | 37 | 37 | reconstruction point, compressed | |

use zerocopy::big_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::curve::{self, Affine, K163, K283};
use super::{PublicKey, Suite};
use crate::file::CertificateElement;
use crate::mmo::{self, Digest};
use crate::types::Eui64;

/// A certificate of suite 1, in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Certificate1 {
    point: [u8; 22],
    subject: U64,
    issuer: U64,
    attributes: [u8; 10],
}

/// A certificate of suite 2, in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Certificate2 {
    kind: u8,
    serial: U64,
    curve: u8,
    hash: u8,
    issuer: U64,
    valid_from: [u8; 5],
    valid_for: U32,
    subject: U64,
    key_usage: u8,
    point: [u8; 37],
}

bitflags::bitflags! {
    /// What the key of a certificate is for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct KeyUsage: u8 {
        /// Signatures.
        const DIGITAL_SIGNATURE = 0x80;
        /// Agreeing on keys with a peer.
        const KEY_AGREEMENT = 0x08;
    }
}

/// A certificate: who holds which key, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate<'a> {
    /// Of suite 1.
    Suite1(&'a Certificate1),
    /// Of suite 2.
    Suite2(&'a Certificate2),
}

impl Certificate1 {
    /// What the profile adds; opaque here.
    #[must_use]
    pub const fn attributes(&self) -> &[u8; 10] {
        &self.attributes
    }
}

impl Certificate2 {
    /// The number that the issuer gave it.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.serial.get()
    }

    /// The first second it is valid in, in Unix time.
    #[must_use]
    pub fn valid_from(&self) -> u64 {
        self.valid_from.iter().fold(0, |time: u64, byte| time.wrapping_shl(8) | u64::from(*byte))
    }

    /// The first second it is not valid in any more, in Unix time; `None` when it is valid for ever.
    #[must_use]
    pub fn valid_until(&self) -> Option<u64> {
        let seconds = Some(self.valid_for.get()).filter(|seconds| *seconds != u32::MAX)?;
        Some(self.valid_from().saturating_add(seconds.into()))
    }

    /// What its key is for; only one for signatures may sign a file.
    #[must_use]
    pub const fn key_usage(&self) -> KeyUsage {
        KeyUsage::from_bits_retain(self.key_usage)
    }

    /// Whether type, curve and hash are those that suite 2 knows.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        matches!(self, Self { kind: 0, curve: 0x0d, hash: 0x08, .. })
    }
}

impl<'a> Certificate<'a> {
    /// A certificate from its bytes, whose number tells the suite; `None` when it is another number.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        match (Certificate1::ref_from_bytes(bytes), Certificate2::ref_from_bytes(bytes)) {
            (Ok(certificate), _) => Some(Self::Suite1(certificate)),
            (_, Ok(certificate)) => Some(Self::Suite2(certificate)),
            _ => None,
        }
    }

    /// Its bytes, as they stand in the element: 48 of suite 1, 74 of suite 2.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Suite1(certificate) => certificate.as_bytes(),
            Self::Suite2(certificate) => certificate.as_bytes(),
        }
    }

    /// The element that holds it.
    #[must_use]
    pub fn element(&self) -> CertificateElement<'a> {
        match self {
            Self::Suite1(certificate) => CertificateElement::Suite1(zerocopy::transmute_ref!(*certificate)),
            Self::Suite2(certificate) => CertificateElement::Suite2(zerocopy::transmute_ref!(*certificate)),
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

    /// Whose key it is: the IEEE address that the signature element has to name.
    #[must_use]
    pub const fn subject(&self) -> Eui64 {
        Eui64(match self {
            Self::Suite1(certificate) => certificate.subject.get(),
            Self::Suite2(certificate) => certificate.subject.get(),
        })
    }

    /// Which authority says so.
    #[must_use]
    pub const fn issuer(&self) -> Eui64 {
        Eui64(match self {
            Self::Suite1(certificate) => certificate.issuer.get(),
            Self::Suite2(certificate) => certificate.issuer.get(),
        })
    }

    /// The point that the subject's key follows from, compressed.
    #[must_use]
    pub const fn reconstruction_point(&self) -> &'a [u8] {
        match self {
            Self::Suite1(certificate) => &certificate.point,
            Self::Suite2(certificate) => &certificate.point,
        }
    }

    /// The digest of the whole certificate.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // So few bytes are never too long.
        mmo::digest(self.as_bytes()).unwrap_or_default()
    }

    /// The subject's key: the digest, as a big-endian number, times the reconstruction point, plus the key of the
    /// issuer. `None` when the point or the issuer's key is none of the group, or the key of another suite.
    ///
    /// Any certificate gives some key. Only a signature by it shows that the issuer made this certificate.
    #[must_use]
    pub fn signer_key(&self, issuer: &PublicKey) -> Option<PublicKey> {
        match self {
            Self::Suite1(certificate) => certificate.signer(issuer).map(PublicKey::from),
            Self::Suite2(certificate) => certificate.signer(issuer).map(PublicKey::from),
        }
    }

    /// Whether `signature` is one of `digest` by the subject's key; `None` when there is no such key.
    pub(super) fn verify(&self, issuer: &PublicKey, digest: &Digest, signature: &[u8]) -> Option<bool> {
        match self {
            Self::Suite1(certificate) => {
                let key = certificate.signer(issuer)?;
                Some(curve::verify::<K163, 3>(&key, digest, signature))
            }
            Self::Suite2(certificate) => {
                let key = certificate.signer(issuer)?;
                Some(curve::verify::<K283, 5>(&key, digest, signature))
            }
        }
    }
}

impl Certificate1 {
    fn signer(&self, issuer: &PublicKey) -> Option<Affine<3>> {
        let PublicKey::Suite1(issuer) = issuer else { return None };
        curve::implicit::<K163, 3>(&Certificate::Suite1(self).digest(), &self.point, issuer)
    }
}

impl Certificate2 {
    fn signer(&self, issuer: &PublicKey) -> Option<Affine<5>> {
        let PublicKey::Suite2(issuer) = issuer else { return None };
        curve::implicit::<K283, 5>(&Certificate::Suite2(self).digest(), &self.point, issuer)
    }
}

impl<'a> From<CertificateElement<'a>> for Certificate<'a> {
    fn from(element: CertificateElement<'a>) -> Self {
        match element {
            CertificateElement::Suite1(bytes) => Self::Suite1(zerocopy::transmute_ref!(bytes)),
            CertificateElement::Suite2(bytes) => Self::Suite2(zerocopy::transmute_ref!(bytes)),
        }
    }
}
