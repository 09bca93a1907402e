//! Indexes of OTA files: the JSON lists of images that zigbee2mqtt and zigpy publish, with the devices that each image
//! is for.
//!
//! The module reads and writes indexes, and selects the entry for a device. For every entry that is not selected, the
//! module gives the reason why not. The module also compares a downloaded file with its index entry. The caller
//! downloads the files; this module performs no input or output.
//!
//! ```text
//! text -> Index::parse -> Index -> select(device) -> IndexEntry -> url or path -> caller fetches -> check(file) -> serve
//!                           ^
//! files -> IndexEntry::of_file -> to_json -> text
//! ```
//!
//! [`IndexForm::Zigbee2Mqtt`] is an array of objects, the `index.json` of github.com/Koenkk/zigbee-OTA.
//! [`IndexForm::Zigpy`] is an object with the array `firmwares`, as zigpy's providers `zigpy_local` and `zigpy_remote`
//! read it; the parser also reads the array `firmwares` alone, without the object, as some manufacturers publish it.
//! All numbers in an index are decimal.
//!
//! | zigbee2mqtt | zigpy | value | field of [`IndexEntry`] |
//! |---|---|---|---|
//! | `manufacturerCode` | `manufacturer_id` | 0 to 65535 | `manufacturer` |
//! | `imageType` | `image_type` | 0 to 65535 | `image_type` |
//! | `fileVersion` | `file_version` | 0 to 4294967295 | `version` |
//! | `fileSize` | | total image size in the OTA header, bytes | `image_size` |
//! | | `file_size` | length of the whole file with its container, bytes | `file_size` |
//! | `url` | `binary_url` | location of the file; `url` may be a path on the gateway | `url` |
//! | `path` | `path` | path relative to the folder of the index; has priority over the URL in a local index | `path` |
//! | `fileName` | | name of the file | `file_name` |
//! | `sha512` | | SHA-512 of the whole file, 128 hexadecimal digits in lower case | `checksums` |
//! | | `checksum` | `sha3-256:` and 64 digits, of the whole file | `checksums` |
//! | `otaHeaderString` | | header string as UTF-8 without NULs | `header_string` |
//! | `modelId` (one) | `model_names` (array) | model identifiers of the Basic cluster | `restrictions.models` |
//! | `manufacturerName` (array) | `manufacturer_names` (array) | manufacturer names of the Basic cluster | `restrictions.manufacturer_names` |
//! | `hardwareVersionMin`, `…Max` | `min_hardware_version`, `max_…` | 0 to 65535 | `restrictions.min_hardware`, `max_hardware` |
//! | `minFileVersion`, `max…` | `min_current_file_version`, `max_…` | version that the device runs | `restrictions.min_current`, `max_current` |
//! | `force` | | `true`: the image is offered to devices with any running version | `force` |
//! | | `specificity` | preference among equal versions | `specificity` |
//! | `releaseNotes` | `release_notes` | text for people | `release_notes` |
//! | | `changelog`, `release_url` | text, URL | `changelog`, `release_url` |
//! | `originalUrl` | | URL from which the maintainer downloaded the file | `original_url` |
//!
//! An [`Index`] keeps the JSON keys of an entry that this module does not know, and writes these keys with the entry.
//! An index also keeps an entry in which a value has the wrong type, and [`IndexEntry::faults`] returns the faults of
//! the entry. An entry with faults is never selected, because a value with a fault may be a restriction, which must not
//! be ignored.
//!
//! ```
//! use zigbee_ota::ImageId;
//! use zigbee_ota::index::{DeviceDescription, Index};
//!
//! let index = Index::parse(br#"[
//!     { "url": "https://example.org/plug-uk.ota", "fileVersion": 71, "manufacturerCode": 4659, "imageType": 54196,
//!       "modelId": "3RSPU01080Z" },
//!     { "url": "https://example.org/plug-us.ota", "fileVersion": 71, "manufacturerCode": 4659, "imageType": 54196,
//!       "modelId": "3RSP02064Z", "minFileVersion": 40 }
//! ]"#)?;
//!
//! // What the query of the device said, and what the gateway knows besides.
//! let device = DeviceDescription::new(ImageId::new(4659, 54196, 41)).with_model("3RSP02064Z");
//! let selection = index.select(&device);
//! assert_eq!(selection.entry().and_then(|entry| entry.url.as_deref()), Some("https://example.org/plug-us.ota"));
//! let (number, reason) = selection.mismatches().next().expect("the other entry");
//! assert_eq!(
//!     format!("entry {number}: {reason}"),
//!     r#"entry 0: only for model "3RSPU01080Z"; that of the device is "3RSP02064Z""#
//! );
//! # Ok::<(), zigbee_ota::index::IndexError>(())
//! ```

mod check_file;
mod checksum;
mod entry;
mod read;
mod restrictions;
mod select;
mod write;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use check_file::{EntryFromFileError, FileMismatch};
pub use checksum::{Checksum, ChecksumAlgorithm};
pub use entry::{EntryFault, IndexEntry, is_web_url};
pub use restrictions::Restrictions;
pub use select::{DeviceDescription, EntryMismatch, Selection, SelectionRule, WantedVersions};
pub use write::IndexWriteError;

/// Form of an index: the JSON keys of the entries, and the rule by which zigbee2mqtt or zigpy selects an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum IndexForm {
    /// Array of objects with keys in camel case, as zigbee2mqtt reads it.
    Zigbee2Mqtt,
    /// Object whose array `firmwares` contains objects with keys in snake case, as zigpy reads it.
    Zigpy,
}

