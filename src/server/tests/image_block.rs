//! Tests of Image Block: answers with data, waits, refusals, deferred requests, and the start of a download.

use super::rejected_frames::malformed_prefixes;
use super::*;
use crate::zcl::Violation;

/// Image Block Request for the first two bytes.
const FIRST: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 02";
const FIRST_DATA: &str = "19 2a 05 00 01 10 ab 00 05 00 00 00 00 00 00 00 02 1e f1";

fn request(sequence: u8, offset: u32, max_data: u8) -> String {
    let mut frame = bytes("01 2a 03 00 01 10 ab 00 05 00 00 00");
    frame[1] = sequence;
    frame.extend(offset.to_le_bytes());
    frame.push(max_data);
    hex(&frame)
}

/// Returns the data of an Image Block Response, and checks that the other fields of the response are those of the
/// request.
fn data(answer: &str, sequence: u8, offset: u32) -> Vec<u8> {
    let answer = bytes(answer);
    let mut head = bytes("19 2a 05 00 01 10 ab 00 05 00 00 00");
    head[1] = sequence;
    head.extend(offset.to_le_bytes());
    head.push(u8::try_from(answer.len() - 17).unwrap());
    assert_eq!(answer[..17], head);
    answer[17..].to_vec()
}

fn slow(says: Option<ReadResult>) -> Desk<Slow, Script> {
    Desk::new(Slow { files: catalog(vec![plain(5, 101)]), says, reads: vec![] }, Script::default())
}

/// Shows: SRV-004, SRV-005
#[test]
fn a_thousand_clients_in_any_order_need_no_memory() {
    let image = plain(5, 1000);
    for slots in [0, 1, 7] {
        let images = catalog(vec![image.clone()]);
        let mut desk = Desk::configured(unpaced(), slots, images, Script::default());
        let mut files = vec![vec![0; image.len()]; 1000];
        for step in 0..10 {
            for (client, file) in (0..1000).zip(&mut files) {
                // 0, 7, 4, 1, 8, ...: each client has its own first block.
                let offset = (client + step * 7) % 10 * 100;
                let sequence = u8::try_from(client % 256).unwrap();
                let from = Address::new(u16::try_from(client).unwrap(), 1);
                let answer = desk.ask(from, &request(sequence, offset, 100));
                let start = usize::try_from(offset).unwrap();
                file[start..start + 100].copy_from_slice(&data(&answer, sequence, offset));
            }
        }
        assert!(files.iter().all(|file| *file == image));
        let remembered = (0..1000).filter(|client| desk.server.session(Address::new(*client, 1)).is_some());
        assert_eq!(remembered.count(), slots);
    }
}

/// Shows: SRV-006, SRV-030, SRV-034
#[test]
fn blocks_make_up_the_file() {
    let image = plain(5, 101);
    assert!(crate::file::Image::parse(&image).is_err(), "its body is no elements");
    let mut desk = Desk::with(vec![image.clone()]);
    let mut file = Vec::new();
    for (blocks, sequence, size) in [(1, 0xff, 50), (2, 0x00, 50), (3, 0x01, 1)] {
        let offset = u32::try_from(file.len()).unwrap();
        let block = data(&desk.ask(LAMP, &request(sequence, offset, 50)), sequence, offset);
        assert_eq!(block.len(), size);
        file.extend(block);
        let reached = u32::try_from(file.len()).unwrap();
        assert_eq!(
            desk.phase(LAMP),
            Some(SessionPhase::Downloading { id: IMAGE, reached, blocks, size: 101 })
        );
    }
    assert_eq!(file, image);
    assert_eq!(desk.events(), [ServerEvent::Started { client: LAMP, id: IMAGE }]);
}

