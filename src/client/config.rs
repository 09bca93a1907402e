//! Settings of a client: the identity of the device, the address of the server, checks, limits and timers.
//!
//! Sections refer to ZigBee document 095264 (2011).

use core::num::{NonZeroU8, NonZeroU16};

use crate::aps::Address;
use crate::time::Millis;
use crate::types::{Eui64, FileVersion, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion};
use crate::zcl::UpgradeActivationPolicy;

/// Identity of the device that runs the client: running image, hardware version, IEEE address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Identity {
    /// Image that the device runs. The client sends the version of this image in queries, and updates the version after
    /// an upgrade.
    pub current: ImageId,
    /// Hardware version of the device; `None` if the device has no hardware version. The client sends the hardware
    /// version in queries, and the hardware range of a file must contain this version (section 6.3.2.13).
    pub hardware: Option<HardwareVersion>,
    /// IEEE address (EUI-64) of the device; `None` if the address is unknown. A client needs its IEEE address for
    /// device-specific files (section 6.3.2.12).
    #[doc(alias = "EUI64")]
    #[doc(alias = "mac address")]
    pub node: Option<Eui64>,
}

impl Identity {
    /// Creates an identity with the running image `current`, without a hardware version and without an IEEE address.
    /// The fields `hardware` and `node` can be assigned afterwards.
    #[must_use]
    pub const fn new(current: ImageId) -> Self {
        Self { current, hardware: None, node: None }
    }
}

/// File that failed its verification or its boot. After two consecutive failures the client skips offers of this file.
///
/// If a file failed twice, the client skips offers of the file until seven days have passed since the last failure or
/// since the start of the client. A call of [`Client::query`](super::Client::query) makes the client accept an offer of
/// the failed file at once. After a unicast Image Notify, the client accepts an offer of the failed file at most once a
/// day. The failures of a file have no effect on offers of other files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct FailedImage {
    /// Version of the file.
    pub version: FileVersion,
    /// Size of the file in bytes.
    pub size: u32,
    /// Number of consecutive failures, each after a download from offset 0 without a pause. The failure of a download
    /// that was paused does not count, because the file on the server may have been replaced during the pause.
    pub failures: u8,
}

impl FailedImage {
    /// Creates the record of a file with `version` and `size` bytes that has failed `failures` times.
    #[must_use]
    pub const fn new(version: FileVersion, size: u32, failures: u8) -> Self {
        Self { version, size, failures }
    }
}

/// Reaction of the client to a server that does not answer the Upgrade End Request (section 6.12). Later revisions of
/// the cluster show this setting in the attribute UpgradeTimeoutPolicy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpgradeEndFallback {
    /// The client upgrades without an Upgrade End Response if the server answers neither the Upgrade End Requests of
    /// the first hour nor three further requests, one per hour. Section 6.12 allows an upgrade without an Upgrade End
    /// Response.
    Apply,
    /// The client repeats the Upgrade End Request every hour, without a limit.
    KeepWaiting,
}

/// File versions of the offers that the client passes on to the application. The client skips the offers of all other
/// versions.
#[doc(alias = "downgrade")]
#[doc(alias = "rollback")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AcceptedVersions {
    /// Only versions above the running version, so that no downgrade is possible.
    Newer,
    /// Versions above and below the running version (section 6.10.5.2.4). ZCL 8 also excludes offers of the running
    /// version.
    Different,
    /// Every version. The running version is included, so that the server can have the running version installed again.
    Any,
}

/// Link key that the application must establish with the server before the client sends any request (section 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LinkKeyPolicy {
    /// The client asks for no link key: network security is enough, as in most homes.
    NotRequired,
    /// Trust center link key if the server is the trust center; for any other server, an application link key between
    /// device and server, as Smart Energy requires.
    SmartEnergy,
    /// Trust center link key if the server is the trust center; for any other server, the global link key of the
    /// network.
    Global,
}

