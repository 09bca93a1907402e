//! Tests of Query Next Image: intervals, retries, offers and refusals.

use super::*;

/// Shows: CLI-037
#[test]
fn a_query_has_the_hardware_version_if_it_is_known() {
    let mut config = config();
    config.identity.hardware = Some(HardwareVersion(0x0102));
    let mut script = Script::new(config);
    script.client.query(at(0)).unwrap();
    script.assert_sends("01 00 01 01 5F11 0101 2B1A0000 0201");
}

/// Shows: CLI-038, CLI-040, CLI-045, CMD-042
#[test]
fn queries_are_repeated_at_their_interval_while_there_is_no_image() {
    let mut script = Script::new(ClientConfig { query_interval: Some(Millis::from_secs(300)), ..config() });
    for (turn, refusal) in ["98", "7E", "01"].into_iter().enumerate() {
        let due = 60_000 + 300_000 * turn as u64;
        if turn > 0 {
            script.advance_to(due - 1).assert_silent();
        }
        let (_, frame) = script.advance_to(due).transmit().expect("a query");
        assert_eq!(frame[2], 0x01);
        script.advance_to(due + 500);
        assert_eq!(script.receive(&std::format!("19 {:02x} 02 {refusal}", frame[1])), Handled::Done);
        let status = Status(u8::from_str_radix(refusal, 16).unwrap());
        assert_eq!(script.client.poll_event(), Some(ClientEvent::NoImage(Some(status))));
        assert!(script.is_idle());
    }
    let mut script = Script::new(ClientConfig { query_interval: None, ..config() });
    assert_eq!(script.client.poll_timeout(), None);
    script.advance_to(u64::MAX).assert_silent();
}

/// Shows: CLI-041
#[test]
fn the_application_can_start_a_query_which_restarts_the_interval() {
    let mut script = Script::new(config());
    script.advance_to(1000);
    script.client.query(at(1000)).unwrap();
    script.assert_sends("01 00 01 00 5F11 0101 2B1A0000");
    assert_eq!(script.client.query(at(1000)), Err(Busy));
    script.receive("19 00 02 98");
    assert_eq!(script.client.poll_timeout(), Some(at(1000 + 24 * 60 * 60 * 1000)));
}

#[test]
fn a_lost_query_is_retried_with_a_new_sequence_number() {
    let mut script = Script::querying(ClientConfig { max_query_attempts: 3, ..config() });
    script.advance_to(2999).assert_silent();
    script.advance_to(3000).assert_sends("01 01 01 00 5F11 0101 2B1A0000");
    script.advance_to(8999).assert_silent();
    script.advance_to(9000).assert_sends("01 02 01 00 5F11 0101 2B1A0000");
    script.advance_to(19_000).assert_silent();
    assert_eq!(script.client.poll_event(), Some(ClientEvent::NoImage(None)));
    assert_eq!(script.client.retries(), 2);
}

/// Shows: FLD-027, CLI-042
#[test]
fn unanswered_queries_are_repeated_after_minutes_and_then_ever_more_rarely() {
    let minute = 60_000;
    let day = 24 * 60 * minute;
    let mut script = Script::querying(ClientConfig { max_query_attempts: 1, ..config() });
    let mut time = 3000;
    for minutes in [5, 10, 20, 40, 80, 160, 320, 640, 1280] {
        script.advance_to(time);
        assert_eq!(script.client.poll_timeout(), Some(at(time + minutes * minute)));
        time += minutes * minute;
        assert!(script.advance_to(time).transmit().is_some());
        time += 3000;
    }
    // The interval is counted from the first attempt.
    script.advance_to(time);
    assert_eq!(script.client.poll_timeout(), Some(at(time - 3000 + day)));
    // An answer resets the pauses.
    assert!(script.advance_to(time - 3000 + day).transmit().is_some());
    script.receive("19 09 02 98");
    let next = script.client.poll_timeout().unwrap().as_millis();
    assert_eq!(next, time - 3000 + 2 * day);
    assert!(script.advance_to(next).transmit().is_some());
    script.advance_to(next + 3000);
    assert_eq!(script.client.poll_timeout(), Some(at(next + 3000 + 5 * minute)));
}

/// Shows: FLD-006
#[test]
fn an_identity_that_no_query_can_carry_is_reported() {
    for (image_type, version) in [(0x0101, u32::MAX), (0xffff, 1)] {
        let id = ImageId::new(0x115f, image_type, version);
        let mut script = Script::new(ClientConfig { identity: Identity::new(id), ..config() });
        script.client.query(at(0)).unwrap();
        assert!(script.assert_silent().is_idle());
        assert_eq!(script.events(), [ClientEvent::CannotQuery(id)]);
    }
}

