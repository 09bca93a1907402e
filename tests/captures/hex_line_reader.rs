//! Lines of frames.

use zigbee_ota::zcl::Direction;

use crate::capture::hex_line_reader::Line;
use crate::capture::{self, Decoder, Item};

/// Reads lines as text: number, direction, length of the frame, or the error.
fn lines(input: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut receiver = |item: Item<'_>| {
        let Item::Line(number, line) = item else { panic!("a frame in a text") };
        found.push(match line {
            Ok(Line { direction: None, frame }) => format!("{number}: {} bytes", frame.len()),
            Ok(Line { direction: Some(Direction::ToServer), frame }) => {
                format!("{number}: c2s {}", frame.len())
            }
            Ok(Line { direction: Some(Direction::ToClient), frame }) => {
                format!("{number}: s2c {}", frame.len())
            }
            Err(bad) => format!("{number}: {bad}"),
        });
        Ok(())
    };
    capture::read(input, &mut Decoder::new(&[]), &mut receiver).expect("it is read");
    found
}

/// Shows: FLD-085
#[test]
fn lines_are_read_with_and_without_a_direction() {
    assert_eq!(
        lines(b"c2s 0107\n\ns2c 09 07\r\n0907000064\n 09 07 00\n09 0\nc2s\nc2c 09\nc3s 09\n0907 zz"),
        [
            "1: c2s 2",
            "2: byte 0: no frame",
            "3: s2c 2",
            "4: 5 bytes",
            "5: 3 bytes",
            "6: byte 4: expected an even number of digits",
            "7: c2s 0",
            "8: byte 0: expected c2s or s2c",
            "9: byte 0: expected c2s or s2c",
            "10: byte 5: expected a hexadecimal digit",
        ]
    );
}

#[test]
fn a_line_of_any_length_takes_little_memory() {
    let mut input = vec![b'0'; 1 << 20];
    input.extend(b"\n0907000064");
    assert_eq!(lines(&input), ["1: byte 65536: expected the end of the line", "2: 5 bytes"]);
}

#[test]
fn a_compressed_capture_is_refused() {
    let input: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0];
    let stop = capture::read(input, &mut Decoder::new(&[]), &mut |_| Ok(())).expect_err("it is compressed");
    assert!(stop.to_string().contains("gzip"), "{stop}");
}
