//! Summary of a file in five lines: type, target devices, completeness, signature, and agreement of payload and header.

use zigbee_ota::container::ContainerKind;
use zigbee_ota::file::SignatureElement;
use zigbee_ota::inspect::{FindingKind, Inspection, Severity};
use zigbee_ota::payload::{Payload, PayloadState};

use crate::input_files::InputFile;

/// Summary of a file, by which a person judges the result of a build, or decides whether a gateway may serve the file.
pub struct Summary<'a> {
    opened: &'a InputFile<'a>,
    inspection: &'a Inspection<'a>,
    /// Payload that the summary describes: the largest payload of the file.
    payload: Option<Payload<'a>>,
}

impl<'a> Summary<'a> {
    pub fn new(opened: &'a InputFile<'a>, inspection: &'a Inspection<'a>) -> Self {
        let payload = inspection.payloads().max_by_key(|payload| payload.len);
        Self { opened, inspection, payload }
    }

    /// Returns the line about the type of the file.
    pub fn what(&self) -> String {
        let InputFile { container, image, given, .. } = self.opened;
        let text = image.header().header_string.to_string();
        let named = if text.trim().is_empty() { String::new() } else { format!(" {text:?}") };
        let inside = match container.kind {
            ContainerKind::None => String::new(),
            kind => format!(", in a container ({kind}) of {} bytes", given.len()),
        };
        format!("OTA file{named} of {} bytes{inside}", image.header().total_size)
    }

    /// Returns the line about the target devices of the file and the file version.
    pub fn target(&self) -> String {
        let header = self.opened.image.header();
        let mut target = format!(
            "manufacturer {}, image type {:#06x}, version {:#010x}",
            header.id.manufacturer, header.id.image_type.0, header.id.version.0
        );
        if let Some(range) = header.hardware {
            target += &format!(", hardware {} to {}", range.min, range.max);
        }
        if let Some(address) = header.destination {
            target += &format!(", only the device {address}");
        }
        target
    }

    /// Returns the line about the completeness of the file, with the evidence for it.
    pub fn whole(&self) -> String {
        let of = |severity| self.inspection.findings().filter(move |finding| finding.severity == severity);
        if let Some(finding) = of(Severity::Wrong).next() {
            let more = of(Severity::Wrong).count() - 1;
            let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            return format!("NO: {finding}{more}");
        }
        if let Some(finding) = of(Severity::Doubtful).next() {
            return format!("doubtful: {finding}");
        }
        let uncovered: usize = self.inspection.uncovered().map(|range| range.len()).sum();
        let mut checksums: Vec<String> =
            self.inspection.coverage().take(MOST).map(|covered| covered.checksum.to_string()).collect();
        checksums.dedup();
        match (&self.payload, checksums.is_empty()) {
            (_, true) => "all bytes are there; no checksum vouches for them".into(),
            (Some(Payload { report, .. }), false) if !matches!(report.state, PayloadState::Whole(_)) => {
                format!(
                    "all bytes are there; checksums of {} match, {uncovered} bytes are in none",
                    checksums.join(", ")
                )
            }
            _ => format!("yes, by the checksums of {}; {uncovered} bytes are in none", checksums.join(", ")),
        }
    }

    /// Returns the line about the signature of the file, with the signer.
    pub fn signed(&self) -> String {
        let inner = match &self.payload {
            Some(Payload { report, .. }) if report.signed => {
                "; the payload has a signature of its own, not verified here"
            }
            _ => "",
        };
        match self.opened.image.signature() {
            Ok(Some(signature)) => {
                let suite = if matches!(signature, SignatureElement::Suite1 { .. }) { 1 } else { 2 };
                format!(
                    "by {}, crypto suite {suite}, not verified here (`ota verify` does){inner}",
                    signature.signer()
                )
            }
            Ok(None) => format!("no{inner}"),
            Err(error) => format!("not as a device could verify it: {error}{inner}"),
        }
    }

    /// Returns the line about the format of the payload, and about its agreement with the header.
    pub fn payload(&self) -> String {
        let Some(Payload { report, .. }) = &self.payload else {
            return "none".into();
        };
        let mut findings = self.inspection.findings();
        let conflict = findings
            .find(|finding| matches!(finding.kind, FindingKind::PayloadContradictsHeader { .. }))
            .map(|finding| finding.to_string());
        let metadata = report.metadata;
        let says = metadata.manufacturer.is_some() || metadata.image_type.is_some();
        let header = match (conflict, says) {
            (Some(conflict), _) => format!("CONTRADICTS the header: {conflict}"),
            (None, true) => "agrees with the header".into(),
            (None, false) => "says nothing of manufacturer and image type".into(),
        };
        let chip = match metadata.chip {
            [] => String::new(),
            chip => format!(" for {}", chip.escape_ascii()),
        };
        format!("{}{chip}, {}; {header}", report.kind, report.state.name())
    }
}

/// Maximum number of checksums that the summary names.
const MOST: usize = 8;
