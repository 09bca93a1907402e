//! Vendors' files: the judgement of each, and flipped bytes.

use zigbee_ota::inspect::{Inspection, Severity};

use crate::vendor_corpus::samples;

/// Only the truncated file and the files that are not OTA files are wrong.
///
/// Shows: FLD-070
#[test]
fn no_valid_file_is_wrong() {
    for sample in samples() {
        let bytes = std::fs::read(&sample.path).expect("a file of the list");
        let inspection = Inspection::of(&bytes);
        let texts: Vec<String> =
            inspection.findings().map(|finding| format!("{}: {finding}", finding.severity)).collect();
        let is_wrong = !sample.is_ota() || sample.expected["layout"] == "truncated";
        assert_eq!(inspection.is_wrong(), is_wrong, "{}: {texts:?}", sample.name);
        // The raw code of one maker after the element has no known form.
        let is_doubtful = sample.expected["layout"] == "elements-then-raw";
        assert_eq!(inspection.worst() == Some(Severity::Doubtful), is_doubtful, "{}: {texts:?}", sample.name);
    }
}

/// Flips bits at the start, at the end, and at 6 places of each covered range.
#[test]
fn a_flipped_bit_of_a_covered_byte_is_found() {
    for sample in samples().iter().filter(|sample| sample.is_ota()) {
        let mut bytes = std::fs::read(&sample.path).expect("a file of the list");
        let ranges: Vec<_> = Inspection::of(&bytes).coverage().map(|covered| covered.range).collect();
        for range in ranges {
            let step = range.len().div_ceil(6);
            let start = (range.start..range.end.min(range.start + 70)).step_by(9);
            for place in start.chain([range.end - 1]).chain(range.step_by(step)) {
                bytes[place] ^= 0x20;
                let worst = Inspection::of(&bytes).worst();
                assert!(worst >= Some(Severity::Doubtful), "{}: byte {place}: {worst:?}", sample.name);
                bytes[place] ^= 0x20;
            }
        }
    }
}
