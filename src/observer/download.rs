//! Overheard part of the download of one image: bytes, gaps, contradictions, counts, times and end.
//!
//! ```text
//! 0                                                                        size
//! |##########|..............|#######xx#####|...............................|
//!    heard         gap        contradiction               gap
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use core::fmt;
use core::ops::RangeInclusive;

use crate::aps::Address;
use crate::file::FileHeader;
use crate::ranges::Range;
use crate::time::{Instant, Millis};
use crate::types::ImageId;
use crate::zcl::Status;

use super::range_pool::HeardRange;

/// Memory for the download of an image by one client, or for the downloads of an image by all clients together. The
/// caller lends a list of slots to an [`Assembly`](super::Assembly).
#[derive(Clone, Copy, Debug)]
pub struct DownloadSlot {
    /// Client and image of the download; `None` if the slot is free. The client is `None` in the slot that combines the
    /// downloads of the image by all clients.
    key: Option<(Option<Address>, ImageId)>,
    counts: DownloadCounts,
    /// Offset in the file after the highest byte that a request has covered.
    requested_to: u32,
    /// Times of the first frame and of the last frame of the download: requests for blocks, and responses to these
    /// requests.
    times: Option<(Instant, Instant)>,
    longest_silence: Millis,
    end: Option<DownloadEnd>,
    /// Smallest and largest size in the offers of the image. Only a slot for the downloads of all clients together uses
    /// the field `offered`.
    offered: Option<(u32, u32)>,
    /// First four bytes of the file, the file identifier. Only a slot for the downloads of all clients together uses
    /// the field `identifier`.
    identifier: [u8; 4],
    total_size: [u8; 4],
}

/// Memory for downloads, such as `[DownloadSlot; N]`, `&mut [DownloadSlot]` or `Vec<DownloadSlot>`. Each image takes
/// one slot, and each client that downloads the image takes one more slot.
pub trait DownloadSlots: AsRef<[DownloadSlot]> + AsMut<[DownloadSlot]> {}

impl<T: AsRef<[DownloadSlot]> + AsMut<[DownloadSlot]>> DownloadSlots for T {}

/// Numbers of overheard frames and bytes of a download. The counts of an image are the sums over the downloads of all
/// clients. A count that has reached `u32::MAX` does not change any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct DownloadCounts {
    /// Number of block requests and page requests.
    pub requests: u32,
    /// Number of requests for an offset that is not above the highest offset that the client has requested before. A
    /// client repeats a request if the request or its response was lost.
    pub repeated_requests: u32,
    /// Number of Image Block Responses with data.
    pub blocks: u32,
    /// Number of bytes that were overheard again in a later block to the same client.
    pub repeated_bytes: u32,
    /// Number of responses with WAIT_FOR_DATA.
    pub waits: u32,
}

/// End of an overheard download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DownloadEnd {
    /// The client reported the end of the download (section 6.10.9). The variant holds the status in the Upgrade End
    /// Request of the client.
    Reported(Status),
    /// The server aborted the download (section 6.10.8).
    Aborted,
}

impl fmt::Display for DownloadEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported(status) => status.fmt(f),
            Self::Aborted => f.pad("aborted by the server"),
        }
    }
}

/// Byte range of the file identifier in a file (section 6.3.2).
const IDENTIFIER: Range = Range { start: 0, end: 4 };

/// Byte range of the total image size in a file (section 6.3.2).
const TOTAL_SIZE: Range = Range { start: 52, end: 56 };

impl DownloadSlot {
    /// Slot that is not used yet.
    pub const EMPTY: Self = Self {
        key: None,
        counts: DownloadCounts { requests: 0, repeated_requests: 0, blocks: 0, repeated_bytes: 0, waits: 0 },
        requested_to: 0,
        times: None,
        longest_silence: Millis(0),
        end: None,
        offered: None,
        identifier: [0; 4],
        total_size: [0; 4],
    };

    pub(super) const fn new(client: Option<Address>, image: ImageId) -> Self {
        Self { key: Some((client, image)), ..Self::EMPTY }
    }

    pub(super) const fn key(&self) -> Option<(Option<Address>, ImageId)> {
        self.key
    }

