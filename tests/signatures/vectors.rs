//! Keys, certificates, signatures and whole files of `vectors.json`, each with its expected result.

use serde_json::Value;
use zigbee_ota::file::{Image, Tag};
use zigbee_ota::mmo;
use zigbee_ota::signature::{
    Accepted, Certificate, KeyUsage, PublicKey, SignatureError, Suite, Verifier, VerifyError, verify,
};

use crate::properties::signature::{AUTHORITIES, SIGNED, policy};

/// Reads `vectors.json`.
pub fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors.json")).expect("JSON")
}

pub fn list<'a>(vectors: &'a Value, key: &str) -> &'a [Value] {
    vectors[key].as_array().expect("an array")
}

pub fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a text");
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    assert!(rest.is_empty());
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal");
    pairs.iter().map(|pair| byte(pair)).collect()
}

fn address(value: &Value) -> u64 {
    u64::from_be_bytes(hex(value).try_into().expect("8 bytes"))
}

fn key(value: &Value) -> PublicKey {
    PublicKey::from_bytes(&hex(value)).expect("22 or 37 bytes")
}

/// Returns the bytes of the file `name` of the vectors.
pub fn file(name: &str) -> Vec<u8> {
    let vectors = vectors();
    let found = list(&vectors, "files").iter().find(|file| file["name"] == name);
    hex(&found.expect(name)["file"])
}

/// Shows: SIG-015, SIG-026, SIG-035, SIG-036
#[test]
fn certificates_are_read_and_yield_the_keys_of_the_signers() {
    let vectors = vectors();
    for vector in list(&vectors, "certificates") {
        let bytes = hex(&vector["certificate"]);
        let certificate = Certificate::from_bytes(&bytes).expect("48 or 74 bytes");
        let suite = if vector["suite"] == 1 { Suite::One } else { Suite::Two };
        assert_eq!((certificate.suite(), certificate.as_bytes()), (suite, &bytes[..]));
        assert_eq!(certificate.subject().0, address(&vector["subject"]));
        assert_eq!(certificate.issuer().0, address(&vector["issuer"]));
        assert_eq!(certificate.reconstruction_point(), hex(&vector["point"]));
        assert_eq!(certificate.digest(), hex(&vector["digest"])[..]);
        assert!(certificate.is_supported());
        assert_eq!(certificate.valid_until(), None);
        match suite {
            Suite::One => {
                assert_eq!(certificate.attributes().expect("suite 1")[..], hex(&vector["attributes"]));
                assert_eq!((certificate.serial(), certificate.valid_from()), (None, None));
                assert_eq!(certificate.key_usage(), None);
            }
            Suite::Two => {
                assert_eq!(certificate.serial(), Some(address(&vector["serial"])));
                assert_eq!(vector["valid_from"], certificate.valid_from().expect("suite 2"));
                assert_eq!(vector["key_usage"], certificate.key_usage().expect("suite 2").0);
                assert_eq!(certificate.key_usage(), Some(KeyUsage(0x88)));
                assert_eq!(certificate.attributes(), None);
            }
        }
        let issuer = key(&vector["issuer_key"]);
        assert_eq!(certificate.signer_key(&issuer), Some(key(&vector["key"])));
        // An authority of the other suite yields no key, another authority of the same suite a different key.
        for authority in AUTHORITIES.iter().filter(|authority| authority.key != issuer) {
            let other = certificate.signer_key(&authority.key);
            assert_eq!(other.is_some(), authority.key.suite() == suite);
            assert_ne!(other, Some(key(&vector["key"])));
        }
    }
}

/// Shows: SIG-037, SIG-038
#[test]
fn known_signatures_verify_and_changed_ones_do_not() {
    let vectors = vectors();
    for vector in list(&vectors, "signatures") {
        let (key, signature) = (key(&vector["key"]), hex(&vector["signature"]));
        let mut digest: [u8; 16] = hex(&vector["digest"]).try_into().expect("16 bytes");
        assert!(key.is_valid() && key.suite().allows(&signature));
        assert!(key.verify(&digest, &signature));
        digest[15] ^= 1;
        assert!(!key.verify(&digest, &signature));
        digest[15] ^= 1;
        let mut other = signature.clone();
        other[20] ^= 1;
        assert!(!key.verify(&digest, &other));
        assert!(!key.verify(&digest, &signature[1..]));
        // The digest 0 cancels the other term of the sum, so that the negative key verifies too.
        let mut negative = key.as_bytes().to_vec();
        negative[0] ^= 1;
        let negative = PublicKey::from_bytes(&negative).expect("a key");
        assert_eq!(negative.verify(&digest, &signature), digest == [0; 16]);
    }
}

