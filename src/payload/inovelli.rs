//! [`PayloadKind::Inovelli`]: firmware of the radar module in Inovelli's switches. Seen in files, not documented.
//!
//! ```text
//! 0   F0 C3 F0 C3   16 a vector table
//! ```

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xf0, 0xc3, 0xf0, 0xc3])
}
