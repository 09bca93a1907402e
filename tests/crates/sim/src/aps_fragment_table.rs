//! Fragment table: goodput by block size, where blocks above 65 bytes are sent in APS fragments.

use std::fmt::Write as _;
use std::ops::Range;

use crate::net::Fragmentation;
use crate::radio::timing::LONGEST_BLOCK;
use crate::{Cell, Micros, goodput_table, table_rows};

/// Size of the file in bytes.
const BYTES: usize = 64_000;

/// Seeds of the runs behind each mean.
const SEEDS: Range<u64> = 0..4;

/// Sizes of the blocks in bytes: two that fit into a frame, the natural sizes of one more fragment each, and the largest.
pub const BLOCKS: [u8; 6] = [48, 64, 82, 143, 223, 255];

/// Settings of fragmentation: window, and pause in milliseconds.
pub const FRAGMENTS: [(u8, u8); 4] = [(3, 0), (1, 0), (3, 10), (1, 100)];

/// Transfer modes of the table.
pub const MODES: [&str; 4] = ["stop-and-wait", "window 4", "pages", "auto"];

/// Hops between server and client.
pub const HOPS: [u16; 2] = [1, 3];

/// Processing times of the server for each response, in milliseconds.
pub const DELAYS: [u64; 3] = [0, 10, 50];

/// Frame losses in percent, end to end.
pub const LOSSES: [u8; 3] = [0, 1, 5];

/// Row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// One of [`MODES`].
    pub mode: &'static str,
    /// One of [`HOPS`].
    pub hops: u16,
    /// One of [`DELAYS`].
    pub delay: u64,
    /// One of [`LOSSES`].
    pub loss: u8,
    /// One of [`BLOCKS`].
    pub block: u8,
    /// One of [`FRAGMENTS`]; `None` for blocks that fit into a frame.
    pub fragments: Option<(u8, u8)>,
    /// Mean goodput in bytes per second.
    pub mean: u32,
    /// Standard deviation of the goodput.
    pub deviation: u32,
}

impl Line {
    /// Returns the row with its measured values.
    ///
    /// # Panics
    /// If a client does not upgrade or violates a rule.
    fn measured(self) -> Self {
        let (_, transfer) = goodput_table::MODES[goodput_table::mode(self.mode)];
        let cell = Cell {
            hops: self.hops,
            server_delay: self.delay * 1000,
            loss: f64::from(self.loss) / 100.0,
            block: self.block,
            bytes: BYTES,
            ..Cell::USUAL
        };
        let goodput = cell.measure(SEEDS, |world| {
            world.client.transfer = transfer;
            world.net.fragments = self.fragments.map(|(window, pause)| Fragmentation {
                window,
                pause: Micros::from(pause) * 1000,
                ..Fragmentation::FULL
            });
        });
        Self { mean: goodput.mean.round() as u32, deviation: goodput.deviation.round() as u32, ..self }
    }
}

/// Returns all rows without measured values.
#[must_use]
pub fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for hops in HOPS {
        for delay in DELAYS {
            for loss in LOSSES {
                for block in BLOCKS {
                    let settings: Vec<_> = match block {
                        ..=LONGEST_BLOCK => vec![None],
                        _ => FRAGMENTS.map(Some).to_vec(),
                    };
                    for fragments in settings {
                        lines.extend(MODES.map(|mode| Line {
                            mode,
                            hops,
                            delay,
                            loss,
                            block,
                            fragments,
                            mean: 0,
                            deviation: 0,
                        }));
                    }
                }
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

const TITLE: &str =
    "mode\thops\tdelay_ms\tloss_percent\tblock\tfragment_window\tpause_ms\tbytes_per_s\tdeviation";

/// Formats the table as text: one row per line, columns separated by tabs. The window of a block without fragments is 0.
#[must_use]
pub fn write(lines: &[Line]) -> String {
    let mut text = format!("{TITLE}\n");
    for line in lines {
        let Line { mode, hops, delay, loss, block, fragments, mean, deviation } = line;
        let (window, pause) = fragments.unwrap_or_default();
        writeln!(text, "{mode}\t{hops}\t{delay}\t{loss}\t{block}\t{window}\t{pause}\t{mean}\t{deviation}")
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
        mode: goodput_table::MODES[goodput_table::mode(name)].0,
        hops: numbers[0] as u16,
        delay: numbers[1] as u64,
        loss: numbers[2] as u8,
        block: numbers[3] as u8,
        fragments: Some((numbers[4] as u8, numbers[5] as u8)).filter(|(window, _)| *window > 0),
        mean: numbers[6] as u32,
        deviation: numbers[7] as u32,
    };
    table_rows::rows(text, TITLE).into_iter().map(line).collect()
}
