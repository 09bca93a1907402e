//! Implicit certificates (ECQV; Smart Energy profile, annex C). All numbers in a certificate are big endian.
//!
//! A certificate of suite 1 has 48 bytes:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 22 | reconstruction point, compressed |
//! | 22 | 8 | subject, IEEE address |
//! | 30 | 8 | issuer, IEEE address |
//! | 38 | 10 | attributes of the profile |
//!
//! A certificate of suite 2 has 74 bytes:
//!
//! | offset | size | field | unit or value |
//! |---|---|---|---|
//! | 0 | 1 | type | 0: implicit, no extensions |
//! | 1 | 8 | serial number | |
//! | 9 | 1 | curve | 0x0D: sect283k1 |
//! | 10 | 1 | hash | 0x08: AES-MMO |
//! | 11 | 8 | issuer | IEEE address |
//! | 19 | 5 | valid from | Unix seconds |
//! | 24 | 4 | valid for | seconds; 0xFFFFFFFF = without end |
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

/// Layout of a suite 1 certificate.
#[derive(Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Layout1 {
    pub point: [u8; 22],
    pub subject: U64,
    pub issuer: U64,
    pub attributes: [u8; 10],
}

/// Layout of a suite 2 certificate.
#[derive(Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Layout2 {
    pub kind: u8,
    pub serial: U64,
    pub curve: u8,
    pub hash: u8,
    pub issuer: U64,
    pub valid_from: [u8; 5],
    pub valid_for: U32,
    pub subject: U64,
    pub key_usage: u8,
    pub point: [u8; 37],
}

