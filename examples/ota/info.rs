//! Subcommand `info`: contents of files as table or JSON.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{Failure, complain};
use crate::input::with;
use crate::json::{File, NoFile};
use crate::printable;
use crate::terminal_table;

/// Show header, elements, payloads, container and irregularities of each file
#[derive(Args)]
pub struct Options {
    /// Print one JSON object per file, one per line
    #[arg(long)]
    json: bool,
    /// OTA files, or containers with an OTA file inside
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let mut well = true;
    for (at, path) in options.files.iter().enumerate() {
        let shown = if options.json { as_json(path, out) } else { as_table(at > 0, path, out) };
        well &= shown?;
    }
    Ok(well)
}

fn as_json(path: &Path, out: &mut impl Write) -> io::Result<bool> {
    let (line, well) = match with(path, |opened| serde_json::to_string(&File::new(path, opened))) {
        Ok(line) => (line, true),
        Err(reason) => (serde_json::to_string(&NoFile::new(path, reason)), false),
    };
    writeln!(out, "{}", printable::json(&line?))?;
    Ok(well)
}

fn as_table(further: bool, path: &Path, out: &mut impl Write) -> io::Result<bool> {
    let shown = with(path, |opened| {
        if further {
            writeln!(out)?;
        }
        terminal_table::file(path, opened, out)
    });
    match shown {
        Ok(written) => written.map(|()| true),
        Err(reason) => {
            complain(Failure::at(path, reason));
            Ok(false)
        }
    }
}
