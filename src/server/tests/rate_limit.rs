//! Tests of rate limits, block sizes, device overrides, repeated downloads and progress.

use super::*;
use crate::aps::FrameMeta;
use crate::server::rate_limit::BlockSizeLimits;
use crate::time::{Millis, UtcTime};
use crate::zcl::ImageOffer;
use core::num::NonZeroU32;

const ANOTHER: Address = Address::new(0x0003, 1);
const BLOCK: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 32";
const WAIT: &str = "19 2a 05 97 00 00 00 00 0a 00 00 00";

fn block(offset: u32) -> String {
    let [a, b, ..] = offset.to_le_bytes();
    std::format!("01 2a 03 00 01 10 ab 00 05 00 00 00 {a:02x} {b:02x} 00 00 32")
}

fn configured(config: ServerConfig) -> Desk<SliceStore<'static>, Script> {
    Desk::configured(config, 8, catalog(vec![plain(5, 1000)]), Script::default())
}

fn is_data(answer: &str) -> bool {
    answer.starts_with("19 2a 05 00")
}

/// Shows: SRV-044
#[test]
fn downloads_beyond_the_maximum_wait() {
    let mut desk = configured(ServerConfig { max_downloads: 1, ..ServerConfig::default() });
    assert!(is_data(&desk.ask(LAMP, BLOCK)));
    for _ in 0..3 {
        assert_eq!(desk.ask(PLUG, BLOCK), WAIT);
        assert!(is_data(&desk.ask(LAMP, &block(50))));
    }
    desk.events();
    assert_eq!(desk.ask(PLUG, BLOCK), WAIT);
    assert_eq!(desk.events(), [ServerEvent::Waiting { client: PLUG, id: IMAGE, seconds: 10 }]);
    // The limit is free again after the Upgrade End Request of the first download,
    desk.ask(LAMP, "01 2a 06 96 01 10 ab 00 05 00 00 00");
    assert!(is_data(&desk.ask(PLUG, BLOCK)));
    assert_eq!(desk.ask(LAMP, BLOCK), WAIT);
    // after its last byte,
    for offset in (0..1000).step_by(50) {
        assert!(is_data(&desk.ask(PLUG, &block(offset))));
    }
    assert!(is_data(&desk.ask(LAMP, BLOCK)));
    assert_eq!(desk.ask(ANOTHER, BLOCK), WAIT);
    // or after the stall timeout.
    desk.run_to(300_000);
    assert!(is_data(&desk.ask(ANOTHER, BLOCK)));
}

/// The server answers an early request without MinimumBlockPeriod with WAIT_FOR_DATA and whole seconds, even if the
/// request is a repeated one.
#[test]
fn each_client_waits_for_its_period() {
    let mut desk = configured(ServerConfig { min_block_period: Millis(2500), ..ServerConfig::default() });
    for (now, client, offset, expected) in [
        (1_000, LAMP, 0, "data"),
        (1_000, PLUG, 0, "data"),
        (1_001, LAMP, 50, "19 2a 05 97 00 00 00 00 03 00 00 00"),
        (3_000, LAMP, 50, "19 2a 05 97 00 00 00 00 01 00 00 00"),
        (3_499, PLUG, 50, "19 2a 05 97 00 00 00 00 01 00 00 00"),
        (3_500, LAMP, 50, "data"),
    ] {
        desk.now = now;
        let answer = desk.ask(client, &block(offset));
        assert!(answer == expected || expected == "data" && is_data(&answer), "{now}: {answer}");
    }
}

/// A client without MinimumBlockPeriod waits in whole seconds, but does not wait one second for each block.
#[test]
fn a_period_below_a_second_is_kept_on_average() {
    let mut desk = configured(ServerConfig { min_block_period: Millis(20), ..ServerConfig::default() });
    desk.now = 1_000;
    let mut served = 0;
    while desk.now < 61_000 {
        if is_data(&desk.ask(LAMP, BLOCK)) {
            served += 1;
        } else {
            desk.now += 1_000;
        }
    }
    assert!((3_000..=3_050).contains(&served), "50 a second for a minute, and a second's worth: {served}");
}

