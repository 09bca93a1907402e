//! Edge cases of payload formats: invalid lengths, missing fields, unusual values.

use zigbee_ota::payload::{
    ChecksumKind, Damage, DamageKind, PayloadKind, PayloadReport, PayloadState, PayloadVersion, UnknownReason,
};

use crate::bitwise_reference_checksums::crc32;
use crate::sample_builders::{code, ebl, gbl, jn518x, mcuboot, nordic, oad, telink, xz};

#[test]
fn kinds_have_names_for_scripts() {
    for (kind, name) in [
        (PayloadKind::SilabsGbl, "silabs_gbl"),
        (PayloadKind::SilabsEbl, "silabs_ebl"),
        (PayloadKind::SilabsEblEncrypted, "silabs_ebl_encrypted"),
        (PayloadKind::TelinkKnlt, "telink_knlt"),
        (PayloadKind::TelinkAes, "telink_aes_f000"),
        (PayloadKind::EspImage, "esp_image"),
        (PayloadKind::TiOad, "ti_oad"),
        (PayloadKind::TiCc2530, "ti_cc2530"),
        (PayloadKind::SilabsGbl4, "silabs_gbl4"),
        (PayloadKind::NxpJn51xx, "nxp_jn51xx"),
        (PayloadKind::NxpJn51xxSwapped, "nxp_jn51xx_word_swapped"),
        (PayloadKind::Dresden, "dresden_elektronik"),
        (PayloadKind::NxpJn514x, "nxp_jn514x_embedded_ota_header"),
        (PayloadKind::NxpJn518x, "nxp_jn518x"),
        (PayloadKind::NordicInit, "nordic_dfu_init_packet"),
        (PayloadKind::NordicFirmware, "nordic_dfu_firmware"),
        (PayloadKind::Mcuboot, "mcuboot"),
        (PayloadKind::HueSbl, "hue_sbl"),
        (PayloadKind::Ubisys, "ubisys"),
        (PayloadKind::Osram, "osram"),
        (PayloadKind::Inovelli, "inovelli_f0c3"),
        (PayloadKind::Xz, "xz"),
        (PayloadKind::Zlib, "zlib"),
        (PayloadKind::EmbeddedOta, "embedded_ota_header"),
        (PayloadKind::CortexM, "cortex_m_vector_table"),
        (PayloadKind::Unknown, "unknown"),
    ] {
        assert_eq!((kind.name(), kind.to_string().as_str()), (name, name));
    }
    let sums = [
        ChecksumKind::Crc32,
        ChecksumKind::Crc16,
        ChecksumKind::Xor,
        ChecksumKind::WordSum,
        ChecksumKind::Sha256,
    ]
    .map(|sum| sum.to_string());
    assert_eq!(sums, ["CRC-32", "CRC-16", "checksum", "sum of vectors", "SHA-256"]);
}

#[test]
fn a_wrong_checksum_is_written_with_all_its_digits() {
    for (checksum, text) in [
        (ChecksumKind::Crc32, "CRC-32 at byte 9 of the payload says 0x00000007, its bytes give 0x0000000a"),
        (
            ChecksumKind::WordSum,
            "sum of vectors at byte 9 of the payload says 0x00000007, its bytes give 0x0000000a",
        ),
        (ChecksumKind::Crc16, "CRC-16 at byte 9 of the payload says 0x0007, its bytes give 0x000a"),
        (ChecksumKind::Xor, "checksum at byte 9 of the payload says 0x07, its bytes give 0x0a"),
        (
            ChecksumKind::Sha256,
            "SHA-256 at byte 9 of the payload says ...00000007..., its bytes give ...0000000a...",
        ),
    ] {
        let kind = DamageKind::Checksum { checksum, expected: 7, found: 10 };
        assert_eq!(PayloadState::Damaged(Damage { offset: 9, kind }).to_string(), text);
    }
}

#[test]
fn an_end_tag_without_a_crc_is_no_end_tag() {
    let mut gbl = gbl(0, &[0xfe01_01fe]).bytes;
    let end = gbl.len() - 12;
    gbl.truncate(gbl.len() - 4);
    gbl[end + 4] = 0;
    let no_end = |offset| PayloadState::Damaged(Damage { offset, kind: DamageKind::NoEndTag });
    assert_eq!(PayloadReport::of(&gbl).state, no_end(end));
    let mut ebl = ebl().bytes;
    let end = ebl.len() - 8;
    ebl.truncate(ebl.len() - 4);
    ebl[end + 3] = 0;
    assert_eq!(PayloadReport::of(&ebl).state, no_end(end));
}

#[test]
fn a_size_below_the_minimum_is_damage_if_the_format_is_certain() {
    let mut telink = telink("", 8).bytes;
    telink[0x18..0x1c].copy_from_slice(&[35, 0, 0, 0]);
    let cut = Damage { offset: 0, kind: DamageKind::Truncated { needed: 36, present: 35 } };
    assert_eq!(PayloadReport::of(&telink).state, PayloadState::Damaged(cut));
    // Without the mark that Telink's tool sets, the image may be a variant.
    telink[6] = 0;
    assert_eq!(PayloadReport::of(&telink).state, PayloadState::Unknown(UnknownReason::Ambiguous));
}

#[test]
fn an_index_larger_than_its_stream_is_truncated() {
    let mut bytes = xz(false).bytes;
    let footer = bytes.len() - 12;
    bytes[footer + 4] = 200;
    let sum = crc32(&bytes[footer + 4..footer + 10]).to_le_bytes();
    bytes[footer..footer + 4].copy_from_slice(&sum);
    let cut = DamageKind::Truncated { needed: 201 * 4, present: footer - 12 };
    assert_eq!(PayloadReport::of(&bytes).state, PayloadState::Damaged(Damage { offset: 12, kind: cut }));
}

