//! MAC frames in the packets of a capture, by the link type of the packet (<https://www.tcpdump.org/linktypes.html>).
//!
//! | link type | packet |
//! |---|---|
//! | 195 | MAC frame, FCS; the sniffers with TI's CC24xx and CC25xx put RSSI and "CRC ok" in place of the FCS |
//! | 230 | MAC frame |
//! | 215 | preamble (4), start of frame (1), length (1), MAC frame, FCS |
//! | 283 (TAP) | version (1), 0, header length (2), fields {type (2), length (2), value, padding to 4 bytes}, MAC frame, FCS by a field |
//! | 1, 101, 113, 276 | Ethernet, IP, Linux cooked: UDP port 17754 (ZEP) or 17760 (TI), or EtherType 0x809A |
//!
//! ```text
//! ZEP version 1   "EX" 1 channel (1) device (2) mode (1) LQI (1) reserved (7) length (1), MAC frame, FCS
//! ZEP version 2   "EX" 2 type (1) channel (1) device (2) mode (1) LQI (1) time (8) number (4) reserved (10) length (1), MAC frame, FCS
//! TI              version (1) length (2) interface (3) protocol (1) PHY (1) frequency (4) channel (2) RSSI (1) status (1), MAC frame
//! ```

use super::slice_reader::{array, take, u8, u16, u16_be};

/// Maximum length of a MAC frame (IEEE 802.15.4g); frames at 2.4 GHz have at most 127 bytes.
const LONGEST: usize = 2047;

pub const ETHERNET: u32 = 1;
pub const RAW_IP: u32 = 101;
pub const LINUX_COOKED: u32 = 113;
pub const WITH_FCS: u32 = 195;
pub const PHY_HEADER: u32 = 215;
pub const WITHOUT_FCS: u32 = 230;
pub const LINUX_COOKED_2: u32 = 276;
pub const TAP: u32 = 283;
/// Link type of packets that contain only the MAC frame, with or without FCS. This value is for use in this program,
/// and occurs in no file.
pub const BARE: u32 = u32::MAX;

const ZEP_PORT: u16 = 17754;
const TI_PORT: u16 = 17760;

/// MAC frame without its FCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacFrame<'a> {
    pub bytes: &'a [u8],
    /// Whether the frame may be intact: `false` if the FCS is wrong. A frame with a wrong FCS is used only if its
    /// decryption proves that the bytes are intact.
    pub intact: bool,
}

/// Content of a packet.
pub enum Packet<'a> {
    /// MAC frame in the packet. If the packet does not say whether it ends with an FCS, the second element is the less
    /// likely reading of the packet.
    Mac([Option<MacFrame<'a>>; 2]),
    /// The packet contains no IEEE 802.15.4 frame, such as other traffic on an Ethernet.
    Other,
    /// This module does not know the link type of the packet.
    Unknown,
}

/// Form of the FCS at the end of a MAC frame.
enum Fcs {
    Absent,
    Present,
    /// The FCS has four bytes, as in some sub-GHz frames.
    Long,
    Unknown,
}

/// Returns the MAC frame in a packet of the link type `link_type`.
pub fn mac_frame(link_type: u32, packet: &[u8]) -> Packet<'_> {
    let found = match link_type {
        WITH_FCS => Some((packet, Fcs::Present)),
        WITHOUT_FCS => Some((packet, Fcs::Absent)),
        BARE => Some((packet, Fcs::Unknown)),
        PHY_HEADER => after_phy_header(packet),
        TAP => after_tap(packet),
        ETHERNET => after_ethernet(packet),
        RAW_IP => after_ip(packet),
        LINUX_COOKED => after_cooked(packet, 14, 16),
        LINUX_COOKED_2 => after_cooked(packet, 0, 20),
        _ => return Packet::Unknown,
    };
    match found {
        Some((frame, fcs)) if frame.len() <= LONGEST => Packet::Mac(readings(frame, &fcs)),
        _ => Packet::Other,
    }
}

fn readings<'a>(frame: &'a [u8], fcs: &Fcs) -> [Option<MacFrame<'a>>; 2] {
    let whole = Some(MacFrame { bytes: frame, intact: true });
    let Some((bytes, [low, high])) = frame.split_last_chunk() else { return [whole, None] };
    let matches = u16::from_le_bytes([*low, *high]) == checksum(bytes);
    match fcs {
        Fcs::Absent => [whole, None],
        // Some sniffers write two other bytes in place of the FCS: the RSSI, and a byte with the bit "CRC ok" and the
        // correlation.
        Fcs::Present => [Some(MacFrame { bytes, intact: matches || high & 0x80 != 0 }), None],
        Fcs::Long => [frame.split_last_chunk::<4>().map(|(bytes, _)| MacFrame { bytes, intact: true }), None],
        Fcs::Unknown if matches => [Some(MacFrame { bytes, intact: true }), None],
        Fcs::Unknown => [whole, Some(MacFrame { bytes, intact: false })],
    }
}

