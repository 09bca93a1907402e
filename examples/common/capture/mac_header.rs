//! MAC header of data frames (IEEE 802.15.4-2006, section 7.2).
//!
//! ```text
//! frame control (2)   sequence number (1)   destination {PAN (2), address (2 or 8)}   source {PAN (2), address (2 or 8)}   payload
//!  | type (3 bits)    security (bit 3)    intra-PAN (bit 6): no PAN of the source
//!  | destination mode (bits 10, 11)    version (bits 12, 13)    source mode (bits 14, 15): 0 absent, 2 short, 3 extended
//! ```

use super::slice_reader::{array, u8, u16};

/// Header of a MAC data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacHeader {
    pub pan: u16,
    /// Short address of the node that sent this hop: a relay, or the source of the message.
    pub source: Option<u16>,
}

/// Splits a MAC frame into header and payload. Returns `None` if the frame is not a data frame in the form that Zigbee
/// uses.
pub fn parse(mut frame: &[u8]) -> Option<(MacHeader, &[u8])> {
    const DATA: u16 = 1;
    let control = u16(&mut frame)?;
    let (is_secured, is_intra_pan, version) =
        (control & 1 << 3 != 0, control & 1 << 6 != 0, control >> 12 & 0b11);
    if control & 0b111 != DATA || is_secured || version > 1 {
        return None;
    }
    u8(&mut frame)?;
    let (destination_mode, source_mode) = (control >> 10 & 0b11, control >> 14);
    let destination_pan = if destination_mode == 0 { None } else { Some(u16(&mut frame)?) };
    address(destination_mode, &mut frame)?;
    let source_pan = match source_mode {
        0 => None,
        _ if is_intra_pan && destination_pan.is_some() => destination_pan,
        _ => Some(u16(&mut frame)?),
    };
    let source = address(source_mode, &mut frame)?;
    Some((MacHeader { pan: source_pan.or(destination_pan)?, source }, frame))
}

/// Removes an address field from the frame, and returns the address if it is a short address.
fn address(mode: u16, frame: &mut &[u8]) -> Option<Option<u16>> {
    match mode {
        0 => Some(None),
        2 => u16(frame).map(Some),
        3 => array::<8>(frame).map(|_| None),
        _ => None,
    }
}
