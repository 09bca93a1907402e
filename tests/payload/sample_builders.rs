//! Builders of a small payload of each format, written from the byte layouts of the formats.

#![allow(clippy::single_range_in_vec_init, reason = "lists of ranges, of which some have one")]

use std::ops::Range;

use zigbee_ota::payload::PayloadKind;

use crate::bitwise_reference_checksums::{crc16_register, crc32, register, sha256};

/// Payload, and the bytes that its checksums cover.
pub struct BuiltPayload {
    pub name: &'static str,
    pub kind: PayloadKind,
    pub bytes: Vec<u8>,
    /// The checksums cover all bytes, so the payload is known to be whole.
    pub whole: bool,
    /// Ranges in which a checksum or a length shows each change.
    pub covered: Vec<Range<usize>>,
    /// Ranges in which a change hides the format or the checksum.
    pub marks: Vec<Range<usize>>,
}

/// Bytes like those of code: only a few of the 256 values.
pub fn code(size: usize) -> Vec<u8> {
    (0..size).map(|place| (place * place % 23).to_le_bytes()[0]).collect()
}

/// Random bytes, the same in each run.
pub fn random(size: usize) -> Vec<u8> {
    let mut generator = fastrand::Rng::with_seed(3);
    std::iter::repeat_with(|| generator.u8(..)).take(size).collect()
}

/// Little-endian words.
pub fn words(words: [u32; 4]) -> Vec<u8> {
    words.map(u32::to_le_bytes).concat()
}

fn le(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("small").to_le_bytes()
}

fn put(bytes: &mut [u8], at: usize, part: &[u8]) {
    bytes[at..at + part.len()].copy_from_slice(part);
}

fn whole(name: &'static str, kind: PayloadKind, bytes: Vec<u8>, marks: &[Range<usize>]) -> BuiltPayload {
    let all = 0..bytes.len();
    BuiltPayload { name, kind, bytes, whole: true, covered: vec![all], marks: marks.to_vec() }
}

/// Payloads of all formats with a checksum, in several variants.
pub fn with_checksum() -> Vec<BuiltPayload> {
    vec![
        gbl(0, &[0xf40a_0af4, 0xfe01_01fe]),
        gbl(0x101, &[0xfa06_06fa, 0xf907_07f9, 0xf70a_0af7]),
        ebl(),
        ebl_encrypted(0xf709),
        telink("telink tc32", 0x08),
        telink("telink risc-v", 0x20),
        esp(true),
        esp(false),
        oad(),
        compressed_oad(),
        cc2530(),
        jn518x(),
        mcuboot(),
        xz(false),
        xz(true),
    ]
}

/// Gecko bootloader file of this type, with tags of these ids between header and end.
pub fn gbl(kind: u32, tags: &[u32]) -> BuiltPayload {
    let mut bytes = [0x03a6_17eb, 8, 0x0300_0000, kind].map(u32::to_le_bytes).concat();
    for (size, tag) in (40..).zip(tags) {
        bytes.extend([tag.to_le_bytes(), le(size)].concat());
        bytes.extend(code(size));
    }
    bytes.extend([0xfc04_04fc_u32, 4].map(u32::to_le_bytes).concat());
    bytes.extend(crc32(&bytes).to_le_bytes());
    whole("gbl", PayloadKind::SilabsGbl, bytes, &[0..4])
}

fn ebl_tag(id: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short");
    [&id.to_be_bytes(), &length.to_be_bytes(), data].concat()
}

fn ebl_end(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend([0xfc, 0x04, 0, 4]);
    bytes.extend(crc32(&bytes).to_le_bytes());
    bytes
}

pub fn ebl() -> BuiltPayload {
    let header = [&[2, 2, 0xe3, 0x50], &code(136)[..]].concat();
    let bytes = ebl_end([ebl_tag(0, &header), ebl_tag(0xfd03, &code(70))].concat());
    whole("ebl", PayloadKind::SilabsEbl, bytes, &[0..2, 4..5, 6..8])
}

