//! Table output for people. Strings from a file are escaped, because they may contain control characters.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use zigbee_ota::container::ContainerIntegrity;
use zigbee_ota::file::FileHeader;
use zigbee_ota::{HardwareRange, ImageId};

use crate::input::InputFile;
use crate::payload_report;
use crate::printable;
use crate::warnings;

/// Prints one field: its name and its value.
pub fn row(out: &mut impl Write, name: &str, value: impl Display) -> io::Result<()> {
    writeln!(out, "  {name:<27} {value}")
}

pub fn file(path: &Path, opened: &InputFile<'_>, out: &mut impl Write) -> io::Result<()> {
    let InputFile { container, image, .. } = opened;
    writeln!(out, "{}", printable::path(path))?;
    row(out, "container", format_args!("{}, OTA file at byte {}", container.kind, opened.offset()))?;
    match container.integrity {
        ContainerIntegrity::Verified => row(out, "integrity", "verified")?,
        ContainerIntegrity::ChecksumFailed { offset } => {
            row(out, "integrity", format_args!("SUM FAILED at byte {offset}"))?
        }
        ContainerIntegrity::NoChecksum => row(out, "integrity", "no sum")?,
    }
    header(&image.header(), out)?;
    row(out, "layout", image.layout())?;
    elements(opened, out)?;
    payloads(opened, out)?;
    for text in warnings::faults(opened) {
        row(out, "FAULT", text)?;
    }
    warnings::notes(opened).iter().try_for_each(|text| row(out, "irregular", text))
}

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
    id(header.id, out)?;
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

fn payloads(opened: &InputFile<'_>, out: &mut impl Write) -> io::Result<()> {
    for payload_report::PayloadEntry { element, kind, state, detail } in payload_report::shown(opened) {
        let place = element.map_or("raw bytes".into(), |number| format!("element {number}"));
        let state = if state == "damaged" { "DAMAGED" } else { state };
        row(out, "payload", format_args!("{place}: {kind}, {state}: {detail}"))?;
    }
    Ok(())
}

/// Formats a number with its name, if it has one.
fn named(number: impl Display, name: Option<impl Display>) -> String {
    name.map_or_else(|| number.to_string(), |name| format!("{number}  {name}"))
}
