//! Subcommands `verify`, `digest` and `attach`.

use serde_json::{Value, json};

use crate::run_tool::{Folder, IDS};
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
                r#""signer":"00124b00aabbccdd","reason":null}}"#,
                "\n"
            ),
            file, suite
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
