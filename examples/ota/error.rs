//! Error type of the tool, and messages on standard error.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::terminal_escape;

/// Reason why a subcommand stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Error about the file at a path, or about the request.
    #[error("{0}")]
    Said(String),
    /// Error because there is no input to work on. The exit status is 2.
    #[error("{0}")]
    Nothing(String),
    /// Write error of standard output.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// Creates an error about the file at `path`.
    pub fn at(path: &Path, reason: impl Display) -> Self {
        Self::Said(format!("{}: {reason}", terminal_escape::path(path)))
    }

    /// Creates the error for a missing input at `path`.
    pub fn nothing(path: &Path, reason: impl Display) -> Self {
        Self::Nothing(format!("{}: {reason}", terminal_escape::path(path)))
    }

    /// Creates the error of a subcommand that needs OpenSSL, and names the subcommand to use instead.
    #[cfg(not(feature = "openssl"))]
    pub fn needs_openssl(command: &str, instead: &str) -> Self {
        Self::Said(format!(
            "{command}: built without OpenSSL. Build it with `cargo build --example ota --features openssl`, which \
             needs the system's OpenSSL and its headers (Debian: libssl-dev and pkg-config){instead}"
        ))
    }

    /// Whether the reader of standard output has closed the pipe.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }
}

/// Prints one line on standard error, and escapes control characters in it. `eprintln` would panic when standard error
/// is closed.
pub fn complain(what: impl Display) {
    let _ = writeln!(io::stderr(), "ota: {}", terminal_escape::text(&what.to_string()));
}
