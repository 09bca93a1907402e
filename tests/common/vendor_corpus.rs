//! Corpus of vendors' OTA files, with the results of an independent reader.
//!
//! The corpus is not part of this project: the environment variable `OTA_CORPUS` names a folder with the files and
//! `expected.json`. Without the variable, corpus tests pass without reading a file and print SKIPPED.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;

use serde_json::Value;

/// File of the corpus.
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

/// Returns all files of the corpus, or none without `OTA_CORPUS`.
pub fn samples() -> Vec<Sample> {
    static SKIPPED: Once = Once::new();
    let Some(folder) = std::env::var_os("OTA_CORPUS").map(PathBuf::from) else {
        // Not `eprintln`, because the test harness captures its output when a test passes.
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
