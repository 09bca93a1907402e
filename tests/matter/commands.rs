//! The five commands as bytes.

use zigbee_ota::Encode;
use zigbee_ota::matter::tlv::{Element, Tag, TlvErrorKind, Value};
use zigbee_ota::matter::{
    Action, ApplyUpdateRequest, ApplyUpdateResponse, DownloadProtocol, Field, Item, Malformed, MalformedKind,
    Metadata, NotifyUpdateApplied, Protocols, QueryImage, QueryImageResponse, Status, UpdateToken,
};

const TOKEN: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

pub fn token() -> UpdateToken {
    UpdateToken::new(&TOKEN).expect("8 bytes")
}

const URI: &str = "bdx://00112233AABBCCDD/0";

/// A query with every field.
const QUERY: &[u8] = &[
    0x15, // structure
    0x25, 0, 0xf1, 0xff, // VendorID 0xFFF1
    0x25, 1, 0x01, 0x80, // ProductID 0x8001
    0x24, 2, 10, // SoftwareVersion 10
    0x36, 3, 0x04, 0, 0x04, 2, 0x18, // ProtocolsSupported BDXSynchronous, HTTPS
    0x24, 4, 3, // HardwareVersion 3
    0x2c, 5, 2, b'N', b'O', // Location
    0x29, 6, // RequestorCanConsent true
    0x30, 7, 2, 0x17, 0x18, // MetadataForProvider: an empty list
    0x18,
];

fn query() -> QueryImage<'static> {
    QueryImage {
        vendor: 0xfff1,
        product: 0x8001,
        software_version: 10,
        protocols: Protocols::new(&[DownloadProtocol::BDX_SYNCHRONOUS, DownloadProtocol::HTTPS]).unwrap(),
        hardware_version: Some(3),
        location: Some("NO"),
        can_consent: Some(true),
        metadata: Some(Metadata(&[0x17, 0x18])),
    }
}

/// An answer with every field, that Busy and UpdateAvailable never have together.
fn response_bytes() -> Vec<u8> {
    [
        &[0x15, 0x24, 0, 0, 0x25, 1, 0x2c, 0x01][..], // Status UpdateAvailable, DelayedActionTime 300
        &[0x2c, 2, 24],
        URI.as_bytes(),
        &[0x26, 3, 0x78, 0x56, 0x34, 0x12], // SoftwareVersion 0x12345678
        &[0x2c, 4, 3, b'1', b'.', b'0'],
        &[0x30, 5, 8],
        &TOKEN,
        &[0x28, 6],                      // UserConsentNeeded false
        &[0x30, 7, 2, 0x17, 0x18, 0x18], // MetadataForRequestor
    ]
    .concat()
}

fn response() -> QueryImageResponse<'static> {
    QueryImageResponse {
        delayed_action_time: Some(300),
        user_consent_needed: Some(false),
        metadata: Some(Metadata(&[0x17, 0x18])),
        ..QueryImageResponse::available(URI, 0x1234_5678, "1.0", token())
    }
}

/// Shows: MAT-032
#[test]
fn queries_are_written_and_read() {
    assert_eq!(query().to_vec(), QUERY);
    assert_eq!(QueryImage::decode(QUERY), Ok(query()));
    let least = QueryImage {
        protocols: Protocols::NONE,
        hardware_version: None,
        location: None,
        can_consent: None,
        metadata: None,
        ..query()
    };
    let bytes = [&QUERY[..12], &[0x36, 3, 0x18, 0x18]].concat();
    assert_eq!(least.to_vec(), bytes);
    assert_eq!(QueryImage::decode(&bytes), Ok(least));
    assert_eq!(
        format!("{:?}", query().protocols),
        "[DownloadProtocol(0x0 BDXSynchronous), DownloadProtocol(0x2 HTTPS)]"
    );
    assert!(query().protocols.contains(DownloadProtocol::HTTPS));
    assert!(!query().protocols.contains(DownloadProtocol::BDX_ASYNCHRONOUS));
}

/// Shows: MAT-001, MAT-032
#[test]
fn only_the_status_of_an_answer_is_always_there() {
    assert_eq!(response().to_vec(), response_bytes());
    assert_eq!(QueryImageResponse::decode(&response_bytes()), Ok(response()));

    let alone = [0x15, 0x24, 0, 2, 0x18];
    let nothing = QueryImageResponse::new(Status::NOT_AVAILABLE);
    assert_eq!(QueryImageResponse::decode(&alone), Ok(nothing));
    assert_eq!(nothing.to_vec(), alone);
    let QueryImageResponse {
        status: _,
        delayed_action_time: None,
        image_uri: None,
        software_version: None,
        software_version_string: None,
        update_token: None,
        user_consent_needed: None,
        metadata: None,
    } = nothing
    else {
        panic!("{nothing:?}")
    };

    let kind = MalformedKind::Missing;
    let missing = Malformed { item: Item::QueryImageResponse, field: Some(Field::Status), offset: 1, kind };
    assert_eq!(QueryImageResponse::decode(&[0x15, 0x18]), Err(missing));
    assert_eq!(missing.to_string(), "QueryImageResponse, Status, byte 1: missing");
}

