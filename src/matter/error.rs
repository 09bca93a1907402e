//! Errors of Matter commands and image headers: bytes that cannot be decoded, and values that break a rule.

use super::query_image_response::QueryImageStatus;
use super::uri::ImageUriError;

/// Field of a command or of the image header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    VendorId,
    ProductId,
    SoftwareVersion,
    ProtocolsSupported,
    HardwareVersion,
    Location,
    RequestorCanConsent,
    MetadataForProvider,
    Status,
    DelayedActionTime,
    ImageUri,
    SoftwareVersionString,
    UpdateToken,
    UserConsentNeeded,
    MetadataForRequestor,
    NewVersion,
    Action,
    PayloadSize,
    MinApplicableVersion,
    MaxApplicableVersion,
    ReleaseNotesUrl,
    ImageDigestType,
    ImageDigest,
    TotalSize,
    HeaderSize,
}

impl Field {
    /// Returns the name of the field in the Matter specification, such as `ImageURI`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::VendorId => "VendorID",
            Self::ProductId => "ProductID",
            Self::SoftwareVersion => "SoftwareVersion",
            Self::ProtocolsSupported => "ProtocolsSupported",
            Self::HardwareVersion => "HardwareVersion",
            Self::Location => "Location",
            Self::RequestorCanConsent => "RequestorCanConsent",
            Self::MetadataForProvider => "MetadataForProvider",
            Self::Status => "Status",
            Self::DelayedActionTime => "DelayedActionTime",
            Self::ImageUri => "ImageURI",
            Self::SoftwareVersionString => "SoftwareVersionString",
            Self::UpdateToken => "UpdateToken",
            Self::UserConsentNeeded => "UserConsentNeeded",
            Self::MetadataForRequestor => "MetadataForRequestor",
            Self::NewVersion => "NewVersion",
            Self::Action => "Action",
            Self::PayloadSize => "PayloadSize",
            Self::MinApplicableVersion => "MinApplicableSoftwareVersion",
            Self::MaxApplicableVersion => "MaxApplicableSoftwareVersion",
            Self::ReleaseNotesUrl => "ReleaseNotesURL",
            Self::ImageDigestType => "ImageDigestType",
            Self::ImageDigest => "ImageDigest",
            Self::TotalSize => "TotalSize",
            Self::HeaderSize => "HeaderSize",
        }
    }
}

/// Error for bytes that are not the expected command or header. The error names the command or header, the field at
/// fault, the offset of the fault, and the reason.
///
/// ```
/// use zigbee_ota::matter::ApplyUpdateResponse;
///
/// let error = ApplyUpdateResponse::decode(&[0x15, 0x24, 0, 0, 0x29, 1, 0x18]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "ApplyUpdateResponse, DelayedActionTime, byte 4: expected unsigned number, found boolean",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{item}, {}{}byte {offset}: {kind}", .field.unwrap_or_default(), if .field.is_some() { ", " } else { "" })]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct MatterDecodeError {
    /// Command or header that was decoded, such as `QueryImage`.
    pub item: &'static str,
    /// Name of the field at fault, such as `ImageURI`; `None` if the fault does not belong to a single known field.
    pub field: Option<&'static str>,
    /// Offset of the fault in bytes, counted from the first byte of the input.
    pub offset: usize,
    /// Reason of the error.
    pub kind: MatterDecodeErrorKind,
}

