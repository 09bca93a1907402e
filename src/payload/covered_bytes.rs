//! Ranges of payload bytes that the checksums of the payload cover.
//!
//! ```text
//! | not covered | covered | not covered | covered, with the checksum | not covered |
//! ```

use core::ops::Range;

use super::formats::esp_image;

/// Ranges of payload bytes that matching checksums of the payload cover. Offsets count from the first byte of the
/// payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) enum CoveredBytes {
    /// No byte, because no checksum of the payload matches.
    #[default]
    None,
    /// The bytes from `start` up to, but not including, the byte at `end`.
    Range { start: usize, end: usize },
    /// The bytes of two ranges, each given by its start and its end; the byte at the end is not in the range.
    TwoRanges { first: (usize, usize), second: (usize, usize) },
    /// The data of each segment of an ESP image, and the checksum, which is the last byte before `end`.
    EspSegments { end: usize },
}

impl CoveredBytes {
    /// Returns the range from the first byte of the payload to `end`.
    pub(super) const fn until(end: usize) -> Self {
        Self::Range { start: 0, end }
    }

    /// Adds `by` to the start and the end of each range. `by` is the offset of an inner payload in the outer payload
    /// that contains it.
    pub(super) const fn shifted(self, by: usize) -> Self {
        match self {
            Self::Range { start, end } => {
                Self::Range { start: start.saturating_add(by), end: end.saturating_add(by) }
            }
            Self::TwoRanges { first: (a, b), second: (c, d) } => Self::TwoRanges {
                first: (a.saturating_add(by), b.saturating_add(by)),
                second: (c.saturating_add(by), d.saturating_add(by)),
            },
            // The ranges of an ESP image follow from its segments, which this method does not read. The method
            // therefore returns no range for an ESP image inside another payload.
            Self::None | Self::EspSegments { .. } => Self::None,
        }
    }

    /// Returns the ranges of `payload` that matching checksums cover, in ascending order.
    pub(super) fn ranges(self, payload: &[u8]) -> impl Iterator<Item = Range<usize>> + use<'_> {
        let (ranges, segments_end) = match self {
            Self::None => ([None, None], None),
            Self::Range { start, end } => ([Some(start..end), None], None),
            Self::TwoRanges { first, second } => ([Some(first.0..first.1), Some(second.0..second.1)], None),
            Self::EspSegments { end } => ([None, Some(end.saturating_sub(1)..end)], Some(end)),
        };
        let segments = segments_end.into_iter().flat_map(|_| esp_image::segment_data(payload));
        segments.chain(ranges.into_iter().flatten())
    }
}
