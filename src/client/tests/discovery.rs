//! Tests of server discovery: search, address lookup, link key, and the loss of the server.

use super::*;

const ID: Eui64 = Eui64(0x0123_4567_89ab_cdef);
const TEN_MINUTES: u64 = 10 * 60 * 1000;

/// Configuration of a device that knows no server.
fn no_known_server() -> ClientConfig {
    ClientConfig { server: Address::UNKNOWN, discovery_interval: Some(Millis::from_secs(600)), ..config() }
}

/// Configuration of a device that knows the IEEE address and the endpoint of its server.
fn server_by_ieee_address() -> ClientConfig {
    ClientConfig { server: Address::new(0xffff, 1), server_id: ID, ..no_known_server() }
}

/// Shows: CLI-007, CLI-008, CLI-009, CLI-010, ESP-017, ATTR-018
#[test]
fn the_first_server_that_answers_is_used() {
    assert_eq!(
        ClientConfig::new(config().identity, Address::UNKNOWN).discovery_interval,
        Some(Millis::from_secs(600))
    );
    let mut script = Script::new(no_known_server());
    let Need::FindServer(ticket, None) = script.expect_need() else {
        panic!("no need to find a server among all nodes")
    };
    assert_eq!(script.client.poll_need(), None, "each need is polled once");
    // Nothing is sent before a server is found.
    script.advance_to(60_000).assert_silent();
    script.client.query(script.now).unwrap_or_default();
    script.assert_silent();
    assert_eq!(script.client.waiting_for(), WaitingFor::Application);

    let server = Address::new(0x2b3c, 9);
    script.client.server_found(script.now, ticket, Some(server)).unwrap();
    assert_eq!(script.client.server_found(script.now, ticket, Some(STRANGER)), Err(StaleTicket));
    script.assert_silent();
    let Need::IeeeAddress(ticket, 0x2b3c) = script.expect_need() else {
        panic!("no need to resolve the IEEE address")
    };
    assert_eq!(script.client.attributes().server, Eui64(u64::MAX));
    script.client.ieee_address_resolved(ticket, Some(ID)).unwrap();
    assert_eq!(script.client.attributes().server, ID);
    let (transmit, bytes) = script.transmit().expect("the query");
    assert_eq!((transmit.to, bytes[2]), (server, 0x01));
    assert_eq!(script.client.server(), server);
    assert_eq!(script.client.poll_need(), None);
}

/// Shows: CLI-006, ATTR-018
#[test]
fn a_server_known_by_ieee_address_is_looked_up() {
    let mut script = Script::new(server_by_ieee_address());
    assert_eq!(script.client.attributes().server, ID, "the configured address shows from the start");
    let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
        panic!("no need to look up the network address")
    };
    script.advance_to(60_000).assert_silent();
    script.client.network_address_resolved(script.now, ticket, Some(0x2b3c)).unwrap();
    assert_eq!(script.transmit().expect("the query").0.to, Address::new(0x2b3c, 1));

    // If only the endpoint is unknown, the match descriptor request goes to that node, and its IEEE address is kept.
    let mut script = Script::new(ClientConfig { server: Address::UNKNOWN, ..server_by_ieee_address() });
    let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
        panic!("no need to look up the network address")
    };
    script.client.network_address_resolved(at(0), ticket, Some(0x2b3c)).unwrap();
    let Need::FindServer(ticket, Some(0x2b3c)) = script.expect_need() else {
        panic!("no need to find the endpoint")
    };
    script.client.server_found(at(0), ticket, Some(Address::new(0x2b3c, 4))).unwrap();
    assert_eq!((script.client.server(), script.client.poll_need()), (Address::new(0x2b3c, 4), None));
    assert_eq!(script.client.attributes().server, ID);
}

/// Shows: ATTR-019
#[test]
fn zero_and_all_ones_are_no_ieee_address() {
    for id in [0, u64::MAX] {
        let mut script = Script::new(ClientConfig { server_id: Eui64(id), ..no_known_server() });
        assert!(matches!(script.expect_need(), Need::FindServer(_, None)));
    }
}

