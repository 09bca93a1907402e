//! Tests of Image Page.

use super::rejected_frames::malformed_prefixes;
use super::*;
use crate::zcl::Violation;

/// Image Page Request of IMAGE.
fn page(sequence: u8, offset: u32, max_data: u8, page_size: u16, spacing: u16) -> String {
    let mut frame = bytes("01 2a 04 00 01 10 ab 00 05 00 00 00");
    frame[1] = sequence;
    frame.extend(offset.to_le_bytes());
    frame.push(max_data);
    frame.extend(page_size.to_le_bytes());
    frame.extend(spacing.to_le_bytes());
    hex(&frame)
}

/// Sequence number, offset and data of an Image Block Response.
fn block(frame: &[u8]) -> (u8, u32, Vec<u8>) {
    let same = |at: core::ops::Range<usize>| hex(&frame[at]);
    assert_eq!((frame[0], same(2..12)), (0x19, "05 00 01 10 ab 00 05 00 00 00".into()));
    assert_eq!(usize::from(frame[16]), frame.len() - 17);
    (frame[1], u32::from_le_bytes(frame[12..16].try_into().unwrap()), frame[17..].to_vec())
}

/// Blocks of a page with their times; none asks for an APS acknowledgement.
fn run(desk: &mut Desk<impl ImageStore, Script>, request: &str, millis: u64) -> Vec<(u64, u8, u32, Vec<u8>)> {
    let first = match desk.handle(LAMP, request) {
        ServerAction::Reply(transmit) => (desk.now, transmit, desk.out[..transmit.len].to_vec()),
        other => panic!("{other:?}"),
    };
    let end = desk.now + millis;
    let rest = desk.run_to(end);
    let blocks = core::iter::once(first).chain(rest);
    blocks
        .map(|(at, transmit, frame)| {
            assert_eq!((transmit.to, transmit.delivery), (LAMP, DeliveryMode::Unicast));
            assert!(!transmit.aps_ack);
            let (sequence, offset, data) = block(&frame);
            (at, sequence, offset, data)
        })
        .collect()
}

/// Shows: SRV-048, SRV-050, SRV-051, CMD-060
#[test]
fn a_page_is_covered_once_and_not_beyond() {
    let image = plain(5, 1000);
    for (offset, max, size) in
        [(0, 64, 512), (488, 64, 512), (900, 64, 512), (0, 255, 1000), (7, 16, 9), (7, 16, 49), (0, 50, 20)]
    {
        let mut desk = Desk::with(vec![image.clone()]);
        let blocks = run(&mut desk, &page(0x2a, offset, max, size, 5), 10_000);
        let mut next = offset;
        for (_, _, at, data) in &blocks {
            assert_eq!(*at, next);
            assert!(data.len() <= usize::from(max));
            let start = usize::try_from(*at).unwrap();
            assert_eq!(image[start..start + data.len()], data[..]);
            next += u32::try_from(data.len()).unwrap();
        }
        assert_eq!(next, (offset + u32::from(size)).min(1000));
        assert!(!desk.server.session(LAMP).unwrap().has_page());
    }
}

/// Shows: SRV-049, CMD-017
#[test]
fn blocks_of_a_page_keep_their_distance() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    desk.now = 100;
    let blocks = run(&mut desk, &page(0x2a, 0, 50, 200, 70), 10_000);
    let times: Vec<_> = blocks.iter().map(|(at, ..)| *at).collect();
    assert_eq!(times, [100, 170, 240, 310]);

    // A call before the deadline sends nothing; after a late call the next block keeps the full spacing.
    let first = desk.handle(LAMP, &page(0x2b, 0, 50, 200, 70));
    assert!(matches!(first, ServerAction::Reply(_)));
    let start = desk.now;
    for (after, due) in
        [(0, false), (69, false), (70, true), (70, false), (500, true), (569, false), (570, true)]
    {
        desk.now = start + after;
        assert_eq!(desk.poll().is_some(), due, "{after}");
    }
}

/// The timeout of the silence is shorter than the spacing of the page.
///
/// Shows: SRV-049
#[test]
fn a_query_does_not_hasten_the_blocks_of_a_page() {
    let config = ServerConfig { stall_timeout: crate::time::Millis::from_secs(1), ..unpaced() };
    let mut desk = Desk::configured(config, 4, catalog(vec![plain(5, 1000)]), Script::default());
    let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x2a, 0, 50, 200, 5_000)) else { panic!() };
    desk.now = 100;
    desk.ask(LAMP, "01 2b 01 00 01 10 ab 00 01 00 00 00");
    let times: Vec<_> = desk.run_to(60_000).iter().map(|(at, ..)| *at).collect();
    assert_eq!(times, [5_000, 10_000, 15_000]);
}

