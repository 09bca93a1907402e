//! Paths of the example binaries, for tests that run the examples as command line tools.

use std::collections::HashMap;
use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Builds an example and returns the path of its binary, with the feature `openssl` when the test has it. A test that
/// runs alone does not build the examples, and an existing binary may have other features, so Cargo is always asked.
pub fn example(name: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().expect("no example failed to build");
    built.get_or_insert_default().entry(name.to_owned()).or_insert_with(|| build(name)).clone()
}

fn build(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    let profile: &Path = test.ancestors().nth(2).expect("a folder of a profile");
    let profile_name = match profile.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "build",
        "--quiet",
        "--example",
        name,
        "--features",
        "full",
    ]);
    cargo.args(["--profile", profile_name, "--target-dir"]).arg(profile.parent().expect("a target folder"));
    if cfg!(feature = "openssl") {
        cargo.args(["--features", "openssl"]);
    }
    assert!(cargo.status().expect("cargo").success(), "cargo build --example {name}");
    let binary = profile.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    assert!(binary.is_file(), "{} is not there", binary.display());
    binary
}
