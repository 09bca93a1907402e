//! Checkpoints: the state of an upgrade that survives a restart.
//!
//! ```text
//! 0        floor     received                                       size
//! |########|#########|..............................................|
//!  complete   incomplete sector   erase before the client resumes
//!  sectors
//! ```

use core::num::NonZeroU32;

use crate::types::{FileVersion, ImageId, SecurityCredentialVersion, StackVersion};
use crate::zcl::ImageOffer;

/// State of an upgrade for storage that survives a restart.
///
/// A device takes one from time to time by [`Client::checkpoint`](super::Client::checkpoint), and continues after a
/// restart by [`Client::resume`](super::Client::resume), with the same
/// [`write_size`](super::ClientConfig::write_size). Store it through serde, or store its fields and those of the structs
/// in them: [`new`](Self::new) makes a checkpoint again, and the other fields can be assigned. A field that a later
/// version of this crate adds has a default with which a stored checkpoint of today stays correct.
///
/// Only bytes below `received` are downloaded. **Flash at and above `received` must be erased** before the client
/// resumes, because blocks may have been written after the checkpoint was taken. If only whole sectors can be erased,
/// [`floor`](Self::floor) returns a checkpoint at the start of a sector. Storage that answers
/// [`StoreResult::Ok`](super::StoreResult::Ok) while bytes are still in its own buffer loses these bytes at a restart:
/// such a device resumes from the floor of the buffered sector.
///
/// A checkpoint of a verified image skips verification after a restart: protect it as well as the image itself.
///
/// There is a checkpoint until the upgrade ends, also while the image is being applied. A device that keeps some of its
/// images and downloads none at the moment has no checkpoint, and downloads all of them again after a restart.
#[doc(alias = "persist")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Checkpoint {
    /// Image that is downloaded.
    pub offer: ImageOffer,
    /// Bytes stored without a gap, at most `offer.size`.
    pub received: u32,
    /// Facts of the file's header; `None` before the header was read. Without them the download starts at offset 0,
    /// whatever `received` is.
    pub header: Option<HeaderFacts>,
    /// Stage of the upgrade.
    pub stage: CheckpointStage,
    /// Images that are kept until this one is complete.
    pub pending_images: PendingImages,
}

/// Stage of the upgrade in a [`Checkpoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CheckpointStage {
    /// The file is incomplete or not verified.
    Downloading,
    /// The file is complete and verified. After a restart the client asks the server for the upgrade time again (section
    /// 6.12), so that the time itself is not stored.
    Verified,
}

/// Facts from a file's header that later stages of an upgrade need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct HeaderFacts {
    /// Stack version of the image.
    pub stack: StackVersion,
    /// Security credential version that the image requires.
    pub credential: Option<SecurityCredentialVersion>,
}

/// Images of a device with several images that are downloaded, verified and kept until all can be applied together
/// (section 6.6). The application stores the images themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct PendingImages {
    /// Number of kept images, without the one that is being downloaded.
    pub count: u8,
    /// Next image to query, in the version that runs now; meaningless if `count` is 0.
    pub next: ImageId,
    /// Version of the kept image with the image type of [`Identity::current`](super::Identity::current), which becomes
    /// the identity's version; [`FileVersion::ANY`] if no such image is kept.
    pub identity_version: FileVersion,
    /// Stack version of that image.
    pub identity_stack: StackVersion,
    /// Security credential version that a kept image requires and the device lacks.
    pub missing_credential: Option<SecurityCredentialVersion>,
}

impl Checkpoint {
    /// Checkpoint of a download without a header, at the stage [`Downloading`](CheckpointStage::Downloading) and with no
    /// other images.
    #[must_use]
    pub const fn new(offer: ImageOffer, received: u32) -> Self {
        Self {
            offer,
            received,
            header: None,
            stage: CheckpointStage::Downloading,
            pending_images: PendingImages::NONE,
        }
    }

    /// Rounds `received` down to a multiple of `sector` bytes, the size that flash erases at a time, for files that start
    /// at the start of a sector. The caller erases from the result's `received` on.
    ///
    /// A complete file is not rounded down: its last sector needs no erasing.
    #[must_use]
    pub fn floor(self, sector: NonZeroU32) -> Self {
        if self.received >= self.offer.size {
            return self;
        }
        let excess = self.received.checked_rem(sector.get()).unwrap_or(0);
        let received = self.received.saturating_sub(excess);
        Self { received, ..self }
    }
}

impl HeaderFacts {
    /// Facts as read from a stored checkpoint.
    #[must_use]
    pub const fn new(stack: StackVersion, credential: Option<SecurityCredentialVersion>) -> Self {
        Self { stack, credential }
    }
}

impl PendingImages {
    /// No kept images.
    pub const NONE: Self = Self {
        count: 0,
        next: ImageId::new(0, 0, 0),
        identity_version: FileVersion::ANY,
        identity_stack: StackVersion(0),
        missing_credential: None,
    };
}
