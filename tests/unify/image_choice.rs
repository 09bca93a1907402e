//! Choice of the image for each device.

use zigbee_ota::aps::Address;
use zigbee_ota::file::FileHeader;
use zigbee_ota::server::ServerEvent;
use zigbee_ota::unify::{
    AnnouncedVersions, Announcement, ConsumerConfig, FileVerdict, LastError, MqttMessage, OtaStatus,
};
use zigbee_ota::zcl::Refusal;
use zigbee_ota::{HardwareRange, HardwareVersion, ImageId};

use crate::simulation::{NEW, NEWER, OLD, Simulation, file, file_with, general, own, uiid, unid};

fn accepting(versions: AnnouncedVersions) -> ConsumerConfig {
    let mut config = ConsumerConfig::default();
    config.versions = versions;
    config
}

fn texts(current: ImageId, target: ImageId) -> (String, String) {
    let text = |id: ImageId| format!("0x{:08X}", id.version.0);
    (text(current), text(target))
}

/// Shows: UNI-021, UNI-034
#[test]
fn an_image_for_one_device_takes_precedence_over_the_one_for_all() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.join(2, &[OLD]);
    simulation.offer(own(NEW, 1), NEW);
    // Another device is not offered it.
    simulation.pass(10);
    assert_eq!((simulation.runs(1), simulation.runs(2)), (&[NEW][..], &[OLD][..]));
    assert_eq!(simulation.versions(2, OLD), texts(OLD, OLD));
    let refused = simulation.network.events.iter().any(|event| {
        matches!(event, ServerEvent::Queried { client: Address { network: 2, .. }, answer, .. }
            if *answer == Err(Refusal::NO_IMAGE_AVAILABLE))
    });
    assert!(refused);
    // The one for all is newer, and still the one for the device counts there.
    simulation.offer(general(NEWER), NEWER);
    simulation.pass(10);
    assert_eq!(simulation.versions(1, OLD), texts(NEW, NEW));
    assert_eq!((simulation.runs(1), simulation.runs(2)), (&[NEW][..], &[NEWER][..]));
    // Without it the one for all does.
    simulation.withdraw(&own(NEW, 1));
    simulation.pass(10);
    assert_eq!(simulation.runs(1), [NEWER]);
    assert_eq!(simulation.versions(1, OLD), texts(NEWER, NEWER));
}

/// Shows: UNI-034
#[test]
fn two_files_with_the_same_id_go_each_to_its_device() {
    let mut simulation = Simulation::new();
    simulation.network.consumer.set_utc(simulation.now, None);
    simulation.join(1, &[OLD]);
    simulation.join(2, &[OLD]);
    let wait = |len| {
        let mut info = Announcement::new(NEW.version);
        info.apply_after = Some("2100-01-01T00:00:00Z".parse().unwrap());
        (info, file(NEW, len))
    };
    let (info, special) = wait(3000);
    simulation.announce(own(NEW, 1), info, special.clone());
    let (info, all) = wait(1000);
    simulation.announce(general(NEW), info, all.clone());
    simulation.pass(10);
    let holds = |at: usize, file: &[u8]| simulation.network.devices[at].flash[&NEW.image_type] == file;
    assert!(holds(0, &special) && holds(1, &all));
}

/// Shows: UNI-022, UNI-023, UNI-038
#[test]
fn only_newer_versions_are_installed_unless_different_ones_are_accepted() {
    for (versions, announced, installed) in [
        (AnnouncedVersions::Newer, OLD, NEW),
        (AnnouncedVersions::Newer, NEW, NEW),
        (AnnouncedVersions::Newer, NEWER, NEWER),
        (AnnouncedVersions::Different, OLD, OLD),
        (AnnouncedVersions::Different, NEW, NEW),
        (AnnouncedVersions::Different, NEWER, NEWER),
    ] {
        let mut simulation = Simulation::with(accepting(versions), |_| FileVerdict::Valid);
        simulation.join(1, &[NEW]);
        simulation.offer(general(announced), announced);
        let asked = simulation.gets(&general(announced));
        assert_eq!(asked, usize::from(installed != NEW), "{versions:?} {announced}");
        let (current, target) = simulation.versions(1, NEW);
        assert_eq!(current == target, installed == NEW, "until it has come");
        simulation.pass(10);
        assert_eq!(simulation.runs(1), [installed], "{versions:?} {announced}");
        assert_eq!(simulation.versions(1, NEW), texts(installed, installed));
        assert_eq!(simulation.status(1, NEW), OtaStatus::Idle);
    }
}

