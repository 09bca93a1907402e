//! Tests of Upgrade End.

use super::*;
use crate::time::ServerTime;
use crate::zcl::{Refusal, Violation};

const END: &str = "01 2a 06 00 01 10 ab 00 05 00 00 00";
const NOW: &str = "19 2a 07 01 10 ab 00 05 00 00 00 00 00 00 00 00 00 00 00";
const HOLD: &str = "19 2a 07 01 10 ab 00 05 00 00 00 00 00 00 00 ff ff ff ff";

/// Shows: SRV-060, CMD-080
#[test]
fn success_is_answered_with_an_upgrade_end_response_for_the_same_image() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, END), NOW);
    let ended = ServerEvent::Ended { client: LAMP, id: IMAGE, status: Status::SUCCESS };
    assert_eq!(
        desk.events(),
        [ended, ServerEvent::UpgradeScheduled { client: LAMP, id: IMAGE, time: ServerTime::NOW }]
    );
    assert_eq!(desk.phase(LAMP), Some(SessionPhase::Ended { id: IMAGE, status: Status::SUCCESS }));
    assert_eq!(
        desk.ask(PLUG, "01 99 06 00 02 20 cd bf 78 56 34 12"),
        "19 99 07 02 20 cd bf 78 56 34 12 00 00 00 00 00 00 00 00"
    );
}

/// Shows: SRV-061
#[test]
fn any_other_end_is_acknowledged_and_no_more() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for (code, status) in
        [("96", Status::INVALID_IMAGE), ("99", Status::REQUIRE_MORE_IMAGE), ("95", Status::ABORT)]
    {
        let end = std::format!("01 2a 06 {code} 01 10 ab 00 05 00 00 00");
        assert_eq!(desk.ask(LAMP, &end), "18 2a 0b 06 00");
        assert_eq!(desk.events(), [ServerEvent::Ended { client: LAMP, id: IMAGE, status }]);
        assert_eq!(desk.phase(LAMP), Some(SessionPhase::Ended { id: IMAGE, status }));
        // A client that disables the default response gets no answer to a success.
        let quiet = std::format!("11 2a 06 {code} 01 10 ab 00 05 00 00 00");
        assert_eq!(desk.handle(LAMP, &quiet), ServerAction::Done);
        assert_eq!(desk.events(), [ServerEvent::Ended { client: LAMP, id: IMAGE, status }]);
    }
    // The client may start the download again.
    let block = "01 2b 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 02";
    assert_eq!(desk.ask(LAMP, block), "19 2b 05 00 01 10 ab 00 05 00 00 00 00 00 00 00 02 1e f1");
}

/// Shows: CMD-075
#[test]
fn a_status_that_an_end_does_not_have_means_failed() {
    let mut desk = Desk::with(vec![]);
    assert_eq!(desk.ask(LAMP, "01 2a 06 01 01 10 ab 00 05 00 00 00"), "18 2a 0b 06 00");
    assert_eq!(desk.events(), [ServerEvent::Ended { client: LAMP, id: IMAGE, status: Status(0x01) }]);

    let strict = ServerConfig { strict: true, ..ServerConfig::default() };
    let mut desk = Desk::configured(strict, 4, SliceStore::default(), Script::default());
    assert_eq!(desk.ask(LAMP, "01 2a 06 01 01 10 ab 00 05 00 00 00"), "18 2a 0b 06 80");
    let fault = RequestFault::Violation(Violation::Status(Status(0x01)));
    assert_eq!(desk.events(), [ServerEvent::Malformed { client: LAMP, fault }]);
    assert_eq!(desk.ask(LAMP, END), NOW);
}

