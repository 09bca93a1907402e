//! Payloads of vendors' files, against what an independent reader took them for.

use zigbee_ota::container::Container;
use zigbee_ota::file::{BodyLayout, Image};
use zigbee_ota::payload::{Payload, PayloadKind, PayloadReport, PayloadState, payloads};

use crate::properties::any_bytes;
use crate::vendor_corpus::{Sample, samples};

/// The name in a note, which may go on about a variant or a place.
fn name(note: &str) -> &str {
    let name = note.split(['(', '@', '/', ':']).next().unwrap_or_default();
    name.strip_suffix("_raw").unwrap_or(name)
}

/// Whether a note means this kind. Some are more general, and some payloads the reader did not recognise.
fn means(note: &str, kind: PayloadKind) -> bool {
    match name(note) {
        "high_entropy" => {
            matches!(kind, PayloadKind::Unknown | PayloadKind::Ubisys | PayloadKind::NordicFirmware)
        }
        "osram_like" => kind == PayloadKind::Osram,
        "other" => kind == PayloadKind::Unknown,
        "ti_oad_CC13x2R1" | "ti_oad_CC26x2R1" => kind == PayloadKind::TiOad,
        "ti_cc2530_8051" => kind == PayloadKind::TiCc2530,
        name => name == kind.name(),
    }
}

fn read(sample: &Sample) -> Vec<u8> {
    std::fs::read(&sample.path).expect("a file of the list")
}

#[test]
fn payloads_are_those_an_independent_reader_saw_and_none_is_damaged() {
    for sample in samples().iter().filter(|sample| sample.is_ota()) {
        let (name, bytes) = (&sample.name, read(sample));
        let container = Container::open(&bytes).expect(name);
        let image = Image::parse_lenient(container.ota).expect(name);
        let found: Vec<Payload<'_>> = payloads(&image).collect();
        for note in sample.expected["payload_note"].as_array().expect("notes") {
            let note = note.as_str().expect("a text");
            let there = found.iter().any(|payload| means(note, payload.verdict.kind));
            assert!(there, "{name}: no {note} in {found:?}");
        }
        let cut = image.layout() == BodyLayout::Truncated;
        for payload in &found {
            assert_eq!(payload.is_damaged(), cut, "{name}: {}", payload.verdict);
        }
        any_bytes(container.ota);
    }
}

#[test]
fn a_bare_image_of_telink_is_whole() {
    for sample in samples().iter().filter(|sample| sample.name.starts_with("raw_telink")) {
        let bytes = read(sample);
        let verdict = PayloadReport::of(&bytes);
        assert_eq!(verdict.kind, PayloadKind::TelinkKnlt);
        assert!(matches!(verdict.state, PayloadState::Whole(_)), "{verdict}");
    }
}

/// A change anywhere in a payload that is whole, its padding left out.
#[test]
fn a_flipped_bit_of_a_whole_payload_is_found() {
    for sample in samples().iter().filter(|sample| sample.is_ota()) {
        let (name, bytes) = (&sample.name, read(sample));
        let container = Container::open(&bytes).expect(name);
        let image = Image::parse_lenient(container.ota).expect(name);
        let elements: Vec<_> = image.elements().collect();
        for payload in payloads(&image) {
            let whole = matches!(payload.verdict.state, PayloadState::Whole(_));
            let data = match payload.element {
                Some(number) => elements[number].element.data,
                None => image.raw_remainder().expect("raw bytes").bytes,
            };
            // Tables of Osram are known by their element, and by nothing but their sum.
            if !whole || payload.verdict.kind == PayloadKind::Osram {
                continue;
            }
            let mut data = data.to_vec();
            for place in (64..data.len() - 64).step_by(data.len() / 20) {
                data[place] ^= 0x20;
                let state = PayloadReport::of(&data).state;
                let packed = payload.verdict.kind == PayloadKind::Xz || name.starts_with("ti_cc13x2");
                let found = matches!(state, PayloadState::Damaged(_))
                    || packed && matches!(state, PayloadState::Unknown(_));
                assert!(found, "{name}: byte {place}: {state}");
                data[place] ^= 0x20;
            }
        }
    }
}
