//! Tests of files that are not OTA files: type and advice.

use zigbee_ota::inspect::{FindingKind, ForeignKind, Inspection, Severity};
use zigbee_ota::payload::PayloadKind;

use crate::containers::ikea;
use crate::payload_builders::{code, esp, gbl, jn518x, random};
use crate::{file, only};

#[track_caller]
fn content(bytes: &[u8]) -> (ForeignKind, String) {
    let finding = only(bytes);
    assert_eq!(finding.severity, Severity::Wrong);
    assert!(Inspection::of(bytes).image().is_none());
    match finding.kind {
        FindingKind::NotOta { content, .. } => (content, finding.to_string()),
        kind => panic!("{kind:?}"),
    }
}

/// Each file is reported with its type and an advice.
///
/// Shows: FLD-075
#[test]
fn what_is_no_ota_file_is_named_with_an_advice() {
    let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n";
    let tar = [&[b'n'; 257][..], b"ustar", &[0; 250]].concat();
    let hex: String = file(&[(0, &code(30))]).iter().map(|byte| format!("{byte:02X} ")).collect();
    let cases: Vec<(&[u8], ForeignKind, &str)> = vec![
        (lfs.as_bytes(), ForeignKind::GitLfsPointer, "a Git LFS pointer: fetch the file itself"),
        (b"\r\n<!DOCTYPE html><html>404</html>", ForeignKind::WebPage, "a web page"),
        (b"\xef\xbb\xbf<?xml version=\"1.0\"?><Error/>", ForeignKind::WebPage, "fetch it again"),
        (b"[{\"url\":\"x\"}]", ForeignKind::Json, "a JSON text"),
        (b"PK\x03\x04\0\0", ForeignKind::Zip, "a zip archive: unpack it"),
        (b"\x1f\x8b\x08\0\0", ForeignKind::Gzip, "gzip: unpack it"),
        (&tar, ForeignKind::Tar, "a tar archive: unpack it"),
        (b"BZh91AY", ForeignKind::Bzip2, "bzip2"),
        (b"7z\xbc\xaf\x27\x1c\0", ForeignKind::SevenZip, "7-Zip"),
        (b"Rar!\x1a\x07\0", ForeignKind::Rar, "RAR"),
        (b"\x28\xb5\x2f\xfd\0", ForeignKind::Zstandard, "Zstandard"),
        (b"\x7fELF\x01\x01", ForeignKind::Elf, "objcopy -O binary"),
        (b"UF2\nWQ]\x9e", ForeignKind::Uf2, "a UF2 image"),
        (b":020000040000FA\n:00000001FF\n", ForeignKind::IntelHex, "Intel HEX"),
        (b"S00600004844521B\n", ForeignKind::SRecord, "S-record"),
        (hex.as_bytes(), ForeignKind::HexText, "xxd -r -p"),
        (b"HvHuCwABOAAAAAEQqwAFAAAAAgA=", ForeignKind::Base64Text, "base64 -d"),
        (b"404: Not Found", ForeignKind::Text, "the file is a text"),
        (b"\x1e\xf1\xee\x1b\0\0", ForeignKind::MatterOta, "a Matter OTA image"),
        (b"", ForeignKind::Empty, "the file is empty"),
        (&[0xff; 99], ForeignKind::Erased, "all bytes are equal"),
    ];
    for (bytes, kind, text) in cases {
        let (found, said) = content(bytes);
        assert_eq!(found, kind, "{said}");
        assert!(said.contains(text), "{said}");
    }
    assert_eq!(content(&random(500)).0, ForeignKind::Unknown);
    assert!(content(&random(500)).1.contains("expected 0x0beef11e"));
}

