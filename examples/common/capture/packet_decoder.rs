//! Decoder from a captured packet to a frame of the OTA Upgrade cluster. The decoder keeps keys, addresses, recent
//! frames and fragments from one packet to the next.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use zigbee_ota::aps::Address;

use super::CapturedFrame;
use super::aps_frame::{self, ApsFrame, Command, DataHeader, Part};
use super::fragment_assembly::Fragments;
use super::keys_and_decryption::{self, Key, Keys};
use super::link_types::{self, MacFrame, Packet};
use super::repeated_frames::Repeats;
use super::{mac_header, network_header, slice_reader};

/// Identifier of the OTA Upgrade cluster, in every application profile except the profile of ZDO.
const OTA_CLUSTER: u16 = 0x0019;
const ZDO_PROFILE: u16 = 0x0000;
const DEVICE_ANNOUNCE: u16 = 0x0013;

/// Maximum number of IEEE addresses that the decoder keeps.
const MOST_ADDRESSES: usize = 4096;

/// Decoder of captured packets.
#[derive(Clone, Debug)]
pub struct Decoder {
    keys: Keys,
    /// IEEE address of each known node, by PAN identifier and network address.
    addresses: HashMap<(u16, u16), [u8; 8]>,
    repeats: Repeats,
    fragments: Fragments<(Route, u8)>,
    counts: Counts,
}

/// Numbers of decoded and of unreadable packets, for a message to the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames of the OTA Upgrade cluster.
    pub frames: u64,
    /// Frames of the OTA Upgrade cluster that repeat an earlier frame.
    pub repeated: u64,
    /// Frames that are encrypted by an unknown network key.
    pub without_network_key: u64,
    /// Frames of the OTA Upgrade cluster that are encrypted by an unknown link key.
    pub without_link_key: u64,
    /// Frames with a wrong FCS, if no encryption proves that their bytes are intact.
    pub damaged: u64,
    /// Messages with missing APS fragments.
    pub incomplete: u64,
    /// Packets in the JSON of tshark without the bytes of the packet.
    pub without_bytes: u64,
    /// First unknown link type, and the number of packets of all unknown link types.
    pub unknown_link: Option<(u32, u64)>,
    /// Reason why the program could not read the capture to its end.
    pub ended: Option<String>,
}

impl fmt::Display for Counts {
    /// Writes one line about the packets that could not be read, or nothing if all packets were read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.without_network_key, "frames are encrypted by a network key that is not known (--key)"),
            (self.without_link_key, "OTA frames are encrypted by a link key that is not known (--key)"),
            (self.damaged, "frames are damaged"),
            (self.incomplete, "messages miss APS fragments"),
            (self.without_bytes, "packets have no bytes: expected the JSON of tshark -T json -x"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let mut texts: Vec<String> = counts.map(|(count, text)| format!("{count} {text}")).collect();
        if let Some((link_type, count)) = self.unknown_link {
            texts.push(format!("{count} packets have the link type {link_type}, which is not read"));
        }
        texts.extend(self.ended.clone());
        f.write_str(&texts.join("; "))
    }
}

/// Sender and receiver of an APS message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Route {
    pan: u16,
    from: Address,
    to: Address,
    group: Option<u16>,
}

/// Facts about an APS frame that the layers below APS contain: addresses and time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    pub pan: u16,
    pub source: u16,
    pub destination: u16,
    pub time: Option<Duration>,
}

/// Reason why a packet cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// No known key decrypts the frame.
    NoKey,
    /// The FCS of the frame is wrong.
    Damaged,
    UnknownLink(u32),
}

impl Decoder {
    /// Creates a decoder with the keys that the user gives, which may be network keys or link keys.
    pub fn new(keys: &[Key]) -> Self {
        Self {
            keys: Keys::new(keys),
            addresses: HashMap::new(),
            repeats: Repeats::default(),
            fragments: Fragments::default(),
            counts: Counts::default(),
        }
    }

    /// Removes the recent frames, the fragments and the counts. Keys and addresses stay.
    pub fn forget_frames(&mut self) {
        self.repeats = Repeats::default();
        self.fragments = Fragments::default();
        self.counts = Counts::default();
    }

    pub fn counts(&self) -> Counts {
        Counts { incomplete: self.fragments.incomplete(), ..self.counts.clone() }
    }

    /// Counts a packet whose JSON does not contain the bytes of the packet.
    pub(super) fn without_bytes(&mut self) {
        self.counts.without_bytes += 1;
    }

    /// Records the reason why the program cannot read the capture to its end.
    pub fn ended(&mut self, reason: String) {
        self.counts.ended = Some(reason);
    }

    /// Decodes a packet with a link type of pcap files. Returns the frame of the OTA Upgrade cluster that the packet
    /// completes, if any.
    pub fn packet(&mut self, link_type: u32, time: Option<Duration>, packet: &[u8]) -> Option<CapturedFrame> {
        let (envelope, payload) = self.open_packet(link_type, time, packet).unwrap_or_else(|closed| {
            self.count(closed);
            None
        })?;
        self.aps_frame(envelope, &payload, || None)
    }

    /// Returns the decrypted payload of the network layer, with its addresses. Returns `None` if the packet contains no
    /// network data frame.
    pub(super) fn open_packet(
        &mut self,
        link_type: u32,
        time: Option<Duration>,
        packet: &[u8],
    ) -> Result<Option<(Envelope, Vec<u8>)>, Closed> {
        let readings = match link_types::mac_frame(link_type, packet) {
            Packet::Mac(readings) => readings,
            Packet::Other => return Ok(None),
            Packet::Unknown => return Err(Closed::UnknownLink(link_type)),
        };
        let mut first = Ok(None);
        for (number, frame) in readings.into_iter().flatten().enumerate() {
            let opened = self.open_mac_frame(frame, time);
            if matches!(opened, Ok(Some(_))) {
                return opened;
            }
            if number == 0 {
                first = opened;
            }
        }
        first
    }

