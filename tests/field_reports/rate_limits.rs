//! Field reports about rate limits and device overrides: networks and devices with low capacity.

use std::num::{NonZeroU8, NonZeroU32};

use zigbee_ota::ImageType;
use zigbee_ota::server::DeviceOverride;
use zigbee_ota::time::Millis;

use crate::*;

/// Report 10 (zota#328, zota#888, zigpy#1259) and z2m#28217: Legrand's devices announce a MinimumBlockPeriod that is
/// missing, request pages that they do not accept, and verify for a long time.
#[test]
fn a_device_override_applies_unless_the_operator_replaces_it() {
    const PERIOD: &str = "01 2a 03 02 21 10 12 00 05 00 00 00 00 00 00 00 64";
    const PAGE: &str = "01 2a 04 00 21 10 12 00 05 00 00 00 00 00 00 00 32 90 01 00 00";
    let legrand = ImageId::new(0x1021, 0x0012, 5);
    let file = file(FileHeader::new(legrand), 100);
    let mut desk = Desk::with(vec![file.clone()]);
    assert!(desk.ask(LAMP, PERIOD).ends_with(&hex(&file)), "the whole file in one block");
    assert_eq!(desk.ask(LAMP, PAGE), "18 2a 0b 04 81");
    desk.events();
    assert_eq!(desk.pass(59 * MINUTE), []);

    // The operator's row: pages, blocks of 40 bytes, ten hours for the verification.
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

/// Obedient client: its offset, and the earliest time of its next request.
struct Downloader {
    at: Address,
    taken: Vec<u8>,
    next: u64,
}

/// Lets `clients` clients download for `millis` milliseconds, each at its earliest time; returns them.
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

/// Report 12 (z2m#22463, zigpy PR1641): several updates at once flood the network.
#[test]
fn ten_downloads_at_once_keep_the_rate_limit() {
    let mut config = ServerConfig::default();
    // 200 bytes of data in blocks of 50, each of which takes 118 bytes on the air.
    config.max_bytes_per_second = NonZeroU32::new(200 / 50 * 118);
    let mut desk = Desk::configured(config, vec![image()]);
    let half = crowd(&mut desk, 10, 20_000);
    let sent: usize = half.iter().map(|client| client.taken.len()).sum();
    assert!((3_000..=4_250).contains(&sent), "{sent} bytes in 20 s");
    // All downloads complete in little more than the time that the limit implies.
    let mut desk = Desk::configured(config, vec![image()]);
    assert!(crowd(&mut desk, 10, 80_000).iter().all(|client| client.taken == image()));
}

/// Report 12 (z2m#31743): further downloads wait for their turn, and get it.
#[test]
fn downloads_beyond_the_maximum_are_queued() {
    let mut config = ServerConfig::default();
    config.max_downloads = 2;
    config.min_block_period = Millis(1000);
    let mut desk = Desk::configured(config, vec![image()]);
    let early = crowd(&mut desk, 6, 15_000);
    assert_eq!(early.iter().filter(|client| !client.taken.is_empty()).count(), 2);
    let mut desk = Desk::configured(config, vec![image()]);
    assert!(crowd(&mut desk, 6, 120_000).iter().all(|client| client.taken == image()));
}

/// Report 12 (z2m#22463): the remaining time is unknown.
#[test]
fn the_remaining_time_is_estimated() {
    let mut desk = Desk::with(vec![image()]);
    for offset in [0, 100, 200, 300, 400, 500, 600] {
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
        (700, 1000, Some(100), Some(3))
    );
}
