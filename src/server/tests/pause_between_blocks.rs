//! Tests of the background pace: the server leaves pauses between the blocks to many clients, and still more clients
//! wait for their turn.

use super::*;
use crate::aps::DeliveryReport;

const CLIENTS: [Address; 3] = [LAMP, PLUG, Address::new(0x0003, 1)];

fn block(sequence: u8, offset: u16) -> String {
    let [a, b] = offset.to_le_bytes();
    std::format!("01 {sequence:02x} 03 00 01 10 ab 00 05 00 00 00 {a:02x} {b:02x} 00 00 32")
}

fn background_from(clients: u16) -> ServerConfig {
    ServerConfig { background_from: clients.try_into().ok(), ..ServerConfig::default() }
}

/// Test caller that calls `poll_transmit`. The server has sent the first block to each of three clients at once, and
/// then a second block to one of the clients; this second block took the first place in the schedule.
fn fleet(config: ServerConfig) -> Desk<SliceStore<'static>, Script> {
    let mut desk = Desk::configured(config, 64, catalog(vec![plain(5, 5000)]), Script::default());
    desk.now = 1_000;
    assert_eq!(desk.poll(), None);
    for client in CLIENTS {
        assert!(desk.ask(client, &block(1, 0)).starts_with("19 01 05 00"));
    }
    assert!(desk.ask(CLIENTS[2], &block(1, 50)).starts_with("19 01 05 00"));
    desk
}

