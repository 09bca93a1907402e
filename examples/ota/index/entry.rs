//! Index entry of one file.

use std::fs;
use std::path::Path;

use clap::ValueEnum;
use zigbee_ota::index::{IndexEntry, IndexForm, is_web_url};
use zigbee_ota::inspect::Inspection;
use zigbee_ota::{Eui64, HardwareRange};

use super::url::Base;
use crate::input_files::{InputFile, faults};

/// Form of an index on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub enum Form {
    /// index.json of zigbee2mqtt
    Zigbee2mqtt,
    /// Index of zigpy's providers zigpy_local (without --base-url) and zigpy_remote
    Zigpy,
}

impl From<Form> for IndexForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Zigbee2mqtt => Self::Zigbee2Mqtt,
            Form::Zigpy => Self::Zigpy,
        }
    }
}

/// Returns the keys whose values the command takes from the OTA file, for an index of the given form.
pub const fn file_keys(form: IndexForm) -> &'static [&'static str] {
    match form {
        IndexForm::Zigpy => {
            &["binary_url", "path", "manufacturer_id", "image_type", "file_version", "file_size", "checksum"]
        }
        _ => &[
            "fileName",
            "fileVersion",
            "fileSize",
            "url",
            "imageType",
            "manufacturerCode",
            "sha512",
            "otaHeaderString",
        ],
    }
}

/// Properties of an OTA file that an index entry needs.
pub struct Facts {
    /// Path in the folder, separated by slashes.
    pub path: String,
    /// Index entry without URL and path.
    pub entry: IndexEntry,
    pub hardware: Option<HardwareRange>,
    /// IEEE address of the device that the file is for; `None` if the file is not for a single device.
    pub destination: Option<Eui64>,
}

impl Facts {
    /// Reads the file at `path`. The outer error is the reason why the file is not an OTA file, and the inner error is
    /// a fault of the OTA file.
    pub fn read(path: &Path, place: String, form: IndexForm) -> Result<Result<Self, String>, String> {
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        let inspection = Inspection::of(&bytes);
        let opened = InputFile::of_inspection(&inspection, &bytes).map_err(|error| error.to_string())?;
        let faults = faults(&inspection);
        if !faults.is_empty() {
            return Ok(Err(faults.join("; ")));
        }
        let mut entry = match IndexEntry::of_inspection(&inspection, form) {
            Ok(entry) => entry,
            Err(error) => return Ok(Err(error.to_string())),
        };
        entry.file_name = place.rsplit('/').next().map(str::to_owned);
        let header = opened.image.header();
        Ok(Ok(Self { path: place, entry, hardware: header.hardware, destination: header.destination }))
    }

    /// Returns the index entry with its URL, or with a path if there is no base URL and the form has paths.
    pub fn placed(&self, base: &Base, form: IndexForm) -> IndexEntry {
        let (mut entry, url) = (self.entry.clone(), base.join(&self.path));
        if form == IndexForm::Zigpy && !is_web_url(&url) {
            entry.path = Some(url);
        } else {
            entry.url = Some(url);
        }
        entry
    }

    /// Returns whether this file and `other` are files of one image for disjoint hardware versions.
    pub fn is_for_other_hardware(&self, other: &Self) -> bool {
        let is_same = |entry: &IndexEntry| (entry.manufacturer, entry.image_type);
        is_same(&self.entry) == is_same(&other.entry)
            && self
                .hardware
                .zip(other.hardware)
                .is_some_and(|(one, other)| one.max < other.min || other.max < one.min)
    }
}
