//! Decisions of a server: a trait for the decisions of the caller, and the standard decisions. Sections refer to ZigBee
//! document 095264 (2011).
//!
//! ```text
//! every request         ieee: which device is the client?                     -> Eui64
//!                       is_authorized: may the client have the image?         -> bool
//! Query Next Image      is_eligible, then offer or offer_repeated             -> QueryDecision
//! Query Specific File   accepts_version_wildcard, then offer_specific_file    -> QueryDecision
//! Image Block, Page     pace, cluster_revision                                -> PaceDecision
//! Upgrade End           upgrade, is_sleepy                                    -> UpgradeDecision
//! ```
//!
//! **One method decides about access.** The server calls [`is_authorized`](ServerPolicy::is_authorized) for each answer
//! that gives a client an offer, data or an upgrade time. Before the call of `is_authorized`, the server itself refuses
//! a device-specific file to every client whose known IEEE address is not the destination of the file.

use core::num::NonZeroU8;

use super::{ImageInfo, RefusalReason, Session};
use crate::aps::Address;
use crate::time::UtcTime;
use crate::types::{Eui64, FileVersion, HardwareVersion, ImageId, ImageType};
use crate::zcl::{ImageBlockRequest, QueryNextImageRequest, QuerySpecificFileRequest, Refusal};

/// Decisions of a gateway about images, blocks and upgrades. By default, each method of a `ServerPolicy` decides like
/// [`StandardPolicy::default`], which makes no client wait.
pub trait ServerPolicy {
    /// Returns whether `client` may have the image `id` (sections 6.10.5.3 and 6.10.12.3). The server calls
    /// `is_authorized` for each query with an image to offer, each request for blocks or a page, and each Upgrade End
    /// Request. `image` is the file that the client would get; `None` for an Upgrade End Request if the
    /// store does not have the file, or has several files of the image.
    ///
    /// If `is_authorized` returns `false`, the server answers a query and an Image Page Request with NOT_AUTHORIZED, an
    /// Image Block Request with ABORT, and an Upgrade End Request of the status SUCCESS with a Default Response
    /// NOT_AUTHORIZED. If the Upgrade End Request has a status other than SUCCESS, the server acknowledges the request,
    /// but the session does not record the end of the download.
    ///
    /// By default every client may have every image. The server does not call `is_authorized` for a device-specific
    /// file of another device, because the server refuses such a file itself.
    fn is_authorized(&mut self, client: Address, id: ImageId, image: Option<&ImageInfo>) -> bool {
        let _ = (client, id, image);
        true
    }

    /// Returns the IEEE address of `client` from the gateway's own knowledge: network management (ZDO), a link key or a
    /// neighbour table. `None` means that the gateway does not know the IEEE address of the client. The server calls
    /// `ieee` for each request that comes without an address in [`FrameMeta::ieee`](crate::aps::FrameMeta::ieee).
    ///
    /// If the IEEE address is known, the client may have the device-specific files for this address, and the server
    /// moves the sessions of the device when its network address changes. By default the policy knows no IEEE address.
    fn ieee(&mut self, client: Address) -> Option<Eui64> {
        let _ = client;
        None
    }

    /// Returns the hardware version of `client`. The server calls `hardware` if the store has several files of the
    /// image `id` for different hardware versions, and the client has sent no hardware version. By default the policy
    /// knows no hardware version, so the server answers NO_IMAGE_AVAILABLE if only the hardware version could select
    /// the file.
    fn hardware(&mut self, client: Address, id: ImageId) -> Option<HardwareVersion> {
        let _ = (client, id);
        None
    }

    /// Returns whether `image` may be offered to `client` (section 6.10.4.4). The server calls `is_eligible` for every
    /// image with the requested manufacturer code and image type, except for files of other devices. Of the eligible
    /// images, the server offers the image with the highest version.
    #[doc(alias("upgrade", "downgrade", "rollback"))]
    fn is_eligible(&mut self, client: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        let _ = client;
        StandardPolicy::default().allows(request, image)
    }

    /// Returns the reason why `image` may not be offered, after [`is_eligible`](Self::is_eligible) has returned
    /// `false`. The server reports the returned reason in the event
    /// [`ServerEvent::Queried`](super::ServerEvent::Queried). By default, `ServerPolicy::refusal_reason` returns the
    /// reason that [`StandardPolicy::default`] gives, or [`RefusalReason::Policy`] if the standard policy would offer
    /// the image.
    fn refusal_reason(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        image: &ImageInfo,
    ) -> RefusalReason {
        let _ = client;
        StandardPolicy::default().refusal_reason_of(request, image).unwrap_or(RefusalReason::Policy)
    }

    /// Decides the answer to a Query Next Image Request (section 6.10.5.3). `found` is the eligible image with the
    /// highest version; `None` if no image is eligible. For each Query Next Image Request of an authorized client, the
    /// server calls either `offer` or, after repeated downloads, `offer_repeated`.
    ///
    /// A client to which the policy refuses a found image gets no blocks of that image type either, until a later query
    /// of the client is answered with an offer. A server without a session of the client does not remember the refusal;
    /// [`is_authorized`](Self::is_authorized) applies to clients without a session, too.
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

