//! Block sizes found from delivery reports on simulated networks: the cost of truthful reports on paths with random
//! loss, and the gain on paths that carry only short frames.

use zigbee_ota::client::TransferMode;
use zigbee_ota_sim::net::{ApsAcks, Narrow};
use zigbee_ota_sim::simulation::Settings;
use zigbee_ota_sim::{Cell, Micros};

const SECOND: Micros = 1_000_000;

/// Goodput in bytes per second over the seeds, with and without delivery reports.
fn with_and_without(cell: Cell, seeds: u64, change: impl Fn(&mut Settings)) -> (f64, f64) {
    let [with, without] = [true, false].map(|reports| {
        let measured = cell.measure(0..seeds, |settings| {
            change(settings);
            (settings.net.reports, settings.net.reports_to_clients) = (reports, false);
        });
        measured.mean
    });
    (with, without)
}

/// At any loss, a gateway that reports deliveries truthfully keeps 95 % of the speed of one that reports nothing.
///
/// Shows: FLD-042
#[test]
fn truthful_reports_cost_next_to_nothing() {
    // The report of a lost block comes after three retries, or at once.
    for known_after in [6_400_000, 0] {
        for loss in [0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2] {
            for (block, window) in [(64, 1), (50, 1), (64, 4)] {
                let cell = Cell { loss, block, bytes: 16_000, ..Cell::USUAL };
                // The backoff of a window at much loss makes single runs differ more.
                let seeds = if window > 1 && loss > 0.1 { 128 } else { 32 };
                let (with, without) = with_and_without(cell, seeds, |settings| {
                    settings.client.transfer =
                        TransferMode::Blocks { window: window.try_into().expect("a window") };
                    settings.net.aps_acks = ApsAcks::Residual { known_after };
                });
                let share = with / without;
                assert!(share >= 0.95, "{cell:?} {known_after} {window}: {with:.0} instead of {without:.0}");
            }
        }
    }
}

/// The same with the APS acknowledgements and retries of the simulated stack.
///
/// Shows: FLD-042
#[test]
fn reports_of_aps_acknowledgements_cost_next_to_nothing() {
    for loss in [0.0, 0.05, 0.1, 0.2] {
        let cell = Cell { loss, bytes: 16_000, ..Cell::USUAL };
        let (with, without) = with_and_without(cell, 24, |settings| settings.net.aps_acks = ApsAcks::AsAsked);
        assert!(with >= 0.95 * without, "{cell:?}: {with:.0} instead of {without:.0}");
    }
}

/// On a path that carries 40 bytes of data, blocks of 64 bytes never arrive. With reports, the download is nearly as fast
/// as that of a device that asks for 32 bytes from the start: the first three timeouts of the device take the rest. A path
/// that heals is used in full again.
///
/// Shows: FLD-042
#[test]
fn reports_find_the_size_that_the_path_carries() {
    let narrow = |from, until| Some(Narrow { longest: 17 + 40, from, until });
    for loss in [0.0, 0.05] {
        let cell = Cell { loss, bytes: 64_000, ..Cell::USUAL };
        let measure = |cell: Cell, narrow: Option<Narrow>| {
            let measured = cell.measure(0..8, |settings| {
                settings.net.aps_acks = ApsAcks::Residual { known_after: 0 };
                (settings.net.reports, settings.net.reports_to_clients) = (true, false);
                settings.net.faults.narrow = narrow;
            });
            measured.mean
        };
        let (known, found) =
            (measure(Cell { block: 32, ..cell }, None), measure(cell, narrow(0, Micros::MAX)));
        assert!(found >= 0.65 * known, "{loss}: {found:.0} instead of {known:.0}");

        let (sound, healed) = (measure(cell, None), measure(cell, narrow(5 * SECOND, 10 * SECOND)));
        assert!(healed >= 0.8 * sound, "{loss}: {healed:.0} instead of {sound:.0}");
    }
}
