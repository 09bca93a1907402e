//! Payload reports: kind and state of the payload in each element.

use serde::Serialize;
use zigbee_ota::ImageId;
use zigbee_ota::payload::Payload;

/// Payload in the output; key order and types are a contract with scripts.
#[derive(PartialEq, Eq, Serialize)]
pub struct PayloadEntry {
    /// Index of the element; none for raw bytes outside of elements.
    pub element: Option<usize>,
    pub kind: &'static str,
    pub state: &'static str,
    pub detail: String,
}

impl PayloadEntry {
    /// Describes a payload of a file whose OTA header has the identity `id`.
    pub fn new(payload: &Payload<'_>, id: ImageId) -> Self {
        let Payload { element, report, contradicts_header, .. } = payload;
        let other = match contradicts_header {
            true => format!("; the OTA header says {id}"),
            false => String::new(),
        };
        let detail = format!("{report}{other}");
        Self { element: *element, kind: report.kind.name(), state: report.state.name(), detail }
    }
}
