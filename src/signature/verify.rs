//! Verification of signed files (section 6.3.8.2), in memory or in pieces.
//! Section numbers refer to ZigBee document 095264 (2011).
//!
//! The verification of a file makes the following checks, in the order of their numbers. The first check that fails
//! determines the [`VerifyError`] of the verification:
//!
//! 1. The file is complete, and has a signature if the policy requires one.
//! 2. The only signature element is the last element and has the length of its suite, and r and s are from 1 to the
//!    group order minus 1.
//! 3. The policy allows the signer of the file.
//! 4. The file has a certificate of the signature's suite, and the subject of the certificate is the signer.
//! 5. The policy holds at least one key of the certificate's issuer.
//! 6. A certificate of suite 2 has a supported type, curve and hash, its key may sign, and the certificate is valid at
//!    the time `VerifyPolicy::now`.
//! 7. The ECDSA signature matches the digest of all bytes except r and s (the last 42 or 72 bytes), by at least one key
//!    of the issuer. The verification tries the issuer's keys in the order in which the policy lists them.
//!
//! If a file has several certificates of a suite, the verification uses the first certificate. For each valid ECDSA
//! signature (r, s), the pair (r, group order - s) is also a valid signature, and the verification accepts it.

use super::error::{SignatureError, VerifyError};
use super::verification_policy::{SignatureRequirement, VerifyPolicy};
use super::{Certificate, KeyUsage, PublicKey, Suite};
use crate::file::{BodyLayout, StreamDecoder, StreamPiece, Tag};
use crate::mmo::{BlockCipher, Digest, Mmo, Padding, SoftwareCrypto};
use crate::types::Eui64;

/// ECDSA verification by implicit certificate, for stacks and chips with ECDSA of their own; [`SoftwareCrypto`] is the
/// default.
pub trait VerifySignature {
    /// Verifies `signature` (r, then s, big endian) of `digest`. The method computes the key of the signer from
    /// `certificate` and from `authority`, the key of the issuer. The certificate, the authority's key and the
    /// signature must be of the suite `suite`.
    ///
    /// `digest` covers all bytes of the file before r and s. The result `Ok` means that the signer signed exactly the
    /// bytes that the digest covers. `signature` has the length of the suite, and both r and s are from 1 to the order
    /// of the group minus 1.
    ///
    /// If the policy holds several keys of the issuer, the [`Verifier`] calls `VerifySignature::verify` for one key
    /// after the other until a call returns `Ok`.
    ///
    /// # Errors
    /// Fails with [`SignatureError`] unless the signature is valid.
    fn verify(
        &mut self,
        suite: Suite,
        digest: &Digest,
        certificate: &Certificate<'_>,
        authority: &PublicKey,
        signature: &[u8],
    ) -> Result<(), SignatureError>;
}

impl VerifySignature for SoftwareCrypto {
    fn verify(
        &mut self,
        _: Suite,
        digest: &Digest,
        certificate: &Certificate<'_>,
        authority: &PublicKey,
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match certificate.verify(authority, digest, signature) {
            Some(true) => Ok(()),
            Some(false) => Err(SignatureError::Mismatch),
            None => Err(SignatureError::InvalidKey),
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
    ) -> Result<(), SignatureError> {
        (**self).verify(suite, digest, certificate, authority, signature)
    }
}

/// Reason why a file is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Accepted {
    /// The file has no signature, and the policy requires none.
    Unsigned,
    /// The file has a signature, which was not checked because the policy ignores signatures.
    NotChecked,
    /// The signature is valid. The signature covers all bytes up to the total image size except r and s, but no bytes
    /// after the total image size.
    Signed {
        /// Suite of the signature.
        suite: Suite,
        /// IEEE address of the signer.
        signer: Eui64,
    },
}

/// Verifies a file in memory. Bytes after the total image size are not part of the file. The verification ignores the
/// bytes after the total image size, so its result says nothing about these bytes.
///
/// # Errors
/// Fails with [`VerifyError`] if the policy does not accept the file.
pub fn verify(file: &[u8], policy: &VerifyPolicy<'_>) -> Result<Accepted, VerifyError> {
    let mut verifier = Verifier::new(*policy);
    verifier.update(file);
    verifier.finish()
}

/// Incremental verification of a file. The caller passes the bytes of the file in order, in pieces of any size, for
/// example while the caller reads the file back from flash.
///
/// The verifier holds the hash state, one certificate of each suite and one signature, in about 600 bytes.
///
/// ```
/// use zigbee_ota::signature::{VerifyError, VerifyPolicy, Verifier};
///
/// # use zigbee_ota::{file::{FileHeader, FileWriter}, Encode, ImageId};
/// # let mut file = [0; 56];
/// # FileWriter::new(FileHeader::new(ImageId::new(0x1001, 0x00ab, 5)), &[])?.encode(&mut file)?;
/// let mut verifier = Verifier::new(VerifyPolicy::required(&[], &[]));
/// for piece in file.chunks(16) {
///     verifier.update(piece);
/// }
/// assert_eq!(verifier.finish(), Err(VerifyError::NoSignature));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier<'a, C = SoftwareCrypto, V = SoftwareCrypto> {
    policy: VerifyPolicy<'a>,
    verify: V,
    decoder: StreamDecoder,
    /// Hash of all bytes except r and s.
    mmo: Mmo<C>,
    /// Data of the first certificate element of each suite.
    certificates: [Option<ElementData<74>>; 2],
    /// Tag and data of the first signature element.
    signature: Option<(Tag, ElementData<80>)>,
    /// Whether the file has signature elements of suite 1 and of suite 2.
    both_suites: bool,
    /// Whether another element follows the signature element.
    followed: bool,
    /// Element to which the next bytes of the file belong.
    current: Current,
}

