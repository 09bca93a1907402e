//! What a run was like.

use zigbee_ota::ImageId;
use zigbee_ota::client::Outcome;
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::Status;

use crate::radio::{Node, Traffic};
use crate::{FlashError, Micros};

/// What a run was like.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The seed that leads to the same run.
    pub seed: u64,
    /// What became of each client, the first one first.
    pub lives: Vec<Life>,
    /// What the server sent.
    pub server: FromServer,
    /// What went over the radio channel.
    pub traffic: Traffic,
    /// Frames of client or server that came to their receiver, before hazards struck.
    pub carried: u64,
    /// When the last client came to its end.
    pub ended: Micros,
    /// Laws that were broken, with the client concerned.
    pub broken: Vec<(Node, Broken)>,
}

/// What became of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Life {
    /// How it ended.
    pub end: Option<End>,
    /// When.
    pub ended: Micros,
    /// Whether its flash holds the file of the image that it switched to, byte for byte.
    pub identical: bool,
    /// What it sent.
    pub sent: FromClient,
    /// Blocks stored.
    pub blocks: u32,
    /// Bytes stored.
    pub bytes: u64,
    /// When the first block was asked for.
    pub first_request: Option<Micros>,
    /// When the last block was stored.
    pub last_stored: Micros,
    /// Failures of the power.
    pub cuts: u32,
    /// Frames, moments and answers that it was given.
    pub inputs: u32,
}

impl Life {
    /// Bytes stored per second, from the first block request to the last block.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        let span = self.first_request.map_or(0, |first| self.last_stored.saturating_sub(first));
        if span == 0 { 0.0 } else { self.bytes as f64 * 1e6 / span as f64 }
    }

    /// Whether it runs the new image and holds exactly its file.
    #[must_use]
    pub fn is_upgraded(&self) -> bool {
        self.identical && matches!(self.end, Some(End::Client(Outcome::Upgraded(_))))
    }
}

/// Why a client's part in a world is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As the client says.
    Client(Outcome),
    /// Ten queries in a row came to nothing; the last answer, where there was one.
    NoImage(Option<Status>),
    /// The server told it to go on then, and nobody waits for so long. That is what it wants, or a frame was damaged.
    OrderedFor(Instant),
    /// It did nothing new for too long. A law is broken.
    Stalled,
}

/// Frames of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FromClient {
    /// Queries.
    pub queries: u32,
    /// Block requests.
    pub block_requests: u32,
    /// Page requests.
    pub page_requests: u32,
    /// Upgrade End Requests.
    pub ends: u32,
    /// Anything else.
    pub others: u32,
    /// Those of them that the client says were sent again.
    pub repeats: u32,
}

impl FromClient {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.queries + self.block_requests + self.page_requests + self.ends + self.others
    }
}

/// Frames of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FromServer {
    /// Image Block Responses with data.
    pub blocks: u64,
    /// Those without.
    pub refusals: u64,
    /// Anything else.
    pub others: u64,
}

impl FromServer {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.blocks + self.refusals + self.others
    }
}

/// A law that was broken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Broken {
    /// It runs an image whose file it does not hold, or that nobody offered.
    WrongFile(ImageId),
    /// It runs an image that its application found to be wrong.
    Unverified(ImageId),
    /// A word was written twice, or in part, or beyond the end.
    Flash(FlashError),
    /// It asked for bytes beyond the image.
    BeyondImage {
        /// First byte asked for.
        offset: u32,
        /// Bytes of a page, 0 for a block.
        page: u16,
        /// Bytes of the image.
        size: u32,
    },
    /// It sent a request before the period was over.
    TooFast {
        /// Milliseconds since the last one.
        after: u32,
        /// Milliseconds asked for.
        period: u32,
    },
    /// It did nothing new for too long.
    Stalled,
    /// It wants to be called at one moment for ever, or sends for ever.
    Restless,
    /// It sent a frame that it could not read itself.
    Malformed,
}

impl Report {
    /// Whether every client runs the new image and holds exactly its file.
    #[must_use]
    pub fn all_upgraded(&self) -> bool {
        self.lives.iter().all(Life::is_upgraded)
    }
}
