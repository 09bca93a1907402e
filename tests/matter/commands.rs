//! The five commands as bytes.

use zigbee_ota::Encode;
use zigbee_ota::matter::{
    ApplyUpdateAction, ApplyUpdateRequest, ApplyUpdateResponse, DownloadProtocol, DownloadProtocols,
    MatterDecodeError, MatterDecodeErrorKind, Metadata, NotifyUpdateApplied, QueryImage, QueryImageResponse,
    QueryImageStatus, UpdateToken,
};

use crate::changed;

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
    let protocols = [DownloadProtocol::BDX_SYNCHRONOUS, DownloadProtocol::HTTPS];
    let mut query = QueryImage::new(0xfff1, 0x8001, 10, DownloadProtocols::new(&protocols).unwrap());
    query.hardware_version = Some(3);
    query.location = Some("NO");
    query.can_consent = Some(true);
    query.metadata = Some(Metadata(&[0x17, 0x18]));
    query
}

/// A response with every field, although no rule allows DelayedActionTime with UpdateAvailable.
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
    changed(QueryImageResponse::available(URI, 0x1234_5678, "1.0", token()), |response| {
        response.delayed_action_time = Some(300);
        response.user_consent_needed = Some(false);
        response.metadata = Some(Metadata(&[0x17, 0x18]));
    })
}

/// Shows: MAT-032
#[test]
fn queries_are_written_and_read() {
    assert_eq!(query().to_vec(), QUERY);
    assert_eq!(QueryImage::decode(QUERY), Ok(query()));
    let least = QueryImage::new(0xfff1, 0x8001, 10, DownloadProtocols::NONE);
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
fn only_the_status_of_a_response_is_mandatory() {
    assert_eq!(response().to_vec(), response_bytes());
    assert_eq!(QueryImageResponse::decode(&response_bytes()), Ok(response()));

    let alone = [0x15, 0x24, 0, 2, 0x18];
    let nothing = QueryImageResponse::new(QueryImageStatus::NOT_AVAILABLE);
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
        ..
    } = nothing
    else {
        panic!("{nothing:?}")
    };

    let missing = QueryImageResponse::decode(&[0x15, 0x18]).unwrap_err();
    assert_eq!((missing.item, missing.field, missing.offset), ("QueryImageResponse", Some("Status"), 1));
    assert_eq!(missing.kind, MatterDecodeErrorKind::Missing);
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
        assert_eq!((response.status, response.status.name()), (QueryImageStatus(number), name));
        assert_eq!(response.to_vec(), bytes);
    }
}

/// Shows: MAT-032
#[test]
fn apply_commands_are_written_and_read() {
    let token_bytes = [&[0x15, 0x30, 0, 8][..], &TOKEN].concat();
    let bytes = [&token_bytes[..], &[0x24, 1, 7, 0x18]].concat();
    let request = ApplyUpdateRequest { token: token(), new_version: 7 };
    assert_eq!(request.to_vec(), bytes);
    assert_eq!(ApplyUpdateRequest::decode(&bytes), Ok(request));
    let applied = NotifyUpdateApplied { token: token(), software_version: 7 };
    assert_eq!(applied.to_vec(), bytes);
    assert_eq!(NotifyUpdateApplied::decode(&bytes), Ok(applied));
    for (action, number) in [
        (ApplyUpdateAction::PROCEED, 0),
        (ApplyUpdateAction::AWAIT_NEXT_ACTION, 1),
        (ApplyUpdateAction::DISCONTINUE, 2),
        (ApplyUpdateAction(9), 9),
    ] {
        let response = ApplyUpdateResponse { action, delayed_action_time: 70_000 };
        let bytes = [0x15, 0x24, 0, number, 0x26, 1, 0x70, 0x11, 0x01, 0x00, 0x18];
        assert_eq!(response.to_vec(), bytes);
        assert_eq!(ApplyUpdateResponse::decode(&bytes), Ok(response));
    }
}

