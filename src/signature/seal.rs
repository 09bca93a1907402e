//! Signing, as far as it needs no secret (section 6.3.8.1): the elements, the digest, and room for the signature of a
//! signer outside, who has the private key.
//!
//! ```text
//! | header, total size anew | elements | certificate | tag, length, signer | r, s |
//! |<--------------------- the digest is over this ------------------------>| attach
//! ```

use super::integrity::{self, Integrity};
use super::invalid::Invalid;
use super::longer::Longer;
use super::policy::Authority;
use super::verify::{VerifySignature, usable};
use super::{Certificate, Suite};
use crate::codec::Encode;
use crate::error::{DecodeError, EncodeError};
use crate::file::{CertificateElement, Element, Image, SignatureElement, Tag};
use crate::mmo::{self, Digest, Software, TooLong};

/// Why a file is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It is not exactly one file by the letter.
    #[error(transparent)]
    File(#[from] DecodeError),
    /// It has a certificate or a signature.
    #[error("the file has a certificate or a signature")]
    Signed,
    /// It does not end in a certificate and room for a signature of its suite.
    #[error("the file does not end in a certificate and room for a signature by it")]
    NotPrepared,
    /// The certificate was issued by another authority, or is of another suite than its key.
    #[error("the certificate is not of this authority")]
    OtherIssuer,
    /// No signature by the certificate counts: it is of another kind than its suite knows, or not for signatures.
    #[error(transparent)]
    Certificate(Invalid),
    /// The certificate's point or the authority's key is no point of the group.
    #[error("a key is no point of the curve")]
    Point,
    /// The signature is not one of this digest by the certificate's key: perhaps the signer's key does not belong to the
    /// certificate.
    #[error("the signature is not one of this file by the certificate's key")]
    WrongSignature,
    /// The buffer is too small; nothing was written.
    #[error(transparent)]
    Room(#[from] EncodeError),
    /// 512 MiB or more.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// A file that is complete but for its signature, whose bytes are zero.
///
/// ```
/// # use zigbee_ota::signature::{Authority, Certificate, PublicKey, SealError, Sealing};
/// fn sign<'a>(
///     file: &[u8],
///     certificate: &Certificate<'_>,
///     authority: &Authority,
///     ask_the_signer: impl Fn([u8; 16]) -> [u8; 42],
///     out: &'a mut [u8],
/// ) -> Result<usize, SealError> {
///     let sealing = Sealing::new(file, certificate, authority, out)?;
///     let signature = ask_the_signer(sealing.digest());
///     sealing.attach(&signature)
/// }
/// ```
#[derive(Debug)]
pub struct Sealing<'a> {
    /// All but the signature.
    signed: &'a [u8],
    certificate: Certificate<'a>,
    authority: Authority,
    digest: Digest,
    /// Room for r and s.
    signature: &'a mut [u8],
}

impl<'a> Sealing<'a> {
    /// Bytes of a signed file that has `len` bytes without certificate and signature.
    #[must_use]
    pub const fn len(len: usize, suite: Suite) -> usize {
        let added = match suite {
            Suite::One => 110,
            Suite::Two => 166,
        };
        len.saturating_add(added)
    }

    /// Writes `file` to the start of `out` with the certificate and an empty signature after its last element, and the
    /// size of all that in its header. An integrity code counts that size: one that is right is written anew in its own
    /// form, and stays right.
    ///
    /// # Errors
    /// When `file` is not exactly one unsigned file by the letter, the certificate not one of this authority or not for
    /// signatures, a key no point, or `out` too small: then `out` is untouched.
    pub fn new(
        file: &[u8],
        certificate: &Certificate<'_>,
        authority: &Authority,
        out: &'a mut [u8],
    ) -> Result<Self, SealError> {
        let image = Image::parse(file)?;
        let signed = |tag| Suite::ALL.iter().any(|suite| tag == suite.certificate_tag());
        if image.is_signed() || image.elements().any(|at| signed(at.element.tag)) {
            return Err(SealError::Signed);
        }
        let code = image.find(Tag::IMAGE_INTEGRITY_CODE).next();
        let code = code.map(|code| (code.offset, Integrity::of(&image)));
        check(certificate, authority)?;
        // The signer, little endian, then room for r and s.
        let mut data = [0; 80];
        let signer = certificate.subject().0.to_le_bytes();
        data.iter_mut().zip(signer).for_each(|(room, byte)| *room = byte);
        let data = data.get(..signer.len().saturating_add(certificate.suite().signature_len()));
        let signature = Element { tag: certificate.suite().signature_tag(), data: data.unwrap_or_default() };
        let added = [certificate.element().element(), signature];
        mmo::fits(Self::len(file.len(), certificate.suite()))?;
        let len = Longer::new(&image, &added)?.encode(out)?;
        if let Some((start, Integrity::Ok(form))) = code {
            integrity::write(out, start, form)?;
        }
        Self::resume(out.get_mut(..len).unwrap_or_default(), authority)
    }

    /// Goes on with a file that [`new`](Self::new) wrote, whatever stands in the room for the signature.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn resume(file: &'a mut [u8], authority: &Authority) -> Result<Self, SealError> {
        let (suite, signer) = match Image::parse(file)?.signature()? {
            Some(SignatureElement::Suite1 { signer, .. }) => (Suite::One, signer),
            Some(SignatureElement::Suite2 { signer, .. }) => (Suite::Two, signer),
            None => return Err(SealError::NotPrepared),
        };
        let signed = file.len().saturating_sub(suite.signature_len());
        let (signed, signature) = file.split_at_mut_checked(signed).unwrap_or_default();
        let signed: &'a [u8] = signed;
        let certificate = certificate(signed, suite).filter(|certificate| certificate.subject() == signer);
        let certificate = certificate.ok_or(SealError::NotPrepared)?;
        check(&certificate, authority)?;
        Ok(Self { certificate, authority: *authority, digest: mmo::digest(signed)?, signed, signature })
    }

    /// What the signer signs, as a big-endian number.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The certificate that the file carries.
    #[must_use]
    pub const fn certificate(&self) -> Certificate<'a> {
        self.certificate
    }

    /// Puts the signature in: r, then s, big endian, each as wide as the suite asks for, with zeros before it. Returns
    /// the length of the signed file.
    ///
    /// # Errors
    /// [`SealError::WrongSignature`] when the file would not verify: then the room for the signature is untouched.
    pub fn attach(self, signature: &[u8]) -> Result<usize, SealError> {
        let suite = self.certificate.suite();
        if !suite.allows(signature) {
            return Err(SealError::WrongSignature);
        }
        let key = &self.authority.key;
        // That the keys are points was seen to before.
        Software
            .verify(suite, &self.digest, &self.certificate, key, signature)
            .map_err(|_| SealError::WrongSignature)?;
        self.signature.iter_mut().zip(signature).for_each(|(room, byte)| *room = *byte);
        Ok(self.signed.len().saturating_add(self.signature.len()))
    }
}

