//! File signing with an external signer that holds the private key (section 6.3.8.1): certificate element, signature
//! element, the digest to sign, and insertion of the signature.
//! Section numbers refer to ZigBee document 095264 (2011).
//!
//! ```text
//! | header, total image size updated | elements | certificate | tag, length, signer | r, s |
//! |<------------------------- covered by the digest ------------------------------->| attach
//! ```

use super::append_elements::ExtendedFile;
use super::error::VerifyError;
use super::integrity::{self, IntegrityCode};
use super::verification_policy::Authority;
use super::verify::{VerifySignature, check_usable};
use super::{Certificate, Suite};
use crate::codec::Encode;
use crate::error::{DecodeError, EncodeError};
use crate::file::{CertificateElement, Element, Image, SignatureElement, Tag};
use crate::mmo::{self, Digest, MessageTooLong, SoftwareCrypto};

/// Reason why a file cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SignFileError {
    /// The input is not exactly one valid OTA file.
    #[error(transparent)]
    File(#[from] DecodeError),
    /// The file already has a certificate or a signature.
    #[error("the file has a certificate or a signature")]
    AlreadySigned,
    /// The file does not end in a certificate element and a signature element of the same suite and signer.
    #[error("the file does not end in a certificate and room for a signature by it")]
    NotPrepared,
    /// The issuer in the certificate is not the authority, or the suite of the certificate is not the suite of the
    /// authority's key.
    #[error("the certificate is not of this authority")]
    IssuerMismatch,
    /// The verification would refuse every signature by the key of this certificate, because the type, curve or hash of
    /// the certificate is unsupported, or because the key may not sign.
    #[error(transparent)]
    Certificate(VerifyError),
    /// The reconstruction point of the certificate, or the key of the authority, is not a point of the group.
    #[error("a key is no point of the curve")]
    InvalidKey,
    /// The signature does not match the digest of the file and the key of the certificate. A frequent cause of a
    /// mismatch is a private key that belongs to another certificate.
    #[error("the signature is not one of this file by the certificate's key")]
    SignatureMismatch,
    /// The output buffer is too small; nothing was written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The signed file would have 512 MiB or more.
    #[error(transparent)]
    TooLong(#[from] MessageTooLong),
}

/// File that lacks only the bytes of its signature, for an external signer such as a hardware security module.
///
/// ```
/// # use zigbee_ota::signature::{Authority, Certificate, PublicKey, SignFileError, FileSigner};
/// fn sign<'a>(
///     file: &[u8],
///     certificate: &Certificate<'_>,
///     authority: &Authority,
///     external_signer: impl Fn([u8; 16]) -> [u8; 42],
///     out: &'a mut [u8],
/// ) -> Result<usize, SignFileError> {
///     let signer = FileSigner::new(file, certificate, authority, out)?;
///     let signature = external_signer(signer.digest());
///     signer.attach(&signature)
/// }
/// ```
#[derive(Debug)]
pub struct FileSigner<'a> {
    /// All bytes of the file before r and s.
    signed: &'a [u8],
    certificate: Certificate<'a>,
    authority: Authority,
    digest: Digest,
    /// Part of the buffer that holds r and s.
    signature: &'a mut [u8],
}

impl<'a> FileSigner<'a> {
    /// Returns the length in bytes of the signed file, for an unsigned file of `len` bytes.
    #[must_use]
    pub const fn signed_len(len: usize, suite: Suite) -> usize {
        let added = match suite {
            Suite::One => 110,
            Suite::Two => 166,
        };
        len.saturating_add(added)
    }

    /// Writes `file` to the start of `out`, appends the certificate and a signature element whose r and s are 0, and
    /// updates the total image size.
    ///
    /// An integrity code covers the total image size. If `file` has a matching integrity code, the method recomputes
    /// the code in the same form ([`CodeForm`](super::integrity::CodeForm)).
    ///
    /// # Errors
    /// The method fails in these cases: `file` is not exactly one valid unsigned file; the certificate is not from
    /// `authority`; the key of the certificate may not sign; a key is no point of its group; the signed file would have
    /// 512 MiB or more; `out` is too small. An error leaves `out` unchanged.
    pub fn new(
        file: &[u8],
        certificate: &Certificate<'_>,
        authority: &Authority,
        out: &'a mut [u8],
    ) -> Result<Self, SignFileError> {
        let image = Image::parse(file)?;
        let signed = |tag| Suite::ALL.iter().any(|suite| tag == suite.certificate_tag());
        if image.is_signed() || image.elements().any(|at| signed(at.element.tag)) {
            return Err(SignFileError::AlreadySigned);
        }
        let code = image.find(Tag::IMAGE_INTEGRITY_CODE).next();
        let code = code.map(|code| (code.offset, IntegrityCode::check(&image)));
        check(certificate, authority)?;
        // The address of the signer, little endian, then zeros in place of r and s.
        let mut data = [0; 80];
        let signer = certificate.subject().0.to_le_bytes();
        data.iter_mut().zip(signer).for_each(|(room, byte)| *room = byte);
        let data = data.get(..signer.len().saturating_add(certificate.suite().signature_len()));
        let signature = Element { tag: certificate.suite().signature_tag(), data: data.unwrap_or_default() };
        let added = [certificate.element().element(), signature];
        mmo::check_len(Self::signed_len(file.len(), certificate.suite()))?;
        let len = ExtendedFile::new(&image, &added)?.encode(out)?;
        if let Some((start, IntegrityCode::Ok(form))) = code {
            integrity::write_digest(out, start, form)?;
        }
        Self::resume(out.get_mut(..len).unwrap_or_default(), authority)
    }

