//! Recognition of payload formats, and the metadata in payloads.

use zigbee_ota::payload::{
    Payload, PayloadKind, PayloadReport, PayloadState, PayloadVersion, UnknownReason, payloads,
};
use zigbee_ota::{FileVersion, ImageId, ImageType, ManufacturerCode};

use crate::sample_builders::{
    around_ota_file, cc2530, code, cortex, ebl, ebl_encrypted, esp, gbl, gbl4, hue, jn51xx_swapped, jn518x,
    jumps, mcuboot, nordic, oad, random, telink, with_checksum, without_checksum, words,
};

/// A new format needs a sample here: a payload, or a file if only the elements around the payload show its format.
#[test]
fn every_format_has_a_sample() {
    let inner = crate::payloads_in_files::file(0x1021, &[(0, &code(8))]);
    let payloads_alone = with_checksum().into_iter().map(|built| built.bytes);
    let payloads_alone = payloads_alone
        .chain(without_checksum().into_iter().chain(around_ota_file(&inner)).map(|(_, bytes)| bytes))
        .chain([nordic(&code(100), true), code(100)]);
    let mut seen: Vec<PayloadKind> = payloads_alone.map(|bytes| PayloadReport::of(&bytes).kind).collect();
    for file in crate::payloads_in_files::in_context() {
        let image = zigbee_ota::file::Image::parse_lenient(&file).expect("a file");
        seen.extend(payloads(&image).map(|payload| payload.report.kind));
    }
    for kind in PayloadKind::ALL {
        assert!(seen.contains(kind), "{kind}: no sample in tests/payload/sample_builders.rs");
    }
}

#[test]
fn formats_without_a_checksum_are_recognised_by_their_start() {
    let mut gap = jumps();
    gap[0x33] = 7;
    let unknown = [
        gap,
        code(100),
        random(5000),
        Vec::new(),
        cortex()[..63].to_vec(),
        // The reset vector lies in RAM; is even; is far away from the others.
        [&words([0x2000_7ff8, 0x2000_0301, 0x4839, 0x483d])[..], &code(48)].concat(),
        [&words([0x2000_7ff8, 0x0003_0300, 0x4839, 0x483d])[..], &code(48)].concat(),
        [&words([0x2000_7ff8, 0x0803_0301, 0x4839, 0x483d])[..], &code(48)].concat(),
        // A deflate block with the invalid type 3.
        [0x78, 0x9c, 0x06, 0x04, 0x00].to_vec(),
    ];
    let unknown = unknown.map(|bytes| (PayloadKind::Unknown, bytes));
    for (kind, bytes) in without_checksum().into_iter().chain(unknown) {
        assert_eq!(PayloadKind::of(&bytes), kind, "{:02x?}", &bytes[..bytes.len().min(16)]);
        assert!(matches!(PayloadReport::of(&bytes).state, PayloadState::Unknown(_)), "{kind}");
    }
    let encrypted = [&hue()[..16], &random(4000)].concat();
    assert_eq!(PayloadReport::of(&encrypted).state, PayloadState::Encrypted);
}

#[test]
fn the_report_of_an_unknown_payload_has_its_entropy() {
    assert_eq!(
        PayloadReport::of(&random(9000)).to_string(),
        "not recognised; 7.95 bits of entropy a byte: perhaps encrypted"
    );
    let text = PayloadReport::of(&code(9000)).to_string();
    assert!(text.starts_with("not recognised; 3.") && text.ends_with("entropy a byte"), "{text}");
}

#[test]
fn gbl_has_version_product_signature_and_encryption() {
    let plain = gbl(0, &[0xf40a_0af4, 0xfe01_01fe]).bytes;
    let report = PayloadReport::of(&plain);
    assert!(!report.signed && !report.encrypted);
    // The second word of the tag's data, and the sixteen bytes after the third.
    let data = code(40);
    let number = u32::from_le_bytes(data[4..8].try_into().expect("four bytes"));
    assert_eq!(report.metadata.version, Some(PayloadVersion::Number(number)));
    assert_eq!(report.metadata.product.as_ref().map(|product| &product[..]), Some(&data[12..28]));
    let hidden = gbl(0x101, &[0xfa06_06fa, 0xf907_07f9, 0xf70a_0af7]).bytes;
    let report = PayloadReport::of(&hidden);
    assert!(report.signed && report.encrypted);
    assert_eq!(report.to_string(), "CRC-32 matches; encrypted; signed");
    // The tags show encryption and signature as well as the header.
    let tags = gbl(0, &[0xfa06_06fa, 0xf70a_0af7]).bytes;
    assert!(PayloadReport::of(&tags).signed && PayloadReport::of(&tags).encrypted);
}

