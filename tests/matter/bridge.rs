//! Zigbee's queries and answers in Matter's terms, and back.

use std::time::Duration;

use zigbee_ota::file::{FileHeader, FileName};
use zigbee_ota::matter::bridge::{self, Bridged, Lost, Place, VersionText};
use zigbee_ota::matter::{
    Action, ApplyUpdateResponse, BdxUri, DownloadProtocol, Metadata, NodeId, Protocols, QueryImage,
    QueryImageResponse, Status,
};
use zigbee_ota::time::{Delay, ServerTime, TimeField};
use zigbee_ota::zcl::{self, ImageOffer, QueryNextImageRequest, QueryResponse, Refusal};
use zigbee_ota::{Encode, FileVersion, HardwareVersion, ImageId};

use crate::commands::token;

const RUNS: ImageId = ImageId::new(0x1001, 0x00ab, 0x1005_3519);
const NEW: ImageId = ImageId::new(0x1001, 0x00ab, 0x1010_3519);

fn query() -> QueryNextImageRequest {
    QueryNextImageRequest::new(RUNS).with_hardware(HardwareVersion(0x0102))
}

fn bdx() -> Protocols {
    Protocols::new(&[DownloadProtocol::BDX_SYNCHRONOUS]).unwrap()
}

#[test]
fn queries_cross_the_bridge() {
    let matter = bridge::query_image(&query(), bdx());
    let expected = QueryImage {
        vendor: 0x1001,
        product: 0x00ab,
        software_version: 0x1005_3519,
        protocols: bdx(),
        hardware_version: Some(0x0102),
        location: None,
        can_consent: None,
        metadata: None,
    };
    assert_eq!((matter, matter.check()), (expected, Ok(())));
    assert_eq!(bridge::query_next_image(&matter), Ok(Bridged { message: query(), lost: Lost::PROTOCOLS }));

    let full = QueryImage {
        location: Some("NO"),
        can_consent: Some(false),
        metadata: Some(Metadata(&[0x17, 0x18])),
        ..matter
    };
    let lost = Lost::PROTOCOLS | Lost::LOCATION | Lost::CONSENT | Lost::METADATA;
    assert_eq!(bridge::query_next_image(&full), Ok(Bridged { message: query(), lost }));
    for (query, violation) in [
        (QueryImage { vendor: 0xffff, ..matter }, zcl::Violation::WildcardManufacturer),
        (QueryImage { software_version: u32::MAX, ..matter }, zcl::Violation::WildcardVersion),
    ] {
        assert_eq!(bridge::query_next_image(&query), Err(violation));
    }
    assert!(bridge::query_next_image(&QueryImage { product: 0xffc0, ..matter }).is_err());
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
        assert_eq!((VersionText::new(version).as_str(), version.to_string().as_str()), (text, text));
    }
    for number in (0..=u32::MAX).step_by(65_521) {
        assert_eq!(VersionText::new(FileVersion(number)).as_str(), FileVersion(number).to_string());
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
    let version = VersionText::new(NEW.version);
    let place = Place { uri: &uri, version_string: version.as_str(), token: token() };
    let Bridged { message, lost } = bridge::query_image_response(&offer, place);
    assert_eq!((message.check(), lost), (Ok(()), Lost::SIZE));
    assert_eq!(message.image_uri, Some("bdx://00112233AABBCCDD/1001-00AB-10103519.zigbee"));
    assert_eq!(
        (message.software_version, message.software_version_string),
        (Some(0x1010_3519), Some("1.0 b10, stack 3.5 b19"))
    );
    let written = message.to_vec();
    let read = QueryImageResponse::decode(&written).unwrap();
    let back = bridge::query_next_image_response(&read, RUNS, 70_000);
    assert_eq!(back, Ok(Bridged { message: offer, lost: Lost::PLACE }));

    let full = QueryImageResponse {
        delayed_action_time: Some(1),
        user_consent_needed: Some(true),
        metadata: Some(Metadata(&[])),
        ..read
    };
    let lost = Lost::PLACE | Lost::DELAY | Lost::CONSENT | Lost::METADATA;
    let back = bridge::query_next_image_response(&full, RUNS, 70_000);
    assert_eq!(back, Ok(Bridged { message: offer, lost }));
    let no_token = QueryImageResponse { update_token: None, ..read };
    assert!(bridge::query_next_image_response(&no_token, RUNS, 1).is_err());
}

#[test]
fn refusals_cross_the_bridge() {
    let place = Place { uri: "x:y", version_string: "1", token: token() };
    for (refusal, lost) in [
        (Refusal::NO_IMAGE_AVAILABLE, Lost::empty()),
        (Refusal::NOT_AUTHORIZED, Lost::REASON),
        (Refusal::ABORT, Lost::REASON),
    ] {
        let bridged = bridge::query_image_response(&QueryResponse::Refused(refusal), place);
        assert_eq!(bridged, Bridged { message: QueryImageResponse::new(Status::NOT_AVAILABLE), lost });
        assert_eq!(bridged.message.check(), Ok(()));
    }
    for (status, lost) in [
        (Status::NOT_AVAILABLE, Lost::empty()),
        (Status::BUSY, Lost::REASON | Lost::DELAY),
        (Status::PROTOCOL_NOT_SUPPORTED, Lost::REASON),
        (Status(9), Lost::REASON),
    ] {
        let delayed_action_time = lost.contains(Lost::DELAY).then_some(60);
        let response = QueryImageResponse { delayed_action_time, ..QueryImageResponse::new(status) };
        let message = QueryResponse::Refused(Refusal::NO_IMAGE_AVAILABLE);
        let bridged = bridge::query_next_image_response(&response, RUNS, 0);
        assert_eq!(bridged, Ok(Bridged { message, lost }));
    }
}

/// A provider has no memory of who asked when: it answers who comes early as it answers anybody.
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
        let place = Place { uri: "bdx://00112233AABBCCDD/0", version_string: "1", token: token() };
        bridge::query_image_response(&offer, place).message
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].status, Status::UPDATE_AVAILABLE);
}

#[test]
fn orders_to_upgrade_cross_the_bridge() {
    let proceed = |delayed_action_time| ApplyUpdateResponse { action: Action::PROCEED, delayed_action_time };
    let wait =
        |delayed_action_time| ApplyUpdateResponse { action: Action::AWAIT_NEXT_ACTION, delayed_action_time };
    for (time, response) in [
        (ServerTime::NOW, proceed(0)),
        (ServerTime { current: 1000, then: 1600 }, proceed(600)),
        (ServerTime { current: 0, then: 60 }, proceed(60)),
        (ServerTime::WAIT, wait(0)),
    ] {
        let delay = time.delay(TimeField::Upgrade, None, 0).unwrap();
        assert_eq!(bridge::apply_update_response(delay), response);
        let back = bridge::upgrade_time(&response).unwrap();
        assert_eq!(back.lost, Lost::empty());
        assert_eq!(back.message.delay(TimeField::Upgrade, None, 0), Ok(delay));
    }
    let part = bridge::apply_update_response(Delay::For(Duration::from_millis(1001)));
    assert_eq!(part, proceed(2), "never early");
    assert_eq!(bridge::apply_update_response(Delay::For(Duration::MAX)), proceed(u32::MAX));
    let later = bridge::upgrade_time(&wait(60));
    assert_eq!(later, Some(Bridged { message: ServerTime::WAIT, lost: Lost::DELAY }));
    for action in [Action::DISCONTINUE, Action(7)] {
        assert_eq!(bridge::upgrade_time(&ApplyUpdateResponse { action, delayed_action_time: 0 }), None);
    }
}
