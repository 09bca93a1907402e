//! Properties of payloads, for property tests and fuzz targets.

use zigbee_ota::file::{Image, Tag};
use zigbee_ota::payload::{
    Damage, DamageKind, Entropy, Payload, PayloadKind, PayloadReport, PayloadState, UnknownReason, payloads,
};

/// Checks the properties of any bytes, whether they are a payload, an OTA file or neither.
pub fn any_bytes(bytes: &[u8]) {
    let report = PayloadReport::of(bytes);
    assert_eq!(report.kind, PayloadKind::of(bytes), "recognised as the same format");
    any_report(bytes.len(), &report);
    let entropy = Entropy::of(bytes);
    assert!(entropy.millibits <= 8_000 && usize::from(entropy.sample) <= bytes.len());
    if let Ok(image) = Image::parse_lenient(bytes) {
        any_image(&image);
    }
}

fn any_report(len: usize, report: &PayloadReport<'_>) {
    let PayloadReport { kind, state, encrypted, .. } = *report;
    match state {
        PayloadState::Damaged(Damage { offset, kind: damage }) => {
            assert!(kind != PayloadKind::Unknown && offset <= len, "{report}");
            match damage {
                DamageKind::Checksum { expected, found, .. } => assert_ne!(expected, found, "{report}"),
                DamageKind::Truncated { needed, present } => assert!(needed > present, "{report}"),
                DamageKind::NoEndTag => {}
                other => panic!("a new kind of damage: {other:?}"),
            }
        }
        PayloadState::Encrypted => assert!(encrypted, "{report}"),
        PayloadState::Whole(_) => assert_ne!(kind, PayloadKind::Unknown),
        PayloadState::Unknown(why) => {
            assert_eq!(
                kind == PayloadKind::Unknown,
                matches!(why, UnknownReason::NotRecognised(_)),
                "{kind} {report}"
            );
        }
    }
    let text = report.to_string();
    assert!(!text.is_empty() && text.chars().all(|char| char.is_ascii() && !char.is_control()), "{text:?}");
}

/// Checks that every upgrade image has a report, and that payloads come in file order.
fn any_image(image: &Image<'_>) {
    let all: Vec<Payload<'_>> = payloads(image).collect();
    // An empty element starts at the offset of the raw bytes after it.
    assert!(all.is_sorted_by_key(|payload| payload.offset));
    let elements: Vec<_> = image.elements().collect();
    for payload in &all {
        let bytes = match payload.element {
            Some(number) => {
                assert_eq!(payload.offset, elements[number].data_offset());
                elements[number].element.data
            }
            None => {
                let rest = image.raw_remainder().expect("raw bytes");
                assert_eq!(payload.offset, rest.offset);
                rest.bytes
            }
        };
        any_report(bytes.len(), &payload.report);
        let by_context =
            [PayloadKind::TelinkAes, PayloadKind::NordicFirmware, PayloadKind::Ubisys, PayloadKind::Osram];
        let alone = PayloadReport::of(bytes);
        // A payload may continue in a next element with the same tag: then neither is it cut, nor does a checksum at the
        // end of the element say anything.
        let mut expected = alone;
        let next = payload.element.and_then(|number| elements.get(number..number + 2));
        if next.is_some_and(|pair| pair[0].element.tag == pair[1].element.tag) {
            expected.element_state = None;
            if let PayloadState::Damaged(Damage {
                kind: DamageKind::Truncated { .. } | DamageKind::NoEndTag,
                ..
            }) = alone.state
            {
                expected.state = PayloadState::Unknown(UnknownReason::Ambiguous);
            }
        }
        if !by_context.contains(&payload.report.kind) {
            assert_eq!(payload.report, expected);
        }
    }
    for (number, at) in elements.iter().enumerate() {
        let reported = all.iter().any(|payload| payload.element == Some(number));
        assert!(reported || at.element.tag != Tag::UPGRADE_IMAGE, "element {number}");
    }
}
