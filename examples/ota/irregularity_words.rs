//! Errors and irregularities in the format of a file, in the words of the JSON field `irregularities`. Scripts depend
//! on these words, so they must not change. The texts for people come from the findings of the library instead.

use zigbee_ota::container::{ContainerIntegrity, ContainerKind};
use zigbee_ota::file::BodyLayout;
use zigbee_ota::{DecodeError, DecodeErrorKind};

use crate::input_files::InputFile;

/// Returns the errors that make the file useless.
pub fn faults(opened: &InputFile<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    if opened.image.layout() == BodyLayout::Truncated {
        let (missing, total) = (opened.image.missing(), opened.image.header().total_size);
        faults.push(format!("truncated: {missing} of {total} bytes are missing"));
    }
    if let ContainerIntegrity::ChecksumFailed { offset } = opened.container.integrity {
        let kind = opened.container.kind;
        faults.push(format!("the sum of the container ({kind}), at byte {offset}, is not that of its bytes"));
    }
    faults
}

/// Returns the deviations of the file from the specification, except deviations of elements.
pub fn notes(opened: &InputFile<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if opened.container.kind != ContainerKind::None {
        notes.push(format!("in a container ({}), at byte {}", opened.container.kind, opened.offset()));
    } else if opened.after() > 0 {
        notes.push(format!("{} bytes after the total image size", opened.after()));
    }
    header(opened, &mut notes);
    body(opened, &mut notes);
    notes
}

fn header(opened: &InputFile<'_>, notes: &mut Vec<String>) {
    let header = opened.image.header();
    let anomalies = header.anomalies();
    let mut note = |applies: bool, text: String| notes.extend(applies.then_some(text));
    note(
        anomalies.destination_missing,
        "device specific, but the header has no upgrade file destination".into(),
    );
    note(anomalies.reserved_bits, format!("reserved bits in the field control {:#06x}", header.control().0));
    note(anomalies.extra_bytes, format!("{} bytes after the known header fields", header.extra.len()));
    note(anomalies.other_minor_version, format!("header version 0x01{:02x}", header.minor));
    note(
        anomalies.hardware_range_empty,
        "minimum hardware version above the maximum: suits no device".into(),
    );
    note(anomalies.string_not_utf8, "the header string is no UTF-8".into());
    note(anomalies.string_after_nul, "the header string goes on after its NUL".into());
    note(anomalies.string_control_characters, "control characters in the header string".into());
}

fn body(opened: &InputFile<'_>, notes: &mut Vec<String>) {
    let rest = opened.image.raw_remainder().map_or(0, |rest| rest.bytes.len());
    match opened.image.layout() {
        BodyLayout::Elements | BodyLayout::Truncated => {}
        BodyLayout::TelinkF000 => notes.push(
            "element 0xf000 as Telink writes it: its length leaves out two bytes before the data".into(),
        ),
        BodyLayout::RawBody => notes.push(format!("no elements: the body is {rest} raw bytes")),
        BodyLayout::ElementsThenRaw => notes.push(format!("{rest} raw bytes after the last element")),
        other => notes.push(format!("body layout {other}")),
    }
    if opened.image.bytes().len() == opened.image.header().header_len() {
        notes.push("a header without an element".into());
    }
}

/// Returns the irregularities of the elements. A file may have any number of them.
pub fn of_elements(opened: &InputFile<'_>) -> impl Iterator<Item = String> {
    let tags = opened.image.elements().map(|at| at.element.tag);
    let reserved = tags.filter(|tag| tag.is_reserved()).map(|tag| format!("reserved tag {:#06x}", tag.0));
    let not_last =
        matches!(opened.image.signature(), Err(DecodeError { kind: DecodeErrorKind::SignatureNotLast, .. }));
    reserved.chain(not_last.then(|| "elements after the signature".into()))
}
