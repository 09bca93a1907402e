//! Subcommands `verify`, `digest` and `attach`.

use serde_json::{Value, json};

use crate::run_tool::{Folder, IDS};
use crate::unix_time_text;
use crate::vendor_corpus::samples;

const SIGNED: &[u8] = include_bytes!("../data/signed_files/suite1.ota");
const SIGNED_2: &[u8] = include_bytes!("../data/signed_files/suite2.ota");
const CA: &str = "--ca 1122334455667701:03044e934f8ff716cc44edefc833286c721328d8ccfd";
const CA_2: &str = "--ca 11:22:33:44:55:66:77:02:\
    0200ee835227f0e42e2bfd9290926eff14abcb17eb8b1ab585d14eba3e9c15b516b25cb62f";

fn verified(folder: &Folder, options: &str, status: i32) -> Value {
    folder.ota(&format!("verify --json {options}")).says(status, "").json().remove(0)
}

#[test]
fn a_signed_file_is_valid_with_its_authority_and_signer() {
    let folder = Folder::new();
    folder.write("x", SIGNED);
    folder.write("y", SIGNED_2);
    let signer = "--signer 00124b00aabbccdd";
    for (options, suite) in [(format!("{CA} x"), 1), (format!("{CA} {CA_2} {signer} y"), 2)] {
        let found = folder.ota(&format!("verify --json {options}"));
        let file = if suite == 1 { "x" } else { "y" };
        // Compared as text, because the order of the keys counts.
        let expected = format!(
            concat!(
                r#"{{"file":"{}","integrity":"absent","integrity_form":null,"signature":"valid","suite":{},"#,
                r#""signer":"00124b00aabbccdd","reason":null,"validity":{}}}"#,
                "\n"
            ),
            file,
            suite,
            if suite == 1 { "null" } else { r#""valid""# }
        );
        assert_eq!((found.status, found.out), (0, expected), "{}", found.err);
    }
    folder.ota(&format!("verify {CA} x")).says(0, "x: signature valid, suite 1, signer 00124b00aabbccdd;");

    let reason = |options: &str| {
        let found = verified(&folder, options, 1);
        assert_eq!([&found["signature"], &found["suite"]], [&json!("invalid"), &json!(1)]);
        found["reason"].as_str().expect("a reason").to_owned()
    };
    assert!(reason("x").contains("issuer 11:22:33:44:55:66:77:01"));
    assert!(reason(&format!("{CA} --signer 1122334455667788 x")).contains("is not allowed"));
    let mut wrong = SIGNED.to_vec();
    wrong[70] ^= 1;
    folder.write("x", wrong);
    assert_eq!(reason(&format!("{CA} x")), "the signature is wrong");
    folder.ota(&format!("verify {CA} x y")).says(1, "x: signature invalid").says(1, "y: signature invalid");
    folder.ota("verify --ca 1122334455667701:0304 x").says(2, "expected a key of 22 or 37 bytes");
    folder.ota(&format!("verify {}00 x", &CA[..CA.len() - 2])).says(2, "no point");
}

#[test]
fn unsigned_files_and_other_files_fail() {
    let folder = Folder::new();
    folder.write("x", folder.create(&format!("{IDS} -l 20")));
    folder.write("text", "not an OTA file");
    let found = verified(&folder, "x", 1);
    assert_eq!([&found["signature"], &found["reason"]], [&json!("absent"), &json!("no signature")]);
    assert_eq!([&found["suite"], &found["signer"]], [&Value::Null, &Value::Null]);
    let found = verified(&folder, "text", 1);
    assert_eq!([&found["file"], &found["ota"]], [&json!("text"), &json!(false)]);
    assert!(found["error"].as_str().is_some_and(|error| error.contains("expected 0x0beef11e")));
    std::fs::create_dir(folder.path("f")).expect("a folder");
    folder.write("f/y", folder.read("x"));
    folder.ota("verify f").says(1, "f/y: signature absent");
    folder
        .ota("verify text x")
        .says(1, "text: OTA header")
        .says(1, "x: signature absent; integrity code absent");
}

#[test]
fn an_external_signer_signs_with_digest_and_attach() {
    let folder = Folder::new();
    let (unsigned, elements) = SIGNED.split_at(SIGNED.len() - 110);
    let total = u8::try_from(unsigned.len()).expect("short");
    folder.write("unsigned", [&unsigned[..52], &[total], &unsigned[53..]].concat());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let certificate = hex(&elements[6..54]);
    let digest = hex(&zigbee_ota::mmo::digest(&SIGNED[..SIGNED.len() - 42]).expect("short"));
    let prepare = format!("digest {CA} --certificate {certificate} --to prepared unsigned");
    assert_eq!(folder.ota(&prepare).says(0, "").out, format!("{digest}\n"));
    let attach = |signature: &[u8]| {
        folder.ota(&format!("attach {CA} --signature {} --to signed prepared", hex(signature)))
    };
    attach(&[1; 42]).says(1, "prepared: the signature is not one of this file");
    assert!(!folder.path("signed").exists());
    attach(&elements[68..]).says(0, "");
    assert_eq!(folder.read("signed"), SIGNED);
    folder
        .ota(&prepare.replace("unsigned", "signed"))
        .says(1, "signed: the file has a certificate or a signature");
    folder
        .ota(&format!("attach {CA} --signature 00 --to no unsigned"))
        .says(1, "does not end in a certificate");
}

/// Returns the bytes of the file `name` of the vectors of signatures.
fn vector(name: &str) -> Vec<u8> {
    let vectors: Value =
        serde_json::from_str(include_str!("../signatures/vectors.json")).expect("JSON of the vectors");
    let files = vectors["files"].as_array().expect("an array");
    let file = files.iter().find(|file| file["name"] == name).expect(name)["file"].as_str().expect("text");
    let byte = |at| u8::from_str_radix(&file[at..at + 2], 16).expect("hexadecimal");
    (0..file.len()).step_by(2).map(byte).collect()
}

/// Bytes behind the total image size are covered by no signature; a container accounts for its own.
///
/// Shows: FLD-078
#[test]
fn bytes_behind_the_signed_ones_fail() {
    let folder = Folder::new();
    folder.write("x", [SIGNED, b"more"].concat());
    let found = verified(&folder, &format!("{CA} x"), 1);
    assert_eq!(found["signature"], "invalid");
    let reason = "4 bytes behind the total image size, from byte 236 on, are covered by no signature";
    assert_eq!((&found["reason"], &found["validity"]), (&json!(reason), &Value::Null));
    folder
        .ota(&format!("verify {CA} x"))
        .says(1, &format!("x: signature invalid, suite 1, signer 00124b00aabbccdd ({reason})"));
    // What is wrong with the signed bytes comes first.
    let mut wrong = [SIGNED, b"more"].concat();
    wrong[70] ^= 1;
    folder.write("x", wrong);
    assert_eq!(verified(&folder, &format!("{CA} x"), 1)["reason"], "the signature is wrong");

    let length = u32::try_from(SIGNED.len()).expect("short").to_le_bytes();
    folder.write("x", [&length, SIGNED, &[0; 17]].concat());
    let ran = folder.ota(&format!("verify --json {CA} x"));
    assert_eq!(ran.json()[0]["signature"], "valid");
    ran.says(0, "ota: x: note: the signature covers bytes 4 to 239, and not the container (legrand-length) around them\n");
}

/// Validity of certificates of suite 2; the certificate of the vector is valid for an hour of September 2001.
///
/// Shows: FLD-078
#[test]
fn the_validity_of_a_certificate_is_told_and_fails_with_strict() {
    let folder = Folder::new();
    folder.write("hour", vector("s2-expired"));
    folder.write("always", SIGNED_2);
    folder.write("without", SIGNED);
    let told = |options: &str, strict: i32, validity: &str| {
        for (flag, status) in [("", 0), ("--strict", strict)] {
            let ran = folder.ota(&format!("verify --json {flag} {CA} {CA_2} {options}"));
            let found = ran.says(status, "").json().remove(0);
            let expected = if validity.is_empty() { Value::Null } else { validity.into() };
            assert_eq!([&found["signature"], &found["validity"]], [&json!("valid"), &expected], "{options}");
            assert_eq!(ran.err.is_empty(), status == 0 && matches!(validity, "" | "valid"), "{}", ran.err);
            assert!(
                validity.is_empty() || ran.err.is_empty() || ran.err.contains(&validity.replace('-', " ")),
                "{}",
                ran.err
            );
        }
    };
    told("hour", 1, "expired");
    told("--at 999999999 hour", 1, "not-yet-valid");
    told("--at 1000000000 hour", 0, "valid");
    told("--at 2001-09-09T02:46:39Z hour", 0, "valid");
    told("--at 2001-09-09T02:46:40Z hour", 1, "expired");
    told("--at 2001-09-09 hour", 1, "not-yet-valid");
    told("always", 0, "valid");
    told("--at 1970-01-01 always", 1, "not-yet-valid");
    told("without", 0, "");
    folder
        .ota(&format!("verify {CA_2} --at 2026-11-28T13:05:00Z hour"))
        .says(0, "hour: signature valid")
        .says(
            0,
            "ota: hour: the signer's certificate is expired at 2026-11-28T13:05:00Z: it is valid from \
         2001-09-09T01:46:40Z until 2001-09-09T02:46:40Z",
        );
    // A certificate proves nothing while no signature by its key is valid.
    let mut wrong = vector("s2-expired");
    wrong[70] ^= 1;
    folder.write("hour", wrong);
    assert_eq!(verified(&folder, &format!("{CA_2} hour"), 1)["validity"], Value::Null);
    for wrong in ["2026-11-31", "2026-1-1", "tomorrow", "-1", "2026-11-28T24:00:00Z", "2026-11-28T13:00:00"] {
        folder.ota(&format!("verify --at={wrong} hour")).says(2, "expected Unix seconds, or a moment in UTC");
    }
}

#[test]
fn moments_are_those_of_the_calendar() {
    for (unix, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (951_868_800, "2000-03-01T00:00:00Z"),
        (1_735_689_599, "2024-12-31T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(unix_time_text::text(unix), text);
        assert_eq!(unix_time_text::parse(text), Ok(unix));
    }
    for day in (0..60_000).map(|day| day * 86_400) {
        assert_eq!(unix_time_text::parse(&unix_time_text::text(day)[..10]), Ok(day));
    }
}

#[test]
fn vendors_files() {
    let samples = samples();
    if samples.is_empty() {
        return;
    }
    let arguments = ["verify".as_ref(), "--json".as_ref()].into_iter();
    let ran = Folder::new().run(arguments.chain(samples.iter().map(|sample| sample.path.as_os_str())));
    for (sample, found) in samples.iter().zip(ran.says(1, "").json()) {
        let name = &sample.name;
        if !sample.is_ota() {
            assert_eq!(found["ota"], false, "{name}");
            continue;
        }
        let signed = name.starts_with("signed_");
        let truncated = sample.expected["layout"] == "truncated";
        let expected = if signed {
            "unsupported"
        } else if truncated {
            "invalid"
        } else {
            "absent"
        };
        assert_eq!(found["signature"], expected, "{name}");
        let sealed = name.starts_with("integrity_");
        assert_eq!(found["integrity"], if sealed { "ok" } else { "absent" }, "{name}");
    }
}
