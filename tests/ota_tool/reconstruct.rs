//! Subcommand `reconstruct`.

use std::io::Write;
use std::process::Stdio;

use crate::capture_encoder::{GATEWAY, LAMP, Order, Packet, frame, pcap, timed, with_fcs};
use crate::run_tool::{Folder, IDS};

/// Capture of one download as lines (query, offer, blocks of `data` bytes, end), with the downloaded file.
struct Capture {
    folder: Folder,
    file: Vec<u8>,
    lines: Vec<String>,
}

/// Number of lines before the first block response.
const BEFORE: usize = 3;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Capture {
    /// Creates a capture of a file of 400 bytes in blocks of 50.
    fn new() -> Self {
        let folder = Folder::new();
        let data: Vec<u8> = (0..338_u16).map(|place| place.to_le_bytes()[0].wrapping_mul(31)).collect();
        folder.write("data", data);
        let file = folder.create(&format!("{IDS} -f data"));
        assert_eq!(file.len(), 400);
        let id = hex(&file[10..18]);
        let mut lines = vec![
            "c2s 01070100 01101110 01000000".into(),
            format!("s2c 19070200{id}{}", hex(&400_u32.to_le_bytes())),
        ];
        for (number, block) in file.chunks(50).enumerate() {
            let offset = hex(&u32::try_from(50 * number).expect("small").to_le_bytes());
            lines.push(format!("c2s 01{number:02x}0300{id}{offset}32"));
            lines.push(format!("s2c 19{number:02x}0500{id}{offset}{:02x}{}", block.len(), hex(block)));
        }
        lines.push(format!("c2s 01400600{id}"));
        Self { folder, file, lines }
    }

    /// Returns the line index of a block's response.
    fn block(number: usize) -> usize {
        BEFORE + 2 * number
    }

    /// Returns the lines as packets of an encrypted network.
    fn packets(&self) -> Vec<Packet> {
        let packets = (0..).zip(&self.lines).map(|(number, line)| {
            let (direction, digits) = line.split_once(' ').expect("a direction");
            let digits = digits.replace(' ', "");
            let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
            let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
            let (from, to) = if direction == "c2s" { (LAMP, GATEWAY) } else { (GATEWAY, LAMP) };
            with_fcs(&frame(number, from, to, &bytes))
        });
        timed(packets)
    }

    fn write(&self, name: &str, lines: &[String]) {
        self.folder.write(name, lines.join("\n"));
    }
}

#[test]
fn a_complete_image_is_written() {
    let capture = Capture::new();
    let Capture { folder, file, lines } = &capture;
    capture.write("frames", lines);
    let ran = folder.ota("reconstruct --to image frames");
    ran.says(0, "1001-1011-01010110: 400 of 400 bytes in 8 blocks: whole").says(0, "SUCCESS");
    assert_eq!((folder.read("image"), ran.err.as_str()), (file.clone(), ""));

    // From standard input, with each frame twice, in upper case, and into a folder.
    std::fs::create_dir(folder.path("f")).expect("a folder");
    let twice: Vec<String> = lines.iter().flat_map(|line| [line.clone(), line.clone()]).collect();
    let mut command = folder.command(["reconstruct", "--to", "f"]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    process.stdin.take().expect("piped").write_all(twice.join("\r\n").as_bytes()).expect("it reads");
    let output = process.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("400 of 400 bytes in 16 blocks: whole"));
    assert_eq!(&folder.read("f/1001-1011-01010110.zigbee"), file);
}