/// Shows: FLD-006
#[test]
fn an_offer_of_the_wildcard_version_is_malformed() {
    let mut script = Script::querying(config());
    let offered = "19 00 02 00 5F11 0101 FFFFFFFF 64000000";
    assert_eq!(script.receive(offered), Handled::Ignored(ClientIgnored::Mismatch));
    script.assert_sends("10 00 0B 02 80");
    assert_eq!(script.events(), []);
    assert_eq!(script.receive(OFFER), Handled::Done, "the query still waits");
}

/// Shows: FLD-021
#[test]
fn a_skipped_offer_is_reported_once_if_configured() {
    let config = ClientConfig {
        report_skipped_offers: true,
        accepted_versions: AcceptedVersions::Newer,
        query_interval: Some(Millis::from_secs(60)),
        ..config()
    };
    let mut script = Script::querying(config);
    assert_eq!(script.receive("19 00 02 00 5F11 0101 2A1A0000 64000000"), Handled::Done);
    script.assert_sends("01 01 06 96 5F11 0101 2A1A0000").assert_silent();
    assert_eq!(script.status(), 0x00);
    assert_eq!(script.receive("18 01 0B 06 00"), Handled::Done);
    let offer = ImageOffer { id: ImageId::new(0x115f, 0x0101, 0x1a2a), size: 100 };
    assert_eq!(script.events(), [ClientEvent::OfferSkipped(offer, SkipReason::Older)], "no upgrade ended");
    // The same offer is reported once, another one again.
    script.advance_to(60_000).assert_sends("01 02 01 00 5F11 0101 2B1A0000");
    script.receive("19 02 02 00 5F11 0101 2A1A0000 64000000");
    assert!(script.assert_silent().is_idle());
    script.advance_to(120_000).assert_sends("01 03 01 00 5F11 0101 2B1A0000");
    script.receive("19 03 02 00 5F11 0101 291A0000 64000000");
    script.assert_sends("01 04 06 96 5F11 0101 291A0000");
    // By default there is no report.
    let mut script = Script::querying(ClientConfig { report_skipped_offers: false, ..config });
    script.receive("19 00 02 00 5F11 0101 2A1A0000 64000000");
    assert!(script.assert_silent().is_idle());
}

/// Shows: FLD-021
#[test]
fn no_skipped_offer_is_reported_while_an_image_is_in_hand() {
    let config =
        ClientConfig { report_skipped_offers: true, accepted_versions: AcceptedVersions::Newer, ..config() };
    let mut downloading = Script::downloading(config);
    downloading.assert_requests_block(0);
    let mut ending = Script::ending(config);
    for script in [&mut downloading, &mut ending] {
        script.receive("19 07 00 00 64");
        let (_, query) = script.transmit().expect("the query");
        let older = ImageId::new(0x115f, 0x0101, 0x1a2a);
        script.receive_frame(FrameMeta::unicast(SERVER), &offer(query[1], 0x02, older, 100));
        assert!(script.events().iter().any(|event| matches!(event, ClientEvent::OfferSkipped(..))));
        script.assert_silent();
    }
}

/// Shows: CLI-044
#[test]
fn an_offer_of_another_version_is_put_to_the_application() {
    for (version, taken) in [("2C1A0000", true), ("2A1A0000", true), ("2B1A0000", false)] {
        for (versions, reinstall) in [(AcceptedVersions::Different, false), (AcceptedVersions::Any, true)] {
            let mut script = Script::querying(ClientConfig { accepted_versions: versions, ..config() });
            script.receive(&std::format!("19 00 02 00 5F11 0101 {version} 64000000"));
            let is_offered = matches!(script.client.poll_need(), Some(Need::Decide(..)));
            assert_eq!(is_offered, taken || reinstall, "{version}");
            if !is_offered {
                let passed = script.client.poll_event();
                assert!(matches!(passed, Some(ClientEvent::OfferSkipped(_, SkipReason::SameVersion))));
                assert!(script.assert_silent().is_idle());
            }
        }
    }
}

