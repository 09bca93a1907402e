//! Tests of the image table in the module `espressif`.

use super::*;
use crate::FileVersion;
use crate::server::espressif::{
    ImageSource, ImageTable, NoSuchIndex, NotifyTarget, ReadRequest, Registration, ServerStatus,
    WrappedBinary,
};
use crate::time::ServerTime;
use crate::types::HardwareRange;
use crate::zcl::{ImageNotify, Violation};

const BLOCK: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 04";

fn info(id: ImageId, size: u32) -> ImageInfo {
    ImageInfo::new(&FileHeader { total_size: size, ..FileHeader::new(id) })
}

fn registration<'a>(image: ImageInfo, source: ImageSource<'a>) -> Registration<'a> {
    Registration { endpoint: 5, image, upgrade_time: 1, source, notify: false }
}

/// Server with an image table, and the queries that the hook saw.
struct World {
    server: Server<Vec<Session>>,
    seen: Vec<(Address, ImageId, Option<usize>)>,
    verdict: QueryDecision,
    /// IEEE address of the client, as the stack knows it.
    ieee: Option<Eui64>,
}

impl World {
    fn new() -> Self {
        let server = Server::new(ServerConfig::default(), vec![Session::EMPTY; 4]);
        Self { server, seen: vec![], verdict: QueryDecision::Offer, ieee: None }
    }

    fn ask<const N: usize>(&mut self, table: &mut ImageTable<'_, N>, from: Address, frame: &str) -> String {
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let (seen, verdict) = (&mut self.seen, self.verdict);
        let mut policy = table.policy(|client, request, index| {
            seen.push((client, request.current, index));
            verdict
        });
        let (now, meta) = (Instant::ZERO, FrameMeta::unicast(from).with_ieee(self.ieee));
        match self.server.handle_frame(now, meta, &bytes(frame), table, &mut policy, &mut out) {
            ServerAction::Reply(transmit) => hex(&out[..transmit.len]),
            other => panic!("{other:?}"),
        }
    }
}

fn serve(file: &[u8]) -> impl FnMut(ReadRequest, &mut [u8]) -> ReadResult {
    move |wanted, out| {
        let start = usize::try_from(wanted.offset).unwrap();
        let len = out.len();
        out.copy_from_slice(&file[start..start + len]);
        ReadResult::Filled(len)
    }
}

/// Shows: ESP-001
#[test]
fn a_table_has_a_jitter_a_time_and_places() {
    assert_eq!(ImageTable::<3>::new(0x64, 0).map(|table| table.count()).ok(), Some(3));
    for jitter in [0, 101] {
        assert_eq!(ImageTable::<1>::new(jitter, 0).err(), Some(Violation::QueryJitter(jitter)));
    }
    let mut table = ImageTable::<2>::new(1, 0).unwrap();
    let mut source = |_: ReadRequest, _: &mut [u8]| ReadResult::Gone;
    assert!(table.register(1, registration(info(IMAGE, 100), &mut source)).is_ok());
    assert!(table.get(0).is_none() && table.get(1).is_some() && table.get(2).is_none());
}

/// Shows: ESP-002, ESP-004
#[test]
fn an_image_is_put_at_an_index() {
    let (file, other) = (plain(5, 101), [plain(5, 101)[..3].to_vec(), vec![0x77; 98]].concat());
    let (mut first, mut second, mut third, mut fourth) =
        (serve(&file), serve(&file), serve(&other), serve(&file));
    let mut table = ImageTable::<2>::new(100, 0).unwrap();
    let mut world = World::new();
    assert_eq!(table.register(0, registration(info(IMAGE, 101), &mut first)), Ok(None));
    let six = ImageId { version: FileVersion(6), ..IMAGE };
    assert_eq!(table.register(1, registration(info(six, 101), &mut second)), Ok(None));
    let none = NoSuchIndex { index: 2, count: 2 };
    assert_eq!(table.register(2, registration(info(IMAGE, 101), &mut fourth)), Err(none));
    assert!(world.ask(&mut table, LAMP, BLOCK).ends_with("04 1e f1 ee 0b"));
    assert_eq!(table.register(0, registration(info(IMAGE, 101), &mut third)), Ok(None));
    assert!(world.ask(&mut table, LAMP, BLOCK).ends_with("04 1e f1 ee 77"));
    assert_eq!(table.get(0).unwrap().endpoint, 5);
}

