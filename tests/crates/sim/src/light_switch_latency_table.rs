//! Latency of light switches while a fleet upgrades, with and without the server's background pace.
//!
//! ```text
//! switches --1 to n hops--> lamps         a command each second, to a random lamp; its latency is measured
//! server ----n hops-------> lamps         all of them upgrade
//! ```

use std::fmt::Write as _;
use std::num::NonZeroU8;

use zigbee_ota::client::TransferMode;
use zigbee_ota::file::SplitFile;
use zigbee_ota::server::{ServerConfig, StoreEntry};
use zigbee_ota::time::Millis;

use crate::Micros;
use crate::net::{self, ApsAcks, Hops};
use crate::sample_files::file_of;
use crate::simulation::{DeviceSettings, HostSettings, Settings, Simulation, Violation};

/// Number of lamps.
const DEVICES: u16 = 100;

/// Size of the file in bytes; the fleet does not get it all within [`DURATION`].
const BYTES: usize = 20_000;

/// Interval between two commands.
const INTERVAL: Micros = 1_000_000;

/// Duration of a measurement.
const DURATION: Micros = 600 * INTERVAL;

/// Interval between the first queries of two lamps.
const STAGGER: Millis = Millis(500);

/// Distances between the server and the lamps, in hops.
pub const HOPS: [u16; 3] = [1, 2, 3];

/// What the fleet does, with the names in the table: nothing; downloads with the server's default; downloads without
/// regard to others.
pub const FLEETS: [(&str, Option<(TransferMode, bool)>); 5] = [
    ("idle", None),
    ("stop-and-wait", Some((STOP_AND_WAIT, true))),
    ("stop-and-wait, without regard", Some((STOP_AND_WAIT, false))),
    ("auto", Some((TransferMode::Auto, true))),
    ("auto, without regard", Some((TransferMode::Auto, false))),
];

const STOP_AND_WAIT: TransferMode = TransferMode::Blocks { window: NonZeroU8::MIN };

/// Row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Index into [`FLEETS`].
    pub fleet: usize,
    /// One of [`HOPS`].
    pub hops: u16,
    /// Median latency of a command in microseconds.
    pub median: Micros,
    /// 95th percentile of the latency in microseconds; [`Micros::MAX`] if more than one in twenty commands is lost.
    pub p95: Micros,
    /// Number of commands in a thousand that never arrived.
    pub lost: u32,
    /// Bytes per second that the whole fleet stored.
    pub goodput: u32,
}

impl Line {
    /// Measures a row. The same seed gives the same row.
    ///
    /// # Panics
    /// If a rule of the simulation is violated.
    #[must_use]
    pub fn measure(fleet: usize, hops: u16, seed: u64) -> Self {
        let file = file_of(BYTES, 0);
        let parts = SplitFile::parse(&file).expect("a file of our own");
        let mut plain = Settings::new(&parts);
        let mut config = ServerConfig::default();
        plain.client.max_block_size = NonZeroU8::MIN.saturating_add(63);
        match FLEETS[fleet].1 {
            None => plain.client.first_query_delay = Millis(u32::MAX / 2),
            Some((transfer, is_polite)) => {
                plain.client.transfer = transfer;
                config.background_from = config.background_from.filter(|_| is_polite);
            }
        }
        let settings = Settings {
            seed,
            clients: DEVICES,
            stagger: STAGGER,
            device: DeviceSettings { write: 2000, ..DeviceSettings::default() },
            host: HostSettings {
                slots: DEVICES,
                delay: 10_000,
                notify: None,
                config,
                ..HostSettings::default()
            },
            net: net::Settings {
                radio: Some(Hops { hops, relay_delay: 0 }),
                aps_acks: ApsAcks::AsAsked,
                reports: true,
                ..net::Settings::default()
            },
            commands: Some(INTERVAL),
            longest: DURATION,
            ..plain
        };
        let report = Simulation::new(&settings, &[StoreEntry::new(&parts)]).run();
        // The measurement ends in the middle of the upgrade.
        let violated = report.violations.iter().find(|(_, violation)| *violation != Violation::Stalled);
        assert_eq!(violated, None, "{} over {hops} hops", FLEETS[fleet].0);
        let latencies = report.latencies.iter().map(|latency| latency.unwrap_or(Micros::MAX));
        let mut latencies: Vec<_> = latencies.collect();
        latencies.sort_unstable();
        let last = latencies.len() - 1;
        let lost = latencies.iter().filter(|latency| **latency == Micros::MAX).count();
        let bytes: u64 = report.clients.iter().map(|client| client.bytes).sum();
        Self {
            fleet,
            hops,
            median: latencies[last / 2],
            p95: latencies[last * 95 / 100],
            lost: (1000 * lost / latencies.len()) as u32,
            goodput: (bytes * 1_000_000 / DURATION) as u32,
        }
    }
}

/// Measures the whole table on two threads for each distance.
///
/// # Panics
/// If a rule of the simulation is violated.
#[must_use]
pub fn measure() -> Vec<Line> {
    let rows = HOPS.iter().flat_map(|hops| (0..FLEETS.len()).map(move |fleet| (fleet, *hops)));
    std::thread::scope(|scope| {
        let runs: Vec<_> =
            rows.map(|(fleet, hops)| scope.spawn(move || Line::measure(fleet, hops, 1))).collect();
        runs.into_iter().map(|run| run.join().expect("no rule is violated")).collect()
    })
}

const TITLE: &str = "fleet\thops\tmedian_us\tp95_us\tlost_per_1000\tbytes_per_s";

/// Formats the table as text: one row per line, columns separated by tabs. A percentile of lost commands is `never`.
#[must_use]
pub fn write(lines: &[Line]) -> String {
    let time = |micros: Micros| if micros == Micros::MAX { "never".to_owned() } else { micros.to_string() };
    let mut text = format!("{TITLE}\n");
    for Line { fleet, hops, median, p95, lost, goodput } in lines {
        let (name, _) = FLEETS[*fleet];
        let (median, p95) = (time(*median), time(*p95));
        writeln!(text, "{name}\t{hops}\t{median}\t{p95}\t{lost}\t{goodput}").expect("a string takes all");
    }
    text
}

/// Parses the output of [`write`].
///
/// # Panics
/// If `text` is not such a table.
#[must_use]
pub fn read(text: &str) -> Vec<Line> {
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some(TITLE), "the title");
    let time = |cell: &str| if cell == "never" { Micros::MAX } else { cell.parse().expect("a time") };
    rows.map(|row| {
        let cells: Vec<&str> = row.split('\t').collect();
        let &[name, hops, median, p95, lost, goodput] = cells.as_slice() else {
            panic!("{row}: six columns")
        };
        let number = |cell: &str| cell.parse::<u32>().expect("a number");
        Line {
            fleet: FLEETS.iter().position(|(known, _)| *known == name).expect("a fleet of the table"),
            hops: number(hops) as u16,
            median: time(median),
            p95: time(p95),
            lost: number(lost),
            goodput: number(goodput),
        }
    })
    .collect()
}