/// The signed form of `file`, with the signature that `signer` gives for a digest: r, then s, as of
/// [`Sealing::attach`].
///
/// # Errors
/// Those of [`Sealing`], and those of `signer`.
#[cfg(feature = "alloc")]
pub fn seal<S: AsRef<[u8]>, E: From<SealError>>(
    file: &[u8],
    certificate: &Certificate<'_>,
    authority: &Authority,
    signer: impl FnOnce(Digest) -> Result<S, E>,
) -> Result<alloc::vec::Vec<u8>, E> {
    let mut out = alloc::vec![0; Sealing::len(file.len(), certificate.suite())];
    let sealing = Sealing::new(file, certificate, authority, &mut out)?;
    let signature = signer(sealing.digest())?;
    sealing.attach(signature.as_ref())?;
    Ok(out)
}

/// The certificate of a suite in a file without the bytes of its signature.
fn certificate(signed: &[u8], suite: Suite) -> Option<Certificate<'_>> {
    let image = Image::parse_lenient(signed).ok()?;
    let at = image.find(suite.certificate_tag()).next()?;
    CertificateElement::parse(&at).ok()?.map(Certificate::from)
}

/// Whether a certificate is one of an authority and for signatures, and the keys are points.
fn check(certificate: &Certificate<'_>, authority: &Authority) -> Result<(), SealError> {
    if certificate.issuer() != authority.issuer || certificate.suite() != authority.key.suite() {
        return Err(SealError::OtherIssuer);
    }
    usable(certificate, None).map_err(SealError::Certificate)?;
    certificate.signer_key(&authority.key).map(|_| ()).ok_or(SealError::Point)
}
