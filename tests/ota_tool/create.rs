//! Subcommand `create`: bytes written for each option, and refused option values.

use crate::run_tool::{Folder, IDS};

/// Expected file of the documented command line for an input of 17 bytes.
fn documented(data: &[u8; 17]) -> Vec<u8> {
    [
        &[
            0x1e, 0xf1, 0xee, 0x0b, 0x00, 0x01, 56, 0, 0, 0, 0x01, 0x10, 0x11, 0x10, 0x10, 0x01, 0x01, 0x01,
            2, 0,
        ][..],
        &[0; 32],
        &[79, 0, 0, 0],
        &[0, 0, 17, 0, 0, 0],
        data,
    ]
    .concat()
}

/// Shows: ESP-038
#[test]
fn every_option_is_in_the_help() {
    let folder = Folder::new();
    let help = folder.ota("create --help");
    for option in [
        "-c, --create",
        "-v, --version",
        "-m, --manuf-id",
        "-i, --image-type",
        "-s, --stack-version",
        "--header_string",
        "--header-string",
        "--security-credentials",
        "--upgrade-dest",
        "--min-hw-ver",
        "--max-hw-ver",
        "-t, --tag-id",
        "-f, --tag-file",
        "-l, --tag-length",
    ] {
        help.says(0, option);
    }
    let commands = folder.ota("--help");
    for command in ["info", "create", "extract", "name", "check", "candidates"] {
        commands.says(0, &format!("\n  {command}  "));
    }
}

/// Shows: ESP-038, ESP-039, ESP-054, ESP-055
#[test]
fn the_documented_call_makes_the_documented_file_in_place() {
    let folder = Folder::new();
    let data = b"seventeen bytes!\n";
    for line in [
        "create --create x --manuf-id 0x1001 --image-type 0x1011 --version 0x01010110 --tag-id 0x0000 --tag-file x",
        "create -c x -m 0x1001 -i 0x1011 -v 0x01010110 -t 0x0000 -f x",
        "create --tag-file=x --stack-version=2 --header_string= --tag-length=17 -cx -m4097 -i4113 -v16843024",
    ] {
        folder.write("x", data);
        folder.ota(line).says(0, "x: 79 bytes");
        assert_eq!(folder.read("x"), documented(data), "{line}");
        assert_eq!(folder.names(), ["x"]);
    }
}

/// Shows: ESP-040, ESP-041, ESP-042, ESP-043
#[test]
fn header_numbers_are_at_their_offsets() {
    let folder = Folder::new();
    let file = folder.create(IDS);
    assert_eq!(file[10..12], [0x01, 0x10]);
    assert_eq!(file[12..14], [0x11, 0x10]);
    assert_eq!(file[14..18], [0x10, 0x01, 0x01, 0x01]);
    assert_eq!(file[18..20], [2, 0]);
    assert_eq!(folder.create(&format!("{IDS} -s 0x0301"))[18..20], [1, 3]);
    for (missing, option) in
        [("-m 1 -i 1", "--version"), ("-v 1 -i 1", "--manuf-id"), ("-v 1 -m 1", "--image-type")]
    {
        folder.create_fails(missing).says(2, option);
    }
}

/// Shows: ESP-044
#[test]
fn the_header_string_is_padded_and_never_truncated() {
    let folder = Folder::new();
    let full = "0123456789abcdef0123456789ABCDEF";
    for (options, expected) in [
        (String::new(), ""),
        ("--header_string upgradeMe".into(), "upgradeMe"),
        ("--header-string upgradeMe".into(), "upgradeMe"),
        (format!("--header_string {full}"), full),
    ] {
        let file = folder.create(&format!("{IDS} {options}"));
        assert_eq!(file[20..20 + expected.len()], *expected.as_bytes());
        assert!(file[20 + expected.len()..52].iter().all(|byte| *byte == 0));
    }
    folder.create_fails(&format!("{IDS} --header_string {full}x")).says(2, "33 bytes, at most 32 fit");
}

/// Shows: ESP-045
#[test]
fn a_security_credential_version_sets_bit_0() {
    let file = Folder::new().create(&format!("{IDS} --security-credentials 0x02"));
    assert_eq!((&file[6..10], &file[56..]), (&[57, 0, 1, 0][..], &[2][..]));
}

