//! The status of one image on one device, from what is known of it to the values that are published.
//!
//! ```text
//! current, target, apply_after, status, size, offset, last_error     one attribute each
//! ```

use alloc::vec::Vec;

use super::attribute::{AttributeValue, LastError, Status};
use super::moment::Moment;
use super::payload::version_text;
use crate::client;
use crate::types::FileVersion;
use crate::zcl::AttributeSnapshot;

/// Where an image stands on a device. Where the target is what runs, nothing is to be done, and the status that is
/// published is [`Status::Idle`] whatever is told here.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ImageStatus {
    /// What runs.
    pub current: FileVersion,
    /// What is to be installed.
    pub target: FileVersion,
    /// Not before this moment.
    pub apply_after: Option<Moment>,
    /// What goes on.
    pub status: Status,
    /// Bytes to transfer; 0 while that is not known.
    pub size: u32,
    /// The next byte to transfer, counted from the start of the file.
    pub offset: u32,
    /// How the last operation ended.
    pub last_error: LastError,
}

impl ImageStatus {
    /// Of an image that runs, where nothing else is known.
    #[must_use]
    pub const fn idle(current: FileVersion) -> Self {
        Self {
            current,
            target: current,
            apply_after: None,
            status: Status::Idle,
            size: 0,
            offset: 0,
            last_error: LastError::Success,
        }
    }

    /// From what a client tells of itself: its [`attributes`](client::Client::attributes), its
    /// [`progress`](client::Client::progress) while it downloads, and how its last upgrade ended.
    #[must_use]
    pub fn of_client(
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
            status: Status::of(attributes.status).unwrap_or_default(),
            size: offered.map_or(0, |offer| offer.size),
            offset: progress.map_or(0, |progress| progress.received),
            last_error: last.map(LastError::of_outcome).unwrap_or_default(),
            ..Self::idle(current)
        }
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.current == self.target
    }

    /// The values to publish, in [that order](super::Attribute::ALL). Without a moment to wait for there is no
    /// `ApplyAfter`.
    #[must_use]
    pub fn values(&self) -> Vec<AttributeValue> {
        let status = if self.is_done() { Status::Idle } else { self.status };
        let first = [
            AttributeValue::LastError(self.last_error),
            AttributeValue::CurrentVersion(version_text(self.current)),
            AttributeValue::TargetVersion(version_text(self.target)),
        ];
        let last = [
            AttributeValue::Status(status),
            AttributeValue::Size(self.size),
            AttributeValue::Offset(self.offset),
        ];
        let moment = self.apply_after.clone().map(AttributeValue::ApplyAfter);
        first.into_iter().chain(moment).chain(last).collect()
    }
}
