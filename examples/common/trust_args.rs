//! Command line options `--ca` and `--signer`: the trusted authorities and signers.

use clap::Args;
use zigbee_ota::Eui64;
use zigbee_ota::signature::{AllowedSigners, Authority, PublicKey, VerifyPolicy};

use crate::hex_lines;
use crate::number_args::address;

/// Trusted authorities and signers.
#[derive(Args, Clone, Default)]
pub struct Trust {
    /// Certificate authority: its address as 16 hexadecimal digits, a colon, and its compressed public key
    #[arg(long = "ca", value_name = "ISSUER:KEY", value_parser = authority)]
    pub authorities: Vec<Authority>,
    /// Allowed signer; without this option every signer with a certificate is allowed
    #[arg(long = "signer", value_name = "EUI64", value_parser = address)]
    pub signers: Vec<Eui64>,
}

impl Trust {
    /// Returns the policy that accepts only files with a signature by the trusted signers.
    pub fn required(&self) -> VerifyPolicy<'_> {
        let signers =
            if self.signers.is_empty() { AllowedSigners::Any } else { AllowedSigners::Only(&self.signers) };
        VerifyPolicy::required(&[], &self.authorities).with_signers(signers)
    }
}

/// Parses an authority: its address, a colon, and its compressed public key.
pub fn authority(text: &str) -> Result<Authority, String> {
    let (issuer, key) = text
        .rsplit_once(':')
        .ok_or("expected ISSUER:KEY: an address of 16 hexadecimal digits, a colon, and a key")?;
    let key = hex_lines::bytes(key.as_bytes()).and_then(|bytes| PublicKey::from_bytes(&bytes));
    let key = key.ok_or("expected a key of 22 or 37 bytes as hexadecimal digits, 02 or 03 first")?;
    if !key.is_valid() {
        return Err("the key is no point of sect163k1 or sect283k1".into());
    }
    Ok(Authority { issuer: address(issuer)?, key })
}
