//! Order of the checks of the verifier, observed with a mock of `VerifySignature` that records its calls.

use zigbee_ota::Eui64;
use zigbee_ota::mmo::{self, Digest, SoftwareCrypto};
use zigbee_ota::signature::{
    Accepted, Authority, Certificate, PublicKey, SignatureError, SignatureRequirement, Suite, Verifier,
    VerifyError, VerifyPolicy, VerifySignature, verify,
};

use crate::properties::signature::{AUTHORITIES, SIGNED, SIGNERS, policy};
use crate::vectors::file;

/// Records its calls, and returns the same result each time.
struct Mock {
    result: Result<(), SignatureError>,
    calls: Vec<Call>,
}

#[derive(Debug, PartialEq)]
struct Call {
    suite: Suite,
    digest: Digest,
    certificate: Vec<u8>,
    authority: PublicKey,
    signature: Vec<u8>,
}

impl VerifySignature for Mock {
    fn verify(
        &mut self,
        suite: Suite,
        digest: &Digest,
        certificate: &Certificate<'_>,
        authority: &PublicKey,
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let (certificate, signature) = (certificate.as_bytes().to_vec(), signature.to_vec());
        self.calls.push(Call { suite, digest: *digest, certificate, authority: *authority, signature });
        self.result
    }
}

fn verify_with_mock(
    file: &[u8],
    policy: &VerifyPolicy<'_>,
    result: Result<(), SignatureError>,
) -> (Result<Accepted, VerifyError>, Vec<Call>) {
    let mut mock = Mock { result, calls: Vec::new() };
    let mut verifier = Verifier::with_crypto(*policy, SoftwareCrypto, &mut mock);
    verifier.update(file);
    (verifier.finish(), mock.calls)
}

/// Asserts that a file is refused before any ECDSA verification.
#[track_caller]
fn refused(file: &[u8], policy: &VerifyPolicy<'_>, reason: VerifyError) {
    assert_eq!(verify_with_mock(file, policy, Ok(())), (Err(reason), Vec::new()));
}

/// Shows: SIG-025, SIG-027, SIG-028, SIG-039
#[test]
fn the_ecdsa_verification_is_called_once_with_digest_certificate_and_signature() {
    for (signed, suite, authority) in [(SIGNED[0], Suite::One, 2), (SIGNED[1], Suite::Two, 3)] {
        let (hashed, signature) = signed.split_at(signed.len() - suite.signature_len());
        // The last 14 signed bytes are tag, length and signer; the certificate ends before them.
        let certificate = &hashed[..hashed.len() - 14];
        let certificate = &certificate[certificate.len() - if suite == Suite::One { 48 } else { 74 }..];
        let call = || Call {
            suite,
            digest: mmo::digest(hashed).expect("short"),
            certificate: certificate.to_vec(),
            authority: AUTHORITIES[authority].key,
            signature: signature.to_vec(),
        };
        let good = Accepted::Signed { suite, signer: SIGNERS[0] };
        assert_eq!(verify_with_mock(signed, &policy(), Ok(())), (Ok(good), vec![call()]));
        for error in [
            SignatureError::Mismatch,
            SignatureError::InvalidKey,
            SignatureError::UnsupportedSuite,
            SignatureError::Backend,
        ] {
            let found = (Err(VerifyError::Signature(error)), vec![call()]);
            assert_eq!(verify_with_mock(signed, &policy(), Err(error)), found);
        }
    }
}

/// Shows: SIG-001, SIG-002, SIG-004, SIG-005, SIG-020
#[test]
fn the_policy_decides_about_unsigned_files() {
    let signed = SIGNED[0];
    let wrong = file("s1-r-bit");
    let mut unsigned = signed[..signed.len() - 110].to_vec();
    unsigned[52] = u8::try_from(unsigned.len()).expect("short");
    let with = |signatures| policy().with_signatures(signatures);
    assert_eq!(SignatureRequirement::default(), SignatureRequirement::Required);
    let required = with(SignatureRequirement::Required);
    refused(&unsigned, &required, VerifyError::NoSignature);
    let good = Ok(Accepted::Signed { suite: Suite::One, signer: SIGNERS[0] });
    assert_eq!(verify(signed, &required), good);

    let either = with(SignatureRequirement::Optional);
    assert_eq!(verify(&unsigned, &either), Ok(Accepted::Unsigned));
    assert_eq!(verify(signed, &either), good);
    assert_eq!(verify(&wrong, &either), Err(VerifyError::Signature(SignatureError::Mismatch)));

    let not_used = VerifyPolicy::not_used();
    for file in [signed, &wrong] {
        assert_eq!(verify_with_mock(file, &not_used, Ok(())), (Ok(Accepted::NotChecked), vec![]));
        refused(
            file,
            &with(SignatureRequirement::NotUsed { refuse_signed: true }),
            VerifyError::UnexpectedSignature,
        );
    }
    for refuse_signed in [false, true] {
        let policy = with(SignatureRequirement::NotUsed { refuse_signed });
        assert_eq!(verify(&unsigned, &policy), Ok(Accepted::Unsigned));
    }
}

