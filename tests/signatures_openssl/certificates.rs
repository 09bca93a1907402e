//! Certificates issued by `SigningKey`, and the private keys that belong to them.

use zigbee_ota::signature::{
    Accepted, Authority, Certificate, CertificateFields, IssuedCertificate, KeyUsage, PublicKey,
    SignFileError, SigningKey, SigningKeyError, Suite, VerifyError, VerifyPolicy, verify,
};
use zigbee_ota::{Eui64, mmo};

use crate::CASES;
use crate::properties::openssl::Reference;
use crate::signing_key::{file, hex};

const ISSUER: Eui64 = Eui64(0x1122_3344_5566_7788);
const SUBJECT: Eui64 = Eui64(0x0012_4b00_aabb_ccdd);

/// Returns fields that differ from byte to byte.
fn fields(suite: Suite) -> CertificateFields {
    match suite {
        Suite::One => CertificateFields::Suite1 {
            subject: SUBJECT,
            issuer: ISSUER,
            attributes: [1, 9, 2, 3, 4, 5, 6, 7, 8, 10],
        },
        Suite::Two => CertificateFields::Suite2 {
            subject: SUBJECT,
            issuer: ISSUER,
            serial: 0x0102_0304_0506_0708,
            valid_from: 0x12_3456_789a,
            valid_for: 0x0a0b_0c0d,
            key_usage: KeyUsage::DIGITAL_SIGNATURE,
        },
    }
}

/// Authority, the key of a request, and the answer to the request.
struct Made {
    ca: SigningKey,
    authority: Authority,
    request: SigningKey,
    issued: IssuedCertificate,
}

impl Made {
    fn new(suite: Suite) -> Self {
        let [ca, request] = [(); 2].map(|()| SigningKey::generate(suite).expect("a key"));
        let authority = Authority { issuer: ISSUER, key: ca.public_key() };
        let issued = ca.issue(&request.public_key(), &fields(suite)).expect("a certificate");
        Self { ca, authority, request, issued }
    }

    fn certificate(&self) -> Certificate<'_> {
        Certificate::from_bytes(&self.issued.certificate).expect("48 or 74 bytes")
    }

    fn key(&self) -> Result<SigningKey, SigningKeyError> {
        self.request.reconstruct(&self.certificate(), &self.issued.reconstruction_data, &self.authority)
    }
}

/// Shows: SIG-035, SIG-036, SIG-038
#[test]
fn issued_certificates_have_their_fields_and_yield_the_key_of_openssl() {
    for suite in Suite::ALL {
        let mut reference = Reference::new(suite);
        for _ in 0..CASES / 20 {
            let made = Made::new(suite);
            let certificate = made.certificate();
            assert_eq!((certificate.suite(), certificate.is_supported()), (suite, true));
            assert_eq!((certificate.subject(), certificate.issuer()), (SUBJECT, ISSUER));
            match suite {
                Suite::One => {
                    assert_eq!(certificate.attributes(), Some(&[1, 9, 2, 3, 4, 5, 6, 7, 8, 10]));
                }
                Suite::Two => {
                    assert_eq!(certificate.serial(), Some(0x0102_0304_0506_0708));
                    assert_eq!(certificate.valid_from(), Some(0x12_3456_789a));
                    assert_eq!(certificate.valid_until(), Some(0x12_3456_789a + 0x0a0b_0c0d));
                    assert_eq!(certificate.key_usage(), Some(KeyUsage::DIGITAL_SIGNATURE));
                }
            }
            let key = made.key().expect("the key of the certificate");
            let of_openssl = reference.signer(certificate.as_bytes(), made.authority.key.as_bytes());
            assert_eq!(Some(key.public_key().as_bytes()), of_openssl.as_deref());
            assert_eq!(made.issued.reconstruction_data.len(), reference.width());
            let digest = mmo::digest(b"a file").expect("short");
            let signature = key.sign_digest(&digest).expect("a signature");
            let authority = made.authority.key.as_bytes();
            assert!(reference.compare_certificate(certificate.as_bytes(), authority, &digest, &signature));
        }
    }
}