/// Shows: ESP-003
#[test]
fn images_are_told_apart_by_their_headers() {
    let (file, other) = (plain(5, 101), [0x55; 60]);
    let (mut first, mut second) = (serve(&file), serve(&other));
    let mut table = ImageTable::<2>::new(100, 0).unwrap();
    let valve = ImageId::new(0x1001, 0x00ac, 9);
    table.register(0, registration(info(IMAGE, 101), &mut first)).unwrap();
    table.register(1, registration(info(valve, 60), &mut second)).unwrap();
    let mut world = World::new();
    assert!(world.ask(&mut table, LAMP, BLOCK).ends_with("04 1e f1 ee 0b"));
    let of_valve = "01 2a 03 00 01 10 ac 00 09 00 00 00 00 00 00 00 04";
    assert!(world.ask(&mut table, PLUG, of_valve).ends_with("04 55 55 55 55"));
}

/// Shows: ESP-005, ESP-007
#[test]
fn an_image_for_all_is_announced_with_its_numbers() {
    let mut source = |_: ReadRequest, _: &mut [u8]| ReadResult::Gone;
    let mut table = ImageTable::<1>::new(0x50, 0).unwrap();
    let announced =
        table.register(0, Registration { notify: true, ..registration(info(IMAGE, 101), &mut source) });
    let Ok(Some(NotifyTarget::All(notify))) = announced else { panic!("{announced:?}") };
    let mut world = World::new();
    let mut out = [0; zcl::LONGEST_TO_CLIENT];
    let sent = world.server.notify(Address::ALL_AWAKE, DeliveryMode::Broadcast, notify, &mut out).unwrap();
    assert_eq!(hex(&out[..sent.len]), "19 00 00 03 50 01 10 ab 00 05 00 00 00");
}

/// Shows: ESP-006, FLD-048
#[test]
fn an_image_for_one_device_is_announced_to_it() {
    let file = plain(5, 101);
    let mut source = serve(&file);
    let mut table = ImageTable::<1>::new(0x50, 0).unwrap();
    let image = ImageInfo { destination: Some(OWNER), ..info(IMAGE, 101) };
    let announced = table.register(0, Registration { notify: true, ..registration(image, &mut source) });
    assert_eq!(announced, Ok(Some(NotifyTarget::One(OWNER, ImageNotify::UNICAST))));
    let mut world = World::new();
    let mut out = [0; zcl::LONGEST_TO_CLIENT];
    let sent = world.server.notify(LAMP, DeliveryMode::Unicast, ImageNotify::UNICAST, &mut out).unwrap();
    assert_eq!(hex(&out[..sent.len]), "09 00 00 00 64");
    // The device is offered the image and served; others are not.
    let query = "01 2a 01 00 01 10 ab 00 01 00 00 00";
    let block = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 04";
    assert_eq!(world.ask(&mut table, PLUG, query), "19 2a 02 98");
    assert_eq!(world.ask(&mut table, PLUG, block), "18 2a 0b 03 98");
    world.ieee = Some(OWNER);
    assert_eq!(world.ask(&mut table, LAMP, query), "19 2a 02 00 01 10 ab 00 05 00 00 00 65 00 00 00");
    assert!(world.ask(&mut table, LAMP, block).ends_with("04 1e f1 ee 0b"));
}

/// Shows: ESP-009
#[test]
fn the_upgrade_time_of_an_image_reaches_its_clients() {
    let mut source = |_: ReadRequest, _: &mut [u8]| ReadResult::Gone;
    let mut table = ImageTable::<1>::new(100, 0).unwrap();
    table.register(0, registration(info(IMAGE, 101), &mut source)).unwrap();
    let end = "01 2a 06 00 01 10 ab 00 05 00 00 00";
    let answer = World::new().ask(&mut table, LAMP, end);
    assert_eq!(answer, "19 2a 07 01 10 ab 00 05 00 00 00 00 00 00 00 01 00 00 00");
    // With a current time both times are UTC.
    let mut source = |_: ReadRequest, _: &mut [u8]| ReadResult::Gone;
    let mut table = ImageTable::<1>::new(100, 1000).unwrap();
    table
        .register(0, Registration { upgrade_time: 1001, ..registration(info(IMAGE, 101), &mut source) })
        .unwrap();
    let mut world = World::new();
    world.server.set_utc(Instant::ZERO, Some(UtcTime(1000)));
    let answer = world.ask(&mut table, LAMP, end);
    assert_eq!(answer, "19 2a 07 01 10 ab 00 05 00 00 00 e8 03 00 00 e9 03 00 00");
}

