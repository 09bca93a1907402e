//! File version as text, written without an allocator and without `core::fmt`.
//!
//! ```text
//! 1.0 b05, stack 3.5 b19     if all digits of the version are decimal
//! 0x0000000a                 otherwise
//! ```

use crate::types::FileVersion;

/// Writes a file version to `buffer` as the text that `Display` of [`FileVersion`] writes, and returns the text. The
/// text of a file version fits into the field SoftwareVersionString of Matter.
///
/// Examples of the text are `1.0 b05, stack 3.5 b19`, and `0x0000000a` for a version with a hexadecimal digit above 9.
///
/// ```
/// use zigbee_ota::FileVersion;
/// use zigbee_ota::matter::bridge::version_string;
///
/// assert_eq!(version_string(FileVersion(0x1005_3519), &mut [0; 22]), "1.0 b05, stack 3.5 b19");
/// ```
pub fn version_string(version: FileVersion, buffer: &mut [u8; 22]) -> &str {
    let [a, b, c, d] = version.parts().map(hex_digits);
    let [[a1, a2], [b1, b2], [c1, c2], [d1, d2]] = [a, b, c, d];
    let text: &[u8] = if version.is_bcd() {
        let [stack_s, stack_t, stack_a, stack_c, stack_k] = *b"stack";
        *buffer = [
            a1, b'.', a2, b' ', b'b', b1, b2, b',', b' ', stack_s, stack_t, stack_a, stack_c, stack_k, b' ',
            c1, b'.', c2, b' ', b'b', d1, d2,
        ];
        buffer
    } else {
        let hex = [b'0', b'x', a1, a2, b1, b2, c1, c2, d1, d2];
        if let Some(start) = buffer.first_chunk_mut() {
            *start = hex;
        }
        buffer.split_at_checked(hex.len()).map_or(&[], |(text, _)| text)
    };
    core::str::from_utf8(text).unwrap_or_default()
}

/// Returns the two lower-case hexadecimal digits of a byte.
fn hex_digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0x0f].map(|nibble| match nibble {
        0..=9 => nibble | b'0',
        // 'a' is 0x61: 10 | 0x60 is 0x6A, minus 9 gives 0x61.
        _ => (nibble | 0x60).saturating_sub(9),
    })
}
