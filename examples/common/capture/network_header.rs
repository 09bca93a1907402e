//! Network header (Zigbee specification, section 3.3.1).
//!
//! ```text
//! frame control (2)   destination (2)   source (2)   radius (1)   sequence number (1)
//!  | type (bits 0, 1)    version (bits 2 to 5)    multicast (bit 8)    security (bit 9)    source route (bit 10)
//!  | destination IEEE address (bit 11)    source IEEE address (bit 12)
//! destination IEEE (8)   source IEEE (8)   multicast control (1)   relays {count (1), index (1), addresses (2 each)}   payload
//! ```

use super::slice_reader::{array, take, u8, u16};

/// Network header of a data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkHeader {
    pub destination: u16,
    pub source: u16,
    pub source_ieee: Option<[u8; 8]>,
    pub is_secured: bool,
    /// Length of the header in bytes.
    pub len: usize,
}

/// Parses the header of a network frame. Returns `None` if the frame is not a data frame of a Zigbee network.
pub fn parse(frame: &[u8]) -> Option<NetworkHeader> {
    const DATA: u16 = 0;
    let mut rest = frame;
    let control = u16(&mut rest)?;
    let bit = |number: u16| control & 1 << number != 0;
    let version = control >> 2 & 0x0f;
    if control & 0b11 != DATA || !matches!(version, 1 | 2) {
        return None;
    }
    let (destination, source) = (u16(&mut rest)?, u16(&mut rest)?);
    let [_radius, _sequence] = array(&mut rest)?;
    if bit(11) {
        array::<8>(&mut rest)?;
    }
    let source_ieee = if bit(12) { Some(array(&mut rest)?) } else { None };
    if bit(8) {
        u8(&mut rest)?;
    }
    if bit(10) {
        let [count, _index] = array(&mut rest)?;
        take(&mut rest, 2 * usize::from(count))?;
    }
    Some(NetworkHeader {
        destination,
        source,
        source_ieee,
        is_secured: bit(9),
        len: frame.len() - rest.len(),
    })
}
