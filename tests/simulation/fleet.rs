//! A whole network behind one server.

use zigbee_ota_sim::Fleet;

/// A share of the devices, give or take four times what chance does.
fn is_about(found: usize, devices: u16, jitter: u8) -> bool {
    let (devices, share) = (f64::from(devices), f64::from(jitter) / 100.0);
    (found as f64 - devices * share).abs() <= 4.0 * (devices * share * (1.0 - share)).sqrt()
}

#[test]
fn a_thousand_devices_are_upgraded_and_no_more_ask_at_once_than_the_jitter_says() {
    for (devices, jitter) in [(1000, 5), (200, 50), (50, 100)] {
        let upgraded = Fleet { devices, jitter, bytes: 1000 }.upgrade(1);
        assert!(is_about(upgraded.at_once, devices, jitter), "{jitter}: {}", upgraded.at_once);
        assert_eq!(upgraded.done.len(), usize::from(devices));
    }
}