impl IndexForm {
    /// Returns the rule by which zigbee2mqtt or zigpy selects one of the entries that fit a device.
    #[must_use]
    pub const fn rule(self) -> SelectionRule {
        match self {
            Self::Zigbee2Mqtt => SelectionRule::FirstFitting,
            Self::Zigpy => SelectionRule::NewestFitting,
        }
    }
}

/// Index of OTA files: a list of entries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Index {
    /// Form in which the index was read, or for which its entries were made.
    pub form: IndexForm,
    /// Entries of the index, in the order of the index file. The number of an entry is the position of the entry in
    /// `entries`, counted from 0.
    pub entries: Vec<IndexEntry>,
}

impl Index {
    /// Creates an index without entries.
    #[must_use]
    pub const fn new(form: IndexForm) -> Self {
        Self { form, entries: Vec::new() }
    }

    /// Parses the text of an index for zigbee2mqtt or for zigpy. The text of the index is UTF-8, with or without a byte
    /// order mark.
    ///
    /// The index keeps entries with faults, such as a value of the wrong type, and [`faults`](Self::faults) returns the
    /// faults.
    ///
    /// # Errors
    /// Fails with [`IndexError::Syntax`] if the text is not JSON, and with [`IndexError::NotAnIndex`] if the text is
    /// JSON but not an index of a known form.
    pub fn parse(text: &[u8]) -> Result<Self, IndexError> {
        read::index(text)
    }

    /// Returns the faults of all entries, each with the number of its entry.
    pub fn faults(&self) -> impl Iterator<Item = (usize, &EntryFault)> {
        self.entries
            .iter()
            .enumerate()
            .flat_map(|(number, entry)| entry.faults().iter().map(move |fault| (number, fault)))
    }

    /// Returns the entries that the selection rule for the form of this index selects for no device, in the order of
    /// the index.
    ///
    /// `never_taken` ignores entries with faults, and entries without a manufacturer code or an image type: see
    /// [`IndexEntry::complete`]. The run time of `never_taken` grows with the square of the number of entries for one
    /// image type.
    #[must_use]
    pub fn never_taken(&self) -> Vec<(usize, NeverTaken)> {
        let mut by_image = BTreeMap::<_, Vec<(usize, &IndexEntry)>>::new();
        let mut found = Vec::new();
        for (number, entry) in self.entries.iter().enumerate() {
            let Some(image) = entry.manufacturer.zip(entry.image_type) else { continue };
            if entry.faults().is_empty() {
                by_image.entry(image).or_default().push((number, entry));
            }
        }
        for entries in by_image.values() {
            for &(number, entry) in entries {
                let hides = |&&(other, before): &&(usize, &IndexEntry)| {
                    before.restrictions.covers(&entry.restrictions)
                        && match self.form.rule() {
                            SelectionRule::FirstFitting => other < number,
                            SelectionRule::NewestFitting => before.version > entry.version && !entry.force,
                        }
                };
                if entry.restrictions.suit_nobody() {
                    found.push((number, NeverTaken::SuitsNobody));
                } else if let Some((other, _)) = entries.iter().find(hides) {
                    found.push((number, NeverTaken::Behind { entry: *other }));
                }
            }
        }
        found.sort_unstable_by_key(|(number, _)| *number);
        found
    }

    /// Writes the index as JSON in the form of the index: see [`to_json_in`](Self::to_json_in).
    ///
    /// # Errors
    /// The method returns the errors of [`to_json_in`](Self::to_json_in).
    pub fn to_json(&self) -> Result<String, IndexWriteError> {
        self.to_json_in(self.form)
    }

    /// Writes the index as JSON in the form `form`, with an indentation of two spaces and a line feed at the end.
    ///
    /// In the form of zigbee2mqtt, an entry for several models becomes one entry per model, because this form allows
    /// only one model in an entry. A JSON key for which [`IndexEntry`] has no field is written only if `form` is the
    /// form in which the index was read.
    ///
    /// # Errors
    /// Fails with [`IndexWriteError`] if an entry has faults, or lacks a JSON key that the programs for the form `form`
    /// require.
    pub fn to_json_in(&self, form: IndexForm) -> Result<String, IndexWriteError> {
        write::index(self, form)
    }
}

/// Reason why the selection rule never selects an entry for any device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NeverTaken {
    /// For every device that the entry fits, the selection rule prefers another entry, which has the number `entry`.
    Behind {
        /// Number in the index of the entry that the selection rule prefers.
        entry: usize,
    },
    /// The restrictions of the entry exclude every device: a list is empty, or a minimum is above its maximum.
    SuitsNobody,
}

impl fmt::Display for NeverTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind { entry } => {
                write!(f, "never taken, as entry {entry} comes first for the same devices")
            }
            Self::SuitsNobody => f.write_str("never taken, as its restrictions exclude every device"),
        }
    }
}

/// Reason why a text cannot be read as an index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum IndexError {
    /// The text is not JSON.
    #[error("not JSON, line {line}, column {column}: {reason}")]
    Syntax {
        /// Line of the JSON syntax error, counted from 1.
        line: usize,
        /// Column of the JSON syntax error, counted from 1; 0 at the start of a line.
        column: usize,
        /// Description of the JSON syntax error by the JSON parser.
        reason: String,
    },
    /// The text is JSON, but not an index of a known form.
    #[error(
        "expected an array of objects (zigbee2mqtt), or an object with the array `firmwares` (zigpy), found {found}"
    )]
    NotAnIndex {
        /// Description of the JSON value that the text has instead of an index.
        found: &'static str,
    },
}