/// Shows: SIG-024, SIG-038
#[test]
fn a_file_signed_by_an_issued_key_verifies_with_its_authority_alone() {
    for suite in Suite::ALL {
        let [made, stranger] = [(); 2].map(|()| Made::new(suite));
        let key = made.key().expect("the key of the certificate");
        let signed = key.sign_file(&file(), &made.certificate(), &made.authority).expect("signed");
        let accepted = |authority| verify(&signed, &VerifyPolicy::required(&[SUBJECT], &[authority]));
        assert_eq!(accepted(made.authority), Ok(Accepted::Signed { suite, signer: SUBJECT }));
        // Another authority under the same address.
        assert!(matches!(accepted(stranger.authority), Err(VerifyError::Signature(_))));
        // The key of the request and the key of the authority do not sign for the certificate.
        for other in [&made.request, &made.ca] {
            let refused = other.sign_file(&file(), &made.certificate(), &made.authority);
            assert!(matches!(refused, Err(SigningKeyError::KeyMismatch)));
        }
    }
}

#[test]
fn no_two_keys_or_certificates_are_the_same() {
    for suite in Suite::ALL {
        let [one, other] = [(); 2].map(|()| Made::new(suite));
        assert_ne!(one.ca.to_bytes().expect("bytes"), other.ca.to_bytes().expect("bytes"));
        // Not even for one request.
        let again = one.ca.issue(&one.request.public_key(), &fields(suite)).expect("a certificate");
        assert_ne!(again, one.issued);
    }
}

#[test]
fn private_keys_are_written_and_read() {
    for suite in Suite::ALL {
        let width = suite.signature_len() / 2;
        // A small number, too, which is padded.
        let small = [&vec![0; width - 1][..], &[7]].concat();
        let keys = [SigningKey::generate(suite), SigningKey::from_bytes(&small)];
        for key in keys.map(|key| key.expect("a key")) {
            let bytes = key.to_bytes().expect("bytes");
            assert_eq!(bytes.len(), width);
            let again = SigningKey::from_bytes(&bytes).expect("a key");
            assert_eq!((again.public_key(), again.to_bytes().expect("bytes")), (key.public_key(), bytes));
        }
    }
}

/// Certificates of the vectors, with the numbers that their authority and their subject chose.
struct Vector {
    certificate: &'static str,
    /// Private key of the request.
    request: &'static str,
    reconstruction_data: &'static str,
    private: &'static str,
    issuer: u64,
    /// Public key of the authority.
    key: &'static str,
}

#[rustfmt::skip]
const VECTORS: [Vector; 2] = [
    Vector {
        certificate: "0303d209cc5f4b49040c4f6c073fdeb2cb8d1a1ab91300124b00aabbccdd112233445566770101091234000000000000",
        request: "02b0575b8b4369fb5e3669ccd6e58b0650177c0e0a",
        reconstruction_data: "009dcda1c3f2329fd116c32c9e8645393cab8bd614",
        private: "0356a8ffebdc6d0bf26f0c010ef3d3c468bec2367e",
        issuer: 0x1122_3344_5566_7701,
        key: "03044e934f8ff716cc44edefc833286c721328d8ccfd",
    },
    Vector {
        certificate: "0001020304050607080d081122334455667702006553f100ffffffff00124b00aabbccdd880204b16ea951c3eaf6a0680ce145983ed66268974fab4e0712fdf18ba5501e1f1de2946b6c",
        request: "00b71074c12f5d77d5027650f6c2227e9fc8bc8af0427100a5a1c546385cc8c9ebb2f50f",
        reconstruction_data: "0126fd9c75cab1a4e15a741147c85a50a951a804e98af0e2d7ec032ebe6b81da77fb2d32",
        private: "01290f6cbdd2b5c7f2225c49f4b39cf9d76109682af6b755645b8ad675c9edea7cb3eaef",
        issuer: 0x1122_3344_5566_7702,
        key: "0200ee835227f0e42e2bfd9290926eff14abcb17eb8b1ab585d14eba3e9c15b516b25cb62f",
    },
];

