//! Writer of indexes. The JSON keys in the drawing below come first in an entry, in the order that the programs of
//! zigbee2mqtt and zigpy use. The JSON keys that are not in the drawing follow, sorted by name.
//!
//! ```text
//! zigbee2mqtt   fileName fileVersion fileSize url imageType manufacturerCode sha512 otaHeaderString …
//! zigpy         binary_url path manufacturer_id image_type file_version file_size checksum …
//! ```

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::entry::EntryFault;
use super::{ChecksumAlgorithm, Index, IndexEntry, IndexForm};

/// Reason why an index cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum IndexWriteError {
    /// The parser found a fault in an entry.
    #[error("entry {entry}: {fault}")]
    Fault {
        /// Number of the entry with the fault.
        entry: usize,
        /// First fault in the entry.
        fault: EntryFault,
    },
    /// An entry lacks a JSON key that the programs for the form of the index require.
    #[error("entry {entry}: {key} is not there, and is required")]
    Missing {
        /// Number of the entry that lacks the JSON key.
        entry: usize,
        /// JSON key that the entry lacks.
        key: &'static str,
    },
}

pub(super) fn index(index: &Index, form: IndexForm) -> Result<String, IndexWriteError> {
    let mut entries = Vec::new();
    for (number, entry) in index.entries.iter().enumerate() {
        if let Some(fault) = entry.faults.first() {
            return Err(IndexWriteError::Fault { entry: number, fault: fault.clone() });
        }
        let keys = |model| Keys::new(entry, form, index.form, model);
        let written = match (form, entry.restrictions.models.as_deref()) {
            // zigpy treats an empty array as no restriction, so the writer leaves out an entry that excludes every
            // device.
            (IndexForm::Zigpy, _) if entry.restrictions.has_empty_list() => Vec::new(),
            // One model for each entry. zigbee2mqtt treats an empty text as any model, so the writer leaves out an
            // entry for no model or for the empty model.
            (IndexForm::Zigbee2Mqtt, Some(models)) => {
                models.iter().filter(|model| !model.is_empty()).map(|model| keys(Some(model))).collect()
            }
            _ => vec![keys(None)],
        };
        for keys in written {
            if let Some(key) = keys.first_missing(form) {
                return Err(IndexWriteError::Missing { entry: number, key });
            }
            entries.push(keys);
        }
    }
    let text = match form {
        IndexForm::Zigbee2Mqtt => serde_json::to_string_pretty(&entries),
        IndexForm::Zigpy => serde_json::to_string_pretty(&BTreeMap::from([("firmwares", &entries)])),
    };
    // Serialization of maps with text keys into a string never fails.
    let mut text = text.unwrap_or_default();
    text.push('\n');
    Ok(text)
}

impl IndexEntry {
    /// Returns the JSON value of the entry for `key` in the form `form`, or `None` if the entry has no such value. For
    /// a value that the parser could not read, returns the JSON value that stood in the index.
    #[must_use]
    pub fn value(&self, form: IndexForm, key: &str) -> Option<String> {
        let models = self.restrictions.models.as_deref().unwrap_or_default();
        let keys = Keys::new(self, form, form, models.first());
        let value = keys.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)?;
        serde_json::to_string(value).ok()
    }
}

