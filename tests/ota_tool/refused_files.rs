//! Files that no device should get: `check`, `index` and `tcp_server` refuse the same ones. Folders as arguments.

use std::process::Command;

use crate::example_binaries::example;
use crate::run_tool::{Folder, IDS};

/// Creates a folder with `plain` and `raw`, whose body has no elements.
fn shelf() -> Folder {
    let folder = Folder::new();
    let plain = folder.create(&format!("{IDS} -t 0 -l 3 -t 0xf000 -l 4"));
    folder.write("raw", [&plain[..52], &[65, 0, 0, 0], &[0xee; 9]].concat());
    folder.write("plain", plain);
    folder
}

/// Shows: FLD-070, FLD-073, FLD-075, FLD-086
#[test]
fn check_says_what_no_device_should_get() {
    let folder = shelf();
    let plain = folder.read("plain");
    let with = |place: usize, bytes: &[u8]| {
        let mut file = plain.clone();
        file[place..place + bytes.len()].copy_from_slice(bytes);
        file
    };
    folder.write("long", with(58, &[0xff, 0xff]));
    folder.write("hardware", folder.create(&format!("{IDS} --min-hw-ver 1 --max-hw-ver 2 -l 3")));
    let mut hardware = folder.read("hardware");
    hardware[56] = 3;
    folder.write("hardware", hardware);
    folder.write("lfs", "version https://git-lfs.github.com/spec/v1\n");
    // An xz stream of which one bit of the blocks is wrong, before its SHA-256.
    let mut stream = crate::sample_builders::xz(true).bytes;
    stream[20] ^= 1;
    folder.write("stream", stream);
    folder.write("doubtful", folder.create(&format!("{IDS} -f stream")));
    for (line, status, text) in [
        (
            "long",
            1,
            "long: WRONG: the element 0x0000 at byte 56 runs past the end: it declares 65535 bytes of data",
        ),
        ("hardware", 1, "hardware: WRONG: minimum hardware version 0x0003 above the maximum 0x0002"),
        ("lfs", 1, "lfs: WRONG: a Git LFS pointer: fetch the file itself"),
        (
            "doubtful",
            0,
            "doubtful: ok (note: the payload (xz) of element 0 is doubtful: its sum does not match",
        ),
        ("--strict doubtful", 1, "doubtful: WRONG: the payload (xz) of element 0 is doubtful"),
        ("--raw-body raw", 0, "raw: ok (note: no elements: the body is 9 raw bytes (unknown))"),
    ] {
        folder.ota(&format!("check {line}")).says(status, text);
    }
}

/// A folder argument stands for all files in the folder and its subfolders, sorted by name, without text files.
#[test]
fn a_folder_stands_for_its_files() {
    let folder = shelf();
    std::fs::create_dir_all(folder.path("all/deep")).expect("room");
    for name in ["all/b.ota", "all/a.zigbee", "all/deep/c", "all/index.json", "all/README.md", "all/.hidden"]
    {
        folder.write(name, folder.read("plain"));
    }
    let ran = folder.ota("check all plain");
    let expected = "all/a.zigbee: ok\nall/b.ota: ok\nall/deep/c: ok\nplain: ok\n";
    assert_eq!(ran.says(0, "").out, expected);
    let files: Vec<_> =
        folder.ota("info --json all").json().iter().map(|file| file["file"].clone()).collect();
    assert_eq!(files, ["all/a.zigbee", "all/b.ota", "all/deep/c"]);
    std::fs::create_dir(folder.path("empty")).expect("room");
    folder.ota("check empty").says(2, "empty: no file in this folder");
}

/// A file that `check` reports as wrong is not listed by `index` and not served by `tcp_server`.
///
/// Shows: FLD-071
#[test]
fn one_judgement_decides_everywhere() {
    let folder = shelf();
    std::fs::create_dir(folder.path("f")).expect("room");
    let plain = folder.read("plain");
    folder.write("f/plain.ota", &plain);
    // A payload with a wrong CRC.
    let mut gbl = crate::sample_builders::gbl(0, &[]).bytes;
    gbl[13] ^= 1;
    folder.write("gbl", gbl);
    folder.write("f/damaged.ota", folder.create(&format!("{IDS} -f gbl")));
    // An element that is longer than the file.
    let mut long = plain;
    long[59] = 9;
    folder.write("f/long.ota", long);
    let index = folder.ota("index f");
    assert_eq!((index.status, index.out.matches("fileName").count()), (1, 1), "{}", index.out);
    for name in ["damaged", "long"] {
        let checked = folder.ota(&format!("check f/{name}.ota"));
        let reason = checked.says(1, "WRONG: ").out.split_once("WRONG: ").expect("a reason").1.trim_end();
        assert!(index.err.contains(reason), "{name}: {reason}\n{}", index.err);
        let served = Command::new(example("tcp_server")).arg(folder.path(&format!("f/{name}.ota"))).output();
        let served = served.expect("it runs");
        assert_eq!(served.status.code(), Some(1), "{name}");
        let said = String::from_utf8_lossy(&served.stderr);
        assert!(said.contains(reason.split(';').next().expect("a text")), "{name}: {said}");
    }
}
