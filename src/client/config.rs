//! Settings of a client: identity of the device, location of the server, checks, limits and timers.
//!
//! Sections refer to ZigBee document 095264 (2011).

use core::num::{NonZeroU8, NonZeroU16};

use crate::aps::Address;
use crate::time::Millis;
use crate::types::{Eui64, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion};
use crate::zcl::UpgradeActivationPolicy;

/// Identity of the device: running image, hardware version, IEEE address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Identity {
    /// Image that the device runs. Its version is sent in queries and is updated by the client after an upgrade.
    pub current: ImageId,
    /// Hardware version of the device, if it has one. It is sent in queries, and a file's hardware range must contain it
    /// (section 6.3.2.13).
    pub hardware: Option<HardwareVersion>,
    /// IEEE address (EUI-64) of the device, if known. Files made for one device need it (section 6.3.2.12).
    #[doc(alias = "EUI64")]
    #[doc(alias = "mac address")]
    pub node: Option<Eui64>,
}

impl Identity {
    /// Identity with a running image and nothing else; `hardware` and `node` can be assigned afterwards.
    #[must_use]
    pub const fn new(current: ImageId) -> Self {
        Self { current, hardware: None, node: None }
    }
}

/// Reaction to a server that does not answer the Upgrade End Request (section 6.12); attribute UpgradeTimeoutPolicy of
/// later revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpgradeEndFallback {
    /// Upgrade without an Upgrade End Response, as section 6.12 allows.
    Apply,
    /// Repeat the Upgrade End Request every hour.
    KeepWaiting,
}

/// File versions of offers that the client passes on to the application.
#[doc(alias = "downgrade")]
#[doc(alias = "rollback")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AcceptedVersions {
    /// Only versions above the running one: no downgrade.
    Newer,
    /// Versions above and below the running one (section 6.10.5.2.4; ZCL 8 excludes the running one as well).
    Different,
    /// Every version, the running one included: the server can have it installed again.
    Any,
}

/// Link key that the client asks for before it sends any request (section 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LinkKeyPolicy {
    /// No link key: network security is enough, as in most homes.
    NotRequired,
    /// Trust center link key if the server is the trust center, otherwise an application link key between the two nodes,
    /// as Smart Energy requires.
    SmartEnergy,
    /// Trust center link key if the server is the trust center, otherwise the global link key.
    Global,
}

/// Method of requesting the blocks of a file once its header is complete. A client with 0 `RANGES` supports stop-and-wait
/// only and ignores this setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TransferMode {
    /// Image Block Requests (section 6.10.6).
    Blocks {
        /// Maximum requests in flight; 1 is stop-and-wait, which every server supports. Capped at `RANGES` + 1.
        ///
        /// A block being stored occupies a place, except one when the window is above 1. One extra request may be sent
        /// while an answer is late. Servers that answer only one of several requests are detected and served one at a
        /// time. A window above 1 helps if the server or the route to it is slow.
        window: NonZeroU8,
    },
    /// Image Page Requests (section 6.10.7), and Image Block Requests for the blocks that a page lost. If the server does
    /// not support pages, the client switches to Image Block Requests.
    Pages {
        /// Page size in bytes.
        size: NonZeroU16,
        /// Minimum time between two blocks of a page, in milliseconds ("response spacing"). Over several hops, a server
        /// without spacing collides with its own frames: 7 to 8 ms per hop is best.
        spacing: u16,
    },
    /// The fastest method by measurement: pages if the server supports them and they are faster, otherwise Image Block
    /// Requests with a window that grows while the channel has idle time.
    Auto,
}

/// Set of checks of a file's header against the offer and the device (sections 6.3.2.1 to 6.3.2.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// A byte of flags without the crate bitflags: its traits would be a tenth of the client's public interface, and a
// struct of bools would make each client eight bytes larger.
pub struct HeaderChecks(u8);

