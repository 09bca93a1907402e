//! One server and a thousand clients, some of them misbehaving, on virtual time.
//!
//! ```text
//! honest        query, blocks one by one (with 5 % of the answers lost), Upgrade End Request; waits when it is told to
//! misbehaving   random bytes, truncated and wrong requests, other images, bytes beyond the end
//! flooding      block and page requests without a pause, of one byte, from any place
//! moving        honest, but leaves in the middle and comes back under another address, which others may have had
//! ```
//!
//! The clients are scripts, not the library's client: many devices in the field are simpler. Each millisecond of the
//! simulation, the host of the server handles at most [`FRAMES_PER_TURN`] frames, in the order in which they came, from one
//! queue for each client.

use std::collections::{BTreeMap, VecDeque};

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::file::SplitFile;
use zigbee_ota::server::{
    Server, ServerAction, ServerConfig, Session, SliceStore, StandardPolicy, StoreEntry,
};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::LONGEST_TO_CLIENT;

use crate::sample_files::file_of;

/// Number of frames that the host handles in a millisecond.
const FRAMES_PER_TURN: usize = 32;

/// Number of frames of one client that wait in the host; further ones are lost.
const WAITING: usize = 4;

/// Time after which a client repeats an unanswered request, in milliseconds.
const TIMEOUT: u64 = 2_000;

/// Probability that an answer is lost on its way to an honest client.
const LOSS: f64 = 0.05;

/// Behaviour of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Client that downloads by the specification.
    Honest,
    /// Client that sends invalid frames of all kinds.
    Misbehaving,
    /// Sends requests without a pause.
    Flooding,
    /// Downloads, leaves the network, and comes back under another address.
    Moving,
}

/// Simulation of a server with many clients of different behaviour.
#[derive(Clone, Debug)]
pub struct BusyServer {
    /// Seed of all random decisions.
    pub seed: u64,
    /// Number of clients. Every tenth misbehaves, every tenth floods, every tenth moves; the others are honest.
    pub clients: u16,
    /// Size of the file in bytes.
    pub bytes: usize,
    /// Number of sessions of the server.
    pub slots: usize,
    /// Configuration of the server.
    pub config: ServerConfig,
    /// Maximum duration of the simulation in milliseconds.
    pub longest: u64,
}

/// Result of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Behaviour of the client.
    pub behaviour: Behaviour,
    /// `true` if the client downloaded exactly the file, and the server ordered the upgrade.
    pub upgraded: bool,
    /// Time in milliseconds at which the client ended or the simulation did.
    pub ended: u64,
    /// Longest time in milliseconds from a request to its answer, where the answer was not lost.
    pub longest_answer: u64,
}

struct Client {
    behaviour: Behaviour,
    address: Address,
    data: Vec<u8>,
    step: Step,
    /// Time of the next action.
    next: u64,
    /// Time at which the present request was sent first.
    asked: u64,
    sequence: u8,
    moves: u8,
    served: Served,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Query,
    Block,
    End,
    Done,
}

