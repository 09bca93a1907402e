//! Decisions of a server: the trait for the caller's decisions and the standard decisions. Sections refer to ZigBee document
//! 095264 (2011).
//!
//! ```text
//! Query Next Image      is_eligible, then offer or offer_repeated             -> QueryDecision
//! Query Specific File   accepts_version_wildcard, then offer_specific_file    -> QueryDecision
//! Image Block, Page     pace                                                  -> PaceDecision
//! Upgrade End           upgrade, is_sleepy                                    -> UpgradeDecision
//! ```

use core::num::NonZeroU8;

use super::{ImageInfo, Session};
use crate::aps::Address;
use crate::time::UtcTime;
use crate::types::{FileVersion, ImageId, ImageType};
use crate::zcl::{ImageBlockRequest, QueryNextImageRequest, QuerySpecificFileRequest, Refusal};

/// Decisions of the caller. Each method has a default: that of [`StandardPolicy::default`], which serves every client at
/// once.
pub trait ServerPolicy {
    /// Returns whether `image` may be offered to `client` (section 6.10.4.4). The server calls it for every image with the
    /// requested manufacturer code and image type, and offers the eligible image with the highest version.
    #[doc(alias("upgrade", "downgrade", "rollback"))]
    fn is_eligible(&mut self, client: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        let _ = client;
        StandardPolicy::default().allows(request, image)
    }

    /// Decides the answer to a Query Next Image Request (section 6.10.5.3). `found` is the eligible image with the highest
    /// version, or `None`. The server calls it once for each request.
    #[doc(alias("emberAfOtaServerQueryCallback", "zclOTA_SendQueryNextImageRsp"))]
    fn offer(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        found: Option<&ImageInfo>,
    ) -> QueryDecision {
        let _ = (client, request, found);
        QueryDecision::Offer
    }

    /// Decides whether a block is sent now (section 6.10.8.3). The server calls it for every Image Block Request and Image
    /// Page Request that it could serve, before it reads the image. `session` is the state of the client before this
    /// request, or `None` without a session.
    #[doc(alias("rate limit", "throttle", "emberAfOtaServerImageBlockRequestCallback"))]
    fn pace(
        &mut self,
        client: Address,
        request: &ImageBlockRequest,
        session: Option<&Session>,
    ) -> PaceDecision {
        let _ = (client, request, session);
        PaceDecision::Send
    }

    /// Decides the answer to a Query Specific File Request for the device `request.node` (section 6.10.12.3). `found` is the
    /// file of that device in the store, or `None`. The server calls it once for each request.
    fn offer_specific_file(
        &mut self,
        client: Address,
        request: &QuerySpecificFileRequest,
        found: Option<&ImageInfo>,
    ) -> QueryDecision {
        let _ = (client, request, found);
        QueryDecision::Offer
    }

    /// Returns whether the version 0xFFFFFFFF in a Query Specific File Request is a wildcard for the highest version. By
    /// default it is a version like any other.
    fn accepts_version_wildcard(&mut self, client: Address, request: &QuerySpecificFileRequest) -> bool {
        let _ = (client, request);
        false
    }

    /// Decides the answer to a client that has downloaded the image `id` `times` times and still queries with a version for
    /// which `id` is eligible: it cannot install the image, or reports a wrong version. The server calls it in place of
    /// [`offer`](Self::offer) once `times` reaches
    /// [`ServerConfig::repeated_download_limit`](super::ServerConfig::repeated_download_limit).
    fn offer_repeated(&mut self, client: Address, id: ImageId, times: u8) -> QueryDecision {
        let _ = (client, id, times);
        QueryDecision::NoImage
    }

    /// Returns whether `client` is known to be a sleepy device. The server then reports an [`UpgradeDecision::Hold`] as
    /// [`ServerEvent::SleepyClientHeld`](super::ServerEvent::SleepyClientHeld).
    fn is_sleepy(&mut self, client: Address) -> bool {
        let _ = client;
        false
    }

