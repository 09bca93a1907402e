//! Texts of the command line.

use zigbee_ota::file::HeaderString;
use zigbee_ota::signature::Certificate;

use crate::hex_lines;

/// Any bytes, as hexadecimal digits.
pub fn digits(text: &str) -> Result<Vec<u8>, String> {
    hex_lines::bytes(text.as_bytes()).ok_or_else(|| "expected pairs of hexadecimal digits".into())
}

/// The certificate in these bytes.
pub fn certificate(bytes: &[u8]) -> Result<Certificate<'_>, String> {
    let length = bytes.len();
    Certificate::from_bytes(bytes)
        .ok_or_else(|| format!("a certificate of {length} bytes; expected 48 (suite 1) or 74 (suite 2)"))
}

/// A header string, which is never cut.
pub fn header_string(text: &str) -> Result<HeaderString, String> {
    HeaderString::new(text).map_err(|_| format!("{} bytes, at most 32 fit", text.len()))
}

/// Free text of a file name.
pub fn suffix(text: &str) -> Result<String, &'static str> {
    if text.contains(['/', '\\']) || text.contains(char::is_control) {
        return Err("expected text that can be part of a file name, without separators");
    }
    Ok(text.into())
}
