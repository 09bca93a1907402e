//! What payloads are, and what they say about themselves.

use zigbee_ota::payload::{Kind, Payload, State, Verdict, Version, payloads};
use zigbee_ota::{FileVersion, ImageId, ImageType, ManufacturerCode};

use crate::made::{cc2530, code, esp, gbl, jn518x, mcuboot, oad};

fn dice(size: usize) -> Vec<u8> {
    let mut dice = fastrand::Rng::with_seed(3);
    std::iter::repeat_with(|| dice.u8(..)).take(size).collect()
}

#[test]
fn formats_without_a_sum_are_known_by_their_start() {
    let words = |words: [u32; 4]| words.map(u32::to_le_bytes).concat();
    let hue = [&[0x2a, 0, 1, 0x0f, 0, 0x6e, 0, 0, 0, 0, 0, 0, 0x19, 0, 0, 100], &code(148)[..]].concat();
    let osram = [&words([7, 0xff, 136, 3])[..], &code(152)].concat();
    let mut jumps = vec![0xff; 0x90];
    for place in [0, 0x03, 0x2b] {
        jumps[place] = 2;
    }
    let mut gap = jumps.clone();
    gap[0x33] = 7;
    let vectors = [&words([0x2000_7ff8, 0x0003_0301, 0x4839, 0x483d])[..], &code(48)].concat();
    for (kind, bytes) in [
        (Kind::HueSbl, hue.clone()),
        (Kind::Osram, osram),
        (Kind::TiCc2530, jumps),
        (Kind::Unknown, gap),
        (Kind::SilabsEbl, [&[0, 0, 0, 140, 0, 1, 0xe2, 0x50], &code(200)[..]].concat()),
        (Kind::CortexM, vectors.clone()),
        (Kind::Inovelli, [&[0xf0, 0xc3, 0xf0, 0xc3][..], &vectors].concat()),
        (Kind::Zlib, [0x78, 0x9c, 0x4b, 0x04, 0x00].to_vec()),
        (Kind::Unknown, code(100)),
        (Kind::Unknown, dice(5000)),
        (Kind::Unknown, Vec::new()),
        (Kind::Unknown, vectors[..63].to_vec()),
        // Reset lies in RAM; even; far away from the other vectors.
        (Kind::Unknown, [&words([0x2000_7ff8, 0x2000_0301, 0x4839, 0x483d])[..], &code(48)].concat()),
        (Kind::Unknown, [&words([0x2000_7ff8, 0x0003_0300, 0x4839, 0x483d])[..], &code(48)].concat()),
        (Kind::Unknown, [&words([0x2000_7ff8, 0x0803_0301, 0x4839, 0x483d])[..], &code(48)].concat()),
        // A deflate block of no type.
        (Kind::Unknown, [0x78, 0x9c, 0x06, 0x04, 0x00].to_vec()),
    ] {
        assert_eq!(Kind::of(&bytes), kind, "{:02x?}", &bytes[..bytes.len().min(16)]);
        assert!(matches!(Verdict::of(&bytes).state, State::Unknown(_)), "{kind}");
    }
    let encrypted = [&hue[..16], &dice(4000)].concat();
    assert_eq!(Verdict::of(&encrypted).state, State::Encrypted);
}

#[test]
fn entropy_is_a_hint_for_what_is_not_known() {
    assert_eq!(
        Verdict::of(&dice(9000)).to_string(),
        "not recognised; 7.95 bits of entropy a byte: perhaps encrypted"
    );
    let text = Verdict::of(&code(9000)).to_string();
    assert!(text.starts_with("not recognised; 3.") && text.ends_with("entropy a byte"), "{text}");
}

