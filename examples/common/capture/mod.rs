//! Reader of captures of a Zigbee network. The reader returns the frames of the OTA Upgrade cluster with their
//! addresses and times.
//!
//! ```text
//! lines of frames ------------------------------------------------------------------+
//! tshark -T json -x --> packet JSON --+                                             |
//! pcap, pcapng --> packets -----------+-> link layer -> MAC frame                   |
//!                                           -> network layer (security, keys)       |
//!                                                -> APS layer (security, commands)  |
//!                                                     -> repeated frames left out   |
//!                                                          -> fragments joined -----+-> Item
//! ```
//!
//! The reader finds the form of the input from its first bytes. A [`Decoder`] decodes the packets one after another. A
//! key that the capture contains decrypts the packets after it. The program reads a file twice, so that the key also
//! decrypts the packets before it. The use of memory is limited for any input: the numbers of keys, addresses, recent
//! frames and incomplete messages have limits.
//!
//! The layers follow IEEE 802.15.4-2006 and the Zigbee specification (document 053474). Section numbers in the modules
//! refer to these documents.

mod aps_frame;
mod fragment_assembly;
pub mod hex_line_reader;
mod keys_and_decryption;
mod link_types;
mod mac_header;
mod network_header;
mod packet_decoder;
mod pcap_files;
mod repeated_frames;
mod slice_reader;
mod tshark_json;

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::time::Duration;

use zigbee_ota::aps::Address;

use hex_line_reader::{BadLine, Line};
#[allow(unused_imports, reason = "not every program gives keys")]
pub use keys_and_decryption::Key;
#[allow(unused_imports, reason = "not every program gives keys or packets by hand")]
pub use packet_decoder::{Counts, Decoder};

/// Explanation of the forms of captures, for the help text of a program.
#[allow(dead_code, reason = "not every program has a help")]
pub const HELP: &str = "\
A capture is a pcap or pcapng file of IEEE 802.15.4 frames (with or without FCS, TAP, ZEP, TI's sniffers), the JSON of \
`tshark -T json -x`, or lines: each line is a ZCL frame in hexadecimal. The direction may stand before the frame: \
`c2s ` (client to server) or `s2c ` (server to client).

The frames of a network are encrypted. The program finds a key that was sent in the capture while a device joined. The \
option --key gives other keys. tshark can decrypt the frames with its own keys:

    tshark -r CAPTURE -o 'uat:zigbee_pc_keys:\"KEY\",\"Normal\",\"\"' -T json -x";

/// Frame of the OTA Upgrade cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedFrame {
    /// PAN identifier of the network.
    pub pan: u16,
    pub from: Address,
    /// Address of the receiver. The endpoint is 255 for a frame to a group.
    pub to: Address,
    /// Time since the start of 1970 (UTC), if the capture has times.
    pub time: Option<Duration>,
    /// ZCL frame.
    pub bytes: Vec<u8>,
}

/// Item of an input: a line of a text, or a frame in a capture.
pub enum Item<'a> {
    /// Line of a text, with its number. The first line has the number 1.
    #[allow(dead_code, reason = "not every program names the lines")]
    Line(u64, Result<Line<'a>, BadLine>),
    Frame(CapturedFrame),
}

/// Form of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Lines,
    Pcap,
    PcapNg,
    TsharkJson,
    Gzip,
}

impl Form {
    /// Returns the form of an input, which follows from the first bytes `start` of the input.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Self::PcapNg,
            // Each of these magic numbers marks a pcap file: times with microseconds or nanoseconds, or the form with
            // interface numbers, in either byte order.
            [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xcd, 0x34, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..] => Self::Pcap,
            [0x1f, 0x8b, ..] => Self::Gzip,
            _ if start.trim_ascii_start().starts_with(b"[") => Self::TsharkJson,
            _ => Self::Lines,
        }
    }
}

/// Reason why reading stopped.
#[derive(Debug)]
pub enum Stop {
    /// Reading the input failed.
    Input(io::Error),
    /// The program cannot read inputs of this form.
    Form(&'static str),
    /// The receiver of the items returned an error.
    Receiver(io::Error),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) | Self::Receiver(error) => error.fmt(f),
            Self::Form(reason) => f.write_str(reason),
        }
    }
}

/// Function that receives each item of an input.
pub type Receiver<'a> = dyn FnMut(Item<'_>) -> io::Result<()> + 'a;

/// Reads an input of any form to its end.
pub fn read(input: impl Read, decoder: &mut Decoder, receiver: &mut Receiver<'_>) -> Result<(), Stop> {
    let (form, input) = form_of(input)?;
    match form {
        Form::Lines => hex_line_reader::read(input, receiver),
        Form::Pcap | Form::PcapNg => pcap_files::read(form, input, decoder, receiver),
        Form::TsharkJson => tshark_json::read(input, decoder, receiver),
        Form::Gzip => Err(Stop::Form("compressed by gzip; expected a capture that is unpacked")),
    }
}

/// Reads a file twice. The first pass only collects keys and addresses, because the capture may contain a key after the
/// frames that need the key.
pub fn read_twice(
    open: impl Fn() -> io::Result<std::fs::File>,
    decoder: &mut Decoder,
    receiver: &mut Receiver<'_>,
) -> Result<(), Stop> {
    let file = open().map_err(Stop::Input)?;
    // A named pipe can be read only once.
    if file.metadata().is_ok_and(|about| about.is_file()) {
        let (form, _) = form_of(open().map_err(Stop::Input)?)?;
        if !matches!(form, Form::Lines | Form::Gzip) {
            read(file, decoder, &mut |_| Ok(()))?;
            decoder.forget_frames();
            return read(open().map_err(Stop::Input)?, decoder, receiver);
        }
    }
    read(file, decoder, receiver)
}

/// Returns the form of an input, and an input that still contains its first bytes.
fn form_of(mut input: impl Read) -> Result<(Form, impl BufRead), Stop> {
    let mut start = Vec::new();
    input.by_ref().take(4).read_to_end(&mut start).map_err(Stop::Input)?;
    Ok((Form::of(&start), BufReader::new(Cursor::new(start).chain(input))))
}
