//! Conformance table: keeps the requirements and the tests that show them consistent.
//!
//! `rows.tsv` has one line per requirement. A test names the requirements that it shows in a doc line of its
//! own: the word `Shows:`, then comma-separated ids. A row with an empty note needs a test; any other note is the
//! reason why no test shows the row. `TABLE.md` is the rendered table.

mod render_table;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("rows.tsv");
const HEADER: &str = "id\tsection\ttitle\tnote";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SOURCES: [&str; 5] = ["src", "tests", "fuzz", "examples", "benches"];

/// Areas in table order, each with its minimum number of rows, because rows are only ever added.
#[rustfmt::skip]
const AREAS: [(&str, usize); 10] = [
    ("FILE", 70), ("SIG", 40), ("CMD", 91), ("ATTR", 34), ("CLI", 147),
    ("SRV", 83), ("ESP", 58), ("UNI", 52), ("MAT", 32), ("FLD", 26),
];

#[test]
fn rows_and_tests_agree() {
    let mut problems = Vec::new();
    let rows = read_rows(&mut problems);
    check_areas(&rows, &mut problems);
    let mut shown: HashMap<&str, Vec<String>> = rows.iter().map(|row| (row.id, vec![])).collect();
    for file in rust_files() {
        record_marks(&file, &mut shown, &mut problems);
    }
    for row in &rows {
        problems.extend(row.disagreement(&shown[row.id]));
    }
    problems.extend(render_table::check(&rows, &shown).err());
    let count = problems.len();
    assert!(count == 0, "{count} problems:\n{}", problems.join("\n"));
}

struct Row<'a> {
    id: &'a str,
    section: &'a str,
    title: &'a str,
    note: &'a str,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Result<Self, &'static str> {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[id, section, title, note] = columns.as_slice() else {
            return Err("not 4 columns");
        };
        let no_reason = note.strip_prefix("outside: ").is_none_or(str::is_empty);
        if section.is_empty() || title.is_empty() {
            Err("section or title is empty")
        } else if title.len() > 80 {
            Err("title is longer than 80 characters")
        } else if !note.is_empty() && no_reason {
            Err("note is not empty or `outside: ` with a reason")
        } else if !line.is_ascii() || columns.iter().any(|text| text.trim() != *text) {
            Err("a column has blanks around it or is not ASCII")
        } else {
            Ok(Self { id, section, title, note })
        }
    }

    fn area(&self) -> &'a str {
        self.id.split('-').next().unwrap_or_default()
    }

    fn disagreement(&self, places: &[String]) -> Option<String> {
        let id = self.id;
        match (self.note, places) {
            ("", []) => Some(format!("{id} is shown by no test")),
            ("", _) | (_, []) => None,
            (_, [place, ..]) => {
                Some(format!("{id} is shown by a test now: empty its note in rows.tsv ({place})"))
            }
        }
    }
}

fn read_rows(problems: &mut Vec<String>) -> Vec<Row<'static>> {
    if TABLE.lines().next() != Some(HEADER) {
        problems.push(format!("rows.tsv:1: not the header {HEADER:?}"));
    }
    let mut rows = Vec::new();
    for (at, line) in TABLE.lines().enumerate().skip(1) {
        match Row::parse(line) {
            Ok(row) => rows.push(row),
            Err(problem) => problems.push(format!("rows.tsv:{}: {problem}", at + 1)),
        }
    }
    rows
}

/// Area of the field's findings, which are listed as they are mended: its ids ascend, with gaps.
const FINDINGS: &str = "FLD";