/// Shows: SIG-021, SIG-034
#[test]
fn the_signer_must_be_allowed() {
    for signers in [&[][..], &SIGNERS[1..], &[Eui64(0xddcc_bbaa_004b_1200)]] {
        refused(
            SIGNED[0],
            &VerifyPolicy::required(signers, &AUTHORITIES),
            VerifyError::SignerNotAllowed(SIGNERS[0]),
        );
    }
}

/// Shows: SIG-022, SIG-031
#[test]
fn there_must_be_a_certificate_of_the_suite() {
    refused(&file("s1-no-certificate"), &policy(), VerifyError::NoCertificate);
    refused(&file("s1-certificate-of-other-suite-tag"), &policy(), VerifyError::NoCertificate);
    // A certificate that is one byte too short.
    let mut file = SIGNED[0].to_vec();
    let certificate = file.len() - 110;
    file[certificate + 2] = 47;
    file.remove(certificate + 6);
    file[52] -= 1;
    refused(&file, &policy(), VerifyError::CertificateLength { length: 47 });
    // A whole certificate of the other suite under the tag of this one.
    let [one, two] = SIGNED;
    let [of_one, of_two] = [&one[one.len() - 110..][6..54], &two[two.len() - 166..][6..80]];
    for (signed, at, len, other) in [(one, one.len() - 104, 48, of_two), (two, two.len() - 160, 74, of_one)] {
        let mut file = [&signed[..at], other, &signed[at + len..]].concat();
        file[at - 4] = u8::try_from(other.len()).expect("short");
        set_total(&mut file);
        let length = u32::try_from(other.len()).expect("short");
        refused(&file, &policy(), VerifyError::CertificateLength { length });
    }
}

fn set_total(file: &mut [u8]) {
    let total = u32::try_from(file.len()).expect("short");
    file[52..56].copy_from_slice(&total.to_le_bytes());
}

/// Shows: SIG-031
#[test]
fn there_must_be_one_signature_at_the_end_of_the_right_length() {
    let with = |added: &[u8]| {
        let mut file = [SIGNED[0], added].concat();
        set_total(&mut file);
        file
    };
    let again = &SIGNED[0][SIGNED[0].len() - 56..];
    let other_suite = &SIGNED[1][SIGNED[1].len() - 86..];
    refused(&with(again), &policy(), VerifyError::SignatureNotLast);
    refused(&with(&[0x00, 0xf0, 0, 0, 0, 0]), &policy(), VerifyError::SignatureNotLast);
    refused(&with(other_suite), &policy(), VerifyError::BothSuites);
    // Bytes within the total image size that belong to no element.
    let layout = zigbee_ota::file::BodyLayout::ElementsThenRaw;
    refused(&with(&[1, 2, 3]), &policy(), VerifyError::Layout(layout));
    for length in [0, 8, 49, 51, 80, 200] {
        let end = SIGNED[0].len() - 50;
        let mut file = [&SIGNED[0][..end], &vec![1; usize::from(length)]].concat();
        set_total(&mut file);
        file[end - 4] = length;
        refused(&file, &policy(), VerifyError::SignatureLength { length: length.into() });
    }
    // Bytes after the total image size are not part of the file.
    assert!(verify(&[SIGNED[0], &[1, 2, 3]].concat(), &policy()).is_ok());
}

/// Shows: SIG-023
#[test]
fn the_certificate_must_be_the_signers() {
    let mut file = SIGNED[0].to_vec();
    let (signer, subject) = (file.len() - 50, file.len() - 110 + 6 + 22);
    assert!(file[signer..signer + 8].iter().eq(file[subject..subject + 8].iter().rev()));
    // The address in big-endian byte order.
    file[signer..signer + 8].reverse();
    let reversed = Eui64(SIGNERS[0].0.swap_bytes());
    let signers = [reversed];
    refused(&file, &VerifyPolicy::required(&signers, &AUTHORITIES), VerifyError::SubjectMismatch(SIGNERS[0]));
}

/// Shows: SIG-014, SIG-024
#[test]
fn the_issuer_must_be_known_with_a_key_of_the_suite() {
    let issuer = AUTHORITIES[2].issuer;
    let without = [AUTHORITIES[0], AUTHORITIES[1], AUTHORITIES[3]];
    refused(SIGNED[0], &VerifyPolicy::required(&SIGNERS, &without), VerifyError::UnknownIssuer(issuer));
    let other_suite = [Authority { issuer, key: AUTHORITIES[3].key }];
    refused(SIGNED[0], &VerifyPolicy::required(&SIGNERS, &other_suite), VerifyError::UnknownIssuer(issuer));
}