impl BusyServer {
    /// Runs until every honest and every moving client has ended.
    ///
    /// # Panics
    /// If the file cannot be parsed, which cannot happen.
    #[must_use]
    pub fn run(&self) -> Vec<Served> {
        let file = file_of(self.bytes, 0);
        let parts = SplitFile::parse(&file).expect("a file of our own");
        let entries = [StoreEntry::new(&parts)];
        let mut images = SliceStore::new(&entries).expect("one file");
        let mut server = Server::new(self.config, vec![Session::EMPTY; self.slots]);
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut clients: Vec<_> = (0..self.clients).map(|number| Client::new(number, &mut random)).collect();
        let mut owners: BTreeMap<u16, usize> =
            clients.iter().enumerate().map(|(place, client)| (client.address.network, place)).collect();
        let mut waiting: VecDeque<(usize, Address, Vec<u8>)> = VecDeque::new();
        let mut counts = vec![0_usize; clients.len()];
        let mut out = [0; LONGEST_TO_CLIENT];
        let id = parts.header.id;
        let mut now = 0;
        while now < self.longest
            && clients.iter().any(|client| client.is_wanted() && client.step != Step::Done)
        {
            let instant = Instant::from_millis(now);
            for place in 0..clients.len() {
                let client = &mut clients[place];
                while client.next <= now && client.step != Step::Done {
                    if let Some(address) = client.leave(&mut random, &owners) {
                        // The stack of the gateway reports that a device left, but not always.
                        if random.bool() {
                            server.forget(client.address.network);
                        }
                        owners.remove(&client.address.network);
                        owners.insert(address.network, place);
                        client.address = address;
                    }
                    for frame in client.act(now, id, &file, &mut random) {
                        if counts[place] < WAITING {
                            counts[place] += 1;
                            waiting.push_back((place, client.address, frame));
                        }
                    }
                }
            }
            for _ in 0..FRAMES_PER_TURN {
                let Some((place, from, frame)) = waiting.pop_front() else { break };
                counts[place] -= 1;
                let mut policy = StandardPolicy::default();
                let meta = FrameMeta::unicast(from);
                let action = server.handle_frame(instant, meta, &frame, &mut images, &mut policy, &mut out);
                if let ServerAction::Reply(transmit) = action {
                    deliver(
                        &mut clients,
                        &owners,
                        transmit.to,
                        &out[..transmit.len],
                        now,
                        &file,
                        &mut random,
                    );
                }
                while server.poll_event().is_some() {}
            }
            let mut sent = 0;
            while let Some(transmit) = server.poll_transmit(instant, &mut images, &mut out) {
                deliver(&mut clients, &owners, transmit.to, &out[..transmit.len], now, &file, &mut random);
                sent += 1;
                assert!(sent <= 1000, "one turn of the server never ends");
            }
            server.handle_timeout(instant);
            while server.poll_event().is_some() {}
            now += 1;
        }
        clients.iter().map(|client| client.served).collect()
    }
}

/// Passes a frame to the client that has the address now.
fn deliver(
    clients: &mut [Client],
    owners: &BTreeMap<u16, usize>,
    to: Address,
    frame: &[u8],
    now: u64,
    file: &[u8],
    random: &mut fastrand::Rng,
) {
    if let Some(place) = owners.get(&to.network)
        && random.f64() >= LOSS
    {
        clients[*place].receive(now, frame, file);
    }
}

impl Client {
    fn new(number: u16, random: &mut fastrand::Rng) -> Self {
        let behaviour = match number % 10 {
            7 => Behaviour::Misbehaving,
            8 => Behaviour::Flooding,
            9 => Behaviour::Moving,
            _ => Behaviour::Honest,
        };
        let next = match behaviour {
            Behaviour::Honest | Behaviour::Moving => random.u64(0..5_000),
            Behaviour::Misbehaving | Behaviour::Flooding => random.u64(0..1000),
        };
        Self {
            behaviour,
            address: Address::new(number + 1, 1),
            data: Vec::new(),
            step: Step::Query,
            next,
            asked: next,
            sequence: 0,
            moves: 0,
            served: Served { behaviour, upgraded: false, ended: 0, longest_answer: 0 },
        }
    }

    /// Whether the simulation waits for the client.
    const fn is_wanted(&self) -> bool {
        matches!(self.behaviour, Behaviour::Honest | Behaviour::Moving)
    }

    /// Returns the new address of a client that leaves and comes back now. A moving client does so twice, in the middle
    /// of its download, and takes a small free address, which others had before.
    fn leave(&mut self, random: &mut fastrand::Rng, owners: &BTreeMap<u16, usize>) -> Option<Address> {
        let moves = self.behaviour == Behaviour::Moving && self.step == Step::Block && self.moves < 2;
        if !moves || random.u8(..) >= 5 {
            return None;
        }
        self.moves += 1;
        (2000..).find(|network| !owners.contains_key(network)).map(|network| Address::new(network, 1))
    }

