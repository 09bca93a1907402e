//! Files of private keys. A file contains a big-endian number of 21 bytes (suite 1) or 36 bytes (suite 2) as
//! hexadecimal digits.

use std::path::Path;

use zigbee_ota::signature::SigningKey;

use crate::atomic_write::write_secret;
use crate::error::Failure;
use crate::hex_lines;

/// Reads the private key from a file; blanks, line ends and colons between the digits are ignored. No error message
/// contains the contents of the file.
pub fn read(path: &Path) -> Result<SigningKey, Failure> {
    let text = crate::input_files::read(path)?;
    let digits: Vec<u8> =
        text.into_iter().filter(|byte| !byte.is_ascii_whitespace() && *byte != b':').collect();
    let bytes = hex_lines::bytes(&digits)
        .ok_or_else(|| Failure::at(path, "expected a private key as pairs of hexadecimal digits"))?;
    SigningKey::from_bytes(&bytes).map_err(|error| Failure::at(path, error))
}

/// Writes the private key to a file that its owner alone can read.
pub fn write(path: &Path, key: &SigningKey, overwrite: bool) -> Result<(), Failure> {
    let bytes = key.to_bytes().map_err(|error| Failure::at(path, error))?;
    write_secret(path, hex_lines::line(&bytes).as_bytes(), overwrite)
}
