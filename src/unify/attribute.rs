//! The attributes of an image on a device.
//!
//! ```text
//! CurrentVersion   "0x10053519"                  what runs
//! TargetVersion    "0x10103519"                  what is to be installed; equal when nothing is to be done
//! ApplyAfter       "2021-04-15T23:59:59+00:00"   not before then
//! Status           "DownloadInProgress"          one of five
//! Size             80000                         bytes to transfer
//! Offset           1250                          the next byte to transfer
//! LastError        "Success"                     one of six
//! ```
//!
//! Unify, "OTA MQTT Topic attributes overview". Each payload is `{"value": ...}`. A second table writes the errors in
//! upper case and leaves one out; the examples do not, and are followed.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::payload::{PayloadError, Value, read_object, to_json};
use crate::client::Outcome;
use crate::zcl::{self, ImageUpgradeStatus};

/// The name of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Attribute {
    /// How the last operation ended.
    LastError,
    /// What runs.
    CurrentVersion,
    /// What is to be installed.
    TargetVersion,
    /// Not before this moment.
    ApplyAfter,
    /// What goes on.
    Status,
    /// Bytes to transfer.
    Size,
    /// The next byte to transfer.
    Offset,
}

impl Attribute {
    /// All, in the order in which changes are published: who listens never sees `Idle` with a version that is still to
    /// be installed when it was installed, nor a status whose target is not told yet.
    pub const ALL: [Self; 7] = [
        Self::LastError,
        Self::CurrentVersion,
        Self::TargetVersion,
        Self::ApplyAfter,
        Self::Status,
        Self::Size,
        Self::Offset,
    ];

    /// As it stands in topics.
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

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.name() == name)
    }
}

/// What goes on with an image on a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Status {
    /// Nothing.
    #[default]
    Idle,
    /// Some of it was sent, and not all.
    DownloadInProgress,
    /// The device holds it and does not run it yet.
    WaitingToUpgrade,
    /// The device holds it and waits for other images.
    WaitForMore,
    /// The device holds it, and somebody must do something there.
    WaitingToUpgradeViaExternalEvent,
}

impl Status {
    /// What a device tells of itself (section 6.7.7); `None` for a value without a name.
    #[must_use]
    pub const fn of(status: ImageUpgradeStatus) -> Option<Self> {
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

/// How the last operation ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LastError {
    /// Well, or there was none.
    #[default]
    Success,
    /// Given up by one side.
    Abort,
    /// The device expected some permission.
    NotAuthorized,
    /// The image is not good.
    InvalidImage,
    /// The device needs other images, too.
    RequireMoreImage,
    /// The device cannot take this image.
    NotSupported,
}

impl LastError {
    /// What a status of the cluster (section 6.10.2) comes to; `None` for one that says nothing about an end, such as
    /// WAIT_FOR_DATA.
    #[must_use]
    pub const fn of(status: zcl::Status) -> Option<Self> {
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

    /// What the end of an upgrade comes to, as a device knows it.
    #[must_use]
    pub fn of_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Upgraded(_) | Outcome::Received(_) => Self::Success,
            Outcome::HeaderUnreadable(_) | Outcome::HeaderMismatch | Outcome::InvalidImage => {
                Self::InvalidImage
            }
            Outcome::NotForThisDevice | Outcome::SpecificFilesUnsupported => Self::NotSupported,
            Outcome::NoCredentials => Self::NotAuthorized,
            Outcome::UpgradeRefused(status) => Self::of(status).unwrap_or(Self::Abort),
            _ => Self::Abort,
        }
    }
}

/// An attribute with its value.
///
/// ```
/// use zigbee_ota::unify::{Attribute, AttributeValue, Status};
///
/// let value = AttributeValue::Status(Status::DownloadInProgress);
/// assert_eq!(value.payload(), br#"{"value":"DownloadInProgress"}"#);
/// assert_eq!(AttributeValue::read(Attribute::Status, br#"{"value": "DownloadInProgress"}"#)?, value);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// How the last operation ended.
    LastError(LastError),
    /// What runs.
    CurrentVersion(String),
    /// What is to be installed.
    TargetVersion(String),
    /// Not before this moment.
    ApplyAfter(Moment),
    /// What goes on.
    Status(Status),
    /// Bytes to transfer.
    Size(u32),
    /// The next byte to transfer.
    Offset(u32),
}

impl AttributeValue {
    /// Whose value it is.
    #[must_use]
    pub const fn attribute(&self) -> Attribute {
        match self {
            Self::LastError(_) => Attribute::LastError,
            Self::CurrentVersion(_) => Attribute::CurrentVersion,
            Self::TargetVersion(_) => Attribute::TargetVersion,
            Self::ApplyAfter(_) => Attribute::ApplyAfter,
            Self::Status(_) => Attribute::Status,
            Self::Size(_) => Attribute::Size,
            Self::Offset(_) => Attribute::Offset,
        }
    }

    /// As it is published: `{"value": ...}` in JSON.
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

    /// Reads the payload of an attribute.
    ///
    /// # Errors
    /// It is no JSON object with a `value`, or that is not of the attribute's type or none of its words.
    pub fn read(attribute: Attribute, payload: &[u8]) -> Result<Self, PayloadError> {
        fn value<T: DeserializeOwned>(payload: &[u8]) -> Result<T, PayloadError> {
            Ok(read_object::<Value<T>>(payload)?.value)
        }
        match attribute {
            Attribute::LastError => value(payload).map(Self::LastError),
            Attribute::CurrentVersion => value(payload).map(Self::CurrentVersion),
            Attribute::TargetVersion => value(payload).map(Self::TargetVersion),
            Attribute::ApplyAfter => value(payload).map(Self::ApplyAfter),
            Attribute::Status => value(payload).map(Self::Status),
            Attribute::Size => value(payload).map(Self::Size),
            Attribute::Offset => value(payload).map(Self::Offset),
        }
    }
}