/// JSON keys of a written entry, in the order in which they are written.
struct Keys(Vec<(String, Value)>);

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl Keys {
    /// Returns the JSON keys of `entry` in the form `form`. The result includes keys that this crate does not know only
    /// if `read`, the form in which the index was read, equals `form`.
    fn new(entry: &IndexEntry, form: IndexForm, read: IndexForm, model: Option<&String>) -> Self {
        let (first, rest) = match form {
            IndexForm::Zigbee2Mqtt => zigbee2mqtt(entry, model),
            IndexForm::Zigpy => zigpy(entry),
        };
        let known = first.into_iter().filter_map(|(key, value)| Some((String::from(key), value?)));
        let mut keys: Vec<_> = known.collect();
        let mut others: BTreeMap<String, Value> =
            rest.into_iter().filter_map(|(key, value)| Some((String::from(key), value?))).collect();
        if read == form {
            others.extend(entry.other.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        keys.extend(others);
        Self(keys)
    }

    /// Returns the first JSON key that an index of the form `form` requires and that the entry lacks.
    fn first_missing(&self, form: IndexForm) -> Option<&'static str> {
        let has = |key: &str| self.0.iter().any(|(name, _)| name == key);
        match form {
            IndexForm::Zigbee2Mqtt => (!has("url")).then_some("url"),
            IndexForm::Zigpy => {
                let required = ["manufacturer_id", "image_type", "file_version", "file_size", "checksum"];
                let place = (!has("binary_url") && !has("path")).then_some("binary_url");
                required.into_iter().find(|key| !has(key)).or(place)
            }
        }
    }
}

/// JSON keys with their values, in the order in which they are written. A JSON key without a value (`None`) is not
/// written.
type Pairs = Vec<(&'static str, Option<Value>)>;

fn zigbee2mqtt(entry: &IndexEntry, model: Option<&String>) -> (Pairs, Pairs) {
    let sum = entry.checksums.iter().find(|sum| sum.algorithm == ChecksumAlgorithm::Sha512);
    let restrictions = &entry.restrictions;
    let first = vec![
        ("fileName", text(&entry.file_name)),
        ("fileVersion", entry.version.map(|version| version.0.into())),
        ("fileSize", entry.image_size.map(Value::from)),
        ("url", text(&entry.url)),
        ("imageType", entry.image_type.map(|kind| kind.0.into())),
        ("manufacturerCode", entry.manufacturer.map(|code| code.0.into())),
        ("sha512", sum.map(|sum| sum.to_hex().into())),
        ("otaHeaderString", text(&entry.header_string)),
    ];
    let rest = vec![
        ("force", entry.force.then_some(true.into())),
        ("hardwareVersionMax", restrictions.max_hardware.map(|version| version.0.into())),
        ("hardwareVersionMin", restrictions.min_hardware.map(|version| version.0.into())),
        ("manufacturerName", restrictions.manufacturer_names.clone().map(Value::from)),
        ("maxFileVersion", restrictions.max_current.map(|version| version.0.into())),
        ("minFileVersion", restrictions.min_current.map(|version| version.0.into())),
        ("modelId", model.map(|model| model.as_str().into())),
        ("originalUrl", text(&entry.original_url)),
        ("path", text(&entry.path)),
        ("releaseNotes", text(&entry.release_notes)),
    ];
    (first, rest)
}

fn zigpy(entry: &IndexEntry) -> (Pairs, Pairs) {
    // zigpy refuses a whole index if one checksum is of another algorithm than SHA3-256.
    let sum = entry.checksums.iter().find(|sum| sum.algorithm == ChecksumAlgorithm::Sha3_256);
    let restrictions = &entry.restrictions;
    let first = vec![
        ("binary_url", text(&entry.url)),
        ("path", text(&entry.path)),
        ("manufacturer_id", entry.manufacturer.map(|code| code.0.into())),
        ("image_type", entry.image_type.map(|kind| kind.0.into())),
        ("file_version", entry.version.map(|version| version.0.into())),
        ("file_size", entry.file_size.map(Value::from)),
        ("checksum", sum.map(|sum| format!("sha3-256:{}", sum.to_hex()).into())),
    ];
    let rest = vec![
        ("changelog", text(&entry.changelog)),
        ("manufacturer_names", restrictions.manufacturer_names.clone().map(Value::from)),
        ("max_current_file_version", restrictions.max_current.map(|version| version.0.into())),
        ("max_hardware_version", restrictions.max_hardware.map(|version| version.0.into())),
        ("min_current_file_version", restrictions.min_current.map(|version| version.0.into())),
        ("min_hardware_version", restrictions.min_hardware.map(|version| version.0.into())),
        ("model_names", restrictions.models.clone().map(Value::from)),
        ("release_notes", text(&entry.release_notes)),
        ("release_url", text(&entry.release_url)),
        ("specificity", entry.specificity.map(Value::from)),
    ];
    (first, rest)
}

fn text(text: &Option<String>) -> Option<Value> {
    text.as_ref().map(|text| text.as_str().into())
}
