//! Sleepy table: goodput and energy of devices that receive only when they poll, by transfer mode.
//!
//! The energy is the time for which the radio is on, because a receiver takes about as much power as a sender.

use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::ops::Range;

use zigbee_ota::client::TransferMode;

use crate::{Cell, Micros, goodput_table, table_rows};

/// Size of the file in bytes.
const BYTES: usize = 16_000;

/// Seeds of the runs behind each mean.
const SEEDS: Range<u64> = 0..4;

/// Hops between server and client; the parent is a relay.
const HOPS: u16 = 2;

/// Transfer modes of the table. The blocks of `pages, spaced` are as far apart as the polls.
pub const MODES: [&str; 6] = ["stop-and-wait", "window 2", "window 4", "pages", "pages, spaced", "auto"];

/// Time between two polls in milliseconds; 0 for a radio that is always on.
pub const POLLS: [u16; 6] = [0, 250, 500, 1000, 2000, 7500];

/// Number of frames that the parent holds for the device.
pub const HELD: [u8; 3] = [1, 4, 16];

/// Frame losses in percent, end to end.
pub const LOSSES: [u8; 2] = [0, 5];

/// Row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// One of [`MODES`].
    pub mode: &'static str,
    /// One of [`POLLS`].
    pub poll: u16,
    /// One of [`HELD`].
    pub held: u8,
    /// One of [`LOSSES`].
    pub loss: u8,
    /// Mean goodput in bytes per second.
    pub mean: u32,
    /// Mean time in milliseconds for which the radio was on for each 1000 bytes.
    pub radio_on: u32,
    /// Mean number of retries per 1000 blocks.
    pub repeats: u32,
}

/// Returns the transfer mode with this name for polls with this interval.
fn transfer(mode: &str, poll: u16) -> TransferMode {
    match mode {
        "pages, spaced" => {
            TransferMode::Pages { size: NonZeroU16::new(4096).expect("a page has bytes"), spacing: poll }
        }
        mode => goodput_table::MODES[goodput_table::mode(mode)].1,
    }
}

impl Line {
    fn measured(self) -> Self {
        let loss = f64::from(self.loss) / 100.0;
        let cell = Cell { hops: HOPS, loss, bytes: BYTES, ..Cell::USUAL };
        let goodput = cell.measure(SEEDS, |world| {
            let poll = Micros::from(self.poll) * 1000;
            world.device.sleep = (poll > 0).then_some((poll, poll));
            world.net.most_held = self.held.into();
            world.client.transfer = transfer(self.mode, self.poll);
        });
        let blocks = BYTES as f64 / 64.0;
        Self {
            mean: goodput.mean.round() as u32,
            radio_on: (goodput.radio_on / 1000.0).round() as u32,
            repeats: (1000.0 * goodput.repeats / blocks).round() as u32,
            ..self
        }
    }
}

/// Returns all rows without measured values. A parent holds nothing for a device whose radio is always on.
#[must_use]
pub fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for poll in POLLS {
        for held in HELD.into_iter().filter(|held| poll > 0 || *held == HELD[0]) {
            for loss in LOSSES {
                lines.extend(MODES.map(|mode| Line {
                    mode,
                    poll,
                    held,
                    loss,
                    mean: 0,
                    radio_on: 0,
                    repeats: 0,
                }));
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
    "mode\tpoll_ms\theld_frames\tloss_percent\tbytes_per_s\tradio_on_ms_per_1000_bytes\trepeats_per_1000";

/// Formats the table as text: one row per line, columns separated by tabs.
#[must_use]
pub fn write(lines: &[Line]) -> String {
    let mut text = format!("{TITLE}\n");
    for Line { mode, poll, held, loss, mean, radio_on, repeats } in lines {
        writeln!(text, "{mode}\t{poll}\t{held}\t{loss}\t{mean}\t{radio_on}\t{repeats}")
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
        let known = MODES.into_iter().find(|known| *known == name);
        Line {
            mode: known.unwrap_or_else(|| panic!("{name} is no mode")),
            poll: numbers[0] as u16,
            held: numbers[1] as u8,
            loss: numbers[2] as u8,
            mean: numbers[3] as u32,
            radio_on: numbers[4] as u32,
            repeats: numbers[5] as u32,
        }
    };
    table_rows::rows(text, TITLE).into_iter().map(line).collect()
}