    pub(super) const fn counts_mut(&mut self) -> &mut DownloadCounts {
        &mut self.counts
    }

    pub(super) fn add_offer(&mut self, size: u32) {
        let (smallest, largest) = self.offered.unwrap_or((size, size));
        self.offered = Some((smallest.min(size), largest.max(size)));
    }

    pub(super) const fn set_end(&mut self, end: Option<DownloadEnd>) {
        self.end = end;
    }

    /// Records the time of a request or of a response.
    pub(super) fn touch(&mut self, now: Instant) {
        let (first, last) = self.times.unwrap_or((now, now));
        self.longest_silence = self.longest_silence.max(now.since(last));
        self.times = Some((first.min(now), last.max(now)));
    }

    /// Records the byte range that a request covers. Returns whether the client has requested the start of the range,
    /// or a higher offset, before.
    pub(super) fn is_repeated(&mut self, requested: Range) -> bool {
        let repeated = requested.start < self.requested_to;
        self.requested_to = self.requested_to.max(requested.end);
        repeated
    }

    /// Copies the file identifier and the total image size from the bytes of the header.
    pub(super) fn keep_header(&mut self, offset: u32, data: &[u8]) {
        for (byte, place) in data.iter().zip(offset..TOTAL_SIZE.end) {
            for (range, field) in [(IDENTIFIER, &mut self.identifier), (TOTAL_SIZE, &mut self.total_size)] {
                let index = place.checked_sub(range.start).and_then(|index| usize::try_from(index).ok());
                if let Some(to) = index.and_then(|index| field.get_mut(index)) {
                    *to = *byte;
                }
            }
        }
    }
}

/// Overheard part of an image: the blocks to one client, or the blocks to all clients together.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// Memory of the [`Assembly`](super::Assembly) for the counts, the times and the end of the download.
    slot: &'a DownloadSlot,
    image: ImageId,
    heard: &'a [HeardRange],
    contradicted: &'a [HeardRange],
    size: Option<u32>,
}

impl<'a> Download<'a> {
    /// Returns the download in a slot, without the size of the file; `None` for a free slot.
    pub(super) fn new(
        slot: &'a DownloadSlot,
        heard: &'a [HeardRange],
        contradicted: &'a [HeardRange],
    ) -> Option<Self> {
        slot.key.map(|(_, image)| Self { slot, image, heard, contradicted, size: None })
    }

    pub(super) const fn with_size(self, size: Option<u32>) -> Self {
        Self { size, ..self }
    }

    /// Returns the client that downloads the image; `None` for the download of all clients together.
    #[must_use]
    pub fn client(&self) -> Option<Address> {
        self.slot.key.and_then(|(client, _)| client)
    }

    /// Returns manufacturer code, image type and version of the image.
    #[must_use]
    pub const fn image(&self) -> ImageId {
        self.image
    }

    /// Returns the size of the image in bytes: the largest size in an offer of the image to any client, or else the
    /// total image size in the header of the file. Returns `None` if neither an offer nor the header was overheard.
    #[must_use]
    pub const fn size(&self) -> Option<u32> {
        self.size
    }

    /// Returns the smallest and the largest size in the offers of the image, in bytes. Returns `None` if no offer was
    /// overheard. For the download of a single client, `offered_sizes` always returns `None`.
    #[must_use]
    pub fn offered_sizes(&self) -> Option<RangeInclusive<u32>> {
        self.slot.offered.map(|(smallest, largest)| smallest..=largest)
    }

    /// Returns the total image size in the header of the file, in bytes. Returns `None` if the file identifier or the
    /// total image size was not overheard, or if the identifier is not that of an OTA file. For the download of a
    /// single client, `header_size` always returns `None`.
    #[must_use]
    pub fn header_size(&self) -> Option<u32> {
        let is_heard = |part: Range| {
            let mut ranges = self.heard.iter().map(HeardRange::range);
            ranges.any(|range| range.start <= part.start && part.end <= range.end)
        };
        let is_file = u32::from_le_bytes(self.slot.identifier) == FileHeader::MAGIC;
        (is_file && is_heard(IDENTIFIER) && is_heard(TOTAL_SIZE))
            .then(|| u32::from_le_bytes(self.slot.total_size))
    }

