//! Settings of a server, with defaults and their reasons. Sections refer to ZigBee document 095264 (2011).

use core::num::{NonZeroU8, NonZeroU32};

use super::model_overrides::{DEVICE_OVERRIDES, DeviceOverride};
use crate::time::Millis;
use crate::zcl::Quirks;

/// Settings of a server, which do not change while it runs. Change fields of [`ServerConfig::default`]:
///
/// ```
/// use zigbee_ota::server::ServerConfig;
///
/// let mut config = ServerConfig::default();
/// config.max_downloads = 8;
/// config.max_unfragmented_frame = 82.try_into().ok();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ServerConfig {
    /// Maximum bytes of image data in one Image Block Response.
    ///
    /// Default 255, the most that the command can carry: clients ask for what they can take. Five more limits can make
    /// blocks smaller: the request, a [`DeviceOverride`], the policy
    /// ([`PaceDecision::SendAtMost`](super::PaceDecision::SendAtMost)), failed deliveries
    /// ([`Session::max_block_size`](super::Session::max_block_size)), and `max_unfragmented_frame`.
    pub max_block_size: NonZeroU8,
    /// Maximum bytes of a ZCL frame that the stack sends without fragmentation to a direct neighbour without APS security;
    /// 82 in most networks. Blocks are made to fit, less 9 bytes for APS security and 2 bytes for each relay of a source
    /// route and 2 more (section 6.10.8.3).
    ///
    /// Default `None`: the stack fragments long frames, or its limit is unknown.
    pub max_unfragmented_frame: Option<NonZeroU8>,
    /// Seconds until a client repeats its request after WAIT_FOR_DATA, if a limit below is reached, or if the store has no
    /// data and names no time.
    ///
    /// Default 10: short compared with a download of many minutes, and one frame in 10 seconds is no load.
    pub wait_seconds: u32,
    /// Maximum concurrent downloads; the clients beyond it are answered with WAIT_FOR_DATA. A client that has been served
    /// its last byte, was silent for [`stall_timeout`](Self::stall_timeout), or has no session does not count.
    ///
    /// Default 65,535, no limit: one download takes a small part of the channel.
    pub max_downloads: u16,
    /// Minimum milliseconds between two blocks for one client; 0 for no rate limit.
    ///
    /// A client that announces a MinimumBlockPeriod (later revisions of the specification) is told to use this one. Other
    /// clients are answered with WAIT_FOR_DATA, which counts in seconds: a period below one second is kept on average over
    /// one second.
    ///
    /// Default 0: clients choose their own pace.
    #[doc(alias("MinimumBlockPeriod", "MinimumBlockRequestPeriod", "rate limit", "throttle", "pace"))]
    pub min_block_period: Millis,
    /// Maximum bytes of image data per second for all clients together, after a burst of one second's worth; `None` for no
    /// rate limit.
    ///
    /// Default `None`: the channel limits itself, and clients send one request at a time.
    #[doc(alias("rate limit", "throttle", "bandwidth"))]
    pub max_bytes_per_second: Option<NonZeroU32>,
    /// Maximum concurrent pages; the clients beyond it are answered with WAIT_FOR_DATA. A page needs a session. 0 disables
    /// Image Page Request (section 6.10.7.3).
    ///
    /// Default 65,535, no limit.
    pub max_pages: u16,
    /// Whether the server supports Query Specific File: files for one device (sections 6.10.11 and 6.10.12).
    ///
    /// Default `true`.
    pub query_specific_file: bool,
    /// Milliseconds of silence, after an offer or between two blocks, after which a client counts as stalled. Time that the
    /// client was told to wait is added. Only this timeout and the client's Upgrade End Request end a session.
    ///
    /// Default 5 minutes: sleepy clients may poll once in several minutes.
    pub stall_timeout: Millis,
    /// Milliseconds of silence after the last byte after which a client counts as stalled. It verifies the image before it
    /// sends its Upgrade End Request.
    ///
    /// Default 1 hour: devices in the field take half an hour and more.
    pub verify_timeout: Millis,
    /// Number of downloads of one image by one client after which further queries are put to
    /// [`ServerPolicy::offer_repeated`](super::ServerPolicy::offer_repeated); 0 for no limit. It breaks the loop of a client
    /// that cannot install an image.
    ///
    /// Default 3: two failures can happen by chance.
    pub repeated_download_limit: u8,
    /// Devices in the field that need other limits or timeouts.
    ///
    /// Default [`DEVICE_OVERRIDES`], made of public reports.
    pub device_overrides: &'static [DeviceOverride],
    /// Deviations from the specification that the decoder accepts.
    ///
    /// Default all: each was reported from the field and is harmless to conforming clients.
    pub quirks: Quirks,
    /// Whether a Query Next Image Request, Query Specific File Request or Upgrade End Request that violates a rule of its
    /// `check` is answered with MALFORMED_COMMAND.
    ///
    /// Default `false`: a manufacturer code or image type out of range is looked up as it is, the policy decides about the
    /// version 0xFFFFFFFF, and an unknown status counts as a failed upgrade.
    pub strict: bool,
}

impl Default for ServerConfig {
    /// Lenient settings without limits; each field gives the reason of its default.
    fn default() -> Self {
        Self {
            max_block_size: NonZeroU8::MAX,
            max_unfragmented_frame: None,
            wait_seconds: 10,
            max_downloads: u16::MAX,
            min_block_period: Millis(0),
            max_bytes_per_second: None,
            max_pages: u16::MAX,
            query_specific_file: true,
            stall_timeout: Millis::from_secs(300),
            verify_timeout: Millis::from_secs(3600),
            repeated_download_limit: 3,
            device_overrides: DEVICE_OVERRIDES,
            quirks: Quirks::all(),
            strict: false,
        }
    }
}