    /// Frames that the client sends at `now`.
    fn act(
        &mut self,
        now: u64,
        id: zigbee_ota::ImageId,
        file: &[u8],
        random: &mut fastrand::Rng,
    ) -> Vec<Vec<u8>> {
        let [maker, kind] = [id.manufacturer.0, id.image_type.0].map(u16::to_le_bytes);
        let frame = |sequence: u8, command: u8, version: u32, rest: &[u8]| {
            [&[1, sequence, command, 0][..], &maker, &kind, &version.to_le_bytes(), rest].concat()
        };
        self.sequence = self.sequence.wrapping_add(1);
        let (sequence, version) = (self.sequence, id.version.0);
        match self.behaviour {
            Behaviour::Honest | Behaviour::Moving => {
                self.next = now + TIMEOUT;
                let offset = u32::try_from(self.data.len()).unwrap_or(u32::MAX).to_le_bytes();
                vec![match self.step {
                    Step::Query => frame(sequence, 1, version.wrapping_sub(1), &[]),
                    Step::Block => frame(sequence, 3, version, &[&offset[..], &[50]].concat()),
                    Step::End | Step::Done => frame(sequence, 6, version, &[]),
                }]
            }
            Behaviour::Misbehaving => {
                self.next = now + random.u64(20..400);
                let beyond = u32::try_from(file.len()).unwrap_or(u32::MAX).to_le_bytes();
                let mut sent = match random.u8(0..6) {
                    0 => (0..random.usize(0..40)).map(|_| random.u8(..)).collect(),
                    1 => frame(sequence, 3, version, &[&beyond[..], &[50]].concat()),
                    2 => frame(sequence, 3, random.u32(..), &[0, 0, 0, 0, 50]),
                    3 => frame(sequence, 6, version, &[]),
                    4 => frame(sequence, 1, version.wrapping_sub(1), &[]),
                    _ => frame(sequence, 4, version, &[0, 0, 0, 0, 0, 0, 0, 0, 0]),
                };
                if random.bool() {
                    sent.truncate(random.usize(..=sent.len()));
                }
                vec![sent]
            }
            Behaviour::Flooding => {
                self.next = now + 5;
                let offset = random.u32(..u32::try_from(file.len()).unwrap_or(1).max(1)).to_le_bytes();
                (0..4)
                    .map(|_| match random.u8(0..3) {
                        0 => frame(sequence, 3, version, &[&offset[..], &[1]].concat()),
                        1 => frame(sequence, 4, version, &[&offset[..], &[1, 0xff, 0xff, 0, 0]].concat()),
                        _ => frame(sequence, 4, version, &[&offset[..], &[16, 0xff, 0xff, 0, 0]].concat()),
                    })
                    .collect()
            }
        }
    }

    fn receive(&mut self, now: u64, frame: &[u8], file: &[u8]) {
        if !self.is_wanted() || self.step == Step::Done || frame.get(1) != Some(&self.sequence) {
            return;
        }
        self.served.longest_answer = self.served.longest_answer.max(now - self.asked.min(now));
        let number = |range: std::ops::Range<usize>| {
            frame.get(range).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
        };
        match (self.step, frame.get(2..4)) {
            (Step::Query, Some([2, 0])) => self.step = Step::Block,
            (Step::Block, Some([5, 0])) if number(12..16) as usize == self.data.len() => {
                self.data.extend_from_slice(&frame[17..]);
                if self.data.len() == file.len() {
                    self.step = Step::End;
                }
            }
            // The client waits, and asks again.
            (Step::Block, Some([5, 0x97])) => {
                self.next = now + u64::from(number(8..12)).max(1) * 1000;
                self.asked = self.next;
                return;
            }
            (Step::End, Some([7, _])) => {
                (self.step, self.served.ended) = (Step::Done, now);
                self.served.upgraded = self.data == file;
                return;
            }
            // A refusal: the client queries a little later.
            _ => {
                self.next = now + 1000;
                self.asked = self.next;
                self.step = if self.step == Step::End { Step::End } else { Step::Query };
                return;
            }
        }
        self.next = now + 10;
        self.asked = self.next;
    }
}