/// Method of requesting the blocks of a file after the header of the file is complete. A client whose parameter
/// `RANGES` is 0 supports stop-and-wait only and ignores this setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TransferMode {
    /// The client sends Image Block Requests (section 6.10.6).
    Blocks {
        /// Maximum number of block requests in flight, limited to `RANGES` + 1. A window of 1 is stop-and-wait, which
        /// every server supports.
        ///
        /// Blocks that the application is storing count towards the window; with a window above 1, all of these blocks
        /// but one count. With a window above 1, the client may also send one request more than the window while an
        /// answer is late. If a server answers only one of several requests, the client detects this behaviour and
        /// sends one request at a time. A window above 1 helps if the server, or the route to the server, is slow.
        window: NonZeroU8,
    },
    /// The client sends Image Page Requests (section 6.10.7), and Image Block Requests for lost blocks of a page. If
    /// the server does not support pages, the client switches to Image Block Requests.
    Pages {
        /// Size of a page in bytes.
        size: NonZeroU16,
        /// Minimum time between two blocks of a page, in milliseconds ("response spacing"). Over several hops, blocks
        /// that a server sends without spacing collide with each other. The best response spacing is 7 to 8 ms for each
        /// hop of the route.
        spacing: u16,
    },
    /// The client measures which of two methods is faster, and uses the faster method. One method is pages, if the
    /// server supports pages; the other method is Image Block Requests with a window that grows while the channel has
    /// idle time.
    Auto,
}

/// Set of checks that compare the header of a file with the offer and with the device (sections 6.3.2.1 to 6.3.2.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// The flags are a plain byte. The traits of the crate bitflags would be a tenth of the client's public interface, and a
// struct of bools would make each client eight bytes larger.
pub struct HeaderChecks(u8);

impl HeaderChecks {
    /// Set of all header checks, including checks that later versions of this crate add.
    pub const ALL: Self = Self(u8::MAX);
    /// Check that the header can be parsed: file identifier, header version, lengths.
    pub const READABLE: Self = Self(1 << 0);
    /// Check that the header and the offer have the same manufacturer code and image type.
    pub const IMAGE: Self = Self(1 << 1);
    /// Check that the header and the offer have the same file version.
    pub const VERSION: Self = Self(1 << 2);
    /// Check that the total image size of the header is equal to the size of the offer.
    pub const SIZE: Self = Self(1 << 3);
    /// Check that the hardware range of the header contains the hardware version of the device.
    pub const HARDWARE: Self = Self(1 << 4);
    /// Check that the upgrade file destination of the header is absent or names this device.
    pub const DESTINATION: Self = Self(1 << 5);