/// Shows: SRV-052, SRV-053
#[test]
fn a_page_counts_on_from_its_request() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    let numbers =
        |blocks: &[(u64, u8, u32, Vec<u8>)]| blocks.iter().map(|(_, number, ..)| *number).collect::<Vec<_>>();
    assert_eq!(numbers(&run(&mut desk, &page(0x2a, 0, 50, 150, 0), 20)), [0x2a, 0x2b, 0x2c]);
    assert_eq!(numbers(&run(&mut desk, &page(0xfe, 0, 50, 200, 0), 30)), [0xfe, 0xff, 0x00, 0x01]);

    // Requests of other clients in between change no sequence number of the page.
    let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x40, 0, 50, 200, 10)) else { panic!() };
    let mut got = vec![];
    while desk.server.session(LAMP).unwrap().has_page() {
        desk.ask(PLUG, "01 99 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 02");
        desk.now += 10;
        let _sent = desk.poll().unwrap();
        got.push(block(&desk.out[..67]).0);
    }
    assert_eq!(got, [0x41, 0x42, 0x43]);
}

/// Shows: SRV-047
#[test]
fn a_server_without_pages_says_so() {
    let config = ServerConfig { max_pages: 0, ..ServerConfig::default() };
    for (config, slots) in [(config, 4), (ServerConfig::default(), 0)] {
        let mut desk = Desk::configured(config, slots, catalog(vec![plain(5, 101)]), Script::default());
        assert_eq!(desk.ask(LAMP, &page(0x2a, 0, 50, 200, 10)), "18 2a 0b 04 81");
        assert_eq!(desk.ask(LAMP, "01 2a 04"), "18 2a 0b 04 81");
        assert_eq!((desk.poll(), desk.events()), (None, vec![]));
    }
}

/// Shows: SRV-054
#[test]
fn a_wait_or_an_abort_ends_a_page() {
    let store = |says| Slow { files: catalog(vec![plain(5, 1000)]), says, reads: vec![] };
    for (says, answer) in [
        (ReadResult::Wait { seconds: 30 }, "19 2b 05 97 00 00 00 00 1e 00 00 00"),
        (ReadResult::Later, "19 2b 05 97 00 00 00 00 0a 00 00 00"),
        (ReadResult::Filled(0), "19 2b 05 97 00 00 00 00 0a 00 00 00"),
    ] {
        let mut desk = Desk::new(store(None), Script::default());
        let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x2a, 0, 50, 200, 10)) else { panic!() };
        desk.images.says = Some(says);
        let sent = desk.run_to(10_000);
        assert_eq!(sent.iter().map(|(_, _, frame)| hex(frame)).collect::<Vec<_>>(), [answer]);
    }
    let mut desk = Desk::new(store(None), Script::default());
    let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x2a, 0, 50, 200, 10)) else { panic!() };
    desk.events();
    let sent = desk.server.abort_page(desk.now(), LAMP, &mut desk.out).unwrap();
    assert_eq!(desk.sent(LAMP, sent), "19 2b 05 95");
    let (status, reason) = (Status::ABORT, RefusalReason::Cancelled);
    assert_eq!(desk.events(), [ServerEvent::NotServed { client: LAMP, id: IMAGE, status, reason }]);
    assert!(desk.run_to(10_000).is_empty());
    assert_eq!(desk.server.abort_page(desk.now(), LAMP, &mut desk.out), None);

    // A policy that refuses the first block starts no page.
    desk.policy.pace = Some(PaceDecision::Wait { seconds: 5 });
    assert_eq!(desk.ask(LAMP, &page(0x2a, 0, 50, 200, 10)), "19 2a 05 97 00 00 00 00 05 00 00 00");
    desk.policy.pace = Some(PaceDecision::Abort);
    assert_eq!(desk.ask(LAMP, &page(0x2a, 0, 50, 200, 10)), "19 2a 05 95");
}

/// Shows: SRV-055
#[test]
fn a_newer_request_replaces_a_page() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x2a, 0, 50, 500, 10)) else { panic!() };
    desk.now = 10;
    assert!(desk.poll().is_some());
    let blocks = run(&mut desk, &page(0x50, 600, 50, 100, 10), 1_000);
    let offsets: Vec<_> = blocks.iter().map(|(_, number, offset, _)| (*number, *offset)).collect();
    assert_eq!(offsets, [(0x50, 600), (0x51, 650)]);

    let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x2a, 0, 50, 500, 10)) else { panic!() };
    let ServerAction::Reply(_) = desk.handle(LAMP, "01 60 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 02")
    else {
        panic!()
    };
    assert!(desk.run_to(5_000).is_empty());
    // A request of another endpoint does not end the page.
    let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x2a, 0, 50, 100, 10)) else { panic!() };
    desk.ask(Address::new(LAMP.network, 7), "01 60 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 02");
    assert_eq!(desk.run_to(10_000).len(), 1);
}