/// Repairs one fault after the other, and expects the error of the first fault left.
///
/// Shows: SIG-029
#[test]
fn the_first_fault_in_order_is_reported() {
    let good = SIGNED[1];
    let end = good.len();
    let certificate = end - 86 - 74;
    let mut file = good.to_vec();
    // Faults: r out of range; key usage, curve, subject and issuer of the certificate.
    file[end - 72] = 0xff;
    file[certificate + 36] = 0x08;
    file[certificate + 9] = 0x0c;
    file[certificate + 28] ^= 1;
    file[certificate + 11] ^= 1;
    let subject = Eui64(SIGNERS[0].0 ^ 1 << 56);
    let issuer = Eui64(AUTHORITIES[3].issuer.0 ^ 1 << 56);
    let mut late = policy();
    late.now = Some(0);
    let no_signers = late.with_signers(zigbee_ota::signature::AllowedSigners::Only(&[]));

    let mut longer = [&file[..], &[0, 0, 0, 0, 0, 0]].concat();
    longer[52..54].copy_from_slice(&u16::try_from(end + 6).expect("short").to_le_bytes());
    let (found, calls) = verify_with_mock(&longer[..end + 5], &no_signers, Ok(()));
    assert!(matches!(found, Err(VerifyError::File(error)) if error.is_truncated()) && calls.is_empty());
    refused(&longer, &no_signers, VerifyError::SignatureNotLast);
    refused(&file, &no_signers, VerifyError::SignatureRange);
    file[end - 72] = good[end - 72];
    refused(&file, &no_signers, VerifyError::SignerNotAllowed(SIGNERS[0]));
    file[certificate - 6] = 0x07;
    refused(&file, &late, VerifyError::NoCertificate);
    file[certificate - 6] = 0x06;
    refused(&file, &late, VerifyError::SubjectMismatch(subject));
    file[certificate + 28] ^= 1;
    refused(&file, &late, VerifyError::UnknownIssuer(issuer));
    file[certificate + 11] ^= 1;
    refused(&file, &late, VerifyError::UnsupportedCertificate);
    file[certificate + 9] = 0x0d;
    refused(&file, &late, VerifyError::KeyUsage);
    file[certificate + 36] = good[certificate + 36];
    refused(&file, &late, VerifyError::NotYetValid);
    file[certificate + 40] ^= 1;
    assert!(matches!(verify(&file, &policy()), Err(VerifyError::Signature(_))));
    file[certificate + 40] ^= 1;
    assert!(verify(&file, &policy()).is_ok());
}

/// A verifier that takes r = 0 or s = 0 to its curve calls any file valid; so no verifier gets them.
///
/// Shows: FLD-080
#[test]
fn zeros_never_reach_the_ecdsa_verification() {
    for (signed, suite) in [(SIGNED[0], Suite::One), (SIGNED[1], Suite::Two)] {
        let (start, half) = (signed.len() - suite.signature_len(), suite.signature_len() / 2);
        for zeros in [start..start + half, start + half..signed.len(), start..signed.len()] {
            let mut file = signed.to_vec();
            file[zeros.clone()].fill(0);
            assert!(!suite.allows(&file[start..]), "{zeros:?}");
            refused(&file, &policy(), VerifyError::SignatureRange);
            // 1 is in range: what is wrong with it is for the verifier to say.
            file[zeros.end - 1] = 1;
            file[start + half - 1] |= 1;
            file[signed.len() - 1] |= 1;
            assert_eq!(verify_with_mock(&file, &policy(), Err(SignatureError::Mismatch)).1.len(), 1);
        }
    }
}

/// All authorities of one name and suite are tried, in order, until one is right.
///
/// Shows: FLD-080
#[test]
fn every_key_of_the_issuer_is_tried() {
    for (signed, suite, right, wrong) in
        [(SIGNED[0], Suite::One, AUTHORITIES[2], 0), (SIGNED[1], Suite::Two, AUTHORITIES[3], 1)]
    {
        let other = Authority { issuer: right.issuer, key: AUTHORITIES[wrong].key };
        let no_key = match suite {
            Suite::One => PublicKey::Suite1([0xff; 22]),
            Suite::Two => PublicKey::Suite2([0xff; 37]),
        };
        let no_point = Authority { issuer: right.issuer, key: no_key };
        let good = Ok(Accepted::Signed { suite, signer: SIGNERS[0] });
        for (authorities, expected) in [
            (&[other, right][..], good),
            (&[no_point, other, right], good),
            (&[right, other, no_point], good),
            (&[other, other], Err(SignatureError::Mismatch.into())),
            (&[other, no_point], Err(SignatureError::Mismatch.into())),
            (&[no_point, other], Err(SignatureError::Mismatch.into())),
            (&[no_point], Err(SignatureError::InvalidKey.into())),
        ] {
            assert_eq!(verify(signed, &VerifyPolicy::required(&SIGNERS, authorities)), expected);
        }
        // A check that could not be made is never reported as a wrong signature.
        let two = [other, right];
        let policy = VerifyPolicy::required(&SIGNERS, &two);
        for error in [SignatureError::Backend, SignatureError::UnsupportedSuite, SignatureError::Mismatch] {
            let (found, calls) = verify_with_mock(signed, &policy, Err(error));
            assert_eq!((found, calls.len()), (Err(error.into()), 2));
            assert_eq!([&calls[0].authority, &calls[1].authority], [&other.key, &right.key]);
        }
        assert_eq!(verify_with_mock(signed, &policy, Ok(())).1.len(), 1, "none is tried after the right one");
    }
}
