//! Tests of rate limits, and of the size of blocks.

use super::*;
use crate::aps::FrameMeta;
use crate::server::rate_limits_and_block_size::BlockSizeLimits;
use crate::time::{Millis, UtcTime};
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

/// The value 0xFFFF is no MinimumBlockPeriod.
#[test]
fn a_client_is_given_the_longest_period_for_a_longer_one() {
    for (period, told) in [(65_533, "fd ff"), (65_534, "fe ff"), (65_536, "fe ff"), (600_000, "fe ff")] {
        let config = ServerConfig { min_block_period: Millis(period), ..ServerConfig::default() };
        let answer = configured(config).ask(LAMP, &with_period(0, 0));
        assert_eq!(answer, std::format!("19 2a 05 97 00 00 00 00 00 00 00 00 {told}"));
    }
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
        assert_eq!(crate::server::rate_limits_and_block_size::bytes_on_air(size), on_air, "{size}");
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
        let meta = FrameMeta::unicast(LAMP).with_relays(relays).with_aps_security(aps_security);
        let ServerAction::Reply(transmit) = desk.handle_as(meta, &ask) else { panic!() };
        assert_eq!(transmit.len, 17 + size);
    }
}
