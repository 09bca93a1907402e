//! Rules for the fields of a QueryImageResponse, and the next step of a requestor.

use zigbee_ota::Encode;
use zigbee_ota::matter::{
    ImageUri, ImageUriError, MatterRuleError, Metadata, NextStep, NodeId, QueryImage, QueryImageResponse,
    QueryImageStatus, Requestor, UpdateToken,
};
use zigbee_ota::time::Instant;

use crate::changed;
use crate::commands::token;

const PROVIDER: NodeId = NodeId(0x0011_2233_aabb_ccdd);
const URI: &str = "bdx://00112233AABBCCDD/0";

fn available() -> QueryImageResponse<'static> {
    QueryImageResponse::available(URI, 5, "1.0.5", token())
}

/// A response that offers an image, without one field.
fn without(field: &str) -> QueryImageResponse<'static> {
    changed(available(), |response| match field {
        "ImageURI" => response.image_uri = None,
        "SoftwareVersion" => response.software_version = None,
        "SoftwareVersionString" => response.software_version_string = None,
        "UpdateToken" => response.update_token = None,
        other => panic!("{other}"),
    })
}

/// Shows: MAT-003, MAT-004, MAT-010
#[test]
fn update_available_requires_four_fields() {
    assert_eq!(available().check(), Ok(()));
    let offer = available().offer().unwrap().unwrap();
    assert_eq!((offer.version, offer.version_string, offer.token), (5, Some("1.0.5"), token()));
    for field in ["ImageURI", "SoftwareVersion", "SoftwareVersionString", "UpdateToken"] {
        let response = without(field);
        assert_eq!(response.check(), Err(MatterRuleError::Missing(field)));
        assert_eq!(response.check().unwrap_err().to_string(), format!("UpdateAvailable without {field}"));
        match field {
            // No step depends on the text: a receiver tolerates that it is missing.
            "SoftwareVersionString" => {
                let offer = response.offer().unwrap().unwrap();
                assert_eq!((offer.version, offer.version_string), (5, None));
            }
            _ => assert_eq!(response.offer(), Err(MatterRuleError::Missing(field))),
        }
        // No field is required with another status.
        for status in [
            QueryImageStatus::BUSY,
            QueryImageStatus::NOT_AVAILABLE,
            QueryImageStatus::PROTOCOL_NOT_SUPPORTED,
            QueryImageStatus(77),
        ] {
            let response = changed(response, |response| response.status = status);
            assert_eq!((response.check(), response.offer()), (Ok(()), Ok(None)));
        }
    }
}

