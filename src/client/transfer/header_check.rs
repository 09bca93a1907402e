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
use crate::client::event::{DeviceMismatch, HeaderFault, HeaderField, HeaderMismatch, Outcome};
use crate::client::state::is_specific;
use crate::codec::FieldReader;
use crate::file::{FileHeader, HeaderControl};
use crate::types::{
    Eui64, FileVersion, HardwareRange, HardwareVersion, ImageId, ImageType, ManufacturerCode,
    SecurityCredentialVersion, StackVersion,
};
use crate::zcl::ImageOffer;

/// Byte range of the OTA header string in a file header (section 6.3.2.9); no header check needs the header string.
const HEADER_STRING: core::ops::Range<usize> = 20..52;

/// Length in bytes of the longest known file header, not counting the header string.
const KEPT_LEN: usize = FileHeader::MAX_KNOWN_LEN - 32;

/// Header of a file in a download in which not all bytes of the header have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartialHeader {
    /// Number of bytes of the file that are stored; less than [`FileHeader::MAX_KNOWN_LEN`].
    stored: u8,
    /// Bytes of the header that have arrived, without the header string.
    bytes: [u8; KEPT_LEN],
}

impl PartialHeader {
    /// File header of which no byte has arrived.
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

    /// Adds `data`, the bytes of the file after the stored bytes, and checks the header if `data` completes the header.
    /// Returns the stack version and the security credential version of a header that is complete and passed all
    /// checks; `None` while bytes of the header are missing.
    ///
    /// # Errors
    /// Fails with the outcome of the download if the header cannot be parsed, or if the header does not pass a check of
    /// `config.header_checks`.
    pub(crate) fn read(
        &mut self,
        data: &[u8],
        offer: &ImageOffer,
        config: &ClientConfig,
    ) -> Result<Option<HeaderFacts>, Outcome> {
        let start = usize::from(self.stored);
        for (byte, offset) in data.iter().zip(start..) {
            if let Some(kept) = kept_index(offset).and_then(|index| self.bytes.get_mut(index)) {
                *kept = *byte;
            }
        }
        let arrived = start.saturating_add(data.len()).min(FileHeader::MAX_KNOWN_LEN);
        // If the file is shorter than the longest header, the header is complete when the last byte of the file has
        // arrived.
        let is_complete = arrived == FileHeader::MAX_KNOWN_LEN
            || usize::try_from(offer.size).is_ok_and(|size| arrived >= size);
        match HeaderFields::read(&self.bytes, arrived) {
            Ok(header) => check(&header, offer, config).map(Some),
            Err(HeaderFault::Truncated) if !is_complete => Ok(None),
            Err(fault) if config.header_checks.contains(HeaderChecks::READABLE) => {
                Err(Outcome::HeaderUnreadable(fault))
            }
            Err(_) => Ok(Some(HeaderFacts { stack: StackVersion(u16::MAX), credential: None })),
        }
    }
}

/// Fields of a file header that the header checks need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeaderFields {
    id: ImageId,
    total_size: u32,
    facts: HeaderFacts,
    destination: Option<Eui64>,
    hardware: Option<HardwareRange>,
}

