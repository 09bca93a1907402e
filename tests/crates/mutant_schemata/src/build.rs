//! One build of all mutants: a copy of the repository in which the mutants that do not compile have no switch.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::listed::{Genre, Mutant};
use crate::switched_source::{Segment, SwitchedSource};

/// The module that the switches are in. During the evaluation of a constant, no mutant is on.
const SWITCH: &str = r#"
mod mutant_switch {
    extern crate std;

    pub(crate) const fn is_on(mutant: u32) -> bool {
        const fn in_constant(_: u32) -> bool {
            false
        }
        fn at_run_time(mutant: u32) -> bool {
            static ON: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
            let named = || std::env::var("MUTANT").map_or(0, |text| text.parse().expect("MUTANT is a number"));
            *ON.get_or_init(named) == mutant
        }
        core::intrinsics::const_eval_select((mutant,), in_constant, at_run_time)
    }
}
"#;
const FEATURES: &str = "#![allow(internal_features)]\n#![feature(core_intrinsics, const_eval_select)]\n";

/// The file that gets the module and its features.
const LIBRARY: &str = "src/lib.rs";

/// Errors of moves and borrows, which a mutant may have only because of the code around it. A mutant with any other error
/// in its own text has it in a build of its own too.
const BORROW_ERRORS: [&str; 10] =
    ["E0382", "E0499", "E0502", "E0503", "E0505", "E0506", "E0507", "E0515", "E0597", "E0716"];

/// A build of the library with its switches.
pub struct Build {
    /// The programs of the tests.
    pub tests: Vec<PathBuf>,
    folder: PathBuf,
    /// Indexes of the mutants that do not compile.
    pub unviable: HashSet<usize>,
    /// Indexes of the mutants that need a build of their own.
    pub left: HashSet<usize>,
}

#[derive(Deserialize)]
struct CargoLine {
    reason: String,
    message: Option<Message>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    code: Option<Code>,
    spans: Vec<MessageSpan>,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct MessageSpan {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
}

/// Copies all files of the repository but `others` to `to`. A file that is the same already stays, and its time with it,
/// so that Cargo builds nothing again.
fn copy(from: &Path, to: &Path, others: &HashSet<&str>) -> Result<(), String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(from)
        .output()
        .map_err(|error| format!("git: {error}"))?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    for name in listed.split('\0').filter(|name| !name.is_empty() && !others.contains(name)) {
        let (source, target) = (from.join(name), to.join(name));
        // A file that is deleted, but not yet for git.
        let Ok(bytes) = fs::read(&source) else { continue };
        write_if_other(&target, &bytes)?;
    }
    Ok(())
}

fn write_if_other(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = path.parent().expect("a file in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns the mutants that `span` of the file with these segments speaks of: those of the shortest segment around it.
fn blamed<'a>(segments: &'a [Segment], span: &MessageSpan) -> Option<&'a [usize]> {
    segments
        .iter()
        .filter(|segment| segment.range.start <= span.byte_start && span.byte_end <= segment.range.end)
        .min_by_key(|segment| segment.range.len())
        .map(|segment| segment.mutants.as_slice())
}

impl Build {
    /// Writes the sources with the switches of all mutants that are not known to have none.
    fn write_sources(
        &mut self,
        repository: &Path,
        mutants: &[Mutant],
        chosen: &[usize],
    ) -> Result<HashMap<String, Vec<Segment>>, String> {
        let mut files: HashMap<&str, Vec<usize>> = HashMap::new();
        for &index in chosen {
            // A file whose last switch is gone is written too.
            let of_file = files.entry(&mutants[index].file).or_default();
            if !self.unviable.contains(&index) && !self.left.contains(&index) {
                of_file.push(index);
            }
        }
        files.entry(LIBRARY).or_default();
        let mut segments = HashMap::new();
        for (file, of_file) in files {
            let source =
                fs::read_to_string(repository.join(file)).map_err(|error| format!("{file}: {error}"))?;
            let mut switched = SwitchedSource::new(&source, mutants, &of_file)
                .map_err(|error| format!("{file}: {error}"))?;
            self.unviable.extend(switched.unviable);
            self.left.extend(switched.left);
            if file == LIBRARY {
                switched.text.insert_str(0, FEATURES);
                switched.text.push_str(SWITCH);
                for segment in &mut switched.segments {
                    segment.range = segment.range.start + FEATURES.len()..segment.range.end + FEATURES.len();
                }
            }
            write_if_other(&self.folder.join(file), switched.text.as_bytes())?;
            segments.insert(file.to_owned(), switched.segments);
        }
        Ok(segments)
    }

    /// Returns a command that runs, and builds if it calls Cargo, the sources with their switches.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.folder.with_extension("target"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
            // The mutants have warnings that nobody wants to read.
            .env("RUSTFLAGS", "--cap-lints=allow")
            // Only for the library: a dependency could choose other code when it sees this.
            .env("RUSTC_BOOTSTRAP", "zigbee_ota")
            .stdin(Stdio::null());
        command
    }

    /// Runs Cargo once. Returns whether it was without errors; the mutants with errors have no switch the next time.
    fn compile(
        &mut self,
        mutants: &[Mutant],
        segments: &HashMap<String, Vec<Segment>>,
        arguments: &[String],
    ) -> Result<bool, String> {
        let output = self
            .command("cargo")
            .args(["test", "--no-run", "--message-format=json"])
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        self.tests.clear();
        let mut blames = 0;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let line: CargoLine = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
            if line.reason == "compiler-artifact" {
                self.tests.extend(line.executable);
            }
            let Some(message) = line.message.filter(|message| message.level == "error") else { continue };
            let code = message.code.as_ref().map_or("", |code| &code.code);
            let found = message
                .spans
                .iter()
                .filter(|span| span.is_primary)
                .chain(&message.spans)
                .find_map(|span| blamed(segments.get(&span.file_name)?, span));
            let Some(found) = found else {
                // The last message only counts the others.
                if !message.spans.is_empty() {
                    return Err(message.rendered.unwrap_or_default());
                }
                continue;
            };
            for &index in found {
                let same_alone = found.len() == 1
                    && !BORROW_ERRORS.contains(&code)
                    && mutants[index].genre != Genre::StructField;
                let without = if same_alone { &mut self.unviable } else { &mut self.left };
                blames += usize::from(without.insert(index));
            }
        }
        match (output.status.success(), blames) {
            (true, _) => Ok(true),
            (false, 0) => Err("cargo failed for another reason than a mutant".to_owned()),
            (false, _) => Ok(false),
        }
    }

    /// Builds the mutants whose indexes are `chosen` in `folder`; `arguments` choose the tests, as for `cargo test`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written, or when the library does not compile for another reason than its mutants.
    pub fn new(
        repository: &Path,
        folder: PathBuf,
        mutants: &[Mutant],
        chosen: &[usize],
        arguments: &[String],
    ) -> Result<Self, String> {
        let switched = chosen.iter().map(|&index| mutants[index].file.as_str()).chain([LIBRARY]).collect();
        copy(repository, &folder, &switched)?;
        let left = chosen.iter().copied().filter(|&index| !mutants[index].can_have_a_switch()).collect();
        let mut build = Self { tests: Vec::new(), folder, unviable: HashSet::new(), left };
        loop {
            let segments = build.write_sources(repository, mutants, chosen)?;
            if build.compile(mutants, &segments, arguments)? {
                return Ok(build);
            }
            eprintln!(
                "{} mutants do not compile, {} need a build of their own",
                build.unviable.len(),
                build.left.len()
            );
        }
    }
}
