//! What `ota info --json`, `ota index` and `ota name` print.

use std::fs;

use crate::input_files::{contained, none, odd, payloads, shelf};
use crate::run::run;
use crate::run_tool::Folder;
use crate::snapshots;

/// `info` of files with these names, each line of it spread.
fn info(folder: &Folder, names: &[&str]) -> String {
    let ran = run(folder, &format!("ota info --json {}", names.join(" ")));
    assert_eq!(ran.err, "");
    assert_eq!(ran.out.lines().count(), names.len());
    ran.out.lines().map(snapshots::spread).collect()
}

/// A plain file, and one in every container.
#[test]
fn containers_have_their_words() {
    let folder = shelf();
    let names = [vec!["plain"], contained(&folder)].concat();
    snapshots::compare("containers.txt", &info(&folder, &names));
}

/// Every layout, all optional fields, and what is called irregular.
#[test]
fn layouts_and_irregularities_have_their_words() {
    let folder = shelf();
    let names = odd(&folder);
    snapshots::compare("layouts.txt", &info(&folder, &names));
}

/// Every kind of payload, in every state it can be in.
#[test]
fn payloads_have_their_words() {
    let folder = shelf();
    let names = payloads(&folder);
    snapshots::compare("payloads.txt", &info(&folder, &names));
}

/// What is no OTA file, one of Matter among it.
#[test]
fn files_of_others_have_their_words() {
    let folder = shelf();
    let names = none(&folder);
    let found = info(&folder, &names);
    // Why a file cannot be read, the system says.
    let (before, after) = found.split_once("{\n  \"file\":\"nowhere\"").expect("the last one");
    let hidden = after.lines().map(|line| match line.split_once("\"error\":\"") {
        Some((start, _)) => format!("{start}\"error\":\"#\",\n"),
        None => format!("{line}\n"),
    });
    let hidden: String = hidden.collect();
    snapshots::compare("no_files.txt", &format!("{before}{{\n  \"file\":\"nowhere\"{hidden}"));
}

/// The keys of an index, those that its maintainer adds among them; and the name of a file.
#[test]
fn indexes_and_names_have_their_form() {
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
