//! Subcommands `digest` and `attach`: an external signer, who keeps the private key, signs the file.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use zigbee_ota::signature::{Authority, FileSigner};

use crate::argument_parsers::{certificate, digits};
use crate::atomic_write::replace;
use crate::error::Failure;
use crate::hex_lines;
use crate::input_files::read;
use crate::trust_args::authority;

/// Prepare a file for an external signer, and print the digest to sign
#[derive(Args)]
pub struct Prepare {
    /// Authority that issued the certificate
    #[arg(long = "ca", value_name = "ISSUER:KEY", value_parser = authority)]
    authority: Authority,
    /// The signer's certificate, 48 or 74 bytes as hexadecimal digits
    #[arg(long, value_name = "HEX")]
    certificate: String,
    /// File to write: the input with the certificate and room for the signature
    #[arg(short = 'o', long = "to", value_name = "OUT")]
    to: PathBuf,
    /// OTA file without a signature
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Put the signature of an external signer into a file that `digest` has prepared
#[derive(Args)]
pub struct Attach {
    /// Authority that issued the certificate
    #[arg(long = "ca", value_name = "ISSUER:KEY", value_parser = authority)]
    authority: Authority,
    /// Signature: the numbers r and s, big endian, 42 or 72 bytes as hexadecimal digits
    #[arg(long, value_name = "HEX")]
    signature: String,
    /// File to write: the signed file
    #[arg(short = 'o', long = "to", value_name = "OUT")]
    to: PathBuf,
    /// File written by `digest`
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn digest(options: &Prepare, out: &mut impl Write) -> Result<bool, Failure> {
    let file = read(&options.file)?;
    let bytes = digits(&options.certificate).map_err(Failure::Said)?;
    let certificate = certificate(&bytes).map_err(Failure::Said)?;
    let mut sealed = vec![0; FileSigner::signed_len(file.len(), certificate.suite())];
    let sealing = FileSigner::new(&file, &certificate, &options.authority, &mut sealed)
        .map_err(|error| Failure::at(&options.file, error))?;
    let digest = sealing.digest();
    replace(&options.to, &sealed)?;
    write!(out, "{}", hex_lines::line(&digest))?;
    Ok(true)
}

pub fn attach(options: &Attach) -> Result<bool, Failure> {
    let mut file = read(&options.file)?;
    let signature = digits(&options.signature).map_err(Failure::Said)?;
    let sealing = FileSigner::resume(&mut file, &options.authority)
        .map_err(|error| Failure::at(&options.file, error))?;
    sealing.attach(&signature).map_err(|error| Failure::at(&options.file, error))?;
    replace(&options.to, &file)?;
    Ok(true)
}