/// Shows: SRV-064
#[test]
fn an_upgrade_is_now_later_at_a_time_or_held() {
    let mut desk = Desk::with(vec![]);
    let in_utc = "19 2a 07 01 10 ab 00 05 00 00 00 e8 03 00 00 40 06 00 00";
    for (apply, answer) in [
        (UpgradeDecision::Now, NOW),
        (UpgradeDecision::AfterSeconds(3600), "19 2a 07 01 10 ab 00 05 00 00 00 00 00 00 00 10 0e 00 00"),
        (UpgradeDecision::AfterSeconds(u32::MAX), "19 2a 07 01 10 ab 00 05 00 00 00 00 00 00 00 fe ff ff ff"),
        (UpgradeDecision::Hold, HOLD),
    ] {
        desk.policy.apply = Some(apply);
        assert_eq!(desk.ask(LAMP, END), answer, "{apply:?}");
    }
    desk.server.set_utc(desk.now(), Some(UtcTime(1000)));
    desk.policy.apply = Some(UpgradeDecision::At(UtcTime(1600)));
    assert_eq!(desk.ask(LAMP, END), in_utc);
}

/// Shows: SRV-065, CMD-022
#[test]
fn all_responses_have_one_form_of_times() {
    let block = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 02";
    let orders = [
        UpgradeDecision::Now,
        UpgradeDecision::AfterSeconds(9),
        UpgradeDecision::AfterSeconds(u32::MAX),
        UpgradeDecision::At(UtcTime(5)),
        UpgradeDecision::At(UtcTime(2000)),
        UpgradeDecision::Hold,
    ];
    let mut desk = Desk::with(vec![plain(5, 101)]);
    desk.policy.pace = Some(PaceDecision::Wait { seconds: 30 });
    desk.now = 77_000;
    let current_times = |desk: &mut Desk<SliceStore<'static>, Script>, expected: &str| {
        for apply in orders {
            desk.policy.apply = Some(apply);
            assert_eq!(desk.ask(LAMP, END)[3 * 11..][..11], *expected, "{apply:?}");
        }
        assert_eq!(desk.ask(LAMP, block)[3 * 4..][..11], *expected);
    };
    current_times(&mut desk, "00 00 00 00");
    // Without a clock a time in UTC cannot be sent: the client is held, and nothing starts early.
    desk.policy.apply = Some(UpgradeDecision::At(UtcTime(5)));
    assert_eq!(desk.ask(LAMP, END), HOLD);

    desk.server.set_utc(desk.now(), Some(UtcTime(1000)));
    current_times(&mut desk, "e8 03 00 00");
    desk.now += 256_000;
    current_times(&mut desk, "e8 04 00 00");
    assert_eq!(desk.ask(LAMP, block), "19 2a 05 97 e8 04 00 00 06 05 00 00");
    desk.server.set_utc(desk.now(), None);
    current_times(&mut desk, "00 00 00 00");

    assert_eq!(zcl::ImageNotify::DEFAULT_JITTER, 50);
}

/// Shows: SRV-067
#[test]
fn a_sleepy_client_that_is_held_is_reported() {
    struct Bedroom(UpgradeDecision);
    impl ServerPolicy for Bedroom {
        fn upgrade(&mut self, _: Address, _: ImageId) -> UpgradeDecision {
            self.0
        }
        fn is_sleepy(&mut self, client: Address) -> bool {
            client == LAMP
        }
    }
    let warning = ServerEvent::SleepyClientHeld { client: LAMP, id: IMAGE };
    for (apply, client, warned) in [
        (UpgradeDecision::Hold, LAMP, true),
        (UpgradeDecision::Hold, PLUG, false),
        (UpgradeDecision::Now, LAMP, false),
        (UpgradeDecision::At(UtcTime(9)), LAMP, true),
    ] {
        let mut desk = Desk::new(SliceStore::default(), Bedroom(apply));
        desk.ask(client, END);
        assert_eq!(desk.events().contains(&warning), warned, "{apply:?}");
    }
}

