//! Tests of whole upgrades from the first query to the next query, of the order of the events and needs, of
//! cancellation, and of stale tickets.

use super::*;
use crate::zcl::ImageUpgradeStatus;

/// Shows: CLI-001, CLI-005, CLI-035, CLI-043, CLI-052, CLI-054, CLI-055, CLI-101, CLI-108, CLI-128, CLI-132
#[test]
fn an_upgrade_runs_from_the_first_query_to_the_next() {
    let file = file(|_| {});
    let mut script = Script::new(config());
    script.assert_silent();
    assert_eq!(script.client.poll_timeout(), Some(at(60_000)));
    script.advance_to(59_999).assert_silent();
    script.advance_to(60_000).assert_sends("01 00 01 00 5F11 0101 2B1A0000");
    assert_eq!(script.client.waiting_for(), WaitingFor::Server);
    assert_eq!(script.receive(OFFER), Handled::Done);

    // The server offers the image; no block is requested before the application has accepted it and prepared storage.
    script.assert_silent();
    assert_eq!(script.client.waiting_for(), WaitingFor::Application);
    script.accept().assert_silent();
    script.advance_to(70_000).prepare();
    let offer = ImageOffer { id: OFFERED, size: 100 };
    assert_eq!(script.client.poll_event(), Some(ClientEvent::Started(offer)));

    script.assert_sends("01 01 03 00 5F11 0101 2C1A0000 00000000 40").assert_silent();
    let first = block(1, OFFERED, 0, &file[..64]);
    let ClientAction::Store(block) =
        script.client.handle_frame(at(70_020), FrameMeta::unicast(SERVER), &first)
    else {
        panic!("no block to store");
    };
    assert_eq!((block.offset, block.data), (0, &file[..64]));
    // Back-pressure: no block is requested before the one that arrived is stored.
    script.advance_to(71_000).assert_silent();
    assert_eq!(script.client.waiting_for(), WaitingFor::Application);
    assert_eq!(script.client.progress(), Some(DownloadProgress { offer, received: 0 }));
    script.client.stored(at(71_000), block.ticket, StoreResult::Ok).unwrap();
    assert_eq!(script.client.progress(), Some(DownloadProgress { offer, received: 64 }));

    script.assert_sends("01 02 03 00 5F11 0101 2C1A0000 40000000 24");
    script.receive_block(2, 64, &file[64..]);
    script.assert_silent();

    let Some(Need::Verify(ticket, verified)) = script.client.poll_need() else { panic!("no need to verify") };
    assert_eq!(verified, offer);
    assert_eq!(script.client.poll_need(), None, "each need is polled once");
    script.advance_to(100_000).assert_silent();
    script.client.verified(at(100_000), ticket, VerifyResult::Valid).unwrap();
    script.assert_sends("01 03 06 00 5F11 0101 2C1A0000");
    assert_eq!(script.receive("19 03 07 5F11 0101 2C1A0000 00000000 0A000000"), Handled::Done);
    assert_eq!(script.client.poll_event(), Some(ClientEvent::CountingDown(at(110_000))));
    script.advance_to(109_999);
    assert_eq!(script.client.poll_need(), None);
    let ticket = script.advance_to(110_000).expect_apply();
    script.client.applied(at(120_000), ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.expect_end(), Outcome::Upgraded(OFFERED));
    assert_eq!(script.client.identity().current, OFFERED);
    assert_eq!(script.client.retries(), 0);

    // The next query has the new version.
    let next = 120_000 + 24 * 60 * 60 * 1000;
    assert_eq!(script.client.poll_timeout(), Some(at(next)));
    script.advance_to(next).assert_sends("01 04 01 00 5F11 0101 2C1A0000");
}

