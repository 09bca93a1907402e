//! Subcommands `extract`, `name`, `check` and `candidates`.

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

/// Creates a folder with `plain`, `junk` (20 bytes before the file), `bad` and `good` (containers), `short`, `text`,
/// `raw` and `early` (a signature before other elements).
fn shelf() -> Folder {
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

/// Shows: ESP-052
#[test]
fn extract_writes_the_data_of_an_element() {
    let folder = shelf();
    for (options, data) in
        [("", "ONE"), ("--index 1", "TWO!"), ("--tag 0xf000", "TWO!"), ("-t 61440 -i 0", "TWO!")]
    {
        folder.ota(&format!("extract plain --to out {options}")).says(0, "");
        assert_eq!(folder.read("out"), data.as_bytes(), "{options}");
    }
    folder
        .ota("extract plain -o one -t 3")
        .says(1, "plain: no element 0x0003 with index 0; elements: 0x0000, 0xf000, 0x0000");
    folder.ota("extract plain -o one -i 2").says(1, "no element 0x0000 with index 2");
    folder.ota("extract short -o one -i 1").says(1, "short: the element 0x0000 is cut short: 3 of 4 bytes");
    folder.ota("extract text -o one").says(1, "text: OTA header, byte 0: not an OTA file");
    folder.ota("extract plain").says(2, "--to <OUT>");
    folder.ota("extract plain -o one --ota --tag 0").says(2, "cannot be used with");
    assert_eq!(folder.read("one"), b"ONE");
    folder.ota("extract plain -o plain").says(0, "");
    assert_eq!(folder.read("plain"), b"ONE");
}

#[test]
fn extract_leaves_out_the_two_bytes_of_telink() {
    let folder = shelf();
    let plain = folder.read("plain");
    let head = [0x00, 0xf0, 16, 0, 0, 0, 0x01, 0x0c];
    folder.write("telink", [&plain[..52], &[80, 0, 0, 0], &head, &[7; 16]].concat());
    folder.ota("extract telink -o out -t 0xf000").says(0, "");
    assert_eq!(folder.read("out"), [7; 16]);
}

#[test]
fn extract_takes_the_file_out_of_its_container_and_the_raw_bytes_out_of_the_file() {
    let folder = shelf();
    for file in ["plain", "good", "bad"] {
        folder
            .ota(&format!("extract {file} -o out --ota"))
            .says(0, if file == "bad" { "bad: the sum" } else { "" });
        assert_eq!(folder.read("out"), folder.read("plain"), "{file}");
    }
    folder.ota("extract short -o one --ota").says(1, "short: truncated: 1 of 85 bytes are missing");
    folder.ota("extract raw -o out --rest").says(0, "");
    assert_eq!(folder.read("out"), [0xee; 9]);
    folder.ota("extract raw -o one").says(1, "no element 0x0000 with index 0; elements: none");
    folder
        .ota("extract plain -o one --rest")
        .says(1, "plain: no raw bytes: the layout of the body is elements");
}

/// Shows: FILE-062
#[test]
fn recommended_names_are_printed() {
    let folder = Folder::new();
    folder.ota("create -c x -v 0x10053519 -m 0x1001 -i 0xAB -l 3").says(0, "x");
    folder.write("text", "");
    assert_eq!(folder.ota("name x").says(0, "").out, "1001-00AB-10053519.zigbee\n");
    let named = folder.ota("name --suffix upgradeMe x");
    assert_eq!(named.says(0, "").out, "1001-00AB-10053519-upgradeMe.zigbee\n");
    let several = folder.ota("name x text x");
    several.says(1, "text: OTA header");
    assert_eq!(several.out, "x: 1001-00AB-10053519.zigbee\n".repeat(2));
    folder.ota("name x --suffix ../up").says(2, "without separators");
    folder.ota("name").says(2, "<FILE>");
}

/// Shows: FILE-063
#[test]
fn recommended_names_are_parsed() {
    let folder = Folder::new();
    for (name, suffix) in [
        ("1001-00AB-10053519-upgradeMe.zigbee", "\"upgradeMe\""),
        ("1001-00AB-10053519.zigbee", "\"\""),
        ("some/folder/1001-00ab-10053519.zigbee", "\"\""),
    ] {
        let ran = folder.ota(&format!("name --parse {name}"));
        ran.says(0, "manufacturer code           0x1001\n").says(0, "image type                  0x00ab\n");
        ran.says(0, "file version                0x10053519  1.0 b05, stack 3.5 b19\n");
        ran.says(0, &format!("suffix                      {suffix}\n"));
    }
    folder.ota("name --parse foo.zigbee").says(1, "foo.zigbee: no recommended name");
}

#[test]
fn check_prints_one_line_for_each_file() {
    let folder = shelf();
    for (file, status, strict, line) in [
        ("plain", 0, 0, "plain: ok\n"),
        ("good", 0, 1, "in a container (salus-crc32), at byte 0"),
        (
            "raw",
            0,
            1,
            "raw: ok (note: no elements: the body is 9 raw bytes of no known form; as an element 0xeeee,",
        ),
        ("early", 0, 1, "early: ok (note: elements after the signature)\n"),
        (
            "bad",
            1,
            1,
            "bad: WRONG: the sum of the container (sonoff-100), at byte 20, is not that of its bytes",
        ),
        ("short", 1, 1, "short: WRONG: truncated: 1 of 85 bytes are missing"),
        ("text", 1, 1, "text: WRONG: OTA header, byte 0: not an OTA file"),
        ("nowhere", 1, 1, "nowhere: WRONG: "),
    ] {
        folder.ota(&format!("check {file}")).says(status, line);
        assert_eq!(folder.ota(&format!("check --strict {file}")).status, strict, "{file}");
    }
    let all = folder.ota("check plain short good");
    assert_eq!((all.status, all.out.lines().count()), (1, 3));
}

/// Shows: FILE-064
#[test]
fn the_header_wins_over_a_contradicting_file_name() {
    let folder = shelf();
    let misnamed = "1001-00AB-10053519.zigbee";
    folder.write(misnamed, folder.read("plain"));
    folder
        .ota(&format!("check --strict {misnamed}"))
        .says(0, "ok (note: the name does not fit: the header says 1001-1011-01010110)");
    assert_eq!(folder.ota(&format!("name {misnamed}")).out, "1001-1011-01010110.zigbee\n");
    folder.write("1001-1011-01010110-x.zigbee", folder.read("plain"));
    folder.ota("check 1001-1011-01010110-x.zigbee").says(0, "x.zigbee: ok\n");
}

/// Shows: FILE-070
#[test]
fn candidates_lists_headers_inside_a_file() {
    let folder = shelf();
    folder.ota("info --json junk").says(1, r#""ota":false"#);
    let ran = folder.ota("candidates junk");
    ran.says(0, "for a person to judge: 1\n").says(0, "byte 20 (0x14): 1001-1011-01010110, header length 56");
    folder
        .ota("candidates short")
        .says(0, "total image size 85, header string \"\", 1 bytes more than there are");
    folder.ota("candidates text").says(0, "judge: 0\n");
    folder.ota("candidates nowhere").says(1, "nowhere: ");
}