/// An Image Block Request for the block at `offset` with a MinimumBlockPeriod.
fn with_period(offset: u32, period: u16) -> String {
    let [low, high] = period.to_le_bytes();
    block(offset).replacen("03 00", "03 02", 1) + &std::format!(" {low:02x} {high:02x}")
}

/// The server sends its MinimumBlockPeriod once, in a WAIT_FOR_DATA with a waiting time of 0 seconds. After a
/// WAIT_FOR_DATA with a MinimumBlockPeriod, the server answers the next request of the client with data.
#[test]
fn a_client_with_a_period_is_given_another_one() {
    let mut desk = configured(ServerConfig { min_block_period: Millis(500), ..ServerConfig::default() });
    desk.now = 1_000;
    assert_eq!(desk.ask(LAMP, &with_period(0, 0)), "19 2a 05 97 00 00 00 00 00 00 00 00 f4 01");
    assert_eq!(desk.events(), [ServerEvent::Waiting { client: LAMP, id: IMAGE, seconds: 0 }]);
    assert!(is_data(&desk.ask(LAMP, &with_period(0, 500))));
    // A client that does not adopt the period is then answered with seconds to wait.
    assert_eq!(desk.ask(PLUG, &with_period(0, 1)), "19 2a 05 97 00 00 00 00 00 00 00 00 f4 01");
    for offset in [0, 50] {
        assert!(is_data(&desk.ask(PLUG, &with_period(offset, 1))), "less than a second ahead");
    }
    assert_eq!(desk.ask(PLUG, &with_period(100, 1)), "19 2a 05 97 00 00 00 00 01 00 00 00 01 00");
    desk.now += 500;
    assert!(is_data(&desk.ask(PLUG, &with_period(100, 1))));
    // Without a configured period, any period of a client is accepted.
    let mut desk = configured(ServerConfig::default());
    assert!(is_data(&desk.ask(LAMP, &with_period(0, 0x1234))));
}

/// Number of blocks that a client gets in ten minutes. The client sends a request every `every` milliseconds, and obeys
/// WAIT_FOR_DATA.
fn served(period: u32, field: Option<u16>, every: u64) -> u32 {
    let config = ServerConfig { min_block_period: Millis(period), ..ServerConfig::default() };
    let mut desk = Desk::configured(config, 8, catalog(vec![plain(5, 2_000_000)]), Script::default());
    (desk.now, desk.out) = (1_000, [0; zcl::LONGEST_TO_CLIENT]);
    let (mut blocks, mut zeros) = (0, 0);
    while desk.now < 601_000 {
        let mut ask = bytes(&field.map_or_else(|| block(0), |field| with_period(0, field)));
        ask[12..16].copy_from_slice(&(blocks * 50_u32).to_le_bytes());
        let ServerAction::Reply(_) = desk.handle_as(FrameMeta::unicast(LAMP), &ask) else { panic!() };
        let wait = u64::from(u32::from_le_bytes(desk.out[8..12].try_into().unwrap()));
        match desk.out[3] {
            0 => (blocks, zeros) = (blocks + 1, 0),
            _ => zeros = if wait == 0 { zeros + 1 } else { 0 },
        }
        assert!(zeros < 2, "two waits of no time in a row");
        desk.now += if desk.out[3] == 0 { every } else { (wait * 1_000).max(1) };
        desk.events();
    }
    blocks
}

/// A client that sends a MinimumBlockPeriod in its requests, but requests blocks more often, gets WAIT_FOR_DATA. A
/// client that requests one block in each MinimumBlockPeriod gets no WAIT_FOR_DATA, even if its clock is 5 % fast.
///
/// Shows: FLD-046
#[test]
fn the_period_is_kept_whatever_clients_say() {
    for period in [20, 100, 500, 1_000, 2_500, 10_000] {
        let most = 600_000 / period;
        for field in [None, Some(0), u16::try_from(period).ok()] {
            let blocks = served(period, field, 1);
            assert!(blocks <= most + most / 8 + 1 + 1_000 / period, "{period} {field:?}: {blocks} of {most}");
            assert!(blocks * 5 >= most * 2, "{period} {field:?}: {blocks} of {most}");
        }
        let field = u16::try_from(period).unwrap();
        let fast = u64::from(period - period / 20);
        assert_eq!(u64::from(served(period, Some(field), fast)), 600_000_u64.div_ceil(fast), "{period}");
    }
}

