//! Properties of signature verification, for property tests and fuzz targets.

use zigbee_ota::Eui64;
use zigbee_ota::file::{Image, Tag};
use zigbee_ota::signature::integrity::{IntegrityChecker, IntegrityCode};
use zigbee_ota::signature::{
    Accepted, AllowedSigners, Authority, Certificate, FileSigner, PublicKey, SignFileError,
    SignatureRequirement, Verifier, VerifyError, VerifyPolicy, verify,
};

/// Authorities with public private keys: two published ones, and two made for these tests.
#[rustfmt::skip]
pub static AUTHORITIES: [Authority; 4] = [
    Authority { issuer: Eui64(0x5445535453454341), key: PublicKey::Suite1([0x02, 0x00, 0xfd, 0xe8, 0xa7, 0xf3, 0xd1, 0x08, 0x42, 0x24, 0x96, 0x2a, 0x4e, 0x7c, 0x54, 0xe6, 0x9a, 0xc3, 0xf0, 0x4d, 0xa6, 0xb8]) },
    Authority { issuer: Eui64(0x1112131415161718), key: PublicKey::Suite2([0x02, 0x07, 0xa4, 0x45, 0x02, 0x2d, 0x9f, 0x39, 0xf4, 0x9b, 0xdc, 0x38, 0x38, 0x00, 0x26, 0xa2, 0x7a, 0x9e, 0x0a, 0x17, 0x99, 0x31, 0x3a, 0xb2, 0x8c, 0x5c, 0x1a, 0x1c, 0x6b, 0x60, 0x51, 0x54, 0xdb, 0x1d, 0xff, 0x67, 0x52]) },
    Authority { issuer: Eui64(0x1122334455667701), key: PublicKey::Suite1([0x03, 0x04, 0x4e, 0x93, 0x4f, 0x8f, 0xf7, 0x16, 0xcc, 0x44, 0xed, 0xef, 0xc8, 0x33, 0x28, 0x6c, 0x72, 0x13, 0x28, 0xd8, 0xcc, 0xfd]) },
    Authority { issuer: Eui64(0x1122334455667702), key: PublicKey::Suite2([0x02, 0x00, 0xee, 0x83, 0x52, 0x27, 0xf0, 0xe4, 0x2e, 0x2b, 0xfd, 0x92, 0x90, 0x92, 0x6e, 0xff, 0x14, 0xab, 0xcb, 0x17, 0xeb, 0x8b, 0x1a, 0xb5, 0x85, 0xd1, 0x4e, 0xba, 0x3e, 0x9c, 0x15, 0xb5, 0x16, 0xb2, 0x5c, 0xb6, 0x2f]) },
];

/// Allowed signers of the test files.
pub static SIGNERS: [Eui64; 3] = [Eui64(0x0012_4b00_aabb_ccdd), Eui64(1), Eui64(0x000d_6f00_0019_8b36)];

/// Files with valid signatures of both suites.
pub static SIGNED: [&[u8]; 2] = [
    include_bytes!("../../data/signed_files/suite1.ota"),
    include_bytes!("../../data/signed_files/suite2.ota"),
];

/// Returns the policy that accepts the files of these signers.
pub fn policy() -> VerifyPolicy<'static> {
    VerifyPolicy::required(&SIGNERS, &AUTHORITIES)
}

