//! Tests of `IndexStore`: files of an index that are fetched when a device needs them.

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::file::FileHeader;
use zigbee_ota::gateway::{FetchError, IndexStore, StorePair};
use zigbee_ota::index::{Index, IndexEntry, IndexForm};
use zigbee_ota::server::{
    FileLookup, ImageStore, OwnedStore, Server, ServerAction, ServerConfig, Session, StandardPolicy,
};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::LONGEST_TO_CLIENT;
use zigbee_ota::{FileVersion, HardwareVersion};

use crate::{IMAGE, file, of};

const NO_IMAGE: [u8; 4] = [0x19, 7, 2, 0x98];

/// Entry of a file for a model and for devices that run a version from `min_current` on.
fn entry(file: &[u8], url: &str, model: Option<&str>, min_current: Option<u32>) -> IndexEntry {
    let mut entry = IndexEntry::of_file(file, IndexForm::Zigbee2Mqtt).expect("a file");
    entry.url = Some(url.to_owned());
    entry.restrictions.models = model.map(|model| vec![model.to_owned()]);
    entry.restrictions.min_current = min_current.map(FileVersion);
    entry
}

fn store(entries: impl IntoIterator<Item = IndexEntry>) -> IndexStore {
    let mut index = Index::new(IndexForm::Zigbee2Mqtt);
    index.entries.extend(entries);
    IndexStore::new(index)
}

struct Gateway<I> {
    server: Server<Vec<Session>>,
    images: I,
}

impl<I: ImageStore> Gateway<I> {
    fn new(images: I) -> Self {
        Self { server: Server::new(ServerConfig::default(), vec![Session::EMPTY; 9]), images }
    }

    fn ask(&mut self, network: u16, frame: &[u8], note: fn(&mut I, &FrameMeta, &[u8])) -> Vec<u8> {
        let (meta, mut policy) = (FrameMeta::unicast(lamp(network)), StandardPolicy::default());
        let mut out = [0; LONGEST_TO_CLIENT];
        note(&mut self.images, &meta, frame);
        let images = &mut self.images;
        match self.server.handle_frame(Instant::ZERO, meta, frame, images, &mut policy, &mut out) {
            ServerAction::Reply(transmit) => out[..transmit.len].to_vec(),
            other => panic!("{other:?}"),
        }
    }
}

impl Gateway<IndexStore> {
    fn query(&mut self, network: u16, version: u8) -> Vec<u8> {
        self.ask(network, &query(version), IndexStore::note_frame)
    }

    /// Asks for the last byte of a version of the image.
    fn last_byte(&mut self, network: u16, version: u8, size: u8) -> Option<u8> {
        let frame = [1, 7, 3, 0, 0x01, 0x10, 0xab, 0, version, 0, 0, 0, size - 1, 0, 0, 0, 1];
        let answer = self.ask(network, &frame, IndexStore::note_frame);
        (answer.len() == 18).then(|| answer[17])
    }
}

const fn lamp(network: u16) -> Address {
    Address::new(network, 1)
}

fn query(version: u8) -> [u8; 12] {
    [1, 7, 1, 0, 0x01, 0x10, 0xab, 0, version, 0, 0, 0]
}

/// Shows: FLD-054
#[test]
fn a_file_is_fetched_when_a_device_queries_and_offered_then() {
    let bytes = file(FileHeader::new(IMAGE), 3, 100);
    let mut gateway = Gateway::new(store([entry(&bytes, "https://example.org/lamp.ota", None, None)]));
    assert_eq!(gateway.images.poll_fetch(), None, "no device needs the file");
    assert_eq!(gateway.query(1, 5), NO_IMAGE);
    assert_eq!(gateway.images.poll_fetch(), None, "the device runs the version");

    assert_eq!((gateway.query(1, 1), gateway.query(2, 1)), (NO_IMAGE.to_vec(), NO_IMAGE.to_vec()));
    let job = gateway.images.poll_fetch().expect("a file to fetch");
    assert_eq!((job.number, job.entry.url.as_deref()), (0, Some("https://example.org/lamp.ota")));
    assert_eq!(gateway.query(1, 1), NO_IMAGE);
    assert_eq!(gateway.images.poll_fetch(), None, "the file is being fetched");
    assert_eq!(gateway.images.fetched(job.number, &bytes), Ok(vec![lamp(1), lamp(2)]));

    assert_eq!(gateway.query(1, 1)[..4], [0x19, 7, 2, 0], "an offer");
    assert_eq!(gateway.last_byte(1, 5, 162), Some(3));
    // After a restart of the gateway, a download continues without a query.
    assert_eq!(gateway.last_byte(9, 5, 162), Some(3));
    assert_eq!(gateway.images.poll_fetch(), None);
    assert_eq!(
        gateway.images.files().map(|(number, info)| (number, info.id)).collect::<Vec<_>>(),
        [(0, IMAGE)]
    );
}

