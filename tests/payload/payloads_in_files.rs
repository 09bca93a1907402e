//! Payloads of whole OTA files: the parts that are checked, and formats that only the elements around them show.

use zigbee_ota::file::{Element, FileHeader, FileWriter, Image, Tag};
use zigbee_ota::payload::{PayloadKind, PayloadState, PayloadVersion, payloads};
use zigbee_ota::{Encode, ImageId};

use crate::bitwise_reference_checksums::register;
use crate::properties::any_bytes;
use crate::sample_builders::{code, ebl, esp, gbl, nordic};

/// OTA file of this manufacturer with these elements.
pub fn file(manufacturer: u16, elements: &[(u16, &[u8])]) -> Vec<u8> {
    let elements: Vec<_> = elements.iter().map(|(tag, data)| Element { tag: Tag(*tag), data }).collect();
    let header = FileHeader::new(ImageId::new(manufacturer, 0x00ab, 5));
    FileWriter::new(header, &elements).expect("small").to_vec()
}

/// Element, format and state of each payload.
fn checked(file: &[u8]) -> Vec<(Option<usize>, PayloadKind, &'static str)> {
    any_bytes(file);
    let image = Image::parse_lenient(file).expect("a header");
    let all = payloads(&image);
    all.map(|payload| (payload.element, payload.report.kind, payload.report.state.name())).collect()
}

#[test]
fn upgrade_images_and_recognised_elements_are_checked() {
    let (gbl, ebl) = (gbl(0, &[]).bytes, ebl().bytes);
    let mut damaged = gbl.clone();
    damaged[12] ^= 1;
    let file = file(0x1001, &[(0xf000, &code(30)), (0, &gbl), (3, &code(16)), (0xf001, &ebl), (0, &damaged)]);
    let expected = [
        (Some(1), PayloadKind::SilabsGbl, "whole"),
        (Some(3), PayloadKind::SilabsEbl, "whole"),
        (Some(4), PayloadKind::SilabsGbl, "damaged"),
    ];
    assert_eq!(checked(&file), expected);
    assert_eq!(checked(&self::file(0x1001, &[(0, &[])])), [(Some(0), PayloadKind::Unknown, "unknown")]);
    assert_eq!(checked(&self::file(0x1001, &[])), []);
}

/// OTA file with this body, which need not be elements.
fn with_body(body: &[u8]) -> Vec<u8> {
    let mut file = file(0x1001, &[]);
    let total = u32::try_from(file.len() + body.len()).expect("small");
    file[52..56].copy_from_slice(&total.to_le_bytes());
    [&file[..], body].concat()
}

#[test]
fn a_raw_remainder_is_checked_unless_it_is_padding() {
    let esp = esp(true).bytes;
    assert_eq!(checked(&with_body(&esp)), [(None, PayloadKind::EspImage, "whole")]);
    let element = [&[0, 0, 3, 0, 0, 0, 1, 2, 3][..], &esp].concat();
    assert_eq!(
        checked(&with_body(&element)),
        [(Some(0), PayloadKind::Unknown, "unknown"), (None, PayloadKind::EspImage, "whole")]
    );
    assert_eq!(checked(&with_body(&element[..12])), [(Some(0), PayloadKind::Unknown, "unknown")]);
}

/// One file for each format that only the elements around the payload show.
pub fn in_context() -> [Vec<u8>; 3] {
    let telink = [&[0x00, 0xf0, 32, 0, 0, 0, 0x01, 0x0c], &code(32)[..]].concat();
    let firmware = code(700);
    let mut description = code(160);
    description[28..30].copy_from_slice(&[0xbd, 0xf7]);
    [
        with_body(&telink),
        file(0x115f, &[(0, &nordic(&firmware, true)), (0, &firmware)]),
        file(0x10f2, &[(0xf7bd, &description), (0, &code(100))]),
    ]
}

#[test]
fn an_element_in_telink_form_is_an_encrypted_image() {
    let body = [&[0x00, 0xf0, 32, 0, 0, 0, 0x01, 0x0c], &code(32)[..]].concat();
    assert_eq!(checked(&with_body(&body)), [(Some(0), PayloadKind::TelinkAes, "encrypted")]);
}

