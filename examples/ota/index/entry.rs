//! Index entry of one file.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha512};
use zigbee_ota::file::FileHeader;
use zigbee_ota::{HardwareRange, ImageId};

use super::url::Base;
use crate::input::InputFile;
use crate::warnings;

/// Properties of a file.
pub struct Facts {
    /// Path in the folder, separated by slashes.
    pub path: String,
    pub id: ImageId,
    size: u32,
    text: String,
    hardware: Option<HardwareRange>,
    sha512: String,
}

/// Keys whose values come from the file, in the format of an index.
pub const KEYS: [&str; 8] = [
    "fileName",
    "fileVersion",
    "fileSize",
    "url",
    "imageType",
    "manufacturerCode",
    "sha512",
    "otaHeaderString",
];

/// Index entry, with its keys in order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a> {
    file_name: &'a str,
    file_version: u32,
    file_size: u32,
    pub url: String,
    image_type: u16,
    manufacturer_code: u16,
    sha512: &'a str,
    ota_header_string: &'a str,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Facts {
    /// Reads the file at `path`. The outer error says why it is no OTA file, the inner error what is wrong with it.
    pub fn read(path: &Path, place: String) -> Result<Result<Self, String>, String> {
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        let opened = InputFile::new(&bytes).map_err(|error| error.to_string())?;
        let faults = warnings::faults(&opened);
        if !faults.is_empty() {
            return Ok(Err(faults.join("; ")));
        }
        let magic = FileHeader::MAGIC.to_le_bytes();
        let first = bytes.windows(magic.len()).position(|bytes| bytes == magic);
        if let Some(first) = first.filter(|first| *first != opened.offset()) {
            let reason = format!(
                "zigbee2mqtt reads from the first file identifier on, at byte {first}, and the OTA file starts at byte {}",
                opened.offset()
            );
            return Ok(Err(reason));
        }
        let header = opened.image.header();
        let facts = Self {
            path: place,
            id: header.id,
            size: header.total_size,
            text: String::from_utf8_lossy(header.header_string.as_bytes()).replace('\0', ""),
            hardware: header.hardware,
            sha512: Sha512::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        Ok(Ok(facts))
    }

    /// Returns whether both files are of one image, for disjoint hardware versions.
    pub fn is_for_other_hardware(&self, other: &Self) -> bool {
        let is_disjoint = match (self.hardware, other.hardware) {
            (Some(one), Some(other)) => one.max < other.min || other.max < one.min,
            _ => false,
        };
        self.id == other.id && is_disjoint
    }

    /// Returns the index entry, with the additional keys of `more`.
    pub fn entry(&self, base: &Base, hardware: bool, mut more: Map<String, Value>) -> Entry<'_> {
        if let Some(range) = self.hardware.filter(|_| hardware) {
            more.insert("hardwareVersionMin".into(), range.min.0.into());
            more.insert("hardwareVersionMax".into(), range.max.0.into());
        }
        Entry {
            file_name: self.path.rsplit('/').next().unwrap_or_default(),
            file_version: self.id.version.0,
            file_size: self.size,
            url: base.join(&self.path),
            image_type: self.id.image_type.0,
            manufacturer_code: self.id.manufacturer.0,
            sha512: &self.sha512,
            ota_header_string: &self.text,
            more,
        }
    }
}

impl Entry<'_> {
    /// Returns the additional keys of an entry, whose values do not come from the file.
    pub fn more_of(entry: &Map<String, Value>) -> Map<String, Value> {
        entry
            .iter()
            .filter(|(key, _)| !KEYS.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}
