//! Tests of checkpoints, and of resuming an upgrade from a checkpoint after a restart.

use core::num::NonZeroU32;

use super::*;

const FIVE_MINUTES: u64 = 5 * 60 * 1000;

/// Creates a client that starts at the time 0 ms and resumes its download from `checkpoint`.
fn resumed(checkpoint: Checkpoint) -> Script {
    let mut script = Script::new(config());
    script.client.resume(at(0), checkpoint).unwrap();
    script
}

/// Shows: CLI-073
#[test]
fn a_download_continues_from_its_checkpoint() {
    let file = file(|_| {});
    let mut before = Script::downloading(config());
    assert_eq!(before.client.checkpoint().map(|checkpoint| checkpoint.received), Some(0));
    before.assert_requests_block(0);
    before.receive_block(1, 0, &file[..56]);
    before.assert_requests_block(56);
    before.receive_block(2, 56, &file[56..77]);
    let checkpoint = before.client.checkpoint().expect("a checkpoint of the download");
    assert_eq!((checkpoint.received, checkpoint.stage), (77, CheckpointStage::Downloading));
    assert_eq!(checkpoint.header.map(|header| header.stack), Some(StackVersion::ZIGBEE_PRO));

    let mut script = resumed(checkpoint);
    assert_eq!(script.client.poll_need(), None, "storage is prepared already");
    assert_eq!((script.status(), script.client.attributes().file_offset), (0x01, Some(77)));
    script.check(&file, 77, 21).assert_requests_block(77);
    script.receive_block(2, 77, &file[77..]);
    script.verify(VerifyResult::Valid);
    script.assert_sends("01 03 06 00 5F11 0101 2C1A0000");
    assert_eq!(script.client.resume(at(0), checkpoint), Err(Busy));
}

