//! Tests of the comparison of downloaded files with their index entries, and of entries created from files.

use serde_json::json;
use sha2::{Digest, Sha256, Sha512};
use zigbee_ota::file::{Element, FileHeader, FileWriter, HeaderString, Tag};
use zigbee_ota::index::{
    Checksum, ChecksumAlgorithm, EntryFromFileError, FileMismatch, Index, IndexEntry, IndexForm,
};
use zigbee_ota::inspect::{FindingKind, Inspection, Severity};
use zigbee_ota::{Encode, HardwareRange, HardwareVersion, ImageId};

use crate::index;

const ID: ImageId = ImageId::new(0x1001, 0x1011, 0x0200_0001);

fn file(id: ImageId) -> Vec<u8> {
    let header = FileHeader::new(id).with_header_string(HeaderString::new("light").expect("short"));
    FileWriter::new(header, &[Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 40] }]).expect("a file").to_vec()
}

/// The file with Legrand's length before it, and 17 bytes after it.
fn contained(file: &[u8]) -> Vec<u8> {
    let length = u32::try_from(file.len()).expect("short").to_le_bytes();
    [&length[..], file, &[0; 17]].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Shows: FLD-054
#[test]
fn the_entry_of_a_file_fits_the_file() {
    let plain = file(ID);
    for bytes in [plain.clone(), contained(&plain), [&plain[..], b"more"].concat()] {
        for (form, algorithm) in [
            (IndexForm::Zigbee2Mqtt, ChecksumAlgorithm::Sha512),
            (IndexForm::Zigpy, ChecksumAlgorithm::Sha3_256),
        ] {
            let mut entry = IndexEntry::of_file(&bytes, form).expect("an OTA file");
            assert_eq!(entry.id(), Some(ID));
            let sizes = (entry.image_size.map(u64::from), entry.file_size);
            assert_eq!(sizes, (Some(plain.len() as u64), Some(bytes.len() as u64)));
            assert_eq!(entry.header_string.as_deref(), Some("light"));
            assert_eq!(entry.checksums, [Checksum::of(&bytes, algorithm).expect("supported")]);
            assert_eq!(entry.check(&bytes), []);
            entry.url = Some("https://a".into());
            let mut made = Index::new(form);
            made.entries.push(entry);
            let read = index(&made.to_json().expect("complete"));
            assert_eq!(read.entries[0].check(&bytes), []);
        }
    }
}

/// Digests of three bytes, from FIPS 180-4 and FIPS 202.
///
/// Shows: FLD-054
#[test]
fn checksums_are_those_of_the_standards() {
    let abc = |algorithm| Checksum::of(b"abc", algorithm).expect("supported").to_hex();
    assert_eq!(abc(ChecksumAlgorithm::Sha512), hex(&Sha512::digest(b"abc")));
    assert_eq!(abc(ChecksumAlgorithm::Sha256), hex(&Sha256::digest(b"abc")));
    let expected = "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532";
    assert_eq!(abc(ChecksumAlgorithm::Sha3_256), expected);
    let other = ChecksumAlgorithm::Unsupported("md5".into());
    assert_eq!((Checksum::of(b"abc", other.clone()), other.digest_len(), other.name()), (None, None, "md5"));
}

/// Shows: FLD-054
#[test]
fn every_difference_between_entry_and_file_is_told() {
    let bytes = file(ID);
    let entry = IndexEntry::of_file(&bytes, IndexForm::Zigbee2Mqtt).expect("an OTA file");
    let told = |entry: &IndexEntry, bytes: &[u8]| -> Vec<String> {
        entry.check(bytes).iter().map(ToString::to_string).collect()
    };
    // One flipped bit: the sum finds it anywhere, and the fields where they stand.
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let sum = |bytes: &[u8]| hex(&Sha512::digest(bytes));
        let text = format!("sha512 in the index is {}, that of the file is {}", sum(&bytes), sum(&changed));
        assert_eq!(told(&entry, &changed)[0], text);
    }
    let newer = file(ImageId::new(0x1002, 0x1012, 0x0200_0002));
    assert_eq!(
        told(&entry, &newer)[1..],
        [
            "the index says manufacturer code 0x1001, the header 0x1002",
            "the index says image type 0x1011, the header 0x1012",
            "the index says version 33554433 (0x02000001), the header 33554434 (0x02000002)",
        ]
    );
    let mut wrong = entry.clone();
    (wrong.image_size, wrong.file_size, wrong.header_string) =
        (Some(1), Some(2), Some("dark\u{1b}\0".into()));
    assert_eq!(
        told(&wrong, &bytes),
        [
            format!("the index says 2 bytes, the file has {}", bytes.len()),
            format!("the index says a total image size of 1, the header {}", bytes.len()),
            r#"the index says the header string "dark\u{1b}", the header "light""#.into(),
        ]
    );
    let cut = &bytes[..bytes.len() - 1];
    assert!(told(&entry, cut).contains(&format!("the file lacks 1 of {} bytes", bytes.len())));
    assert!(told(&entry, b"<html>404").iter().any(|text| text.starts_with("the file is no OTA file: ")));
    // Older indexes kept the NULs of the header string.
    wrong = entry.clone();
    wrong.header_string = Some("light\0\0\0".into());
    assert_eq!(wrong.check(&bytes), []);
    // What an entry leaves out fits every file.
    assert_eq!(index(r#"[{ "url": "x" }]"#).entries[0].check(&bytes), []);
}

/// Shows: FLD-054
#[test]
fn a_checksum_that_cannot_be_compared_is_told() {
    let bytes = file(ID);
    let with = |checksum: &str| {
        let entry = json!({ "binary_url": "x", "checksum": checksum });
        index(&json!([entry]).to_string()).entries.remove(0)
    };
    let found = with("md5:0f0f").check(&bytes);
    assert_eq!(found, [FileMismatch::UnsupportedChecksum("md5".into())]);
    assert_eq!(found[0].to_string(), r#"no checksum was compared: the algorithm "md5" is not supported"#);
    assert_eq!(with(&format!("sha256:{}", hex(&Sha256::digest(&bytes)))).check(&bytes), []);
    // Another one that can be compared is enough.
    let mut both = with("md5:0f0f");
    both.checksums.extend(Checksum::of(&bytes, ChecksumAlgorithm::Sha3_256));
    assert_eq!(both.check(&bytes), []);
}

/// zigbee2mqtt reads an OTA file from the first file identifier on.
///
/// Shows: FLD-054
#[test]
fn what_the_gateway_would_misread_gets_no_entry() {
    let bytes = file(ID);
    let unknown = [b"prefix", &bytes[..]].concat();
    let error = IndexEntry::of_file(&unknown, IndexForm::Zigbee2Mqtt).expect_err("no known container");
    let EntryFromFileError::Wrong(finding) = error else { panic!("{error}") };
    assert!(matches!(finding.kind, FindingKind::NotOta { .. }), "{finding}");
    // A fetched file is read as the gateway reads it.
    let mut entry = IndexEntry::new(ID, "x");
    assert_eq!(entry.check(&unknown), []);
    entry.version = Some(zigbee_ota::FileVersion(5));
    assert_eq!(entry.check(&unknown).len(), 1);
}

/// A Third Reality container whose bytes from 72 on, which no program checks, begin with a file identifier.
///
/// Shows: FLD-054
#[test]
fn a_file_identifier_before_the_file_misleads_zigbee2mqtt_only() {
    let ota = file(ID);
    let length = u32::try_from(88 + ota.len()).expect("short").to_le_bytes();
    let unchecked = [&[0x1e, 0xf1, 0xee, 0x0b][..], &[0; 76]].concat();
    let summed = [&[0; 4], &length[..], &unchecked, &ota].concat();
    let bytes = [&Sha512::digest(&summed)[..], &summed].concat();
    let error = IndexEntry::of_file(&bytes, IndexForm::Zigbee2Mqtt).expect_err("misread");
    assert_eq!(error, EntryFromFileError::Misread { first: 72, ota: 152 });
    let entry = IndexEntry::of_file(&bytes, IndexForm::Zigpy).expect("a file in a container");
    assert_eq!((entry.id(), entry.check(&bytes)), (Some(ID), vec![]));
}

/// An index lists no file that a store refuses: cut, with an element that runs past the end, or for no hardware.
///
/// Shows: FLD-070
#[test]
fn what_no_device_should_get_has_no_entry() {
    let bytes = file(ID);
    let mut overrun = bytes.clone();
    let (header, _) = FileHeader::parse(&bytes).expect("a header");
    // The length of the first element.
    overrun[header.header_len() + 2] += 1;
    let mut hardware = header;
    hardware.hardware = Some(HardwareRange { min: HardwareVersion(2), max: HardwareVersion(1) });
    hardware.total_size = 60;
    for wrong in [&bytes[..bytes.len() - 1], &overrun, &hardware.to_vec()] {
        for form in [IndexForm::Zigbee2Mqtt, IndexForm::Zigpy] {
            let error = IndexEntry::of_file(wrong, form).expect_err("wrong");
            let expected =
                Inspection::of(wrong).findings().find(|finding| finding.severity == Severity::Wrong);
            assert_eq!(Some(error), expected.map(EntryFromFileError::Wrong));
        }
    }

    // A body without elements is wrong behind the tag of one, unless the caller knows better.
    let mut raw = FileHeader::new(ID).with_total_size(63).to_vec();
    raw.extend([0, 0, 0xff, 0, 0, 0, 1]);
    let inspection = Inspection::of(&raw);
    assert!(IndexEntry::of_inspection(&inspection, IndexForm::Zigpy).is_err());
    let entry = IndexEntry::of_inspection(&inspection.allow_raw_body(), IndexForm::Zigpy).expect("raw");
    assert_eq!(entry.check(&raw), []);
}

/// Shows: FLD-054
#[test]
fn entries_are_completed_and_keep_what_their_maintainers_added() {
    let bytes = file(ID);
    let (header, _) = FileHeader::parse(&bytes).expect("a header");
    let old = index(
        r#"[{ "url": "old.ota", "fileVersion": 1, "modelId": "lamp", "force": true, "releaseNotes": "r", "own": 5 }]"#,
    );
    let mut entry = old.entries[0].clone();
    entry.complete(&header);
    assert_eq!(entry.id(), Some(ImageId::new(0x1001, 0x1011, 1)), "what is there stays");

    let mut made = IndexEntry::of_file(&bytes, IndexForm::Zigbee2Mqtt).expect("an OTA file");
    made.url = Some("new.ota".into());
    let range = HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) };
    let mut made = made.with_additions_of(&old.entries[0]);
    made.restrictions = made.restrictions.with_hardware(range);
    let mut index = Index::new(IndexForm::Zigbee2Mqtt);
    index.entries.push(made);
    let text = index.to_json().expect("complete");
    let written = serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    for (key, expected) in [
        ("url", json!("new.ota")),
        ("fileVersion", json!(0x0200_0001)),
        ("modelId", json!("lamp")),
        ("force", json!(true)),
        ("releaseNotes", json!("r")),
        ("own", json!(5)),
        ("hardwareVersionMin", json!(1)),
        ("hardwareVersionMax", json!(2)),
    ] {
        assert_eq!(written[0][key], expected, "{key}");
    }
}

/// Shows: FLD-054
#[test]
fn a_new_version_of_a_file_keeps_preferences_texts_and_faults() {
    let made = IndexEntry::of_file(&file(ID), IndexForm::Zigpy).expect("an OTA file");
    let mut old = index(
        r#"[{ "binary_url": "old.ota", "specificity": 4, "changelog": "c", "release_url": "u", "file_size": "2" }]"#,
    )
    .entries
    .remove(0);
    old.original_url = Some("o".into());
    let found = made.clone().with_additions_of(&old);
    assert_eq!((found.specificity, found.changelog.as_deref()), (Some(4), Some("c")));
    assert_eq!((found.release_url.as_deref(), found.original_url.as_deref()), (Some("u"), Some("o")));
    assert_eq!((found.faults().len(), found.faults()), (1, old.faults()));
    assert_eq!((found.url, found.file_size), (None, made.file_size), "the old file is not the new one");
}
