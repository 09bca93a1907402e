//! Subcommand `name`: recommended file names, printed and parsed; and files whose names contradict their headers.

use crate::run_tool::Folder;
use crate::sample_folder::sample_folder;

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

/// Shows: FILE-064
#[test]
fn the_header_wins_over_a_contradicting_file_name() {
    let folder = sample_folder();
    let misnamed = "1001-00AB-10053519.zigbee";
    folder.write(misnamed, folder.read("plain"));
    folder
        .ota(&format!("check --strict {misnamed}"))
        .says(0, "ok (note: the name does not fit: the header says 1001-1011-01010110)");
    assert_eq!(folder.ota(&format!("name {misnamed}")).out, "1001-1011-01010110.zigbee\n");
    folder.write("1001-1011-01010110-x.zigbee", folder.read("plain"));
    folder.ota("check 1001-1011-01010110-x.zigbee").says(0, "x.zigbee: ok\n");
}
