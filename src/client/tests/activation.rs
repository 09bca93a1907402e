//! Who may start the upgrade, and whose frames count.

use super::*;
use crate::zcl::{ImageUpgradeStatus, UpgradeActivationPolicy};

const HOUR: u64 = 60 * 60 * 1000;
const NOW: &str = "19 03 07 5F11 0101 2C1A0000 00000000 00000000";

fn out_of_band() -> ClientConfig {
    ClientConfig { activation: UpgradeActivationPolicy::OUT_OF_BAND, ..config() }
}

/// Shows: CLI-147
#[test]
fn where_only_the_application_may_start_the_upgrade_orders_are_refused() {
    let mut script = Script::ending(out_of_band());
    assert_eq!(script.gets(NOW), Met::Ignored(ClientIgnored::NotAuthorized));
    script.sends("10 03 0B 07 7E").is_silent();
    assert_eq!(script.client.attributes().status, ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT);
    assert_eq!(script.client.waiting_for(), WaitingFor::Application);
    assert_eq!(script.client.poll_timeout(), None);
    script.until(100 * HOUR).is_silent();
    assert_eq!(script.client.poll_need(), None);
    // By broadcast it is not answered; a wait changes nothing.
    assert_eq!(script.gets_by(DeliveryMode::Broadcast, NOW), Met::Ignored(ClientIgnored::NotAuthorized));
    assert_eq!(script.gets("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF"), Met::Done);
    script.is_silent();
    assert_eq!(script.client.attributes().status, ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT);
    script.client.activate().unwrap();
    script.must_apply();

    // A wait is obeyed, and nobody's silence starts the upgrade either.
    let mut script = Script::ending(out_of_band());
    assert_eq!(script.gets("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF"), Met::Done);
    assert_eq!(script.status(), 0x03);
    let mut time = HOUR;
    script.until(time);
    for pause in [3000, 6000, 10_000, 10_000] {
        assert!(script.transmit().is_some());
        time += pause;
        script.until(time);
    }
    assert_eq!(script.client.poll_need(), None);
    assert_eq!(script.status(), 0x06);
}

#[test]
fn the_application_may_switch_whenever_there_is_an_image() {
    let mut counting = Script::ending(config());
    counting.gets("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    for mut script in [Script::ending(config()), counting] {
        script.client.activate().unwrap();
        script.must_apply();
    }
    for mut script in [Script::new(config()), Script::downloading(config())] {
        assert_eq!(script.client.activate(), Err(NothingToActivate));
    }
}

/// Shows: CLI-121, CLI-033
#[test]
fn broadcasts_are_obeyed_unless_unicast_is_required() {
    for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
        let mut script = Script::ending(config());
        assert_eq!(script.gets_by(delivery, NOW), Met::Done);
        script.until(0).must_apply();

        let strict = ClientConfig { require_unicast: true, ..config() };
        let mut script = Script::ending(strict);
        assert_eq!(script.gets_by(delivery, NOW), Met::Ignored(ClientIgnored::NotUnicast));
        script.until(0).is_silent();
        assert_eq!(script.client.poll_need(), None);
        let mut script = Script::new(strict);
        assert_eq!(script.gets_by(delivery, "19 07 00 00 64"), Met::Ignored(ClientIgnored::NotUnicast));
        assert!(script.is_silent().is_idle());
    }
}

/// Shows: CLI-034
#[test]
fn frames_without_aps_security_are_passed_over_where_it_is_required() {
    let secure = ClientConfig { aps_security: true, require_aps_security: true, ..config() };
    let mut script = Script::new(secure);
    script.client.query(at(0)).unwrap();
    let (query, _) = script.transmit().expect("a query");
    assert!(query.aps_security);
    let answer = "19 00 02 00 5F11 0101 2C1A0000 64000000";
    assert_eq!(script.gets(answer), Met::Ignored(ClientIgnored::Insecure));
    assert_eq!(script.client.poll_need(), None);
    assert_eq!(script.gets("08 00 00 0600"), Met::Ignored(ClientIgnored::Insecure));
    let meta = FrameMeta { aps_security: true, ..FrameMeta::unicast(SERVER) };
    assert_eq!(script.receives(meta, &hex(answer)), Met::Done);
    script.accept();

    let mut script = Script::new(config());
    script.client.query(at(0)).unwrap();
    assert!(!script.transmit().expect("a query").0.aps_security);
}

