//! Rendered requirement table: `TABLE.md`, generated from `rows.tsv` and the doc lines of tests.
//!
//! ```text
//! $ WRITE_TABLE=1 cargo test --test conformance
//! ```

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use super::{AREAS, ROOT, Row};

const PLACE: &str = "tests/conformance/TABLE.md";
const WRITE: &str = "WRITE_TABLE";

/// Introduction above the rows. `S`, `E`, `U` and `M` are values of the column "section".
const INTRODUCTION: &str = "\
# What is required, and which test shows it

Written by `WRITE_TABLE=1 cargo test --test conformance` from `rows.tsv` and the tests' doc lines; the same test without
the variable fails when it is out of date.

| section | document |
|---|---|
| S | Zigbee Over-the-Air Upgrading Cluster (095264, 2011), and what later revisions added |
| E | ESP Zigbee SDK, chapter on OTA upgrades |
| U | Unify framework, common OTA |
| M | Matter Core Specification, OTA Software Update clusters |
| F | faults and gaps that reports, files, other stacks and users showed |

";

/// Titles of the [`AREAS`].
const NAMES: [&str; AREAS.len()] = [
    "The file",
    "Integrity codes and signatures",
    "Commands",
    "Attributes",
    "The client",
    "The server",
    "What users of espressif's SDK need",
    "Unify",
    "Matter",
    "Findings of the field",
];

/// Compares the table with `TABLE.md`, or writes the file when `WRITE_TABLE` is set.
pub fn check(rows: &[Row], shown: &HashMap<&str, Vec<String>>) -> Result<(), String> {
    let table = table(rows, shown);
    let path = Path::new(ROOT).join(PLACE);
    if env::var_os(WRITE).is_some() {
        fs::write(&path, table).map_err(|error| format!("{PLACE}: {error}"))
    } else if fs::read_to_string(&path).is_ok_and(|kept| kept == table) {
        Ok(())
    } else {
        Err(format!("{PLACE}: out of date; {WRITE}=1 cargo test --test conformance writes it"))
    }
}

fn table(rows: &[Row], shown: &HashMap<&str, Vec<String>>) -> String {
    let of = |name: &str| rows.iter().filter(|row| row.area() == name).collect::<Vec<_>>();
    let mut out = INTRODUCTION.to_owned();
    out.push_str("| area | | rows | shown | outside |\n|---|---|---|---|---|\n");
    for ((name, _), title) in AREAS.into_iter().zip(NAMES) {
        let rows = of(name);
        let done = rows.iter().filter(|row| row.note.is_empty()).count();
        writeln!(out, "| {name} | {title} | {} | {done} | {} |", rows.len(), rows.len() - done).unwrap();
    }
    for ((name, _), title) in AREAS.into_iter().zip(NAMES) {
        write!(out, "\n## {title}\n\n| id | section | requirement | shown by |\n|---|---|---|---|\n")
            .unwrap();
        for row in of(name) {
            writeln!(out, "{}", line(row, &shown[row.id])).unwrap();
        }
    }
    out
}

fn line(row: &Row, places: &[String]) -> String {
    let Row { id, section, title, note } = row;
    let by = if note.is_empty() { places.join("<br>") } else { (*note).to_owned() };
    let cells = [id, section, title, by.as_str()].map(|cell| cell.replace('|', "\\|"));
    format!("| {} |", cells.join(" | "))
}

#[test]
fn a_line_names_every_test_or_the_reason() {
    let row = |note| Row { id: "CLI-017", section: "S 6.8", title: "a | b", note };
    let places = ["`a.rs` one".to_owned(), "`b.rs` two".to_owned()];
    assert_eq!(line(&row(""), &places), r"| CLI-017 | S 6.8 | a \| b | `a.rs` one<br>`b.rs` two |");
    assert_eq!(line(&row("outside: why"), &[]), r"| CLI-017 | S 6.8 | a \| b | outside: why |");
}
