//! `SigningKey`: keys, signatures and signed files made by OpenSSL.

use zigbee_ota::file::{Element, FileHeader, FileWriter, Image, Tag};
use zigbee_ota::signature::integrity::{CodeForm, IntegrityCode};
use zigbee_ota::signature::{
    Accepted, Authority, Certificate, PublicKey, SignFileError, SigningKey, SigningKeyError, Suite,
    VerifyPolicy, verify,
};
use zigbee_ota::{Encode, Eui64, ImageId};

use crate::CASES;
use crate::properties::openssl::Reference;
use crate::published_test_keys::PUBLISHED;

/// Signer whose private key is published, parsed.
struct Signer {
    certificate: Vec<u8>,
    private: Vec<u8>,
    authority: Authority,
}

fn signers() -> [Signer; 2] {
    PUBLISHED.map(|published| {
        let (issuer, key) = published.ca.split_once(':').expect("two parts");
        let issuer = Eui64(u64::from_str_radix(issuer, 16).expect("an address"));
        let key = PublicKey::from_bytes(&hex(key)).expect("a key");
        let (certificate, private) = (hex(published.certificate), hex(published.private));
        Signer { certificate, private, authority: Authority { issuer, key } }
    })
}

impl Signer {
    fn certificate(&self) -> Certificate<'_> {
        Certificate::from_bytes(&self.certificate).expect("a certificate")
    }

    fn key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.private).expect("a key")
    }
}

pub fn hex(text: &str) -> Vec<u8> {
    let (pairs, _) = text.as_bytes().as_chunks::<2>();
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal");
    pairs.iter().map(|pair| byte(pair)).collect()
}

pub fn file() -> Vec<u8> {
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[0x5a; 9000] }];
    FileWriter::new(FileHeader::new(ImageId::new(0x1001, 1, 7)), &elements).expect("small").to_vec()
}

/// Shows: SIG-007, SIG-009, SIG-010, SIG-014, SIG-016, SIG-017
#[test]
fn files_are_signed_with_published_keys() {
    for signer in signers() {
        let (certificate, key, authority) = (signer.certificate(), signer.key(), signer.authority);
        assert_eq!(certificate.signer_key(&authority.key), Some(key.public_key()));
        assert_eq!(key.derive_authority(&certificate).expect("one"), authority);

        let signed = key.sign_file(&file(), &certificate, &authority).expect("signed");
        let suite = certificate.suite();
        let signers = [certificate.subject()];
        let authorities = [authority];
        let policy = VerifyPolicy::required(&signers, &authorities);
        assert_eq!(verify(&signed, &policy), Ok(Accepted::Signed { suite, signer: certificate.subject() }));
        let added = if suite == Suite::One { 110 } else { 166 };
        let image = Image::parse(&signed).expect("a file");
        assert_eq!((signed.len(), image.header().total_size as usize), (9062 + added, 9062 + added));
        let shown = format!("{key:?}");
        assert!(shown.contains("public") && !shown.contains(&format!("{:?}", &signer.private[4..])[1..20]));
    }
}

#[test]
fn signatures_by_random_keys_verify_here_and_by_openssl() {
    for suite in Suite::ALL {
        let mut reference = Reference::new(suite);
        let mut random = fastrand::Rng::with_seed(9);
        let mut short = 0;
        for _ in 0..CASES / 4 {
            let mut bytes = vec![0; reference.width()];
            // One to three leading zero bytes keep the number below the order.
            let zeros = random.usize(1..4);
            random.fill(&mut bytes[zeros..]);
            let pair = reference.pair(&bytes);
            let key = SigningKey::from_bytes(&bytes).expect("a key");
            assert_eq!(key.public_key().as_bytes(), reference.bytes(pair.point()));
            let digest = std::array::from_fn(|_| random.u8(..));
            let signature = key.sign_digest(&digest).expect("a signature");
            assert_eq!(signature.len(), suite.signature_len());
            short += usize::from(signature[0] == 0);
            assert!(reference.compare(key.public_key().as_bytes(), &digest, &signature));
        }
        assert!(short > 0, "no r with a zero before it among {CASES}");
    }
}

