//! Goodput over paths that the main table of the goodput leaves out: blocks in APS fragments, sleepy devices, bursts of loss,
//! and peculiar servers. Each table is committed, and some of its rows are measured anew, with the environment variable
//! `GOODPUT_CELLS=all` every row.

mod aps_fragments;
#[path = "../common/example_binaries.rs"]
mod example_binaries;
mod loss_and_server_impairments;
mod sleepy_devices;

use std::fmt::Debug;
use std::process::Command;

/// Whether every row of a table is to be measured.
fn is_whole() -> bool {
    std::env::var_os("GOODPUT_CELLS").is_some_and(|cells| cells == "all")
}

/// Compares measured rows with the committed ones.
fn assert_same<L: PartialEq + Debug>(measured: &[L], known: &[L]) {
    assert_eq!(measured.len(), known.len());
    let differences: Vec<_> = measured.iter().zip(known).filter(|(now, known)| now != known).collect();
    assert!(differences.is_empty(), "is, and was: {differences:#?}");
}

/// Checks that the committed picture `kept` is the one that `goodput` draws with `option` from its committed table.
fn assert_drawn(option: &str, kept: &str) {
    let folder = tempfile::tempdir().unwrap();
    let drawn = folder.path().join("drawn.svg");
    let mut goodput = Command::new(example_binaries::example("goodput"));
    assert!(goodput.arg(option).arg(&drawn).status().unwrap().success());
    assert!(std::fs::read_to_string(drawn).unwrap() == kept, "run the example with {option}");
}
