//! Header of a Matter OTA image file, with the test file of connectedhomeip.

use zigbee_ota::file::{FileHeader, FileWriter};
use zigbee_ota::matter::{
    DigestType, ImageHeader, MatterDecodeError, MatterDecodeErrorKind, MatterRuleError,
};
use zigbee_ota::{DecodeErrorKind, Encode, ImageId};

use crate::changed;
use crate::commands::check_each_field;

/// SHA-256 of `test payload`.
const DIGEST: [u8; 32] = [
    0x81, 0x3c, 0xa5, 0x28, 0x5c, 0x28, 0xcc, 0xee, 0x5c, 0xab, 0x8b, 0x10, 0xeb, 0xda, 0x9c, 0x90, 0x8f,
    0xd6, 0xd7, 0x8e, 0xd9, 0xdc, 0x94, 0xcc, 0x65, 0xea, 0x6c, 0xb6, 0x7a, 0x7f, 0x13, 0xae,
];

fn header() -> ImageHeader<'static> {
    let mut header = ImageHeader::new(0xdead, 0xbeef, 0xffff_ffff, "1.0", 12, DigestType::SHA_256, &DIGEST);
    header.min_applicable_version = Some(1);
    header.max_applicable_version = Some(2);
    header.release_notes_url = Some("https://rn");
    header
}

fn file() -> Vec<u8> {
    [
        &[0x1e, 0xf1, 0xee, 0x1b, 110, 0, 0, 0, 0, 0, 0, 0, 82, 0, 0, 0][..],
        &[0x15, 0x25, 0, 0xad, 0xde, 0x25, 1, 0xef, 0xbe, 0x26, 2, 0xff, 0xff, 0xff, 0xff],
        b"\x2c\x03\x031.0",
        &[0x24, 4, 12, 0x24, 5, 1, 0x24, 6, 2],
        b"\x2c\x07\x0ahttps://rn",
        &[0x24, 8, 1, 0x30, 9, 32],
        &DIGEST,
        &[0x18],
        b"test payload",
    ]
    .concat()
}

/// Shows: MAT-032
#[test]
fn a_header_is_written_and_read() {
    let file = file();
    assert_eq!(file.len(), 110);
    assert_eq!(ImageHeader::parse(&file), Ok((header(), &b"test payload"[..])));
    assert_eq!(header().to_vec(), file[..98]);
    assert_eq!(header().check(), Ok(()));
    assert_eq!(ImageHeader::parse(&file[..98]), Ok((header(), &[][..])), "the payload may be elsewhere");
    for cut in 0..98 {
        let error = ImageHeader::parse(&file[..cut]).expect_err("cut");
        assert!(error.to_string().contains("present") && error.offset <= cut, "{cut}: {error}");
    }
}

/// Shows: MAT-032
#[test]
fn optional_fields_are_left_out() {
    let least =
        ImageHeader::new(0xdead, 0xbeef, 0xffff_ffff, "1.0", 12, DigestType::SHA_256_32, &DIGEST[..4]);
    let bytes = least.to_vec();
    assert_eq!((bytes[4], bytes[12]), (16 + 35 + 12, 35), "total size, header size");
    assert_eq!(bytes.len(), 16 + 35);
    assert_eq!(ImageHeader::parse(&bytes), Ok((least, &[][..])));
    for (version, fits) in [(0, [true, false]), (1, [true, true]), (2, [true, true]), (3, [true, false])] {
        assert_eq!([least.suits(version), header().suits(version)], fits, "{version}");
    }
}

