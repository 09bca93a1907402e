//! The last resort: every place where an OTA header could be read.

use core::iter::{Enumerate, FusedIterator};
use core::slice::Windows;

use crate::file::FileHeader;

/// The identifier as it lies on disk.
const MAGIC: [u8; 4] = FileHeader::MAGIC.to_le_bytes();

/// Every place in `bytes`, in ascending order, where [`FileHeader::parse_lenient`] reads a header.
///
/// **A last resort for a person to judge, and never an answer**: the four bytes of the identifier also occur inside
/// the payload of many files, often with a plausible header behind them, and in files that are no OTA files at all.
/// [`Container::open`](super::Container::open) never uses it.
#[must_use]
pub fn candidates(bytes: &[u8]) -> Candidates<'_> {
    Candidates { bytes, places: bytes.windows(MAGIC.len()).enumerate() }
}

/// A place where an OTA header could be read; whether one was meant is another question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Candidate<'a> {
    /// The place, in bytes from the first byte given.
    pub offset: usize,
    /// What reads as a header there.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub header: FileHeader<'a>,
}

/// The iterator that [`candidates`] makes.
#[derive(Clone, Debug)]
pub struct Candidates<'a> {
    bytes: &'a [u8],
    places: Enumerate<Windows<'a, u8>>,
}

impl<'a> Iterator for Candidates<'a> {
    type Item = Candidate<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.bytes;
        // Four bytes are compared first: most places need no more.
        self.places.by_ref().filter(|(_, start)| *start == MAGIC).find_map(|(offset, _)| {
            let (header, _) = FileHeader::parse_lenient(bytes.get(offset..)?).ok()?;
            Some(Candidate { offset, header })
        })
    }
}

impl FusedIterator for Candidates<'_> {}
