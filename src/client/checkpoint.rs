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

/// State of an upgrade that the application persists, so that the upgrade survives a restart.
///
/// A device takes a checkpoint from time to time by [`Client::checkpoint`](super::Client::checkpoint), and continues
/// after a restart by [`Client::resume`](super::Client::resume). The client after the restart must have the same
/// [`write_size`](super::ClientConfig::write_size) as the client before the restart. Store a checkpoint as the bytes of
/// [`to_bytes`](Self::to_bytes), through serde, or field by field. If the application stores the fields one by one,
/// [`new`](Self::new) creates a checkpoint from the stored `offer` and `received`, and the application assigns the
/// other fields. A field that a later version of this crate adds has a default with which a checkpoint stored today
/// stays correct.
///
/// Only the bytes below `received` count as stored. **Flash at and above `received` must be erased** before the client
/// resumes, because blocks may have been written after the checkpoint was taken. If flash can erase only whole sectors,
/// [`floor`](Self::floor) rounds `received` down to the start of a sector. Storage may answer
/// [`StoreResult::Ok`](super::StoreResult::Ok) while bytes are still in a buffer, but a restart loses the content of
/// the buffer. A device whose storage buffers a sector resumes from a checkpoint whose `received` is rounded down to
/// the start of the buffered sector.
///
/// A client that resumes from a checkpoint of a verified image skips verification. A checkpoint of a verified image
/// therefore needs the same protection as the image itself.
///
/// | field | bytes | content |
/// |---|---|---|
/// | `offer` | 2 + 2 + 4 + 4 | manufacturer code, image type, file version, size of the file |
/// | `received` | 4 | number of bytes that are stored without a gap |
/// | `header` | 2 + 1, or absent | stack version and security credential version of the file |
/// | `sums` | 2 x (4 + 1 + 4), or absent | start, size and checksum of the header and of the last stored block |
/// | `stage` | 1 | what has happened to the file |
/// | `pending_images` | 1 + 8 + 4 + 2 + 1 | images that are kept until all images of the device are complete |
///
/// A checkpoint is available until the upgrade ends, also while the download is paused and while the image is being
/// applied. A device that keeps some of several images, but downloads no image at the moment, has a checkpoint of the
/// stage [`ImagesRetained`](CheckpointStage::ImagesRetained).
#[doc(alias = "persist")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Checkpoint {
    /// Offer of the image that is being downloaded.
    pub offer: ImageOffer,
    /// Number of bytes that are stored without a gap from the start of the file, at most `offer.size`.
    pub received: u32,
    /// Header facts: values from the header of the file; `None` if the header was not read yet. Without header facts
    /// the download starts at offset 0, whatever `received` is.
    pub header: Option<HeaderFacts>,
    /// Checksums of two ranges of the file, by which the client finds out after a restart whether the server still has
    /// the same file. The field is `None` if no checksums were kept, as in checkpoints of earlier versions of this
    /// crate. Without checksums the download continues unchecked, and only the verification of the whole file can find
    /// that the server has replaced the file.
    #[cfg_attr(feature = "serde", serde(default))]
    pub sums: Option<FileSums>,
    /// Stage of the upgrade at the time of the checkpoint.
    pub stage: CheckpointStage,
    /// Verified images that are kept until the image of this checkpoint is complete.
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
    /// The file is complete and verified. After a restart the client asks the server for the upgrade time again
    /// (section 6.12 of ZigBee document 095264), so that a checkpoint need not store the upgrade time.
    Verified,
    /// No file is in transfer, and verified images are kept until the next image of the device is complete. In this
    /// stage, the field [`offer`](Checkpoint::offer) holds the image to query, with the version that runs now and a
    /// size of 0.
    ImagesRetained,
}

/// Checksums of two ranges of a file. The two ranges are the header and the last stored block. After a pause or a
/// restart the client requests these ranges again and compares their checksums, because a server may send the bytes of
/// another file under the same identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct FileSums {
    /// Checksum of the header of the file, without fields of later header versions: the first 56 to 69 bytes.
    pub header: RangeSum,
    /// Checksum of the last block that extended the bytes stored without a gap. The checksum covers 0 bytes if no block
    /// was stored yet.
    pub last_block: RangeSum,
    /// Number of header bytes that the checksum covers. The number of covered header bytes is final when the field with
    /// the header length has arrived.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) header_size: u8,
}

/// Checksum of a range of bytes of a file: FNV-1a with 32 bits, which finds accidental changes only.
// Exhaustive: the three fields define the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RangeSum {
    /// Offset of the first byte that the checksum covers, from the start of the file.
    pub start: u32,
    /// Number of bytes that the checksum covers.
    pub size: u8,
    /// FNV-1a hash of the covered bytes.
    pub sum: u32,
}

/// Header facts: values from the header of a file, which later stages of an upgrade need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct HeaderFacts {
    /// Stack version of the image.
    pub stack: StackVersion,
    /// Security credential version that the image requires; `None` if the header names no version.
    pub credential: Option<SecurityCredentialVersion>,
}

/// Record of the images that are downloaded, verified and kept until all images of the device can be applied together
/// (section 6.6 of ZigBee document 095264). The application stores the images themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct PendingImages {
    /// Number of kept images, not counting the image that is being downloaded.
    pub count: u8,
    /// Next image to query, with the version that runs now; meaningless if `count` is 0.
    pub next: ImageId,
    /// File version of the kept image with the image type of [`Identity::current`](super::Identity::current);
    /// [`FileVersion::ANY`] if no such image is kept. After the upgrade, the file version of the kept image becomes the
    /// version of the identity.
    pub identity_version: FileVersion,
    /// Stack version of the kept image with the image type of [`Identity::current`](super::Identity::current).
    pub identity_stack: StackVersion,
    /// Security credential version that a kept image requires and the device lacks; `None` if the device has the
    /// credentials of all kept images.
    pub missing_credential: Option<SecurityCredentialVersion>,
}

impl Checkpoint {
    /// Creates the checkpoint of a download at the stage [`Downloading`](CheckpointStage::Downloading), without header
    /// facts and without kept images.
    #[must_use]
    pub const fn new(offer: ImageOffer, received: u32) -> Self {
        Self {
            offer,
            received,
            header: None,
            sums: None,
            stage: CheckpointStage::Downloading,
            pending_images: PendingImages::NONE,
        }
    }

    /// Rounds `received` down to a multiple of `sector`, the number of bytes that flash erases at a time. In flash, the
    /// file must start at the start of a sector. The caller erases flash from `received` of the returned checkpoint on.
    ///
    /// The checkpoint of a complete file is not rounded down, because no sector of the file needs erasing.
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

impl FileSums {
    /// Creates the checksums from the values of a stored checkpoint.
    #[must_use]
    pub const fn new(header: RangeSum, last_block: RangeSum) -> Self {
        Self { header, last_block, header_size: header.size }
    }
}

impl HeaderFacts {
    /// Creates header facts from the values of a stored checkpoint.
    #[must_use]
    pub const fn new(stack: StackVersion, credential: Option<SecurityCredentialVersion>) -> Self {
        Self { stack, credential }
    }
}

impl PendingImages {
    /// Record for a device that keeps no images.
    pub const NONE: Self = Self {
        count: 0,
        next: ImageId::new(0, 0, 0),
        identity_version: FileVersion::ANY,
        identity_stack: StackVersion(0),
        missing_credential: None,
    };
}
