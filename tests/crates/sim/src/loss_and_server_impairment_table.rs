//! Impairment table: goodput beside that of an oracle where losses come in bursts, and with servers that pace, that answer one
//! of several requests, or that number their answers themselves.

use std::fmt::Write as _;
use std::ops::Range;

use zigbee_ota::client::TransferMode;

use crate::foreign::{Numbering, Overload, PageService, SERVERS, ServerModel};
use crate::goodput_table::{self, MODES};
use crate::ideal_nodes::Oracle;
use crate::net::Burst;
use crate::simulation::Settings;
use crate::{Cell, Micros, table_rows};

const MILLI: Micros = 1000;

/// Size of the file in bytes.
const BYTES: usize = 100_000;

/// Seeds of the runs behind each mean.
const SEEDS: Range<u64> = 0..4;

/// Pause of the pacing server between two blocks, the default of zigbee2mqtt.
const PACE: Micros = 250 * MILLI;

/// Impairment of the path or of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impairment {
    /// No impairment but independent losses.
    None,
    /// Each two seconds, nearly all frames are lost for about 100 ms.
    ShortBursts,
    /// Each twenty seconds, nearly all frames are lost for about one second.
    LongBursts,
    /// The server sends a block each 250 ms, and drops requests that arrive meanwhile.
    Pace,
    /// The server drops requests that arrive while it works on a response.
    OneAtATime,
    /// The server numbers its answers by a counter of its own, and serves no pages.
    OwnNumbers,
}

/// Impairments with their names in the table.
pub const IMPAIRMENTS: [(&str, Impairment); 6] = [
    ("none", Impairment::None),
    ("bursts of 100 ms", Impairment::ShortBursts),
    ("bursts of 1 s", Impairment::LongBursts),
    ("pace of 250 ms", Impairment::Pace),
    ("one of several", Impairment::OneAtATime),
    ("own numbers", Impairment::OwnNumbers),
];

/// Hops between server and client.
pub const HOPS: [u16; 2] = [1, 3];

/// Independent losses of frames in percent, end to end.
pub const LOSSES: [u8; 4] = [0, 1, 5, 10];

/// Row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Index into [`IMPAIRMENTS`].
    pub impairment: usize,
    /// Index into [`MODES`].
    pub mode: usize,
    /// One of [`HOPS`].
    pub hops: u16,
    /// One of [`LOSSES`].
    pub loss: u8,
    /// Mean goodput in bytes per second.
    pub mean: u32,
    /// Standard deviation of the goodput.
    pub deviation: u32,
    /// Mean number of retries per 1000 blocks.
    pub repeats: u32,
    /// Mean goodput of the oracle; for `Auto` that of the best mode's oracle.
    pub oracle: u32,
}

impl Impairment {
    const fn burst(self) -> Option<Burst> {
        let (every, lasts) = match self {
            Self::ShortBursts => (2000 * MILLI, 100 * MILLI),
            Self::LongBursts => (20_000 * MILLI, 1000 * MILLI),
            Self::None | Self::Pace | Self::OneAtATime | Self::OwnNumbers => return None,
        };
        Some(Burst { every, lasts, loss: 0.95 })
    }

    /// Changes the settings of a simulation.
    fn apply(self, world: &mut Settings) {
        let plain = SERVERS[0];
        world.net.faults.burst = self.burst();
        match self {
            Self::None | Self::ShortBursts | Self::LongBursts => {}
            Self::Pace => {
                let pages = PageService::Served {
                    keeps_spacing: false,
                    least_spacing: PACE,
                    drops_others: true,
                    endless: false,
                };
                world.host.model =
                    Some(ServerModel { between: PACE, overload: Overload::Drops, pages, ..plain });
            }
            Self::OneAtATime => world.host.one_at_a_time = true,
            Self::OwnNumbers => {
                let pages = PageService::Unsupported;
                world.host.model = Some(ServerModel { numbering: Numbering::Own, pages, ..plain });
            }
        }
    }