#[test]
fn a_device_with_an_unknown_version_is_not_upgraded() {
    let unknown = ImageId::new(0x1001, 0x1011, 0xffff_ffff);
    for versions in [AnnouncedVersions::Newer, AnnouncedVersions::Different] {
        let mut simulation = Simulation::with(accepting(versions), |_| FileVerdict::Valid);
        simulation.join(1, &[unknown]);
        simulation.offer(general(NEW), NEW);
        simulation.pass(10);
        assert_eq!((simulation.runs(1), simulation.gets(&general(NEW))), (&[unknown][..], 0));
    }
}

/// Shows: UNI-050
#[test]
fn unsuitable_hardware_is_published_as_not_supported() {
    for (hardware, upgraded, error) in [
        (Some(1), false, LastError::NotSupported),
        (Some(2), true, LastError::Success),
        (None, true, LastError::Success),
    ] {
        let mut simulation = Simulation::new();
        let mut simulated = simulation.simulated(1, &[OLD]);
        simulated.hardware = hardware.map(HardwareVersion);
        simulated.restart(simulation.now);
        simulation.network.join(simulation.now, simulated, Simulation::device(1, &[OLD]));
        let range = HardwareRange { min: HardwareVersion(2), max: HardwareVersion(3) };
        let header = FileHeader::new(NEW).with_hardware(range);
        simulation.announce(general(NEW), Announcement::new(NEW.version), file_with(header, 100));
        simulation.pass(10);
        // A device that does not tell its hardware finds out for itself; this one does not look.
        assert_eq!(simulation.runs(1) == [NEW], upgraded, "{hardware:?}");
        assert_eq!(simulation.last_error(1, OLD), error, "{hardware:?}");
        assert_eq!(simulation.status(1, OLD), OtaStatus::Idle);
    }
}

#[test]
fn a_withdrawn_image_is_no_longer_offered() {
    let mut simulation = Simulation::new();
    let mut slow = simulation.simulated(1, &[OLD]);
    slow.pause = zigbee_ota::time::Millis(500);
    slow.restart(simulation.now);
    simulation.network.join(simulation.now, slow, Simulation::device(1, &[OLD]));
    simulation.offer(general(NEW), NEW);
    simulation.until(1, OLD, OtaStatus::DownloadInProgress);
    simulation.withdraw(&general(NEW));
    assert_eq!(
        (simulation.status(1, OLD), simulation.last_error(1, OLD)),
        (OtaStatus::Idle, LastError::Abort)
    );
    assert_eq!(simulation.versions(1, OLD), texts(OLD, OLD));
    simulation.pass(60);
    assert_eq!(simulation.runs(1), [OLD]);
    assert!(
        simulation.network.events.iter().any(|event| matches!(event, ServerEvent::NotServed { id: NEW, .. }))
    );
    // Announced again, it is fetched again.
    simulation.offer(general(NEW), NEW);
    simulation.pass(60);
    assert_eq!((simulation.runs(1), simulation.gets(&general(NEW))), (&[NEW][..], 2));
}

#[test]
fn an_invalid_announcement_leaves_the_last_one_in_force() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.offer_after(general(NEW), NEW, "2100-01-01T00:00:00Z");
    let topic = format!("ucl/OTA/info/{}/all", uiid(NEW));
    for (payload, reason) in [
        (&b"{}"[..], "not the payload of this topic: missing field `Version` at line 1 column 2"),
        (br#"{"Version":"2.0"}"#, r#"version "2.0": expected up to 8 hexadecimal digits, as in 0x10053519"#),
    ] {
        let message = MqttMessage { topic: topic.clone(), payload: payload.to_vec(), retain: false };
        let error = simulation.network.receive(simulation.now, &message).unwrap_err();
        assert_eq!(error.to_string(), reason);
        assert_eq!(simulation.network.consumer.status(&unid(1), &uiid(OLD)).unwrap().target, NEW.version);
    }
    let elsewhere = MqttMessage {
        topic: format!("ucl/OTA/info/{}/{}", uiid(NEW), unid(9)),
        payload: br#"{"Version":"1"}"#.to_vec(),
        retain: false,
    };
    let error = simulation.network.receive(simulation.now, &elsewhere).unwrap_err();
    assert_eq!(error.to_string(), format!("no device here for {}/{}", uiid(NEW), unid(9)));
}
