//! Subcommand `info`: prints the contents of files as a table or as JSON.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{Failure, complain};
use crate::input_files::{expand, with_inspection};
use crate::json_output::{self, File, NoFile};
use crate::terminal_table;

/// Show header, elements, payloads, container and findings of each file
///
/// The first five lines are a summary: type of the file, target devices, completeness, signature, and whether the
/// payload agrees with the header.
#[derive(Args)]
pub struct Options {
    /// Print one JSON object per file, one per line
    #[arg(long)]
    json: bool,
    /// OTA files, or containers with an OTA file inside; a folder stands for the files in it and its subfolders, except
    /// .json, .md and .txt files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let mut out = BufWriter::new(out);
    let mut well = true;
    for (at, path) in expand(&options.files)?.iter().enumerate() {
        let shown = if options.json { as_json(path, &mut out) } else { as_table(at > 0, path, &mut out) };
        well &= shown?;
    }
    out.flush()?;
    Ok(well)
}

fn as_json(path: &Path, out: &mut impl Write) -> io::Result<bool> {
    let written = with_inspection(path, |opened, inspection| {
        json_output::write_line(&File::new(path, opened, &inspection), out)
    });
    match written {
        Ok(written) => written.map(|()| true),
        Err(reason) => json_output::write_line(&NoFile::new(path, reason), out).map(|()| false),
    }
}

fn as_table(further: bool, path: &Path, out: &mut impl Write) -> io::Result<bool> {
    let shown = with_inspection(path, |opened, inspection| {
        if further {
            writeln!(out)?;
        }
        terminal_table::file(path, opened, &inspection, out)
    });
    match shown {
        Ok(written) => written.map(|()| true),
        Err(reason) => {
            // The output is flushed here, so that a message about a file on standard error appears next to the output
            // for the file.
            out.flush()?;
            complain(Failure::at(path, reason));
            Ok(false)
        }
    }
}