/// Shows: MAT-002
#[test]
fn a_status_without_a_name_is_kept() {
    for (number, name) in [
        (0, Some("UpdateAvailable")),
        (1, Some("Busy")),
        (2, Some("NotAvailable")),
        (3, Some("DownloadProtocolNotSupported")),
        (4, None),
        (0xff, None),
    ] {
        let bytes = [0x15, 0x24, 0, number, 0x18];
        let response = QueryImageResponse::decode(&bytes).unwrap();
        assert_eq!((response.status, response.status.name()), (Status(number), name));
        assert_eq!(response.to_vec(), bytes);
    }
}

/// Shows: MAT-032
#[test]
fn the_further_commands_are_written_and_read() {
    let token_bytes = [&[0x15, 0x30, 0, 8][..], &TOKEN].concat();
    let bytes = [&token_bytes[..], &[0x24, 1, 7, 0x18]].concat();
    let request = ApplyUpdateRequest { token: token(), new_version: 7 };
    assert_eq!(request.to_vec(), bytes);
    assert_eq!(ApplyUpdateRequest::decode(&bytes), Ok(request));
    let applied = NotifyUpdateApplied { token: token(), software_version: 7 };
    assert_eq!(applied.to_vec(), bytes);
    assert_eq!(NotifyUpdateApplied::decode(&bytes), Ok(applied));
    for (action, number) in
        [(Action::PROCEED, 0), (Action::AWAIT_NEXT_ACTION, 1), (Action::DISCONTINUE, 2), (Action(9), 9)]
    {
        let response = ApplyUpdateResponse { action, delayed_action_time: 70_000 };
        let bytes = [0x15, 0x24, 0, number, 0x26, 1, 0x70, 0x11, 0x01, 0x00, 0x18];
        assert_eq!(response.to_vec(), bytes);
        assert_eq!(ApplyUpdateResponse::decode(&bytes), Ok(response));
    }
}

/// Shows: MAT-032
#[test]
fn unknown_fields_are_passed_over() {
    let unknown: &[&[u8]] = &[
        &[0x24, 9, 1],                                            // a later field
        &[0x29, 200],                                             // another
        &[0x4c, 1, 0, 2, b'h', b'i'],                             // of the common profile
        &[0xca, 0xf1, 0xff, 1, 0, 2, 0, 0, 0, 0x80, 0x3f],        // a maker's floating point number
        &[0x2b, 10, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f],                // a wide one
        &[0x35, 11, 0x36, 0, 0x15, 0x24, 0, 9, 0x18, 0x18, 0x18], // what looks like a status, deep inside
    ];
    for unknown in unknown {
        let first = [&[0x15][..], unknown, &response_bytes()[1..]].concat();
        assert_eq!(QueryImageResponse::decode(&first), Ok(response()), "{unknown:02x?}");
        let last = [&QUERY[..QUERY.len() - 1], unknown, &[0x18]].concat();
        assert_eq!(QueryImage::decode(&last), Ok(query()), "{unknown:02x?}");
    }
}

/// Shows: MAT-032
#[test]
fn fields_may_come_in_any_order_but_once() {
    let swapped = [0x15, 0x24, 1, 5, 0x24, 0, 1, 0x18];
    let expected = ApplyUpdateResponse { action: Action::AWAIT_NEXT_ACTION, delayed_action_time: 5 };
    assert_eq!(ApplyUpdateResponse::decode(&swapped), Ok(expected));
    let twice = [0x15, 0x24, 0, 1, 0x24, 1, 5, 0x24, 0, 1, 0x18];
    let error = ApplyUpdateResponse::decode(&twice).unwrap_err();
    assert_eq!(error.to_string(), "ApplyUpdateResponse, Action, byte 7: there for the second time");
}

/// The bytes of an answer with one more field.
fn with_field(field: &[u8]) -> Vec<u8> {
    [&[0x15, 0x24, 0, 1][..], field, &[0x18]].concat()
}

fn wrong_type(field: &[u8]) -> String {
    QueryImageResponse::decode(&with_field(field)).expect_err("of another type").to_string()
}

