//! Speed of downloads between this crate and other stacks, over the simulated radio channel: one hop, flash that takes
//! 2 ms for a block.
//!
//! `download_speed.tsv` holds the speed of each server in each transfer mode and of each client, in bytes per second. The test
//! fails when one becomes slower by more than 5 %; `WRITE_SPEED=1` writes the table anew.

use std::fmt::Write as _;
use std::{env, fs};

use zigbee_ota::file::SplitFile;
use zigbee_ota::server::StoreEntry;
use zigbee_ota_sim::foreign::{CLIENTS, ClientModel, OfferReaction, SERVERS};
use zigbee_ota_sim::simulation::{Settings, Simulation};
use zigbee_ota_sim::{Cell, file_of};

use crate::{HOUR, MODES};

const TABLE: &str = include_str!("download_speed.tsv");
const TITLE: &str = "peer\tmode\tloss_percent\tbytes_per_s\n";

/// Size of the file in bytes.
const SIZE: usize = 10_000;

/// Seeds of the runs behind each mean.
const SEEDS: u64 = 2;

/// Returns the mean speed in bytes per second; 0 where a download does not end.
fn speed(percent: u8, change: impl Fn(&mut Settings)) -> u32 {
    let file = file_of(SIZE, 0);
    let parts = SplitFile::parse(&file).expect("a file of our own");
    let cell = Cell { loss: f64::from(percent) / 100.0, ..Cell::USUAL };
    let mut sum = 0.0;
    for seed in 0..SEEDS {
        let mut settings = cell.settings(&parts, seed);
        settings.longest = 6 * HOUR;
        change(&mut settings);
        let report = Simulation::new(&settings, &[StoreEntry::new(&parts)]).run();
        if !report.all_upgraded() {
            return 0;
        }
        sum += report.clients[0].goodput();
    }
    (sum / SEEDS as f64).round() as u32
}

fn measure() -> String {
    let mut table = String::from(TITLE);
    let mut row = |peer: &str, mode: &str, percent: u8, speed: u32| {
        writeln!(table, "{peer}\t{mode}\t{percent}\t{speed}").expect("a string takes all");
    };
    for model in SERVERS {
        for (mode_name, mode) in MODES {
            for percent in [0, 5] {
                let speed = speed(percent, |settings| {
                    (settings.client.transfer, settings.host.model) = (mode, Some(*model));
                });
                row(&format!("server {}", model.name), mode_name, percent, speed);
            }
        }
    }
    for model in CLIENTS.iter().filter(|model| model.offer == OfferReaction::Download) {
        // A block that needs fragments has no place on this channel. Under loss the speed would be that of the client's
        // timers, of up to a day.
        let model = ClientModel { block: model.block.min(64), ..*model };
        let speed = speed(0, |settings| settings.client_models = vec![(1, model)]);
        row(&format!("client {}", model.name), "its own", 0, speed);
    }
    table
}

/// Rows without their speed, and the speeds.
fn read(table: &str) -> Vec<(&str, u32)> {
    table
        .lines()
        .skip(1)
        .map(|line| {
            let (row, speed) = line.rsplit_once('\t').unwrap_or_else(|| panic!("{line}: no speed"));
            (row, speed.parse().unwrap_or_else(|_| panic!("{line}: no speed")))
        })
        .collect()
}

#[test]
fn no_peer_becomes_slower() {
    let now = measure();
    if env::var_os("WRITE_SPEED").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign_stacks/download_speed.tsv");
        return fs::write(path, now).expect("a writable file");
    }
    let (now, then) = (read(&now), read(TABLE));
    let rows = |table: &[(&str, u32)]| table.iter().map(|(row, _)| (*row).to_owned()).collect::<Vec<_>>();
    assert_eq!(rows(&now), rows(&then), "each peer and mode has a row (WRITE_SPEED=1)");
    let slower = now.iter().zip(&then).filter(|((_, now), (_, then))| *now * 100 < *then * 95);
    let slower: Vec<_> = slower.map(|((row, now), (_, then))| format!("{row}: {now}, was {then}")).collect();
    assert!(slower.is_empty(), "bytes per second: {slower:#?}");
}