/// Shows: FLD-046
#[test]
fn the_repeat_of_a_lost_block_is_served_before_its_time() {
    for field in [None, Some(10_000)] {
        let ask = |offset| field.map_or_else(|| block(offset), |field| with_period(offset, field));
        let config = ServerConfig { min_block_period: Millis(10_000), ..ServerConfig::default() };
        let mut desk = configured(config);
        let mut expect = |now, offset, data| {
            desk.now = now;
            let answer = desk.ask(LAMP, &ask(offset));
            assert_eq!(is_data(&answer), data, "{field:?} {now} {offset}: {answer}");
        };
        expect(10_000, 0, true);
        expect(12_000, 50, false);
        expect(13_000, 0, true);
        // A second repeat in a row waits for the period, and so does the next block.
        expect(14_000, 0, false);
        expect(15_000, 50, false);
        expect(23_000, 50, true);
        expect(24_000, 50, true);
        expect(34_000, 100, true);
    }
}

/// Some clients repeat their request at once after a WAIT_FOR_DATA with a waiting time of 0 seconds.
///
/// Shows: FLD-046
#[test]
fn two_waits_of_no_time_do_not_come_in_a_row() {
    let mut desk = configured(ServerConfig::default());
    desk.policy.pace = Some(PaceDecision::Wait { seconds: 0 });
    let (zero, second) = (WAIT.replace("0a", "00"), WAIT.replace("0a", "01"));
    assert_eq!(desk.ask(PLUG, BLOCK), second, "nothing is known of a client without a session");
    desk.policy.pace = None;
    assert!(is_data(&desk.ask(LAMP, BLOCK)));
    desk.policy.pace = Some(PaceDecision::Wait { seconds: 0 });
    for expected in [&zero, &second, &zero, &second] {
        assert_eq!(desk.ask(LAMP, BLOCK), *expected);
    }
}

/// Tests all sources of the waiting time in a WAIT_FOR_DATA: policy, store, caller and settings.
///
/// Shows: FLD-057
#[test]
fn no_client_is_asked_to_wait_longer_than_a_day() {
    const DAY: &str = "19 2a 05 97 00 00 00 00 80 51 01 00";
    for seconds in [86_400, 86_401, u32::MAX - 1, u32::MAX] {
        let mut desk =
            configured(ServerConfig { wait_seconds: seconds, max_downloads: 0, ..ServerConfig::default() });
        assert_eq!(desk.ask(LAMP, BLOCK), DAY);
        let mut desk = configured(ServerConfig::default());
        desk.policy.pace = Some(PaceDecision::Wait { seconds });
        assert_eq!(desk.ask(LAMP, BLOCK), DAY);
        let files = catalog(vec![plain(5, 1000)]);
        let mut desk = Desk::new(
            Slow { files, says: Some(ReadResult::Wait { seconds }), reads: vec![] },
            Script::default(),
        );
        assert_eq!(desk.ask(LAMP, BLOCK), DAY);
        desk.images.says = Some(ReadResult::Later);
        let ServerAction::Deferred(parked) = desk.handle(LAMP, BLOCK) else { panic!() };
        assert_eq!(desk.answer(parked, Err(NotReady::Wait { seconds })), DAY);
    }
    // The same by a clock.
    let mut desk = configured(ServerConfig::default());
    desk.server.set_utc(desk.now(), Some(UtcTime(0x1000_0000)));
    desk.policy.pace = Some(PaceDecision::Wait { seconds: u32::MAX });
    assert_eq!(desk.ask(LAMP, BLOCK), "19 2a 05 97 00 00 00 10 80 51 01 10");
}