/// Shows: CLI-012
#[test]
fn a_search_is_repeated_at_its_interval() {
    let mut script = Script::new(no_known_server());
    for turn in 1..=3 {
        let Need::FindServer(ticket, None) = script.expect_need() else { panic!("no need to find a server") };
        script.client.server_found(script.now, ticket, None).unwrap();
        let next = turn * TEN_MINUTES;
        assert_eq!(script.client.poll_event(), Some(ClientEvent::ServerNotFound(at(next))));
        script.advance_to(next - 1);
        assert_eq!(script.client.poll_need(), None);
        script.advance_to(next);
    }
    // A notify starts a search at once, but the client sends no query before a server is found.
    let Need::FindServer(ticket, None) = script.expect_need() else { panic!("no need to find a server") };
    script.client.server_found(script.now, ticket, None).unwrap();
    script.client.poll_event();
    assert_eq!(script.receive_frame(FrameMeta::unicast(STRANGER), &hex("19 07 00 00 64")), Handled::Done);
    assert!(matches!(script.expect_need(), Need::FindServer(_, None)));
    script.assert_silent();
}

/// Shows: CLI-016
#[test]
fn a_notify_from_another_node_is_ignored_while_a_server_is_known() {
    let mut script = Script::new(config());
    let handled = script.receive_frame(FrameMeta::unicast(STRANGER), &hex("09 07 00 00 64"));
    assert_eq!(handled, Handled::Ignored(ClientIgnored::NotFromServer));
    assert!(script.assert_silent().is_idle());

    let mut script = Script::new(no_known_server());
    let Need::FindServer(ticket, None) = script.expect_need() else { panic!("no need to find a server") };
    script.client.server_found(at(0), ticket, None).unwrap();
    assert_eq!(script.receive_frame(FrameMeta::unicast(STRANGER), &hex("09 07 00 00 64")), Handled::Done);
    let Need::FindServer(ticket, None) = script.expect_need() else { panic!("no need to find a server") };
    script.client.server_found(at(0), ticket, Some(SERVER)).unwrap();
    let Need::IeeeAddress(ticket, _) = script.expect_need() else {
        panic!("no need to resolve the IEEE address")
    };
    script.client.ieee_address_resolved(ticket, None).unwrap();
    let (reply, _) = script.transmit().expect("the Default Response to the notify");
    assert_eq!(reply.to, STRANGER);
    script.assert_sends("01 00 01 00 5F11 0101 2B1A0000");
    // Any other command of a node that is not the server is ignored.
    let mut script = Script::new(no_known_server());
    let handled = script.receive_frame(FrameMeta::unicast(STRANGER), &hex("19 00 02 98"));
    assert_eq!(handled, Handled::Ignored(ClientIgnored::NotFromServer));
}

/// Shows: CLI-011
#[test]
fn a_link_key_is_established_before_the_first_query() {
    for (link_key, network, kind) in [
        (LinkKeyPolicy::SmartEnergy, 0x0000, LinkKeyKind::TrustCenter),
        (LinkKeyPolicy::SmartEnergy, 0x2b3c, LinkKeyKind::Partner),
        (LinkKeyPolicy::Global, 0x2b3c, LinkKeyKind::Global),
    ] {
        let server = Address::new(network, 1);
        let mut script = Script::new(ClientConfig { link_key, server, ..config() });
        let Need::LinkKey(ticket, node, key_kind) = script.expect_need() else {
            panic!("no need for a link key")
        };
        assert_eq!((node, key_kind), (network, kind));
        script.advance_to(60_000).assert_silent();
        script.client.link_key_established(script.now, ticket, true).unwrap();
        assert_eq!(script.transmit().expect("the query").0.to, server);

        let mut script = Script::new(ClientConfig { link_key, server, ..config() });
        let Need::LinkKey(ticket, ..) = script.expect_need() else { panic!("no need for a link key") };
        script.client.link_key_established(at(0), ticket, false).unwrap();
        script.advance_to(60_000).assert_silent();
        assert_eq!(script.client.poll_timeout(), Some(at(TEN_MINUTES)));
    }
    let mut script = Script::new(config());
    assert_eq!(script.client.poll_need(), None);
}