/// Field report 15: the source of an image gets the offset in the request of the client.
///
/// Shows: ESP-010
#[test]
fn a_source_is_asked_for_what_the_client_asks_for() {
    let asked = std::cell::RefCell::new(vec![]);
    let mut source = |wanted: ReadRequest, out: &mut [u8]| {
        asked.borrow_mut().push((wanted.index, wanted.client, wanted.offset, out.len()));
        out.fill(7);
        ReadResult::Filled(out.len())
    };
    let mut table = ImageTable::<2>::new(100, 0).unwrap();
    table.register(1, registration(info(IMAGE, 101), &mut source)).unwrap();
    assert!(asked.borrow().is_empty(), "not before a client asks");
    let mut world = World::new();
    for (client, offset, due) in [(LAMP, 8, 4), (PLUG, 0, 4), (LAMP, 8, 4), (LAMP, 99, 2)] {
        let request = std::format!("01 2a 03 00 01 10 ab 00 05 00 00 00 {offset:02x} 00 00 00 04");
        world.ask(&mut table, client, &request);
        assert_eq!(asked.borrow_mut().pop(), Some((1, client, offset, due)));
    }
}

/// Shows: ESP-011
#[test]
fn a_file_has_one_header_however_it_is_registered() {
    let raw: Vec<u8> = (0..200).collect();
    let header = FileHeader { destination: Some(OWNER), ..FileHeader::new(IMAGE) };
    let elements = [crate::file::Element { tag: crate::file::Tag::UPGRADE_IMAGE, data: &raw }];
    let writer = crate::file::FileWriter::new(header, &elements).unwrap();
    let mut whole = vec![0; writer.encoded_len()];
    writer.encode(&mut whole).unwrap();

    let mut wrapped = WrappedBinary::new(header, 200, |offset, out: &mut [u8]| {
        let start = usize::try_from(offset).unwrap();
        out.copy_from_slice(&raw[start..start + out.len()]);
        ReadResult::Filled(out.len())
    })
    .unwrap();
    let image = wrapped.image();
    assert_eq!(usize::try_from(image.size).unwrap(), whole.len());
    let mut around = |wanted: ReadRequest, out: &mut [u8]| wrapped.read(wanted.offset, out);
    let mut as_it_is = serve(&whole);
    for source in [&mut around as ImageSource<'_>, &mut as_it_is as ImageSource<'_>] {
        let mut table = ImageTable::<1>::new(100, 0).unwrap();
        table.register(0, registration(image, source)).unwrap();
        let (mut world, mut file) = (World::new(), Vec::<u8>::new());
        world.ieee = Some(OWNER);
        while file.len() < whole.len() {
            let [low, high, ..] = file.len().to_le_bytes();
            let request = std::format!(
                "01 2a 03 01 01 10 ab 00 05 00 00 00 {low:02x} {high:02x} 00 00 20 ef cd ab 89 67 45 23 01"
            );
            file.extend(&bytes(&world.ask(&mut table, LAMP, &request))[17..]);
        }
        assert_eq!(file, whole);
    }
    let extra = FileHeader { extra: &[1; 9], ..header };
    assert!(WrappedBinary::new(extra, 200, |_, _: &mut [u8]| ReadResult::Gone).is_err());
    assert!(WrappedBinary::new(header, u32::MAX, |_, _: &mut [u8]| ReadResult::Gone).is_err());
}

/// Shows: ESP-012
#[test]
fn an_image_that_is_removed_is_not_available() {
    let file = plain(5, 101);
    let mut source = serve(&file);
    let mut table = ImageTable::<1>::new(100, 0).unwrap();
    table.register(0, registration(info(IMAGE, 101), &mut source)).unwrap();
    let mut world = World::new();
    assert!(world.ask(&mut table, LAMP, BLOCK).ends_with("04 1e f1 ee 0b"));
    assert!(table.remove(0) && !table.remove(0) && !table.remove(9));
    assert_eq!(world.ask(&mut table, LAMP, BLOCK), "18 2a 0b 03 98");
}