pub fn ebl_encrypted(last_tag: u16) -> BuiltPayload {
    let header = [2, 1, 0, 1, 0xe3, 0x50];
    let tags = [ebl_tag(0xfb05, &header), ebl_tag(0xfa06, &code(16)), ebl_tag(0xf907, &code(50))];
    let bytes = ebl_end([tags.concat(), ebl_tag(last_tag, &code(16))].concat());
    whole("encrypted ebl", PayloadKind::SilabsEblEncrypted, bytes, &[0..2, 4..5, 8..10])
}

pub fn telink(name: &'static str, magic: usize) -> BuiltPayload {
    let mut bytes = code(300);
    put(&mut bytes, 6, &[0x5d, 2]);
    put(&mut bytes, magic, b"KNLT");
    put(&mut bytes, 0x18, &le(304));
    bytes.extend(register(!0, &bytes).to_le_bytes());
    whole(name, PayloadKind::TelinkKnlt, bytes, &[6..8, magic..magic + 4])
}

/// ESP image of two segments, with or without a SHA-256.
pub fn esp(hashed: bool) -> BuiltPayload {
    let mut bytes = vec![0xe9, 2, 2, 0x2f];
    bytes.resize(24, 0);
    bytes[23] = u8::from(hashed);
    let mut first = code(256);
    put(&mut first, 0, &0xabcd_5432_u32.to_le_bytes());
    put(&mut first, 16, &[0; 64]);
    put(&mut first, 16, b"v1.2.3");
    put(&mut first, 48, b"light");
    let second = code(52);
    for (address, data) in [(0x4209_0020_u32, &first), (0x4080_0000, &second)] {
        bytes.extend([address.to_le_bytes(), le(data.len())].concat());
        bytes.extend(data);
    }
    let checksum = first.iter().chain(&second).fold(0xef, |sum, byte| sum ^ byte);
    while bytes.len() % 16 != 15 {
        bytes.push(0);
    }
    bytes.push(checksum);
    let end = bytes.len();
    let marks = [0..2, 23..24, 32..36];
    if hashed {
        bytes.extend(sha256(&bytes));
        return whole("esp, hashed", PayloadKind::EspImage, bytes, &marks);
    }
    // Without a SHA-256, the checksum covers only the data.
    let covered = vec![32..288, 296..348, end - 1..end];
    BuiltPayload { covered, ..whole("esp", PayloadKind::EspImage, bytes, &marks) }
}

pub fn oad() -> BuiltPayload {
    let mut bytes = code(400);
    put(&mut bytes, 0, b"CC26x2R1");
    put(&mut bytes, 12, &[3, 1, 0xf7, 0xff, 0xff, 0xff, 7, 0, 0xff, 0xff, 0xff, 0xff]);
    put(&mut bytes, 24, &le(400));
    put(&mut bytes, 32, b"0001");
    put(&mut bytes, 40, &[44, 0]);
    // Security segment, then image segment.
    put(&mut bytes, 44, &[3, 0xf7, 0xff, 0xff, 85, 0, 0, 0, 1]);
    put(&mut bytes, 129, &[1, 0xf7, 0xff, 0xff, 15, 1, 0, 0]);
    let sum = crc32(&bytes[12..]);
    put(&mut bytes, 8, &sum.to_le_bytes());
    BuiltPayload { covered: vec![8..400], ..whole("oad", PayloadKind::TiOad, bytes, &[24..28]) }
}

/// OAD image as Sonoff compresses it: the length and the CRC in the header are those of the uncompressed image.
fn compressed_oad() -> BuiltPayload {
    let mut bytes = oad().bytes;
    put(&mut bytes, 24, &le(9000));
    let mut generator = fastrand::Rng::with_seed(4);
    bytes.extend(std::iter::repeat_with(|| generator.u8(..)).take(2000));
    bytes.extend(crc32(&bytes).to_le_bytes());
    let all = 0..bytes.len();
    whole("compressed oad", PayloadKind::TiOad, bytes, &[all])
}

pub fn cc2530() -> BuiltPayload {
    let mut bytes = code(500);
    bytes[0] = 2;
    put(&mut bytes, 0x8a, &[0xff, 0xff]);
    put(&mut bytes, 0x8c, &le(500));
    put(&mut bytes, 0x90, &[0x01, 0x10, 0xab, 0x00, 5, 0, 0, 0]);
    let summed = bytes[..0x88].iter().chain(&bytes[0x8c..]).copied();
    let sum = crc16_register(summed).to_le_bytes();
    put(&mut bytes, 0x88, &sum);
    let marks = &[0..1, 0x8c..0x90];
    BuiltPayload { covered: vec![0..0x8a, 0x8c..500], ..whole("cc2530", PayloadKind::TiCc2530, bytes, marks) }
}