/// Shows: MAT-032
#[test]
fn unknown_fields_are_skipped() {
    let unknown: &[&[u8]] = &[
        &[0x24, 9, 1],                                            // a field of a later revision
        &[0x29, 200],                                             // another
        &[0x4c, 1, 0, 2, b'h', b'i'],                             // of the common profile
        &[0xca, 0xf1, 0xff, 1, 0, 2, 0, 0, 0, 0x80, 0x3f],        // a vendor's floating point number
        &[0x2b, 10, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f],                // a wide one
        &[0x35, 11, 0x36, 0, 0x15, 0x24, 0, 9, 0x18, 0x18, 0x18], // a tag like that of Status, deep inside
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
fn fields_have_any_order_and_no_duplicates() {
    let swapped = [0x15, 0x24, 1, 5, 0x24, 0, 1, 0x18];
    let expected =
        ApplyUpdateResponse { action: ApplyUpdateAction::AWAIT_NEXT_ACTION, delayed_action_time: 5 };
    assert_eq!(ApplyUpdateResponse::decode(&swapped), Ok(expected));
    let twice = [0x15, 0x24, 0, 1, 0x24, 1, 5, 0x24, 0, 1, 0x18];
    let error = ApplyUpdateResponse::decode(&twice).unwrap_err();
    assert_eq!(error.to_string(), "ApplyUpdateResponse, Action, byte 7: duplicate field");
}

/// Bytes of a response with one more field.
fn with_field(field: &[u8]) -> Vec<u8> {
    [&[0x15, 0x24, 0, 1][..], field, &[0x18]].concat()
}

fn wrong_type(field: &[u8]) -> String {
    QueryImageResponse::decode(&with_field(field)).expect_err("of another type").to_string()
}

/// Shows: MAT-032
#[test]
fn wrong_types_are_refused_with_field_and_offset() {
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
fn bounds_are_checked_on_decoding() {
    let decode = |field: &[u8]| QueryImageResponse::decode(&with_field(field)).map(drop);
    let text =
        |tag: u8, len: usize| [&[0x2d, tag, len as u8, (len >> 8) as u8], &vec![b'a'; len][..]].concat();
    let octets =
        |tag: u8, len: usize| [&[0x31, tag, len as u8, (len >> 8) as u8], &vec![0; len][..]].concat();
    for (field, fits, too_much) in [
        ("ImageURI", vec![text(2, 0), text(2, 256)], vec![text(2, 257)]),
        ("SoftwareVersionString", vec![text(4, 1), text(4, 64)], vec![text(4, 0), text(4, 65)]),
        ("UpdateToken", vec![octets(5, 8), octets(5, 32)], vec![octets(5, 0), octets(5, 7), octets(5, 33)]),
        ("MetadataForRequestor", vec![octets(7, 0), octets(7, 512)], vec![octets(7, 513)]),
        (
            "SoftwareVersion",
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
            let bound = matches!(
                error.kind,
                MatterDecodeErrorKind::Length { .. } | MatterDecodeErrorKind::OutOfRange { .. }
            );
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
    assert_eq!(DownloadProtocols::new(&[DownloadProtocol::HTTPS; 9]), None);
    assert_eq!([7, 33].map(|len| UpdateToken::new(&vec![0; len])), [None; 2]);
}

#[test]
fn truncated_commands_are_refused() {
    for cut in 0..QUERY.len() {
        let error = QueryImage::decode(&QUERY[..cut]).expect_err("cut");
        let truncated = matches!(error.kind, MatterDecodeErrorKind::Truncated { .. });
        assert!(truncated && error.offset <= cut, "{cut}: {error}");
    }
    let more = [QUERY, &[0][..]].concat();
    let error = QueryImage::decode(&more).unwrap_err();
    assert_eq!(error.to_string(), format!("QueryImage, byte {}: 1 bytes after the element", QUERY.len()));
}

/// Range of each member of a structure whose members have context tags and short lengths, by its tag.
fn members(structure: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let (mut members, mut at) = (Vec::new(), 1);
    while structure[at] != 0x18 {
        let len = match structure[at] & 0x1f {
            0x08 | 0x09 => 2,
            0x04 => 3,
            0x05 => 4,
            0x06 => 6,
            0x0c | 0x10 => 3 + usize::from(structure[at + 2]),
            // An array of 8-bit numbers.
            0x16 => 3 + structure[at + 2..].iter().position(|byte| *byte == 0x18).unwrap(),
            other => panic!("{other:#x}"),
        };
        members.push((structure[at + 1], at..at + len));
        at += len;
    }
    members
}

/// Removes each field in turn, then makes it null: the error names the field.
pub fn check_each_field(
    bytes: &[u8],
    fields: &[(&str, bool)],
    decode: impl Fn(&[u8]) -> Result<(), MatterDecodeError>,
) {
    assert_eq!(decode(bytes), Ok(()));
    let members = members(bytes);
    assert_eq!(members.len(), fields.len());
    for ((number, range), (field, required)) in members.into_iter().zip(fields) {
        let with = |member: &[u8]| [&bytes[..range.start], member, &bytes[range.end..]].concat();
        match decode(&with(&[])) {
            Ok(()) => assert!(!required, "{field}"),
            Err(error) => {
                let expected = (Some(*field), MatterDecodeErrorKind::Missing, true);
                assert_eq!((error.field, error.kind, *required), expected);
            }
        }
        let Err(error) = decode(&with(&[0x34, number])) else { panic!("{field} may be null") };
        assert_eq!(error.field, Some(*field));
        assert!(
            matches!(error.kind, MatterDecodeErrorKind::WrongType { found: "null", .. }),
            "{field}: {}",
            error.kind
        );
    }
}

#[test]
fn a_missing_or_mistyped_field_is_named() {
    let query = [
        ("VendorID", true),
        ("ProductID", true),
        ("SoftwareVersion", true),
        ("ProtocolsSupported", true),
        ("HardwareVersion", false),
        ("Location", false),
        ("RequestorCanConsent", false),
        ("MetadataForProvider", false),
    ];
    check_each_field(QUERY, &query, |bytes| QueryImage::decode(bytes).map(drop));
    let answer = [
        ("Status", true),
        ("DelayedActionTime", false),
        ("ImageURI", false),
        ("SoftwareVersion", false),
        ("SoftwareVersionString", false),
        ("UpdateToken", false),
        ("UserConsentNeeded", false),
        ("MetadataForRequestor", false),
    ];
    check_each_field(&response_bytes(), &answer, |bytes| QueryImageResponse::decode(bytes).map(drop));
    let request = ApplyUpdateRequest { token: token(), new_version: 5 }.to_vec();
    let both = [("UpdateToken", true), ("NewVersion", true)];
    check_each_field(&request, &both, |bytes| ApplyUpdateRequest::decode(bytes).map(drop));
    let response =
        ApplyUpdateResponse { action: ApplyUpdateAction::PROCEED, delayed_action_time: 5 }.to_vec();
    let both = [("Action", true), ("DelayedActionTime", true)];
    check_each_field(&response, &both, |bytes| ApplyUpdateResponse::decode(bytes).map(drop));
    let notify = NotifyUpdateApplied { token: token(), software_version: 5 }.to_vec();
    let both = [("UpdateToken", true), ("SoftwareVersion", true)];
    check_each_field(&notify, &both, |bytes| NotifyUpdateApplied::decode(bytes).map(drop));
}
