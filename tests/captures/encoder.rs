//! Encoder of captures: from a ZCL frame through APS, network, MAC and link layer to a file. It is written from the
//! specifications, and shares nothing with the decoder but the cipher.

use aes::Aes128;
use ccm::aead::inout::InOutBuf;
use ccm::consts::{U4, U13};
use ccm::{AeadInOut, Ccm, KeyInit};
use zigbee_ota::mmo;

pub const PAN: u16 = 0x1a62;
pub const GATEWAY: Node = Node { short: 0x0000, ieee: 0x0012_4b00_0102_0304 };
pub const LAMP: Node = Node { short: 0x9a31, ieee: 0x00ff_eedd_ccbb_aa99 };
pub const ROUTER: Node = Node { short: 0x3c52, ieee: 0x0015_8d00_0011_2233 };
pub const NETWORK_KEY: [u8; 16] = *b"network key 0123";
pub const WELL_KNOWN: [u8; 16] = *b"ZigBeeAlliance09";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub short: u16,
    pub ieee: u64,
}

/// How a frame is encrypted.
#[derive(Clone, Copy)]
pub struct Security {
    pub key: [u8; 16],
    /// Identifier of the key: 0 link key, 1 network key, 2 key-transport key, 3 key-load key.
    pub identifier: u8,
    pub counter: u32,
    /// Node that encrypts.
    pub by: Node,
    /// Whether the auxiliary header has the node's IEEE address.
    pub has_address: bool,
}

impl Security {
    pub fn network(counter: u32, by: Node) -> Self {
        Self { key: NETWORK_KEY, identifier: 1, counter, by, has_address: true }
    }

    pub fn link(key: [u8; 16], identifier: u8, counter: u32, by: Node) -> Self {
        Self { key, identifier, counter, by, has_address: true }
    }

    /// Appends auxiliary header, ciphertext and MIC to a header.
    fn seal(self, header: Vec<u8>, payload: &[u8]) -> Vec<u8> {
        let level_5 = 5 | self.identifier << 3 | u8::from(self.has_address) << 5;
        let mut aux = vec![level_5];
        aux.extend(self.counter.to_le_bytes());
        if self.has_address {
            aux.extend(self.by.ieee.to_le_bytes());
        }
        if self.identifier == 1 {
            aux.push(0);
        }
        let nonce: Vec<u8> =
            [&self.by.ieee.to_le_bytes()[..], &self.counter.to_le_bytes(), &[level_5]].concat();
        let nonce: [u8; 13] = nonce.try_into().expect("13 bytes");
        let key = match self.identifier {
            2 => keyed_hash(self.key, 0x00),
            3 => keyed_hash(self.key, 0x02),
            _ => self.key,
        };
        let associated = [&header[..], &aux].concat();
        let mut text = payload.to_vec();
        let mic = Ccm::<Aes128, U4, U13>::new(&key.into())
            .encrypt_inout_detached(&nonce.into(), &associated, InOutBuf::from(&mut text[..]))
            .expect("short");
        // Over the air, the level is 0.
        aux[0] &= !7;
        [header, aux, text, mic.to_vec()].concat()
    }
}

/// HMAC with AES-MMO.
pub fn keyed_hash(key: [u8; 16], input: u8) -> [u8; 16] {
    let inner: Vec<u8> = key.iter().map(|byte| byte ^ 0x36).chain([input]).collect();
    let inner = mmo::digest(&inner).expect("short");
    let outer: Vec<u8> = key.iter().map(|byte| byte ^ 0x5c).chain(inner).collect();
    mmo::digest(&outer).expect("short")
}

/// Frame of the APS layer.
#[derive(Clone)]
pub struct Aps {
    pub counter: u8,
    /// Endpoints of sender and receiver.
    pub endpoints: (u8, u8),
    pub group: Option<u16>,
    pub cluster: u16,
    pub profile: u16,
    /// Control and number of the extended header.
    pub extended: Option<(u8, u8)>,
    pub security: Option<Security>,
}

impl Aps {
    pub fn new(counter: u8) -> Self {
        Self {
            counter,
            endpoints: (1, 1),
            group: None,
            cluster: 0x0019,
            profile: 0x0104,
            extended: None,
            security: None,
        }
    }

