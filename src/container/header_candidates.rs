//! Search for OTA headers anywhere in the bytes: a last resort, for a person to judge.
//!
//! ```text
//! bytes -> each occurrence of 1E F1 EE 0B -> those with a readable header
//! ```

use core::iter::{Enumerate, FusedIterator};
use core::slice::Windows;

use crate::file::FileHeader;

/// File identifier in byte order.
const MAGIC: [u8; 4] = FileHeader::MAGIC.to_le_bytes();

/// Searches `bytes` for OTA headers that [`FileHeader::parse_lenient`] can read; returns them in ascending order of offset.
///
/// **A last resort: a person must judge the result.** The four bytes of the identifier also occur inside the payload of many
/// files, often with a plausible header after them, and in files that are not OTA files.
/// [`Container::open`](super::Container::open) never searches.
#[must_use]
pub fn candidates(bytes: &[u8]) -> Candidates<'_> {
    Candidates { bytes, windows: bytes.windows(MAGIC.len()).enumerate() }
}

/// Offset at which an OTA header can be read, although the bytes may have another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// Offset of the header, in bytes from the first byte searched.
    pub offset: usize,
    /// Header read at that offset.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub header: FileHeader<'a>,
}

/// Iterator over candidates for OTA headers, made by [`candidates`].
#[derive(Clone, Debug)]
pub struct Candidates<'a> {
    bytes: &'a [u8],
    windows: Enumerate<Windows<'a, u8>>,
}

impl<'a> Iterator for Candidates<'a> {
    type Item = Candidate<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.bytes;
        // The identifier is compared first, because it rules out nearly all offsets.
        self.windows.by_ref().filter(|(_, start)| *start == MAGIC).find_map(|(offset, _)| {
            let (header, _) = FileHeader::parse_lenient(bytes.get(offset..)?).ok()?;
            Some(Candidate { offset, header })
        })
    }
}

impl FusedIterator for Candidates<'_> {}