/// Kind of the element whose data is being received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Current {
    Other,
    Certificate(Suite),
    Signature,
}

/// Buffer for the data of an element; data beyond `N` bytes is dropped.
#[derive(Clone, Copy, Debug)]
struct ElementData<const N: usize> {
    /// Value of the length field of the buffered element.
    length: u32,
    /// Number of data bytes of the buffered element that were received so far.
    received: usize,
    data: [u8; N],
}

impl<const N: usize> ElementData<N> {
    const fn new(length: u32) -> Self {
        Self { length, received: 0, data: [0; N] }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.data.iter_mut().skip(self.received).zip(bytes).for_each(|(room, byte)| *room = *byte);
        self.received = self.received.saturating_add(bytes.len());
    }

    /// Returns the data of the element, or `None` if the data is longer than the buffer.
    fn bytes(&self) -> Option<&[u8]> {
        self.data.get(..usize::try_from(self.length).ok()?)
    }
}

impl<'a> Verifier<'a> {
    /// Creates a verifier to which no bytes were passed yet, with AES and ECDSA in software.
    #[must_use]
    pub const fn new(policy: VerifyPolicy<'a>) -> Self {
        Self::with_crypto(policy, SoftwareCrypto, SoftwareCrypto)
    }
}

impl<'a, C, V> Verifier<'a, C, V> {
    /// Creates a verifier to which no bytes were passed yet, with the AES of `cipher` and the ECDSA of `verify`.
    #[must_use]
    pub const fn with_crypto(policy: VerifyPolicy<'a>, cipher: C, verify: V) -> Self {
        Self {
            policy,
            verify,
            decoder: StreamDecoder::new(),
            mmo: Mmo::with_cipher(cipher),
            certificates: [None; 2],
            signature: None,
            both_suites: false,
            followed: false,
            current: Current::Other,
        }
    }
}

