//! Header string of the OTA header: 32 bytes with a human-readable name of the image.
//!
//! ```text
//! 20  32  header string   UTF-8 text, padded with zeros
//! ```

use core::fmt;
use core::str::Utf8Error;

use super::FileWriteError;

/// Header string: 32 raw bytes, padded with zeros, without a length byte (section 6.3.2.9 of ZigBee document 095264).
///
/// According to table 4 of document 095264, the header string is a ZCL character string. In ZCL a character string
/// starts with a length byte, but the header string of no known file starts with a length byte. `HeaderString` keeps
/// the raw bytes, because the header strings of some real files fill all 32 bytes, have bytes after the first NUL or
/// are not UTF-8.
///
/// `Display` writes the text up to the first NUL, with U+FFFD for bytes that are not UTF-8. `Debug` shows all bytes
/// except the zeros at the end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct HeaderString(pub [u8; 32]);

impl HeaderString {
    /// Header string without text: 32 zeros.
    pub const EMPTY: Self = Self([0; 32]);

    /// Creates a header string from `text`, padded with zeros.
    ///
    /// # Errors
    /// Fails with [`FileWriteError::HeaderStringTooLong`] if `text` takes more than 32 bytes. The function never
    /// truncates `text`.
    pub fn new(text: &str) -> Result<Self, FileWriteError> {
        let (mut bytes, len) = ([0; 32], text.len());
        let Some((room, _)) = bytes.split_at_mut_checked(len) else {
            return Err(FileWriteError::HeaderStringTooLong { len });
        };
        room.copy_from_slice(text.as_bytes());
        Ok(Self(bytes))
    }

    /// Returns all 32 bytes of the header string, including the zeros after the text.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the text up to the first NUL.
    ///
    /// # Errors
    /// Fails with [`Utf8Error`] if the bytes before the first NUL are not UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        core::str::from_utf8(self.before_nul())
    }

    /// Returns whether all bytes after the first NUL of the header string are zero.
    pub(super) fn is_zero_padded(&self) -> bool {
        self.0.iter().skip_while(|byte| **byte != 0).all(|byte| *byte == 0)
    }

    /// Returns whether the header string has an ASCII control character before its first NUL.
    pub(super) fn has_control_characters(&self) -> bool {
        self.before_nul().iter().any(u8::is_ascii_control)
    }

    fn before_nul(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// Returns all bytes of the header string except the zeros at the end.
    fn before_padding(&self) -> &[u8] {
        let padding = self.0.iter().rev().take_while(|byte| **byte == 0).count();
        let (text, _) = self.0.split_at_checked(self.0.len().saturating_sub(padding)).unwrap_or_default();
        text
    }
}

impl fmt::Display for HeaderString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.before_nul().utf8_chunks().try_for_each(|chunk| {
            f.write_str(chunk.valid())?;
            f.write_str(if chunk.invalid().is_empty() { "" } else { "\u{fffd}" })
        })
    }
}

impl fmt::Debug for HeaderString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeaderString(\"{}\")", self.before_padding().escape_ascii())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for HeaderString {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "HeaderString({=[u8]:a})", self.before_padding());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    fn padded(start: &[u8]) -> HeaderString {
        let mut bytes = [0; 32];
        bytes[..start.len()].copy_from_slice(start);
        HeaderString(bytes)
    }

    /// Shows: FILE-036
    #[test]
    fn text_is_padded_and_never_cut() {
        assert_eq!(HeaderString::new(""), Ok(HeaderString::EMPTY));
        assert_eq!(HeaderString::new("ab"), Ok(padded(b"ab")));
        let full = "0123456789abcdef0123456789ABCDEF";
        assert_eq!(HeaderString::new(full).unwrap().as_bytes(), full.as_bytes());
        assert_eq!(
            HeaderString::new("0123456789abcdef0123456789ABCDEFx"),
            Err(FileWriteError::HeaderStringTooLong { len: 33 })
        );
        assert_eq!(
            HeaderString::new("0123456789abcdef0123456789ABCDE\u{e9}").unwrap_err().to_string(),
            "header string of 33 bytes, at most 32 fit",
            "bytes are counted, not characters"
        );
    }

    #[test]
    fn text_reads_up_to_the_first_nul() {
        let after_nul = padded(b"one\0two");
        assert_eq!(after_nul.to_str(), Ok("one"));
        assert_eq!(after_nul.to_string(), "one");
        assert_eq!(format!("{after_nul:?}"), r#"HeaderString("one\x00two")"#);
        assert_eq!(HeaderString([b'x'; 32]).to_str(), Ok("x".repeat(32).as_str()));
        assert_eq!(format!("{:?}", HeaderString::EMPTY), r#"HeaderString("")"#);
        let not_utf8 = padded(b"a\xffb\xc3");
        assert!(not_utf8.to_str().is_err());
        assert_eq!(not_utf8.to_string(), "a\u{fffd}b\u{fffd}");
        assert_eq!(format!("{not_utf8:?}"), r#"HeaderString("a\xffb\xc3")"#);
    }
}
