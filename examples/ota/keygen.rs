//! Subcommand `keygen`: generates the private key of a test authority for certificates.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use zigbee_ota::signature::Suite;

use crate::argument_parsers::suite;
use crate::error::Failure;

/// Generate the private key of a certificate authority, by OpenSSL
///
/// With an authority of your own, you can test signatures without the keys of a maker: `certify` issues certificates
/// with the private key. The command prints the public key of the authority as hexadecimal digits, which are the second
/// part of `verify --ca`.
///
/// Needs the example built with `--features openssl`, which needs the OpenSSL of the system and its headers.
#[derive(Args)]
pub struct Options {
    /// Crypto suite: 1 is sect163k1, 2 is sect283k1
    #[arg(long, value_name = "SUITE", value_parser = suite())]
    suite: Suite,
    /// Replace an existing file
    #[arg(long)]
    overwrite: bool,
    /// File to write: the private key as hexadecimal digits, readable by its owner only
    #[arg(short = 'o', long = "to", value_name = "OUT")]
    to: PathBuf,
}

#[cfg(not(feature = "openssl"))]
pub fn run(_: &Options, _: &mut impl Write) -> Result<bool, Failure> {
    Err(Failure::needs_openssl("keygen", ""))
}

#[cfg(feature = "openssl")]
pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    use zigbee_ota::signature::SigningKey;

    use crate::{hex_lines, private_key_file};

    let key = SigningKey::generate(options.suite).map_err(|error| Failure::Said(error.to_string()))?;
    private_key_file::write(&options.to, &key, options.overwrite)?;
    write!(out, "{}", hex_lines::line(key.public_key().as_bytes()))?;
    Ok(true)
}
