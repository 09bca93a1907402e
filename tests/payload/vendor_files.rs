//! Payloads of vendors' files, compared with the results of an independent reader.

use zigbee_ota::container::Container;
use zigbee_ota::file::{BodyLayout, Image};
use zigbee_ota::payload::{Payload, PayloadKind, PayloadReport, PayloadState, payloads};

use crate::properties::any_bytes;
use crate::vendor_corpus::{Sample, samples};

/// Format name at the start of a note, which may continue with a variant or an offset.
fn name(note: &str) -> &str {
    let name = note.split(['(', '@', '/', ':']).next().unwrap_or_default();
    name.strip_suffix("_raw").unwrap_or(name)
}

/// Returns whether a note names this format. Some notes are more general, and the reader did not recognise some payloads.
fn means(note: &str, kind: PayloadKind) -> bool {
    match name(note) {
        "high_entropy" => {
            matches!(
                kind,
                PayloadKind::Unknown
                    | PayloadKind::Ubisys
                    | PayloadKind::NordicFirmware
                    | PayloadKind::Dresden
            )
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
fn payloads_agree_with_an_independent_reader_and_none_is_damaged() {
    for sample in samples().iter().filter(|sample| sample.is_ota()) {
        let (name, bytes) = (&sample.name, read(sample));
        let container = Container::open(&bytes).expect(name);
        let image = Image::parse_lenient(container.ota).expect(name);
        let found: Vec<Payload<'_>> = payloads(&image).collect();
        for note in sample.expected["payload_note"].as_array().expect("notes") {
            let note = note.as_str().expect("a text");
            let there = found.iter().any(|payload| means(note, payload.report.kind));
            assert!(there, "{name}: no {note} in {found:?}");
        }
        let cut = image.layout() == BodyLayout::Truncated;
        for payload in &found {
            assert_eq!(payload.is_damaged(), cut, "{name}: {}", payload.report);
        }
        any_bytes(container.ota);
    }
}

#[test]
fn a_bare_image_of_telink_is_whole() {
    for sample in samples().iter().filter(|sample| sample.name.starts_with("raw_telink")) {
        let bytes = read(sample);
        let report = PayloadReport::of(&bytes);
        assert_eq!(report.kind, PayloadKind::TelinkKnlt);
        assert!(matches!(report.state, PayloadState::Whole(_)), "{report}");
    }
}

/// Flips a bit at 20 places of each whole payload, except near its ends, where padding may be.
#[test]
fn a_flipped_bit_of_a_whole_payload_is_found() {
    for sample in samples().iter().filter(|sample| sample.is_ota()) {
        let (name, bytes) = (&sample.name, read(sample));
        let container = Container::open(&bytes).expect(name);
        let image = Image::parse_lenient(container.ota).expect(name);
        let elements: Vec<_> = image.elements().collect();
        for payload in payloads(&image) {
            let whole = matches!(payload.report.state, PayloadState::Whole(_));
            let data = match payload.element {
                Some(number) => elements[number].element.data,
                None => image.raw_remainder().expect("raw bytes").bytes,
            };
            // A table of Osram is recognised by its element and its CRC, so a damaged one is not recognised.
            if !whole || payload.report.kind == PayloadKind::Osram {
                continue;
            }
            let mut data = data.to_vec();
            for place in (64..data.len() - 64).step_by(data.len() / 20) {
                data[place] ^= 0x20;
                let state = PayloadReport::of(&data).state;
                let compressed = payload.report.kind == PayloadKind::Xz || name.starts_with("ti_cc13x2");
                let found = matches!(state, PayloadState::Damaged(_))
                    || compressed && matches!(state, PayloadState::Unknown(_));
                assert!(found, "{name}: byte {place}: {state}");
                data[place] ^= 0x20;
            }
        }
    }
}
