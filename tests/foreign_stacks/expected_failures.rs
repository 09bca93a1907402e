//! Committed lists of failing simulations: by a fault of the other stack, or by a known fault of this crate.
//! `SHRINK_LISTS=1` removes passing simulations from the lists; only a person adds one.
//!
//! ```text
//! world <tab> reason                  other_stack_cannot_finish.tsv
//! world <tab> row <tab> what fails    known_failures.tsv
//! ```

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::{env, fs};

use crate::{USUAL_WORLDS, worlds};

const CANNOT_FINISH: &str = include_str!("other_stack_cannot_finish.tsv");
const KNOWN_FAILURES: &str = include_str!("known_failures.tsv");

/// Reads the lines of a list, with the name of the simulation as the key.
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

/// Compares the failing simulations of `area` with the lists. The names in the lists begin with the area and a slash.
///
/// A listed simulation that passes counts only if at least the usual number of seeds and moments was run: a listed
/// simulation may fail at a single one of the seeds and moments.
pub(crate) fn check(area: &str, failed: &[(String, String)]) {
    let (cannot, known) = (read(CANNOT_FINISH, 2), read(KNOWN_FAILURES, 3));
    let listed = |world: &str| cannot.contains_key(world) || known.contains_key(world);
    let mut problems = Vec::new();
    for (world, why) in failed.iter().filter(|(world, _)| !listed(world)) {
        problems.push(format!("{world} fails: {why}"));
    }
    let prefix = format!("{area}/");
    let all = cannot.keys().chain(known.keys()).filter(|world| world.starts_with(&prefix));
    let passes = |world: &&&str| !failed.iter().any(|(failed, _)| failed == **world);
    let passed: Vec<_> = all.filter(|world| worlds() >= USUAL_WORLDS && passes(world)).collect();
    if env::var_os("SHRINK_LISTS").is_some() {
        ["other_stack_cannot_finish.tsv", "known_failures.tsv"]
            .into_iter()
            .for_each(|list| shrink(list, &passed));
    } else {
        problems.extend(passed.iter().map(|world| format!("{world} passes: remove it from its list")));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Removes simulations from a list. Tests of several areas may call the function concurrently.
fn shrink(list: &str, passed: &[&&str]) {
    static WRITES: Mutex<()> = Mutex::new(());
    let _guard = WRITES.lock().expect("no test panics while it writes");
    let path = format!("{}/tests/foreign_stacks/{list}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).expect("a file of the repository");
    let stays = |line: &&str| !passed.iter().any(|world| line.split('\t').next() == Some(**world));
    let left: String = text.lines().filter(stays).flat_map(|line| [line, "\n"]).collect();
    fs::write(path, left).expect("a writable file");
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
