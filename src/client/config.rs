//! What the caller decides once: who the device is and how patient it shall be.

use core::num::NonZeroU8;

use crate::link::Address;
use crate::time::Millis;
use crate::types::{Eui64, HardwareVersion, ImageId};

/// Who the device is and what it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The image it runs now.
    pub current: ImageId,
    /// Its hardware; told to the server and checked against a file's range (section 6.3.2.13).
    pub hardware: Option<HardwareVersion>,
    /// Its own address; a file made for one device is taken by that device alone (section 6.3.2.12).
    pub node: Option<Eui64>,
}

/// What the client does when nobody answers its Upgrade End Request (section 6.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// Upgrades without an order, as the specification allows.
    Apply,
    /// Goes on asking, every hour.
    KeepWaiting,
}

/// Settings of a [`Client`](super::Client).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Who the device is.
    pub identity: Identity,
    /// Where the server's cluster stands.
    pub server: Address,
    /// The most bytes of data to take in one response.
    pub max_data: NonZeroU8,
    /// The largest file the device can store, in bytes.
    pub max_size: u32,
    /// Time from the start to the first query.
    pub first_query: Millis,
    /// Time between two queries; without it the device asks only when it is told to.
    pub query_interval: Option<Millis>,
    /// Sends of one query before it counts as unanswered.
    pub query_attempts: u8,
    /// The least time between two block requests.
    pub block_pause: Millis,
    /// How long to wait for an answer before the link is known.
    pub first_timeout: Millis,
    /// How long to wait for an answer at the most.
    pub max_timeout: Millis,
    /// Sends of one block request in a row without an answer, before the download is given up.
    pub block_attempts: u8,
    /// Answers in a row that are errors, before the download is given up.
    pub error_limit: u8,
    /// Pause after an answer that is an error, or when storage is busy.
    pub error_pause: Millis,
    /// How long to wait when WAIT_FOR_DATA names no end (section 6.8.4); `None` waits until the server says more.
    pub max_wait: Option<Millis>,
    /// How old, in seconds, a time of the server's may be against the own clock to still mean now.
    pub utc_tolerance: u32,
    /// Take an offer of the version that runs already.
    pub reinstall: bool,
    /// What to do when nobody answers at the end.
    pub unanswered: Unanswered,
}

impl Config {
    /// The defaults: 64 bytes a block, first query after a minute, then one a day, ten errors in a row, thirty
    /// unanswered block requests in a row (about five minutes).
    #[must_use]
    pub const fn new(identity: Identity, server: Address) -> Self {
        Self {
            identity,
            server,
            max_data: NonZeroU8::MIN.saturating_add(63),
            max_size: u32::MAX,
            first_query: Millis::secs(60),
            query_interval: Some(Millis::secs(24 * 60 * 60)),
            query_attempts: 4,
            block_pause: Millis(0),
            first_timeout: Millis::secs(3),
            max_timeout: Millis::secs(10),
            block_attempts: 30,
            error_limit: 10,
            error_pause: Millis::secs(1),
            max_wait: Some(Millis::secs(60 * 60)),
            utc_tolerance: 300,
            reinstall: false,
            unanswered: Unanswered::Apply,
        }
    }
}