    pub fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let delivery = if self.group.is_some() { 3 } else { 0 };
        let security = if self.security.is_some() { 0x20 } else { 0 };
        let extended = if self.extended.is_some() { 0x80 } else { 0 };
        let mut header = vec![delivery << 2 | security | extended | 0x40];
        match self.group {
            Some(group) => header.extend(group.to_le_bytes()),
            None => header.push(self.endpoints.1),
        }
        header.extend(self.cluster.to_le_bytes());
        header.extend(self.profile.to_le_bytes());
        header.extend([self.endpoints.0, self.counter]);
        if let Some((control, number)) = self.extended {
            header.extend([control, number]);
        }
        match self.security {
            Some(security) => security.seal(header, payload),
            None => [&header, payload].concat(),
        }
    }
}

/// APS command with this security.
pub fn aps_command(counter: u8, security: Option<Security>, payload: &[u8]) -> Vec<u8> {
    match security {
        Some(security) => security.seal(vec![0x21, counter], payload),
        None => [&[0x01, counter], payload].concat(),
    }
}

/// Fields of the command Transport Key.
pub fn transport_key(kind: u8, key: [u8; 16]) -> Vec<u8> {
    let (to, from) = (LAMP.ieee.to_le_bytes(), GATEWAY.ieee.to_le_bytes());
    let sequence: &[u8] = if kind == 1 { &[0] } else { &[] };
    [&[0x05, kind], &key[..], sequence, &to, &from].concat()
}

/// Frame of the network layer.
#[derive(Clone)]
pub struct Network {
    pub from: Node,
    pub to: Node,
    pub sequence: u8,
    pub radius: u8,
    pub ieee_addresses: (bool, bool),
    pub relays: Option<Vec<u16>>,
    pub is_multicast: bool,
    pub security: Option<Security>,
}

impl Network {
    pub fn new(from: Node, to: Node, sequence: u8) -> Self {
        Self {
            from,
            to,
            sequence,
            radius: 30,
            ieee_addresses: (false, false),
            relays: None,
            is_multicast: false,
            security: None,
        }
    }

    pub fn encrypted(self, counter: u32, by: Node) -> Self {
        Self { security: Some(Security::network(counter, by)), ..self }
    }

    pub fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let (to_ieee, from_ieee) = self.ieee_addresses;
        let bits = [
            (8, self.is_multicast),
            (9, self.security.is_some()),
            (10, self.relays.is_some()),
            (11, to_ieee),
            (12, from_ieee),
        ];
        let control = bits.iter().fold(0x0048_u16, |control, (bit, set)| control | u16::from(*set) << bit);
        let mut header = control.to_le_bytes().to_vec();
        header.extend(self.to.short.to_le_bytes());
        header.extend(self.from.short.to_le_bytes());
        header.extend([self.radius, self.sequence]);
        if to_ieee {
            header.extend(self.to.ieee.to_le_bytes());
        }
        if from_ieee {
            header.extend(self.from.ieee.to_le_bytes());
        }
        if self.is_multicast {
            header.push(0x01);
        }
        if let Some(relays) = &self.relays {
            header.extend([u8::try_from(relays.len()).expect("few"), 0]);
            header.extend(relays.iter().flat_map(|relay| relay.to_le_bytes()));
        }
        match self.security {
            Some(security) => security.seal(header, payload),
            None => [&header, payload].concat(),
        }
    }
}

/// MAC frame between neighbours, without FCS.
pub fn mac(sequence: u8, from: Node, to: Node, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x61, 0x88, sequence];
    frame.extend(PAN.to_le_bytes());
    frame.extend(to.short.to_le_bytes());
    frame.extend(from.short.to_le_bytes());
    frame.extend(payload);
    frame
}

/// MAC frame of one ZCL frame, encrypted by the network key.
pub fn frame(number: u8, from: Node, to: Node, zcl: &[u8]) -> Vec<u8> {
    let network = Network::new(from, to, number).encrypted(u32::from(number), from);
    mac(number, from, to, &network.encode(&Aps::new(number).encode(zcl)))
}

/// FCS of IEEE 802.15.4, bit by bit.
pub fn with_fcs(frame: &[u8]) -> Vec<u8> {
    let mut crc = 0_u16;
    for byte in frame {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x8408 };
        }
    }
    [frame, &crc.to_le_bytes()].concat()
}

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

impl Order {
    pub const BOTH: [Self; 2] = [Self::Little, Self::Big];