/// Shows: ESP-016, ESP-018, ESP-021
#[test]
fn an_upgrade_with_espressifs_example_settings_starts() {
    let current = ImageId::new(0x1001, 0x1011, 0x0101_0101);
    let identity = Identity { current, hardware: Some(HardwareVersion(0x0101)), node: None };
    let mut script =
        Script::new(ClientConfig { max_block_size: nonzero(223), ..ClientConfig::new(identity, SERVER) });
    script.advance_to(59_999).assert_silent();
    let first = script.client.poll_timeout().unwrap().as_millis();
    assert!((60_000..=660_000).contains(&first), "{first}");
    script.advance_to(first).assert_sends("01 00 01 01 0110 1110 01010101 0101");
    let offered = ImageId::new(0x1001, 0x1011, 0x0101_0102);
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x02, offered, 300));
    script.accept().prepare();
    let mut file = std::vec![0x11; 300];
    let header = FileHeader::new(offered);
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 300 - 62] }];
    FileWriter::new(header, &elements).unwrap().encode(&mut file).unwrap();
    script.assert_sends("01 01 03 00 0110 1110 02010101 00000000 DF");
    let frame = block(1, offered, 0, &file[..223]);
    assert_eq!(frame.len(), 3 + 14 + 223);
    assert_eq!(script.receive_frame(FrameMeta::unicast(SERVER), &frame), Handled::Done);
    script.assert_sends("01 02 03 00 0110 1110 02010101 DF000000 4D");
    assert_eq!(script.client.attributes().downloaded_version, Some(FileVersion::ANY));
}

/// Shows: CLI-002
#[test]
fn the_same_seed_gives_the_same_jitter() {
    let decisions = |seed| -> Vec<bool> {
        let mut client = Client::new(config(), seed, at(0));
        let broadcast = FrameMeta::new(SERVER, DeliveryMode::Broadcast);
        let mut decide = || {
            let asks = client.handle_frame(at(0), broadcast, &hex("19 00 00 00 32")) == ClientAction::Done;
            client.abort(at(0)).unwrap();
            asks
        };
        (0..64).map(|_| decide()).collect()
    };
    assert_eq!(decisions(7), decisions(7));
    assert_ne!(decisions(7), decisions(8));
}

#[test]
fn an_idle_client_has_nothing_to_cancel() {
    let mut script = Script::new(config());
    script.client.abort(at(0)).unwrap();
    assert_eq!(script.events(), []);
    script.assert_silent();
}

#[test]
fn a_query_beside_an_upgrade_end_request_waits_for_its_answer() {
    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::Valid).assert_sends("01 03 06 00 5F11 0101 2C1A0000");
    assert_eq!(script.client.query(at(0)), Err(Busy));
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    assert_eq!(script.client.query(at(0)), Ok(()));
    script.assert_queries();

    // No request is under way before the first one is sent.
    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::Valid);
    assert_eq!(script.client.query(at(0)), Ok(()));
}

/// Shows: CLI-070, CLI-071
#[test]
fn the_application_can_cancel_until_the_image_is_applied() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.client.abort(script.now).unwrap();
    script.assert_sends("01 02 06 95 5F11 0101 2C1A0000");
    assert_eq!(script.receive("18 02 0B 06 00"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::Cancelled);
    let interval = 24 * 60 * 60 * 1000;
    script.advance_to(interval - 1).assert_silent();
    script.advance_to(interval).assert_sends("01 03 01 00 5F11 0101 2B1A0000");
    // An abort before the first block request is not reported to the server.
    script.client.abort(script.now).unwrap();
    script.assert_silent();
    assert!(script.is_idle());

    let mut script = Script::ending(config());
    assert_eq!(script.receive(UPGRADE_NOW), Handled::Done);
    script.advance_to(0);
    script.expect_apply();
    assert_eq!(script.client.abort(script.now), Err(Busy));
}