    /// Resumes the signing of a file that [`new`](Self::new) wrote. The bytes of r and s in the file may have any
    /// value.
    ///
    /// # Errors
    /// Fails if `file` is not a file that [`new`](Self::new) could have written for `authority`.
    pub fn resume(file: &'a mut [u8], authority: &Authority) -> Result<Self, SignFileError> {
        let (suite, signer) = match Image::parse(file)?.signature()? {
            Some(SignatureElement::Suite1 { signer, .. }) => (Suite::One, signer),
            Some(SignatureElement::Suite2 { signer, .. }) => (Suite::Two, signer),
            None => return Err(SignFileError::NotPrepared),
        };
        let signed = file.len().saturating_sub(suite.signature_len());
        let (signed, signature) = file.split_at_mut_checked(signed).unwrap_or_default();
        let signed: &'a [u8] = signed;
        let certificate = certificate(signed, suite).filter(|certificate| certificate.subject() == signer);
        let certificate = certificate.ok_or(SignFileError::NotPrepared)?;
        check(&certificate, authority)?;
        Ok(Self { certificate, authority: *authority, digest: mmo::digest(signed)?, signed, signature })
    }

    /// Returns the digest that the external signer signs by ECDSA, as a big-endian number.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the certificate in the file.
    #[must_use]
    pub const fn certificate(&self) -> Certificate<'a> {
        self.certificate
    }

    /// Writes the signature into the file and returns the length of the signed file in bytes.
    ///
    /// `signature` is r, then s, both big endian, each padded with leading zeros to 21 bytes (suite 1) or 36 bytes
    /// (suite 2).
    ///
    /// # Errors
    /// Fails with [`SignFileError::SignatureMismatch`] if the signature would not pass verification. After a
    /// [`SignFileError::SignatureMismatch`], the file is unchanged.
    pub fn attach(self, signature: &[u8]) -> Result<usize, SignFileError> {
        let suite = self.certificate.suite();
        if !suite.allows(signature) {
            return Err(SignFileError::SignatureMismatch);
        }
        let key = &self.authority.key;
        // `check` has excluded an invalid key, so the signature must be at fault.
        SoftwareCrypto
            .verify(suite, &self.digest, &self.certificate, key, signature)
            .map_err(|_| SignFileError::SignatureMismatch)?;
        self.signature.iter_mut().zip(signature).for_each(|(room, byte)| *room = *byte);
        Ok(self.signed.len().saturating_add(self.signature.len()))
    }
}

/// Returns the signed form of `file`. The function passes the digest to `signer`, which returns the signature in the
/// form that [`FileSigner::attach`] requires.
///
/// # Errors
/// The function returns the errors of [`FileSigner`] and the errors of `signer`.
#[cfg(feature = "alloc")]
pub fn sign_file<S: AsRef<[u8]>, E: From<SignFileError>>(
    file: &[u8],
    certificate: &Certificate<'_>,
    authority: &Authority,
    signer: impl FnOnce(Digest) -> Result<S, E>,
) -> Result<alloc::vec::Vec<u8>, E> {
    let mut out = alloc::vec![0; FileSigner::signed_len(file.len(), certificate.suite())];
    let prepared = FileSigner::new(file, certificate, authority, &mut out)?;
    let signature = signer(prepared.digest())?;
    prepared.attach(signature.as_ref())?;
    Ok(out)
}

/// Returns the certificate of a suite from a file that ends before r and s.
fn certificate(signed: &[u8], suite: Suite) -> Option<Certificate<'_>> {
    let image = Image::parse_lenient(signed).ok()?;
    let at = image.find(suite.certificate_tag()).next()?;
    CertificateElement::parse(&at).ok()?.map(Certificate::from)
}

/// Checks that the certificate names the authority, that its key may sign, and that both keys are points of the group.
fn check(certificate: &Certificate<'_>, authority: &Authority) -> Result<(), SignFileError> {
    if certificate.issuer() != authority.issuer || certificate.suite() != authority.key.suite() {
        return Err(SignFileError::IssuerMismatch);
    }
    check_usable(certificate, None).map_err(SignFileError::Certificate)?;
    certificate.signer_key(&authority.key).map(|_| ()).ok_or(SignFileError::InvalidKey)
}
