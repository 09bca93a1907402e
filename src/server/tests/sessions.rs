//! Tests of sessions: several downloads of one client, changes of the network, and the choice of the slot for a
//! session.

use super::*;
use crate::time::Millis;
use crate::types::ImageFilter;

/// `01 10 ac 00 07 00 00 00` in a frame: the image of a second processor.
const SECOND: ImageId = ImageId::new(0x1001, 0x00ac, 7);
const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";
const QUERY_SECOND: &str = "01 2a 01 00 01 10 ac 00 01 00 00 00";
const END: &str = "01 2a 06 00 01 10 ab 00 05 00 00 00";
const ABORT: &str = "19 2a 05 95";
const NO_IMAGE: &str = "19 2a 02 98";

fn files() -> Vec<Vec<u8>> {
    vec![plain(5, 1000), file(FileHeader::new(SECOND), 1000)]
}

fn desk() -> Desk<SliceStore<'static>, Script> {
    Desk::with(files())
}

fn configured(config: ServerConfig, slots: usize) -> Desk<SliceStore<'static>, Script> {
    Desk::configured(config, slots, catalog(files()), Script::default())
}

fn block(id: ImageId, offset: u32) -> String {
    let ([a, b, ..], [kind, ..], [version, ..]) =
        (offset.to_le_bytes(), id.image_type.0.to_le_bytes(), id.version.0.to_le_bytes());
    std::format!("01 2a 03 00 01 10 {kind:02x} 00 {version:02x} 00 00 00 {a:02x} {b:02x} 00 00 32")
}

/// Image Page Request for 500 bytes in blocks of 50 bytes, with one block each 100 ms.
fn page(id: ImageId) -> String {
    let ([kind, ..], [version, ..]) = (id.image_type.0.to_le_bytes(), id.version.0.to_le_bytes());
    std::format!("01 2a 04 00 01 10 {kind:02x} 00 {version:02x} 00 00 00 00 00 00 00 32 f4 01 64 00")
}

fn is_data(answer: &str) -> bool {
    answer.starts_with("19 2a 05 00")
}

impl Desk<SliceStore<'static>, Script> {
    fn phase_of(&self, client: Address, id: ImageId) -> Option<SessionPhase> {
        self.server.session_for(client, id).map(Session::phase)
    }

    /// Downloads a whole image, and ends the download with a status.
    fn take(&mut self, client: Address, id: ImageId, status: &str) -> String {
        for offset in (0..1000).step_by(50) {
            assert!(is_data(&self.ask(client, &block(id, offset))));
            self.all_events();
        }
        let ([kind, ..], [version, ..]) = (id.image_type.0.to_le_bytes(), id.version.0.to_le_bytes());
        self.ask(client, &std::format!("01 2a 06 {status} 01 10 {kind:02x} 00 {version:02x} 00 00 00"))
    }

    fn start_page(&mut self, client: Address, id: ImageId) {
        let ServerAction::Reply(transmit) = self.handle(client, &page(id)) else { panic!("no page") };
        assert!(!transmit.aps_ack, "a block of a page");
    }
}

/// Shows: FLD-040
#[test]
fn two_images_of_a_device_download_in_turns_without_touching_each_other() {
    let mut desk = desk();
    let at = |id, reached, blocks| Some(SessionPhase::Downloading { id, reached, blocks, size: 1000 });
    desk.ask(LAMP, QUERY);
    desk.ask(LAMP, QUERY_SECOND);
    let mut events = vec![];
    for turn in 0..20 {
        assert!(is_data(&desk.ask(LAMP, &block(IMAGE, turn * 50))));
        // Queries for either image in mid-download change nothing.
        assert!(desk.ask(LAMP, QUERY_SECOND).starts_with("19 2a 02 00"));
        assert!(desk.ask(LAMP, QUERY).starts_with("19 2a 02 00"));
        if turn >= 10 {
            assert!(is_data(&desk.ask(LAMP, &block(SECOND, (turn - 10) * 50))));
        }
        assert_eq!(desk.phase_of(LAMP, IMAGE), at(IMAGE, turn * 50 + 50, turn + 1));
        events.extend(desk.all_events());
    }
    assert_eq!(desk.phase_of(LAMP, SECOND), at(SECOND, 500, 10));
    let started = |id| ServerEvent::Started { client: LAMP, id };
    for id in [IMAGE, SECOND] {
        assert_eq!(events.iter().filter(|event| **event == started(id)).count(), 1, "told once");
    }
    assert_eq!(desk.server.sessions().count(), 2);
    // The session of a client is the one that it used last.
    assert_eq!(desk.phase(LAMP), desk.phase_of(LAMP, SECOND));
    // The end of one is not the end of the other.
    desk.ask(LAMP, END);
    assert_eq!(desk.phase_of(LAMP, IMAGE), Some(SessionPhase::Ended { id: IMAGE, status: Status::SUCCESS }));
    assert_eq!(desk.phase_of(LAMP, SECOND), at(SECOND, 500, 10));
    desk.ask(LAMP, QUERY_SECOND);
    assert_eq!(desk.phase_of(LAMP, IMAGE), Some(SessionPhase::Ended { id: IMAGE, status: Status::SUCCESS }));
}

