//! Tests of `Client::decline`: the application can refuse every need, and the client continues.

use super::*;
use crate::zcl::ImageUpgradeStatus;

/// Returns the current need of the client, and the outcome of the upgrade after the application declines the need.
fn declined(mut script: Script) -> (Need, Option<Outcome>) {
    let need = script.expect_need();
    assert_eq!(script.client.decline(script.now, need), Ok(()));
    assert_eq!(script.client.decline(script.now, need), Err(StaleTicket), "a ticket is valid once");
    let mut outcome = None;
    while let Some(event) = script.client.poll_event() {
        if let ClientEvent::Ended(end) = event {
            outcome = Some(end);
        }
    }
    (need, outcome)
}

#[test]
fn a_declined_offer_storage_or_switch_ends_the_upgrade() {
    let mut offered = Script::querying(config());
    offered.receive("19 00 02 00 5F11 0101 2C1A0000 64000000");
    assert!(matches!(declined(offered), (Need::Decide(..), Some(Outcome::Refused))));

    let mut accepted = Script::querying(config());
    accepted.receive("19 00 02 00 5F11 0101 2C1A0000 64000000");
    accepted.accept();
    assert!(matches!(declined(accepted), (Need::Prepare(..), Some(Outcome::StorageFault))));

    let mut applying = Script::ending(config());
    applying.client.activate().unwrap();
    assert!(matches!(declined(applying), (Need::Apply(..), Some(Outcome::ApplyFailed))));
}

#[test]
fn an_earlier_need_to_prepare_storage_cannot_be_declined() {
    let mut script = Script::querying(config());
    script.receive("19 00 02 00 5F11 0101 2C1A0000 64000000");
    script.accept();
    let first = script.expect_need();
    let Need::Prepare(ticket, _) = first else { panic!("{first:?}") };
    script.client.prepared(at(0), ticket, PrepareResult::Fault).unwrap();
    let retry = script.client.poll_timeout().unwrap().as_millis();
    script.advance_to(retry);
    let second = script.expect_need();
    assert!(matches!(second, Need::Prepare(..)) && second != first, "{second:?}");
    assert_eq!(script.client.decline(script.now, first), Err(StaleTicket));
    assert_eq!(script.client.prepared(script.now, ticket, PrepareResult::Ready), Err(StaleTicket));
    script.events();
    assert_eq!(script.client.decline(script.now, second), Ok(()));
    assert_eq!(script.expect_end(), Outcome::StorageFault);
}

#[test]
fn a_declined_verification_is_reported_as_abort() {
    let mut script = Script::downloaded(config(), &file(|_| {}));
    let need = script.expect_need();
    assert!(matches!(need, Need::Verify(..)));
    script.client.decline(script.now, need).unwrap();
    script.assert_sends("01 03 06 95 5F11 0101 2C1A0000");
    script.receive("18 03 0B 06 00");
    assert_eq!((script.expect_end(), script.is_idle()), (Outcome::Cancelled, true));
}

#[test]
fn declined_credentials_are_reported_as_abort() {
    let needed =
        |header: &mut FileHeader<'static>| header.credential = Some(SecurityCredentialVersion::SE_2_0);
    let mut script = Script::downloaded(config(), &file(needed));
    script.verify(VerifyResult::Valid);
    let need = script.expect_need();
    assert!(matches!(need, Need::Credentials(..)));
    script.client.decline(script.now, need).unwrap();
    script.assert_sends("01 03 06 95 5F11 0101 2C1A0000");
    script.receive("18 03 0B 06 00");
    assert_eq!(script.expect_end(), Outcome::NoCredentials);
    assert_eq!(script.status(), ImageUpgradeStatus::NORMAL.0);
}

#[test]
fn a_declined_search_starts_again_after_the_interval() {
    let unknown = ClientConfig {
        server: Address::UNKNOWN,
        discovery_interval: Some(Millis::from_secs(600)),
        ..config()
    };
    let by_ieee = ClientConfig { server_id: Eui64(77), ..unknown };
    let with_key = ClientConfig { link_key: LinkKeyPolicy::Global, ..config() };
    for config in [unknown, by_ieee, with_key] {
        let mut script = Script::new(config);
        let need = script.expect_need();
        assert_eq!(script.client.decline(at(0), need), Ok(()));
        let later = Instant::from_millis(600_000);
        assert_eq!(script.client.poll_event(), Some(ClientEvent::ServerNotFound(later)));
        assert_eq!(script.client.poll_need(), None);
    }
}

#[test]
fn a_declined_ieee_address_lets_the_client_continue_without_it() {
    let mut script = Script::new(ClientConfig { server: Address::UNKNOWN, ..config() });
    let Need::FindServer(ticket, None) = script.expect_need() else { panic!("no server is needed") };
    script.client.server_found(at(0), ticket, Some(SERVER)).unwrap();
    let need = script.expect_need();
    assert!(matches!(need, Need::IeeeAddress(..)));
    script.client.decline(at(0), need).unwrap();
    assert_eq!((script.client.poll_need(), script.client.server()), (None, SERVER));
    script.client.query(at(0)).unwrap();
    assert!(script.transmit().is_some());
}
