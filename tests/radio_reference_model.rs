//! Simulated radio channel against a reference model of Zigbee OTA transfers: IEEE 802.15.4 at 2.4 GHz, unslotted
//! CSMA-CA. Two independent simulations and a closed formula agree on the reference figures.
//!
//! Figures are KB/s (1000 bytes) of image data by nodes without processing times ([`ideal_nodes`]), in blocks of 64
//! bytes. Figures with contention vary by 2 to 4 % with the seed, so means are compared.

use zigbee_ota_sim::Micros;
use zigbee_ota_sim::ideal_nodes::{self, Download, Recovery, Scheme};
use zigbee_ota_sim::net::Hops;
use zigbee_ota_sim::radio::timing;

const STOP_AND_WAIT: Scheme = Scheme::Blocks { window: 1 };
const PAGE_4K: Scheme = Scheme::Pages { size: 4096, spacing: 0 };
const PAGE_1K: Scheme = Scheme::Pages { size: 1024, spacing: 0 };
const PAGE_1K_SLOW: Scheme = Scheme::Pages { size: 1024, spacing: 50_000 };

const fn window(window: u32) -> Scheme {
    Scheme::Blocks { window }
}

/// Pages with a response spacing of `millis` milliseconds per hop.
fn spaced(millis: Micros, hops: u16) -> Scheme {
    Scheme::Pages { size: 4096, spacing: millis * 1000 * Micros::from(hops) }
}

/// Compares each figure of the model with the mean of a few runs, and reports all deviations together.
fn compare(cells: impl IntoIterator<Item = (f64, Download)>) {
    let mut off = Vec::new();
    for (model, download) in cells {
        let measured = ideal_nodes::mean(Download { blocks: 2000, ..download }, 3) / 1000.0;
        if (measured / model - 1.0).abs() > 0.05 {
            off.push(format!("{measured:.2} instead of {model:.2} for {download:?}"));
        }
    }
    assert!(off.is_empty(), "{off:#?}");
}

#[test]
fn ideal_nodes_reach_the_goodput_of_the_model() {
    #[rustfmt::skip]
    let table = [
        // hops, scheme,         APS acks, KB/s
        (1, STOP_AND_WAIT,       true,  3.39),
        (1, STOP_AND_WAIT,       false, 6.16),
        (1, window(2),           false, 4.90),
        (1, window(4),           false, 5.03),
        (1, window(8),           false, 5.02),
        (1, PAGE_4K,             false, 9.27),
        (1, spaced(7, 1),        false, 9.05),
        (1, spaced(8, 1),        false, 7.96),
        (2, STOP_AND_WAIT,       true,  1.59),
        (2, STOP_AND_WAIT,       false, 3.09),
        (2, window(2),           false, 2.51),
        (2, window(4),           false, 2.51),
        (2, window(8),           false, 2.52),
        (2, PAGE_4K,             false, 3.86),
        (2, spaced(7, 2),        false, 4.29),
        (2, spaced(8, 2),        false, 3.98),
        (3, STOP_AND_WAIT,       true,  1.03),
        (3, STOP_AND_WAIT,       false, 2.06),
        (3, window(2),           false, 1.72),
        (3, window(4),           false, 1.69),
        (3, window(8),           false, 1.66),
        (3, PAGE_4K,             false, 2.30),
        (3, spaced(7, 3),        false, 3.02),
        (3, spaced(8, 3),        false, 2.65),
    ];
    compare(table.map(|(hops, scheme, aps_acks, model)| {
        // Without the page recovery that the model has for nodes with processing times.
        (model, Download { aps_acks, recovery: Recovery::Patient, ..Download::new(scheme, hops) })
    }));
}

#[test]
fn blocks_of_other_sizes_reach_the_goodput_of_the_model() {
    #[rustfmt::skip]
    let table = [
        // block, APS acks, none, page 4 KB, W=2, W=4, W=8
        (32, [1.79, 3.43, 5.47, 2.72, 2.73, 2.79]),
        (50, [2.71, 5.04, 7.77, 4.00, 4.12, 4.17]),
        (65, [3.43, 6.25, 9.38, 4.95, 5.10, 5.03]),
    ];
    let schemes = [STOP_AND_WAIT, STOP_AND_WAIT, PAGE_4K, window(2), window(4), window(8)];
    compare(table.into_iter().flat_map(|(block, row)| {
        row.into_iter().zip(schemes).enumerate().map(move |(column, (model, scheme))| {
            (model, Download { block, aps_acks: column == 0, ..Download::new(scheme, 1) })
        })
    }));
}

/// Server delays of 0, 5, 10, 20 and 50 ms, and of 10 and 20 ms by a server that works on one response at a time.
const HOSTS: [(Micros, bool); 7] =
    [(0, false), (5, false), (10, false), (20, false), (50, false), (10, true), (20, true)];

type Row = (Scheme, bool, [f64; 7]);

