//! How the body of a file is laid out.
//!
//! ```text
//! Elements         | header | element | element |
//! TelinkF000       | header | element | tag F000, length, 2 bytes, data |
//! RawBody          | header | raw bytes |
//! ElementsThenRaw  | header | element | raw bytes |
//! Truncated        | header | element | ele           the total image size lies beyond the end
//! ```

use core::fmt;

/// How the body of a file is laid out, as [`Image::parse_lenient`](super::Image::parse_lenient) and
/// [`StreamDecoder`](super::StreamDecoder) find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BodyLayout {
    /// Elements that tile the file exactly, or none at all: by the letter (section 6.3.3).
    Elements,
    /// The last element has tag 0xF000 and two bytes between length and data that its length leaves out, as Telink's
    /// tools write encrypted images.
    TelinkF000,
    /// No element fits at the start of the body: raw bytes.
    RawBody,
    /// Elements, then raw bytes to the total image size: a second image, or padding of 1 to 5 bytes.
    ElementsThenRaw,
    /// The file ends before its total image size. It can be looked at, and never served.
    Truncated,
}

impl BodyLayout {
    /// The name that tools print: `elements`, `telink-f000`, `raw-body`, `elements-then-raw` or `truncated`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elements => "elements",
            Self::TelinkF000 => "telink-f000",
            Self::RawBody => "raw-body",
            Self::ElementsThenRaw => "elements-then-raw",
            Self::Truncated => "truncated",
        }
    }

    /// The layout of a body, which starts at `start`, with raw bytes from `raw` on.
    pub(super) const fn raw_from(raw: usize, start: usize) -> Self {
        if raw == start { Self::RawBody } else { Self::ElementsThenRaw }
    }
}

impl fmt::Display for BodyLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn layouts_have_names_that_align() {
        for (layout, name) in [
            (BodyLayout::Elements, "elements"),
            (BodyLayout::TelinkF000, "telink-f000"),
            (BodyLayout::RawBody, "raw-body"),
            (BodyLayout::ElementsThenRaw, "elements-then-raw"),
            (BodyLayout::Truncated, "truncated"),
        ] {
            assert_eq!(layout.name(), name);
            assert_eq!(format!("{layout:>17}|"), format!("{name:>17}|"));
        }
    }
}