/// Shows: CLI-073
#[test]
fn a_resumed_download_without_its_file_is_followed_by_a_query() {
    let offer = ImageOffer { id: OFFERED, size: 100 };
    let header = Some(HeaderFacts { stack: StackVersion::ZIGBEE_PRO, credential: None });
    let checkpoint = Checkpoint {
        offer,
        received: 64,
        header,
        sums: None,
        stage: CheckpointStage::Downloading,
        pending_images: PendingImages::NONE,
    };
    let mut script = resumed(checkpoint);
    script.assert_requests_block(64);
    assert_eq!(script.receive("19 00 05 95"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::ServerAborted);
    script.assert_sends("01 01 01 00 5F11 0101 2B1A0000");

    let mut script = resumed(checkpoint);
    for turn in 0..3_u8 {
        script.assert_requests_block(64);
        script.receive(&std::format!("18 {turn:02x} 0B 03 98"));
        script.advance_to(1000 * (u64::from(turn) + 1));
    }
    assert_eq!(script.expect_pause(), (PauseReason::ImageGone, 12_000));
    script.advance_to(12_000).assert_sends("01 03 01 00 5F11 0101 2B1A0000");

    // A server that has sent data since still has the file: its ABORT is not followed by a query at once.
    let mut script = resumed(checkpoint);
    script.assert_requests_block(64);
    script.receive_block(0, 64, &file(|_| {})[64..72]);
    script.assert_requests_block(72);
    script.receive("19 01 05 95");
    assert!(script.assert_silent().is_idle());
    assert_eq!(script.client.poll_timeout(), Some(at(FIVE_MINUTES)));
}

/// Shows: CLI-129, CLI-130, ATTR-034
#[test]
fn a_resumed_verified_image_repeats_the_upgrade_end_request() {
    let mut before = Script::ending(config());
    before.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    assert_eq!(before.status(), 0x04);
    let checkpoint = before.client.checkpoint().expect("a checkpoint of the image");
    assert_eq!((checkpoint.received, checkpoint.stage), (100, CheckpointStage::Verified));

    let id = Eui64(0x0123_4567_89ab_cdef);
    let server = Address::new(0xffff, 1);
    let mut script = Script::new(ClientConfig { server, server_id: id, ..config() });
    script.client.resume(at(0), checkpoint).unwrap();
    let attributes = script.client.attributes();
    assert_eq!((attributes.status.0, attributes.file_offset), (0x02, Some(100)));
    assert_eq!(attributes.downloaded_version, Some(OFFERED.version));
    assert_eq!(attributes.downloaded_stack, Some(StackVersion::ZIGBEE_PRO));
    assert_eq!(attributes.image_type, Some(OFFERED.image_type));
    script.assert_silent();
    let Need::NetworkAddress(ticket, found) = script.expect_need() else {
        panic!("no need to look up the network address")
    };
    assert_eq!(found, id);
    script.client.network_address_resolved(at(0), ticket, Some(SERVER.network)).unwrap();
    script.assert_sends("01 00 06 00 5F11 0101 2C1A0000");
    script.receive("19 00 07 5F11 0101 2C1A0000 00000000 0A000000");
    script.advance_to(10_000).expect_apply();
}

#[test]
fn a_resumed_complete_file_is_verified() {
    let before = Script::downloaded(config(), &file(|_| {}));
    let checkpoint = before.client.checkpoint().expect("a checkpoint of the file");
    assert_eq!((checkpoint.received, checkpoint.stage), (100, CheckpointStage::Downloading));
    let mut script = resumed(checkpoint);
    script.assert_silent().verify(VerifyResult::Invalid);
    script.assert_sends("01 00 06 96 5F11 0101 2C1A0000");
}

#[test]
fn a_checkpoint_has_only_stored_bytes_and_a_complete_header() {
    let sector = NonZeroU32::new(32).unwrap();
    let file = file(|_| {});
    assert_eq!(Script::new(config()).client.checkpoint(), None);
    assert_eq!(Script::querying(config()).client.checkpoint(), None);
    // A header that is not complete is not in the checkpoint, and is fetched again.
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file[..40]);
    assert_eq!(script.client.progress().unwrap().received, 40);
    let early = script.client.checkpoint().unwrap();
    assert_eq!((early.received, early.header), (0, None));
    let mut again = resumed(early);
    again.assert_requests_block(0);
    again.receive_block(0, 0, &file[..64]);
    again.assert_requests_block(64);

    // A block that is still being stored is not in the checkpoint.
    script.assert_requests_block(40);
    let frame = block(2, OFFERED, 40, &file[40..90]);
    let ClientAction::Store(arrived) = script.client.handle_frame(at(0), FrameMeta::unicast(SERVER), &frame)
    else {
        panic!("no block to store");
    };
    assert_eq!(script.client.checkpoint().unwrap().received, 40);
    script.client.stored(at(0), arrived.ticket, StoreResult::Ok).unwrap();
    let late = script.client.checkpoint().unwrap();
    assert_eq!((late.received, late.floor(sector).received), (90, 64));
    assert_eq!(late.floor(NonZeroU32::new(4096).unwrap()).received, 0);
    let mut again = resumed(late.floor(NonZeroU32::new(4096).unwrap()));
    // The sums are about the bytes of the file, whether or not the bytes are still stored.
    again.check(&file, 90, 50).assert_requests_block(0);
    // The header was accepted before the restart, and its fields are not checked again.
    again.receive_block(2, 0, &file[..10]);
    again.assert_requests_block(10);
    let whole = Script::ending(config()).client.checkpoint().unwrap();
    assert_eq!(whole.floor(sector), whole);
}

/// Shows: CLI-134
#[test]
fn a_device_rolled_back_to_an_older_version_accepts_the_offer() {
    let mut older = config();
    older.identity.current = ImageId::new(0x115f, 0x0101, 3);
    let mut script = Script::new(older);
    script.client.query(at(0)).unwrap();
    script.assert_sends("01 00 01 00 5F11 0101 03000000");
    script.receive(OFFER);
    script.accept();
}