#[test]
fn gaps_are_listed_and_filled_only_with_partial() {
    let capture = Capture::new();
    let Capture { folder, file, lines } = &capture;
    let lost = [1, 2, 7].map(Capture::block);
    let heard: Vec<String> =
        lines.iter().enumerate().filter(|(at, _)| !lost.contains(at)).map(|(_, line)| line.clone()).collect();
    capture.write("frames", &heard);
    let ran = folder.ota("reconstruct --to image frames");
    ran.says(1, "250 of 400 bytes in 5 blocks: 150 bytes missing in 2 gaps")
        .says(1, "gap: bytes 50 to 149 (100)")
        .says(1, "gap: bytes 350 to 399 (50)")
        .says(1, "not written; --partial fills the gaps with 0xFF");
    assert!(!folder.path("image").exists());
    folder.ota("reconstruct --partial --to image frames").says(1, "150 bytes missing");
    let mut expected = file.clone();
    expected[50..150].fill(0xff);
    expected[350..].fill(0xff);
    assert_eq!(folder.read("image"), expected);

    // Neither the offer nor the header field with the size was captured.
    let heard: Vec<String> = heard.iter().filter(|line| !line.contains("0200")).cloned().collect();
    capture.write("frames", &heard);
    folder
        .ota("reconstruct frames")
        .says(1, "of an unknown number of bytes")
        .says(1, "gap: byte 350 to an end that is not known");
}

/// Lines have neither addresses nor times, and say so in table and picture.
#[test]
fn progress_and_losses_are_a_table_and_a_picture() {
    let capture = Capture::new();
    let Capture { folder, lines, .. } = &capture;
    let mut heard = lines.clone();
    // The device requests the sixth block again, and nobody overhears the third block.
    let again = heard[Capture::block(5) - 1..=Capture::block(5)].to_vec();
    heard.splice(Capture::block(5) + 1..Capture::block(5) + 1, again);
    heard.remove(Capture::block(2));
    capture.write("frames", &heard);
    let ran = folder.ota("reconstruct --picture picture.svg frames");
    let table: Vec<Vec<&str>> =
        ran.out.lines().skip(3).map(|line| line.split_whitespace().collect()).collect();
    let expected = "unknown 1001-1011-01010110 87 350 - - 9 1 (11 %) 8 50 0 - SUCCESS"
        .split_whitespace()
        .collect::<Vec<_>>();
    assert_eq!(table[1], expected, "{}", ran.out);
    ran.says(1, "not every frame has a time");
    let picture = String::from_utf8(folder.read("picture.svg")).expect("SVG");
    assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"), "{picture}");
    assert!(picture.contains("unknown, 1001-1011-01010110: 87 %, 1 of 9 requests repeated"), "{picture}");
    folder.ota("reconstruct --picture nowhere/picture.svg frames").says(1, "nowhere/picture.svg");
}

/// Shows: FLD-085
#[test]
fn contradicting_blocks_are_reported() {
    let capture = Capture::new();
    let Capture { folder, file, lines } = &capture;
    let mut lines = lines.clone();
    let mut other = lines[Capture::block(3)].clone();
    let digit = other.pop().expect("a digit");
    other.push(if digit == '0' { '1' } else { '0' });
    lines.push(other);
    capture.write("frames", &lines);
    folder
        .ota("reconstruct --partial --to image frames")
        .says(1, "no gaps, but blocks do not agree")
        .says(1, "contradict each other in 1 bytes, first in byte 199");
    assert_eq!(&folder.read("image"), file);
    // There is no gap that could be filled.
    let refused = folder.ota("reconstruct --to other frames");
    refused
        .says(1, "not written, for blocks contradict each other")
        .says(1, "--partial writes those heard first");
    assert!(!refused.err.contains("gaps"), "{}", refused.err);
}

/// A server that sends the payload without its header: all bytes are there, and they are no OTA file.
///
/// Shows: FLD-085
#[test]
fn bytes_that_are_no_ota_file_are_not_called_whole() {
    let folder = Folder::new();
    let gbl = crate::sample_builders::gbl(0, &[]).bytes;
    let id = "0110111010010101";
    let size = hex(&u32::try_from(gbl.len()).expect("short").to_le_bytes());
    let lines = [
        format!("s2c 19010200{id}{size}"),
        format!("s2c 19020500{id}00000000{:02x}{}", gbl.len(), hex(&gbl)),
    ];
    folder.write("frames", lines.join("\n"));
    let ran = folder.ota("reconstruct --to image frames");
    ran.says(1, "28 of 28 bytes in 1 blocks: all bytes, but no OTA file")
        .says(1, "WRONG: a bare silabs_gbl image without an OTA header");
    // The bytes are what was heard.
    assert_eq!(folder.read("image"), gbl);
}

