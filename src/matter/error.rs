//! Why bytes are no message of Matter's, and which rule a message breaks.

use core::fmt;

use super::tlv::{TlvError, TlvErrorKind};
use super::uri::UriError;
use crate::open_enum::open_enum;

/// What was being read when bytes turned out wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Item {
    /// QueryImage.
    QueryImage,
    /// QueryImageResponse.
    QueryImageResponse,
    /// ApplyUpdateRequest.
    ApplyUpdateRequest,
    /// ApplyUpdateResponse.
    ApplyUpdateResponse,
    /// NotifyUpdateApplied.
    NotifyUpdateApplied,
    /// The header of an OTA image.
    ImageHeader,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueryImage => "QueryImage",
            Self::QueryImageResponse => "QueryImageResponse",
            Self::ApplyUpdateRequest => "ApplyUpdateRequest",
            Self::ApplyUpdateResponse => "ApplyUpdateResponse",
            Self::NotifyUpdateApplied => "NotifyUpdateApplied",
            Self::ImageHeader => "Matter OTA image header",
        })
    }
}

/// A field of a message or of the image header, by Matter's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it; what each is stands where it is a field")]
pub enum Field {
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
}

impl Field {
    /// As Matter writes it: `ImageURI`.
    #[must_use]
    pub const fn name(self) -> &'static str {
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
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bytes that are no message: what was read, which field of it, where, and what was expected.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Malformed {
    /// What was being read.
    pub item: Item,
    /// Which field of it, where it is one that is at fault.
    pub field: Option<Field>,
    /// Where it went wrong, in bytes from the first byte given.
    pub offset: usize,
    /// What went wrong there.
    pub kind: MalformedKind,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { item, field, offset, kind } = self;
        write!(f, "{item}, ")?;
        if let Some(field) = field {
            write!(f, "{field}, ")?;
        }
        write!(f, "byte {offset}: {kind}")
    }
}

impl core::error::Error for Malformed {}

impl Malformed {
    pub(super) const fn tlv(item: Item, error: TlvError) -> Self {
        Self { item, field: None, offset: error.offset, kind: MalformedKind::Tlv(error.kind) }
    }
}

/// What is wrong with a message at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum MalformedKind {
    /// No TLV.
    #[error(transparent)]
    Tlv(#[from] TlvErrorKind),
    /// TLV of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// The type that the field has.
        expected: &'static str,
        /// The type that is there.
        found: &'static str,
    },
    /// A field that is always there is not; the place is where the structure ends.
    #[error("missing")]
    Missing,
    /// A field that is there twice.
    #[error("there for the second time")]
    Twice,
    /// A number that its field cannot hold.
    #[error("{value}, expected at most {most}")]
    OutOfRange {
        /// The number.
        value: u64,
        /// The highest that the field holds.
        most: u64,
    },
    /// Text, bytes or an array of a length that its field does not have.
    #[error("length {len}, expected {min} to {max}")]
    Length {
        /// Bytes of text or of octets, members of an array.
        len: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// Not an OTA image of Matter's: the first four bytes are not `1E F1 EE 1B`.
    #[error("not a Matter OTA image: identifier {found:#010x}, expected 0x1beef11e")]
    BadMagic {
        /// The identifier found, little endian.
        found: u32,
    },
    /// A total size that is not the sum of its parts.
    #[error("{total}, header and payload take {sum}")]
    TotalSize {
        /// The field.
        total: u64,
        /// What it should be.
        sum: u64,
    },
}

/// A rule that a message breaks though it can be read and written, with the requirement that states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Violation {
    /// A field that UpdateAvailable asks for is not there.
    #[error("UpdateAvailable without {0} (MAT-003)")]
    Missing(Field),
    /// DelayedActionTime with another status than Busy.
    #[error("DelayedActionTime with {0}, only Busy has it (MAT-005)")]
    Delay(Status),
    /// Text or bytes of a length that the field does not have.
    #[error("{field} of length {len}, expected {min} to {max} (MAT-032)")]
    Length {
        /// The field.
        field: Field,
        /// Its bytes.
        len: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// The ImageURI is none, or no BDX URI though it says so.
    #[error("ImageURI: {0}")]
    Uri(#[from] UriError),
    /// Metadata that are no list of elements with fully-qualified tags.
    #[error("metadata, byte {offset}: expected a list of elements with fully-qualified tags (MAT-008)")]
    Metadata {
        /// Where, in bytes from the first byte of the metadata.
        offset: usize,
    },
}

open_enum! {
    /// Whether an image is available (StatusEnum).
    Status(u8) {
        /// There is one, and the answer says where.
        UPDATE_AVAILABLE = 0 => "UpdateAvailable",
        /// The provider has no time now.
        BUSY = 1 => "Busy",
        /// There is none.
        NOT_AVAILABLE = 2 => "NotAvailable",
        /// There is one, and none of the requestor's protocols to fetch it by.
        PROTOCOL_NOT_SUPPORTED = 3 => "DownloadProtocolNotSupported",
    }
}
