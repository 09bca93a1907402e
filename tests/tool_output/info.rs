//! Output of `ota info --json`, `ota index` and `ota name`.

use std::fs;

use crate::input_files::{contained, none, odd, payloads, shelf};
use crate::run_example::run;
use crate::run_tool::Folder;
use crate::snapshots;

/// Output of `info` for these files, one JSON field per line.
fn info(folder: &Folder, names: &[&str]) -> String {
    let ran = run(folder, &format!("ota info --json {}", names.join(" ")));
    assert_eq!(ran.err, "");
    assert_eq!(ran.out.lines().count(), names.len());
    ran.out.lines().map(snapshots::spread).collect()
}

/// A plain file, and a file in every container.
#[test]
fn container_words_are_unchanged() {
    let folder = shelf();
    let names = [vec!["plain"], contained(&folder)].concat();
    snapshots::compare("containers.txt", &info(&folder, &names));
}

/// Every layout, all optional fields, and every irregularity.
#[test]
fn layout_and_irregularity_words_are_unchanged() {
    let folder = shelf();
    let names = odd(&folder);
    snapshots::compare("file_layouts.txt", &info(&folder, &names));
}

/// Every kind of payload, in every state.
#[test]
fn payload_words_are_unchanged() {
    let folder = shelf();
    let names = payloads(&folder);
    snapshots::compare("payloads.txt", &info(&folder, &names));
}

/// Files that are no OTA files, including a Matter image.
#[test]
fn words_for_other_files_are_unchanged() {
    let folder = shelf();
    let names = none(&folder);
    let found = info(&folder, &names);
    // The operating system words the reason of a read error.
    let (before, after) = found.split_once("{\n  \"file\":\"nowhere\"").expect("the last one");
    let hidden = after.lines().map(|line| match line.split_once("\"error\":\"") {
        Some((start, _)) => format!("{start}\"error\":\"#\",\n"),
        None => format!("{line}\n"),
    });
    let hidden: String = hidden.collect();
    snapshots::compare("not_ota_files.txt", &format!("{before}{{\n  \"file\":\"nowhere\"{hidden}"));
}

/// Keys of an index, including those that its maintainer adds, and the name of a file.
#[test]
fn index_and_name_output_is_unchanged() {
    let folder = shelf();
    odd(&folder);
    fs::create_dir(folder.path("f")).expect("room");
    folder.write("f/plain.zigbee", folder.read("plain"));
    folder.write("f/light.zigbee", folder.read("optional"));
    folder.write("old.json", r#"[{"url":"f/plain.zigbee","modelId":"x","minFileVersion":1}]"#);
    let mut found = String::new();
    for line in [
        "ota index --base-url https://example.org/ota f",
        "ota index --hardware --keep old.json f",
        "ota name plain",
        "ota name --suffix x plain optional",
    ] {
        let ran = run(&folder, line);
        assert_eq!(ran.status, 0, "{}", ran.err);
        found += &format!("$ {line}\n{}", ran.out);
    }
    snapshots::compare("index.txt", &found);
}