/// Returns the FCS of a frame: CRC-16 of the ITU-T, least significant bit first, without inversion.
pub fn checksum(bytes: &[u8]) -> u16 {
    const FCS: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_KERMIT);
    FCS.checksum(bytes)
}

fn after_phy_header(mut packet: &[u8]) -> Option<(&[u8], Fcs)> {
    let _preamble_and_start = array::<5>(&mut packet)?;
    let len = usize::from(u8(&mut packet)? & 0x7f);
    Some((packet.get(..len)?, Fcs::Present))
}

fn after_tap(mut packet: &[u8]) -> Option<(&[u8], Fcs)> {
    let [version, _] = array(&mut packet)?;
    let header_len = usize::from(u16(&mut packet)?);
    if version != 0 {
        return None;
    }
    let mut fields = take(&mut packet, header_len.checked_sub(4)?)?;
    let mut fcs = Fcs::Absent;
    while let (Some(kind), Some(len)) = (u16(&mut fields), u16(&mut fields)) {
        let value = take(&mut fields, usize::from(len).next_multiple_of(4))?;
        if kind == 0 {
            fcs = match value.first()? {
                0 => Fcs::Absent,
                1 => Fcs::Present,
                _ => Fcs::Long,
            };
        }
    }
    Some((packet, fcs))
}

fn after_ethernet(mut packet: &[u8]) -> Option<(&[u8], Fcs)> {
    array::<12>(&mut packet)?;
    let mut protocol = u16_be(&mut packet)?;
    // A VLAN tag.
    if protocol == 0x8100 {
        u16(&mut packet)?;
        protocol = u16_be(&mut packet)?;
    }
    after_protocol(protocol, packet)
}

/// Returns the MAC frame in a Linux "cooked" packet, whose header has `len` bytes and the protocol number at the offset
/// `place`.
fn after_cooked(packet: &[u8], place: usize, len: usize) -> Option<(&[u8], Fcs)> {
    let protocol = u16_be(&mut packet.get(place..)?)?;
    let rest = packet.get(len..)?;
    // The protocol number 0x00F6 of the Linux kernel means IEEE 802.15.4.
    if protocol == 0x00f6 { Some((rest, Fcs::Unknown)) } else { after_protocol(protocol, rest) }
}

fn after_protocol(protocol: u16, rest: &[u8]) -> Option<(&[u8], Fcs)> {
    match protocol {
        0x0800 | 0x86dd => after_ip(rest),
        0x809a => Some((rest, Fcs::Unknown)),
        _ => None,
    }
}

fn after_ip(packet: &[u8]) -> Option<(&[u8], Fcs)> {
    const UDP: u8 = 17;
    let first = *packet.first()?;
    let mut rest = match first >> 4 {
        4 if *packet.get(9)? == UDP => packet.get(4 * usize::from(first & 0x0f)..)?,
        6 if *packet.get(6)? == UDP => packet.get(40..)?,
        _ => return None,
    };
    let ports = [u16_be(&mut rest)?, u16_be(&mut rest)?];
    let len = usize::from(u16_be(&mut rest)?).checked_sub(8)?;
    u16(&mut rest)?;
    // An Ethernet frame may have padding bytes after the UDP datagram.
    let datagram = rest.get(..len).unwrap_or(rest);
    if ports.contains(&ZEP_PORT) {
        after_zep(datagram)
    } else if ports.contains(&TI_PORT) {
        after_ti(datagram)
    } else {
        None
    }
}

fn after_zep(mut packet: &[u8]) -> Option<(&[u8], Fcs)> {
    const DATA: u8 = 1;
    let header = match *packet.get(..4)? {
        [b'E', b'X', 1, _] => take(&mut packet, 16)?,
        [b'E', b'X', 2, DATA] => take(&mut packet, 32)?,
        _ => return None,
    };
    let len = usize::from(header.last()? & 0x7f);
    Some((packet.get(..len)?, Fcs::Present))
}

fn after_ti(mut packet: &[u8]) -> Option<(&[u8], Fcs)> {
    let header = array::<16>(&mut packet)?;
    let [.., protocol, _phy, _, _, _, _, _, _, _rssi, status] = header;
    // The frame must be an IEEE 802.15.4 frame that was received without an error.
    (protocol == 2 && status & 0x80 != 0).then_some((packet, Fcs::Unknown))
}
