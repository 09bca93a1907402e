//! Rules for the fields of a QueryImageResponse, and the next step of a requestor.

use zigbee_ota::Encode;
use zigbee_ota::matter::{
    ApplyStep, ApplyUpdateAction, ApplyUpdateResponse, ImageUri, ImageUriError, MatterRuleError, Metadata,
    NextStep, NodeId, QueryAgainReason, QueryImage, QueryImageResponse, QueryImageStatus, Requestor,
    UpdateToken,
};
use zigbee_ota::time::Instant;

use crate::changed;
use crate::commands::token;

const PROVIDER: NodeId = NodeId(0x0011_2233_aabb_ccdd);
/// Version that the requestor runs: one less than the version of [`available`].
const RUNNING: u32 = 4;

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
    let mut requestor = Requestor::new(PROVIDER, RUNNING, true);
    assert_eq!((requestor.not_before(), requestor.software_version()), (Instant::ZERO, RUNNING));
    for status in [QueryImageStatus::BUSY, QueryImageStatus::NOT_AVAILABLE] {
        let response = delayed(QueryImageResponse::new(status), 180);
        let again = NextStep::QueryAgain(QueryAgainReason::NoImage(status));
        assert_eq!(requestor.handle_response(received, &response), Ok(again));
        assert_eq!(requestor.not_before(), Instant::from_millis(190_500), "seconds after the response");
    }
    // A delay with UpdateAvailable is against the rules for the provider, and delays the download all the same.
    for seconds in [0, 1, 119, 120, 121, u32::MAX] {
        let offered = delayed(available(), seconds);
        assert!(matches!(requestor.handle_response(received, &offered), Ok(NextStep::Download(_))));
        assert_eq!(requestor.not_before(), Instant::from_millis(10_500 + u64::from(seconds) * 1000));
    }
    // A response without a delay ends the earlier one.
    assert!(matches!(requestor.handle_response(received, &available()), Ok(NextStep::Download(_))));
    assert_eq!(requestor.not_before(), received);

    // After a restart the delay is forgotten, and the provider has to respond to an early query.
    requestor.handle_response(received, &delayed(available(), u32::MAX)).unwrap();
    requestor = Requestor::new(PROVIDER, RUNNING, true);
    assert_eq!(requestor.not_before(), Instant::ZERO);
    assert!(matches!(
        requestor.handle_response(Instant::from_millis(10_600), &available()),
        Ok(NextStep::Download(_))
    ));
}

/// Another query waits for two minutes at least, whatever the provider says or leaves out.
///
/// Shows: FLD-104
#[test]
fn another_query_waits_for_120_seconds_at_least() {
    let received = Instant::from_millis(10_500);
    let mut requestor = Requestor::new(PROVIDER, RUNNING, true);
    let busy = QueryImageResponse::new(QueryImageStatus::BUSY);
    for (delay, seconds) in [
        (None, 120),
        (Some(0), 120),
        (Some(119), 120),
        (Some(120), 120),
        (Some(121), 121),
        (Some(u32::MAX), u64::from(u32::MAX)),
    ] {
        let earliest = Instant::from_millis(10_500 + seconds * 1000);
        for response in [
            changed(busy, |response| response.delayed_action_time = delay),
            changed(available(), |response| {
                (response.delayed_action_time, response.software_version) = (delay, Some(RUNNING));
            }),
            changed(without("ImageURI"), |response| response.delayed_action_time = delay),
        ] {
            requestor.handle_response(received, &response).ok();
            assert_eq!(requestor.not_before(), earliest, "{delay:?} {response:?}");
        }
        // The same for the commands after the download.
        for (action, step, least) in [
            (ApplyUpdateAction::PROCEED, ApplyStep::Apply, 0),
            (ApplyUpdateAction::AWAIT_NEXT_ACTION, ApplyStep::AskAgain, 120),
            (ApplyUpdateAction::DISCONTINUE, ApplyStep::Discard, 120),
            (ApplyUpdateAction(3), ApplyStep::AskAgain, 120),
        ] {
            let delayed_action_time = delay.unwrap_or(0);
            let response = ApplyUpdateResponse { action, delayed_action_time };
            assert_eq!(requestor.handle_apply_response(received, &response), step);
            let seconds = u64::from(delayed_action_time).max(least);
            assert_eq!(requestor.not_before(), Instant::from_millis(10_500 + seconds * 1000), "{action}");
        }
    }
}

/// An image is downloaded only if it is newer than what runs, and the step says why.
///
/// Shows: FLD-104
#[test]
fn only_a_newer_version_is_downloaded() {
    for (running, offered, text) in [
        (4, 5, "download the newer version 5"),
        (5, 5, "query again later: the provider offers version 5, not newer than the running version 5"),
        (6, 5, "query again later: the provider offers version 5, not newer than the running version 6"),
        (0, 1, "download the newer version 1"),
        (u32::MAX - 1, u32::MAX, "download the newer version 4294967295"),
    ] {
        let response = changed(available(), |response| response.software_version = Some(offered));
        let mut requestor = Requestor::new(PROVIDER, running, true);
        let step = requestor.handle_response(Instant::ZERO, &response).unwrap();
        assert_eq!(step.to_string(), text);
        match step {
            NextStep::Download(offer) => assert!(offer.version > running),
            NextStep::QueryAgain(reason) => {
                assert_eq!(reason, QueryAgainReason::NotNewer { offered, running });
            }
            NextStep::AskUser(_) => panic!("no consent is needed"),
        }
        // Consent is not asked for either.
        let response = changed(response, |response| response.user_consent_needed = Some(true));
        let step = requestor.handle_response(Instant::ZERO, &response).unwrap();
        assert_eq!(matches!(step, NextStep::AskUser(_)), offered > running);
        assert_eq!(step.to_string().starts_with("ask the user for consent"), offered > running);
    }
    let refused = QueryImageResponse::new(QueryImageStatus::PROTOCOL_NOT_SUPPORTED);
    let step = Requestor::new(PROVIDER, RUNNING, true).handle_response(Instant::ZERO, &refused).unwrap();
    assert_eq!(step.to_string(), "query again later: the provider answers DownloadProtocolNotSupported");
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
        let next = Requestor::new(PROVIDER, RUNNING, can).handle_response(now, &response);
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
    let handled = Requestor::new(other, RUNNING, true).handle_response(Instant::ZERO, &available());
    assert_eq!(handled, Err(MatterRuleError::Uri(mismatch)));
    // Other schemes have no node.
    let https = changed(available(), |response| response.image_uri = Some("https://example.domain/i"));
    let handled = Requestor::new(other, RUNNING, true).handle_response(Instant::ZERO, &https);
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
            let handled = Requestor::new(PROVIDER, RUNNING, true).handle_response(Instant::ZERO, &read);
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
