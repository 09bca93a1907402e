//! Errors by who must act: bytes at fault are a [`DecodeError`], a caller at fault gets an [`EncodeError`].
//!
//! A peer or a network at fault is a value of the machines, never an error that would stop a loop.
//!
//! ```text
//! DecodeError { item: what, offset: where, kind: what was expected and found }
//! EncodeError   no room, too long, or a value that has no form in bytes
//! ```

use core::fmt;

use crate::types::HardwareRange;

/// What was being read when bytes turned out wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Item {
    /// The OTA header of a file (section 6.3.2).
    FileHeader,
    /// The sub-elements of a file (section 6.3.3).
    Elements,
    /// The whole file against the size its header tells.
    File,
    /// A signature element (section 6.3.5).
    Signature,
    /// A signing certificate element (section 6.3.6).
    Certificate,
    /// The ZCL header of a frame.
    FrameHeader,
    /// Image Notify (section 6.10.3).
    ImageNotify,
    /// Query Next Image Request (section 6.10.4).
    QueryNextImageRequest,
    /// Query Next Image Response (section 6.10.5).
    QueryNextImageResponse,
    /// Image Block Request (section 6.10.6).
    ImageBlockRequest,
    /// Image Page Request (section 6.10.7).
    ImagePageRequest,
    /// Image Block Response (section 6.10.8).
    ImageBlockResponse,
    /// Upgrade End Request (section 6.10.9).
    UpgradeEndRequest,
    /// Upgrade End Response (section 6.10.10).
    UpgradeEndResponse,
    /// Query Specific File Request (section 6.10.11).
    QuerySpecificFileRequest,
    /// Query Specific File Response (section 6.10.12).
    QuerySpecificFileResponse,
    /// ZCL Default Response.
    DefaultResponse,
    /// ZCL Read Attributes.
    ReadAttributes,
    /// ZCL Read Attributes Response.
    ReadAttributesResponse,
    /// ZCL Write Attributes.
    WriteAttributes,
    /// ZCL Write Attributes Response.
    WriteAttributesResponse,
    /// ZCL Discover Attributes.
    DiscoverAttributes,
    /// ZCL Discover Attributes Response.
    DiscoverAttributesResponse,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FileHeader => "OTA header",
            Self::Elements => "sub-element",
            Self::File => "OTA file",
            Self::Signature => "signature element",
            Self::Certificate => "signing certificate element",
            Self::FrameHeader => "ZCL header",
            Self::ImageNotify => "Image Notify",
            Self::QueryNextImageRequest => "Query Next Image Request",
            Self::QueryNextImageResponse => "Query Next Image Response",
            Self::ImageBlockRequest => "Image Block Request",
            Self::ImagePageRequest => "Image Page Request",
            Self::ImageBlockResponse => "Image Block Response",
            Self::UpgradeEndRequest => "Upgrade End Request",
            Self::UpgradeEndResponse => "Upgrade End Response",
            Self::QuerySpecificFileRequest => "Query Specific File Request",
            Self::QuerySpecificFileResponse => "Query Specific File Response",
            Self::DefaultResponse => "Default Response",
            Self::ReadAttributes => "Read Attributes",
            Self::ReadAttributesResponse => "Read Attributes Response",
            Self::WriteAttributes => "Write Attributes",
            Self::WriteAttributesResponse => "Write Attributes Response",
            Self::DiscoverAttributes => "Discover Attributes",
            Self::DiscoverAttributesResponse => "Discover Attributes Response",
        })
    }
}

/// Bytes that cannot be read: what, where, and what was expected.
///
/// ```
/// use zigbee_ota::zcl::{Frame, Quirks};
///
/// let error = Frame::decode(&[0x19, 7, 0x05, 0x00, 0x01], Quirks::empty()).unwrap_err();
/// assert_eq!(error.to_string(), "Image Block Response, byte 4: 13 bytes expected, 1 present");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("{item}, byte {offset}: {kind}")]
pub struct DecodeError {
    /// What was being read.
    pub item: Item,
    /// Where it went wrong, counted from the first byte of the frame or file.
    pub offset: usize,
    /// What went wrong there.
    pub kind: DecodeErrorKind,
}

/// What is wrong with the bytes at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends too early.
    #[error("{needed} bytes expected, {present} present")]
    Truncated {
        /// Bytes that must stand at the place, at the least.
        needed: usize,
        /// Bytes that do.
        present: usize,
    },
    /// A length field tells more or fewer bytes than there are.
    #[error("{declared} bytes declared, {present} present")]
    LengthMismatch {
        /// What the field says.
        declared: usize,
        /// Bytes that follow.
        present: usize,
    },
    /// Bytes after the last field.
    #[error("{count} bytes after the last field")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// The field control says that a field is there, but not all of it is.
    #[error("field control announces a field of {size} bytes that is not there")]
    FieldMissing {
        /// Bytes the field takes.
        size: usize,
    },
    /// An Image Notify payload type of 4 or more (table 22).
    #[error("reserved payload type {0:#04x}")]
    ReservedPayloadType(u8),
    /// A status that the command has no form for.
    #[error("status {0:#04x} is none of this command's")]
    UnexpectedStatus(u8),
    /// A ZCL data type whose length this crate does not know, so that nothing after it can be read.
    #[error("data type {0:#04x} is none of this cluster's attributes'")]
    UnknownDataType(u8),
    /// A truth value that is neither 0 nor 1.
    #[error("{0:#04x} is neither 0 (false) nor 1 (true)")]
    NotABoolean(u8),
    /// Not an OTA file: the first four bytes are not `1E F1 EE 0B` (section 6.3.2.1).
    #[error("not an OTA file: identifier {found:#010x}, expected 0x0beef11e")]
    BadMagic {
        /// The identifier found, little endian.
        found: u32,
    },
    /// A header version whose major part is not 1 (section 6.3.2.2).
    #[error("header version {found:#06x}, expected 0x01XX")]
    UnsupportedHeaderVersion {
        /// The version found.
        found: u16,
    },
    /// A header length below what the field control asks for (section 6.3.2.3).
    #[error("header length {declared}, its fields take {needed}")]
    HeaderTooShort {
        /// The header length field.
        declared: u16,
        /// 56 and the optional fields.
        needed: u16,
    },
    /// A total image size below the header length (section 6.3.2.10).
    #[error("total image size {total}, the header alone takes {header}")]
    TotalTooSmall {
        /// The total image size field.
        total: u32,
        /// The header length field.
        header: u16,
    },
    /// A sub-element that runs past the total image size (section 6.3.3.3).
    #[error("element {tag:#06x} runs past the end of the image by {by} bytes")]
    ElementOverrun {
        /// The element's tag.
        tag: u16,
        /// By how many bytes.
        by: usize,
    },
    /// A signature element with another element after it (section 6.3.5).
    #[error("another element follows the signature, which must be the last")]
    SignatureNotLast,
}