/// JN518x image, in which only the header has checksums.
pub fn jn518x() -> BuiltPayload {
    let mut bytes = code(400);
    let vectors: u32 = bytes[..28]
        .chunks(4)
        .fold(0, |sum, word| u32::from_le_bytes(word.try_into().expect("four bytes")).wrapping_add(sum));
    put(&mut bytes, 0x1c, &vectors.wrapping_neg().to_le_bytes());
    put(&mut bytes, 0x20, &0x9844_7902_u32.to_le_bytes());
    put(&mut bytes, 0x24, &le(368));
    let sum = crc32(&bytes[..0x28]);
    put(&mut bytes, 0x28, &sum.to_le_bytes());
    put(&mut bytes, 368, &[0xbb01_10bb_u32.to_le_bytes(), [0; 4], [0; 4], le(400)].concat());
    BuiltPayload {
        name: "jn518x",
        kind: PayloadKind::NxpJn518x,
        bytes,
        whole: false,
        covered: vec![0..0x2c],
        marks: vec![0x20..0x28],
    }
}

pub fn mcuboot() -> BuiltPayload {
    let mut bytes = [&[0x3d, 0xb8, 0xf3, 0x96][..], &[0; 28], &code(200)].concat();
    put(&mut bytes, 8, &[32, 0, 0, 0]);
    put(&mut bytes, 12, &le(200));
    put(&mut bytes, 20, &[1, 2, 3, 0, 4, 0, 0, 0]);
    let sum = sha256(&bytes);
    bytes.extend([0x07, 0x69, 4 + 36 + 4 + 8, 0, 0x10, 0, 32, 0]);
    bytes.extend(sum);
    bytes.extend([0x22, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let covered = vec![0..232, 240..272];
    BuiltPayload { covered, ..whole("mcuboot", PayloadKind::Mcuboot, bytes, &[0..4, 8..20]) }
}

/// xz stream, with or without a SHA-256 after it. It has no valid block, because neither CRC covers the blocks.
pub fn xz(hashed: bool) -> BuiltPayload {
    let flags = [0, 1];
    let mut bytes = [&[0xfd, b'7', b'z', b'X', b'Z', 0][..], &flags, &crc32(&flags).to_le_bytes()].concat();
    bytes.extend(code(40));
    let index = [0, 1, 40, 60, 0, 0, 0, 0];
    bytes.extend(index);
    bytes.extend(crc32(&index).to_le_bytes());
    let footer = [&[2, 0, 0, 0], &flags[..]].concat();
    bytes.extend(crc32(&footer).to_le_bytes());
    bytes.extend(&footer);
    bytes.extend(b"YZ");
    let end = bytes.len();
    if hashed {
        bytes.extend(sha256(&bytes));
        let marks = [0..6, 12..end - 24, end - 4..end + 32];
        return whole("xz, hashed", PayloadKind::Xz, bytes, &marks);
    }
    let covered = vec![6..12, end - 24..end];
    let marks = vec![end - 4..end];
    BuiltPayload { name: "xz", kind: PayloadKind::Xz, bytes, whole: false, covered, marks }
}

/// Payloads without a checksum: formats that have none, and variants of others that have none.
pub fn without_checksum() -> Vec<(PayloadKind, Vec<u8>)> {
    vec![
        (PayloadKind::HueSbl, hue()),
        (PayloadKind::Osram, [&words([7, 0xff, 136, 3])[..], &code(152)].concat()),
        (PayloadKind::TiCc2530, jumps()),
        (PayloadKind::SilabsEbl, [&[0, 0, 0, 140, 0, 1, 0xe2, 0x50], &code(200)[..]].concat()),
        (PayloadKind::CortexM, cortex()),
        (PayloadKind::Inovelli, [&[0xf0, 0xc3, 0xf0, 0xc3][..], &cortex()].concat()),
        (PayloadKind::Dresden, dresden()),
        (PayloadKind::SilabsGbl4, gbl4()),
        (PayloadKind::NxpJn51xxSwapped, jn51xx_swapped()),
        (PayloadKind::NxpJn514x, jn514x(0x1100)),
        (PayloadKind::NxpJn514x, jn514x(0x2000)),
        (PayloadKind::Ubisys, [&b"FRS0"[..], &code(100)].concat()),
        (PayloadKind::Zlib, [0x78, 0x9c, 0x4b, 0x04, 0x00].to_vec()),
    ]
}

pub fn hue() -> Vec<u8> {
    [&[0x2a, 0, 1, 0x0f, 0, 0x6e, 0, 0, 0, 0, 0, 0, 0x19, 0, 0, 100], &code(148)[..]].concat()
}

/// Firmware whose length field counts all but 9 bytes.
pub fn dresden() -> Vec<u8> {
    [&[0; 4][..], &le(191), &[0xed, 0xfe, 0xfe, 0xca], &code(188)].concat()
}

/// Container of two tags, with 20 and 0 bytes of data.
pub fn gbl4() -> Vec<u8> {
    let tags = [&words([0x0000_1234, 20, 7, 7])[..], &code(12), &words([0x0000_5678, 0, 0, 0])[..8]].concat();
    [&[0xeb, 0x17, 0xa6, 0x84], &le(tags.len())[..], &tags].concat()
}

/// JN51xx image with the bytes of each word in reverse order; its length is that of the image.
pub fn jn51xx_swapped() -> Vec<u8> {
    let start = [0x78, 0x56, 0x34, 0x12, 0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55];
    [&start[..], &[0; 20], &le(200), &code(164)].concat()
}

/// JN514x image with this first word, without an OTA header inside.
pub fn jn514x(first: u32) -> Vec<u8> {
    [&first.to_le_bytes()[..], &le(191), &code(192)].concat()
}

/// Jumps at the start of 8051 code.
pub fn jumps() -> Vec<u8> {
    let mut jumps = vec![0xff; 0x90];
    for place in [0, 0x03, 0x2b] {
        jumps[place] = 2;
    }
    jumps
}

/// A vector table and a little code.
pub fn cortex() -> Vec<u8> {
    [&words([0x2000_7ff8, 0x0003_0301, 0x4839, 0x483d])[..], &code(48)].concat()
}

/// Payloads of the formats that contain an OTA file, here `inner`.
pub fn around_ota_file(inner: &[u8]) -> [(PayloadKind, Vec<u8>); 3] {
    let jn51xx = [0x12, 0x34, 0x56, 0x78, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
    [
        (PayloadKind::NxpJn51xx, [&jn51xx[..], &[0; 68], inner].concat()),
        (PayloadKind::NxpJn514x, [&[0, 0x10, 0, 0, 0xc0, 3, 0, 0][..], inner].concat()),
        (PayloadKind::EmbeddedOta, inner.to_vec()),
    ]
}

/// Init packet for this firmware, with its digest reversed or not.
pub fn nordic(firmware: &[u8], reversed: bool) -> Vec<u8> {
    let message = |number: u8, data: &[u8]| {
        let length = u8::try_from(data.len()).expect("short");
        let length = if length < 0x80 { vec![length] } else { vec![length, 1] };
        [&[number << 3 | 2], &length[..], data].concat()
    };
    let number = |number: u8, mut value: usize| {
        let mut bytes = vec![number << 3];
        while value >= 0x80 {
            bytes.push((value & 0x7f | 0x80).to_le_bytes()[0]);
            value >>= 7;
        }
        bytes.push(value.to_le_bytes()[0]);
        bytes
    };
    let mut digest = sha256(firmware);
    if reversed {
        digest.reverse();
    }
    let hash = [number(1, 3), message(2, &digest)].concat();
    let sizes = [number(4, 0), number(5, 0), number(6, 0), number(7, firmware.len())].concat();
    let init = [number(1, 29), number(2, 52), sizes, message(8, &hash)].concat();
    let command = [number(1, 1), message(2, &init)].concat();
    message(2, &[message(1, &command), number(2, 0), message(3, &[7; 20])].concat())
}
