//! Subcommand `check`: one line per file about its completeness.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::Failure;
use crate::input::{InputFile, with};
use crate::name;
use crate::payload_report;
use crate::printable;
use crate::warnings::{faults, notes};

/// Say in one line per file whether it is complete
///
/// A file fails if it is no OTA file, is truncated, lies in a container with a wrong checksum, or has a payload whose
/// own checksum or length is wrong. Other irregularities are noted, and so is a file name that contradicts the header;
/// the header wins.
#[derive(Args)]
pub struct Options {
    /// Fail irregular files as well: files that are not exactly one conformant OTA file
    #[arg(long)]
    strict: bool,
    /// OTA files, or containers with an OTA file inside
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
        writeln!(out, "{}: {word}{notes}", printable::path(path))?;
    }
    Ok(well)
}

/// Returns the errors and the notes about a file.
fn verdict(options: &Options, path: &Path, opened: &InputFile<'_>) -> (Vec<String>, Vec<String>) {
    let (mut wrong, mut notes) = ([faults(opened), payload_report::faults(opened)].concat(), notes(opened));
    if options.strict {
        wrong.append(&mut notes);
    }
    notes.extend(misnamed(path, opened));
    (wrong, notes)
}

fn misnamed(path: &Path, opened: &InputFile<'_>) -> Option<String> {
    let header = opened.image.header();
    let name = name::of(path)?;
    let same = name.id == header.id && (name.hardware.is_none() || name.hardware == header.hardware);
    (!same).then(|| format!("the name does not fit: the header says {}", header.id))
}