#[test]
fn two_images_are_written_to_a_folder_under_their_recommended_names() {
    let capture = Capture::new();
    let Capture { folder, file, lines } = &capture;
    // The same frames with another version; the header inside still has the old one.
    let id = hex(&file[10..18]);
    let newer = format!("{}11{}", &id[..8], &id[10..]);
    let both: Vec<String> =
        lines.iter().cloned().chain(lines.iter().map(|line| line.replacen(&id, &newer, 1))).collect();
    capture.write("frames", &both);
    folder.ota("reconstruct --to image frames").says(1, "2 images were heard; expected a folder");
    std::fs::create_dir(folder.path("f")).expect("a folder");
    folder.ota("reconstruct --to f frames").says(0, "1001-1011-01010110").says(0, "1001-1011-01010111");
    for name in ["f/1001-1011-01010110.zigbee", "f/1001-1011-01010111.zigbee"] {
        assert_eq!(&folder.read(name), file);
    }
}

#[test]
fn malformed_lines_are_reported_and_captures_without_blocks_give_nothing() {
    let capture = Capture::new();
    let Capture { folder, lines, .. } = &capture;
    let mut broken = vec!["hello".into(), "c2s 0".into(), "s2c 19".into(), String::new()];
    broken.extend_from_slice(lines);
    capture.write("frames", &broken);
    folder
        .ota("reconstruct frames")
        .says(0, "frames: line 1 is left out: byte 0: expected c2s or s2c")
        .says(0, "line 2 is left out: byte 5: expected an even number of digits")
        .says(0, "line 3 is left out: ZCL header")
        .says(0, "whole");
    capture.write("frames", &lines[..2]);
    folder.ota("reconstruct frames").says(2, "no block of an image: nothing to reconstruct");
    folder.ota("reconstruct nowhere").says(1, "nowhere");
    folder.ota("reconstruct --partial frames").says(2, "--to");
}

/// Shows: FLD-085
#[test]
fn lines_without_a_direction_give_the_same_image() {
    let capture = Capture::new();
    let Capture { folder, file, lines } = &capture;
    let bare: Vec<String> =
        lines.iter().map(|line| line.split_once(' ').expect("a direction").1.to_owned()).collect();
    capture.write("frames", &bare);
    folder.ota("reconstruct --to image frames").says(0, "400 of 400 bytes in 8 blocks: whole");
    assert_eq!(&folder.read("image"), file);
}

/// Shows: FLD-085
#[test]
fn an_image_is_written_from_a_capture_file() {
    let capture = Capture::new();
    let Capture { folder, file, .. } = &capture;
    folder.write("capture.pcap", pcap(Order::Big, true, 195, &capture.packets()));
    let key = "6e:65:74:77:6f:72:6b:20:6b:65:79:20:30:31:32:33";
    let ran = folder.ota(&format!("reconstruct --key {key} --to image capture.pcap"));
    ran.says(0, "1001-1011-01010110: 400 of 400 bytes in 8 blocks: whole");
    assert_eq!((folder.read("image"), ran.err.as_str()), (file.clone(), ""));
    // 15 periods of 10 ms from the first request to the last block.
    let row = ran.out.lines().last().expect("a table").split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        row, "0x9a31/1 1001-1011-01010110 100 400 2666 0.1 8 0 (0 %) 8 0 0 0.0 SUCCESS",
        "{}",
        ran.out
    );
    let ran = folder.ota("reconstruct capture.pcap");
    ran.says(2, "capture.pcap: 19 frames are encrypted by a network key that is not known (--key)")
        .says(2, "no block of an image");
    folder.ota("reconstruct --key 00 capture.pcap").says(2, "expected 32 hexadecimal digits");
    // A frame that is none of the cluster's is left out.
    let mut packets = capture.packets();
    packets.push((packets[0].0, with_fcs(&frame(99, LAMP, GATEWAY, &[0x01, 8]))));
    folder.write("capture.pcap", pcap(Order::Little, false, 195, &packets));
    folder
        .ota(&format!("reconstruct --key {key} capture.pcap"))
        .says(0, "a frame from 0x9a31/1 to 0x0000/1 is left out: ZCL header");
}
