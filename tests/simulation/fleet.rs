//! Upgrade of a thousand devices by one server on one channel.

use zigbee_ota_sim::Fleet;

/// Whether `found` is the expected share of the devices, within four standard deviations.
fn is_about(found: usize, devices: u16, jitter: u8) -> bool {
    let (devices, share) = (f64::from(devices), f64::from(jitter) / 100.0);
    (found as f64 - devices * share).abs() <= 4.0 * (devices * share * (1.0 - share)).sqrt()
}

#[test]
fn a_thousand_devices_are_upgraded_and_the_jitter_limits_simultaneous_queries() {
    for (devices, jitter) in [(1000, 5), (200, 50), (50, 100)] {
        let upgraded = Fleet { devices, jitter, bytes: 1000 }.upgrade(1);
        assert!(is_about(upgraded.at_once, devices, jitter), "{jitter}: {}", upgraded.at_once);
        assert_eq!(upgraded.done.len(), usize::from(devices));
    }
}