    fn two(self, number: u16) -> [u8; 2] {
        if self == Self::Little { number.to_le_bytes() } else { number.to_be_bytes() }
    }

    fn four(self, number: u32) -> [u8; 4] {
        if self == Self::Little { number.to_le_bytes() } else { number.to_be_bytes() }
    }
}

/// Packet with its time in nanoseconds since 1970.
pub type Packet = (u64, Vec<u8>);

/// Packets 10 ms apart.
pub fn timed(packets: impl IntoIterator<Item = Vec<u8>>) -> Vec<Packet> {
    (0..).map(|number| 1_700_000_000_000_000_000 + 10_000_000 * number).zip(packets).collect()
}

pub fn pcap(order: Order, is_nano: bool, link_type: u32, packets: &[Packet]) -> Vec<u8> {
    let mut file = order.four(if is_nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }).to_vec();
    file.extend(order.two(2));
    file.extend(order.two(4));
    for field in [0, 0, 65535, link_type] {
        file.extend(order.four(field));
    }
    for (time, packet) in packets {
        let fraction = time % 1_000_000_000 / if is_nano { 1 } else { 1000 };
        let len = u32::try_from(packet.len()).expect("short");
        for field in [u32::try_from(time / 1_000_000_000).expect("32 bits"), fraction as u32, len, len] {
            file.extend(order.four(field));
        }
        file.extend(packet);
    }
    file
}

pub fn pcapng(order: Order, resolution: u8, link_type: u32, packets: &[Packet]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let len = u32::try_from(body.len().next_multiple_of(4) + 12).expect("short");
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        [&order.four(kind), &order.four(len), body, &padding, &order.four(len)].concat()
    };
    let mut file = block(
        0x0a0d_0d0a,
        &[&order.four(0x1a2b_3c4d)[..], &order.two(1), &order.two(0), &[0xff; 8]].concat(),
    );
    // An interface of another kind, then the one of the sniffer.
    file.extend(block(1, &[&order.two(147)[..], &[0; 2], &[0; 4]].concat()));
    let link_type = u16::try_from(link_type).expect("a link type");
    let option = [&order.two(9)[..], &order.two(1), &[resolution, 0, 0, 0], &[0; 4]].concat();
    file.extend(block(1, &[&order.two(link_type)[..], &[0; 2], &[0; 4], &option].concat()));
    for (time, packet) in packets {
        let units = match resolution {
            6 => time / 1000,
            9 => *time,
            binary => {
                let units = u128::from(*time) << (binary & 0x7f);
                u64::try_from(units / 1_000_000_000).expect("64 bits")
            }
        };
        let len = u32::try_from(packet.len()).expect("short");
        let fields = [1, (units >> 32) as u32, units as u32, len, len];
        let fields: Vec<u8> = fields.iter().flat_map(|field| order.four(*field)).collect();
        // A name resolution block, of which nobody here takes note.
        file.extend(block(4, &[0; 4]));
        file.extend(block(6, &[&fields[..], packet].concat()));
    }
    file
}

/// Datagram to a port in Ethernet and IPv4.
pub fn ethernet(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02; 12];
    frame.extend([0x08, 0x00]);
    frame.extend(ipv4(port, payload));
    frame
}

pub fn ipv4(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).expect("short");
    let mut packet = vec![0x45, 0];
    packet.extend((len + 28).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(udp(port, payload));
    packet
}

pub fn ipv6(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).expect("short");
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((len + 8).to_be_bytes());
    packet.extend([17, 64]);
    packet.extend([0xfe; 32]);
    packet.extend(udp(port, payload));
    packet
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 8).expect("short");
    [&40000_u16.to_be_bytes()[..], &port.to_be_bytes(), &len.to_be_bytes(), &[0, 0], payload].concat()
}

/// ZEP packet around a frame with FCS.
pub fn zep(version: u8, frame: &[u8]) -> Vec<u8> {
    let len = u8::try_from(frame.len()).expect("short");
    let mut packet = vec![b'E', b'X', version];
    if version == 1 {
        packet.extend([15, 0, 1, 1, 0xff, 0, 0, 0, 0, 0, 0, 0]);
    } else {
        packet.extend([1, 15, 0, 1, 1, 0xff]);
        packet.extend([0; 22]);
    }
    packet.push(len);
    packet.extend(frame);
    packet
}
