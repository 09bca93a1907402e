//! Tests of timeouts.

use super::*;
use crate::time::Millis;

const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";
const BLOCK: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 40";
const LAST: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 ff";

fn desk() -> Desk<SliceStore<'static>, Script> {
    let config = ServerConfig {
        stall_timeout: Millis::from_secs(60),
        verify_timeout: Millis::from_secs(1000),
        ..ServerConfig::default()
    };
    Desk::configured(config, 4, catalog(vec![plain(5, 101)]), Script::default())
}

/// Field report 1: the field `reached` distinguishes a client that requested no block from a client that stopped in
/// mid-download.
#[test]
fn silence_is_reported_with_the_progress_before_it() {
    let mut desk = desk();
    desk.ask(LAMP, QUERY);
    desk.ask(PLUG, BLOCK);
    desk.events();
    desk.run_to(59_999);
    assert_eq!(desk.events(), []);
    desk.run_to(60_000);
    let never = ServerEvent::Stalled { client: LAMP, id: IMAGE, reached: 0 };
    let stalled = ServerEvent::Stalled { client: PLUG, id: IMAGE, reached: 64 };
    let events = desk.events();
    assert!(events.len() == 2 && events.contains(&never) && events.contains(&stalled), "{events:?}");
    assert_eq!(desk.phase(PLUG), Some(SessionPhase::Stalled { id: IMAGE, reached: 64 }));
    assert_eq!(desk.server.poll_timeout(), None);
    // A stalled client is still served (field report 13).
    assert!(desk.ask(PLUG, BLOCK).starts_with("19 2a 05 00"));
    assert_eq!(desk.events(), [ServerEvent::Started { client: PLUG, id: IMAGE }]);
}

#[test]
fn every_request_restarts_the_timeout() {
    let mut desk = desk();
    for step in 0..10 {
        desk.run_to(step * 50_000);
        desk.ask(LAMP, BLOCK);
    }
    desk.events();
    desk.run_to(450_000 + 59_999);
    assert_eq!(desk.events(), []);
    desk.run_to(450_000 + 60_000);
    assert_eq!(desk.events().len(), 1);
}

/// Field report 7: a device takes minutes to verify its image.
#[test]
fn a_client_that_has_all_is_given_longer() {
    let mut desk = desk();
    desk.ask(LAMP, LAST);
    assert!(desk.all_events().contains(&ServerEvent::AllServed { client: LAMP, id: IMAGE }));
    desk.run_to(999_999);
    assert_eq!(desk.all_events(), []);
    desk.run_to(1_000_000);
    assert_eq!(desk.all_events(), [ServerEvent::NeverEnded { client: LAMP, id: IMAGE }]);
    // Devices with an override get longer.
    let bosch = file(FileHeader::new(ImageId::new(0x1209, 1, 5)), 101);
    desk.images = catalog(vec![bosch]);
    desk.ask(PLUG, "01 2a 03 00 09 12 01 00 05 00 00 00 00 00 00 00 ff");
    desk.events();
    desk.run_to(1_000_000 + 7_199_999);
    assert_eq!(desk.events(), []);
    desk.run_to(1_000_000 + 7_200_000);
    assert_eq!(desk.events().len(), 1);
}

#[test]
fn time_that_a_client_was_told_to_wait_does_not_count() {
    let mut desk = desk();
    desk.ask(LAMP, BLOCK);
    desk.policy.pace = Some(PaceDecision::Wait { seconds: 480 });
    desk.ask(LAMP, BLOCK);
    desk.events();
    desk.run_to(539_999);
    assert_eq!(desk.events(), []);
    desk.run_to(540_000);
    assert_eq!(desk.events().len(), 1);
}

#[test]
fn a_session_that_ended_has_no_timeout() {
    let mut desk = desk();
    desk.ask(LAMP, BLOCK);
    desk.ask(LAMP, "01 2a 06 00 01 10 ab 00 05 00 00 00");
    desk.ask(PLUG, "01 2a 01 00 01 10 ab 00 05 00 00 00");
    desk.events();
    desk.run_to(100_000_000);
    assert_eq!((desk.events(), desk.server.poll_timeout()), (vec![], None));
}

/// Clients that stall at the same moment are reported one by one, one in each call of `handle_timeout`.
#[test]
fn many_stalled_clients_are_reported_one_by_one() {
    let images = catalog(vec![plain(5, 101)]);
    let mut desk = Desk::configured(unpaced(), 1000, images, Script::default());
    for client in 0..1000 {
        desk.ask(Address::new(client, 1), BLOCK);
        desk.events();
    }
    desk.now = 300_000;
    let mut told = 0;
    while desk.server.poll_timeout().is_some_and(|when| when <= desk.now()) {
        desk.server.handle_timeout(desk.now());
        told += desk.events().len();
    }
    assert_eq!(told, 1000);
}

/// A call of `handle_timeout` before the deadline does nothing.
#[test]
fn a_timer_may_ring_early() {
    let mut desk = desk();
    desk.ask(LAMP, BLOCK);
    desk.now = 50_000;
    desk.ask(LAMP, BLOCK);
    desk.events();
    let early = desk.server.poll_timeout().unwrap();
    assert!(early <= Instant::from_millis(110_000));
    desk.now = 60_000;
    desk.server.handle_timeout(desk.now());
    assert_eq!((desk.events(), desk.poll()), (vec![], None));
    assert_eq!(desk.server.poll_timeout(), Some(Instant::from_millis(110_000)));
}

/// Field report 5: a sleepy client misses the Image Notify, and is offered the image whenever the client sends a query
/// by itself.
#[test]
fn an_image_stays_on_offer() {
    let mut desk = desk();
    for day in 0..10 {
        desk.run_to(day * 86_400_000);
        assert!(desk.ask(LAMP, QUERY).starts_with("19 2a 02 00"));
    }
}