/// Checks the order of the areas, and that each area except the findings counts up from 001 without a gap.
fn check_areas(rows: &[Row], problems: &mut Vec<String>) {
    let areas: Vec<&[Row]> = rows.chunk_by(|a, b| a.area() == b.area()).collect();
    let names: Vec<&str> = areas.iter().map(|area| area[0].area()).collect();
    if names != AREAS.map(|(name, _)| name) {
        problems.push(format!("rows.tsv: areas are {}", names.join(" ")));
        return;
    }
    for ((name, least), area) in AREAS.into_iter().zip(areas) {
        if name == FINDINGS {
            problems.extend(
                area.windows(2)
                    .filter(|pair| pair[0].id >= pair[1].id)
                    .map(|pair| format!("rows.tsv: {} stands before {}", pair[0].id, pair[1].id)),
            );
            if area.len() < least {
                problems.push(format!("rows.tsv: {} rows of {name}, not {least}", area.len()));
            }
            continue;
        }
        let due = (1..).map(|number| format!("{name}-{number:03}"));
        if let Some((row, due)) = area.iter().zip(due).find(|(row, due)| row.id != due) {
            problems.push(format!("rows.tsv: {} stands in the place of {due}", row.id));
        }
        if area.len() < least {
            problems.push(format!("rows.tsv: {name} lost rows, {least} are due"));
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for dir in SOURCES.map(|dir| Path::new(ROOT).join(dir)) {
        // A published package has no `fuzz`.
        if dir.is_dir() {
            collect_rust_files(&dir, &mut files);
        }
    }
    files.sort();
    files
}

fn collect_rust_files(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        // `file_type` does not follow symbolic links, so there are no cycles.
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "target" {
                collect_rust_files(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn record_marks(file: &Path, shown: &mut HashMap<&str, Vec<String>>, problems: &mut Vec<String>) {
    let source = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let path = file.strip_prefix(ROOT).unwrap().display();
    for (at, line) in lines.iter().enumerate() {
        let Some(ids) = shown_ids(line) else { continue };
        let place = format!("{path}:{}", at + 1);
        let Some(name) = function_after(&lines[at + 1..]) else {
            problems.push(format!("{place}: no test follows"));
            continue;
        };
        for id in ids {
            if !is_well_formed(id) {
                problems.push(format!("{place}: {id:?} is not a requirement id"));
            } else if let Some(places) = shown.get_mut(id) {
                places.push(format!("`{path}` {name}"));
            } else {
                problems.push(format!("{place}: {id} is not in rows.tsv"));
            }
        }
    }
}

/// Returns the ids of a `Shows:` line, or `None` for any other line.
fn shown_ids(line: &str) -> Option<impl Iterator<Item = &str>> {
    let list = line.strip_prefix("/// Shows:")?;
    // A full stop ends the list; a comma continues it on the next doc line.
    let list = list.strip_suffix(['.', ',']).unwrap_or(list);
    Some(list.split(',').map(str::trim))
}

fn is_well_formed(id: &str) -> bool {
    id.split_once('-').is_some_and(|(area, number)| {
        AREAS.iter().any(|(name, _)| *name == area)
            && number.len() == 3
            && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// Returns the name of the next function, after comments, attributes and the opening of `proptest!`.
fn function_after<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let prelude = ["//", "#[", "#![", "proptest! {"];
    let is_prelude = |line: &str| prelude.iter().any(|start| line.starts_with(start));
    let next = lines.iter().find(|line| !is_prelude(line))?;
    let (_, name) = next.split_once("fn ")?;
    name.split(['(', '<']).next()
}

#[test]
fn marks_are_read() {
    let ids = |line| shown_ids(line).map(|ids| ids.collect::<Vec<_>>().join(" "));
    let two = Some("CLI-017 CLI-019".to_owned());
    assert_eq!(ids("/// Shows: CLI-017, CLI-019"), two);
    assert_eq!(ids("/// Shows: CLI-017, CLI-019."), two);
    assert_eq!(ids("/// Shows: CLI-017, CLI-019,"), two);
    assert_eq!(ids("/// Shows how CLI-017 works"), None);
    assert_eq!(ids("// Shows: CLI-017"), None);
}

#[test]
fn malformed_ids_are_found() {
    assert!("FILE-001 CLI-147 MAT-999".split(' ').all(is_well_formed));
    let malformed = "CLI CLI- CLI-17 CLI-0017 CLI-+17 cli-017 CLX-017 CLI-017;CLI-018";
    assert!(!malformed.split(' ').any(is_well_formed));
    assert!(!is_well_formed(""));
}

#[test]
fn a_mark_needs_a_function() {
    let after = |source: &'static str| function_after(&source.split('|').collect::<Vec<_>>());
    assert_eq!(after("/// More.|proptest! {|#[test]|fn shown() {"), Some("shown"));
    assert_eq!(after("pub(crate) fn law<T>(value: T) {"), Some("law"));
    assert_eq!(after("#[derive(Debug)]|struct Shown;|fn other() {}"), None);
    assert_eq!(after(""), None);
}
