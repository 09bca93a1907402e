//! Elements that run past the end, raw bodies, and elements that contradict the specification.

use zigbee_ota::inspect::{FindingKind, Inspection, Overrun, OverrunCause, Severity};
use zigbee_ota::payload::PayloadKind;

use crate::payload_builders::{code, cortex, esp, gbl, hue, random, telink};
use crate::{file, found, with_body};

/// Element whose length field is `declared`.
fn element(tag: u16, declared: usize, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(declared).expect("short").to_le_bytes();
    [&tag.to_le_bytes()[..], &length, data].concat()
}

#[track_caller]
fn overrun(bytes: &[u8]) -> (Severity, usize, Overrun, String) {
    let inspection = Inspection::of(bytes);
    let mut findings = inspection.findings();
    let found = findings.find_map(|finding| match finding.kind {
        FindingKind::ElementOverrun(overrun) => {
            Some((finding.severity, finding.offset, overrun, finding.to_string()))
        }
        _ => None,
    });
    found.expect("an element that runs past the end")
}

/// Behind a tag of the specification, whatever the data is.
///
/// Shows: FLD-070
#[test]
fn an_assigned_tag_that_runs_past_the_end_is_wrong() {
    for tag in 0..=6 {
        for data in [&code(40)[..], &gbl(0, &[]).bytes, &random(40)] {
            let bytes = with_body(&element(tag, data.len() + 1, data));
            let (severity, offset, overrun, text) = overrun(&bytes);
            assert_eq!((severity, offset, overrun.tag.0), (Severity::Wrong, 56, tag));
            assert_eq!((overrun.declared as usize, overrun.present), (data.len() + 1, data.len()));
            let (declared, present) = (data.len() + 1, data.len());
            let expected = format!(
                "the element {tag:#06x} at byte 56 runs past the end: it declares {declared} bytes of data, and {present} are \
                 left up to the total image size"
            );
            assert_eq!(text, expected);
            assert!(Inspection::of(&bytes).is_wrong());
        }
    }
}

/// The payload behind the tag shows that an element was meant.
///
/// Shows: FLD-070
#[test]
fn a_known_payload_behind_the_head_makes_an_overrun_wrong() {
    let image = gbl(0, &[0xfe01_01fe]).bytes;
    for tag in [0x1234, 0xf000, 0xff01] {
        let (severity, ..) = overrun(&with_body(&element(tag, image.len() + 9, &image)));
        assert_eq!(severity, Severity::Wrong, "{tag:#06x}");
    }
    // Telink's two bytes stand before the data, and the length does not count them.
    let data = [&[0x01, 0x0c], &random(400)[..]].concat();
    assert_eq!(found(&with_body(&element(0xf000, 400, &data))), [(Severity::Note, "telink-form", 56)]);
    for declared in [403, 404, 900] {
        let (severity, _, overrun, _) = overrun(&with_body(&element(0xf000, declared, &data)));
        assert_eq!((severity, overrun.present), (Severity::Wrong, 402), "{declared}");
    }
    let plain = [&[0x02, 0x0d], &telink("", 8).bytes[..]].concat();
    assert_eq!(overrun(&with_body(&element(0xf000, 5_000, &plain))).0, Severity::Wrong);
}

/// Shows: FLD-070
#[test]
fn an_unknown_first_tag_that_runs_past_the_end_is_doubtful() {
    for tag in [0x0007, 0x2bcd, 0xf000, 0xffff] {
        let bytes = with_body(&element(tag, 900, &code(40)));
        let (severity, _, overrun, text) = overrun(&bytes);
        assert_eq!((severity, overrun.tag.0, overrun.first), (Severity::Doubtful, tag, true));
        let expected = format!(
            "no elements: the body is 46 raw bytes of no known form; as an element {tag:#06x}, they would need 900 bytes of data, \
             and have 40"
        );
        assert_eq!(text, expected);
        assert_eq!(Inspection::of(&bytes).allow_raw_body().worst(), Some(Severity::Note));
    }
}

/// Shows: FLD-070
#[test]
fn a_raw_body_of_a_known_format_is_noted() {
    for (kind, body) in [
        (PayloadKind::EspImage, esp(true).bytes),
        (PayloadKind::HueSbl, [&hue()[..16], &random(4000)].concat()),
        (PayloadKind::SilabsGbl, gbl(0, &[]).bytes),
        (PayloadKind::CortexM, cortex()),
    ] {
        let bytes = with_body(&body);
        let inspection = Inspection::of(&bytes);
        assert_eq!(inspection.worst(), Some(Severity::Note));
        let finding = inspection.findings().next().expect("a note");
        assert_eq!((finding.severity, finding.offset), (Severity::Note, 56), "{finding}");
        assert_eq!(
            finding.to_string(),
            format!("no elements: the body is {} raw bytes ({kind})", body.len())
        );
    }
}

