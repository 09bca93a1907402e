//! Settings of a client: the identity of the device, the address of the server, checks, limits and timers.
//!
//! Sections refer to ZigBee document 095264 (2011).

mod field_types;
mod settings_and_abilities;

use core::num::NonZeroU8;

use crate::aps::Address;
use crate::time::Millis;
use crate::types::{Eui64, SecurityCredentialVersion, StackVersion};
use crate::zcl::UpgradeActivationPolicy;

pub use field_types::{
    AcceptedVersions, FailedImage, HeaderChecks, Identity, LinkKeyPolicy, TransferMode, UpgradeEndFallback,
};
pub use settings_and_abilities::{Abilities, Settings};

/// Settings of a [`Client`](super::Client).
///
/// [`new`](Self::new) sets the defaults; every field can be assigned afterwards. The documentation of each field states
/// the default value and the reason for this value. A setting that may change while the client runs has a method of the
/// client, such as [`set_query_interval`](super::Client::set_query_interval). If a setting is a duration above 41 days,
/// the duration counts as 41 days.
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
    /// if the address is unknown, the client asks the application to search for the server, for example by
    /// [`Need::FindServer`](super::Need::FindServer).
    #[doc(alias = "short address")]
    pub server: Address,
    /// IEEE address of the server to use (attribute UpgradeServerID). The IEEE addresses 0 and all ones mean any
    /// server.
    ///
    /// Default of `server_id`: all ones, which is the default of the attribute UpgradeServerID (section 6.7.1).
    #[doc(alias = "EUI64")]
    pub server_id: Eui64,
    /// Time between two searches for a server while no server is found. During a pause of a download, the time between
    /// two searches is at least one hour. If `discovery_interval` is `None`, the client does not search for a lost
    /// server, but searches for an unknown server every ten minutes.
    ///
    /// Default of `discovery_interval`: `None` if the address of the server is known, so that the client keeps the
    /// server. If the address of the server is unknown, the default is one search every ten minutes, because each
    /// search is a broadcast to the whole network.
    #[doc(alias = "rejoin")]
    pub discovery_interval: Option<Millis>,
    /// Number of consecutive unanswered queries after which the server counts as lost, and the client searches for a
    /// server. The setting `max_unanswered_queries` has no effect if `discovery_interval` is `None`.
    ///
    /// If `discovery_interval` is set, the client also searches for a lost server whose address the configuration
    /// gives.
    ///
    /// Default of `max_unanswered_queries`: 3. An outage of the server for some minutes may leave a single query
    /// unanswered. Three unanswered queries take at least 15 minutes, or at least two minutes during a pause of a
    /// download. A server that has not answered three consecutive queries may have a new address.
    pub max_unanswered_queries: u8,
    /// Whether the client may use any other server after three failed lookups of the network address of the server
    /// `server_id` (section 6.7.1).
    ///
    /// Default of `replace_lost_server`: true, so that a new gateway can take over, although it has another IEEE
    /// address than the gateway that it replaces.
    pub replace_lost_server: bool,
    /// Whether the client searches for another server after a refusal, and skips the refusing server from then on
    /// (sections 6.10.5.3, 6.10.11.5.2 and 6.10.12.4). A refusal is the status NOT_AUTHORIZED, or the status
    /// UNSUP_CLUSTER_COMMAND in answer to a request for a device-specific file.
    ///
    /// Default of `replace_refusing_server`: false, because most networks have only one OTA server, and the server may
    /// refuse a device only for some time.
    pub replace_refusing_server: bool,
    /// Link key that the device establishes with the server before the first request.
    ///
    /// Default of `link_key`: [`NotRequired`](LinkKeyPolicy::NotRequired), because home networks are secured by the
    /// network key alone.
    pub link_key: LinkKeyPolicy,
    /// Whether the client sends frames with APS security.
    ///
    /// Default of `aps_security`: false, because most servers have no link key with the device.
    pub aps_security: bool,
    /// Whether the client ignores received frames without APS security.
    ///
    /// Default of `require_aps_security`: false, because most servers have no link key with the device and send no APS
    /// security.
    pub require_aps_security: bool,
    /// Whether the client ignores frames sent by broadcast or multicast. Section 6.10.3.4 demands that a client ignores
    /// broadcast and multicast frames in profiles that require encryption.
    ///
    /// Default of `require_unicast`: false. A broadcast Image Notify is the usual announcement of a new image.
    pub require_unicast: bool,
    /// Whether the client decodes frames strictly by the specification, without [`Quirks`](crate::zcl::Quirks). With
    /// strict decoding, an Image Block Response with the status ABORT and extra bytes is malformed. With strict
    /// decoding, a unicast Image Notify with another payload type than 0 or another jitter than 100 is also malformed
    /// (section 6.10.3.5.1).
    ///
    /// Default of `strict`: false, because servers in the field send frames that deviate from the specification.
    pub strict: bool,
    /// Maximum number of data bytes per block, which the client sends as the maximum data size of Image Block Requests
    /// and Image Page Requests.
    ///
    /// Default of `max_block_size`: 64. An Image Block Response of up to 65 bytes of data fits into one unfragmented
    /// frame of IEEE 802.15.4 if the network uses no source routes. 64 is a multiple of the usual word sizes of flash.
    pub max_block_size: NonZeroU8,
    /// Method of requesting the blocks of a file.
    ///
    /// Default of `transfer`: stop-and-wait, which is [`Blocks`](TransferMode::Blocks) with a window of 1. Every server
    /// supports stop-and-wait.
    pub transfer: TransferMode,
    /// Smallest unit of a write to storage in bytes, such as a word of flash; at most `max_block_size`. The offset and
    /// the length of each block that the application stores are multiples of `write_size`. If a received block does not
    /// end at a multiple of `write_size`, the client requests the bytes after the last multiple of `write_size` again.
    /// Only the last block of a file may have a length that is no multiple of `write_size`.
    ///
    /// Default of `write_size`: 1.
    #[doc(alias = "alignment")]
    pub write_size: NonZeroU8,
    /// Maximum size of a file that storage can hold, in bytes. The client skips offers of files above the maximum size.
    ///
    /// Default of `max_file_size`: `u32::MAX`, which means no limit.
    pub max_file_size: u32,
    /// Versions whose offers the client passes on to the application; the client skips offers of all other versions.
    ///
    /// Default of `accepted_versions`: [`Different`](AcceptedVersions::Different). The server decides which version to
    /// install, and may choose an older version (section 6.10.5.2.4).
    pub accepted_versions: AcceptedVersions,
    /// Checks of the file header that the client makes during the download.
    ///
    /// Default of `header_checks`: all checks, so that a wrong file ends the download early.
    pub header_checks: HeaderChecks,
    /// Whether the client accepts a file whose upgrade file destination has the bytes of the device's IEEE address in
    /// reverse order. The image builder of espressif writes the bytes of the destination in reverse order if the
    /// address is given with the most significant byte first.
    ///
    /// Default of `accept_reversed_destination`: false, because the reversed address may be the address of another
    /// device.
    pub accept_reversed_destination: bool,
    /// Stack version of the image that the device runs.
    ///
    /// Default of `stack`: [`ZIGBEE_PRO`](StackVersion::ZIGBEE_PRO).
    pub stack: StackVersion,
    /// Security credential version of the device (section 6.3.2.11).
    ///
    /// Default of `credential`: `None`, which means that the device has no security credentials.
    pub credential: Option<SecurityCredentialVersion>,
    /// Time from the creation of the client to the first query.
    ///
    /// Default of `first_query_delay`: one minute, so that the device can join the network before the first query.
    pub first_query_delay: Millis,
    /// Time between two periodic queries for an image. If `query_interval` is `None`, the client sends no periodic
    /// queries; an Image Notify and a call of [`query`](super::Client::query) still cause a query.
    ///
    /// After the first unanswered query, or the first failed upgrade, the next query follows in five minutes. With each
    /// further consecutive query without an answer, or each further consecutive failed upgrade, the time until the next
    /// query doubles, up to `query_interval`.
    ///
    /// Default of `query_interval`: 24 hours between two periodic queries, as in espressif's client.
    pub query_interval: Option<Millis>,
    /// Number of attempts of one query before the query counts as unanswered.
    ///
    /// Default of `max_query_attempts`: 4, which is the first attempt and three retries, as section 6.12 specifies for
    /// the Upgrade End Request.
    pub max_query_attempts: u8,
    /// Minimum time between two Image Block Requests. If the server has set a MinimumBlockPeriod above
    /// `min_block_period`, the client waits for the MinimumBlockPeriod between two requests.
    ///
    /// Default of `min_block_period`: 0.
    #[doc(alias = "rate limit")]
    #[doc(alias = "throttle")]
    #[doc(alias = "MinimumBlockPeriod")]
    pub min_block_period: Millis,
    /// Timeout of an answer of the server until the client has measured a round trip.
    ///
    /// Default of `initial_timeout`: 3 seconds, because the first answer of a server may need a route discovery and APS
    /// retries, which are 1.6 seconds apart.
    pub initial_timeout: Millis,
    /// Maximum timeout of an answer of the server, which limits the exponential backoff of retries.
    ///
    /// Default of `max_timeout`: 10 seconds.
    pub max_timeout: Millis,
    /// Number of unanswered attempts of one Image Block Request after which the download pauses, and the client queries
    /// whether the server still offers the image. The first Image Block Request after a restart of the client has at
    /// most three attempts.
    ///
    /// Default of `max_block_attempts`: 8. On a link that loses 20 % of the frames in each direction, all of the eight
    /// attempts to fetch a block fail for about one block in 3,500. Eight attempts of a block request take 18 seconds
    /// if the measured round trip is 24 ms, and 69 seconds if no round trip has been measured yet.
    pub max_block_attempts: u8,
    /// Number of consecutive error responses after which the download pauses.
    ///
    /// Default of `max_consecutive_errors`: 10. With the default of `error_backoff`, a server that answers only with
    /// errors causes a pause after ten seconds.
    pub max_consecutive_errors: u8,
    /// Shortest time between two queries of a paused download. The longest time between two queries of a paused
    /// download is 50 seconds in the first ten minutes of the pause, a quarter of an hour in the rest of the first day,
    /// and four hours after the first day. If `pause_interval` is above the longest time, the client waits for
    /// `pause_interval` between two queries. A long `pause_interval` suits a device that sleeps.
    ///
    /// Default of `pause_interval`: 10 seconds.
    #[doc(alias = "sleepy")]
    pub pause_interval: Millis,
    /// Longest time for which a download stays paused while no new byte of the file arrives. When a pause has lasted
    /// for `max_pause`, the upgrade ends, and the storage is free for another image. If `max_pause` is `None`, a
    /// download may stay paused without a limit. With a `max_pause` of zero a download never pauses, because the
    /// upgrade ends instead.
    ///
    /// Default of `max_pause`: 30 days, so that a paused download survives a gateway that is switched off during a
    /// holiday.
    pub max_pause: Option<Millis>,
    /// Longest random delay of the first query, of periodic queries, of hourly Upgrade End Requests and of the first
    /// request of a resumed download. The random delay keeps devices that start at the same time from sending at the
    /// same time. The random delay is also at most ten times `first_query_delay` for the first query, at most a quarter
    /// of `query_interval` for periodic queries, and at most ten seconds for a resumed download. A `query_spread` of
    /// zero disables the random delay.
    ///
    /// Default of `query_spread`: 10 minutes. If 200 devices start at the same time, on average one of the devices
    /// sends its first query every three seconds. If the server does not answer, each device sends its first query four
    /// times, so that 200 devices send 1.3 frames per second.
    #[doc(alias = "jitter")]
    pub query_spread: Millis,
    /// Delay of the next request after an error response, after a failed delivery, or when storage is busy. After each
    /// further failed delivery of a request, the delay before the next attempt doubles.
    ///
    /// Default of `error_backoff`: 1 second.
    pub error_backoff: Millis,
    /// Maximum time that the client waits after a WAIT_FOR_DATA that demands a wait without an end (section 6.8.4). If
    /// `max_wait_for_data` is `None`, the client waits until the server sends a frame.
    ///
    /// Default of `max_wait_for_data`: a wait of one hour, as in the client of Silicon Labs.
    pub max_wait_for_data: Option<Millis>,
    /// Maximum time that the client waits after a WAIT_FOR_DATA that gives a request time, before the client requests
    /// the block again.
    ///
    /// Default of `max_finite_wait`: one day. Without a limit, a wrong or forged request time in a WAIT_FOR_DATA makes
    /// a device wait for up to 136 years.
    pub max_finite_wait: Millis,
    /// Longest countdown to an upgrade during which the client sends no further Upgrade End Request. During a countdown
    /// above `max_unchecked_countdown`, the client repeats the Upgrade End Request every hour. If the server answers a
    /// repeated Upgrade End Request by an upgrade time in the form of a delay, this delay never moves the upgrade to a
    /// later time.
    ///
    /// Default of `max_unchecked_countdown`: one day. Without repeated Upgrade End Requests, a wrong or forged upgrade
    /// time makes a device wait for up to 136 years.
    pub max_unchecked_countdown: Millis,
    /// Largest difference in seconds at which the UTC time of the server and the UTC time of the device count as equal.
    /// If the UTC times of server and device count as equal, the client waits until its own clock reaches the upgrade
    /// time or request time in a response of the server. If the UTC times of server and device differ by more than
    /// `utc_tolerance`, the client waits for the difference between the current time and the upgrade time or request
    /// time in the response.
    ///
    /// Default of `utc_tolerance`: 300 seconds, because the clocks of server and device may differ and frames may be
    /// delayed.
    pub utc_tolerance: u32,
    /// Reaction of the client to a server that does not answer the Upgrade End Request.
    ///
    /// Default of `upgrade_end_fallback`: [`Apply`](UpgradeEndFallback::Apply), as section 6.12 allows.
    pub upgrade_end_fallback: UpgradeEndFallback,
    /// Number of times that the client asks for [`Need::Prepare`](super::Need::Prepare) before a failed preparation of
    /// the storage ends the upgrade. The time between the first two attempts to prepare the storage is `error_backoff`;
    /// the time doubles with each further attempt.
    ///
    /// Default of `max_prepare_attempts`: 3, because flash that is busy for a moment is not defective.
    pub max_prepare_attempts: u8,
    /// Whether the client reports to the server an offer that it skips without asking the application. The report of a
    /// skipped offer is an Upgrade End Request with the status INVALID_IMAGE, sent once for each offered version. The
    /// client sends the server no report of a skipped offer during a download, or while a complete image waits for its
    /// upgrade.
    ///
    /// Default of `report_skipped_offers`: false, because document 095264 (2011) has no report of skipped offers. With
    /// reports of skipped offers, a gateway that started an update learns at once that the device refuses the file, as
    /// with devices of Silicon Labs and Telink.
    pub report_skipped_offers: bool,
    /// File that failed its verification or its boot before the start of the client; `None` if no file failed. The
    /// application knows this file from [`Client::failed_image`](super::Client::failed_image) of the client before the
    /// restart, or from the boot loader.
    ///
    /// Default of `failed_image`: `None`.
    #[doc(alias = "rollback")]
    pub failed_image: Option<FailedImage>,
    /// Side that may start the upgrade: the server and the application, or the application alone.
    ///
    /// Default of `activation_policy`: [`SERVER`](UpgradeActivationPolicy::SERVER).
    pub activation_policy: UpgradeActivationPolicy,
    /// Value of the attribute ClusterRevision. From cluster revision 2 on, the client also has the attributes
    /// UpgradeActivationPolicy and UpgradeTimeoutPolicy. The unit of a MinimumBlockPeriod is the second in cluster
    /// revision 2, and the millisecond in every other revision.
    ///
    /// Default of `cluster_revision`: 1, which is the specification of 2011. [`with_zigbee_3`](Self::with_zigbee_3)
    /// sets cluster revision 3.
    pub cluster_revision: u16,
    /// Whether the client obeys a MinimumBlockPeriod that the server sets, sends the MinimumBlockPeriod in each Image
    /// Block Request, and has the attribute MinimumBlockPeriod.
    ///
    /// Default of `supports_block_period`: false, because servers that follow the specification of 2011 do not know the
    /// field MinimumBlockPeriod of an Image Block Request, and some of these servers answer MALFORMED_COMMAND.
    #[doc(alias = "MinimumBlockPeriod")]
    pub supports_block_period: bool,
    /// Value of the attribute ImageStamp, a number that distinguishes two builds of one version, such as a checksum of
    /// the running image. If `image_stamp` is `None`, the client does not have the attribute ImageStamp.
    ///
    /// Default of `image_stamp`: `None`.
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

/// Sentinel for an unknown IEEE address, which is the default of the attribute UpgradeServerID (section 6.7.1).
pub(super) const NO_ADDRESS: Eui64 = Eui64(u64::MAX);

/// Time between two searches for an unknown server if the configuration has no `discovery_interval`.
pub(super) const DISCOVERY_INTERVAL: Millis = Millis::from_secs(10 * 60);

/// Returns whether the given address has a known network address and a known endpoint.
pub(super) const fn is_known(Address { network, endpoint }: Address) -> bool {
    network != Address::UNKNOWN.network && endpoint != Address::UNKNOWN.endpoint
}