/// A client that has looked up the network address of its server and stored 64 of the 100 bytes of a file; the next
/// request of the client has the sequence number 2.
fn found_and_downloading(config: ClientConfig) -> Script {
    let mut script = Script::new(config);
    let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
        panic!("no need to look up the network address")
    };
    script.client.network_address_resolved(at(0), ticket, Some(SERVER.network)).unwrap();
    script.client.query(at(0)).unwrap();
    script.assert_sends("01 00 01 00 5F11 0101 2B1A0000");
    script.receive(OFFER);
    script.accept().prepare().assert_requests_block(0);
    script.receive_block(1, 0, &file(|_| {})[..64]);
    script
}

/// Shows: CLI-013, CLI-066
#[test]
fn a_download_continues_at_its_offset_after_a_lost_connection() {
    let mut script = found_and_downloading(server_by_ieee_address());
    script.assert_requests_block(64);
    script.client.connection_lost(script.now);
    let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
        panic!("no need to look up the network address")
    };
    script.advance_to(30_000).assert_silent();
    script.client.network_address_resolved(script.now, ticket, Some(0x7777)).unwrap();
    // The server at the new address may be another one, so the client compares header and last block first. The header
    // lies within the last block.
    let from = FrameMeta::unicast(Address::new(0x7777, 1));
    let sequence = script.assert_requests_range(0, 64);
    let data = block(sequence, OFFERED, 0, &file(|_| {})[..64]);
    assert_eq!(script.receive_frame(from, &data), Handled::Done);
    let (transmit, bytes) = script.transmit().expect("the request");
    assert_eq!((transmit.to, bytes[9 + 3..][..4].to_vec()), (Address::new(0x7777, 1), hex("40000000")));
    // A block that is being stored when the connection is lost counts once it is stored.
    let data = block(bytes[1], OFFERED, 64, &file(|_| {})[64..]);
    let meta = FrameMeta::unicast(Address::new(0x7777, 1));
    let ClientAction::Store(arrived) = script.client.handle_frame(script.now, meta, &data) else {
        panic!("no block to store")
    };
    script.client.connection_lost(script.now);
    script.client.stored(script.now, arrived.ticket, StoreResult::Ok).unwrap();
    assert!(matches!(script.expect_need(), Need::NetworkAddress(..)));
    assert!(matches!(script.expect_need(), Need::Verify(..)));
}

/// Shows: CLI-014
#[test]
fn a_server_that_is_not_found_is_replaced_if_allowed() {
    for replace_server in [true, false] {
        let mut script =
            Script::new(ClientConfig { replace_lost_server: replace_server, ..server_by_ieee_address() });
        for lookup in 1..=5 {
            let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
                panic!("no need to look up the network address")
            };
            script.client.network_address_resolved(script.now, ticket, None).unwrap();
            if replace_server && lookup == 3 {
                break;
            }
            let next = script.now.plus(Millis::from_secs(600)).as_millis();
            script.advance_to(next);
        }
        if !replace_server {
            continue;
        }
        let Need::FindServer(ticket, None) = script.expect_need() else {
            panic!("no need to find another server")
        };
        script.client.server_found(script.now, ticket, Some(Address::new(0x4444, 2))).unwrap();
        let Need::IeeeAddress(ticket, 0x4444) = script.expect_need() else {
            panic!("no need to resolve the IEEE address")
        };
        script.client.ieee_address_resolved(ticket, Some(Eui64(4))).unwrap();
        assert_eq!(script.client.attributes().server, Eui64(4));
    }
}

