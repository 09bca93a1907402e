//! Tests of the function `serve_block`, which serves blocks without a server.

use super::*;
use crate::server::espressif::{ImageTable, ReadRequest, Registration};
use crate::types::FileVersion;
use crate::zcl::ImageBlockRequest;

fn request(offset: u32, max_data: u8) -> ImageBlockRequest {
    ImageBlockRequest { id: IMAGE, offset, max_data, node: None, min_block_period: None }
}

/// Frame that `serve_block` makes for a request, with at most `most` bytes of data.
fn served(images: &mut impl ImageStore, request: &ImageBlockRequest, most: u8) -> Option<Vec<u8>> {
    let mut out = [0xee; zcl::LONGEST_TO_CLIENT];
    let len = serve_block(0x2a, request, NonZeroU8::new(most).unwrap(), images, &mut out)?;
    assert!(out[len..].iter().all(|byte| *byte == 0xee), "nothing is written behind the frame");
    Some(out[..len].to_vec())
}

#[test]
fn a_block_is_served_without_a_server_around_it() {
    let file = plain(5, 101);
    let mut images = catalog(vec![file.clone()]);
    for (offset, max_data, most, len) in
        [(0, 64, 255, 64), (64, 64, 255, 37), (100, 1, 255, 1), (0, 64, 40, 40), (0, 255, 255, 101)]
    {
        let start = usize::try_from(offset).unwrap();
        let head = std::format!("19 2a 05 00 01 10 ab 00 05 00 00 00 {offset:02x} 00 00 00 {len:02x}");
        let frame = [&bytes(&head)[..], &file[start..start + len]].concat();
        assert_eq!(served(&mut images, &request(offset, max_data), most), Some(frame));
    }
}

#[test]
fn requests_without_data_to_send_get_no_block() {
    let owned = file(FileHeader { destination: Some(OWNER), ..FileHeader::new(IMAGE) }, 101);
    let mut images = catalog(vec![plain(6, 101), owned]);
    // Nobody gets a file for one device: an address in the request proves nothing.
    assert_eq!(served(&mut images, &request(0, 64), 64), None);
    let claimed = ImageBlockRequest { node: Some(OWNER), ..request(0, 64) };
    assert_eq!(served(&mut images, &claimed, 64), None);
    let six = ImageBlockRequest { id: ImageId { version: FileVersion(6), ..IMAGE }, ..request(0, 64) };
    for (offset, max_data) in [(101, 64), (102, 64), (u32::MAX, 64), (0, 0)] {
        assert_eq!(served(&mut images, &ImageBlockRequest { offset, max_data, ..six }, 64), None, "{offset}");
    }
    let seven = ImageBlockRequest { id: ImageId { version: FileVersion(7), ..IMAGE }, ..request(0, 64) };
    assert_eq!(served(&mut images, &seven, 64), None);
}

/// The function `serve_block` does not trust a store that claims to have copied more bytes than its buffer has room
/// for.
#[test]
fn a_block_is_as_long_as_the_store_filled_it() {
    for (says, len) in [
        (ReadResult::Filled(64), Some(17 + 64)),
        (ReadResult::Filled(10), Some(17 + 10)),
        (ReadResult::Filled(300), Some(17 + 64)),
        (ReadResult::Filled(0), None),
        (ReadResult::Later, None),
        (ReadResult::Wait { seconds: 5 }, None),
        (ReadResult::Gone, None),
    ] {
        let mut images = Slow { files: catalog(vec![plain(5, 101)]), says: Some(says), reads: vec![] };
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        assert_eq!(serve_block(0, &request(0, 64), NonZeroU8::MAX, &mut images, &mut out), len, "{says:?}");
        assert_eq!(images.reads, [(0, 64)]);
    }
}

#[test]
fn an_image_table_serves_blocks_without_a_server() {
    let info = ImageInfo::new(&FileHeader { total_size: 101, ..FileHeader::new(IMAGE) });
    let mut seen = vec![];
    let mut source = |wanted: ReadRequest, out: &mut [u8]| {
        seen.push((wanted.index, wanted.client, wanted.offset));
        out.fill(0x77);
        ReadResult::Filled(out.len())
    };
    let mut table = ImageTable::<2>::new(1, 0).unwrap();
    let registration =
        Registration { endpoint: 5, image: info, upgrade_time: u32::MAX, source: &mut source, notify: false };
    table.register(1, registration).unwrap();
    let frame = served(&mut table, &request(50, 3), 64).unwrap();
    assert_eq!(frame[12..], [50, 0, 0, 0, 3, 0x77, 0x77, 0x77]);
    // An upgrade time of 0xFFFFFFFF holds clients; images that the table does not have are not held.
    let mut policy = table.policy(|_, _, _| QueryDecision::Offer);
    assert_eq!(policy.upgrade(LAMP, IMAGE), UpgradeDecision::Hold);
    assert_eq!(policy.upgrade(LAMP, ImageId { version: FileVersion(6), ..IMAGE }), UpgradeDecision::Now);
    // Image that is removed between `info` and `read`.
    let found = *table.info(IMAGE, None, None, None).found().unwrap();
    assert!(table.remove(1));
    assert_eq!(table.read(&found, 0, None, &mut [0; 4]), ReadResult::Gone);
    assert_eq!(seen, [(1, Address::new(0, 0), 50)]);
}
