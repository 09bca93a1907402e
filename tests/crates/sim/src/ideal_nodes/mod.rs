//! Ideal client and server without protocol stack or processing errors: the reference that the radio channel is
//! compared with.
//!
//! The goodput of the real client is measured against the goodput of these nodes.

mod client;
mod goodput_oracle;
mod server;

use crate::net::{ApsAcks, Arrival, Faults, Hops, Net, Outgoing, Settings};
use crate::radio::Traffic;
use crate::{EventQueue, Micros};
use client::Client;
pub use goodput_oracle::Oracle;
use server::Server;
use zigbee_ota::aps::TransmitToken;

/// Transfer mode of the ideal client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Block requests with a fixed window; 1 is stop-and-wait.
    Blocks {
        /// Window, at least 1.
        window: u32,
    },
    /// Page requests.
    Pages {
        /// Page size in bytes, at least one block.
        size: u32,
        /// Minimum interval between two responses.
        spacing: Micros,
    },
}

/// Recovery of lost blocks of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// After a timeout the client requests all missing blocks at once.
    Patient,
    /// The arrival of the last block of a page shows which earlier blocks are lost.
    Prompt {
        /// Maximum requests in flight.
        at_once: usize,
    },
    /// The client learns of each lost frame at the moment of the loss, and repeats the request at once; lost blocks of a
    /// page wait for the end of the page. The reference of what a mode can reach on a channel.
    Oracle {
        /// Maximum requests in flight for the lost blocks of a page.
        at_once: usize,
    },
}

impl Recovery {
    const fn at_once(self) -> usize {
        match self {
            Self::Patient => usize::MAX,
            Self::Prompt { at_once } | Self::Oracle { at_once } => at_once,
        }
    }
}

/// Parameters of a download by ideal nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Download {
    /// Transfer mode.
    pub scheme: Scheme,
    /// Hops between server and client.
    pub hops: Hops,
    /// Enables APS acknowledgements, except for blocks of pages.
    pub aps_acks: bool,
    /// Data bytes in a block.
    pub block: u8,
    /// Number of blocks in the file.
    pub blocks: u32,
    /// Processing time of the server for each response.
    pub server_delay: Micros,
    /// Whether the server works on one response at a time.
    pub serial: bool,
    /// Minimum time between two blocks that the server sends; 0 for a server that does not pace.
    pub between: Micros,
    /// Storage time of one block in the client.
    pub store: Micros,
    /// Share of the frames that are lost end to end, 0 to 1.
    pub loss: f64,
    /// Recovery of lost blocks of a page.
    pub recovery: Recovery,
}

impl Download {
    /// Download of one megabyte in blocks of 64 bytes, without processing times and without APS acknowledgements.
    #[must_use]
    pub const fn new(scheme: Scheme, hops: u16) -> Self {
        Self {
            scheme,
            hops: Hops { hops, relay_delay: 0 },
            aps_acks: false,
            block: 64,
            blocks: 3000,
            server_delay: 0,
            serial: false,
            between: 0,
            store: 0,
            loss: 0.0,
            recovery: Recovery::Prompt { at_once: 1 },
        }
    }
}

/// Result of a download.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Goodput in bytes per second, from the first request to the last block stored.
    pub goodput: f64,
    /// Number of retries.
    pub repeats: u32,
    /// Traffic on the channel.
    pub traffic: Traffic,
}

/// Message between the ideal nodes, as long as the ZCL frame it stands for.
#[derive(Clone, Copy, Debug)]
struct Message {
    /// Index of the first block.
    block: u32,
    /// Number of blocks; more than one only in a page request.
    count: u32,
    /// Sequence number of the request, repeated in its response.
    request: u32,
}

impl Message {
    const LEN: usize = 12;

    fn write(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        for (place, value) in bytes.chunks_exact_mut(4).zip([self.block, self.count, self.request]) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Self {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        Self { block: word(0), count: word(4), request: word(8) }
    }
}

/// Scheduled event of a node.
enum Wake {
    /// The server sends a response.
    Answer(Message),
    /// The client has stored a block.
    Stored,
    /// The client checks for overdue responses.
    Overdue,
}

/// Both nodes and the network between them.
struct IdealNetwork {
    download: Download,
    net: Net,
    queue: EventQueue<Wake>,
}

impl IdealNetwork {
    fn send(&mut self, now: Micros, from: u16, message: Message) {
        let page = matches!(self.download.scheme, Scheme::Pages { .. });
        let (to, len, ack) = match from {
            0 => (1, 17 + usize::from(self.download.block), !page),
            _ if message.count > 1 => (0, 21, true),
            _ => (0, 17, true),
        };
        let mut bytes = [0; 17 + u8::MAX as usize];
        bytes[..Message::LEN].copy_from_slice(&message.write());
        self.net.send(
            now,
            Outgoing { from, to, bytes: &bytes[..len], ack, secured: false, token: TransmitToken::NONE },
        );
    }
}

/// Simulates a whole download on the channel of `download`.
///
/// # Panics
/// If the download does not end.
#[must_use]
pub fn run(download: Download, seed: u64) -> Measured {
    let settings = Settings {
        radio: Some(download.hops),
        faults: Faults::losing(download.loss),
        aps_acks: if download.aps_acks { ApsAcks::AsAsked } else { ApsAcks::Off },
        ..Settings::default()
    };
    run_on(settings, download, seed).expect("few frames are lost")
}

/// Simulates a whole download over a network, instead of the one that `download` names. Returns `None` if more than 20
/// requests for a block get no answer, on average.
fn run_on(settings: Settings, download: Download, seed: u64) -> Option<Measured> {
    let mut network =
        IdealNetwork { download, net: Net::new(settings, 1, seed), queue: EventQueue::default() };
    let (mut client, mut server) = (Client::new(download), Server::default());
    client.ask(0, &mut network);
    while client.left() > 0 {
        let moments = [network.net.next(), network.queue.next()];
        let now = moments.into_iter().flatten().min().expect("somebody waits for something");
        while let Some((_, wake)) = network.queue.take(now) {
            match wake {
                Wake::Answer(message) => network.send(now, 0, message),
                Wake::Stored => client.stored(now, &mut network),
                Wake::Overdue => client.overdue(now, &mut network),
            }
        }
        while let Some(arrival) = network.net.poll(now) {
            let Arrival::Frame { to, bytes, .. } = arrival else { continue };
            let message = Message::read(&bytes);
            if to == 0 {
                server.serve(now, message, &mut network)
            } else {
                client.take(now, message, &mut network)
            }
        }
        while let Some(lost) = network.net.poll_lost() {
            if matches!(download.recovery, Recovery::Oracle { .. }) {
                client.lost(now, Message::read(&lost.bytes), &mut network);
            }
        }
        client.finished = now;
        if client.repeats > download.blocks.saturating_mul(20).saturating_add(1000) {
            return None;
        }
    }
    let bytes = f64::from(download.blocks) * f64::from(download.block);
    Some(Measured {
        goodput: bytes * 1e6 / client.finished as f64,
        repeats: client.repeats,
        traffic: network.net.traffic(),
    })
}

/// Returns the mean goodput over seeds 0 to `seeds`.
#[must_use]
pub fn mean(download: Download, seeds: u64) -> f64 {
    (0..seeds).map(|seed| run(download, seed).goodput).sum::<f64>() / seeds as f64
}
