//! Properties of inspections, for property tests and fuzz targets.

use zigbee_ota::container::Container;
use zigbee_ota::file::Image;
use zigbee_ota::inspect::{FindingKind, Inspection, Severity};

/// Checks the properties for any bytes, whether they are an OTA file or not.
pub fn any_bytes(bytes: &[u8]) {
    let inspection = Inspection::of(bytes);
    let container = Container::open(bytes).ok();
    assert_eq!(inspection.container(), container.as_ref());
    assert_eq!(inspection.image().is_some(), container.is_some());
    let mut worst = None;
    for finding in inspection.findings() {
        assert!(finding.offset <= bytes.len(), "{finding}");
        let text = finding.to_string();
        assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
        assert!(finding.is_irregularity() || finding.severity == Severity::Note, "{text}");
        let not_ota = matches!(finding.kind, FindingKind::NotOta { .. });
        assert_eq!(not_ota, container.is_none(), "{text}");
        worst = worst.max(Some(finding.severity));
    }
    assert_eq!((inspection.worst(), inspection.is_wrong()), (worst, worst == Some(Severity::Wrong)));
    // Exactly one OTA file by the letter, with nothing doubtful in it.
    if inspection.is_regular() {
        assert!(Image::parse(bytes).is_ok());
    }
    let raw = Inspection::of(bytes).allow_raw_body();
    assert!(raw.worst() <= worst, "who allows a raw body refuses nothing more");
    any_coverage(bytes, &inspection);
}

/// Checks that all bytes are in a covered range or in one that no checksum covers.
fn any_coverage(bytes: &[u8], inspection: &Inspection<'_>) {
    let mut covered = vec![false; bytes.len()];
    for range in inspection.coverage().map(|covered| covered.range) {
        covered[range].fill(true);
    }
    let mut end = 0;
    for range in inspection.uncovered() {
        assert!(end <= range.start && range.start < range.end, "ascending");
        assert!(covered[end..range.start].iter().all(|covered| *covered));
        assert!(covered[range.clone()].iter().all(|covered| !covered));
        end = range.end;
    }
    assert!(covered[end..].iter().all(|covered| *covered));
}