/// Shows: CLI-042
#[test]
fn three_unanswered_queries_start_a_search_for_the_server() {
    let config = ClientConfig {
        max_query_attempts: 1,
        query_interval: Some(Millis::from_secs(60)),
        ..server_by_ieee_address()
    };
    for (config, by_name) in [(config, true), (ClientConfig { server_id: Eui64(0), ..config }, false)] {
        let mut script = Script::new(ClientConfig { server: SERVER, ..config });
        script.client.search.step = crate::client::discovery::SearchStep::Done;
        script.client.poll_need();
        for _ in 0..3 {
            assert_eq!(script.client.poll_need(), None);
            let due = script.client.poll_timeout().unwrap();
            script.advance_to(due.as_millis());
            let (_, query) = script.transmit().expect("a query");
            assert_eq!(query[2], 0x01);
            assert_eq!(script.client.query(script.now), Err(Busy), "only one query at a time");
            let overdue = script.client.poll_timeout().unwrap();
            script.advance_to(overdue.as_millis()).assert_silent();
        }
        match script.expect_need() {
            Need::NetworkAddress(ticket, ID) => {
                assert!(by_name);
                script.client.network_address_resolved(script.now, ticket, Some(SERVER.network)).unwrap();
            }
            need => {
                assert!(!by_name && matches!(need, Need::FindServer(_, None)));
                continue;
            }
        }
        // After the search, three further queries are to stay unanswered before the next one.
        for count in 1..=3 {
            assert_eq!(script.client.poll_need(), None, "{count}");
            while script.transmit().is_none() {
                let due = script.client.poll_timeout().unwrap();
                script.advance_to(due.as_millis());
            }
            let overdue = script.client.poll_timeout().unwrap();
            script.advance_to(overdue.as_millis()).assert_silent();
        }
        assert!(matches!(script.expect_need(), Need::NetworkAddress(_, ID)));
    }
    // A server whose address is configured as fixed is never searched.
    let mut script = Script::new(ClientConfig { max_query_attempts: 1, ..self::config() });
    for _ in 0..5 {
        script.client.query(script.now).unwrap();
        script.transmit();
        script.advance_to(script.now.as_millis() + 3000);
    }
    assert_eq!(script.client.poll_need(), None);
}

/// Shows: CLI-046, CLI-141
#[test]
fn a_refusing_server_is_replaced_if_configured() {
    for avoid_refusing in [true, false] {
        let mut script = Script::querying(ClientConfig {
            replace_refusing_server: avoid_refusing,
            discovery_interval: Some(Millis(1)),
            ..config()
        });
        script.receive("19 00 02 7E");
        if !avoid_refusing {
            assert_eq!(script.client.poll_need(), None);
            continue;
        }
        let Need::FindServer(ticket, None) = script.expect_need() else {
            panic!("no need to find another server")
        };
        // The refusing server is skipped when it is found again, and the next server is used.
        script.client.server_found(at(0), ticket, Some(SERVER)).unwrap();
        assert_eq!(script.client.poll_need(), None);
        script.client.server_found(at(0), ticket, Some(Address::new(0x4444, 2))).unwrap();
        let Need::IeeeAddress(ticket, 0x4444) = script.expect_need() else {
            panic!("no need to resolve the IEEE address")
        };
        script.client.ieee_address_resolved(ticket, None).unwrap();
        let (query, bytes) = script.transmit().expect("a query");
        assert_eq!((query.to, bytes[2]), (Address::new(0x4444, 2), 0x01));
    }
}

/// Shows: CLI-130, CLI-119
#[test]
fn a_lost_connection_repeats_the_upgrade_end_request() {
    for times in ["00000000 FFFFFFFF", "00000000 58020000"] {
        let mut script = Script::ending(ClientConfig {
            server_id: ID,
            discovery_interval: Some(Millis::from_secs(600)),
            ..config()
        });
        script.receive(&std::format!("19 03 07 5F11 0101 2C1A0000 {times}"));
        script.client.connection_lost(script.now);
        let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
            panic!("no need to look up the network address")
        };
        script.advance_to(1000).assert_silent();
        script.client.network_address_resolved(script.now, ticket, Some(0)).unwrap();
        script.assert_sends("01 04 06 00 5F11 0101 2C1A0000");
        script.receive("19 04 07 5F11 0101 2C1A0000 00000000 0A000000");
        script.advance_to(11_000).expect_apply();
    }
    // A server with a fixed address gets the Upgrade End Request at once.
    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    script.client.connection_lost(script.now);
    script.assert_sends("01 04 06 00 5F11 0101 2C1A0000");
}