/// Shows: FLD-040
#[test]
fn a_page_runs_on_while_the_device_asks_for_its_other_image() {
    let mut desk = desk();
    desk.start_page(LAMP, IMAGE);
    desk.ask(LAMP, QUERY_SECOND);
    let mut sent = desk.run_to(250);
    assert!(is_data(&desk.ask(LAMP, &block(SECOND, 0))));
    sent.extend(desk.run_to(450));
    desk.ask(LAMP, QUERY);
    sent.extend(desk.run_to(2_000));
    let times: Vec<_> = sent.iter().map(|(at, ..)| *at).collect();
    assert_eq!(times, [100, 200, 300, 400, 500, 600, 700, 800, 900]);
    // Both images may have a page; a block of one of them ends the page of this one alone.
    desk.start_page(LAMP, IMAGE);
    desk.start_page(LAMP, SECOND);
    desk.ask(LAMP, &block(IMAGE, 0));
    assert!(!desk.server.session_for(LAMP, IMAGE).unwrap().has_page());
    assert!(desk.server.session_for(LAMP, SECOND).unwrap().has_page());
    assert_eq!(desk.run_to(10_000).len(), 9);
}

/// Shows: FLD-040
#[test]
fn a_stalled_download_is_told_though_the_device_asks_for_its_other_image() {
    let mut desk = desk();
    desk.ask(LAMP, &block(IMAGE, 0));
    desk.events();
    let mut told = vec![];
    for minute in 1..10 {
        desk.run_to(minute * 60_000);
        desk.ask(LAMP, "01 2a 01 00 01 10 ac 00 07 00 00 00");
        told.extend(desk.events().into_iter().filter(|event| matches!(event, ServerEvent::Stalled { .. })));
    }
    assert_eq!(told, [ServerEvent::Stalled { client: LAMP, id: IMAGE, reached: 50 }]);

    // A device that downloads one image is not silent about the other one, which it takes afterwards.
    let mut desk = self::desk();
    desk.ask(LAMP, QUERY);
    desk.ask(LAMP, QUERY_SECOND);
    for minute in 1..20 {
        desk.run_to(minute * 60_000);
        desk.ask(LAMP, &block(IMAGE, 50));
        assert!(!desk.events().iter().any(|event| matches!(event, ServerEvent::Stalled { .. })));
    }
}

/// Shows: FLD-040
#[test]
fn the_limit_of_downloads_counts_devices() {
    let mut desk = configured(ServerConfig { max_downloads: 1, ..ServerConfig::default() }, 8);
    let is_served = |desk: &mut Desk<_, _>, client, id| {
        let answer = desk.ask(client, &block(id, 0));
        assert!(is_data(&answer) || answer.starts_with("19 2a 05 97"), "{answer}");
        is_data(&answer)
    };
    assert!(is_served(&mut desk, LAMP, IMAGE));
    desk.ask(LAMP, QUERY_SECOND);
    assert!(!is_served(&mut desk, PLUG, IMAGE), "a query for the other image frees no place");
    assert!(is_served(&mut desk, LAMP, SECOND), "the same device, on the same place");
    assert!(
        is_served(&mut desk, Address::new(LAMP.network, 9), IMAGE),
        "another endpoint of the same device"
    );
    for (id, free) in [(IMAGE, false), (SECOND, false)] {
        desk.take(LAMP, id, "96");
        assert_eq!(is_served(&mut desk, PLUG, IMAGE), free);
    }
    desk.take(Address::new(LAMP.network, 9), IMAGE, "96");
    assert!(is_served(&mut desk, PLUG, IMAGE));
}

/// Shows: FLD-040
#[test]
fn an_order_that_was_missed_is_not_forgotten_by_a_query_for_the_other_image() {
    let mut desk = desk();
    desk.policy.apply = Some(UpgradeDecision::Hold);
    let held = desk.take(LAMP, IMAGE, "00");
    assert!(held.ends_with("ff ff ff ff"));
    let now = desk.now();
    let _ = desk.server.release(now, LAMP, DeliveryMode::Unicast, IMAGE.into(), 0, &mut desk.out);
    desk.ask(LAMP, QUERY_SECOND);
    desk.ask(LAMP, &block(SECOND, 0));
    assert!(desk.ask(LAMP, END).ends_with("00 00 00 00"), "released");
    // Neither by a query for the same image, which a device sends in answer to an Image Notify.
    desk.ask(LAMP, QUERY);
    assert!(desk.ask(LAMP, END).ends_with("00 00 00 00"), "released");
}

