//! Translation of queries and responses between Zigbee and Matter, in both directions.

use std::time::Duration;

use zigbee_ota::file::{FileHeader, FileName};
use zigbee_ota::matter::bridge::{self, Translated, Unmapped, version_string};
use zigbee_ota::matter::{
    ApplyUpdateAction, ApplyUpdateResponse, BdxUri, DownloadProtocol, DownloadProtocols, MatterRuleError,
    Metadata, NodeId, QueryImage, QueryImageResponse, QueryImageStatus,
};
use zigbee_ota::time::{Delay, ServerTime, TimeField};
use zigbee_ota::zcl::{self, ImageOffer, QueryNextImageRequest, QueryResponse, Refusal};
use zigbee_ota::{Encode, FileVersion, HardwareVersion, ImageId};

use crate::changed;
use crate::commands::token;

const RUNS: ImageId = ImageId::new(0x1001, 0x00ab, 0x1005_3519);
const NEW: ImageId = ImageId::new(0x1001, 0x00ab, 0x1010_3519);

fn query() -> QueryNextImageRequest {
    QueryNextImageRequest::new(RUNS).with_hardware(HardwareVersion(0x0102))
}

fn bdx() -> DownloadProtocols {
    DownloadProtocols::new(&[DownloadProtocol::BDX_SYNCHRONOUS]).unwrap()
}

/// Fields that a translation does not carry: those that `set` sets.
fn unmapped(set: impl FnOnce(&mut Unmapped)) -> Unmapped {
    changed(Unmapped::default(), set)
}

#[test]
fn queries_cross_the_bridge() {
    let matter = bridge::query_image(&query(), bdx());
    let mut expected = QueryImage::new(0x1001, 0x00ab, 0x1005_3519, bdx());
    expected.hardware_version = Some(0x0102);
    assert_eq!((matter, matter.check()), (expected, Ok(())));
    let protocols = unmapped(|unmapped| unmapped.protocols = true);
    assert_eq!(bridge::query_next_image(&matter), Ok(Translated { message: query(), unmapped: protocols }));
    assert!(!protocols.is_empty() && Unmapped::default().is_empty());

    let full = changed(matter, |query| {
        query.location = Some("NO");
        query.can_consent = Some(false);
        query.metadata = Some(Metadata(&[0x17, 0x18]));
    });
    let unmapped = unmapped(|unmapped| {
        unmapped.protocols = true;
        unmapped.location = true;
        unmapped.consent = true;
        unmapped.metadata = true;
    });
    assert_eq!(bridge::query_next_image(&full), Ok(Translated { message: query(), unmapped }));
    for (query, violation) in [
        (changed(matter, |query| query.vendor = 0xffff), zcl::Violation::WildcardManufacturer),
        (changed(matter, |query| query.software_version = u32::MAX), zcl::Violation::WildcardVersion),
    ] {
        assert_eq!(bridge::query_next_image(&query), Err(violation));
    }
    assert!(bridge::query_next_image(&changed(matter, |query| query.product = 0xffc0)).is_err());
}

/// Shows: MAT-009
#[test]
fn the_version_is_that_of_the_file() {
    let header = FileHeader::new(NEW);
    for (version, text) in [
        (header.id.version, "1.0 b10, stack 3.5 b19"),
        (FileVersion(0x9999_9999), "9.9 b99, stack 9.9 b99"),
        (FileVersion(0x0000_000a), "0x0000000a"),
        (FileVersion(0xfedc_ba98), "0xfedcba98"),
    ] {
        assert_eq!((version_string(version, &mut [0; 22]), version.to_string().as_str()), (text, text));
    }
    for number in (0..=u32::MAX).step_by(65_521) {
        assert_eq!(version_string(FileVersion(number), &mut [0; 22]), FileVersion(number).to_string());
    }
}

