//! Output that never blocks the gateway: a separate thread writes the lines, and lines are dropped and counted if the
//! reader is too slow.

use std::io::Write;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;

/// Maximum number of lines that wait to be written. A reader that keeps up never reaches this number.
const WAITING: usize = 4096;

/// Standard output or standard error, line by line.
pub struct Output {
    lines: SyncSender<String>,
    /// Number of lines dropped since the last written line.
    lost: u64,
}

impl Output {
    pub fn new(mut to: impl Write + Send + 'static) -> Self {
        let (lines, waiting) = sync_channel::<String>(WAITING);
        // The thread ends when the reader closes the output. The program then discards all later lines.
        thread::spawn(move || {
            for line in waiting {
                if to.write_all(line.as_bytes()).and_then(|()| to.flush()).is_err() {
                    return;
                }
            }
        });
        Self { lines, lost: 0 }
    }

    /// Prints a line. If the queue is full, the line is dropped. The function `lost` creates the line that reports the
    /// number of dropped lines.
    pub fn print(&mut self, line: &str, lost: impl FnOnce(u64) -> String) {
        if self.lost > 0 && self.send(&lost(self.lost)) {
            self.lost = 0;
        }
        if !self.send(line) {
            self.lost += 1;
        }
    }

    /// Sends a line to the thread, and returns whether there was room.
    fn send(&self, line: &str) -> bool {
        match self.lines.try_send(format!("{line}\n")) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => true,
            Err(TrySendError::Full(_)) => false,
        }
    }
}