/// Only clients of cluster revision 2 count the MinimumBlockPeriod in seconds.
///
/// Shows: FLD-057
#[test]
fn a_client_of_revision_2_is_given_seconds() {
    let config = ServerConfig { min_block_period: Millis(2_500), ..ServerConfig::default() };
    for (revision, field) in
        [(Some(2), 3), (Some(1), 2_500), (Some(3), 2_500), (Some(4), 2_500), (None, 2_500)]
    {
        let mut desk = configured(config);
        desk.policy.revision = revision;
        desk.now = 1_000;
        let [low, high] = u16::to_le_bytes(field);
        let told = std::format!("19 2a 05 97 00 00 00 00 00 00 00 00 {low:02x} {high:02x}");
        assert_eq!(desk.ask(LAMP, &with_period(0, 0)), told, "{revision:?}");
        assert!(is_data(&desk.ask(LAMP, &with_period(0, field))));
        desk.now += 3_000;
        assert!(is_data(&desk.ask(LAMP, &with_period(50, field))));
        assert!(!is_data(&desk.ask(LAMP, &with_period(100, field))));
    }
}

#[test]
fn all_clients_together_keep_the_rate_limit() {
    let rate = NonZeroU32::new(1000);
    let mut desk = Desk::configured(
        ServerConfig { max_bytes_per_second: rate, ..unpaced() },
        100,
        catalog(vec![plain(5, 1000)]),
        Script::default(),
    );
    let mut served = 0;
    for step in 0..10_000_u16 {
        desk.now = u64::from(step) * 10;
        let answer = desk.ask(Address::new(step % 100, 1), BLOCK);
        match is_data(&answer) {
            true => served += 50 + 17 + 51,
            false => assert_eq!(answer, "19 2a 05 97 00 00 00 00 01 00 00 00"),
        }
    }
    // A hundred seconds, the burst of one second, and a block.
    assert!((99_000..=101_118).contains(&served), "{served}");
}

/// Blocks of every size keep the limit of bytes per second on the air.
///
/// Shows: FLD-045
#[test]
fn the_rate_limit_counts_what_goes_on_air() {
    for (size, on_air) in
        [(1, 69), (16, 84), (50, 118), (64, 132), (65, 133), (66, 189), (223, 399), (255, 484)]
    {
        assert_eq!(crate::server::rate_limit::bytes_on_air(size), on_air, "{size}");
        for rate in [50, 1_000, 20_000] {
            let config =
                ServerConfig { max_bytes_per_second: NonZeroU32::new(rate), ..ServerConfig::default() };
            let mut desk = configured(config);
            let ask = BLOCK.replacen("32", &std::format!("{size:02x}"), 1);
            let mut served = 0;
            while desk.now < 20_000 {
                let answer = desk.ask(LAMP, &ask);
                served += if is_data(&answer) { on_air } else { 0 };
                desk.now += if is_data(&answer) { 1 } else { 7 };
                desk.events();
            }
            let most = rate * 21 + on_air;
            // One request a millisecond may not use up the rate.
            let least = (rate * 17).min(19_000 * on_air);
            assert!((least..=most).contains(&served), "{size} {rate}: {served}");
        }
    }
}

#[test]
fn a_page_does_not_pass_the_limits() {
    let page = "01 2a 04 00 01 10 ab 00 05 00 00 00 00 00 00 00 32 e8 03 0a 00";
    let mut desk = configured(ServerConfig { min_block_period: Millis(200), ..ServerConfig::default() });
    let ServerAction::Reply(_) = desk.handle(LAMP, page) else { panic!() };
    let times: Vec<_> = desk.run_to(1_000).iter().map(|(at, ..)| *at).collect();
    assert_eq!(times, [200, 400, 600, 800, 1000]);

    let rate = NonZeroU32::new(200);
    let mut desk = configured(ServerConfig { max_bytes_per_second: rate, ..ServerConfig::default() });
    let ServerAction::Reply(_) = desk.handle(LAMP, page) else { panic!() };
    let sent = desk.run_to(100_000);
    assert!(sent.len() < 10);
    assert_eq!(hex(&sent.last().unwrap().2)[12..], WAIT.replace("0a", "01")[12..], "the page ends");
}

