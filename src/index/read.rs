//! Parser of indexes for zigbee2mqtt and for zigpy, from JSON.
//!
//! ```text
//! bytes -> JSON -> array or `firmwares` -> objects -> entries, each value by its key
//! ```

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use serde_json::{Map, Value};

use super::entry::EntryFault;
use super::{Checksum, ChecksumAlgorithm, Index, IndexEntry, IndexError, IndexForm, Restrictions};
use crate::types::{FileVersion, HardwareVersion, ImageType, ManufacturerCode};

const U16: &str = "a whole number from 0 to 65535";
const U32: &str = "a whole number from 0 to 4294967295";

pub(super) fn index(text: &[u8]) -> Result<Index, IndexError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let value = serde_json::from_slice(text).map_err(|error| syntax(&error))?;
    let (entries, form) = match value {
        Value::Array(entries) => {
            let form = if entries.iter().any(is_zigpy) { IndexForm::Zigpy } else { IndexForm::Zigbee2Mqtt };
            (entries, form)
        }
        Value::Object(mut object) => match object.remove("firmwares") {
            Some(Value::Array(entries)) => (entries, IndexForm::Zigpy),
            Some(_) => return Err(IndexError::NotAnIndex { found: "`firmwares` that is no array" }),
            None => return Err(IndexError::NotAnIndex { found: "an object without `firmwares`" }),
        },
        other => return Err(IndexError::NotAnIndex { found: kind(&other) }),
    };
    Ok(Index { form, entries: entries.into_iter().map(|value| entry(value, form)).collect() })
}

fn syntax(error: &serde_json::Error) -> IndexError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    IndexError::Syntax { line, column, reason }
}

