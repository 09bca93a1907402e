//! The examples as binaries, for tests that run them as a user does.

use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The binary of an example, built when it is not there or older than its sources: a test that runs alone does not
/// build examples.
pub fn example(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("a folder of a profile");
    let binary = profile.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    let built = fs::metadata(&binary).and_then(|there| there.modified()).ok();
    if built.is_none_or(|built| sources(name).any(|source| source > built)) {
        build(name, profile);
    }
    assert!(binary.is_file(), "{} is not there; `cargo build --example {name}` builds it", binary.display());
    binary
}

/// When what the example is made of was changed.
fn sources(name: &str) -> impl Iterator<Item = SystemTime> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = [format!("examples/{name}"), format!("examples/{name}.rs"), "examples/common".into()];
    let sources = own.into_iter().chain(["Cargo.toml".into(), "src".into()]).map(move |path| root.join(path));
    sources.filter(|path| path.exists()).map(|path| newest(&path))
}

fn newest(path: &Path) -> SystemTime {
    let own = fs::metadata(path).and_then(|there| there.modified()).expect("a source");
    let inside =
        fs::read_dir(path).into_iter().flatten().map(|entry| newest(&entry.expect("a source").path()));
    inside.fold(own, SystemTime::max)
}

fn build(name: &str, profile: &Path) {
    let profile_name = match profile.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--example", name]);
    cargo.args(["--profile", profile_name, "--target-dir"]).arg(profile.parent().expect("a target folder"));
    assert!(cargo.status().expect("cargo").success(), "cargo build --example {name}");
}
