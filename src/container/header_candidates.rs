//! Search for OTA headers at every offset of a file. The search also finds bytes that only look like an OTA header, so
//! a person must judge the headers found.
//!
//! ```text
//! bytes -> each occurrence of 1E F1 EE 0B -> those with a readable header
//! ```

use crate::file::FileHeader;

/// File identifier of an OTA header, in byte order.
const MAGIC: [u8; 4] = FileHeader::MAGIC.to_le_bytes();

/// Searches `bytes` for OTA headers that [`FileHeader::parse_lenient`] can read. Returns the found OTA headers, in
/// ascending order of their offsets.
///
/// **A person must judge the headers found.** The four bytes of the OTA file identifier also occur inside the payload
/// of many files, often before bytes that look like the rest of a header. The four bytes of the OTA file identifier
/// also occur in files that are not OTA files. [`Container::open`](super::Container::open) never searches for OTA
/// headers.
pub fn candidates(bytes: &[u8]) -> impl Iterator<Item = Candidate<'_>> {
    // The identifier is compared first, because it rules out nearly all offsets.
    let identifiers = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    identifiers.filter_map(|(offset, _)| {
        let (header, _) = FileHeader::parse_lenient(bytes.get(offset..)?).ok()?;
        Some(Candidate { offset, header })
    })
}

/// Offset at which an OTA header can be read. The bytes at the offset of a candidate may be other data that only looks
/// like an OTA header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// Offset of the OTA header that was found, in bytes from the first byte searched.
    pub offset: usize,
    /// OTA header that was read at `offset`.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub header: FileHeader<'a>,
}
