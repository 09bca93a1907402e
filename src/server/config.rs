//! What does not change while a server runs.

use core::num::{NonZeroU8, NonZeroU32};

use super::device_overrides::{DEVICE_OVERRIDES, DeviceOverride};
use crate::time::Millis;
use crate::zcl::Quirks;

/// What does not change while a server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The most bytes of data in one block; TODO.
    pub max_block_size: NonZeroU8,
    /// Bytes of a ZCL frame that travel in one piece to a client next door, without APS security: 82 in most
    /// networks. Blocks are made to fit, with what APS security and the relays of a source route take
    /// (section 6.10.8.3). `None` where the stack fragments, or does not tell.
    pub max_unfragmented_frame: Option<NonZeroU8>,
    /// Seconds after which a client shall ask again when the store had no byte for it and named no time, and when
    /// one of the limits below is reached.
    pub wait_seconds: u32,
    /// The most downloads at a time; whoever comes later is told to wait. One that has got its last byte, or was
    /// silent for [`stall`](Self::stall_timeout), does not count; nor does one that was given no slot.
    pub max_downloads: u16,
    /// The least time between two blocks for one client; zero for none. A client that tells its MinimumBlockPeriod
    /// is given this one (later revisions), the others are told to wait, in seconds: a period below one is kept on the
    /// average of a second.
    pub min_block_period: Millis,
    /// Bytes of data per second for all clients together, with a second's worth in advance.
    pub max_bytes_per_second: Option<NonZeroU32>,
    /// Pages at a time; 0 is a server without Image Page Request (section 6.10.7.3). Whoever comes later is told to
    /// wait. A page needs a slot.
    pub max_pages: u16,
    /// Serve files for one device (sections 6.10.11 and 6.10.12).
    pub query_specific_file: bool,
    /// A client that is silent for so long after an offer or between two blocks has stalled. Nothing else ends a
    /// session that the client does not end.
    pub stall_timeout: Millis,
    /// The same for a client that has got the last byte: it checks the image, for half an hour and more, before it
    /// says so.
    pub verify_timeout: Millis,
    /// So many times a client may take the same image and ask again as if it had not, before
    /// [`ServerPolicy::offer_repeated`](super::ServerPolicy::offer_repeated) is asked. 0 is never.
    pub repeated_download_limit: u8,
    /// Devices that need to be treated otherwise.
    pub device_overrides: &'static [DeviceOverride],
    /// Leniencies of the reader.
    pub quirks: Quirks,
    /// Answer queries and Upgrade End Requests that break a rule of their `check` by MALFORMED_COMMAND. Otherwise
    /// a manufacturer code or image type out of range is looked up as it stands, an unknown version is for the
    /// [`ServerPolicy`](super::ServerPolicy), and an unknown status means failed.
    pub strict: bool,
}

impl Default for ServerConfig {
    /// Everything served, as fast and in blocks as large as clients ask for, but for the [`DEVICE_OVERRIDES`] that bear less;
    /// 10 seconds to wait, 5 minutes of silence, an hour to check the image, three repetitions; lenient in all.
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