/// Shows: SRV-031
#[test]
fn no_block_is_larger_than_asked_for() {
    let image = plain(5, 1000);
    let mut desk = Desk::with(vec![image.clone()]);
    for most in 1..=255 {
        for offset in [0, 500, 744, 745, 999] {
            let start = usize::try_from(offset).unwrap();
            let block = data(&desk.ask(LAMP, &request(most, offset, most)), most, offset);
            let expected = usize::from(most).min(1000 - start);
            assert_eq!(block, image[start..start + expected]);
        }
    }
}

/// Shows: SRV-032
#[test]
fn a_policy_shortens_blocks_for_a_client_and_a_request() {
    /// Policy that sends at most 40 bytes to PLUG in the first block, and at most 30 bytes in each later block.
    struct Hops;
    impl ServerPolicy for Hops {
        fn pace(
            &mut self,
            client: Address,
            request: &ImageBlockRequest,
            _: Option<&Session>,
        ) -> PaceDecision {
            let most = if request.offset == 0 { 40 } else { 30 };
            if client == PLUG {
                PaceDecision::SendAtMost(NonZeroU8::new(most).unwrap())
            } else {
                PaceDecision::Send
            }
        }
    }
    let mut desk = Desk::new(catalog(vec![plain(5, 101)]), Hops);
    for (client, offset, max, size) in
        [(PLUG, 0, 64, 40), (LAMP, 0, 64, 64), (PLUG, 40, 64, 30), (PLUG, 40, 20, 20), (PLUG, 90, 64, 11)]
    {
        assert_eq!(data(&desk.ask(client, &request(1, offset, max)), 1, offset).len(), size);
    }
}

#[test]
fn a_policy_sees_what_was_before_the_request() {
    /// Policy that sends each client at most one block per second.
    struct Slowly(u64, Vec<Option<SessionPhase>>);
    impl ServerPolicy for Slowly {
        fn pace(&mut self, _: Address, _: &ImageBlockRequest, session: Option<&Session>) -> PaceDecision {
            self.1.push(session.map(Session::phase));
            match session.map(|session| Instant::from_millis(self.0).since(session.last_heard())) {
                Some(passed) if passed.0 < 1000 => PaceDecision::Wait { seconds: 1 },
                _ => PaceDecision::Send,
            }
        }
    }
    let mut desk = Desk::new(catalog(vec![plain(5, 101)]), Slowly(0, vec![]));
    for (now, served) in [(0, true), (999, false), (1998, false), (2998, true)] {
        (desk.now, desk.policy.0) = (now, now);
        assert_eq!(desk.ask(LAMP, FIRST) == FIRST_DATA, served, "{now}");
    }
    let downloading = Some(SessionPhase::Downloading { id: IMAGE, reached: 2, blocks: 1, size: 101 });
    assert_eq!(desk.policy.1, [None, downloading, downloading, downloading]);
}

/// Shows: SRV-033
#[test]
fn one_size_can_do_for_all() {
    let config = ServerConfig { max_block_size: NonZeroU8::new(40).unwrap(), ..ServerConfig::default() };
    let mut desk = Desk::configured(config, 4, catalog(vec![plain(5, 101)]), Script::default());
    for (offset, max, size) in [(0, 255, 40), (40, 41, 40), (40, 39, 39), (80, 255, 21)] {
        assert_eq!(data(&desk.ask(LAMP, &request(1, offset, max)), 1, offset).len(), size);
    }
}

/// Shows: SRV-035, CMD-017
#[test]
fn every_answer_to_a_block_request_is_acknowledged() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for pace in [PaceDecision::Send, PaceDecision::Wait { seconds: 5 }, PaceDecision::Abort] {
        desk.policy.pace = Some(pace);
        let ServerAction::Reply(transmit) = desk.handle(LAMP, FIRST) else { panic!() };
        assert!(transmit.aps_ack);
        assert_eq!((transmit.to, transmit.delivery), (LAMP, DeliveryMode::Unicast));
    }
    let mut desk = slow(Some(ReadResult::Later));
    let ServerAction::Deferred(parked) = desk.handle(LAMP, FIRST) else { panic!() };
    assert!(desk.server.answer(Instant::ZERO, parked, Ok(&[1]), &mut desk.out).aps_ack);
}

