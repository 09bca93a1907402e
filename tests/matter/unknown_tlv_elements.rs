//! TLV of any kind beside the fields of a command: the reader skips unknown elements, and refuses invalid ones.
//!
//! The codec is private, so each element stands as an unknown member of an ApplyUpdateResponse, or as its field.

use zigbee_ota::Encode;
use zigbee_ota::matter::{
    ApplyUpdateAction, ApplyUpdateResponse, MatterDecodeError, MatterDecodeErrorKind, QueryImageResponse,
    QueryImageStatus, UpdateToken,
};

use crate::changed;

const EXPECTED: ApplyUpdateResponse =
    ApplyUpdateResponse { action: ApplyUpdateAction::AWAIT_NEXT_ACTION, delayed_action_time: 5 };

/// Decodes an ApplyUpdateResponse that begins with other elements. They start at offset 1.
fn beside(elements: &[u8]) -> Result<ApplyUpdateResponse, MatterDecodeError> {
    ApplyUpdateResponse::decode(&[&[0x15], elements, &[0x24, 0, 1, 0x24, 1, 5, 0x18]].concat())
}

/// Values without a control octet: types and bytes, mostly examples of the specification, appendix A.
const VALUES: &[(u8, &[u8])] = &[
    (0x08, &[]),
    (0x09, &[]),
    (0x14, &[]),
    (0x00, &[0x2a]),
    (0x00, &[0xef]),
    (0x01, &[0xa6, 0x01]),
    (0x02, &[0xf0, 0x67, 0xfd, 0xff]),
    (0x03, &[0, 0x90, 0x2f, 0x50, 9, 0, 0, 0]),
    (0x04, &[0x2a]),
    (0x05, &[0x00, 0x01]),
    (0x06, &[0, 0, 1, 0]),
    (0x07, &[0, 0, 0, 0, 1, 0, 0, 0]),
    (0x0a, &[0xcd, 0xcc, 0x85, 0x40]),
    (0x0b, &[0x66, 0x66, 0x66, 0x66, 0x66, 0xe6, 0x31, 0x40]),
    (0x0c, b"\x06Hello!"),
    (0x0d, b"\x07\0Tsch\xc3\xbcs"),
    (0x0e, b"\x01\0\0\0a"),
    (0x0f, b"\x01\0\0\0\0\0\0\0a"),
    (0x10, &[5, 0, 1, 2, 3, 4]),
    (0x11, &[1, 0, 0xff]),
    (0x12, &[1, 0, 0, 0, 0xff]),
    (0x13, &[1, 0, 0, 0, 0, 0, 0, 0, 0xff]),
    (0x15, &[0x24, 0, 9, 0x18]),
    (0x16, &[0x04, 9, 0x16, 0x18, 0x18]),
    (0x17, &[0x04, 9, 0x24, 0, 9, 0x18]),
];

/// Tags of every form but the anonymous one, which the member of a structure must not have.
const TAGS: &[(u8, &[u8])] = &[
    (0x20, &[9]),
    (0x40, &[0, 0]),
    (0x60, &[0xa0, 0x86, 0x01, 0x00]),
    (0x80, &[1, 0]),
    (0xa0, &[0xa0, 0x86, 0x01, 0x00]),
    (0xc0, &[0xf1, 0xff, 0xed, 0xde, 0x01, 0x00]),
    (0xe0, &[0xf1, 0xff, 0xed, 0xde, 0xed, 0xfe, 0x55, 0xaa]),
];

/// Shows: MAT-032
#[test]
fn elements_of_every_tag_and_type_are_skipped() {
    for (form, tag) in TAGS {
        for (code, value) in VALUES {
            let element = [&[form | code], *tag, value].concat();
            assert_eq!(beside(&element), Ok(EXPECTED), "{element:02x?}");
            for cut in 0..element.len() {
                let error = ApplyUpdateResponse::decode(&[&[0x15], &element[..cut]].concat()).unwrap_err();
                assert!(matches!(error.kind, MatterDecodeErrorKind::Truncated { .. }), "{error}");
                assert!(error.offset <= cut + 1, "{cut}: {error}");
            }
        }
    }
}

#[test]
fn strings_with_lengths_of_every_width_are_read_and_the_shortest_width_is_written() {
    for width in 0..4_u8 {
        let len = &8_u64.to_le_bytes()[..1 << width];
        let uri = [&[0x2c + width, 2], len, b"a:bcdefg"].concat();
        let token = [&[0x30 + width, 5], len, b"12345678"].concat();
        let bytes = [&[0x15, 0x24, 0, 2][..], &uri, &token, &[0x18]].concat();
        let read = QueryImageResponse::decode(&bytes).unwrap();
        assert_eq!((read.image_uri, read.update_token), (Some("a:bcdefg"), UpdateToken::new(b"12345678")));
        let shortest = b"\x15\x24\x00\x02\x2c\x02\x08a:bcdefg\x30\x05\x0812345678\x18";
        assert_eq!(read.to_vec(), shortest);
    }
    let long = format!("a:{}", "x".repeat(254));
    for (len, head) in [(0xff, &[0x2c, 2, 0xff][..]), (0x100, &[0x2d, 2, 0, 1])] {
        let response = changed(QueryImageResponse::new(QueryImageStatus::BUSY), |response| {
            response.image_uri = Some(&long[..len]);
        });
        let bytes = [&[0x15, 0x24, 0, 1], head, &long.as_bytes()[..len], &[0x18]].concat();
        assert_eq!(response.to_vec(), bytes);
        assert_eq!(QueryImageResponse::decode(&bytes), Ok(response));
    }
}

