//! Signing by OpenSSL, whose arithmetic protects secret numbers against timing attacks (section 6.3.8.1).
//! Section numbers refer to ZigBee document 095264 (2011).
//!
//! A private key `d` is a number from 1 to the group order minus 1, big endian, in 21 bytes (suite 1) or 36 bytes
//! (suite 2). The private key belongs to a certificate if `d * G`, where `G` is the generator of the group, equals the
//! public key computed from the certificate and the key of the authority ([`Certificate::signer_key`]).

use core::fmt;

use alloc::vec::Vec;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcGroupRef, EcKey, EcPoint, EcPointRef, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::Private;

use super::file_signer::sign_file;
use super::{Authority, Certificate, PublicKey, SignFileError, Suite};
use crate::mmo::Digest;

/// Error of a [`SigningKey`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The length of the private key fits neither suite.
    #[error("a private key of {0} bytes; expected 21 (suite 1) or 36 (suite 2)")]
    KeyLength(usize),
    /// The private key is 0, or is not below the order of the group.
    #[error("the private key is 0, or not below the order of the group")]
    KeyRange,
    /// The private key does not belong to the certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The key of the authority, the key in the request and the fields of the certificate are of different suites.
    #[error("the authority's key, the request and the certificate are not of one suite")]
    SuiteMismatch,
    /// The Unix time at which the validity of a certificate begins exceeds the 40 bits of its field.
    #[error("valid from {0}: a certificate holds Unix seconds of 40 bits")]
    ValidFrom(u64),
    /// The linked OpenSSL was built without the curve of the suite.
    #[error("this OpenSSL has no curve {0}: it was built without binary curves")]
    NoCurve(&'static str),
    /// An OpenSSL function failed.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] ErrorStack),
    /// The signing failed because of the file, the certificate or the authority.
    #[error(transparent)]
    File(#[from] SignFileError),
}

/// Private key of a signer or of a certificate authority, held by OpenSSL.
#[derive(Clone)]
pub struct SigningKey {
    pub(super) key: EcKey<Private>,
    public: PublicKey,
}

/// `Debug` writes only the public key, because the private key is secret.
impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Generates a private key from the random numbers of OpenSSL.
    ///
    /// # Errors
    /// Fails with [`SigningKeyError::NoCurve`] if OpenSSL was built without the curve, and with
    /// [`SigningKeyError::OpenSsl`] if an OpenSSL function fails.
    pub fn generate(suite: Suite) -> Result<Self, SigningKeyError> {
        let key = EcKey::generate(&*group(suite)?)?;
        let public = compressed(key.group(), key.public_key(), &mut BigNumContext::new()?)?;
        Ok(Self { key, public })
    }

    /// Reads a private key: 21 bytes are a key of suite 1, 36 bytes of suite 2.
    ///
    /// # Errors
    /// Fails with [`SigningKeyError::KeyLength`] if the length fits neither suite, with [`SigningKeyError::KeyRange`]
    /// if the number is 0 or is not below the order of the group, and with [`SigningKeyError::NoCurve`] if OpenSSL was
    /// built without the curve of the suite.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SigningKeyError> {
        let group = group(match bytes.len() {
            21 => Suite::One,
            36 => Suite::Two,
            length => return Err(SigningKeyError::KeyLength(length)),
        })?;
        let (mut order, mut context) = (BigNum::new()?, BigNumContext::new_secure()?);
        group.order(&mut order, &mut context)?;
        let mut number = BigNum::new_secure()?;
        number.copy_from_slice(bytes)?;
        if *number >= *order {
            return Err(SigningKeyError::KeyRange);
        }
        Self::from_number(&group, number)
    }

    /// Creates the key from a private number that is below the order of `group`.
    pub(super) fn from_number(group: &EcGroupRef, mut number: BigNum) -> Result<Self, SigningKeyError> {
        if number.num_bits() == 0 {
            return Err(SigningKeyError::KeyRange);
        }
        number.set_const_time();
        // The key holds a copy of the private number; OpenSSL clears the copy when the key is freed.
        let (mut point, mut context) = (EcPoint::new(group)?, BigNumContext::new_secure()?);
        point.mul_generator2(group, &number, &mut context)?;
        let key = EcKey::from_private_components(group, &number, &point);
        number.clear();
        let public = compressed(group, &point, &mut context)?;
        Ok(Self { key: key?, public })
    }

    /// Returns the private key: 21 bytes for suite 1, 36 bytes for suite 2. The caller must keep the bytes of the
    /// private key secret.
    ///
    /// # Errors
    /// Fails with [`SigningKeyError::OpenSsl`] if an OpenSSL function fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SigningKeyError> {
        Ok(self.key.private_key().to_vec_padded(width(self.public.suite()))?)
    }

    /// Returns the public key that belongs to the private key.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Computes the public key of the authority that issued `certificate` for this private key. For a given certificate
    /// and private key, at most one public key of an authority fits.
    ///
    /// The method is for a signer that does not know the key of the authority. The returned authority does not prove
    /// that the private key is right: for a wrong private key, the method returns a wrong key of the authority, not an
    /// error.
    ///
    /// # Errors
    /// Fails with [`SigningKeyError::KeyMismatch`] if the suites of certificate and private key differ, or if the
    /// authority's key would be the point at infinity. Fails with [`SignFileError::InvalidKey`] if the reconstruction
    /// point of the certificate is no point of the curve, and with [`SigningKeyError::OpenSsl`] if an OpenSSL function
    /// fails.
    pub fn derive_authority(&self, certificate: &Certificate<'_>) -> Result<Authority, SigningKeyError> {
        if certificate.suite() != self.public.suite() {
            return Err(SigningKeyError::KeyMismatch);
        }
        let (group, mut context) = (self.key.group(), BigNumContext::new()?);
        // All numbers from here on are public.
        let point = EcPoint::from_bytes(group, certificate.reconstruction_point(), &mut context);
        let point = point.map_err(|_| SignFileError::InvalidKey)?;
        let digest = BigNum::from_slice(&certificate.digest())?;
        let mut product = EcPoint::new(group)?;
        product.mul2(group, &point, &digest, &mut context)?;
        product.invert2(group, &mut context)?;
        let mut sum = EcPoint::new(group)?;
        sum.add(group, self.key.public_key(), &product, &mut context)?;
        let key = compressed(group, &sum, &mut context)?;
        Ok(Authority { issuer: certificate.issuer(), key })
    }

    /// Signs a digest. Returns r, then s, both big endian, each padded with leading zeros to 21 bytes (suite 1) or 36
    /// bytes (suite 2).
    ///
    /// # Errors
    /// Fails with [`SigningKeyError::OpenSsl`] if an OpenSSL function fails.
    pub fn sign_digest(&self, digest: &Digest) -> Result<Vec<u8>, SigningKeyError> {
        let width = width(self.public.suite());
        let signature = EcdsaSig::sign(digest, &self.key)?;
        let mut bytes = signature.r().to_vec_padded(width)?;
        bytes.extend(signature.s().to_vec_padded(width)?);
        Ok(bytes)
    }

    /// Returns the signed form of `file`, with `certificate` and a signature by this key as its last two elements.
    ///
    /// # Errors
    /// Fails with [`SigningKeyError::KeyMismatch`] if the key does not belong to the certificate, with the errors of
    /// [`FileSigner`](super::FileSigner), and with [`SigningKeyError::OpenSsl`] if an OpenSSL function fails.
    pub fn sign_file(
        &self,
        file: &[u8],
        certificate: &Certificate<'_>,
        authority: &Authority,
    ) -> Result<Vec<u8>, SigningKeyError> {
        sign_file(file, certificate, authority, |digest| {
            // `FileSigner` has checked that certificate and authority yield a key.
            if certificate.signer_key(&authority.key) != Some(self.public) {
                return Err(SigningKeyError::KeyMismatch);
            }
            self.sign_digest(&digest)
        })
    }
}

/// Returns the length in bytes of a private key, which is also the length of r and of s.
pub(super) const fn width(suite: Suite) -> i32 {
    match suite {
        Suite::One => 21,
        Suite::Two => 36,
    }
}

fn group(suite: Suite) -> Result<EcGroup, SigningKeyError> {
    let (curve, name) = match suite {
        Suite::One => (Nid::SECT163K1, "sect163k1"),
        Suite::Two => (Nid::SECT283K1, "sect283k1"),
    };
    EcGroup::from_curve_name(curve).map_err(|_| SigningKeyError::NoCurve(name))
}

/// Converts a point to a public key. The point at infinity has no public key.
pub(super) fn compressed(
    group: &EcGroupRef,
    point: &EcPointRef,
    context: &mut BigNumContext,
) -> Result<PublicKey, SigningKeyError> {
    let bytes = point.to_bytes(group, PointConversionForm::COMPRESSED, context)?;
    PublicKey::from_bytes(&bytes).ok_or(SigningKeyError::KeyMismatch)
}
