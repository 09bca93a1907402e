//! Property tests of Matter messages: encoding and decoding are inverses, and damage is refused at its offset.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use properties::matter::{any_bytes, round_trip};

#[path = "common/properties"]
mod properties {
    pub mod encode_contract;
    pub mod matter;
}

/// Fragments of TLV, so that elements, containers and fields occur.
fn tlv() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        select(vec![
            &[0x15][..],
            &[0x16],
            &[0x17],
            &[0x18],
            &[0x36, 3],
            &[0x18, 0x18],
            &[0x24, 0],
            &[0x26, 3],
            &[0x29, 6],
            &[0x2c, 2, 3, b'x', b':', b'y'],
            &[0x2c, 4, 1, b'1'],
            &[0x30, 5, 8, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0xd0, 0xf1, 0xff, 1, 0, 2, 0, 0],
            &[0x30, 7, 2, 0x17, 0x18],
        ])
        .prop_map(<[u8]>::to_vec),
        (0..0x20_u8, any::<u64>()).prop_map(|(kind, number)| [
            &[0x20 | kind, kind][..],
            &number.to_le_bytes()
        ]
        .concat()),
        vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..20).prop_map(|pieces| [&[0x15][..], &pieces.concat(), &[0x18]].concat())
}

proptest! {
    #[test]
    fn encoded_messages_decode_to_the_same_value(seed in vec(any::<u8>(), 0..600)) {
        round_trip(&seed).ok();
    }

    #[test]
    fn any_bytes_end_in_a_value_or_an_error(bytes in prop_oneof![tlv(), vec(any::<u8>(), 0..60)]) {
        any_bytes(&bytes);
    }

    #[test]
    fn any_bytes_after_a_file_identifier_end_in_a_value_or_an_error(sizes in any::<[u8; 12]>(), small in any::<bool>(), structure in tlv()) {
        let header = u32::try_from(structure.len()).unwrap();
        let sizes = match small {
            true => [&[16 + structure.len() as u8, 0, 0, 0, 0, 0, 0, 0][..], &header.to_le_bytes()].concat(),
            false => sizes.to_vec(),
        };
        any_bytes(&[&[0x1e, 0xf1, 0xee, 0x1b], &sizes[..], &structure].concat());
    }

    #[test]
    fn a_changed_byte_ends_in_a_value_or_an_error(at in any::<Index>(), flip in 1..=u8::MAX) {
        let mut bytes = b"\x15\x24\x00\x00\x2c\x02\x18bdx://0000000000000000/x\x24\x03\x05\x2c\x04\x011\x30\x05\x0812345678\x18".to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        any_bytes(&bytes);
    }
}
