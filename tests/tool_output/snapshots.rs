//! Snapshot files: comparison of output with the expected output.

use std::path::Path;
use std::{env, fs};

const FOLDER: &str = "tests/tool_output/snapshots";
const WRITE: &str = "WRITE_OUTPUT";

/// Number of unchanged lines around a difference.
const AROUND: usize = 3;

/// Compares `found` with the snapshot file of this name, or writes the file when `WRITE_OUTPUT` is set.
#[track_caller]
pub fn compare(name: &str, found: &str) {
    let place = format!("{FOLDER}/{name}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&place);
    if env::var_os(WRITE).is_some() {
        fs::write(&path, found).expect(&place);
        return;
    }
    let kept = fs::read_to_string(&path).expect(&place);
    assert!(
        kept == found,
        "{place} is not what was printed (- there, + printed); where scripts shall see that, \
         {WRITE}=1 cargo test --test tool_output writes it:\n{}",
        difference(&kept, found)
    );
}

/// Returns a line-wise difference of both texts.
fn difference(kept: &str, found: &str) -> String {
    let (kept, found): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), found.lines().collect());
    // Lengths of the longest common subsequences from these lines on.
    let mut common = vec![vec![0_u16; found.len() + 1]; kept.len() + 1];
    for (i, one) in kept.iter().enumerate().rev() {
        for (j, other) in found.iter().enumerate().rev() {
            common[i][j] =
                if one == other { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut lines, mut i, mut j) = (Vec::new(), 0, 0);
    while i < kept.len() || j < found.len() {
        let (mark, line) = match (kept.get(i), found.get(j)) {
            (Some(one), Some(other)) if one == other => (' ', one),
            (Some(one), Some(_)) if common[i + 1][j] >= common[i][j + 1] => ('-', one),
            (Some(one), None) => ('-', one),
            (_, Some(other)) => ('+', other),
            (None, None) => unreachable!("one has lines left"),
        };
        i += usize::from(mark != '+');
        j += usize::from(mark != '-');
        lines.push((mark, line));
    }
    let is_near = |at: usize| {
        let near = &lines[at.saturating_sub(AROUND)..lines.len().min(at + AROUND + 1)];
        near.iter().any(|(mark, _)| *mark != ' ')
    };
    let near = lines.iter().enumerate().filter(|(at, _)| is_near(*at));
    near.map(|(_, (mark, line))| format!("{mark} {line}\n")).collect()
}

/// Puts each field of the outermost object, and of the objects in it, on a line of its own. The order is kept, and
/// deeper values stay on their line.
pub fn spread(json: &str) -> String {
    const DEPTH: usize = 2;
    let (mut text, mut depth, mut quoted, mut escaped) = (String::new(), 0, false, false);
    let mut before = ' ';
    for letter in json.chars() {
        let inside = quoted;
        (quoted, escaped) = match letter {
            '"' if !escaped => (!quoted, false),
            '\\' if quoted => (quoted, !escaped),
            _ => (quoted, false),
        };
        let (opens, closes) = (matches!(letter, '{' | '['), matches!(letter, '}' | ']'));
        depth += usize::from(!inside && opens);
        let starts = matches!(before, '{' | '[') && !closes || before == ',';
        let ends = closes && !matches!(before, '{' | '[');
        let level = depth - usize::from(!inside && (opens || closes));
        let breaks = !inside && (starts && level <= DEPTH || ends && level < DEPTH);
        if breaks {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", level));
        }
        text.push(letter);
        depth -= usize::from(!inside && closes);
        // Brackets and commas inside a string have no meaning.
        before = if inside { ' ' } else { letter };
    }
    text + "\n"
}

/// Replaces the numbers in these fields by `#`, because they differ from run to run.
pub fn masked(json: &str, fields: &[&str]) -> String {
    let mask = |json: String, field: &&str| {
        let name = format!("\"{field}\":");
        let mut parts = json.split(&name);
        let first = parts.next().unwrap_or_default().to_owned();
        let number = |letter: char| letter.is_ascii_digit() || "+-.eE".contains(letter);
        let rest = parts.map(|part| {
            let after = part.trim_start_matches(number);
            let mask = if after.len() < part.len() { "#" } else { "" };
            format!("{name}{mask}{after}")
        });
        first + &rest.collect::<String>()
    };
    fields.iter().fold(json.to_owned(), mask)
}

/// The difference of a failed test must be short.
#[test]
fn a_difference_is_shown_with_surrounding_lines() {
    let kept: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let mut found = kept.clone();
    found[9] = "new".into();
    found.insert(18, "more".into());
    let expected = "  6\n  7\n  8\n- 9\n+ new\n  10\n  11\n  12\n  15\n  16\n  17\n+ more\n  18\n  19\n";
    assert_eq!(difference(&kept.join("\n"), &found.join("\n")), expected);
}

/// A masked field keeps its name; strings and null are not masked.
#[test]
fn numbers_are_masked_and_words_are_not() {
    let line = r#"{"a":-1.5e-3,"b":null,"c":"x","d":[7],"a":0}"#;
    assert_eq!(masked(line, &["a", "b", "c", "d"]), r##"{"a":#,"b":null,"c":"x","d":[7],"a":#}"##);
}

/// All text of the line is kept, and strings stay whole.
#[test]
fn a_json_line_is_spread_to_the_second_level() {
    let spread = spread(r#"{"a":[{"b":1,"c":[]},2],"d":{},"e":"{,\"]"}"#);
    assert_eq!(
        spread,
        "{\n  \"a\":[\n    {\"b\":1,\"c\":[]},\n    2\n  ],\n  \"d\":{},\n  \"e\":\"{,\\\"]\"\n}\n"
    );
}
