//! Tests of delivery reports.

use super::*;
use crate::aps::{DeliveryReport, TransmitToken};

const BLOCK: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 40";

fn reply(desk: &mut Desk<impl ImageStore, Script>, from: Address, request: &str) -> Transmit {
    match desk.handle(from, request) {
        ServerAction::Reply(transmit) => transmit,
        other => panic!("{other:?}"),
    }
}

/// Field report 4: one failed delivery ends no download.
#[test]
fn a_delivery_that_fails_ends_nothing() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    for _ in 0..100 {
        let sent = reply(&mut desk, LAMP, BLOCK);
        desk.server.handle_delivery(desk.now(), sent.token, DeliveryReport::Failed);
        assert!(matches!(desk.phase(LAMP), Some(SessionPhase::Downloading { .. })));
        desk.now += 1_000;
    }
    for request in ["01 2a 01 00 01 10 ab 00 01 00 00 00", "01 2a 06 00 01 10 ab 00 05 00 00 00"] {
        let before = reply(&mut desk, LAMP, request);
        let phase = desk.phase(LAMP);
        desk.server.handle_delivery(desk.now(), before.token, DeliveryReport::Failed);
        assert_eq!(desk.phase(LAMP), phase);
    }
    // Reports about a client without a session, and about no client.
    desk.events();
    desk.server.handle_delivery(desk.now(), TransmitToken::data(PLUG, 50), DeliveryReport::Failed);
    assert_eq!(desk.events(), [ServerEvent::Undelivered { client: PLUG, max_block_size: None }]);
    desk.server.handle_delivery(desk.now(), TransmitToken::NONE, DeliveryReport::Failed);
    assert_eq!((desk.events(), desk.phase(PLUG)), (vec![], None));
}

/// Sends `count` blocks of at most 64 bytes to LAMP over a path that carries `carries` bytes of data.
fn download(desk: &mut Desk<impl ImageStore, Script>, carries: usize, count: usize) -> Vec<usize> {
    let one = |_| {
        let sent = reply(desk, LAMP, BLOCK);
        let len = sent.len - 17;
        let report = if len <= carries { DeliveryReport::Acknowledged } else { DeliveryReport::Failed };
        desk.server.handle_delivery(desk.now(), sent.token, report);
        desk.now += 100;
        len
    };
    (0..count).map(one).collect()
}

/// A lost answer without data, such as a refusal, says nothing about the length of blocks.
#[test]
fn a_lost_frame_without_data_does_not_change_the_block_size() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    download(&mut desk, 40, 10);
    for _ in 0..8 {
        desk.server.handle_delivery(desk.now(), TransmitToken::data(LAMP, 0), DeliveryReport::Failed);
        assert_eq!(desk.server.session(LAMP).unwrap().max_block_size(), NonZeroU8::new(32));
    }
}

/// Shows: FLD-042
#[test]
fn a_path_that_carries_only_short_blocks_is_found_and_forgotten() {
    let files = vec![plain(5, 1000), plain(6, 1000)];
    let mut desk = Desk::with(files.clone());
    assert_eq!(download(&mut desk, 40, 3), [64, 64, 64]);
    let mut events = desk.events();
    assert_eq!(download(&mut desk, 40, 7), [32, 64, 48, 32, 32, 32, 32]);
    events.extend(desk.events());
    assert_eq!(desk.server.session(LAMP).unwrap().max_block_size(), NonZeroU8::new(32));
    let sizes: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ServerEvent::Undelivered { max_block_size, .. } => Some(max_block_size.map(NonZeroU8::get)),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [None, None, None, Some(32), None], "told when it was found");
    assert_eq!(reply(&mut desk, PLUG, BLOCK).len, 17 + 64, "others are served as before");
    // The path heals.
    assert_eq!(download(&mut desk, 255, 30)[20..], [64; 10]);

    // The limit is forgotten with the next image,
    let mut desk = Desk::with(files.clone());
    download(&mut desk, 40, 10);
    let next = BLOCK.replacen("ab 00 05", "ab 00 06", 1);
    let _sent = reply(&mut desk, LAMP, &next);
    assert_eq!(desk.server.session(LAMP).unwrap().max_block_size(), None);
    assert_eq!(reply(&mut desk, LAMP, &next).len, 17 + 64);
    // and after silence.
    let mut desk = Desk::with(files);
    download(&mut desk, 40, 10);
    desk.run_to(400_000);
    assert_eq!(reply(&mut desk, LAMP, BLOCK).len, 17 + 64);
}

/// Shows: FLD-042
#[test]
fn lost_blocks_are_no_reason_for_shorter_blocks() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    // Two failures in a row, and an outage that swallows short blocks, too.
    for _ in 0..20 {
        assert_eq!(download(&mut desk, 0, 2), [64, 64]);
        assert_eq!(download(&mut desk, 255, 1), [64]);
    }
    download(&mut desk, 0, 100);
    assert_eq!(download(&mut desk, 255, 5)[1..], [64; 4]);
    assert!(
        desk.events()
            .iter()
            .all(|event| !matches!(event, ServerEvent::Undelivered { max_block_size: Some(_), .. }))
    );
}

/// The stack reports no deliveries of page blocks, so no page block is a probe.
#[test]
fn a_page_keeps_the_limit_of_its_path() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    download(&mut desk, 40, 10);
    let page = "01 2a 04 00 01 10 ab 00 05 00 00 00 00 00 00 00 40 e8 03 0a 00";
    assert_eq!(reply(&mut desk, LAMP, page).len, 17 + 32);
    let sent = desk.run_to(10_000);
    assert_eq!(sent.len(), 31);
    assert!(sent.iter().all(|(_, transmit, _)| transmit.len <= 17 + 32));
}

/// Field report 2, and SRV-045: the server answers a request at once, even while an earlier answer is on the air.
#[test]
fn a_request_is_answered_before_the_last_answer_was_confirmed() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    let under_way: Vec<_> = (0..8)
        .map(|at| reply(&mut desk, LAMP, &BLOCK.replacen("2a", &std::format!("{at:02x}"), 1)))
        .collect();
    assert_eq!(under_way.len(), 8);
    for sent in under_way {
        desk.server.handle_delivery(desk.now(), sent.token, DeliveryReport::Acknowledged);
    }
    assert!(matches!(desk.phase(LAMP), Some(SessionPhase::Downloading { blocks: 8, .. })));
}