/// Shows: CLI-131, CLI-127
#[test]
fn a_server_that_is_not_found_counts_as_unanswered_upgrade_end_requests() {
    for (unanswered, applies) in [(UpgradeEndFallback::Apply, true), (UpgradeEndFallback::KeepWaiting, false)]
    {
        let config = ClientConfig {
            server_id: ID,
            discovery_interval: Some(Millis::from_secs(600)),
            replace_lost_server: false,
            upgrade_end_fallback: unanswered,
            ..config()
        };
        let mut script = Script::ending(config);
        script.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
        script.client.connection_lost(script.now);
        // The requests of the first hour are one ask, and three more hours are one ask each.
        let mut lookups = 0;
        while script.now < at(5 * 60 * 60 * 1000)
            && !matches!(script.client.state, State::Image(_, ImageStage::Applying))
        {
            if let Some(need) = script.client.poll_need() {
                let Need::NetworkAddress(ticket, ID) = need else { panic!("{need:?}") };
                lookups += 1;
                script.client.network_address_resolved(script.now, ticket, None).unwrap();
            }
            script.assert_silent().events();
            let next = script.client.poll_timeout().map_or(u64::MAX, Instant::as_millis);
            script.advance_to(next.min(5 * 60 * 60 * 1000));
        }
        assert!(lookups >= 4, "{lookups}");
        assert!(!applies || script.now >= at(3 * 60 * 60 * 1000), "{:?}", script.now);
        assert_eq!(matches!(script.client.state, State::Image(_, ImageStage::Applying)), applies);
        assert_eq!(matches!(script.client.state, State::Image(_, ImageStage::Ending { .. })), !applies);
    }
}

#[test]
fn a_silent_server_is_searched_after_the_download_ends() {
    let config = ClientConfig { max_block_attempts: 2, ..server_by_ieee_address() };
    let mut script = found_and_downloading(without_pause(config));
    for _ in 0..2 {
        script.assert_requests_block(64);
        let overdue = script.client.poll_timeout().unwrap();
        script.advance_to(overdue.as_millis());
    }
    for _ in 0..2 {
        let (_, end) = script.transmit().expect("the Upgrade End Request");
        assert_eq!(end[2..4], [0x06, 0x95]);
        let overdue = script.client.poll_timeout().unwrap();
        script.advance_to(overdue.as_millis());
    }
    assert_eq!(script.expect_end(), Outcome::ServerSilent);
    assert!(matches!(script.expect_need(), Need::NetworkAddress(_, ID)));
}

#[test]
fn a_ticket_of_another_need_is_stale() {
    let mut script = Script::new(ClientConfig { link_key: LinkKeyPolicy::Global, ..config() });
    let Need::LinkKey(ticket, ..) = script.expect_need() else { panic!("no need for a link key") };
    assert_eq!(script.client.server_found(at(0), ticket, Some(STRANGER)), Err(StaleTicket));
    assert_eq!(
        script.client.network_address_resolved(at(0), ticket, Some(STRANGER.network)),
        Err(StaleTicket)
    );
    assert_eq!(script.client.ieee_address_resolved(ticket, Some(ID)), Err(StaleTicket));
    assert_eq!(script.client.server(), SERVER);
    assert_eq!(script.client.attributes().server, config().server_id);
    assert_eq!(script.client.link_key_established(at(0), ticket, true), Ok(()));

    let mut script = Script::new(no_known_server());
    let Need::FindServer(ticket, None) = script.expect_need() else { panic!("no need to find a server") };
    assert_eq!(script.client.link_key_established(at(0), ticket, true), Err(StaleTicket));
    script.client.server_found(at(0), ticket, Some(SERVER)).unwrap();
    // The ticket of the answered need is stale.
    assert_eq!(script.client.network_address_resolved(at(0), ticket, Some(0)), Err(StaleTicket));
    assert_eq!(script.client.ieee_address_resolved(ticket, Some(ID)), Err(StaleTicket));
    assert_eq!(script.client.link_key_established(at(0), ticket, true), Err(StaleTicket));
    assert!(matches!(script.expect_need(), Need::IeeeAddress(_, 0)));
}