    /// Decides whether a block is sent now (section 6.10.8.3). The server calls `pace` for every Image Block Request
    /// and Image Page Request that the server could serve, before the server reads the image. `session` is the state of
    /// the client before the request; `None` if the client has no session.
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

    /// Decides the answer to a Query Specific File Request for the device `request.node` (section 6.10.12.3). `found`
    /// is the device-specific file of the device; `None` if the store has no such file. The server calls
    /// `offer_specific_file` once for each Query Specific File Request, unless `is_authorized` refuses the client.
    fn offer_specific_file(
        &mut self,
        client: Address,
        request: &QuerySpecificFileRequest,
        found: Option<&ImageInfo>,
    ) -> QueryDecision {
        let _ = (client, request, found);
        QueryDecision::Offer
    }

    /// Returns whether the version 0xFFFFFFFF in a Query Specific File Request is a wildcard for the highest version.
    /// By default the version 0xFFFFFFFF is a version like any other.
    fn accepts_version_wildcard(&mut self, client: Address, request: &QuerySpecificFileRequest) -> bool {
        let _ = (client, request);
        false
    }

    /// Decides the answer to a client that has downloaded the image `id` `times` times, but still queries with a
    /// version for which `id` is eligible. The server counts only downloads that ended with the order to upgrade, or
    /// with the report of the client that the image is invalid. A client that downloads the same image again and again
    /// cannot install the image, or reports a wrong running version. The server calls `offer_repeated` in place of
    /// [`offer`](Self::offer) once `times` reaches
    /// [`ServerConfig::repeated_download_limit`](super::ServerConfig::repeated_download_limit).
    /// [`Server::reset_repeats`](super::Server::reset_repeats) resets the count of downloads.
    fn offer_repeated(&mut self, client: Address, id: ImageId, times: u8) -> QueryDecision {
        let _ = (client, id, times);
        QueryDecision::NoImage
    }

    /// Returns the ClusterRevision of `client`, for instance as read from its attribute 0xFFFD; `None` if the revision
    /// is not known. A client of revision 2 counts MinimumBlockPeriod in seconds. If the ClusterRevision is not 2, or
    /// is not known, the server counts MinimumBlockPeriod in milliseconds, the unit of all revisions after 2.
    ///
    /// The server calls `cluster_revision` for requests with a MinimumBlockPeriod if
    /// [`ServerConfig::min_block_period`](super::ServerConfig::min_block_period) is not 0.
    #[doc(alias("MinimumBlockPeriod", "0xFFFD"))]
    fn cluster_revision(&mut self, client: Address) -> Option<u16> {
        let _ = client;
        None
    }

    /// Returns whether `client` is known to be a sleepy device. For a sleepy device the server reports
    /// [`UpgradeDecision::Hold`] as the event [`ServerEvent::SleepyClientHeld`](super::ServerEvent::SleepyClientHeld).
    fn is_sleepy(&mut self, client: Address) -> bool {
        let _ = client;
        false
    }

    /// Decides when `client` upgrades to the image `id` that the client has downloaded (sections 6.8.4 and 6.10.10.3).
    /// The server calls `upgrade` for each Upgrade End Request with SUCCESS, even if the store no longer has the image.
    #[doc(alias("apply", "emberAfOtaServerUpgradeEndRequestCallback"))]
    fn upgrade(&mut self, client: Address, id: ImageId) -> UpgradeDecision {
        let _ = client;
        // A log is not firmware, so the client has no upgrade to install.
        if id.image_type == ImageType::LOG { UpgradeDecision::Acknowledge } else { UpgradeDecision::Now }
    }
}

/// Decision about the answer to a Query Next Image Request or a Query Specific File Request (sections 6.10.5.3 and
/// 6.10.12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum QueryDecision {
    /// The server answers SUCCESS with the image that the store found, or NO_IMAGE_AVAILABLE if the store found no
    /// image.
    Offer,
    /// The server answers NO_IMAGE_AVAILABLE: the client gets no image now.
    NoImage,
    /// The server answers NOT_AUTHORIZED: the client may not upgrade.
    NotAuthorized,
}

/// Decision about the answer to a request for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PaceDecision {
    /// The server sends as much data in the block as the request and the limits of the server allow. The main limit on
    /// the data of a block is [`ServerConfig::max_block_size`](super::ServerConfig::max_block_size).
    Send,
    /// With `SendAtMost(n)`, the server sends at most n bytes of data in the block, for instance because longer blocks
    /// do not arrive over the route to the client.
    SendAtMost(NonZeroU8),
    /// The server answers WAIT_FOR_DATA.
    Wait {
        /// Seconds from the answer WAIT_FOR_DATA until the client repeats its request. The server limits the waiting
        /// time to [`MAX_WAIT_SECONDS`](super::MAX_WAIT_SECONDS).
        seconds: u32,
    },
    /// The server answers ABORT, and the client ends the download.
    Abort,
}

