//! Subcommand `reconstruct`: images reassembled from captured frames.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::file::FileName;
use zigbee_ota::inspect::{Inspection, Severity};
use zigbee_ota::observer::{Conversation, Observer};
use zigbee_ota::zcl::{Direction, Frame, Quirks};

use crate::atomic_write::replace;
use crate::capture::lines::Fault;
use crate::capture::{self, Decoder, Item, Key};
use crate::error::{Failure, complain};
use crate::reassembly::{Download, Recovered};

/// Maximum size of a written image, because the size of an image with gaps is only claimed by a frame.
const MOST: u64 = 1 << 28;

/// Maximum number of gaps printed for each image.
const NAMED: usize = 32;

/// Reassemble images from captured frames
///
/// Each block names its image, so the blocks of several clients fill each other's gaps. Exit status 0 when
/// every image is complete, 1 when an image has gaps or contradicting blocks or is no OTA file that a device should get, 2
/// when there is no block.
#[derive(Args)]
#[command(after_help = capture::HELP)]
pub struct Options {
    /// File to write; in a folder each image gets its recommended name
    #[arg(short = 'o', long, value_name = "OUT")]
    to: Option<PathBuf>,
    /// Write images with gaps too, and fill the gaps with 0xFF
    #[arg(long, requires = "to")]
    partial: bool,
    /// Network key or link key, in 32 hexadecimal digits; may be repeated
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<Key>,
    /// Capture [default: standard input]
    #[arg(value_name = "CAPTURE")]
    frames: Option<PathBuf>,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let name = options.frames.as_deref().unwrap_or(Path::new("-"));
    let recovered = listen(options, name)?;
    let images: Vec<_> = recovered.images.iter().filter(|(_, image)| image.blocks > 0).collect();
    if images.is_empty() {
        return Err(Failure::nothing(name, "no block of an image: nothing to reconstruct"));
    }
    if let (Some(to), [_, _, ..]) = (&options.to, images.as_slice())
        && !to.is_dir()
    {
        let reason = format!("{} images were heard; expected a folder to write them to", images.len());
        return Err(Failure::at(to, reason));
    }
    let mut well = true;
    for (id, image) in images {
        let whole = image.is_whole();
        well &= report(*id, image, out)?;
        match &options.to {
            Some(to) if whole || options.partial => write(to, *id, image)?,
            Some(_) if !image.has_gaps() => complain(format_args!(
                "{id}: not written, for blocks contradict each other and nobody can say which are right; --partial writes those \
                 heard first"
            )),
            Some(_) => complain(format_args!("{id}: not written; --partial fills the gaps with 0xFF")),
            None => {}
        }
    }
    Ok(well)
}

/// Observes all frames of the capture.
fn listen(options: &Options, name: &Path) -> Result<Recovered, Failure> {
    let (client, server) = (Address::UNKNOWN, Address::new(0, 1));
    let mut observer = Observer::new([Conversation::EMPTY]);
    let mut recovered = Recovered::default();
    let mut decoder = Decoder::new(&options.keys);
    let mut receiver = |item: Item<'_>| {
        let (place, bytes) = match &item {
            Item::Line(_, Err(bad)) if bad.fault == Fault::Empty => return Ok(()),
            Item::Line(number, line) => {
                (format!("line {number}"), line.map(|line| line.frame).map_err(|bad| bad.to_string()))
            }
            Item::Frame(heard) => {
                (format!("a frame from {} to {}", heard.from, heard.to), Ok(&heard.bytes[..]))
            }
        };
        let frame =
            bytes.and_then(|bytes| Frame::decode(bytes, Quirks::all()).map_err(|error| error.to_string()));
        match frame {
            Ok(frame) => {
                let (from, to) = match (&item, frame.message.direction()) {
                    (Item::Frame(heard), _) => (heard.from, heard.to),
                    // Lines have no addresses.
                    (Item::Line(..), Direction::ToServer) => (client, server),
                    (Item::Line(..), Direction::ToClient) => (server, client),
                };
                recovered.take(&observer.observe(from, to, &frame));
            }
            Err(reason) => complain(Failure::at(name, format_args!("{place} is left out: {reason}"))),
        }
        Ok(())
    };
    let read = match &options.frames {
        Some(path) => capture::read_twice(|| File::open(path), &mut decoder, &mut receiver),
        None => capture::read(io::stdin().lock(), &mut decoder, &mut receiver),
    };
    read.map_err(|stop| Failure::at(name, stop))?;
    let missing = decoder.counts().to_string();
    if !missing.is_empty() {
        complain(Failure::at(name, missing));
    }
    Ok(recovered)
}

