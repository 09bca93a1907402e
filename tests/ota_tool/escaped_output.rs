//! Foreign texts on the terminal: names of files, texts in files and in indexes.

use std::process::Command;

use serde_json::json;

use crate::example_binaries::example;
use crate::run_tool::{Folder, IDS, Ran};
use crate::terminal_escape;

/// Name that forges a verdict, clears the screen, and turns the direction of writing.
const NAME: &str = "a\nplain: ok\u{1b}[2J\u{9b}2J\u{202e}";
/// The same name on a terminal.
const SHOWN: &str = r"a\nplain: ok\u{1b}[2J\u{9b}2J\u{202e}";

const CA: &str = "1122334455667701:03044e934f8ff716cc44edefc833286c721328d8ccfd";

/// Asserts that a run obeyed nothing of the name.
#[track_caller]
fn is_printable(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(obeyed), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("plain: ok")), "{text}");
    }
}

/// Shows: FLD-079
#[test]
#[cfg(unix)]
fn names_of_files_forge_nothing() {
    let folder = Folder::new();
    let plain = folder.create(&format!("{IDS} -l 20 --header_string light"));
    std::fs::create_dir(folder.path("f")).expect("room");
    folder.write(&format!("f/{NAME}"), &plain);
    folder.write(&format!("f/{NAME}.cut"), &plain[..plain.len() - 1]);
    folder.write(
        "index.json",
        json!([{ "url": NAME }, { "url": format!("https://a/{NAME}"), "modelId": NAME }]).to_string(),
    );
    std::fs::create_dir(folder.path(&format!("f/{NAME}.d"))).expect("room");
    folder.write(&format!("f/{NAME}.d/text"), "no OTA file");
    for file in [NAME.to_owned(), format!("{NAME}.cut"), format!("{NAME}.d/text"), format!("{NAME}.missing")]
    {
        let file = &*format!("f/{file}");
        for line in [
            &["info", file][..],
            &["info", "--json", file],
            &["check", file],
            &["check", "--strict", file, file],
            &["name", file, file],
            &["name", "--parse", file],
            &["candidates", file],
            &["verify", file],
            &["verify", "--json", file],
            &["seal", "-o", file, file],
            &["extract", "-t", "7", "-o", "out", file],
            &["digest", "--ca", CA, "--certificate", &"00".repeat(48), "-o", file, file],
            &["attach", "--ca", CA, "--signature", "00", "-o", file, file],
            &["reconstruct", "--to", file, file],
            &["create", "-c", file, "-v", "1", "-m", "1", "-i", "1", "-f", file],
            &["index", file],
            &["index", "--to", file, "f"],
            &["index", "f"],
            &["index", "--check", "index.json", "f"],
            &["index", "--keep", "index.json", "f"],
            &["index", "--check", file, "f"],
        ] {
            let ran = folder.run(line);
            is_printable(&ran);
            // What is written must not be the next input.
            folder.write(&format!("f/{NAME}"), &plain);
            folder.write(&format!("f/{NAME}.cut"), &plain[..plain.len() - 1]);
            folder.write(&format!("f/{NAME}.d/text"), "no OTA file");
        }
    }
    folder.run(["check", &*format!("f/{NAME}")]).says(0, &format!("f/{SHOWN}: ok\n"));
    // In JSON the name is the name.
    let found = folder.run(["info", "--json", &*format!("f/{NAME}")]).json();
    assert_eq!(found[0]["file"], format!("f/{NAME}"));

    let unify = Command::new(example("unify")).arg(folder.path("f")).output().expect("the example");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let ran = Ran { status: 0, out: text(unify.stdout), err: text(unify.stderr) };
    is_printable(&ran);
    assert!(ran.err.contains(&format!("{SHOWN}.cut is not announced")), "{}", ran.err);
}

/// Shows: FLD-079
#[test]
fn texts_are_escaped_once_and_names_of_people_are_not() {
    for text in [
        "",
        "light.zigbee",
        "C:\\ota\\it's \"new\".ota",
        "caf\u{e9}",
        "cafe\u{301}",
        "\u{7167}\u{660e}",
        "a b",
    ] {
        assert_eq!(terminal_escape::text(text), text);
    }
    assert_eq!(terminal_escape::text(NAME), SHOWN);
    assert_eq!(terminal_escape::text(SHOWN), SHOWN, "escaping again changes nothing");
    assert_eq!(
        terminal_escape::text("\t\0\u{7f}\u{2028}\u{200b}\u{feff}"),
        r"\t\0\u{7f}\u{2028}\u{200b}\u{feff}"
    );
    let value = json!({ NAME: ["\u{10ffff}\u{7f}", "\u{e9}"] });
    let shown = terminal_escape::json(&value.to_string());
    assert!(
        !shown.contains(|c: char| c.is_control() || c == '\u{10ffff}') && shown.contains('\u{e9}'),
        "{shown}"
    );
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
}