/// Whether `found` is the result that the vectors expect.
fn agrees(name: &str, expected: &str, found: Result<Accepted, VerifyError>) -> bool {
    // Numbers out of range are refused before the ECDSA verification.
    let out_of_range =
        ["-r-zero", "-s-zero", "-both-zero", "-s-eq-n", "-s-plus-n"].iter().any(|end| name.ends_with(end));
    match expected {
        "valid" => matches!(found, Ok(Accepted::Signed { .. })),
        "bad_signature" if out_of_range => found == Err(VerifyError::SignatureRange),
        "bad_signature" => found == Err(VerifyError::Signature(SignatureError::Mismatch)),
        "bad_point" => found == Err(VerifyError::Signature(SignatureError::InvalidKey)),
        "subject_mismatch" => matches!(found, Err(VerifyError::SubjectMismatch(_))),
        "no_certificate" => found == Err(VerifyError::NoCertificate),
        "signature_not_last" => found == Err(VerifyError::SignatureNotLast),
        "size_mismatch" => matches!(found, Err(VerifyError::File(error)) if error.is_truncated()),
        "bad_signature_length" => matches!(found, Err(VerifyError::SignatureLength { .. })),
        "double_signed" => found == Err(VerifyError::BothSuites),
        "bad_certificate" => found == Err(VerifyError::UnsupportedCertificate),
        "key_usage" => found == Err(VerifyError::KeyUsage),
        other => panic!("{other}"),
    }
}

/// Shows: SIG-018, SIG-025, SIG-028, SIG-031, SIG-038, SIG-040
#[test]
fn files_are_valid_or_refused_for_the_right_reason() {
    let vectors = vectors();
    for vector in list(&vectors, "files") {
        let (name, file) = (vector["name"].as_str().expect("a name"), hex(&vector["file"]));
        let policy = policy().with_signers(zigbee_ota::signature::AllowedSigners::Any);
        let found = verify(&file, &policy);
        let expected = vector["expect"].as_str().expect("a text");
        assert!(agrees(name, expected, found), "{name}: {found:?}, expected {expected}");
        for size in [1, 7, 64] {
            let mut verifier = Verifier::new(policy);
            file.chunks(size).for_each(|piece| verifier.update(piece));
            assert_eq!(verifier.finish(), found, "{name} in pieces of {size} bytes");
        }
        if !vector["digest"].is_null() {
            let image = Image::parse(&file).expect(name);
            let suite =
                if image.find(Tag::ECDSA_SIGNATURE).next().is_some() { Suite::One } else { Suite::Two };
            let (signed, signature) = file.split_at(file.len() - suite.signature_len());
            let digest = mmo::digest(signed).expect("short");
            assert_eq!(digest[..], hex(&vector["digest"]), "{name}");
            let right = key(&vector["signer_key"]).verify(&digest, signature);
            assert_eq!(right, expected == "valid", "{name}");
        }
    }
}

/// Flips one bit of every `step`-th byte, another bit each time.
fn flipped(signed: &[u8], step: usize) {
    assert!(verify(signed, &policy()).is_ok());
    let mut file = signed.to_vec();
    for place in (0..file.len()).step_by(step) {
        let bit = 1 << (place / step % 8);
        file[place] ^= bit;
        let found = verify(&file, &policy());
        assert!(found.is_err(), "{bit:#04x} of byte {place}: {found:?}");
        file[place] ^= bit;
    }
}

/// Shows: SIG-025, SIG-030
#[test]
fn a_flipped_bit_of_any_byte_is_found() {
    flipped(SIGNED[0], 1);
}

/// Every third byte only: suite 2 is slow in a debug build.
///
/// Shows: SIG-030, SIG-038
#[test]
fn a_flipped_bit_is_found_by_suite_2() {
    flipped(SIGNED[1], 3);
}

#[test]
fn a_certificate_is_valid_in_its_time() {
    let at = |file: &[u8], now| {
        let mut policy = policy();
        policy.now = now;
        verify(file, &policy).map(|_| ())
    };
    let expired = file("s2-expired");
    let start = 1_000_000_000;
    for (now, expected) in [
        (None, Ok(())),
        (Some(start - 1), Err(VerifyError::NotYetValid)),
        (Some(start), Ok(())),
        (Some(start + 3_599), Ok(())),
        (Some(start + 3_600), Err(VerifyError::Expired)),
    ] {
        assert_eq!(at(&expired, now), expected, "{now:?}");
    }
    let unlimited = |now| at(SIGNED[1], Some(now)).is_ok();
    assert_eq!([1_699_999_999, 1_700_000_000, u64::MAX].map(unlimited), [false, true, true]);
}