/// Shows: SRV-036, CMD-053, CMD-054, CMD-055
#[test]
fn a_block_request_without_sense_is_malformed() {
    const MALFORMED: &str = "18 2a 0b 03 80";
    let mut desk = Desk::with(vec![plain(5, 101)]);
    malformed_prefixes(&mut desk, FIRST, MALFORMED, "Image Block Request");
    let with_node = "01 2a 03 01 01 10 ab 00 05 00 00 00 00 00 00 00 02 01 00 00 00 00 00 00 00";
    malformed_prefixes(&mut desk, with_node, MALFORMED, "Image Block Request");

    for offset in [101, 102, 0x1_0000, u32::MAX] {
        assert_eq!(desk.ask(LAMP, &request(0x2a, offset, 50)), MALFORMED);
        let fault = RequestFault::OffsetBeyondEnd { id: IMAGE, offset, size: 101 };
        assert_eq!(desk.events(), [ServerEvent::Malformed { client: LAMP, fault }]);
    }
    assert_eq!(data(&desk.ask(LAMP, &request(1, 100, 50)), 1, 100), [0xac]);
    desk.events();

    assert_eq!(desk.ask(LAMP, &request(0x2a, 0, 0)), MALFORMED);
    let fault = RequestFault::Violation(Violation::EmptyRequest);
    assert_eq!(desk.events(), [ServerEvent::Malformed { client: LAMP, fault }]);
    let (node, min_block_period) = (None, None);
    let empty = ImageBlockRequest { id: IMAGE, offset: 0, max_data: 0, node, min_block_period };
    assert_eq!(empty.check(), Err(Violation::EmptyRequest));
}

/// Shows: CMD-009
#[test]
fn disabled_default_response_suppresses_neither_data_nor_errors() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, &FIRST.replacen("01", "11", 1)), FIRST_DATA);
    assert_eq!(desk.ask(LAMP, &request(0x2a, 101, 50).replacen("01", "11", 1)), "18 2a 0b 03 80");
    let unknown = "11 2a 03 00 01 10 ab 00 06 00 00 00 00 00 00 00 02";
    assert_eq!(desk.ask(LAMP, unknown), "18 2a 0b 03 98");
}

/// Shows: SRV-037, CMD-056
#[test]
fn an_unknown_image_is_not_available_whatever_is_asked_of_it() {
    const NO_IMAGE: &str = "18 2a 0b 03 98";
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for (unknown, id) in [
        ("02 10 ab 00 05 00 00 00", ImageId::new(0x1002, 0x00ab, 5)),
        ("01 10 ac 00 05 00 00 00", ImageId::new(0x1001, 0x00ac, 5)),
        ("01 10 ab 00 06 00 00 00", ImageId::new(0x1001, 0x00ab, 6)),
    ] {
        for offset_and_size in ["00 00 00 00 32", "ff ff 00 00 32", "00 00 00 00 00"] {
            assert_eq!(desk.ask(LAMP, &std::format!("01 2a 03 00 {unknown} {offset_and_size}")), NO_IMAGE);
            let (status, reason) = (Status::NO_IMAGE_AVAILABLE, RefusalReason::UnknownImage);
            assert_eq!(desk.events(), [ServerEvent::NotServed { client: LAMP, id, status, reason }]);
        }
    }
    assert_eq!(desk.ask(LAMP, FIRST), FIRST_DATA);
    desk.images = SliceStore::default();
    assert_eq!(desk.ask(LAMP, FIRST), NO_IMAGE);

    // The image may also disappear between `info` and `read`.
    let mut desk = slow(Some(ReadResult::Gone));
    assert_eq!(desk.ask(LAMP, FIRST), NO_IMAGE);
}