    /// Returns the set of checks without the checks in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether this set contains all checks in `other`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Settings of a [`Client`](super::Client).
///
/// [`new`](Self::new) sets the defaults; every field can be assigned afterwards. The documentation of each field states
/// the default value and the reason for this value. Methods of the client change the values that may change while the
/// client runs. A duration above 41 days counts as 41 days.
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
    /// Identity of the device that runs the client.
    pub identity: Identity,
    /// Network address and endpoint of the server. 0xFFFF as the network address or 0xFF as the endpoint means unknown;
    /// the client then asks the application for the address by [`Need::FindServer`](super::Need::FindServer) and the
    /// other needs of a search.
    #[doc(alias = "short address")]
    pub server: Address,
    /// IEEE address of the server to use (attribute UpgradeServerID). The IEEE addresses 0 and all ones mean any
    /// server.
    ///
    /// Default: all ones, which is the default of the attribute (section 6.7.1).
    #[doc(alias = "EUI64")]
    pub server_id: Eui64,
    /// Time between two searches for a server while no server is found. During a pause of a download, the time between
    /// two searches is at least one hour. `None` disables the search for a lost server. Even if the setting is `None`,
    /// the client searches for an unknown server every ten minutes.
    ///
    /// Default: `None` if the server is known, so that the client keeps this server. The default for an unknown server
    /// is ten minutes, because each search is a broadcast to the whole network.
    #[doc(alias = "rejoin")]
    pub discovery_interval: Option<Millis>,
    /// Number of consecutive unanswered queries after which the server counts as lost, and the client searches for a
    /// server. The setting has no effect without `discovery_interval`.
    ///
    /// If `discovery_interval` is set, the client also searches for a lost server whose address the configuration
    /// gives.
    ///
    /// Default: 3. An outage of the server for some minutes may leave a single query unanswered. Three unanswered
    /// queries take at least 15 minutes, or two minutes in a pause of a download. A server that has not answered three
    /// consecutive queries may have another address.
    pub max_unanswered_queries: u8,
    /// Whether the client may use any other server after three failed lookups of the network address of the server
    /// `server_id` (section 6.7.1).
    ///
    /// Default: true, because a new gateway has another IEEE address than the gateway that it replaces.
    pub replace_lost_server: bool,
    /// Whether the client searches for another server after a refusal, and skips the refusing server from then on
    /// (sections 6.10.5.3, 6.10.11.5.2 and 6.10.12.4). A refusal is the status NOT_AUTHORIZED, or the status
    /// UNSUP_CLUSTER_COMMAND in answer to a request for a device-specific file.
    ///
    /// Default: false. Most networks have one server, and a refusal may be temporary.
    pub replace_refusing_server: bool,
    /// Link key that the device establishes with the server before the first request.
    ///
    /// Default: [`NotRequired`](LinkKeyPolicy::NotRequired). Home networks are secured by the network key alone.
    pub link_key: LinkKeyPolicy,
    /// Whether the client sends frames with APS security.
    ///
    /// Default: false, because most servers have no link key with the device.
    pub aps_security: bool,
    /// Whether the client ignores received frames without APS security.
    ///
    /// Default: false, because most servers have no link key with the device and send no APS security.
    pub require_aps_security: bool,
    /// Whether the client ignores frames sent by broadcast or multicast. Section 6.10.3.4 demands that a client ignores
    /// broadcast and multicast frames in profiles that require encryption.
    ///
    /// Default: false. A broadcast Image Notify is the usual announcement of a new image.
    pub require_unicast: bool,
    /// Whether the client decodes frames strictly by the specification, without [`Quirks`](crate::zcl::Quirks). With
    /// strict decoding an ABORT with extra bytes is malformed. With strict decoding, a unicast Image Notify with
    /// another payload type than 0 or another jitter than 100 is also malformed (section 6.10.3.5.1).
    ///
    /// Default: false, because servers in the field send frames that deviate from the specification.
    pub strict: bool,
    /// Maximum number of data bytes per block, which the client sends as the maximum data size of Image Block Requests
    /// and Image Page Requests.
    ///
    /// Default: 64. An Image Block Response of up to 65 bytes of data fits into one unfragmented frame of IEEE 802.15.4
    /// if the network uses no source routes. 64 is a multiple of the usual word sizes of flash.
    pub max_block_size: NonZeroU8,
    /// Method of requesting the blocks of a file.
    ///
    /// Default: stop-and-wait, which is [`Blocks`](TransferMode::Blocks) with a window of 1. Every server supports
    /// stop-and-wait.
    pub transfer: TransferMode,
    /// Smallest unit of a write to storage in bytes, such as a word of flash; at most `max_block_size`. The offset and
    /// the length of each block that the application stores are multiples of this unit. If a received block does not
    /// end at a multiple of this unit, the client requests the bytes after the last multiple of the unit again. Only
    /// the last block of a file may have a length that is no multiple of the unit.
    ///
    /// Default: 1.
    #[doc(alias = "alignment")]
    pub write_size: NonZeroU8,
    /// Maximum size of a file that storage can hold, in bytes. The client skips offers of larger files.
    ///
    /// Default: `u32::MAX`, which means no limit.
    pub max_file_size: u32,
    /// Versions whose offers the client passes on to the application; the client skips offers of all other versions.
    ///
    /// Default: [`Different`](AcceptedVersions::Different). The server decides which version to install, and may choose
    /// an older version (section 6.10.5.2.4).
    pub accepted_versions: AcceptedVersions,
    /// Checks of the file header that the client makes during the download.
    ///
    /// Default: all checks, so that a wrong file ends the download early.
    pub header_checks: HeaderChecks,
    /// Whether the client accepts a file whose upgrade file destination has the bytes of the device's IEEE address in
    /// reverse order. The image builder of espressif writes the bytes in reverse order if the address is given with the
    /// most significant byte first.
    ///
    /// Default: false, because the reversed address may be the address of another device.
    pub accept_reversed_destination: bool,
    /// Stack version of the image that the device runs.
    ///
    /// Default: [`ZIGBEE_PRO`](StackVersion::ZIGBEE_PRO).
    pub stack: StackVersion,
    /// Security credential version of the device (section 6.3.2.11).
    ///
    /// Default: `None`, which means that the device has no security credentials.
    pub credential: Option<SecurityCredentialVersion>,
    /// Time from the creation of the client to the first query.
    ///
    /// Default: one minute, in which the device can join the network.
    pub first_query_delay: Millis,
    /// Time between two periodic queries for an image. `None` disables periodic queries; an Image Notify and a call of
    /// [`query`](super::Client::query) still cause a query.
    ///
    /// After an unanswered query or a failed upgrade, the next query follows in five minutes. The time until the next
    /// query doubles with each further failure, up to `query_interval`.
    ///
    /// Default: 24 hours, the default of espressif's client.
    pub query_interval: Option<Millis>,
    /// Number of attempts of one query before the query counts as unanswered.
    ///
    /// Default: 4, which is the first attempt and three retries, as section 6.12 specifies for the Upgrade End Request.
    pub max_query_attempts: u8,
    /// Minimum time between two Image Block Requests. If the server has set a longer MinimumBlockPeriod, the client
    /// keeps to the MinimumBlockPeriod.
    ///
    /// Default: 0.
    #[doc(alias = "rate limit")]
    #[doc(alias = "throttle")]
    #[doc(alias = "MinimumBlockPeriod")]
    pub min_block_period: Millis,
    /// Timeout of an answer as long as no round trip has been measured.
    ///
    /// Default: 3 seconds. The first answer may need a route discovery and APS retries, which are 1.6 seconds apart.
    pub initial_timeout: Millis,
    /// Maximum timeout of an answer, which limits the exponential backoff of retries.
    ///
    /// Default: 10 seconds.
    pub max_timeout: Millis,
    /// Number of unanswered attempts of one Image Block Request after which the download pauses, and the client queries
    /// whether the server still offers the image. The first request after a restart has at most three attempts.
    ///
    /// Default: 8. On a link that loses 20 % of the frames in each direction, eight consecutive attempts fail once in
    /// 3,500 blocks. The eight attempts take 18 seconds if the measured round trip is 24 ms, and 69 seconds if no round
    /// trip has been measured yet.
    pub max_block_attempts: u8,
    /// Number of consecutive error responses after which the download pauses.
    ///
    /// Default: 10. With the default of `error_backoff`, ten consecutive errors take ten seconds.
    pub max_consecutive_errors: u8,
    /// Shortest time between two queries of a paused download. The time between two queries grows up to 50 seconds in
    /// the first ten minutes of the pause, up to a quarter of an hour in the first day, and up to four hours after the
    /// first day. If `pause_interval` is above one of the limits of 50 seconds, a quarter of an hour and four hours,
    /// `pause_interval` applies instead of the limit. A long `pause_interval` suits a device that sleeps.
    ///
    /// Default: 10 seconds.
    #[doc(alias = "sleepy")]
    pub pause_interval: Millis,
    /// Longest time for which a download stays paused while no new byte of the file arrives. When the pause reaches
    /// this length, the upgrade ends, and the storage is free for another image. `None` means no limit. With a limit of
    /// zero, the upgrade ends at the moment at which the download would pause.
    ///
    /// Default: 30 days, so that a download survives a gateway that is switched off during a holiday.
    pub max_pause: Option<Millis>,
    /// Longest random delay of the first query, of periodic queries, of hourly Upgrade End Requests and of the first
    /// request of a resumed download. The random delay keeps devices that start at the same time from sending at the
    /// same time. The random delay is also limited to ten times `first_query_delay` for the first query, to a quarter
    /// of the interval for periodic queries, and to ten seconds for a resumed download. A `query_spread` of zero
    /// disables the random delay.
    ///
    /// Default: 10 minutes. If 200 devices start at the same time, on average one of the devices sends its first query
    /// every three seconds. If the server does not answer, each device makes four attempts, so that the 200 devices
    /// send 1.3 frames per second.
    #[doc(alias = "jitter")]
    pub query_spread: Millis,
    /// Delay of the next request after an error response, after a failed delivery, or when storage is busy. After
    /// failed deliveries the delay doubles with each attempt.
    ///
    /// Default: 1 second.
    pub error_backoff: Millis,
    /// Maximum time that the client waits after a WAIT_FOR_DATA that demands a wait without an end (section 6.8.4).
    /// With `None` the client waits until the server sends a frame.
    ///
    /// Default: one hour, as in the client of Silicon Labs.
    pub max_wait_for_data: Option<Millis>,
    /// Maximum time that the client waits after a WAIT_FOR_DATA that gives a request time, before the client requests
    /// the block again.
    ///
    /// Default: one day. Without a limit, a wrong or forged time makes a device wait for up to 136 years.
    pub max_finite_wait: Millis,
    /// Longest countdown to an upgrade during which the client sends no further Upgrade End Request. During a longer
    /// countdown the client repeats the Upgrade End Request every hour; an answer that gives the upgrade time as a
    /// delay never moves the upgrade to a later time.
    ///
    /// Default: one day. Without a limit, a wrong or forged time makes a device wait for up to 136 years.
    pub max_unchecked_countdown: Millis,
    /// Largest difference in seconds at which the UTC time of the server and the UTC time of the device count as equal.
    /// If the two clocks count as equal, the client waits until its own clock reaches the upgrade time or request time
    /// in the response. If the two clocks differ by more than `utc_tolerance`, the client waits for the difference
    /// between the current time in the response and the upgrade time or request time in the response.
    ///
    /// Default: 300 seconds, because the clocks of server and device may differ and frames may be delayed.
    pub utc_tolerance: u32,
    /// Reaction of the client to a server that does not answer the Upgrade End Request.
    ///
    /// Default: [`Apply`](UpgradeEndFallback::Apply), as section 6.12 allows.
    pub upgrade_end_fallback: UpgradeEndFallback,
    /// Number of times that the client asks for [`Need::Prepare`](super::Need::Prepare) before a fault ends the
    /// upgrade. The pause between two attempts is `error_backoff`, and doubles with each attempt.
    ///
    /// Default: 3, because flash that is busy for a moment is not defective.
    pub max_prepare_attempts: u8,
    /// Whether the client reports an offer that it skips without asking the application. The report is an Upgrade End
    /// Request with the status INVALID_IMAGE, once for each offered version. The client sends no report of a skipped
    /// offer during a download, or while a complete image waits for its upgrade.
    ///
    /// Default: false, because document 095264 (2011) has no report of skipped offers. With the report, a gateway that
    /// started an update learns at once that the device refuses the file, as with devices of Silicon Labs and Telink.
    pub report_skipped_offers: bool,
    /// File that failed its verification or its boot before the start of the client; `None` if no file failed. The
    /// value comes from [`Client::failed_image`](super::Client::failed_image) or from the boot loader.
    ///
    /// Default: `None`.
    #[doc(alias = "rollback")]
    pub failed_image: Option<FailedImage>,
    /// Side that may start the upgrade: the server and the application, or the application alone.
    ///
    /// Default: [`SERVER`](UpgradeActivationPolicy::SERVER).
    pub activation_policy: UpgradeActivationPolicy,
    /// Value of the attribute ClusterRevision. From revision 2 on, the client also has the attributes
    /// UpgradeActivationPolicy and UpgradeTimeoutPolicy. A MinimumBlockPeriod counts seconds in revision 2, and
    /// milliseconds in every other revision.
    ///
    /// Default: 1, which is the specification of 2011. [`with_zigbee_3`](Self::with_zigbee_3) sets the value 3.
    pub cluster_revision: u16,
    /// Whether the client obeys a MinimumBlockPeriod that the server sets, sends this period in each Image Block
    /// Request, and has the attribute MinimumBlockPeriod.
    ///
    /// Default: false. Servers that follow the specification of 2011 do not know the field MinimumBlockPeriod of an
    /// Image Block Request, and some of these servers answer MALFORMED_COMMAND.
    #[doc(alias = "MinimumBlockPeriod")]
    pub supports_block_period: bool,
    /// Value of the attribute ImageStamp, a number that distinguishes two builds of one version, such as a checksum of
    /// the running image. `None` means that the client does not have the attribute.
    ///
    /// Default: `None`.
    pub image_stamp: Option<u32>,
}

