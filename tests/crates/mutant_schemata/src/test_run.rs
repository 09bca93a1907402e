//! Runs of the tests with one mutant.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::build::Build;
use crate::listed::Mutant;

/// What the tests say of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A test fails.
    Caught,
    /// A test does not end, which somebody would see.
    Timeout,
    /// All tests pass.
    Missed,
    /// The mutant does not compile.
    Unviable,
    /// The mutant needs a build of its own.
    Left,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Timeout => "timeout",
            Self::Missed => "missed",
            Self::Unviable => "unviable",
            Self::Left => "left",
        }
    }
}

/// A program of tests, or some of its tests.
struct Selection<'a> {
    program: &'a Path,
    /// The start of the names of the tests; empty for all.
    tests: String,
    /// After which time the tests count as endless.
    limit: Duration,
}

impl Selection<'_> {
    /// Returns the name of the program, without the digest that Cargo adds.
    fn name(&self) -> &str {
        let name = self.program.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        name.rsplit_once('-').map_or(name, |(name, _)| name)
    }
}

/// The tests, in the order in which they run.
pub struct Tests<'a> {
    build: &'a Build,
    /// Unit tests of each module, such as `client::`.
    of_modules: HashMap<String, Selection<'a>>,
    /// All tests, the fastest program first.
    all: Vec<Selection<'a>>,
}

/// KiB of memory that a mutant may take before it is stopped.
const MEMORY: u32 = 4 * 1024 * 1024;
/// The exit status of `timeout` when the time is over.
const TIME_OVER: i32 = 124;

/// Returns the part of the names of unit tests that is the topmost module of `file`, such as `client::`.
fn module(file: &str) -> String {
    let below = file.strip_prefix("src/").unwrap_or(file);
    let name = below.split(['/', '.']).next().unwrap_or(below);
    format!("{name}::")
}

impl<'a> Tests<'a> {
    /// Runs all tests without a mutant, and measures how long they take, those of the modules of `mutants` also alone.
    ///
    /// # Errors
    ///
    /// When a test fails.
    pub fn measure(build: &'a Build, mutants: &[&Mutant]) -> Result<Self, String> {
        let mut tests = Self { build, of_modules: HashMap::new(), all: Vec::new() };
        for program in &build.tests {
            let selection = tests.measured(program, String::new())?;
            tests.all.push(selection);
        }
        tests.all.sort_by_key(|selection| selection.limit);
        for selection in &tests.all {
            eprintln!("{} takes up to {} s", selection.name(), selection.limit.as_secs());
        }
        let modules: BTreeSet<String> = mutants.iter().map(|mutant| module(&mutant.file)).collect();
        for unit_tests in
            build.tests.iter().filter(|program| program.to_string_lossy().contains("zigbee_ota-"))
        {
            for name in &modules {
                let selection = tests.measured(unit_tests, name.clone())?;
                tests.of_modules.insert(name.clone(), selection);
            }
        }
        Ok(tests)
    }

    #[expect(clippy::disallowed_methods, reason = "the time that the tests take is what is measured")]
    fn measured(&self, program: &'a Path, tests: String) -> Result<Selection<'a>, String> {
        let mut selection = Selection { program, tests, limit: Duration::from_secs(600) };
        // The first run of a test that builds an example takes longer than the next one.
        for _ in 0..2 {
            let start = Instant::now();
            if self.run_selection(&selection, 0) != Outcome::Missed {
                return Err(format!("{} {} fails without a mutant", program.display(), selection.tests));
            }
            // Other work of the machine may make each run slower.
            selection.limit = start.elapsed() * 4 + Duration::from_secs(3);
        }
        Ok(selection)
    }

    fn run_selection(&self, selection: &Selection, switch: usize) -> Outcome {
        let limit = selection.limit.as_secs();
        // A failed test is enough.
        let command = format!(
            "ulimit -v {MEMORY}; exec timeout -k 1 {limit} \"$0\" -q -Z unstable-options --fail-fast \"$@\""
        );
        let status = self
            .build
            .command("bash")
            .args(["-c", &command])
            .arg(selection.program)
            .args(Some(&selection.tests).filter(|tests| !tests.is_empty()))
            .env("MUTANT", switch.to_string())
            .env("RUST_BACKTRACE", "0")
            .env("RUST_TEST_THREADS", "1")
            // A failure needs no small example.
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("bash runs");
        match status.code() {
            Some(0) => Outcome::Missed,
            Some(TIME_OVER) => Outcome::Timeout,
            _ => Outcome::Caught,
        }
    }

    /// Runs the tests with the mutant of this index until one fails: first those of its module.
    pub fn run(&self, index: usize, mutant: &Mutant) -> Outcome {
        let module = module(&mutant.file);
        let is_of_module =
            |selection: &&Selection| selection.name().starts_with(module.trim_end_matches(':'));
        let others = self.all.iter().filter(|selection| !is_of_module(selection));
        self.of_modules
            .get(&module)
            .into_iter()
            .chain(self.all.iter().filter(is_of_module))
            .chain(others)
            .map(|selection| self.run_selection(selection, index + 1))
            .find(|outcome| *outcome != Outcome::Missed)
            .unwrap_or(Outcome::Missed)
    }
}