#[test]
fn mcuboot_fields_before_an_incomplete_one_are_read() {
    let mut bytes = mcuboot().bytes;
    // Two more bytes are too few for a field; the SHA-256 is still found.
    bytes[234] += 2;
    bytes.extend([0, 0]);
    let report = PayloadReport::of(&bytes);
    assert!(matches!(report.state, PayloadState::Whole(ChecksumKind::Sha256)) && report.signed, "{report}");
}

#[test]
fn a_signature_after_eight_segments_of_an_oad_image_is_not_found() {
    let mut bytes = oad().bytes;
    for segment in 0..9 {
        let at = 44 + segment * 8;
        bytes[at..at + 8].copy_from_slice(&[2, 0xf7, 0xff, 0xff, 8, 0, 0, 0]);
    }
    // The ninth segment is a signature.
    let security = [3, 0xf7, 0xff, 0xff, 20];
    bytes[108..113].copy_from_slice(&security);
    let sum = crc32(&bytes[12..]).to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
    let report = PayloadReport::of(&bytes);
    assert_eq!(
        (report.kind, report.signed, report.state),
        (PayloadKind::TiOad, false, PayloadState::Whole(ChecksumKind::Crc32))
    );
    bytes[100..105].copy_from_slice(&security);
    assert!(PayloadReport::of(&bytes).signed, "the eighth segment");
}

/// Protocol buffer field with a number; `message` has one with bytes.
fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

fn message(field: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).ok().filter(|length| *length < 0x80).expect("short");
    [&[field << 3 | 2, length], data].concat()
}

/// Unsigned init packet with this operation, these sizes and this hash.
fn packet(operation: u8, sizes: &[u8], hash: &[u8]) -> Vec<u8> {
    let init = [&number(1, 29), sizes, &message(8, hash)].concat();
    message(1, &[number(1, operation), message(2, &init)].concat())
}

#[test]
fn an_init_packet_needs_all_required_fields() {
    let hash = [number(1, 3), message(2, &[7; 32])].concat();
    let size = number(7, 100);
    let kind = |bytes: &[u8]| PayloadKind::of(bytes) == PayloadKind::NordicInit;
    assert!(kind(&packet(1, &size, &hash)));
    assert!(kind(&nordic(&code(100), false)));
    // Without a version, and with an unknown field.
    let init = [size.clone(), number(9, 1), message(8, &hash)].concat();
    assert!(kind(&message(1, &[number(1, 1), message(2, &init)].concat())));
    for (what, bytes) in [
        ("another operation", packet(2, &size, &hash)),
        ("no size", packet(1, &[], &hash)),
        ("a size of 0", packet(1, &number(7, 0), &hash)),
        ("a size that is no number", packet(1, &message(7, &[1]), &hash)),
        ("a hash of another kind", packet(1, &size, &[number(1, 2), message(2, &[7; 32])].concat())),
        ("a hash that is a number", {
            let init = [size.clone(), number(8, 3)].concat();
            message(1, &[number(1, 1), message(2, &init)].concat())
        }),
        ("a hash of another length", packet(1, &size, &[number(1, 3), message(2, &[7; 31])].concat())),
        ("no command", number(3, 1)),
        ("two commands", [packet(1, &size, &hash), message(2, &[])].concat()),
        ("a command that is a number", number(1, 1)),
        ("a number that never ends", [&[0x08][..], &[0xff; 11]].concat()),
        ("a field of another form", [packet(1, &size, &hash), vec![0x0d, 0, 0, 0, 0]].concat()),
    ] {
        assert!(!kind(&bytes), "{what}");
    }
}

#[test]
fn an_embedded_file_without_an_upgrade_image_has_an_unknown_state() {
    let mut bytes = crate::payloads_in_files::file(0x1021, &[(0xf000, &code(40))]);
    bytes.extend([0xff; 3]);
    let report = PayloadReport::of(&bytes);
    assert_eq!(
        (report.kind, report.state),
        (PayloadKind::EmbeddedOta, PayloadState::Unknown(UnknownReason::NoChecksum))
    );
}

#[test]
fn zlib_has_four_flags_and_hue_a_length() {
    for (flags, kind) in [
        (0x01, PayloadKind::Zlib),
        (0x5e, PayloadKind::Zlib),
        (0x9c, PayloadKind::Zlib),
        (0xda, PayloadKind::Zlib),
        (0x02, PayloadKind::Unknown),
    ] {
        assert_eq!(PayloadKind::of(&[0x78, flags, 0x4b, 0x04, 0x00]), kind, "{flags:#04x}");
    }
    // An image type below 0x0100, so that only the length shows the format.
    let hue = [&[0x2a, 0, 0, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100][..], &code(148)].concat();
    assert_eq!(
        (PayloadKind::of(&hue), PayloadKind::of(&hue[..163])),
        (PayloadKind::HueSbl, PayloadKind::Unknown)
    );
}

#[test]
fn a_jn518x_boot_block_has_a_version_and_certificates() {
    let mut bytes = jn518x().bytes;
    bytes[384..400].fill(0);
    let report = PayloadReport::of(&bytes);
    assert_eq!((report.signed, report.metadata.version), (false, None));
    let mut with_fields = bytes;
    with_fields[368 + 20] = 1;
    with_fields[368 + 28] = 7;
    let report = PayloadReport::of(&with_fields);
    assert_eq!((report.signed, report.metadata.version), (true, Some(PayloadVersion::Number(7))));
    // Other bytes at the offset of the boot block have no version.
    with_fields[368] ^= 1;
    let report = PayloadReport::of(&with_fields);
    assert_eq!((report.signed, report.metadata.version), (false, None));
}