#[test]
fn a_key_is_a_number_below_the_order() {
    for suite in Suite::ALL {
        let reference = Reference::new(suite);
        let [zero, one, two, last, order, over, highest] = &reference.edges()[..] else { panic!("seven") };
        for good in [one, two, last] {
            assert!(SigningKey::from_bytes(good).is_ok());
        }
        for bad in [zero, order, over, highest] {
            assert!(matches!(SigningKey::from_bytes(bad), Err(SigningKeyError::KeyRange)));
        }
    }
    for length in [0, 20, 22, 35, 37] {
        let found = SigningKey::from_bytes(&vec![1; length]);
        assert!(matches!(found, Err(SigningKeyError::KeyLength(found)) if found == length));
    }
}

/// Shows: SIG-006, SIG-016
#[test]
fn mismatched_keys_certificates_and_files_are_not_signed() {
    let [suite_1, suite_2] = &signers();
    let [one, two] = [suite_1, suite_2].map(Signer::certificate);
    let (key, authority, other) = (suite_1.key(), suite_1.authority, suite_2.authority);
    let sign = |key: &SigningKey, file: &[u8], certificate, authority| {
        key.sign_file(file, certificate, authority).expect_err("not signed")
    };
    let mut number = suite_1.private.clone();
    number[20] ^= 1;
    let another = SigningKey::from_bytes(&number).expect("a key");
    assert!(matches!(sign(&another, &file(), &one, &authority), SigningKeyError::KeyMismatch));
    assert!(matches!(sign(&key, &file(), &two, &other), SigningKeyError::KeyMismatch));
    assert!(matches!(key.derive_authority(&two), Err(SigningKeyError::KeyMismatch)));
    assert!(matches!(
        sign(&key, &file(), &one, &other),
        SigningKeyError::File(SignFileError::IssuerMismatch)
    ));
    let elsewhere = Authority { issuer: Eui64(1), ..authority };
    assert!(matches!(
        sign(&key, &file(), &one, &elsewhere),
        SigningKeyError::File(SignFileError::IssuerMismatch)
    ));
    let none = Authority { key: PublicKey::Suite1([2; 22]), ..authority };
    assert!(matches!(sign(&key, &file(), &one, &none), SigningKeyError::File(SignFileError::InvalidKey)));
    let signed = key.sign_file(&file(), &one, &authority).expect("signed");
    assert!(matches!(
        sign(&key, &signed, &one, &authority),
        SigningKeyError::File(SignFileError::AlreadySigned)
    ));
    assert!(matches!(
        sign(&key, &signed[1..], &one, &authority),
        SigningKeyError::File(SignFileError::File(_))
    ));

    // A wrong private key yields another authority, which a signer without the authority key cannot detect.
    let stranger = another.derive_authority(&one).expect("one");
    assert_ne!(stranger, authority);
    assert!(another.sign_file(&file(), &one, &stranger).is_ok());
    // A certificate whose point is not on the curve.
    let mut bytes = one.as_bytes().to_vec();
    bytes[..22].fill(0xff);
    let none = Certificate::from_bytes(&bytes).expect("a certificate");
    assert!(matches!(key.derive_authority(&none), Err(SigningKeyError::File(SignFileError::InvalidKey))));
}

#[test]
fn an_integrity_code_matches_after_signing() {
    let [signer, _] = signers();
    let mut coded = vec![0; file().len() + IntegrityCode::LEN];
    IntegrityCode::append(&file(), &mut coded).expect("coded");
    let signed = signer.key().sign_file(&coded, &signer.certificate(), &signer.authority);
    let signed = signed.expect("signed");
    let image = Image::parse(&signed).expect("a file");
    assert_eq!(IntegrityCode::check(&image), IntegrityCode::Ok(CodeForm::BeforeElement));
}