#[test]
fn a_failed_fetch_is_tried_again_after_the_next_query() {
    let bytes = file(FileHeader::new(IMAGE), 3, 100);
    let mut gateway = Gateway::new(store([entry(&bytes, "lamp.ota", None, None)]));
    gateway.query(1, 1);
    let number = gateway.images.poll_fetch().expect("a file to fetch").number;
    gateway.images.fetch_failed(number);
    assert_eq!(gateway.images.poll_fetch(), None, "not before a device asks again");

    gateway.query(1, 1);
    let number = gateway.images.poll_fetch().expect("once more").number;
    let damaged = [&bytes[..161], &[9]].concat();
    let error = gateway.images.fetched(number, &damaged).expect_err("another checksum");
    assert!(matches!(error, FetchError::Mismatch(_)), "{error}");
    assert!(error.to_string().starts_with("sha512 in the index is "), "{error}");
    assert_eq!(gateway.query(1, 1), NO_IMAGE);
    assert!(gateway.images.poll_fetch().is_some());
    assert_eq!(gateway.images.fetched(7, &bytes), Err(FetchError::NoEntry(7)));

    // A file that no device should get, by an index that says nothing of its content.
    let truncated = &bytes[..100];
    let mut bare = store([IndexEntry::new(IMAGE, "lamp.ota")]);
    let error = bare.fetched(0, truncated).expect_err("an incomplete file");
    assert!(matches!(error, FetchError::Mismatch(_) | FetchError::Wrong(_)), "{error}");
    assert_eq!(bare.files().count(), 0);
}

/// Two models with one image type and version: each gets its own file, in offers and in blocks.
///
/// Shows: FLD-054
#[test]
fn restrictions_hold_for_offers_and_for_blocks() {
    let (lamps, plugs) = (file(FileHeader::new(IMAGE), 3, 100), file(FileHeader::new(IMAGE), 4, 110));
    let entries = [entry(&lamps, "lamp", Some("lamp"), None), entry(&plugs, "plug", Some("plug"), None)];
    let mut gateway = Gateway::new(store(entries));
    gateway.query(1, 1);
    assert_eq!(gateway.images.poll_fetch(), None, "the model is not known");
    gateway.images.set_device(1, Some("lamp".into()), None);
    gateway.images.set_device(2, Some("plug".into()), None);
    for (network, bytes) in [(1, &lamps), (2, &plugs)] {
        gateway.query(network, 1);
        let number = gateway.images.poll_fetch().expect("a file to fetch").number;
        assert_eq!(gateway.images.fetched(number, bytes), Ok(vec![lamp(network)]));
    }
    assert_eq!(gateway.query(1, 1)[12..], [162, 0, 0, 0]);
    assert_eq!(gateway.query(2, 1)[12..], [172, 0, 0, 0]);
    assert_eq!((gateway.last_byte(1, 5, 162), gateway.last_byte(2, 5, 172)), (Some(3), Some(4)));
    assert_eq!(gateway.last_byte(3, 5, 162), None, "a client that never queried, of an unknown model");
    gateway.images.forget(1);
    assert_eq!((gateway.query(1, 1), gateway.last_byte(1, 5, 162)), (NO_IMAGE.to_vec(), None));
}

/// The files differ only in their bytes and in the models that they are for.
///
/// Shows: FLD-054
#[test]
fn files_of_equal_size_of_one_image_are_told_apart() {
    let files = [3, 4].map(|fill| file(FileHeader::new(IMAGE), fill, 100));
    let entries = files.iter().zip(["lamp", "plug"]).map(|(file, model)| entry(file, "x", Some(model), None));
    let mut gateway = Gateway::new(store(entries));
    for (number, (network, model)) in [(1, "lamp"), (2, "plug")].into_iter().enumerate() {
        gateway.images.set_device(network, Some(model.into()), None);
        gateway.images.fetched(number, &files[number]).expect("its file");
        gateway.query(network, 1);
    }
    assert_eq!((gateway.last_byte(1, 5, 162), gateway.last_byte(2, 5, 162)), (Some(3), Some(4)));
}

#[test]
fn a_node_that_left_is_not_notified() {
    let bytes = file(FileHeader::new(IMAGE), 3, 100);
    let mut gateway = Gateway::new(store([entry(&bytes, "lamp", None, None)]));
    for network in 1..=3 {
        gateway.query(network, 1);
    }
    gateway.images.forget(2);
    assert_eq!(gateway.images.fetched(0, &bytes), Ok(vec![lamp(1), lamp(3)]));
}

