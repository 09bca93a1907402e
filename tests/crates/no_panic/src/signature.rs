//! Calls of digests, integrity codes, certificates and signatures.

use core::hint::black_box;

use zigbee_ota::Eui64;
use zigbee_ota::file::Image;
use zigbee_ota::mmo::{self, BlockCipher, Digest, Mmo, Padding, SoftwareCrypto};
use zigbee_ota::signature::integrity::{IntegrityChecker, IntegrityCode};
use zigbee_ota::signature::{
    AllowedSigners, Authority, Certificate, FileSigner, KeyUsage, PublicKey, SignatureError,
    SignatureRequirement, Suite, Verifier, VerifyPolicy, VerifySignature, verify,
};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    hash(bytes);
    integrity(bytes);
    look(bytes);
    suite(bytes.input);
    check(bytes);
    check_by_the_stacks_own(bytes);
    sign_file(bytes);
}

fn hash(bytes: &Bytes<'_>) {
    let mut mmo = Mmo::default();
    mmo.update(bytes.input);
    mmo.update(black_box(bytes.input));
    black_box(mmo.clone().finish_with(black_box(Padding::AlwaysShort))).ok();
    black_box(mmo.finish()).ok();
    black_box(mmo::digest(bytes.input)).ok();
}

fn integrity(bytes: &mut Bytes<'_>) {
    if let Ok(image) = Image::parse_lenient(bytes.input)
        && let IntegrityCode::Ok(form) = black_box(IntegrityCode::check(&image))
    {
        black_box(form.name());
    }
    let mut check = black_box(IntegrityChecker::default());
    check.update(bytes.input);
    check.update(black_box(bytes.input));
    black_box(check.finish());
    black_box(IntegrityCode::append(bytes.input, bytes.room)).ok();
}

fn look(bytes: &Bytes<'_>) {
    let Some(key) = black_box(PublicKey::from_bytes(bytes.input)) else { return };
    black_box((key.as_bytes(), key.suite(), key.is_valid(), key.verify(black_box(&[0; 16]), bytes.input)));
    let Some(certificate) = black_box(Certificate::from_bytes(bytes.input)) else { return };
    black_box((certificate.as_bytes(), certificate.element(), certificate.suite(), certificate.digest()));
    black_box((certificate.subject(), certificate.issuer(), certificate.reconstruction_point()));
    black_box(certificate.signer_key(&key));
    black_box((certificate.attributes(), certificate.serial(), certificate.is_supported()));
    black_box((certificate.valid_from(), certificate.valid_until(), certificate.key_usage()));
    black_box(KeyUsage(black_box(0)).contains(KeyUsage::DIGITAL_SIGNATURE));
}

fn suite(signature: &[u8]) {
    let suite = black_box(Suite::One);
    black_box((
        suite.certificate_tag(),
        suite.signature_tag(),
        suite.signature_len(),
        suite.allows(signature),
    ));
}

/// AES and ECDSA with unknown results.
struct Stack;

impl BlockCipher for Stack {
    fn encrypt(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
        black_box((key, block));
    }
}

impl VerifySignature for Stack {
    fn verify(
        &mut self,
        suite: Suite,
        digest: &Digest,
        certificate: &Certificate<'_>,
        authority: &PublicKey,
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let software = SoftwareCrypto.verify(suite, digest, certificate, authority, signature);
        black_box(software)
    }
}

fn check_by_the_stacks_own(bytes: &Bytes<'_>) {
    let mut stack = Stack;
    let mut mmo = Mmo::with_cipher(&mut stack);
    mmo.update(bytes.input);
    black_box(mmo.finish()).ok();
    let mut check = IntegrityChecker::with_cipher(Stack);
    check.update(bytes.input);
    black_box(check.finish());
    let (signers, authorities) = (black_box([Eui64(0); 2]), authorities());
    let policy = black_box(VerifyPolicy::required(&signers, &authorities));
    let mut verifier = Verifier::with_crypto(policy, Stack, Stack);
    verifier.update(bytes.input);
    black_box(verifier.finish()).ok();
}

fn authorities() -> [Authority; 2] {
    let issuer = Eui64(black_box(0));
    let keys = [PublicKey::Suite1(black_box([2; 22])), PublicKey::Suite2(black_box([2; 37]))];
    black_box(keys.map(|key| Authority { issuer, key }))
}

fn check(bytes: &Bytes<'_>) {
    let (signers, authorities) = (black_box([Eui64(0); 2]), authorities());
    let mut policy = VerifyPolicy::required(&signers, &authorities)
        .with_signatures(black_box(SignatureRequirement::Optional))
        .with_signers(black_box(AllowedSigners::Any));
    policy.now = black_box(Some(0));
    black_box(verify(bytes.input, &black_box(policy))).ok();
    black_box(verify(bytes.input, &black_box(VerifyPolicy::not_used()))).ok();
    let mut verifier = black_box(Verifier::new(black_box(policy)));
    verifier.update(bytes.input);
    verifier.update(black_box(bytes.input));
    black_box(verifier.finish()).ok();
}

fn sign_file(bytes: &mut Bytes<'_>) {
    let [authority, _] = authorities();
    if let Some(certificate) = black_box(Certificate::from_bytes(bytes.input)) {
        black_box(FileSigner::signed_len(bytes.input.len(), certificate.suite()));
        if let Ok(sealing) = FileSigner::new(bytes.input, &certificate, &authority, bytes.room) {
            black_box((sealing.digest(), sealing.certificate()));
            black_box(sealing.attach(bytes.input)).ok();
        }
    }
    if let Ok(sealing) = black_box(FileSigner::resume(bytes.room, &authority)) {
        black_box(sealing.attach(bytes.input)).ok();
    }
}