#[test]
fn other_formats_have_versions_and_names() {
    let esp = esp(true).bytes;
    assert_eq!(PayloadReport::of(&esp).to_string(), "SHA-256 matches; version v1.2.3; light");
    assert_eq!(PayloadReport::of(&mcuboot().bytes).to_string(), "SHA-256 matches; signed; version 1.2.3+4");
    assert_eq!(PayloadReport::of(&oad().bytes).to_string(), "CRC-32 matches; signed; version 0001");
    let cc2530 = cc2530().bytes;
    let metadata = PayloadReport::of(&cc2530).metadata;
    assert_eq!(metadata.manufacturer, Some(ManufacturerCode(0x1001)));
    assert_eq!(metadata.image_type, Some(ImageType(0x00ab)));
    assert_eq!(metadata.version, Some(PayloadVersion::File(FileVersion(5))));
    let same = ImageId::new(0x1001, 0x00ab, 5);
    assert!(!metadata.contradicts(same));
    for other in
        [ImageId::new(0x1002, 0x00ab, 5), ImageId::new(0x1001, 0x00ac, 5), ImageId::new(0x1001, 0x00ab, 6)]
    {
        assert!(metadata.contradicts(other), "{other}");
    }
    // A number of the maker is not compared with the file version.
    assert!(!PayloadReport::of(&gbl(0, &[0xf40a_0af4]).bytes).metadata.contradicts(same));
}

#[test]
fn an_encrypted_body_after_a_plain_header_is_encrypted() {
    let mut bytes = jn518x().bytes;
    bytes.truncate(44);
    bytes.extend(random(5000));
    assert_eq!(PayloadReport::of(&bytes).state, PayloadState::Encrypted);
    let mut encrypted = mcuboot().bytes;
    encrypted[16] = 4;
    assert_eq!(PayloadReport::of(&encrypted).state, PayloadState::Encrypted);
}

#[test]
fn nxp_images_and_embedded_files_are_recognised_by_the_ota_header_inside() {
    let inner = crate::payloads_in_files::file(0x1021, &[(0, &gbl(0, &[]).bytes)]);
    for (kind, bytes) in around_ota_file(&inner) {
        let report = PayloadReport::of(&bytes);
        assert_eq!(report.kind, kind);
        assert_eq!(report.metadata.manufacturer, Some(ManufacturerCode(0x1021)), "{kind}");
        assert!(matches!(report.state, PayloadState::Unknown(_)), "{kind}");
    }
    // Damage of the embedded file shows.
    let mut damaged = inner.clone();
    damaged[74] ^= 1;
    let PayloadState::Damaged(damage) = PayloadReport::of(&damaged).state else { panic!("not found") };
    let outer = crate::payloads_in_files::file(0x1021, &[(0, &damaged)]);
    let image = zigbee_ota::file::Image::parse(&outer).expect("a file");
    let found: Vec<Payload<'_>> = payloads(&image).collect();
    assert!(found.len() == 1 && found[0].is_damaged());
    assert_eq!(damage.offset, inner.len() - 4);
    let cut = &inner[..inner.len() - 1];
    assert!(matches!(PayloadReport::of(cut).state, PayloadState::Unknown(_)));
}

