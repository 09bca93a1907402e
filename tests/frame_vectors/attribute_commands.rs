//! Vectors of the global commands that read, write and discover attributes, and the table of attributes.

use zigbee_ota::zcl::{
    ATTRIBUTES, AttributeCommand, AttributeId, AttributeRecord, AttributeValue, DataType, Direction,
    DiscoverAttributes, DiscoverAttributesResponse, Frame, ImageUpgradeStatus, Message, Quirks,
    ReadAttributes, ReadAttributesResponse, Refusal, Revision, Violation, WriteAttributes,
    WriteAttributesResponse,
};
use zigbee_ota::{DecodeError, DecodeErrorKind, Eui64};

use crate::hex;
use crate::properties::encode_contract::bytes_of;
use AttributeCommand::{Discover, DiscoverResponse, Read, ReadResponse, Write, WriteResponse};
use AttributeValue::{Enum8, U8, U16, U32};
use Direction::{ToClient, ToServer};

const SERVER_ID: &str = "10b901 000000f004030201004b1200";
const DOWNLOADING: &str =
    "10c701 0100002340e2010004000023ffffffff05000021ffff0600003001070000215f1108000021010109000021fa00";
const LATER: &str = "10d501 0a000023d4c3b2a10b000030010c00003000";

/// Frames in hexadecimal, each with the value that it decodes to.
fn vectors() -> Vec<(&'static str, Frame<'static>)> {
    let payload = |text| &*hex(text).split_off(3).leak();
    let read_response = |text| ReadResponse(ReadAttributesResponse::new(payload(text)));
    let write = "08bb02 060030000700215f11";
    let discovered = DiscoverAttributesResponse::new(false, &[[6, 0, 0x30], [7, 0, 0x21]]);
    [
        ("08ab00 0600", ToClient, Read(ReadAttributes::new(&[[6, 0]]))),
        ("00ab00 0600fdff", ToServer, Read(ReadAttributes::new(&[[6, 0], [0xfd, 0xff]]))),
        ("08ab00", ToClient, Read(ReadAttributes::new(&[]))),
        (SERVER_ID, ToServer, read_response(SERVER_ID)),
        (DOWNLOADING, ToServer, read_response(DOWNLOADING)),
        (LATER, ToServer, read_response(LATER)),
        ("18ba01 060086", ToClient, read_response("18ba01 060086")),
        (write, ToClient, Write(WriteAttributes::new(payload(write)))),
        ("10bb04 00", ToServer, WriteResponse(WriteAttributesResponse::new(&[]))),
        ("10bb04 880600", ToServer, WriteResponse(WriteAttributesResponse::new(&[[0x88, 6, 0]]))),
        ("08bc0c 06000a", ToClient, Discover(DiscoverAttributes { first: AttributeId(6), max_count: 10 })),
        ("10bc0d 00060030070021", ToServer, DiscoverResponse(discovered)),
        ("18bc0d 01", ToClient, DiscoverResponse(DiscoverAttributesResponse::new(true, &[]))),
    ]
    .map(|(text, direction, command)| (text, Frame::attributes(hex(text)[1], direction, command)))
    .into()
}

#[test]
fn commands_about_attributes_are_read_and_written() {
    for (text, frame) in vectors() {
        let bytes = hex(text);
        assert_eq!(Frame::decode(&bytes, Quirks::empty()), Ok(frame), "{text}");
        assert_eq!(bytes_of(&frame), bytes, "{text}");
        assert_eq!((frame.command(), frame.message.check()), (None, Ok(())), "{text}");
    }
}

/// A cut list may be a valid shorter list, but never equals the whole one.
#[test]
fn a_truncated_or_changed_frame_never_equals_its_vector() {
    for (text, frame) in vectors() {
        let bytes = hex(text);
        for len in 0..bytes.len() {
            match Frame::decode(&bytes[..len], Quirks::all()) {
                Ok(read) => assert_ne!(read, frame, "{text}, {len}"),
                Err(error) => assert!(error.is_truncated() && error.offset <= len, "{text}: {error}"),
            }
        }
        for (place, flip) in (0..bytes.len()).flat_map(|place| (1..=u8::MAX).map(move |flip| (place, flip))) {
            let mut changed = bytes.clone();
            changed[place] ^= flip;
            assert_ne!(Frame::decode(&changed, Quirks::all()), Ok(frame), "{text}, byte {place}");
        }
    }
}

