//! The start of a file, read while it passes through: a file that is not the one offered, or not for this device, is
//! given up before the rest is asked for.
//!
//! ```text
//! 0        20          52              69
//! |########|   text    |###############|     kept until it is read; the text is not
//! ```

use crate::client::config::{ClientConfig, HeaderChecks};
use crate::client::output::Outcome;
use crate::client::state::HeaderFacts;
use crate::file::FileHeader;
use crate::types::StackVersion;
use crate::zcl::ImageOffer;

/// Where the text for people lies in a header: nobody needs it here.
const TEXT: core::ops::Range<usize> = 20..52;

/// Bytes of the longest known header without its text.
const KEPT: usize = FileHeader::MAX_KNOWN_LEN - 32;

/// As much of a file's header as was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeaderStart {
    /// Bytes stored so far, all of the header: fewer than the longest known one has.
    stored: u8,
    bytes: [u8; KEPT],
}

/// What is known once more bytes of a header are here.
pub(crate) enum Reading {
    /// Not enough.
    Incomplete(HeaderStart),
    /// All, and it fits.
    Fits(HeaderFacts),
}

impl HeaderStart {
    pub(crate) const EMPTY: Self = Self { stored: 0, bytes: [0; KEPT] };

    pub(crate) const fn stored(&self) -> u32 {
        // `From` is not const.
        u32::from_le_bytes([self.stored, 0, 0, 0])
    }

    /// So many more bytes are safe.
    pub(crate) fn advance(&mut self, size: u8) {
        self.stored = self.stored.saturating_add(size);
    }

    /// Takes `data`, which follows what is stored, as far as it belongs to the header, and checks that as soon as it is
    /// there.
    pub(crate) fn read(
        mut self,
        data: &[u8],
        offer: &ImageOffer,
        config: &ClientConfig,
    ) -> Result<Reading, Outcome> {
        let start = usize::from(self.stored);
        for (byte, offset) in data.iter().zip(start..) {
            if let Some(place) = place(offset).and_then(|place| self.bytes.get_mut(place)) {
                *place = *byte;
            }
        }
        let arrived = start.saturating_add(data.len()).min(FileHeader::MAX_KNOWN_LEN);
        let mut whole = [0; FileHeader::MAX_KNOWN_LEN];
        for (offset, byte) in whole.iter_mut().enumerate() {
            *byte = place(offset).and_then(|place| self.bytes.get(place)).copied().unwrap_or(0);
        }
        // A file that is all here can be no longer than what it is here of.
        let complete = arrived == FileHeader::MAX_KNOWN_LEN
            || usize::try_from(offer.size).is_ok_and(|size| arrived >= size);
        match FileHeader::parse_known(whole.get(..arrived).unwrap_or(&whole)) {
            Ok(header) => check(&header, offer, config).map(Reading::Fits),
            Err(error) if complete || !error.is_truncated() => {
                if config.header_checks.contains(HeaderChecks::READABLE) {
                    return Err(Outcome::HeaderUnreadable(error));
                }
                Ok(Reading::Fits(HeaderFacts { stack: StackVersion(u16::MAX), credential: None }))
            }
            Err(_) => Ok(Reading::Incomplete(self)),
        }
    }
}

/// Where the byte at `offset` of a header is kept.
fn place(offset: usize) -> Option<usize> {
    if offset < TEXT.start {
        Some(offset)
    } else {
        // Bytes of the text are not kept.
        offset.checked_sub(TEXT.end).map(|after| after.saturating_add(TEXT.start))
    }
}

/// The file must be the one that was offered, and for this device (sections 6.3.2.12 to 6.3.2.14).
fn check(header: &FileHeader<'_>, offer: &ImageOffer, config: &ClientConfig) -> Result<HeaderFacts, Outcome> {
    let (found, wanted) = (header.id, offer.id);
    let identity = &config.identity;
    let is_image = (found.manufacturer, found.image_type) == (wanted.manufacturer, wanted.image_type);
    let suits = identity.hardware.is_none_or(|hardware| header.suits(hardware));
    let is_meant = header.destination.is_none() || header.destination == identity.node;
    for (asked, passed, outcome) in [
        (HeaderChecks::IMAGE, is_image, Outcome::HeaderMismatch),
        (HeaderChecks::VERSION, found.version == wanted.version, Outcome::HeaderMismatch),
        (HeaderChecks::SIZE, header.total_size == offer.size, Outcome::HeaderMismatch),
        (HeaderChecks::HARDWARE, suits, Outcome::NotForThisDevice),
        (HeaderChecks::DESTINATION, is_meant, Outcome::NotForThisDevice),
    ] {
        if config.header_checks.contains(asked) && !passed {
            return Err(outcome);
        }
    }
    Ok(HeaderFacts { stack: header.stack, credential: header.credential })
}
