//! Command line tool for Zigbee OTA files: shows, creates, splits, names, checks, verifies, seals, signs, indexes and
//! reconstructs files, and makes keys and certificates for tests of signatures.
//!
//! `cargo run --example ota -- --help` lists the subcommands. Exit status 0 for success, 1 when a file is no OTA file
//! or an operation failed, 2 when the command line is wrong or there is nothing to do.

// The program reads the clock to check the validity of certificates; the library takes the time as an argument.
#![allow(clippy::disallowed_methods)]

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod argument_parsers;
mod atomic_write;
#[path = "../common/capture/mod.rs"]
mod capture;
mod certify;
mod check;
mod choose_index_entry;
mod create;
mod digest_and_attach;
mod download_picture;
mod download_table;
mod element_args;
mod error;
mod extract;
mod file_summary;
mod header_candidates;
#[path = "../common/hex_lines.rs"]
mod hex_lines;
mod index;
mod info;
mod input_files;
mod irregularity_words;
mod json_output;
mod keygen;
mod matter_image_header;
mod name;
#[path = "../common/number_args.rs"]
mod number_args;
mod overheard_image_assembly;
mod payload_report;
#[cfg(feature = "openssl")]
mod private_key_file;
mod reconstruct;
mod seal_with_integrity_code;
mod sign;
#[path = "../common/terminal_escape.rs"]
mod terminal_escape;
mod terminal_table;
#[path = "../common/trust_args.rs"]
mod trust_args;
#[path = "../common/unix_time_text.rs"]
mod unix_time_text;
mod verify;

use error::{Failure, complain};

/// Show, create, split, name, check, verify, seal, sign, index and reconstruct Zigbee OTA files.
#[derive(Parser)]
#[command(name = "ota")]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Info(info::Options),
    Create(create::Options),
    Extract(extract::Options),
    Name(name::Options),
    Check(check::Options),
    Candidates(header_candidates::Options),
    Verify(verify::Options),
    Seal(seal_with_integrity_code::Options),
    Sign(sign::Options),
    Keygen(keygen::Options),
    Certify(certify::Options),
    Digest(digest_and_attach::Prepare),
    Attach(digest_and_attach::Attach),
    Index(index::Options),
    Choose(choose_index_entry::Options),
    Reconstruct(reconstruct::Options),
}

fn main() -> ExitCode {
    match run(Options::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // If the reader of the output has closed the pipe, the program ends without an error.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            if matches!(failure, Failure::Nothing(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Runs a subcommand. Returns whether no file had an error.
fn run(command: Command) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    let well = match command {
        Command::Info(options) => info::run(&options, &mut out),
        Command::Create(options) => create::run(&options, &mut out),
        Command::Extract(options) => extract::run(&options),
        Command::Name(options) => name::run(&options, &mut out),
        Command::Check(options) => check::run(&options, &mut out),
        Command::Candidates(options) => header_candidates::run(&options, &mut out),
        Command::Verify(options) => verify::run(&options, &mut out),
        Command::Seal(options) => seal_with_integrity_code::run(&options),
        Command::Sign(options) => sign::run(&options),
        Command::Keygen(options) => keygen::run(&options, &mut out),
        Command::Certify(options) => certify::run(&options, &mut out),
        Command::Digest(options) => digest_and_attach::digest(&options, &mut out),
        Command::Attach(options) => digest_and_attach::attach(&options),
        Command::Index(options) => index::run(&options, &mut out),
        Command::Choose(options) => choose_index_entry::run(&options, &mut out),
        Command::Reconstruct(options) => reconstruct::run(&options, &mut out),
    }?;
    out.flush()?;
    Ok(well)
}
