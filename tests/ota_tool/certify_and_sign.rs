//! Subcommands `keygen` and `certify`, and `sign` and `verify` with what they make.

#[cfg(not(feature = "openssl"))]
#[test]
fn without_openssl_keygen_and_certify_are_refused_with_a_reason() {
    let folder = crate::run_tool::Folder::new();
    for line in [
        "keygen --suite 1 -o key",
        "certify --ca-key ca --issuer 0000000000000001 --subject 0000000000000002 -o key",
    ] {
        let command = line.split(' ').next().expect("a word");
        folder.ota(line).says(1, &format!("{command}: built without OpenSSL")).says(1, "--features openssl");
        folder.ota(&format!("{command} --help")).says(0, "Needs the example built with `--features openssl`");
    }
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[cfg(feature = "openssl")]
mod openssl {
    use std::fs;

    use zigbee_ota::signature::{Certificate, KeyUsage};

    use crate::run_tool::{Folder, IDS, Ran};

    const ISSUER: &str = "1122334455667788";
    const SUBJECT: &str = "00124b00aabbccdd";

    /// Folder with the keys of an authority for both suites, `ca1` and `ca2`.
    struct Authorities {
        folder: Folder,
        /// Values of `--ca` by suite.
        options: [String; 2],
    }

    impl Authorities {
        fn new() -> Self {
            let folder = Folder::new();
            let options = [1, 2].map(|suite| {
                let ran = folder.ota(&format!("keygen --suite {suite} --to ca{suite}"));
                assert_eq!(ran.says(0, "").err, "");
                format!("{ISSUER}:{}", ran.out.trim_end())
            });
            Self { folder, options }
        }

        fn certify(&self, suite: u8, options: &str) -> Ran {
            let ids = format!("--issuer {ISSUER} --subject {SUBJECT}");
            self.folder.ota(&format!("certify --ca-key ca{suite} {ids} {options}"))
        }

        /// Makes the private key `to`, and returns its certificate.
        #[track_caller]
        fn certificate(&self, suite: u8, options: &str) -> String {
            self.certify(suite, options).says(0, "").out.trim_end().into()
        }
    }

    /// Returns the bytes of hexadecimal digits.
    fn hex(text: &str) -> Vec<u8> {
        let (pairs, _) = text.as_bytes().as_chunks::<2>();
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16);
        pairs.iter().map(|pair| byte(pair).expect("hexadecimal")).collect()
    }

    #[test]
    fn a_file_is_signed_and_verified_with_an_authority_of_ones_own() {
        let made = Authorities::new();
        let folder = &made.folder;
        folder.create(&format!("{IDS} -l 9000"));
        for (suite, ca) in (1..).zip(&made.options) {
            let ran = made.certify(suite, &format!("--to key{suite}"));
            ran.says(0, &format!("files that the key signs verify with --ca {ca} --signer {SUBJECT}"));
            let certificate = ran.out.trim_end();
            let sign = format!("sign --suite {suite} --certificate {certificate} --to signed created");
            folder.ota(&format!("{sign} --key key{suite} --ca {ca}")).says(0, "");
            folder
                .ota(&format!("verify --strict --ca {ca} --signer {SUBJECT} signed"))
                .says(0, &format!("signature valid, suite {suite}, signer {SUBJECT}"));
            // Neither for another signer nor by another authority of the same address.
            folder.ota(&format!("verify --ca {ca} --signer {ISSUER} signed")).says(1, "is not allowed");
            let other = folder.ota(&format!("keygen --suite {suite} --to other{suite}")).out;
            folder
                .ota(&format!("verify --ca {ISSUER}:{} signed", other.trim_end()))
                .says(1, "the signature is wrong");
            // Neither the authority's key nor a key of another certificate signs.
            made.certificate(suite, &format!("--to another{suite}"));
            for wrong in ["ca", "other", "another"] {
                folder
                    .ota(&format!("{sign} --key {wrong}{suite} --ca {ca}"))
                    .says(1, "the private key does not belong to the certificate");
            }
            // The certificate itself tells the authority.
            folder
                .ota(&format!("{sign} --key key{suite}"))
                .says(0, &format!("the file verifies with --ca {ca}"));
        }
    }

    #[test]
    fn a_private_key_is_never_overwritten_without_being_asked() {
        let made = Authorities::new();
        let folder = &made.folder;
        made.certificate(1, "--to key");
        let before = ["ca1", "ca2", "key"].map(|name| folder.read(name));
        assert_eq!(before.each_ref().map(Vec::len), [43, 73, 43]);
        folder.ota("keygen --suite 1 --to ca1").says(1, "ca1: exists; --overwrite replaces it");
        made.certify(1, "--to ca2").says(1, "ca2: exists; --overwrite replaces it");
        let ran = made.certify(1, "--to key");
        assert_eq!((ran.status, &*ran.out), (1, ""), "no certificate without its key");
        assert_eq!(["ca1", "ca2", "key"].map(|name| folder.read(name)), before);

        made.certificate(1, "--overwrite --to key");
        folder.ota("keygen --suite 2 --overwrite --to ca1").says(0, "");
        assert_ne!(folder.read("key"), before[2]);
        assert_eq!(folder.read("ca1").len(), 73);
        fs::create_dir(folder.path("folder")).expect("a folder");
        for overwrite in ["", "--overwrite"] {
            folder
                .ota(&format!("keygen --suite 1 {overwrite} --to folder"))
                .says(1, "folder: no regular file");
            folder
                .ota(&format!("keygen --suite 1 {overwrite} --to nowhere/key"))
                .says(1, "nowhere/key: cannot write: ");
        }
        assert_eq!(folder.names(), ["ca1", "ca2", "folder", "key"]);
    }

    #[cfg(unix)]
    #[test]
    fn private_keys_are_readable_by_their_owner_only() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let made = Authorities::new();
        let folder = &made.folder;
        let mode = |name| fs::metadata(folder.path(name)).expect(name).permissions().mode() & 0o777;
        made.certificate(2, "--to key");
        assert_eq!(["ca1", "ca2", "key"].map(mode), [0o600; 3]);
        // A file that others can read does not stay one.
        folder.write("open", "");
        fs::set_permissions(folder.path("open"), fs::Permissions::from_mode(0o644)).expect("permissions");
        symlink("open", folder.path("link")).expect("a link");
        folder.ota("keygen --suite 1 --to link").says(1, "link: exists");
        folder.ota("keygen --suite 1 --overwrite --to link").says(0, "");
        assert_eq!((mode("open"), folder.read("open").len()), (0o600, 43));
        assert!(fs::symlink_metadata(folder.path("link")).expect("link").is_symlink());
    }

    #[test]
    fn certificates_have_the_fields_that_were_asked_for() {
        let made = Authorities::new();
        let certificate = hex(&made.certificate(1, "--to key"));
        let certificate = Certificate::from_bytes(&certificate).expect("48 bytes");
        assert_eq!(format!("{:016x}", certificate.issuer().0), ISSUER);
        assert_eq!(format!("{:016x}", certificate.subject().0), SUBJECT);
        assert_eq!(certificate.attributes(), Some(&[1, 9, 0, 0, 0, 0, 0, 0, 0, 0]));

        let certificate_2 =
            |options: &str| hex(&made.certificate(2, &format!("{options} --overwrite --to key")));
        let [never, day] =
            ["", "--valid-from 2026-11-28 --valid-until 2026-11-29T00:00:00Z"].map(certificate_2);
        let [never, day] = [&never, &day].map(|bytes| Certificate::from_bytes(bytes).expect("74 bytes"));
        assert_eq!(day.valid_from(), Some(1_795_824_000));
        assert_eq!(day.valid_until(), Some(1_795_824_000 + 86_400));
        assert!(never.valid_from() > Some(1_700_000_000), "the time of the clock");
        assert_eq!((never.valid_until(), never.key_usage()), (None, Some(KeyUsage::DIGITAL_SIGNATURE)));
        assert_ne!(never.serial(), day.serial());
    }

    #[test]
    fn a_certificate_of_suite_2_expires() {
        let made = Authorities::new();
        let folder = &made.folder;
        folder.create(&format!("{IDS} -l 9"));
        let certificate = made.certificate(2, "--valid-from 2026-11-28 --valid-until 2026-11-29 --to key");
        folder
            .ota(&format!("sign --suite 2 --certificate {certificate} --key key -o signed created"))
            .says(0, "");
        let verify = format!("verify --strict --ca {} signed --at", made.options[1]);
        folder.ota(&format!("{verify} 2026-11-27")).says(1, "not yet valid");
        folder.ota(&format!("{verify} 2026-11-28")).says(0, "signature valid");
        folder.ota(&format!("{verify} 2026-11-29")).says(1, "expired");
    }

    #[test]
    fn wrong_requests_make_no_certificate() {
        let made = Authorities::new();
        let folder = &made.folder;
        folder.write("text", "no key");
        let before = folder.names();
        for (suite, options, reason) in [
            (1, "--valid-from 5", "a certificate of suite 1 holds no times"),
            (1, "--valid-until 5", "a certificate of suite 1 holds no times"),
            (2, "--valid-from 5 --valid-until 5", "expected an end after the start"),
            (2, "--valid-from 5 --valid-until 4", "from 1970-01-01T00:00:05Z until 1970-01-01T00:00:04Z"),
            (2, "--valid-from 0 --valid-until 4294967295", "expected an end after the start, by less than"),
            (
                2,
                "--valid-from 1099511627776",
                "valid from 1099511627776: a certificate holds Unix seconds of 40 bits",
            ),
            (3, "", "ca3: "),
        ] {
            let ran = made.certify(suite, &format!("{options} --to key"));
            assert_eq!(ran.says(1, reason).out, "");
        }
        let ids = format!("--issuer {ISSUER} --subject {SUBJECT} --to key");
        folder
            .ota(&format!("certify --ca-key text {ids}"))
            .says(1, "text: expected a private key as pairs of hexadecimal digits");
        folder.ota(&format!("certify {ids}")).says(2, "--ca-key <FILE>");
        folder.ota("certify --ca-key ca1 --issuer 1 --to key").says(2, "expected 16 hexadecimal digits");
        folder.ota("keygen --suite 3 --to key").says(2, "[possible values: 1, 2]");
        folder.ota("keygen --suite 1").says(2, "--to <OUT>");
        assert_eq!(folder.names(), before);
    }
}