#[test]
fn an_intermediate_version_comes_first() {
    let (middle, last) = (file(FileHeader::new(of(5)), 5, 100), file(FileHeader::new(of(9)), 9, 100));
    let mut gateway =
        Gateway::new(store([entry(&last, "last", None, Some(5)), entry(&middle, "middle", None, None)]));
    gateway.query(1, 1);
    let job = gateway.images.poll_fetch().expect("a file to fetch");
    assert_eq!(job.entry.url.as_deref(), Some("middle"));
    gateway.images.fetched(job.number, &middle).expect("its file");
    gateway.query(2, 5);
    let job = gateway.images.poll_fetch().expect("a file to fetch");
    gateway.images.fetched(job.number, &last).expect("its file");
    assert_eq!((gateway.query(1, 1)[8], gateway.query(2, 5)[8]), (5, 9));
}

#[test]
fn the_first_fetched_file_makes_room() {
    let files = [5, 6].map(|version| file(FileHeader::new(of(version)), 3, 100));
    let mut images = store(files.iter().map(|file| entry(file, "lamp", None, None)));
    // Each file has 162 bytes.
    images.set_max_bytes(324);
    for number in [0, 1] {
        images.fetched(number, &files[number]).expect("room for two");
    }
    assert_eq!(images.files().count(), 2);
    images.set_max_bytes(323);
    images.fetched(0, &files[0]).expect("room");
    images.fetched(1, &files[1]).expect("room for one");
    assert_eq!(images.files().map(|(number, _)| number).collect::<Vec<_>>(), [1]);
    assert_eq!(images.info(of(5), None, None, None), FileLookup::NotFound);
    images.set_max_bytes(1);
    images.fetched(0, &files[0]).expect("a single file always has room");
    assert_eq!(images.files().count(), 1);
}

#[test]
fn a_folder_and_an_index_are_one_store() {
    let (local, remote) = (file(FileHeader::new(of(4)), 4, 100), file(FileHeader::new(of(6)), 6, 100));
    let mut folder = OwnedStore::new();
    folder.add(local).expect("a file");
    let mut gateway = Gateway::new(StorePair::new(folder, store([entry(&remote, "remote", None, None)])));
    let note: fn(&mut StorePair<OwnedStore, IndexStore>, &FrameMeta, &[u8]) =
        |pair, meta, frame| pair.second.note_frame(meta, frame);
    assert_eq!(gateway.ask(1, &query(1), note)[8], 4, "the file that is there");
    let job = gateway.images.second.poll_fetch().expect("the newer file");
    assert_eq!(gateway.images.second.fetched(job.number, &remote), Ok(vec![lamp(1)]));
    assert_eq!(gateway.ask(1, &query(1), note)[8], 6);
    let info = *gateway.images.info(of(6), None, Some(HardwareVersion(1)), None).found().expect("the file");
    let mut out = [0; 1];
    gateway.images.read(&info, info.size - 1, None, &mut out);
    assert_eq!(out, [6]);
}

#[test]
fn a_file_is_announced_to_at_most_256_clients() {
    let bytes = file(FileHeader::new(IMAGE), 3, 100);
    let mut images = store([entry(&bytes, "lamp", None, None)]);
    for network in 1..=300 {
        images.note_frame(&FrameMeta::unicast(lamp(network)), &query(1));
    }
    let number = images.poll_fetch().expect("a file to fetch").number;
    let expected: Vec<_> = (1..=256).map(lamp).collect();
    assert_eq!(images.fetched(number, &bytes), Ok(expected));
    // The other clients are offered the file in answer to their next query.
    images.note_frame(&FrameMeta::unicast(lamp(300)), &query(1));
    assert!(images.find(IMAGE.manufacturer, IMAGE.image_type, &mut |_| true).is_some());
}

#[test]
fn selections_are_kept_for_65536_clients() {
    let bytes = file(FileHeader::new(IMAGE), 3, 100);
    let mut images = store([entry(&bytes, "lamp", Some("lamp"), None)]);
    images.fetched(0, &bytes).expect("its file");
    let clients = |endpoint| (0..=u16::MAX).map(move |network| Address::new(network, endpoint));
    for client in clients(1) {
        images.set_device(client.network, Some("lamp".into()), None);
        images.note_frame(&FrameMeta::unicast(client), &query(1));
    }
    let beyond = Address::new(7, 2);
    images.note_frame(&FrameMeta::unicast(beyond), &query(1));
    let mut has_file = |client| images.info(IMAGE, None, None, Some(client)) != FileLookup::NotFound;
    assert!(clients(1).all(&mut has_file));
    assert!(!has_file(beyond));
    images.forget(9);
    images.note_frame(&FrameMeta::unicast(beyond), &query(1));
    assert_ne!(images.info(IMAGE, None, None, Some(beyond)), FileLookup::NotFound);
}
