//! Digests, integrity codes, certificates and signatures.

use core::hint::black_box;

use zigbee_ota::Eui64;
use zigbee_ota::file::Image;
use zigbee_ota::mmo::{self, BlockCipher, Digest, Mmo, Padding, Software};
use zigbee_ota::signature::integrity::{Check, Integrity};
use zigbee_ota::signature::{
    Authority, BadSignature, Certificate, Policy, PublicKey, Sealing, Signatures, Signers, Suite, Verifier,
    VerifySignature, verify,
};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    hash(bytes);
    integrity(bytes);
    look(bytes);
    suite(bytes.input);
    check(bytes);
    check_by_the_stacks_own(bytes);
    seal(bytes);
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
        && let Integrity::Ok(form) = black_box(Integrity::of(&image))
    {
        black_box(form.name());
    }
    let mut check = black_box(Check::default());
    check.update(bytes.input);
    check.update(black_box(bytes.input));
    black_box(check.finish());
    black_box(Integrity::append(bytes.input, bytes.room)).ok();
}

fn look(bytes: &Bytes<'_>) {
    let Some(key) = black_box(PublicKey::from_bytes(bytes.input)) else { return };
    black_box((key.as_bytes(), key.suite(), key.is_valid(), key.verify(black_box(&[0; 16]), bytes.input)));
    let Some(certificate) = black_box(Certificate::from_bytes(bytes.input)) else { return };
    black_box((certificate.as_bytes(), certificate.element(), certificate.suite(), certificate.digest()));
    black_box((certificate.subject(), certificate.issuer(), certificate.reconstruction_point()));
    black_box(certificate.signer_key(&key));
    match certificate {
        Certificate::Suite1(certificate) => {
            black_box(certificate.attributes());
        }
        Certificate::Suite2(certificate) => {
            black_box((certificate.serial(), certificate.valid_from(), certificate.valid_until()));
            black_box((certificate.key_usage(), certificate.is_known()));
        }
    }
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

/// AES and ECDSA of which nothing is known.
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
    ) -> Result<(), BadSignature> {
        let software = Software.verify(suite, digest, certificate, authority, signature);
        black_box(software)
    }
}

fn check_by_the_stacks_own(bytes: &Bytes<'_>) {
    let mut stack = Stack;
    let mut mmo = Mmo::with_cipher(&mut stack);
    mmo.update(bytes.input);
    black_box(mmo.finish()).ok();
    let mut check = Check::with_cipher(Stack);
    check.update(bytes.input);
    black_box(check.finish());
    let (signers, authorities) = (black_box([Eui64(0); 2]), authorities());
    let policy = black_box(Policy::required(&signers, &authorities));
    let node = Eui64(black_box(0));
    black_box((policy.allows(node), policy.key(node, black_box(Suite::Two))));
    let mut verifier = Verifier::with(policy, Stack, Stack);
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
    let policy = Policy {
        signatures: black_box(Signatures::Either),
        signers: black_box(Signers::Any),
        now: black_box(Some(0)),
        ..Policy::required(&signers, &authorities)
    };
    black_box(verify(bytes.input, &black_box(policy))).ok();
    black_box(verify(bytes.input, &black_box(Policy::not_used()))).ok();
    let mut verifier = black_box(Verifier::new(black_box(policy)));
    verifier.update(bytes.input);
    verifier.update(black_box(bytes.input));
    black_box(verifier.finish()).ok();
}

fn seal(bytes: &mut Bytes<'_>) {
    let [authority, _] = authorities();
    if let Some(certificate) = black_box(Certificate::from_bytes(bytes.input)) {
        black_box(Sealing::len(bytes.input.len(), certificate.suite()));
        if let Ok(sealing) = Sealing::new(bytes.input, &certificate, &authority, bytes.room) {
            black_box((sealing.digest(), sealing.certificate()));
            black_box(sealing.attach(bytes.input)).ok();
        }
    }
    if let Ok(sealing) = black_box(Sealing::resume(bytes.room, &authority)) {
        black_box(sealing.attach(bytes.input)).ok();
    }
}
