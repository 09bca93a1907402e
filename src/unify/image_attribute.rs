//! Attributes that a consumer publishes for each image of each device.
//!
//! ```text
//! CurrentVersion   "0x10053519"                  running version
//! TargetVersion    "0x10103519"                  version to install; equal to CurrentVersion when up to date
//! ApplyAfter       "2021-04-15T23:59:59+00:00"   earliest time of the activation
//! Status           "DownloadInProgress"          one of five words
//! Size             80000                         size of the file in bytes
//! Offset           1250                          offset of the next byte to transfer
//! LastError        "Success"                     one of six words
//! ```
//!
//! The attributes follow Unify, "OTA MQTT Topic attributes overview". The payload of each attribute is the JSON object
//! `{"value": ...}`. In one table of the Unify document, the words for the values of `LastError` are in upper case, and
//! one of the words is missing. This module follows the examples of the Unify document, which show all words for
//! `LastError` in mixed case.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::date_time::DateTime;
use super::payload::{PayloadError, Value, parse_object, to_json};
use crate::client::Outcome;
use crate::zcl::{self, ImageUpgradeStatus};

/// Attribute that a consumer publishes for an image on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ImageAttribute {
    /// Result of the last operation with the image, such as a query, a download or an upgrade.
    LastError,
    /// Version of the image that the device runs.
    CurrentVersion,
    /// Version of the image that the device shall install.
    TargetVersion,
    /// Earliest time at which the device may activate the image.
    ApplyAfter,
    /// State of the upgrade to the target version.
    Status,
    /// Size of the OTA file in bytes.
    Size,
    /// Offset in the OTA file of the next byte that the device has to download.
    Offset,
}

impl ImageAttribute {
    /// All attributes in the order of publication. A subscriber never sees the status `Idle` before the new
    /// `CurrentVersion`, and never a new `Status` before the `TargetVersion` that the status concerns.
    pub const ALL: [Self; 7] = [
        Self::LastError,
        Self::CurrentVersion,
        Self::TargetVersion,
        Self::ApplyAfter,
        Self::Status,
        Self::Size,
        Self::Offset,
    ];

    /// Returns the name of the attribute in topics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LastError => "LastError",
            Self::CurrentVersion => "CurrentVersion",
            Self::TargetVersion => "TargetVersion",
            Self::ApplyAfter => "ApplyAfter",
            Self::Status => "Status",
            Self::Size => "Size",
            Self::Offset => "Offset",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.name() == name)
    }
}

/// State of the upgrade of an image on a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OtaStatus {
    /// No upgrade is in progress.
    #[default]
    Idle,
    /// The device has only a part of the image.
    DownloadInProgress,
    /// The device has the complete image, but does not run the image yet.
    WaitingToUpgrade,
    /// The device has the complete image, and waits for further images.
    WaitForMore,
    /// The device has the complete image, and waits for an event outside the OTA Upgrade cluster, such as the press of
    /// a button.
    WaitingToUpgradeViaExternalEvent,
}

impl OtaStatus {
    /// Converts a value of the cluster attribute ImageUpgradeStatus (ZigBee document 095264, section 6.7.7) to a status
    /// of Unify. Returns `None` if Unify has no word for the value of ImageUpgradeStatus.
    #[must_use]
    pub const fn from_zcl(status: ImageUpgradeStatus) -> Option<Self> {
        match status {
            ImageUpgradeStatus::NORMAL => Some(Self::Idle),
            ImageUpgradeStatus::DOWNLOAD_IN_PROGRESS => Some(Self::DownloadInProgress),
            ImageUpgradeStatus::DOWNLOAD_COMPLETE
            | ImageUpgradeStatus::WAITING_TO_UPGRADE
            | ImageUpgradeStatus::COUNT_DOWN => Some(Self::WaitingToUpgrade),
            ImageUpgradeStatus::WAIT_FOR_MORE => Some(Self::WaitForMore),
            ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT => Some(Self::WaitingToUpgradeViaExternalEvent),
            _ => None,
        }
    }
}

/// Result of the last operation with an image on a device, such as a query, a download or an upgrade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LastError {
    /// The last operation with the image succeeded, or there was no operation yet.
    #[default]
    Success,
    /// The device or the server aborted the last operation with the image.
    Abort,
    /// The last operation with the image failed because the client lacked a permission.
    NotAuthorized,
    /// The last operation with the image failed because the image is invalid.
    InvalidImage,
    /// The device needs further images before the upgrade.
    RequireMoreImage,
    /// The last operation with the image failed because the device does not support the image.
    NotSupported,
}

impl LastError {
    /// Converts a status code of the OTA Upgrade cluster (ZigBee document 095264, section 6.10.2) to the result of an
    /// operation. Returns `None` for a status code that is not the result of an operation, for example for
    /// WAIT_FOR_DATA.
    #[must_use]
    pub const fn from_zcl(status: zcl::Status) -> Option<Self> {
        match status {
            zcl::Status::SUCCESS => Some(Self::Success),
            zcl::Status::ABORT => Some(Self::Abort),
            zcl::Status::NOT_AUTHORIZED => Some(Self::NotAuthorized),
            zcl::Status::INVALID_IMAGE => Some(Self::InvalidImage),
            zcl::Status::REQUIRE_MORE_IMAGE => Some(Self::RequireMoreImage),
            zcl::Status::UNSUP_CLUSTER_COMMAND => Some(Self::NotSupported),
            _ => None,
        }
    }

