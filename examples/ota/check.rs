//! Subcommand `check`: prints one line per file, with the result (ok or WRONG) and the reasons.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use zigbee_ota::inspect::{FindingKind, Inspection, Severity};

use crate::error::Failure;
use crate::input_files::{InputFile, expand, with_inspection};
use crate::name;
use crate::terminal_escape;

/// Check files, and print one line per file
///
/// A file is WRONG if no device should get the file: it is not an OTA file, is truncated, has a wrong checksum, has an
/// element that runs past the end, or suits no hardware version. For a doubtful file, or a file that is not exactly one
/// conformant OTA file, the command prints notes. A file name that contradicts the header is also a note, because
/// devices use only the header.
#[derive(Args)]
pub struct Options {
    /// Also fail doubtful files, and files that are not exactly one conformant OTA file
    #[arg(long)]
    strict: bool,
    /// Accept a file whose body is a raw image without elements, in any format
    #[arg(long)]
    raw_body: bool,
    /// OTA files, or containers with an OTA file inside; a folder stands for the files in it and its subfolders, except
    /// .json, .md and .txt files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let mut well = true;
    for path in &expand(&options.files)? {
        let (wrong, notes) =
            with_inspection(path, |opened, inspection| verdict(options, path, opened, inspection))
                .unwrap_or_else(|reason| (vec![reason.to_string()], Vec::new()));
        well &= wrong.is_empty();
        let word = if wrong.is_empty() { "ok".into() } else { format!("WRONG: {}", wrong.join("; ")) };
        let notes = if notes.is_empty() { String::new() } else { format!(" (note: {})", notes.join("; ")) };
        writeln!(out, "{}: {word}{notes}", terminal_escape::path(path))?;
    }
    Ok(well)
}

/// Returns the errors and the notes about a file.
fn verdict(
    options: &Options,
    path: &Path,
    opened: &InputFile<'_>,
    inspection: Inspection<'_>,
) -> (Vec<String>, Vec<String>) {
    let inspection = if options.raw_body { inspection.allow_raw_body() } else { inspection };
    let (wrong, notes): (Vec<_>, Vec<_>) = inspection.findings().partition(|finding| {
        finding.severity == Severity::Wrong || options.strict && finding.is_irregularity()
    });
    // A payload whose version differs from the header may still be complete, so `check` does not report the difference;
    // `info` shows it.
    let notes: Vec<_> = notes
        .into_iter()
        .filter(|finding| !matches!(finding.kind, FindingKind::PayloadContradictsHeader { .. }))
        .collect();
    let [wrong, mut notes] = [wrong, notes].map(|findings| merged(findings.iter().map(ToString::to_string)));
    notes.extend(misnamed(path, opened));
    (wrong, notes)
}

/// Returns each distinct text once, with the number of its occurrences, in the order of the first occurrences.
fn merged(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for text in texts {
        match counted.last_mut().filter(|(last, _)| *last == text) {
            Some((_, count)) => *count += 1,
            None => counted.push((text, 1)),
        }
    }
    counted
        .into_iter()
        .map(|(text, count)| if count > 1 { format!("{text} ({count} times)") } else { text })
        .collect()
}

fn misnamed(path: &Path, opened: &InputFile<'_>) -> Option<String> {
    let header = opened.image.header();
    let name = name::of(path)?;
    let same = name.id == header.id && (name.hardware.is_none() || name.hardware == header.hardware);
    (!same).then(|| format!("the name does not fit: the header says {}", header.id))
}
