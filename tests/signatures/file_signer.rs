//! Signing with an external signer: the known signatures of signed files, attached to the same files without them.

use zigbee_ota::file::{Image, Tag};
use zigbee_ota::mmo;
use zigbee_ota::signature::integrity::{CodeForm, IntegrityCode};
use zigbee_ota::signature::{
    Authority, Certificate, FileSigner, SignFileError, Suite, VerifyError, sign_file, verify,
};
use zigbee_ota::{DecodeErrorKind, EncodeError};

use crate::properties::signature::{AUTHORITIES, SIGNED, SIGNERS, policy};
use crate::vectors::file;

/// Signed file split into its parts.
struct Parts {
    signed: Vec<u8>,
    unsigned: Vec<u8>,
    certificate: Vec<u8>,
    authority: Authority,
    signature: Vec<u8>,
    suite: Suite,
}

fn split(signed: &[u8]) -> Parts {
    let suite = if Image::parse(signed).expect("a file").find(Tag::ECDSA_SIGNATURE).count() > 0 {
        Suite::One
    } else {
        Suite::Two
    };
    let (added, certificate_len) = if suite == Suite::One { (110, 48) } else { (166, 74) };
    let (unsigned, elements) = signed.split_at(signed.len() - added);
    let mut unsigned = unsigned.to_vec();
    let total = u32::try_from(unsigned.len()).expect("short");
    unsigned[52..56].copy_from_slice(&total.to_le_bytes());
    let certificate = elements[6..6 + certificate_len].to_vec();
    let issuer = Certificate::from_bytes(&certificate).expect("a certificate").issuer();
    let known = |authority: &&Authority| authority.issuer == issuer && authority.key.suite() == suite;
    Parts {
        signed: signed.to_vec(),
        unsigned,
        certificate,
        authority: *AUTHORITIES.iter().find(known).expect("an authority"),
        signature: signed[signed.len() - suite.signature_len()..].to_vec(),
        suite,
    }
}

impl Parts {
    fn certificate(&self) -> Certificate<'_> {
        Certificate::from_bytes(&self.certificate).expect("a certificate")
    }

    fn out(&self) -> Vec<u8> {
        vec![0xee; FileSigner::signed_len(self.unsigned.len(), self.suite)]
    }
}

/// Shows: SIG-007, SIG-008, SIG-009, SIG-010, SIG-017, SIG-018, SIG-019
#[test]
fn a_signed_file_equals_the_one_that_others_signed() {
    let files = ["silabs-image-builder-sample", "s1-small", "s2-small", "s1-all-optional-header-fields"];
    let more = ["s2-all-optional-header-fields", "s1-hashed-8192", "s2-hashed-8192", "s1-se-annex-c-cert"];
    for name in files.into_iter().chain(more) {
        let parts = split(&file(name));
        let mut out = parts.out();
        assert_eq!(out.len(), parts.signed.len(), "{name}");
        let signer =
            FileSigner::new(&parts.unsigned, &parts.certificate(), &parts.authority, &mut out).expect(name);
        assert_eq!(signer.certificate(), parts.certificate(), "{name}");
        let hashed = parts.signed.len() - parts.suite.signature_len();
        assert_eq!(Ok(signer.digest()), mmo::digest(&parts.signed[..hashed]));
        assert_eq!(signer.attach(&parts.signature), Ok(parts.signed.len()));
        assert_eq!(out, parts.signed, "{name}");

        let image = Image::parse(&out).expect(name);
        assert_eq!(image.header().total_size as usize, out.len());
        let tags: Vec<_> = image.elements().map(|at| at.element.tag).collect();
        assert!(tags.ends_with(&[parts.suite.certificate_tag(), parts.suite.signature_tag()]));
        if parts.suite == Suite::One {
            let start = out.len() - 56;
            assert_eq!(out.len(), parts.unsigned.len() + 110);
            assert_eq!(out[start..start + 6], [0x01, 0x00, 0x32, 0x00, 0x00, 0x00]);
            assert_eq!(out[start + 6..start + 14], parts.certificate().subject().0.to_le_bytes());
        }
    }
}

