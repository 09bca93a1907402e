//! Lines of standard input, for programs that do other work while they wait for a line.

use std::io::{BufRead, Read, stdin};
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

/// Maximum length of a line in bytes; a longer line cannot be a command.
const LONGEST_LINE: u64 = 1000;

/// Reads standard input in a thread of its own, because reading a terminal or a pipe blocks.
pub fn read() -> Receiver<String> {
    let (sender, lines) = channel(1);
    thread::spawn(move || {
        let mut input = stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            if sender.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    lines
}
