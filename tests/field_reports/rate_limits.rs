//! Networks and devices that bear less.

use std::num::{NonZeroU8, NonZeroU32};

use zigbee_ota::ImageType;
use zigbee_ota::server::DeviceOverride;
use zigbee_ota::time::Millis;

use crate::*;

/// Pain 10 (zota#328, zota#888, zigpy#1259) and z2m#28217: Legrand's devices announce a MinimumBlockPeriod that is not
/// there, ask for pages that they do not take, and check for long.
#[test]
fn a_maker_with_needs_of_its_own_is_served_by_a_row_that_the_operator_can_replace() {
    const PERIOD: &str = "01 2a 03 02 21 10 12 00 05 00 00 00 00 00 00 00 64";
    const PAGE: &str = "01 2a 04 00 21 10 12 00 05 00 00 00 00 00 00 00 32 90 01 00 00";
    let legrand = ImageId::new(0x1021, 0x0012, 5);
    let file = file(FileHeader::new(legrand), 100);
    let mut desk = Desk::with(vec![file.clone()]);
    assert!(desk.ask(LAMP, PERIOD).ends_with(&hex(&file)), "the whole file in one block");
    assert_eq!(desk.ask(LAMP, PAGE), "18 2a 0b 04 81");
    desk.events();
    assert_eq!(desk.pass(59 * MINUTE), []);

    // The operator knows better: pages, blocks of 40 bytes, ten hours to check.
    const ROW: DeviceOverride = {
        let mut row = DeviceOverride::new(0x1021, ImageType::ANY, &[]);
        row.max_block_size = NonZeroU8::new(40);
        row.verify_timeout = Some(Millis::from_secs(36_000));
        row
    };
    let mut config = ServerConfig::default();
    config.device_overrides = &[ROW];
    let mut desk = Desk::configured(config, vec![file.clone()]);
    assert!(desk.ask(LAMP, PAGE).ends_with(&hex(&file[..40])));
    for offset in [0, 40, 80_u8] {
        let mut request = block(0x2a, offset.into(), 64);
        request[4..8].copy_from_slice(&[0x21, 0x10, 0x12, 0]);
        let start = usize::from(offset);
        assert_eq!(desk.answer(LAMP, &request)[17..], file[start..(start + 40).min(100)]);
    }
    desk.events();
    assert_eq!(desk.pass(9 * HOUR), []);
    assert_eq!(desk.pass(2 * HOUR), [ServerEvent::NeverEnded { client: LAMP, id: legrand }]);
}

/// A client that does as it is told: where it is, and when it may ask again.
struct Downloader {
    at: Address,
    taken: Vec<u8>,
    next: u64,
}

/// Lets so many clients download for so long, each asking as soon as it may; returns them.
fn crowd(desk: &mut Desk<OwnedStore>, clients: u16, millis: u64) -> Vec<Downloader> {
    let new = |network| Downloader { at: Address::new(network, 1), taken: vec![], next: 0 };
    let mut crowd: Vec<_> = (1..=clients).map(new).collect();
    for now in (0..millis).step_by(10) {
        desk.now = now;
        for client in crowd.iter_mut().filter(|client| client.next <= now && client.taken.len() < 1000) {
            let offset = u32::try_from(client.taken.len()).unwrap();
            let answer = desk.answer(client.at, &block(0x2a, offset, 50));
            if answer[3] == 0x97 {
                let seconds = u32::from_le_bytes(answer[8..12].try_into().unwrap());
                assert!((1..=10).contains(&seconds));
                client.next = now + u64::from(seconds) * 1000;
            } else {
                client.taken.extend(data(&answer, 0x2a, offset, 50));
            }
        }
    }
    crowd
}

/// Pain 12 (z2m#22463, zigpy PR1641): several updates at once, and the network is flooded.
#[test]
fn ten_downloads_at_once_take_no_more_of_the_network_than_they_may() {
    let mut config = ServerConfig::default();
    config.max_bytes_per_second = NonZeroU32::new(200);
    let mut desk = Desk::configured(config, vec![image()]);
    let half = crowd(&mut desk, 10, 20_000);
    let sent: usize = half.iter().map(|client| client.taken.len()).sum();
    assert!((3_000..=4_250).contains(&sent), "{sent} bytes in 20 s");
    // All of them come to their end, in not much more than the time that it takes.
    let mut desk = Desk::configured(config, vec![image()]);
    assert!(crowd(&mut desk, 10, 80_000).iter().all(|client| client.taken == image()));
}

/// Pain 12 (z2m#31743): the others wait for their turn, and get it.
#[test]
fn downloads_beyond_the_limit_queue() {
    let mut config = ServerConfig::default();
    config.max_downloads = 2;
    config.min_block_period = Millis(1000);
    let mut desk = Desk::configured(config, vec![image()]);
    let early = crowd(&mut desk, 6, 15_000);
    assert_eq!(early.iter().filter(|client| !client.taken.is_empty()).count(), 2);
    let mut desk = Desk::configured(config, vec![image()]);
    assert!(crowd(&mut desk, 6, 120_000).iter().all(|client| client.taken == image()));
}

/// Pain 12 (z2m#22463): how long will it take?
#[test]
fn the_time_that_is_left_is_told() {
    let mut desk = Desk::with(vec![image()]);
    for offset in [0, 100, 200, 300] {
        desk.now += 1000;
        desk.answer(LAMP, &block(0x2a, offset, 100));
    }
    let progress = std::iter::from_fn(|| desk.server.poll_event()).filter_map(|event| match event {
        ServerEvent::Progress { progress, .. } => Some(progress),
        _ => None,
    });
    let progress = progress.last().unwrap();
    assert_eq!(
        (progress.reached, progress.size, progress.rate, progress.remaining),
        (400, 1000, 133, Some(4))
    );
}
