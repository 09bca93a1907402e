//! Which device is to have which image.

use zigbee_ota::aps::Address;
use zigbee_ota::file::FileHeader;
use zigbee_ota::server::ServerEvent;
use zigbee_ota::unify::{Config, FileVerdict, Info, LastError, Message, Status, Update};
use zigbee_ota::zcl::Refusal;
use zigbee_ota::{HardwareRange, HardwareVersion, ImageId};

use crate::world::{NEW, NEWER, OLD, World, file, file_with, general, own, uiid, unid};

fn texts(current: ImageId, target: ImageId) -> (String, String) {
    let text = |id: ImageId| format!("0x{:08X}", id.version.0);
    (text(current), text(target))
}

/// Shows: UNI-021, UNI-034
#[test]
fn an_image_for_one_device_comes_before_the_one_for_all() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    world.join(2, &[OLD]);
    world.offer(own(NEW, 1), NEW);
    // Another device is not offered it.
    world.pass(10);
    assert_eq!((world.runs(1), world.runs(2)), (&[NEW][..], &[OLD][..]));
    assert_eq!(world.versions(2, OLD), texts(OLD, OLD));
    let refused = world.network.events.iter().any(|event| {
        matches!(event, ServerEvent::Queried { client: Address { network: 2, .. }, answer, .. }
            if *answer == Err(Refusal::NO_IMAGE_AVAILABLE))
    });
    assert!(refused);
    // The one for all is newer, and still the one for the device counts there.
    world.offer(general(NEWER), NEWER);
    world.pass(10);
    assert_eq!(world.versions(1, OLD), texts(NEW, NEW));
    assert_eq!((world.runs(1), world.runs(2)), (&[NEW][..], &[NEWER][..]));
    // Without it the one for all does.
    world.withdraw(&own(NEW, 1));
    world.pass(10);
    assert_eq!(world.runs(1), [NEWER]);
    assert_eq!(world.versions(1, OLD), texts(NEWER, NEWER));
}

/// Shows: UNI-034
#[test]
fn two_files_with_one_id_go_each_to_its_device() {
    let mut world = World::new();
    world.network.consumer.set_utc(world.now, None);
    world.join(1, &[OLD]);
    world.join(2, &[OLD]);
    let wait = |len| {
        let info =
            Info { apply_after: Some("2100-01-01T00:00:00Z".parse().unwrap()), ..Info::new(NEW.version) };
        (info, file(NEW, len))
    };
    let (info, special) = wait(3000);
    world.announce(own(NEW, 1), info, special.clone());
    let (info, all) = wait(1000);
    world.announce(general(NEW), info, all.clone());
    world.pass(10);
    let holds = |at: usize, file: &[u8]| world.network.devices[at].flash[&NEW.image_type] == file;
    assert!(holds(0, &special) && holds(1, &all));
}

/// Shows: UNI-022, UNI-023, UNI-038
#[test]
fn only_newer_versions_are_installed_unless_any_other_is_wanted() {
    for (update, announced, installed) in [
        (Update::Newer, OLD, NEW),
        (Update::Newer, NEW, NEW),
        (Update::Newer, NEWER, NEWER),
        (Update::Different, OLD, OLD),
        (Update::Different, NEW, NEW),
        (Update::Different, NEWER, NEWER),
    ] {
        let mut world = World::with(Config { update, ..Config::default() }, |_| FileVerdict::Valid);
        world.join(1, &[NEW]);
        world.offer(general(announced), announced);
        let asked = world.gets(&general(announced));
        assert_eq!(asked, usize::from(installed != NEW), "{update:?} {announced}");
        let (current, target) = world.versions(1, NEW);
        assert_eq!(current == target, installed == NEW, "until it has come");
        world.pass(10);
        assert_eq!(world.runs(1), [installed], "{update:?} {announced}");
        assert_eq!(world.versions(1, NEW), texts(installed, installed));
        assert_eq!(world.status(1, NEW), Status::Idle);
    }
}

