//! JSON output: one object per file. Key order and types are a contract with scripts.

use std::path::Path;

use serde::Serialize;
use zigbee_ota::file::{FileHeader, PlacedElement};

use crate::input::{InputFile, NotOta};
use crate::matter_image::MatterImage;
use crate::payload_report;
use crate::warnings;

#[derive(Serialize)]
pub struct File {
    file: String,
    ota: bool,
    container: Place,
    layout: &'static str,
    header: Fields,
    elements: Vec<Entry>,
    rest: Option<Rest>,
    strict: bool,
    missing: usize,
    after: usize,
    irregularities: Vec<String>,
    payloads: Vec<payload_report::PayloadEntry>,
}

#[derive(Serialize)]
pub struct NoFile {
    file: String,
    ota: bool,
    error: String,
    /// Header of a Matter OTA image.
    matter: Option<Box<MatterImage>>,
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

impl File {
    pub fn new(path: &Path, opened: &InputFile<'_>) -> Self {
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
            elements: image.elements().map(|at| Entry::new(&at)).collect(),
            rest: image.raw_remainder().map(|rest| Rest { offset: rest.offset, length: rest.bytes.len() }),
            strict: opened.strict,
            missing: image.missing(),
            after: opened.after(),
            irregularities: [warnings::faults(opened), warnings::notes(opened)].concat(),
            payloads: payload_report::shown(opened),
        }
    }
}

impl NoFile {
    pub fn new(path: &Path, why: NotOta) -> Self {
        let error = why.to_string();
        let matter = if let NotOta::Matter(image) = why { Some(image) } else { None };
        Self { file: path.to_string_lossy().into_owned(), ota: false, error, matter }
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
            // In the notation of addresses, the most significant byte first; lower case like the header string.
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
