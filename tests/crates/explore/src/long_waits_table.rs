//! The committed table of long waits: last event of the client, length of the wait, minimum number of faults, and
//! reason.
//!
//! ```text
//! news <tab> longest <tab> faults <tab> row <tab> reason
//! ```
//!
//! A row is the longest wait with a number of faults. A larger number of faults has a separate row only if the wait is
//! longer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use crate::liveness::Length;

/// A wait: news, faults, length.
pub type Row = (String, u8, Length);

const HEAD: &str = "\
# Silences of 30 s and more that a client needs although server, link and application are well, as `.ci/check explore` finds
# them; `.ci/check explore-update` writes the table and keeps the reasons. A new row is a new way to lose minutes or days.
# Columns: last event of the client; longest silence; fewest faults; row of the requirements that calls it a fault, `-` if it
# is meant so; reason.
";

/// Returns a row for each news and number of faults with which the wait becomes longer.
pub fn rows<T>(waits: &BTreeMap<(String, u8), (Length, T)>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for ((news, faults), (length, _)) in waits {
        let before = rows.iter().rfind(|(other, ..)| other == news).map(|(_, _, length)| *length);
        if before.is_none_or(|before| *length > before) {
            rows.push((news.clone(), *faults, *length));
        }
    }
    rows
}

/// Reads the table; returns each row with its last two columns.
fn read(path: &str) -> Result<Vec<(Row, String)>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| parse(line).ok_or_else(|| format!("{path}: not a row: {line}"))).collect()
}

fn parse(line: &str) -> Option<(Row, String)> {
    let [news, longest, faults, rest] = line.splitn(4, '\t').collect::<Vec<_>>().try_into().ok()?;
    let (length, _) = Length::ALL.iter().find(|(_, word)| *word == longest)?;
    Some(((news.to_owned(), faults.parse().ok()?, *length), rest.to_owned()))
}

pub fn show((news, faults, length): &Row) -> String {
    format!("{} after {news}, {faults} faults", length.word())
}

/// Prints the new and the missing rows. Returns whether there are none. Missing rows count only if `is_whole` is set,
/// because a run of some setups does not show all waits.
pub fn compare(path: &str, found: &[Row], is_whole: bool) -> Result<bool, String> {
    let listed = read(path)?;
    let mut is_good = true;
    for row in found.iter().filter(|row| is_whole && listed.iter().all(|(known, _)| known != *row)) {
        is_good = false;
        println!("VIOLATED: a wait that is not in {path}: {}", show(row));
    }
    for (row, _) in listed.iter().filter(|(row, _)| is_whole && !found.contains(row)) {
        is_good = false;
        println!("no such wait any more (.ci/check explore-update takes it out of {path}): {}", show(row));
    }
    for (row, rest) in &listed {
        if rest.split('\t').nth(1).is_none_or(|reason| reason.is_empty() || reason == "?") {
            is_good = false;
            println!("{path} gives no reason for: {}", show(row));
        }
    }
    Ok(is_good)
}

/// Writes the table, with the reasons that it has.
pub fn write(path: &str, found: &[Row]) -> Result<(), String> {
    let listed = read(path).unwrap_or_default();
    let mut text = String::from(HEAD);
    for row in found {
        let (news, faults, length) = row;
        // A wait that has become longer or shorter keeps its reason, for whoever wrote it to look at.
        let same = listed.iter().find(|(known, _)| known == row);
        let like = listed.iter().find(|((known, ..), _)| known == news);
        let rest = same.or(like).map_or("?\t?", |(_, rest)| rest);
        writeln!(text, "{news}\t{}\t{faults}\t{rest}", length.word()).expect("a string takes all");
    }
    fs::write(path, text).map_err(|error| format!("{path}: {error}"))
}
