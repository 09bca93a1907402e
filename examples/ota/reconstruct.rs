//! Subcommand `reconstruct`: reassembles images from captured frames.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use zigbee_ota::aps::Address;
use zigbee_ota::file::FileName;
use zigbee_ota::inspect::{Inspection, Severity};
use zigbee_ota::observer::{Download, DownloadEnd};
use zigbee_ota::zcl::{Direction, Frame, Quirks};

use crate::atomic_write::replace;
use crate::capture::hex_line_reader::Fault;
use crate::capture::{self, Decoder, Item, Key};
use crate::error::{Failure, complain};
use crate::overheard_image_assembly::Recovered;
use crate::{download_picture, download_table};

/// Maximum size of a written image. The program needs this limit, because the size of an image with gaps is known only
/// from a frame, which any node can forge.
const MOST: u32 = 1 << 28;

/// Maximum number of gaps printed for each image.
const NAMED: usize = 32;

/// Reassemble images from captured frames
///
/// Each block names its image, so a block to one client can fill a gap in the blocks to another client. A table shows
/// the progress, the pace and the losses of each device. Exit status 0 when every image is complete, 1 when an image
/// has gaps or contradicting blocks or is no OTA file that a device should get, 2 when there is no block.
#[derive(Args)]
#[command(after_help = capture::HELP)]
pub struct Options {
    /// File to write; in a folder each image gets its recommended name
    #[arg(short = 'o', long, value_name = "OUT")]
    to: Option<PathBuf>,
    /// Also write images with gaps, and fill the gaps with 0xFF
    #[arg(long, requires = "to")]
    partial: bool,
    /// SVG file to write: a picture for each device with the offset of each block over its time, with gaps and repeated
    /// blocks
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
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
    let images = recovered.images();
    if images.is_empty() {
        return Err(Failure::nothing(name, "no block of an image: nothing to reconstruct"));
    }
    if let (Some(to), [_, _, ..]) = (&options.to, images.as_slice())
        && !to.is_dir()
    {
        let reason = format!("{} images were heard; expected a folder to write them to", images.len());
        return Err(Failure::at(to, reason));
    }
    let mut well = recovered.error.is_none();
    for image in &images {
        well &= report(&recovered, image, out)?;
        let id = image.image();
        match &options.to {
            Some(to) if is_whole(image) || options.partial => write(to, &recovered, image)?,
            Some(_) if image.is_complete() => complain(format_args!(
                "{id}: not written, for blocks contradict each other and nobody can say which are right; --partial writes those \
                 heard first"
            )),
            Some(_) => complain(format_args!("{id}: not written; --partial fills the gaps with 0xFF")),
            None => {}
        }
    }
    download_table::print(&recovered, out)?;
    if let Some(path) = &options.picture {
        let (svg, left_out) = download_picture::draw(&recovered).map_err(|error| Failure::at(path, error))?;
        replace(path, svg.as_bytes())?;
        if left_out > 0 {
            let most = download_picture::MOST;
            complain(Failure::at(
                path,
                format_args!("the first {most} downloads; {left_out} more found no place"),
            ));
        }
    }
    if let Some(error) = recovered.error {
        complain(Failure::at(name, format_args!("blocks were left out: {error}")));
    }
    Ok(well)
}

/// Returns whether all bytes were overheard, and no block contradicts another block.
fn is_whole(image: &Download<'_>) -> bool {
    image.is_complete() && image.contradictions().next().is_none()
}

/// Observes all frames of the capture.
fn listen(options: &Options, name: &Path) -> Result<Recovered, Failure> {
    let (client, server) = (Address::UNKNOWN, Address::new(0, 1));
    let mut recovered = Recovered::new();
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
                let (time, from, to) = match (&item, frame.message.direction()) {
                    (Item::Frame(heard), _) => (heard.time, heard.from, heard.to),
                    // In an input of lines, frames have neither times nor addresses.
                    (Item::Line(..), Direction::ToServer) => (None, client, server),
                    (Item::Line(..), Direction::ToClient) => (None, server, client),
                };
                recovered.hear(time, from, to, &frame);
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

/// Prints what was overheard of an image. Returns whether the image is a complete OTA file without a finding of the
/// severity `Wrong`.
fn report(recovered: &Recovered, image: &Download<'_>, out: &mut impl Write) -> io::Result<bool> {
    let gaps: Vec<_> = image.gaps().collect();
    let missing: u64 = gaps.iter().map(|gap| u64::from(gap.end - gap.start)).sum();
    let whole = is_whole(image);
    let size = image.size().map_or_else(|| "an unknown number of".into(), |size| size.to_string());
    write!(
        out,
        "{}: {} of {size} bytes in {} blocks: ",
        image.image(),
        image.bytes(),
        image.counts().blocks
    )?;
    match (whole, missing, image.size()) {
        (true, ..) if image.header_size().is_none() => writeln!(out, "all bytes, but no OTA file"),
        (true, ..) => writeln!(out, "whole"),
        (false, 0, Some(_)) => writeln!(out, "no gaps, but blocks do not agree"),
        (false, 0, None) => {
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
    if image.size().is_none() {
        writeln!(out, "  gap: byte {} to an end that is not known", image.heard_end())?;
    }
    if let Some(first) = image.contradictions().next() {
        let count: u64 = image.contradictions().map(|range| u64::from(range.end - range.start)).sum();
        writeln!(
            out,
            "  blocks contradict each other in {count} bytes, first in byte {}: those heard first count",
            first.start
        )?;
    }
    notes(image, out)?;
    // All bytes were overheard, but may not form a valid OTA file.
    let bytes = if whole { recovered.filled(image, 0xff, MOST) } else { None };
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

/// Prints the inconsistencies between the overheard frames of an image.
fn notes(image: &Download<'_>, out: &mut impl Write) -> io::Result<()> {
    if let Some(sizes) = image.offered_sizes().filter(|sizes| sizes.start() < sizes.end()) {
        writeln!(out, "  note: offered with sizes from {} to {} bytes", sizes.start(), sizes.end())?;
    }
    if let (Some(header), Some(size)) = (image.header_size(), image.size())
        && header != size
    {
        writeln!(out, "  note: its header says {header} bytes")?;
    }
    if let Some(beyond) = image.size().and_then(|size| image.heard_end().checked_sub(size))
        && beyond > 0
    {
        writeln!(out, "  note: blocks reach {beyond} bytes beyond its end; they are left out")?;
    }
    match image.end() {
        Some(DownloadEnd::Reported(status)) => writeln!(out, "  the client ended the download: {status}"),
        Some(end) => writeln!(out, "  the download ended: {end}"),
        None => Ok(()),
    }
}

fn write(to: &Path, recovered: &Recovered, image: &Download<'_>) -> Result<(), Failure> {
    let path = if to.is_dir() { to.join(FileName::new(image.image()).to_string()) } else { to.to_owned() };
    let too_large = || Failure::at(&path, format_args!("more than {MOST} bytes; nothing is written"));
    replace(&path, &recovered.filled(image, 0xff, MOST).ok_or_else(too_large)?)?;
    Ok(())
}