impl ClientConfig {
    /// Creates the default settings for a device with `identity` and a server at the address `server`. The address
    /// [`Address::UNKNOWN`] makes the client search for a server.
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
            accept_reversed_destination: false,
            stack: StackVersion::ZIGBEE_PRO,
            credential: None,
            first_query_delay: Millis::from_secs(60),
            query_interval: Some(Millis::from_secs(24 * 60 * 60)),
            max_query_attempts: 4,
            min_block_period: Millis(0),
            initial_timeout: Millis::from_secs(3),
            max_timeout: Millis::from_secs(10),
            max_block_attempts: 8,
            max_consecutive_errors: 10,
            pause_interval: Millis::from_secs(10),
            max_pause: Some(Millis::from_secs(30 * 24 * 60 * 60)),
            query_spread: Millis::from_secs(10 * 60),
            error_backoff: Millis::from_secs(1),
            max_wait_for_data: Some(Millis::from_secs(60 * 60)),
            max_finite_wait: Millis::from_secs(24 * 60 * 60),
            max_unchecked_countdown: Millis::from_secs(24 * 60 * 60),
            utc_tolerance: 300,
            upgrade_end_fallback: UpgradeEndFallback::Apply,
            max_prepare_attempts: 3,
            report_skipped_offers: false,
            failed_image: None,
            activation_policy: UpgradeActivationPolicy::SERVER,
            cluster_revision: 1,
            supports_block_period: false,
            image_stamp: None,
        }
    }

    /// Returns the settings with another method of requesting blocks, which is the setting
    /// [`transfer`](Self::transfer).
    #[must_use]
    pub const fn with_transfer(self, transfer: TransferMode) -> Self {
        Self { transfer, ..self }
    }

    /// Returns the settings of a device that is certified for Zigbee 3.0: cluster revision 3 with its attributes, a
    /// MinimumBlockPeriod that the server can set, and a report to the server about each offered version that the
    /// client skips. `image_stamp` is the value of the attribute ImageStamp, such as a checksum of the running image.
    #[must_use]
    pub const fn with_zigbee_3(self, image_stamp: u32) -> Self {
        Self {
            cluster_revision: 3,
            supports_block_period: true,
            image_stamp: Some(image_stamp),
            report_skipped_offers: true,
            ..self
        }
    }
}

