//! Payload reports: kind and state of the payload in each element.

use serde::Serialize;
use zigbee_ota::ImageId;
use zigbee_ota::payload::{Payload, PayloadReport, PayloadState};

/// Payload in the output. Scripts depend on the order and the types of the keys.
#[derive(PartialEq, Eq, Serialize)]
pub struct PayloadEntry {
    /// Index of the element; none for raw bytes outside of elements.
    pub element: Option<usize>,
    pub kind: &'static str,
    pub state: &'static str,
    pub detail: String,
}

impl PayloadEntry {
    /// Describes a payload of a file whose OTA header has the identity `id`, for scripts.
    pub fn new(payload: &Payload<'_>, id: ImageId) -> Self {
        Self::with_detail(payload, id, payload.report.to_string())
    }

    /// Describes a payload for people. The text avoids the word "signed", because people would read "signed" as
    /// "verified".
    pub fn for_people(payload: &Payload<'_>, id: ImageId) -> Self {
        let PayloadReport { state, element_state, encrypted, signed, metadata, .. } = payload.report;
        let mut detail = state.to_string();
        if let Some(state @ PayloadState::Damaged(_)) = element_state {
            detail += &format!("; of the whole element: {state}");
        }
        if encrypted && state != PayloadState::Encrypted {
            detail += "; encrypted";
        }
        if signed {
            detail += "; signed (not verified)";
        }
        if !metadata.chip.is_empty() {
            detail += &format!("; chip {}", metadata.chip.escape_ascii());
        }
        Self::with_detail(payload, id, format!("{detail}{metadata}"))
    }

    fn with_detail(payload: &Payload<'_>, id: ImageId, mut detail: String) -> Self {
        let Payload { element, report, contradicts_header, .. } = payload;
        if *contradicts_header {
            detail += &format!("; the OTA header says {id}");
        }
        Self { element: *element, kind: report.kind.name(), state: report.state.name(), detail }
    }
}