/// Shows: ESP-025, ESP-026
#[test]
fn a_refused_offer_sends_nothing_and_is_not_repeated_before_the_next_query() {
    let mut script = Script::querying(config());
    script.receive(OFFER);
    let Some(Need::Decide(ticket, offer)) = script.client.poll_need() else { panic!("no decision") };
    assert_eq!(offer, ImageOffer { id: OFFERED, size: 100 });
    script.client.refuse(script.now, ticket).unwrap();
    assert!(script.assert_silent().is_idle());
    assert_eq!(script.expect_end(), Outcome::Refused);
    let day = 24 * 60 * 60 * 1000;
    script.advance_to(day - 1).assert_silent();
    assert_eq!(script.client.poll_need(), None);
    // A query after a notify does not offer the refused version again; the next regular query does.
    script.receive("19 07 00 00 64");
    script.assert_sends("01 01 01 00 5F11 0101 2B1A0000");
    script.receive("19 01 02 00 5F11 0101 2C1A0000 64000000");
    assert_eq!(script.client.poll_need(), None);
    let due = script.client.poll_timeout().unwrap().as_millis();
    script.advance_to(due).assert_sends("01 02 01 00 5F11 0101 2B1A0000");
    script.receive("19 02 02 00 5F11 0101 2C1A0000 64000000");
    script.refuse();
    script.client.query(script.now).unwrap();
    script.assert_sends("01 03 01 00 5F11 0101 2B1A0000");
    script.receive("19 03 02 00 5F11 0101 2C1A0000 64000000");
    script.accept();
}

/// Shows: CLI-047, CMD-045
#[test]
fn a_query_response_for_another_image_is_malformed() {
    for payload in
        ["00 6011 0101 2C1A0000 64000000", "00 5F11 0201 2C1A0000 64000000", "00 5F11 0101 2C1A0000 640000"]
    {
        let mut script = Script::querying(config());
        assert!(matches!(script.receive(&std::format!("19 00 02 {payload}")), Handled::Ignored(_)));
        script.assert_sends("10 00 0B 02 80").assert_silent();
        // The query still waits for its response.
        assert_eq!(script.receive("19 00 02 98"), Handled::Done);
    }
}

/// Shows: FLD-013
#[test]
fn a_refusal_that_is_filled_up_with_zeros_ends_the_query() {
    let mut script = Script::querying(config());
    assert_eq!(script.receive("19 00 02 98 000000000000000000000000"), Handled::Done);
    assert_eq!(script.client.poll_event(), Some(ClientEvent::NoImage(Some(Status::NO_IMAGE_AVAILABLE))));
    assert!(script.assert_silent().is_idle());
    let mut script = Script::querying(ClientConfig { strict: true, ..config() });
    let handled = script.receive("19 00 02 98 000000000000000000000000");
    assert!(matches!(handled, Handled::Ignored(ClientIgnored::Unreadable)), "{handled:?}");
}

/// Shows: CLI-048
#[test]
fn a_query_response_without_a_query_is_ignored() {
    let mut script = Script::new(config());
    let handled = script.receive(OFFER);
    assert_eq!(handled, Handled::Ignored(ClientIgnored::Unexpected));
    assert!(script.assert_silent().is_idle());
    assert_eq!(script.client.poll_need(), None);
    // A response is ignored before the query is sent, too.
    script.client.query(at(0)).unwrap();
    let handled = script.receive(OFFER);
    assert_eq!(handled, Handled::Ignored(ClientIgnored::Unexpected));
}

/// Shows: CLI-049
#[test]
fn an_offer_of_an_impossible_size_is_skipped() {
    for (size, fits) in [(0_u32, false), (55, false), (56, true), (1000, true), (1001, false)] {
        let mut script = Script::querying(ClientConfig { max_file_size: 1000, ..config() });
        let mut frame = hex("19 00 02 00 5F11 0101 2C1A0000");
        frame.extend(size.to_le_bytes());
        script.receive_frame(FrameMeta::unicast(SERVER), &frame);
        assert_eq!(matches!(script.client.poll_need(), Some(Need::Decide(..))), fits, "{size}");
        script.assert_silent();
    }
}

