//! Subcommand `create`: a new OTA file from header fields and elements.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use zigbee_ota::file::{Element, FileHeader, FileName, FileWriter, HeaderString};
use zigbee_ota::{
    Encode, Eui64, HardwareRange, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion,
};

use crate::atomic_write::replace;
use crate::element_args::{ElementArgs, Piece};
use crate::error::{Failure, complain};
use crate::input::read;
use crate::number_args::{address, number};
use crate::printable;
use crate::text_args::header_string;

/// Create a file
///
/// Numbers are decimal, or hexadecimal after 0x. Without -t, -f and -l the file consists of its header.
#[derive(Args)]
pub struct Options {
    /// File to write; in a folder the file gets its recommended name
    #[arg(short, long, value_name = "OUT")]
    create: PathBuf,
    /// File version, 4 bytes
    #[arg(short, long, value_name = "VERSION", value_parser = number::<u32>)]
    version: u32,
    /// Manufacturer code, 2 bytes
    #[arg(short, long, value_name = "CODE", value_parser = number::<u16>)]
    manuf_id: u16,
    /// Image type, 2 bytes
    #[arg(short, long, value_name = "TYPE", value_parser = number::<u16>)]
    image_type: u16,
    /// Zigbee stack version, 2 bytes
    #[arg(short, long, value_name = "VERSION", default_value = "2", value_parser = number::<u16>)]
    stack_version: u16,
    /// Header string: text for people, at most 32 bytes
    #[arg(
        long = "header_string", visible_alias = "header-string", value_name = "TEXT", default_value = "",
        hide_default_value = true, value_parser = header_string
    )]
    header_string: HeaderString,
    /// Security credential version, 1 byte
    #[arg(long, value_name = "VERSION", value_parser = number::<u8>)]
    security_credentials: Option<u8>,
    /// Upgrade file destination: IEEE address of the only device that the file is for, most significant byte first
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    upgrade_dest: Option<Eui64>,
    /// Minimum hardware version, 2 bytes
    #[arg(long, value_name = "VERSION", requires = "max_hw_ver", value_parser = number::<u16>)]
    min_hw_ver: Option<u16>,
    /// Maximum hardware version, 2 bytes
    #[arg(long, value_name = "VERSION", requires = "min_hw_ver", value_parser = number::<u16>)]
    max_hw_ver: Option<u16>,
    #[command(flatten)]
    pieces: ElementArgs,
}

impl Options {
    fn header(&self) -> FileHeader<'static> {
        let hardware = self.min_hw_ver.zip(self.max_hw_ver);
        let mut header = FileHeader::new(ImageId::new(self.manuf_id, self.image_type, self.version))
            .with_stack(StackVersion(self.stack_version))
            .with_header_string(self.header_string);
        header.credential = self.security_credentials.map(SecurityCredentialVersion);
        header.destination = self.upgrade_dest;
        header.hardware =
            hardware.map(|(min, max)| HardwareRange { min: HardwareVersion(min), max: HardwareVersion(max) });
        header
    }

    /// Returns the path of the output file.
    fn path(&self, id: ImageId) -> PathBuf {
        if self.create.is_dir() {
            return self.create.join(FileName::new(id).to_string());
        }
        self.create.clone()
    }
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let header = options.header();
    let path = options.path(header.id);
    // All inputs are read before anything is written, because the output may be one of the inputs.
    let data = options.pieces.0.iter().map(data).collect::<Result<Vec<_>, _>>()?;
    let elements: Vec<Element<'_>> =
        options.pieces.0.iter().zip(&data).map(|(piece, data)| Element { tag: piece.tag, data }).collect();
    let writer = FileWriter::new(header, &elements).map_err(|error| Failure::at(&path, error))?;
    if replace(&path, &writer.to_vec())? {
        writeln!(out, "{}: {} bytes", printable::path(&path), writer.encoded_len())?;
    }
    if elements.is_empty() {
        complain(Failure::at(&path, "note: a header without an element, for there was no -t, -f or -l"));
    }
    Ok(true)
}

/// Returns the data of an element.
fn data(piece: &Piece) -> Result<Vec<u8>, Failure> {
    match (&piece.file, piece.length) {
        (Some(file), None) => read(file),
        (Some(file), Some(length)) => {
            let data = read(file)?;
            if usize::try_from(length) != Ok(data.len()) {
                let reason =
                    format!("{} bytes, but -l says {length}; leave -l out or make both equal", data.len());
                return Err(Failure::at(file, reason));
            }
            Ok(data)
        }
        (None, length) => {
            let length = length.unwrap_or_default();
            let too_long = || Failure::Said(format!("-l {length}: more bytes than this machine can hold"));
            Ok(vec![0; usize::try_from(length).map_err(|_| too_long())?])
        }
    }
}
