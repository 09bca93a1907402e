//! Attribute values of a client (section 6.7), derived from the state and the configuration of the client.
//!
//! ```text
//! state, configuration -> zcl::AttributeSnapshot -> Read Attributes Response
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::types::{FileVersion, ImageId, ImageType, StackVersion};
use crate::zcl::{AttributeSnapshot, ImageUpgradeStatus, UpgradeTimeoutPolicy};

use super::Client;
use super::config::{Settings, UpgradeEndFallback};
use super::state::{AfterReport, DownloadStage, ImageStage, NoFile, State};

/// First cluster revision with the attributes UpgradeActivationPolicy and UpgradeTimeoutPolicy.
const FIRST_REVISION_WITH_POLICIES: u16 = 2;

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Returns the present values of the client's attributes. The application uses the returned attribute values to
    /// answer [`ClientAction::AnswerAttributes`](super::ClientAction::AnswerAttributes).
    #[must_use]
    pub fn attributes(&self) -> AttributeSnapshot {
        let has_policies = self.settings.config().cluster_revision >= FIRST_REVISION_WITH_POLICIES;
        let verified = self.state.verified_image().or(self.suspended_image());
        let (file, offset) = self.file();
        let unset = FileVersion::ANY;
        let policy = match self.settings.config().upgrade_end_fallback {
            UpgradeEndFallback::Apply => UpgradeTimeoutPolicy::APPLY,
            UpgradeEndFallback::KeepWaiting => UpgradeTimeoutPolicy::DO_NOT_APPLY,
        };
        AttributeSnapshot {
            server: self.server_id,
            status: self.status(),
            file_offset: Some(offset),
            current_version: Some(self.current.version),
            current_stack: Some(self.stack),
            downloaded_version: Some(verified.map_or(unset, |image| image.id().version)),
            downloaded_stack: Some(verified.map_or(StackVersion(u16::MAX), |image| image.header.stack)),
            manufacturer: Some(self.current.manufacturer),
            image_type: Some(file.map_or(ImageType::ANY, |id| id.image_type)),
            min_block_period: self
                .settings
                .config()
                .supports_block_period
                .then_some(self.server_block_period),
            image_stamp: self.settings.config().image_stamp,
            activation_policy: has_policies.then_some(self.settings.config().activation_policy),
            timeout_policy: has_policies.then_some(policy),
            cluster_revision: Some(self.settings.config().cluster_revision),
            ..AttributeSnapshot::DEFAULT
        }
    }

    fn status(&self) -> ImageUpgradeStatus {
        // A device that keeps pending images has the ImageUpgradeStatus WAIT_FOR_MORE until all images are downloaded
        // (section 6.7.7).
        let has_pending = self.has_pending_images();
        let unless_pending = |status| if has_pending { ImageUpgradeStatus::WAIT_FOR_MORE } else { status };
        let in_progress = unless_pending(ImageUpgradeStatus::DOWNLOAD_IN_PROGRESS);
        match &self.state {
            State::NoFile(stage) => match stage {
                NoFile::Reporting { after: AfterReport::More(..), .. } => ImageUpgradeStatus::WAIT_FOR_MORE,
                NoFile::Deciding { .. } | NoFile::Erasing { .. } => in_progress,
                _ if self.suspended_image().is_some() => ImageUpgradeStatus::DOWNLOAD_COMPLETE,
                NoFile::Reporting { .. } => ImageUpgradeStatus::NORMAL,
                NoFile::Idle { .. } | NoFile::Querying { .. } => unless_pending(ImageUpgradeStatus::NORMAL),
            },
            State::Download(
                _,
                DownloadStage::Downloading | DownloadStage::Paused { .. } | DownloadStage::Deciding { .. },
            ) => in_progress,
            State::Image(_, stage) => match stage {
                ImageStage::Verifying | ImageStage::Deciding { is_verified: false, .. } => in_progress,
                ImageStage::Deciding { is_verified: true, .. }
                | ImageStage::AwaitingCredentials { .. }
                | ImageStage::Ending { .. } => ImageUpgradeStatus::DOWNLOAD_COMPLETE,
                ImageStage::Waiting { .. } => ImageUpgradeStatus::WAITING_TO_UPGRADE,
                ImageStage::AwaitingActivation => ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT,
                ImageStage::CountingDown { .. } | ImageStage::Applying => ImageUpgradeStatus::COUNT_DOWN,
            },
        }
    }

    /// Returns the image that is being downloaded or waits to be applied, and the number of received bytes of this
    /// image. Without a file in transfer the number of received bytes is `u32::MAX`, which is the default of the
    /// attribute FileOffset.
    fn file(&self) -> (Option<ImageId>, u32) {
        match &self.state {
            State::Download(download, _) => (Some(download.offer.id), download.received()),
            State::NoFile(NoFile::Deciding { offer } | NoFile::Erasing { offer, .. }) => (Some(offer.id), 0),
            State::NoFile(NoFile::Reporting { id, after: AfterReport::More(..), .. }) => {
                (Some(*id), u32::MAX)
            }
            state => match state.image().or(self.suspended_image()) {
                Some(image) => (Some(image.id()), image.offer.size),
                None => (None, u32::MAX),
            },
        }
    }
}