/// Shows: SRV-079, FLD-047, FLD-048
#[test]
fn a_file_for_one_device_goes_only_to_the_device_that_is_known_to_be_it() {
    const ABORT: &str = "19 2a 05 95";
    const NO_IMAGE: &str = "18 2a 0b 03 98";
    fn check(mut desk: Desk<impl ImageStore, Script>, refused: &str) {
        let other = "01 2a 03 01 01 10 ab 00 05 00 00 00 00 00 00 00 02 ee cd ab 89 67 45 23 01";
        let own = "01 2a 03 01 01 10 ab 00 05 00 00 00 00 00 00 00 02 ef cd ab 89 67 45 23 01";
        // An address in the request proves nothing.
        for request in [FIRST, other, own] {
            assert_eq!(desk.ask(LAMP, request), refused);
        }
        desk.policy.ieee = Some(Eui64(7));
        for request in [FIRST, other, own] {
            assert_eq!(desk.ask(LAMP, request), refused);
        }
        desk.policy.ieee = Some(OWNER);
        assert_eq!(desk.ask(LAMP, FIRST), FIRST_DATA);
        assert_eq!(desk.ask(LAMP, own), FIRST_DATA);
        assert_eq!(desk.ask(LAMP, other), ABORT, "it contradicts what is known");
    }
    let header = FileHeader { destination: Some(OWNER), ..FileHeader::new(IMAGE) };
    let files = catalog(vec![file(header, 101)]);
    check(Desk::new(files, Script::default()), NO_IMAGE);
    // The server checks the destination also if the store does not.
    check(Desk::new(Slow { files, says: None, reads: vec![] }, Script::default()), ABORT);
}

/// Part of the requirement SRV-039: an IEEE address in a request for a file for all devices has no effect.
#[test]
fn a_file_for_all_goes_also_to_requests_with_an_address() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    let with_node = "01 2a 03 01 01 10 ab 00 05 00 00 00 00 00 00 00 02 01 00 00 00 00 00 00 00";
    assert_eq!(desk.ask(LAMP, with_node), FIRST_DATA);
}

/// Shows: SRV-040
#[test]
fn policy_and_store_can_make_a_client_wait() {
    const WAIT: &str = "19 2a 05 97 00 00 00 00 1e 00 00 00";
    let mut desk = Desk::with(vec![plain(5, 101)]);
    desk.policy.pace = Some(PaceDecision::Wait { seconds: 30 });
    assert_eq!(desk.ask(LAMP, FIRST), WAIT);
    assert_eq!(desk.events(), [ServerEvent::Waiting { client: LAMP, id: IMAGE, seconds: 30 }]);

    let mut desk = slow(Some(ReadResult::Wait { seconds: 30 }));
    assert_eq!(desk.ask(LAMP, FIRST), WAIT);
    // A store without data and without a time: the client waits for the configured time.
    desk.images.says = Some(ReadResult::Filled(0));
    assert_eq!(desk.ask(LAMP, FIRST), "19 2a 05 97 00 00 00 00 0a 00 00 00");
}

/// Shows: CMD-065
#[test]
fn a_client_of_a_later_revision_gets_its_period_back_with_a_wait() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    desk.policy.pace = Some(PaceDecision::Wait { seconds: 30 });
    let later = "01 2a 03 02 01 10 ab 00 05 00 00 00 00 00 00 00 02 f4 01";
    assert_eq!(desk.ask(LAMP, later), "19 2a 05 97 00 00 00 00 1e 00 00 00 f4 01");
    let bit_alone = "01 2a 03 02 01 10 ab 00 05 00 00 00 00 00 00 00 02";
    assert_eq!(desk.ask(LAMP, bit_alone), "19 2a 05 97 00 00 00 00 1e 00 00 00");
}

/// Shows: SRV-041
#[test]
fn a_client_waits_as_often_as_it_takes() {
    let mut desk = slow(Some(ReadResult::Wait { seconds: 60 }));
    for _ in 0..100 {
        assert_eq!(desk.ask(LAMP, FIRST), "19 2a 05 97 00 00 00 00 3c 00 00 00");
        desk.now += 60_000;
    }
    desk.images.says = None;
    assert_eq!(desk.ask(LAMP, FIRST), FIRST_DATA);
}

