//! What stops a command, and how it is said.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something is wrong with the file at a path, or with what was asked of it.
    #[error("{0}")]
    Said(String),
    /// There is nothing to do what was asked with; exit status 2.
    #[error("{0}")]
    Nothing(String),
    /// Standard output takes no more.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// A failure about the file at `path`.
    pub fn at(path: &Path, reason: impl Display) -> Self {
        Self::Said(format!("{}: {reason}", path.display()))
    }

    /// Nothing to work on at `path`.
    pub fn nothing(path: &Path, reason: impl Display) -> Self {
        Self::Nothing(format!("{}: {reason}", path.display()))
    }

    /// Whether the reader of standard output went away.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }
}

/// One line on standard error. Not `eprintln`, which panics when nobody reads it.
pub fn complain(what: impl Display) {
    let _ = writeln!(io::stderr(), "ota: {what}");
}