#[test]
fn stale_tickets_change_nothing() {
    let mut script = Script::querying(config());
    script.receive(OFFER);
    let Some(Need::Decide(decide, _)) = script.client.poll_need() else { panic!("no need to decide") };
    assert_eq!(script.client.prepared(at(0), decide, PrepareResult::Ready), Err(StaleTicket));
    assert_eq!(script.client.verified(at(0), decide, VerifyResult::Valid), Err(StaleTicket));
    assert_eq!(script.client.applied(at(0), decide, ApplyResult::Done), Err(StaleTicket));
    assert_eq!(script.client.stored(at(0), decide, StoreResult::Ok), Err(StaleTicket));
    script.client.accept(decide).unwrap();
    assert_eq!(script.client.accept(decide), Err(StaleTicket));
    assert_eq!(script.client.refuse(at(0), decide), Err(StaleTicket));
    // Nor does the ticket of an earlier need answer the one that is open.
    assert_eq!(script.client.prepared(at(0), decide, PrepareResult::Ready), Err(StaleTicket));
    script.prepare().assert_requests_block(0);
    script.receive_block(1, 0, &file(|_| {})[..64]);
    script.assert_requests_block(64);
    script.receive_block(2, 64, &file(|_| {})[64..]);
    let Some(Need::Verify(verify, _)) = script.client.poll_need() else { panic!("no need to verify") };
    assert_eq!(script.client.verified(at(0), decide, VerifyResult::Valid), Err(StaleTicket));
    script.client.verified(at(0), verify, VerifyResult::Valid).unwrap();
    script.assert_sends("01 03 06 00 5F11 0101 2C1A0000");
    script.receive(UPGRADE_NOW);
    script.advance_to(0);
    let apply = script.expect_apply();
    assert_eq!(script.client.applied(at(0), verify, ApplyResult::Done), Err(StaleTicket));
    script.client.applied(at(0), apply, ApplyResult::Done).unwrap();

    // The ticket of a block stays stale after the upgrade was cancelled and started again.
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    let first = block(1, OFFERED, 0, &file(|_| {})[..64]);
    let ClientAction::Store(arrived) = script.client.handle_frame(at(0), FrameMeta::unicast(SERVER), &first)
    else {
        panic!("no block to store");
    };
    script.client.abort(at(0)).unwrap();
    assert_eq!(script.client.stored(at(0), arrived.ticket, StoreResult::Ok), Err(StaleTicket));
    script.assert_sends("01 02 06 95 5F11 0101 2C1A0000");
    script.receive("18 02 0B 06 00");
    script.client.query(at(0)).unwrap();
    script.assert_sends("01 03 01 00 5F11 0101 2B1A0000");
    script.receive("19 03 02 00 5F11 0101 2C1A0000 64000000");
    script.accept().prepare().assert_requests_block(0);
    assert_eq!(script.client.stored(at(0), arrived.ticket, StoreResult::Ok), Err(StaleTicket));
    assert_eq!(script.client.progress().unwrap().received, 0);
}

/// Shows: FLD-028
#[test]
fn an_upgrade_that_cannot_be_prepared_or_applied_ends_with_the_reason() {
    let mut script = Script::querying(config());
    script.receive(OFFER);
    script.accept();
    // Flash may be busy for once: the client asks three times, one and two seconds apart.
    for (asked_at, next) in [(0, Some(1000)), (1000, Some(3000)), (3000, None)] {
        script.advance_to(asked_at);
        let Some(Need::Prepare(ticket, _)) = script.client.poll_need() else {
            panic!("no need to prepare storage at {asked_at} ms")
        };
        script.client.prepared(script.now, ticket, PrepareResult::Fault).unwrap();
        if let Some(next) = next {
            assert_eq!(script.events(), [ClientEvent::PrepareFailed(at(next))]);
            assert_eq!((script.client.poll_need(), script.client.waiting_for()), (None, WaitingFor::Time));
            script.advance_to(next - 1);
            assert_eq!(script.client.poll_need(), None);
            assert_eq!(script.client.poll_timeout(), Some(at(next)));
        }
    }
    assert_eq!(script.expect_end(), Outcome::StorageFault);
    assert!(script.assert_silent().is_idle());
    assert_eq!(script.client.poll_timeout(), Some(at(3000 + 5 * 60 * 1000)), "not a day later");

    let mut script = Script::ending(config());
    script.receive(UPGRADE_NOW);
    let ticket = script.advance_to(0).expect_apply();
    script.client.applied(at(9), ticket, ApplyResult::Failed).unwrap();
    assert_eq!(script.expect_end(), Outcome::ApplyFailed);
    assert_eq!(script.client.identity().current, config().identity.current);
}