/// Shows: SRV-068
#[test]
fn an_unsolicited_response_reaches_one_or_all_and_those_who_missed_it() {
    const THIRD: Address = Address::new(0x0003, 1);
    let mut desk = Desk::with(vec![plain(5, 101)]);
    desk.policy.apply = Some(UpgradeDecision::Hold);
    for client in [LAMP, PLUG, THIRD] {
        assert_eq!(desk.ask(client, END), HOLD);
    }
    let now = desk.now();
    let sent = desk.server.release(now, LAMP, DeliveryMode::Unicast, IMAGE.into(), 0, &mut desk.out);
    assert_eq!(desk.sent(LAMP, sent), "19 00 07 01 10 ab 00 05 00 00 00 00 00 00 00 00 00 00 00");
    // A sleepy client that missed the response is released by its next request, although the policy still holds it.
    assert_eq!(desk.ask(LAMP, END), NOW);
    assert_eq!(desk.ask(LAMP, END), NOW, "each time");
    assert_eq!(desk.ask(PLUG, END), HOLD, "it is not meant");

    let all = Address::ALL_AWAKE;
    let sent = desk.server.release(now, all, DeliveryMode::Broadcast, IMAGE.into(), 60, &mut desk.out);
    assert_eq!((sent.to, sent.delivery, sent.aps_ack), (all, DeliveryMode::Broadcast, false));
    assert_eq!(hex(&desk.out[..sent.len]), "19 01 07 01 10 ab 00 05 00 00 00 00 00 00 00 3c 00 00 00");
    for client in [PLUG, THIRD] {
        assert_eq!(desk.ask(client, END), NOW);
    }
    // A device that runs the image needs no release; `hold` revokes it.
    desk.ask(PLUG, "01 2a 01 00 01 10 ab 00 05 00 00 00");
    assert_eq!(desk.ask(PLUG, END), HOLD);
    let sent = desk.server.hold(now, THIRD, DeliveryMode::Unicast, IMAGE.into(), &mut desk.out);
    assert_eq!(desk.sent(THIRD, sent), HOLD.replacen("2a", "02", 1));
    assert_eq!(desk.ask(THIRD, END), HOLD);
    assert_eq!(desk.ask(LAMP, END), NOW);
}

/// Shows: SRV-069
#[test]
fn a_wildcard_response_is_for_every_image_it_matches() {
    use crate::types::ImageFilter;
    let mut desk = Desk::with(vec![
        plain(5, 101),
        file(FileHeader::new(ImageId::new(0x2002, 0xbfcd, 0x1234_5678)), 101),
    ]);
    desk.policy.apply = Some(UpgradeDecision::Hold);
    let other = "01 2a 06 00 02 20 cd bf 78 56 34 12";
    assert_eq!(desk.ask(LAMP, END), HOLD);
    desk.ask(PLUG, other);
    let maker = ImageFilter { manufacturer: ManufacturerCode(0x2002), ..ImageFilter::ALL };
    let (now, all) = (desk.now(), Address::ALL_AWAKE);
    let sent = desk.server.release(now, all, DeliveryMode::Broadcast, maker, 0, &mut desk.out);
    assert_eq!(hex(&desk.out[..sent.len]), "19 00 07 02 20 ff ff ff ff ff ff 00 00 00 00 00 00 00 00");
    assert_eq!(desk.ask(LAMP, END), HOLD);
    assert!(desk.ask(PLUG, other).ends_with("00 00 00 00 00 00 00 00"));
    let sent = desk.server.release(now, all, DeliveryMode::Broadcast, ImageFilter::ALL, 0, &mut desk.out);
    assert_eq!(hex(&desk.out[..sent.len]), "19 01 07 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00");
    assert_eq!(desk.ask(LAMP, END), NOW);
}

