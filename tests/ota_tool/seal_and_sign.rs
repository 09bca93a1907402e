//! Subcommands `seal` and `sign`.

use zigbee_ota::file::Image;
use zigbee_ota::signature::integrity::{CodeForm, IntegrityCode};

use crate::run_tool::{Folder, IDS};

#[test]
fn seal_appends_an_integrity_code() {
    let folder = Folder::new();
    let file = folder.create(&format!("{IDS} -l 9000"));
    folder.ota("seal --to sealed created").says(0, "");
    let sealed = folder.read("sealed");
    assert_eq!(sealed.len(), file.len() + 22);
    let image = Image::parse(&sealed).expect("a file");
    assert_eq!(image.elements().count(), 2);
    assert_eq!(IntegrityCode::check(&image), IntegrityCode::Ok(CodeForm::BeforeElement));
    folder.ota("verify sealed").says(1, "sealed: signature absent; integrity code ok (before-element)");
    // In place; a second time is refused.
    folder.ota("seal -o created created").says(0, "");
    assert_eq!(folder.read("created"), sealed);
    folder.ota("seal -o again sealed").says(1, "sealed: the file has an integrity code or a signature");
    folder.write("text", "not an OTA file");
    folder.ota("seal -o again text").says(1, "text: OTA header");
    folder.ota("seal -o again none").says(1, "none: ");
    assert!(!folder.path("again").exists());
}

#[cfg(not(feature = "openssl"))]
#[test]
fn without_openssl_sign_is_refused_with_a_reason() {
    let folder = Folder::new();
    folder.ota("sign --help").says(0, "Needs the example built with `--features openssl`");
    let ran = folder.ota("sign --suite 1 --certificate 00 --key key --to signed file");
    ran.says(1, "--features openssl").says(1, "libssl-dev").says(1, "`digest` and `attach`");
    assert!(!folder.path("signed").exists());
}

#[cfg(feature = "openssl")]
mod openssl {
    use crate::published_test_keys::{PUBLISHED, Published};
    use crate::run_tool::{Folder, IDS};

    fn folder() -> Folder {
        let folder = Folder::new();
        folder.create(&format!("{IDS} -l 9000"));
        for (suite, published) in (1..).zip(PUBLISHED) {
            folder.write(&format!("key{suite}"), published.private);
        }
        folder
    }

    #[test]
    fn files_are_signed_by_both_suites() {
        let folder = folder();
        for (suite, Published { certificate, ca, .. }) in (1..).zip(PUBLISHED) {
            let sign = format!("sign --suite {suite} --certificate {certificate} --key key{suite}");
            let ran = folder.ota(&format!("{sign} --ca {ca} --to signed created"));
            assert_eq!((ran.says(0, "").out.as_str(), ran.err.as_str()), ("", ""));
            folder
                .ota(&format!("verify --ca {ca} signed"))
                .says(0, &format!("signature valid, suite {suite}"));
            folder
                .ota(&format!("{sign} --ca {ca} --to again signed"))
                .says(1, "has a certificate or a signature");

            // Without the authority the file is signed, and the output says how to verify it.
            folder.ota(&format!("{sign} -o signed created")).says(0, &format!("verifies with --ca {ca}"));
            folder.ota(&format!("verify --ca {ca} signed")).says(0, "signature valid");

            // An integrity code covers the total size, and is updated.
            folder.ota("seal -o sealed created").says(0, "");
            folder.ota(&format!("{sign} --ca {ca} -o signed sealed")).says(0, "");
            folder.ota(&format!("verify --ca {ca} signed")).says(0, "integrity code ok (before-element)");
        }
    }

    #[test]
    fn private_keys_may_be_grouped_by_colons_and_blanks() {
        let folder = folder();
        let [Published { certificate, private: key, ca }, _] = PUBLISHED;
        let sign =
            format!("sign --suite 1 --certificate {certificate} --ca {ca} --key key -o signed created");
        let pairs: Vec<&str> = (0..key.len() / 2).map(|place| &key[place * 2..place * 2 + 2]).collect();
        for text in [format!("{key}\n"), key.to_uppercase(), format!("    {}\r\n", pairs.join(":\n  "))] {
            folder.write("key", text);
            folder.ota(&sign).says(0, "");
        }
        for (text, reason) in [
            (format!("0x{key}"), "key: expected a private key as pairs of hexadecimal digits"),
            (
                "-----BEGIN EC PRIVATE KEY-----\n".into(),
                "key: expected a private key as pairs of hexadecimal digits",
            ),
            (key[2..].into(), "key: a private key of 20 bytes; expected 21 (suite 1) or 36 (suite 2)"),
            ("00".repeat(21), "key: the private key is 0, or not below the order"),
            ("ff".repeat(21), "key: the private key is 0, or not below the order"),
            ("01".repeat(36), "the key is of the other suite than --suite 1"),
            ("01".repeat(21), "key: the private key does not belong to the certificate"),
        ] {
            folder.write("key", &text);
            folder.write("signed", "");
            let ran = folder.ota(&sign);
            ran.says(1, reason);
            assert!(!ran.err.contains(&key[4..]), "the key is not said: {}", ran.err);
            assert_eq!(folder.read("signed"), b"");
        }
    }

    #[test]
    fn mismatching_keys_and_suites_are_refused() {
        let folder = folder();
        let [Published { certificate, ca, .. }, Published { certificate: certificate_2, ca: ca_2, .. }] =
            PUBLISHED;
        let sign = |suite: &str, certificate: &str, ca: &str| {
            folder.ota(&format!(
                "sign --suite {suite} --certificate {certificate} --key key1 --ca {ca} -o s created"
            ))
        };
        sign("2", certificate, ca).says(1, "the certificate is of the other suite than --suite 2");
        sign("1", certificate_2, ca).says(1, "the certificate is of the other suite than --suite 1");
        sign("3", certificate, ca).says(2, "[possible values: 1, 2]");
        sign("1", "0102", ca).says(1, "a certificate of 2 bytes; expected 48 (suite 1) or 74 (suite 2)");
        sign("1", certificate, ca_2).says(1, "created: the certificate is not of this authority");
        assert!(!folder.path("s").exists());
        let none = format!("{}{}", "ff".repeat(22), &certificate[44..]);
        let ran = folder.ota(&format!("sign --suite 1 --certificate {none} --key key1 -o s created"));
        ran.says(1, "the certificate: a key is no point of the curve");
        assert!(!folder.path("s").exists());
    }
}
