//! Payload reports: kind and state of the payload in each element.

use serde::Serialize;
use zigbee_ota::payload::{Payload, payloads};

use crate::input::InputFile;

/// Payload in the output; key order and types are a contract with scripts.
#[derive(Serialize)]
pub struct PayloadEntry {
    /// Index of the element; none for raw bytes outside of elements.
    pub element: Option<usize>,
    pub kind: &'static str,
    pub state: &'static str,
    pub detail: String,
}

pub fn shown(opened: &InputFile<'_>) -> Vec<PayloadEntry> {
    payloads(&opened.image).map(|payload| PayloadEntry::new(&payload, opened)).collect()
}

/// Returns the damaged payloads, which no device can start.
pub fn faults(opened: &InputFile<'_>) -> Vec<String> {
    let damaged = payloads(&opened.image).filter(Payload::is_damaged);
    let named = damaged.map(|payload| {
        let place = payload.element.map_or("raw bytes".into(), |number| format!("element {number}"));
        format!("the payload ({}) of {place} is damaged: {}", payload.report.kind, payload.report.state)
    });
    named.collect()
}

impl PayloadEntry {
    fn new(payload: &Payload<'_>, opened: &InputFile<'_>) -> Self {
        let Payload { element, report, contradicts_header, .. } = payload;
        let other = match contradicts_header {
            true => format!("; the OTA header says {}", opened.image.header().id),
            false => String::new(),
        };
        let detail = format!("{report}{other}");
        Self { element: *element, kind: report.kind.name(), state: report.state.name(), detail }
    }
}
