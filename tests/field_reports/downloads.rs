//! Field reports about downloads: lost, late and repeated frames, and restarts.

use std::num::NonZeroU8;

use zigbee_ota::client::TransferMode;
use zigbee_ota::file::SplitFile;
use zigbee_ota::server::espressif::{ImageTable, ReadRequest, Registration};
use zigbee_ota::server::{FileLookup, NotReady, ReadResult, SessionPhase, SliceStore, StoreEntry};
use zigbee_ota::zcl::{CommandId, Status};
use zigbee_ota::{Eui64, HardwareVersion, ImageType, ManufacturerCode};
use zigbee_ota_sim::file_of;
use zigbee_ota_sim::net::FrameFate;
use zigbee_ota_sim::simulation::{Report, Settings, Simulation};

use crate::*;

/// Store with slow storage: reads complete later.
struct Disk(SliceStore<'static>);

impl ImageStore for Disk {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        fits: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        self.0.find(manufacturer, image_type, fits)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        client: Option<Address>,
    ) -> FileLookup {
        self.0.info(id, node, hardware, client)
    }

    fn read(&mut self, _: &ImageInfo, _: u32, _: Option<Address>, _: &mut [u8]) -> ReadResult {
        ReadResult::Later
    }
}

/// Report 2 (zh#1852, zh PR1846, z2m#15139): of eight requests at once one is answered, and the device waits 10 s for
/// the others.
#[test]
fn eight_requests_at_once_are_all_answered() {
    let entries = [StoreEntry::parse(image().leak()).unwrap()];
    let mut desk =
        Desk::new(ServerConfig::default(), Disk(SliceStore::new(entries.to_vec().leak()).unwrap()));
    // The last two have the sequence number of the first, and the last one repeats the first.
    let requests = [(1, 0), (2, 50), (3, 100), (4, 150), (5, 200), (6, 250), (1, 300), (1, 0)];
    let parked = requests.map(|(sequence, offset)| match desk.handle(LAMP, &block(sequence, offset, 50)) {
        ServerAction::Deferred(parked) => (sequence, parked),
        other => panic!("{other:?}"),
    });
    let file = image();
    // No response was sent or confirmed yet, and the blocks are read in another order.
    for (sequence, parked) in parked.into_iter().rev() {
        let start = usize::try_from(parked.offset()).unwrap();
        let read = &file[start..start + usize::from(parked.max_len())];
        let transmit = desk.server.answer(desk.now(), parked, Ok(read), &mut desk.out);
        assert_eq!(transmit.to, LAMP);
        assert_eq!(data(&desk.out[..transmit.len], sequence, parked.offset(), 50), read);
    }
    // A request whose block cannot be read gets a response that tells the client to wait.
    let ServerAction::Deferred(parked) = desk.handle(LAMP, &block(9, 350, 50)) else { panic!() };
    let transmit = desk.server.answer(desk.now(), parked, Err(NotReady::Wait { seconds: 3 }), &mut desk.out);
    assert_eq!(hex(&desk.out[..transmit.len]), "19 09 05 97 00 00 00 00 03 00 00 00");
}

fn world(change: impl FnOnce(&mut Settings)) -> Report {
    let file = file_of(1000, 0);
    let parts = SplitFile::parse(&file).unwrap();
    let mut settings = Settings::new(&parts);
    settings.net.faults.delay = 10_000;
    change(&mut settings);
    Simulation::new(&settings, &[StoreEntry::new(&parts)]).run()
}