/// Sends a request, checks that the answer is a block from `offset` on, and returns the time of the answer.
fn served_at(desk: &mut Desk<SliceStore<'static>, Script>, from: Address, sequence: u8, offset: u16) -> u64 {
    let [a, b] = offset.to_le_bytes();
    let head = [0x19, sequence, 5, 0, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0, a, b, 0, 0, 50];
    assert_eq!(desk.handle(from, &block(sequence, offset)), ServerAction::Done);
    let sent = desk.run_to(desk.now + 10_000);
    let [(at, transmit, bytes)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((transmit.to, transmit.aps_ack, &bytes[..17]), (from, true, &head[..]));
    desk.now = *at;
    *at
}

#[test]
fn blocks_of_many_clients_are_spaced() {
    let mut desk = fleet(background_from(3));
    for (number, client) in (1..).zip(CLIENTS) {
        assert_eq!(desk.handle(client, &block(2, 50)), ServerAction::Done, "{number}");
    }
    let times: Vec<_> = desk.run_to(20_000).iter().map(|(at, transmit, _)| (*at, transmit.to)).collect();
    assert_eq!(times.iter().map(|(_, to)| *to).collect::<Vec<_>>(), CLIENTS);
    let spacings: Vec<_> = times.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(spacings.iter().all(|spacing| (300..=700).contains(spacing)), "{times:?}");
}

#[test]
fn few_clients_and_an_operator_who_wants_so_are_served_at_once() {
    let mut desk = fleet(ServerConfig { background_from: None, ..ServerConfig::default() });
    for client in CLIENTS {
        assert!(desk.ask(client, &block(2, 50)).starts_with("19 02 05 00"));
    }
    let mut desk = fleet(background_from(4));
    for client in CLIENTS {
        assert!(desk.ask(client, &block(2, 50)).starts_with("19 02 05 00"));
    }
}

/// The time between two blocks is twelve times the time from a block to its delivery report. The server holds back no
/// answer for a caller that never calls `poll_transmit`, so every client gets its answer at once.
#[test]
fn nothing_is_held_for_a_caller_that_does_not_poll() {
    let mut desk = Desk::configured(background_from(3), 64, catalog(vec![plain(5, 5000)]), Script::default());
    for sequence in 1..=20 {
        for client in CLIENTS {
            let answer = desk.handle(client, &block(sequence, 50 * u16::from(sequence - 1)));
            assert!(matches!(answer, ServerAction::Reply(_)), "{client} {sequence}: {answer:?}");
        }
    }
}

#[test]
fn the_spacing_follows_the_delivery_time() {
    let mut desk = fleet(background_from(3));
    for (took, rounds) in [(10, 100), (40, 100)] {
        let mut last = 0;
        let mut spacing = 0;
        for round in 0..rounds {
            let client = CLIENTS[round % 3];
            let sequence = u8::try_from(round % 200).unwrap();
            let at = served_at(&mut desk, client, sequence, 50);
            (spacing, last) = (at - last, at);
            let token =
                desk.server.session(client).map(|_| crate::aps::TransmitToken::data(client, 50)).unwrap();
            let now = Instant::from_millis(at + took);
            desk.server.handle_delivery(now, token, DeliveryReport::Acknowledged);
            desk.events();
        }
        assert!((spacing as f64 / (12.0 * took as f64) - 1.0).abs() < 0.15, "{took}: {spacing}");
    }
}

#[test]
fn further_clients_return_one_by_one() {
    let mut desk = fleet(background_from(3));
    for client in CLIENTS {
        assert_eq!(desk.handle(client, &block(2, 50)), ServerAction::Done);
    }
    let mut waits = vec![];
    for number in 0..10 {
        let answer = bytes(&desk.ask(Address::new(0x2000 + number, 1), &block(1, 0)));
        assert_eq!(answer[..4], [0x19, 1, 5, 0x97]);
        waits.push(answer[8]);
    }
    assert_eq!(waits, [10, 15, 20, 25, 30, 35, 40, 45, 50, 55]);
}

/// A block of a page takes about a third of the channel time of a block that is requested singly.
#[test]
fn blocks_of_a_page_come_after_a_third_of_the_pause() {
    let page = "01 02 04 00 01 10 ab 00 05 00 00 00 32 00 00 00 32 f4 01 0a 00";
    let spacing = |clients: &[Address], request: &str, due| {
        let mut desk = fleet(background_from(3));
        for client in clients {
            let _answer = desk.handle(*client, request);
        }
        let times: Vec<_> = desk.run_to(20_000).iter().map(|(at, ..)| *at).collect();
        assert_eq!(times.len(), due);
        times[2] - times[1]
    };
    let (single, of_page) = (spacing(&CLIENTS, &block(2, 50), 3), spacing(&[LAMP], page, 9));
    assert!(of_page.abs_diff(single / 3) <= 20, "{of_page} {single}");
}

/// The server answers each of several requests that one client has in flight, with the sequence number of the request.
#[test]
fn requests_in_a_row_are_held_together() {
    let mut desk = fleet(background_from(3));
    for (sequence, offset) in [(2, 50), (3, 100)] {
        assert_eq!(desk.handle(LAMP, &block(sequence, offset)), ServerAction::Done);
    }
    let head = |(_, _, bytes): (u64, Transmit, Vec<u8>)| (bytes[1], bytes[12]);
    let sent = desk.run_to(1_700);
    assert_eq!(sent.into_iter().map(head).collect::<Vec<_>>(), [(2, 50)]);
    // The repeat of a request whose answer is held is not answered on its own.
    assert_eq!(desk.handle(LAMP, &block(4, 100)), ServerAction::Done);
    let sent = desk.run_to(20_000);
    assert_eq!(sent.into_iter().map(head).collect::<Vec<_>>(), [(3, 100)]);
}

#[test]
fn a_held_answer_ends_with_its_download() {
    let mut desk = fleet(background_from(3));
    assert_eq!(desk.handle(LAMP, &block(2, 50)), ServerAction::Done);
    assert_eq!(desk.server.cancel(LAMP, IMAGE.into()), 1);
    assert_eq!(desk.run_to(20_000), []);
    let mut desk = fleet(background_from(3));
    assert_eq!(desk.handle(PLUG, &block(2, 50)), ServerAction::Done);
    assert!(desk.server.forget(PLUG.network));
    assert_eq!(desk.run_to(40_000), []);
}