    /// Converts the outcome of an upgrade, as a client reports the outcome, to the result of the last operation with
    /// the image.
    #[must_use]
    pub fn from_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Upgraded(_) | Outcome::Received(_) => Self::Success,
            Outcome::HeaderUnreadable(_) | Outcome::HeaderMismatch(_) | Outcome::InvalidImage => {
                Self::InvalidImage
            }
            Outcome::NotForThisDevice(_) | Outcome::SpecificFilesUnsupported => Self::NotSupported,
            Outcome::NoCredentials => Self::NotAuthorized,
            Outcome::UpgradeRefused(status) => Self::from_zcl(status).unwrap_or(Self::Abort),
            Outcome::Refused
            | Outcome::Cancelled
            | Outcome::StorageFault
            | Outcome::ServerAborted
            | Outcome::ImageGone
            | Outcome::ServerErrors(_)
            | Outcome::EmptyBlocks
            | Outcome::ShortBlocks
            | Outcome::ServerSilent
            | Outcome::UnusableAnswers(_)
            | Outcome::Replaced
            | Outcome::ApplyFailed => Self::Abort,
        }
    }
}

/// Value of an attribute that a consumer publishes for an image on a device.
///
/// ```
/// use zigbee_ota::unify::{ImageAttribute, ImageAttributeValue, OtaStatus};
///
/// let value = ImageAttributeValue::Status(OtaStatus::DownloadInProgress);
/// assert_eq!(value.payload(), br#"{"value":"DownloadInProgress"}"#);
/// let payload = br#"{"value": "DownloadInProgress"}"#;
/// assert_eq!(ImageAttributeValue::parse(ImageAttribute::Status, payload)?, value);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ImageAttributeValue {
    /// Result of the last operation with the image, such as a query, a download or an upgrade.
    LastError(LastError),
    /// Version of the image that the device runs, in the notation of announcements, such as `0x10053519`.
    CurrentVersion(String),
    /// Version of the image that the device shall install, in the notation of announcements, such as `0x10053519`.
    TargetVersion(String),
    /// Earliest time at which the device may activate the image.
    ApplyAfter(DateTime),
    /// State of the upgrade to the target version.
    Status(OtaStatus),
    /// Size of the OTA file in bytes.
    Size(u32),
    /// Offset in the OTA file of the next byte that the device has to download.
    Offset(u32),
}

impl ImageAttributeValue {
    /// Returns the attribute that the value belongs to.
    #[must_use]
    pub const fn attribute(&self) -> ImageAttribute {
        match self {
            Self::LastError(_) => ImageAttribute::LastError,
            Self::CurrentVersion(_) => ImageAttribute::CurrentVersion,
            Self::TargetVersion(_) => ImageAttribute::TargetVersion,
            Self::ApplyAfter(_) => ImageAttribute::ApplyAfter,
            Self::Status(_) => ImageAttribute::Status,
            Self::Size(_) => ImageAttribute::Size,
            Self::Offset(_) => ImageAttribute::Offset,
        }
    }

    /// Returns the MQTT payload of this attribute: the JSON object `{"value": ...}`.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        match self {
            Self::LastError(value) => to_json(&Value { value }),
            Self::CurrentVersion(value) | Self::TargetVersion(value) => to_json(&Value { value }),
            Self::ApplyAfter(value) => to_json(&Value { value }),
            Self::Status(value) => to_json(&Value { value }),
            Self::Size(value) | Self::Offset(value) => to_json(&Value { value }),
        }
    }

    /// Parses the MQTT payload of an attribute.
    ///
    /// # Errors
    /// Fails with [`PayloadError`] if the payload is not a JSON object with a member `value`, or if the value has the
    /// wrong type or is an unknown word.
    pub fn parse(attribute: ImageAttribute, payload: &[u8]) -> Result<Self, PayloadError> {
        fn value<T: DeserializeOwned>(payload: &[u8]) -> Result<T, PayloadError> {
            Ok(parse_object::<Value<T>>(payload)?.value)
        }
        match attribute {
            ImageAttribute::LastError => value(payload).map(Self::LastError),
            ImageAttribute::CurrentVersion => value(payload).map(Self::CurrentVersion),
            ImageAttribute::TargetVersion => value(payload).map(Self::TargetVersion),
            ImageAttribute::ApplyAfter => value(payload).map(Self::ApplyAfter),
            ImageAttribute::Status => value(payload).map(Self::Status),
            ImageAttribute::Size => value(payload).map(Self::Size),
            ImageAttribute::Offset => value(payload).map(Self::Offset),
        }
    }
}
