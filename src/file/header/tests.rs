use super::*;
use crate::codec::Encode;
use crate::error::{DecodeErrorKind, EncodeError};
use crate::types::{FileVersion, ManufacturerCode};
use std::string::ToString;
use std::vec::Vec;

const DESTINATION: Eui64 = Eui64(0x0123_4567_89ab_cdef);
const RANGE: HardwareRange = HardwareRange { min: HardwareVersion(0x0102), max: HardwareVersion(0x0203) };

/// Fixed fields with a different value in each; field control 0, total image size 0x01020304.
#[rustfmt::skip]
const FIXED: [u8; 56] = [
    0x1e, 0xf1, 0xee, 0x0b, // identifier
    0x00, 0x01, // header version
    0x38, 0x00, // header length
    0x00, 0x00, // field control
    0x34, 0x12, // manufacturer code
    0xab, 0x00, // image type
    0x19, 0x35, 0x05, 0x10, // file version
    0x03, 0x00, // stack version
    b'd', b'o', b'o', b'r', b'b', b'e', b'l', b'l', 0, 0, 0, 0, 0, 0, 0, 0, // header string
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0x04, 0x03, 0x02, 0x01, // total image size
];
const CREDENTIAL_BYTES: [u8; 1] = [0x02];
const DESTINATION_BYTES: [u8; 8] = [0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01];
const RANGE_BYTES: [u8; 4] = [0x02, 0x01, 0x03, 0x02];

fn fixed_header() -> FileHeader<'static> {
    FileHeader {
        stack: StackVersion::ZIGBEE_IP,
        header_string: HeaderString::new("doorbell").unwrap(),
        total_size: 0x0102_0304,
        ..FileHeader::new(ImageId::new(0x1234, 0x00ab, 0x1005_3519))
    }
}

/// A header with this field control and header length, and with `tail` after its fixed fields.
fn bytes(control: u16, length: u16, tail: &[u8]) -> Vec<u8> {
    let mut bytes = FIXED.to_vec();
    bytes[6..8].copy_from_slice(&length.to_le_bytes());
    bytes[8..10].copy_from_slice(&control.to_le_bytes());
    bytes.extend_from_slice(tail);
    bytes
}

fn written(header: &FileHeader<'_>) -> Vec<u8> {
    let mut out = std::vec![0xee; header.encoded_len()];
    assert_eq!(header.encode(&mut out), Ok(out.len()));
    out
}

fn kind(file: &[u8]) -> DecodeErrorKind {
    FileHeader::parse(file).unwrap_err().kind
}

#[track_caller]
fn fails(file: &[u8], offset: usize, kind: DecodeErrorKind) {
    let error = DecodeError { item: "OTA header", offset, kind };
    assert_eq!(FileHeader::parse(file), Err(error));
    assert_eq!(FileHeader::parse_lenient(file), Err(error));
}

/// Shows: FILE-003, FILE-004, FILE-008, FILE-010, FILE-024, ESP-057
#[test]
fn the_fixed_part_is_56_bytes_in_order() {
    let header = fixed_header();
    assert_eq!(written(&header), FIXED);
    assert_eq!(FileHeader::parse(&FIXED), Ok((header, &[][..])));
    assert_eq!(header.minor, 0);
    assert_eq!(header.anomalies(), HeaderAnomalies::default());
    let mut any = FIXED;
    any[10..12].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(FileHeader::parse(&any).unwrap().0.id.manufacturer, ManufacturerCode::ANY);
}

/// Shows: FILE-005, FILE-006, FILE-017, FILE-019, FILE-020, FILE-021, FILE-043
#[test]
fn optional_fields_follow_by_flag() {
    for (control, length) in [56, 57, 64, 65, 60, 61, 68, 69].into_iter().enumerate() {
        let [credential, destination, hardware] = [1, 2, 4].map(|bit| control & bit != 0);
        let tail = [
            if credential { &CREDENTIAL_BYTES[..] } else { &[] },
            if destination { &DESTINATION_BYTES[..] } else { &[] },
            if hardware { &RANGE_BYTES[..] } else { &[] },
        ]
        .concat();
        let bytes = bytes(u16::try_from(control).unwrap(), length, &tail);
        assert_eq!(bytes.len(), usize::from(length));
        let header = FileHeader {
            credential: credential.then_some(SecurityCredentialVersion::SE_2_0),
            destination: destination.then_some(DESTINATION),
            hardware: hardware.then_some(RANGE),
            ..fixed_header()
        };
        assert_eq!(FileHeader::parse(&bytes), Ok((header, &[][..])), "{control}");
        assert_eq!(written(&header), bytes, "{control}");
        assert_eq!(header.header_len(), bytes.len());
        assert_eq!(header.control().contains(HeaderControl::SECURITY_CREDENTIAL), credential);
        assert_eq!(header.control().contains(HeaderControl::HARDWARE_VERSIONS), hardware);
        assert_eq!(header.is_device_specific(), destination);
    }
    assert_eq!(RANGE.min.parts(), [1, 2]);
}

