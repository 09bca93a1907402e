//! Images that a provider announced over MQTT: the state of each image from its announcement until the file is fetched
//! and checked, and the OTA server offers it to devices.
//!
//! ```text
//! ImagePath -> AnnouncedImage { version, apply_after, key, fetch, confirm_by }
//! fetch: NotNeeded | Requested | Failed | Verifying(file) | Ready(file) | Rejected
//! ```

use alloc::vec::Vec;

use crate::server::{ImageInfo, StoreEntry};
use crate::time::{Instant, Millis};
use crate::types::FileVersion;
use crate::unify::date_time::DateTime;
use crate::unify::topic::ImagePath;

/// Announcement of an image that the broker delivered for one [`ImagePath`], and the state of this image.
#[derive(Clone, Debug)]
pub(super) struct AnnouncedImage {
    pub(super) version: FileVersion,
    pub(super) apply_after: Option<DateTime>,
    /// Number that distinguishes this announcement from earlier announcements for the same [`ImagePath`].
    pub(super) key: u32,
    pub(super) fetch: FetchState,
    /// Time until which the broker must deliver the announcement again after a reconnection; `None` if the broker has
    /// delivered the announcement on the current connection.
    pub(super) confirm_by: Option<Instant>,
}

/// State of an image from its announcement until the server may offer it.
#[derive(Clone, Debug)]
pub(super) enum FetchState {
    /// The image is announced, and no request for the image is pending. The consumer requests the image when a device
    /// needs it.
    NotNeeded,
    /// The consumer has requested the image, and the image has not arrived.
    Requested { until: Instant },
    /// The request for the image has timed out, and the consumer pauses before the next request.
    Failed { retry_at: Instant },
    /// The image has arrived, and the caller verifies it.
    Verifying(FetchedFile),
    /// The image was verified as valid, and the server may offer it.
    Ready(FetchedFile),
    /// The image does not match its announcement, or failed the verification.
    Rejected,
}

/// OTA file of an image that has arrived.
#[derive(Clone, Debug)]
pub(super) struct FetchedFile {
    pub(super) info: ImageInfo,
    pub(super) bytes: Vec<u8>,
}

impl FetchedFile {
    /// Parses the payload of a data message as an OTA file. Returns `None` if the payload is no OTA file. Bytes after
    /// the total image size are dropped.
    pub(super) fn parse(payload: &[u8], key: u32) -> Option<Self> {
        let entry = StoreEntry::parse(payload).ok()?;
        Some(Self { info: ImageInfo { key, ..*entry.info() }, bytes: entry.file().to_vec() })
    }
}

impl AnnouncedImage {
    pub(super) const fn is_requested(&self) -> bool {
        matches!(self.fetch, FetchState::Requested { .. })
    }

    /// Returns whether the consumer still has to request or to receive the file of the image, or the caller still has
    /// to verify the file. While `is_pending` returns `true`, the server may not offer the image yet, but the file may
    /// still become ready for the server.
    pub(super) const fn is_pending(&self) -> bool {
        match self.fetch {
            FetchState::NotNeeded | FetchState::Requested { .. } | FetchState::Verifying(_) => true,
            FetchState::Failed { .. } | FetchState::Ready(_) | FetchState::Rejected => false,
        }
    }

    /// Returns whether the broker has delivered the announcement on the current connection, which shows that the
    /// provider has not withdrawn the announcement.
    pub(super) const fn is_confirmed(&self) -> bool {
        self.confirm_by.is_none()
    }

    /// Returns the file of the image if the server may offer the image.
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

    /// Returns the earliest of three times: the timeout of the pending request, the time of the next request after a
    /// timeout, and the time until which the broker must deliver the announcement again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let fetch = match self.fetch {
            FetchState::Requested { until: at } | FetchState::Failed { retry_at: at } => Some(at),
            FetchState::NotNeeded
            | FetchState::Verifying(_)
            | FetchState::Ready(_)
            | FetchState::Rejected => None,
        };
        fetch.into_iter().chain(self.confirm_by).min()
    }

    /// Ends a request that has timed out, or the pause that follows a timed-out request. Returns `true` if a request
    /// has timed out: the caller then cancels the subscription to the topic of the image.
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

/// Handle of an image that has arrived and must be verified. The caller passes the handle to
/// [`Consumer::image`](super::Consumer::image) and [`Consumer::verified`](super::Consumer::verified).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedImage {
    pub(super) path: ImagePath,
    pub(super) key: u32,
}

impl FetchedImage {
    /// Returns the path of the image: its UIID (Unique Image Identifier), and the device or all devices that the image
    /// is for.
    #[must_use]
    pub const fn path(&self) -> &ImagePath {
        &self.path
    }
}

/// Result of the verification that [`ConsumerAction::Verify`](super::ConsumerAction::Verify) asks for.
// Exhaustive: an image is either offered or not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FileVerdict {
    /// The image is valid: the server may offer the image to devices.
    Valid,
    /// The image is invalid: the server may not offer the image to devices. The consumer fetches an invalid image again
    /// only after a new announcement of the image.
    Invalid,
}
