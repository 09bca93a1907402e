//! Calls of the module `inspect`: the inspection of a file, its findings and its coverage.

use core::hint::black_box;

use zigbee_ota::inspect::{FindingKind, Inspection};

use crate::Bytes;

pub(crate) fn call(bytes: &Bytes<'_>) {
    let inspection = black_box(Inspection::of(bytes.input));
    for finding in inspection.findings() {
        black_box((finding.severity.name(), finding.kind.name(), finding.is_irregularity()));
        if let FindingKind::NotOta { content, .. } = finding.kind {
            black_box(content.name());
        }
    }
    black_box((inspection.worst(), inspection.is_wrong(), inspection.is_regular()));
    black_box((inspection.container(), inspection.image(), inspection.integrity_code()));
    for payload in inspection.payloads() {
        black_box(&payload);
        payload.report.covered_ranges(bytes.input).for_each(|range| {
            black_box(range);
        });
    }
    inspection.coverage().for_each(|covered| {
        black_box(covered);
    });
    inspection.uncovered().for_each(|range| {
        black_box(range);
    });
    black_box(inspection.allow_raw_body().worst());
}
