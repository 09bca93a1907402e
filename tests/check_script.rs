//! Names of tests and modules in the slow steps of `.ci/check`, compared with the sources: a renamed test or a new module
//! would otherwise be noticed only when somebody runs the step.

use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).expect("a file of the repository")
}

/// Collects the Rust files of `folder` and its subfolders: module, such as `client::tests::attributes`, and text.
fn collect(folder: &Path, module: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        if path.is_dir() {
            collect(&path, &format!("{module}{name}::"), found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let own = if name == "mod" { module.to_owned() } else { format!("{module}{name}::") };
            found.push((own, fs::read_to_string(path).expect("UTF-8")));
        }
    }
}

/// Returns the modules below `folder`, each with its text.
fn modules(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&Path::new(ROOT).join(folder), "", &mut found);
    found
}

/// Returns the text between two other texts.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end} behind {start}")).0
}

#[test]
fn miri_skips_tests_that_exist() {
    let list = text("tests/crates/other_machines/miri_skipped_tests.txt");
    let sources = [modules("src"), modules("tests/frame_vectors")].concat();
    let mut lines = 0;
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let (name, reason) = line.split_once('\t').unwrap_or_else(|| panic!("{line}: no tab"));
        assert!(!reason.trim().is_empty(), "{name}: no reason");
        let function = format!("fn {name}(");
        assert!(
            sources.iter().any(|(_, text)| text.contains(&function)),
            "no test is called {name} (any more)"
        );
        lines += 1;
    }
    assert!(lines > 10, "{lines} tests are skipped");
}

#[test]
fn miri_runs_modules_that_have_tests() {
    let check = text(".ci/check");
    let parts = between(&check, "miri_done.txt parts=(", ")");
    let named: Vec<&str> = parts.split([' ', '\n', '"']).filter(|word| word.ends_with("::")).collect();
    assert!(named.len() > 10, "{named:?}");
    let tested: Vec<String> = modules("src")
        .into_iter()
        .filter(|(_, text)| text.contains("#[test]"))
        .map(|(module, _)| module)
        .collect();
    for name in &named {
        assert!(tested.iter().any(|module| module.starts_with(name)), "{name} has no unit tests (any more)");
    }
    for module in &tested {
        let (top, _) = module.split_once("::").expect("a module");
        let is_named = named.iter().any(|name| name.split("::").next() == Some(top));
        assert!(is_named, "{top} has unit tests that no part of the step miri runs");
    }
}