#[test]
fn matter_and_zigbee_files_are_distinguished() {
    let matter = file();
    let mut zigbee = [0; 56];
    FileWriter::new(FileHeader::new(ImageId::new(0xdead, 0xbeef, 1)), &[])
        .unwrap()
        .encode(&mut zigbee)
        .unwrap();
    assert_eq!([&matter[..], &zigbee].map(ImageHeader::is_at_start), [true, false]);
    let kind = MatterDecodeErrorKind::BadMagic { found: 0x0bee_f11e };
    assert_eq!(ImageHeader::parse(&zigbee).unwrap_err().kind, kind);
    assert_eq!(ImageHeader::parse(&zigbee[..4]).unwrap_err().kind, kind);
    assert_eq!(
        FileHeader::parse(&matter).unwrap_err().kind,
        DecodeErrorKind::BadMagic { found: 0x1bee_f11e }
    );
    assert_eq!(
        ImageHeader::parse(&zigbee).unwrap_err().to_string(),
        "Matter OTA image header, byte 0: not a Matter OTA image: identifier 0x0beef11e, expected 0x1beef11e"
    );
}

/// The file with another structure, and sizes that fit.
fn with(structure: &[u8]) -> Vec<u8> {
    let size = u8::try_from(structure.len()).unwrap();
    [
        &[0x1e, 0xf1, 0xee, 0x1b, 16 + size + 12, 0, 0, 0, 0, 0, 0, 0, size, 0, 0, 0],
        structure,
        b"test payload",
    ]
    .concat()
}

fn refused(structure: &[u8]) -> MatterDecodeError {
    ImageHeader::parse(&with(structure)).expect_err("wrong")
}

/// Shows: MAT-032
#[test]
fn wrong_headers_are_refused_with_field_and_offset() {
    let file = file();
    let structure = &file[16..98];
    let without_digest = [&structure[..46], &[0x18]].concat();
    assert_eq!(
        refused(&without_digest).to_string(),
        "Matter OTA image header, ImageDigest, byte 62: missing"
    );
    let mut short_digest = structure.to_vec();
    short_digest[45] = 2;
    assert_eq!(
        refused(&short_digest).to_string(),
        "Matter OTA image header, ImageDigest, byte 62: length 32, expected 16 to 16"
    );
    let mut type_without_name = structure.to_vec();
    type_without_name[45] = 99;
    let unknown = with(&type_without_name);
    assert_eq!(ImageHeader::parse(&unknown).unwrap().0.digest_type, DigestType(99));
    let twice = [&structure[..5], &structure[1..]].concat();
    assert_eq!(refused(&twice).to_string(), "Matter OTA image header, VendorID, byte 21: duplicate field");
    let more = [structure, &[0x14]].concat();
    assert_eq!(refused(&more).to_string(), "Matter OTA image header, byte 98: 1 bytes after the element");

    let mut total = file.clone();
    total[4] = 111;
    let error = ImageHeader::parse(&total).unwrap_err();
    assert_eq!((error.field, error.offset), (Some("TotalSize"), 4));
    assert_eq!(
        error.to_string(),
        "Matter OTA image header, TotalSize, byte 4: 111, header and payload take 110"
    );
    let mut size = file.clone();
    size[12] = 95;
    assert_eq!(
        ImageHeader::parse(&size).unwrap_err().to_string(),
        "Matter OTA image header, byte 16: 95 bytes expected, 94 present"
    );
    // Fields of later revisions are skipped.
    let later = [&structure[..81], &[0x24, 10, 1, 0x18]].concat();
    assert_eq!(ImageHeader::parse(&with(&later)).unwrap().0, header());
}

