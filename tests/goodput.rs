//! How fast the client downloads over the radio channel.

use zigbee_ota_sim::Cell;
use zigbee_ota_sim::net::ApsAcks;

/// KB/s, rounded to two places.
fn kilobytes(bytes: f64) -> f64 {
    (bytes / 10.0).round() / 100.0
}

#[test]
fn stop_and_wait_is_as_fast_as_ideal_nodes_are() {
    for (server_delay, model) in [(0, 5.18), (5, 3.69), (10, 2.86), (20, 1.98), (50, 1.03)] {
        let cell = Cell { server_delay: server_delay * 1000, ..Cell::USUAL };
        let measured = cell.measure(0..2, |_| ());
        assert!((measured.mean / 1000.0 / model - 1.0).abs() < 0.01, "{server_delay} ms: {measured:?}");
        assert!(measured.deviation < 0.005 * measured.mean, "{measured:?}");
    }
}

#[test]
fn without_loss_not_one_frame_is_sent_too_many() {
    for hops in [1, 3] {
        let measured = Cell { hops, ..Cell::USUAL }.measure(0..3, |_| ());
        // Notify, query, 1000 blocks, end, and what answers them.
        assert_eq!((measured.repeats, measured.frames), (0.0, 2.0 * 1003.0), "{hops} hops");
    }
}

/// Of its loss-free speed, as ideal nodes with a timer that follows the link: 97 % and 86 %.
#[test]
fn stop_and_wait_keeps_its_speed_when_frames_are_lost() {
    let whole = Cell::USUAL.measure(0..2, |_| ()).mean;
    let kept = |loss| Cell { loss, ..Cell::USUAL }.measure(0..8, |_| ()).mean / whole;
    let (one, five) = (kept(0.01), kept(0.05));
    assert!((0.95..=0.99).contains(&one) && (0.84..=0.88).contains(&five), "{one:.3} {five:.3}");
}

/// With APS acknowledgements, as the specification asks for: 2.59 KB/s. Of that, ideal nodes keep 95 % and 77 %.
#[test]
fn aps_acknowledgements_cost_about_what_they_cost_ideal_nodes() {
    let goodput = |loss, seeds| {
        let cell = Cell { loss, ..Cell::USUAL };
        cell.measure(0..seeds, |world| world.net.aps_acks = ApsAcks::AsAsked).mean
    };
    let whole = goodput(0.0, 2);
    assert!((whole / 2590.0 - 1.0).abs() < 0.01, "{whole}");
    let (one, five) = (goodput(0.01, 8) / whole, goodput(0.05, 8) / whole);
    assert!((0.92..=0.97).contains(&one) && (0.71..=0.80).contains(&five), "{one:.3} {five:.3}");
}

#[test]
fn the_limit_is_that_of_the_channel() {
    let limit = |hops| kilobytes(Cell { hops, ..Cell::USUAL }.limit());
    assert_eq!((limit(1), limit(3)), (9.35, 3.44));
}
