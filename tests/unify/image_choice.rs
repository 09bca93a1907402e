//! Choice of the image for each device.

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::file::FileHeader;
use zigbee_ota::server::{Server, ServerAction, ServerConfig, ServerEvent, Session};
use zigbee_ota::unify::{
    AnnouncedVersions, Announcement, ConsumerConfig, FileVerdict, LastError, MqttMessage, OtaStatus,
};
use zigbee_ota::zcl::{LONGEST_TO_CLIENT, QueryNextImageRequest, Refusal};
use zigbee_ota::{HardwareRange, HardwareVersion, ImageId};

use crate::simulated_broker_and_network::{
    NEW, NEWER, OLD, Simulation, file, file_with, general, own, uiid, unid,
};

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

/// The frame that answers a request of device 1: its command and its status.
fn answer(server: &mut Server<[Session; 4]>, simulation: &Simulation, command: u8, id: ImageId) -> [u8; 2] {
    let image =
        [&id.manufacturer.0.to_le_bytes()[..], &id.image_type.0.to_le_bytes(), &id.version.0.to_le_bytes()]
            .concat();
    let frame = match command {
        0x01 => [&[1, 7, 1, 0][..], &image].concat(),
        0x03 => [&[1, 7, 3, 0][..], &image, &[0, 0, 0, 0, 50]].concat(),
        0x04 => [&[1, 7, 4, 0][..], &image, &[0, 0, 0, 0, 50, 200, 0, 50, 0]].concat(),
        _ => [&[1, 7, 6, 0][..], &image].concat(),
    };
    let consumer = &simulation.network.consumer;
    let mut out = [0; LONGEST_TO_CLIENT];
    let (mut images, mut policy) = (consumer.images(), consumer.policy(simulation.now));
    let meta = FrameMeta::unicast(Address::new(1, 1));
    let action = server.handle_frame(simulation.now, meta, &frame, &mut images, &mut policy, &mut out);
    assert!(matches!(action, ServerAction::Reply(_)), "{action:?}");
    // A Default Response has the command in front of the status.
    [out[2], if out[2] == 0x0b { out[4] } else { out[3] }]
}

const ABORT: u8 = 0x95;
const WAIT: u8 = 0x97;
const NO_IMAGE: u8 = 0x98;

/// A download of an image that is replaced gets ABORT for its next request, before the image that replaces it is there.
#[test]
fn a_download_of_a_replaced_image_is_aborted_at_once() {
    for place in [general(NEWER), own(NEWER, 1)] {
        for has_session in [true, false] {
            let mut simulation = Simulation::new();
            simulation.network.consumer.set_device(simulation.now, &unid(1), Simulation::device(1, &[OLD]));
            simulation.settle();
            simulation.offer(general(NEW), NEW);
            let mut server = Server::new(ServerConfig::default(), [Session::EMPTY; 4]);
            assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x05, 0]);
            if !has_session {
                server = Server::new(ServerConfig::default(), [Session::EMPTY; 4]);
            }
            simulation.provided = false;
            simulation.offer(place.clone(), NEWER);
            for (command, response) in [(0x03, 0x05), (0x04, 0x05), (0x06, 0x0b)] {
                assert_eq!(answer(&mut server, &simulation, command, NEW), [response, ABORT], "{command}");
            }
            // The image that replaces it is on its way; then it is there.
            assert_eq!(answer(&mut server, &simulation, 0x03, NEWER), [0x05, WAIT]);
            // The request for the image that replaces it has timed out, and still the first image is replaced.
            simulation.pass(60);
            assert_eq!(answer(&mut server, &simulation, 0x03, NEWER), [0x0b, NO_IMAGE]);
            assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x05, ABORT]);
            simulation.provided = true;
            simulation.pass(300);
            assert_eq!(answer(&mut server, &simulation, 0x01, OLD), [0x02, 0]);
            assert_eq!(answer(&mut server, &simulation, 0x03, NEWER), [0x05, 0]);
            assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x05, ABORT]);
            // Withdrawn is not replaced: the image may come back.
            simulation.withdraw(&place);
            if place.device.is_none() {
                assert_eq!(answer(&mut server, &simulation, 0x03, NEWER), [0x0b, NO_IMAGE]);
            } else {
                assert_eq!(
                    answer(&mut server, &simulation, 0x03, NEWER),
                    [0x05, ABORT],
                    "the general image counts"
                );
            }
        }
    }
}

