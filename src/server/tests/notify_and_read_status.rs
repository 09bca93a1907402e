//! Tests of Image Notify, and of the request for the status of a client.

use super::*;
use crate::aps::DeliveryReport;
use crate::types::{FileVersion, ImageFilter};
use crate::zcl::{ImageNotify, NotifyScope, Violation};

const ROOM: Address = Address::new(0x0007, 0xff);

fn notify(
    desk: &mut Desk<SliceStore<'_>, Script>,
    to: Address,
    delivery: DeliveryMode,
    notify: ImageNotify,
) -> String {
    let transmit = desk.server.notify(to, delivery, notify, &mut desk.out).unwrap();
    assert_eq!(transmit.aps_ack, delivery == DeliveryMode::Unicast);
    let token = transmit.token;
    assert_eq!(transmit, Transmit { token, ..Transmit::new(to, transmit.len, delivery) });
    hex(&desk.out[..transmit.len])
}

/// Shows: SRV-009, SRV-012
#[test]
fn four_payload_types_go_by_three_delivery_modes() {
    let mut desk = Desk::with(vec![]);
    let (manufacturer, image_type) = (ManufacturerCode(0x1001), ImageType(0x00ab));
    let version = FileVersion(0x1005_3519);
    let scopes = [
        (NotifyScope::Everyone, "00 32"),
        (NotifyScope::Manufacturer(manufacturer), "01 32 01 10"),
        (NotifyScope::ImageType(manufacturer, image_type), "02 32 01 10 ab 00"),
        (
            NotifyScope::NewVersion(ImageFilter { manufacturer, image_type, version }),
            "03 32 01 10 ab 00 19 35 05 10",
        ),
    ];
    let ways = [
        (LAMP, DeliveryMode::Unicast, "09"),
        (Address::ALL_AWAKE, DeliveryMode::Broadcast, "19"),
        (ROOM, DeliveryMode::Multicast, "19"),
    ];
    let mut sequence = 0;
    for (scope, payload) in scopes {
        for (to, delivery, control) in ways {
            let sent = notify(&mut desk, to, delivery, ImageNotify { jitter: 50, scope });
            assert_eq!(sent, std::format!("{control} {sequence:02x} 00 {payload}"));
            sequence += 1;
        }
    }
}

/// Shows: SRV-010, SRV-011
#[test]
fn jitter_is_1_to_100() {
    let mut desk = Desk::with(vec![]);
    assert_eq!(notify(&mut desk, LAMP, DeliveryMode::Unicast, ImageNotify::UNICAST), "09 00 00 00 64");
    let usual = ImageNotify { jitter: ImageNotify::DEFAULT_JITTER, scope: NotifyScope::Everyone };
    assert_eq!(notify(&mut desk, Address::ALL_AWAKE, DeliveryMode::Broadcast, usual), "19 01 00 00 32");
    for delivery in [DeliveryMode::Unicast, DeliveryMode::Multicast, DeliveryMode::Broadcast] {
        for jitter in [0, 101, 255] {
            let result = desk.server.notify(LAMP, delivery, ImageNotify { jitter, ..usual }, &mut desk.out);
            assert_eq!(result, Err(Violation::QueryJitter(jitter)));
        }
        for jitter in [1, 100] {
            assert!(
                desk.server.notify(LAMP, delivery, ImageNotify { jitter, ..usual }, &mut desk.out).is_ok()
            );
        }
    }
    // Refused frames use no sequence number.
    assert_eq!(notify(&mut desk, LAMP, DeliveryMode::Unicast, ImageNotify::UNICAST), "09 08 00 00 64");
}

/// Shows: SRV-013
#[test]
fn a_new_image_in_the_store_sends_no_notify() {
    let mut desk = Desk::with(vec![]);
    let query = "01 07 01 00 01 10 ab 00 01 00 00 00";
    assert_eq!(desk.ask(LAMP, query), "19 07 02 98");
    desk.images = catalog(vec![plain(5, 101)]);
    desk.events();
    // A Default Response gets no answer, however long the image has been in the store.
    desk.now += 86_400_000;
    assert_eq!(desk.handle(LAMP, "10 08 0b 02 00"), ServerAction::Done);
    assert_eq!(desk.events().len(), 1, "the Default Response");
    assert_eq!(desk.ask(LAMP, query), "19 07 02 00 01 10 ab 00 05 00 00 00 65 00 00 00");
}

/// Shows: SRV-014
#[test]
fn a_notify_that_is_lost_ends_nothing() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    let first = "01 07 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 02";
    assert_eq!(desk.ask(LAMP, first), "19 07 05 00 01 10 ab 00 05 00 00 00 00 00 00 00 02 1e f1");
    let before = desk.phase(LAMP);
    for client in [LAMP, PLUG] {
        for _ in 0..10 {
            let way = DeliveryMode::Unicast;
            let sent = desk.server.notify(client, way, ImageNotify::UNICAST, &mut desk.out).unwrap();
            desk.server.handle_delivery(Instant::ZERO, sent.token, DeliveryReport::Failed);
            let carries = None;
            assert_eq!(
                desk.events().last(),
                Some(&ServerEvent::Undelivered { client, max_block_size: carries })
            );
        }
    }
    assert_eq!((desk.phase(LAMP), desk.phase(PLUG)), (before, None));
    desk.now += 3_600_000;
    let next = "01 08 03 00 01 10 ab 00 05 00 00 00 02 00 00 00 02";
    assert_eq!(desk.ask(LAMP, next), "19 08 05 00 01 10 ab 00 05 00 00 00 02 00 00 00 02 ee 0b");
    let query = "01 01 01 00 01 10 ab 00 01 00 00 00";
    assert_eq!(desk.ask(PLUG, query), "19 01 02 00 01 10 ab 00 05 00 00 00 65 00 00 00");
}

/// Shows: SRV-082
#[test]
fn one_frame_reads_a_clients_status_and_versions() {
    let mut desk = Desk::with(vec![]);
    let sent = desk.server.read_status(LAMP, &mut desk.out);
    let question = desk.sent(LAMP, sent);
    assert_eq!(question, "08 00 00 06 00 02 00 04 00 01 00 08 00 07 00 03 00 05 00");
    let held = zcl::AttributeSnapshot {
        status: zcl::ImageUpgradeStatus::WAITING_TO_UPGRADE,
        downloaded_version: Some(crate::FileVersion(5)),
        manufacturer: Some(ManufacturerCode(0x1001)),
        ..zcl::AttributeSnapshot::DEFAULT
    };
    let question = bytes(&question);
    let question = Frame::decode(&question, zcl::Quirks::empty()).unwrap();
    let mut answer = [0; zcl::LONGEST_ATTRIBUTES];
    let len = held.answer(&question, &mut answer).unwrap().unwrap();
    assert_eq!(desk.handle(LAMP, &hex(&answer[..len])), ServerAction::Done);
    let [ServerEvent::StatusReport { client: LAMP, report }] = desk.events()[..] else { panic!() };
    assert_eq!(report.status, Some(held.status));
    assert_eq!(report.downloaded_version, held.downloaded_version);
    assert_eq!((report.current_version, report.file_offset), (held.current_version, held.file_offset));
    assert_eq!(report.manufacturer, held.manufacturer);
}
