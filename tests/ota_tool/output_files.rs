//! Output files of the tool, and options that belong together.

use std::fs::{self, File};
use std::io::Read;

use crate::run_tool::{Folder, IDS};

/// Shows: ESP-052, ESP-056, FILE-062
#[test]
fn a_folder_gets_the_recommended_name_and_no_output_is_a_usage_error() {
    let folder = Folder::new();
    fs::create_dir(folder.path("out")).expect("a folder");
    let ran = folder.ota("create -c out -v 0x10053519 -m 0x1001 -i 0xAB -l 3");
    ran.says(0, "1001-00AB-10053519.zigbee: 65 bytes");
    assert_eq!(folder.read("out/1001-00AB-10053519.zigbee").len(), 65);
    folder.ota(&format!("create {IDS} -l 3")).says(2, "--create <OUT>");
}

#[test]
fn a_file_without_elements_is_written_with_a_note() {
    let folder = Folder::new();
    folder.ota(&format!("create -c x {IDS}")).says(0, "a header without an element");
    assert_eq!(folder.read("x").len(), 56);
    folder.ota("check x").says(0, "x: ok (note: a header without an element)");
}

/// Shows: ESP-056
#[test]
fn options_that_match_no_element_or_two_are_refused() {
    let folder = Folder::new();
    folder.write("a", "A");
    for (options, reason) in [
        ("-f a -t 0 -t 1 -f a", "after the -t it belongs to"),
        ("-t 0 -t 0xf000 -f a", "0x0000 has neither a file (-f) nor a length (-l)"),
        ("-t 0xf000", "0xf000 has neither"),
        ("-t 0 -f a -f a", "two -f for the element 0x0000"),
        ("-f a -f a", "two -f"),
        ("-l 1 -l 1", "two -l"),
        ("-t 0 -l 1 -t 0xf000 -l 1 -l 1", "two -l for the element 0xf000"),
    ] {
        folder.create_fails(&format!("{IDS} {options}")).says(2, reason).says(2, "Usage: ota create");
    }
    // One -t, -f and -l form an element, in any order.
    assert_eq!(
        folder.create(&format!("{IDS} -f a -t 0xf000")),
        folder.create(&format!("{IDS} -t 0xf000 -f a"))
    );
}

/// Shows: ESP-054
#[test]
fn a_file_is_replaced_atomically() {
    let folder = Folder::new();
    folder.write("x", "the old one");
    for options in
        ["-f nowhere", "-l 3 -f x", "-f x -t 0 -t 0xf000 -f nowhere", "-l 1 --min-hw-ver 2 --max-hw-ver 1"]
    {
        let ran = folder.ota(&format!("create -c x {IDS} {options}"));
        assert_ne!(ran.status, 0, "{options}");
        assert_eq!(folder.read("x"), b"the old one", "{options}");
    }
    // A reader that has the old file open keeps its whole content.
    let mut open = File::open(folder.path("x")).expect("a file");
    folder.ota(&format!("create -c x {IDS} -l 3")).says(0, "x: 65 bytes");
    let mut old = String::new();
    open.read_to_string(&mut old).expect("text");
    assert_eq!((old.as_str(), folder.read("x").len()), ("the old one", 65));
    assert_eq!(folder.names(), ["x"]);
}

#[test]
fn a_missing_folder_is_an_error_with_the_path() {
    let folder = Folder::new();
    folder.ota(&format!("create -c nowhere/x {IDS} -l 3")).says(1, "nowhere/x: cannot write: ");
    folder.ota(&format!("create -c nowhere/ {IDS} -l 3")).says(1, "nowhere/: cannot write: ");
    folder.write("x", folder.create(&format!("{IDS} -l 3")));
    folder.ota("extract x -o .").says(1, ".: a folder");
    assert_eq!(folder.names(), ["created", "x"]);
}

#[cfg(unix)]
#[test]
fn permissions_of_a_replaced_file_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = Folder::new();
    let mode = |name| fs::metadata(folder.path(name)).expect(name).permissions().mode() & 0o777;
    folder.write("any", "");
    folder.ota(&format!("create -c x {IDS} -l 3")).says(0, "x");
    assert_eq!(mode("x"), mode("any"));
    fs::set_permissions(folder.path("x"), fs::Permissions::from_mode(0o640)).expect("permissions");
    symlink("x", folder.path("link")).expect("a link");
    folder.ota(&format!("create -c link {IDS} -l 4")).says(0, "link: 66 bytes");
    assert_eq!((mode("x"), folder.read("x").len()), (0o640, 66));
    assert!(fs::symlink_metadata(folder.path("link")).expect("link").is_symlink());
}

#[cfg(unix)]
#[test]
fn a_pipe_gets_the_file_and_nothing_else() {
    let folder = Folder::new();
    let output = folder.command(["create", "-c", "/dev/stdout", "-v1", "-m1", "-i1", "-l3"]).output();
    let output = output.expect("the tool");
    assert!(output.status.success());
    assert_eq!(output.stdout, folder.create("-v1 -m1 -i1 -l3"));
}
