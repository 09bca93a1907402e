//! Payload reports of `info` and `check`.

use serde_json::json;

use crate::run_tool::{Folder, IDS, crc32};

/// Builds a complete Gecko bootloader file with one program.
fn gbl() -> Vec<u8> {
    let mut bytes = [0x03a6_17eb, 8, 0x0300_0000, 0x100, 0xfe01_01fe, 12, 0x4000, 1, 2, 0xfc04_04fc, 4]
        .map(u32::to_le_bytes)
        .concat();
    bytes.extend(crc32(&bytes).to_le_bytes());
    bytes
}

/// Creates a folder with `good` and `bad`, whose second element is a complete or a damaged payload.
fn shelf() -> Folder {
    let folder = Folder::new();
    let mut gbl = gbl();
    for name in ["good", "bad"] {
        folder.write("gbl", &gbl);
        folder.write(name, folder.create(&format!("{IDS} -t 0xf000 -l 3 -t 0 -f gbl -t 0 -l 5")));
        gbl[28] ^= 1;
    }
    folder
}

/// Compared as text, because the order of the keys counts.
#[test]
fn payloads_as_json() {
    let folder = shelf();
    let ran = folder.ota("info --json good");
    ran.says(0, concat!(
        r#""payloads":[{"element":1,"kind":"silabs_gbl","state":"whole","detail":"CRC-32 matches; signed"},"#,
        r#"{"element":2,"kind":"unknown","state":"unknown","detail":"not recognised; 0.00 bits of entropy a byte"}]"#,
    ));
    let bad = &folder.ota("info --json bad").json()[0]["payloads"][0];
    assert_eq!([&bad["kind"], &bad["state"]], [&json!("silabs_gbl"), &json!("damaged")]);
    let detail = bad["detail"].as_str().expect("a text");
    assert!(detail.starts_with("CRC-32 at byte 44 of the payload says 0x"), "{detail}");

    // A body that does not split into elements: it starts with `ff`, and no element is as long.
    let file = folder.read("good");
    folder.write("raw", [&file[..52], &[65, 0, 0, 0], &[0xff; 9]].concat());
    let raw = &folder.ota("info --json raw").json()[0]["payloads"];
    assert_eq!(raw[0]["element"], json!(null));
    assert_eq!(raw.as_array().map(Vec::len), Some(1));
}

#[test]
fn payloads_in_a_table() {
    let folder = shelf();
    folder
        .ota("info good")
        .says(0, "\n  payload                     element 1: silabs_gbl, whole: CRC-32 matches; signed (not verified)\n");
    folder
        .ota("info bad")
        .says(0, "element 1: silabs_gbl, DAMAGED: CRC-32 at byte 44 of the payload says 0x");
}

#[test]
fn check_fails_a_damaged_payload() {
    let folder = shelf();
    folder.ota("check good").says(0, "good: ok\n");
    folder.ota("check --strict good").says(0, "good: ok\n");
    folder
        .ota("check bad")
        .says(1, "bad: WRONG: the payload (silabs_gbl) of element 1 is damaged: CRC-32 at byte 115 says 0x");
}

/// Metadata of the payload is printed beside the header fields that it contradicts.
#[test]
fn a_contradiction_is_noted_but_no_error() {
    let folder = shelf();
    folder.write("inner", folder.create("-m 0x1002 -i 0x1011 -v 5 -l 3"));
    folder.write("outer", folder.create(&format!("{IDS} -f inner")));
    folder.ota("check outer").says(0, "outer: ok\n");
    folder.ota("info outer").says(
        0,
        "embedded_ota_header, unknown: no sum to check; manufacturer 0x1002; image type 0x1011; version 0x00000005; the OTA header says 1001-1011-01010110",
    );
}
