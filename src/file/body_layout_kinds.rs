//! Five layouts that the body of a file can have; vendors ship files of each layout.
//!
//! ```text
//! Elements         | header | element | element |
//! TelinkF000       | header | element | tag F000, length, 2 bytes, data |
//! RawBody          | header | raw bytes |
//! ElementsThenRaw  | header | element | raw bytes |
//! Truncated        | header | element | ele           the file ends before its total image size
//! ```

use core::fmt;

/// Layout of the body of a file, found by [`Image::parse_lenient`](super::Image::parse_lenient) and
/// [`StreamDecoder`](super::StreamDecoder).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BodyLayout {
    /// Standard layout: complete elements up to the end of the file, or no element (section 6.3.3 of ZigBee document
    /// 095264).
    Elements,
    /// Layout in which the last element has tag 0xF000 and two bytes between length and data. The length field of the
    /// last element does not count the two bytes between length and data. Telink's tools write encrypted images in the
    /// layout `TelinkF000`.
    TelinkF000,
    /// Layout with raw bytes only, because the start of the body is not an element.
    RawBody,
    /// Layout with elements, then raw bytes up to the total image size. In the files of vendors, the raw bytes are a
    /// second image, or padding of 1 to 5 bytes.
    ElementsThenRaw,
    /// Layout of a file that ends before its total image size. A truncated file can be inspected, but a server never
    /// sends a truncated file to a device.
    Truncated,
}

impl BodyLayout {
    /// Returns the short name of the layout for tools and scripts: `elements`, `telink-f000`, `raw-body`,
    /// `elements-then-raw` or `truncated`.
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

    /// Returns the layout of a body that starts at the offset `start` and has raw bytes from the offset `raw` on.
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
    fn layout_names_can_be_padded() {
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
