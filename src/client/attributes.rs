//! The attributes as they are now (section 6.7).
//!
//! ```text
//! state, settings -> zcl::Attributes -> the answer to who reads them
//! ```

use crate::types::{FileVersion, ImageId, ImageType, StackVersion};
use crate::zcl::{AttributeSnapshot, ImageUpgradeStatus, UpgradeTimeoutPolicy};

use super::Client;
use super::config::UpgradeEndFallback;
use super::state::{State, Then};

impl<const RANGES: usize> Client<RANGES> {
    /// What whoever reads the client's attributes is told; see
    /// [`ClientAction::AnswerAttributes`](super::ClientAction::AnswerAttributes).
    #[must_use]
    pub fn attributes(&self) -> AttributeSnapshot {
        let later = self.shows_later_revisions();
        let downloaded = self.state.downloaded().or(self.held);
        let (file, offset) = self.file();
        let unset = FileVersion::ANY;
        let policy = match self.config.unanswered {
            UpgradeEndFallback::Apply => UpgradeTimeoutPolicy::APPLY,
            UpgradeEndFallback::KeepWaiting => UpgradeTimeoutPolicy::DO_NOT_APPLY,
        };
        AttributeSnapshot {
            server: self.config.server_id,
            status: self.status(),
            file_offset: Some(offset),
            current_version: Some(self.config.identity.current.version),
            current_stack: Some(self.config.stack),
            downloaded_version: Some(downloaded.map_or(unset, |image| image.id().version)),
            downloaded_stack: Some(downloaded.map_or(StackVersion(u16::MAX), |image| image.header.stack)),
            manufacturer: Some(self.config.identity.current.manufacturer),
            image_type: Some(file.map_or(ImageType::ANY, |id| id.image_type)),
            min_block_period: later.then_some(self.period),
            activation_policy: later.then_some(self.config.activation),
            timeout_policy: later.then_some(policy),
            cluster_revision: later.then_some(self.config.revision),
            ..AttributeSnapshot::DEFAULT
        }
    }

    fn status(&self) -> ImageUpgradeStatus {
        // A set stays in this state until all of it is here, whatever goes on meanwhile (section 6.7.7).
        let more = self.kept.count > 0;
        let unless_more = |status| if more { ImageUpgradeStatus::WAIT_FOR_MORE } else { status };
        match self.state {
            State::Idle { .. } | State::Querying { .. } if self.held.is_none() => {
                unless_more(ImageUpgradeStatus::NORMAL)
            }
            State::Reporting { then: Then::More(..), .. } => ImageUpgradeStatus::WAIT_FOR_MORE,
            State::Reporting { .. } if self.held.is_none() => ImageUpgradeStatus::NORMAL,
            State::Deciding { .. }
            | State::Erasing { .. }
            | State::Downloading(_)
            | State::Verifying { .. } => unless_more(ImageUpgradeStatus::DOWNLOAD_IN_PROGRESS),
            State::Idle { .. }
            | State::Querying { .. }
            | State::Reporting { .. }
            | State::AwaitingCredentials { .. }
            | State::Ending { .. } => ImageUpgradeStatus::DOWNLOAD_COMPLETE,
            State::Waiting { .. } => ImageUpgradeStatus::WAITING_TO_UPGRADE,
            State::AwaitingActivation { .. } => ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT,
            State::CountingDown { .. } | State::Applying { .. } => ImageUpgradeStatus::COUNT_DOWN,
        }
    }

    /// The file that is downloaded, or was and is not run yet, and its bytes that are here.
    fn file(&self) -> (Option<ImageId>, u32) {
        match &self.state {
            State::Deciding { offer } | State::Erasing { offer } => (Some(offer.id), 0),
            State::Downloading(download) => (Some(download.offer.id), download.received()),
            State::Verifying { image } => (Some(image.id()), image.offer.size),
            State::Reporting { id, then: Then::More(..), .. } => (Some(*id), u32::MAX),
            state => match state.downloaded().or(self.held) {
                Some(image) => (Some(image.id()), image.offer.size),
                None => (None, u32::MAX),
            },
        }
    }
}
