//! Rules for names and documentation that a script can check, in sources, guide and the listing of the public interface.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Returns all files of `folder` with this extension, in subfolders too.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let paths = files(&Path::new(ROOT).join("src"), "rs");
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("UTF-8"))).collect()
}

/// Whether `text` contains the id of a requirement, such as CMD-026.
fn has_row_id(text: &str) -> bool {
    ["FILE-", "SIG-", "CMD-", "ATTR-", "CLI-", "SRV-", "ESP-", "UNI-", "MAT-", "FLD-"].iter().any(|area| {
        text.match_indices(area).any(|(at, _)| {
            let digits = text[at + area.len()..].bytes().take_while(u8::is_ascii_digit).count();
            digits == 3 && !text[..at].ends_with(|before: char| before.is_ascii_alphanumeric())
        })
    })
}

/// Checks that row ids occur only in tests, and that a module with section numbers names their document.
///
/// Shows: FLD-122
#[test]
fn texts_of_users_have_no_row_ids_and_sections_have_a_document() {
    let mut problems = Vec::new();
    for (path, text) in sources() {
        let name = path.strip_prefix(ROOT).expect("a file of the repository").display().to_string();
        let is_test = name.contains("/tests/") || name.ends_with("tests.rs");
        let library = text.split("#[cfg(test)]").next().unwrap_or_default();
        if !is_test && has_row_id(library) {
            problems.push(format!("{name}: a row id outside of tests"));
        }
        let module: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        if !is_test && module.contains("(section 6.") && !module.contains("095264") {
            problems.push(format!("{name}: sections without the name of their document"));
        }
    }
    for path in files(&Path::new(ROOT).join("src/guide"), "md") {
        if has_row_id(&fs::read_to_string(&path).expect("UTF-8")) && !path.ends_with("contributing.md") {
            problems.push(format!("{}: a row id in the guide", path.display()));
        }
    }
    assert!(has_row_id("see CMD-026.") && !has_row_id("XCMD-026, CMD-26"));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Words that people search are names or aliases of public items.
///
/// Shows: FLD-123
#[test]
fn searched_words_have_aliases() {
    let text: String = sources().into_iter().map(|(_, text)| text).collect();
    let aliases: Vec<&str> =
        text.split("doc(alias").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    for word in [
        "persist",
        "resume",
        "watch",
        "rate limit",
        "throttle",
        "short address",
        "block response",
        "MinimumBlockPeriod",
        "rejoin",
        "forget",
        "EUI64",
        "mac address",
        "firmware",
        "upgrade",
        "downgrade",
        "rollback",
        "back-pressure",
        "OTA provider",
    ] {
        let quoted = format!("\"{word}\"");
        assert!(aliases.iter().any(|alias| alias.contains(&quoted)), "no doc alias {quoted}");
    }
}

/// Checks that the chapter on security covers addresses, signatures, versions and checkpoints.
///
/// Shows: FLD-124
#[test]
fn the_guide_has_a_chapter_on_security() {
    let chapter = fs::read_to_string(Path::new(ROOT).join("src/guide/security.md")).expect("the chapter");
    for subject in ["network address", "only protection of an image", "Rollback", "Checkpoints"] {
        assert!(chapter.contains(subject), "nothing on {subject}");
    }
    let guide = fs::read_to_string(Path::new(ROOT).join("src/guide/mod.rs")).expect("the guide");
    assert!(guide.contains("include_str!(\"security.md\")"));
}

/// Checks that each public type has a unique name, and that settings and events are `non_exhaustive`.
///
/// Shows: FLD-125
#[test]
fn public_names_have_one_meaning_and_room_to_grow() {
    let listing = fs::read_to_string(Path::new(ROOT).join("tests/data/public_api.txt")).expect("the listing");
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in listing.lines() {
        let item = line.strip_prefix("#[non_exhaustive] ").unwrap_or(line);
        let kinds = ["pub struct ", "pub enum ", "pub trait "];
        let Some(item) = kinds.iter().find_map(|kind| item.strip_prefix(kind)) else { continue };
        let path = item.split(['<', '(', ' ']).next().unwrap_or_default().trim_end_matches(':');
        paths.entry(path.rsplit("::").next().unwrap_or_default()).or_default().push(path);
    }
    let shared: Vec<_> = paths.values().filter(|paths| paths.len() > 1).collect();
    assert!(paths.len() > 100, "{} names: the listing has another form", paths.len());
    assert!(shared.is_empty(), "one name for several types: {shared:#?}");
    for name in ["client::ClientConfig", "server::ServerConfig", "client::ClientEvent", "server::ServerEvent"]
    {
        let growing = |kind: &str| format!("#[non_exhaustive] pub {kind} zigbee_ota::{name}\n");
        assert!(listing.contains(&growing("struct")) || listing.contains(&growing("enum")), "{name}");
    }
}

/// Checks that examples print paths through `terminal_escape`, because `Path::display` does not escape control
/// characters.
///
/// Shows: FLD-079
#[test]
fn examples_escape_the_names_of_files() {
    for path in files(&Path::new(ROOT).join("examples"), "rs") {
        let text = fs::read_to_string(&path).expect("UTF-8");
        assert!(
            !text.contains(".display()"),
            "{}: terminal_escape::path(..) instead of .display()",
            path.display()
        );
    }
}

/// Checks that documentation has none of the phrases that readers of single sentences did not understand.
#[test]
fn documentation_avoids_phrases_that_need_their_context() {
    const PHRASES: [&str; 9] = [
        "told",
        "nobody",
        "whoever",
        "anew",
        "in a row",
        "so many",
        "goes on",
        "all the same",
        "of its own accord",
    ];
    let mut lines = Vec::new();
    for (path, text) in sources() {
        let name = path.strip_prefix(ROOT).expect("a file of the repository").display().to_string();
        if name.contains("/tests/") || name.ends_with("tests.rs") {
            continue;
        }
        let docs = text
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with("///") || line.starts_with("//!"));
        lines.extend(docs.map(|line| (name.clone(), line.to_lowercase())));
    }
    for path in files(&Path::new(ROOT).join("src/guide"), "md") {
        let text = fs::read_to_string(&path).expect("UTF-8");
        lines.extend(text.lines().map(|line| (path.display().to_string(), line.to_lowercase())));
    }
    assert!(lines.len() > 5000, "{} lines: the documentation was not found", lines.len());
    let is_word = |line: &str, at: usize, phrase: &str| {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !line[..at].ends_with(is_letter) && !line[at + phrase.len()..].starts_with(is_letter)
    };
    let mut found = Vec::new();
    for (name, line) in &lines {
        let has = |phrase: &&str| line.match_indices(*phrase).any(|(at, _)| is_word(line, at, phrase));
        // The row of a table is an ordinary use.
        if PHRASES.iter().any(has) && !line.contains("as in a row of") {
            found.push(format!("{name}: {line}"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
