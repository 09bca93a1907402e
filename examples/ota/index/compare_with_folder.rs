//! Comparison of an existing index with the files of the folder.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::entry::{Entry, Facts, KEYS};
use super::url::{Base, is_web, path};

/// Result of the comparison.
pub struct Compared {
    pub differences: Vec<String>,
    /// Notes that are no differences.
    pub notes: Vec<String>,
}

/// Keys of an entry that restrict the devices it is for.
const RESTRICTIONS: [&str; 6] = [
    "hardwareVersionMin",
    "hardwareVersionMax",
    "minFileVersion",
    "maxFileVersion",
    "modelId",
    "manufacturerName",
];

/// Compares all entries with all files. Without a base URL, a URL is correct if it ends in the path of a file.
pub fn all(entries: &[Map<String, Value>], files: &[Facts], base: &Base) -> Compared {
    let mut found = Compared { differences: Vec::new(), notes: Vec::new() };
    let mut listed = vec![false; files.len()];
    for (number, entry) in entries.iter().enumerate() {
        let Some(url) = entry.get("url").and_then(Value::as_str) else {
            found.differences.push(format!("entry {number}: no url"));
            continue;
        };
        let Some(place) = place(url, files) else {
            found.differences.push(format!("entry {number}: {url}: there is no such OTA file in the folder"));
            continue;
        };
        listed[place] = true;
        let expected = files[place].entry(base, false, Map::new());
        let differences = differences(entry, url, &expected, base);
        found
            .differences
            .extend(differences.into_iter().map(|difference| format!("{}: {difference}", files[place].path)));
    }
    let missing = files.iter().zip(listed).filter(|(_, listed)| !listed);
    found.differences.extend(missing.map(|(facts, _)| format!("{}: not in the index", facts.path)));
    found.notes = hidden(entries);
    found
}

/// Returns the file that an entry names.
pub fn named<'a>(entry: &Map<String, Value>, files: &'a [Facts]) -> Option<&'a Facts> {
    let url = entry.get("url")?.as_str()?;
    Some(&files[place(url, files)?])
}

/// Returns the file whose path in the folder is the end of the URL; the longest path wins.
fn place(url: &str, files: &[Facts]) -> Option<usize> {
    let path = path(url);
    let is_end = |facts: &Facts| {
        path.strip_suffix(&facts.path).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let fitting = files.iter().enumerate().filter(|(_, facts)| is_end(facts));
    fitting.max_by_key(|(_, facts)| facts.path.len()).map(|(place, _)| place)
}

fn differences(entry: &Map<String, Value>, url: &str, expected: &Entry<'_>, base: &Base) -> Vec<String> {
    let expected = serde_json::to_value(expected).unwrap_or_default();
    let mut differences = Vec::new();
    for key in KEYS {
        let (found, expected) = (entry.get(key), &expected[key]);
        match found {
            _ if key == "url" && !base.is_given() => {}
            // For a local file the gateway reads omitted keys from the file itself.
            None if is_web(url) => differences.push(format!("{key} is not there, expected {expected}")),
            Some(found) if !same(found, expected) => {
                differences.push(format!("{key} is {found}, expected {expected}"));
            }
            _ => {}
        }
    }
    differences
}

/// Compares values like JavaScript: 1 and 1.0 are equal.
fn same(found: &Value, expected: &Value) -> bool {
    found == expected || (found.is_number() && found.as_f64() == expected.as_f64())
}

/// Returns the entries that the gateway never takes, because an earlier entry is for the same image and all devices.
pub fn hidden(entries: &[Map<String, Value>]) -> Vec<String> {
    let image = |entry: &Map<String, Value>| {
        Some((entry.get("manufacturerCode")?.as_u64()?, entry.get("imageType")?.as_u64()?))
    };
    let (mut for_all, mut notes) = (HashSet::new(), Vec::new());
    for (number, entry) in entries.iter().enumerate() {
        let Some(image) = image(entry) else { continue };
        if for_all.contains(&image) {
            let url = entry.get("url").and_then(Value::as_str).unwrap_or_default();
            notes.push(format!(
                "entry {number}: {url}: never taken, as an entry before it is for the same image"
            ));
        } else if !RESTRICTIONS.iter().any(|key| entry.contains_key(*key)) {
            for_all.insert(image);
        }
    }
    notes
}