/// Texts that begin like another type, but are none.
///
/// Shows: FLD-075
#[test]
fn a_text_of_no_other_type_is_a_text() {
    for text in [":-)", ":0200 is no record", "S1", "S1 and S2 are switches", "S9ffff", &"feed me ".repeat(9)]
    {
        let kind = content(text.as_bytes()).0;
        let record = text.starts_with("S9");
        assert_eq!(kind, if record { ForeignKind::SRecord } else { ForeignKind::Text }, "{text}");
    }
    // Too short for a text of bytes.
    assert_eq!(content(b"feed").0, ForeignKind::Text);
    // The limit of what is read cuts the last character.
    let long = format!("x{}", "ä".repeat(3000));
    assert_eq!(content(long.as_bytes()).0, ForeignKind::Text);
    assert_ne!(content(b"not \xff a text").0, ForeignKind::Text);
}

#[test]
fn each_type_has_a_name() {
    use ForeignKind::*;
    for (kind, name) in [
        (Empty, "empty"),
        (Erased, "erased"),
        (GitLfsPointer, "git-lfs-pointer"),
        (WebPage, "web-page"),
        (Json, "json"),
        (Zip, "zip"),
        (Gzip, "gzip"),
        (Tar, "tar"),
        (Bzip2, "bzip2"),
        (SevenZip, "7z"),
        (Rar, "rar"),
        (Zstandard, "zstandard"),
        (Elf, "elf"),
        (Uf2, "uf2"),
        (IntelHex, "intel-hex"),
        (SRecord, "s-record"),
        (HexText, "hex-text"),
        (Base64Text, "base64-text"),
        (Text, "text"),
        (MatterOta, "matter-ota"),
        (BarePayload(PayloadKind::SilabsGbl), "bare-payload"),
        (IkeaOtherTotal { total_size: 1, size: 2 }, "ikea-other-total"),
        (BrokenHeader, "broken-header"),
        (HeaderInside, "header-inside"),
        (Unknown, "unknown"),
    ] {
        assert_eq!(kind.name(), name);
    }
}

/// Shows: FLD-075
#[test]
fn a_bare_image_is_named_by_its_format() {
    for (bytes, kind) in [
        (gbl(0, &[]).bytes, PayloadKind::SilabsGbl),
        (esp(true).bytes, PayloadKind::EspImage),
        (jn518x().bytes, PayloadKind::NxpJn518x),
    ] {
        let (found, text) = content(&bytes);
        assert_eq!(found, ForeignKind::BarePayload(kind));
        assert_eq!(text, format!("a bare {kind} image without an OTA header: `ota create` wraps it"));
    }
}

/// Shows: FLD-075
#[test]
fn an_ota_header_at_a_later_byte_is_told() {
    let bytes = [&random(20)[..], &file(&[(0, &code(30))])].concat();
    let (kind, text) = content(&bytes);
    assert_eq!((kind, only(&bytes).offset), (ForeignKind::HeaderInside, 20));
    assert!(text.contains("one at byte 20: see `ota candidates`"), "{text}");
}

/// A header that cannot be read keeps its error.
#[test]
fn a_broken_header_is_told_as_such() {
    let mut bytes = file(&[(0, &code(30))]);
    assert!(content(&bytes[..40]).1.contains("56 bytes expected, 40 present"));
    bytes[5] = 2;
    let (kind, text) = content(&bytes);
    assert_eq!(kind, ForeignKind::BrokenHeader);
    assert!(text.contains("header version"), "{text}");
}

/// The container is whole by its own words and hashes.
///
/// Shows: FLD-074
#[test]
fn an_ikea_container_with_another_total_is_named() {
    let mut ota = file(&[(0, &code(90))]);
    ota[52] = 100;
    let bytes = ikea(&ota);
    let (kind, text) = content(&bytes);
    assert_eq!(kind, ForeignKind::IkeaOtherTotal { total_size: 100, size: 152 });
    assert!(text.contains("152 bytes of OTA file at byte 200") && text.contains("says 100"), "{text}");
    assert_eq!(only(&bytes).offset, 200);
}
