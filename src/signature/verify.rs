//! Whether a file may be taken (section 6.3.8.2), from memory or in pieces.
//!
//! The order of the checks, each with its own [`Invalid`]; the first that fails ends them:
//!
//! 1. The file is whole, and has a signature if the policy asks for one.
//! 2. The signature is one, the last element, of its suite's length, with r and s below the order of the group.
//! 3. The signer is allowed.
//! 4. There is a certificate of the suite; its subject is the signer.
//! 5. Its issuer is a known authority.
//! 6. It is of a known kind, for signatures, and valid now (suite 2).
//! 7. ECDSA over the digest of all bytes but the last 42 or 72.
//!
//! Of several certificates of a suite the first counts. ECDSA has two right signatures for each: s, and the order less
//! s; both are taken.

use super::invalid::{BadSignature, Invalid};
use super::policy::{Policy, Signatures};
use super::{Certificate, KeyUsage, PublicKey, Suite};
use crate::file::{BodyLayout, StreamDecoder, StreamPiece, Tag};
use crate::mmo::{BlockCipher, Digest, Mmo, Software};
use crate::types::Eui64;

/// What all of it comes down to, for a stack or chip that brings its own; [`Software`] is the default.
pub trait VerifySignature {
    /// Checks `signature`, r and s, of `digest`, by the key that follows from `certificate` and the key of the authority
    /// that issued it. All are of `suite`.
    ///
    /// # Errors
    /// Unless the signature was found right.
    fn verify(
        &mut self,
        suite: Suite,
        digest: &Digest,
        certificate: &Certificate<'_>,
        authority: &PublicKey,
        signature: &[u8],
    ) -> Result<(), BadSignature>;
}

impl VerifySignature for Software {
    fn verify(
        &mut self,
        _: Suite,
        digest: &Digest,
        certificate: &Certificate<'_>,
        authority: &PublicKey,
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        match certificate.verify(authority, digest, signature) {
            Some(true) => Ok(()),
            Some(false) => Err(BadSignature::Wrong),
            None => Err(BadSignature::Point),
        }
    }
}

impl<V: VerifySignature + ?Sized> VerifySignature for &mut V {
    fn verify(
        &mut self,
        suite: Suite,
        digest: &Digest,
        certificate: &Certificate<'_>,
        authority: &PublicKey,
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        (**self).verify(suite, digest, certificate, authority, signature)
    }
}

/// Why a file may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valid {
    /// It has no signature, and needs none.
    Unsigned,
    /// It has a signature that nobody looked at, by the policy.
    NotChecked,
    /// Its signature is right.
    Signed {
        /// By which suite.
        suite: Suite,
        /// Who signed it.
        signer: Eui64,
    },
}

/// Verifies a file that lies in memory.
///
/// # Errors
/// When it may not be taken.
pub fn verify(file: &[u8], policy: &Policy<'_>) -> Result<Valid, Invalid> {
    let mut verifier = Verifier::new(*policy);
    verifier.update(file);
    verifier.finish()
}

/// Verifies a file that comes in pieces of any size, in their order, as they are read back from flash.
///
/// It keeps the digest, one certificate and one signature: some 600 bytes.
///
/// ```
/// use zigbee_ota::signature::{Invalid, Policy, Verifier};
///
/// # use zigbee_ota::{file::{FileHeader, FileWriter}, Encode, ImageId};
/// # let mut file = [0; 56];
/// # FileWriter::new(FileHeader::new(ImageId::new(0x1001, 0x00ab, 5)), &[])?.encode(&mut file)?;
/// let mut verifier = Verifier::new(Policy::required(&[], &[]));
/// for piece in file.chunks(16) {
///     verifier.update(piece);
/// }
/// assert_eq!(verifier.finish(), Err(Invalid::NoSignature));
/// # Ok::<(), zigbee_ota::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier<'a, C = Software, V = Software> {
    policy: Policy<'a>,
    verify: V,
    decoder: StreamDecoder,
    /// Of all bytes but r and s.
    mmo: Mmo<C>,
    /// The first certificate of each suite.
    certificates: [Option<Kept<74>>; 2],
    /// The first signature element.
    signature: Option<(Tag, Kept<80>)>,
    /// Whether there was one of the other suite.
    both: bool,
    /// Whether another element followed it.
    followed: bool,
    /// What the data that comes belongs to.
    current: Current,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Current {
    Other,
    Certificate(Suite),
    Signature,
}