/// Shows: MAT-032
#[test]
fn wrong_types_are_refused_with_field_and_place() {
    assert_eq!(
        wrong_type(&[0x2c, 1, 1, b'9']),
        "QueryImageResponse, DelayedActionTime, byte 4: expected unsigned number, found UTF-8 string"
    );
    // A number with a sign is another type, whatever its value.
    assert_eq!(
        wrong_type(&[0x20, 3, 5]),
        "QueryImageResponse, SoftwareVersion, byte 4: expected unsigned number, found signed number"
    );
    assert_eq!(
        wrong_type(&[0x30, 2, 1, b'a']),
        "QueryImageResponse, ImageURI, byte 4: expected UTF-8 string, found octet string"
    );
    assert_eq!(
        wrong_type(&[0x34, 5]),
        "QueryImageResponse, UpdateToken, byte 4: expected octet string, found null"
    );
    assert_eq!(
        wrong_type(&[0x24, 6, 1]),
        "QueryImageResponse, UserConsentNeeded, byte 4: expected boolean, found unsigned number"
    );
    assert_eq!(
        wrong_type(&[0x37, 7, 0x18]),
        "QueryImageResponse, MetadataForRequestor, byte 4: expected octet string, found list"
    );
    for (bytes, found) in [(&[0x16, 0x18][..], "array"), (&[0x14], "null")] {
        let error = QueryImageResponse::decode(bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("QueryImageResponse, byte 0: expected structure, found {found}")
        );
    }
    let protocols = |list: &[u8]| {
        let bytes = [&QUERY[..12], list, &[0x18]].concat();
        QueryImage::decode(&bytes).expect_err("no protocols").to_string()
    };
    assert_eq!(
        protocols(&[0x37, 3, 0x18]),
        "QueryImage, ProtocolsSupported, byte 12: expected array, found list"
    );
    assert_eq!(
        protocols(&[0x36, 3, 0x04, 0, 0x09, 0x18]),
        "QueryImage, ProtocolsSupported, byte 16: expected unsigned number, found boolean"
    );
    assert_eq!(
        protocols(&[0x36, 3, 0x05, 0, 1, 0x18]),
        "QueryImage, ProtocolsSupported, byte 14: 256, expected at most 255"
    );
}

