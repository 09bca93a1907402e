//! Payloads that end, or say something, where no whole one does.

use zigbee_ota::payload::{
    ChecksumKind, Damage, DamageKind, PayloadKind, PayloadReport, PayloadState, PayloadVersion, UnknownReason,
};

use crate::made::{code, ebl, gbl, jn518x, mcuboot, nordic, oad, telink, xz};
use crate::sums::crc32;

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
        (PayloadKind::NxpJn51xx, "nxp_jn51xx"),
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
        ChecksumKind::Words,
        ChecksumKind::Sha256,
    ]
    .map(|sum| sum.to_string());
    assert_eq!(sums, ["CRC-32", "CRC-16", "checksum", "sum of vectors", "SHA-256"]);
}

#[test]
fn an_end_tag_without_a_sum_is_no_end() {
    let mut gbl = gbl(0, &[0xfe01_01fe]).bytes;
    let end = gbl.len() - 12;
    gbl.truncate(gbl.len() - 4);
    gbl[end + 4] = 0;
    let no_end = |offset| PayloadState::Damaged(Damage { offset, fault: DamageKind::NoEnd });
    assert_eq!(PayloadReport::of(&gbl).state, no_end(end));
    let mut ebl = ebl().bytes;
    let end = ebl.len() - 8;
    ebl.truncate(ebl.len() - 4);
    ebl[end + 3] = 0;
    assert_eq!(PayloadReport::of(&ebl).state, no_end(end));
}

#[test]
fn a_size_that_leaves_no_room_for_what_is_needed_is_damage_of_what_says_so_for_certain() {
    let mut telink = telink("", 8).bytes;
    telink[0x18..0x1c].copy_from_slice(&[35, 0, 0, 0]);
    let cut = Damage { offset: 0, fault: DamageKind::Cut { needed: 36, present: 35 } };
    assert_eq!(PayloadReport::of(&telink).state, PayloadState::Damaged(cut));
    // Without the mark that Telink's tool sets, the size may be of another form.
    telink[6] = 0;
    assert_eq!(PayloadReport::of(&telink).state, PayloadState::Unknown(UnknownReason::Doubtful));
}

#[test]
fn an_index_larger_than_its_stream_is_cut() {
    let mut bytes = xz(false).bytes;
    let footer = bytes.len() - 12;
    bytes[footer + 4] = 200;
    let sum = crc32(&bytes[footer + 4..footer + 10]).to_le_bytes();
    bytes[footer..footer + 4].copy_from_slice(&sum);
    let cut = DamageKind::Cut { needed: 201 * 4, present: footer - 12 };
    assert_eq!(PayloadReport::of(&bytes).state, PayloadState::Damaged(Damage { offset: 12, fault: cut }));
}

#[test]
fn fields_of_mcuboot_that_end_within_one_are_read_up_to_there() {
    let mut bytes = mcuboot().bytes;
    // Two bytes more, which are no field: the sum is still found.
    bytes[234] += 2;
    bytes.extend([0, 0]);
    let verdict = PayloadReport::of(&bytes);
    assert!(
        matches!(verdict.state, PayloadState::Whole(ChecksumKind::Sha256)) && verdict.signed,
        "{verdict}"
    );
}

#[test]
fn an_image_of_ti_with_many_segments_is_not_taken_for_a_signed_one() {
    let mut bytes = oad().bytes;
    for segment in 0..9 {
        let at = 44 + segment * 8;
        bytes[at..at + 8].copy_from_slice(&[2, 0xf7, 0xff, 0xff, 8, 0, 0, 0]);
    }
    // The ninth would say so.
    let security = [3, 0xf7, 0xff, 0xff, 20];
    bytes[108..113].copy_from_slice(&security);
    let sum = crc32(&bytes[12..]).to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
    let verdict = PayloadReport::of(&bytes);
    assert_eq!(
        (verdict.kind, verdict.signed, verdict.state),
        (PayloadKind::TiOad, false, PayloadState::Whole(ChecksumKind::Crc32))
    );
    bytes[100..105].copy_from_slice(&security);
    assert!(PayloadReport::of(&bytes).signed, "the eighth may");
}

/// A field of protocol buffers: a number, or bytes.
fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

fn message(field: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).ok().filter(|length| *length < 0x80).expect("short");
    [&[field << 3 | 2, length], data].concat()
}

/// An unsigned init packet with this operation, these sizes and this hash.
fn packet(operation: u8, sizes: &[u8], hash: &[u8]) -> Vec<u8> {
    let init = [&number(1, 29), sizes, &message(8, hash)].concat();
    message(1, &[number(1, operation), message(2, &init)].concat())
}

#[test]
fn a_packet_of_nordic_has_all_that_it_needs() {
    let hash = [number(1, 3), message(2, &[7; 32])].concat();
    let size = number(7, 100);
    let kind = |bytes: &[u8]| PayloadKind::of(bytes) == PayloadKind::NordicInit;
    assert!(kind(&packet(1, &size, &hash)));
    assert!(kind(&nordic(&code(100), false)));
    // Without a version; with a field that is not known.
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
fn a_second_file_without_an_upgrade_image_is_of_no_known_state() {
    let mut bytes = crate::files::file(0x1021, &[(0xf000, &code(40))]);
    bytes.extend([0xff; 3]);
    let verdict = PayloadReport::of(&bytes);
    assert_eq!(
        (verdict.kind, verdict.state),
        (PayloadKind::EmbeddedOta, PayloadState::Unknown(UnknownReason::NoSum))
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
    // An image type below 0x0100: the length alone tells.
    let hue = [&[0x2a, 0, 0, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100][..], &code(148)].concat();
    assert_eq!(
        (PayloadKind::of(&hue), PayloadKind::of(&hue[..163])),
        (PayloadKind::HueSbl, PayloadKind::Unknown)
    );
}

#[test]
fn a_boot_block_of_nxp_says_version_and_certificates() {
    let mut bytes = jn518x().bytes;
    bytes[384..400].fill(0);
    let verdict = PayloadReport::of(&bytes);
    assert_eq!((verdict.signed, verdict.stated.version), (false, None));
    let mut said = bytes;
    said[368 + 20] = 1;
    said[368 + 28] = 7;
    let verdict = PayloadReport::of(&said);
    assert_eq!((verdict.signed, verdict.stated.version), (true, Some(PayloadVersion::Number(7))));
    // Where something else stands in its place it says nothing.
    said[368] ^= 1;
    let verdict = PayloadReport::of(&said);
    assert_eq!((verdict.signed, verdict.stated.version), (false, None));
}