impl HeaderChecks {
    /// All checks, those of later versions of this crate included.
    pub const ALL: Self = Self(u8::MAX);
    /// The header can be parsed: file identifier, header version, lengths.
    pub const READABLE: Self = Self(1 << 0);
    /// Manufacturer code and image type are equal to the offer's.
    pub const IMAGE: Self = Self(1 << 1);
    /// File version is equal to the offer's.
    pub const VERSION: Self = Self(1 << 2);
    /// Total image size is equal to the offer's.
    pub const SIZE: Self = Self(1 << 3);
    /// Hardware range contains the device's hardware version.
    pub const HARDWARE: Self = Self(1 << 4);
    /// Upgrade file destination is absent or the device itself.
    pub const DESTINATION: Self = Self(1 << 5);

    /// Removes the checks in `other` from the set.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether the set contains all checks in `other`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Settings of a [`Client`](super::Client).
///
/// [`new`](Self::new) sets the defaults; every field can be assigned afterwards. Each field states its default and the
/// reason for it. Settings that may change while the client runs have a method of the client.
///
/// ```
/// use core::num::NonZeroU8;
/// use zigbee_ota::ImageId;
/// use zigbee_ota::aps::Address;
/// use zigbee_ota::client::{ClientConfig, Identity};
///
/// let identity = Identity::new(ImageId::new(0x1001, 0x00ab, 1));
/// let mut config = ClientConfig::new(identity, Address::new(0x0000, 1));
/// config.write_size = NonZeroU8::new(4).unwrap();
/// config.max_file_size = 256 * 1024;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ClientConfig {
    /// Identity of the device.
    pub identity: Identity,
    /// Network address and endpoint of the server. 0xFFFF as the network address or 0xFF as the endpoint means unknown:
    /// the client asks for it by [`Need::FindServer`](super::Need::FindServer) and the needs after it.
    #[doc(alias = "short address")]
    pub server: Address,
    /// IEEE address of the server to use (attribute UpgradeServerID); 0 and all ones mean any server.
    ///
    /// Default: all ones, the default of the attribute (section 6.7.1).
    #[doc(alias = "EUI64")]
    pub server_id: Eui64,
    /// Time between two searches for a server while none is found. `None` disables the search for a server that was lost;
    /// an unknown server is searched for all the same, every ten minutes.
    ///
    /// Default: `None` for a known server, which is then fixed; ten minutes for an unknown one, as each search is a
    /// broadcast to the whole network.
    #[doc(alias = "rejoin")]
    pub discovery_interval: Option<Millis>,
    /// Unanswered queries in a row after which the server counts as lost and is searched for. No effect without
    /// `discovery_interval`.
    ///
    /// Default: 3. One failed query is an outage of minutes; three days without an answer, at one query per day, mean
    /// that the server has moved.
    pub max_unanswered_queries: u8,
    /// Whether any other server may replace the one of `server_id` after three failed failed_lookups of its network address
    /// (section 6.7.1).
    ///
    /// Default: true. A gateway that was exchanged has another IEEE address.
    pub replace_lost_server: bool,
    /// Whether the client searches for another server after NOT_AUTHORIZED, or if the server does not support Query
    /// Specific File, and skips the refusing server from then on (sections 6.10.5.3, 6.10.11.5.2 and 6.10.12.4).
    ///
    /// Default: false. Most networks have one server, and a refusal may be temporary.
    pub replace_refusing_server: bool,
    /// Link key to establish before the first request.
    ///
    /// Default: [`NotRequired`](LinkKeyPolicy::NotRequired). Home networks are secured by the network key alone.
    pub link_key: LinkKeyPolicy,
    /// Whether frames are sent with APS security.
    ///
    /// Default: false, as most servers have no link key with the device.
    pub aps_security: bool,
    /// Whether frames without APS security are ignored.
    ///
    /// Default: false, for the same reason.
    pub require_aps_security: bool,
    /// Whether frames sent by broadcast or multicast are ignored (section 6.10.3.4, for profiles that require
    /// encryption).
    ///
    /// Default: false. Broadcast Image Notify is the usual announcement of a new image.
    pub require_unicast: bool,
    /// Whether frames are read without [`Quirks`](crate::zcl::Quirks), by the letter of the specification: an ABORT with
    /// extra bytes is malformed, and so is a unicast Image Notify with another payload type than 0 or another jitter than
    /// 100 (section 6.10.3.5.1).
    ///
    /// Default: false. Servers in the field need the quirks.
    pub strict: bool,
    /// Maximum bytes of data per block: the maximum data size of Image Block Requests and Image Page Requests.
    ///
    /// Default: 64. An Image Block Response of up to 65 bytes of data fits one unfragmented frame of IEEE 802.15.4 if the
    /// network uses no source routes, and 64 is a multiple of the usual words of flash.
    pub max_block_size: NonZeroU8,
    /// Method of requesting blocks.
    ///
    /// Default: stop-and-wait, [`Blocks`](TransferMode::Blocks) with a window of 1: every server supports it.
    pub transfer: TransferMode,
    /// Smallest unit of a write to storage in bytes, such as a word of flash; at most `max_block_size`. The data of each
    /// block starts at a multiple of it and is a multiple of it long; the client requests the remainder of a block again.
    /// Only the last block of a file may be shorter.
    ///
    /// Default: 1.
    #[doc(alias = "alignment")]
    pub write_size: NonZeroU8,
    /// Maximum size of a file that storage can hold, in bytes. Larger offers are skipped.
    ///
    /// Default: `u32::MAX`, no limit.
    pub max_file_size: u32,
    /// Versions that the application is asked about.
    ///
    /// Default: [`Different`](AcceptedVersions::Different). The server decides which version to install, older ones
    /// included (section 6.10.5.2.4).
    pub accepted_versions: AcceptedVersions,
    /// Checks of the file's header during the download.
    ///
    /// Default: all of them: a wrong file ends the download early.
    pub header_checks: HeaderChecks,
    /// Stack version of the running image.
    ///
    /// Default: [`ZIGBEE_PRO`](StackVersion::ZIGBEE_PRO).
    pub stack: StackVersion,
    /// Security credential version of the device (section 6.3.2.11).
    ///
    /// Default: `None`, no credentials.
    pub credential: Option<SecurityCredentialVersion>,
    /// Time from the start of the client to its first query.
    ///
    /// Default: one minute, in which the device joins its network.
    pub first_query_delay: Millis,
    /// Time between two queries. `None` disables periodic queries; notifies and [`query`](super::Client::query) still
    /// cause one.
    ///
    /// Default: 24 hours, the default of espressif's client.
    pub query_interval: Option<Millis>,
    /// Attempts per query before the query counts as unanswered.
    ///
    /// Default: 4, the first and three retries, as section 6.12 has for the Upgrade End Request.
    pub max_query_attempts: u8,
    /// Minimum time between two Image Block Requests. The server's MinimumBlockPeriod applies if it is longer.
    ///
    /// Default: 0.
    #[doc(alias = "rate limit")]
    #[doc(alias = "throttle")]
    #[doc(alias = "MinimumBlockPeriod")]
    pub min_block_period: Millis,
    /// Time to wait for an answer before any round trip was measured.
    ///
    /// Default: 3 seconds: a first answer may need a route discovery and APS retries, which are 1.6 seconds apart.
    pub initial_timeout: Millis,
    /// Maximum time to wait for an answer. It limits the exponential backoff.
    ///
    /// Default: 10 seconds.
    pub max_timeout: Millis,
    /// Unanswered attempts of one Image Block Request after which the download ends.
    ///
    /// Default: 30, which is about five minutes: the time in which a gateway restarts.
    pub max_block_attempts: u8,
    /// Error responses in a row after which the download ends.
    ///
    /// Default: 10, which is ten seconds with the default of `error_backoff`.
    pub max_consecutive_errors: u8,
    /// Delay before the next request after an error response, after a failed delivery (doubled with each attempt), or when
    /// storage is busy.
    ///
    /// Default: 1 second.
    pub error_backoff: Millis,
    /// Maximum wait after a WAIT_FOR_DATA without an end (section 6.8.4). `None` waits until the server sends a frame.
    ///
    /// Default: one hour, as in Silicon Labs' client.
    pub max_wait_for_data: Option<Millis>,
    /// Maximum age, in seconds, of a UTC time from the server that is still taken as "now" although the device's clock has
    /// passed it.
    ///
    /// Default: 300 seconds, for clocks that differ and frames that were delayed.
    pub utc_tolerance: u32,
    /// Reaction to a server that does not answer the Upgrade End Request.
    ///
    /// Default: [`Apply`](UpgradeEndFallback::Apply), as section 6.12 allows.
    pub upgrade_end_fallback: UpgradeEndFallback,
    /// Side that may start the upgrade: the server, or the application alone.
    ///
    /// Default: [`SERVER`](UpgradeActivationPolicy::SERVER).
    pub activation_policy: UpgradeActivationPolicy,
    /// ClusterRevision attribute. 0 is the specification of 2011: no ClusterRevision and no attributes of later
    /// revisions. MinimumBlockPeriod counts seconds up to revision 2 and milliseconds from revision 3 on.
    ///
    /// Default: 0.
    pub cluster_revision: u16,
}