/// Shows: MAT-032
#[test]
fn bounds_are_kept_on_the_way_in() {
    let decode = |field: &[u8]| QueryImageResponse::decode(&with_field(field)).map(drop);
    let text =
        |tag: u8, len: usize| [&[0x2d, tag, len as u8, (len >> 8) as u8], &vec![b'a'; len][..]].concat();
    let octets =
        |tag: u8, len: usize| [&[0x31, tag, len as u8, (len >> 8) as u8], &vec![0; len][..]].concat();
    for (field, fits, too_much) in [
        (Field::ImageUri, vec![text(2, 0), text(2, 256)], vec![text(2, 257)]),
        (Field::SoftwareVersionString, vec![text(4, 1), text(4, 64)], vec![text(4, 0), text(4, 65)]),
        (
            Field::UpdateToken,
            vec![octets(5, 8), octets(5, 32)],
            vec![octets(5, 0), octets(5, 7), octets(5, 33)],
        ),
        (Field::MetadataForRequestor, vec![octets(7, 0), octets(7, 512)], vec![octets(7, 513)]),
        (
            Field::SoftwareVersion,
            vec![vec![0x27, 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
            vec![vec![0x27, 3, 0, 0, 0, 0, 1, 0, 0, 0]],
        ),
    ] {
        for bytes in fits {
            assert_eq!(decode(&bytes), Ok(()), "{field}");
        }
        for bytes in too_much {
            let error = decode(&bytes).unwrap_err();
            assert_eq!((error.field, error.offset), (Some(field), 4), "{error}");
            let bound = matches!(error.kind, MalformedKind::Length { .. } | MalformedKind::OutOfRange { .. });
            assert!(bound, "{error}");
        }
    }
    let error = decode(&octets(5, 33)).unwrap_err();
    assert_eq!(error.to_string(), "QueryImageResponse, UpdateToken, byte 4: length 33, expected 8 to 32");

    let query = |start: usize, field: &[u8], after: usize| {
        QueryImage::decode(&[&QUERY[..start], field, &QUERY[after..]].concat())
            .map(drop)
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        query(1, &[0x26, 0, 0, 0, 1, 0], 5),
        Err("QueryImage, VendorID, byte 1: 65536, expected at most 65535".into())
    );
    for location in [&b"\x2c\x05\x01N"[..], b"\x2c\x05\x03NOR"] {
        let len = location.len() - 3;
        let expected = format!("QueryImage, Location, byte 22: length {len}, expected 2 to 2");
        assert_eq!(query(22, location, 27), Err(expected));
    }
    let protocols = |count: usize| [&[0x36, 3][..], &[0x04, 3].repeat(count), &[0x18]].concat();
    assert!(query(12, &protocols(8), 19).is_ok());
    let expected = "QueryImage, ProtocolsSupported, byte 12: length 9, expected 0 to 8";
    assert_eq!(query(12, &protocols(9), 19), Err(expected.into()));
    assert_eq!(Protocols::new(&[DownloadProtocol::HTTPS; 9]), None);
    assert_eq!([7, 33].map(|len| UpdateToken::new(&vec![0; len])), [None; 2]);
}

#[test]
fn what_is_cut_is_refused() {
    for cut in 0..QUERY.len() {
        let error = QueryImage::decode(&QUERY[..cut]).expect_err("cut");
        let truncated = matches!(error.kind, MalformedKind::Tlv(TlvErrorKind::Truncated { .. }));
        assert!(truncated && error.offset <= cut, "{cut}: {error}");
    }
    let more = [QUERY, &[0][..]].concat();
    let error = QueryImage::decode(&more).unwrap_err();
    assert_eq!(error.to_string(), format!("QueryImage, byte {}: 1 bytes after the element", QUERY.len()));
}

/// A structure with another value, or none, for the member of this number.
fn edited(bytes: &[u8], number: u8, value: Option<Value<'_>>) -> Vec<u8> {
    let Value::Container(structure) = Element::parse_exact(bytes).expect("a structure").value else {
        panic!("no structure");
    };
    let tag = Tag::Context(number);
    let members = structure.elements().map(|at| match value {
        _ if at.element.tag != tag => at.element.to_vec(),
        Some(value) => Element { tag, value }.to_vec(),
        None => Vec::new(),
    });
    [vec![0x15], members.flatten().collect(), vec![0x18]].concat()
}

/// Takes each field away in turn, then makes it null: the fault is told by the field's name.
pub fn each_field_counts(
    bytes: &[u8],
    fields: &[(Field, bool)],
    decode: impl Fn(&[u8]) -> Result<(), Malformed>,
) {
    assert_eq!(decode(&edited(bytes, 0xff, None)), Ok(()));
    for (number, (field, required)) in (0..).zip(fields) {
        let without = edited(bytes, number, None);
        match decode(&without) {
            Ok(()) => assert!(!required, "{field}"),
            Err(Malformed { field: at, kind, .. }) => {
                assert_eq!((at, kind, *required), (Some(*field), MalformedKind::Missing, true));
            }
        }
        let Err(Malformed { field: at, kind, .. }) = decode(&edited(bytes, number, Some(Value::Null))) else {
            panic!("{field} may be null");
        };
        assert_eq!(at, Some(*field));
        assert!(matches!(kind, MalformedKind::WrongType { found: "null", .. }), "{field}: {kind}");
    }
}

#[test]
fn a_field_that_is_missing_or_of_another_type_is_told_by_its_name() {
    use Field::{
        DelayedActionTime, HardwareVersion, ImageUri, Location, MetadataForProvider, MetadataForRequestor,
        NewVersion, ProductId, ProtocolsSupported, RequestorCanConsent, SoftwareVersion,
        SoftwareVersionString, UserConsentNeeded, VendorId,
    };

    let query = [
        (VendorId, true),
        (ProductId, true),
        (SoftwareVersion, true),
        (ProtocolsSupported, true),
        (HardwareVersion, false),
        (Location, false),
        (RequestorCanConsent, false),
        (MetadataForProvider, false),
    ];
    each_field_counts(QUERY, &query, |bytes| QueryImage::decode(bytes).map(drop));
    let answer = [
        (Field::Status, true),
        (DelayedActionTime, false),
        (ImageUri, false),
        (SoftwareVersion, false),
        (SoftwareVersionString, false),
        (Field::UpdateToken, false),
        (UserConsentNeeded, false),
        (MetadataForRequestor, false),
    ];
    each_field_counts(&response_bytes(), &answer, |bytes| QueryImageResponse::decode(bytes).map(drop));
    let request = ApplyUpdateRequest { token: token(), new_version: 5 }.to_vec();
    let both = [(Field::UpdateToken, true), (NewVersion, true)];
    each_field_counts(&request, &both, |bytes| ApplyUpdateRequest::decode(bytes).map(drop));
    let response = ApplyUpdateResponse { action: Action::PROCEED, delayed_action_time: 5 }.to_vec();
    let both = [(Field::Action, true), (DelayedActionTime, true)];
    each_field_counts(&response, &both, |bytes| ApplyUpdateResponse::decode(bytes).map(drop));
    let notify = NotifyUpdateApplied { token: token(), software_version: 5 }.to_vec();
    let both = [(Field::UpdateToken, true), (SoftwareVersion, true)];
    each_field_counts(&notify, &both, |bytes| NotifyUpdateApplied::decode(bytes).map(drop));
}