/// Numbers of chips by ESP-IDF (`esp_chip_id_t`).
#[test]
fn an_esp_image_names_its_chip() {
    for (number, chip) in [
        (0x0000_u16, "ESP32"),
        (0x0002, "ESP32-S2"),
        (0x0005, "ESP32-C3"),
        (0x0009, "ESP32-S3"),
        (0x000c, "ESP32-C2"),
        (0x000d, "ESP32-C6"),
        (0x0010, "ESP32-H2"),
        (0x0012, "ESP32-P4"),
        (0x0014, "ESP32-C61"),
        (0x0017, "ESP32-C5"),
        (0x0019, "ESP32-H21"),
        (0x001c, "ESP32-H4"),
        (0x0001, ""),
    ] {
        let mut image = esp(true).bytes;
        image[12..14].copy_from_slice(&number.to_le_bytes());
        assert_eq!(PayloadReport::of(&image).metadata.chip, chip.as_bytes(), "{number:#06x}");
    }
}

/// The tags of a container fill it, or it is of a form not known.
#[test]
fn a_container_of_series_3_is_read_to_its_last_tag() {
    let whole = gbl4();
    let state = |bytes: &[u8]| PayloadReport::of(bytes).state;
    assert_eq!(state(&whole), PayloadState::Unknown(UnknownReason::NoChecksum));
    // One tag is longer than the container, or a tag is cut.
    let mut long = whole.clone();
    long[12] += 1;
    assert_eq!(state(&long), PayloadState::Unknown(UnknownReason::Ambiguous));
    let mut short = whole[..whole.len() - 2].to_vec();
    short[4] -= 2;
    assert_eq!(state(&short), PayloadState::Unknown(UnknownReason::Ambiguous));
}

/// A Telink image for TC32 has manufacturer and image type at bytes 0x12 and 0x14, both or neither.
#[test]
fn a_telink_image_names_its_manufacturer_and_image_type() {
    for (magic, ids, expected) in [
        (8, [0x1141, 0x0201], Some((0x1141, 0x0201))),
        (8, [0x1141, 0], None),
        (8, [0, 0x0201], None),
        (0x20, [0x1141, 0x0201], None),
    ] {
        let mut image = telink("", magic).bytes;
        for (place, id) in [0x12, 0x14].into_iter().zip(ids) {
            image[place..place + 2].copy_from_slice(&u16::to_le_bytes(id));
        }
        let metadata = PayloadReport::of(&image).metadata;
        let found = metadata.manufacturer.zip(metadata.image_type);
        let expected = expected.map(|(manufacturer, kind)| (ManufacturerCode(manufacturer), ImageType(kind)));
        assert_eq!((found, metadata.manufacturer.is_some()), (expected, expected.is_some()), "{ids:x?}");
    }
}

/// Each format shows its signature in a way of its own.
#[test]
fn signatures_are_told() {
    let mut esp_signed = esp(true).bytes;
    esp_signed.resize(4096, 0xff);
    let esp_unsigned = esp_signed.clone();
    esp_signed.extend([0xe7, 0x02, 0, 0]);
    for (name, bytes, signed) in [
        ("gbl, by its header", gbl(0x100, &[0xfe01_01fe]).bytes, true),
        ("gbl", gbl(0, &[0xfe01_01fe]).bytes, false),
        ("encrypted ebl", ebl_encrypted(0xf70a).bytes, true),
        ("encrypted ebl", ebl_encrypted(0xf709).bytes, false),
        ("esp", esp_signed, true),
        ("esp", esp_unsigned, false),
    ] {
        assert_eq!(PayloadReport::of(&bytes).signed, signed, "{name}");
    }
}

#[test]
fn a_texas_instruments_image_names_its_chip() {
    assert_eq!(PayloadReport::of(&oad().bytes).metadata.chip, b"CC26x2R1");
}

/// The file inside counts as a payload; its first upgrade image decides the state and the bytes that are checked.
#[test]
fn a_file_inside_a_file_has_the_state_of_its_image() {
    let inside = |image: &[u8]| crate::payloads_in_files::file(0x1021, &[(0, image)]);
    let image = gbl(0x100, &[0xfe01_01fe]).bytes;
    let whole = inside(&image);
    let report = PayloadReport::of(&whole);
    assert_eq!(
        (report.kind, report.state),
        (PayloadKind::EmbeddedOta, PayloadState::Unknown(UnknownReason::NoChecksum))
    );
    assert!(report.signed && !report.encrypted);
    assert!(report.covered_ranges(&whole).eq(std::iter::once(62..62 + image.len())));
    let mut damaged = whole.clone();
    damaged[62 + 30] ^= 1;
    let PayloadState::Damaged(damage) = PayloadReport::of(&damaged).state else { panic!("not damaged") };
    assert_eq!(damage.offset, 62 + image.len() - 4);
    let cut = PayloadReport::of(&whole[..whole.len() - 1]).state;
    assert_eq!(cut, PayloadState::Unknown(UnknownReason::Ambiguous));
}

