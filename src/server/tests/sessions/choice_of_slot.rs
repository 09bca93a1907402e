//! Tests of the choice of the slot for a new session, and of the sessions that make room for it.

use super::*;

/// Shows: FLD-040, FLD-050
#[test]
fn slots_are_for_images_that_the_store_has() {
    let mut desk = configured(ServerConfig::default(), 4);
    desk.ask(LAMP, &block(IMAGE, 0));
    for kind in 0..200 {
        for frame in [
            std::format!("01 2a 01 00 02 10 {kind:02x} 00 01 00 00 00"),
            std::format!("01 2a 03 00 02 10 {kind:02x} 00 01 00 00 00 00 00 00 00 32"),
            std::format!("01 2a 04 00 02 10 {kind:02x} 00 01 00 00 00 00 00 00 00 32 f4 01 64 00"),
            std::format!("01 2a 06 00 02 10 {kind:02x} 00 01 00 00 00"),
            std::format!("01 2a 08 ef cd ab 89 67 45 23 01 02 10 {kind:02x} ff 05 00 00 00 02 00"),
        ] {
            desk.ask(LAMP, &frame);
            desk.ask(PLUG, &frame);
            desk.all_events();
        }
    }
    assert_eq!(desk.server.sessions().count(), 1);
    assert!(desk.phase_of(LAMP, IMAGE).is_some());
}

/// Shows: FLD-050
#[test]
fn the_endpoints_of_one_node_do_not_take_the_table() {
    let mut desk = configured(ServerConfig::default(), 100);
    for client in 0..50 {
        desk.ask(Address::new(client, 1), QUERY);
        desk.all_events();
    }
    for endpoint in 1..=240 {
        for id in [IMAGE, SECOND] {
            desk.ask(Address::new(0x9999, endpoint), &block(id, 0));
            desk.all_events();
        }
    }
    let of_node = |desk: &Desk<_, _>, network| {
        desk.server.sessions().filter(|session| session.client().network == network).count()
    };
    assert_eq!(of_node(&desk, 0x9999), 6);
    assert!((0..50).all(|client| of_node(&desk, client) == 1));
}

/// Shows: FLD-050
#[test]
fn a_newcomer_takes_the_slot_of_an_idle_session_first() {
    let client = |number| Address::new(number, 1);
    let mut desk = configured(unpaced(), 4);
    desk.start_page(client(1), IMAGE);
    desk.ask(client(2), &block(IMAGE, 0));
    desk.ask(client(3), QUERY);
    desk.ask(client(4), QUERY);
    desk.events();
    for newcomer in 100..200 {
        desk.ask(client(newcomer), QUERY);
        assert!(!desk.events().iter().any(|event| matches!(event, ServerEvent::PageDropped { .. })));
    }
    assert!(desk.server.session(client(1)).unwrap().has_page());
    assert!(desk.server.session(client(2)).is_some());
    // Without an idle session, downloads by blocks make room; pages go on.
    for newcomer in 200..210 {
        desk.ask(client(newcomer), &block(IMAGE, 0));
    }
    desk.events();
    assert!(desk.server.session(client(2)).is_none());
    assert_eq!(desk.run_to(2_000).len(), 9);
    // Only if all sessions have pages, the oldest page makes room, and that is told.
    for newcomer in 300..304 {
        desk.start_page(client(newcomer), IMAGE);
        desk.events();
    }
    desk.ask(client(5), QUERY);
    assert!(desk.events().contains(&ServerEvent::PageDropped { client: client(300), id: IMAGE }));
    assert_eq!(desk.server.sessions().filter(|session| session.has_page()).count(), 3);
    assert!(desk.run_to(4_000).iter().all(|(_, sent, _)| sent.to != client(300)));
}

/// Shows: FLD-050
#[test]
fn a_page_that_its_own_node_displaces_is_told() {
    let mut desk = configured(ServerConfig::default(), 100);
    for endpoint in 1..=6 {
        desk.start_page(Address::new(7, endpoint), IMAGE);
        assert!(!desk.events().iter().any(|event| matches!(event, ServerEvent::PageDropped { .. })));
        desk.now += 1;
    }
    desk.start_page(Address::new(7, 7), IMAGE);
    assert!(desk.events().contains(&ServerEvent::PageDropped { client: Address::new(7, 1), id: IMAGE }));
}
