//! State of an upgrade that survives a restart, and its bytes in a record.
//!
//! | offset | size | field | unit or value, little endian |
//! |---|---|---|---|
//! | 0 | 1 | layout version | 1 |
//! | 1 | 1 | flags | bit 0: checkpoint, bit 1: failed image, bit 2: kept range |
//! | 2 | 1 | failures of the failed image | |
//! | 3 | 1 | reserved | 0 |
//! | 4 | 8 | failed image | file version (4), size in bytes (4) |
//! | 12 | 8 | kept range of the file | start (4), length (4) |
//! | 20 | 64 | checkpoint | see [`Checkpoint::from_bytes`] |
//! | 84 | 36 | reserved | 0 |

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::image_slot::KeptRange;
use super::record_log::Payload;
use crate::client::{Checkpoint, CheckpointStage, Client, ClientConfig, FailedImage};
use crate::time::Instant;
use crate::types::FileVersion;
use crate::zcl::ImageOffer;

/// State of an upgrade that a device saves for a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct SavedState {
    /// Checkpoint of the upgrade to resume; `None` if there is no upgrade to resume.
    pub checkpoint: Option<Checkpoint>,
    /// Failed image: the image whose verification or boot failed most recently, or that was applied and is not known to
    /// run yet. `None` if there is no failed image.
    pub failed_image: Option<FailedImage>,
}

/// Number of failures of an image, in its verification or its boot, after which the device no longer applies the image.
const MAX_FAILURES: u8 = 2;

impl SavedState {
    /// Creates the saved state of a device from the checkpoint of its download and the image whose verification or boot
    /// failed most recently.
    #[must_use]
    pub const fn new(checkpoint: Option<Checkpoint>, failed_image: Option<FailedImage>) -> Self {
        Self { checkpoint, failed_image }
    }

    /// Returns the state of `client` to save for a restart: its checkpoint and its failed image.
    #[must_use]
    pub fn of<const RANGES: usize>(client: &Client<RANGES>) -> Self {
        Self::new(client.checkpoint(), client.failed_image())
    }

    /// Returns the state of `client` to save before the device applies the downloaded image. The downloaded image
    /// counts as failed until it runs, because the first boot may end with a reset, after which the old image runs
    /// again.
    #[must_use]
    pub fn before_apply<const RANGES: usize>(client: &Client<RANGES>) -> Self {
        let state = Self::of(client);
        let Some(Checkpoint { offer, .. }) = state.checkpoint else { return state };
        let failures = failures_of(state.failed_image, &offer).saturating_add(1);
        Self { failed_image: Some(FailedImage::new(offer.id.version, offer.size, failures)), ..state }
    }

    /// Creates a client with `config` that continues the upgrade in this state after a restart:
    ///
    /// | checkpoint | the client |
    /// |---|---|
    /// | of the running image | starts without an upgrade, because the upgrade has succeeded |
    /// | of a verified image whose boot failed once | verifies the image again, and then applies it again |
    /// | of a verified image whose boot failed twice | starts without an upgrade, and skips offers of the image |
    /// | any other | resumes |
    #[must_use]
    pub fn start<const RANGES: usize>(
        &self,
        config: ClientConfig,
        seed: u64,
        now: Instant,
    ) -> Client<RANGES> {
        let mut client = Client::with_ranges(config, seed, now);
        self.resume(&mut client, now);
        client
    }

    /// Continues the upgrade in this state with a new client, as [`start`](Self::start) describes.
    #[inline(never)]
    pub(super) fn resume<const RANGES: usize>(&self, client: &mut Client<RANGES>, now: Instant) {
        client.restore_failed_image(self.failed_image);
        let Some(mut checkpoint) = self.checkpoint else { return };
        let is_running = checkpoint.offer.id == client.identity().current;
        if is_running && checkpoint.stage != CheckpointStage::ImagesRetained {
            return;
        }
        if checkpoint.stage == CheckpointStage::Verified {
            match failures_of(client.failed_image(), &checkpoint.offer) {
                0 => {}
                MAX_FAILURES.. => return,
                _ => checkpoint.stage = CheckpointStage::Downloading,
            }
        }
        // A new client has no query or upgrade in progress, so the call cannot fail.
        client.resume(now, checkpoint).ok();
    }
}

/// Returns the number of times that the offered file has failed its verification or its boot.
fn failures_of(failed_image: Option<FailedImage>, offer: &ImageOffer) -> u8 {
    failed_image
        .filter(|failed| (failed.version, failed.size) == (offer.id.version, offer.size))
        .map_or(0, |failed| failed.failures)
}

/// Version of the byte layout of a saved state in the payload of a record.
const LAYOUT: u8 = 1;

const HAS_CHECKPOINT: u8 = 1;
const HAS_FAILED: u8 = 1 << 1;
const HAS_KEPT: u8 = 1 << 2;

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawState {
    layout: u8,
    flags: u8,
    failures: u8,
    reserved: u8,
    failed_version: U32,
    failed_size: U32,
    kept_start: U32,
    kept_len: U32,
    checkpoint: [u8; Checkpoint::ENCODED_LEN],
    rest: [u8; 36],
}