/// Shows: SRV-056
#[test]
fn several_pages_run_and_the_next_one_waits() {
    let config = ServerConfig { max_pages: 2, ..ServerConfig::default() };
    let mut desk = Desk::configured(config, 4, catalog(vec![plain(5, 1000)]), Script::default());
    let ask = page(0x2a, 0, 50, 500, 10);
    for client in [LAMP, PLUG] {
        let ServerAction::Reply(transmit) = desk.handle(client, &ask) else { panic!() };
        assert!(!transmit.aps_ack);
    }
    let third = Address::new(3, 1);
    assert_eq!(desk.ask(third, &ask), "19 2a 05 97 00 00 00 00 0a 00 00 00");
    // Each client gets the blocks of its own page.
    let sent = desk.run_to(1_000);
    for client in [LAMP, PLUG] {
        let own = sent.iter().filter(|(_, transmit, _)| transmit.to == client);
        let offsets: Vec<_> = own.map(|(_, _, frame)| block(frame).1).collect();
        assert_eq!(offsets, (1..10).map(|at| at * 50).collect::<Vec<_>>());
    }
    let ServerAction::Reply(transmit) = desk.handle(third, &ask) else { panic!() };
    assert!(!transmit.aps_ack);
}

/// Shows: SRV-057
#[test]
fn a_page_of_a_file_that_is_gone_ends() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    let unknown = page(0x2a, 0, 50, 500, 10).replacen("ab 00 05", "ab 00 06", 1);
    assert_eq!(desk.ask(LAMP, &unknown), "18 2a 0b 04 98");
    let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x2a, 0, 50, 500, 10)) else { panic!() };
    desk.images = SliceStore::default();
    let sent = desk.run_to(10_000);
    assert_eq!(sent.len(), 1);
    assert_eq!(hex(&sent[0].2), "18 2b 0b 04 98");
    let mut desk = Desk::new(
        Slow { files: catalog(vec![plain(5, 1000)]), says: None, reads: vec![] },
        Script::default(),
    );
    let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x2a, 0, 50, 500, 10)) else { panic!() };
    desk.images.says = Some(ReadResult::Gone);
    let sent = desk.run_to(10_000);
    assert_eq!((sent.len(), hex(&sent[0].2)), (1, "18 2b 0b 04 98".into()));
}

/// The caller replaces the file of a page by a shorter file, or by the file for another device.
///
/// Shows: SRV-057, FLD-048
#[test]
fn a_page_ends_when_its_file_becomes_too_short_or_is_for_another_device() {
    let other = FileHeader { destination: Some(Eui64(7)), ..FileHeader::new(IMAGE) };
    for (ieee, replacement) in [
        (None, plain(5, 64)),
        (None, plain(5, 60)),
        (None, file(other, 1000)),
        (Some(OWNER), file(other, 1000)),
    ] {
        let images = Slow { files: catalog(vec![plain(5, 1000)]), says: None, reads: vec![] };
        let mut desk = Desk::new(images, Script { ieee, ..Script::default() });
        let ServerAction::Reply(_) = desk.handle(LAMP, &page(0x2a, 0, 64, 500, 10)) else { panic!() };
        desk.images.files = catalog(vec![replacement]);
        desk.images.reads.clear();
        let sent = desk.run_to(10_000);
        assert_eq!((sent.len(), hex(&sent[0].2)), (1, "18 2b 0b 04 98".into()));
        assert_eq!(desk.images.reads, []);
    }
}

/// Shows: SRV-058, CMD-060, CMD-062
#[test]
fn a_page_request_without_sense_is_malformed() {
    const MALFORMED: &str = "18 2a 0b 04 80";
    let mut desk = Desk::with(vec![plain(5, 101)]);
    malformed_prefixes(&mut desk, &page(0x2a, 0, 50, 500, 10), MALFORMED, "Image Page Request");
    for (request, fault) in [
        (page(0x2a, 0, 0, 500, 10), Violation::EmptyRequest.into()),
        (page(0x2a, 0, 50, 0, 10), Violation::EmptyPage.into()),
        (page(0x2a, 101, 50, 500, 10), RequestFault::OffsetBeyondEnd { id: IMAGE, offset: 101, size: 101 }),
    ] {
        assert_eq!(desk.ask(LAMP, &request), MALFORMED);
        assert_eq!(desk.events(), [ServerEvent::Malformed { client: LAMP, fault }]);
    }
    assert_eq!(desk.poll(), None);
}