/// Two files with one identity: a device that loses its own file must not go on with the other.
#[test]
fn two_files_with_the_same_id_are_not_mixed() {
    let mut simulation = Simulation::new();
    let mut slow = simulation.simulated(1, &[OLD]);
    slow.pause = zigbee_ota::time::Millis(500);
    slow.restart(simulation.now);
    simulation.network.join(simulation.now, slow, Simulation::device(1, &[OLD]));
    simulation.announce(general(NEW), Announcement::new(NEW.version), file(NEW, 6000));
    simulation.pass(20);
    // The device's own file is longer, and has other bytes behind byte 62.
    let mut special = file(NEW, 9000);
    special[62..].fill(0xaa);
    simulation.announce(own(NEW, 1), Announcement::new(NEW.version), special.clone());
    simulation.pass(20);
    let part = |simulation: &Simulation| simulation.network.devices[0].flash[&NEW.image_type].clone();
    assert!(
        part(&simulation).len() > 500 && special.starts_with(&part(&simulation)),
        "its own from the start"
    );
    let mut server = Server::new(ServerConfig::default(), [Session::EMPTY; 4]);
    assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x05, 0]);
    // The file for all takes its place. Blocks follow only after a query.
    let device = simulation.network.devices.remove(0);
    simulation.withdraw(&own(NEW, 1));
    assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x05, ABORT]);
    let mut asked = simulation.network.consumer.clone();
    let request = QueryNextImageRequest::new(OLD);
    let (client, answered) = (Address::new(1, 1), Err(Refusal::NO_IMAGE_AVAILABLE));
    asked.handle_event(
        simulation.now,
        &ServerEvent::Queried { client, request, answer: answered, reason: None },
    );
    let unasked = core::mem::replace(&mut simulation.network.consumer, asked);
    assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x05, 0]);
    // The device itself has not heard the notification: it asks for blocks, is refused, and is notified again.
    simulation.network.consumer = unasked;
    simulation.network.devices.push(device);
    simulation.pass(20);
    let all = file(NEW, 6000);
    assert!(part(&simulation).len() > 500 && all.starts_with(&part(&simulation)));
    simulation.pass(60);
    assert_eq!(simulation.runs(1), [NEW]);
}

/// The consumer knows from the events of the server which device is in the middle of a file.
#[test]
fn only_a_download_of_the_same_version_begins_again_with_a_query() {
    for (is_downloading, id, status) in
        [(true, NEW, ABORT), (true, NEWER, 0), (false, NEW, 0), (false, NEWER, 0)]
    {
        let mut simulation = Simulation::new();
        simulation.network.consumer.set_device(simulation.now, &unid(1), Simulation::device(1, &[OLD]));
        simulation.settle();
        simulation.offer(general(NEW), NEW);
        if is_downloading {
            let started = ServerEvent::Started { client: Address::new(1, 1), id: NEW };
            simulation.network.consumer.handle_event(simulation.now, &started);
        }
        simulation.offer(own(id, 1), id);
        let mut server = Server::new(ServerConfig::default(), [Session::EMPTY; 4]);
        let found = answer(&mut server, &simulation, 0x03, id);
        assert_eq!(found, [0x05, status], "{is_downloading} {id}");
    }
}

/// A gateway that was restarted does not end the downloads of its devices before it has the image again.
#[test]
fn a_block_of_an_image_on_its_way_is_waited_for() {
    let mut simulation = Simulation::new();
    simulation.provided = false;
    simulation.network.consumer.set_device(simulation.now, &unid(1), Simulation::device(1, &[OLD]));
    simulation.settle();
    let mut server = Server::new(ServerConfig::default(), [Session::EMPTY; 4]);
    assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x0b, NO_IMAGE], "nothing is announced");
    simulation.offer(general(NEW), NEW);
    assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x05, WAIT]);
    simulation.pass(60);
    assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x0b, NO_IMAGE], "the provider does not answer");
    simulation.provided = true;
    simulation.pass(300);
    assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x05, 0]);
    // An image that the device does not need is never requested, so there is nothing to wait for.
    for runs in [NEW, ImageId { version: zigbee_ota::FileVersion(u32::MAX), ..OLD }] {
        let mut simulation = Simulation::new();
        simulation.network.consumer.set_device(simulation.now, &unid(1), Simulation::device(1, &[runs]));
        simulation.settle();
        simulation.offer(general(NEW), NEW);
        assert_eq!(answer(&mut server, &simulation, 0x03, NEW), [0x0b, NO_IMAGE], "{runs}");
    }
}