#[test]
fn a_download_ends_when_its_server_is_never_found_before_the_first_request() {
    for transfer in [config().transfer, TransferMode::Pages { size: 600.try_into().unwrap(), spacing: 0 }] {
        let wishes = ClientConfig {
            max_block_attempts: 2,
            replace_lost_server: false,
            transfer,
            ..server_by_ieee_address()
        };
        let mut script = Script::new(without_pause(wishes));
        let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
            panic!("no need to look up the network address")
        };
        script.client.network_address_resolved(at(0), ticket, Some(SERVER.network)).unwrap();
        script.client.query(at(0)).unwrap();
        script.assert_sends("01 00 01 00 5F11 0101 2B1A0000");
        script.receive(OFFER);
        script.accept().prepare();
        script.client.connection_lost(at(0));
        let mut lookups = 0;
        let outcome = loop {
            // Each failed lookup counts as an attempt, until none is left.
            let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
                panic!("no need to look up the network address")
            };
            script.client.network_address_resolved(script.now, ticket, None).unwrap();
            script.assert_silent();
            lookups += 1;
            let mut events = std::iter::from_fn(|| script.client.poll_event());
            if let Some(ClientEvent::Ended(outcome)) =
                events.find(|event| matches!(event, ClientEvent::Ended(_)))
            {
                break outcome;
            }
            assert!(lookups < 20, "the download does not end");
            let next = script.now.plus(Millis::from_secs(600)).as_millis();
            script.advance_to(next);
        };
        assert_eq!(outcome, Outcome::ServerSilent, "{transfer:?}");
        assert!(script.is_idle());
    }
}

#[test]
fn a_download_continues_as_soon_as_its_server_is_found() {
    let mut script = found_and_downloading(server_by_ieee_address());
    script.assert_requests_block(64);
    script.client.connection_lost(script.now);
    let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
        panic!("no need to look up the network address")
    };
    script.advance_to(10).assert_silent();
    script.client.network_address_resolved(script.now, ticket, Some(SERVER.network)).unwrap();
    script.assert_requests_block(64);
}

#[test]
fn failed_lookups_count_as_attempts_of_the_block_request() {
    let mut script = found_and_downloading(without_pause(ClientConfig {
        max_block_attempts: 4,
        replace_lost_server: false,
        ..server_by_ieee_address()
    }));
    script.assert_requests_block(64);
    script.client.connection_lost(script.now);
    for missed in 1..=3 {
        assert!(script.client.progress().is_some(), "{missed}");
        let Need::NetworkAddress(ticket, ID) = script.expect_need() else {
            panic!("no need to look up the network address")
        };
        script.client.network_address_resolved(script.now, ticket, None).unwrap();
        let next = script.now.as_millis() + TEN_MINUTES;
        script.advance_to(next);
    }
    assert_eq!(script.client.progress(), None, "one attempt was sent, and three could not be sent");
}

#[test]
fn a_lost_connection_ends_every_wait() {
    // For the hourly Upgrade End Request.
    let mut script = Script::ending(config());
    script.receive("18 03 0B 06 00");
    script.advance_to(1000).assert_silent();
    script.client.connection_lost(script.now);
    script.assert_sends("01 04 06 00 5F11 0101 2C1A0000");

    // For the next query of a paused download.
    let mut script = Script::downloading(config());
    script.run_until_paused();
    while script.transmit().is_some() {}
    script.assert_silent();
    script.client.connection_lost(script.now);
    let now = script.now.as_millis();
    script.advance_to(now).assert_queries();
}

#[test]
fn an_upgrade_that_ends_with_an_answer_of_its_server_starts_no_search() {
    let config = ClientConfig { server_id: ID, discovery_interval: Some(Millis::from_secs(600)), ..config() };
    let mut script = Script::downloaded(config, &file(|_| {}));
    script.verify(VerifyResult::Invalid).assert_sends("01 03 06 96 5F11 0101 2C1A0000");
    script.receive("18 03 0B 06 00");
    assert_eq!(script.expect_end(), Outcome::InvalidImage);
    assert_eq!(script.client.poll_need(), None);
}