/// An offer for Matter: the file's name in the ImageURI, its version as number and text.
///
/// Shows: MAT-009
#[test]
fn offers_cross_the_bridge() {
    let offer = QueryResponse::Offer(ImageOffer { id: NEW, size: 70_000 });
    let name = FileName::new(NEW).to_string();
    let uri = BdxUri::new(NodeId(0x0011_2233_aabb_ccdd), &name).unwrap().to_string();
    let mut buffer = [0; 22];
    let version = version_string(NEW.version, &mut buffer);
    let Translated { message, unmapped: lacking } =
        bridge::query_image_response(&offer, RUNS, &uri, version, token());
    assert_eq!((message.check(), lacking), (Ok(()), unmapped(|unmapped| unmapped.size = true)));
    assert_eq!(message.image_uri, Some("bdx://00112233AABBCCDD/1001-00AB-10103519.zigbee"));
    assert_eq!(
        (message.software_version, message.software_version_string),
        (Some(0x1010_3519), Some("1.0 b10, stack 3.5 b19"))
    );
    let written = message.to_vec();
    let read = QueryImageResponse::decode(&written).unwrap();
    let back = bridge::query_next_image_response(&read, RUNS, 70_000);
    let uri_and_token = unmapped(|unmapped| unmapped.uri_and_token = true);
    assert_eq!(back, Ok(Translated { message: offer, unmapped: uri_and_token }));

    let full = changed(read, |response| {
        response.delayed_action_time = Some(1);
        response.user_consent_needed = Some(true);
        response.metadata = Some(Metadata(&[]));
    });
    let unmapped = changed(uri_and_token, |unmapped| {
        unmapped.delay = true;
        unmapped.consent = true;
        unmapped.metadata = true;
    });
    let back = bridge::query_next_image_response(&full, RUNS, 70_000);
    assert_eq!(back, Ok(Translated { message: offer, unmapped }));
    let no_token = changed(read, |response| response.update_token = None);
    assert!(bridge::query_next_image_response(&no_token, RUNS, 1).is_err());
}

#[test]
fn refusals_cross_the_bridge() {
    for (refusal, status) in
        [(Refusal::NO_IMAGE_AVAILABLE, false), (Refusal::NOT_AUTHORIZED, true), (Refusal::ABORT, true)]
    {
        let refused = QueryResponse::Refused(refusal);
        let translated = bridge::query_image_response(&refused, RUNS, "x:y", "1", token());
        let message = QueryImageResponse::new(QueryImageStatus::NOT_AVAILABLE);
        let unmapped = unmapped(|unmapped| unmapped.status = status);
        assert_eq!(translated, Translated { message, unmapped });
        assert_eq!(translated.message.check(), Ok(()));
    }
    for (status, reason_is_lost, delay) in [
        (QueryImageStatus::NOT_AVAILABLE, false, None),
        (QueryImageStatus::BUSY, true, Some(60)),
        (QueryImageStatus::PROTOCOL_NOT_SUPPORTED, true, None),
        (QueryImageStatus(9), true, None),
    ] {
        let response =
            changed(QueryImageResponse::new(status), |response| response.delayed_action_time = delay);
        let message = QueryResponse::Refused(Refusal::NO_IMAGE_AVAILABLE);
        let translated = bridge::query_next_image_response(&response, RUNS, 0);
        let unmapped = unmapped(|unmapped| {
            unmapped.status = reason_is_lost;
            unmapped.delay = delay.is_some();
        });
        assert_eq!(translated, Ok(Translated { message, unmapped }));
    }
}

