//! Check of the file header during a download, made as soon as the blocks with the header have arrived. Sections refer
//! to ZigBee document 095264 (2011).
//!
//! If the file is not the offered file, or is not meant for this device, the download ends before the rest of the file
//! is requested.
//!
//! ```text
//! 0        20                 52              69
//! |########|  header string   |###############|     the bytes are kept until the header is parsed, but for the string
//! ```

use crate::client::checkpoint::HeaderFacts;
use crate::client::config::{ClientConfig, HeaderChecks};
use crate::client::output::Outcome;
use crate::file::FileHeader;
use crate::types::StackVersion;
use crate::zcl::ImageOffer;

/// Byte range of the OTA header string (section 6.3.2.9), which no check needs.
const HEADER_STRING: core::ops::Range<usize> = 20..52;

/// Length in bytes of the longest known header without the header string.
const KEPT_LEN: usize = FileHeader::MAX_KNOWN_LEN - 32;

/// File header of which only the first bytes have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartialHeader {
    /// Number of bytes of the file that are stored; less than [`FileHeader::MAX_KNOWN_LEN`].
    stored: u8,
    /// Bytes of the header that have arrived, without the header string.
    bytes: [u8; KEPT_LEN],
}

/// Result of adding bytes to a [`PartialHeader`].
pub(crate) enum HeaderCheck {
    /// The header is incomplete, and more bytes are needed.
    Incomplete(PartialHeader),
    /// The header is complete and passed all checks.
    Accepted(HeaderFacts),
}

impl PartialHeader {
    /// Header of which no byte has arrived.
    pub(crate) const EMPTY: Self = Self { stored: 0, bytes: [0; KEPT_LEN] };

    /// Returns the number of bytes of the file that are stored.
    pub(crate) const fn stored(&self) -> u32 {
        // `u32::from` cannot be called in a `const fn`.
        u32::from_le_bytes([self.stored, 0, 0, 0])
    }

    /// Counts `size` more bytes of the file as stored.
    pub(crate) fn add_stored(&mut self, size: u8) {
        self.stored = self.stored.saturating_add(size);
    }

    /// Adds `data`, which follows the stored bytes, and checks the header if the header is now complete.
    ///
    /// # Errors
    /// Fails with the outcome of the download if the header cannot be parsed, or if the header does not pass a check of
    /// `config.header_checks`.
    pub(crate) fn read(
        mut self,
        data: &[u8],
        offer: &ImageOffer,
        config: &ClientConfig,
    ) -> Result<HeaderCheck, Outcome> {
        let start = usize::from(self.stored);
        for (byte, offset) in data.iter().zip(start..) {
            if let Some(kept) = kept_index(offset).and_then(|index| self.bytes.get_mut(index)) {
                *kept = *byte;
            }
        }
        let arrived = start.saturating_add(data.len()).min(FileHeader::MAX_KNOWN_LEN);
        let mut whole = [0; FileHeader::MAX_KNOWN_LEN];
        for (offset, byte) in whole.iter_mut().enumerate() {
            *byte = kept_index(offset).and_then(|index| self.bytes.get(index)).copied().unwrap_or(0);
        }
        // If the file is shorter than the longest header, the header is complete when the last byte of the file has
        // arrived.
        let is_complete = arrived == FileHeader::MAX_KNOWN_LEN
            || usize::try_from(offer.size).is_ok_and(|size| arrived >= size);
        match FileHeader::parse_known(whole.get(..arrived).unwrap_or(&whole)) {
            Ok(header) => check(&header, offer, config).map(HeaderCheck::Accepted),
            Err(error) if is_complete || !error.is_truncated() => {
                if config.header_checks.contains(HeaderChecks::READABLE) {
                    return Err(Outcome::HeaderUnreadable(error));
                }
                Ok(HeaderCheck::Accepted(HeaderFacts { stack: StackVersion(u16::MAX), credential: None }))
            }
            Err(_) => Ok(HeaderCheck::Incomplete(self)),
        }
    }
}

/// Returns the index in [`PartialHeader::bytes`] of the header byte at `offset`; `None` for bytes of the header string.
fn kept_index(offset: usize) -> Option<usize> {
    if offset < HEADER_STRING.start {
        Some(offset)
    } else {
        offset.checked_sub(HEADER_STRING.end).map(|after| after.saturating_add(HEADER_STRING.start))
    }
}

/// Checks that `header` belongs to the offered file and that the file is meant for this device (sections 6.3.2.12 to
/// 6.3.2.14).
fn check(header: &FileHeader<'_>, offer: &ImageOffer, config: &ClientConfig) -> Result<HeaderFacts, Outcome> {
    let (found, offered) = (header.id, offer.id);
    let identity = &config.identity;
    let is_image = (found.manufacturer, found.image_type) == (offered.manufacturer, offered.image_type);
    let is_supported = identity.hardware.is_none_or(|hardware| header.suits(hardware));
    let is_recipient = header.destination.is_none() || header.destination == identity.node;
    for (check, has_passed, outcome) in [
        (HeaderChecks::IMAGE, is_image, Outcome::HeaderMismatch),
        (HeaderChecks::VERSION, found.version == offered.version, Outcome::HeaderMismatch),
        (HeaderChecks::SIZE, header.total_size == offer.size, Outcome::HeaderMismatch),
        (HeaderChecks::HARDWARE, is_supported, Outcome::NotForThisDevice),
        (HeaderChecks::DESTINATION, is_recipient, Outcome::NotForThisDevice),
    ] {
        if config.header_checks.contains(check) && !has_passed {
            return Err(outcome);
        }
    }
    Ok(HeaderFacts { stack: header.stack, credential: header.credential })
}