/// Field report 11: for each of the block sizes 40, 48, 50, 64 and 223, some clients fail.
#[test]
fn a_block_is_as_large_as_its_smallest_limit() {
    let of = |value| NonZeroU8::new(value);
    let all = BlockSizeLimits {
        requested: 255,
        configured: NonZeroU8::MAX,
        device: None,
        policy: None,
        unfragmented_frame: None,
        relays: 0,
        aps_security: false,
    };
    for (size, most) in [
        (all, 255),
        (BlockSizeLimits { requested: 1, ..all }, 1),
        (BlockSizeLimits { configured: of(50).unwrap(), ..all }, 50),
        (BlockSizeLimits { device: of(40), policy: of(41), ..all }, 40),
        (BlockSizeLimits { policy: of(41), device: of(42), ..all }, 41),
        // Without a maximum frame length, relays and security have no effect.
        (BlockSizeLimits { relays: 5, aps_security: true, ..all }, 255),
        (BlockSizeLimits { unfragmented_frame: of(82), ..all }, 65),
        (BlockSizeLimits { unfragmented_frame: of(82), requested: 64, ..all }, 64),
        (BlockSizeLimits { unfragmented_frame: of(82), aps_security: true, ..all }, 56),
        (BlockSizeLimits { unfragmented_frame: of(82), relays: 1, ..all }, 61),
        (BlockSizeLimits { unfragmented_frame: of(82), relays: 5, ..all }, 53),
        (BlockSizeLimits { unfragmented_frame: of(82), relays: 255, aps_security: true, ..all }, 1),
        (BlockSizeLimits { unfragmented_frame: of(1), ..all }, 1),
    ] {
        assert_eq!(size.smallest(), most, "{size:?}");
    }
}

