use super::*;
use crate::codec::Encode;
use crate::file::FileHeader;
use crate::types::{Eui64, ImageId};
use std::vec::Vec;

const HEADER: FileHeader<'static> = FileHeader::new(ImageId::new(0x1001, 0x00ab, 0x1005_3519));

/// A header and a body; the total image size counts the header and the body.
fn file(header: FileHeader<'_>, body: &[u8]) -> Vec<u8> {
    let mut bytes = std::vec![0; header.encoded_len()];
    let total_size = u32::try_from(bytes.len() + body.len()).unwrap();
    FileHeader { total_size, ..header }.encode(&mut bytes).unwrap();
    [&bytes, body].concat()
}

#[test]
fn pieces_come_in_file_order_with_their_offsets() {
    let body = [1, 0xf0, 0, 0, 0, 0, 0x00, 0xf0, 2, 0, 0, 0, 0x01, 0x0c, 7, 8];
    let header = FileHeader { extra: &[0xe1, 0xe2], ..HEADER };
    let bytes = [file(header, &body), std::vec![0xee; 3]].concat();
    let mut decoder = StreamDecoder::new();
    let mut input = &bytes[..];
    let known = FileHeader { total_size: 74, ..HEADER };
    for expected in [
        StreamPiece::Header { header: known, len: 58 },
        StreamPiece::Extra { offset: 56, bytes: &[0xe1, 0xe2] },
        StreamPiece::Element { offset: 58, tag: Tag(0xf001), length: 0, telink_info: None },
        StreamPiece::Element { offset: 64, tag: Tag(0xf000), length: 2, telink_info: Some([0x01, 0x0c]) },
        StreamPiece::Data { offset: 72, bytes: &[7, 8] },
        StreamPiece::Trailing { bytes: &[0xee; 3] },
    ] {
        assert_eq!(decoder.next(&mut input), Ok(Some(expected)));
    }
    assert_eq!(decoder.next(&mut input), Ok(None));
    assert_eq!(decoder.finish(), Ok(BodyLayout::TelinkF000));
}

#[test]
fn buffered_bytes_that_are_not_an_element_come_as_raw_bytes() {
    let body = [0, 0, 1, 0, 0, 0, 9, 0x0c, 0x94, 0xff, 0xff, 0xff, 0xff, 5];
    let bytes = file(HEADER, &body);
    let mut decoder = StreamDecoder::new();
    let mut raw: Vec<u8> = Vec::new();
    for byte in &bytes {
        let mut input = core::slice::from_ref(byte);
        while let Some(piece) = decoder.next(&mut input).unwrap() {
            if let StreamPiece::Raw { offset, bytes } = piece {
                assert_eq!(usize::try_from(offset), Ok(63 + raw.len()));
                raw.extend(bytes);
            }
        }
    }
    assert_eq!(raw, body[7..]);
    assert_eq!(decoder.finish(), Ok(BodyLayout::ElementsThenRaw));
}

#[test]
fn an_error_comes_with_the_first_byte_that_shows_it() {
    let kind = DecodeErrorKind::BadMagic { found: 0x0403_0201 };
    let error = DecodeError { item: "OTA header", offset: 0, kind };
    let mut decoder = StreamDecoder::new();
    assert_eq!(decoder.next(&mut &[1, 2, 3][..]), Ok(None));
    assert_eq!(decoder.buffered(), [1, 2, 3]);
    assert_eq!(decoder.next(&mut &[4][..]), Err(error));
    assert_eq!(decoder.next(&mut &[5][..]), Err(error), "the error stays");
    assert_eq!(decoder.finish(), Err(error));
}

#[test]
fn finish_reports_truncation() {
    let header = FileHeader { destination: Some(Eui64(7)), extra: &[1, 2], ..HEADER };
    let bytes = file(header, &[0, 0, 2, 0, 0, 0, 8, 9]);
    for present in 0..=bytes.len() {
        let mut decoder = StreamDecoder::new();
        let mut input = &bytes[..present];
        while decoder.next(&mut input).unwrap().is_some() {}
        let (item, needed) = match present {
            0..56 => ("OTA header", 56),
            56..66 => ("OTA header", 66),
            66..74 => ("OTA file", 74),
            _ => {
                assert_eq!(decoder.finish(), Ok(BodyLayout::Elements));
                continue;
            }
        };
        let kind = DecodeErrorKind::Truncated { needed, present };
        assert_eq!(decoder.finish(), Err(DecodeError { item, offset: 0, kind }));
        let buffered = if (66..72).contains(&present) { present - 66 } else { 0 };
        assert!(present < 64 || decoder.buffered() == &bytes[present - buffered..present], "{present}");
    }
}

#[test]
fn a_default_decoder_expects_the_first_byte() {
    let bytes = file(HEADER, &[]);
    let mut decoder = StreamDecoder::default();
    let header = FileHeader { total_size: 56, ..HEADER };
    assert_eq!(decoder.next(&mut &bytes[..]), Ok(Some(StreamPiece::Header { header, len: 56 })));
}