/// Steps of an upgrade, as espressif's callback reports them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Callback {
    Start,
    Receive(usize),
    Check,
    EndRequest,
    Apply,
    Finish { size: u32, duration: Millis },
}

/// Shows: ESP-027, ESP-028, ESP-031, ESP-032, ESP-033, ESP-034, ESP-036, CLI-003, CLI-074
#[test]
fn an_upgrade_reports_its_steps_in_the_order_of_espressifs_callbacks() {
    let file = file(|_| {});
    let mut script = Script::querying(config());
    script.receive(OFFER);
    let mut steps = Vec::new();
    let mut stored: Vec<u8> = Vec::new();
    script.advance_to(5000).accept();
    // The application sees only needs, events and data. The server answers each request from its fields alone.
    while steps.last().is_none_or(|last| !matches!(last, Callback::Finish { .. })) {
        let now = script.now;
        while let Some(need) = script.client.poll_need() {
            match need {
                Need::Prepare(ticket, _) => {
                    script.client.prepared(now, ticket, PrepareResult::Ready).unwrap()
                }
                Need::Verify(ticket, offer) => {
                    assert_eq!(stored.len(), offer.size as usize);
                    steps.push(Callback::Check);
                    script.client.verified(now, ticket, VerifyResult::Valid).unwrap();
                }
                Need::Apply(ticket, OFFERED) => {
                    assert_eq!(stored, file);
                    steps.push(Callback::Apply);
                    script.client.applied(now, ticket, ApplyResult::Done).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
        while let Some(event) = script.client.poll_event() {
            match event {
                ClientEvent::Started(_) => steps.push(Callback::Start),
                ClientEvent::Finished { id: OFFERED, size, duration } => {
                    steps.push(Callback::Finish { size, duration });
                }
                _ => {}
            }
        }
        if let Some((_, bytes)) = script.transmit() {
            let answer = match decode(&bytes).message {
                Message::ToServer(ToServer::ImageBlock(request)) => {
                    let start = request.offset as usize;
                    let end = file.len().min(start + usize::from(request.max_data));
                    block(bytes[1], request.id, request.offset, &file[start..end])
                }
                Message::ToServer(ToServer::UpgradeEnd(_)) => {
                    steps.push(Callback::EndRequest);
                    let response =
                        std::format!("19 {:02x} 07 5F11 0101 2C1A0000 00000000 0A000000", bytes[1]);
                    hex(&response)
                }
                other => panic!("{other:?}"),
            };
            let handled = script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &answer);
            if let ClientAction::Store(arrived) = handled {
                assert_eq!(
                    arrived.offset as usize,
                    stored.len(),
                    "blocks arrive in order, so that a delta decoder can use them"
                );
                stored.extend(arrived.data);
                steps.push(Callback::Receive(arrived.data.len()));
                script.client.stored(script.now, arrived.ticket, StoreResult::Ok).unwrap();
            }
        } else if let Some(next) = script.client.poll_timeout()
            && script.client.attributes().status == ImageUpgradeStatus::COUNT_DOWN
        {
            script.advance_to(next.as_millis());
        }
    }
    let finish = Callback::Finish { size: 100, duration: Millis(10_000) };
    let expected = [
        Callback::Start,
        Callback::Receive(64),
        Callback::Receive(36),
        Callback::Check,
        Callback::EndRequest,
        Callback::Apply,
        finish,
    ];
    assert_eq!(steps, expected);
}
