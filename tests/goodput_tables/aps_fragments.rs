//! Blocks in APS fragments.

use zigbee_ota_sim::aps_fragment_table::{self, DELAYS, Line, MODES};
use zigbee_ota_sim::net::{ApsAcks, Fragmentation};
use zigbee_ota_sim::{Cell, Micros};

use crate::{assert_drawn, assert_same, is_whole};

const MILLI: Micros = 1000;

/// Table as last measured by `cargo run --release --example goodput -- --fragments`.
const TABLE: &str = include_str!("../../examples/goodput/aps_fragments.tsv");

/// Blocks of 223 bytes, three full fragments, one request at a time, as espressif's example sends them.
#[derive(Clone, Copy)]
struct Variant {
    hops: u16,
    server: Micros,
    flash: Micros,
    fragments: Fragmentation,
    aps_acks: ApsAcks,
    frame_spacing: Option<Micros>,
}

/// Nodes that need no time to process, over one hop; block requests are not acknowledged by APS.
const IDEAL: Variant = Variant {
    hops: 1,
    server: 0,
    flash: 0,
    fragments: Fragmentation::FULL,
    aps_acks: ApsAcks::Off,
    frame_spacing: None,
};

impl Variant {
    /// Goodput in bytes per second.
    fn goodput(self) -> f64 {
        let cell = Cell {
            hops: self.hops,
            server_delay: self.server,
            write: self.flash,
            block: 223,
            bytes: 300 * 223,
            ..Cell::USUAL
        };
        let measured = cell.measure(0..2, |world| {
            world.net.fragments = Some(self.fragments);
            world.net.aps_acks = self.aps_acks;
            world.net.frame_spacing = self.frame_spacing.unwrap_or(world.net.frame_spacing);
        });
        measured.mean
    }

    /// Time of a block in milliseconds.
    fn block_time(self) -> f64 {
        223.0 / self.goodput() * 1000.0
    }
}

/// The figures come from another simulation of the same channel and from a closed form, in KB/s.
#[test]
fn fragments_are_as_fast_as_in_the_reference_model() {
    let acked = Variant { aps_acks: ApsAcks::AsAsked, ..IDEAL };
    let paused = Fragmentation { pause: 10 * MILLI, ..Fragmentation::FULL };
    for (variant, model) in [
        (acked, 6.80),
        (IDEAL, 7.82),
        (Variant { fragments: Fragmentation { window: 1, ..Fragmentation::FULL }, ..IDEAL }, 6.44),
        (Variant { server: MILLI, flash: 2 * MILLI, ..IDEAL }, 7.56),
        (Variant { server: 10 * MILLI, flash: 2 * MILLI, ..IDEAL }, 5.79),
        (Variant { fragments: paused, ..IDEAL }, 6.41),
        (Variant { frame_spacing: Some(0), ..IDEAL }, 8.39),
    ] {
        let goodput = variant.goodput() / 1000.0;
        assert!((goodput / model - 1.0).abs() < 0.01, "{goodput:.2} instead of {model}");
    }
}

/// 8.1 KB/s: one hop, no APS acknowledgement of requests, 3 ms of processing at both ends together, and a radio driver that
/// needs no pause between two frames ("timing optimization"). 10 ms of processing, a tick of the operating system as it is
/// set by default, make it 5.8.
#[test]
fn the_documented_speed_of_espressif_needs_nodes_that_hardly_wait() {
    let tuned = Variant { server: MILLI, flash: 2 * MILLI, frame_spacing: Some(0), ..IDEAL };
    assert!((tuned.goodput() - 8100.0).abs() < 81.0, "{}", tuned.goodput());
    let ticking = Variant { server: 10 * MILLI, flash: 2 * MILLI, ..IDEAL };
    assert!(ticking.goodput() < 5900.0, "{}", ticking.goodput());
}