#[test]
fn a_header_is_made_field_by_field() {
    let made = FileHeader::new(ImageId::new(0x1234, 0x00ab, 0x1005_3519))
        .with_stack(StackVersion::ZIGBEE_IP)
        .with_header_string(HeaderString::new("doorbell").unwrap())
        .with_total_size(0x0102_0304)
        .with_credential(SecurityCredentialVersion::SE_2_0)
        .with_destination(DESTINATION)
        .with_hardware(RANGE);
    let tail = [&CREDENTIAL_BYTES[..], &DESTINATION_BYTES, &RANGE_BYTES].concat();
    assert_eq!(written(&made), bytes(7, 69, &tail));
}

/// Shows: FILE-007
#[test]
fn every_prefix_of_a_header_is_truncated() {
    let tail = [&CREDENTIAL_BYTES[..], &DESTINATION_BYTES, &RANGE_BYTES].concat();
    let whole = bytes(7, 69, &tail);
    for present in 0..69 {
        let needed = if present < 56 { 56 } else { 69 };
        fails(&whole[..present], 0, DecodeErrorKind::Truncated { needed, present });
    }
    assert!(FileHeader::parse(&whole).is_ok());
    assert_eq!(whole.len(), FileHeader::MAX_KNOWN_LEN);
}

/// Shows: FILE-009
#[test]
fn four_bytes_show_that_bytes_are_not_an_ota_file() {
    fails(&[0x1e, 0xf1, 0xee, 0x0c], 0, DecodeErrorKind::BadMagic { found: 0x0cee_f11e });
    fails(&[0; 100], 0, DecodeErrorKind::BadMagic { found: 0 });
    assert_eq!(kind(&[0, 0, 0]), DecodeErrorKind::Truncated { needed: 56, present: 3 });
    assert_eq!(kind(&FIXED[..4]), DecodeErrorKind::Truncated { needed: 56, present: 4 });
    assert_eq!(
        FileHeader::parse(b"\x7fELF").unwrap_err().to_string(),
        "OTA header, byte 0: not an OTA file: identifier 0x464c457f, expected 0x0beef11e"
    );
}

/// Shows: FILE-011, FILE-014
#[test]
fn later_minor_versions_read_alike() {
    let mut bytes = bytes(0, 60, &[1, 2, 3, 4, 0xee]);
    bytes[4] = 0x05;
    let (header, rest) = FileHeader::parse(&bytes).unwrap();
    assert_eq!(header, FileHeader { minor: 5, extra: &[1, 2, 3, 4], ..fixed_header() });
    assert_eq!(rest, [0xee]);
    assert_eq!(written(&header), bytes[..60]);
    assert_eq!(
        header.anomalies(),
        HeaderAnomalies { other_minor_version: true, extra_bytes: true, ..HeaderAnomalies::default() }
    );
}

/// Shows: FILE-012
#[test]
fn other_major_versions_are_refused() {
    for found in [0x0200_u16, 0x0000, 0x00ff] {
        let mut bytes = FIXED;
        bytes[4..6].copy_from_slice(&found.to_le_bytes());
        fails(&bytes, 4, DecodeErrorKind::UnsupportedHeaderVersion { found });
    }
}

/// Shows: FILE-015
#[test]
fn a_header_length_below_its_fields_is_refused() {
    fails(&bytes(4, 56, &[0; 20]), 6, DecodeErrorKind::HeaderTooShort { declared: 56, needed: 60 });
    fails(&bytes(4, 59, &[0; 20]), 6, DecodeErrorKind::HeaderTooShort { declared: 59, needed: 60 });
    fails(&bytes(0, 55, &[]), 6, DecodeErrorKind::HeaderTooShort { declared: 55, needed: 56 });
    fails(&bytes(3, 56, &[0; 20]), 6, DecodeErrorKind::HeaderTooShort { declared: 56, needed: 65 });
}