impl SavedState {
    /// Returns the payload of a record with this state and with the range of the file that the slot keeps.
    #[must_use]
    pub fn to_payload(&self, kept: Option<KeptRange>) -> Payload {
        let flag = |is_present: bool, flag: u8| if is_present { flag } else { 0 };
        let failed = self.failed_image.unwrap_or(FailedImage::new(FileVersion(0), 0, 0));
        let range = kept.unwrap_or(KeptRange { start: 0, len: 0 });
        zerocopy::transmute!(RawState {
            layout: LAYOUT,
            flags: flag(self.checkpoint.is_some(), HAS_CHECKPOINT)
                | flag(self.failed_image.is_some(), HAS_FAILED)
                | flag(kept.is_some(), HAS_KEPT),
            failures: failed.failures,
            reserved: 0,
            failed_version: failed.version.0.into(),
            failed_size: failed.size.into(),
            kept_start: range.start.into(),
            kept_len: range.len.into(),
            checkpoint: self.checkpoint.map_or([0; Checkpoint::ENCODED_LEN], |known| known.to_bytes()),
            rest: [0; 36],
        })
    }

    /// Reads the payload of a record. If the layout version of the payload is unknown, the method returns an empty
    /// state. If the checkpoint is unreadable, the state has no checkpoint, so that the download starts again.
    #[must_use]
    pub fn from_payload(payload: &Payload) -> (Self, Option<KeptRange>) {
        let raw: &RawState = zerocopy::transmute_ref!(payload);
        if raw.layout != LAYOUT {
            return (Self::default(), None);
        }
        let has = |flag: u8| raw.flags & flag != 0;
        let failed =
            FailedImage::new(FileVersion(raw.failed_version.get()), raw.failed_size.get(), raw.failures);
        let state = Self {
            checkpoint: has(HAS_CHECKPOINT).then(|| Checkpoint::from_bytes(&raw.checkpoint).ok()).flatten(),
            failed_image: has(HAS_FAILED).then_some(failed),
        };
        let kept = KeptRange { start: raw.kept_start.get(), len: raw.kept_len.get() };
        (state, has(HAS_KEPT).then_some(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aps::Address;
    use crate::client::{HeaderFacts, Identity, Need};
    use crate::types::{ImageId, StackVersion};

    const NEW: ImageId = ImageId::new(0x1001, 0x00ab, 2);
    const OLD: ImageId = ImageId::new(0x1001, 0x00ab, 1);

    fn verified() -> Checkpoint {
        let mut checkpoint = Checkpoint::new(ImageOffer { id: NEW, size: 5000 }, 5000);
        checkpoint.header = Some(HeaderFacts::new(StackVersion(2), None));
        checkpoint.stage = CheckpointStage::Verified;
        checkpoint
    }

    fn start(running: ImageId, state: SavedState) -> Client<0> {
        let config = ClientConfig::new(Identity::new(running), Address::new(0, 1));
        state.start(config, 0, Instant::ZERO)
    }

    #[test]
    fn a_state_survives_as_the_payload_of_a_record() {
        let failed = FailedImage::new(FileVersion(9), 77, 1);
        let range = KeptRange { start: 62, len: 3000 };
        for state in [
            SavedState::default(),
            SavedState::new(Some(verified()), None),
            SavedState::new(None, Some(failed)),
            SavedState::new(Some(verified()), Some(failed)),
        ] {
            for kept in [None, Some(range)] {
                assert_eq!(SavedState::from_payload(&state.to_payload(kept)), (state, kept));
            }
        }
        let mut newer = SavedState::new(None, Some(failed)).to_payload(None);
        newer[0] = 2;
        assert_eq!(SavedState::from_payload(&newer), (SavedState::default(), None));
        let mut damaged = SavedState::new(Some(verified()), Some(failed)).to_payload(None);
        damaged[30] ^= 1;
        assert_eq!(SavedState::from_payload(&damaged).0, SavedState::new(None, Some(failed)));
    }

    #[test]
    fn an_image_whose_boot_failed_is_verified_and_applied_once_more_and_then_given_up() {
        // At the first start with the verified image, the image is applied without another verification.
        let client = start(OLD, SavedState::new(Some(verified()), None));
        let before = SavedState::before_apply(&client);
        let failures = |failures| Some(FailedImage::new(NEW.version, 5000, failures));
        assert_eq!((before.checkpoint, before.failed_image), (Some(verified()), failures(1)));
        // The boot loader returned to the old image.
        let mut client = start(OLD, before);
        assert!(matches!(client.poll_need(), Some(Need::Verify(..))));
        assert_eq!(client.failed_image(), failures(1));
        let again = SavedState::before_apply(&client);
        assert_eq!(again.failed_image, failures(2));
        let given_up = start(OLD, SavedState::new(Some(verified()), again.failed_image));
        assert_eq!((given_up.checkpoint(), given_up.failed_image()), (None, failures(2)));
    }

    #[test]
    fn a_checkpoint_of_the_running_image_is_an_upgrade_that_succeeded() {
        let state = SavedState::new(Some(verified()), Some(FailedImage::new(NEW.version, 5000, 1)));
        let client = start(NEW, state);
        // The failure is kept in the state, because the boot loader may return to the old image later.
        assert_eq!((client.checkpoint(), client.failed_image()), (None, state.failed_image));
        let mut half = Checkpoint::new(ImageOffer { id: NEW, size: 5000 }, 3000);
        half.header = Some(HeaderFacts::new(StackVersion(2), None));
        let resumed = start(OLD, SavedState::new(Some(half), None));
        assert_eq!(resumed.checkpoint().map(|checkpoint| checkpoint.received), Some(3000));
    }
}
