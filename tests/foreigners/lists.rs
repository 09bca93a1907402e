//! Committed lists of the worlds that fail: by the other stack's fault, or by a known fault of this crate.
//!
//! ```text
//! world <tab> reason                  cannot_finish.tsv
//! world <tab> row <tab> what fails    known_failures.tsv
//! ```

use std::collections::BTreeMap;

const CANNOT_FINISH: &str = include_str!("cannot_finish.tsv");
const KNOWN_FAILURES: &str = include_str!("known_failures.tsv");

/// Reads the lines of a list by the name of their world.
fn read(list: &'static str, columns: usize) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut worlds = BTreeMap::new();
    for line in list.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells.len(), columns, "{line}");
        assert!(cells.iter().all(|cell| !cell.trim().is_empty()), "{line}: an empty cell");
        assert!(worlds.insert(cells[0], cells).is_none(), "{line}: twice");
    }
    worlds
}

/// Compares the worlds of `area` that fail with those that the lists name: the names begin with the area and a slash.
pub(crate) fn check(area: &str, failed: &[(String, String)]) {
    let (cannot, known) = (read(CANNOT_FINISH, 2), read(KNOWN_FAILURES, 3));
    let listed = |world: &str| cannot.contains_key(world) || known.contains_key(world);
    let mut problems = Vec::new();
    for (world, why) in failed.iter().filter(|(world, _)| !listed(world)) {
        problems.push(format!("{world} fails: {why}"));
    }
    let prefix = format!("{area}/");
    for world in cannot.keys().chain(known.keys()).filter(|world| world.starts_with(&prefix)) {
        if !failed.iter().any(|(failed, _)| failed == world) {
            problems.push(format!("{world} passes: remove it from its list"));
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn known_failures_name_a_row_and_no_world_is_in_both_lists() {
    let (cannot, known) = (read(CANNOT_FINISH, 2), read(KNOWN_FAILURES, 3));
    for (world, cells) in &known {
        let rows = cells[1].split(", ");
        for row in rows {
            let digits = row.strip_prefix("FLD-").or_else(|| row.strip_prefix("CLI-"));
            assert!(digits.is_some_and(|digits| digits.len() == 3), "{world}: {row} is no row");
        }
        assert!(!cannot.contains_key(world), "{world} is in both lists");
    }
}
