//! APS header and the APS commands that carry keys (Zigbee specification, sections 2.2.5 and 4.4.10).
//!
//! ```text
//! data      control (1)   endpoint (1) or group (2)   cluster (2)   profile (2)   source endpoint (1)   counter (1)   extended header
//! command   control (1)   counter (1)   auxiliary header   command (1)   fields
//!            | type (bits 0, 1)    delivery mode (bits 2, 3)    security (bit 5)    extended header (bit 7)
//! extended header   control (1): 0 whole, 1 first fragment, 2 other fragment   number of fragments, or index of the fragment (1)
//! ```
//!
//! | command | fields |
//! |---|---|
//! | 0x05 Transport Key | kind of the key (1), key (16), and others |
//! | 0x0e Tunnel | IEEE address of the receiver (8), APS command |

use super::keys_and_decryption::Key;
use super::slice_reader::{array, u8, u16};

/// APS frame, with the length of its header in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApsFrame {
    Data(DataHeader, usize),
    Command(usize),
}

/// Header of an APS data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataHeader {
    /// Endpoint of the receiver; 255 for a frame to a group.
    pub endpoint: u8,
    pub group: Option<u16>,
    pub cluster: u16,
    pub profile: u16,
    pub source_endpoint: u8,
    pub counter: u8,
    pub part: Part,
}

/// Part of an APS message that one frame contains: the whole message or a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Whole,
    /// First fragment, with the number of fragments.
    First(u8),
    /// Any other fragment, with its index. The second fragment has the index 1.
    Other(u8),
}

/// Parses an APS header. Returns the header, and whether the frame is encrypted by a link key. Returns `None` for an
/// APS acknowledgement, and for an inter-PAN frame.
pub fn parse(frame: &[u8]) -> Option<(ApsFrame, bool)> {
    const DATA: u8 = 0;
    const COMMAND: u8 = 1;
    const GROUP: u8 = 3;
    let mut rest = frame;
    let control = u8(&mut rest)?;
    let header = match control & 0b11 {
        DATA => {
            let (endpoint, group) = match control >> 2 & 0b11 {
                GROUP => (0xff, Some(u16(&mut rest)?)),
                _ => (u8(&mut rest)?, None),
            };
            let (cluster, profile) = (u16(&mut rest)?, u16(&mut rest)?);
            let [source_endpoint, counter] = array(&mut rest)?;
            let part = if control & 1 << 7 != 0 { part(&mut rest)? } else { Part::Whole };
            let header = DataHeader { endpoint, group, cluster, profile, source_endpoint, counter, part };
            ApsFrame::Data(header, frame.len() - rest.len())
        }
        COMMAND => {
            u8(&mut rest)?;
            ApsFrame::Command(frame.len() - rest.len())
        }
        _ => return None,
    };
    Some((header, control & 1 << 5 != 0))
}

fn part(rest: &mut &[u8]) -> Option<Part> {
    match u8(rest)? & 0b11 {
        0 => Some(Part::Whole),
        1 => u8(rest).map(Part::First),
        2 => u8(rest).map(Part::Other),
        _ => None,
    }
}

/// APS command that can contain a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    TransportKey(Key),
    /// Tunnel command: the bytes of an APS command to a device that has not joined yet.
    Tunnel(&'a [u8]),
}

/// Decodes an APS command from the decrypted bytes after the APS header and the auxiliary header.
pub fn command(mut payload: &[u8]) -> Option<Command<'_>> {
    match u8(&mut payload)? {
        0x05 => {
            u8(&mut payload)?;
            array(&mut payload).map(|key| Command::TransportKey(Key(key)))
        }
        0x0e => {
            array::<8>(&mut payload)?;
            Some(Command::Tunnel(payload))
        }
        _ => None,
    }
}
