//! Subcommand `name`: prints the recommended names of files, or parses such a name.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use zigbee_ota::file::FileName;

use crate::argument_parsers::suffix;
use crate::error::{Failure, complain};
use crate::input_files::with;
use crate::terminal_escape;
use crate::terminal_table;

/// Print the recommended file name of each OTA file, or parse such a name
#[derive(Args)]
pub struct Options {
    /// OTA files, or containers with an OTA file inside; with several files each output line starts with the current
    /// name
    #[arg(value_name = "FILE", required_unless_present = "parse")]
    files: Vec<PathBuf>,
    /// Free text at the end of the printed name
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, value_parser = suffix)]
    suffix: String,
    /// Parse this name and print its fields
    #[arg(long, value_name = "NAME", conflicts_with_all = ["files", "suffix"])]
    parse: Option<PathBuf>,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    if let Some(path) = &options.parse {
        parse(path, out)?;
    }
    let mut well = true;
    for path in &options.files {
        let id = match with(path, |opened| opened.image.header().id) {
            Ok(id) => id,
            Err(reason) => {
                complain(Failure::at(path, reason));
                well = false;
                continue;
            }
        };
        let name = FileName::new(id).with_suffix(&options.suffix);
        match options.files.as_slice() {
            [_] => writeln!(out, "{name}"),
            _ => writeln!(out, "{}: {name}", terminal_escape::path(path)),
        }?;
    }
    Ok(well)
}

fn parse(path: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let Some(name) = of(path) else {
        return Err(Failure::at(path, "no recommended name; expected one like 1001-00AB-10053519.zigbee"));
    };
    terminal_table::id(name.id, out)?;
    terminal_table::hardware(name.hardware, out)?;
    terminal_table::row(out, "suffix", format_args!("{:?}", name.suffix))?;
    terminal_table::row(out, "extension", format_args!("{:?}", name.extension))?;
    Ok(())
}

/// Parses the name of the file at `path`.
pub fn of(path: &Path) -> Option<FileName<'_>> {
    FileName::parse(path.file_name()?.to_str()?)
}