/// Checks the properties for any bytes, file or not.
pub fn any_bytes(bytes: &[u8], split: impl FnMut() -> usize) {
    let required = in_pieces(bytes, &policy(), split);
    assert_eq!(required, verify(bytes, &policy()), "the same in pieces as from memory");
    assert!(!matches!(required, Ok(Accepted::Unsigned | Accepted::NotChecked)));
    let with = |signatures| verify(bytes, &policy().with_signatures(signatures));
    let either = with(SignatureRequirement::Optional);
    let unsigned = required == Err(VerifyError::NoSignature);
    assert_eq!(either, if unsigned { Ok(Accepted::Unsigned) } else { required });
    let any = verify(bytes, &policy().with_signers(AllowedSigners::Any));
    assert!(any == required || matches!(required, Err(VerifyError::SignerNotAllowed(_))));
    let loose = with(SignatureRequirement::NotUsed { refuse_signed: false });
    let strict = with(SignatureRequirement::NotUsed { refuse_signed: true });
    match Image::parse_lenient(bytes) {
        Ok(image) if image.missing() == 0 => {
            assert_eq!(unsigned, !image.is_signed());
            let expected = if unsigned { Accepted::Unsigned } else { Accepted::NotChecked };
            assert_eq!(loose, Ok(expected));
            assert_eq!(strict, if unsigned { Ok(expected) } else { Err(VerifyError::UnexpectedSignature) });
        }
        _ => assert!(
            matches!((loose, strict), (Err(VerifyError::File(one)), Err(VerifyError::File(other))) if one == other)
        ),
    }
    any_integrity(bytes);
    any_seal(bytes);
}

fn in_pieces(
    bytes: &[u8],
    policy: &VerifyPolicy<'_>,
    mut split: impl FnMut() -> usize,
) -> Result<Accepted, VerifyError> {
    let mut verifier = Verifier::new(*policy);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(split().min(rest.len()));
        verifier.update(piece);
        rest = later;
    }
    verifier.finish()
}

fn any_integrity(bytes: &[u8]) {
    if let Ok(image) = Image::parse_lenient(bytes) {
        let integrity = IntegrityCode::check(&image);
        let mut check = IntegrityChecker::new();
        image.bytes().chunks(bytes.len() % 50 + 1).for_each(|piece| check.update(piece));
        assert_eq!(check.finish(), integrity);
        let coded = image.find(Tag::IMAGE_INTEGRITY_CODE).next().is_some();
        assert_eq!(integrity != IntegrityCode::Absent, coded);
    }
    let mut out = vec![0; bytes.len() + IntegrityCode::LEN];
    if let Ok(len) = IntegrityCode::append(bytes, &mut out) {
        assert_eq!(len, out.len());
        let image = Image::parse(&out).expect("a file");
        assert!(matches!(IntegrityCode::check(&image), IntegrityCode::Ok(_)));
    }
}

/// Checks that an unsigned file can be prepared for a signature, once.
fn any_seal(bytes: &[u8]) {
    let image = Image::parse(SIGNED[0]).expect("a file");
    let certificate = image.find(Tag::ECDSA_CERTIFICATE).next().expect("a certificate");
    let certificate = Certificate::from_bytes(certificate.element.data).expect("a certificate");
    let mut out = vec![0xee; FileSigner::signed_len(bytes.len(), certificate.suite())];
    let digest = match FileSigner::new(bytes, &certificate, &AUTHORITIES[2], &mut out) {
        Ok(sealing) => sealing.digest(),
        Err(error) => {
            let no_file = Image::parse(bytes).is_err();
            assert_eq!(no_file, matches!(error, SignFileError::File(_)), "{error}");
            return assert!(out.iter().all(|byte| *byte == 0xee));
        }
    };
    // The room for r and s holds zeros.
    assert_eq!(verify(&out, &policy()), Err(VerifyError::SignatureRange));
    let again = FileSigner::resume(&mut out, &AUTHORITIES[2]).expect("prepared");
    assert_eq!(again.digest(), digest);
    assert_eq!(again.attach(&[1; 42]), Err(SignFileError::SignatureMismatch));
    assert_eq!(
        FileSigner::new(&out.clone(), &certificate, &AUTHORITIES[2], &mut out).err(),
        Some(SignFileError::AlreadySigned)
    );
}

/// Checks that a signed file with any changed byte is refused.
pub fn any_change(choice: usize, place: usize, flip: u8) {
    let mut file = SIGNED[choice % SIGNED.len()].to_vec();
    let place = place % file.len();
    file[place] ^= flip;
    let found = verify(&file, &policy());
    assert_eq!(found.is_ok(), flip == 0, "byte {place} ^ {flip:#04x}: {found:?}");
}
