//! Implicit certificates issued by a certificate authority (ECQV; SEC 4, section 2), with the arithmetic of OpenSSL.
//!
//! ```text
//! subject                                          authority, private key d
//!
//! random number u, request u * G  --- request -->  random number k
//!                                                  certificate with the point u * G + k * G
//!                                                  e = digest of the certificate
//! private key r + e * u         <- certificate, r  r = e * k + d
//! ```
//!
//! `G` is the generator of the group; private keys and r are numbers modulo the order of the group. The subject's
//! public key is `e * point + d * G`, where `d * G` is the public key of the authority, as [`Certificate::signer_key`]
//! computes it. The number r in the answer of the authority need not be secret, because the private key cannot be
//! computed from r without the secret number u of the subject.
//!
//! `SigningKey::issue` is for a certificate authority that you run yourself, for example to test a build server, a
//! gateway or a device without the keys of a manufacturer. OpenSSL promises constant time for the multiplication of
//! points, but not for the multiplication and the addition of numbers in `e * k + d`. Because the time of an operation
//! may depend on the private key, the private key of a manufacturer's authority belongs in hardware that is built to
//! protect private keys.

use alloc::vec::Vec;
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::ec::{EcGroupRef, EcKey, EcPoint};
use zerocopy::IntoBytes;

use super::certificate::{Layout1, Layout2};
use super::signing_key::{compressed, width};
use super::{Authority, Certificate, KeyUsage, PublicKey, SignFileError, SigningKey, SigningKeyError, Suite};
use crate::mmo::{self, Digest};
use crate::types::Eui64;

/// Fields of a certificate to issue: all but the reconstruction point, which [`SigningKey::issue`] computes.
// Exhaustive: a certificate of either suite has these fields and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CertificateFields {
    /// Fields of a certificate of 48 bytes, on the curve sect163k1.
    Suite1 {
        /// IEEE address of the key's owner.
        subject: Eui64,
        /// IEEE address of the authority.
        issuer: Eui64,
        /// Attributes that the application profile adds to the certificate. The attributes of the Smart Energy profile
        /// begin with the id of this profile, `01 09`.
        attributes: [u8; 10],
    },
    /// Fields of a certificate of 74 bytes, on the curve sect283k1.
    Suite2 {
        /// IEEE address of the key's owner.
        subject: Eui64,
        /// IEEE address of the authority.
        issuer: Eui64,
        /// Serial number, by which an authority tells its certificates apart.
        serial: u64,
        /// Unix time, in seconds, at which the validity of the certificate begins; at most 40 bits.
        valid_from: u64,
        /// Duration of the validity in seconds; 0xFFFFFFFF means that the certificate never expires.
        valid_for: u32,
        /// Usage of the key; the key of a signer needs [`KeyUsage::DIGITAL_SIGNATURE`].
        key_usage: KeyUsage,
    },
}

impl CertificateFields {
    /// Returns the suite of the certificate.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self {
            Self::Suite1 { .. } => Suite::One,
            Self::Suite2 { .. } => Suite::Two,
        }
    }

    /// Encodes the certificate with its reconstruction point.
    fn certificate(&self, point: PublicKey) -> Result<Vec<u8>, SigningKeyError> {
        match (*self, point) {
            (Self::Suite1 { subject, issuer, attributes }, PublicKey::Suite1(point)) => {
                let (subject, issuer) = (subject.0.into(), issuer.0.into());
                Ok(Layout1 { point, subject, issuer, attributes }.as_bytes().to_vec())
            }
            (
                Self::Suite2 { subject, issuer, serial, valid_from, valid_for, key_usage },
                PublicKey::Suite2(point),
            ) => {
                let [0, 0, 0, from @ ..] = valid_from.to_be_bytes() else {
                    return Err(SigningKeyError::ValidFrom(valid_from));
                };
                let certificate = Layout2 {
                    kind: Layout2::IMPLICIT,
                    serial: serial.into(),
                    curve: Layout2::SECT283K1,
                    hash: Layout2::AES_MMO,
                    issuer: issuer.0.into(),
                    valid_from: from,
                    valid_for: valid_for.into(),
                    subject: subject.0.into(),
                    key_usage: key_usage.0,
                    point,
                };
                Ok(certificate.as_bytes().to_vec())
            }
            _ => Err(SigningKeyError::SuiteMismatch),
        }
    }
}

/// Answer of an authority to a request: the certificate, and the number from which the subject computes its private key
/// ([`SigningKey::reconstruct`]).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuedCertificate {
    /// Certificate, 48 (suite 1) or 74 (suite 2) bytes; [`Certificate::from_bytes`] reads it.
    pub certificate: Vec<u8>,
    /// Private key reconstruction data of SEC 4: a number, big endian, in 21 (suite 1) or 36 (suite 2) bytes.
    pub reconstruction_data: Vec<u8>,
}