/// Source of the settings of a client. The settings never change while the client exists.
///
/// [`ClientConfig`] implements this trait: a `Client<RANGES, ClientConfig>` contains its settings in its own memory. A
/// reference to a type with this trait implements the trait as well, so that the settings can be in a `static` in
/// flash. A type without fields can return constant settings. A type with constant settings takes no memory, and the
/// compiler leaves out the code that these settings never need:
///
/// ```
/// use zigbee_ota::ImageId;
/// use zigbee_ota::aps::Address;
/// use zigbee_ota::client::{Abilities, Client, ClientConfig, Identity, Settings};
/// use zigbee_ota::time::Instant;
///
/// #[derive(Clone, Debug)]
/// struct Lamp;
///
/// impl Settings for Lamp {
///     const ABILITIES: Abilities = Abilities::NONE;
///
///     fn config(&self) -> &ClientConfig {
///         const IDENTITY: Identity = Identity::new(ImageId::new(0x1001, 1, 7));
///         const CONFIG: ClientConfig = ClientConfig::new(IDENTITY, Address::new(0, 1));
///         &CONFIG
///     }
/// }
///
/// let client = Client::<0, Lamp>::with_ranges(Lamp, 1, Instant::ZERO);
/// assert_eq!(client.identity().current.version.0, 7);
/// ```
pub trait Settings {
    /// Abilities of the device. The code of an ability that is left out takes no flash.
    ///
    /// Default: all abilities.
    const ABILITIES: Abilities = Abilities::ALL;