/// Shows: CLI-028, CLI-029
#[test]
fn a_strict_device_refuses_a_unicast_notify_for_many() {
    let strict = ClientConfig { strict: true, ..config() };
    for (notify, fits) in [
        ("09 07 00 00 64", true),
        ("09 07 00 00 32", false),
        ("09 07 00 00 00", false),
        ("09 07 00 00 FF", false),
        ("09 07 00 01 64 5F11", false),
        ("09 07 00 02 64 5F11 0101", false),
        ("09 07 00 03 64 5F11 0101 2B1A0000", false),
    ] {
        let mut script = Script::new(strict);
        assert_eq!(script.gets(notify) == Met::Done, fits);
        script.sends(if fits { "10 07 0B 00 00" } else { "10 07 0B 00 80" });
        assert_eq!(script.transmit().is_some(), fits, "{notify}");

        let mut script = Script::new(config());
        assert_eq!(script.gets(notify), Met::Done);
        script.sends("10 07 0B 00 00").sends("01 00 01 00 5F11 0101 2B1A0000");
    }
    // What came to many is not meant.
    let mut script = Script::new(strict);
    assert_eq!(script.gets_by(DeliveryMode::Broadcast, "19 07 00 01 64 5F11"), Met::Done);
}

/// Shows: CLI-024
#[test]
fn a_version_that_is_here_already_is_no_news() {
    let mut script = Script::ending(config());
    script.gets("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    let random = script.client.random;
    let held = "19 07 00 03 64 5F11 0101 2C1A0000";
    let met = script.gets_by(DeliveryMode::Broadcast, held);
    assert_eq!(met, Met::Ignored(ClientIgnored::NotConcerned));
    assert_eq!(script.client.random, random);
    assert_eq!(script.gets_by(DeliveryMode::Broadcast, "19 07 00 03 64 5F11 0101 2D1A0000"), Met::Done);
}

/// Shows: CLI-032
#[test]
fn a_notify_changes_nothing_before_the_upgrade() {
    let mut waiting = Script::ending(config());
    waiting.gets("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    let mut downloading = Script::downloading(config());
    downloading.sends_request(0);
    for script in [&mut waiting, &mut downloading] {
        while script.client.poll_event().is_some() {}
        let deadline = script.client.poll_timeout();
        assert_eq!(script.gets("09 07 00 00 64"), Met::Done);
        script.sends("10 07 0B 00 00").is_silent();
        assert_eq!(script.client.poll_event(), Some(ClientEvent::Notified));
        assert_eq!(script.client.poll_timeout(), deadline);
    }
    downloading.gets_block(1, 0, &file(|_| {})[..64]);
    downloading.sends_request(64);
}

/// Shows: CLI-113, CLI-124
#[test]
fn an_end_that_was_only_heard_is_asked_about_in_an_hour() {
    let mut script = Script::ending(config());
    assert_eq!(script.gets("18 03 0B 06 00"), Met::Done);
    assert_eq!(script.client.poll_need(), None);
    script.until(HOUR - 1).is_silent();
    script.until(HOUR).sends("01 04 06 00 5F11 0101 2C1A0000");
}

/// Shows: CLI-100
#[test]
fn each_frame_may_tell_its_time_in_its_own_way() {
    let mut script = Script::ending(config());
    script.client.set_utc(at(0), Some(UtcTime(1000)));
    script.gets("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    assert_eq!(script.client.poll_timeout(), Some(at(600_000)));
    script.gets("19 04 07 5F11 0101 2C1A0000 E8030000 E8040000");
    assert_eq!(script.client.poll_timeout(), Some(at(256_000)));
    script.client.set_utc(at(0), None);
    script.gets("19 05 07 5F11 0101 2C1A0000 E8030000 EA030000");
    assert_eq!(script.client.poll_timeout(), Some(at(2000)));
}
