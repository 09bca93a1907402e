//! Indexes of OTA files: reading, writing, the choice for a device, and the comparison with files.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use zigbee_ota::index::Index;

mod check_file;
mod index_formats;
mod select;
#[path = "../common/properties"]
mod properties {
    pub mod index;
}

/// Reads an index that must be readable.
#[track_caller]
fn index(text: &str) -> Index {
    Index::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Keys of both forms, and one of none.
const KEYS: [&str; 33] = [
    "fileName",
    "fileVersion",
    "fileSize",
    "url",
    "imageType",
    "manufacturerCode",
    "sha512",
    "otaHeaderString",
    "force",
    "hardwareVersionMin",
    "hardwareVersionMax",
    "modelId",
    "manufacturerName",
    "minFileVersion",
    "maxFileVersion",
    "originalUrl",
    "path",
    "binary_url",
    "manufacturer_id",
    "image_type",
    "file_version",
    "file_size",
    "checksum",
    "manufacturer_names",
    "model_names",
    "min_hardware_version",
    "max_hardware_version",
    "min_current_file_version",
    "max_current_file_version",
    "specificity",
    "changelog",
    "release_notes",
    "other",
];

/// Values that keys have, or that nobody expects.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (0_u32..4).prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        4 => "[ab]{0,1}".prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        2 => prop::collection::vec("[ab]{0,1}", 0..3).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(json!("0f".repeat(64))),
        1 => Just(json!(format!("sha3-256:{}", "0f".repeat(32)))),
        1 => Just(json!("md5:0f")),
    ]
}

proptest! {
    /// Entries of a few keys each, mostly for one image, so that they meet.
    ///
    /// Shows: FLD-054
    #[test]
    fn any_entries_have_the_properties_of_an_index(
        entries in prop::collection::vec(prop::collection::vec((0..KEYS.len(), any_value()), 0..8), 0..6),
        form in 0..3,
    ) {
        let entries = entries.into_iter().map(|keys| {
            let image = json!({
                "url": "a", "imageType": 1, "manufacturerCode": 1, "fileVersion": 2, "binary_url": "a", "image_type": 1,
                "manufacturer_id": 1, "file_version": 2, "file_size": 1,
                "checksum": format!("sha3-256:{}", "0f".repeat(32)),
            });
            let common = image.as_object().expect("an object").clone();
            let common = common.into_iter().filter(|(key, _)| form == 2 || (form == 0) != key.contains('_'));
            let keys = keys.into_iter().map(|(key, value)| (KEYS[key].to_owned(), value));
            Value::Object(common.chain(keys).collect::<Map<_, _>>())
        });
        let entries: Vec<Value> = entries.collect();
        let text = if form == 0 { json!(entries) } else { json!({ "firmwares": entries }) };
        properties::index::any_bytes(text.to_string().as_bytes());
    }

    /// Shows: FLD-054
    #[test]
    fn any_bytes_are_an_index_or_none(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        properties::index::any_bytes(&bytes);
    }
}