/// Report 3 (esp#833, esp#892, esp#860): after one lost block the client starts over, or assembles a shifted image.
#[test]
fn a_lost_block_is_requested_again_and_nothing_shifts() {
    for window in [1, 4].map(|window| NonZeroU8::new(window).unwrap()) {
        let blocks = |settings: &mut Settings| settings.client.transfer = TransferMode::Blocks { window };
        let calm = world(blocks);
        let requests = calm.clients[0].sent.block_requests;
        assert!(calm.all_upgraded() && requests >= 16, "{calm:?}");
        let frames = calm.carried;
        for fate in [FrameFate::Lost, FrameFate::Doubled(200_000), FrameFate::Delayed(700_000)] {
            for frame in 0..frames {
                let report = world(|settings| {
                    blocks(settings);
                    settings.net.faults.script = vec![(frame, fate)];
                });
                assert!(report.all_upgraded() && report.violations.is_empty(), "{frame}: {report:?}");
                let [life] = report.clients[..] else { panic!() };
                assert_eq!(life.bytes, 1000, "{frame}");
                let more = life.sent.block_requests - requests;
                assert!(more <= u32::from(window.get()), "{fate:?} of {frame}: {more} requests more");
            }
        }
    }
}

/// Report 4 (zigpy PR1565, zigpy PR1552): a failed delivery report of the radio ends the update.
#[test]
fn an_update_survives_failed_deliveries() {
    let mut desk = Desk::with(vec![image()]);
    assert_eq!(desk.ask(LAMP, QUERY), OFFER);
    let mut failures = 0;
    for offset in (0..1000).step_by(10) {
        for _ in 0..5 {
            desk.now += 1000;
            let (transmit, answer) = desk.send(LAMP, &block(0x2a, offset, 10));
            let start = usize::try_from(offset).unwrap();
            assert_eq!(data(&answer, 0x2a, offset, 10), image()[start..start + 10]);
            desk.server.handle_delivery(desk.now(), transmit.token, DeliveryReport::Failed);
            failures +=
                desk.events().iter().filter(|event| matches!(event, ServerEvent::Undelivered { .. })).count();
        }
    }
    assert_eq!(failures, 500);
    assert_eq!(desk.ask(LAMP, END), NOW);
}

/// Report 11 (zigpy PR1781, zh PR1664, zh PR156, zhc PR1082, esp#162, esp#201, esp#892): each of the block sizes 40,
/// 48, 50, 64 and 223 is too large for some network.
#[test]
fn the_file_arrives_whatever_block_size_the_network_supports() {
    for asked in [1, 40, 48, 50, 64, 223, 255] {
        for bears in [33, 57, 65, 82, 240, 272] {
            // The server finds the size by trial.
            let mut desk = Desk::with(vec![image()]);
            assert_eq!(desk.take(LAMP, 0, asked, |len| len <= bears), image(), "{asked} of {bears}");
            // The operator configures the size, and nothing is lost.
            let max_block = NonZeroU8::new(u8::try_from((bears - 17).min(255)).unwrap()).unwrap();
            let mut config = ServerConfig::default();
            config.max_block_size = max_block;
            let mut desk = Desk::configured(config, vec![image()]);
            let all_arrive = |len| {
                assert!(len <= bears, "{len} bytes, of {bears}");
                true
            };
            assert_eq!(desk.take(LAMP, 0, asked, all_arrive), image(), "{asked} of {bears}");
        }
    }
}

/// Report 13 (z2m#12794, zigpy#1046, zigpy#1401): after a crash of the gateway or the device, the device is ignored.
#[test]
fn a_download_resumes_after_a_restart_of_the_server_or_the_device() {
    let mut desk = Desk::with(vec![image()]);
    assert_eq!(desk.ask(LAMP, QUERY), OFFER);
    desk.answer(LAMP, &block(0x2a, 0, 100));
    // The device starts over.
    assert_eq!(desk.take(LAMP, 0, 100, |_| true)[..500], image()[..500]);
    // The server has no session of the device any more.
    let mut desk = Desk::with(vec![image()]);
    assert_eq!(desk.take(LAMP, 500, 100, |_| true), image()[500..]);
    assert_eq!(desk.ask(LAMP, END), NOW);
    // The file is gone: the server says so, and the device stops its requests.
    desk.images.remove(IMAGE, None).unwrap();
    assert_eq!(desk.ask(LAMP, &hex(&block(0x2a, 500, 100))), "18 2a 0b 03 98");
}

