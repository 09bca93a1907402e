//! Frames of the cluster as bytes, read and written by hand. The models share no code with the crate under test, so that a
//! fault of the crate's codec cannot hide.
//!
//! ```text
//! 0  1  frame control   0x01 from a client, 0x09 and 0x19 from a server, 0x08 and 0x18 Default Response to a client
//! 1  1  sequence number
//! 2  1  command
//! 3  n  payload
//! ```

/// Manufacturer code, image type and file version as encoded in frames: little endian, eight bytes.
pub type RawId = [u8; 8];

pub(super) const IMAGE_NOTIFY: u8 = 0x00;
pub(super) const QUERY_REQUEST: u8 = 0x01;
pub(super) const QUERY_RESPONSE: u8 = 0x02;
pub(super) const BLOCK_REQUEST: u8 = 0x03;
pub(super) const PAGE_REQUEST: u8 = 0x04;
pub(super) const BLOCK_RESPONSE: u8 = 0x05;
pub(super) const END_REQUEST: u8 = 0x06;
pub(super) const END_RESPONSE: u8 = 0x07;
/// Global command, unlike the commands above.
const DEFAULT_RESPONSE: u8 = 0x0b;

pub(super) const SUCCESS: u8 = 0x00;
pub(super) const FAILURE: u8 = 0x01;
pub(super) const MALFORMED_COMMAND: u8 = 0x80;
pub(super) const UNSUP_CLUSTER_COMMAND: u8 = 0x81;
pub(super) const INVALID_FIELD: u8 = 0x85;
pub(super) const ABORT: u8 = 0x95;
pub(super) const INVALID_IMAGE: u8 = 0x96;
pub(super) const WAIT_FOR_DATA: u8 = 0x97;
pub(super) const NO_IMAGE_AVAILABLE: u8 = 0x98;

/// Field control bits of an Image Block Request.
pub(super) const HAS_IEEE: u8 = 0x01;
pub(super) const HAS_PERIOD: u8 = 0x02;

/// Frame control of a request from a client, and of a command from a server that asks for a Default Response.
pub(super) const FROM_CLIENT: u8 = 0x01;
pub(super) const FROM_SERVER: u8 = 0x09;
/// Frame control of a command from a server that asks for no Default Response.
pub(super) const FROM_SERVER_QUIET: u8 = 0x19;

/// Reader of little-endian numbers.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(super) fn word(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn long(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
}

/// Frame taken apart: sequence number, command and payload. `None` for what is too short or manufacturer specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) control: u8,
    pub(super) number: u8,
    /// Command of the cluster; `None` for a Default Response or another global command.
    pub(super) command: Option<u8>,
    /// Command and status of a Default Response.
    pub(super) default_response: Option<(u8, u8)>,
    pub(super) payload: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) fn of(frame: &'a [u8]) -> Option<Self> {
        let (&[control, number, command], payload) = frame.split_first_chunk()?;
        match (control & 0x07, command, payload) {
            (1, ..) => {
                Some(Self { control, number, command: Some(command), default_response: None, payload })
            }
            (0, DEFAULT_RESPONSE, &[command, status, ..]) => Some(Self {
                control,
                number,
                command: None,
                default_response: Some((command, status)),
                payload,
            }),
            _ => None,
        }
    }
}

/// Builds a command of the cluster.
pub(super) fn command(control: u8, number: u8, command: u8, payload: &[&[u8]]) -> Vec<u8> {
    let mut frame = vec![control, number, command];
    payload.iter().for_each(|part| frame.extend_from_slice(part));
    frame
}

/// Builds a Default Response of a server, `control` 0x18, or of a client, `control` 0x10.
pub(super) fn default_response(control: u8, number: u8, command: u8, status: u8) -> Vec<u8> {
    vec![control, number, DEFAULT_RESPONSE, command, status]
}

/// Returns the version in an id.
pub(super) fn version(id: RawId) -> u32 {
    let [.., a, b, c, d] = id;
    u32::from_le_bytes([a, b, c, d])
}

/// Returns the id of the image in an OTA file: manufacturer code, image type and version at byte 10.
pub(super) fn id_of(file: &[u8]) -> RawId {
    file.get(10..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
}
