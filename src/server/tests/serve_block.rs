//! Tests of the function `serve_block`, and of stores, policies and session slots without a server.

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

#[cfg(feature = "std")]
#[test]
fn an_image_that_a_store_does_not_have_is_gone() {
    let foreign = ImageInfo::new(&FileHeader { total_size: 101, ..FileHeader::new(IMAGE) });
    let mut out = [0; 4];
    assert_eq!(SlotStore::new([None; 2]).read(&foreign, 0, None, &mut out), ReadResult::Gone);
    assert_eq!(FolderStore::new().read(&foreign, 0, None, &mut out), ReadResult::Gone);
    let mut library = OwnedStore::new();
    assert_eq!(library.read(&foreign, 0, None, &mut out), ReadResult::Gone);
    // `replace` adds a file if none has its identity.
    assert_eq!(library.replace(plain(5, 101)), Ok(None));
    assert_eq!(library.list().map(|info| info.id).collect::<Vec<_>>(), [IMAGE]);
    let found = *library.info(IMAGE, None, None, None).found().unwrap();
    assert_eq!(
        (library.read(&found, 0, None, &mut out), out),
        (ReadResult::Filled(4), [0x1e, 0xf1, 0xee, 0x0b])
    );
    // Invalid bytes replace no file.
    assert!(library.replace(vec![1, 2, 3]).is_err());
    assert!(FolderStore::new().replace("no file of this name").is_err());
    assert_eq!(library.list().count(), 1);
}

#[test]
fn a_client_that_holds_an_image_of_another_type_is_not_ready() {
    use crate::types::StackVersion;
    use crate::zcl::{ClientStatus, ImageUpgradeStatus};

    let report = ClientStatus {
        status: Some(ImageUpgradeStatus::DOWNLOAD_COMPLETE),
        downloaded_version: Some(IMAGE.version),
        image_type: Some(IMAGE.image_type),
        ..ClientStatus::default()
    };
    let desk = Desk::with(vec![]);
    let is_ready =
        |status| desk.server.is_ready_to_upgrade(LAMP, IMAGE, StackVersion::ZIGBEE_PRO, Some(status));
    assert_eq!(is_ready(&report), Some(true));
    let other = ClientStatus { image_type: Some(ImageType(0x00ac)), ..report };
    assert_eq!(is_ready(&other), Some(false));
}

#[test]
fn slots_by_default_are_empty() {
    let mut server = Server::new(ServerConfig::default(), <[Session; 2]>::default());
    assert_eq!(server.sessions().count(), 0);
    let mut images = catalog(vec![plain(5, 101)]);
    let frame = bytes("01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 04");
    let mut out = [0; zcl::LONGEST_TO_CLIENT];
    let (now, meta) = (Instant::ZERO, FrameMeta::unicast(LAMP));
    let handled =
        server.handle_frame(now, meta, &frame, &mut images, &mut StandardPolicy::default(), &mut out);
    assert!(matches!(handled, ServerAction::Reply(_)));
    assert_eq!(server.sessions().map(Session::client).collect::<Vec<_>>(), [LAMP]);
}

/// Row that a caller adds to its own table of device overrides.
#[test]
fn a_new_device_override_overrides_nothing() {
    let row = DeviceOverride::new(0x1001, ImageType(0x00ab), &["seen here"]);
    assert_eq!((row.max_block_size, row.verify_timeout, row.reports), (None, None, &["seen here"][..]));
    assert!(!row.refuse_pages && !row.ignore_min_block_period && !row.one_byte_version);
    assert!(row.matches(IMAGE));
    assert!(!row.matches(ImageId::new(0x1002, 0x00ab, 5)) && !row.matches(ImageId::new(0x1001, 0x00ac, 5)));
}

#[test]
fn reasons_to_ignore_a_frame_have_texts() {
    for (why, text) in [
        (ServerIgnored::NotUnicast, "not sent to this node alone"),
        (ServerIgnored::ToClient, "sent from a server to a client"),
        (ServerIgnored::ManufacturerSpecific, "manufacturer specific"),
        (ServerIgnored::NotOfCluster, "not a command of the cluster"),
    ] {
        assert_eq!(std::string::ToString::to_string(&why), text);
    }
    let fault = RequestFault::OffsetBeyondEnd { id: IMAGE, offset: 101, size: 100 };
    assert_eq!(
        std::string::ToString::to_string(&fault),
        "offset 101 of image 1001-00AB-00000005, which has 100 bytes"
    );
}
