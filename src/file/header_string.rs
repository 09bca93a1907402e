//! The text that a header carries for people.
//!
//! ```text
//! 20  32  text   UTF-8 by rights, zeros behind it
//! ```

use core::fmt;
use core::str::Utf8Error;

use crate::error::EncodeError;

/// Header string: 32 raw bytes, padded with zeros, without a length byte (section 6.3.2.9).
///
/// Table 4 calls it a character string, yet no known file has the length byte that ZCL gives such a string.
/// Real files fill all 32 bytes, carry bytes after the first NUL or are no UTF-8, hence the bytes themselves are
/// kept. `Display` writes the text up to the first NUL with U+FFFD where it is no UTF-8; `Debug` shows every
/// byte but the zeros at the end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct HeaderString(pub [u8; 32]);

impl HeaderString {
    /// No text: 32 zeros.
    pub const EMPTY: Self = Self([0; 32]);

    /// The text `text`, padded with zeros.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] when it takes over 32 bytes; it is never cut.
    pub fn new(text: &str) -> Result<Self, EncodeError> {
        let (mut bytes, len) = ([0; 32], text.len());
        let max = bytes.len();
        let Some((room, _)) = bytes.split_at_mut_checked(len) else {
            return Err(EncodeError::TooLong { item: "OTA header", len, max });
        };
        room.copy_from_slice(text.as_bytes());
        Ok(Self(bytes))
    }

    /// All 32 bytes of the field (section 6.3.2.9), with the zeros behind the text.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The text up to the first NUL.
    ///
    /// # Errors
    /// The bytes up to there are no UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        core::str::from_utf8(self.before_nul())
    }

    /// Whether all bytes after the first NUL are zero.
    pub(super) fn is_padded(&self) -> bool {
        self.0.iter().skip_while(|byte| **byte != 0).all(|byte| *byte == 0)
    }

    /// Whether there are ASCII control characters before the first NUL.
    pub(super) fn has_control_characters(&self) -> bool {
        self.before_nul().iter().any(u8::is_ascii_control)
    }

    fn before_nul(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// All but the zeros at the end.
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
        write!(f, "HeaderText(\"{}\")", self.before_padding().escape_ascii())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for HeaderString {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "HeaderText({=[u8]:a})", self.before_padding());
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
            Err(EncodeError::TooLong { item: "OTA header", len: 33, max: 32 })
        );
        assert_eq!(
            HeaderString::new("0123456789abcdef0123456789ABCDE\u{e9}").unwrap_err().to_string(),
            "OTA header: 33 bytes, at most 32 can be told",
            "bytes are counted, not characters"
        );
    }

    #[test]
    fn text_reads_up_to_the_first_nul() {
        let odd = padded(b"one\0two");
        assert_eq!(odd.to_str(), Ok("one"));
        assert_eq!(odd.to_string(), "one");
        assert_eq!(format!("{odd:?}"), r#"HeaderText("one\x00two")"#);
        assert_eq!(HeaderString([b'x'; 32]).to_str(), Ok("x".repeat(32).as_str()));
        assert_eq!(format!("{:?}", HeaderString::EMPTY), r#"HeaderText("")"#);
        let foreign = padded(b"a\xffb\xc3");
        assert!(foreign.to_str().is_err());
        assert_eq!(foreign.to_string(), "a\u{fffd}b\u{fffd}");
        assert_eq!(format!("{foreign:?}"), r#"HeaderText("a\xffb\xc3")"#);
    }
}
