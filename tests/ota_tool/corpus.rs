//! Vendors' files in one run, against what an independent reader found in them; see `tests/corpus.rs`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use crate::tool::Folder;

#[test]
fn vendors_files_read_as_an_independent_reader_read_them() {
    let Some(folder) = std::env::var_os("OTA_CORPUS").map(PathBuf::from) else {
        // Not `eprintln`, which the test harness keeps to itself when a test passes.
        let text = "SKIPPED: OTA_CORPUS is not set, so no vendor's file was read";
        writeln!(std::io::stderr(), "{text}").expect("stderr");
        return;
    };
    let list = fs::read(folder.join("expected.json")).expect("expected.json in OTA_CORPUS");
    let list: Vec<Value> = serde_json::from_slice(&list).expect("an array");
    assert!(!list.is_empty(), "expected.json lists none");
    let paths: Vec<PathBuf> =
        list.iter().map(|expected| folder.join(expected["file"].as_str().expect("a name"))).collect();
    let paths: Vec<PathBuf> =
        paths.iter().map(|path| path.canonicalize().expect("a file of the list")).collect();
    let arguments = ["info".as_ref(), "--json".as_ref()].into_iter();
    let ran = Folder::new().run(arguments.chain(paths.iter().map(|path| path.as_os_str())));
    let all = list.iter().all(|expected| expected["ota"] == true);
    assert_eq!(ran.status, i32::from(!all), "{}", ran.err);
    let found = ran.json();
    assert_eq!(found.len(), list.len());
    for ((expected, path), found) in list.iter().zip(&paths).zip(&found) {
        assert_eq!(found["file"].as_str(), path.to_str());
        // Keys that `expected` does not have are null there, and have to be so here.
        for key in ["ota", "layout", "header", "elements", "rest", "strict"] {
            assert_eq!(found[key], expected[key], "{}: {key}", path.display());
        }
        for key in ["kind", "offset"] {
            assert_eq!(found["container"][key], expected["container"][key], "{}: {key}", path.display());
        }
    }
}
