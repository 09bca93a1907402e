//! `check`: whether files are whole.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::Failure;
use crate::input::{Opened, with};
use crate::name;
use crate::payload_report;
use crate::warnings::{faults, notes};

/// Say of each file in one line whether it is whole
///
/// A file fails that is no OTA file, is truncated, lies in a container whose sum is wrong, or has a payload that is not
/// as its own sum or length says. What else is irregular is noted, and so is a file name that says something else than
/// the header, which decides.
#[derive(Args)]
pub struct Options {
    /// Fail irregular files as well: those that are not exactly one OTA file by the letter
    #[arg(long)]
    strict: bool,
    /// OTA files, or containers with one inside
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let mut well = true;
    for path in &options.files {
        let (wrong, notes) = with(path, |opened| verdict(options, path, opened))
            .unwrap_or_else(|reason| (vec![reason.to_string()], Vec::new()));
        well &= wrong.is_empty();
        let word = if wrong.is_empty() { "ok".into() } else { format!("WRONG: {}", wrong.join("; ")) };
        let notes = if notes.is_empty() { String::new() } else { format!(" (note: {})", notes.join("; ")) };
        writeln!(out, "{}: {word}{notes}", path.display())?;
    }
    Ok(well)
}

/// What is wrong, and what is noted.
fn verdict(options: &Options, path: &Path, opened: &Opened<'_>) -> (Vec<String>, Vec<String>) {
    let (mut wrong, mut notes) = ([faults(opened), payload_report::faults(opened)].concat(), notes(opened));
    if options.strict {
        wrong.append(&mut notes);
    }
    notes.extend(misnamed(path, opened));
    (wrong, notes)
}

fn misnamed(path: &Path, opened: &Opened<'_>) -> Option<String> {
    let header = opened.image.header();
    let name = name::of(path)?;
    let same = name.id == header.id && (name.hardware.is_none() || name.hardware == header.hardware);
    (!same).then(|| format!("the name does not fit: the header says {}", header.id))
}