#[test]
fn a_partial_record_in_a_list_is_an_error() {
    let error = |item, offset, kind| Err(DecodeError { item, offset, kind });
    let cut = |needed, present| DecodeErrorKind::Truncated { needed, present };
    for (text, expected) in [
        ("08ab00 060007", error("Read Attributes", 5, cut(2, 1))),
        ("10bb04", error("Write Attributes Response", 3, cut(1, 0))),
        ("10bb04 88", error("Write Attributes Response", 3, cut(3, 1))),
        ("10bb04 8806008807", error("Write Attributes Response", 6, cut(3, 2))),
        ("08bc0c 0600", error("Discover Attributes", 5, cut(1, 0))),
        ("08bc0c 06000aee", error("Discover Attributes", 6, DecodeErrorKind::TrailingBytes { count: 1 })),
        ("10bc0d", error("Discover Attributes Response", 3, cut(1, 0))),
        ("10bc0d 02", error("Discover Attributes Response", 3, DecodeErrorKind::NotABoolean(2))),
        ("10bc0d 010600300700", error("Discover Attributes Response", 7, cut(3, 2))),
    ] {
        assert_eq!(Frame::decode(&hex(text), Quirks::empty()), expected, "{text}");
    }
}

pub fn command<'a>(bytes: &'a [u8]) -> AttributeCommand<'a> {
    match Frame::decode(bytes, Quirks::empty()).expect("a frame").message {
        Message::Attributes(_, command) => command,
        other => panic!("{other:?}"),
    }
}

pub fn records(bytes: &[u8]) -> Vec<Result<AttributeRecord, DecodeError>> {
    match command(bytes) {
        ReadResponse(response) => response.records().collect(),
        other => panic!("{other:?}"),
    }
}

fn values(text: &str) -> Vec<(u16, AttributeValue)> {
    let record = |record: Result<AttributeRecord, _>| {
        let AttributeRecord { id, value } = record.expect("a record");
        (id.0, value.expect("a value"))
    };
    records(&hex(text)).into_iter().map(record).collect()
}

/// Shows: ATTR-014
#[test]
fn values_have_the_types_of_the_cluster() {
    assert_eq!(values(SERVER_ID), [(0, AttributeValue::Eui64(Eui64(0x0012_4b00_0102_0304)))]);
    let downloading = [
        (1, U32(123_456)),
        (4, U32(u32::MAX)),
        (5, U16(u16::MAX)),
        (6, Enum8(1)),
        (7, U16(0x115f)),
        (8, U16(0x0101)),
        (9, U16(250)),
    ];
    assert_eq!(values(DOWNLOADING), downloading);
    assert_eq!(values(LATER), [(10, U32(0xa1b2_c3d4)), (11, Enum8(1)), (12, Enum8(0))]);
    for (value, bytes) in [
        (AttributeValue::Eui64(Eui64(0x0123_4567_89ab_cdef)), "f0 efcdab8967452301"),
        (U32(0x0123_4567), "23 67452301"),
        (U16(0x0123), "21 2301"),
        (Enum8(6), "30 06"),
        (U8(7), "20 07"),
    ] {
        assert_eq!(bytes_of(&value), hex(bytes));
        assert_eq!(value.data_type().0, hex(bytes)[0]);
    }
}

/// An iteration ends at the first malformed record with its offset; the records before it are decoded.
#[test]
fn iteration_ends_at_the_first_malformed_record() {
    let good = Ok(AttributeRecord { id: AttributeId(6), value: Ok(Enum8(1)) });
    let refused = Ok(AttributeRecord { id: AttributeId(9), value: Err(Refusal::UNSUPPORTED_ATTRIBUTE) });
    let error = |offset, kind| Err(DecodeError { item: "Read Attributes Response", offset, kind });
    let cut = |needed, present| DecodeErrorKind::Truncated { needed, present };
    let at_the_end = [
        ("", vec![]),
        // A character string, and an unassigned data type.
        ("020000 42 0161 0600003001", vec![error(14, DecodeErrorKind::UnknownDataType(0x42))]),
        ("020000 ff", vec![error(14, DecodeErrorKind::UnknownDataType(0xff))]),
        ("02", vec![error(11, cut(2, 1))]),
        ("0200", vec![error(13, cut(1, 0))]),
        ("020000", vec![error(14, cut(1, 0))]),
        ("020000 23 010203", vec![error(15, cut(4, 3))]),
        ("000000 f0 01020304050607", vec![error(15, cut(8, 7))]),
        ("000000 30", vec![error(15, cut(1, 0))]),
    ];
    for (end, last) in at_the_end {
        let bytes = hex(&format!("10c701 0600003001 090086 {end}"));
        assert_eq!(records(&bytes), [vec![good, refused], last].concat(), "{end}");
    }
    let text = records(&hex("10c701 020000420161"))[0].unwrap_err().to_string();
    let expected = "Read Attributes Response, byte 6: data type 0x42 belongs to no attribute of this cluster";
    assert_eq!(text, expected);

    let Write(write) = command(b"\x08\x07\x02\x06\0\x30\x01\x07\0\x42\x01a") else { panic!() };
    let unknown = DecodeErrorKind::UnknownDataType(0x42);
    let error = DecodeError { item: "Write Attributes", offset: 9, kind: unknown };
    assert!(write.records().eq([Ok((AttributeId(6), Enum8(1))), Err(error)]));
}