/// Shows: SRV-042
#[test]
fn no_client_is_told_to_wait_without_end() {
    const LONGEST: &str = "19 2a 05 97 00 00 00 00 80 51 01 00";
    let seconds = u32::MAX;
    let mut desk = slow(Some(ReadResult::Wait { seconds }));
    assert_eq!(desk.ask(LAMP, FIRST), LONGEST);
    desk.policy.pace = Some(PaceDecision::Wait { seconds });
    assert_eq!(desk.ask(LAMP, FIRST), LONGEST);
    desk.policy.pace = None;
    desk.images.says = Some(ReadResult::Later);
    let ServerAction::Deferred(parked) = desk.handle(LAMP, FIRST) else { panic!() };
    assert_eq!(desk.answer(parked, Err(NotReady::Wait { seconds })), LONGEST);
    let config = ServerConfig { wait_seconds: seconds, ..ServerConfig::default() };
    desk = Desk::configured(
        config,
        4,
        Slow { says: Some(ReadResult::Filled(0)), ..desk.images },
        Script::default(),
    );
    assert_eq!(desk.ask(LAMP, FIRST), LONGEST);
    desk.server.set_utc(desk.now(), Some(UtcTime(1)));
    assert_eq!(desk.ask(LAMP, FIRST), "19 2a 05 97 01 00 00 00 81 51 01 00");
}

/// Shows: SRV-043
#[test]
fn a_policy_can_end_a_download() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, FIRST), FIRST_DATA);
    desk.events();
    desk.policy.pace = Some(PaceDecision::Abort);
    assert_eq!(desk.ask(LAMP, &request(0x2b, 2, 50)), "19 2b 05 95");
    let (status, reason) = (Status::ABORT, RefusalReason::Policy);
    assert_eq!(desk.events(), [ServerEvent::NotServed { client: LAMP, id: IMAGE, status, reason }]);
    assert_eq!(desk.phase(LAMP), Some(SessionPhase::Ended { id: IMAGE, status }));
}

/// Shows: SRV-045
#[test]
fn a_request_is_answered_whatever_was_answered_before() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, FIRST), FIRST_DATA);
    assert_eq!(desk.ask(LAMP, FIRST), FIRST_DATA);
    let third = "19 2b 05 00 01 10 ab 00 05 00 00 00 02 00 00 00 02 ee 0b";
    assert_eq!(desk.ask(LAMP, &request(0x2b, 2, 2)), third);
    assert_eq!(desk.ask(LAMP, FIRST), FIRST_DATA);
}

/// Shows: SRV-046
#[test]
fn deferred_requests_are_answered_in_any_order() {
    let mut desk = slow(Some(ReadResult::Later));
    let ServerAction::Deferred(lamp) = desk.handle(LAMP, &request(0x11, 0, 4)) else { panic!() };
    let ServerAction::Deferred(plug) = desk.handle(PLUG, &request(0x22, 97, 50)) else { panic!() };
    assert_eq!((lamp.client(), lamp.image().id, lamp.offset(), lamp.max_len()), (LAMP, IMAGE, 0, 4));
    assert_eq!((plug.client(), plug.image().size, plug.offset(), plug.max_len()), (PLUG, 101, 97, 4));
    assert_eq!(desk.images.reads, [(0, 4), (97, 4)]);
    assert_eq!(desk.events(), []);

    // Other requests are served meanwhile; the deferred ones are answered late and in another order.
    desk.images.says = None;
    assert_eq!(desk.ask(LAMP, FIRST), FIRST_DATA);
    desk.now += 5_000;
    let late = "19 22 05 00 01 10 ab 00 05 00 00 00 61 00 00 00 04 a9 aa ab ac";
    assert_eq!(desk.answer(plug, Ok(&[0xa9, 0xaa, 0xab, 0xac])), late);
    let short = "19 11 05 00 01 10 ab 00 05 00 00 00 00 00 00 00 03 1e f1 ee";
    assert_eq!(desk.answer(lamp, Ok(&[0x1e, 0xf1, 0xee])), short);
    assert_eq!(desk.server.session(PLUG).unwrap().last_heard(), Instant::from_millis(5_000));

    // Empty data.
    assert_eq!(desk.answer(plug, Err(NotReady::Wait { seconds: 60 })), "19 22 05 97 00 00 00 00 3c 00 00 00");
    assert_eq!(desk.answer(plug, Ok(&[])), "19 22 05 97 00 00 00 00 0a 00 00 00");
    assert_eq!(desk.answer(plug, Err(NotReady::Gone)), "18 22 0b 03 98");
}

