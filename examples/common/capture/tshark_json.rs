//! Packets in the JSON of `tshark -T json -x`: an array with an object for each packet.
//!
//! ```text
//! [{"_source": {"layers": {
//!    "frame_raw": ["618801…", …],   "frame": {"frame.encap_type": "104", "frame.time_epoch": "1700000000.5"},
//!    "wpan_raw": […],   "wpan": {"wpan.dst_pan": "0x1a62"},
//!    "zbee_nwk_raw": […],   "zbee_nwk": {"zbee_nwk.src": "0x0000", "zbee_nwk.dst": "0x9a31"},
//!    "zbee_aps_raw": […],   "zbee_zcl_raw": […] }}}, …]
//! ```
//!
//! The program decodes the bytes of the whole packet (`frame_raw`) itself, because it joins more APS fragments than
//! tshark. If the program does not know the network key, it decodes the APS frame that tshark has decrypted
//! (`zbee_aps_raw`). If the program does not know the link key, it uses the ZCL frame that tshark has decrypted
//! (`zbee_zcl_raw`).

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::packet_decoder::{Closed, Envelope};
use super::{CapturedFrame, Decoder, Item, Receiver, Stop, link_types};

/// Maximum length of the JSON of a packet in bytes.
const LONGEST: usize = 1 << 22;

#[derive(Deserialize)]
struct Packet {
    #[serde(rename = "_source")]
    source: Source,
}

#[derive(Deserialize)]
struct Source {
    layers: Map<String, Value>,
}

/// Reads the JSON to its end. The program does not read the packets after a malformed place.
pub fn read(input: impl BufRead, decoder: &mut Decoder, receiver: &mut Receiver<'_>) -> Result<(), Stop> {
    let budget = Cell::new(LONGEST);
    let input = BufReader::new(Budgeted { input, left: &budget });
    let mut stop = None;
    let packets = Packets { decoder: &mut *decoder, receiver, budget: &budget, stop: &mut stop };
    let result = serde_json::Deserializer::from_reader(input).deserialize_seq(packets);
    match (stop, result) {
        (Some(stop), _) => Err(stop),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) if error.is_io() => Err(Stop::Input(error.into())),
        (None, Err(error)) => {
            decoder.ended(format!("the JSON of tshark: {error}"));
            Ok(())
        }
    }
}

/// Input that limits the number of bytes in one packet of the JSON.
struct Budgeted<'a, R> {
    input: R,
    left: &'a Cell<usize>,
}

impl<R: Read> Read for Budgeted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other("a packet in the JSON is too long"));
        }
        let most = buffer.len().min(left);
        let len = self.input.read(&mut buffer[..most])?;
        self.left.set(left - len);
        Ok(len)
    }
}

/// Visitor of the array of packets, which handles one packet after another.
struct Packets<'a, 'r> {
    decoder: &'a mut Decoder,
    receiver: &'a mut Receiver<'r>,
    budget: &'a Cell<usize>,
    stop: &'a mut Option<Stop>,
}

impl<'de> Visitor<'de> for Packets<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of packets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut packets: A) -> Result<(), A::Error> {
        while let Some(Packet { source: Source { layers } }) = packets.next_element()? {
            self.budget.set(LONGEST);
            if let Some(frame) = frame(self.decoder, &layers)
                && let Err(error) = (self.receiver)(Item::Frame(frame))
            {
                *self.stop = Some(Stop::Receiver(error));
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Returns the frame in the layers of a packet.
fn frame(decoder: &mut Decoder, layers: &Map<String, Value>) -> Option<CapturedFrame> {
    let time = field(layers, "frame", "frame.time_epoch").and_then(seconds);
    let link_type = field(layers, "frame", "frame.encap_type").and_then(link_type);
    let packet = match (link_type, raw(layers, "frame_raw")) {
        (Some(link_type), Some(bytes)) => Some((link_type, bytes)),
        // If this program does not know the link type, it uses the MAC frame that tshark has found.
        _ => raw(layers, "wpan_raw").map(|bytes| (link_types::BARE, bytes)),
    };
    let Some((link_type, bytes)) = packet else {
        if !layers.contains_key("frame_raw") {
            decoder.without_bytes();
        }
        return None;
    };
    let zcl = || raw(layers, "zbee_zcl_raw");
    match decoder.open_packet(link_type, time, &bytes) {
        Ok(Some((envelope, aps))) => decoder.aps_frame(envelope, &aps, zcl),
        Ok(None) => None,
        Err(closed) => {
            let decrypted =
                (closed == Closed::NoKey).then(|| envelope(layers, time).zip(raw(layers, "zbee_aps_raw")));
            match decrypted.flatten() {
                Some((envelope, aps)) => decoder.aps_frame(envelope, &aps, zcl),
                None => {
                    decoder.count(closed);
                    None
                }
            }
        }
    }
}

/// Returns the addresses that tshark has decoded from a packet.
fn envelope(layers: &Map<String, Value>, time: Option<Duration>) -> Option<Envelope> {
    let number = |layer, name| {
        let text = field(layers, layer, name)?;
        u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
    };
    let pan = number("wpan", "wpan.dst_pan").or_else(|| number("wpan", "wpan.src_pan")).unwrap_or_default();
    let (source, destination) = (number("zbee_nwk", "zbee_nwk.src")?, number("zbee_nwk", "zbee_nwk.dst")?);
    Some(Envelope { pan, source, destination, time })
}

/// Returns the link type of pcap files for an encapsulation number of Wireshark.
fn link_type(encapsulation: &str) -> Option<u32> {
    Some(match encapsulation {
        "1" => link_types::ETHERNET,
        "7" => link_types::RAW_IP,
        "25" => link_types::LINUX_COOKED,
        "104" => link_types::WITH_FCS,
        "113" => link_types::PHY_HEADER,
        "127" => link_types::WITHOUT_FCS,
        "206" => link_types::TAP,
        "210" => link_types::LINUX_COOKED_2,
        _ => return None,
    })
}

fn field<'a>(layers: &'a Map<String, Value>, layer: &str, name: &str) -> Option<&'a str> {
    layers.get(layer)?.get(name)?.as_str()
}

/// Returns the bytes of a layer. The JSON has the hexadecimal digits as a text, or as the first element of an array.
fn raw(layers: &Map<String, Value>, layer: &str) -> Option<Vec<u8>> {
    let value = layers.get(layer)?;
    let text = value.as_str().or_else(|| value.get(0)?.as_str())?;
    let digits: Option<Vec<u8>> = text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let digits = digits?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Parses seconds with a fraction.
fn seconds(text: &str) -> Option<Duration> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanos = format!("{fraction:0<9}");
    Some(Duration::new(seconds.parse().ok()?, nanos.get(..9)?.parse().ok()?))
}
