//! What a restarted device goes on from.
//!
//! ```text
//! 0        floor     received                                       size
//! |########|#########|..............................................|
//!  kept     goes with a sector that is not whole      to be erased before the client goes on
//! ```

use core::num::NonZeroU32;

use crate::zcl::ImageOffer;

use super::state::HeaderFacts;
use super::upgrade_end::PendingImages;

/// How far an upgrade has come, for storage that outlives a restart; its fields are the application's to write down as it
/// likes.
///
/// A device takes one from time to time by [`Client::checkpoint`](super::Client::checkpoint), and after a restart goes on
/// by [`Client::resume`](super::Client::resume): with the same alignment, of which a sector is a multiple. Only bytes
/// below `received` are downloaded: **flash at and above it must be erased** before the client goes on, as more may have
/// been written after the checkpoint was taken. Where only whole sectors can be erased, [`floor`](Self::floor) gives a
/// checkpoint at the start of one. Storage that says [`StoreResult::Ok`](super::StoreResult::Ok) while bytes still wait in a buffer
/// of its own counts them in `received`, and loses them at a restart: so the floor of its sector is safe, and `received`
/// is not.
///
/// There is one until the upgrade is over: while the image is applied it is still that of the upgrade.
///
/// A device that holds some of its images and downloads none at the moment has no checkpoint: it begins the set anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Checkpoint {
    /// What is downloaded.
    pub offer: ImageOffer,
    /// Bytes stored, of `offer.size`.
    pub received: u32,
    /// What its header says; `None` before that was read, and then the file is begun anew, whatever `received` says.
    pub header: Option<HeaderFacts>,
    /// What is left to do.
    pub stage: CheckpointStage,
    /// Images that wait for this one.
    pub kept: PendingImages,
}

/// How far the file of a [`Checkpoint`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CheckpointStage {
    /// It is not complete, or not checked.
    Downloading,
    /// It is complete and was found good: the server is to be asked when to upgrade. When it was ordered to is not worth
    /// keeping, as that is asked anew (section 6.12).
    Verified,
}

impl Checkpoint {
    /// The last one at the start of a sector of so many bytes, for sectors that begin where the file does: erase from its
    /// `received` on, which is the start of a sector or, for a file that is complete, the end of it.
    #[must_use]
    pub fn floor(self, sector: NonZeroU32) -> Self {
        if self.received >= self.offer.size {
            return self;
        }
        let over = self.received.checked_rem(sector.get()).unwrap_or(0);
        let received = self.received.saturating_sub(over);
        Self { received, ..self }
    }
}