/// Shows: FILE-016
#[test]
fn a_total_size_below_the_header_length_is_refused() {
    let mut bytes = FIXED;
    bytes[52..56].copy_from_slice(&[55, 0, 0, 0]);
    fails(&bytes, 52, DecodeErrorKind::TotalTooSmall { total: 55, header: 56 });
    bytes[52] = 56;
    assert_eq!(FileHeader::parse(&bytes).unwrap().0.total_size, 56);
}

/// Shows: FILE-018
#[test]
fn reserved_bits_are_kept_and_written_as_zero_by_default() {
    let bytes = bytes(0x0008, 58, &[0xaa, 0xbb]);
    let (header, _) = FileHeader::parse(&bytes).unwrap();
    assert_eq!(header.other_control.0, 0x0008);
    assert_eq!(header.extra, [0xaa, 0xbb]);
    assert_eq!(
        header.anomalies(),
        HeaderAnomalies { reserved_bits: true, extra_bytes: true, ..HeaderAnomalies::default() }
    );
    assert_eq!(written(&header), bytes);
    assert_eq!(written(&fixed_header())[8..10], [0, 0]);

    let all = FileHeader { other_control: HeaderControl(0xffff), ..fixed_header() };
    assert_eq!(written(&all)[8..10], [0xfa, 0xff], "bits of absent fields are not written");
    let with_destination = FileHeader { destination: Some(DESTINATION), ..all };
    assert_eq!(written(&with_destination)[8..10], [0xfa, 0xff], "the bit of the destination is set once");
}

/// Shows: FILE-020, FILE-023
#[test]
fn a_device_specific_header_without_destination_is_read_leniently_only() {
    let with = bytes(2, 64, &DESTINATION_BYTES);
    assert_eq!(FileHeader::parse(&with).unwrap().0.destination, Some(DESTINATION));
    assert_eq!(FileHeader::parse_lenient(&with), FileHeader::parse(&with));

    for (control, tail) in
        [(2, &[][..]), (3, &[0x02]), (6, &RANGE_BYTES), (7, &[2, 2, 1, 3, 2]), (2, &[5, 6])]
    {
        let declared = 56 + u16::try_from(tail.len()).unwrap();
        let bytes = bytes(control, declared, tail);
        let needed = fields_len(HeaderControl(control));
        let error = FileHeader::parse(&bytes).unwrap_err();
        assert_eq!((error.offset, error.kind), (6, DecodeErrorKind::HeaderTooShort { declared, needed }));
        let (header, _) = FileHeader::parse_lenient(&bytes).unwrap();
        assert_eq!(header.destination, None);
        assert!(header.is_device_specific());
        assert!(header.anomalies().destination_missing);
        assert_eq!(header.credential.is_some(), control & 1 != 0);
        assert_eq!(header.hardware, (control & 4 != 0).then_some(RANGE));
        assert_eq!(written(&header), bytes);
    }
}

/// Shows: FILE-032
#[test]
fn a_device_specific_file_may_have_any_version() {
    for version in [0, 0xabcd_ef0a, u32::MAX] {
        let mut bytes = bytes(2, 64, &DESTINATION_BYTES);
        bytes[14..18].copy_from_slice(&version.to_le_bytes());
        let (header, _) = FileHeader::parse(&bytes).unwrap();
        assert_eq!(header.id.version, FileVersion(version));
        assert_eq!(header.anomalies(), HeaderAnomalies::default());
    }
}

/// Shows: FILE-034, FILE-035, ESP-058
#[test]
fn the_header_string_always_takes_32_bytes_and_is_kept() {
    for len in [0, 1, 31, 32] {
        let header =
            FileHeader { header_string: HeaderString::new(&"x".repeat(len)).unwrap(), ..fixed_header() };
        let bytes = written(&header);
        assert_eq!(bytes.len(), 56);
        assert_eq!(bytes[20..52], [&b"x".repeat(len)[..], &std::vec![0; 32 - len]].concat());
    }
    let mut after_nul = [0; 32];
    after_nul[..5].copy_from_slice(b"a\0b\0c");
    for text in [[b'x'; 32], [0; 32], after_nul, [0xff; 32]] {
        let mut bytes = FIXED;
        bytes[20..52].copy_from_slice(&text);
        let (header, _) = FileHeader::parse(&bytes).unwrap();
        assert_eq!(header.header_string.as_bytes(), &text);
        assert_eq!(written(&header), bytes);
    }
}

