//! Parsers of texts on the command line: hexadecimal bytes, crypto suites, certificates, header strings, file name suffixes.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use zigbee_ota::file::HeaderString;
use zigbee_ota::signature::{Certificate, Suite};

use crate::hex_lines;

/// Parses bytes from hexadecimal digits.
pub fn digits(text: &str) -> Result<Vec<u8>, String> {
    hex_lines::bytes(text.as_bytes()).ok_or_else(|| "expected pairs of hexadecimal digits".into())
}

/// Returns the parser of a crypto suite by its number.
pub fn suite() -> impl TypedValueParser<Value = Suite> {
    PossibleValuesParser::new(["1", "2"]).map(|number| if number == "1" { Suite::One } else { Suite::Two })
}

/// Decodes a certificate.
pub fn certificate(bytes: &[u8]) -> Result<Certificate<'_>, String> {
    let length = bytes.len();
    Certificate::from_bytes(bytes)
        .ok_or_else(|| format!("a certificate of {length} bytes; expected 48 (suite 1) or 74 (suite 2)"))
}

/// Parses a header string; text that is too long is an error.
pub fn header_string(text: &str) -> Result<HeaderString, String> {
    HeaderString::new(text).map_err(|_| format!("{} bytes, at most 32 fit", text.len()))
}

/// Checks the free text of a file name.
pub fn suffix(text: &str) -> Result<String, &'static str> {
    if text.contains(['/', '\\']) || text.contains(char::is_control) {
        return Err("expected text that can be part of a file name, without separators");
    }
    Ok(text.into())
}

/// Formats an authority in the form of the option `--ca`.
#[cfg(feature = "openssl")]
pub fn authority(authority: &zigbee_ota::signature::Authority) -> String {
    format!("{:016x}:{}", authority.issuer.0, hex_lines::line(authority.key.as_bytes()).trim_end())
}
