//! Whole lives.

use super::*;

/// Shows: CLI-001, CLI-005, CLI-035, CLI-043, CLI-052, CLI-054, CLI-055, CLI-101, CLI-108, CLI-128, CLI-132
#[test]
fn a_device_is_upgraded() {
    let file = file(|_| {});
    let mut script = Script::new(config());
    script.is_silent();
    assert_eq!(script.client.poll_timeout(), Some(at(60_000)));
    script.until(59_999).is_silent();
    script.until(60_000).sends("01 00 01 00 5F11 0101 2B1A0000");
    assert_eq!(script.client.waiting_for(), WaitingFor::Server);
    assert_eq!(script.gets("19 00 02 00 5F11 0101 2C1A0000 64000000"), Met::Done);

    // Permission is there, but the application has not decided, then not made room.
    script.is_silent();
    assert_eq!(script.client.waiting_for(), WaitingFor::Application);
    script.accept().is_silent();
    script.until(70_000).prepare();
    let offer = ImageOffer { id: OFFERED, size: 100 };
    assert_eq!(script.client.poll_event(), Some(ClientEvent::Started(offer)));

    script.sends("01 01 03 00 5F11 0101 2C1A0000 00000000 40").is_silent();
    let first = block(1, OFFERED, 0, &file[..64]);
    let ClientAction::Store(block) =
        script.client.handle_frame(at(70_020), FrameMeta::unicast(SERVER), &first)
    else {
        panic!("no data to store");
    };
    assert_eq!((block.offset, block.data), (0, &file[..64]));
    // Back-pressure: no request before the block is stored.
    script.until(71_000).is_silent();
    assert_eq!(script.client.waiting_for(), WaitingFor::Application);
    assert_eq!(script.client.progress(), Some(DownloadProgress { offer, received: 0 }));
    script.client.stored(at(71_000), block.ticket, StoreResult::Ok).unwrap();
    assert_eq!(script.client.progress(), Some(DownloadProgress { offer, received: 64 }));

    script.sends("01 02 03 00 5F11 0101 2C1A0000 40000000 24");
    script.gets_block(2, 64, &file[64..]);
    script.is_silent();

    let Some(Need::Verify(ticket, verified)) = script.client.poll_need() else { panic!("no check") };
    assert_eq!(verified, offer);
    assert_eq!(script.client.poll_need(), None, "asked once");
    script.until(100_000).is_silent();
    script.client.verified(at(100_000), ticket, VerifyResult::Valid).unwrap();
    script.sends("01 03 06 00 5F11 0101 2C1A0000");
    assert_eq!(script.gets("19 03 07 5F11 0101 2C1A0000 00000000 0A000000"), Met::Done);
    assert_eq!(script.client.poll_event(), Some(ClientEvent::CountingDown(at(110_000))));
    script.until(109_999);
    assert_eq!(script.client.poll_need(), None);
    let ticket = script.until(110_000).must_apply();
    script.client.applied(at(120_000), ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.ended(), Outcome::Upgraded(OFFERED));
    assert_eq!(script.client.identity().current, OFFERED);
    assert_eq!(script.client.retries(), 0);

    // The next query names the new version.
    let next = 120_000 + 24 * 60 * 60 * 1000;
    assert_eq!(script.client.poll_timeout(), Some(at(next)));
    script.until(next).sends("01 04 01 00 5F11 0101 2C1A0000");
}

/// Shows: CLI-002
#[test]
fn the_same_seed_makes_the_same_decisions() {
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

/// Shows: CLI-070, CLI-071
#[test]
fn the_application_can_cancel_at_any_time() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    script.client.abort(script.now).unwrap();
    script.sends("01 02 06 95 5F11 0101 2C1A0000");
    assert_eq!(script.gets("18 02 0B 06 00"), Met::Done);
    assert_eq!(script.ended(), Outcome::Cancelled);
    let interval = 24 * 60 * 60 * 1000;
    script.until(interval - 1).is_silent();
    script.until(interval).sends("01 03 01 00 5F11 0101 2B1A0000");
    // Before data was asked for there is nothing to tell.
    script.client.abort(script.now).unwrap();
    script.is_silent();
    assert!(script.is_idle());

    let mut script = Script::ending(config());
    assert_eq!(script.gets("19 03 07 5F11 0101 2C1A0000 00000000 00000000"), Met::Done);
    script.until(0);
    script.must_apply();
    assert_eq!(script.client.abort(script.now), Err(Busy));
}

#[test]
fn late_answers_are_stale_and_change_nothing() {
    let mut script = Script::querying(config());
    script.gets("19 00 02 00 5F11 0101 2C1A0000 64000000");
    let Some(Need::Decide(decide, _)) = script.client.poll_need() else { panic!("no decision") };
    assert_eq!(script.client.prepared(at(0), decide, PrepareResult::Ready), Err(StaleTicket));
    assert_eq!(script.client.verified(at(0), decide, VerifyResult::Valid), Err(StaleTicket));
    assert_eq!(script.client.applied(at(0), decide, ApplyResult::Done), Err(StaleTicket));
    assert_eq!(script.client.stored(at(0), decide, StoreResult::Ok), Err(StaleTicket));
    script.client.accept(decide).unwrap();
    assert_eq!(script.client.accept(decide), Err(StaleTicket));
    assert_eq!(script.client.refuse(at(0), decide), Err(StaleTicket));

    // A block that was lent before the upgrade was cancelled and begun anew.
    let mut script = Script::downloading(config());
    script.sends_request(0);
    let first = block(1, OFFERED, 0, &file(|_| {})[..64]);
    let ClientAction::Store(lent) = script.client.handle_frame(at(0), FrameMeta::unicast(SERVER), &first)
    else {
        panic!("no data");
    };
    script.client.abort(at(0)).unwrap();
    assert_eq!(script.client.stored(at(0), lent.ticket, StoreResult::Ok), Err(StaleTicket));
    script.sends("01 02 06 95 5F11 0101 2C1A0000");
    script.gets("18 02 0B 06 00");
    script.client.query(at(0)).unwrap();
    script.sends("01 03 01 00 5F11 0101 2B1A0000");
    script.gets("19 03 02 00 5F11 0101 2C1A0000 64000000");
    script.accept().prepare().sends_request(0);
    assert_eq!(script.client.stored(at(0), lent.ticket, StoreResult::Ok), Err(StaleTicket));
    assert_eq!(script.client.progress().unwrap().received, 0);
}

#[test]
fn an_upgrade_that_cannot_begin_or_switch_ends_with_its_reason() {
    let mut script = Script::querying(config());
    script.gets("19 00 02 00 5F11 0101 2C1A0000 64000000");
    script.accept();
    let Some(Need::Prepare(ticket, _)) = script.client.poll_need() else { panic!("no room is needed") };
    script.client.prepared(at(0), ticket, PrepareResult::Fault).unwrap();
    assert_eq!(script.ended(), Outcome::StorageFault);
    assert!(script.is_silent().is_idle());

    let mut script = Script::ending(config());
    script.gets("19 03 07 5F11 0101 2C1A0000 00000000 00000000");
    let ticket = script.until(0).must_apply();
    script.client.applied(at(9), ticket, ApplyResult::Failed).unwrap();
    assert_eq!(script.ended(), Outcome::ApplyFailed);
    assert_eq!(script.client.identity().current, config().identity.current);
}