#[test]
fn a_store_that_miscounts_spoils_nothing() {
    let image = plain(5, 101);
    for (says, max, size) in [(3, 50, 3), (50, 50, 50), (51, 50, 50), (256, 50, 50), (usize::MAX, 200, 101)] {
        let mut desk = slow(Some(ReadResult::Filled(says)));
        assert_eq!(data(&desk.ask(LAMP, &request(1, 0, max)), 1, 0), image[..size], "{says}");
    }
    let mut desk = slow(Some(ReadResult::Later));
    let ServerAction::Deferred(parked) = desk.handle(LAMP, &request(1, 0, 255)) else { panic!() };
    assert_eq!(data(&desk.answer(parked, Ok(&[7; 1000])), 1, 0), [7; 101]);
}

#[test]
fn a_download_starts_once_and_again_from_the_start() {
    let started = ServerEvent::Started { client: LAMP, id: IMAGE };
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for (offset, expected) in [(50, true), (60, false), (0, true), (0, false), (50, false), (0, true)] {
        desk.ask(LAMP, &request(1, offset, 50));
        assert_eq!(desk.events().contains(&started), expected, "{offset}");
    }
    // Without sessions only a block at offset 0 is reported as a start.
    let images = catalog(vec![plain(5, 101)]);
    let mut desk = Desk::configured(ServerConfig::default(), 0, images, Script::default());
    for (offset, expected) in [(50, false), (0, true), (0, true)] {
        desk.ask(LAMP, &request(1, offset, 50));
        assert_eq!(desk.events().contains(&started), expected, "{offset}");
    }
}

#[test]
fn the_client_with_the_oldest_frame_is_evicted() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for client in [1, 2, 3, 4, 1, 5] {
        desk.now += 1000;
        desk.ask(Address::new(client, 1), FIRST);
    }
    let remembered = [1, 2, 3, 4, 5].map(|client| desk.server.session(Address::new(client, 1)).is_some());
    assert_eq!(remembered, [true, false, true, true, true]);
    // Two endpoints of one node are two clients.
    assert!(desk.server.session(Address::new(1, 2)).is_none());
}

/// The caller chooses the memory in which the server keeps its sessions.
#[test]
fn slots_are_an_array_a_slice_or_a_vec() {
    fn serve(mut server: Server<impl SessionSlots>) {
        let (mut images, mut out) = (catalog(vec![plain(5, 101)]), [0; zcl::LONGEST_TO_CLIENT]);
        let meta = FrameMeta::unicast(LAMP);
        let frame = bytes(FIRST);
        let policy: &mut dyn ServerPolicy = &mut StandardPolicy::default();
        let images: &mut dyn ImageStore = &mut images;
        let handled = server.handle_frame(Instant::ZERO, meta, &frame, images, policy, &mut out);
        assert!(matches!(handled, ServerAction::Reply(_)));
        assert!(server.session(LAMP).is_some());
    }
    let mut lent = [Session::EMPTY; 2];
    serve(Server::new(ServerConfig::default(), &mut lent[..]));
    serve(Server::new(ServerConfig::default(), [Session::EMPTY; 2]));
    serve(Server::new(ServerConfig::default(), vec![Session::EMPTY; 2]));
}