/// Reason why bytes cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum MatterDecodeErrorKind {
    /// The input ends before the end of the command or header.
    #[error("{needed} bytes expected, {present} present")]
    Truncated {
        /// Minimum number of bytes that the input must have from the byte at [`MatterDecodeError::offset`] on.
        needed: u64,
        /// Number of bytes that the input has from the byte at [`MatterDecodeError::offset`] on.
        present: usize,
    },
    /// The input has bytes after the end of the TLV element.
    #[error("{count} bytes after the element")]
    TrailingBytes {
        /// Number of bytes after the end of the TLV element.
        count: usize,
    },
    /// The bytes are not TLV (Matter Core Specification, appendix A). The variant holds a text that says why the bytes
    /// are not TLV.
    #[error("invalid TLV: {0}")]
    InvalidTlv(&'static str),
    /// The TLV type of an element differs from the type that its field requires.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// Type that the field requires.
        expected: &'static str,
        /// Type of the element in the input.
        found: &'static str,
    },
    /// A mandatory field is missing. For a missing field, [`MatterDecodeError::offset`] is the end of the structure.
    #[error("missing")]
    Missing,
    /// The structure contains the field twice.
    #[error("duplicate field")]
    Duplicate,
    /// The number is above the maximum of its field.
    #[error("{value}, expected at most {max}")]
    OutOfRange {
        /// Value of the field in the input.
        value: u64,
        /// Maximum value that the field allows.
        max: u64,
    },
    /// The length of a string or an array is outside the bounds of its field.
    #[error("length {len}, expected {min} to {max}")]
    Length {
        /// Length of the string in bytes, or number of members of the array.
        len: usize,
        /// Minimum length that the field allows.
        min: usize,
        /// Maximum length that the field allows.
        max: usize,
    },
    /// The file does not begin with `1E F1 EE 1B`, the file identifier of a Matter OTA image.
    #[error("not a Matter OTA image: identifier {found:#010x}, expected 0x1beef11e")]
    BadMagic {
        /// Identifier in the file, read as a little-endian number.
        found: u32,
    },
    /// The total size in the header is not the sum of the sizes of header and payload.
    #[error("{total}, header and payload take {sum}")]
    TotalSize {
        /// Value of the total size field, in bytes.
        total: u64,
        /// Sum of the sizes of header and payload, in bytes.
        sum: u64,
    },
}

/// Rule of the Matter specification that the fields of a command or header break. The encoder checks none of the rules
/// in `MatterRuleError`. The decoder checks only two kinds of these rules: the lengths of strings, and the sizes in an
/// image header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum MatterRuleError {
    /// A field that the status UpdateAvailable requires is missing. The variant holds the name of the missing field.
    #[error("UpdateAvailable without {0}")]
    Missing(&'static str),
    /// A response contains DelayedActionTime, although its status is not Busy. The variant holds the status of the
    /// response.
    #[error("DelayedActionTime with {0}, only Busy has it")]
    Delay(QueryImageStatus),
    /// The length of a string is outside the bounds of its field.
    #[error("{field} of length {len}, expected {min} to {max}")]
    Length {
        /// Name of the field.
        field: &'static str,
        /// Length of the string in bytes.
        len: usize,
        /// Minimum length in bytes that the field allows.
        min: usize,
        /// Maximum length in bytes that the field allows.
        max: usize,
    },
    /// The TLV structure of an image header is longer than
    /// [`ImageHeader::MAX_HEADER_SIZE`](super::ImageHeader::MAX_HEADER_SIZE), the maximum that this crate reads.
    #[error("an image header of {size} bytes, expected at most {max}")]
    HeaderSize {
        /// Length of the TLV structure in bytes.
        size: usize,
        /// Maximum length of the TLV structure in bytes.
        max: u32,
    },
    /// The total size of an image file does not fit into its field of 64 bits.
    #[error("a payload of {payload} bytes, which with its header takes more than 64 bits can count")]
    TotalSize {
        /// Length of the payload in bytes.
        payload: u64,
    },
    /// The offered version is 0xFFFFFFFF, which is a wildcard in Zigbee.
    #[error("version 0xffffffff, which is a wildcard in Zigbee")]
    WildcardVersion,
    /// The ImageURI is no URI, or is a URI of the scheme `bdx` that breaks the rules of a BDX URI.
    #[error("ImageURI: {0}")]
    Uri(#[from] ImageUriError),
    /// The metadata are not a list of TLV elements with fully-qualified tags.
    #[error("metadata, byte {offset}: expected a list of elements with fully-qualified tags")]
    Metadata {
        /// Offset of the fault in bytes, counted from the first byte of the metadata.
        offset: usize,
    },
}