/// Counts the offers of the same image until the server refuses to offer the image. Unless `second` is empty, the
/// client downloads another image between two downloads, and ends that download with the status `second`.
fn offers_until_refused(second: &str) -> usize {
    let mut desk = desk();
    for offers in 0..20 {
        if desk.ask(LAMP, QUERY) == NO_IMAGE {
            return offers;
        }
        if !second.is_empty() {
            desk.ask(LAMP, QUERY_SECOND);
            desk.take(LAMP, SECOND, second);
        }
        desk.take(LAMP, IMAGE, "00");
        if !second.is_empty() {
            desk.ask(LAMP, QUERY_SECOND);
        }
        desk.now += 60_000;
        desk.run_to(desk.now);
        desk.all_events();
    }
    20
}

/// Shows: FLD-040
#[test]
fn the_count_of_repeated_downloads_does_not_depend_on_the_other_image() {
    assert_eq!(offers_until_refused(""), 3);
    for status in ["00", "96", "99"] {
        assert_eq!(offers_until_refused(status), 3, "{status}");
    }
    // REQUIRE_MORE_IMAGE is progress, and no download in vain.
    let mut desk = desk();
    for _ in 0..20 {
        assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
        desk.take(LAMP, IMAGE, "99");
        desk.now += 3_600_000;
        desk.all_events();
    }
}

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

/// Shows: FLD-043
#[test]
fn an_operator_cancels_the_downloads_of_a_device() {
    let mut desk = configured(ServerConfig { max_downloads: 1, ..ServerConfig::default() }, 8);
    desk.ask(LAMP, QUERY);
    desk.start_page(LAMP, IMAGE);
    desk.ask(LAMP, &block(SECOND, 0));
    desk.events();
    assert_eq!(desk.server.cancel(PLUG, ImageFilter::ALL), 0);
    assert_eq!(desk.server.cancel(LAMP, SECOND.into()), 1);
    assert_eq!(desk.events(), [ServerEvent::Cancelled { client: LAMP, id: SECOND }]);
    assert_eq!(desk.ask(LAMP, &block(SECOND, 50)), ABORT);
    let (status, reason) = (Status::ABORT, RefusalReason::Cancelled);
    assert_eq!(desk.events(), [ServerEvent::NotServed { client: LAMP, id: SECOND, status, reason }]);
    assert!(desk.server.session_for(LAMP, IMAGE).unwrap().has_page(), "the other one goes on");
    assert!(!is_data(&desk.ask(PLUG, &block(IMAGE, 0))));

    assert_eq!(desk.server.cancel(LAMP, ImageFilter::ALL), 1);
    desk.events();
    assert_eq!(desk.run_to(5_000).len(), 0, "the page ended");
    assert!(is_data(&desk.ask(PLUG, &block(IMAGE, 0))), "the place is free");
    assert_eq!(desk.phase_of(LAMP, IMAGE), Some(SessionPhase::Ended { id: IMAGE, status }));
    // A lost ABORT is repeated, for every kind of request.
    for _ in 0..3 {
        assert_eq!(desk.ask(LAMP, &block(IMAGE, 50)), ABORT);
        assert_eq!(desk.ask(LAMP, &page(IMAGE)), ABORT);
        assert_eq!(desk.ask(LAMP, END), "18 2a 0b 06 95");
    }
    // A query starts anew.
    assert!(desk.ask(LAMP, QUERY).starts_with("19 2a 02 00"));
    desk.ask(PLUG, &END.replacen("06 00", "06 96", 1));
    assert!(is_data(&desk.ask(LAMP, &block(IMAGE, 0))));
}

/// Shows: FLD-043
#[test]
fn a_deferred_request_of_a_cancelled_download_is_aborted() {
    let images = Slow { files: catalog(files()), says: Some(ReadResult::Later), reads: vec![] };
    let mut desk = Desk::new(images, Script::default());
    desk.ask(LAMP, QUERY);
    let ServerAction::Deferred(deferred) = desk.handle(LAMP, &block(IMAGE, 0)) else {
        panic!("not deferred")
    };
    assert_eq!(desk.server.cancel(LAMP, ImageFilter::ALL), 1);
    assert_eq!(desk.answer(deferred, Ok(&[1, 2, 3])), ABORT);
    assert_eq!(desk.phase(LAMP), Some(SessionPhase::Ended { id: IMAGE, status: Status::ABORT }));
}

