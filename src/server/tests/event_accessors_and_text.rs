//! Tests of the accessors and log lines of server events.

use super::*;
use crate::time::ServerTime;
use crate::zcl::{
    ClientStatus, CommandId, ImageOffer, ImageUpgradeStatus, QuerySpecificFileRequest, Refusal,
};
use std::string::ToString;

/// Compares the client, the image id and the log line of every event with the expected values.
#[test]
fn events_have_a_client_an_image_and_a_line() {
    let (client, id) = (LAMP, IMAGE);
    let request = QueryNextImageRequest {
        current: ImageId { version: crate::FileVersion(1), ..IMAGE },
        hardware: None,
    };
    let specific =
        QuerySpecificFileRequest { node: OWNER, id: IMAGE, stack: crate::StackVersion::ZIGBEE_PRO };
    let offer = ImageOffer { id, size: 1000 };
    let progress = SessionProgress { reached: 400, size: 1000, rate: Some(133), remaining: Some(4) };
    let stopped = SessionProgress { rate: Some(0), remaining: None, ..progress };
    let report = ClientStatus { status: Some(ImageUpgradeStatus::NORMAL), ..ClientStatus::default() };
    let at = |current, then| ServerTime { current, then };
    let fault = RequestFault::OffsetBeyondEnd { id, offset: 1000, size: 1000 };
    for (event, about, line) in [
        (
            ServerEvent::Queried { client, request, answer: Ok(offer), reason: None },
            Some(id),
            std::format!("{request}, offered {offer}"),
        ),
        (
            ServerEvent::QueriedSpecificFile {
                client,
                request: specific,
                answer: Err(Refusal::NO_IMAGE_AVAILABLE),
                reason: Some(RefusalReason::UnknownImage),
            },
            None,
            std::format!("{specific}, refused with NO_IMAGE_AVAILABLE: the store does not have this image"),
        ),
        (
            ServerEvent::RepeatedDownload { client, id, times: 3 },
            Some(id),
            std::format!("downloaded {id} 3 times"),
        ),
        (ServerEvent::Started { client, id }, Some(id), std::format!("download of {id} started")),
        (
            ServerEvent::Progress { client, id, progress },
            Some(id),
            std::format!("download of {id}, 400 of 1000 bytes, 133 bytes/s, 4 s left"),
        ),
        (
            ServerEvent::Progress { client, id, progress: stopped },
            Some(id),
            std::format!("download of {id}, 400 of 1000 bytes, 0 bytes/s"),
        ),
        (ServerEvent::AllServed { client, id }, Some(id), std::format!("last byte of {id} sent")),
        (ServerEvent::Waiting { client, id, seconds: 10 }, Some(id), std::format!("waits 10 s for {id}")),
        (
            ServerEvent::Stalled { client, id, reached: 64 },
            Some(id),
            std::format!("stalled at byte 64 of {id}"),
        ),
        (ServerEvent::NeverEnded { client, id }, Some(id), std::format!("no Upgrade End Request for {id}")),
        (ServerEvent::Undelivered { client, max_block_size: None }, None, "frame not delivered".into()),
        (
            ServerEvent::Undelivered { client, max_block_size: NonZeroU8::new(48) },
            None,
            "frame not delivered, blocks reduced to 48 bytes".into(),
        ),
        (
            ServerEvent::NotServed { client, id, status: Status::ABORT, reason: RefusalReason::Policy },
            Some(id),
            std::format!("{id} not served: {}: refused by the policy", Status::ABORT),
        ),
        (ServerEvent::Cancelled { client, id }, Some(id), std::format!("download of {id} cancelled")),
        (
            ServerEvent::PageDropped { client, id },
            Some(id),
            std::format!("page of {id} ended for lack of a session"),
        ),
        (
            ServerEvent::Ended { client, id, status: Status::SUCCESS },
            Some(id),
            std::format!("download of {id} ended: SUCCESS"),
        ),
        (
            ServerEvent::UpgradeScheduled { client, id, time: at(1000, 1060) },
            Some(id),
            std::format!("upgrades to {id} in 60 s"),
        ),
        (
            ServerEvent::UpgradeScheduled { client, id, time: ServerTime::WAIT },
            Some(id),
            std::format!("held with {id}"),
        ),
        (
            ServerEvent::SleepyClientHeld { client, id },
            Some(id),
            std::format!("sleepy client held with {id}"),
        ),
        (
            ServerEvent::StatusReport { client, report },
            None,
            std::format!("status report: {}", ImageUpgradeStatus::NORMAL),
        ),
        (ServerEvent::StatusReport { client, report: ClientStatus::default() }, None, "status report".into()),
        (
            ServerEvent::DefaultResponse {
                client,
                command: CommandId::IMAGE_BLOCK_RESPONSE,
                status: Status::SUCCESS,
            },
            None,
            std::format!("Default Response to {}: SUCCESS", CommandId::IMAGE_BLOCK_RESPONSE),
        ),
        (ServerEvent::Malformed { client, fault }, None, std::format!("malformed request: {fault}")),
    ] {
        assert_eq!((event.client(), event.id()), (client, about), "{event:?}");
        assert_eq!(event.to_string(), std::format!("0x1234/1: {line}"));
    }
}

#[test]
fn events_that_nobody_polls_are_counted() {
    let mut desk = Desk::with(vec![]);
    for lost in [0, 0, 0, 0, 0, 0, 0, 0, 1, 2] {
        assert_eq!(desk.ask(LAMP, "01 2a 03 00"), "18 2a 0b 03 80");
        assert_eq!(desk.server.lost_events(), lost);
    }
    assert_eq!(desk.all_events().len(), 8);
}
