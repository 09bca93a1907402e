//! Integrity codes of files as vendors ship them; their names say by which convention.

use zigbee_ota::container::Container;
use zigbee_ota::file::Image;
use zigbee_ota::signature::integrity::{Check, Form, Integrity};

use crate::vendor_corpus;

#[test]
fn vendors_integrity_codes_are_right_and_their_forms_told() {
    for sample in vendor_corpus::samples().iter().filter(|sample| sample.is_ota()) {
        let (name, mut bytes) = (&sample.name, std::fs::read(&sample.path).expect("a file of the list"));
        let ota = Container::open(&bytes).expect(name).ota;
        let image = Image::parse_lenient(ota).expect(name);
        let expected = match sample.expected["integrity_note"].as_str() {
            None => Integrity::Absent,
            Some(note) if note.contains("16bit_length_pad") => Integrity::Ok(Form::ShortPadding),
            Some(note) if note.contains("data_offset") => Integrity::Ok(Form::BeforeData),
            Some(_) => Integrity::Ok(Form::BeforeElement),
        };
        assert_eq!(Integrity::of(&image), expected, "{name}");
        if name.starts_with("integrity_") {
            assert_ne!(expected, Integrity::Absent, "{name}");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            let image = Image::parse_lenient(&bytes).expect(name);
            assert_eq!(Integrity::of(&image), Integrity::Bad, "{name}");
        }
    }
}

#[test]
fn conventions_have_names_for_scripts() {
    let names = [Form::BeforeElement, Form::BeforeData, Form::ShortPadding].map(Form::name);
    assert_eq!(names, ["before-element", "before-data", "short-padding"]);
    assert_eq!(Check::default().finish(), Integrity::Absent, "of no byte at all");
}