/// Shows: FLD-056
#[test]
fn only_what_was_ordered_and_taken_again_counts_as_repeated() {
    // Power cuts after the last byte, before any end: nobody said that the device took the image.
    let mut desk = desk();
    for _ in 0..20 {
        assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
        for offset in (0..1000).step_by(50) {
            desk.ask(LAMP, &block(IMAGE, offset));
            desk.all_events();
        }
        desk.now += 600_000;
    }
    // Power cuts while the device waits for a held order.
    let mut desk = self::desk();
    desk.policy.apply = Some(UpgradeDecision::Hold);
    for _ in 0..20 {
        assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
        desk.take(LAMP, IMAGE, "00");
        desk.ask(LAMP, END);
        desk.all_events();
        desk.now += 600_000;
    }
    // Hourly asks and repeated end requests are one download.
    desk.policy.apply = Some(UpgradeDecision::Now);
    for _ in 0..20 {
        desk.ask(LAMP, END);
        desk.ask(LAMP, &END.replacen("06 00", "06 96", 1));
        desk.all_events();
    }
    desk.now += 60_000;
    assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
    // A device that counts down answers each Image Notify by a query with its old version.
    let mut desk = self::desk();
    desk.policy.apply = Some(UpgradeDecision::AfterSeconds(36_000));
    desk.ask(LAMP, QUERY);
    for _ in 0..2 {
        desk.take(LAMP, IMAGE, "00");
    }
    desk.take(LAMP, IMAGE, "00");
    for _ in 0..30 {
        desk.now += 600_000;
        assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
        desk.all_events();
    }
    desk.now += 36_000_000 + 60_000;
    assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
}

/// Shows: FLD-049, FLD-056
#[test]
fn the_count_of_repeated_downloads_is_forgotten() {
    let refused = || {
        let mut desk = desk();
        for _ in 0..3 {
            assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
            desk.take(LAMP, IMAGE, "96");
        }
        assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
        let told = desk.all_events();
        assert!(told.contains(&ServerEvent::RepeatedDownload { client: LAMP, id: IMAGE, times: 3 }));
        desk
    };
    // Each day takes one off, and queries do not add to the count.
    let mut desk = refused();
    for day in 1..=5 {
        for _ in 0..24 {
            assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE, "day {day}");
            desk.all_events();
            desk.now += 3_600_000;
        }
        assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE, "one try on day {day}");
        desk.take(LAMP, IMAGE, "96");
        desk.all_events();
    }
    // Another running version, or the calls of the operator, forget it at once.
    let mut desk = refused();
    assert_ne!(desk.ask(LAMP, "01 2a 01 00 01 10 ab 00 02 00 00 00"), NO_IMAGE);
    let mut desk = refused();
    desk.server.reset_repeats(LAMP.network);
    assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
    let mut desk = refused();
    desk.server.forget(LAMP.network);
    assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
    // End requests alone, without a download, count nothing.
    let mut desk = self::desk();
    for _ in 0..20 {
        assert_ne!(desk.ask(LAMP, QUERY), NO_IMAGE);
        desk.ask(LAMP, &END.replacen("06 00", "06 96", 1));
        desk.all_events();
    }
}

/// Shows: FLD-055
#[test]
fn no_time_means_something_else() {
    for start in [0, 1, u64::from(u32::MAX), u64::from(u32::MAX) + 1, 1 << 52, u64::MAX - 100_000_000] {
        let config = ServerConfig { min_block_period: Millis(2_000), ..ServerConfig::default() };
        let mut desk = configured(config, 4);
        desk.now = start;
        assert!(is_data(&desk.ask(LAMP, &block(IMAGE, 0))));
        for _ in 0..3 {
            assert!(!is_data(&desk.ask(LAMP, &block(IMAGE, 50))), "too early, after a block at {start}");
        }
        desk.now += 2_000;
        assert!(is_data(&desk.ask(LAMP, &block(IMAGE, 50))));
        desk.all_events();
        // The timeout of the silence does not depend on the clock either.
        desk.run_to(start + 2_000 + 299_999);
        assert_eq!(desk.events(), []);
        desk.run_to(start + 2_000 + 300_000);
        assert_eq!(desk.events().len(), 1);
        // A pause of any length ends the period.
        for days in [24, 25, 49, 50, 100] {
            desk.now = desk.now.saturating_add(days * 86_400_000);
            assert!(is_data(&desk.ask(LAMP, &block(IMAGE, 100))), "after {days} days");
            desk.run_to(desk.now);
            desk.all_events();
        }
    }
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