/// Returns whether an entry of an array has any of the JSON keys that only zigpy's form of an index has.
fn is_zigpy(entry: &Value) -> bool {
    ["binary_url", "file_version", "manufacturer_id", "image_type"].iter().any(|key| entry.get(key).is_some())
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn entry(value: Value, form: IndexForm) -> IndexEntry {
    match value {
        Value::Object(keys) => {
            let reader = Reader { keys, faults: Vec::new() };
            match form {
                IndexForm::Zigbee2Mqtt => zigbee2mqtt(reader),
                IndexForm::Zigpy => zigpy(reader),
            }
        }
        other => {
            IndexEntry { faults: vec![EntryFault::new("", &other, "an object")], ..IndexEntry::default() }
        }
    }
}

fn zigbee2mqtt(mut read: Reader) -> IndexEntry {
    let mut entry = IndexEntry {
        manufacturer: read.number("manufacturerCode", U16).map(ManufacturerCode),
        image_type: read.number("imageType", U16).map(ImageType),
        version: read.number("fileVersion", U32).map(FileVersion),
        url: read.text("url"),
        path: read.text("path"),
        file_name: read.text("fileName"),
        image_size: read.number("fileSize", U32),
        checksums: read.sha512().into_iter().collect(),
        header_string: read.text("otaHeaderString"),
        restrictions: Restrictions {
            // zigbee2mqtt treats an empty model as no restriction, and an empty array of names as a restriction that
            // excludes every device.
            models: read.optional_texts("modelId").filter(|models| *models != [""]),
            manufacturer_names: read.optional_texts("manufacturerName"),
            min_hardware: read.optional_number("hardwareVersionMin", U16).map(HardwareVersion),
            max_hardware: read.optional_number("hardwareVersionMax", U16).map(HardwareVersion),
            min_current: read.optional_number("minFileVersion", U32).map(FileVersion),
            max_current: read.optional_number("maxFileVersion", U32).map(FileVersion),
        },
        force: read.flag("force"),
        release_notes: read.optional_text("releaseNotes"),
        original_url: read.optional_text("originalUrl"),
        ..IndexEntry::default()
    };
    (entry.faults, entry.other) = (read.faults, read.keys);
    entry
}

fn zigpy(mut read: Reader) -> IndexEntry {
    let mut entry = IndexEntry {
        manufacturer: read.number("manufacturer_id", U16).map(ManufacturerCode),
        image_type: read.number("image_type", U16).map(ImageType),
        version: read.number("file_version", U32).map(FileVersion),
        url: read.text("binary_url"),
        path: read.text("path"),
        file_size: read.number("file_size", "a whole number, not negative"),
        checksums: read.checksum().into_iter().collect(),
        restrictions: Restrictions {
            // zigpy treats an empty array as no restriction.
            models: read.optional_texts("model_names").filter(|names| !names.is_empty()),
            manufacturer_names: read.optional_texts("manufacturer_names").filter(|names| !names.is_empty()),
            min_hardware: read.optional_number("min_hardware_version", U16).map(HardwareVersion),
            max_hardware: read.optional_number("max_hardware_version", U16).map(HardwareVersion),
            min_current: read.optional_number("min_current_file_version", U32).map(FileVersion),
            max_current: read.optional_number("max_current_file_version", U32).map(FileVersion),
        },
        specificity: read.specificity(),
        changelog: read.optional_text("changelog"),
        release_notes: read.optional_text("release_notes"),
        release_url: read.optional_text("release_url"),
        ..IndexEntry::default()
    };
    (entry.faults, entry.other) = (read.faults, read.keys);
    entry
}

/// JSON keys of an entry that the parser has not read yet, and the faults in the values that the parser has read. A key
/// whose value the parser cannot read remains among the unread keys.
struct Reader {
    keys: Map<String, Value>,
    faults: Vec<EntryFault>,
}

impl Reader {
    /// Reads the value of the JSON key `key` by the function `read`. A missing JSON key is not a fault of the entry.
    fn value<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.keys.get(key)?;
        let found = read(value);
        if found.is_some() {
            self.keys.remove(key);
        } else {
            self.faults.push(EntryFault::new(key, value, expected));
        }
        found
    }

    /// Removes `key` if its value is null, because a key with the value null counts as missing.
    fn skip_null(&mut self, key: &str) {
        if self.keys.get(key).is_some_and(Value::is_null) {
            self.keys.remove(key);
        }
    }

    fn number<T: TryFrom<u64>>(&mut self, key: &str, expected: &'static str) -> Option<T> {
        self.value(key, expected, |value| T::try_from(whole(value)?).ok())
    }

    fn optional_number<T: TryFrom<u64>>(&mut self, key: &str, expected: &'static str) -> Option<T> {
        self.skip_null(key);
        self.number(key, expected)
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.value(key, "a text", |value| value.as_str().map(ToOwned::to_owned))
    }

    fn optional_text(&mut self, key: &str) -> Option<String> {
        self.skip_null(key);
        self.text(key)
    }

    /// Reads the value of a JSON key as an array of texts; a single text counts as an array of one text.
    fn optional_texts(&mut self, key: &str) -> Option<Vec<String>> {
        self.skip_null(key);
        self.value(key, "a text or an array of texts", |value| match value {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(values) => {
                values.iter().map(|value| value.as_str().map(ToOwned::to_owned)).collect()
            }
            _ => None,
        })
    }

    fn flag(&mut self, key: &str) -> bool {
        self.skip_null(key);
        self.value(key, "true or false", Value::as_bool).unwrap_or_default()
    }

    fn specificity(&mut self) -> Option<i64> {
        self.skip_null("specificity");
        self.value("specificity", "a whole number", Value::as_i64)
    }

    fn sha512(&mut self) -> Option<Checksum> {
        let expected = "128 hexadecimal digits in lower case";
        self.value("sha512", expected, |value| Checksum::from_hex(ChecksumAlgorithm::Sha512, value.as_str()?))
    }

    fn checksum(&mut self) -> Option<Checksum> {
        let expected = "an algorithm, a colon, and hexadecimal digits in lower case, as in sha3-256:350c…";
        self.value("checksum", expected, |value| {
            let (algorithm, digits) = value.as_str()?.split_once(':')?;
            Checksum::from_hex(ChecksumAlgorithm::of(algorithm), digits)
        })
    }
}

/// Returns the whole number in a JSON number, which may be written with a fraction of zero, such as `5.0`.
fn whole(value: &Value) -> Option<u64> {
    let fraction = || {
        let number = value.as_f64()?;
        // A number with a fraction other than zero is not a whole number.
        format!("{number}").parse().ok()
    };
    value.as_u64().or_else(fraction)
}