    /// Returns the offset after the last overheard byte, which may be beyond the size of the image.
    #[must_use]
    pub fn heard_end(&self) -> u32 {
        self.heard.last().map_or(0, |last| last.range().end)
    }

    /// Returns the number of overheard bytes within the size of the image. A byte that was overheard several times
    /// counts once.
    #[must_use]
    pub fn bytes(&self) -> u32 {
        let size = self.size.unwrap_or(u32::MAX);
        let lens = self.heard.iter().map(HeardRange::range);
        lens.map(|range| range.end.min(size).saturating_sub(range.start)).fold(0, u32::saturating_add)
    }

    /// Returns the overheard share of the image in percent, rounded down. The percentage is 100 only if no byte of the
    /// image is missing. Returns `None` if the size of the image is unknown.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        let size = u64::from(self.size?);
        let percent = u64::from(self.bytes()).saturating_mul(100).checked_div(size);
        Some(percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(100))
    }

    /// Returns the missing ranges in ascending order. No missing range ends past the end of the image or, if the size
    /// of the image is unknown, past the last overheard byte.
    pub fn gaps(&self) -> impl Iterator<Item = core::ops::Range<u32>> + use<'a> {
        let end = self.size.unwrap_or(self.heard_end());
        let last = Range { start: end, end };
        let mut place = 0;
        self.heard.iter().map(HeardRange::range).chain([last]).filter_map(move |range| {
            let gap = Range { start: place, end: range.start.min(end) };
            place = range.end;
            (!gap.is_empty()).then_some(gap.start..gap.end)
        })
    }

    /// Returns whether all bytes of the image were overheard. Overheard blocks of a complete image may still contradict
    /// each other.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.size.is_some() && self.gaps().next().is_none()
    }

    /// Returns the ranges in which overheard blocks contradict each other, in ascending order. Two blocks contradict
    /// each other if they have different bytes at the same offset; the earlier block may be a block to another client.
    /// For a contradicted range, the [`BlockStorage`](super::BlockStorage) holds the bytes that were overheard first.
    pub fn contradictions(&self) -> impl Iterator<Item = core::ops::Range<u32>> + use<'a> {
        self.contradicted.iter().map(|entry| entry.range().start..entry.range().end)
    }

    /// Returns the numbers of overheard frames and bytes of the download.
    #[must_use]
    pub const fn counts(&self) -> DownloadCounts {
        self.slot.counts
    }

    /// Returns the time of the first request for a block, or of the first response to such a request. Returns `None` if
    /// neither a request nor a response was overheard.
    #[must_use]
    pub fn first(&self) -> Option<Instant> {
        self.slot.times.map(|(first, _)| first)
    }

    /// Returns the time of the last request for a block, or of the last response to such a request.
    #[must_use]
    pub fn last(&self) -> Option<Instant> {
        self.slot.times.map(|(_, last)| last)
    }

    /// Returns the longest time between two consecutive frames of the download. The frames of a download are the
    /// requests for blocks and the responses to these requests.
    #[must_use]
    pub const fn longest_silence(&self) -> Millis {
        self.slot.longest_silence
    }

    /// Returns the number of overheard bytes per second, measured from the first frame to the last frame of the
    /// download. A byte that was overheard several times counts once. Returns `None` if no time has passed between the
    /// first frame and the last frame.
    #[must_use]
    #[doc(alias("pace", "speed", "bytes per second"))]
    pub fn goodput(&self) -> Option<u32> {
        let (first, last) = self.slot.times?;
        let Millis(millis) = last.since(first);
        let per_second = u64::from(self.bytes()).saturating_mul(1000).checked_div(millis.into())?;
        Some(u32::try_from(per_second).unwrap_or(u32::MAX))
    }

    /// Returns how the download ended. Returns `None` while the client requests blocks, even if an earlier download of
    /// the image by this client has ended. For the downloads of all clients together, `end` returns how the last of
    /// them to end has ended.
    #[must_use]
    pub const fn end(&self) -> Option<DownloadEnd> {
        self.slot.end
    }
}