/// The data of an element, as far as there is room.
#[derive(Clone, Copy, Debug)]
struct Kept<const N: usize> {
    length: u32,
    held: usize,
    data: [u8; N],
}

impl<const N: usize> Kept<N> {
    const fn new(length: u32) -> Self {
        Self { length, held: 0, data: [0; N] }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.data.iter_mut().skip(self.held).zip(bytes).for_each(|(room, byte)| *room = *byte);
        self.held = self.held.saturating_add(bytes.len());
    }

    /// All of it; `None` when the element is longer than there is room.
    fn bytes(&self) -> Option<&[u8]> {
        self.data.get(..usize::try_from(self.length).ok()?)
    }
}

impl<'a> Verifier<'a> {
    /// Before the first byte.
    #[must_use]
    pub const fn new(policy: Policy<'a>) -> Self {
        Self::with(policy, Software, Software)
    }
}

impl<'a, C, V> Verifier<'a, C, V> {
    /// Before the first byte, with another AES and another verification.
    #[must_use]
    pub const fn with(policy: Policy<'a>, cipher: C, verify: V) -> Self {
        Self {
            policy,
            verify,
            decoder: StreamDecoder::new(),
            mmo: Mmo::with_cipher(cipher),
            certificates: [None; 2],
            signature: None,
            both: false,
            followed: false,
            current: Current::Other,
        }
    }
}

