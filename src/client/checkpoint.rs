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
/// other fields. A later version of this crate may add a field to `Checkpoint`. Checkpoints that an earlier version of
/// this crate has stored stay valid, because each added field has a default value.
///
/// Only the bytes below `received` count as stored. **Flash at and above `received` must be erased** before the client
/// resumes, because blocks may have been written after the checkpoint was taken. For flash that can erase only whole
/// sectors, the application calls [`floor`](Self::floor), which rounds `received` down to the start of a sector.
/// Storage may answer [`StoreResult::Ok`](super::StoreResult::Ok) while bytes are still in a buffer, but a restart
/// loses the content of the buffer. A device whose storage buffers a sector resumes from a checkpoint whose `received`
/// is rounded down to the start of the buffered sector.
///
/// A client that resumes from a checkpoint of a verified image does not verify the image again. A checkpoint of a
/// verified image therefore needs the same protection against manipulation as the image itself.
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
/// [`Client::checkpoint`](super::Client::checkpoint) returns a checkpoint until the upgrade ends, also while the
/// download is paused and while the application applies the image. A device with several images, of which some are
/// downloaded and kept, has between two downloads a checkpoint of the stage
/// [`ImagesRetained`](CheckpointStage::ImagesRetained).
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
    /// Header facts: values from the header of the file; `None` if the header was not read yet. A client that resumes
    /// from a checkpoint without header facts downloads the file from offset 0, whatever `received` is.
    pub header: Option<HeaderFacts>,
    /// Checksums of two ranges of the file, by which the client finds out after a restart whether the server still has
    /// the same file. `sums` is `None` in a checkpoint without checksums, for example in a checkpoint of an earlier
    /// version of this crate. A client that resumes from a checkpoint without checksums does not check the file of the
    /// server. A client without checksums notices that the server has replaced the file only when the verification of
    /// the whole file fails.
    #[cfg_attr(feature = "serde", serde(default))]
    pub sums: Option<FileSums>,
    /// Stage of the upgrade at the time of the checkpoint.
    pub stage: CheckpointStage,
    /// Verified images that are kept until all images of the device are complete.
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
    /// The file is complete and verified. A checkpoint does not contain the upgrade time, because the client asks the
    /// server for the upgrade time again after a restart (section 6.12 of ZigBee document 095264).
    Verified,
    /// No file is in transfer, and verified images are kept until all images of the device are complete. In a
    /// checkpoint of the stage `ImagesRetained`, the field [`offer`](Checkpoint::offer) holds the image to query, with
    /// the version that runs now and a size of 0.
    ImagesRetained,
}

/// Checksums of two ranges of a file: the header and the last stored block. After a pause or a restart the client
/// requests the header and the last stored block again and compares the checksums, because the server may have replaced
/// the file by another file with the same manufacturer code, image type and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct FileSums {
    /// Checksum of the header of the file, without fields of later header versions: the first 56 to 69 bytes.
    pub header: RangeSum,
    /// Checksum of the most recently stored block that began at the first missing byte of the file. If no block was
    /// stored yet, the checksum of the last block covers 0 bytes.
    pub last_block: RangeSum,
    /// Number of header bytes that the checksum `header` covers as soon as the whole header has arrived. The number of
    /// header bytes is known only after the client has received the header length, bytes 6 and 7 of the file.
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
    /// FNV-1a hash of the `size` bytes from offset `start` on.
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
/// (section 6.6 of ZigBee document 095264). `PendingImages` does not contain the bytes of the images, which the
/// application stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct PendingImages {
    /// Number of kept images, not counting the image that is being downloaded.
    pub count: u8,
    /// Image of the device to query next, with the version of this image that the device runs now; meaningless if no
    /// image is kept.
    pub next: ImageId,
    /// File version of the kept image with the image type of [`Identity::current`](super::Identity::current);
    /// [`FileVersion::ANY`] if no such image is kept. When the kept image has been applied,
    /// [`Client::identity`](super::Client::identity) returns the file version of the kept image.
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

    /// Rounds `received` down to a multiple of `sector`, which is the size of a flash sector in bytes. The first byte
    /// of the file must lie at the start of a flash sector. The caller erases all sectors of the file from offset
    /// `received` of the returned checkpoint to the end of the file.
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
    /// Record of kept images for a device that keeps no image.
    pub const NONE: Self = Self {
        count: 0,
        next: ImageId::new(0, 0, 0),
        identity_version: FileVersion::ANY,
        identity_stack: StackVersion(0),
        missing_credential: None,
    };
}