#[test]
fn sign_file_calls_the_signer_with_the_digest() {
    let parts = split(SIGNED[1]);
    let (certificate, hashed) = (parts.certificate(), SIGNED[1].len() - 72);
    let signed = sign_file(&parts.unsigned, &certificate, &parts.authority, |digest| {
        assert_eq!(Ok(digest), mmo::digest(&SIGNED[1][..hashed]));
        Ok::<_, SignFileError>(&parts.signature)
    });
    assert_eq!(signed.as_deref(), Ok(SIGNED[1]));
    let refused = sign_file::<&[u8], _>(&parts.unsigned, &certificate, &parts.authority, |_| {
        Err(SignFileError::InvalidKey)
    });
    assert_eq!(refused, Err(SignFileError::InvalidKey), "the error of the signer");
}

/// Shows: SIG-016, SIG-030
#[test]
fn a_signature_that_would_not_verify_is_refused() {
    for signed in SIGNED {
        let parts = split(signed);
        let mut out = parts.out();
        let mut attach = |signature: &[u8]| {
            FileSigner::new(&parts.unsigned, &parts.certificate(), &parts.authority, &mut out)?
                .attach(signature)
        };
        let mut wrong = parts.signature.clone();
        wrong[40] ^= 1;
        for signature in
            [&wrong[..], &[0; 42], &[0; 72], &[0xff; 42], &[0xff; 72], &[], &parts.signature[1..]]
        {
            assert_eq!(attach(signature), Err(SignFileError::SignatureMismatch));
        }
        assert_eq!(attach(&parts.signature), Ok(signed.len()));
        // A valid signature of another file.
        let mut other = signed.to_vec();
        other[70] ^= 1;
        let signer = FileSigner::resume(&mut other, &parts.authority).expect("prepared");
        assert_eq!(signer.attach(&parts.signature), Err(SignFileError::SignatureMismatch));
        assert!(verify(&out, &policy()).is_ok());
    }
}

/// The integrity code covers the total image size, which signing changes.
#[test]
fn a_matching_integrity_code_is_recomputed() {
    let parts = split(SIGNED[0]);
    let mut coded = vec![0; parts.unsigned.len() + IntegrityCode::LEN];
    IntegrityCode::append(&parts.unsigned, &mut coded).expect("an unsigned file");
    let sealed = |coded: &[u8]| {
        let mut out = vec![0; FileSigner::signed_len(coded.len(), Suite::One)];
        FileSigner::new(coded, &parts.certificate(), &parts.authority, &mut out).expect("unsigned");
        let hashed = coded.len() + 54 + 14;
        assert_eq!(out[56..coded.len() - 16], coded[56..coded.len() - 16]);
        let signer = FileSigner::resume(&mut out, &parts.authority).expect("prepared");
        let digest = signer.digest();
        assert_eq!(Ok(digest), mmo::digest(&out[..hashed]), "the signature covers the code");
        let integrity = IntegrityCode::check(&Image::parse(&out).expect("a file"));
        (integrity, out[coded.len() - 16..coded.len()] == coded[coded.len() - 16..])
    };
    assert_eq!(sealed(&coded), (IntegrityCode::Ok(CodeForm::BeforeElement), false));
    // A code that matches by no convention is left as it is.
    *coded.last_mut().expect("a code") ^= 1;
    assert_eq!(sealed(&coded), (IntegrityCode::Bad, true));
    // A code by another convention.
    let place = coded.len() - 16;
    let digest = mmo::digest(&coded[..place]).expect("short");
    coded[place..].copy_from_slice(&digest);
    assert_eq!(sealed(&coded), (IntegrityCode::Ok(CodeForm::BeforeData), false));
}

