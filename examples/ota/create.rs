//! Subcommand `create`: creation of an OTA file from header fields and elements.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use zigbee_ota::file::{Element, FileHeader, FileName, FileWriter, HeaderString, Tag};
use zigbee_ota::inspect::{Inspection, Severity};
use zigbee_ota::{
    Encode, Eui64, HardwareRange, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion,
};

use crate::argument_parsers::{digits, header_string};
use crate::atomic_write::replace;
use crate::element_args::{ElementArgs, Piece};
use crate::error::{Failure, complain};
use crate::input_files::read;
use crate::number_args::{address, number};
use crate::terminal_escape;

/// Create a file
///
/// Numbers are decimal, or hexadecimal after 0x. Without -t, -f and -l the new file consists of the header alone. The
/// command prints the findings that `ota check` would report about the new file.
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
    /// Write the only element in the form of Telink's encrypted images: the tag is 0xf000, and the two bytes INFO,
    /// which the length of the element does not count, stand before the data; 01 0c without INFO
    #[arg(
        long, value_name = "INFO", num_args = 0..=1, require_equals = true, default_missing_value = "010c",
        value_parser = telink_info
    )]
    telink: Option<[u8; 2]>,
    #[command(flatten)]
    pieces: ElementArgs,
}

/// Parses the two bytes of the option for Telink's form.
fn telink_info(text: &str) -> Result<[u8; 2], String> {
    digits(text)?.try_into().map_err(|_| "expected two bytes, such as 010c".into())
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
    // The command reads all inputs before it writes the output, because the output file may be one of the input files.
    let inputs = options.pieces.0.iter().map(Input::read).collect::<Result<Vec<_>, _>>()?;
    let lengths = inputs.iter().map(|input| Element::HEAD_LEN as u64 + input.len());
    let total = header.header_len() as u64 + lengths.sum::<u64>();
    if u32::try_from(total).is_err() {
        let reason = format!("{total} bytes, and the total image size in a header is at most {}", u32::MAX);
        return Err(Failure::at(&path, reason));
    }
    let data = inputs.into_iter().map(Input::into_bytes).collect::<Result<Vec<_>, _>>()?;
    let elements: Vec<Element<'_>> =
        options.pieces.0.iter().zip(&data).map(|(piece, data)| Element { tag: piece.tag, data }).collect();
    let bytes = match options.telink {
        Some(info) => telink_file(header, &elements, info)?,
        None => {
            let writer = FileWriter::new(header, &elements).map_err(|error| Failure::at(&path, error))?;
            encoded(&writer)?
        }
    };
    if replace(&path, &bytes)? {
        let ImageId { manufacturer, image_type, version } = header.id;
        write!(
            out,
            "{}: {} bytes: manufacturer {manufacturer}, ",
            terminal_escape::path(&path),
            bytes.len()
        )?;
        writeln!(out, "image type {:#06x}, version {1:#010x} ({1})", image_type.0, version.0)?;
    }
    if elements.is_empty() {
        complain(Failure::at(&path, "note: a header without an element, for there was no -t, -f or -l"));
    }
    let inspection = Inspection::of(&bytes);
    for finding in inspection.findings().filter(|finding| finding.severity > Severity::Note) {
        complain(Failure::at(&path, format_args!("warning: {finding}")));
    }
    Ok(true)
}

/// Returns the encoded file. The function returns an error if the file does not fit into memory.
fn encoded(file: &impl Encode) -> Result<Vec<u8>, Failure> {
    let mut bytes = zeros(file.encoded_len())?;
    file.encode(&mut bytes).map_err(|error| Failure::Said(error.to_string()))?;
    Ok(bytes)
}

/// Returns `count` zero bytes. The function returns an error if they do not fit into memory.
fn zeros(count: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(count).map_err(|error| Failure::Said(format!("{count} bytes: {error}")))?;
    bytes.resize(count, 0);
    Ok(bytes)
}

/// Returns a file whose only element has Telink's form.
fn telink_file(header: FileHeader<'_>, elements: &[Element<'_>], info: [u8; 2]) -> Result<Vec<u8>, Failure> {
    const TAG: Tag = Tag(0xf000);
    let [Element { tag: Tag::UPGRADE_IMAGE | TAG, data }] = elements else {
        return Err(Failure::Said(
            "--telink: expected exactly one element, without -t or with -t 0xf000".into(),
        ));
    };
    let too_long = |_| Failure::Said("--telink: too many bytes for one file".into());
    let length = u32::try_from(data.len()).map_err(too_long)?;
    let total = header.header_len() + Element::HEAD_LEN + info.len() + data.len();
    let mut bytes = encoded(&header.with_total_size(u32::try_from(total).map_err(too_long)?))?;
    bytes.try_reserve_exact(total - bytes.len()).map_err(|error| Failure::Said(error.to_string()))?;
    bytes.extend(TAG.0.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(info);
    bytes.extend(*data);
    Ok(bytes)
}

/// Source of the data of an element: a file, or a number of zeros.
enum Input {
    File(Vec<u8>),
    Zeros(u32),
}

impl Input {
    /// Reads the file of an element.
    fn read(piece: &Piece) -> Result<Self, Failure> {
        match (&piece.file, piece.length) {
            (Some(file), None) => Ok(Self::File(read(file)?)),
            (Some(file), Some(length)) => {
                let data = read(file)?;
                if usize::try_from(length) != Ok(data.len()) {
                    let reason = format!(
                        "{} bytes, but -l says {length}; leave -l out or make both equal",
                        data.len()
                    );
                    return Err(Failure::at(file, reason));
                }
                Ok(Self::File(data))
            }
            (None, length) => Ok(Self::Zeros(length.unwrap_or_default())),
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::File(data) => data.len() as u64,
            Self::Zeros(count) => u64::from(*count),
        }
    }

    fn into_bytes(self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::File(data) => Ok(data),
            Self::Zeros(count) => {
                let too_long =
                    |_| Failure::Said(format!("-l {count}: more bytes than this machine can hold"));
                zeros(usize::try_from(count).map_err(too_long)?)
            }
        }
    }
}