/// Prints what was overheard of an image; returns whether it is a complete OTA file with nothing wrong in it.
fn report(id: ImageId, image: &Download, out: &mut impl Write) -> io::Result<bool> {
    let (gaps, open) = image.gaps();
    let missing: u64 = gaps.iter().map(|gap| gap.end - gap.start).sum();
    let whole = image.is_whole();
    let size = image.size().map_or_else(|| "an unknown number of".into(), |size| size.to_string());
    let heard = image.size().map_or_else(|| image.heard(), |size| size - missing);
    write!(out, "{id}: {heard} of {size} bytes in {} blocks: ", image.blocks)?;
    match (whole, missing, open) {
        (true, ..) if image.header_size().is_none() => writeln!(out, "all bytes, but no OTA file"),
        (true, ..) => writeln!(out, "whole"),
        (false, 0, None) => writeln!(out, "no gaps, but blocks do not agree"),
        (false, 0, Some(_)) => {
            writeln!(out, "no gaps up to the last block, but neither offer nor header was heard")
        }
        (false, missing, _) => writeln!(out, "{missing} bytes missing in {} gaps", gaps.len()),
    }?;
    for gap in gaps.iter().take(NAMED) {
        writeln!(out, "  gap: bytes {} to {} ({})", gap.start, gap.end - 1, gap.end - gap.start)?;
    }
    if let Some(more) = gaps.len().checked_sub(NAMED).filter(|more| *more > 0) {
        writeln!(out, "  and {more} gaps more")?;
    }
    if let Some(place) = open {
        writeln!(out, "  gap: byte {place} to an end that is not known")?;
    }
    if let Some(first) = image.contradictions.first() {
        let count = image.contradictions.len();
        writeln!(
            out,
            "  blocks contradict each other in {count} bytes, first in byte {first}: those heard first count"
        )?;
    }
    notes(image, out)?;
    // All bytes were overheard, but may not form a valid OTA file.
    let bytes = if whole { image.filled(0xff, MOST) } else { None };
    let mut well = whole;
    if let Some(bytes) = bytes {
        for finding in Inspection::of(&bytes).findings() {
            let word = match finding.severity {
                Severity::Wrong => "WRONG",
                Severity::Doubtful => "doubtful",
                Severity::Note => continue,
            };
            well &= finding.severity != Severity::Wrong;
            writeln!(out, "  {word}: {finding}")?;
        }
    }
    Ok(well)
}

/// Prints inconsistencies of an image.
fn notes(image: &Download, out: &mut impl Write) -> io::Result<()> {
    if image.offered.len() > 1 {
        writeln!(out, "  note: offered with the sizes {:?}", image.offered)?;
    }
    if let (Some(header), Some(size)) = (image.header_size(), image.size())
        && u64::from(header) != size
    {
        writeln!(out, "  note: its header says {header} bytes")?;
    }
    if image.beyond() > 0 {
        writeln!(out, "  note: blocks reach {} bytes beyond its end; they are left out", image.beyond())?;
    }
    match image.ended {
        Some(status) => writeln!(out, "  the client ended the download: {status}"),
        None => Ok(()),
    }
}

fn write(to: &Path, id: ImageId, image: &Download) -> Result<(), Failure> {
    let path = if to.is_dir() { to.join(FileName::new(id).to_string()) } else { to.to_owned() };
    let too_large = || Failure::at(&path, format_args!("more than {MOST} bytes; nothing is written"));
    replace(&path, &image.filled(0xff, MOST).ok_or_else(too_large)?)?;
    Ok(())
}
