//! Settings of a server, with defaults and their reasons. Sections refer to ZigBee document 095264 (2011).

use core::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use super::device_overrides::{DEVICE_OVERRIDES, DeviceOverride};
use crate::time::Millis;
use crate::zcl::Quirks;

/// Settings of a server. The settings of a running server cannot be changed. A caller changes fields of the default
/// settings, [`ServerConfig::default`]:
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
    /// Maximum number of bytes of image data in one Image Block Response.
    ///
    /// The default is 255 bytes, the most data that an Image Block Response can carry. The requests of clients already
    /// limit the size of a block, so a lower default is not needed.
    ///
    /// Five other limits can make blocks smaller than `max_block_size`: the limit in the request, of a
    /// [`DeviceOverride`], of the policy ([`PaceDecision::SendAtMost`](super::PaceDecision::SendAtMost)), of a path on
    /// which longer blocks fail ([`Session::max_block_size`](super::Session::max_block_size)), and
    /// `max_unfragmented_frame`.
    pub max_block_size: NonZeroU8,
    /// Maximum length in bytes of a ZCL frame that the stack sends to a direct neighbour unfragmented and without APS
    /// security; 82 in most networks. The server sends no Image Block Response that is longer than the maximum length
    /// of an unfragmented frame (section 6.10.8.3). APS security reduces the maximum length of an unfragmented frame by
    /// 9 bytes. A source route reduces the maximum length of an unfragmented frame by 2 bytes, and by 2 more bytes for
    /// each relay of the route.
    ///
    /// The default `None` means that the stack fragments long frames, or that the caller does not know the maximum
    /// length of an unfragmented frame.
    pub max_unfragmented_frame: Option<NonZeroU8>,
    /// Seconds until a client repeats its request after WAIT_FOR_DATA. The server demands a wait of `wait_seconds` if
    /// the number of downloads or of pages has reached its limit, or if the store has no data and gives no waiting
    /// time.
    ///
    /// The default waiting time is 10 seconds, which is short compared with a download of many minutes; one request of
    /// a client in ten seconds is a negligible load.
    pub wait_seconds: u32,
    /// Maximum number of clients that download at the same time. While the maximum number of clients download, the
    /// server answers the block requests of any other client with WAIT_FOR_DATA. A node of the network counts as one
    /// client, however many images the node downloads at the same time. A client does not count as downloading if the
    /// server has sent it the last byte of the file, if the client was silent for
    /// [`stall_timeout`](Self::stall_timeout), or if the client has no session.
    ///
    /// The default is 65,535 clients, which means no limit: one download takes only a small part of the capacity of the
    /// radio channel.
    pub max_downloads: u16,
    /// Number of clients: if at least this number download or wait for data, blocks become background traffic; with
    /// `None`, blocks never become background traffic. Between two background blocks, to the same client or to two
    /// clients, the server leaves a pause of twelve times the delivery time of a block. Between two blocks of pages,
    /// the server leaves a pause of four times the delivery time of a block. With the pauses between background blocks,
    /// lamps still respond to their switches while many devices upgrade.
    ///
    /// The server measures the delivery time from the transmission of a block to its delivery report
    /// ([`Server::handle_delivery`](super::Server::handle_delivery)), or to the next request of the client. If a
    /// requested block is not due yet, [`Server::handle_frame`](super::Server::handle_frame) returns
    /// [`ServerAction::Done`](super::ServerAction::Done), and [`Server::poll_transmit`](super::Server::poll_transmit)
    /// returns the block later. While too many blocks wait for their transmission, the server answers new block
    /// requests with WAIT_FOR_DATA. The waiting times in the answers WAIT_FOR_DATA make the clients repeat their
    /// requests one by one, five seconds apart. Until the first call of `poll_transmit`, the server holds back no
    /// answer, because a caller that never calls `poll_transmit` would never send a held answer.
    ///
    /// By default, blocks become background traffic from 3 clients on: one or two downloads are soon over, so the
    /// server sends their blocks without pauses. In a simulation of 100 clients over three hops, nine concurrent
    /// downloads without pauses between the blocks already prevent one command in twenty from reaching its lamp.
    /// Sending all blocks without pauses (`None`) suits a gateway whose clients share no radio channel, and an operator
    /// to whom a fast upgrade matters more than a fast reaction of lamps to their switches.
    #[doc(alias("congestion", "polite", "fleet", "latency"))]
    pub background_from: Option<NonZeroU16>,
    /// Minimum time between two blocks for one client, in milliseconds; 0 means no rate limit.
    ///
    /// If the requests of a client contain a MinimumBlockPeriod, a field of later revisions of the specification, the
    /// server sends `min_block_period` to the client as its new MinimumBlockPeriod. If the requests of a client contain
    /// no MinimumBlockPeriod, the server keeps the minimum time between two blocks by WAIT_FOR_DATA, whose waiting time
    /// counts in whole seconds. If `min_block_period` is below one second, a block to a client without a
    /// MinimumBlockPeriod may be almost one second early, and the time between two blocks is `min_block_period` only on
    /// average.
    ///
    /// The default is 0: clients choose the rate of their requests.
    #[doc(alias("MinimumBlockPeriod", "MinimumBlockRequestPeriod", "rate limit", "throttle", "pace"))]
    pub min_block_period: Millis,
    /// Maximum number of bytes per second that the radio of the server sends as blocks, for all clients together;
    /// `None` means no rate limit. The server may send as many bytes in one burst as the rate limit allows in one
    /// second.
    ///
    /// For each block, the rate limit counts the data, the 17 bytes of the frame before the data, and the bytes that
    /// the layers below ZCL add. The layers below ZCL add 51 bytes to a block of up to 65 bytes of data, so a block of
    /// 64 bytes of data counts as 132 bytes. The stack sends a longer block in several fragments, and the layers below
    /// ZCL add 53 bytes to each fragment. If the server sends a file in short blocks, the file takes more bytes on the
    /// air, and more channel time, than in long blocks. The radio channel carries about 18,000 bytes per second over
    /// one hop, and about 6,000 over three hops, including the bytes of the layers below ZCL.
    ///
    /// By default (`None`), the radio channel limits the rate of the blocks by itself, and most clients send one
    /// request at a time.
    #[doc(alias("rate limit", "throttle", "bandwidth"))]
    pub max_bytes_per_second: Option<NonZeroU32>,
    /// Maximum number of pages that the server sends concurrently, for all clients together. While the server sends the
    /// maximum number of pages, it answers new Image Page Requests with WAIT_FOR_DATA. A page needs a session, so a
    /// server without session slots supports no pages. The value 0 disables Image Page Request (section 6.10.7.3).
    ///
    /// The default is 65,535 pages, which means no limit.
    pub max_pages: u16,
    /// Whether the server supports Query Specific File, the command for device-specific files (sections 6.10.11 and
    /// 6.10.12).
    ///
    /// By default the server supports Query Specific File.
    pub query_specific_file: bool,
    /// Timeout in milliseconds: a client that is silent for `stall_timeout` after an offer or between two blocks counts
    /// as stalled. A waiting time that the server demanded from the client extends the stall timeout. A client that
    /// ends its download with an Upgrade End Request does not count as stalled.
    ///
    /// The default stall timeout is 5 minutes, because a sleepy client may poll its parent only once in several
    /// minutes.
    pub stall_timeout: Millis,
    /// Timeout in milliseconds: a client that is silent for `verify_timeout` after the last byte of a file counts as
    /// stalled. The client verifies the image before it sends its Upgrade End Request.
    ///
    /// The default verify timeout is 1 hour, because devices in the field verify an image for half an hour and more.
    pub verify_timeout: Millis,
    /// Number of downloads of one image by one client after which
    /// [`ServerPolicy::offer_repeated`](super::ServerPolicy::offer_repeated) decides about later queries of the client;
    /// 0 means no limit. The limit on repeated downloads stops a client that cannot install an image, and would
    /// otherwise download the image again and again.
    ///
    /// The server counts a download if it sent blocks of the image, and afterwards the client found the image invalid
    /// or the server ordered the upgrade. The server does not count a download yet while the client waits for the
    /// upgrade time, and in the first minute after the upgrade time. The count of downloads decreases by one per day.
    /// The count of downloads returns to 0 when the client reports a new running version in a query, when the server
    /// offers the client another image, and by [`Server::reset_repeats`](super::Server::reset_repeats),
    /// [`Server::cancel`](super::Server::cancel) and [`Server::forget`](super::Server::forget).
    ///
    /// The default is 3 downloads, because two downloads can fail by chance.
    pub repeated_download_limit: u8,
    /// Hash seed that makes the positions of clients in the session table unpredictable. A caller with a source of
    /// random numbers sets a new seed at each start, so that no node can choose network addresses that slow down the
    /// server.
    ///
    /// The default seed is 0.
    pub hash_seed: u32,
    /// Table with a row for each kind of device in the field that needs special limits, timeouts or commands.
    ///
    /// The default is [`DEVICE_OVERRIDES`], a table from public reports.
    pub device_overrides: &'static [DeviceOverride],
    /// Deviations from the specification (quirks) that the decoder accepts.
    ///
    /// The default is all quirks, because each quirk was reported from the field and is harmless to conforming clients.
    pub quirks: Quirks,
    /// Whether the server answers MALFORMED_COMMAND to requests that violate the specification. The field `strict`
    /// applies to Query Next Image Request, Query Specific File Request and Upgrade End Request. The method `check` of
    /// each request type decides whether a request violates the specification.
    ///
    /// The default is `false`: the server does not refuse a manufacturer code or image type out of range, and looks it
    /// up in the store like any other value. The policy decides about requests with the version 0xFFFFFFFF. By default
    /// an Upgrade End Request with an unknown status counts as a failed upgrade.
    pub strict: bool,
}

impl Default for ServerConfig {
    /// Returns the default settings, which accept all quirks, and set no rate limit and no limit on the number of
    /// concurrent downloads and pages. The documentation of each field of [`ServerConfig`] gives the reason of its
    /// default.
    fn default() -> Self {
        Self {
            max_block_size: NonZeroU8::MAX,
            max_unfragmented_frame: None,
            wait_seconds: 10,
            max_downloads: u16::MAX,
            background_from: NonZeroU16::new(3),
            min_block_period: Millis(0),
            max_bytes_per_second: None,
            max_pages: u16::MAX,
            query_specific_file: true,
            stall_timeout: Millis::from_secs(300),
            verify_timeout: Millis::from_secs(3600),
            repeated_download_limit: 3,
            hash_seed: 0,
            device_overrides: DEVICE_OVERRIDES,
            quirks: Quirks::all(),
            strict: false,
        }
    }
}
