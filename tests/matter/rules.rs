//! Which fields an answer has, and what a requestor makes of it.

use zigbee_ota::Encode;
use zigbee_ota::matter::tlv::{Kind, Tag, Value, Writer};
use zigbee_ota::matter::{
    Answer, Field, ImageUri, Metadata, NodeId, QueryImage, QueryImageResponse, Requestor, Status, Todo,
    UpdateToken, UriError, Violation,
};
use zigbee_ota::time::Instant;

use crate::commands::token;

const PROVIDER: NodeId = NodeId(0x0011_2233_aabb_ccdd);
const URI: &str = "bdx://00112233AABBCCDD/0";

fn available() -> QueryImageResponse<'static> {
    QueryImageResponse::available(URI, 5, "1.0.5", token())
}

/// An answer without one field.
fn without(field: Field) -> QueryImageResponse<'static> {
    let mut response = available();
    match field {
        Field::ImageUri => response.image_uri = None,
        Field::SoftwareVersion => response.software_version = None,
        Field::SoftwareVersionString => response.software_version_string = None,
        Field::UpdateToken => response.update_token = None,
        other => panic!("{other}"),
    }
    response
}

/// Shows: MAT-003, MAT-004, MAT-010
#[test]
fn update_available_asks_for_four_fields() {
    assert_eq!(available().check(), Ok(()));
    let Ok(Answer::Available(offer)) = available().answer() else { panic!() };
    assert_eq!((offer.version, offer.version_string, offer.token), (5, Some("1.0.5"), token()));
    for field in [Field::ImageUri, Field::SoftwareVersion, Field::SoftwareVersionString, Field::UpdateToken] {
        let response = without(field);
        assert_eq!(response.check(), Err(Violation::Missing(field)));
        assert_eq!(
            response.check().unwrap_err().to_string(),
            format!("UpdateAvailable without {field} (MAT-003)")
        );
        match field {
            // Nothing depends on it: a receiver bears that it is missing.
            Field::SoftwareVersionString => {
                let Ok(Answer::Available(offer)) = response.answer() else { panic!("{response:?}") };
                assert_eq!((offer.version, offer.version_string), (5, None));
            }
            _ => assert_eq!(response.answer(), Err(Violation::Missing(field))),
        }
        // The same without the claim that there is an image.
        for status in [Status::BUSY, Status::NOT_AVAILABLE, Status::PROTOCOL_NOT_SUPPORTED, Status(77)] {
            let response = QueryImageResponse { status, ..response };
            assert_eq!((response.check(), response.answer()), (Ok(()), Ok(Answer::Nothing(status))));
        }
    }
}

/// Shows: MAT-005
#[test]
fn only_busy_is_sent_with_a_delay() {
    for status in [Status::UPDATE_AVAILABLE, Status::NOT_AVAILABLE, Status::PROTOCOL_NOT_SUPPORTED, Status(4)]
    {
        let response = QueryImageResponse { status, delayed_action_time: Some(60), ..available() };
        assert_eq!(response.check(), Err(Violation::Delay(status)));
    }
    let busy = QueryImageResponse { delayed_action_time: Some(60), ..QueryImageResponse::new(Status::BUSY) };
    assert_eq!(busy.check(), Ok(()));
    assert_eq!(busy.to_vec(), [0x15, 0x24, 0, 1, 0x24, 1, 60, 0x18]);
    assert_eq!(QueryImageResponse::new(Status::BUSY).check(), Ok(()), "it may leave the delay open");
}

/// Shows: MAT-006, MAT-007
#[test]
fn a_requestor_keeps_the_delay_whatever_the_status() {
    let received = Instant::from_millis(10_500);
    let mut requestor = Requestor::new(PROVIDER, true);
    assert_eq!(requestor.not_before(), Instant::ZERO, "free to ask");
    for status in [Status::BUSY, Status::NOT_AVAILABLE] {
        let response =
            QueryImageResponse { delayed_action_time: Some(120), ..QueryImageResponse::new(status) };
        assert_eq!(requestor.handle(received, &response), Ok(Todo::Query(status)));
        assert_eq!(requestor.not_before(), Instant::from_millis(130_500), "seconds, counted from the answer");
    }
    // Against the rules, yet it can only do good: no download before it.
    let offered = QueryImageResponse { delayed_action_time: Some(u32::MAX), ..available() };
    assert!(matches!(requestor.handle(received, &offered), Ok(Todo::Download(_))));
    assert_eq!(requestor.not_before(), Instant::from_millis(10_500 + u64::from(u32::MAX) * 1000));
    // An answer without one sets it free.
    assert!(matches!(requestor.handle(received, &available()), Ok(Todo::Download(_))));
    assert_eq!(requestor.not_before(), received);

    // After a restart nothing is known of a delay, and the provider has to answer who comes early: whether it may ask is
    // nothing that a query or its answer depends on.
    requestor.handle(received, &offered).unwrap();
    requestor = Requestor::new(PROVIDER, true);
    assert_eq!(requestor.not_before(), Instant::ZERO);
    assert!(matches!(requestor.handle(Instant::from_millis(10_600), &available()), Ok(Todo::Download(_))));
}