fn delayed(response: QueryImageResponse<'_>, seconds: u32) -> QueryImageResponse<'_> {
    changed(response, |response| response.delayed_action_time = Some(seconds))
}

/// Shows: MAT-005
#[test]
fn a_delay_is_sent_with_busy_only() {
    for status in [
        QueryImageStatus::UPDATE_AVAILABLE,
        QueryImageStatus::NOT_AVAILABLE,
        QueryImageStatus::PROTOCOL_NOT_SUPPORTED,
        QueryImageStatus(4),
    ] {
        let response = delayed(changed(available(), |response| response.status = status), 60);
        assert_eq!(response.check(), Err(MatterRuleError::Delay(status)));
    }
    let busy = delayed(QueryImageResponse::new(QueryImageStatus::BUSY), 60);
    assert_eq!(busy.check(), Ok(()));
    assert_eq!(busy.to_vec(), [0x15, 0x24, 0, 1, 0x24, 1, 60, 0x18]);
    assert_eq!(QueryImageResponse::new(QueryImageStatus::BUSY).check(), Ok(()), "the delay is optional");
}

/// Shows: MAT-006, MAT-007
#[test]
fn a_requestor_obeys_the_delay_with_every_status() {
    let received = Instant::from_millis(10_500);
    let mut requestor = Requestor::new(PROVIDER, true);
    assert_eq!(requestor.not_before(), Instant::ZERO, "no delay at first");
    for status in [QueryImageStatus::BUSY, QueryImageStatus::NOT_AVAILABLE] {
        let response = delayed(QueryImageResponse::new(status), 120);
        assert_eq!(requestor.handle_response(received, &response), Ok(NextStep::QueryAgain(status)));
        assert_eq!(requestor.not_before(), Instant::from_millis(130_500), "seconds after the response");
    }
    // A delay with UpdateAvailable is against the rules for the provider, and delays the download all the same.
    let offered = delayed(available(), u32::MAX);
    assert!(matches!(requestor.handle_response(received, &offered), Ok(NextStep::Download(_))));
    assert_eq!(requestor.not_before(), Instant::from_millis(10_500 + u64::from(u32::MAX) * 1000));
    // A response without a delay ends the earlier one.
    assert!(matches!(requestor.handle_response(received, &available()), Ok(NextStep::Download(_))));
    assert_eq!(requestor.not_before(), received);

    // After a restart the delay is forgotten, and the provider has to respond to an early query.
    requestor.handle_response(received, &offered).unwrap();
    requestor = Requestor::new(PROVIDER, true);
    assert_eq!(requestor.not_before(), Instant::ZERO);
    assert!(matches!(
        requestor.handle_response(Instant::from_millis(10_600), &available()),
        Ok(NextStep::Download(_))
    ));
}

/// Shows: MAT-011
#[test]
fn consent_is_needed_only_from_a_requestor_that_can_ask() {
    let now = Instant::ZERO;
    for (can, needed, asks) in [
        (true, Some(true), true),
        (true, Some(false), false),
        (true, None, false),
        (false, Some(true), false),
        (false, Some(false), false),
        (false, None, false),
    ] {
        let response = changed(available(), |response| response.user_consent_needed = needed);
        let offer = response.offer().unwrap().unwrap();
        let expected = if asks { NextStep::AskUser(offer) } else { NextStep::Download(offer) };
        let next = Requestor::new(PROVIDER, can).handle_response(now, &response);
        assert_eq!(next, Ok(expected), "{can} {needed:?}");
    }
}

/// Shows: MAT-019
#[test]
fn a_bdx_uri_must_name_the_provider_that_sent_it() {
    let ImageUri::Bdx(bdx) = ImageUri::parse(URI).unwrap() else { panic!() };
    assert_eq!(bdx.check_provider(PROVIDER), Ok(()));
    let other = NodeId(PROVIDER.0 + 1);
    let mismatch = ImageUriError::NodeMismatch { node: PROVIDER, provider: other };
    assert_eq!(bdx.check_provider(other), Err(mismatch));
    assert_eq!(mismatch.to_string(), "an image on node 00112233AABBCCDD, offered by node 00112233AABBCCDE");
    let handled = Requestor::new(other, true).handle_response(Instant::ZERO, &available());
    assert_eq!(handled, Err(MatterRuleError::Uri(mismatch)));
    // Other schemes have no node.
    let https = changed(available(), |response| response.image_uri = Some("https://example.domain/i"));
    let handled = Requestor::new(other, true).handle_response(Instant::ZERO, &https);
    assert!(matches!(handled, Ok(NextStep::Download(_))));
}

/// Shows: MAT-008
#[test]
fn metadata_are_carried_unchanged() {
    // A list of one octet string: vendor 0xFFF1, profile 2, tag 3.
    let list = [&[0x17, 0xd0, 0xf1, 0xff, 2, 0, 3, 0, 12][..], b"vendor bytes", &[0x18]].concat();
    let good = Metadata(&list);
    let with = |metadata| changed(available(), |response| response.metadata = metadata);
    assert_eq!((with(None).check(), with(Some(good)).check()), (Ok(()), Ok(())));

    let long = [&[0xd1, 0xf1, 0xff, 2, 0, 3, 0, 0xfd, 1][..], &[0; 509]].concat();
    let long = [&[0x17][..], &long, &[0x18]].concat();
    for (bytes, violation) in [
        (&b"no list"[..], MatterRuleError::Metadata { offset: 5 }),
        (&[], MatterRuleError::Metadata { offset: 0 }),
        (&[0x15, 0x18], MatterRuleError::Metadata { offset: 0 }),
        (&[0x37, 1, 0x18], MatterRuleError::Metadata { offset: 0 }),
        (&[0x17, 0xc8, 0xf1, 0xff, 2, 0, 3, 0, 0x28, 1, 0x18], MatterRuleError::Metadata { offset: 8 }),
        (&long, MatterRuleError::Length { field: "MetadataForRequestor", len: 520, min: 0, max: 512 }),
    ] {
        let response = with(Some(Metadata(bytes)));
        assert_eq!(response.check(), Err(violation), "a sender checks the metadata");
        let query =
            changed(QueryImage::decode(&LEAST).unwrap(), |query| query.metadata = Some(Metadata(bytes)));
        assert!(query.check().is_err());
        if bytes.len() <= Metadata::MAX {
            let written = response.to_vec();
            let read = QueryImageResponse::decode(&written).unwrap();
            assert_eq!(read.metadata, Some(Metadata(bytes)), "a receiver does not inspect the metadata");
            let handled = Requestor::new(PROVIDER, true).handle_response(Instant::ZERO, &read);
            assert!(matches!(handled, Ok(NextStep::Download(_))));
        }
    }
}

const LEAST: [u8; 14] = [0x15, 0x24, 0, 1, 0x24, 1, 2, 0x24, 2, 3, 0x36, 3, 0x18, 0x18];

/// Shows: MAT-012
#[test]
fn a_response_with_a_wrong_uri_is_refused() {
    for uri in ["", "no uri", "//host/path", "https://a b/"] {
        let response = changed(available(), |response| response.image_uri = Some(uri));
        let error = ImageUri::parse(uri).unwrap_err();
        assert_eq!(response.check(), Err(MatterRuleError::Uri(error)), "{uri}");
        assert_eq!(response.offer(), Err(MatterRuleError::Uri(error)), "{uri}");
        let busy = changed(response, |response| response.status = QueryImageStatus::BUSY);
        assert_eq!(busy.check(), Err(MatterRuleError::Uri(error)), "a sender checks it with every status");
    }
}

#[test]
fn a_sender_checks_the_bounds() {
    let long = "x".repeat(65);
    let response = changed(available(), |response| response.software_version_string = Some(&long));
    let field = "SoftwareVersionString";
    assert_eq!(response.check(), Err(MatterRuleError::Length { field, len: 65, min: 1, max: 64 }));
    let query = changed(QueryImage::decode(&LEAST).unwrap(), |query| query.location = Some("NOR"));
    let field = "Location";
    assert_eq!(query.check(), Err(MatterRuleError::Length { field, len: 3, min: 2, max: 2 }));
    assert_eq!(format!("{:?}", UpdateToken::new(&[0xab; 8]).unwrap()), "UpdateToken(abababababababab)");
}