    /// Returns the settings, which are the same at every call.
    fn config(&self) -> &ClientConfig;
}

/// Abilities of a client that a device can leave out to save flash. The field of each ability describes all effects of
/// leaving the ability out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Abilities {
    /// Whether the client can search for a server and ask for a link key. Without this ability the client sends
    /// requests only to the server that [`ClientConfig::server`] or [`set_server`](super::Client::set_server) names,
    /// and sends no request while the server is unknown.
    pub discovery: bool,
    /// Whether the client can fetch device-specific files. Without this ability
    /// [`query_specific_file`](super::Client::query_specific_file) fails.
    pub specific_files: bool,
    /// Whether the client can keep a verified image until another image of the device is downloaded. Without this
    /// ability [`VerifyResult::NeedsMore`](super::VerifyResult::NeedsMore) counts as
    /// [`Abandon`](super::VerifyResult::Abandon).
    pub several_images: bool,
    /// Whether the device has or can obtain security credentials. Without this ability an upgrade to a file that
    /// requires credentials ends with [`Outcome::NoCredentials`](super::Outcome::NoCredentials).
    pub credentials: bool,
    /// Whether the device has a UTC clock. Without this ability [`set_utc`](super::Client::set_utc) has no effect, and
    /// the client waits for the difference between the two times in a response: the current time of the server, and the
    /// upgrade time or request time.
    pub utc_clock: bool,
}

