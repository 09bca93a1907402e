//! Tests of `StorePair`: which of two stores answers, and that blocks come from the offered file.

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::gateway::StorePair;
use zigbee_ota::server::{
    FileLookup, ImageInfo, ImageStore, OwnedStore, ReadResult, Server, ServerAction, ServerConfig, Session,
    SliceStore, StandardPolicy, StoreEntry,
};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::{LONGEST_TO_CLIENT, QueryNextImageRequest};
use zigbee_ota::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};

use crate::{IMAGE, file_for, of};

const OWNER: Eui64 = Eui64(0x0123_4567_89ab_cdef);

fn store(files: &[Vec<u8>]) -> OwnedStore {
    let mut store = OwnedStore::new();
    for file in files {
        let _ = store.add(file.clone());
    }
    store
}

/// Returns the image that the standard policy offers to a device of version 1.
fn offered(
    images: &mut impl ImageStore,
    node: Option<Eui64>,
    hardware: Option<HardwareVersion>,
) -> Option<ImageInfo> {
    let mut request = QueryNextImageRequest::new(of(1));
    request.hardware = hardware;
    images.find(IMAGE.manufacturer, IMAGE.image_type, &mut |image| {
        image.is_for(node) && StandardPolicy::default().allows(&request, image)
    })
}

/// Returns a byte of the body of an image.
fn body(images: &mut impl ImageStore, image: &ImageInfo) -> Option<u8> {
    let mut out = [0; 1];
    let is_read = images.read(image, image.size - 1, None, &mut out) == ReadResult::Filled(1);
    is_read.then_some(out[0])
}

fn found_body(
    images: &mut impl ImageStore,
    id: ImageId,
    node: Option<Eui64>,
    hardware: Option<u16>,
) -> Option<u8> {
    let found = *images.info(id, node, hardware.map(HardwareVersion), None).found()?;
    body(images, &found)
}

/// Shows: FLD-054
#[test]
fn the_higher_version_is_offered_and_the_first_store_on_a_tie() {
    let mut pair =
        StorePair::new(store(&[file_for(of(5), None, None, 1)]), store(&[file_for(of(6), None, None, 2)]));
    let newer = offered(&mut pair, None, None).expect("an image");
    assert_eq!((newer.id, body(&mut pair, &newer)), (of(6), Some(2)));
    assert_eq!(found_body(&mut pair, of(5), None, None), Some(1));

    pair.first.add(file_for(of(6), None, None, 3)).expect("another version");
    let tied = offered(&mut pair, None, None).expect("an image");
    assert_eq!((tied.id, body(&mut pair, &tied)), (of(6), Some(3)));
    assert_eq!(found_body(&mut pair, of(6), None, None), Some(3));

    // The store that has the file serves it, also when the other store has none.
    assert!(pair.first.remove(of(6), None).is_some());
    assert_eq!(found_body(&mut pair, of(6), None, None), Some(2));
    assert_eq!(body(&mut pair, &tied), None, "the file is gone, and the other file is not read in its place");
    assert!(pair.second.remove(of(6), None).is_some());
    assert_eq!(pair.info(of(6), None, None, None), FileLookup::NotFound);
}

#[test]
fn a_device_specific_file_comes_first_from_either_store() {
    let (own, general) = (file_for(IMAGE, Some(OWNER), None, 7), file_for(IMAGE, None, None, 8));
    let [own, general] = [own, general].map(|file| store(&[file]));
    for mut pair in [StorePair::new(own.clone(), general.clone()), StorePair::new(general, own)] {
        let offer = offered(&mut pair, Some(OWNER), None).expect("an image");
        assert_eq!(body(&mut pair, &offer), Some(7));
        assert_eq!(found_body(&mut pair, IMAGE, Some(OWNER), None), Some(7));
        assert_eq!(found_body(&mut pair, IMAGE, Some(Eui64(9)), None), Some(8));
        assert_eq!(found_body(&mut pair, IMAGE, None, None), Some(8));
    }
}

/// Shows: FLD-041
#[test]
fn files_for_different_hardware_may_be_in_different_stores() {
    let mut pair = StorePair::new(
        store(&[file_for(IMAGE, None, Some((0, 1)), 1)]),
        store(&[file_for(IMAGE, None, Some((2, 7)), 2)]),
    );
    for (hardware, fill) in [(0, 1), (1, 1), (2, 2), (7, 2)] {
        let offer = offered(&mut pair, None, Some(HardwareVersion(hardware))).expect("an image");
        assert_eq!(body(&mut pair, &offer), Some(fill));
        assert_eq!(found_body(&mut pair, IMAGE, None, Some(hardware)), Some(fill));
    }
    for hardware in [None, Some(HardwareVersion(8))] {
        assert_eq!(pair.info(IMAGE, None, hardware, None), FileLookup::Ambiguous);
    }
}