/// Shows: SRV-070
#[test]
fn readiness_is_judged_by_session_and_attributes() {
    use crate::zcl::{ClientStatus, ImageUpgradeStatus};
    use crate::{FileVersion, StackVersion};
    let mut desk = Desk::with(vec![plain(5, 101)]);
    desk.ask(LAMP, END);
    desk.ask(PLUG, "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 02");
    let stack = StackVersion::ZIGBEE_PRO;
    let is_ready =
        |client, status: Option<&ClientStatus>| desk.server.is_ready_to_upgrade(client, IMAGE, stack, status);
    assert_eq!(is_ready(LAMP, None), Some(true));
    assert_eq!(is_ready(PLUG, None), None);
    let waiting = ClientStatus {
        status: Some(ImageUpgradeStatus::WAITING_TO_UPGRADE),
        downloaded_version: Some(FileVersion(5)),
        downloaded_stack: Some(stack),
        ..ClientStatus::default()
    };
    let status = Some(ImageUpgradeStatus::DOWNLOAD_IN_PROGRESS);
    for (report, readiness) in [
        (waiting, Some(true)),
        (ClientStatus { downloaded_version: Some(FileVersion(4)), ..waiting }, Some(false)),
        (ClientStatus { downloaded_stack: Some(StackVersion::ZIGBEE_IP), ..waiting }, Some(false)),
        (ClientStatus { manufacturer: Some(ManufacturerCode(1)), ..waiting }, Some(false)),
        (ClientStatus { status, ..waiting }, Some(false)),
        (ClientStatus { downloaded_version: None, ..waiting }, None),
        (ClientStatus::default(), None),
    ] {
        assert_eq!(is_ready(PLUG, Some(&report)), readiness, "{report:?}");
    }
}

/// Shows: SRV-071
#[test]
fn a_repeated_request_is_answered_by_the_latest_decision() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for (apply, answer) in
        [(UpgradeDecision::Hold, HOLD), (UpgradeDecision::Hold, HOLD), (UpgradeDecision::Now, NOW)]
    {
        desk.policy.apply = Some(apply);
        assert_eq!(desk.ask(LAMP, END), answer);
        desk.now += 3_600_000;
    }
    assert_eq!(desk.events().iter().filter(|event| matches!(event, ServerEvent::Ended { .. })).count(), 3);
}

/// Shows: SRV-073
#[test]
fn an_image_that_is_gone_can_still_be_upgraded_to() {
    let mut desk = Desk::with(vec![]);
    assert_eq!(desk.ask(LAMP, END), NOW);
    desk.policy.apply = Some(UpgradeDecision::Hold);
    assert_eq!(desk.ask(LAMP, END), HOLD);
    desk.policy.apply = Some(UpgradeDecision::Refuse(Refusal::NO_IMAGE_AVAILABLE));
    assert_eq!(desk.ask(LAMP, END), "18 2a 0b 06 98");
}

/// Shows: SRV-074
#[test]
fn an_upgrade_can_be_refused_after_the_download() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    desk.policy.apply = Some(UpgradeDecision::Refuse(Refusal::ABORT));
    assert_eq!(desk.ask(LAMP, END), "18 2a 0b 06 95");
    // A client that disables the default response is answered too, as the status is an error.
    assert_eq!(desk.ask(LAMP, "11 2a 06 00 01 10 ab 00 05 00 00 00"), "18 2a 0b 06 95");
    desk.policy.apply = Some(UpgradeDecision::Hold);
    assert_eq!(desk.ask(LAMP, END), HOLD);
}

#[test]
fn a_client_that_holds_an_image_of_another_type_is_not_ready() {
    use crate::types::StackVersion;
    use crate::zcl::{ClientStatus, ImageUpgradeStatus};

    let report = ClientStatus {
        status: Some(ImageUpgradeStatus::DOWNLOAD_COMPLETE),
        downloaded_version: Some(IMAGE.version),
        image_type: Some(IMAGE.image_type),
        ..ClientStatus::default()
    };
    let desk = Desk::with(vec![]);
    let is_ready =
        |status| desk.server.is_ready_to_upgrade(LAMP, IMAGE, StackVersion::ZIGBEE_PRO, Some(status));
    assert_eq!(is_ready(&report), Some(true));
    let other = ClientStatus { image_type: Some(ImageType(0x00ac)), ..report };
    assert_eq!(is_ready(&other), Some(false));
}
