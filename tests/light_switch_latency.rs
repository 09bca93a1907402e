//! Latency of light switches while a fleet of a hundred lamps upgrades over the simulated radio channel.

use std::process::Command;

use zigbee_ota_sim::light_switch_latency_table::{self, FLEETS, HOPS, Line};

#[path = "common/example_binaries.rs"]
mod example_binaries;

/// Table as last measured by `cargo run --release --example goodput -- --switches`.
const TABLE: &str = include_str!("../examples/goodput/light_switch_latency.tsv");

/// Row of the table by the name of the fleet.
fn row(name: &str, hops: u16) -> Line {
    let here = |line: &Line| (FLEETS[line.fleet].0, line.hops) == (name, hops);
    light_switch_latency_table::read(TABLE)
        .into_iter()
        .find(here)
        .unwrap_or_else(|| panic!("{name}, {hops} hops"))
}

#[test]
fn the_table_is_what_the_simulation_says() {
    assert_eq!(light_switch_latency_table::write(&light_switch_latency_table::measure()), TABLE);
}

/// With the server's default, 95 of 100 commands arrive within twice the time that they take on the idle network.
#[test]
fn switches_work_while_a_fleet_upgrades() {
    for hops in HOPS {
        let idle = row("idle", hops).p95;
        for name in ["stop-and-wait", "auto"] {
            let line = row(name, hops);
            assert!(line.p95 <= 2 * idle && line.lost == 0, "{name}, {hops} hops: {line:?}");
        }
        let heedless = row("stop-and-wait, without regard", hops).p95;
        assert!(heedless > 4 * idle, "{hops} hops: {heedless}, so the pace would be for nothing");
    }
}

/// The fleet keeps at least 57 % of its speed without regard to others, which is that of a crowded channel.
#[test]
fn the_fleet_keeps_its_speed() {
    for hops in HOPS {
        for name in ["stop-and-wait", "auto"] {
            let (polite, all) =
                (row(name, hops).goodput, row(&format!("{name}, without regard"), hops).goodput);
            assert!(polite * 100 >= all * 57, "{name}, {hops} hops: {polite} of {all} bytes per second");
        }
    }
}

/// The committed picture must be the one drawn from the committed table.
#[test]
fn the_picture_shows_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = folder.path().join("light_switch_latency.svg");
    let mut goodput = Command::new(example_binaries::example("goodput"));
    assert!(goodput.arg("--picture-of-switches").arg(&drawn).status().unwrap().success());
    let kept = include_str!("../examples/goodput/light_switch_latency.svg");
    assert!(std::fs::read_to_string(drawn).unwrap() == kept, "run the example with --picture-of-switches");
}