/// Shows: SRV-059
#[test]
fn a_page_for_one_device_needs_their_support() {
    let request = page(0x2a, 0, 50, 500, 10).replacen("04 00 01 10 ab 00", "04 01 01 10 c1 ff", 1)
        + " 01 00 00 00 00 00 00 00";
    let generic = page(0x2a, 0, 50, 500, 10).replacen("04 00", "04 01", 1) + " 01 00 00 00 00 00 00 00";
    let config = ServerConfig { query_specific_file: false, ..ServerConfig::default() };
    let mut desk = Desk::configured(config, 4, catalog(vec![plain(5, 101)]), Script::default());
    assert_eq!(desk.ask(LAMP, &request), "18 2a 0b 04 81");
    assert_eq!(run(&mut desk, &generic, 1_000).len(), 3);
    let mut desk = Desk::with(vec![]);
    assert_eq!(desk.ask(LAMP, &request), "18 2a 0b 04 98");
}

#[test]
fn a_page_whose_first_block_comes_late_goes_on() {
    let mut desk = Desk::new(
        Slow { files: catalog(vec![plain(5, 101)]), says: Some(ReadResult::Later), reads: vec![] },
        Script::default(),
    );
    let ServerAction::Deferred(parked) = desk.handle(LAMP, &page(0x2a, 0, 50, 100, 10)) else { panic!() };
    assert_eq!((parked.offset(), parked.max_len()), (0, 50));
    desk.images.says = None;
    let transmit = desk.server.answer(desk.now(), parked, Ok(&[0x1e; 50]), &mut desk.out);
    assert!(!transmit.aps_ack);
    assert_eq!(desk.run_to(1_000).len(), 1);
}

/// A client can download a device-specific file by pages.
#[test]
fn a_page_remembers_who_it_is_for() {
    let header = FileHeader { destination: Some(OWNER), ..FileHeader::new(IMAGE) };
    let mut desk = Desk::with(vec![file(header, 500)]);
    let own = page(0x2a, 0, 50, 500, 10).replacen("04 00", "04 01", 1) + " ef cd ab 89 67 45 23 01";
    assert_eq!(desk.ask(LAMP, &own), "18 2a 0b 04 98");
    desk.policy.ieee = Some(OWNER);
    assert_eq!(run(&mut desk, &own, 1_000).len(), 10);
}

/// Shows: FLD-044
#[test]
fn a_page_leaves_time_for_others() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    for (spacing, expected) in [(0, 10), (1, 10), (9, 10), (10, 10), (11, 11)] {
        let blocks = run(&mut desk, &page(0x2a, 0, 50, 250, spacing), 1_000);
        let times: Vec<_> = blocks.iter().map(|(at, ..)| at - blocks[0].0).collect();
        assert_eq!(times, [0, 1, 2, 3, 4].map(|at| at * expected), "{spacing}");
    }
}

/// The server supports no pages with blocks of less than 16 bytes, so the client requests the blocks one by one.
///
/// Shows: FLD-044
#[test]
fn a_page_of_tiny_blocks_is_not_supported() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    for max in 1..16 {
        assert_eq!(desk.ask(LAMP, &page(0x2a, 0, max, 500, 10)), "18 2a 0b 04 81", "{max}");
        assert_eq!((desk.poll(), desk.server.poll_timeout()), (None, None));
    }
    let tiny = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 01";
    assert!(desk.ask(LAMP, tiny).starts_with("19 2a 05 00"));
    assert_eq!(run(&mut desk, &page(0x2a, 0, 16, 500, 10), 10_000).len(), 32);
}

/// A caller that reads the clock before each block and sends slowly still handles received frames between the blocks.
///
/// Shows: FLD-044
#[test]
fn one_turn_sends_a_bounded_number_of_blocks() {
    let mut desk = Desk::configured(unpaced(), 100, catalog(vec![plain(5, 1000)]), Script::default());
    for client in 0..100 {
        let ServerAction::Reply(_) = desk.handle(Address::new(client, 1), &page(0x2a, 0, 16, 1000, 0)) else {
            panic!()
        };
    }
    let turn = |desk: &mut Desk<_, Script>| {
        let mut sent = 0;
        while desk.poll().is_some() {
            sent += 1;
            desk.now += 10;
        }
        sent
    };
    desk.now += 10;
    for _ in 0..50 {
        assert_eq!(turn(&mut desk), usize::from(MAX_BLOCKS_PER_TURN));
        assert!(desk.server.poll_timeout().unwrap() <= desk.now(), "there is more to send");
        desk.server.handle_timeout(desk.now());
        assert_eq!(turn(&mut desk), usize::from(MAX_BLOCKS_PER_TURN));
        assert!(desk.ask(LAMP, "01 2a 01 00 01 10 ab 00 05 00 00 00").starts_with("19 2a 02"));
    }
}