/// A value that cannot be written where the caller wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too small; nothing was written.
    #[error("{needed} bytes of room needed, {available} available")]
    NoRoom {
        /// Bytes the value takes.
        needed: usize,
        /// Bytes the buffer has.
        available: usize,
    },
    /// A part is longer than the field that counts it can say.
    #[error("{item}: {len} bytes, at most {max} can be told")]
    TooLong {
        /// What is being written.
        item: Item,
        /// Bytes of the part.
        len: usize,
        /// The most its length field holds.
        max: usize,
    },
    /// A file for no hardware at all (sections 6.3.2.13 and 6.3.2.14).
    #[error("minimum hardware version {:#06x} lies above the maximum {:#06x}", .0.min.0, .0.max.0)]
    EmptyHardwareRange(HardwareRange),
    /// A signature element with another element after it (section 6.3.5).
    #[error("element {element} is a signature, which must be the last element")]
    SignatureNotLast {
        /// Which element is the signature, counted from 0.
        element: usize,
    },
}

impl DecodeError {
    /// Whether more bytes may mend it.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::Truncated { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn an_error_names_what_was_read_as_the_specification_does() {
        for (item, text) in [
            (Item::FileHeader, "OTA header"),
            (Item::Elements, "sub-element"),
            (Item::File, "OTA file"),
            (Item::Signature, "signature element"),
            (Item::Certificate, "signing certificate element"),
            (Item::FrameHeader, "ZCL header"),
            (Item::ImageNotify, "Image Notify"),
            (Item::QueryNextImageRequest, "Query Next Image Request"),
            (Item::QueryNextImageResponse, "Query Next Image Response"),
            (Item::ImageBlockRequest, "Image Block Request"),
            (Item::ImagePageRequest, "Image Page Request"),
            (Item::ImageBlockResponse, "Image Block Response"),
            (Item::UpgradeEndRequest, "Upgrade End Request"),
            (Item::UpgradeEndResponse, "Upgrade End Response"),
            (Item::QuerySpecificFileRequest, "Query Specific File Request"),
            (Item::QuerySpecificFileResponse, "Query Specific File Response"),
            (Item::DefaultResponse, "Default Response"),
            (Item::ReadAttributes, "Read Attributes"),
            (Item::ReadAttributesResponse, "Read Attributes Response"),
            (Item::WriteAttributes, "Write Attributes"),
            (Item::WriteAttributesResponse, "Write Attributes Response"),
            (Item::DiscoverAttributes, "Discover Attributes"),
            (Item::DiscoverAttributesResponse, "Discover Attributes Response"),
        ] {
            let error = DecodeError { item, offset: 9, kind: DecodeErrorKind::TrailingBytes { count: 2 } };
            assert_eq!(error.to_string(), std::format!("{text}, byte 9: 2 bytes after the last field"));
        }
    }

    #[test]
    fn an_error_says_what_was_expected_and_found() {
        use DecodeErrorKind as Kind;

        for (kind, text) in [
            (Kind::Truncated { needed: 4, present: 3 }, "4 bytes expected, 3 present"),
            (Kind::LengthMismatch { declared: 64, present: 63 }, "64 bytes declared, 63 present"),
            (Kind::FieldMissing { size: 8 }, "field control announces a field of 8 bytes that is not there"),
            (Kind::ReservedPayloadType(4), "reserved payload type 0x04"),
            (Kind::UnexpectedStatus(1), "status 0x01 is none of this command's"),
            (Kind::UnknownDataType(0x42), "data type 0x42 is none of this cluster's attributes'"),
            (Kind::NotABoolean(2), "0x02 is neither 0 (false) nor 1 (true)"),
            (
                Kind::BadMagic { found: 0x464c_457f },
                "not an OTA file: identifier 0x464c457f, expected 0x0beef11e",
            ),
            (Kind::UnsupportedHeaderVersion { found: 0x0200 }, "header version 0x0200, expected 0x01XX"),
            (Kind::HeaderTooShort { declared: 56, needed: 57 }, "header length 56, its fields take 57"),
            (Kind::TotalTooSmall { total: 55, header: 56 }, "total image size 55, the header alone takes 56"),
            (
                Kind::ElementOverrun { tag: 0xf000, by: 2 },
                "element 0xf000 runs past the end of the image by 2 bytes",
            ),
            (Kind::SignatureNotLast, "another element follows the signature, which must be the last"),
        ] {
            assert_eq!(kind.to_string(), text);
            let truncated = matches!(kind, Kind::Truncated { .. });
            assert_eq!(DecodeError { item: Item::File, offset: 0, kind }.is_truncated(), truncated);
        }
    }
}
