//! Nodes without a stack, a heap or a mistake, to hold the channel against the model's figures: a client that knows how
//! many blocks there are and how long things take, and a server that answers.
//!
//! What a real client reaches is measured against what these do.

mod client;
mod server;

use crate::net::{ApsAcks, Arrival, Hazards, Hops, Net, Outgoing, Settings};
use crate::radio::Traffic;
use crate::{Agenda, Micros};
use client::Client;
use server::Server;
use zigbee_ota::aps::TransmitToken;

/// How blocks are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// So many block requests at a time; 1 is stop and wait.
    Blocks {
        /// 1 or more.
        window: u32,
    },
    /// Pages of so many bytes.
    Pages {
        /// Bytes, a block or more.
        size: u32,
        /// The least time between two responses.
        spacing: Micros,
    },
}

/// What a client does about blocks of a page that are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// It waits until nothing has come for a while, and asks for all of them at once.
    Patient,
    /// The last block of the page tells it that those before it are lost.
    Prompt {
        /// Requests for them at a time.
        at_once: usize,
    },
}

impl Recovery {
    const fn at_once(self) -> usize {
        match self {
            Self::Patient => usize::MAX,
            Self::Prompt { at_once } => at_once,
        }
    }
}

/// A download by ideal nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Download {
    /// How blocks are asked for.
    pub scheme: Scheme,
    /// Between server and client.
    pub hops: Hops,
    /// With APS acknowledgements, but for blocks of pages.
    pub aps_acks: bool,
    /// Bytes of data in a block.
    pub block: u8,
    /// How many there are.
    pub blocks: u32,
    /// What the server takes for an answer.
    pub server_delay: Micros,
    /// Whether it works on one answer at a time.
    pub serial: bool,
    /// What the client takes to store a block.
    pub store: Micros,
    /// Share of the frames that are lost, end to end.
    pub loss: f64,
    /// What the client does about blocks of a page that are lost.
    pub recovery: Recovery,
}

impl Download {
    /// A megabyte in blocks of 64 bytes by nodes that take no time, without APS acknowledgements.
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
            store: 0,
            loss: 0.0,
            recovery: Recovery::Prompt { at_once: 1 },
        }
    }
}

/// What a download was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Bytes per second, from the first request to the last block stored.
    pub goodput: f64,
    /// Requests sent again.
    pub repeats: u32,
    /// What went over the channel.
    pub traffic: Traffic,
}

/// What the nodes say to each other. In a ZCL frame it would be as long.
#[derive(Clone, Copy, Debug)]
struct Message {
    /// The first block.
    block: u32,
    /// How many; more than one in a page request alone.
    count: u32,
    /// Which request it is, or answers.
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

/// What a node does next.
enum Wake {
    /// The server lets an answer go.
    Answer(Message),
    /// The client has stored a block.
    Stored,
    /// The client looks whether something is overdue.
    Overdue,
}

/// The two nodes and what is between them.
struct World {
    download: Download,
    net: Net,
    agenda: Agenda<Wake>,
}

impl World {
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

/// Runs a download to its end.
///
/// # Panics
/// It does not end.
#[must_use]
pub fn run(download: Download, seed: u64) -> Measured {
    let settings = Settings {
        radio: Some(download.hops),
        hazards: Hazards::losing(download.loss),
        aps_acks: if download.aps_acks { ApsAcks::AsAsked } else { ApsAcks::Off },
        ..Settings::default()
    };
    let mut world = World { download, net: Net::new(settings, 1, seed), agenda: Agenda::default() };
    let (mut client, mut server) = (Client::new(download), Server::default());
    client.ask(0, &mut world);
    while client.left() > 0 {
        let moments = [world.net.next(), world.agenda.next()];
        let now = moments.into_iter().flatten().min().expect("somebody waits for something");
        while let Some((_, wake)) = world.agenda.take(now) {
            match wake {
                Wake::Answer(message) => world.send(now, 0, message),
                Wake::Stored => client.stored(now, &mut world),
                Wake::Overdue => client.overdue(now, &mut world),
            }
        }
        while let Some(arrival) = world.net.poll(now) {
            let Arrival::Frame { to, bytes, .. } = arrival else { continue };
            let message = Message::read(&bytes);
            if to == 0 {
                server.serve(now, message, &mut world)
            } else {
                client.take(now, message, &mut world)
            }
        }
        client.finished = now;
    }
    let bytes = f64::from(download.blocks) * f64::from(download.block);
    Measured {
        goodput: bytes * 1e6 / client.finished as f64,
        repeats: client.repeats,
        traffic: world.net.traffic(),
    }
}

/// The mean over so many seeds.
#[must_use]
pub fn mean(download: Download, seeds: u64) -> f64 {
    (0..seeds).map(|seed| run(download, seed).goodput).sum::<f64>() / seeds as f64
}
