//! Runs of any of the example tools.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::example_binaries;
use crate::run_tool::{Folder, Ran};

/// Runs the tool named by the first word of `line` with the other words, in `folder` and without input.
pub fn run(folder: &Folder, line: &str) -> Ran {
    end(command(folder, line).stdin(Stdio::null()))
}

/// Runs a tool with a file of the folder as its standard input.
pub fn fed(folder: &Folder, line: &str, input: &str) -> Ran {
    end(command(folder, line).stdin(File::open(folder.path(input)).expect(input)))
}

fn command(folder: &Folder, line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(example_binaries::example(words.next().expect("a tool")));
    command.current_dir(folder.path("")).args(words);
    command
}

fn end(command: &mut Command) -> Ran {
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let status = output.status.code().expect("an exit status");
    Ran { status, out: text(output.stdout), err: text(output.stderr) }
}
