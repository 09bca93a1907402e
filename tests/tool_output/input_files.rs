//! Input files of the tools.

use std::fs;

use crate::bitwise_reference_checksums::register;
use crate::containers::{ikea, legrand, nxp, salus, sdevices, sonoff, third_reality};
use crate::run_tool::{Folder, IDS};
use crate::sample_builders;

/// Signed file, and the authority of its signer.
pub const SIGNED: &[u8] = include_bytes!("../data/signed_files/suite1.ota");
pub const CA: &str = "--ca 1122334455667701:03044e934f8ff716cc44edefc833286c721328d8ccfd";

/// Creates a folder with `plain`, which has two elements, `signed`, `text` and an empty folder `empty`.
pub fn shelf() -> Folder {
    let folder = Folder::new();
    folder.write("plain", folder.create(&format!("{IDS} -t 0 -l 17 -t 0xf000 -l 0 --header-string EBL")));
    folder.write("signed", SIGNED);
    folder.write("text", "not an OTA file");
    fs::create_dir(folder.path("empty")).expect("room");
    folder
}

/// Returns `file` with another body, and the size in the header adjusted.
fn with_body(file: &[u8], body: &[u8]) -> Vec<u8> {
    let total = u32::try_from(56 + body.len()).expect("short");
    [&file[..52], &total.to_le_bytes(), body].concat()
}

/// Returns the file with `bytes` at offset `place`.
fn with(file: &[u8], place: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[place..place + bytes.len()].copy_from_slice(bytes);
    file
}

/// Adds a file in every container, and a damaged one in containers with checksums. Returns the names.
pub fn contained(folder: &Folder) -> Vec<&'static str> {
    let ota = folder.create(&format!("{IDS} -l 8"));
    let files = [
        ("ikea", ikea(&ota)),
        ("legrand", legrand(&ota)),
        ("sonoff", sonoff(&ota)),
        ("nxp", nxp(&ota)),
        ("third_reality", third_reality(&ota)),
        ("salus", salus(&ota)),
        ("sdevices", sdevices(&ota)),
        ("ikea_changed", with(&ikea(&ota), 200, &[1])),
        ("sonoff_changed", with(&sonoff(&ota), 160, &[1])),
    ];
    files.map(|(name, bytes)| (folder.write(name, bytes), name).1).to_vec()
}

/// Adds a file of each layout, and files with unusual headers and elements. Returns the names.
pub fn odd(folder: &Folder) -> Vec<&'static str> {
    let file = folder.create(&format!("{IDS} -l 20"));
    let optional =
        "--security-credentials 3 --upgrade-dest 01:23:45:67:89:ab:cd:ef --min-hw-ver 1 --max-hw-ver 0x0205";
    let optional = folder.create(&format!("{IDS} {optional} -l 1"));
    // Telink's element has two bytes between its length and its data.
    let telink = [&[0x00, 0xf0, 32, 0, 0, 0, 0x01, 0x0c][..], &sample_builders::code(32)].concat();
    // A signature that is not the last, and a reserved tag.
    let early = with(&folder.create(&format!("{IDS} --force -t 0 -l 4 -t 0x000a -l 2")), 56, &[5]);
    // Another version, a header length of 60 with 4 extra bytes, a reserved bit; a header string that is no UTF-8 and
    // continues after its NUL.
    let header = [&[0x01, 0x01, 60, 0, 0x10, 0x00], &file[10..20], &[0xff, 0, b'x'], &[0; 29]].concat();
    let strange = [&file[..4], &header, &[86, 0, 0, 0], &[9; 4], &file[56..]].concat();
    let files = [
        ("optional", optional.clone()),
        ("trailing", [&file[..], &[1, 2, 3]].concat()),
        ("truncated", file[..70].to_vec()),
        ("raw", with_body(&file, &[0xee; 9])),
        ("raw_after", with_body(&file, &[&file[56..], &[0xee; 9]].concat())),
        ("telink", with_body(&file, &telink)),
        ("header", file[..56].to_vec()),
        ("bare", with_body(&file, &[])),
        ("early", early),
        ("strange", strange),
        // The hardware versions, the last header fields, are swapped.
        ("hardware", with(&optional, 65, &[0x05, 0x02, 0x01, 0x00])),
        ("destination", with(&file, 8, &[2])),
        ("control", with(&file, 20, b"\x1b[2J")),
    ];
    files.map(|(name, bytes)| (folder.write(name, bytes), name).1).to_vec()
}

