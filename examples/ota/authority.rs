//! Keys and certificates on the command line, as hexadecimal digits.

use zigbee_ota::signature::{Authority, PublicKey};

use crate::hex;
use crate::number::address;

/// An authority: its address, a colon and its compressed public key.
pub fn authority(text: &str) -> Result<Authority, String> {
    let (issuer, key) = text.rsplit_once(':').ok_or("expected ISSUER:KEY")?;
    let key = hex::bytes(key.as_bytes()).and_then(|bytes| PublicKey::from_bytes(&bytes));
    let key = key.ok_or("expected a key of 22 or 37 bytes as hexadecimal digits, 02 or 03 first")?;
    if !key.is_valid() {
        return Err("the key is no point of sect163k1 or sect283k1".into());
    }
    Ok(Authority { issuer: address(issuer)?, key })
}

/// Any bytes.
pub fn digits(text: &str) -> Result<Vec<u8>, String> {
    hex::bytes(text.as_bytes()).ok_or_else(|| "expected pairs of hexadecimal digits".into())
}