/// Report 15 (esp#763, esp#793, arduino#12469): a callback that counts its own calls gives wrong data after a repeated
/// request.
#[test]
fn a_store_is_given_the_offset_of_the_request() {
    let (file, mut told) = (image(), vec![]);
    let mut source = |wanted: ReadRequest, out: &mut [u8]| {
        told.push(wanted.offset);
        let start = usize::try_from(wanted.offset).unwrap();
        out.copy_from_slice(&file[start..start + out.len()]);
        ReadResult::Filled(out.len())
    };
    let image = *StoreEntry::parse(&file).unwrap().info();
    let mut table = ImageTable::<1>::new(100, 0).unwrap();
    let registration =
        Registration { endpoint: 1, image, upgrade_time: 0, source: &mut source, notify: false };
    assert_eq!(table.register(0, registration), Ok(None));
    let mut desk = Desk::new(ServerConfig::default(), table);
    // Two devices, repeated requests, and a step back.
    let asked =
        [(LAMP, 0), (LAMP, 0), (PLUG, 0), (LAMP, 100), (PLUG, 100), (LAMP, 100), (LAMP, 0), (PLUG, 900)];
    for (client, offset) in asked {
        let answer = desk.answer(client, &block(0x2a, offset, 100));
        let start = usize::try_from(offset).unwrap();
        assert_eq!(data(&answer, 0x2a, offset, 100), file[start..start + 100]);
    }
    drop(desk);
    assert_eq!(told, asked.map(|(_, offset)| offset));
}

/// Report (zigpy PR1431, zhc PR1082, domoticz#1301): devices that request pages get nothing, or one block.
#[test]
fn a_device_that_requests_pages_gets_its_file_without_block_requests() {
    let mut desk = Desk::with(vec![image()]);
    let (mut taken, mut requests) = (vec![], 0);
    while taken.len() < 1000 {
        let offset = u32::try_from(taken.len()).unwrap();
        // Pages of 400 bytes, blocks of 50, 20 ms apart.
        let mut request = block(0x2a, offset, 50);
        request[2] = 0x04;
        request.extend([0x90, 0x01, 20, 0]);
        taken.extend(data(&desk.answer(LAMP, &request), 0x2a, offset, 50));
        requests += 1;
        let mut sequence = 0x2a;
        while desk.server.session(LAMP).unwrap().has_page() {
            desk.now = desk.now.max(desk.server.poll_timeout().unwrap().as_millis());
            // A timer may fire early.
            let Some(transmit) = desk.server.poll_transmit(desk.now(), &mut desk.images, &mut desk.out)
            else {
                continue;
            };
            sequence += 1;
            let at = u32::try_from(taken.len()).unwrap();
            taken.extend(data(&desk.out[..transmit.len], sequence, at, 50));
        }
    }
    assert_eq!((taken, requests), (image(), 3));
}

/// Report (zh PR1756): a Default Response other than SUCCESS to a block that the device received ends the update.
#[test]
fn a_negative_default_response_to_a_block_does_not_end_the_download() {
    let mut desk = Desk::with(vec![image()]);
    desk.answer(LAMP, &block(0x2a, 0, 100));
    desk.events();
    for status in [0x80, 0x01, 0x95, 0x98, 0x86] {
        assert_eq!(desk.handle(LAMP, &[0x10, 0x2a, 0x0b, 0x05, status]), ServerAction::Done);
        let command = CommandId::IMAGE_BLOCK_RESPONSE;
        assert_eq!(
            desk.events(),
            [ServerEvent::DefaultResponse { client: LAMP, command, status: Status(status) }]
        );
    }
    let phase = desk.server.session(LAMP).unwrap().phase();
    assert_eq!(phase, SessionPhase::Downloading { id: IMAGE, reached: 100, blocks: 1, size: 1000 });
    assert_eq!(desk.take(LAMP, 100, 100, |_| true), image()[100..]);
}
