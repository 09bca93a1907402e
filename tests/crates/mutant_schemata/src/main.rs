//! All mutants of the library in one build, each behind a switch: mutant schemata.
//!
//! ```text
//! mutant_schemata --repository FOLDER --work FOLDER --listed mutants.json --results results.tsv --left left.tsv [--jobs N]
//!     -- ARGUMENTS OF CARGO TEST
//!
//! mutants.json   what `cargo mutants --list --json` says
//! results.tsv    outcome, tab, key of the mutant: file, change and number among the same changes
//! outcome        caught, timeout, unviable (does not compile), missed, left (needs a build of its own)
//! left.tsv       of those that are missed, and then of those that need a build of their own: key, tab, name
//! ```
//!
//! A build for each mutant takes half a minute; the tests of most mutants take a second. So the library is built once, with
//! the code of all mutants in it, and the tests run once for each mutant, with its number in the variable `MUTANT`. A
//! mutant that has no place for a switch is left, as is one whose switch does not compile where the mutant would.
//!
//! Of the mutants that the results name, only those that were missed are run again. The exit status is 1 when a mutant is
//! missed.

mod build;
mod listed;
mod switched_source;
mod test_run;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use build::Build;
use listed::Mutant;
use test_run::{Outcome, Tests};

struct Arguments {
    repository: PathBuf,
    work: PathBuf,
    listed: PathBuf,
    results: PathBuf,
    left: PathBuf,
    jobs: usize,
    cargo: Vec<String>,
}

fn parse_arguments() -> Result<Arguments, String> {
    let mut named = HashMap::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next().filter(|word| word != "--") {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        named.insert(word, value);
    }
    let mut take = |name: &str| named.remove(name).ok_or_else(|| format!("{name} is missing"));
    let (repository, work) = (take("--repository")?.into(), take("--work")?.into());
    let (listed, results) = (take("--listed")?.into(), take("--results")?.into());
    let left = take("--left")?.into();
    let jobs =
        take("--jobs").map_or(Ok(2), |text| text.parse().map_err(|_| format!("--jobs {text}: no number")))?;
    match named.into_keys().next() {
        Some(name) => Err(format!("{name} is unknown")),
        None => Ok(Arguments { repository, work, listed, results, left, jobs, cargo: words.collect() }),
    }
}

/// Reads the outcome of each key; the last one counts.
fn read_results(path: &Path) -> Result<HashMap<String, String>, String> {
    if !path.exists() {
        return Ok(HashMap::new());
    }
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(outcome, key)| (key.to_owned(), outcome.to_owned()))
        .collect())
}

/// The results of all mutants, on the disk as soon as they are known.
struct Results<'a> {
    file: Mutex<File>,
    keys: &'a [String],
}

impl Results<'_> {
    fn add(&self, mutant: usize, outcome: Outcome) {
        let mut file = self.file.lock().expect("no thread panics with the file");
        writeln!(file, "{}\t{}", outcome.word(), self.keys[mutant]).expect("room for the results");
    }
}

/// Runs the tests of each mutant of `to_run`. Returns the mutants that are missed.
fn run_all(
    build: &Build,
    mutants: &[Mutant],
    to_run: &[usize],
    jobs: usize,
    results: &Results,
) -> Result<Vec<usize>, String> {
    if to_run.is_empty() {
        return Ok(Vec::new());
    }
    let tests = Tests::measure(build, &to_run.iter().map(|&index| &mutants[index]).collect::<Vec<_>>())?;
    let (next, missed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(&index) = to_run.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = tests.run(index, &mutants[index]);
                    results.add(index, outcome);
                    if outcome == Outcome::Missed {
                        missed.lock().expect("no thread panics with the list").push(index);
                    }
                }
            });
        }
    });
    let mut missed = missed.into_inner().expect("no thread panics with the list");
    missed.sort_unstable();
    Ok(missed)
}

fn run() -> Result<bool, String> {
    let arguments = parse_arguments()?;
    let text = fs::read_to_string(&arguments.listed)
        .map_err(|error| format!("{}: {error}", arguments.listed.display()))?;
    let mutants: Vec<Mutant> =
        serde_json::from_str(&text).map_err(|error| format!("the list of mutants: {error}"))?;
    let keys = listed::keys(&mutants);
    let known = read_results(&arguments.results)?;
    let outcome = |index: usize| known.get(&keys[index]).map(String::as_str);
    // Those that are known have a switch too, so that the next run needs no other build.
    let can_have_a_switch = |index: &usize| !matches!(outcome(*index), Some("unviable" | "left"));
    let chosen: Vec<usize> = (0..mutants.len()).filter(can_have_a_switch).collect();

    let folder = arguments.work.join("in_one_build");
    let build = Build::new(&arguments.repository, folder, &mutants, &chosen, &arguments.cargo)?;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&arguments.results)
        .map_err(|error| format!("{}: {error}", arguments.results.display()))?;
    let results = Results { file: Mutex::new(file), keys: &keys };
    for &index in &build.unviable {
        results.add(index, Outcome::Unviable);
    }
    for &index in &build.left {
        results.add(index, Outcome::Left);
    }
    let has_switch = |index: &usize| !build.unviable.contains(index) && !build.left.contains(index);
    let is_to_run = |index: &usize| matches!(outcome(*index), None | Some("missed")) && has_switch(index);
    let to_run: Vec<usize> = chosen.iter().copied().filter(is_to_run).collect();
    eprintln!(
        "{} mutants: {} are known, {} more do not compile, {} more need a build of their own, {} are to run",
        mutants.len(),
        known.len(),
        build.unviable.len(),
        build.left.len(),
        to_run.len()
    );
    let missed = run_all(&build, &mutants, &to_run, arguments.jobs, &results)?;
    for &index in &missed {
        println!("MISSED {}", mutants[index].name);
    }
    println!("{} of {} mutants missed", missed.len(), mutants.len());
    // A function that is called in constants alone is missed here: its mutants need a build of their own, too.
    let is_left = |index: &usize| build.left.contains(index) || outcome(*index) == Some("left");
    let left = missed.iter().copied().chain((0..mutants.len()).filter(is_left));
    let left: String = left.map(|index| format!("{}\t{}\n", keys[index], mutants[index].name)).collect();
    fs::write(&arguments.left, left).map_err(|error| format!("{}: {error}", arguments.left.display()))?;
    Ok(missed.is_empty())
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