impl Layout2 {
    /// Value of the type field of a certificate that is implicit and has no extensions.
    pub(super) const IMPLICIT: u8 = 0;
    /// Curve sect283k1.
    pub(super) const SECT283K1: u8 = 0x0d;
    /// Hash AES-MMO.
    pub(super) const AES_MMO: u8 = 0x08;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout<'a> {
    Suite1(&'a Layout1),
    Suite2(&'a Layout2),
}

/// Key usage of a suite 2 certificate: a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeyUsage(pub u8);

impl KeyUsage {
    /// The key may sign; the key of a signer must have this usage.
    pub const DIGITAL_SIGNATURE: Self = Self(0x80);
    /// The key may establish a shared key with a peer.
    pub const KEY_AGREEMENT: Self = Self(0x08);

    /// Whether all bits of `other` are set in `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Certificate, held in its encoded form. A certificate binds a public key to the IEEE address of its subject, on
/// behalf of the authority that issued it.
///
/// Serde represents a certificate as its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate<'a>(Layout<'a>);

impl<'a> Certificate<'a> {
    /// Reads a certificate: 48 bytes are a certificate of suite 1, 74 bytes of suite 2. Returns `None` if the length is
    /// neither 48 nor 74 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        match (Layout1::ref_from_bytes(bytes), Layout2::ref_from_bytes(bytes)) {
            (Ok(certificate), _) => Some(Self(Layout::Suite1(certificate))),
            (_, Ok(certificate)) => Some(Self(Layout::Suite2(certificate))),
            _ => None,
        }
    }

    /// Returns the encoded certificate: 48 bytes for suite 1, 74 bytes for suite 2.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        match self.0 {
            Layout::Suite1(certificate) => certificate.as_bytes(),
            Layout::Suite2(certificate) => certificate.as_bytes(),
        }
    }

    /// Returns the file element that holds the certificate.
    #[must_use]
    pub fn element(&self) -> CertificateElement<'a> {
        match self.0 {
            Layout::Suite1(certificate) => CertificateElement::Suite1(zerocopy::transmute_ref!(certificate)),
            Layout::Suite2(certificate) => CertificateElement::Suite2(zerocopy::transmute_ref!(certificate)),
        }
    }

    /// Returns the suite of the certificate.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self.0 {
            Layout::Suite1(_) => Suite::One,
            Layout::Suite2(_) => Suite::Two,
        }
    }

    /// Returns the IEEE address of the certificate's subject, the owner of the certified key. The signer's address in
    /// the signature element of the file must equal the address of the certificate's subject.
    #[must_use]
    pub const fn subject(&self) -> Eui64 {
        Eui64(match self.0 {
            Layout::Suite1(certificate) => certificate.subject.get(),
            Layout::Suite2(certificate) => certificate.subject.get(),
        })
    }

    /// Returns the IEEE address of the authority that issued the certificate.
    #[must_use]
    pub const fn issuer(&self) -> Eui64 {
        Eui64(match self.0 {
            Layout::Suite1(certificate) => certificate.issuer.get(),
            Layout::Suite2(certificate) => certificate.issuer.get(),
        })
    }

    /// Returns the attributes that the application profile adds to a certificate of suite 1, or `None` for suite 2.
    #[must_use]
    pub const fn attributes(&self) -> Option<&'a [u8; 10]> {
        match self.0 {
            Layout::Suite1(certificate) => Some(&certificate.attributes),
            Layout::Suite2(_) => None,
        }
    }

    /// Returns the serial number that the issuer assigned, or `None` for suite 1.
    #[must_use]
    pub fn serial(&self) -> Option<u64> {
        self.suite_2().map(|certificate| certificate.serial.get())
    }

    /// Returns the Unix time, in seconds, at which the validity of the certificate begins, or `None` for suite 1, whose
    /// certificates hold no times.
    #[must_use]
    pub fn valid_from(&self) -> Option<u64> {
        let bytes = self.suite_2()?.valid_from;
        Some(bytes.iter().fold(0, |time: u64, byte| time.wrapping_shl(8) | u64::from(*byte)))
    }

    /// Returns the Unix time, in seconds, at which the certificate expires, or `None` for a certificate that never
    /// expires, and for suite 1, whose certificates hold no times.
    #[must_use]
    pub fn valid_until(&self) -> Option<u64> {
        let seconds = self.suite_2()?.valid_for.get();
        self.valid_from().filter(|_| seconds != u32::MAX).map(|from| from.saturating_add(seconds.into()))
    }

    /// Returns the key usage, or `None` for suite 1, whose certificates do not restrict the usage.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.suite_2().map(|certificate| KeyUsage(certificate.key_usage))
    }

    /// Whether type, curve and hash have the values that the suite defines; always `true` for suite 1, because a
    /// certificate of suite 1 has none of these fields.
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        match self.0 {
            Layout::Suite1(_) => true,
            Layout::Suite2(Layout2 { kind, curve, hash, .. }) => {
                matches!((*kind, *curve, *hash), (Layout2::IMPLICIT, Layout2::SECT283K1, Layout2::AES_MMO))
            }
        }
    }

    const fn suite_2(&self) -> Option<&'a Layout2> {
        match self.0 {
            Layout::Suite1(_) => None,
            Layout::Suite2(certificate) => Some(certificate),
        }
    }

    /// Returns the reconstruction point in compressed form, from which the subject's key is computed.
    #[must_use]
    pub const fn reconstruction_point(&self) -> &'a [u8] {
        match self.0 {
            Layout::Suite1(certificate) => &certificate.point,
            Layout::Suite2(certificate) => &certificate.point,
        }
    }

    /// Returns the digest of all bytes of the certificate.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // A certificate of at most 74 bytes is never too long for a digest.
        mmo::digest(self.as_bytes()).unwrap_or_default()
    }

    /// Computes the subject's public key: `digest * reconstruction point + issuer`.
    ///
    /// Returns `None` if the reconstruction point or `issuer` is not a point of the group, or if `issuer` is a key of
    /// the other suite. The returned key does not prove that the certificate is genuine, because every certificate
    /// yields some key. Only a valid signature by the returned key proves that `issuer` issued the certificate.
    #[must_use]
    pub fn signer_key(&self, issuer: &PublicKey) -> Option<PublicKey> {
        match (self.0, issuer) {
            (Layout::Suite1(_), PublicKey::Suite1(issuer)) => self.signer_1(issuer).map(PublicKey::from),
            (Layout::Suite2(_), PublicKey::Suite2(issuer)) => self.signer_2(issuer).map(PublicKey::from),
            _ => None,
        }
    }

    /// Whether `signature` is a signature of `digest` by the subject's key; `None` if [`signer_key`](Self::signer_key)
    /// returns `None`.
    pub(super) fn verify(&self, issuer: &PublicKey, digest: &Digest, signature: &[u8]) -> Option<bool> {
        match (self.0, issuer) {
            (Layout::Suite1(_), PublicKey::Suite1(issuer)) => {
                let key = self.signer_1(issuer)?;
                Some(curve::verify::<K163, 3>(&key, digest, signature))
            }
            (Layout::Suite2(_), PublicKey::Suite2(issuer)) => {
                let key = self.signer_2(issuer)?;
                Some(curve::verify::<K283, 5>(&key, digest, signature))
            }
            _ => None,
        }
    }

    fn signer_1(&self, issuer: &[u8; 22]) -> Option<Affine<3>> {
        curve::implicit::<K163, 3>(&self.digest(), self.reconstruction_point(), issuer)
    }

    fn signer_2(&self, issuer: &[u8; 37]) -> Option<Affine<5>> {
        curve::implicit::<K283, 5>(&self.digest(), self.reconstruction_point(), issuer)
    }
}

impl<'a> From<CertificateElement<'a>> for Certificate<'a> {
    fn from(element: CertificateElement<'a>) -> Self {
        Self(match element {
            CertificateElement::Suite1(bytes) => Layout::Suite1(zerocopy::transmute_ref!(bytes)),
            CertificateElement::Suite2(bytes) => Layout::Suite2(zerocopy::transmute_ref!(bytes)),
        })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Certificate<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        crate::serde_bytes::serialize(self.as_bytes(), to)
    }
}

#[cfg(feature = "serde")]
impl<'de: 'a, 'a> serde::Deserialize<'de> for Certificate<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = crate::serde_bytes::deserialize(from)?;
        Self::from_bytes(bytes)
            .ok_or_else(|| serde::de::Error::invalid_length(bytes.len(), &"48 or 74 bytes of a certificate"))
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Certificate<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Certificate({=[u8]:02x})", self.as_bytes());
    }
}
