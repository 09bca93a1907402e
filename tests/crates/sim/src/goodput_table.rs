//! Goodput table: every transfer mode, by hops, server delay and loss, beside an oracle: a client of the same mode on the
//! same channel that learns of every loss at the moment it happens.

use std::fmt::Write as _;
use std::num::{NonZeroU8, NonZeroU16};
use std::ops::Range;

use zigbee_ota::client::TransferMode;

use crate::{Cell, table_rows};

/// Size of the file in bytes.
const BYTES: usize = 200_000;

/// Seeds of the runs behind each mean.
const SEEDS: Range<u64> = 0..8;

/// Transfer modes with their names in the table.
pub const MODES: [(&str, TransferMode); 7] = [
    ("stop-and-wait", window(1)),
    ("window 2", window(2)),
    ("window 4", window(4)),
    ("window 8", window(8)),
    ("pages", pages(0)),
    ("pages, 21 ms", pages(21)),
    ("auto", TransferMode::Auto),
];

/// Returns the index into [`MODES`] of the mode with this name.
///
/// # Panics
/// If no mode has this name.
#[must_use]
pub fn mode(name: &str) -> usize {
    let known = MODES.iter().position(|(known, _)| *known == name);
    known.unwrap_or_else(|| panic!("{name} is no mode"))
}

/// Hops between server and client.
pub const HOPS: [u16; 2] = [1, 3];

/// Processing times of the server for each response, in milliseconds.
pub const DELAYS: [u64; 4] = [0, 10, 20, 50];

/// Frame losses in percent, end to end.
pub const LOSSES: [u8; 4] = [0, 1, 5, 10];

const fn window(window: u8) -> TransferMode {
    TransferMode::Blocks { window: NonZeroU8::new(window).expect("a window holds something") }
}

const fn pages(spacing: u16) -> TransferMode {
    TransferMode::Pages { size: NonZeroU16::new(4096).expect("a page has bytes"), spacing }
}

/// Row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Index into [`MODES`].
    pub mode: usize,
    /// One of [`HOPS`].
    pub hops: u16,
    /// One of [`DELAYS`].
    pub delay: u64,
    /// One of [`LOSSES`].
    pub loss: u8,
    /// Mean goodput over all seeds, in bytes per second.
    pub mean: u32,
    /// Standard deviation of the goodput.
    pub deviation: u32,
    /// Mean number of retries per 1000 blocks.
    pub repeats: u32,
    /// Mean goodput of the oracle; for `Auto` that of the best mode's oracle.
    pub oracle: u32,
}

impl Line {
    /// Row without measured values.
    fn empty(mode: usize, hops: u16, delay: u64, loss: u8) -> Self {
        Self { mode, hops, delay, loss, mean: 0, deviation: 0, repeats: 0, oracle: 0 }
    }

    /// Returns the combination that this row measures.
    #[must_use]
    pub fn cell(&self) -> Cell {
        let loss = f64::from(self.loss) / 100.0;
        Cell { hops: self.hops, server_delay: self.delay * 1000, loss, bytes: BYTES, ..Cell::USUAL }
    }

    /// Returns the goodput as a share of the oracle's.
    #[must_use]
    pub fn share(&self) -> f64 {
        f64::from(self.mean) / f64::from(self.oracle)
    }

    fn measured(self) -> Self {
        let (_, transfer) = MODES[self.mode];
        let oracle =
            self.cell().oracle().goodput(transfer, SEEDS).expect("a channel without APS acknowledgements");
        let all = self.cell().measure(SEEDS, |world| world.client.transfer = transfer);
        let blocks = BYTES as f64 / 64.0;
        Self {
            mean: all.mean.round() as u32,
            deviation: all.deviation.round() as u32,
            repeats: (1000.0 * all.repeats / blocks).round() as u32,
            oracle: oracle.round() as u32,
            ..self
        }
    }
}

/// Returns all rows without measured values, ordered by hops, delay, loss and mode; the mode varies fastest.
#[must_use]
pub fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for hops in HOPS {
        for delay in DELAYS {
            for loss in LOSSES {
                lines.extend((0..MODES.len()).map(|mode| Line::empty(mode, hops, delay, loss)));
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

const TITLE: &str = "mode\thops\tdelay_ms\tloss_percent\tbytes_per_s\tdeviation\trepeats_per_1000\toracle_bytes_per_s\tpercent_of_oracle";

/// Formats the table as text: one row per line, columns separated by tabs.
#[must_use]
pub fn write(lines: &[Line]) -> String {
    let mut text = format!("{TITLE}\n");
    for line in lines {
        let Line { mode, hops, delay, loss, mean, deviation, repeats, oracle } = line;
        let ((name, _), share) = (MODES[*mode], 100.0 * line.share());
        writeln!(
            text,
            "{name}\t{hops}\t{delay}\t{loss}\t{mean}\t{deviation}\t{repeats}\t{oracle}\t{share:.1}"
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
    let line = |(name, numbers): (&str, Vec<f64>)| Line {
        mode: mode(name),
        hops: numbers[0] as u16,
        delay: numbers[1] as u64,
        loss: numbers[2] as u8,
        mean: numbers[3] as u32,
        deviation: numbers[4] as u32,
        repeats: numbers[5] as u32,
        oracle: numbers[6] as u32,
    };
    table_rows::rows(text, TITLE).into_iter().map(line).collect()
}
