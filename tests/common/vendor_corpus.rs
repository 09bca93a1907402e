//! Files as vendors ship them, and what an independent reader found in them.
//!
//! They are not part of this project: the environment variable `OTA_CORPUS` names a folder with them and their
//! `expected.json`. Without it their tests pass without a look at any file, and say so.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;

use serde_json::Value;

/// One file.
pub struct Sample {
    pub path: PathBuf,
    pub name: String,
    pub expected: Value,
}

impl Sample {
    pub fn is_ota(&self) -> bool {
        self.expected["ota"] == true
    }
}

/// All files; none without `OTA_CORPUS`.
pub fn samples() -> Vec<Sample> {
    static SKIPPED: Once = Once::new();
    let Some(folder) = std::env::var_os("OTA_CORPUS").map(PathBuf::from) else {
        // Not `eprintln`, which the test harness keeps to itself when a test passes.
        SKIPPED.call_once(|| {
            let text = "SKIPPED: OTA_CORPUS is not set, so no vendor's file was read";
            writeln!(std::io::stderr(), "{text}").expect("stderr");
        });
        return Vec::new();
    };
    let folder = folder.canonicalize().expect("the folder of OTA_CORPUS");
    let list = fs::read(folder.join("expected.json")).expect("expected.json in OTA_CORPUS");
    let list: Vec<Value> = serde_json::from_slice(&list).expect("an array");
    assert!(!list.is_empty(), "expected.json lists none");
    let sample = |expected: Value| {
        let name = expected["file"].as_str().expect("a name").to_owned();
        Sample { path: folder.join(&name), name, expected }
    };
    list.into_iter().map(sample).collect()
}