#[test]
fn a_device_that_does_not_know_its_version_is_left_alone() {
    let unknown = ImageId::new(0x1001, 0x1011, 0xffff_ffff);
    for update in [Update::Newer, Update::Different] {
        let mut world = World::with(Config { update, ..Config::default() }, |_| FileVerdict::Valid);
        world.join(1, &[unknown]);
        world.offer(general(NEW), NEW);
        world.pass(10);
        assert_eq!((world.runs(1), world.gets(&general(NEW))), (&[unknown][..], 0));
    }
}

/// Shows: UNI-050
#[test]
fn hardware_that_an_image_does_not_fit_is_not_supported() {
    for (hardware, upgraded, error) in [
        (Some(1), false, LastError::NotSupported),
        (Some(2), true, LastError::Success),
        (None, true, LastError::Success),
    ] {
        let mut world = World::new();
        let mut simulated = world.simulated(1, &[OLD]);
        simulated.hardware = hardware.map(HardwareVersion);
        simulated.restart(world.now);
        world.network.join(world.now, simulated, World::device(1, &[OLD]));
        let range = HardwareRange { min: HardwareVersion(2), max: HardwareVersion(3) };
        let header = FileHeader::new(NEW).with_hardware(range);
        world.announce(general(NEW), Info::new(NEW.version), file_with(header, 100));
        world.pass(10);
        // A device that does not tell its hardware finds out for itself; this one does not look.
        assert_eq!(world.runs(1) == [NEW], upgraded, "{hardware:?}");
        assert_eq!(world.last_error(1, OLD), error, "{hardware:?}");
        assert_eq!(world.status(1, OLD), Status::Idle);
    }
}

#[test]
fn a_withdrawn_image_is_offered_no_more() {
    let mut world = World::new();
    let mut slow = world.simulated(1, &[OLD]);
    slow.pause = zigbee_ota::time::Millis(500);
    slow.restart(world.now);
    world.network.join(world.now, slow, World::device(1, &[OLD]));
    world.offer(general(NEW), NEW);
    world.until(1, OLD, Status::DownloadInProgress);
    world.withdraw(&general(NEW));
    assert_eq!((world.status(1, OLD), world.last_error(1, OLD)), (Status::Idle, LastError::Abort));
    assert_eq!(world.versions(1, OLD), texts(OLD, OLD));
    world.pass(60);
    assert_eq!(world.runs(1), [OLD]);
    assert!(world.network.events.iter().any(|event| matches!(event, ServerEvent::NotServed { id: NEW, .. })));
    // Announced again, it is fetched again.
    world.offer(general(NEW), NEW);
    world.pass(60);
    assert_eq!((world.runs(1), world.gets(&general(NEW))), (&[NEW][..], 2));
}

#[test]
fn announcements_that_cannot_be_read_leave_the_last_one_in_force() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    world.offer_after(general(NEW), NEW, "2100-01-01T00:00:00Z");
    let topic = format!("ucl/OTA/info/{}/all", uiid(NEW));
    for (payload, reason) in [
        (&b"{}"[..], "not the payload of this topic: missing field `Version` at line 1 column 2"),
        (br#"{"Version":"2.0"}"#, r#"version "2.0": expected up to 8 hexadecimal digits, as in 0x10053519"#),
    ] {
        let message = Message { topic: topic.clone(), payload: payload.to_vec(), retain: false };
        let error = world.network.receive(world.now, &message).unwrap_err();
        assert_eq!(error.to_string(), reason);
        assert_eq!(world.network.consumer.status(&unid(1), &uiid(OLD)).unwrap().target, NEW.version);
    }
    let elsewhere = Message {
        topic: format!("ucl/OTA/info/{}/{}", uiid(NEW), unid(9)),
        payload: br#"{"Version":"1"}"#.to_vec(),
        retain: false,
    };
    let error = world.network.receive(world.now, &elsewhere).unwrap_err();
    assert_eq!(error.to_string(), format!("nothing here is called {}/{}", uiid(NEW), unid(9)));
}