/// Shows: ATTR-004, ATTR-005, ATTR-006, ATTR-007, ATTR-008, ATTR-009, ATTR-010, ATTR-011, ATTR-012, ATTR-013
#[test]
fn the_table_is_that_of_the_specification() {
    let all_u32 = (0x23, 0xffff_ffff, Some(U32(0xffff_ffff)), false);
    let all_u16 = (0x21, 0xffff, Some(U16(0xffff)), false);
    let unset = AttributeValue::Eui64(Eui64(0xffff_ffff_ffff_ffff));
    let expected = [
        (0x0000, "UpgradeServerID", (0xf0, u64::MAX, Some(unset), true), "6.7.1"),
        (0x0001, "FileOffset", all_u32, "6.7.2"),
        (0x0002, "CurrentFileVersion", all_u32, "6.7.3"),
        (0x0003, "CurrentZigBeeStackVersion", all_u16, "6.7.4"),
        (0x0004, "DownloadedFileVersion", all_u32, "6.7.5"),
        (0x0005, "DownloadedZigBeeStackVersion", all_u16, "6.7.6"),
        (0x0006, "ImageUpgradeStatus", (0x30, 0xff, Some(Enum8(0)), true), "6.7.7"),
        (0x0007, "Manufacturer ID", (0x21, 0xffff, None, false), "6.7.8"),
        (0x0008, "Image Type ID", (0x21, 0xffff, None, false), "6.7.9"),
    ];
    let original: Vec<_> = ATTRIBUTES
        .iter()
        .filter(|info| info.revision == Revision::Original)
        .map(|info| {
            let name = info.id.name().expect("a name");
            (info.id.0, name, (info.data_type.0, info.max, info.default, info.mandatory), info.section)
        })
        .collect();
    assert_eq!(original, expected);
    assert!(ATTRIBUTES.is_sorted_by_key(|info| info.id), "discovery tells them in order");
}

/// Shows: ATTR-016
#[test]
fn statuses_of_an_upgrade_have_their_numbers_and_stay_open() {
    let named = [
        ImageUpgradeStatus::NORMAL,
        ImageUpgradeStatus::DOWNLOAD_IN_PROGRESS,
        ImageUpgradeStatus::DOWNLOAD_COMPLETE,
        ImageUpgradeStatus::WAITING_TO_UPGRADE,
        ImageUpgradeStatus::COUNT_DOWN,
        ImageUpgradeStatus::WAIT_FOR_MORE,
        ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT,
    ];
    assert!((0..=6).map(ImageUpgradeStatus).eq(named));
    for reserved in 7..=0xff {
        assert_eq!((ImageUpgradeStatus(reserved).name(), ImageUpgradeStatus(reserved).0), (None, reserved));
    }
}

#[test]
fn values_are_checked_against_the_table() {
    let check = |id, value| AttributeRecord { id: AttributeId(id), value }.check();
    assert_eq!(check(1, Ok(U16(5))), Err(Violation::AttributeType(AttributeId(1), DataType::UINT16)));
    assert_eq!(check(6, Ok(U8(1))), Err(Violation::AttributeType(AttributeId(6), DataType::UINT8)));
    assert_eq!(check(9, Ok(U16(0xffff))), Err(Violation::AttributeRange(AttributeId(9), 0xffff)));
    assert_eq!(check(11, Ok(Enum8(2))), Err(Violation::AttributeRange(AttributeId(11), 2)));
    assert_eq!(check(12, Ok(Enum8(2))), Err(Violation::AttributeRange(AttributeId(12), 2)));
    for good in [(9, Ok(U16(0xfffe))), (6, Ok(Enum8(0xff))), (6, Err(Refusal::READ_ONLY)), (0x55, Ok(U8(0)))]
    {
        assert_eq!(check(good.0, good.1), Ok(()));
    }
    let bytes = hex("100701 0b00003002");
    let frame = Frame::decode(&bytes, Quirks::empty()).expect("the codec is total");
    assert_eq!(frame.message.check(), Err(Violation::AttributeRange(AttributeId(11), 2)));
}