impl<C: BlockCipher, V: VerifySignature> Verifier<'_, C, V> {
    /// Takes the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut input = bytes;
        loop {
            let before = input;
            // An error of the decoder stays, and is told at the end.
            let piece = self.decoder.next(&mut input).unwrap_or_default();
            let taken = before.len().saturating_sub(input.len());
            let taken = before.get(..taken).unwrap_or_default();
            let hashed = match piece {
                None => taken,
                // Nothing behind the total size is of the file.
                Some(StreamPiece::Trailing { .. }) => &[],
                Some(StreamPiece::Element { tag, length, .. }) => {
                    self.current = element(&mut self.signature, &mut self.certificates, tag, length);
                    self.followed |= self.signature.is_some() && self.current != Current::Signature;
                    self.both |= tag.is_signature() && self.signature.is_some_and(|(first, _)| first != tag);
                    taken
                }
                Some(StreamPiece::Data { bytes, .. }) => match self.current {
                    Current::Signature => {
                        let kept = self.signature.as_mut().map(|(_, kept)| kept);
                        let held = kept.as_ref().map_or(0, |kept| kept.held);
                        kept.into_iter().for_each(|kept| kept.push(bytes));
                        bytes.get(..SIGNER_LEN.saturating_sub(held).min(bytes.len())).unwrap_or_default()
                    }
                    Current::Certificate(suite) => {
                        let certificate = certificate(&mut self.certificates, suite).as_mut();
                        certificate.into_iter().for_each(|kept| kept.push(bytes));
                        taken
                    }
                    Current::Other => taken,
                },
                Some(_) => taken,
            };
            self.mmo.update(hashed);
            if piece.is_none() {
                return;
            }
        }
    }

    /// Whether the file may be taken.
    ///
    /// # Errors
    /// When it may not.
    pub fn finish(mut self) -> Result<Valid, Invalid> {
        let layout = self.decoder.finish()?;
        let Some((tag, signature)) = &self.signature else {
            return match self.policy.signatures {
                Signatures::Required => Err(Invalid::NoSignature),
                Signatures::NotUsed { .. } | Signatures::Either => Ok(Valid::Unsigned),
            };
        };
        match self.policy.signatures {
            Signatures::NotUsed { refuse_signed: true } => return Err(Invalid::Unwanted),
            Signatures::NotUsed { refuse_signed: false } => return Ok(Valid::NotChecked),
            Signatures::Required | Signatures::Either => {}
        }
        if self.both {
            return Err(Invalid::BothSuites);
        }
        if self.followed {
            return Err(Invalid::NotLast);
        }
        if layout != BodyLayout::Elements {
            return Err(Invalid::Layout(layout));
        }
        let suite = if *tag == Suite::One.signature_tag() { Suite::One } else { Suite::Two };
        let length = signature.length;
        let parts = signature.bytes().and_then(|bytes| bytes.split_first_chunk());
        let Some((signer, signature)) = parts.filter(|(_, bytes)| bytes.len() == suite.signature_len())
        else {
            return Err(Invalid::SignatureLength { length });
        };
        if !suite.allows(signature) {
            return Err(Invalid::SignatureRange);
        }
        let signer = Eui64(u64::from_le_bytes(*signer));
        if !self.policy.allows(signer) {
            return Err(Invalid::UnknownSigner(signer));
        }
        let kept = certificate(&mut self.certificates, suite).as_ref().ok_or(Invalid::NoCertificate)?;
        let wrong = Invalid::CertificateLength { length: kept.length };
        let certificate = kept.bytes().and_then(Certificate::from_bytes).ok_or(wrong)?;
        if certificate.suite() != suite {
            return Err(wrong);
        }
        if certificate.subject() != signer {
            return Err(Invalid::SubjectDiffers(certificate.subject()));
        }
        let issuer = certificate.issuer();
        let authority = self.policy.key(issuer, suite).ok_or(Invalid::UnknownIssuer(issuer))?;
        usable(&certificate, self.policy.now)?;
        let digest = self.mmo.finish()?;
        self.verify.verify(suite, &digest, &certificate, authority, signature)?;
        Ok(Valid::Signed { suite, signer })
    }
}

/// Bytes of the signer's address, which are a part of what is signed.
const SIGNER_LEN: usize = 8;

/// Whether a certificate may vouch for a file at this time.
pub(super) fn usable(certificate: &Certificate<'_>, now: Option<u64>) -> Result<(), Invalid> {
    let Certificate::Suite2(certificate) = certificate else { return Ok(()) };
    if !certificate.is_known() {
        return Err(Invalid::BadCertificate);
    }
    if !certificate.key_usage().contains(KeyUsage::DIGITAL_SIGNATURE) {
        return Err(Invalid::KeyUsage);
    }
    match now {
        Some(now) if now < certificate.valid_from() => Err(Invalid::NotYetValid),
        Some(now) if certificate.valid_until().is_some_and(|end| now >= end) => Err(Invalid::Expired),
        _ => Ok(()),
    }
}

/// Makes room for an element that starts, if it is the first of its kind.
fn element(
    signature: &mut Option<(Tag, Kept<80>)>,
    certificates: &mut [Option<Kept<74>>; 2],
    tag: Tag,
    length: u32,
) -> Current {
    if tag.is_signature() && signature.is_none() {
        *signature = Some((tag, Kept::new(length)));
        return Current::Signature;
    }
    for suite in Suite::ALL {
        let room = certificate(certificates, suite);
        if tag == suite.certificate_tag() && room.is_none() {
            *room = Some(Kept::new(length));
            return Current::Certificate(suite);
        }
    }
    Current::Other
}

const fn certificate(certificates: &mut [Option<Kept<74>>; 2], suite: Suite) -> &mut Option<Kept<74>> {
    let [one, two] = certificates;
    match suite {
        Suite::One => one,
        Suite::Two => two,
    }
}
