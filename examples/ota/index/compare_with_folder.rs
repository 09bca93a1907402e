//! Comparison of an existing index with the files of a folder.

use zigbee_ota::index::{Index, IndexEntry, is_web_url};

use super::entry::{Facts, file_keys};
use super::url::{Base, path};

/// Result of the comparison.
pub struct Compared {
    pub differences: Vec<String>,
    /// Notes for the maintainer that do not count as differences.
    pub notes: Vec<String>,
}

/// Compares all entries with all files. Without a base URL, a URL is correct if it ends in the path of a file.
pub fn all(index: &Index, files: &[Facts], base: &Base) -> Compared {
    let mut found = Compared { differences: Vec::new(), notes: Vec::new() };
    let mut listed = vec![false; files.len()];
    for (number, entry) in index.entries.iter().enumerate() {
        let Some(address) = address(entry) else {
            let reason = entry.faults().first().map_or("no url".into(), ToString::to_string);
            found.differences.push(format!("entry {number}: {reason}"));
            continue;
        };
        let Some(place) = place(address, files) else {
            found
                .differences
                .push(format!("entry {number}: {address}: there is no such OTA file in the folder"));
            continue;
        };
        listed[place] = true;
        let differences = differences(index, entry, &files[place], base);
        found
            .differences
            .extend(differences.into_iter().map(|difference| format!("{}: {difference}", files[place].path)));
    }
    let missing = files.iter().zip(listed).filter(|(_, listed)| !listed);
    found.differences.extend(missing.map(|(facts, _)| format!("{}: not in the index", facts.path)));
    found.notes = never_taken(completed(index.clone(), files));
    found
}

/// Returns the location of the file in an entry: a URL or a path.
pub fn address(entry: &IndexEntry) -> Option<&str> {
    entry.url.as_deref().or(entry.path.as_deref())
}

/// Returns the index with the missing fields of its entries filled in from the files.
pub fn completed(mut index: Index, files: &[Facts]) -> Index {
    for entry in &mut index.entries {
        if let Some(facts) = named(entry, files) {
            let Facts { entry: of_file, .. } = facts;
            entry.manufacturer = entry.manufacturer.or(of_file.manufacturer);
            entry.image_type = entry.image_type.or(of_file.image_type);
            entry.version = entry.version.or(of_file.version);
        }
    }
    index
}

/// Returns the file of the folder that an entry names.
pub fn named<'a>(entry: &IndexEntry, files: &'a [Facts]) -> Option<&'a Facts> {
    Some(&files[place(address(entry)?, files)?])
}

/// Returns the file whose path in the folder is the end of the URL. Of several such files, returns the file with the
/// longest path.
fn place(url: &str, files: &[Facts]) -> Option<usize> {
    let path = path(url);
    let is_end = |facts: &Facts| {
        path.strip_suffix(&facts.path).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let fitting = files.iter().enumerate().filter(|(_, facts)| is_end(facts));
    fitting.max_by_key(|(_, facts)| facts.path.len()).map(|(place, _)| place)
}

fn differences(index: &Index, entry: &IndexEntry, facts: &Facts, base: &Base) -> Vec<String> {
    let (form, expected) = (index.form, facts.placed(base, index.form));
    let mut differences = Vec::new();
    for key in file_keys(form) {
        let (found, expected) = (entry.value(form, key), expected.value(form, key));
        let is_place = matches!(*key, "url" | "binary_url" | "path");
        match (found, expected) {
            _ if is_place && !base.is_given() => {}
            // For a local file the gateway reads omitted keys from the file itself.
            (None, Some(expected)) if entry.url.as_deref().is_some_and(is_web_url) => {
                differences.push(format!("{key} is not there, expected {expected}"));
            }
            (Some(found), Some(expected)) if found != expected => {
                differences.push(format!("{key} is {found}, expected {expected}"));
            }
            _ => {}
        }
    }
    let others = entry.faults().iter().filter(|fault| !file_keys(form).contains(&&*fault.key));
    differences.extend(others.map(ToString::to_string));
    differences
}

/// Returns the entries that the gateway never selects for any device.
pub fn never_taken(index: Index) -> Vec<String> {
    let say = |(number, reason): &(usize, zigbee_ota::index::NeverTaken)| {
        let entry = index.entries.get(*number).and_then(address).unwrap_or_default();
        format!("entry {number}: {entry}: {reason}")
    };
    index.never_taken().iter().map(say).collect()
}