#[test]
fn numbers_of_every_width_are_read_and_the_shortest_width_is_written() {
    for bytes in [
        &[0x15, 0x24, 0, 1, 0x24, 1, 5, 0x18][..],
        &[0x15, 0x25, 0, 1, 0, 0x25, 1, 5, 0, 0x18],
        &[0x15, 0x26, 0, 1, 0, 0, 0, 0x26, 1, 5, 0, 0, 0, 0x18],
        &[0x15, 0x27, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x27, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0x18],
    ] {
        assert_eq!(ApplyUpdateResponse::decode(bytes), Ok(EXPECTED));
    }
    for (number, field) in [
        (0xff, &[0x24, 1, 0xff][..]),
        (0x100, &[0x25, 1, 0, 1]),
        (0xffff, &[0x25, 1, 0xff, 0xff]),
        (0x1_0000, &[0x26, 1, 0, 0, 1, 0]),
    ] {
        let response = ApplyUpdateResponse { delayed_action_time: number, ..EXPECTED };
        assert_eq!(response.to_vec(), [&[0x15, 0x24, 0, 1], field, &[0x18]].concat());
    }
}

#[test]
fn a_command_is_read_under_any_tag() {
    let fields = [0x24, 0, 1, 0x24, 1, 5, 0x18];
    for (form, tag) in TAGS {
        let bytes = [&[form | 0x15], *tag, &fields].concat();
        assert_eq!(ApplyUpdateResponse::decode(&bytes), Ok(EXPECTED));
    }
}

#[test]
fn invalid_tlv_is_refused_with_its_offset() {
    use MatterDecodeErrorKind::{InvalidTlv, TrailingBytes, Truncated};
    const CONTROL: MatterDecodeErrorKind = InvalidTlv("a control octet without a meaning");
    const UNTAGGED: MatterDecodeErrorKind = InvalidTlv("a member of a structure without a tag");
    let refused: &[(&[u8], usize, MatterDecodeErrorKind)] = &[
        (&[], 0, Truncated { needed: 1, present: 0 }),
        (&[0x26, 1, 2], 2, Truncated { needed: 4, present: 1 }),
        (&[0x0c, 3, b'a'], 2, Truncated { needed: 3, present: 1 }),
        (
            &[0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            9,
            Truncated { needed: u64::MAX, present: 0 },
        ),
        (&[0x15, 0x24, 0, 1], 4, Truncated { needed: 1, present: 0 }),
        (&[0x19], 0, CONTROL),
        (&[0x15, 0x3f, 0, 0x18], 1, CONTROL),
        // An end of container has no tag.
        (&[0x15, 0x38, 0, 0x18], 1, CONTROL),
        (&[0x18], 0, InvalidTlv("an end of container where none is open")),
        (&[0x0c, 1, 0xff], 0, InvalidTlv("text that is not UTF-8")),
        (&[0x15, 0x09, 0x18], 1, UNTAGGED),
        (&[0x16, 0x09, 0x29, 0, 0x18], 2, InvalidTlv("a member of an array with a tag")),
        (&[0x17, 0x15, 0x16, 0x35, 0, 0x18, 0x18, 0x18, 0x18], 2, UNTAGGED),
        (&[0x17, 0x09, 0x29, 0, 0x18, 0x09], 5, TrailingBytes { count: 1 }),
    ];
    for (bytes, offset, kind) in refused {
        let error = ApplyUpdateResponse::decode(bytes).unwrap_err();
        assert_eq!((error.field, error.offset, error.kind), (None, *offset, *kind), "{bytes:02x?}");
    }
    let error = ApplyUpdateResponse::decode(&[0x26, 1, 2]).unwrap_err();
    assert_eq!(error.to_string(), "ApplyUpdateResponse, byte 2: 4 bytes expected, 1 present");
}

#[test]
fn the_depth_of_containers_is_bounded() {
    // With the structure of the command there are `depth` containers.
    let nested = |depth: usize| [vec![0x36, 9], vec![0x16; depth - 2], vec![0x18; depth - 1]].concat();
    assert_eq!(beside(&nested(16)), Ok(EXPECTED));
    let error = beside(&nested(17)).unwrap_err();
    assert_eq!(
        (error.offset, error.kind),
        (17, MatterDecodeErrorKind::InvalidTlv("containers nested more than 16 deep"))
    );
    assert_eq!(beside(&nested(100_000)).unwrap_err(), error);
}