    /// Returns the modes of which one is the best that a client of `transfer` can do. A window gains nothing at a server that
    /// answers one of several, and requests blocks one by one from a server without pages.
    fn best_modes(self, transfer: TransferMode) -> Vec<TransferMode> {
        let [single, two, four, eight, pages, spaced, _] = MODES.map(|(_, mode)| mode);
        match (self, transfer) {
            (Self::OneAtATime, TransferMode::Blocks { .. }) => vec![single],
            (Self::OneAtATime, TransferMode::Auto) => vec![single, pages, spaced],
            (Self::OwnNumbers, TransferMode::Pages { .. }) => vec![single],
            (Self::OwnNumbers, TransferMode::Auto) => vec![single, two, four, eight],
            (_, transfer) => vec![transfer],
        }
    }
}

impl Line {
    /// Returns the goodput as a share of the oracle's.
    #[must_use]
    pub fn share(&self) -> f64 {
        f64::from(self.mean) / f64::from(self.oracle)
    }

    fn measured(self) -> Self {
        let (_, transfer) = MODES[self.mode];
        let (_, impairment) = IMPAIRMENTS[self.impairment];
        let cell = Cell { hops: self.hops, loss: f64::from(self.loss) / 100.0, bytes: BYTES, ..Cell::USUAL };
        let mut oracle = cell.oracle();
        oracle.net.faults.burst = impairment.burst();
        let oracle = Oracle { between: if impairment == Impairment::Pace { PACE } else { 0 }, ..oracle };
        let best = impairment.best_modes(transfer).into_iter();
        let best = best.filter_map(|mode| oracle.goodput(mode, SEEDS)).fold(0.0, f64::max);
        let all = cell.measure(SEEDS, |world| {
            world.client.transfer = transfer;
            impairment.apply(world);
        });
        let blocks = BYTES as f64 / 64.0;
        Self {
            mean: all.mean.round() as u32,
            deviation: all.deviation.round() as u32,
            repeats: (1000.0 * all.repeats / blocks).round() as u32,
            oracle: best.round() as u32,
            ..self
        }
    }
}

/// Returns all rows without measured values.
#[must_use]
pub fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for impairment in 0..IMPAIRMENTS.len() {
        for hops in HOPS {
            for loss in LOSSES {
                let line = |mode| Line {
                    impairment,
                    mode,
                    hops,
                    loss,
                    mean: 0,
                    deviation: 0,
                    repeats: 0,
                    oracle: 0,
                };
                lines.extend((0..MODES.len()).map(line));
            }
        }
    }
    lines
}

/// Measures the rows `all` on all processors. `report_row` is called after each row.
///
/// # Panics
/// If a client does not upgrade or violates a rule.
#[must_use]
pub fn measure(all: Vec<Line>, report_row: impl Fn() + Sync) -> Vec<Line> {
    table_rows::measure(all, Line::measured, report_row)
}

const TITLE: &str = "impairment, mode\thops\tloss_percent\tbytes_per_s\tdeviation\trepeats_per_1000\toracle_bytes_per_s\tpercent_of_oracle";

/// Formats the table as text: one row per line, columns separated by tabs.
#[must_use]
pub fn write(lines: &[Line]) -> String {
    let mut text = format!("{TITLE}\n");
    for line in lines {
        let Line { impairment, mode, hops, loss, mean, deviation, repeats, oracle } = line;
        let (name, mode, share) = (IMPAIRMENTS[*impairment].0, MODES[*mode].0, 100.0 * line.share());
        writeln!(
            text,
            "{name}: {mode}\t{hops}\t{loss}\t{mean}\t{deviation}\t{repeats}\t{oracle}\t{share:.1}"
        )
        .expect("a string takes all");
    }
    text
}

/// Parses the output of [`write`].
///
/// # Panics
/// If `text` is not such a table.
#[must_use]
pub fn read(text: &str) -> Vec<Line> {
    let line = |(name, numbers): (&str, Vec<f64>)| {
        let (impairment, mode) = name.split_once(": ").unwrap_or_else(|| panic!("{name}: two names"));
        let known = IMPAIRMENTS.iter().position(|(known, _)| *known == impairment);
        Line {
            impairment: known.unwrap_or_else(|| panic!("{impairment} is no impairment")),
            mode: goodput_table::mode(mode),
            hops: numbers[0] as u16,
            loss: numbers[1] as u8,
            mean: numbers[2] as u32,
            deviation: numbers[3] as u32,
            repeats: numbers[4] as u32,
            oracle: numbers[5] as u32,
        }
    };
    table_rows::rows(text, TITLE).into_iter().map(line).collect()
}
