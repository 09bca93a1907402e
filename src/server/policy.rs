//! What a server decides: the questions, and the specification's own answers to them.
//!
//! ```text
//! query                 fits, then offer or repeats -> QueryDecision
//! file for one device   accepts_version_wildcard, then offer_specific_file -> QueryDecision
//! block                 pace -> PaceDecision
//! end                   apply -> UpgradeDecision, sleeps
//! ```

use core::num::NonZeroU8;

use super::{ImageInfo, Session};
use crate::aps::Address;
use crate::time::UtcTime;
use crate::types::{FileVersion, ImageId, ImageType};
use crate::zcl::{ImageBlockRequest, QueryNextImageRequest, QuerySpecificFileRequest, Refusal};

/// The caller's decisions. Each has a default: that of [`StandardPolicy::default`], and to serve everybody at once.
pub trait ServerPolicy {
    /// Whether `image`, which has the manufacturer code and image type that `client` asks for, may be offered to
    /// it (section 6.10.4.4). Asked of every such image; the highest version of those that fit is offered.
    fn is_eligible(&mut self, client: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        let _ = client;
        StandardPolicy::default().allows(request, image)
    }

    /// What to answer to a query for which `found` fits best, `None` where nothing does (section 6.10.5.3). Asked
    /// once for every query.
    fn offer(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        found: Option<&ImageInfo>,
    ) -> QueryDecision {
        let _ = (client, request, found);
        QueryDecision::Offer
    }

    /// Whether to serve a block now (section 6.10.8.3). Asked for every block request that could be served, before
    /// the image is read. `session` is what is remembered of the client from before this request, where it has a slot.
    fn pace(
        &mut self,
        client: Address,
        request: &ImageBlockRequest,
        session: Option<&Session>,
    ) -> PaceDecision {
        let _ = (client, request, session);
        PaceDecision::Send
    }

    /// What to answer to a query for a file made for the device `request.node` alone, with `found` what the store has
    /// for it (section 6.10.12.3). Asked once for every such query.
    fn offer_specific_file(
        &mut self,
        client: Address,
        request: &QuerySpecificFileRequest,
        found: Option<&ImageInfo>,
    ) -> QueryDecision {
        let _ = (client, request, found);
        QueryDecision::Offer
    }

    /// Whether a query for a file for one device with the version 0xFFFFFFFF is for whichever is the highest. Without
    /// it, that is a version like any other.
    fn accepts_version_wildcard(&mut self, client: Address, request: &QuerySpecificFileRequest) -> bool {
        let _ = (client, request);
        false
    }

    /// What to answer to a client that has taken the image `id` so many `times` and asks for an image once more, with
    /// a version for which `id` fits still: it cannot install it, or it tells a wrong version. Asked in place of
    /// [`offer`](Self::offer), from [`ServerConfig::repeated_download_limit`](super::ServerConfig::repeated_download_limit) times on.
    fn offer_repeated(&mut self, client: Address, id: ImageId, times: u8) -> QueryDecision {
        let _ = (client, id, times);
        QueryDecision::NoImage
    }

    /// Whether `client` is known to sleep: the server warns then of an [`UpgradeDecision::Hold`].
    fn is_sleepy(&mut self, client: Address) -> bool {
        let _ = client;
        false
    }

    /// When `client` shall upgrade to the image `id` that it has downloaded (sections 6.8.4 and 6.10.10.3). Asked
    /// each time the client asks, whether the image is still stored or not.
    fn upgrade(&mut self, client: Address, id: ImageId) -> UpgradeDecision {
        let _ = client;
        // A client does not upgrade to its log.
        if id.image_type == ImageType::LOG { UpgradeDecision::Acknowledge } else { UpgradeDecision::Now }
    }
}

/// The answer to a query (sections 6.10.5.3 and 6.10.12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum QueryDecision {
    /// SUCCESS with the image found; NO_IMAGE_AVAILABLE where none was.
    Offer,
    /// NO_IMAGE_AVAILABLE: there is nothing for this client now.
    NoImage,
    /// NOT_AUTHORIZED: this client may not upgrade.
    NotAuthorized,
}

