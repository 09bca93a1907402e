//! Subcommand `sign`: signs a file with a private key by OpenSSL.

use std::path::PathBuf;

use clap::Args;
use zigbee_ota::signature::{Authority, Suite};

use crate::argument_parsers::suite;
use crate::error::Failure;
use crate::trust_args::authority;

/// Sign a file with a private key, by OpenSSL
///
/// Needs the example built with `--features openssl`, which needs the OpenSSL of the system and its headers. Use
/// `digest` and `attach` if another device or service keeps the private key.
///
/// Without --ca, the command cannot check that key and certificate belong together. On standard error, it prints the
/// authority for which key and certificate match.
#[derive(Args)]
pub struct Options {
    /// Crypto suite: 1 is sect163k1, 2 is sect283k1
    #[arg(long, value_name = "SUITE", value_parser = suite())]
    suite: Suite,
    /// The signer's certificate, 48 (suite 1) or 74 (suite 2) bytes as hexadecimal digits
    #[arg(long, value_name = "HEX")]
    certificate: String,
    /// File with the private key: a big-endian number, 21 (suite 1) or 36 (suite 2) bytes as hexadecimal digits;
    /// blanks, line ends and colons between them are ignored
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Authority that issued the certificate: its address as 16 hexadecimal digits, a colon, and its compressed public
    /// key
    #[arg(long = "ca", value_name = "ISSUER:KEY", value_parser = authority)]
    authority: Option<Authority>,
    /// File to write: the signed file
    #[arg(short = 'o', long = "to", value_name = "OUT")]
    to: PathBuf,
    /// OTA file without a signature
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[cfg(not(feature = "openssl"))]
pub fn run(_: &Options) -> Result<bool, Failure> {
    Err(Failure::needs_openssl("sign", "; or let a signer outside sign, with `digest` and `attach`"))
}

#[cfg(feature = "openssl")]
pub fn run(options: &Options) -> Result<bool, Failure> {
    use zigbee_ota::signature::SigningKeyError;

    use crate::argument_parsers::{self, certificate, digits};
    use crate::atomic_write::replace;
    use crate::error::complain;
    use crate::input_files::read;
    use crate::private_key_file;

    let bytes = digits(&options.certificate).map_err(Failure::Said)?;
    let certificate = certificate(&bytes).map_err(Failure::Said)?;
    let key = private_key_file::read(&options.key)?;
    for (what, found) in [("certificate", certificate.suite()), ("key", key.public_key().suite())] {
        if found != options.suite {
            let suite = if options.suite == Suite::One { 1 } else { 2 };
            return Err(Failure::Said(format!("the {what} is of the other suite than --suite {suite}")));
        }
    }
    let file = read(&options.file)?;
    let authority = match options.authority {
        Some(authority) => authority,
        None => {
            let would_be = key.derive_authority(&certificate);
            let would_be = would_be.map_err(|error| Failure::Said(format!("the certificate: {error}")))?;
            complain(format_args!(
                "without --ca nobody checked that the key belongs to the certificate; the file verifies with --ca {}",
                argument_parsers::authority(&would_be)
            ));
            would_be
        }
    };
    let signed = key.sign_file(&file, &certificate, &authority).map_err(|error| {
        let about = if matches!(error, SigningKeyError::File(_)) { &options.file } else { &options.key };
        Failure::at(about, error)
    })?;
    replace(&options.to, &signed)?;
    Ok(true)
}