impl HeaderFields {
    /// Reads the fields of a header whose first `arrived` bytes have arrived, by the rules of
    /// [`FileHeader::parse_known`] (guide, "Fast paths"). Unlike `parse_known`, the method `read` does not return the
    /// offset of a wrong byte.
    fn read(kept: &[u8; KEPT_LEN], arrived: usize) -> Result<Self, HeaderFault> {
        let mut input = FieldReader::new(kept);
        let identifier = input.u32();
        if arrived >= 4 && identifier != FileHeader::MAGIC {
            return Err(HeaderFault::NotAnOtaFile);
        }
        if arrived < FileHeader::MIN_LEN {
            return Err(HeaderFault::Truncated);
        }
        let [_, major] = input.u16().to_le_bytes();
        if major != 1 {
            return Err(HeaderFault::UnsupportedVersion);
        }
        let (declared, control) = (input.u16(), HeaderControl(input.u16()));
        let (manufacturer, image_type) = (ManufacturerCode(input.u16()), ImageType(input.u16()));
        let id = ImageId { manufacturer, image_type, version: FileVersion(input.u32()) };
        let (stack, total_size) = (StackVersion(input.u16()), input.u32());
        let size_of = |bit, size: u16| if control.contains(bit) { size } else { 0 };
        let without_destination = size_of(HeaderControl::SECURITY_CREDENTIAL, 1)
            .saturating_add(size_of(HeaderControl::HARDWARE_VERSIONS, 4))
            .saturating_add(56);
        let with_destination = without_destination.saturating_add(size_of(HeaderControl::DEVICE_SPECIFIC, 8));
        // A header whose field control announces a destination may be too short to contain the destination.
        let has_destination =
            control.contains(HeaderControl::DEVICE_SPECIFIC) && declared >= with_destination;
        let needed = if has_destination { with_destination } else { without_destination };
        if declared < needed {
            return Err(HeaderFault::HeaderTooShort);
        }
        if total_size < declared.into() {
            return Err(HeaderFault::TotalTooSmall);
        }
        if arrived < needed.into() {
            return Err(HeaderFault::Truncated);
        }
        let credential = control
            .contains(HeaderControl::SECURITY_CREDENTIAL)
            .then(|| SecurityCredentialVersion(input.u8()));
        let destination = has_destination.then(|| Eui64(input.u64()));
        let hardware = control.contains(HeaderControl::HARDWARE_VERSIONS).then(|| {
            let min = HardwareVersion(input.u16());
            HardwareRange { min, max: HardwareVersion(input.u16()) }
        });
        Ok(Self { id, total_size, facts: HeaderFacts { stack, credential }, destination, hardware })
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
fn check(header: &HeaderFields, offer: &ImageOffer, config: &ClientConfig) -> Result<HeaderFacts, Outcome> {
    let checks = config.header_checks;
    let (in_header, in_offer) = (header.id, offer.id);
    if checks.contains(HeaderChecks::IMAGE) {
        let wide = |number: u16| u32::from(number);
        let (found, offered) = (in_header.manufacturer.0, in_offer.manufacturer.0);
        compare(HeaderField::Manufacturer, wide(found), wide(offered))?;
        let (found, offered) = (in_header.image_type.0, in_offer.image_type.0);
        compare(HeaderField::ImageType, wide(found), wide(offered))?;
    }
    if checks.contains(HeaderChecks::VERSION) {
        compare(HeaderField::Version, in_header.version.0, in_offer.version.0)?;
    }
    if checks.contains(HeaderChecks::SIZE) {
        compare(HeaderField::Size, header.total_size, offer.size)?;
    }
    let hardware = hardware_mismatch(header, config).filter(|_| checks.contains(HeaderChecks::HARDWARE));
    let mismatch = hardware.or_else(|| {
        destination_mismatch(header, offer, config).filter(|_| checks.contains(HeaderChecks::DESTINATION))
    });
    match mismatch {
        Some(mismatch) => Err(Outcome::NotForThisDevice(mismatch)),
        None => Ok(header.facts),
    }
}

/// Compares the values of `field` in the header and in the offer.
fn compare(field: HeaderField, found: u32, offered: u32) -> Result<(), Outcome> {
    match found == offered {
        true => Ok(()),
        false => Err(Outcome::HeaderMismatch(HeaderMismatch { field, offered, found })),
    }
}

/// Returns the hardware range of the file if the hardware version of the device is known and outside of the range
/// (section 6.3.2.13).
fn hardware_mismatch(header: &HeaderFields, config: &ClientConfig) -> Option<DeviceMismatch> {
    let range = header.hardware?;
    let is_outside = config.identity.hardware.is_some_and(|hardware| !range.contains(hardware));
    is_outside.then_some(DeviceMismatch::Hardware(range))
}

/// Returns the reason for which the upgrade file destination of the file excludes this device; `None` if the device may
/// use the file. An image for all devices has no upgrade file destination, but a device-specific file must have an
/// upgrade file destination (section 6.10.11.4).
fn destination_mismatch(
    header: &HeaderFields,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::DecodeErrorKind;

    /// Returns the fields that the header checks need, as [`FileHeader::parse_known`] reads them from the first bytes
    /// `start` of a file.
    fn by_parser(start: &[u8]) -> Result<HeaderFields, HeaderFault> {
        match FileHeader::parse_known(start) {
            Ok(header) => Ok(HeaderFields {
                id: header.id,
                total_size: header.total_size,
                facts: HeaderFacts { stack: header.stack, credential: header.credential },
                destination: header.destination,
                hardware: header.hardware,
            }),
            Err(error) => Err(match error.kind {
                DecodeErrorKind::BadMagic { .. } => HeaderFault::NotAnOtaFile,
                DecodeErrorKind::UnsupportedHeaderVersion { .. } => HeaderFault::UnsupportedVersion,
                DecodeErrorKind::HeaderTooShort { .. } => HeaderFault::HeaderTooShort,
                DecodeErrorKind::TotalTooSmall { .. } => HeaderFault::TotalTooSmall,
                DecodeErrorKind::Truncated { .. } => HeaderFault::Truncated,
                other => panic!("{other:?}"),
            }),
        }
    }

    fn by_reader(start: &[u8]) -> Result<HeaderFields, HeaderFault> {
        let mut kept = [0; KEPT_LEN];
        for (offset, byte) in start.iter().enumerate() {
            if let Some(place) = kept_index(offset).and_then(|index| kept.get_mut(index)) {
                *place = *byte;
            }
        }
        HeaderFields::read(&kept, start.len())
    }

    /// Returns the bytes of a file header with the given header length, field control and total image size.
    fn header(declared: u16, control: u16, total: u32, rest: [u8; 69]) -> [u8; 69] {
        let mut bytes = rest;
        bytes[..6].copy_from_slice(&[0x1e, 0xf1, 0xee, 0x0b, rest[4], 1]);
        bytes[6..8].copy_from_slice(&declared.to_le_bytes());
        bytes[8..10].copy_from_slice(&control.to_le_bytes());
        bytes[52..56].copy_from_slice(&total.to_le_bytes());
        bytes
    }

    #[test]
    fn reader_and_parser_agree_on_every_length_and_field_control_near_the_limits() {
        let rest = core::array::from_fn(|index| u8::try_from(index).unwrap());
        for declared in 54..=72 {
            for control in 0..=8 {
                for total in [0, 55, 56, 60, u32::from(declared) - 1, declared.into(), 1000] {
                    let bytes = header(declared, control, total, rest);
                    for arrived in 0..=69 {
                        let start = &bytes[..arrived];
                        assert_eq!(
                            by_reader(start),
                            by_parser(start),
                            "{declared} {control} {total} {arrived}"
                        );
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn reader_and_parser_agree_on_any_header(
            declared in prop_oneof![50_u16..75, any::<u16>()],
            control in prop_oneof![0_u16..9, any::<u16>()],
            total in prop_oneof![50_u32..75, any::<u32>()],
            rest in prop::array::uniform32(any::<u8>()),
            edit in prop::option::of((0_usize..69, any::<u8>())),
            arrived in 0_usize..=69,
        ) {
            let mut bytes = header(declared, control, total, core::array::from_fn(|index| rest[index % 32]));
            if let Some((place, byte)) = edit {
                bytes[place] = byte;
            }
            prop_assert_eq!(by_reader(&bytes[..arrived]), by_parser(&bytes[..arrived]));
        }
    }
}