/// The answer to a block request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PaceDecision {
    /// As much data as the client and [`ServerConfig::max_block_size`](super::ServerConfig::max_block_size) allow.
    Send,
    /// As `Send`, but so many bytes at the most: the way to this client carries no more.
    SendAtMost(NonZeroU8),
    /// WAIT_FOR_DATA.
    Wait {
        /// Ask again in so many seconds; 0xFFFFFFFF is sent as one less.
        seconds: u32,
    },
    /// ABORT: the client gives the download up.
    Abort,
}

/// The answer to a client that has downloaded an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpgradeDecision {
    /// Upgrade now.
    Now,
    /// Upgrade in so many seconds; 0xFFFFFFFF is sent as one less.
    AfterSeconds(u32),
    /// Upgrade at a time of the clock that [`Server::set_utc`](super::Server::set_utc) was told, or now when that
    /// is past. Without a clock it is `Hold`: the client asks again, and nothing starts early.
    At(UtcTime),
    /// Wait for another command; ask again every hour until it comes (section 6.12). Not for sleepy clients,
    /// which can miss the command (section 6.8.4).
    Hold,
    /// No Upgrade End Response but a Default Response SUCCESS: for files for one device, where there is nothing to
    /// upgrade to (section 6.10.10.3).
    Acknowledge,
    /// No Upgrade End Response but a Default Response with this status; [`Refusal::ABORT`] is what servers use.
    Refuse(Refusal),
}

/// Which of two versions a client shall go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OfferedVersions {
    /// A newer one.
    #[default]
    Upgrade,
    /// An older one.
    Downgrade,
    /// The one it runs. A client that asks again afterwards installs it again.
    Reinstall,
    /// Any. A client that asks again afterwards installs it again.
    Any,
}

impl OfferedVersions {
    /// Whether a client that runs `current` may go to `candidate`. Versions are compared as numbers
    /// (section 6.3.2.7).
    #[must_use]
    pub(super) fn allows(self, current: FileVersion, candidate: FileVersion) -> bool {
        match self {
            Self::Upgrade => candidate > current,
            Self::Downgrade => candidate < current,
            Self::Reinstall => candidate == current,
            Self::Any => true,
        }
    }
}

/// The policy of the specification, with the choices that it leaves.
///
/// As `default`: only newer images, none to a client that does not know its version, and images for certain
/// hardware also to a client that does not tell its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct StandardPolicy {
    /// Which versions to offer.
    pub versions: OfferedVersions,
    /// Offer any version to a client that gives 0xFFFFFFFF as its own, which field devices do when they do not
    /// know it. Such a client may install the same image for ever.
    pub offer_to_unknown_version: bool,
    /// Offer an image for certain hardware to a client that does not tell its hardware version. The client can
    /// still check it itself.
    pub offer_to_unknown_hardware: bool,
}

impl StandardPolicy {
    /// Whether `image` may be offered in answer to `request`; its manufacturer code and image type are not
    /// compared. Never true of a file for one device, as a query does not tell which device asks.
    #[must_use]
    pub fn allows(&self, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        let version = match request.current.version {
            FileVersion::ANY => self.offer_to_unknown_version,
            current => self.versions.allows(current, image.id.version),
        };
        let hardware = match (image.hardware, request.hardware) {
            (Some(range), Some(hardware)) => range.contains(hardware),
            (Some(_), None) => self.offer_to_unknown_hardware,
            (None, _) => true,
        };
        version && hardware && image.destination.is_none()
    }
}

impl Default for StandardPolicy {
    fn default() -> Self {
        Self {
            versions: OfferedVersions::Upgrade,
            offer_to_unknown_version: false,
            offer_to_unknown_hardware: true,
        }
    }
}

impl ServerPolicy for StandardPolicy {
    fn is_eligible(&mut self, _: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        self.allows(request, image)
    }
}
