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
use crate::client::event::{DeviceMismatch, HeaderField, HeaderMismatch, Outcome};
use crate::client::state::is_specific;
use crate::file::FileHeader;
use crate::types::StackVersion;
use crate::zcl::ImageOffer;

/// Byte range of the OTA header string (section 6.3.2.9), which no check needs.
const HEADER_STRING: core::ops::Range<usize> = 20..52;

/// Length in bytes of the longest known header without the header string.
const KEPT_LEN: usize = FileHeader::MAX_KNOWN_LEN - 32;

/// Partial file header: only the first bytes have arrived.
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
    /// Empty header, before the first byte has arrived.
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
    let (in_header, in_offer) = (header.id, offer.id);
    let pair = |header: u16, offer: u16| (u32::from(header), u32::from(offer));
    for (check, field, (found, offered)) in [
        (
            HeaderChecks::IMAGE,
            HeaderField::Manufacturer,
            pair(in_header.manufacturer.0, in_offer.manufacturer.0),
        ),
        (HeaderChecks::IMAGE, HeaderField::ImageType, pair(in_header.image_type.0, in_offer.image_type.0)),
        (HeaderChecks::VERSION, HeaderField::Version, (in_header.version.0, in_offer.version.0)),
        (HeaderChecks::SIZE, HeaderField::Size, (header.total_size, offer.size)),
    ] {
        if config.header_checks.contains(check) && found != offered {
            return Err(Outcome::HeaderMismatch(HeaderMismatch { field, offered, found }));
        }
    }
    let device_mismatches = [
        (HeaderChecks::HARDWARE, hardware_mismatch(header, config)),
        (HeaderChecks::DESTINATION, destination_mismatch(header, offer, config)),
    ];
    for (check, mismatch) in device_mismatches {
        if let Some(mismatch) = mismatch.filter(|_| config.header_checks.contains(check)) {
            return Err(Outcome::NotForThisDevice(mismatch));
        }
    }
    Ok(HeaderFacts { stack: header.stack, credential: header.credential })
}

/// Returns the hardware range of the file if the hardware version of the device is known and outside of the range
/// (section 6.3.2.13).
fn hardware_mismatch(header: &FileHeader<'_>, config: &ClientConfig) -> Option<DeviceMismatch> {
    let is_outside = config.identity.hardware.is_some_and(|hardware| !header.suits(hardware));
    header.hardware.filter(|_| is_outside).map(DeviceMismatch::Hardware)
}

/// Returns the reason for which the upgrade file destination is not this device; `None` if the destination is this
/// device. An image for all devices has no destination, but a device-specific file must have one (section 6.10.11.4).
fn destination_mismatch(
    header: &FileHeader<'_>,
    offer: &ImageOffer,
    config: &ClientConfig,
) -> Option<DeviceMismatch> {
    let Some(destination) = header.destination else {
        return is_specific(offer.id).then_some(DeviceMismatch::NoDestination);
    };
    match config.identity.node {
        Some(node) if node == destination => None,
        Some(node) if node.0.swap_bytes() == destination.0 => {
            (!config.accept_reversed_destination).then_some(DeviceMismatch::ReversedDestination)
        }
        _ => Some(DeviceMismatch::Destination(destination)),
    }
}
