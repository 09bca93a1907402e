//! TLV by itself.

use zigbee_ota::matter::tlv::{Element, Kind, Tag, TlvError, TlvErrorKind, Value, WriteError, Writer};
use zigbee_ota::{Encode, EncodeError};

/// Elements and their shortest bytes; most are examples of Matter's specification.
const PLAIN: &[(Tag, Value<'_>, &[u8])] = &[
    (Tag::Anonymous, Value::Boolean(false), &[0x08]),
    (Tag::Anonymous, Value::Boolean(true), &[0x09]),
    (Tag::Anonymous, Value::Null, &[0x14]),
    (Tag::Anonymous, Value::Signed(42), &[0x00, 0x2a]),
    (Tag::Anonymous, Value::Signed(-17), &[0x00, 0xef]),
    (Tag::Anonymous, Value::Signed(-0x80), &[0x00, 0x80]),
    (Tag::Anonymous, Value::Signed(0x80), &[0x01, 0x80, 0x00]),
    (Tag::Anonymous, Value::Signed(422), &[0x01, 0xa6, 0x01]),
    (Tag::Anonymous, Value::Signed(-0x8001), &[0x02, 0xff, 0x7f, 0xff, 0xff]),
    (Tag::Anonymous, Value::Signed(-170_000), &[0x02, 0xf0, 0x67, 0xfd, 0xff]),
    (Tag::Anonymous, Value::Signed(40_000_000_000), &[0x03, 0, 0x90, 0x2f, 0x50, 9, 0, 0, 0]),
    (Tag::Anonymous, Value::Unsigned(42), &[0x04, 0x2a]),
    (Tag::Anonymous, Value::Unsigned(0x100), &[0x05, 0x00, 0x01]),
    (Tag::Anonymous, Value::Unsigned(0x1_0000), &[0x06, 0, 0, 1, 0]),
    (Tag::Anonymous, Value::Unsigned(0x1_0000_0000), &[0x07, 0, 0, 0, 0, 1, 0, 0, 0]),
    (Tag::Anonymous, Value::Single(0x4085_cccd), &[0x0a, 0xcd, 0xcc, 0x85, 0x40]),
    (
        Tag::Anonymous,
        Value::Double(0x4031_e666_6666_6666),
        &[0x0b, 0x66, 0x66, 0x66, 0x66, 0x66, 0xe6, 0x31, 0x40],
    ),
    (Tag::Anonymous, Value::Utf8("Hello!"), b"\x0c\x06Hello!"),
    (Tag::Anonymous, Value::Utf8("Tsch\u{fc}s"), b"\x0c\x07Tsch\xc3\xbcs"),
    (Tag::Anonymous, Value::Octets(&[0, 1, 2, 3, 4]), &[0x10, 5, 0, 1, 2, 3, 4]),
    (Tag::Context(1), Value::Unsigned(42), &[0x24, 0x01, 0x2a]),
    (Tag::Common(1), Value::Unsigned(42), &[0x44, 0x01, 0x00, 0x2a]),
    (Tag::Common(100_000), Value::Unsigned(42), &[0x64, 0xa0, 0x86, 0x01, 0x00, 0x2a]),
    (Tag::Implicit(1), Value::Unsigned(42), &[0x84, 0x01, 0x00, 0x2a]),
    (Tag::Implicit(100_000), Value::Unsigned(42), &[0xa4, 0xa0, 0x86, 0x01, 0x00, 0x2a]),
    (
        Tag::Full { vendor: 0xfff1, profile: 0xdeed, tag: 1 },
        Value::Unsigned(42),
        &[0xc4, 0xf1, 0xff, 0xed, 0xde, 0x01, 0x00, 0x2a],
    ),
    (
        Tag::Full { vendor: 0xfff1, profile: 0xdeed, tag: 0xaa55_feed },
        Value::Unsigned(42),
        &[0xe4, 0xf1, 0xff, 0xed, 0xde, 0xed, 0xfe, 0x55, 0xaa, 0x2a],
    ),
];

#[test]
fn elements_are_written_in_the_fewest_bytes_and_read_back() {
    for (tag, value, bytes) in PLAIN {
        let element = Element { tag: *tag, value: *value };
        assert_eq!(element.to_vec(), *bytes, "{element:?}");
        assert_eq!(Element::parse_exact(bytes), Ok(element));
        assert_eq!(Element::parse(&[bytes, &[0xff][..]].concat()), Ok((element, &[0xff][..])));
        for cut in 0..bytes.len() {
            let error = Element::parse(&bytes[..cut]).expect_err("cut");
            assert!(matches!(error.kind, TlvErrorKind::Truncated { .. }) && error.offset <= cut, "{error}");
        }
    }
}

#[test]
fn lengths_of_every_width_are_read_and_the_shortest_written() {
    for (code, utf8) in [(0x0c, true), (0x10, false)] {
        for width in 0..4_u8 {
            let len = &2_u64.to_le_bytes()[..1 << width];
            let bytes = [&[code + width], len, b"ab"].concat();
            let read = Element::parse_exact(&bytes).unwrap();
            assert_eq!(read.value, if utf8 { Value::Utf8("ab") } else { Value::Octets(b"ab") });
            assert_eq!(read.to_vec(), [code, 2, b'a', b'b']);
        }
        for (len, head) in
            [(0xff, vec![code, 0xff]), (0x100, vec![code + 1, 0, 1]), (0x1_0000, vec![code + 2, 0, 0, 1, 0])]
        {
            let content = vec![b'x'; len];
            let text = String::from_utf8(content.clone()).unwrap();
            let value = if utf8 { Value::Utf8(&text) } else { Value::Octets(&content) };
            let bytes = Element { tag: Tag::Anonymous, value }.to_vec();
            assert_eq!(bytes, [&head[..], &content].concat());
            assert_eq!(Element::parse_exact(&bytes).unwrap().value, value);
        }
    }
}

#[test]
fn numbers_wider_than_needed_are_read() {
    for (bytes, value) in [
        (&[0x07, 5, 0, 0, 0, 0, 0, 0, 0][..], Value::Unsigned(5)),
        (&[0x06, 5, 0, 0, 0], Value::Unsigned(5)),
        (&[0x03, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Value::Signed(-1)),
        (&[0x01, 0xff, 0xff], Value::Signed(-1)),
    ] {
        assert_eq!(Element::parse_exact(bytes).map(|element| element.value), Ok(value));
    }
    // A tag may be wider than needed, too.
    let wide = Element::parse_exact(&[0x68, 1, 0, 0, 0]).unwrap();
    assert_eq!((wide.tag, wide.to_vec()), (Tag::Common(1), vec![0x48, 1, 0]));
}

#[test]
fn containers_hold_elements_in_their_order() {
    // An anonymous structure of an array of numbers, an empty list and a structure with a number of another profile.
    let bytes = [
        0x15, 0x36, 0, 0x04, 1, 0x05, 0, 2, 0x18, 0x37, 1, 0x18, 0x35, 2, 0x48, 7, 0, 0x18, 0x24, 3, 9, 0x18,
    ];
    let Value::Container(outer) = Element::parse_exact(&bytes).unwrap().value else { panic!() };
    assert_eq!((outer.kind(), outer.body()), (Kind::Structure, &bytes[1..21]));
    let members: Vec<_> = outer.elements().collect();
    let offsets: Vec<_> = members.iter().map(|member| member.offset).collect();
    assert_eq!(offsets, [1, 9, 12, 18]);
    assert_eq!(members[3].element, Element { tag: Tag::Context(3), value: Value::Unsigned(9) });
    let inside = |at: usize| match members[at].element.value {
        Value::Container(container) => container,
        other => panic!("{other:?}"),
    };
    let numbers: Vec<_> = inside(0).elements().map(|member| (member.offset, member.element.value)).collect();
    assert_eq!(numbers, [(3, Value::Unsigned(1)), (5, Value::Unsigned(512))]);
    assert_eq!((inside(1).kind(), inside(1).elements().count()), (Kind::List, 0));
    assert_eq!(inside(2).elements().next().map(|member| member.element.tag), Some(Tag::Common(7)));
    assert_eq!(Element::parse_exact(&bytes).unwrap().to_vec(), bytes);
}

#[test]
fn what_is_no_tlv_is_refused_with_its_place() {
    use TlvErrorKind::*;
    let refused: &[(&[u8], usize, TlvErrorKind)] = &[
        (&[], 0, Truncated { needed: 1, present: 0 }),
        (&[0x26, 1, 2], 2, Truncated { needed: 4, present: 1 }),
        (&[0x0c, 3, b'a'], 2, Truncated { needed: 3, present: 1 }),
        (
            &[0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            9,
            Truncated { needed: u64::MAX, present: 0 },
        ),
        (&[0x15, 0x24, 0, 1], 4, Truncated { needed: 1, present: 0 }),
        (&[0x19], 0, Control(0x19)),
        (&[0x15, 0x3f, 0, 0x18], 1, Control(0x3f)),
        // An end of container has no tag.
        (&[0x15, 0x38, 0, 0x18], 1, Control(0x38)),
        (&[0x18], 0, NothingOpen),
        (&[0x0c, 1, 0xff], 0, NotUtf8),
        (&[0x15, 0x09, 0x18], 1, Untagged),
        (&[0x16, 0x09, 0x29, 0, 0x18], 2, Tagged),
        (&[0x17, 0x15, 0x16, 0x35, 0, 0x18, 0x18, 0x18, 0x18], 2, Untagged),
        (&[0x17, 0x09, 0x29, 0, 0x18, 0x09], 5, TrailingBytes { count: 1 }),
    ];
    for (bytes, offset, kind) in refused {
        assert_eq!(
            Element::parse_exact(bytes),
            Err(TlvError { offset: *offset, kind: *kind }),
            "{bytes:02x?}"
        );
    }
    let error = Element::parse_exact(&[0x26, 1, 2]).unwrap_err();
    assert_eq!(error.to_string(), "TLV, byte 2: 4 bytes expected, 1 present");
}

#[test]
fn depth_has_a_bound() {
    let nested = |depth: usize| [vec![0x16; depth], vec![0x18; depth]].concat();
    assert!(Element::parse_exact(&nested(16)).is_ok());
    let error = Element::parse_exact(&nested(17)).unwrap_err();
    assert_eq!(error, TlvError { offset: 16, kind: TlvErrorKind::TooDeep });
    assert_eq!(Element::parse_exact(&nested(100_000)).unwrap_err(), error);
}

#[test]
fn a_writer_keeps_the_rules() {
    let mut room = [0; 64];
    let mut writer = Writer::new(&mut room);
    let rule = |kind| Err(WriteError::Rule(kind));
    assert_eq!(writer.close(), rule(TlvErrorKind::NothingOpen));
    writer.open(Tag::Anonymous, Kind::Structure).unwrap();
    assert_eq!(writer.put(Tag::Anonymous, Value::Null), rule(TlvErrorKind::Untagged));
    assert_eq!(writer.open(Tag::Anonymous, Kind::List), rule(TlvErrorKind::Untagged));
    writer.open(Tag::Context(0), Kind::Array).unwrap();
    assert_eq!(writer.put(Tag::Context(0), Value::Null), rule(TlvErrorKind::Tagged));
    writer.put(Tag::Anonymous, Value::Null).unwrap();
    for _ in 2..16 {
        writer.open(Tag::Anonymous, Kind::Array).unwrap();
    }
    assert_eq!(writer.open(Tag::Anonymous, Kind::Array), rule(TlvErrorKind::TooDeep));
    for _ in 0..16 {
        writer.close().unwrap();
    }
    let expected = [&[0x15, 0x36, 0, 0x14][..], &[0x16; 14], &[0x18; 16]].concat();
    assert_eq!(writer.finish(), Ok(&expected[..]));

    let mut small = [0; 2];
    let mut writer = Writer::new(&mut small);
    writer.open(Tag::Anonymous, Kind::List).unwrap();
    let no_room = |needed, available| Err(WriteError::Encode(EncodeError::NoRoom { needed, available }));
    assert_eq!(writer.put(Tag::Context(1), Value::Unsigned(1)), no_room(3, 1));
    writer.put(Tag::Anonymous, Value::Null).unwrap();
    assert_eq!(writer.close(), no_room(1, 0));
    assert_eq!(writer.finish(), Err(WriteError::StillOpen));
}