fn with_processing(rows: &[Row], hops: Hops) -> Vec<(f64, Download)> {
    let cells = rows.iter().flat_map(|row| std::iter::repeat(row).zip(HOSTS.iter().zip(row.2)));
    let cell = |((scheme, aps_acks, _), ((delay, serial), model)): (&Row, (&(Micros, bool), f64))| {
        let plain = Download::new(*scheme, hops.hops);
        let download = Download {
            hops,
            aps_acks: *aps_acks,
            server_delay: delay * 1000,
            serial: *serial,
            store: 2000,
            ..plain
        };
        (model, download)
    };
    cells.map(cell).collect()
}

#[test]
#[expect(clippy::approx_constant, reason = "one of the figures is close to 2π")]
fn nodes_with_processing_times_reach_the_goodput_of_the_model() {
    #[rustfmt::skip]
    let rows = [
        //             APS acks  0     5     10    20    50    10 s  20 s
        (STOP_AND_WAIT, true,  [3.38, 3.25, 2.59, 1.85, 0.99, 2.59, 1.85]),
        (STOP_AND_WAIT, false, [5.18, 3.69, 2.86, 1.98, 1.03, 2.86, 1.98]),
        (window(2),     false, [4.87, 5.09, 5.46, 4.19, 2.12, 5.52, 3.20]),
        (window(4),     false, [4.98, 5.14, 5.10, 5.03, 4.19, 5.08, 3.20]),
        (window(8),     false, [4.96, 5.05, 5.09, 5.16, 5.03, 4.98, 3.19]),
        (window(4),     true,  [3.04, 2.98, 3.00, 3.00, 2.97, 2.99, 3.00]),
        (PAGE_1K,       false, [8.89, 8.52, 8.18, 7.57, 6.19, 5.94, 3.08]),
        (PAGE_4K,       false, [9.23, 9.13, 9.02, 8.83, 8.28, 6.28, 3.17]),
        (PAGE_1K_SLOW,  false, [1.34, 1.33, 1.33, 1.31, 1.26, 1.33, 1.31]),
    ];
    compare(with_processing(&rows, Hops { hops: 1, relay_delay: 0 }));
}

#[test]
fn nodes_over_three_hops_reach_the_goodput_of_the_model() {
    #[rustfmt::skip]
    let rows = [
        //             APS acks  0     5     10    20    50    10 s  20 s
        (STOP_AND_WAIT, true,  [0.96, 0.96, 0.97, 0.90, 0.64, 0.97, 0.90]),
        (STOP_AND_WAIT, false, [1.72, 1.52, 1.36, 1.12, 0.73, 1.36, 1.12]),
        (window(2),     false, [1.65, 1.65, 1.63, 1.55, 1.44, 1.63, 1.59]),
        (window(4),     false, [1.71, 1.69, 1.69, 1.71, 1.62, 1.68, 1.68]),
        (window(8),     false, [1.69, 1.67, 1.66, 1.66, 1.68, 1.69, 1.67]),
        (window(4),     true,  [0.93, 0.94, 0.96, 0.95, 0.95, 0.94, 0.95]),
        (PAGE_1K,       false, [2.63, 2.58, 2.50, 2.43, 2.20, 2.50, 2.55]),
        (PAGE_4K,       false, [2.68, 2.73, 2.66, 2.62, 2.40, 2.58, 2.61]),
        (PAGE_1K_SLOW,  false, [1.30, 1.29, 1.28, 1.27, 1.22, 1.28, 1.27]),
    ];
    compare(with_processing(&rows, Hops { hops: 3, relay_delay: 1000 }));
}

#[test]
fn losses_cost_as_much_as_in_the_model() {
    #[rustfmt::skip]
    let rows = [
        // loss           0     1%    5%
        (STOP_AND_WAIT, [2.86, 2.78, 2.447]),
        (window(4),     [5.11, 5.05, 4.742]),
        (window(8),     [5.12, 5.05, 4.796]),
        (PAGE_1K,       [8.18, 7.90, 6.917]),
        (PAGE_4K,       [9.03, 8.73, 7.648]),
    ];
    let cells = rows.iter().flat_map(|(scheme, row)| {
        let recovery = Recovery::Prompt { at_once: 2 };
        let download = Download { server_delay: 10_000, store: 2000, recovery, ..Download::new(*scheme, 1) };
        row.iter().zip([0.0, 0.01, 0.05]).map(move |(model, loss)| (*model, Download { loss, ..download }))
    });
    compare(cells);
}

#[test]
fn the_theoretical_limit_is_that_of_the_model() {
    let limit = |hops, block| (timing::limit(hops, block) / 10.0).round() / 100.0;
    assert_eq!([32, 50, 63, 64, 65].map(|block| limit(1, block)), [5.49, 7.81, 9.24, 9.35, 9.45]);
    assert_eq!([32, 50, 63, 64, 65].map(|block| limit(3, block)), [2.06, 2.89, 3.40, 3.44, 3.47]);
}

/// Stop-and-wait over a single hop has no contention.
#[test]
fn nothing_collides_when_only_one_station_sends() {
    for scheme in [STOP_AND_WAIT, PAGE_4K] {
        let measured = ideal_nodes::run(Download::new(scheme, 1), 7);
        assert_eq!((measured.traffic.collisions, measured.traffic.dropped, measured.repeats), (0, 0, 0));
    }
}