/// The vectors were made by another implementation.
#[test]
fn private_keys_of_the_vectors_are_reconstructed() {
    for vector in VECTORS {
        let bytes = hex(vector.certificate);
        let certificate = Certificate::from_bytes(&bytes).expect("48 or 74 bytes");
        let key = PublicKey::from_bytes(&hex(vector.key)).expect("a key");
        let authority = Authority { issuer: Eui64(vector.issuer), key };
        let request = SigningKey::from_bytes(&hex(vector.request)).expect("a key");
        let data = hex(vector.reconstruction_data);
        let key = request.reconstruct(&certificate, &data, &authority).expect("the key of the certificate");
        assert_eq!(key.to_bytes().expect("bytes"), hex(vector.private));
    }
}

#[test]
fn mismatched_answers_and_authorities_yield_no_key() {
    for suite in Suite::ALL {
        let [made, other] = [(); 2].map(|()| Made::new(suite));
        let (certificate, data) = (made.certificate(), &made.issued.reconstruction_data);
        let is_mismatch = |key: Result<SigningKey, _>| matches!(key, Err(SigningKeyError::KeyMismatch));
        let is_other_issuer = |key: Result<SigningKey, _>| {
            matches!(key, Err(SigningKeyError::File(SignFileError::IssuerMismatch)))
        };
        let request = &made.request;
        assert!(request.reconstruct(&certificate, data, &made.authority).is_ok());
        assert!(is_mismatch(other.request.reconstruct(&certificate, data, &made.authority)));
        assert!(is_mismatch(request.reconstruct(&certificate, data, &other.authority)));
        assert!(is_mismatch(request.reconstruct(&other.certificate(), data, &made.authority)));
        let mut wrong = data.clone();
        *wrong.last_mut().expect("a byte") ^= 1;
        for wrong in [&wrong[..], &[]] {
            assert!(is_mismatch(request.reconstruct(&certificate, wrong, &made.authority)));
        }
        let elsewhere = Authority { issuer: Eui64(1), ..made.authority };
        assert!(is_other_issuer(request.reconstruct(&certificate, data, &elsewhere)));
        let [one, two] = Suite::ALL.map(|suite| SigningKey::generate(suite).expect("a key"));
        let of_another_suite = if suite == Suite::One { &two } else { &one };
        assert!(is_mismatch(of_another_suite.reconstruct(&certificate, data, &made.authority)));
        let key = of_another_suite.public_key();
        let authority = Authority { key, ..made.authority };
        assert!(is_other_issuer(request.reconstruct(&certificate, data, &authority)));
    }
}

#[test]
fn requests_and_fields_that_fit_no_certificate_are_refused() {
    let [one, two] = &Suite::ALL.map(|suite| SigningKey::generate(suite).expect("a key"));
    let [fields_1, fields_2] = Suite::ALL.map(fields);
    for (ca, request, fields) in [(one, two, fields_1), (one, one, fields_2), (two, one, fields_2)] {
        let refused = ca.issue(&request.public_key(), &fields);
        assert!(matches!(refused, Err(SigningKeyError::SuiteMismatch)), "{fields:?}");
    }
    // No point of the curve, and points of it that are not in the group.
    for (ca, fields) in [(one, fields_1), (two, fields_2)] {
        let mut reference = Reference::new(fields.suite());
        let small = reference.small();
        let mut requests: Vec<Vec<u8>> = small.iter().map(|point| reference.bytes(point)).collect();
        requests.push([&[2][..], &vec![0xff; reference.width()]].concat());
        for bytes in requests {
            let request = PublicKey::from_bytes(&bytes).expect("22 or 37 bytes");
            let refused = ca.issue(&request, &fields);
            assert!(matches!(refused, Err(SigningKeyError::File(SignFileError::InvalidKey))), "{bytes:02x?}");
        }
    }
    let CertificateFields::Suite2 { subject, issuer, serial, valid_for, key_usage, .. } = fields_2 else {
        panic!("fields of suite 2")
    };
    for (valid_from, fits) in [(0xff_ffff_ffff, true), (0x100_0000_0000, false)] {
        let fields = CertificateFields::Suite2 { subject, issuer, serial, valid_from, valid_for, key_usage };
        match two.issue(&two.public_key(), &fields) {
            Ok(issued) => {
                let certificate = Certificate::from_bytes(&issued.certificate).expect("74 bytes");
                assert!(fits && certificate.valid_from() == Some(valid_from));
            }
            Err(error) => {
                assert!(!fits && matches!(error, SigningKeyError::ValidFrom(time) if time == valid_from))
            }
        }
    }
}