impl Abilities {
    /// All abilities of a client.
    pub const ALL: Self = Self {
        discovery: true,
        specific_files: true,
        several_images: true,
        credentials: true,
        utc_clock: true,
    };

    /// No abilities, for a device that knows its server, runs a single image, and has neither a UTC clock nor security
    /// credentials.
    pub const NONE: Self = Self {
        discovery: false,
        specific_files: false,
        several_images: false,
        credentials: false,
        utc_clock: false,
    };
}

impl Settings for ClientConfig {
    fn config(&self) -> &ClientConfig {
        self
    }
}

impl<S: Settings> Settings for &S {
    const ABILITIES: Abilities = S::ABILITIES;

    fn config(&self) -> &ClientConfig {
        (**self).config()
    }
}

/// Sentinel for an unknown IEEE address, which is the default of the attribute UpgradeServerID (section 6.7.1).
pub(super) const NO_ADDRESS: Eui64 = Eui64(u64::MAX);

/// Time between two searches for an unknown server if the configuration has no `discovery_interval`.
pub(super) const DISCOVERY_INTERVAL: Millis = Millis::from_secs(10 * 60);

/// Returns whether both the network address and the endpoint of an address are known.
pub(super) const fn is_known(Address { network, endpoint }: Address) -> bool {
    network != Address::UNKNOWN.network && endpoint != Address::UNKNOWN.endpoint
}
