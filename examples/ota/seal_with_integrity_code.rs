//! Subcommand `seal`: appends an integrity code to a file.

use std::path::PathBuf;

use clap::Args;
use zigbee_ota::signature::integrity::IntegrityCode;

use crate::atomic_write::replace;
use crate::error::Failure;
use crate::input_files::read;

/// Append an integrity code to a file
///
/// The integrity code detects damage in transit, but does not prove who made the file. A signature must be the last
/// element, so seal a file first and sign it afterwards; `sign` updates the integrity code.
#[derive(Args)]
pub struct Options {
    /// File to write: the input with the integrity code
    #[arg(short = 'o', long = "to", value_name = "OUT")]
    to: PathBuf,
    /// OTA file without an integrity code and without a signature
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(options: &Options) -> Result<bool, Failure> {
    let file = read(&options.file)?;
    let mut sealed = vec![0; file.len() + IntegrityCode::LEN];
    IntegrityCode::append(&file, &mut sealed).map_err(|error| Failure::at(&options.file, error))?;
    replace(&options.to, &sealed)?;
    Ok(true)
}
