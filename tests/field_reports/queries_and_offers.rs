//! Field reports about queries and offers: devices that never query, wrong images, downgrades.

use zigbee_ota::aps::{DeliveryMode, DeliveryReport};
use zigbee_ota::client::{AcceptedVersions as Takes, Outcome};
use zigbee_ota::container::{Container, ContainerKind};
use zigbee_ota::file::FileHeader;
use zigbee_ota::server::{OfferedVersions, ServerEvent, SessionPhase};
use zigbee_ota::zcl::ImageNotify;
use zigbee_ota::{Eui64, FileVersion, HardwareRange, HardwareVersion, ImageId};

use crate::test_device::Device;
use crate::*;

/// Report 1 (z2m#22819, z2m#27389, z2m#8858): the only message is "timeout".
#[test]
fn a_device_that_never_queried_is_distinguished_from_one_that_stalled() {
    let (never, mute) = (Address::new(0x0001, 1), Address::new(0x0002, 1));
    let mut desk = Desk::with(vec![image()]);
    for client in [never, mute, LAMP] {
        let notify = desk.server.notify(client, DeliveryMode::Unicast, ImageNotify::UNICAST, &mut desk.out);
        assert_eq!(notify.unwrap().to, client);
    }
    for client in [mute, LAMP] {
        assert_eq!(desk.ask(client, QUERY), OFFER);
    }
    desk.answer(LAMP, &block(0x2a, 0, 100));
    desk.events();
    let stalled = |client, reached| ServerEvent::Stalled { client, id: IMAGE, reached };
    assert_eq!(desk.pass(10 * MINUTE), [stalled(mute, 0), stalled(LAMP, 100)]);
    assert!(desk.server.session(never).is_none());
    assert_eq!(desk.server.session(mute).unwrap().phase(), SessionPhase::Stalled { id: IMAGE, reached: 0 });
    // A device that wakes up continues at its offset.
    assert_eq!(desk.take(LAMP, 100, 100, |_| true), image()[100..]);
}

/// Report 5 (zigpy#1891, z2m#27084, zota#561): a lost notify means a lost update.
#[test]
fn a_battery_device_that_missed_the_notify_is_updated_when_it_wakes_up() {
    let mut desk = Desk::with(vec![image()]);
    let notify =
        desk.server.notify(LAMP, DeliveryMode::Unicast, ImageNotify::UNICAST, &mut desk.out).unwrap();
    desk.server.handle_delivery(desk.now(), notify.token, DeliveryReport::Failed);
    assert_eq!(desk.events(), [ServerEvent::Undelivered { client: LAMP, max_block_size: None }]);
    assert_eq!(desk.pass(23 * HOUR), []);
    assert_eq!(desk.ask(LAMP, QUERY), OFFER);
    // The device sleeps between two blocks for longer than the session timeout of the server.
    let mut taken = vec![];
    while taken.len() < 1000 {
        desk.pass(6 * MINUTE);
        let offset = u32::try_from(taken.len()).unwrap();
        let answer = desk.answer(LAMP, &block(0x2a, offset, 200));
        taken.extend(data(&answer, 0x2a, offset, 200));
    }
    assert_eq!(taken, image());
    assert_eq!(desk.ask(LAMP, END), NOW);
}

/// Report 8 (zigpy#1351, zota#292, zota#174, zota#1272): a device is bricked by the image of another device.
#[test]
fn an_image_for_another_device_is_never_offered() {
    let hardware = HardwareRange { min: HardwareVersion(3), max: HardwareVersion(5) };
    let limited = file(FileHeader::new(IMAGE).with_hardware(hardware), 1000);
    let newer = ImageId { version: FileVersion(9), ..IMAGE };
    let own = file(FileHeader::new(newer).with_destination(Eui64(7)), 1000);
    let mut desk = Desk::with(vec![limited, own]);
    for (who, query) in [
        ("another maker", "01 2a 01 01 02 10 ab 00 01 00 00 00 04 00"),
        ("another type", "01 2a 01 01 01 10 ac 00 01 00 00 00 04 00"),
        ("any type", "01 2a 01 01 01 10 ff ff 01 00 00 00 04 00"),
        ("the same version", "01 2a 01 01 01 10 ab 00 05 00 00 00 04 00"),
        ("a newer version", "01 2a 01 01 01 10 ab 00 06 00 00 00 04 00"),
        ("older hardware", "01 2a 01 01 01 10 ab 00 01 00 00 00 02 00"),
        ("newer hardware", "01 2a 01 01 01 10 ab 00 01 00 00 00 06 00"),
    ] {
        assert_eq!(desk.ask(LAMP, query), "19 2a 02 98", "{who}");
    }
    // Version 9 is for one device alone, and the client is not known to be that device.
    assert_eq!(desk.ask(LAMP, "01 2a 01 01 01 10 ab 00 01 00 00 00 04 00"), OFFER);
    let of_another = "01 2a 03 01 01 10 ab 00 09 00 00 00 00 00 00 00 40 08 00 00 00 00 00 00 00";
    assert_eq!(desk.ask(LAMP, of_another), "18 2a 0b 03 98");
}