/// Shows: CLI-050
#[test]
fn an_error_to_the_query_is_no_image() {
    for status in ["80", "81", "98"] {
        let mut script = Script::querying(config());
        assert_eq!(script.receive(&std::format!("18 00 0B 01 {status}")), Handled::Done);
        let status = Status(u8::from_str_radix(status, 16).unwrap());
        assert_eq!(script.events(), [ClientEvent::NoImage(Some(status))]);
        assert!(script.assert_silent().is_idle());
        assert_eq!(script.client.poll_timeout(), Some(at(24 * 60 * 60 * 1000)));
    }
    let mut script = Script::querying(config());
    assert_eq!(
        script.receive("18 09 0B 01 80"),
        Handled::Ignored(ClientIgnored::Unexpected),
        "another sequence number"
    );
    assert_eq!(script.receive("18 00 0B 01 00"), Handled::Ignored(ClientIgnored::Unexpected), "no error");
    assert_eq!(
        script.receive("18 00 0B 03 80"),
        Handled::Ignored(ClientIgnored::Unexpected),
        "another command"
    );
    assert!(!script.is_idle());
}

/// Shows: ESP-022, ESP-023, ESP-024, CLI-039
#[test]
fn the_query_interval_can_be_changed_and_queries_stopped() {
    let minute = 60_000;
    let mut script = Script::new(config());
    script.advance_to(10_000);
    script.client.set_query_interval(script.now, Some(Millis::from_secs(300)));
    script.advance_to(10_000 + 5 * minute - 1).assert_silent();
    script.advance_to(10_000 + 5 * minute).assert_sends("01 00 01 00 5F11 0101 2B1A0000");
    // A new interval applies to the query in progress as well.
    script.client.set_query_interval(script.now, Some(Millis::from_secs(60)));
    script.receive("19 00 02 98");
    assert_eq!(script.client.poll_timeout(), Some(at(10_000 + 6 * minute)));

    script.client.stop_queries(script.now);
    assert_eq!(script.client.poll_timeout(), None);
    script.advance_to(1000 * minute).assert_silent();
    assert_eq!(script.receive("19 07 00 00 64"), Handled::Done);
    script.assert_sends("01 01 01 00 5F11 0101 2B1A0000");
    script.receive("19 01 02 98");
    assert_eq!(script.client.poll_timeout(), None);

    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.client.stop_queries(script.now);
    script.receive_block(1, 0, &file(|_| {})[..64]);
    script.assert_requests_block(64);
    script.receive("19 02 05 95");
    assert_eq!(script.client.poll_timeout(), None);
    // By default a device queries once a day.
    assert_eq!(config().query_interval, Some(Millis::from_secs(24 * 60 * 60)));
}

#[test]
fn accepted_versions_decide_which_offers_reach_the_application() {
    for (versions, version, passed) in [
        (AcceptedVersions::Newer, "2A1A0000", Some(SkipReason::Older)),
        (AcceptedVersions::Newer, "2B1A0000", Some(SkipReason::SameVersion)),
        (AcceptedVersions::Newer, "2C1A0000", None),
        (AcceptedVersions::Different, "2A1A0000", None),
        (AcceptedVersions::Different, "2B1A0000", Some(SkipReason::SameVersion)),
        (AcceptedVersions::Any, "2A1A0000", None),
        (AcceptedVersions::Any, "2B1A0000", None),
    ] {
        let mut script = Script::querying(ClientConfig { accepted_versions: versions, ..config() });
        script.receive(&std::format!("19 00 02 00 5F11 0101 {version} 64000000"));
        assert_eq!(script.client.poll_need().is_some(), passed.is_none());
        match passed {
            None => assert_eq!(script.client.poll_event(), None),
            Some(why) => {
                let event = script.client.poll_event();
                assert!(matches!(event, Some(ClientEvent::OfferSkipped(_, passed)) if passed == why));
            }
        }
    }
}

#[test]
fn a_query_that_was_not_delivered_is_retried_after_the_error_pause() {
    let mut script = Script::querying(config());
    script.client.handle_delivery(at(100), TransmitToken::request(0), DeliveryReport::Failed);
    script.advance_to(1099).assert_silent();
    script.advance_to(1100).assert_sends("01 01 01 00 5F11 0101 2B1A0000");
    // A response to the first attempt is still accepted, since only the acknowledgement may have been lost.
    assert_eq!(script.receive(OFFER), Handled::Done);
    assert!(matches!(script.expect_need(), Need::Decide(..)));
}

#[test]
fn a_query_is_repeated_after_a_lost_connection() {
    let mut script = Script::querying(config());
    script.client.connection_lost(at(100));
    script.advance_to(100).assert_sends("01 01 01 00 5F11 0101 2B1A0000").assert_silent();
    // A query that was not sent before is sent once.
    let mut script = Script::new(config());
    script.client.query(at(0)).unwrap();
    script.client.connection_lost(at(0));
    script.assert_sends("01 00 01 00 5F11 0101 2B1A0000").assert_silent();
}
