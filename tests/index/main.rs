//! Indexes of OTA files: reading, writing, the choice for a device, and the comparison with files.

mod check_file;
mod choice;
mod forms;

use zigbee_ota::index::Index;

/// Reads an index that must be readable.
#[track_caller]
fn index(text: &str) -> Index {
    Index::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}
