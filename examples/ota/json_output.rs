//! JSON output: one object per file. Scripts depend on the order and the types of the keys.

use std::io::{self, Write};
use std::path::Path;

use serde::{Serialize, Serializer};
use zigbee_ota::file::{FileHeader, PlacedElement};
use zigbee_ota::inspect::{Finding, Inspection};

use crate::input_files::{InputFile, NotOta};
use crate::irregularity_words;
use crate::matter_image_header::MatterImage;
use crate::payload_report::PayloadEntry;
use crate::terminal_escape;

/// OTA file. The lists are serialized while the file is read, so that a file with very many elements takes no more
/// memory than other files.
#[derive(Serialize)]
pub struct File<'a> {
    file: String,
    ota: bool,
    container: Place,
    layout: &'static str,
    header: Fields,
    #[serde(serialize_with = "elements")]
    elements: &'a InputFile<'a>,
    rest: Option<Rest>,
    strict: bool,
    missing: usize,
    after: usize,
    #[serde(serialize_with = "irregularities")]
    irregularities: &'a InputFile<'a>,
    #[serde(serialize_with = "payloads")]
    payloads: &'a Inspection<'a>,
    #[serde(serialize_with = "findings")]
    findings: &'a Inspection<'a>,
}

#[derive(Serialize)]
pub struct NoFile {
    file: String,
    ota: bool,
    error: String,
    /// Header of a Matter OTA image.
    matter: Option<Box<MatterImage>>,
    findings: Vec<FoundEntry>,
}

/// Finding of the inspection.
#[derive(Serialize)]
struct FoundEntry {
    severity: &'static str,
    name: &'static str,
    /// Offset in the input file.
    offset: usize,
    text: String,
}

fn elements<S: Serializer>(opened: &InputFile<'_>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(opened.image.elements().map(|at| Entry::new(&at)))
}

fn irregularities<S: Serializer>(opened: &InputFile<'_>, to: S) -> Result<S::Ok, S::Error> {
    let whole = irregularity_words::faults(opened).into_iter().chain(irregularity_words::notes(opened));
    to.collect_seq(whole.chain(irregularity_words::of_elements(opened)))
}

fn payloads<S: Serializer>(inspection: &Inspection<'_>, to: S) -> Result<S::Ok, S::Error> {
    let id = inspection.image().expect("an OTA file").header().id;
    to.collect_seq(inspection.payloads().map(|payload| PayloadEntry::new(&payload, id)))
}

fn findings<S: Serializer>(inspection: &Inspection<'_>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(inspection.findings().map(|finding| FoundEntry::new(&finding)))
}

#[derive(Serialize)]
struct Place {
    kind: &'static str,
    offset: usize,
    integrity: &'static str,
}

#[derive(Serialize)]
struct Fields {
    header_version: u16,
    header_length: usize,
    field_control: u16,
    manufacturer_code: u16,
    image_type: u16,
    file_version: u32,
    stack_version: u16,
    header_string_hex: String,
    total_image_size: u32,
    security_credential_version: Option<u8>,
    upgrade_file_destination: Option<String>,
    min_hardware_version: Option<u16>,
    max_hardware_version: Option<u16>,
}

#[derive(Serialize)]
struct Entry {
    tag: u16,
    length: u32,
    offset: usize,
    data_offset: usize,
}

#[derive(Serialize)]
struct Rest {
    offset: usize,
    length: usize,
}

impl<'a> File<'a> {
    pub fn new(path: &Path, opened: &'a InputFile<'a>, inspection: &'a Inspection<'a>) -> Self {
        let InputFile { container, image, .. } = opened;
        Self {
            file: path.to_string_lossy().into_owned(),
            ota: true,
            container: Place {
                kind: container.kind.name(),
                offset: opened.offset(),
                integrity: container.integrity.name(),
            },
            layout: image.layout().name(),
            header: Fields::new(&image.header()),
            elements: opened,
            rest: image.raw_remainder().map(|rest| Rest { offset: rest.offset, length: rest.bytes.len() }),
            strict: opened.strict,
            missing: image.missing(),
            after: opened.after(),
            irregularities: opened,
            payloads: inspection,
            findings: inspection,
        }
    }
}

impl NoFile {
    pub fn new(path: &Path, why: NotOta) -> Self {
        let error = why.to_string();
        let findings = match &why {
            NotOta::Foreign(finding) => vec![FoundEntry::new(finding)],
            _ => Vec::new(),
        };
        let matter = if let NotOta::Matter(image) = why { Some(image) } else { None };
        Self { file: path.to_string_lossy().into_owned(), ota: false, error, matter, findings }
    }
}

impl FoundEntry {
    fn new(finding: &Finding) -> Self {
        let Finding { severity, offset, kind, .. } = finding;
        Self { severity: severity.name(), name: kind.name(), offset: *offset, text: finding.to_string() }
    }
}

impl Fields {
    fn new(header: &FileHeader<'_>) -> Self {
        Self {
            header_version: u16::from_be_bytes([1, header.minor]),
            header_length: header.header_len(),
            field_control: header.control().0,
            manufacturer_code: header.id.manufacturer.0,
            image_type: header.id.image_type.0,
            file_version: header.id.version.0,
            stack_version: header.stack.0,
            header_string_hex: header
                .header_string
                .as_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            total_image_size: header.total_size,
            security_credential_version: header.credential.map(|version| version.0),
            // The text has the usual notation of IEEE addresses, most significant byte first, in lower case.
            upgrade_file_destination: header.destination.map(|address| format!("{:016x}", address.0)),
            min_hardware_version: header.hardware.map(|range| range.min.0),
            max_hardware_version: header.hardware.map(|range| range.max.0),
        }
    }
}

impl Entry {
    fn new(at: &PlacedElement<'_>) -> Self {
        Self { tag: at.element.tag.0, length: at.length, offset: at.offset, data_offset: at.data_offset() }
    }
}

/// Writes `value` as JSON in one line, with all control characters escaped.
pub fn write_line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Printable))?;
    out.write_all(b"\n")
}

/// JSON formatter that escapes all control characters and invisible characters.
struct Printable;

impl serde_json::ser::Formatter for Printable {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // `serde_json` itself escapes the control characters of ASCII, except the last one (DEL).
        let is_plain = fragment.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        match is_plain {
            true => out.write_all(fragment.as_bytes()),
            false => out.write_all(terminal_escape::json(fragment).as_bytes()),
        }
    }
}