#[test]
fn a_source_route_and_aps_security_make_blocks_smaller() {
    let mut desk =
        configured(ServerConfig { max_unfragmented_frame: NonZeroU8::new(82), ..ServerConfig::default() });
    let ask = bytes(&BLOCK.replacen("32", "ff", 1));
    for (relays, aps_security, size) in [(0, false, 65), (5, false, 53), (0, true, 56), (5, true, 44)] {
        let meta = FrameMeta { relays, aps_security, ..FrameMeta::unicast(LAMP) };
        let ServerAction::Reply(transmit) = desk.handle_as(meta, &ask) else { panic!() };
        assert_eq!(transmit.len, 17 + size);
    }
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

const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";
const OFFER: &str = "19 2a 02 00 01 10 ab 00 05 00 00 00 e8 03 00 00";

/// Field report 8: a device that downloads the same update for ever.
#[test]
fn a_client_that_takes_the_same_image_again_and_again_is_not_offered_it() {
    for end in ["00", "96"] {
        let mut desk = configured(ServerConfig::default());
        let end = std::format!("01 2a 06 {end} 01 10 ab 00 05 00 00 00");
        for _ in 0..3 {
            assert_eq!(desk.ask(LAMP, QUERY), OFFER);
            assert_eq!(desk.ask(LAMP, QUERY), OFFER, "asking twice is not taking twice");
            desk.ask(LAMP, BLOCK);
            desk.ask(LAMP, &end);
            desk.now += 60_000;
        }
        desk.events();
        let again = ServerEvent::RepeatedDownload { client: LAMP, id: IMAGE, times: 3 };
        for times in 0..300 {
            assert_eq!(desk.ask(LAMP, QUERY), "19 2a 02 98");
            assert_eq!(desk.events().contains(&again), times == 0, "told once");
        }
        // A newer version starts a new count.
        desk.images = catalog(vec![plain(5, 1000), plain(6, 1000)]);
        assert_eq!(desk.ask(LAMP, QUERY), OFFER.replacen("05", "06", 1));
        desk.images = catalog(vec![plain(5, 1000)]);
        assert_eq!(desk.ask(LAMP, QUERY), OFFER);
    }
}

#[test]
fn a_policy_may_offer_it_once_more() {
    struct Patient(Vec<u8>);
    impl ServerPolicy for Patient {
        fn offer_repeated(&mut self, client: Address, id: ImageId, times: u8) -> QueryDecision {
            assert_eq!((client, id), (LAMP, IMAGE));
            self.0.push(times);
            if times < 4 { QueryDecision::Offer } else { QueryDecision::NotAuthorized }
        }
    }
    let config = ServerConfig { repeated_download_limit: 2, ..ServerConfig::default() };
    let mut desk = Desk::configured(config, 4, catalog(vec![plain(5, 1000)]), Patient(vec![]));
    let end = "01 2a 06 00 01 10 ab 00 05 00 00 00";
    for answer in [OFFER, OFFER, OFFER, OFFER, "19 2a 02 7e"] {
        assert_eq!(desk.ask(LAMP, QUERY), answer);
        desk.ask(LAMP, BLOCK);
        desk.ask(LAMP, end);
        desk.now += 60_000;
    }
    assert_eq!(desk.policy.0, [2, 3, 4]);
    let mut desk = configured(ServerConfig { repeated_download_limit: 0, ..ServerConfig::default() });
    for _ in 0..20 {
        assert_eq!(desk.ask(LAMP, QUERY), OFFER);
        desk.ask(LAMP, BLOCK);
        desk.ask(LAMP, end);
        desk.now += 60_000;
    }
}

/// Field report 12: bytes sent, rate and remaining time, for a display of an operator.
#[test]
fn progress_tells_bytes_rate_and_rest() {
    let mut desk = configured(ServerConfig::default());
    for (at, offset) in (0..600).step_by(50).enumerate() {
        desk.now = u64::try_from(at).unwrap() * 1_000;
        desk.ask(LAMP, &block(offset));
    }
    let progress = SessionProgress { reached: 600, size: 1000, rate: Some(50), remaining: Some(8) };
    assert_eq!(desk.server.session(LAMP).unwrap().progress(), Some(progress));
    let told = ServerEvent::Progress { client: LAMP, id: IMAGE, progress };
    assert_eq!(desk.all_events().last(), Some(&told));
    // A repeated block adds no progress.
    desk.ask(LAMP, &block(550));
    assert_eq!(desk.all_events(), []);
}

/// Shows: SRV-007
#[test]
fn events_suffice_for_a_list_of_clients() {
    let mut desk = configured(ServerConfig::default());
    let mut list = std::collections::BTreeMap::new();
    let mut note = |events: Vec<ServerEvent>| {
        for event in events {
            let (client, text) = match event {
                ServerEvent::Queried { client, answer: Ok(ImageOffer { id, .. }), .. } => {
                    (client, std::format!("offered {id}"))
                }
                ServerEvent::Queried { client, answer: Err(why), .. } => (client, why.status().to_string()),
                ServerEvent::Started { client, .. } => (client, "started".into()),
                ServerEvent::Progress { client, progress, .. } => {
                    (client, std::format!("{} of {}", progress.reached, progress.size))
                }
                ServerEvent::AllServed { client, .. } => (client, "all served".into()),
                ServerEvent::Ended { client, status, .. } => (client, std::format!("ended: {status}")),
                ServerEvent::UpgradeScheduled { client, .. } => (client, "ordered".into()),
                other => panic!("{other:?}"),
            };
            list.entry(client).or_insert_with(Vec::new).push(text);
        }
        list.clone()
    };
    use std::string::ToString;
    desk.ask(LAMP, QUERY);
    desk.ask(PLUG, "01 2a 01 00 01 10 ab 00 05 00 00 00");
    note(desk.all_events());
    for offset in [0, 250, 500, 750] {
        let request = block(offset).replace(" 32", " fa");
        desk.ask(LAMP, &request);
        note(desk.all_events());
    }
    desk.ask(LAMP, "01 2a 06 00 01 10 ab 00 05 00 00 00");
    let list = note(desk.all_events());
    assert_eq!(list[&PLUG], ["NO_IMAGE_AVAILABLE"]);
    let lamp = [
        "offered 1001-00AB-00000005",
        "started",
        "250 of 1000",
        "500 of 1000",
        "750 of 1000",
        "1000 of 1000",
        "all served",
        "ended: SUCCESS",
        "ordered",
    ];
    assert_eq!(list[&LAMP], lamp);
    // The sessions contain the same list.
    let phases: Vec<_> = desk.server.sessions().map(|session| (session.client(), session.phase())).collect();
    assert_eq!(phases.len(), 2);
    assert!(phases.contains(&(LAMP, SessionPhase::Ended { id: IMAGE, status: Status::SUCCESS })));
}