/// Shows: ESP-046, ESP-047
#[test]
fn a_destination_sets_bit_1_and_is_little_endian() {
    let folder = Folder::new();
    for form in ["01:23:45:67:89:AB:CD:EF", "0123456789ABCDEF", "0x0123456789abcdef"] {
        let file = folder.create(&format!("{IDS} --upgrade-dest {form}"));
        assert_eq!(file[6..10], [64, 0, 2, 0]);
        assert_eq!(file[56..], [0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01]);
    }
    for wrong in [
        "0123456789ABCDE",
        "0123456789ABCDEF0",
        "01:23:45:67:89:AB:CD",
        "0123456789ABCDEG",
        "0:123456789ABCDEF",
    ] {
        folder
            .create_fails(&format!("{IDS} --upgrade-dest {wrong}"))
            .says(2, "expected 16 hexadecimal digits");
    }
}

/// Shows: ESP-048
#[test]
fn hardware_versions_set_bit_2_and_come_in_pairs() {
    let folder = Folder::new();
    let file = folder.create(&format!("{IDS} --min-hw-ver 0 --max-hw-ver 5"));
    assert_eq!((&file[6..10], &file[56..]), (&[60, 0, 4, 0][..], &[0, 0, 5, 0][..]));
    folder.create_fails(&format!("{IDS} --min-hw-ver 0")).says(2, "--max-hw-ver");
    folder.create_fails(&format!("{IDS} --max-hw-ver 5")).says(2, "--min-hw-ver");
    folder.create_fails(&format!("{IDS} --min-hw-ver 6 --max-hw-ver 5")).says(1, "0x0006");
}

/// Shows: ESP-053
#[test]
fn numbers_are_hexadecimal_after_0x_and_otherwise_decimal() {
    let folder = Folder::new();
    let hexadecimal = folder.create("-v 0x10 -m 0x1001 -i 0X00AB -s 0x2");
    assert_eq!(folder.create("-v 16 -m 4097 -i 171 -s 2"), hexadecimal);
    for (options, reason) in [
        ("-m 0x10000 -v 1 -i 1", "out of range: at most 0xffff (65535), 2 bytes"),
        ("-i 65536 -v 1 -m 1", "out of range: at most 0xffff"),
        ("-v 0x100000000 -m 1 -i 1", "out of range: at most 0xffffffff"),
        ("-v 0x10000000000000000 -m 1 -i 1", "out of range: at most 0xffffffff"),
        ("-v 1 -m 1 -i 1 -s 65536", "out of range"),
        ("-v 1 -m 1 -i 1 --security-credentials 256", "out of range: at most 0xff (255)"),
        ("-v 1 -m 1 -i 1 -t 0x10000 -l 1", "out of range"),
        ("-v 1 -m 1 -i 1 -l 4294967296", "out of range"),
        ("-v 00AB -m 1 -i 1", "0x00AB?"),
        ("-v +1 -m 1 -i 1", "expected a decimal number, or 0x"),
        ("-v 0x+1 -m 1 -i 1", "expected a decimal number, or 0x"),
        ("-v 0x -m 1 -i 1", "expected a decimal number, or 0x"),
    ] {
        folder.create_fails(options).says(2, reason);
    }
}

/// Shows: ESP-049
#[test]
fn reserved_tags_need_force() {
    let folder = Folder::new();
    for (tag, bytes) in [("0x0000", [0, 0]), ("3", [3, 0]), ("0xf000", [0, 0xf0]), ("0xffff", [0xff, 0xff])] {
        assert_eq!(folder.create(&format!("{IDS} -t {tag} -l 0"))[56..58], bytes);
    }
    for (tag, reason) in [
        ("0x0001", "signing command"),
        ("0x0002", "signing command"),
        ("0x0005", "signing command"),
        ("0x0006", "signing command"),
        ("0x0007", "reserved"),
        ("0xefff", "reserved"),
    ] {
        folder.create_fails(&format!("{IDS} -t {tag} -l 4")).says(2, reason).says(2, tag).says(2, "--force");
        let file = folder.create(&format!("{IDS} -t {tag} -l 4 --force"));
        assert_eq!(format!("{:#06x}", u16::from_le_bytes([file[56], file[57]])), tag);
    }
}

/// Shows: ESP-050, ESP-051
#[test]
fn data_comes_from_a_file_or_is_zeros() {
    let folder = Folder::new();
    folder.write("ten", "0123456789");
    let from_file = folder.create(&format!("{IDS} -f ten"));
    assert_eq!(from_file[56..], *b"\0\0\x0a\0\0\x000123456789");
    assert_eq!(folder.create(&format!("{IDS} -f ten -l 10 -t 0")), from_file);
    let zeros = folder.create(&format!("{IDS} -l 100"));
    assert_eq!(zeros[56..], [&[0, 0, 100, 0, 0, 0][..], &[0; 100]].concat());
    folder.create_fails(&format!("{IDS} -l 5 -f ten")).says(1, "ten: 10 bytes, but -l says 5");
    folder.create_fails(&format!("{IDS} -f nowhere")).says(1, "nowhere: ");
}