    fn open_mac_frame(
        &mut self,
        MacFrame { bytes, intact }: MacFrame<'_>,
        time: Option<Duration>,
    ) -> Result<Option<(Envelope, Vec<u8>)>, Closed> {
        let Some((mac, frame)) = mac_header::parse(bytes) else { return Ok(None) };
        let Some(header) = network_header::parse(frame) else { return Ok(None) };
        let envelope =
            Envelope { pan: mac.pan, source: header.source, destination: header.destination, time };
        let payload = if header.is_secured {
            // The node that sends this hop encrypts the frame, and its IEEE address is in the auxiliary header.
            let payload = self.keys.open(frame, header.len, None);
            let payload = payload.ok_or(if intact { Closed::NoKey } else { Closed::Damaged })?;
            if let (Some(hop), Some(ieee)) = (mac.source, keys_and_decryption::source(frame, header.len)) {
                self.learn_address(mac.pan, hop, ieee);
            }
            payload
        } else if intact {
            frame.get(header.len..).unwrap_or_default().to_vec()
        } else {
            return Err(Closed::Damaged);
        };
        if let Some(ieee) = header.source_ieee {
            self.learn_address(mac.pan, header.source, ieee);
        }
        Ok(Some((envelope, payload)))
    }

    pub(super) fn count(&mut self, closed: Closed) {
        match closed {
            Closed::NoKey => self.counts.without_network_key += 1,
            Closed::Damaged => self.counts.damaged += 1,
            Closed::UnknownLink(link_type) => {
                self.counts.unknown_link.get_or_insert((link_type, 0)).1 += 1;
            }
        }
    }

    fn learn_address(&mut self, pan: u16, short: u16, ieee: [u8; 8]) {
        if self.addresses.len() < MOST_ADDRESSES || self.addresses.contains_key(&(pan, short)) {
            self.addresses.insert((pan, short), ieee);
        }
    }

    /// Decodes an APS frame. `decrypted` returns the whole APS message if another program, such as tshark, has
    /// decrypted it.
    pub(super) fn aps_frame(
        &mut self,
        envelope: Envelope,
        frame: &[u8],
        decrypted: impl Fn() -> Option<Vec<u8>>,
    ) -> Option<CapturedFrame> {
        let (header, is_secured) = aps_frame::parse(frame)?;
        match header {
            ApsFrame::Command(len) => {
                let payload = self.aps_payload(envelope, frame, len, is_secured)?;
                match aps_frame::command(&payload)? {
                    Command::TransportKey(key) => self.keys.learn(key),
                    Command::Tunnel(inner) => self.tunnelled(envelope, inner),
                }
                None
            }
            ApsFrame::Data(data, len) if data.profile == ZDO_PROFILE => {
                if data.cluster == DEVICE_ANNOUNCE {
                    self.device_announce(envelope, frame.get(len..)?);
                }
                None
            }
            ApsFrame::Data(data, len) if data.cluster == OTA_CLUSTER => {
                if let Some(payload) = self.aps_payload(envelope, frame, len, is_secured) {
                    return self.ota_frame(envelope, data, payload);
                }
                if let Some(payload) = decrypted() {
                    return self.ota_frame(envelope, DataHeader { part: Part::Whole, ..data }, payload);
                }
                self.counts.without_link_key += 1;
                None
            }
            ApsFrame::Data(..) => None,
        }
    }

    /// Returns the decrypted bytes after the APS header.
    fn aps_payload(
        &mut self,
        envelope: Envelope,
        frame: &[u8],
        len: usize,
        is_secured: bool,
    ) -> Option<Vec<u8>> {
        if is_secured {
            let source = self.addresses.get(&(envelope.pan, envelope.source)).copied();
            self.keys.open(frame, len, source)
        } else {
            frame.get(len..).map(<[u8]>::to_vec)
        }
    }

    /// Decodes the command inside a Tunnel command, which transports the key of a device that joins through a router.
    fn tunnelled(&mut self, envelope: Envelope, frame: &[u8]) {
        if let Some((ApsFrame::Command(len), is_secured)) = aps_frame::parse(frame)
            && let Some(payload) = self.aps_payload(envelope, frame, len, is_secured)
            && let Some(Command::TransportKey(key)) = aps_frame::command(&payload)
        {
            self.keys.learn(key);
        }
    }

    fn device_announce(&mut self, envelope: Envelope, mut payload: &[u8]) {
        if let (Some(_sequence), Some(short), Some(ieee)) = (
            slice_reader::u8(&mut payload),
            slice_reader::u16(&mut payload),
            slice_reader::array(&mut payload),
        ) {
            self.learn_address(envelope.pan, short, ieee);
        }
    }

    fn ota_frame(&mut self, envelope: Envelope, data: DataHeader, payload: Vec<u8>) -> Option<CapturedFrame> {
        let Envelope { pan, source, destination, time } = envelope;
        let (from, to) =
            (Address::new(source, data.source_endpoint), Address::new(destination, data.endpoint));
        let route = Route { pan, from, to, group: data.group };
        if self.repeats.is_repeated((route, data, &payload), time) {
            self.counts.repeated += 1;
            return None;
        }
        let bytes = self.fragments.add((route, data.counter), data.part, payload, time)?;
        self.counts.frames += 1;
        Some(CapturedFrame { pan, from, to, time, bytes })
    }
}