/// A vector table has an aligned stack pointer in RAM and odd vectors in flash.
#[test]
fn a_vector_table_needs_a_stack_in_ram() {
    let table = cortex();
    assert_eq!(PayloadKind::of(&table), PayloadKind::CortexM);
    for stack in [0x2000_7ff9_u32, 0x1000_7ff8, 0x2100_0000] {
        let mut other = table.clone();
        other[..4].copy_from_slice(&stack.to_le_bytes());
        assert_eq!(PayloadKind::of(&other), PayloadKind::Unknown, "{stack:#x}");
    }
}

/// Ubisys names its firmware, or an element before the firmware describes and signs it.
#[test]
fn ubisys_firmware_that_names_itself_is_not_signed() {
    let firmware = [b"FRS0", &random(3000)[..]].concat();
    let report = PayloadReport::of(&firmware);
    assert_eq!((report.kind, report.signed), (PayloadKind::Ubisys, false));
}

/// The identifiers of the OTA header inside an image in reverse byte order are read.
#[test]
fn a_swapped_image_names_the_file_inside() {
    let mut image = jn51xx_swapped();
    let mut header = crate::payloads_in_files::file(0x1021, &[(0, &code(8))])[..56].to_vec();
    header.chunks_mut(4).for_each(<[u8]>::reverse);
    image[80..136].copy_from_slice(&header);
    let metadata = PayloadReport::of(&image).metadata;
    assert_eq!(metadata.manufacturer, Some(ManufacturerCode(0x1021)));
    assert_eq!(metadata.image_type, Some(ImageType(0x00ab)));
    assert_eq!(metadata.version, Some(PayloadVersion::File(FileVersion(5))));
}

/// A length, a version or a number of bytes that no known form has makes a wrong checksum ambiguous.
#[test]
fn a_form_that_is_not_known_is_no_damage() {
    let ambiguous = PayloadState::Unknown(UnknownReason::Ambiguous);
    let state = |bytes: &[u8]| PayloadReport::of(bytes).state;
    let oad_of = |length: u32| {
        let mut image = oad().bytes;
        image[24..28].copy_from_slice(&length.to_le_bytes());
        state(&image)
    };
    for length in [0, 43, u32::MAX] {
        assert_eq!(oad_of(length), ambiguous, "{length}");
    }
    assert!(matches!(oad_of(9000), PayloadState::Damaged(_)));
    let mut short_header = mcuboot().bytes;
    short_header[8] = 31;
    assert_eq!(state(&short_header), ambiguous);
    let mut ebl = ebl().bytes;
    *ebl.last_mut().expect("a byte") ^= 1;
    assert!(matches!(state(&ebl), PayloadState::Damaged(_)));
    ebl[4] = 3;
    assert_eq!(state(&ebl), ambiguous);
    let esp_with = |count: usize| state(&[esp(false).bytes, vec![7; count]].concat());
    assert_eq!(esp_with(32), ambiguous);
    for count in [0, 31, 33, 40] {
        assert!(matches!(esp_with(count), PayloadState::Whole(_)), "{count}");
    }
}

/// The image segment comes after the security segment; a security segment behind it signs nothing.
#[test]
fn a_security_segment_after_the_image_is_none() {
    assert!(PayloadReport::of(&oad().bytes).signed);
    let mut image = oad().bytes;
    image[44] = 1;
    image[129] = 3;
    assert!(!PayloadReport::of(&image).signed);
    let mut empty = oad().bytes;
    empty[44] = 2;
    empty[48..52].copy_from_slice(&[0; 4]);
    assert!(!PayloadReport::of(&empty).signed);
}
