//! Checks of a stored file. The file is read back from flash in pieces before the device uses the image in the file.
//!
//! | check | the file is valid if | feature |
//! |---|---|---|
//! | [`NoCheck`] | all bytes have arrived | |
//! | [`StructureCheck`] | the header matches the offer, and the length matches the header | |
//! | `IntegrityCheck` | in addition, the file has a matching integrity code | `crypto` |
//! | `SignatureCheck` | in addition, the signature policy of the manufacturer accepts the file | `crypto` |

use crate::client::VerifyResult;
use crate::file::{StreamDecoder, StreamPiece};
#[cfg(feature = "crypto")]
use crate::mmo::{BlockCipher, SoftwareCrypto};
#[cfg(feature = "crypto")]
use crate::signature::integrity::{IntegrityChecker, IntegrityCode};
#[cfg(feature = "crypto")]
use crate::signature::{Verifier, VerifyPolicy, VerifySignature};
use crate::zcl::ImageOffer;

/// Check of a stored file. The caller passes the bytes of the file to the check in order, in pieces of any size.
pub trait Verification {
    /// Whether this check of a stored file needs the bytes of the file. If `READS_FILE` is `false`, the storage does
    /// not read the file back from flash.
    const READS_FILE: bool = true;

    /// Begins the check of the file that the server announced by `offer`.
    fn begin(&mut self, offer: &ImageOffer);

    /// Continues the check with the next bytes of the file.
    fn update(&mut self, bytes: &[u8]);

    /// Ends the check after the last byte of the file, and returns the result of the check.
    fn finish(&mut self) -> VerifyResult;
}

/// No check: a file is valid as soon as all its bytes have arrived. `NoCheck` is only for a device whose boot loader
/// verifies the image itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCheck;

impl Verification for NoCheck {
    const READS_FILE: bool = false;

    fn begin(&mut self, _: &ImageOffer) {}

    fn update(&mut self, _: &[u8]) {}

    fn finish(&mut self) -> VerifyResult {
        VerifyResult::Valid
    }
}

/// Check of the structure of a file: the header has the same image and size as the offer of the server, and the file is
/// as long as the header says. A check of the structure alone does not detect a changed byte within an element.
#[derive(Clone, Debug)]
pub struct StructureCheck {
    decoder: StreamDecoder,
    offer: Option<ImageOffer>,
    is_offered: bool,
}

impl StructureCheck {
    /// Creates the check of the structure of a file.
    #[must_use]
    pub const fn new() -> Self {
        Self { decoder: StreamDecoder::new(), offer: None, is_offered: false }
    }

    fn is_valid(&self) -> bool {
        self.is_offered && self.decoder.finish().is_ok()
    }
}

impl Default for StructureCheck {
    fn default() -> Self {
        Self::new()
    }
}

impl Verification for StructureCheck {
    fn begin(&mut self, offer: &ImageOffer) {
        *self = Self { offer: Some(*offer), ..Self::new() };
    }

    fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        loop {
            match self.decoder.next(&mut rest) {
                Ok(Some(StreamPiece::Header { header, .. })) => {
                    let stored = ImageOffer { id: header.id, size: header.total_size };
                    self.is_offered = self.offer == Some(stored);
                }
                Ok(Some(_)) => {}
                // The decoder returns the error again when the check ends.
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn finish(&mut self) -> VerifyResult {
        verdict(self.is_valid())
    }
}

const fn verdict(is_valid: bool) -> VerifyResult {
    if is_valid { VerifyResult::Valid } else { VerifyResult::Invalid }
}

/// Check of structure and integrity code: the file has an integrity code that matches the bytes of the file. An
/// integrity code reveals accidental damage, and proves nothing about the origin of a file.
///
/// `C` is the AES block cipher, which may use the hardware of the chip.
#[cfg(feature = "crypto")]
#[derive(Clone, Debug)]
pub struct IntegrityCheck<C = SoftwareCrypto> {
    structure: StructureCheck,
    cipher: C,
    checker: Option<IntegrityChecker<C>>,
}

#[cfg(feature = "crypto")]
impl IntegrityCheck {
    /// Creates the check of structure and integrity code, with AES in software.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_cipher(SoftwareCrypto)
    }
}

#[cfg(feature = "crypto")]
impl Default for IntegrityCheck {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "crypto")]
impl<C> IntegrityCheck<C> {
    /// Creates the check of structure and integrity code with the AES block cipher `cipher`, for example in hardware.
    #[must_use]
    pub const fn with_cipher(cipher: C) -> Self {
        Self { structure: StructureCheck::new(), cipher, checker: None }
    }
}

#[cfg(feature = "crypto")]
impl<C: BlockCipher + Clone> Verification for IntegrityCheck<C> {
    fn begin(&mut self, offer: &ImageOffer) {
        self.structure.begin(offer);
        self.checker = Some(IntegrityChecker::with_cipher(self.cipher.clone()));
    }

    fn update(&mut self, bytes: &[u8]) {
        self.structure.update(bytes);
        if let Some(checker) = &mut self.checker {
            checker.update(bytes);
        }
    }

    fn finish(&mut self) -> VerifyResult {
        let code = self.checker.take().map(IntegrityChecker::finish);
        verdict(self.structure.is_valid() && matches!(code, Some(IntegrityCode::Ok(_))))
    }
}

/// Check of structure and signature: the file is valid if the [`VerifyPolicy`] of the manufacturer accepts the file.
///
/// `C` is the AES block cipher and `V` verifies signatures; both may use the hardware of the chip.
#[cfg(feature = "crypto")]
#[derive(Clone, Debug)]
pub struct SignatureCheck<'k, C = SoftwareCrypto, V = SoftwareCrypto> {
    structure: StructureCheck,
    policy: VerifyPolicy<'k>,
    crypto: (C, V),
    verifier: Option<Verifier<'k, C, V>>,
}

#[cfg(feature = "crypto")]
impl<'k> SignatureCheck<'k> {
    /// Creates the check of structure and signature with a policy, and with AES and both elliptic curves in software.
    #[must_use]
    pub const fn new(policy: VerifyPolicy<'k>) -> Self {
        Self::with_crypto(policy, SoftwareCrypto, SoftwareCrypto)
    }
}

#[cfg(feature = "crypto")]
impl<'k, C, V> SignatureCheck<'k, C, V> {
    /// Creates the check of structure and signature with a policy, an AES block cipher, and an implementation of the
    /// verification of signatures.
    #[must_use]
    pub const fn with_crypto(policy: VerifyPolicy<'k>, cipher: C, verify: V) -> Self {
        Self { structure: StructureCheck::new(), policy, crypto: (cipher, verify), verifier: None }
    }
}

#[cfg(feature = "crypto")]
impl<C: BlockCipher + Clone, V: VerifySignature + Clone> Verification for SignatureCheck<'_, C, V> {
    fn begin(&mut self, offer: &ImageOffer) {
        let (cipher, verify) = self.crypto.clone();
        self.structure.begin(offer);
        self.verifier = Some(Verifier::with_crypto(self.policy, cipher, verify));
    }

    fn update(&mut self, bytes: &[u8]) {
        self.structure.update(bytes);
        if let Some(verifier) = &mut self.verifier {
            verifier.update(bytes);
        }
    }

    fn finish(&mut self) -> VerifyResult {
        let is_accepted = self.verifier.as_mut().is_some_and(|verifier| verifier.finish().is_ok());
        self.verifier = None;
        verdict(self.structure.is_valid() && is_accepted)
    }
}
