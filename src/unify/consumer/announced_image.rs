//! Announcements of images, and the state of each image between its request and its offer.
//!
//! ```text
//! ImagePath -> AnnouncedImage { announcement, version, key, fetch }
//! fetch: NotNeeded | Requested | Failed | Verifying(file) | Ready(file) | Rejected
//! ```

use alloc::vec::Vec;

use crate::server::{ImageInfo, StoreEntry};
use crate::time::{Instant, Millis};
use crate::types::FileVersion;
use crate::unify::payload::Announcement;
use crate::unify::topic::ImagePath;

/// Announcement of one path, and the state of its image.
#[derive(Clone, Debug)]
pub(super) struct AnnouncedImage {
    pub(super) announcement: Announcement,
    pub(super) version: FileVersion,
    /// Number that distinguishes this announcement from earlier ones of the same path.
    pub(super) key: u32,
    pub(super) fetch: FetchState,
}

/// State of the image between its announcement and its offer.
#[derive(Clone, Debug)]
pub(super) enum FetchState {
    /// No device has needed the image yet.
    NotNeeded,
    /// The image was requested, and has not arrived.
    Requested { until: Instant },
    /// The request has timed out.
    Failed { retry_at: Instant },
    /// The image has arrived, and the caller verifies it.
    Verifying(FetchedFile),
    /// The image may be offered.
    Ready(FetchedFile),
    /// The image does not fit its announcement, or failed the verification.
    Rejected,
}

/// OTA file of an image.
#[derive(Clone, Debug)]
pub(super) struct FetchedFile {
    pub(super) info: ImageInfo,
    pub(super) bytes: Vec<u8>,
}

impl FetchedFile {
    /// Parses the payload of a data message. Bytes after the total image size are dropped.
    pub(super) fn parse(payload: &[u8], key: u32) -> Option<Self> {
        let entry = StoreEntry::parse(payload).ok()?;
        Some(Self { info: ImageInfo { key, ..*entry.info() }, bytes: entry.file().to_vec() })
    }
}

impl AnnouncedImage {
    pub(super) const fn is_requested(&self) -> bool {
        matches!(self.fetch, FetchState::Requested { .. })
    }

    /// File of the image, where it may be offered.
    pub(super) const fn ready_file(&self) -> Option<&FetchedFile> {
        match &self.fetch {
            FetchState::Ready(file) => Some(file),
            FetchState::NotNeeded
            | FetchState::Requested { .. }
            | FetchState::Failed { .. }
            | FetchState::Verifying(_)
            | FetchState::Rejected => None,
        }
    }

    /// Deadline of the request, or time of the next one.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.fetch {
            FetchState::Requested { until: at } | FetchState::Failed { retry_at: at } => Some(at),
            FetchState::NotNeeded
            | FetchState::Verifying(_)
            | FetchState::Ready(_)
            | FetchState::Rejected => None,
        }
    }

    /// Ends a request that has timed out, and a pause between requests. Returns whether a request has timed out: its
    /// subscription is to be cancelled then.
    pub(super) fn expire(&mut self, now: Instant, retry: Millis) -> bool {
        let (next, has_timed_out) = match self.fetch {
            FetchState::Requested { until } if until <= now => {
                (FetchState::Failed { retry_at: now.plus(retry) }, true)
            }
            FetchState::Failed { retry_at } if retry_at <= now => (FetchState::NotNeeded, false),
            _ => return false,
        };
        self.fetch = next;
        has_timed_out
    }
}

/// Image that has arrived and is to be verified: the handle for [`Consumer::image`](super::Consumer::image) and
/// [`Consumer::verified`](super::Consumer::verified).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedImage {
    pub(super) path: ImagePath,
    pub(super) key: u32,
}

impl FetchedImage {
    /// Path of the image.
    #[must_use]
    pub const fn path(&self) -> &ImagePath {
        &self.path
    }
}

/// Result of the verification that [`ConsumerAction::Verify`](super::ConsumerAction::Verify) asks for.
// Exhaustive: an image is offered, or it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FileVerdict {
    /// The image may be offered.
    Valid,
    /// The image may not be offered. It is fetched again after it has been announced again.
    Invalid,
}
