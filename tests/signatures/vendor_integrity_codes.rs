//! Integrity codes of vendor files; the name of each file states the convention of its code.

use zigbee_ota::container::Container;
use zigbee_ota::file::Image;
use zigbee_ota::signature::integrity::{CodeForm, IntegrityChecker, IntegrityCode};

use crate::vendor_corpus;

#[test]
fn vendor_integrity_codes_match_by_their_convention() {
    for sample in vendor_corpus::samples().iter().filter(|sample| sample.is_ota()) {
        let (name, mut bytes) = (&sample.name, std::fs::read(&sample.path).expect("a file of the list"));
        let ota = Container::open(&bytes).expect(name).ota;
        let image = Image::parse_lenient(ota).expect(name);
        let expected = match sample.expected["integrity_note"].as_str() {
            None => IntegrityCode::Absent,
            Some(note) if note.contains("16bit_length_pad") => IntegrityCode::Ok(CodeForm::ShortPadding),
            Some(note) if note.contains("data_offset") => IntegrityCode::Ok(CodeForm::BeforeData),
            Some(_) => IntegrityCode::Ok(CodeForm::BeforeElement),
        };
        assert_eq!(IntegrityCode::check(&image), expected, "{name}");
        if name.starts_with("integrity_") {
            assert_ne!(expected, IntegrityCode::Absent, "{name}");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            let image = Image::parse_lenient(&bytes).expect(name);
            assert_eq!(IntegrityCode::check(&image), IntegrityCode::Bad, "{name}");
        }
    }
}

#[test]
fn conventions_have_stable_names() {
    let names = [CodeForm::BeforeElement, CodeForm::BeforeData, CodeForm::ShortPadding].map(CodeForm::name);
    assert_eq!(names, ["before-element", "before-data", "short-padding"]);
    assert_eq!(IntegrityChecker::default().finish(), IntegrityCode::Absent, "a check of no bytes");
}