    /// Decides when `client` upgrades to the image `id` that it has downloaded (sections 6.8.4 and 6.10.10.3). The server
    /// calls it for each Upgrade End Request with SUCCESS, even if the store no longer has the image.
    #[doc(alias("apply", "emberAfOtaServerUpgradeEndRequestCallback"))]
    fn upgrade(&mut self, client: Address, id: ImageId) -> UpgradeDecision {
        let _ = client;
        // A log is no firmware: there is nothing to upgrade to.
        if id.image_type == ImageType::LOG { UpgradeDecision::Acknowledge } else { UpgradeDecision::Now }
    }
}

/// Answer to a Query Next Image Request or a Query Specific File Request (sections 6.10.5.3 and 6.10.12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum QueryDecision {
    /// SUCCESS with the image that was found; NO_IMAGE_AVAILABLE if none was.
    Offer,
    /// NO_IMAGE_AVAILABLE: this client gets no image now.
    NoImage,
    /// NOT_AUTHORIZED: this client may not upgrade.
    NotAuthorized,
}

/// Answer to a request for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PaceDecision {
    /// Data, as much as the client and the limits of [`ServerConfig::max_block_size`](super::ServerConfig::max_block_size)
    /// allow.
    Send,
    /// Data, at most this number of bytes, for instance because the route to the client carries no more.
    SendAtMost(NonZeroU8),
    /// WAIT_FOR_DATA.
    Wait {
        /// Seconds until the client repeats its request; 0xFFFFFFFF is sent as 0xFFFFFFFE.
        seconds: u32,
    },
    /// ABORT: the client ends the download.
    Abort,
}

/// Answer to the Upgrade End Request of a client that has downloaded an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpgradeDecision {
    /// Upgrade End Response: upgrade now.
    Now,
    /// Upgrade End Response: upgrade after this number of seconds; 0xFFFFFFFF is sent as 0xFFFFFFFE.
    AfterSeconds(u32),
    /// Upgrade End Response: upgrade at this time of the clock set with [`Server::set_utc`](super::Server::set_utc), or now
    /// if that time is past. Without a clock the answer is `Hold`: the client asks again later, and no upgrade starts early.
    At(UtcTime),
    /// Upgrade End Response: wait for another Upgrade End Response ([`Server::release`](super::Server::release)) and ask
    /// again every hour (section 6.12). Do not use it for sleepy clients, which may miss that response (section 6.8.4).
    Hold,
    /// Default Response SUCCESS in place of an Upgrade End Response: for files that need no upgrade, such as files for one
    /// device (section 6.10.10.3).
    Acknowledge,
    /// Default Response with this status in place of an Upgrade End Response; servers in the field use [`Refusal::ABORT`].
    Refuse(Refusal),
}

/// Versions that may be offered, compared with the client's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OfferedVersions {
    /// Newer versions only.
    #[default]
    Upgrade,
    /// Older versions only.
    #[doc(alias = "rollback")]
    Downgrade,
    /// The version that the client runs. A client that queries again after the upgrade installs the image again.
    Reinstall,
    /// All versions. A client that queries again after the upgrade installs the image again.
    Any,
}

impl OfferedVersions {
    /// Returns whether a client that runs `current` may be offered `candidate`. Versions are compared as integers
    /// (section 6.3.2.7).
    pub(super) fn allows(self, current: FileVersion, candidate: FileVersion) -> bool {
        match self {
            Self::Upgrade => candidate > current,
            Self::Downgrade => candidate < current,
            Self::Reinstall => candidate == current,
            Self::Any => true,
        }
    }
}

/// Policy of the specification, with the choices that the specification leaves open.
///
/// The default offers newer images only, none to a client that does not know its version, and images for certain hardware
/// also to a client that does not report its hardware version. Change its fields for other choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct StandardPolicy {
    /// Versions to offer. Default [`OfferedVersions::Upgrade`].
    pub versions: OfferedVersions,
    /// Whether any version is offered to a client with the version 0xFFFFFFFF, which devices in the field send if they do
    /// not know their version. Default `false`: such a client may install the same image for ever.
    pub offer_to_unknown_version: bool,
    /// Whether an image for certain hardware versions is offered to a client that does not report its own. Default `true`:
    /// the field is optional in the request, and the client can check the header of the file itself.
    pub offer_to_unknown_hardware: bool,
}

impl StandardPolicy {
    /// Returns whether `image` may be offered in answer to `request`. Manufacturer code and image type are not compared.
    ///
    /// A file for one device is never allowed, as the request does not contain the IEEE address of the client.
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
