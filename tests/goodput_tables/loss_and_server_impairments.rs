//! Bursts of loss, and servers that pace, that answer one of several requests, or that number their answers themselves.

use zigbee_ota_sim::goodput_table::MODES;
use zigbee_ota_sim::loss_and_server_impairment_table::{self, IMPAIRMENTS, LOSSES, Line};

use crate::{assert_drawn, assert_same, is_whole};

/// Table as last measured by `cargo run --release --example goodput -- --impairments`.
const TABLE: &str = include_str!("../../examples/goodput/loss_and_server_impairments.tsv");

/// Measures two modes with each impairment anew, over one hop at 5 % loss.
#[test]
fn the_table_is_what_the_simulation_says() {
    let (known, all) =
        (loss_and_server_impairment_table::read(TABLE), loss_and_server_impairment_table::lines());
    let place = |line: &Line| Line { mean: 0, deviation: 0, repeats: 0, oracle: 0, ..*line };
    assert_eq!(known.iter().map(place).collect::<Vec<_>>(), all);
    let few = |line: &Line| {
        let is_named = ["window 4", "auto"].contains(&MODES[line.mode].0);
        is_whole() || (is_named && (line.hops, line.loss) == (1, 5))
    };
    let [known, now] = [known, all].map(|lines| lines.into_iter().filter(few).collect::<Vec<_>>());
    assert_same(&loss_and_server_impairment_table::measure(now, || ()), &known);
}

#[test]
fn the_picture_shows_the_table() {
    assert_drawn(
        "--picture-of-impairments",
        include_str!("../../examples/goodput/loss_and_server_impairments.svg"),
    );
}

/// Smallest share of the oracle's goodput over both distances, at 0, 1, 5 and 10 % independent loss, for single requests, the
/// windows, the pages and `Auto`. The guide gives the reason for each share below 97 %, 95 % and 90 % at 1, 5 and 10 %.
#[test]
fn every_impairment_leaves_a_share_of_the_oracle() {
    let lines = loss_and_server_impairment_table::read(TABLE);
    for (impairment, (name, _)) in IMPAIRMENTS.into_iter().enumerate() {
        let expected: [[f64; 4]; 4] = match name {
            "none" => [
                [0.99, 0.98, 0.94, 0.86],
                [0.94, 0.93, 0.89, 0.76],
                [0.96, 0.98, 0.96, 0.84],
                [0.99, 0.96, 0.95, 0.83],
            ],
            "bursts of 100 ms" => [
                [0.95, 0.92, 0.89, 0.80],
                [0.92, 0.91, 0.85, 0.56],
                [0.91, 0.90, 0.82, 0.69],
                [0.84, 0.93, 0.77, 0.74],
            ],
            "bursts of 1 s" => [
                [0.96, 0.97, 0.88, 0.81],
                [0.84, 0.92, 0.87, 0.72],
                [0.83, 0.85, 0.77, 0.67],
                [0.95, 1.01, 0.87, 0.76],
            ],
            "pace of 250 ms" => [
                [1.00, 0.99, 0.95, 0.79],
                [0.92, 0.94, 0.91, 0.72],
                [1.00, 0.99, 0.99, 0.92],
                [0.99, 0.97, 0.95, 0.90],
            ],
            "one of several" => [
                [0.99, 0.98, 0.94, 0.86],
                [0.98, 0.96, 0.90, 0.69],
                [0.94, 0.92, 0.86, 0.72],
                [0.98, 0.95, 0.85, 0.61],
            ],
            "own numbers" => [
                [0.99, 0.98, 0.94, 0.85],
                [0.94, 0.93, 0.88, 0.75],
                [0.99, 0.98, 0.94, 0.62],
                [0.92, 0.92, 0.92, 0.83],
            ],
            _ => panic!("no share is known for {name}"),
        };
        let kinds: [&[&str]; 4] = [
            &["stop-and-wait"],
            &["window 2", "window 4", "window 8"],
            &["pages", "pages, 21 ms"],
            &["auto"],
        ];
        for (modes, expected) in kinds.into_iter().zip(expected) {
            for (loss, least) in LOSSES.into_iter().zip(expected) {
                let here = lines.iter().filter(|line| {
                    (line.impairment, line.loss) == (impairment, loss) && modes.contains(&MODES[line.mode].0)
                });
                let share = here.map(Line::share).fold(f64::INFINITY, f64::min);
                assert!(share >= least, "{name}, {modes:?} at {loss} %: {share:.3}");
                assert!(share < least + 0.011, "{name}, {modes:?} at {loss} %: {share:.3}: raise the bound");
            }
        }
    }
}