#[test]
fn unusual_header_strings_are_anomalies() {
    let control = HeaderAnomalies { string_control_characters: true, ..HeaderAnomalies::default() };
    let after_nul = HeaderAnomalies { string_after_nul: true, ..HeaderAnomalies::default() };
    let both = HeaderAnomalies { string_after_nul: true, ..control };
    for (text, expected) in [
        (&b"door bell"[..], HeaderAnomalies::default()),
        (b"door\nbell", control),
        (b"door\0bell", after_nul),
        (b"door\0be\nl", after_nul),
        (b"door\n\0bell", both),
    ] {
        let mut bytes = [0; 32];
        bytes[..text.len()].copy_from_slice(text);
        assert_eq!(
            FileHeader { header_string: HeaderString(bytes), ..fixed_header() }.anomalies(),
            expected,
            "{}",
            text.escape_ascii()
        );
    }
}

/// Shows: FILE-041
#[test]
fn security_credential_versions_have_names_and_stay_open() {
    let names = [(0, Some("SE 1.0")), (1, Some("SE 1.1")), (2, Some("SE 2.0")), (3, Some("SE 1.2"))];
    for (value, name) in names.into_iter().chain([(4, None), (0xff, None)]) {
        let bytes = bytes(1, 57, &[value]);
        let (header, _) = FileHeader::parse(&bytes).unwrap();
        assert_eq!(header.credential, Some(SecurityCredentialVersion(value)));
        assert_eq!(header.credential.and_then(SecurityCredentialVersion::name), name);
    }
}

/// Shows: FILE-044
#[test]
fn a_file_suits_the_hardware_in_its_range() {
    let bytes = bytes(4, 60, &[0x01, 0x01, 0x03, 0x02]);
    let (header, _) = FileHeader::parse(&bytes).unwrap();
    for (hardware, suits) in
        [(0x0100, false), (0x0101, true), (0x01ff, true), (0x0203, true), (0x0204, false)]
    {
        assert_eq!(header.suits(HardwareVersion(hardware)), suits, "{hardware:#06x}");
    }
    assert!(fixed_header().suits(HardwareVersion(0xffff)), "no range");
}

#[test]
fn an_empty_hardware_range_is_an_anomaly_and_suits_no_hardware() {
    let bytes = bytes(4, 60, &[2, 0, 1, 0]);
    let (header, _) = FileHeader::parse(&bytes).unwrap();
    assert_eq!(
        header.anomalies(),
        HeaderAnomalies { hardware_range_empty: true, ..HeaderAnomalies::default() }
    );
    assert!([0, 1, 2, 3].into_iter().all(|hardware| !header.suits(HardwareVersion(hardware))));
    let one = HardwareRange { min: RANGE.min, max: RANGE.min };
    assert_eq!(FileHeader { hardware: Some(one), ..header }.anomalies(), HeaderAnomalies::default());
}

#[test]
fn a_header_is_encoded_completely_or_not_at_all() {
    let header = FileHeader { destination: Some(DESTINATION), ..fixed_header() };
    let mut short = [0xee; 63];
    assert_eq!(header.encode(&mut short), Err(EncodeError::NoRoom { needed: 64, available: 63 }));
    assert_eq!(short, [0xee; 63]);
}

#[test]
fn a_header_without_its_extra_bytes_has_its_known_fields() {
    let header = FileHeader { extra: &[7; 20], ..fixed_header() };
    let whole = written(&header);
    let known = whole.len() - 20;
    assert_eq!(FileHeader::parse_known(&whole[..known]), Ok(FileHeader { extra: &[], ..header }));
    let error = FileHeader::parse_known(&whole[..known - 1]).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::Truncated { needed: known, present: known - 1 });
    assert!(error.is_truncated());
}

#[cfg(feature = "arbitrary")]
#[test]
fn arbitrary_headers_have_every_field() {
    let plain = FileHeader::new(ImageId::new(0x0707, 0x0707, 0x0707_0707));
    let mut input = arbitrary::Unstructured::new(&[7; 100]);
    let header: FileHeader<'_> = arbitrary::Arbitrary::arbitrary(&mut input).unwrap();
    let all = FileHeader {
        minor: 7,
        stack: StackVersion(0x0707),
        header_string: HeaderString([7; 32]),
        credential: Some(SecurityCredentialVersion(7)),
        destination: Some(Eui64(0x0707_0707_0707_0707)),
        hardware: Some(HardwareRange { min: HardwareVersion(0x0707), max: HardwareVersion(0x0707) }),
        ..plain
    };
    assert_eq!(
        FileHeader {
            extra: &[],
            total_size: plain.total_size,
            other_control: HeaderControl::EMPTY,
            ..header
        },
        all
    );
    assert_eq!((header.other_control.0, header.extra.is_empty()), (0x0700, false));
}
