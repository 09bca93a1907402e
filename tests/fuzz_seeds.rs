//! Replay of the fuzz seeds: inputs made by hand, and inputs that fuzzing found, tried in every test run.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[path = "common/properties"]
mod properties {
    pub mod capture;
    pub mod client;
    pub mod client_and_server;
    pub mod container;
    pub mod encode_contract;
    pub mod file;
    pub mod file_stream;
    pub mod frame;
    pub mod fuzz_targets;
    pub mod image_assembly;
    pub mod index;
    pub mod inspect;
    pub mod matter;
    pub mod observer;
    #[cfg(feature = "openssl")]
    #[expect(dead_code, reason = "`signatures_openssl` asks for more of it")]
    pub mod openssl;
    pub mod payload;
    pub mod server;
    pub mod signature;
    pub mod unify;
    pub mod written_files;
}

/// Fuzz targets that this build cannot run.
const NOT_HERE: &[&str] = if cfg!(feature = "openssl") { &[] } else { &["signature_openssl"] };

/// Folder of the fuzz crate, which is missing in the published package.
fn fuzz() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    if !folder.exists() {
        // Not `eprintln`, because the test harness captures its output when a test passes.
        writeln!(std::io::stderr(), "SKIPPED: {} is not there, so no seed was replayed", folder.display())
            .expect("stderr");
        return None;
    }
    Some(folder)
}

/// Returns the sorted names of the entries of a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name in UTF-8"))
        .collect()
}

#[test]
fn targets_binaries_and_seed_folders_have_the_same_names() {
    let Some(fuzz) = fuzz() else { return };
    let mut targets: BTreeSet<String> =
        properties::fuzz_targets::ALL.iter().map(|(name, _)| name.to_string()).collect();
    targets.extend(NOT_HERE.iter().map(|name| name.to_string()));
    assert_eq!(
        targets.len(),
        properties::fuzz_targets::ALL.len() + NOT_HERE.len(),
        "one of them stands twice"
    );

    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("a manifest");
    let binaries = manifest.split("[[bin]]\nname = \"").skip(1);
    let binaries: BTreeSet<String> =
        binaries.map(|rest| rest.split_once('"').expect("a name").0.to_owned()).collect();
    assert_eq!(binaries, targets, "[[bin]] of fuzz/Cargo.toml, and tests/common/properties/fuzz_targets.rs");
    assert_eq!(
        names(&fuzz.join("seeds")),
        targets,
        "fuzz/seeds, and tests/common/properties/fuzz_targets.rs"
    );
    for name in &targets {
        assert!(!names(&fuzz.join("seeds").join(name)).is_empty(), "fuzz/seeds/{name} is empty");
        let binary = format!("fuzz_targets/{name}.rs");
        let source = fs::read_to_string(fuzz.join(&binary)).expect(&binary);
        assert!(
            source.contains(&format!("properties::fuzz_targets::{name}(")),
            "{binary} calls another function"
        );
    }
}

#[test]
fn no_seed_violates_a_property() {
    let Some(fuzz) = fuzz() else { return };
    let mut broken = Vec::new();
    for (name, target) in properties::fuzz_targets::ALL {
        let folder = fuzz.join("seeds").join(name);
        for seed in names(&folder) {
            let input = fs::read(folder.join(&seed)).expect("a seed");
            if catch_unwind(|| target(&input)).is_err() {
                broken.push(format!("fuzz/seeds/{name}/{seed}"));
            }
        }
    }
    assert!(broken.is_empty(), "the panics of these seeds are printed above:\n{}", broken.join("\n"));
}