impl<C: BlockCipher, V: VerifySignature> Verifier<'_, C, V> {
    /// Adds the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut input = bytes;
        loop {
            let before = input;
            // The decoder stores its error, and `finish` returns the stored error.
            let piece = self.decoder.next(&mut input).unwrap_or_default();
            let taken = before.len().saturating_sub(input.len());
            let taken = before.get(..taken).unwrap_or_default();
            let hashed = match piece {
                None => taken,
                // Bytes after the total image size are not part of the file.
                Some(StreamPiece::Trailing { .. }) => &[],
                Some(StreamPiece::Element { tag, length, .. }) => {
                    self.current = start_element(&mut self.signature, &mut self.certificates, tag, length);
                    self.followed |= self.signature.is_some() && self.current != Current::Signature;
                    self.both_suites |=
                        tag.is_signature() && self.signature.is_some_and(|(first, _)| first != tag);
                    taken
                }
                Some(StreamPiece::Data { bytes, .. }) => match self.current {
                    Current::Signature => {
                        let signature = self.signature.as_mut().map(|(_, signature)| signature);
                        let received = signature.as_ref().map_or(0, |signature| signature.received);
                        signature.into_iter().for_each(|signature| signature.push(bytes));
                        bytes.get(..SIGNER_LEN.saturating_sub(received).min(bytes.len())).unwrap_or_default()
                    }
                    Current::Certificate(suite) => {
                        let certificate = certificate(&mut self.certificates, suite).as_mut();
                        certificate.into_iter().for_each(|certificate| certificate.push(bytes));
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

    /// Ends the verification and returns its result. The bytes passed to the verifier must be the whole file. After the
    /// call the verifier is in its initial state, and can verify another file by the same policy.
    ///
    /// # Errors
    /// Fails with [`VerifyError`] if the policy does not accept the file.
    // By reference, because a microcontroller has little stack for a copy of the verifier.
    pub fn finish(&mut self) -> Result<Accepted, VerifyError> {
        let result = self.result();
        self.decoder = StreamDecoder::new();
        self.mmo.reset();
        (self.certificates, self.signature) = ([None; 2], None);
        (self.both_suites, self.followed, self.current) = (false, false, Current::Other);
        result
    }

    /// Returns the result of the verification. The method completes the digest of the file, so the caller has to reset
    /// the verifier afterwards.
    fn result(&mut self) -> Result<Accepted, VerifyError> {
        let layout = self.decoder.finish()?;
        let Some((tag, signature)) = &self.signature else {
            return match self.policy.signatures {
                SignatureRequirement::Required => Err(VerifyError::NoSignature),
                SignatureRequirement::NotUsed { .. } | SignatureRequirement::Optional => {
                    Ok(Accepted::Unsigned)
                }
            };
        };
        match self.policy.signatures {
            SignatureRequirement::NotUsed { refuse_signed: true } => {
                return Err(VerifyError::UnexpectedSignature);
            }
            SignatureRequirement::NotUsed { refuse_signed: false } => return Ok(Accepted::NotChecked),
            SignatureRequirement::Required | SignatureRequirement::Optional => {}
        }
        if self.both_suites {
            return Err(VerifyError::BothSuites);
        }
        if self.followed {
            return Err(VerifyError::SignatureNotLast);
        }
        if layout != BodyLayout::Elements {
            return Err(VerifyError::Layout(layout));
        }
        let suite = if *tag == Suite::One.signature_tag() { Suite::One } else { Suite::Two };
        let length = signature.length;
        let parts = signature.bytes().and_then(|bytes| bytes.split_first_chunk());
        let Some((signer, signature)) = parts.filter(|(_, bytes)| bytes.len() == suite.signature_len())
        else {
            return Err(VerifyError::SignatureLength { length });
        };
        if !suite.allows(signature) {
            return Err(VerifyError::SignatureRange);
        }
        let signer = Eui64(u64::from_le_bytes(*signer));
        if !self.policy.allows(signer) {
            return Err(VerifyError::SignerNotAllowed(signer));
        }
        let element =
            certificate(&mut self.certificates, suite).as_ref().ok_or(VerifyError::NoCertificate)?;
        let wrong = VerifyError::CertificateLength { length: element.length };
        let certificate = element.bytes().and_then(Certificate::from_bytes).ok_or(wrong)?;
        if certificate.suite() != suite {
            return Err(wrong);
        }
        if certificate.subject() != signer {
            return Err(VerifyError::SubjectMismatch(certificate.subject()));
        }
        let issuer = certificate.issuer();
        if self.policy.keys(issuer, suite).next().is_none() {
            return Err(VerifyError::UnknownIssuer(issuer));
        }
        check_usable(&certificate, self.policy.now)?;
        let digest = self.mmo.pad(Padding::Standard)?;
        let mut failed = SignatureError::InvalidKey;
        for authority in self.policy.keys(issuer, suite) {
            match self.verify.verify(suite, &digest, &certificate, authority, signature) {
                Ok(()) => return Ok(Accepted::Signed { suite, signer }),
                Err(error) => failed = failed.graver(error),
            }
        }
        Err(failed.into())
    }
}

impl SignatureError {
    /// Returns the graver of two errors that the verification with two keys of one issuer returned. From the gravest to
    /// the least grave, the errors are: the signature was not checked, the signature does not match, and a key is
    /// invalid.
    const fn graver(self, other: Self) -> Self {
        const fn rank(error: SignatureError) -> u8 {
            match error {
                SignatureError::InvalidKey => 0,
                SignatureError::Mismatch => 1,
                SignatureError::UnsupportedSuite => 2,
                SignatureError::Backend => 3,
            }
        }
        if rank(other) > rank(self) { other } else { self }
    }
}

/// Length in bytes of the signer's address, the signed part of the signature element.
const SIGNER_LEN: usize = 8;

/// Checks that a certificate is of a supported kind, that its key may sign, and that it is valid at the Unix time
/// `now`.
pub(super) fn check_usable(certificate: &Certificate<'_>, now: Option<u64>) -> Result<(), VerifyError> {
    if !certificate.is_supported() {
        return Err(VerifyError::UnsupportedCertificate);
    }
    if certificate.key_usage().is_some_and(|usage| !usage.contains(KeyUsage::DIGITAL_SIGNATURE)) {
        return Err(VerifyError::KeyUsage);
    }
    match now {
        Some(now) if certificate.valid_from().is_some_and(|start| now < start) => {
            Err(VerifyError::NotYetValid)
        }
        Some(now) if certificate.valid_until().is_some_and(|end| now >= end) => Err(VerifyError::Expired),
        _ => Ok(()),
    }
}

/// Prepares the buffer for the data of an element that starts, if the element is the first signature element of the
/// file or the first certificate element of its suite.
fn start_element(
    signature: &mut Option<(Tag, ElementData<80>)>,
    certificates: &mut [Option<ElementData<74>>; 2],
    tag: Tag,
    length: u32,
) -> Current {
    if tag.is_signature() && signature.is_none() {
        *signature = Some((tag, ElementData::new(length)));
        return Current::Signature;
    }
    for suite in Suite::ALL {
        let room = certificate(certificates, suite);
        if tag == suite.certificate_tag() && room.is_none() {
            *room = Some(ElementData::new(length));
            return Current::Certificate(suite);
        }
    }
    Current::Other
}

/// Returns the buffer for the certificate of a suite.
const fn certificate(
    certificates: &mut [Option<ElementData<74>>; 2],
    suite: Suite,
) -> &mut Option<ElementData<74>> {
    let [one, two] = certificates;
    match suite {
        Suite::One => one,
        Suite::Two => two,
    }
}
