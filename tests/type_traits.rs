//! Traits of public types: every data type implements `serde::Serialize` and `defmt::Format`, or stands with a reason in
//! `tests/data/types_without_serde_or_defmt.tsv`.
//!
//! A scan of the sources, because neither the compiler nor rustdoc can list types that lack a trait. `pub` is enough to
//! find public types: the lint `unreachable_pub` keeps it from all others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Types that lack each trait, by `module::Name`.
#[derive(Debug, Default, PartialEq)]
struct Missing {
    serde: BTreeSet<String>,
    defmt: BTreeSet<String>,
}

fn source_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Returns the text of `src` by module: the first part of the path below `src`.
fn sources() -> BTreeMap<String, String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&src, &mut files);
    let mut sources = BTreeMap::<_, String>::new();
    for file in files {
        let below = file.strip_prefix(&src).expect("below src");
        let module = below.iter().next().expect("a name").to_string_lossy().replace(".rs", "");
        let text = std::fs::read_to_string(&file).expect("a source file");
        sources.entry(module).or_default().push_str(&text);
    }
    sources
}

/// Splits an item's first line into its name, if it defines a public structure or enumeration.
fn public_type(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let rest = rest.strip_prefix("struct ").or_else(|| rest.strip_prefix("enum "))?;
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    (!name.is_empty()).then_some(name)
}

/// Whether `text` implements a trait for `name`, by hand or by a macro of the crate that does.
fn implements(text: &str, name: &str, its_trait: &str) -> bool {
    let by_hand = text.lines().any(|line| {
        let target = line.split(&format!("{its_trait} for ")).nth(1);
        target
            .is_some_and(|target| target.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '<'])))
    });
    by_hand || text.contains(&format!("flags_as_number!({name}("))
}

/// Whether one of the attributes derives a trait, by its path or by its name.
fn derives(attributes: &str, its_trait: &str) -> bool {
    let name = its_trait.rsplit("::").next().unwrap_or_default();
    attributes.split("derive(").skip(1).any(|rest| {
        let list = rest.split(')').next().unwrap_or_default();
        list.split(',').any(|derived| [its_trait, name].contains(&derived.trim()))
    })
}

/// Whether the last attribute, which may span several lines, is not closed yet.
fn is_inside_attribute(attributes: &str) -> bool {
    attributes.matches('[').count() > attributes.matches(']').count()
}

/// Scans the sources for public types without one of the traits.
fn missing() -> Missing {
    let mut missing = Missing::default();
    for (module, text) in sources() {
        let mut attributes = String::new();
        for line in text.lines() {
            if let Some(name) = public_type(line) {
                let has = |its_trait| derives(&attributes, its_trait) || implements(&text, name, its_trait);
                let path = format!("{module}::{name}");
                if !has("serde::Serialize") {
                    missing.serde.insert(path.clone());
                }
                if !has("defmt::Format") {
                    missing.defmt.insert(path);
                }
                attributes.clear();
            } else if line.trim_start().starts_with(['#', '/']) || is_inside_attribute(&attributes) {
                attributes.push_str(line);
            } else {
                attributes.clear();
            }
        }
    }
    missing
}

/// Shows: FLD-121
#[test]
fn every_data_type_has_serde_and_defmt_or_a_reason() {
    let list = include_str!("data/types_without_serde_or_defmt.tsv");
    let mut expected = Missing::default();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let [name, lacks, reason] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(!reason.is_empty(), "{line}");
        let (serde, defmt) = match lacks {
            "both" => (true, true),
            "serde" => (true, false),
            "defmt" => (false, true),
            _ => panic!("{line}"),
        };
        if serde {
            assert!(expected.serde.insert(name.to_owned()), "{line}");
        }
        if defmt {
            assert!(expected.defmt.insert(name.to_owned()), "{line}");
        }
    }
    let found = missing();
    for (name, found, expected) in
        [("serde", found.serde, expected.serde), ("defmt::Format", found.defmt, expected.defmt)]
    {
        let without: Vec<_> = found.difference(&expected).collect();
        assert!(without.is_empty(), "add {name} to these types, or a reason to the list: {without:#?}");
        let stale: Vec<_> = expected.difference(&found).collect();
        assert!(stale.is_empty(), "these types have {name}, remove them from the list: {stale:#?}");
    }
}
