//! Mutation test of the explorer: it must find the faults that the mutants put into client and server.
//!
//! ```text
//! mutants --repository FOLDER --work FOLDER --table mutants.tsv [--only NUMBER]
//! ```
//!
//! The table has one line for each mutant: a name, a file of the library, the text to replace, the text to put there, and
//! `found` or the reason why the explorer cannot find it. Each mutant is built in a copy of the repository, which the
//! command makes with `git ls-files`, and explored until the first violation. The exit status is 1 when a mutant is not
//! found that should be, or when more than a quarter of them is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// One line of the table of mutants.
struct Mutant {
    name: String,
    file: String,
    from: String,
    to: String,
    /// `found`, or why not.
    expected: String,
}

fn read_table(path: &Path) -> Result<Vec<Mutant>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let parse = |line: &str| {
        let fields: Vec<String> = line.split('\t').map(|field| field.replace("\\n", "\n")).collect();
        let [name, file, from, to, expected] =
            <[String; 5]>::try_from(fields).map_err(|_| format!("not five columns: {line}"))?;
        Ok(Mutant { name, file, from, to, expected })
    };
    lines.map(parse).collect()
}

fn run(command: &mut Command) -> Result<(bool, String), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((output.status.success(), text))
}

/// Copies all tracked files of the repository to `to`.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(from)
        .output()
        .map_err(|error| format!("git: {error}"))?;
    for name in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (from.join(name), to.join(name));
        // Listed, but deleted since.
        let Ok(bytes) = fs::read(&from) else { continue };
        // The same bytes keep their date, so that cargo does not build them again.
        if fs::read(&to).is_ok_and(|old| old == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().expect("a file in a folder")).map_err(|error| error.to_string())?;
        fs::write(&to, bytes).map_err(|error| format!("{}: {error}", to.display()))?;
    }
    Ok(())
}

/// Builds and runs the explorer in the folder `tree`. Returns whether no property was violated, and the output.
fn explore(tree: &Path) -> Result<(bool, String), String> {
    let folder = tree.join("tests/crates/explore");
    let target = tree.join("target");
    let mut build = Command::new("cargo");
    build.args(["build", "--quiet", "--release", "--bin", "explore"]).current_dir(&folder);
    let (is_built, text) = run(build.env("CARGO_TARGET_DIR", &target))?;
    if !is_built {
        return Err(format!("the mutant does not build: {text}"));
    }
    let mut explore = Command::new(target.join("release/explore"));
    run(explore.args(["--stop", "--list", "long_waits.tsv"]).current_dir(&folder))
}

/// Returns the text of the file that the mutant changes. The text to replace must stand in the file once.
fn unchanged(mutant: &Mutant, tree: &Path) -> Result<String, String> {
    let path = tree.join(&mutant.file);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    match text.matches(&mutant.from).count() {
        1 => Ok(text),
        count => Err(format!("{}: {} has {count} times: {}", mutant.name, mutant.file, mutant.from)),
    }
}

fn judge(mutant: &Mutant, tree: &Path) -> Result<bool, String> {
    let (path, text) = (tree.join(&mutant.file), unchanged(mutant, tree)?);
    fs::write(&path, text.replacen(&mutant.from, &mutant.to, 1)).map_err(|error| error.to_string())?;
    let explored = explore(tree);
    fs::write(&path, text).map_err(|error| error.to_string())?;
    let (is_good, printed) = explored?;
    let reasons =
        printed.lines().filter(|line| line.starts_with("VIOLATED") || line.starts_with("no such wait"));
    for reason in reasons.take(3) {
        println!("    {reason}");
    }
    Ok(!is_good)
}

fn run_all() -> Result<bool, String> {
    let (mut repository, mut work, mut table, mut only) =
        (PathBuf::new(), PathBuf::new(), PathBuf::new(), None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--repository" => repository = value.into(),
            "--work" => work = value.into(),
            "--table" => table = value.into(),
            "--only" => only = Some(value.parse::<usize>().map_err(|error| error.to_string())?),
            other => return Err(format!("what is {other}?")),
        }
    }
    let mutants = read_table(&table)?;
    copy(&repository, &work)?;
    let (mut found, mut is_good) = (0, true);
    let chosen = (1..).zip(&mutants).filter(|(number, _)| only.is_none_or(|only| only == *number));
    for (number, mutant) in chosen {
        println!("{number} {} ({})", mutant.name, mutant.file);
        let is_found = judge(mutant, &work)?;
        found += usize::from(is_found);
        match (is_found, mutant.expected.as_str()) {
            (true, "found") => {}
            (true, reason) => {
                is_good = false;
                println!("    is found after all; the table says: {reason}");
            }
            (false, "found") => {
                is_good = false;
                println!("    NOT FOUND");
            }
            (false, reason) => println!("    not found: {reason}"),
        }
    }
    println!("{found} of {} mutants found", mutants.len());
    Ok(is_good && (only.is_some() || found * 4 >= mutants.len() * 3))
}

fn main() -> ExitCode {
    match run_all() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table follows the sources: a mutant whose text is gone would be found out only when all mutants are explored.
    #[test]
    fn each_mutant_changes_a_text_of_the_library() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mutants = read_table(&folder.join("mutants.tsv")).expect("the table");
        assert!(mutants.len() > 10);
        let faults: Vec<String> =
            mutants.iter().filter_map(|mutant| unchanged(mutant, &folder.join("../../..")).err()).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}