impl SigningKey {
    /// Issues a certificate, with this key as the private key of the authority.
    ///
    /// `request` is the public key of a key pair that the subject has [generated](Self::generate). From the generated
    /// key and the answer of the authority, the subject [computes](Self::reconstruct) the private key of the
    /// certificate; the generated key itself is not this private key.
    ///
    /// ```
    /// use zigbee_ota::Eui64;
    /// use zigbee_ota::signature::{Authority, Certificate, CertificateFields, SigningKey, Suite};
    ///
    /// let (issuer, subject) = (Eui64(0x1122_3344_5566_7701), Eui64(0x0012_4b00_aabb_ccdd));
    /// let ca = SigningKey::generate(Suite::One)?;
    /// let authority = Authority { issuer, key: ca.public_key() };
    ///
    /// let request = SigningKey::generate(Suite::One)?;
    /// let attributes = [0x01, 0x09, 0, 0, 0, 0, 0, 0, 0, 0];
    /// let fields = CertificateFields::Suite1 { subject, issuer, attributes };
    /// let issued = ca.issue(&request.public_key(), &fields)?;
    ///
    /// let certificate = Certificate::from_bytes(&issued.certificate).expect("48 bytes");
    /// let key = request.reconstruct(&certificate, &issued.reconstruction_data, &authority)?;
    /// assert_eq!(certificate.signer_key(&authority.key), Some(key.public_key()));
    /// # Ok::<(), zigbee_ota::signature::SigningKeyError>(())
    /// ```
    ///
    /// # Errors
    /// Fails with [`SigningKeyError::SuiteMismatch`] if this key, the key `request` and the fields of the certificate
    /// are not of the same suite. Fails with [`SignFileError::InvalidKey`] if the key `request` is no point of the
    /// group. Fails with [`SigningKeyError::ValidFrom`] if the start of the validity does not fit into 40 bits, and
    /// with [`SigningKeyError::OpenSsl`] if an OpenSSL function fails.
    pub fn issue(
        &self,
        request: &PublicKey,
        fields: &CertificateFields,
    ) -> Result<IssuedCertificate, SigningKeyError> {
        let (group, suite) = (self.key.group(), self.public_key().suite());
        if (request.suite(), fields.suite()) != (suite, suite) {
            return Err(SigningKeyError::SuiteMismatch);
        }
        // A certificate with a point outside of the group yields no key.
        if !request.is_valid() {
            return Err(SignFileError::InvalidKey.into());
        }
        let (own, mut context) = (EcKey::generate(group)?, BigNumContext::new()?);
        let request = EcPoint::from_bytes(group, request.as_bytes(), &mut context)?;
        let mut point = EcPoint::new(group)?;
        point.add(group, &request, own.public_key(), &mut context)?;
        let certificate = fields.certificate(compressed(group, &point, &mut context)?)?;
        let digest = mmo::digest(&certificate).map_err(SignFileError::from)?;
        let data = multiply_add(group, &digest, own.private_key(), self.key.private_key())?;
        Ok(IssuedCertificate { certificate, reconstruction_data: data.to_vec_padded(width(suite))? })
    }

    /// Computes the private key of a certificate that an authority issued for the public key of `self`.
    ///
    /// # Errors
    /// Fails with [`SignFileError::IssuerMismatch`] if `authority` is not the issuer of the certificate, and with
    /// [`SigningKeyError::KeyMismatch`] if certificate and reconstruction data are not the authority's answer to the
    /// public key of `self`.
    pub fn reconstruct(
        &self,
        certificate: &Certificate<'_>,
        reconstruction_data: &[u8],
        authority: &Authority,
    ) -> Result<Self, SigningKeyError> {
        let suite = certificate.suite();
        if certificate.issuer() != authority.issuer || suite != authority.key.suite() {
            return Err(SignFileError::IssuerMismatch.into());
        }
        if self.public_key().suite() != suite {
            return Err(SigningKeyError::KeyMismatch);
        }
        let (group, data) = (self.key.group(), BigNum::from_slice(reconstruction_data)?);
        let number = multiply_add(group, &certificate.digest(), self.key.private_key(), &data)?;
        let key = Self::from_number(group, number)?;
        if certificate.signer_key(&authority.key) != Some(key.public_key()) {
            return Err(SigningKeyError::KeyMismatch);
        }
        Ok(key)
    }
}

/// Computes `digest * factor + summand` modulo the order of the group.
fn multiply_add(
    group: &EcGroupRef,
    digest: &Digest,
    factor: &BigNumRef,
    summand: &BigNumRef,
) -> Result<BigNum, SigningKeyError> {
    let (mut order, mut context) = (BigNum::new()?, BigNumContext::new_secure()?);
    group.order(&mut order, &mut context)?;
    let digest = BigNum::from_slice(digest)?;
    let [mut product, mut sum] = [BigNum::new_secure()?, BigNum::new_secure()?];
    product.mod_mul(&digest, factor, &order, &mut context)?;
    sum.mod_add(&product, summand, &order, &mut context)?;
    Ok(sum)
}
