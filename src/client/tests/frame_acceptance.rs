//! Tests of the frames that the client accepts or ignores, by delivery mode, APS security, sender and kind of the
//! frame.

use super::*;

/// Shows: CLI-121, CLI-033
#[test]
fn broadcasts_are_accepted_unless_unicast_is_required() {
    for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
        let mut script = Script::ending(config());
        assert_eq!(script.receive_by(delivery, UPGRADE_NOW), Handled::Done);
        script.advance_to(0).expect_apply();

        let strict = ClientConfig { require_unicast: true, ..config() };
        let mut script = Script::ending(strict);
        assert_eq!(script.receive_by(delivery, UPGRADE_NOW), Handled::Ignored(ClientIgnored::NotUnicast));
        script.advance_to(0).assert_silent();
        assert_eq!(script.client.poll_need(), None);
        let mut script = Script::new(strict);
        assert_eq!(
            script.receive_by(delivery, "19 07 00 00 64"),
            Handled::Ignored(ClientIgnored::NotUnicast)
        );
        assert!(script.assert_silent().is_idle());
    }
}

/// Shows: CLI-034
#[test]
fn frames_without_aps_security_are_ignored_where_it_is_required() {
    let secure = ClientConfig { aps_security: true, require_aps_security: true, ..config() };
    let mut script = Script::new(secure);
    script.client.query(at(0)).unwrap();
    let (query, _) = script.transmit().expect("a query");
    assert!(query.aps_security);
    assert_eq!(script.receive(OFFER), Handled::Ignored(ClientIgnored::NoApsSecurity));
    assert_eq!(script.client.poll_need(), None);
    assert_eq!(script.receive("08 00 00 0600"), Handled::Ignored(ClientIgnored::NoApsSecurity));
    let meta = FrameMeta { aps_security: true, ..FrameMeta::unicast(SERVER) };
    assert_eq!(script.receive_frame(meta, &hex(OFFER)), Handled::Done);
    script.accept();

    let mut script = Script::new(config());
    script.client.query(at(0)).unwrap();
    assert!(!script.transmit().expect("a query").0.aps_security);
}

/// Shows: CLI-015
#[test]
fn responses_from_other_nodes_are_ignored() {
    for frame in [
        "19 00 02 00 5F11 0101 2C1A0000 64000000",
        "19 00 05 95",
        "19 00 07 5F11 0101 2C1A0000 00000000 00000000",
        "09 00 00 00 64",
        "19 00 05",
        "18 00 0B 01 98",
    ] {
        let mut script = Script::querying(config());
        let handled = script.receive_frame(FrameMeta::unicast(STRANGER), &hex(frame));
        assert_eq!(handled, Handled::Ignored(ClientIgnored::NotFromServer));
        script.assert_silent();
        assert!(!script.is_idle());
    }
}

/// Shows: CMD-002
#[test]
fn manufacturer_specific_and_global_frames_are_no_ota_commands() {
    for frame in ["01 00 02 98", "1D 5F11 00 02 98", "1A 00 02 98", "08 00 0A 0600"] {
        let mut script = Script::querying(config());
        assert_eq!(script.receive(frame), Handled::Ignored(ClientIgnored::NotForClients), "{frame}");
        script.assert_silent();
    }
    // Global command 0x02 is Write Attributes, not Query Next Image Response.
    let mut script = Script::querying(config());
    assert_eq!(script.receive("18 00 02 98"), Handled::AttributeRequest);
    assert!(!script.assert_silent().is_idle());
}

/// Shows: CMD-014
#[test]
fn an_unknown_command_is_answered_as_unsupported_unless_broadcast() {
    for command in ["03", "0A", "FF"] {
        let mut script = Script::new(config());
        let frame = std::format!("19 2A {command}");
        assert_eq!(script.receive(&frame), Handled::Ignored(ClientIgnored::Unsupported));
        script.assert_sends(&std::format!("10 2A 0B {command} 81")).assert_silent();
        assert_eq!(
            script.receive_by(DeliveryMode::Broadcast, &frame),
            Handled::Ignored(ClientIgnored::Unsupported)
        );
        script.assert_silent();
    }
    let mut script = Script::new(config());
    assert!(matches!(script.receive("19"), Handled::Ignored(ClientIgnored::Unreadable)));
    script.assert_silent();
}
