//! Table output for people. Strings from a file are escaped, because they may contain control characters.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha512};
use zigbee_ota::container::ContainerIntegrity;
use zigbee_ota::file::{FileHeader, FileName};
use zigbee_ota::inspect::{Inspection, Severity};
use zigbee_ota::signature::integrity::IntegrityCode;
use zigbee_ota::{HardwareRange, ImageId};

use crate::file_summary::Summary;
use crate::input_files::InputFile;
use crate::payload_report::PayloadEntry;
use crate::terminal_escape;

/// Prints one field: its name and its value.
pub fn row(out: &mut impl Write, name: &str, value: impl Display) -> io::Result<()> {
    writeln!(out, "  {name:<27} {value}")
}

/// Prints a file: first the summary in five lines, then details.
pub fn file(
    path: &Path,
    opened: &InputFile<'_>,
    inspection: &Inspection<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let InputFile { container, image, .. } = opened;
    let summary = Summary::new(opened, inspection);
    writeln!(out, "{}", terminal_escape::path(path))?;
    row(out, "what", summary.what())?;
    row(out, "for", summary.target())?;
    row(out, "whole", summary.whole())?;
    row(out, "signed", summary.signed())?;
    row(out, "payload", summary.payload())?;
    for finding in inspection.findings() {
        let label = match finding.severity {
            Severity::Wrong => "WRONG",
            Severity::Doubtful => "DOUBTFUL",
            Severity::Note => "note",
        };
        row(out, label, finding)?;
    }
    row(out, "file size", opened.given.len())?;
    let hash = Sha512::digest(opened.given);
    row(out, "file SHA-512", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())?;
    row(out, "recommended name", FileName::new(image.header().id))?;
    row(out, "container", format_args!("{}, OTA file at byte {}", container.kind, opened.offset()))?;
    match container.integrity {
        ContainerIntegrity::Verified => row(out, "container checksums", "match")?,
        ContainerIntegrity::ChecksumFailed { offset } => {
            row(out, "container checksums", format_args!("FAILED at byte {offset}"))?
        }
        ContainerIntegrity::NoChecksum => row(out, "container checksums", "none")?,
    }
    match inspection.integrity_code() {
        IntegrityCode::Absent => row(out, "integrity code", "none")?,
        IntegrityCode::Ok(form) => row(out, "integrity code", format_args!("matches ({})", form.name()))?,
        IntegrityCode::Bad => row(out, "integrity code", "WRONG")?,
    }
    header(&image.header(), out)?;
    row(out, "layout", image.layout())?;
    elements(opened, out)?;
    payloads(opened, inspection, out)?;
    for range in inspection.uncovered().take(MOST_RANGES) {
        row(
            out,
            "in no checksum",
            format_args!("bytes {} to {} ({})", range.start, range.end - 1, range.len()),
        )?;
    }
    Ok(())
}

/// Maximum number of ranges that are printed.
const MOST_RANGES: usize = 20;

/// Prints the identity of an image: manufacturer code, image type and file version.
pub fn id(id: ImageId, out: &mut impl Write) -> io::Result<()> {
    row(out, "manufacturer code", id.manufacturer)?;
    row(out, "image type", named(format_args!("{:#06x}", id.image_type.0), id.image_type.name()))?;
    let decimal = id.version.is_bcd().then(|| id.version.to_string());
    row(out, "file version", named(format_args!("{:#010x}", id.version.0), decimal))
}

fn header(header: &FileHeader<'_>, out: &mut impl Write) -> io::Result<()> {
    row(out, "header version", format_args!("0x01{:02x}", header.minor))?;
    row(out, "header length", header.header_len())?;
    row(out, "field control", format_args!("{:#06x}", header.control().0))?;
    row(out, "manufacturer code", header.id.manufacturer)?;
    let image_type = header.id.image_type;
    row(out, "image type", named(format_args!("{:#06x}", image_type.0), image_type.name()))?;
    // Most makers use another format of version numbers than the OTA specification recommends.
    let version = header.id.version;
    let scheme = version.is_bcd().then(|| format!("{version}, if the maker uses the specification's scheme"));
    row(out, "file version", named(format_args!("{0:#010x}  {0}", version.0), scheme))?;
    row(out, "stack version", named(format_args!("{:#06x}", header.stack.0), header.stack.name()))?;
    // `Debug` of a string escapes control characters.
    row(out, "header string", format_args!("{:?}", header.header_string.to_string()))?;
    row(out, "total image size", header.total_size)?;
    if let Some(version) = header.credential {
        row(out, "security credential version", named(format_args!("{:#04x}", version.0), version.name()))?;
    }
    if let Some(address) = header.destination {
        row(out, "upgrade file destination", address)?;
    }
    hardware(header.hardware, out)
}

/// Prints the range of hardware versions, if the file has one.
pub fn hardware(range: Option<HardwareRange>, out: &mut impl Write) -> io::Result<()> {
    let Some(HardwareRange { min, max }) = range else {
        return Ok(());
    };
    row(out, "minimum hardware version", format_args!("{:#06x}  {min}", min.0))?;
    row(out, "maximum hardware version", format_args!("{:#06x}  {max}", max.0))
}

fn elements(opened: &InputFile<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut elements = opened.image.elements().peekable();
    if elements.peek().is_some() {
        if opened.offset() > 0 {
            row(
                out,
                "offsets of elements",
                format_args!("from the OTA header, at byte {} of the file", opened.offset()),
            )?;
        }
        writeln!(out, "  {:<6}  {:<40}  {:>10}  {:>10}", "tag", "element", "offset", "length")?;
    }
    for at in elements {
        let tag = at.element.tag;
        let name = tag.name().unwrap_or(match tag.0 {
            0xf000.. => "manufacturer specific",
            _ => "reserved",
        });
        writeln!(out, "  {:#06x}  {name:<40}  {:>10}  {:>10}", tag.0, at.offset, at.length)?;
    }
    if let Some(rest) = opened.image.raw_remainder() {
        let len = rest.bytes.len();
        writeln!(out, "  {:<6}  {:<40}  {:>10}  {len:>10}", "", "raw bytes", rest.offset)?;
    }
    Ok(())
}

/// Prints the payloads. Equal payloads of consecutive elements share one line.
fn payloads(opened: &InputFile<'_>, inspection: &Inspection<'_>, out: &mut impl Write) -> io::Result<()> {
    let id = opened.image.header().id;
    let mut entries = inspection.payloads().map(|payload| PayloadEntry::for_people(&payload, id)).peekable();
    while let Some(first) = entries.next() {
        let mut last = first.element;
        let is_equal = |next: &PayloadEntry| {
            (next.kind, next.state, &next.detail) == (first.kind, first.state, &first.detail)
        };
        while let Some(next) = entries.next_if(is_equal) {
            last = next.element;
        }
        let place = match (first.element, last) {
            (Some(first), Some(last)) if first != last => format!("elements {first} to {last}"),
            (Some(number), _) => format!("element {number}"),
            (None, _) => "raw bytes".into(),
        };
        let state = if first.state == "damaged" { "DAMAGED" } else { first.state };
        row(out, "payload", format_args!("{place}: {}, {state}: {}", first.kind, first.detail))?;
    }
    Ok(())
}

/// Formats a number with its name, if it has one.
fn named(number: impl Display, name: Option<impl Display>) -> String {
    name.map_or_else(|| number.to_string(), |name| format!("{number}  {name}"))
}
