//! A file version as text, without an allocator and without `core::fmt`.
//!
//! ```text
//! 1.0 b05, stack 3.5 b19     or where a digit is not decimal     0x0000000a
//! ```

use crate::matter::few::Few;
use crate::types::FileVersion;

/// A file version as its `Display` writes it, for SoftwareVersionString: `1.0 b05, stack 3.5 b19`, or `0x0000000a` where
/// its digits are not decimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VersionText(Few<22>);

impl VersionText {
    /// The text of `version`.
    #[must_use]
    pub fn new(version: FileVersion) -> Self {
        let [a, b, c, d] = version.parts().map(digits);
        let mut text = Few::EMPTY;
        let mut push = |part: &[u8]| {
            // There is room for the longest.
            let _ = part.iter().all(|byte| text.push(*byte));
        };
        if version.is_bcd() {
            let [[release, point], [stack_release, stack_point]] = [a, c];
            push(&[release, b'.', point]);
            push(b" b");
            push(&b);
            push(b", stack ");
            push(&[stack_release, b'.', stack_point]);
            push(b" b");
            push(&d);
        } else {
            push(b"0x");
            push([a, b, c, d].as_flattened());
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.0.get()).unwrap_or_default()
    }
}

impl core::fmt::Debug for VersionText {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("VersionText").field(&self.as_str()).finish()
    }
}

/// The two hexadecimal digits of a byte.
fn digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0x0f].map(|nibble| match nibble {
        0..=9 => nibble | b'0',
        // `a` is 0x61.
        _ => (nibble | 0x60).saturating_sub(9),
    })
}
