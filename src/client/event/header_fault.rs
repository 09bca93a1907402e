//! Faults of a file header: a header that cannot be decoded, differs from the offer, or is not meant for the device.
//!
//! Sections refer to ZigBee document 095264 (2011).

use core::fmt;

use crate::types::{Eui64, HardwareRange};

/// Reason for which the header of a file cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HeaderFault {
    /// The file does not begin with the identifier of OTA files, 0x0BEEF11E (section 6.3.2.1).
    NotAnOtaFile,
    /// The major part of the header version is not 1 (section 6.3.2.2).
    UnsupportedVersion,
    /// The header length is too small for the fields that the field control announces (section 6.3.2.3).
    HeaderTooShort,
    /// The total image size is less than the header length (section 6.3.2.10).
    TotalTooSmall,
    /// The file ends within its header.
    Truncated,
}

/// Writes the fault of a file header as part of one line for a log.
impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnOtaFile => "no OTA file, the identifier 0x0beef11e is missing",
            Self::UnsupportedVersion => "the header version is not 0x01XX",
            Self::HeaderTooShort => "the header length is less than the fields of the header take",
            Self::TotalTooSmall => "the total image size is less than the header length",
            Self::Truncated => "the file ends within the header",
        })
    }
}

/// Difference between the header of a file and the offer of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct HeaderMismatch {
    /// Field whose value in the header differs from the value in the offer.
    pub field: HeaderField,
    /// Value in the offer of the field that differs between offer and header.
    pub offered: u32,
    /// Value in the header of the field that differs between offer and header.
    pub found: u32,
}

/// Writes the difference between header and offer in the form `the file's header has file version 0x00000007, but the
/// offer 0x00000006`. The line shows sizes in decimal, and the values of all other fields in hexadecimal.
impl fmt::Display for HeaderMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, offered, found } = *self;
        match field {
            HeaderField::Manufacturer => {
                write!(
                    f,
                    "the file's header has manufacturer code {found:#06x}, but the offer {offered:#06x}"
                )
            }
            HeaderField::ImageType => {
                write!(f, "the file's header has image type {found:#06x}, but the offer {offered:#06x}")
            }
            HeaderField::Version => {
                write!(f, "the file's header has file version {found:#010x}, but the offer {offered:#010x}")
            }
            HeaderField::Size => {
                write!(
                    f,
                    "the file's header has a total image size of {found} bytes, but the offer {offered}"
                )
            }
        }
    }
}

/// Field that both the offer of a file and the header of the file have.
// Exhaustive: the response to a query has no other field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum HeaderField {
    /// Manufacturer code of the file (section 6.3.2.5).
    Manufacturer,
    /// Image type of the file (section 6.3.2.6).
    ImageType,
    /// Version of the file (section 6.3.2.7).
    Version,
    /// Total image size of the file in bytes (section 6.3.2.10).
    Size,
}

/// Reason for which a file is not meant for the device that downloads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DeviceMismatch {
    /// The hardware range of the file does not contain the hardware version of the device (section 6.3.2.13). The
    /// variant holds the hardware range of the file.
    Hardware(HardwareRange),
    /// The upgrade file destination of the file is the given device, which is not this device (section 6.3.2.12).
    Destination(Eui64),
    /// The upgrade file destination has the bytes of this device's IEEE address in reverse order. The image builder of
    /// espressif can write files with a reversed destination.
    /// [`accept_reversed_destination`](crate::client::ClientConfig::accept_reversed_destination) lets the client accept
    /// files with a reversed destination.
    ReversedDestination,
    /// The file was fetched as a device-specific file but names no device (section 6.10.11.4).
    NoDestination,
}

/// Writes the reason for which a file is not for this device as part of one line for a log.
impl fmt::Display for DeviceMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hardware(HardwareRange { min, max }) => {
                write!(f, "the file is for hardware versions {min} to {max}")
            }
            Self::Destination(device) => write!(f, "the file is for the device {device}"),
            Self::ReversedDestination => {
                f.write_str("the destination of the file is this device's IEEE address in reverse byte order")
            }
            Self::NoDestination => f.write_str("the device-specific file names no device"),
        }
    }
}