#[test]
fn nordic_firmware_is_checked_by_the_init_packet_before_it() {
    let mut dice = fastrand::Rng::with_seed(1);
    for reversed in [true, false] {
        let mut firmware = code(700);
        let packet = nordic(&firmware, reversed);
        let states = |firmware: &[u8]| checked(&file(0x115f, &[(0, &packet), (0, firmware)]));
        let packet_state = (Some(0), PayloadKind::NordicInit, "unknown");
        assert_eq!(states(&firmware), [packet_state, (Some(1), PayloadKind::NordicFirmware, "whole")]);
        for place in 0..firmware.len() {
            firmware[place] ^= 0x04;
            assert_eq!(states(&firmware)[1].2, "damaged", "byte {place}");
            firmware[place] ^= 0x04;
        }
        // Firmware with another length is not that of the packet.
        assert_eq!(states(&firmware[1..])[1], (Some(1), PayloadKind::Unknown, "unknown"));
        // Random bytes may be encrypted, and the hash that of the firmware before.
        let large = nordic(&code(5000), reversed);
        let secret: Vec<u8> = std::iter::repeat_with(|| dice.u8(..)).take(5000).collect();
        let all = checked(&file(0x115f, &[(0, &large), (0, &secret)]));
        assert_eq!(all[1], (Some(1), PayloadKind::NordicFirmware, "encrypted"));
        // A change of the digest shows, and the packet must be in the element just before.
        let start = packet.len() - 58;
        let mut other = packet.clone();
        let digest = (start..start + 34).find(|place| other[*place..].starts_with(&[0x12, 0x20]));
        other[digest.expect("a digest") + 2] ^= 1;
        assert_eq!(checked(&file(0x115f, &[(0, &other), (0, &firmware)]))[1].2, "damaged");
        let apart = checked(&file(0x115f, &[(0, &packet), (0xf000, &[]), (0, &firmware)]));
        assert_eq!(apart[1], (Some(2), PayloadKind::Unknown, "unknown"));
    }
}

/// The sample is signed; an init packet without a signature has the command alone.
#[test]
fn a_signed_init_packet_signs_the_firmware_after_it() {
    let firmware = code(700);
    let signed = nordic(&firmware, true);
    // A signed packet has the unsigned one behind its own head, and then the type and 20 bytes of the signature.
    let head = if signed[1] < 0x80 { 2 } else { 3 };
    let unsigned = signed[head..signed.len() - 2 - 22].to_vec();
    for (packet, expected) in [(&signed, true), (&unsigned, false)] {
        let bytes = file(0x115f, &[(0, packet), (0, &firmware)]);
        let image = Image::parse_lenient(&bytes).expect("a header");
        let version = Some(PayloadVersion::Number(29));
        assert!(payloads(&image).all(|payload| payload.report.metadata.version == version));
        let reports: Vec<_> =
            payloads(&image).map(|payload| (payload.report.kind, payload.report.signed)).collect();
        let kinds = [PayloadKind::NordicInit, PayloadKind::NordicFirmware];
        assert_eq!(reports, kinds.map(|kind| (kind, expected)), "{packet:02x?}");
    }
}

#[test]
fn ubisys_firmware_is_recognised_by_the_element_before_it() {
    let mut about = code(160);
    about[28..30].copy_from_slice(&[0xbd, 0xf7]);
    let mut dice = fastrand::Rng::with_seed(2);
    let secret: Vec<u8> = std::iter::repeat_with(|| dice.u8(..)).take(3000).collect();
    assert_eq!(
        checked(&file(0x10f2, &[(0xf7bd, &about), (0, &secret)])),
        [(Some(1), PayloadKind::Ubisys, "encrypted")]
    );
    about[28] = 0;
    assert_eq!(checked(&file(0x10f2, &[(0xf7bd, &about), (0, &secret)]))[0].1, PayloadKind::Unknown);
}

#[test]
fn osram_tables_are_recognised_by_their_crc() {
    let mut table = code(60);
    table.extend(register(0, &table).to_le_bytes());
    assert_eq!(checked(&file(0x110c, &[(0xff52, &table)])), [(Some(0), PayloadKind::Osram, "whole")]);
    assert_eq!(checked(&file(0x1001, &[(0xff52, &table)])), []);
    table[3] ^= 1;
    assert_eq!(checked(&file(0x110c, &[(0xff52, &table)])), []);
    assert_eq!(checked(&file(0x110c, &[(0xff52, &[0; 20])])), []);
}

#[test]
fn a_truncated_file_has_a_damaged_payload() {
    let file = file(0x1001, &[(0, &gbl(0, &[0xfe01_01fe]).bytes)]);
    for len in 66..file.len() {
        assert_eq!(checked(&file[..len]), [(Some(0), PayloadKind::SilabsGbl, "damaged")], "{len} bytes");
    }
    let image = Image::parse(&file).expect("a file");
    assert!(payloads(&image).all(|payload| matches!(payload.report.state, PayloadState::Whole(_))));
}

#[test]
fn an_image_in_several_elements_is_not_called_truncated() {
    let gbl = gbl(0, &[0xfe01_01fe]).bytes;
    let (first, second) = gbl.split_at(40);
    let states = |elements: &[(u16, &[u8])]| checked(&file(0x1001, elements))[0].2;
    assert_eq!(states(&[(0, first), (0, second)]), "unknown");
    assert_eq!(states(&[(0, &gbl[..64]), (0, &gbl[64..])]), "unknown");
    assert_eq!(states(&[(0, first), (0xf000, second)]), "damaged");
    // A CRC that does not match is damage, whatever follows.
    let mut damaged = gbl.clone();
    damaged[30] ^= 1;
    assert_eq!(states(&[(0, &damaged), (0, &gbl)]), "damaged");
}
