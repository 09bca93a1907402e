//! A whole download as a sniffer hears it: a join, blocks in fragments, relays, retries and losses.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use fastrand::Rng;

use crate::capture::{CapturedFrame, Counts, Key};
use crate::encoder::{
    Aps, GATEWAY, LAMP, NETWORK_KEY, Network, Node, Order, Packet, ROUTER, Security, WELL_KNOWN, aps_command,
    mac, pcap, pcapng, transport_key, with_fcs,
};
use crate::read;

/// Blocks of the image.
const BLOCKS: u32 = 40;
const BLOCK: u8 = 223;
/// Bytes of a message in one frame.
const PART: usize = 66;

/// Packets that a sniffer hears, and the messages that it hears in full.
struct Sniffer {
    random: Rng,
    /// Probability that the sniffer hears a frame.
    hears: f64,
    packets: Vec<Packet>,
    time: u64,
    /// Frame counter and sequence number of the network layer, for all nodes.
    counter: u32,
    /// Blocks whose fragments were all heard, each in any of its frames.
    blocks: BTreeSet<u32>,
}

impl Sniffer {
    fn new(hears: f64) -> Self {
        Self {
            random: Rng::with_seed(42),
            hears,
            packets: Vec::new(),
            time: 1_700_000_000_000_000_000,
            counter: 0,
            blocks: BTreeSet::new(),
        }
    }

    /// Adds a packet; returns whether it was heard.
    fn hear(&mut self, frame: &[u8]) -> bool {
        self.time += 4_000_000;
        let heard = self.random.f64() < self.hears;
        if heard {
            self.packets.push((self.time, with_fcs(frame)));
        }
        heard
    }

    /// Sends an APS frame over the router; returns whether it was heard on either hop.
    fn send(&mut self, from: Node, to: Node, aps: &[u8]) -> bool {
        self.counter += 1;
        let [sequence, ..] = self.counter.to_le_bytes();
        let mut heard = false;
        for (radius, hop, next) in [(30, from, ROUTER), (29, ROUTER, to)] {
            let network = Network { radius, ..Network::new(from, to, sequence).encrypted(self.counter, hop) };
            heard |= self.hear(&mac(sequence, hop, next, &network.encode(aps)));
        }
        heard
    }

    /// Sends a block in fragments, of which some are sent again; their acknowledgements, too.
    fn block(&mut self, number: u32) {
        let [sequence, ..] = number.to_le_bytes();
        let id = [0x01, 0x10, 0xab, 0, 2, 0, 0, 0];
        let offset = (number * u32::from(BLOCK)).to_le_bytes();
        let request = [&[0x01, sequence, 0x03, 0][..], &id, &offset, &[BLOCK]].concat();
        self.send(LAMP, GATEWAY, &Aps::new(sequence).encode(&request));
        let data: Vec<u8> = (0..BLOCK).map(|place| place ^ sequence).collect();
        let response = [&[0x19, sequence, 0x05, 0][..], &id, &offset, &[BLOCK], &data].concat();
        let parts: Vec<&[u8]> = response.chunks(PART).collect();
        let mut all = true;
        for (index, part) in (0..).zip(&parts) {
            let count = u8::try_from(parts.len()).expect("few");
            let extended = Some(if index == 0 { (1, count) } else { (2, index) });
            let aps = Aps { extended, ..Aps::new(sequence) }.encode(part);
            let mut heard = self.send(GATEWAY, LAMP, &aps);
            if self.random.f64() < 0.1 {
                self.time += 1_600_000_000;
                heard |= self.send(GATEWAY, LAMP, &aps);
            }
            all &= heard;
            let ack = [0x82, 1, 0x19, 0, 0x04, 0x01, 1, sequence, if index == 0 { 1 } else { 2 }, index, 1];
            self.send(LAMP, GATEWAY, &ack);
        }
        if all {
            self.blocks.insert(number);
        }
    }

    fn join(&mut self) {
        let security = Security::link(WELL_KNOWN, 2, 1, GATEWAY);
        let join = aps_command(1, Some(security), &transport_key(1, NETWORK_KEY));
        let frame = mac(1, ROUTER, LAMP, &Network::new(GATEWAY, LAMP, 0).encode(&join));
        self.packets.push((self.time, with_fcs(&frame)));
    }
}

/// Numbers of the blocks in frames.
fn blocks(frames: &[CapturedFrame]) -> Vec<u32> {
    let responses = frames.iter().filter(|frame| frame.bytes[2] == 0x05);
    let offset = |frame: &CapturedFrame| frame.bytes[12..16].try_into().map(u32::from_le_bytes);
    responses.map(|frame| offset(frame).expect("4 bytes") / u32::from(BLOCK)).collect()
}

/// Shows: FLD-085
#[test]
fn every_block_whose_fragments_were_heard_is_found_once() {
    for hears in [0.8, 0.5] {
        let mut sniffer = Sniffer::new(hears);
        sniffer.join();
        (0..BLOCKS).for_each(|number| sniffer.block(number));
        let in_pcap = pcap(Order::Little, false, 195, &sniffer.packets);
        if let Some(folder) = env::var_os("WRITE_CAPTURES") {
            let percent = (hears * 100.0).round();
            fs::write(Path::new(&folder).join(format!("heard_{percent}.pcap")), &in_pcap).expect("written");
        }
        let expected: Vec<u32> = sniffer.blocks.into_iter().collect();
        let (frames, counts) = read(&[], &in_pcap);
        assert_eq!(blocks(&frames), expected, "{hears}: {counts}");
        let without_the_join = &sniffer.packets[1..];
        let (frames, with_key) = read(&[Key(NETWORK_KEY)], &pcapng(Order::Big, 9, 195, without_the_join));
        assert_eq!((blocks(&frames), with_key), (expected, counts));
        let (frames, without_key) = read(&[], &pcapng(Order::Big, 9, 195, without_the_join));
        let closed = without_the_join.len() as u64;
        assert_eq!(
            (frames.len(), without_key),
            (0, Counts { without_network_key: closed, ..Counts::default() })
        );
    }
}
