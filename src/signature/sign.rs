//! Signatures by OpenSSL, whose arithmetic is made for numbers that are secret (section 6.3.8.1).
//!
//! A private key `d` is a number from 1 to the order less 1, big endian, in 21 bytes (suite 1) or 36 (suite 2). It
//! belongs to a certificate when `d * G`, with the generator `G` of the group, is the key that follows from the
//! certificate and from the authority's key ([`Certificate::signer_key`]).

use core::fmt;

use alloc::vec::Vec;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcGroupRef, EcKey, EcPoint, EcPointRef, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::Private;

use super::seal::seal;
use super::{Authority, Certificate, PublicKey, SealError, Suite};
use crate::mmo::Digest;

/// Why there is no signature.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key has another length than those of both suites.
    #[error("a private key of {0} bytes; expected 21 (suite 1) or 36 (suite 2)")]
    KeyLength(usize),
    /// The key is 0, or not below the order of the group.
    #[error("the private key is 0, or not below the order of the group")]
    KeyRange,
    /// The key is another one than the certificate's.
    #[error("the private key does not belong to the certificate")]
    OtherKey,
    /// OpenSSL was built without the curve.
    #[error("this OpenSSL has no curve {0}: it was built without binary curves")]
    NoCurve(&'static str),
    /// OpenSSL failed.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] ErrorStack),
    /// The file, the certificate or the authority.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A private key, kept and used by OpenSSL.
#[derive(Clone)]
pub struct SigningKey {
    key: EcKey<Private>,
    public: PublicKey,
}

/// Shows the public key alone.
impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A key from its bytes, whose number tells the suite.
    ///
    /// # Errors
    /// [`SignError::KeyLength`], [`SignError::KeyRange`]; [`SignError::NoCurve`] by an OpenSSL without the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignError> {
        let group = group(match bytes.len() {
            21 => Suite::One,
            36 => Suite::Two,
            length => return Err(SignError::KeyLength(length)),
        })?;
        let (mut order, mut context) = (BigNum::new()?, BigNumContext::new_secure()?);
        group.order(&mut order, &mut context)?;
        let mut number = BigNum::new_secure()?;
        number.copy_from_slice(bytes)?;
        number.set_const_time();
        if number.num_bits() == 0 || *number >= *order {
            return Err(SignError::KeyRange);
        }
        // OpenSSL keeps its own copy of the number, which it wipes like this one.
        let mut point = EcPoint::new(&group)?;
        point.mul_generator2(&group, &number, &mut context)?;
        let key = EcKey::from_private_components(&group, &number, &point);
        number.clear();
        let public = compressed(&group, &point, &mut context)?;
        Ok(Self { key: key?, public })
    }

    /// The public key that belongs to it.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The only authority by whose key `certificate` is one of this key: who does not know the authority's key can
    /// sign, but cannot know whether key and certificate belong together.
    ///
    /// # Errors
    /// [`SignError::OtherKey`] when there is none, such as for a certificate of the other suite.
    pub fn authority(&self, certificate: &Certificate<'_>) -> Result<Authority, SignError> {
        if certificate.suite() != self.public.suite() {
            return Err(SignError::OtherKey);
        }
        let (group, mut context) = (self.key.group(), BigNumContext::new()?);
        // Nothing secret from here on.
        let point = EcPoint::from_bytes(group, certificate.reconstruction_point(), &mut context);
        let point = point.map_err(|_| SealError::Point)?;
        let digest = BigNum::from_slice(&certificate.digest())?;
        let mut product = EcPoint::new(group)?;
        product.mul2(group, &point, &digest, &mut context)?;
        product.invert2(group, &mut context)?;
        let mut sum = EcPoint::new(group)?;
        sum.add(group, self.key.public_key(), &product, &mut context)?;
        let key = compressed(group, &sum, &mut context)?;
        Ok(Authority { issuer: certificate.issuer(), key })
    }

    /// The signature of a digest: r, then s, big endian, each as wide as the suite asks for.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn sign(&self, digest: &Digest) -> Result<Vec<u8>, SignError> {
        let width = match self.public.suite() {
            Suite::One => 21,
            Suite::Two => 36,
        };
        let signature = EcdsaSig::sign(digest, &self.key)?;
        let mut bytes = signature.r().to_vec_padded(width)?;
        bytes.extend(signature.s().to_vec_padded(width)?);
        Ok(bytes)
    }

    /// The signed form of `file`: as of [`Sealing`](super::Sealing), with the signature by this key.
    ///
    /// # Errors
    /// [`SignError::OtherKey`] when this key is not the certificate's, those of [`Sealing`](super::Sealing), and when
    /// OpenSSL fails.
    pub fn seal(
        &self,
        file: &[u8],
        certificate: &Certificate<'_>,
        authority: &Authority,
    ) -> Result<Vec<u8>, SignError> {
        seal(file, certificate, authority, |digest| {
            // By now the authority's key is known to give one.
            if certificate.signer_key(&authority.key) != Some(self.public) {
                return Err(SignError::OtherKey);
            }
            self.sign(&digest)
        })
    }
}

fn group(suite: Suite) -> Result<EcGroup, SignError> {
    let (curve, name) = match suite {
        Suite::One => (Nid::SECT163K1, "sect163k1"),
        Suite::Two => (Nid::SECT283K1, "sect283k1"),
    };
    EcGroup::from_curve_name(curve).map_err(|_| SignError::NoCurve(name))
}

/// A point as a key; infinity is none.
fn compressed(
    group: &EcGroupRef,
    point: &EcPointRef,
    context: &mut BigNumContext,
) -> Result<PublicKey, SignError> {
    let bytes = point.to_bytes(group, PointConversionForm::COMPRESSED, context)?;
    PublicKey::from_bytes(&bytes).ok_or(SignError::OtherKey)
}