/// Shows: MAT-011
#[test]
fn consent_counts_only_for_who_can_ask() {
    let now = Instant::ZERO;
    for (can, needed, asks) in [
        (true, Some(true), true),
        (true, Some(false), false),
        (true, None, false),
        (false, Some(true), false),
        (false, Some(false), false),
        (false, None, false),
    ] {
        let response = QueryImageResponse { user_consent_needed: needed, ..available() };
        let Ok(Answer::Available(offer)) = response.answer() else { panic!() };
        let expected = if asks { Todo::AskUser(offer) } else { Todo::Download(offer) };
        assert_eq!(Requestor::new(PROVIDER, can).handle(now, &response), Ok(expected), "{can} {needed:?}");
    }
}

/// Shows: MAT-019
#[test]
fn an_image_is_where_the_answer_came_from() {
    let ImageUri::Bdx(bdx) = ImageUri::parse(URI).unwrap() else { panic!() };
    assert_eq!(bdx.check_provider(PROVIDER), Ok(()));
    let other = NodeId(PROVIDER.0 + 1);
    let mismatch = UriError::NodeMismatch { node: PROVIDER, provider: other };
    assert_eq!(bdx.check_provider(other), Err(mismatch));
    assert_eq!(mismatch.to_string(), "an image on node 00112233AABBCCDD, told by 00112233AABBCCDE (MAT-019)");
    let handled = Requestor::new(other, true).handle(Instant::ZERO, &available());
    assert_eq!(handled, Err(Violation::Uri(mismatch)));
    // Other schemes have no node.
    let https = QueryImageResponse { image_uri: Some("https://example.domain/i"), ..available() };
    assert!(matches!(Requestor::new(other, true).handle(Instant::ZERO, &https), Ok(Todo::Download(_))));
}

/// Shows: MAT-008
#[test]
fn metadata_are_carried_as_they_are() {
    let mut room = [0; 64];
    let mut writer = Writer::new(&mut room);
    let tag = Tag::Full { vendor: 0xfff1, profile: 2, tag: 3 };
    writer.open(Tag::Anonymous, Kind::List).unwrap();
    writer.put(tag, Value::Octets(b"of the maker")).unwrap();
    writer.close().unwrap();
    let good = Metadata(writer.finish().unwrap());
    let elements: Vec<_> = good.elements().unwrap().map(|at| at.element.tag).collect();
    assert_eq!(elements, [tag]);
    let with = |metadata| QueryImageResponse { metadata, ..available() };
    assert_eq!((with(None).check(), with(Some(good)).check()), (Ok(()), Ok(())));

    let long = [&[0xd1, 0xf1, 0xff, 2, 0, 3, 0, 0xfd, 1][..], &[0; 509]].concat();
    let long = [&[0x17][..], &long, &[0x18]].concat();
    for (bytes, violation) in [
        (&b"no list"[..], Violation::Metadata { offset: 5 }),
        (&[], Violation::Metadata { offset: 0 }),
        (&[0x15, 0x18], Violation::Metadata { offset: 0 }),
        (&[0x37, 1, 0x18], Violation::Metadata { offset: 0 }),
        (&[0x17, 0xc8, 0xf1, 0xff, 2, 0, 3, 0, 0x28, 1, 0x18], Violation::Metadata { offset: 8 }),
        (&long, Violation::Length { field: Field::MetadataForRequestor, len: 520, min: 0, max: 512 }),
    ] {
        let response = with(Some(Metadata(bytes)));
        assert_eq!(response.check(), Err(violation), "a sender knows better");
        let query = QueryImage { metadata: Some(Metadata(bytes)), ..QueryImage::decode(&LEAST).unwrap() };
        assert!(query.check().is_err());
        if bytes.len() <= Metadata::MAX {
            let written = response.to_vec();
            let read = QueryImageResponse::decode(&written).unwrap();
            assert_eq!(read.metadata, Some(Metadata(bytes)), "a receiver does not look");
            assert!(matches!(
                Requestor::new(PROVIDER, true).handle(Instant::ZERO, &read),
                Ok(Todo::Download(_))
            ));
        }
    }
}

const LEAST: [u8; 14] = [0x15, 0x24, 0, 1, 0x24, 1, 2, 0x24, 2, 3, 0x36, 3, 0x18, 0x18];

/// Shows: MAT-012
#[test]
fn an_answer_with_no_uri_is_refused() {
    for uri in ["", "no uri", "//host/path", "https://a b/"] {
        let response = QueryImageResponse { image_uri: Some(uri), ..available() };
        let error = ImageUri::parse(uri).unwrap_err();
        assert_eq!(response.check(), Err(Violation::Uri(error)), "{uri}");
        assert_eq!(response.answer(), Err(Violation::Uri(error)), "{uri}");
        let busy = QueryImageResponse { status: Status::BUSY, ..response };
        assert_eq!(busy.check(), Err(Violation::Uri(error)), "sent, it is one whatever the status");
    }
}

#[test]
fn who_sends_keeps_the_bounds() {
    let long = "x".repeat(65);
    let response = QueryImageResponse { software_version_string: Some(&long), ..available() };
    let field = Field::SoftwareVersionString;
    assert_eq!(response.check(), Err(Violation::Length { field, len: 65, min: 1, max: 64 }));
    let query = QueryImage { location: Some("NOR"), ..QueryImage::decode(&LEAST).unwrap() };
    assert_eq!(query.check(), Err(Violation::Length { field: Field::Location, len: 3, min: 2, max: 2 }));
    assert_eq!(format!("{:?}", UpdateToken::new(&[0xab; 8]).unwrap()), "UpdateToken(abababababababab)");
}
