//! Results of a simulation.

use zigbee_ota::ImageId;
use zigbee_ota::client::Outcome;
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::Status;

use crate::radio::{Node, Traffic};
use crate::{FlashError, Micros};

/// Results of a simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Seed that reproduces the run.
    pub seed: u64,
    /// Results of the clients, in order of their node numbers.
    pub clients: Vec<ClientReport>,
    /// Frames sent by the server.
    pub server: FromServer,
    /// Traffic on the radio channel.
    pub traffic: Traffic,
    /// Number of application frames that reached their receiver before faults were applied.
    pub carried: u64,
    /// Latencies of the light switches' commands, in the order in which they were sent; `None` for a command that never
    /// arrived.
    pub latencies: Vec<Option<Micros>>,
    /// Time at which the last client ended.
    pub ended: Micros,
    /// Violated rules, with the client concerned.
    pub violations: Vec<(Node, Violation)>,
}

/// Result of one client.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClientReport {
    /// Reason of the end.
    pub end: Option<End>,
    /// Time of the end.
    pub ended: Micros,
    /// Whether the flash holds the file of the running image, byte for byte.
    pub identical: bool,
    /// Frames sent.
    pub sent: FromClient,
    /// Number of blocks stored.
    pub blocks: u32,
    /// Number of bytes stored.
    pub bytes: u64,
    /// Time of the first block request.
    pub first_request: Option<Micros>,
    /// Time at which the last block was stored.
    pub last_stored: Micros,
    /// Time for which the radio was on, from the first block request to the last block stored. The radio of a device that
    /// is not sleepy is always on. 0 for a sleepy device without a radio channel.
    pub radio_on: Micros,
    /// Number of power failures.
    pub cuts: u32,
    /// Number of inputs: frames, timer calls and answers of the application.
    pub inputs: u32,
}

impl ClientReport {
    /// Returns the goodput in bytes per second, from the first block request to the last block stored.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        let span = self.first_request.map_or(0, |first| self.last_stored.saturating_sub(first));
        if span == 0 { 0.0 } else { self.bytes as f64 * 1e6 / span as f64 }
    }

    /// Returns the time in microseconds for which the radio was on for each 1000 bytes stored.
    #[must_use]
    pub fn radio_on_per_kilobyte(&self) -> f64 {
        if self.bytes == 0 { 0.0 } else { self.radio_on as f64 * 1000.0 / self.bytes as f64 }
    }

    /// Whether the client runs the new image and holds exactly its file.
    #[must_use]
    pub fn is_upgraded(&self) -> bool {
        self.identical && matches!(self.end, Some(End::Client(Outcome::Upgraded(_))))
    }
}

/// Reason for which a client has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Outcome reported by the client.
    Client(Outcome),
    /// Ten successive queries without an image; the status of the last response, if there was one.
    NoImage(Option<Status>),
    /// The server announced an activation time too far in the future, on purpose or through a damaged frame.
    OrderedFor(Instant),
    /// No progress for too long, which violates a rule.
    Stalled,
}

/// Number of frames sent by a client, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FromClient {
    /// Query Next Image Requests.
    pub queries: u32,
    /// Image Block Requests.
    pub block_requests: u32,
    /// Image Page Requests.
    pub page_requests: u32,
    /// Upgrade End Requests.
    pub ends: u32,
    /// Other frames.
    pub others: u32,
    /// Frames that the client counts as retries.
    pub repeats: u32,
}

impl FromClient {
    /// Counts a frame of a client that has no statistics of its own.
    pub(super) fn count(&mut self, frame: &[u8]) {
        match frame {
            [1, _, 1, ..] => self.queries += 1,
            [1, _, 3, ..] => self.block_requests += 1,
            [1, _, 4, ..] => self.page_requests += 1,
            [1, _, 6, ..] => self.ends += 1,
            _ => self.others += 1,
        }
    }

    /// Total number of frames.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.queries + self.block_requests + self.page_requests + self.ends + self.others
    }
}

/// Number of frames sent by the server, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FromServer {
    /// Image Block Responses with data.
    pub blocks: u64,
    /// Image Block Responses without data.
    pub refusals: u64,
    /// Other frames.
    pub others: u64,
}

impl FromServer {
    /// Counts a frame.
    pub(super) fn count(&mut self, frame: &[u8]) {
        match frame.get(2..4) {
            Some([5, 0]) => self.blocks += 1,
            Some([5, _]) => self.refusals += 1,
            _ => self.others += 1,
        }
    }

    /// Total number of frames.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.blocks + self.refusals + self.others
    }
}

/// Violated rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Violation {
    /// The client runs an image whose file it does not hold, or that was never offered.
    WrongFile(ImageId),
    /// The client runs an image that its application rejected.
    Unverified(ImageId),
    /// Write of a word twice, in part, or beyond the end of the flash.
    Flash(FlashError),
    /// Request beyond the end of the image.
    BeyondImage {
        /// Offset of the first byte requested.
        offset: u32,
        /// Page size in bytes, 0 for a block request.
        page: u16,
        /// Size of the image in bytes.
        size: u32,
    },
    /// Request before the end of the minimum interval.
    TooFast {
        /// Milliseconds since the last request.
        after: u32,
        /// Minimum interval in milliseconds.
        period: u32,
    },
    /// No progress for too long.
    Stalled,
    /// Endless calls at one moment, or endless frames.
    Restless,
    /// The client sent a frame that does not decode.
    Malformed,
}

impl Report {
    /// Whether every client runs the new image and holds exactly its file.
    #[must_use]
    pub fn all_upgraded(&self) -> bool {
        self.clients.iter().all(ClientReport::is_upgraded)
    }
}
