//! Texts of the command line.

use zigbee_ota::file::HeaderText;

/// A header string, which is never cut.
pub fn header_string(text: &str) -> Result<HeaderText, String> {
    HeaderText::new(text).map_err(|_| format!("{} bytes, at most 32 fit", text.len()))
}

/// Free text of a file name.
pub fn suffix(text: &str) -> Result<String, &'static str> {
    if text.contains(['/', '\\']) || text.contains(char::is_control) {
        return Err("expected text that can be part of a file name, without separators");
    }
    Ok(text.into())
}