/// 302 ms a block, 0.74 KB/s: the channel is idle for most of that time, whatever it is that the nodes wait for. An
/// acknowledgement of each fragment explains 6 ms of it, and no network of two boards has eight hops.
#[test]
fn the_captured_speed_of_espressif_is_time_in_which_nobody_sends() {
    let acked = Variant { aps_acks: ApsAcks::AsAsked, ..IDEAL };
    let pause = |pause: u64, window| Fragmentation { pause: pause * MILLI, window, ..Fragmentation::FULL };
    let radio_alone = acked.block_time();
    let each_acked = Variant { fragments: pause(0, 1), ..acked }.block_time();
    assert!((32.0..34.0).contains(&radio_alone), "{radio_alone:.1}");
    assert!((38.0..40.0).contains(&each_acked), "{each_acked:.1}");
    for (variant, of_what) in [
        (Variant { server: 273 * MILLI, ..acked }, "of the server alone"),
        (Variant { fragments: pause(144, 1), ..acked }, "between two fragments alone"),
        (Variant { fragments: pause(100, 1), server: 87 * MILLI, ..acked }, "of both"),
    ] {
        let time = variant.block_time();
        assert!((time - 302.0).abs() < 3.0, "{of_what}: {time:.1} ms");
    }
    let [three, eight] = [3, 8].map(|hops| Variant { hops, fragments: pause(0, 1), ..acked }.block_time());
    assert!(three < 150.0 && eight > 302.0, "{three:.0} ms, {eight:.0} ms");
}

/// Row of the table.
fn row(mode: &str, hops: u16, delay: u64, loss: u8, block: u8, fragments: (u8, u8)) -> Line {
    let fragments = Some(fragments).filter(|_| block > 65);
    let place = (mode, hops, delay, loss, block, fragments);
    let is_here =
        |line: &Line| (line.mode, line.hops, line.delay, line.loss, line.block, line.fragments) == place;
    aps_fragment_table::read(TABLE).into_iter().find(is_here).unwrap_or_else(|| panic!("{place:?}"))
}

/// Measures the blocks of 64 and 223 bytes of two paths anew.
#[test]
fn the_table_is_what_the_simulation_says() {
    let (known, all) = (aps_fragment_table::read(TABLE), aps_fragment_table::lines());
    let place = |line: &Line| Line { mean: 0, deviation: 0, ..*line };
    assert_eq!(known.iter().map(place).collect::<Vec<_>>(), all);
    let few = |line: &Line| {
        let path = (line.hops, line.delay, line.loss);
        is_whole() || ([(1, 10, 1), (3, 50, 5)].contains(&path) && [64, 223].contains(&line.block))
    };
    let [known, now] = [known, all].map(|lines| lines.into_iter().filter(few).collect::<Vec<_>>());
    assert_same(&aps_fragment_table::measure(now, || ()), &known);
}

#[test]
fn the_picture_shows_the_table() {
    assert_drawn("--picture-of-fragments", include_str!("../../examples/goodput/aps_fragments.svg"));
}

/// What the guide recommends. With single requests and at most 1 % loss, 223 bytes are as good as the best size, if the stack
/// sends windows of fragments without a pause; with a long pause, 64 bytes are better than each fragmented block. A block that
/// needs only a little more than one frame is never the best. Over three hops, pages are best with 64 bytes.
#[test]
fn the_best_block_size_depends_on_mode_and_path() {
    let best = |mode: &str, hops, delay, loss, fragments| {
        let speed = |block| row(mode, hops, delay, loss, block, fragments).mean;
        [64, 82, 143, 223, 255].into_iter().max_by_key(|block| speed(*block)).unwrap()
    };
    for delay in DELAYS {
        for hops in [1, 3] {
            for loss in [0, 1] {
                let single = |block| row("stop-and-wait", hops, delay, loss, block, (3, 0)).mean;
                let most = single(best("stop-and-wait", hops, delay, loss, (3, 0)));
                let kept = f64::from(single(223)) / f64::from(most);
                assert!(kept >= 0.96, "{hops} hops, {delay} ms, {loss} %: {kept:.3}");
                assert!(single(223) <= 28 * single(64) / 10, "{hops} hops, {delay} ms, {loss} %");
            }
            for loss in [0, 1, 5] {
                assert_eq!(best("stop-and-wait", hops, delay, loss, (1, 100)), 64, "{hops}, {delay}, {loss}");
            }
            for (mode, loss) in MODES.into_iter().flat_map(|mode| [0, 1, 5].map(|loss| (mode, loss))) {
                let paused = best(mode, hops, delay, loss, (1, 100));
                assert_ne!(paused, 82, "{mode}, {hops} hops, {delay} ms, {loss} %");
            }
        }
        for loss in [0, 1, 5] {
            let [short, long] = [64, 223].map(|block| row("auto", 1, delay, loss, block, (3, 0)).mean);
            assert!(long <= 143 * short / 100, "{delay} ms, {loss} %: {long}, {short}");
            for mode in ["pages", "auto"] {
                assert_eq!(best(mode, 3, delay, loss, (3, 0)), 64, "{mode}, {delay} ms, {loss} %");
            }
        }
    }
}