/// Shows: ESP-056
#[test]
fn several_elements_keep_their_order() {
    let folder = Folder::new();
    folder.write("a", "A");
    folder.write("b", "BB");
    let file = folder.create(&format!("{IDS} -t 0 -f a -t 0xf000 -l 2 -f b -t 0 -l 1"));
    assert_eq!(file[52], 56 + 7 + 8 + 7);
    assert_eq!(file[56..], *b"\0\0\x01\0\0\0A\x00\xf0\x02\0\0\0BB\0\0\x01\0\0\0\0");
}

/// The identity is printed, so that a number in the wrong notation shows.
///
/// Shows: FLD-082
#[test]
fn the_identity_is_printed_and_leading_zeros_are_no_number() {
    let folder = Folder::new();
    folder
        .ota("create -c x -v 0x01020304 -m 0x1001 -i 17 -l 3")
        .says(0, "x: 65 bytes: manufacturer 0x1001, image type 0x0011, version 0x01020304 (16909060)\n");
    folder
        .create_fails("-v 01020300 -m 1 -i 1")
        .says(2, "write 0x01020300 for hexadecimal, or 1020300 for decimal");
    folder.create_fails("-v 1 -m 01 -i 1").says(2, "write 0x01 for hexadecimal, or 1 for decimal");
    folder.create("-v 0 -m 0 -i 0");
}

/// Shows: FLD-082
#[test]
fn telinks_form_is_written() {
    let folder = Folder::new();
    folder.write("image", [7; 32]);
    let file = folder.create(&format!("{IDS} --telink -f image"));
    assert_eq!(file[52..64], [96, 0, 0, 0, 0x00, 0xf0, 32, 0, 0, 0, 0x01, 0x0c]);
    assert_eq!(file[64..], [7; 32]);
    folder.write("x", &file);
    folder.ota("check x").says(0, "x: ok (note: element 0xf000 as Telink writes it");
    let other = folder.create(&format!("{IDS} --telink=0304 -t 0xf000 -l 32"));
    assert_eq!(other[62..64], [3, 4]);
    folder.create_fails(&format!("{IDS} --telink=01 -f image")).says(2, "expected two bytes");
    folder
        .create_fails(&format!("{IDS} --telink -t 0xf001 -f image"))
        .says(1, "expected exactly one element");
    folder.create_fails(&format!("{IDS} --telink")).says(1, "expected exactly one element");
}

/// `create` prints the findings that `check` would report.
///
/// Shows: FLD-076, FLD-082
#[test]
fn a_file_that_check_would_refuse_is_told() {
    let folder = Folder::new();
    let mut gbl = crate::sample_builders::gbl(0, &[]).bytes;
    folder.write("good", &gbl);
    gbl[13] ^= 1;
    folder.write("bad", gbl);
    assert_eq!(folder.ota(&format!("create -c x {IDS} -f good")).says(0, "x: ").err, "");
    let warned = folder.ota(&format!("create -c x {IDS} -f bad"));
    assert!(
        warned.err.contains("x: warning: the payload (silabs_gbl) of element 0 is damaged"),
        "{}",
        warned.err
    );
    assert_eq!(warned.status, 0);
    folder.ota(&format!("create -c inner {IDS} -f good")).says(0, "inner: ");
    let twice = folder.ota(&format!("create -c x {IDS} -f inner"));
    assert!(twice.err.contains("warning: the payload of element 0 is itself an OTA file"), "{}", twice.err);
}

/// Shows: FLD-082
#[test]
fn a_length_beyond_memory_is_an_error() {
    let folder = Folder::new();
    folder
        .create_fails(&format!("{IDS} -l 0xFFFFFFFF"))
        .says(1, "the total image size in a header is at most");
    folder.create_fails(&format!("{IDS} -t 0 -l 0x80000000 -t 1 -l 0x80000000 --force")).says(1, "at most");
    if cfg!(target_os = "linux") {
        let line = format!("ulimit -v 1000000; exec \"$0\" create -c x {IDS} -l 0xFFFFFF00");
        let ran = std::process::Command::new("bash")
            .args(["-c", &line])
            .arg(crate::example_binaries::example("ota"))
            .current_dir(folder.path(""))
            .output()
            .expect("bash");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!((ran.status.code(), said.contains("4294967040 bytes")), (Some(1), true), "{said}");
    }
}