/// Adds files with payloads of every kind, in every state. Returns the names.
pub fn payloads(folder: &Folder) -> Vec<&'static str> {
    let pack = |name: &'static str, maker: &str, elements: &[(u16, Vec<u8>)]| {
        let pieces = elements.iter().enumerate().map(|(number, (tag, data))| {
            let part = format!("part{number}");
            folder.write(&part, data);
            format!(" -t {tag} -f {part}")
        });
        let pieces: String = pieces.collect();
        folder.write(name, folder.create(&format!("-v 5 -m {maker} -i 0x00ab{pieces}")));
        name
    };
    // Each with its own tag, because parts of one image are not checked alone.
    let numbered = |payloads: Vec<Vec<u8>>| (0xf000..).zip(payloads).collect::<Vec<_>>();
    let sums: Vec<Vec<u8>> = sample_builders::with_checksum().into_iter().map(|built| built.bytes).collect();
    let changed = sample_builders::with_checksum().into_iter().map(|built| {
        // Near the end of what its sums cover, where nothing tells the kind.
        let place = built.covered.last().expect("some").end - 1;
        with(&built.bytes, place, &[built.bytes[place] ^ 1])
    });
    let gbl = sample_builders::gbl(0, &[0xfe01_01fe]).bytes;
    // Cut inside a tag, and behind it; and with vectors whose sum is another.
    let changed = changed.chain([
        gbl[..40].to_vec(),
        gbl[..64].to_vec(),
        with(&sample_builders::jn518x().bytes, 3, &[8]),
    ]);
    let inner = folder.create("-v 7 -m 0x1021 -i 0x0012 -l 8");
    let (known, inside) = (sample_builders::without_checksum(), sample_builders::around_ota_file(&inner));
    let known = known.into_iter().chain(inside).map(|(_, bytes)| bytes);
    let hue = [&sample_builders::hue()[..16], &sample_builders::random(4000)].concat();
    let (firmware, secret) = (sample_builders::code(700), sample_builders::random(3000));
    let mut table = sample_builders::code(60);
    table.extend(register(0, &table).to_le_bytes());
    let near = vec![
        (
            0,
            sample_builders::without_checksum()
                .pop()
                .expect("zlib, which is looked for in no other element")
                .1,
        ),
        (0, sample_builders::code(100)),
        (0, secret.clone()),
        (0, sample_builders::nordic(&firmware, true)),
        (0, firmware.clone()),
        (0, sample_builders::nordic(&firmware, false)),
        (0, with(&firmware, 9, &[99])),
        // What this element has in the middle says that firmware follows.
        (0xf7bd, with(&sample_builders::code(160), 28, &[0xbd, 0xf7])),
        (0, secret),
    ];
    vec![
        pack("sums", "0x1001", &numbered(sums)),
        pack("changed", "0x1001", &numbered(changed.collect())),
        pack("known", "0x1001", &numbered(known.chain([hue]).collect())),
        pack("near", "0x10f2", &near),
        pack("table", "0x110c", &[(0xff52, table)]),
    ]
}

/// Adds files that are no OTA files. Returns the names.
pub fn none(folder: &Folder) -> Vec<&'static str> {
    // A Matter image: vendor, product, version, version string, size, minimum and maximum version to upgrade from,
    // release notes, digest.
    let fields = [
        &b"\x15\x25\x00\xf1\xff\x25\x01\x01\x80\x26\x02\x0a\0\0\0\x2c\x03\x031.0\x24\x04\x03"[..],
        b"\x26\x05\x02\0\0\0\x26\x06\x09\0\0\0\x2c\x07\x10https://x.org/v1\x24\x08\x06\x30\x09\x04\x01\x02\x03\xab\x18",
    ]
    .concat();
    let [total, length] = [19 + fields.len(), fields.len()].map(|len| u8::try_from(len).expect("short"));
    let start = [0x1e, 0xf1, 0xee, 0x1b, total, 0, 0, 0, 0, 0, 0, 0, length, 0, 0, 0];
    let matter = [&start[..], &fields, b"abc"].concat();
    folder.write("matter_cut", &matter[..20]);
    folder.write("matter", matter);
    vec!["text", "matter", "matter_cut", "nowhere"]
}