/// A caller reads a file for a deferred request, and meanwhile another image takes the index of the file. The source of
/// the other image gets no request for the bytes of the file.
///
/// Shows: ESP-003
#[test]
fn the_source_at_an_index_is_not_read_for_the_image_before_it() {
    let mut out = [0; 4];
    let image = info(IMAGE, 101);
    let range = HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) };
    for (other, read) in [
        (ImageInfo { size: 90, ..image }, ReadResult::Filled(4)),
        (ImageInfo { id: ImageId { version: FileVersion(6), ..IMAGE }, ..image }, ReadResult::Gone),
        (ImageInfo { destination: Some(OWNER), ..image }, ReadResult::Gone),
        (ImageInfo { hardware: Some(range), ..image }, ReadResult::Gone),
    ] {
        let mut before = |_: ReadRequest, _: &mut [u8]| ReadResult::Gone;
        let mut after = |_: ReadRequest, out: &mut [u8]| ReadResult::Filled(out.len());
        let mut table = ImageTable::<1>::new(100, 0).unwrap();
        table.register(0, registration(image, &mut before)).unwrap();
        let found = *table.info(IMAGE, None, None, Some(LAMP)).found().unwrap();
        table.register(0, registration(other, &mut after)).unwrap();
        assert_eq!(table.read(&found, 0, Some(LAMP), &mut out), read, "{other:?}");
    }
}

const QUERY: &str = "01 2a 01 00 01 10 ab 00 04 00 00 00";
const OFFER: &str = "19 2a 02 00 01 10 ab 00 05 00 00 00 65 00 00 00";

/// Shows: ESP-013
#[test]
fn the_hook_is_called_once_for_each_query() {
    let mut source = |_: ReadRequest, _: &mut [u8]| ReadResult::Gone;
    let mut table = ImageTable::<2>::new(100, 0).unwrap();
    table.register(1, registration(info(IMAGE, 101), &mut source)).unwrap();
    let mut world = World::new();
    assert_eq!(world.ask(&mut table, LAMP, QUERY), OFFER);
    assert_eq!(world.ask(&mut table, PLUG, &QUERY.replacen("04", "05", 1)), "19 2a 02 98");
    let older = ImageId { version: FileVersion(4), ..IMAGE };
    assert_eq!(world.seen, [(LAMP, older, Some(1)), (PLUG, IMAGE, None)]);
}

/// Shows: ESP-014
#[test]
fn the_hook_refuses_with_a_status_that_clients_know() {
    let mut source = |_: ReadRequest, _: &mut [u8]| ReadResult::Gone;
    let mut table = ImageTable::<1>::new(100, 0).unwrap();
    table.register(0, registration(info(IMAGE, 101), &mut source)).unwrap();
    let mut world = World::new();
    for (verdict, answer) in [
        (QueryDecision::NoImage, "19 2a 02 98"),
        (QueryDecision::NotAuthorized, "19 2a 02 7e"),
        (QueryDecision::Offer, OFFER),
    ] {
        world.verdict = verdict;
        assert_eq!(world.ask(&mut table, LAMP, QUERY), answer);
    }
}

/// Shows: ESP-015
#[test]
fn statuses_are_started_aborted_and_end() {
    let file = plain(5, 101);
    let mut source = serve(&file);
    let mut table = ImageTable::<1>::new(100, 0).unwrap();
    table.register(0, registration(info(IMAGE, 101), &mut source)).unwrap();
    let mut world = World::new();
    let mut statuses = vec![];
    for frame in [
        QUERY,
        BLOCK,
        BLOCK,
        "01 2a 06 96 01 10 ab 00 05 00 00 00",
        BLOCK,
        "01 2a 06 00 01 10 ab 00 05 00 00 00",
    ] {
        world.ask(&mut table, LAMP, frame);
        statuses.extend(
            core::iter::from_fn(|| world.server.poll_event())
                .filter_map(|event| ServerStatus::from_event(&event)),
        );
    }
    use ServerStatus::{Aborted, End, Started};
    let due = [Started, Aborted, Started, End(ServerTime { current: 0, then: 1 })];
    assert_eq!(statuses, due.map(|status| (LAMP, IMAGE, status)));
}
