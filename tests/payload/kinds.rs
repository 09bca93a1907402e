//! What payloads are, and what they say about themselves.

use zigbee_ota::payload::{Payload, PayloadKind, PayloadReport, PayloadState, PayloadVersion, payloads};
use zigbee_ota::{FileVersion, ImageId, ImageType, ManufacturerCode};

use crate::made::{
    around, cc2530, code, cortex, dice, esp, gbl, hue, jn518x, jumps, mcuboot, oad, without_sum, words,
};

#[test]
fn formats_without_a_sum_are_known_by_their_start() {
    let mut gap = jumps();
    gap[0x33] = 7;
    let nothing_known = [
        gap,
        code(100),
        dice(5000),
        Vec::new(),
        cortex()[..63].to_vec(),
        // Reset lies in RAM; even; far away from the other vectors.
        [&words([0x2000_7ff8, 0x2000_0301, 0x4839, 0x483d])[..], &code(48)].concat(),
        [&words([0x2000_7ff8, 0x0003_0300, 0x4839, 0x483d])[..], &code(48)].concat(),
        [&words([0x2000_7ff8, 0x0803_0301, 0x4839, 0x483d])[..], &code(48)].concat(),
        // A deflate block of no type.
        [0x78, 0x9c, 0x06, 0x04, 0x00].to_vec(),
    ];
    let nothing_known = nothing_known.map(|bytes| (PayloadKind::Unknown, bytes));
    for (kind, bytes) in without_sum().into_iter().chain(nothing_known) {
        assert_eq!(PayloadKind::of(&bytes), kind, "{:02x?}", &bytes[..bytes.len().min(16)]);
        assert!(matches!(PayloadReport::of(&bytes).state, PayloadState::Unknown(_)), "{kind}");
    }
    let encrypted = [&hue()[..16], &dice(4000)].concat();
    assert_eq!(PayloadReport::of(&encrypted).state, PayloadState::Encrypted);
}

#[test]
fn entropy_is_a_hint_for_what_is_not_known() {
    assert_eq!(
        PayloadReport::of(&dice(9000)).to_string(),
        "not recognised; 7.95 bits of entropy a byte: perhaps encrypted"
    );
    let text = PayloadReport::of(&code(9000)).to_string();
    assert!(text.starts_with("not recognised; 3.") && text.ends_with("entropy a byte"), "{text}");
}

#[test]
fn gbl_says_version_product_signature_and_encryption() {
    let plain = gbl(0, &[0xf40a_0af4, 0xfe01_01fe]).bytes;
    let verdict = PayloadReport::of(&plain);
    assert!(!verdict.signed && !verdict.encrypted);
    // The second word of the tag's data, and the sixteen bytes after the third.
    let data = code(40);
    let number = u32::from_le_bytes(data[4..8].try_into().expect("four bytes"));
    assert_eq!(verdict.stated.version, Some(PayloadVersion::Number(number)));
    assert_eq!(verdict.stated.product.as_ref().map(|product| &product[..]), Some(&data[12..28]));
    let hidden = gbl(0x101, &[0xfa06_06fa, 0xf907_07f9, 0xf70a_0af7]).bytes;
    let verdict = PayloadReport::of(&hidden);
    assert!(verdict.signed && verdict.encrypted);
    assert_eq!(verdict.to_string(), "CRC-32 matches; encrypted; signed");
    // Tags alone tell as well.
    let tags = gbl(0, &[0xfa06_06fa, 0xf70a_0af7]).bytes;
    assert!(PayloadReport::of(&tags).signed && PayloadReport::of(&tags).encrypted);
}

#[test]
fn others_say_their_versions_and_names() {
    let esp = esp(true).bytes;
    assert_eq!(PayloadReport::of(&esp).to_string(), "SHA-256 matches; version v1.2.3; light");
    assert_eq!(PayloadReport::of(&mcuboot().bytes).to_string(), "SHA-256 matches; signed; version 1.2.3+4");
    assert_eq!(PayloadReport::of(&oad().bytes).to_string(), "CRC-32 matches; signed; version 0001");
    let cc2530 = cc2530().bytes;
    let stated = PayloadReport::of(&cc2530).stated;
    assert_eq!(stated.manufacturer, Some(ManufacturerCode(0x1001)));
    assert_eq!(stated.image_type, Some(ImageType(0x00ab)));
    assert_eq!(stated.version, Some(PayloadVersion::File(FileVersion(5))));
    let same = ImageId::new(0x1001, 0x00ab, 5);
    assert!(!stated.contradicts(same));
    for other in
        [ImageId::new(0x1002, 0x00ab, 5), ImageId::new(0x1001, 0x00ac, 5), ImageId::new(0x1001, 0x00ab, 6)]
    {
        assert!(stated.contradicts(other), "{other}");
    }
    // A number of the maker's own is no file version.
    assert!(!PayloadReport::of(&gbl(0, &[0xf40a_0af4]).bytes).stated.contradicts(same));
}

#[test]
fn an_encrypted_body_behind_a_plain_header_is_encrypted() {
    let mut bytes = jn518x().bytes;
    bytes.truncate(44);
    bytes.extend(dice(5000));
    assert_eq!(PayloadReport::of(&bytes).state, PayloadState::Encrypted);
    let mut encrypted = mcuboot().bytes;
    encrypted[16] = 4;
    assert_eq!(PayloadReport::of(&encrypted).state, PayloadState::Encrypted);
}

#[test]
fn nxp_and_second_files_are_known_by_the_header_inside() {
    let inner = crate::files::file(0x1021, &[(0, &gbl(0, &[]).bytes)]);
    for (kind, bytes) in around(&inner) {
        let verdict = PayloadReport::of(&bytes);
        assert_eq!(verdict.kind, kind);
        assert_eq!(verdict.stated.manufacturer, Some(ManufacturerCode(0x1021)), "{kind}");
        assert!(matches!(verdict.state, PayloadState::Unknown(_)), "{kind}");
    }
    // What is damaged inside is damaged.
    let mut damaged = inner.clone();
    damaged[74] ^= 1;
    let PayloadState::Damaged(damage) = PayloadReport::of(&damaged).state else { panic!("not found") };
    let outer = crate::files::file(0x1021, &[(0, &damaged)]);
    let image = zigbee_ota::file::Image::parse(&outer).expect("a file");
    let found: Vec<Payload<'_>> = payloads(&image).collect();
    assert!(found.len() == 1 && found[0].is_damaged());
    assert_eq!(damage.offset, inner.len() - 4);
    let cut = &inner[..inner.len() - 1];
    assert!(matches!(PayloadReport::of(cut).state, PayloadState::Unknown(_)));
}