/// After valid elements, an element was meant, unless the raw bytes are a known image or cannot be an element.
///
/// Shows: FLD-070
#[test]
fn an_overrun_after_valid_elements_is_wrong() {
    let valid = element(0xf001, 4, &[1, 2, 3, 4]);
    for (tag, declared, severity) in [
        (0x0000, 21, Severity::Wrong),
        (0x0003, 0x7fff_ffff, Severity::Wrong),
        (0x0123, 21, Severity::Wrong),
        (0xf003, 21, Severity::Wrong),
        (0xf003, 0x7fff_ffff, Severity::Wrong),
        // No tag of a specification, and a length beyond any device.
        (0x940c, 0x740c_0080, Severity::Doubtful),
    ] {
        let bytes = with_body(&[&valid[..], &element(tag, declared, &code(20))].concat());
        let (found, offset, overrun, text) = overrun(&bytes);
        assert_eq!((found, offset, overrun.first), (severity, 66, false), "{tag:#06x}, {declared}: {text}");
    }
    for (raw, name) in
        [(esp(true).bytes, "raw-bytes"), (vec![0xff; 40], "raw-bytes"), (vec![7; 5], "raw-bytes")]
    {
        let bytes = with_body(&[&valid[..], &raw].concat());
        assert_eq!(found(&bytes), [(Severity::Note, name, 66)]);
    }
}

/// The text names the cause where the bytes show it.
///
/// Shows: FLD-070
#[test]
fn the_cause_of_an_overrun_is_named() {
    let data = code(40);
    let counted = with_body(&element(0, 46, &data));
    let (.., overrun, text) = overrun(&counted);
    assert_eq!(overrun.cause, OverrunCause::CountsHead);
    assert!(text.ends_with("its length counts the 6 bytes of tag and length as well"), "{text}");

    let mut small = file(&[(0, &data)]);
    small[52] = 90;
    let (_, _, found, text) = self::overrun(&small);
    assert_eq!((found.cause, found.present), (OverrunCause::TotalTooSmall { right: 102 }, 28));
    assert!(text.ends_with("with a total image size of 102 the element fits"), "{text}");
    let names: Vec<_> = crate::found(&small).into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names, ["trailing-bytes", "element-overrun"]);
}

/// Fewer bytes than the head of an element are what is left of one when the total image size ends there.
#[test]
fn six_bytes_of_padding_are_no_rest_of_an_element() {
    for (count, severity) in [(5, Severity::Doubtful), (6, Severity::Note)] {
        let mut bytes = file(&[(0xf001, &code(9))]);
        bytes.extend(vec![0xff; count]);
        let total = u32::try_from(bytes.len()).expect("short");
        bytes[52..56].copy_from_slice(&total.to_le_bytes());
        bytes.extend([1, 2, 3]);
        let all = found(&bytes);
        assert!(all.contains(&(severity, "raw-bytes", 71)), "{count}: {all:?}");
    }
}

/// A truncated file is called truncated, and a whole element in it is no overrun.
#[test]
fn a_truncated_file_is_wrong_and_its_elements_are_judged_by_the_total_size() {
    let whole = file(&[(0, &code(40)), (0xf001, &code(9))]);
    for len in 56..whole.len() {
        let all = found(&whole[..len]);
        assert_eq!(all, [(Severity::Wrong, "truncated", len)], "{len} bytes");
    }
    // A signature that is cut is no malformed one.
    let signed = file(&[(0xf001, &code(9)), (5, &[1; 80])]);
    assert_eq!(found(&signed[..100]), [(Severity::Wrong, "truncated", 100)]);
    let mut overrun = whole.clone();
    overrun[58] = 90;
    let all = found(&overrun[..100]);
    assert_eq!(all, [(Severity::Wrong, "truncated", 100), (Severity::Wrong, "element-overrun", 56)]);
}

#[test]
fn irregular_elements_are_noted() {
    let signature = |tag, len| file(&[(0, &code(9)), (tag, &vec![1; len])]);
    assert_eq!(found(&signature(5, 80)), []);
    assert_eq!(found(&signature(1, 50)), []);
    assert_eq!(found(&signature(5, 79)), [(Severity::Doubtful, "malformed-signature", 77)]);
    assert_eq!(found(&signature(1, 51)), [(Severity::Doubtful, "malformed-signature", 127)]);
    // The writer refuses a signature that is not the last element.
    let mut early = file(&[(0, &[1; 80]), (0xf001, &[])]);
    early[56] = 5;
    assert_eq!(found(&early), [(Severity::Note, "elements-after-signature", 56)]);
    assert_eq!(found(&file(&[(0x0abc, &[])])), [(Severity::Note, "reserved-tag", 56)]);
    assert_eq!(found(&file(&[])), [(Severity::Note, "no-elements", 56)]);
}