/// Shows: SIG-006, SIG-014
#[test]
fn unsuitable_files_and_authorities_are_refused_before_anything_is_written() {
    let parts = split(SIGNED[0]);
    let mut out = parts.out();
    let mut new = |file: &[u8], authority: &Authority, room: usize| {
        let refused = FileSigner::new(file, &parts.certificate(), authority, &mut out[..room]).map(|_| ());
        assert!(out.iter().all(|byte| *byte == 0xee));
        refused.expect_err("a refusal")
    };
    let (unsigned, authority, room) = (&parts.unsigned, &parts.authority, parts.signed.len());
    assert_eq!(new(&parts.signed, authority, room), SignFileError::AlreadySigned);
    let mut certificate_alone = parts.signed[..room - 56].to_vec();
    certificate_alone[52] = u8::try_from(room - 56).expect("short");
    assert_eq!(new(&certificate_alone, authority, room), SignFileError::AlreadySigned);
    let error = new(&[&unsigned[..], &[0]].concat(), authority, room);
    assert!(
        matches!(error, SignFileError::File(error) if error.kind == DecodeErrorKind::TrailingBytes { count: 1 })
    );
    assert!(matches!(new(&unsigned[..80], authority, room), SignFileError::File(_)));
    for other in [&AUTHORITIES[0], &AUTHORITIES[3]] {
        assert_eq!(new(unsigned, other, room), SignFileError::IssuerMismatch);
    }
    let issuer = authority.issuer;
    assert_eq!(
        new(unsigned, &Authority { issuer, key: AUTHORITIES[3].key }, room),
        SignFileError::IssuerMismatch
    );
    let none = zigbee_ota::signature::PublicKey::Suite1([2; 22]);
    assert_eq!(new(unsigned, &Authority { issuer, key: none }, room), SignFileError::InvalidKey);
    let error = EncodeError::NoRoom { needed: room, available: room - 1 };
    assert_eq!(new(unsigned, authority, room - 1), SignFileError::Encode(error));
}

/// No device would accept the signed file.
#[test]
fn a_certificate_that_may_not_sign_is_refused() {
    let parts = split(SIGNED[1]);
    for (place, byte, reason) in [
        (36, 0x08, VerifyError::KeyUsage),
        (9, 0x0c, VerifyError::UnsupportedCertificate),
        (0, 1, VerifyError::UnsupportedCertificate),
    ] {
        let mut certificate = parts.certificate.clone();
        certificate[place] = byte;
        let certificate = Certificate::from_bytes(&certificate).expect("a certificate");
        let mut out = parts.out();
        let refused = FileSigner::new(&parts.unsigned, &certificate, &parts.authority, &mut out).err();
        assert_eq!(refused, Some(SignFileError::Certificate(reason)));
        assert!(out.iter().all(|byte| *byte == 0xee));
    }
}

#[test]
fn only_a_prepared_file_can_be_resumed() {
    let parts = split(SIGNED[0]);
    let resume = |file: &[u8]| FileSigner::resume(&mut file.to_vec(), &parts.authority).map(|_| ()).err();
    assert_eq!(resume(&parts.signed), None);
    assert_eq!(resume(&parts.unsigned), Some(SignFileError::NotPrepared));
    assert_eq!(resume(&file("s1-no-certificate")), Some(SignFileError::NotPrepared));
    let mut other_signer = parts.signed.clone();
    let place = other_signer.len() - 50;
    assert_eq!(other_signer[place..place + 8], SIGNERS[0].0.to_le_bytes());
    other_signer[place] ^= 1;
    assert_eq!(resume(&other_signer), Some(SignFileError::NotPrepared));
    assert!(matches!(resume(&file("s1-element-after-signature")), Some(SignFileError::File(_))));
}

/// A short buffer stays unchanged.
#[test]
fn a_buffer_too_small_for_the_signed_file_is_unchanged() {
    for signed in SIGNED {
        let parts = split(signed);
        let mut out = vec![0xee; signed.len() - 1];
        let error = FileSigner::new(&parts.unsigned, &parts.certificate(), &parts.authority, &mut out)
            .expect_err("short");
        let room = EncodeError::NoRoom { needed: signed.len(), available: signed.len() - 1 };
        assert_eq!(error.to_string(), room.to_string());
        assert!(out.iter().all(|byte| *byte == 0xee));
        let mut out = vec![0xee; parts.unsigned.len() + IntegrityCode::LEN - 1];
        assert!(IntegrityCode::append(&parts.unsigned, &mut out).is_err());
        assert!(IntegrityCode::append(&parts.unsigned[1..], &mut [0; 4000]).is_err(), "no file");
        assert!(out.iter().all(|byte| *byte == 0xee));
    }
}
