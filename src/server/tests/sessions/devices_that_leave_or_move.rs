//! Tests of devices that leave the network, and of devices that get another network address.

use super::*;

/// Shows: FLD-043
#[test]
fn a_device_that_left_is_forgotten() {
    let mut desk = configured(ServerConfig { max_downloads: 1, ..ServerConfig::default() }, 4);
    desk.ask(LAMP, &block(IMAGE, 0));
    desk.ask(LAMP, &block(SECOND, 0));
    assert!(!is_data(&desk.ask(PLUG, &block(IMAGE, 0))));
    assert!(desk.server.forget(LAMP.network));
    assert!(!desk.server.forget(LAMP.network));
    assert_eq!(desk.server.session(LAMP).map(Session::client), None);
    assert!(is_data(&desk.ask(PLUG, &block(IMAGE, 0))), "its place is free");
    desk.events();
    // Its timers are gone, too.
    desk.run_to(10_000_000);
    assert!(!desk.events().iter().any(|event| event.client() == LAMP));
    // A page of a device that left ends.
    let mut desk = self::desk();
    desk.start_page(LAMP, IMAGE);
    desk.server.forget(LAMP.network);
    assert_eq!(desk.run_to(100_000).len(), 0);
    assert_eq!(desk.server.poll_timeout(), None);
}

/// Shows: FLD-043, FLD-049
#[test]
fn a_device_with_a_used_address_inherits_nothing_after_forget() {
    let mut desk = desk();
    for _ in 0..4 {
        desk.ask(LAMP, QUERY);
        desk.take(LAMP, IMAGE, "96");
    }
    assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
    desk.server.forget(LAMP.network);
    assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
}

/// Shows: FLD-043
#[test]
fn downloads_and_pages_go_on_at_a_new_address() {
    let new = Address::new(0x4321, 1);
    let mut desk = configured(ServerConfig { max_downloads: 1, ..ServerConfig::default() }, 8);
    desk.ask(LAMP, &block(SECOND, 0));
    desk.start_page(LAMP, IMAGE);
    desk.events();
    assert!(desk.server.moved(LAMP.network, new.network));
    assert!(!desk.server.moved(LAMP.network, new.network), "nothing is left there");
    assert_eq!(desk.server.sessions().filter(|session| session.client() == new).count(), 2);
    let sent = desk.run_to(2_000);
    assert!(sent.len() == 9 && sent.iter().all(|(_, sent, _)| sent.to == new));
    assert!(is_data(&desk.ask(new, &block(SECOND, 50))));
    assert!(!desk.events().contains(&ServerEvent::Started { client: new, id: SECOND }), "it goes on");
    assert!(!is_data(&desk.ask(PLUG, &block(IMAGE, 0))), "it still counts as one download");
    // The device that had the new address is forgotten.
    let mut desk = self::desk();
    desk.ask(LAMP, &block(IMAGE, 0));
    desk.ask(PLUG, &block(SECOND, 0));
    assert!(desk.server.moved(LAMP.network, PLUG.network));
    assert_eq!(desk.server.sessions().count(), 1);
    assert_eq!(desk.phase_of(Address::new(PLUG.network, 1), SECOND), None);
}

/// Shows: FLD-043
#[test]
fn a_session_follows_a_device_whose_ieee_address_is_told() {
    let (new, other) = (Address::new(0x4321, 1), Eui64(7));
    let told = |client, ieee| FrameMeta::unicast(client).with_ieee(Some(ieee));
    let mut desk = configured(ServerConfig { max_downloads: 1, ..ServerConfig::default() }, 8);
    let is_served = |desk: &mut Desk<_, _>, meta: FrameMeta, id, offset| {
        let ServerAction::Reply(transmit) = desk.handle_as(meta, &bytes(&block(id, offset))) else {
            panic!()
        };
        is_data(&hex(&desk.out[..transmit.len]))
    };
    assert!(is_served(&mut desk, told(LAMP, OWNER), IMAGE, 0));
    assert!(is_served(&mut desk, told(LAMP, OWNER), SECOND, 0));
    desk.events();
    assert!(is_served(&mut desk, told(new, OWNER), IMAGE, 50));
    assert_eq!(desk.events(), [], "the download goes on");
    assert_eq!(desk.server.session(LAMP).map(Session::client), None);
    assert_eq!(desk.server.sessions().filter(|session| session.client() == new).count(), 2);
    assert_eq!(desk.server.session(new).unwrap().ieee(), Some(OWNER));
    // Another device that was given the old address, or the new one, inherits nothing.
    assert!(
        !is_served(&mut desk, told(LAMP, other), IMAGE, 0),
        "the place is taken by the device that moved"
    );
    assert!(is_served(&mut desk, told(new, other), IMAGE, 0));
    assert_eq!(desk.phase_of(new, SECOND), None);
    assert!(desk.events().contains(&ServerEvent::Started { client: new, id: IMAGE }));
    // An address in a request moves nothing.
    let mut desk = self::desk();
    desk.policy.ieee = Some(OWNER);
    assert!(is_data(&desk.ask(LAMP, &block(IMAGE, 0))));
    desk.policy.ieee = None;
    let claims = block(IMAGE, 50).replacen("03 00", "03 01", 1) + " ef cd ab 89 67 45 23 01";
    assert!(is_data(&desk.ask(PLUG, &claims)));
    assert_eq!(
        desk.phase_of(LAMP, IMAGE).map(|phase| matches!(phase, SessionPhase::Downloading { .. })),
        Some(true)
    );
    // The policy can tell the address as well.
    desk.policy.ieee = Some(OWNER);
    assert!(is_data(&desk.ask(new, &block(IMAGE, 100))));
    assert_eq!(desk.phase_of(LAMP, IMAGE), None);
}
