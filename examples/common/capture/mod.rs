//! Captures of a Zigbee network, read to the frames of the OTA Upgrade cluster with their addresses and times.
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
//! The first bytes of the input tell its form. A [`Decoder`] takes the packets one after another. The keys that travel in the
//! capture are used from then on; a file is read twice, so that they open earlier frames, too. All memory is bounded, whatever
//! the bytes are: numbers of keys, addresses, remembered frames and unfinished fragments have limits.
//!
//! Layers follow IEEE 802.15.4-2006 and the Zigbee specification (document 053474), whose sections the modules name.

mod aps;
mod bytes;
mod decoder;
mod files;
mod fragments;
mod keys;
pub mod lines;
mod link;
mod mac;
mod network;
mod repeats;
mod tshark;

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::time::Duration;

use zigbee_ota::aps::Address;

#[allow(unused_imports, reason = "not every program gives keys or packets by hand")]
pub use decoder::{Counts, Decoder};
#[allow(unused_imports, reason = "not every program gives keys")]
pub use keys::Key;
use lines::{BadLine, Line};

/// Explanation of captures for the help of a program.
#[allow(dead_code, reason = "not every program has a help")]
pub const HELP: &str = "\
A capture is a pcap or pcapng file of IEEE 802.15.4 frames (with or without FCS, TAP, ZEP, TI's sniffers), the JSON of \
`tshark -T json -x`, or lines: a ZCL frame in hexadecimal, which `c2s ` or `s2c ` (client to server or back) may precede.

Frames of a network are encrypted. A key that was captured while a device joined is found; other keys are given by --key. \
With tshark and its keys:

    tshark -r CAPTURE -o 'uat:zigbee_pc_keys:\"KEY\",\"Normal\",\"\"' -T json -x";

/// Frame of the OTA Upgrade cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedFrame {
    /// PAN identifier of the network.
    pub pan: u16,
    pub from: Address,
    /// Receiver; its endpoint is 255 for a frame to a group.
    pub to: Address,
    /// Time since the start of 1970 (UTC), if the capture has times.
    pub time: Option<Duration>,
    /// ZCL frame.
    pub bytes: Vec<u8>,
}

/// What an input contains: a line of a text, or a frame in a capture.
pub enum Item<'a> {
    /// Line with its number from 1.
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
    /// Tells the form by the first bytes of the input.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Self::PcapNg,
            // Seconds with micro- or nanoseconds, or the form with interface numbers; each in either byte order.
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
    /// The input failed.
    Input(io::Error),
    /// The input is of a form that is not read.
    Form(&'static str),
    /// The receiver of the items failed.
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

/// Receiver of items.
pub type Receiver<'a> = dyn FnMut(Item<'_>) -> io::Result<()> + 'a;

/// Reads an input of any form to its end.
pub fn read(input: impl Read, decoder: &mut Decoder, receiver: &mut Receiver<'_>) -> Result<(), Stop> {
    let (form, input) = form_of(input)?;
    match form {
        Form::Lines => lines::read(input, receiver),
        Form::Pcap | Form::PcapNg => files::read(form, input, decoder, receiver),
        Form::TsharkJson => tshark::read(input, decoder, receiver),
        Form::Gzip => Err(Stop::Form("compressed by gzip; expected a capture that is unpacked")),
    }
}

/// Reads a file twice, first for its keys and addresses alone: a key may be sent later than the frames that it opens.
pub fn read_twice(
    open: impl Fn() -> io::Result<std::fs::File>,
    decoder: &mut Decoder,
    receiver: &mut Receiver<'_>,
) -> Result<(), Stop> {
    let file = open().map_err(Stop::Input)?;
    // A pipe under a name can be read only once.
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

/// Reads the first bytes of an input, and puts them back.
fn form_of(mut input: impl Read) -> Result<(Form, impl BufRead), Stop> {
    let mut start = Vec::new();
    input.by_ref().take(4).read_to_end(&mut start).map_err(Stop::Input)?;
    Ok((Form::of(&start), BufReader::new(Cursor::new(start).chain(input))))
}
