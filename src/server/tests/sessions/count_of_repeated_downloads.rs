//! Tests of the count of repeated downloads in a session: what counts as a repeated download, and when the count is
//! forgotten.

use super::*;

/// The client took blocks of one version, and then finds another version invalid.
///
/// Shows: FLD-056
#[test]
fn the_end_of_another_version_is_no_download_of_it() {
    let config = ServerConfig { repeated_download_limit: 1, ..unpaced() };
    for (version, is_download) in [(5, false), (6, true)] {
        let files = catalog(vec![plain(5, 1000), plain(6, 1000)]);
        let mut desk = Desk::configured(config, 4, files, Script::default());
        assert!(desk.ask(LAMP, QUERY).starts_with("19 2a 02 00 01 10 ab 00 06"));
        let id = ImageId { version: crate::FileVersion(version), ..IMAGE };
        assert!(is_data(&desk.ask(LAMP, &block(id, 0))));
        desk.ask(LAMP, "01 2a 06 96 01 10 ab 00 06 00 00 00");
        assert_eq!(desk.ask(LAMP, QUERY) == NO_IMAGE, is_download, "{version}");
    }
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
