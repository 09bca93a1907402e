//! Tests of device overrides.

use super::*;
use crate::time::Millis;

fn is_data(answer: &str) -> bool {
    answer.starts_with("19 2a 05 00")
}

fn of_maker(manufacturer: u16, image_type: u16, version: u32) -> Vec<u8> {
    file(FileHeader::new(ImageId::new(manufacturer, image_type, version)), 1000)
}

/// Field report 10: overrides for the devices of one manufacturer are a row of data.
#[test]
fn device_overrides_apply() {
    assert!(DEVICE_OVERRIDES.iter().all(|row| !row.reports.is_empty()));
    assert!(DEVICE_OVERRIDES.iter().flat_map(|row| row.reports).all(|report| report.starts_with("https://")));

    let files = || catalog(vec![of_maker(0x1135, 1, 5), of_maker(0x1021, 1, 5), plain(5, 1000)]);
    let mut desk = Desk::new(files(), Script::default());
    let block = |maker: &str| std::format!("01 2a 03 00 {maker} 01 00 05 00 00 00 00 00 00 00 40");
    let page = |maker: &str| std::format!("01 2a 04 00 {maker} 01 00 05 00 00 00 00 00 00 00 40 80 00 0a 00");
    assert_eq!(bytes(&desk.ask(LAMP, &block("35 11"))).len(), 17 + 40);
    assert_eq!(bytes(&desk.ask(LAMP, &block("21 10"))).len(), 17 + 64);
    assert_eq!(desk.ask(LAMP, &page("21 10")), "18 2a 0b 04 81");
    let ServerAction::Reply(transmit) = desk.handle(LAMP, &page("35 11")) else { panic!() };
    assert!(!transmit.aps_ack);
    assert!(desk.run_to(1_000).iter().all(|(_, sent, _)| sent.len <= 17 + 40));

    // The caller's own table replaces the default one.
    const OWN: &[DeviceOverride] = &[DeviceOverride {
        max_block_size: NonZeroU8::new(30),
        ..DeviceOverride::new(0x1021, ImageType(1), &["https://example.org"])
    }];
    let mut desk = Desk::configured(
        ServerConfig { device_overrides: OWN, ..ServerConfig::default() },
        4,
        files(),
        Script::default(),
    );
    assert_eq!(bytes(&desk.ask(LAMP, &block("35 11"))).len(), 17 + 64);
    assert_eq!(bytes(&desk.ask(LAMP, &block("21 10"))).len(), 17 + 30);
    assert_eq!(DeviceOverride::find(OWN, ImageId::new(0x1021, 2, 5)), None);
}

/// The server sends no MinimumBlockPeriod to a device with a wrong field control, because the device would take the
/// period for a waiting time.
#[test]
fn the_period_of_devices_with_an_override_is_ignored() {
    let config = ServerConfig { min_block_period: Millis(1000), ..ServerConfig::default() };
    let mut desk = Desk::configured(config, 4, catalog(vec![of_maker(0x1021, 1, 5)]), Script::default());
    desk.now = 1_000;
    let ask = "01 2a 03 02 21 10 01 00 05 00 00 00 00 00 00 00 40 07 07";
    assert!(is_data(&desk.ask(LAMP, ask)));
    let next = ask.replacen("05 00 00 00 00", "05 00 00 00 40", 1);
    assert_eq!(desk.ask(LAMP, &next), "19 2a 05 97 00 00 00 00 01 00 00 00");
}

/// If a device that reports only the low byte of its version reports 0x18, the server does not offer it the version
/// 0x1818.
#[test]
fn a_version_of_one_byte_is_completed() {
    let mut desk = Desk::with(vec![of_maker(0x115f, 1, 0x1818)]);
    let query = |version: &str| std::format!("01 2a 01 00 5f 11 01 00 {version} 00 00 00");
    assert_eq!(desk.ask(LAMP, &query("18")), "19 2a 02 98");
    assert_eq!(desk.ask(LAMP, &query("17")), "19 2a 02 00 5f 11 01 00 18 18 00 00 e8 03 00 00");
    // The versions of other devices are compared in full.
    let mut desk = Desk::with(vec![of_maker(0x1001, 1, 0x1818)]);
    let other = query("18").replace("5f 11", "01 10");
    assert_eq!(desk.ask(LAMP, &other), "19 2a 02 00 01 10 01 00 18 18 00 00 e8 03 00 00");
}

/// Row that a caller adds to its own table of device overrides.
#[test]
fn a_new_device_override_overrides_nothing() {
    let row = DeviceOverride::new(0x1001, ImageType(0x00ab), &["seen here"]);
    assert_eq!((row.max_block_size, row.verify_timeout, row.reports), (None, None, &["seen here"][..]));
    assert!(!row.refuse_pages && !row.ignore_min_block_period && !row.one_byte_version);
    assert!(row.matches(IMAGE));
    assert!(!row.matches(ImageId::new(0x1002, 0x00ab, 5)) && !row.matches(ImageId::new(0x1001, 0x00ac, 5)));
}
