//! Scripts of delivery reports.

use super::*;
use crate::aps::{DeliveryReport, TransmitToken};

const BLOCK: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 40";

fn reply(desk: &mut Desk<impl ImageStore, Script>, from: Address, request: &str) -> Transmit {
    match desk.handle(from, request) {
        ServerAction::Reply(transmit) => transmit,
        other => panic!("{other:?}"),
    }
}

/// Field report 4: one failed delivery ends nothing.
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

#[test]
fn blocks_that_do_not_arrive_become_smaller() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    let mut sizes = vec![];
    for _ in 0..14 {
        let sent = reply(&mut desk, LAMP, BLOCK);
        sizes.push(sent.len - 17);
        desk.server.handle_delivery(desk.now(), sent.token, DeliveryReport::Failed);
    }
    assert_eq!(sizes, [64, 64, 48, 48, 36, 36, 27, 27, 20, 20, 16, 16, 16, 16]);
    let shrunk =
        |event: &ServerEvent| matches!(event, ServerEvent::Undelivered { max_block_size: Some(_), .. });
    assert!(desk.events().iter().any(shrunk));
    assert_eq!(reply(&mut desk, PLUG, BLOCK).len, 17 + 64, "others are served as before");
    assert_eq!(desk.server.session(LAMP).unwrap().max_block_size(), NonZeroU8::new(16));
}

/// A single lost frame is no reason for smaller blocks.
#[test]
fn two_consecutive_failures_reduce_the_block_size() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    for _ in 0..20 {
        for report in [DeliveryReport::Failed, DeliveryReport::Acknowledged] {
            let sent = reply(&mut desk, LAMP, BLOCK);
            assert_eq!(sent.len, 17 + 64);
            desk.server.handle_delivery(desk.now(), sent.token, report);
        }
    }
    // Late reports about blocks sent before the reduction do not count.
    let late = reply(&mut desk, LAMP, BLOCK).token;
    for _ in 0..10 {
        desk.server.handle_delivery(desk.now(), late, DeliveryReport::Failed);
    }
    assert_eq!(reply(&mut desk, LAMP, BLOCK).len, 17 + 48);
}

/// Field report 2, and SRV-045: requests are answered at once also while an earlier answer is on the air.
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
