//! Folder with one small OTA file in several conditions: plain, in containers, cut short, and with bytes before it.

use crate::run_tool::{Folder, IDS, crc32};

/// Builds a container with a header of 100 bytes before `ota`. With zeros in place of its checksums, all checksums
/// fail.
fn sonoff(ota: &[u8]) -> Vec<u8> {
    let mut head = [0; 100];
    head[..2].copy_from_slice(&[3, 1]);
    head[0x4b] = 100;
    head[0x4f] = u8::try_from(ota.len()).expect("a short file");
    [&head, ota].concat()
}

/// Creates a folder with the files `plain`, `junk` (20 bytes before the file), `bad` and `good` (containers), `short`, `text`,
/// `raw` and `early` (a signature before other elements).
pub fn sample_folder() -> Folder {
    let folder = Folder::new();
    folder.write("one", "ONE");
    folder.write("two", "TWO!");
    let plain = folder.create(&format!("{IDS} -t 0 -f one -t 0xf000 -f two -t 0 -f two"));
    folder.write("plain", &plain);
    folder.write("junk", [&[b'?'; 20], &plain[..]].concat());
    folder.write("bad", sonoff(&plain));
    folder.write("good", [&plain[..], &crc32(&plain).to_le_bytes()].concat());
    folder.write("short", &plain[..plain.len() - 1]);
    folder.write("text", "not an OTA file");
    folder.write("early", [&plain[..56], &[5, 0], &plain[58..]].concat());
    folder.write("raw", [&plain[..52], &[65, 0, 0, 0], &[0xee; 9]].concat());
    folder
}
