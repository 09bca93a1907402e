//! Properties of payload detection and checks, for property tests and fuzz targets.

use zigbee_ota::file::{Image, Tag};
use zigbee_ota::payload::{
    Damage, DamageKind, Entropy, Payload, PayloadKind, PayloadReport, PayloadState, UnknownReason, payloads,
};

/// Checks the properties for any bytes, payload or not, OTA file or not.
pub fn any_bytes(bytes: &[u8]) {
    let verdict = PayloadReport::of(bytes);
    assert_eq!(verdict.kind, PayloadKind::of(bytes), "detection and check agree");
    any_verdict(bytes.len(), &verdict);
    let entropy = Entropy::of(bytes);
    assert!(entropy.millibits <= 8_000 && usize::from(entropy.sample) <= bytes.len());
    if let Ok(image) = Image::parse_lenient(bytes) {
        any_image(&image);
    }
}

fn any_verdict(len: usize, verdict: &PayloadReport<'_>) {
    let PayloadReport { kind, state, encrypted, .. } = *verdict;
    match state {
        PayloadState::Damaged(Damage { offset, fault }) => {
            assert!(kind != PayloadKind::Unknown && offset <= len, "{verdict}");
            match fault {
                DamageKind::Sum { expected, found, .. } => assert_ne!(expected, found, "{verdict}"),
                DamageKind::Cut { needed, present } => assert!(needed > present, "{verdict}"),
                DamageKind::NoEnd => {}
            }
        }
        PayloadState::Encrypted => assert!(encrypted, "{verdict}"),
        PayloadState::Whole(_) => assert_ne!(kind, PayloadKind::Unknown),
        PayloadState::Unknown(why) => {
            assert_eq!(
                kind == PayloadKind::Unknown,
                matches!(why, UnknownReason::NotRecognised(_)),
                "{kind} {verdict}"
            );
        }
    }
    let text = verdict.to_string();
    assert!(!text.is_empty() && text.chars().all(|char| char.is_ascii() && !char.is_control()), "{text:?}");
}

/// Checks that every upgrade image is reported, in file order.
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
        any_verdict(bytes.len(), &payload.verdict);
        let by_its_place =
            [PayloadKind::TelinkAes, PayloadKind::NordicFirmware, PayloadKind::Ubisys, PayloadKind::Osram];
        let alone = PayloadReport::of(bytes);
        // A payload that exceeds its element may continue in the next one.
        let cut = matches!(
            alone.state,
            PayloadState::Damaged(Damage { fault: DamageKind::Cut { .. } | DamageKind::NoEnd, .. })
        );
        if cut && !payload.is_damaged() {
            assert_eq!(
                payload.verdict,
                PayloadReport { state: PayloadState::Unknown(UnknownReason::Doubtful), ..alone }
            );
        } else if !by_its_place.contains(&payload.verdict.kind) {
            assert_eq!(payload.verdict, alone);
        }
    }
    for (number, at) in elements.iter().enumerate() {
        let judged = all.iter().any(|payload| payload.element == Some(number));
        assert!(judged || at.element.tag != Tag::UPGRADE_IMAGE, "element {number}");
    }
}