/// Decision about the answer to the Upgrade End Request of a client that has downloaded an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpgradeDecision {
    /// The Upgrade End Response tells the client to upgrade now.
    Now,
    /// With `AfterSeconds(n)`, the Upgrade End Response tells the client to upgrade after n seconds. The server sends
    /// 0xFFFFFFFF seconds as 0xFFFFFFFE, because 0xFFFFFFFF means "hold".
    AfterSeconds(u32),
    /// With `At(time)`, the Upgrade End Response tells the client to upgrade at the UTC time `time`, or now if `time`
    /// is past. [`Server::set_utc`](super::Server::set_utc) sets the UTC clock of the server. If the server has no UTC
    /// clock, it answers as for `Hold`: the client asks again later, and no upgrade starts early.
    At(UtcTime),
    /// The Upgrade End Response tells the client to hold: to wait for another Upgrade End Response
    /// ([`Server::release`](super::Server::release)) and to ask again every hour (section 6.12). A policy should not
    /// hold sleepy clients, which may miss the Upgrade End Response that ends the hold (section 6.8.4).
    Hold,
    /// The server answers with a Default Response SUCCESS in place of an Upgrade End Response. The decision
    /// `Acknowledge` is for files that need no upgrade, such as device-specific files (section 6.10.10.3).
    Acknowledge,
    /// With `Refuse(refusal)`, the server answers with a Default Response of the status `refusal` in place of an
    /// Upgrade End Response. Other OTA servers in the field refuse with the status [`Refusal::ABORT`].
    Refuse(Refusal),
}

/// Versions of an image that may be offered, relative to the version that the client runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OfferedVersions {
    /// Only versions newer than the running version may be offered.
    #[default]
    Upgrade,
    /// Only versions older than the running version may be offered.
    #[doc(alias = "rollback")]
    Downgrade,
    /// The server offers only the version that the client already runs, as a reinstallation. With `Reinstall`, a client
    /// that queries again after the reinstallation gets an offer of the same image, and installs the image again.
    Reinstall,
    /// All versions may be offered. With `Any`, a client that queries again after the upgrade gets an offer of the same
    /// image, and installs the image again.
    Any,
}

impl OfferedVersions {
    /// Returns whether a client that runs the version `current` may be offered the version `candidate`. Versions are
    /// compared as integers (section 6.3.2.7).
    pub(super) fn allows(self, current: FileVersion, candidate: FileVersion) -> bool {
        match self {
            Self::Upgrade => candidate > current,
            Self::Downgrade => candidate < current,
            Self::Reinstall => candidate == current,
            Self::Any => true,
        }
    }
}

/// Policy of the specification, with fields for the choices that the specification leaves open.
///
/// The default policy offers only newer images, and no image to a client that does not know its version. The default
/// policy offers an image for certain hardware versions even to a client that does not report its hardware version.
/// Each field of `StandardPolicy` changes one choice of the default policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct StandardPolicy {
    /// Versions that the policy offers. The default is [`OfferedVersions::Upgrade`].
    pub versions: OfferedVersions,
    /// Whether the policy offers images of any version to a client that reports the running version 0xFFFFFFFF. Devices
    /// in the field report the running version 0xFFFFFFFF if they do not know their version. The default is `false`,
    /// because a client that does not know its version may install the same image again and again.
    pub offer_to_unknown_version: bool,
    /// Whether the policy offers an image for certain hardware versions to a client that does not report its hardware
    /// version. The default is `true`: the hardware version is optional in a query, and the client can check the header
    /// of the file itself.
    pub offer_to_unknown_hardware: bool,
}

impl StandardPolicy {
    /// Returns whether `image` may be offered in answer to `request`. `StandardPolicy::allows` does not compare
    /// manufacturer code, image type and destination, because the server compares these fields.
    #[must_use]
    pub fn allows(&self, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        self.refusal_reason_of(request, image).is_none()
    }

    /// Returns the reason why `image` may not be offered in answer to `request`; `None` if the image may be offered.
    #[must_use]
    pub fn refusal_reason_of(
        &self,
        request: &QueryNextImageRequest,
        image: &ImageInfo,
    ) -> Option<RefusalReason> {
        let version = match request.current.version {
            FileVersion::ANY if self.offer_to_unknown_version => None,
            FileVersion::ANY => Some(RefusalReason::UnknownVersion),
            current if self.versions.allows(current, image.id.version) => None,
            _ => Some(RefusalReason::Version),
        };
        let hardware = || match (image.hardware?, request.hardware) {
            (range, Some(hardware)) if range.contains(hardware) => None,
            (_, Some(_)) => Some(RefusalReason::Hardware),
            (_, None) if self.offer_to_unknown_hardware => None,
            (_, None) => Some(RefusalReason::UnknownHardware),
        };
        version.or_else(hardware)
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

    fn refusal_reason(
        &mut self,
        _: Address,
        request: &QueryNextImageRequest,
        image: &ImageInfo,
    ) -> RefusalReason {
        self.refusal_reason_of(request, image).unwrap_or(RefusalReason::Policy)
    }
}