#[test]
fn pairs_nest_and_keys_stay_apart() {
    let files: Vec<_> = (2..10_u8).map(|fill| file_for(of(fill.into()), None, None, fill)).collect();
    let entries: Vec<_> = files.iter().map(|file| StoreEntry::parse(file).expect("a file")).collect();
    let of_two = |at: usize| SliceStore::new(&entries[at..at + 2]).expect("two versions");
    let inner = StorePair::new(of_two(2), of_two(4));
    let (mut before, mut after) = (of_two(0), of_two(6));
    let mut three = StorePair::new(&mut before, StorePair::new(inner, &mut after));
    for fill in 2..10_u8 {
        assert_eq!(found_body(&mut three, of(fill.into()), None, None), Some(fill));
    }
    assert_eq!(offered(&mut three, None, None).map(|image| image.id), Some(of(9)));
}

/// Store of one image whose key is too large for a pair.
struct LargeKey(ImageInfo);

impl ImageStore for LargeKey {
    fn find(
        &mut self,
        _: ManufacturerCode,
        _: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        Some(self.0).filter(|image| is_eligible(image))
    }

    fn info(
        &mut self,
        _: ImageId,
        _: Option<Eui64>,
        _: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        FileLookup::Found(self.0)
    }

    fn read(&mut self, image: &ImageInfo, _: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        assert_eq!(*image, self.0, "the store gets its own key back");
        out.fill(4);
        ReadResult::Filled(out.len())
    }
}

#[test]
fn a_file_with_a_key_beyond_31_bits_is_not_found() {
    let bytes = file_for(IMAGE, None, None, 0);
    let mut info = *StoreEntry::parse(&bytes).expect("a file").info();
    info.key = u32::MAX >> 1;
    let mut pair = StorePair::new(OwnedStore::new(), LargeKey(info));
    let offer = offered(&mut pair, None, None).expect("the largest key");
    assert_eq!(body(&mut pair, &offer), Some(4));
    pair.second.0.key += 1;
    assert_eq!(offered(&mut pair, None, None), None);
    assert_eq!(pair.info(IMAGE, None, None, None), FileLookup::NotFound);
}

/// Shows: FLD-041
#[test]
fn a_server_takes_offer_and_blocks_from_the_same_file() {
    let mut pair = StorePair::new(
        store(&[file_for(IMAGE, None, Some((0, 1)), 1)]),
        store(&[file_for(IMAGE, None, None, 2)]),
    );
    let mut server = Server::new(ServerConfig::default(), [Session::EMPTY; 2]);
    let mut out = [0; LONGEST_TO_CLIENT];
    // Query Next Image Request with hardware version 3, then an Image Block Request for the last byte.
    let query = [1, 7, 1, 1, 0x01, 0x10, 0xab, 0, 1, 0, 0, 0, 3, 0];
    let last = 56 + 6 + 100 - 1;
    let block = [1, 8, 3, 0, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0, last, 0, 0, 0, 1];
    let client = FrameMeta::unicast(Address::new(0x1234, 1));
    for (frame, end) in [(&query[..], None), (&block, Some(2))] {
        let mut policy = StandardPolicy::default();
        let action = server.handle_frame(Instant::ZERO, client, frame, &mut pair, &mut policy, &mut out);
        let ServerAction::Reply(transmit) = action else { panic!("{action:?}") };
        assert_eq!(out[3], 0, "SUCCESS");
        if end.is_some() {
            assert_eq!(out[..transmit.len].last().copied(), end);
        }
    }
}

fn any_file() -> impl Strategy<Value = (u32, bool, Option<(u16, u16)>)> {
    let hardware = proptest::option::of((0..4_u16, 0..3_u16).prop_map(|(min, more)| (min, min + more)));
    (2..4_u32, any::<bool>(), hardware)
}

proptest! {
    /// Whatever both stores have: blocks come from the file that the query was offered, by a key that the server keeps
    /// no longer than a call.
    ///
    /// Shows: FLD-041
    #[test]
    fn blocks_come_from_the_offered_file(
        files in vec(any_file(), 0..8),
        cut in 0..8_usize,
        hardware in proptest::option::of(0..6_u16),
        is_owner: bool,
    ) {
        let files: Vec<_> = (1..).zip(&files).map(|(fill, (version, is_own, hardware))| {
            file_for(of(*version), is_own.then_some(OWNER), *hardware, fill)
        }).collect();
        let (first, second) = files.split_at(cut.min(files.len()));
        let mut pair = StorePair::new(store(first), store(second));
        let (node, hardware) = (is_owner.then_some(OWNER), hardware.map(HardwareVersion));
        if let Some(offer) = offered(&mut pair, node, hardware) {
            let best = [offered(&mut pair.first, node, hardware), offered(&mut pair.second, node, hardware)];
            let highest = best.into_iter().flatten().map(|image| image.id.version).max();
            prop_assert_eq!(Some(offer.id.version), highest);
            // A server without the hardware version of a device takes one from the range of the offered file.
            let known = hardware.or(offer.hardware.map(|range| range.min));
            let served = pair.info(offer.id, node, known, None);
            prop_assert_eq!(served, FileLookup::Found(offer));
            prop_assert!(body(&mut pair, &offer).is_some());
        } else {
            let mut files = pair.first.list().chain(pair.second.list());
            let is_excluded = files.all(|image| !image.is_for(node) || image.hardware.is_some());
            prop_assert!(is_excluded);
        }
    }
}