impl ClientConfig {
    /// Settings with defaults for a device and the address of its server. [`Address::UNKNOWN`] makes the client search for
    /// a server.
    #[must_use]
    pub const fn new(identity: Identity, server: Address) -> Self {
        Self {
            identity,
            server,
            server_id: NO_ADDRESS,
            discovery_interval: if is_known(server) { None } else { Some(DISCOVERY_INTERVAL) },
            max_unanswered_queries: 3,
            replace_lost_server: true,
            replace_refusing_server: false,
            link_key: LinkKeyPolicy::NotRequired,
            aps_security: false,
            require_aps_security: false,
            require_unicast: false,
            strict: false,
            max_block_size: NonZeroU8::MIN.saturating_add(63),
            transfer: TransferMode::Blocks { window: NonZeroU8::MIN },
            write_size: NonZeroU8::MIN,
            max_file_size: u32::MAX,
            accepted_versions: AcceptedVersions::Different,
            header_checks: HeaderChecks::ALL,
            stack: StackVersion::ZIGBEE_PRO,
            credential: None,
            first_query_delay: Millis::from_secs(60),
            query_interval: Some(Millis::from_secs(24 * 60 * 60)),
            max_query_attempts: 4,
            min_block_period: Millis(0),
            initial_timeout: Millis::from_secs(3),
            max_timeout: Millis::from_secs(10),
            max_block_attempts: 30,
            max_consecutive_errors: 10,
            error_backoff: Millis::from_secs(1),
            max_wait_for_data: Some(Millis::from_secs(60 * 60)),
            utc_tolerance: 300,
            upgrade_end_fallback: UpgradeEndFallback::Apply,
            activation_policy: UpgradeActivationPolicy::SERVER,
            cluster_revision: 0,
        }
    }

    /// Sets [`transfer`](Self::transfer), the method of requesting blocks.
    #[must_use]
    pub const fn with_transfer(self, transfer: TransferMode) -> Self {
        Self { transfer, ..self }
    }
}

/// Sentinel for an unknown IEEE address: the default of attribute UpgradeServerID (section 6.7.1).
pub(super) const NO_ADDRESS: Eui64 = Eui64(u64::MAX);

/// Time between two searches for an unknown server if the configuration has none.
pub(super) const DISCOVERY_INTERVAL: Millis = Millis::from_secs(10 * 60);

/// Returns whether both the network address and the endpoint are known.
pub(super) const fn is_known(Address { network, endpoint }: Address) -> bool {
    network != Address::UNKNOWN.network && endpoint != Address::UNKNOWN.endpoint
}
