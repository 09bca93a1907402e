//! Subcommand `candidates`: searches for OTA headers at every offset of a file.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use zigbee_ota::container::candidates;

use crate::error::Failure;
use crate::input_files::read;
use crate::terminal_escape;

/// List every offset at which an OTA header may start; a person must judge the candidates
///
/// The four bytes of the file identifier also occur by chance inside firmware, so there may be no OTA file at the
/// offset of a candidate.
#[derive(Args)]
pub struct Options {
    /// Any file
    file: PathBuf,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let path = &options.file;
    let bytes = read(path)?;
    let count = candidates(&bytes).count();
    writeln!(out, "{}: plausible headers, for a person to judge: {count}", terminal_escape::path(path))?;
    for candidate in candidates(&bytes) {
        let header = candidate.header;
        write!(out, "  byte {} ({:#x}): {}", candidate.offset, candidate.offset, header.id)?;
        write!(out, ", header length {}, total image size {}", header.header_len(), header.total_size)?;
        write!(out, ", header string {:?}", header.header_string.to_string())?;
        let present = bytes.len() - candidate.offset;
        match usize::try_from(header.total_size).unwrap_or(usize::MAX).saturating_sub(present) {
            0 => writeln!(out),
            missing => writeln!(out, ", {missing} bytes more than there are"),
        }?;
    }
    Ok(true)
}
