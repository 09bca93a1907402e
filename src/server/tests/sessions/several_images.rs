//! Tests of two images that one device downloads: each image has a session, and the sessions do not disturb each other.

use super::*;

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

/// Shows: FLD-040, SRV-054
#[test]
fn the_operator_ends_the_page_of_a_device_whatever_else_the_node_downloads() {
    let mut desk = desk();
    let other = Address::new(LAMP.network, 9);
    assert!(is_data(&desk.ask(other, &block(IMAGE, 0))));
    desk.start_page(LAMP, IMAGE);
    assert!(is_data(&desk.ask(LAMP, &block(SECOND, 0))));
    assert_eq!(desk.server.abort_page(desk.now(), other, &mut desk.out), None);
    assert!(desk.server.session_for(LAMP, IMAGE).unwrap().has_page());
    let sent = desk.server.abort_page(desk.now(), LAMP, &mut desk.out).unwrap();
    assert_eq!(desk.sent(LAMP, sent), "19 2b 05 95");
    let downloads = |id, reached| Some(SessionPhase::Downloading { id, reached, blocks: 1, size: 1000 });
    assert_eq!(desk.phase_of(LAMP, IMAGE), Some(SessionPhase::Ended { id: IMAGE, status: Status::ABORT }));
    assert_eq!(desk.phase_of(LAMP, SECOND), downloads(SECOND, 50));
    assert_eq!(desk.phase_of(other, IMAGE), downloads(IMAGE, 50));
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