/// What an offer says beyond the fields of the other side is told, or the offer is none.
///
/// Shows: FLD-104
#[test]
fn offers_that_the_other_side_cannot_express_are_told() {
    // An answer for another image than was asked for: Matter has no field that would show it.
    for id in [ImageId::new(0x1002, 0x00ab, 5), ImageId::new(0x1001, 0x00ac, 5)] {
        let offer = QueryResponse::Offer(ImageOffer { id, size: 1 });
        let translated = bridge::query_image_response(&offer, RUNS, "x:y", "1", token());
        let message = QueryImageResponse::new(QueryImageStatus::NOT_AVAILABLE);
        let unmapped = unmapped(|unmapped| (unmapped.other_image, unmapped.size) = (true, true));
        assert_eq!(translated, Translated { message, unmapped });
    }
    // A wildcard is no version that a client could be offered.
    let offer = QueryImageResponse::available("x:y", u32::MAX, "1", token());
    let error = bridge::query_next_image_response(&offer, RUNS, 1).unwrap_err();
    assert_eq!(error, MatterRuleError::WildcardVersion);
    assert_eq!(error.to_string(), "version 0xffffffff, which is a wildcard in Zigbee");
    // Fields of an offer in a response that offers nothing.
    let least = QueryImageResponse::new(QueryImageStatus::NOT_AVAILABLE);
    for (response, is_lost) in [
        (least, false),
        (changed(least, |response| response.image_uri = Some("x:y")), true),
        (changed(least, |response| response.software_version = Some(1)), true),
        (changed(least, |response| response.software_version_string = Some("1")), true),
        (changed(least, |response| response.update_token = Some(token())), true),
    ] {
        let message = QueryResponse::Refused(Refusal::NO_IMAGE_AVAILABLE);
        let unmapped = unmapped(|unmapped| unmapped.uri_and_token = is_lost);
        let translated = bridge::query_next_image_response(&response, RUNS, 1);
        assert_eq!(translated, Ok(Translated { message, unmapped }), "{response:?}");
    }
}

/// The bridge as a provider keeps no record of earlier queries: an early query gets the same response as any other.
///
/// Shows: MAT-007
#[test]
fn an_early_query_is_answered() {
    let asked = bridge::query_image(&query(), bdx()).to_vec();
    let answers = [(); 2].map(|()| {
        let query = QueryImage::decode(&asked).unwrap();
        let zigbee = bridge::query_next_image(&query).unwrap().message;
        assert_eq!(zigbee.current, RUNS);
        let offer = QueryResponse::Offer(ImageOffer { id: NEW, size: 1 });
        bridge::query_image_response(&offer, RUNS, "bdx://00112233AABBCCDD/0", "1", token()).message
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].status, QueryImageStatus::UPDATE_AVAILABLE);
}

#[test]
fn upgrade_times_cross_the_bridge() {
    let response = |action, delayed_action_time| ApplyUpdateResponse { action, delayed_action_time };
    let proceed = |seconds| response(ApplyUpdateAction::PROCEED, seconds);
    let wait = |seconds| response(ApplyUpdateAction::AWAIT_NEXT_ACTION, seconds);
    for (time, response) in [
        (ServerTime::NOW, proceed(0)),
        (ServerTime { current: 1000, then: 1600 }, proceed(600)),
        (ServerTime { current: 0, then: 60 }, proceed(60)),
        (ServerTime::WAIT, wait(0)),
    ] {
        let delay = time.delay(TimeField::Upgrade, None, 0).unwrap();
        assert_eq!(bridge::apply_update_response(delay), response);
        let back = bridge::upgrade_time(&response).unwrap();
        assert!(back.unmapped.is_empty());
        assert_eq!(back.message.delay(TimeField::Upgrade, None, 0), Ok(delay));
    }
    let part = bridge::apply_update_response(Delay::For(Duration::from_millis(1001)));
    assert_eq!(part, proceed(2), "never early");
    let most = Duration::from_secs(u32::MAX.into());
    assert_eq!(bridge::apply_update_response(Delay::For(most)), proceed(u32::MAX));
    for longer in [most + Duration::from_nanos(1), Duration::MAX] {
        assert_eq!(bridge::apply_update_response(Delay::For(longer)), wait(0), "never early");
    }
    let later = bridge::upgrade_time(&wait(60));
    let unmapped = unmapped(|unmapped| unmapped.delay = true);
    assert_eq!(later, Some(Translated { message: ServerTime::WAIT, unmapped }));
    for (seconds, is_shorter) in [(u32::MAX - 1, false), (u32::MAX, true)] {
        let Translated { message, unmapped } = bridge::upgrade_time(&proceed(seconds)).unwrap();
        assert_eq!((message.then, unmapped.delay), (u32::MAX - 1, is_shorter));
    }
    for action in [ApplyUpdateAction::DISCONTINUE, ApplyUpdateAction(7)] {
        assert_eq!(bridge::upgrade_time(&response(action, 0)), None);
    }
}