#[test]
fn gbl_says_version_product_signature_and_encryption() {
    let plain = gbl(0, &[0xf40a_0af4, 0xfe01_01fe]).bytes;
    let verdict = Verdict::of(&plain);
    assert!(!verdict.signed && !verdict.encrypted);
    // The second word of the tag's data, and the sixteen bytes after the third.
    let data = code(40);
    let number = u32::from_le_bytes(data[4..8].try_into().expect("four bytes"));
    assert_eq!(verdict.stated.version, Some(Version::Number(number)));
    assert_eq!(verdict.stated.product.as_ref().map(|product| &product[..]), Some(&data[12..28]));
    let hidden = gbl(0x101, &[0xfa06_06fa, 0xf907_07f9, 0xf70a_0af7]).bytes;
    let verdict = Verdict::of(&hidden);
    assert!(verdict.signed && verdict.encrypted);
    assert_eq!(verdict.to_string(), "CRC-32 matches; encrypted; signed");
    // Tags alone tell as well.
    let tags = gbl(0, &[0xfa06_06fa, 0xf70a_0af7]).bytes;
    assert!(Verdict::of(&tags).signed && Verdict::of(&tags).encrypted);
}

#[test]
fn others_say_their_versions_and_names() {
    let esp = esp(true).bytes;
    assert_eq!(Verdict::of(&esp).to_string(), "SHA-256 matches; version v1.2.3; light");
    assert_eq!(Verdict::of(&mcuboot().bytes).to_string(), "SHA-256 matches; signed; version 1.2.3+4");
    assert_eq!(Verdict::of(&oad().bytes).to_string(), "CRC-32 matches; signed; version 0001");
    let cc2530 = cc2530().bytes;
    let stated = Verdict::of(&cc2530).stated;
    assert_eq!(stated.manufacturer, Some(ManufacturerCode(0x1001)));
    assert_eq!(stated.image_type, Some(ImageType(0x00ab)));
    assert_eq!(stated.version, Some(Version::File(FileVersion(5))));
    let same = ImageId::new(0x1001, 0x00ab, 5);
    assert!(!stated.contradicts(same));
    for other in
        [ImageId::new(0x1002, 0x00ab, 5), ImageId::new(0x1001, 0x00ac, 5), ImageId::new(0x1001, 0x00ab, 6)]
    {
        assert!(stated.contradicts(other), "{other}");
    }
    // A number of the maker's own is no file version.
    assert!(!Verdict::of(&gbl(0, &[0xf40a_0af4]).bytes).stated.contradicts(same));
}

#[test]
fn an_encrypted_body_behind_a_plain_header_is_encrypted() {
    let mut bytes = jn518x().bytes;
    bytes.truncate(44);
    bytes.extend(dice(5000));
    assert_eq!(Verdict::of(&bytes).state, State::Encrypted);
    let mut encrypted = mcuboot().bytes;
    encrypted[16] = 4;
    assert_eq!(Verdict::of(&encrypted).state, State::Encrypted);
}

#[test]
fn nxp_and_second_files_are_known_by_the_header_inside() {
    let inner = crate::files::file(0x1021, &[(0, &gbl(0, &[]).bytes)]);
    let mut jn51xx =
        [&[0x12, 0x34, 0x56, 0x78, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88][..], &[0; 68]].concat();
    jn51xx.extend(&inner);
    let jn514x = [&[0, 0x10, 0, 0, 0xc0, 3, 0, 0][..], &inner].concat();
    for (kind, bytes) in [(Kind::NxpJn51xx, &jn51xx), (Kind::NxpJn514x, &jn514x), (Kind::EmbeddedOta, &inner)]
    {
        let verdict = Verdict::of(bytes);
        assert_eq!(verdict.kind, kind);
        assert_eq!(verdict.stated.manufacturer, Some(ManufacturerCode(0x1021)), "{kind}");
        assert!(matches!(verdict.state, State::Unknown(_)), "{kind}");
    }
    // What is damaged inside is damaged.
    let mut damaged = inner.clone();
    damaged[74] ^= 1;
    let State::Damaged(damage) = Verdict::of(&damaged).state else { panic!("not found") };
    let outer = crate::files::file(0x1021, &[(0, &damaged)]);
    let image = zigbee_ota::file::Image::parse(&outer).expect("a file");
    let found: Vec<Payload<'_>> = payloads(&image).collect();
    assert!(found.len() == 1 && found[0].is_damaged());
    assert_eq!(damage.offset, inner.len() - 4);
    let cut = &inner[..inner.len() - 1];
    assert!(matches!(Verdict::of(cut).state, State::Unknown(_)));
}
