//! Subcommand `certify`: issues a certificate of a test authority, and writes the private key of the signer that the
//! certificate names.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use zigbee_ota::Eui64;

use crate::error::Failure;
use crate::number_args::address;
use crate::unix_time_text;

/// Issue the certificate of a signer with the private key of an authority, by OpenSSL
///
/// Prints the certificate as hexadecimal digits, and writes the private key of the signer to a file. `sign` takes the
/// certificate and the file. The crypto suite is the suite of the authority's key, which `keygen` generates.
///
/// The command is for tests without the keys of a maker: it makes both the request of the signer and the answer of the
/// authority. The authority of a maker never sees the private key of a signer.
///
/// Needs the example built with `--features openssl`, which needs the OpenSSL of the system and its headers.
#[derive(Args)]
pub struct Options {
    /// File with the private key of the authority
    #[arg(long, value_name = "FILE")]
    ca_key: PathBuf,
    /// Address of the authority, the first part of `verify --ca`
    #[arg(long, value_name = "EUI64", value_parser = address)]
    issuer: Eui64,
    /// Address of the signer, as `verify --signer` takes it
    #[arg(long, value_name = "EUI64", value_parser = address)]
    subject: Eui64,
    /// Moment from which a certificate of suite 2 is valid: Unix seconds, or 2026-11-28T13:05:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = unix_time_text::parse)]
    valid_from: Option<u64>,
    /// Moment from which a certificate of suite 2 has expired [default: never]
    #[arg(long, value_name = "TIME", value_parser = unix_time_text::parse)]
    valid_until: Option<u64>,
    /// Replace an existing file
    #[arg(long)]
    overwrite: bool,
    /// File to write: the private key of the signer as hexadecimal digits, readable by its owner only
    #[arg(short = 'o', long = "to", value_name = "OUT")]
    to: PathBuf,
}

#[cfg(not(feature = "openssl"))]
pub fn run(_: &Options, _: &mut impl Write) -> Result<bool, Failure> {
    Err(Failure::needs_openssl("certify", ""))
}

#[cfg(feature = "openssl")]
pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    use zigbee_ota::signature::{Authority, Certificate, SigningKey, SigningKeyError};

    use crate::error::complain;
    use crate::{argument_parsers, hex_lines, private_key_file};

    let ca = private_key_file::read(&options.ca_key)?;
    let authority = Authority { issuer: options.issuer, key: ca.public_key() };
    let fields = fields(options, ca.public_key().suite())?;
    let issue = || -> Result<_, SigningKeyError> {
        let request = SigningKey::generate(fields.suite())?;
        let issued = ca.issue(&request.public_key(), &fields)?;
        let certificate = Certificate::from_bytes(&issued.certificate).ok_or(SigningKeyError::KeyMismatch)?;
        let key = request.reconstruct(&certificate, &issued.reconstruction_data, &authority)?;
        Ok((issued.certificate, key))
    };
    let (certificate, key) = issue().map_err(|error| Failure::Said(error.to_string()))?;
    private_key_file::write(&options.to, &key, options.overwrite)?;
    write!(out, "{}", hex_lines::line(&certificate))?;
    let (authority, signer) = (argument_parsers::authority(&authority), options.subject.0);
    complain(format_args!("files that the key signs verify with --ca {authority} --signer {signer:016x}"));
    Ok(true)
}

/// Returns the fields of the certificate.
#[cfg(feature = "openssl")]
fn fields(
    options: &Options,
    suite: zigbee_ota::signature::Suite,
) -> Result<zigbee_ota::signature::CertificateFields, Failure> {
    use std::time::SystemTime;

    use zigbee_ota::signature::{CertificateFields, KeyUsage, Suite};

    let Options { subject, issuer, valid_from, valid_until, .. } = *options;
    if suite == Suite::One {
        if valid_from.or(valid_until).is_some() {
            return Err(Failure::Said(
                "a certificate of suite 1 holds no times: --valid-from, --valid-until".into(),
            ));
        }
        return Ok(CertificateFields::Suite1 { subject, issuer, attributes: SMART_ENERGY });
    }
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let valid_from = valid_from.unwrap_or_else(clock);
    let valid_for = match valid_until {
        None => u32::MAX,
        Some(until) => {
            let seconds = until.checked_sub(valid_from).and_then(|seconds| u32::try_from(seconds).ok());
            // The highest number of seconds means that the certificate never expires.
            seconds.filter(|seconds| (1..u32::MAX).contains(seconds)).ok_or_else(|| {
                let [from, until] = [valid_from, until].map(unix_time_text::text);
                Failure::Said(format!(
                    "valid from {from} until {until}: expected an end after the start, by less than 2^32 - 1 seconds"
                ))
            })?
        }
    };
    let mut serial = [0; 8];
    openssl::rand::rand_bytes(&mut serial).map_err(|error| Failure::Said(format!("OpenSSL: {error}")))?;
    let (serial, key_usage) = (u64::from_be_bytes(serial), KeyUsage::DIGITAL_SIGNATURE);
    Ok(CertificateFields::Suite2 { subject, issuer, serial, valid_from, valid_for, key_usage })
}

/// Attributes of a certificate of suite 1: the id of the Smart Energy profile, and nothing else.
#[cfg(feature = "openssl")]
const SMART_ENERGY: [u8; 10] = [0x01, 0x09, 0, 0, 0, 0, 0, 0, 0, 0];
