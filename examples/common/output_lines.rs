//! Lines on standard output and standard error. The macros of the standard library (`println!`, `eprintln!`) panic when
//! the reader of a pipe, such as `head`, has closed the pipe.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process;

/// Prints a line on standard output. If the reader of the output has closed the pipe, the program ends with exit status
/// 0.
#[allow(dead_code, reason = "not every program prints lines of both kinds")]
pub fn line(text: impl Display) {
    write(&format!("{text}\n"));
}

/// Prints a text on standard output as [`line`] does, without the end of a line.
#[allow(dead_code, reason = "not every program prints texts without an end")]
pub fn write(text: &str) {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(0),
        Err(error) => {
            complain(format_args!("standard output: {error}"));
            process::exit(1);
        }
    }
}

/// Prints a line on standard error. If standard error cannot be written, the function ignores the error.
#[allow(dead_code, reason = "not every program prints lines of both kinds")]
pub fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