/// A reader that believed the header size would fetch 4 GB before it looks at the header.
///
/// Shows: FLD-104
#[test]
fn a_header_size_above_1024_bytes_is_refused() {
    let long = |size: u32| {
        let mut file = file();
        file[12..16].copy_from_slice(&size.to_le_bytes());
        ImageHeader::parse(&file).unwrap_err()
    };
    assert_eq!(long(1024).to_string(), "Matter OTA image header, byte 16: 1024 bytes expected, 94 present");
    for size in [1025, u32::MAX] {
        let error = long(size);
        assert_eq!((error.field, error.offset), (Some("HeaderSize"), 12));
        assert_eq!(
            error.to_string(),
            format!("Matter OTA image header, HeaderSize, byte 12: {size}, expected at most 1024")
        );
    }
    // A field of a later revision fills the structure up to the limit, and beyond.
    let whole = file();
    for (padding, fits) in [(1024 - 82 - 4, true), (1024 - 82 - 3, false)] {
        let later = [
            &whole[16..97],
            &[0x31, 10],
            &u16::try_from(padding).unwrap().to_le_bytes(),
            &vec![0; padding],
            &[0x18],
        ]
        .concat();
        let total = 16 + later.len() as u64 + 12;
        let size = later.len() as u32;
        let file = [&whole[..4], &total.to_le_bytes(), &size.to_le_bytes(), &later].concat();
        assert_eq!(ImageHeader::parse(&file).is_ok(), fits, "{size}");
    }
    // A writer of an unknown digest is told.
    let digest = vec![0; 1024];
    let long = changed(header(), |header| {
        (header.digest_type, header.digest) = (DigestType(99), &digest);
    });
    let error = long.check().unwrap_err();
    assert!(matches!(error, MatterRuleError::HeaderSize { size: 1025.., max: 1024 }), "{error}");
    let bytes = long.to_vec();
    assert!(ImageHeader::parse(&bytes).is_err());
}

/// Shows: FLD-104
#[test]
fn a_total_size_beyond_64_bits_is_refused() {
    // Fixed fields and structure take 16 + 82 bytes, and 7 more for a payload size of eight bytes.
    let most = u64::MAX - 16 - 82 - 7;
    for (payload_size, fits) in [(most, true), (most + 1, false), (u64::MAX, false)] {
        let header = changed(header(), |header| header.payload_size = payload_size);
        assert_eq!(header.check().is_ok(), fits, "{payload_size}");
        let bytes = header.to_vec();
        assert_eq!(ImageHeader::parse(&bytes).is_ok(), fits, "{payload_size}");
    }
    let error = changed(header(), |header| header.payload_size = u64::MAX).check().unwrap_err();
    assert_eq!(error, MatterRuleError::TotalSize { payload: u64::MAX });
}

#[test]
fn a_writer_of_files_checks_the_bounds() {
    let digest = changed(header(), |header| header.digest = &DIGEST[..31]);
    let field = "ImageDigest";
    assert_eq!(digest.check(), Err(MatterRuleError::Length { field, len: 31, min: 32, max: 32 }));
    let text = "x".repeat(257);
    for (len, fits) in [(0, false), (1, true), (64, true), (65, false)] {
        let header = changed(header(), |header| header.software_version_string = &text[..len]);
        assert_eq!(header.check().is_ok(), fits, "{len}");
        assert_eq!(ImageHeader::parse(&header.to_vec()).is_ok(), fits, "{len}");
    }
    for (len, fits) in [(0, true), (256, true), (257, false)] {
        let header = changed(header(), |header| header.release_notes_url = Some(&text[..len]));
        assert_eq!(header.check().is_ok(), fits, "{len}");
        assert_eq!(ImageHeader::parse(&header.to_vec()).is_ok(), fits, "{len}");
    }
    let lens = (1..=13).map(|number| DigestType(number).digest_len());
    let expected = [32, 16, 15, 12, 8, 4, 48, 64, 28, 32, 48, 64].map(Some).into_iter().chain([None]);
    assert!(lens.eq(expected));
}

#[test]
fn a_missing_or_mistyped_field_is_named() {
    let file = file();
    let fields = [
        ("VendorID", true),
        ("ProductID", true),
        ("SoftwareVersion", true),
        ("SoftwareVersionString", true),
        ("PayloadSize", true),
        ("MinApplicableSoftwareVersion", false),
        ("MaxApplicableSoftwareVersion", false),
        ("ReleaseNotesURL", false),
        ("ImageDigestType", true),
        ("ImageDigest", true),
    ];
    check_each_field(&file[16..98], &fields, |structure| {
        let size = u32::try_from(structure.len()).expect("short");
        let total = u64::from(size) + 16 + 12;
        let start = [&file[..4], &total.to_le_bytes(), &size.to_le_bytes()].concat();
        ImageHeader::parse(&[&start, structure].concat()).map(drop)
    });
}