/// Report 8 (z2m#30380, deconz-ota#44, deconz-ota#37): a device returns with its old version after each update.
#[test]
fn an_update_without_effect_is_not_repeated_for_ever() {
    let mut desk = Desk::with(vec![image()]);
    let mut downloads = 0;
    for _ in 0..20 {
        if desk.ask(LAMP, QUERY) == OFFER {
            assert_eq!(desk.take(LAMP, 0, 200, |_| true), image());
            assert_eq!(desk.ask(LAMP, END), NOW);
            downloads += 1;
        }
        desk.pass(HOUR);
    }
    assert_eq!(downloads, 3);
}

/// Report 9 (zigpy PR1736, zigpy#1737, zota#1275, zota#104, zhc#9963, zigpy#497, zigpy#1305): a vendor's file has a
/// length before it, a signature after it, an odd size, and unknown elements.
#[test]
fn a_file_with_a_prefix_an_odd_length_and_unknown_elements_is_served_as_it_is() {
    // Tag 0xF000, its length, two bytes beyond a usual element head, data; then the start of another element.
    let body = bytes("00 f0 05 00 00 00 34 12 01 02 03 04 05 ff ff ff ff ff 99");
    let mut ota = file(FileHeader::new(IMAGE), 56 + 19);
    ota.splice(56.., body);
    let shipped = [&75_u32.to_le_bytes()[..], &ota, &[0; 17]].concat();
    let container = Container::open(&shipped).unwrap();
    assert_eq!(container.kind, ContainerKind::LegrandLength);
    let mut desk = Desk::with(vec![container.ota.to_vec()]);
    assert_eq!(desk.ask(LAMP, QUERY), OFFER.replace("e8 03", "4b 00"));
    let answer = desk.answer(LAMP, &block(0x2a, 0, 255));
    assert_eq!(data(&answer, 0x2a, 0, 255), ota);
    // The total size of the header ends the file, whatever follows.
    assert_eq!(desk.ask(LAMP, &hex(&block(0x2a, 75, 16))), "18 2a 0b 03 80");
}

/// Report 14 (zha PR793, zhc PR3662, z2m#22204, z2m#24295): no downgrade, and no reinstallation of the same version.
#[test]
fn downgrade_and_reinstallation_work_where_both_sides_allow_them() {
    for (runs, versions, takes, goes) in [
        (7, OfferedVersions::Upgrade, Takes::Different, false),
        (7, OfferedVersions::Downgrade, Takes::Newer, false),
        (7, OfferedVersions::Downgrade, Takes::Different, true),
        (5, OfferedVersions::Upgrade, Takes::Any, false),
        (5, OfferedVersions::Reinstall, Takes::Different, false),
        (5, OfferedVersions::Reinstall, Takes::Any, true),
        (3, OfferedVersions::Any, Takes::Newer, true),
    ] {
        let mut desk = Desk::with(vec![image()]);
        desk.decisions.standard.versions = versions;
        let mut device = Device::running(runs, takes);
        device.live(60_000, |now, frame| {
            desk.now = now.as_millis();
            desk.reply(LAMP, frame)
        });
        let outcome = goes.then_some(Outcome::Upgraded(IMAGE));
        assert_eq!(device.ended, outcome, "from {runs}, {versions:?} and {takes:?}");
    }
    // A device with an unknown version takes an image only when configured to.
    let mut desk = Desk::with(vec![image()]);
    let unknown = "01 2a 01 00 01 10 ab 00 ff ff ff ff";
    assert_eq!(desk.ask(LAMP, unknown), "19 2a 02 98");
    desk.decisions.standard.offer_to_unknown_version = true;
    assert_eq!(desk.ask(LAMP, unknown), OFFER);
}

/// Report (zigate#186): one image at a time.
#[test]
fn images_of_several_manufacturers_are_served_at_once() {
    let others = [0x1002, 0x1003].map(|maker| file(FileHeader::new(ImageId::new(maker, 0x00ab, 5)), 900));
    let mut desk = Desk::with([vec![image()], others.to_vec()].concat());
    for offset in (0..900).step_by(100) {
        for (maker, file) in [(1, &image()), (2, &others[0]), (3, &others[1])] {
            let mut request = block(0x2a, offset, 100);
            request[4] = maker;
            let answer = desk.answer(Address::new(u16::from(maker), 1), &request);
            let start = usize::try_from(offset).unwrap();
            assert_eq!((answer[4], &answer[17..]), (maker, &file[start..start + 100]));
        }
    }
    assert_eq!(desk.server.sessions().count(), 3);
}

/// Report (zsmart#1087): a device that has just started lacks some attributes.
#[test]
fn a_device_without_a_current_file_version_reports_what_it_has() {
    let mut desk = Desk::with(vec![]);
    let question = desk.server.read_status(LAMP, &mut desk.out);
    assert_eq!(hex(&desk.out[..question.len]), "08 00 00 06 00 02 00 04 00 01 00 08 00 07 00 03 00 05 00");
    // ImageUpgradeStatus normal; CurrentFileVersion unsupported; the rest is absent.
    assert_eq!(desk.handle(LAMP, &bytes("10 00 01 06 00 00 30 00 02 00 86")), ServerAction::Done);
    let [ServerEvent::StatusReport { client: LAMP, report }] = desk.events()[..] else { panic!() };
    assert_eq!((report.status.map(|status| status.0), report.current_version), (Some(0), None));
}
