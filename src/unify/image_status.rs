//! Status of an image on a device, and the attribute values that a consumer publishes for the status.
//!
//! ```text
//! current, target, apply_after, status, size, offset, last_error     each is published as one attribute
//! ```

use alloc::vec::Vec;

use super::date_time::DateTime;
use super::image_attribute::{ImageAttributeValue, LastError, OtaStatus};
use super::payload::version_text;
use crate::client;
use crate::types::FileVersion;
use crate::zcl::AttributeSnapshot;

/// Status of an image on a device. While the target version equals the running version, a consumer publishes
/// [`OtaStatus::Idle`] instead of the field [`status`](Self::status).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ImageStatus {
    /// Version of the image that the device runs; 0xFFFFFFFF if the version is unknown.
    pub current: FileVersion,
    /// Version of the image that the device shall install; equal to `current` if the device is up to date.
    pub target: FileVersion,
    /// Earliest time at which the device may activate the image; `None` if the announcement names no time.
    pub apply_after: Option<DateTime>,
    /// State of the upgrade to the target version.
    pub status: OtaStatus,
    /// Size of the OTA file in bytes; 0 if the size is unknown.
    pub size: u32,
    /// Offset in the OTA file of the next byte that the device has to download.
    pub offset: u32,
    /// Result of the last operation with the image, such as a query, a download or an upgrade.
    pub last_error: LastError,
}

impl ImageStatus {
    /// Creates the status of an image that is up to date. The size in the created status is 0, because the size of the
    /// file is unknown.
    #[must_use]
    pub const fn idle(current: FileVersion) -> Self {
        Self {
            current,
            target: current,
            apply_after: None,
            status: OtaStatus::Idle,
            size: 0,
            offset: 0,
            last_error: LastError::Success,
        }
    }

    /// Creates the status of the image that a client upgrades. The status follows from the
    /// [`attributes`](client::Client::attributes) of the client, from its [`progress`](client::Client::progress) during
    /// a download, and from the outcome of its last upgrade.
    #[must_use]
    pub fn from_client(
        attributes: &AttributeSnapshot,
        progress: Option<&client::DownloadProgress>,
        last: Option<client::Outcome>,
    ) -> Self {
        let known = |version: &FileVersion| *version != FileVersion::ANY;
        let current = attributes.current_version.unwrap_or(FileVersion::ANY);
        let held = attributes.downloaded_version.filter(known);
        let offered = progress.map(|progress| progress.offer);
        Self {
            target: offered.map(|offer| offer.id.version).or(held).unwrap_or(current),
            status: OtaStatus::from_zcl(attributes.status).unwrap_or_default(),
            size: offered.map_or(0, |offer| offer.size),
            offset: progress.map_or(0, |progress| progress.received),
            last_error: last.map(LastError::from_outcome).unwrap_or_default(),
            ..Self::idle(current)
        }
    }

    /// Returns whether the device runs the target version, so that it needs no upgrade.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.current == self.target
    }

    /// Returns the attribute values to publish, in the order of [`ImageAttribute::ALL`](super::ImageAttribute::ALL).
    /// The returned values include the attribute `ApplyAfter` only if the field `apply_after` contains a time.
    #[must_use]
    pub fn values(&self) -> Vec<ImageAttributeValue> {
        let Self { current, target, apply_after, status, size, offset, last_error } = self;
        let status = if self.is_done() { OtaStatus::Idle } else { *status };
        let first = [
            ImageAttributeValue::LastError(*last_error),
            ImageAttributeValue::CurrentVersion(version_text(*current)),
            ImageAttributeValue::TargetVersion(version_text(*target)),
        ];
        let last = [
            ImageAttributeValue::Status(status),
            ImageAttributeValue::Size(*size),
            ImageAttributeValue::Offset(*offset),
        ];
        let time = apply_after.clone().map(ImageAttributeValue::ApplyAfter);
        first.into_iter().chain(time).chain(last).collect()
    }
}
