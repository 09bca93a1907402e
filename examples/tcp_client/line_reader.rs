//! Reader of lines from a socket, with a deadline and a maximum length.

use std::io::{ErrorKind, Read, Result};
use std::net::TcpStream;
use std::time::{Duration, Instant as Clock};

/// Maximum length of a line in bytes without its end, far above every frame of the cluster.
const MAX_LINE: usize = 4096;

/// Reader that keeps the bytes of an incomplete line between two calls.
pub struct LineReader {
    socket: TcpStream,
    /// Bytes that were received after the last line.
    received: Vec<u8>,
    /// Whether the bytes up to the next line end belong to a line that is too long.
    is_skipping: bool,
}

/// Input from the socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// A line without its end.
    Line(Vec<u8>),
    /// The start of a line that has more than [`MAX_LINE`] bytes. The rest of the line is skipped.
    TooLong,
    /// No complete line arrived before the deadline.
    Nothing,
    /// The server closed the connection.
    End,
}

impl LineReader {
    pub const fn new(socket: TcpStream) -> Self {
        Self { socket, received: Vec::new(), is_skipping: false }
    }

    /// Returns the next line, or [`Input::Nothing`] when `deadline` has passed. A server that sends single bytes without
    /// a line end cannot delay the return beyond the deadline.
    pub fn read(&mut self, deadline: Clock) -> Result<Input> {
        loop {
            if let Some(input) = self.next_input() {
                return Ok(input);
            }
            let left = deadline.saturating_duration_since(Clock::now());
            // `set_read_timeout` returns an error for a timeout of zero, so the minimum is one millisecond.
            self.socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            let mut bytes = [0; MAX_LINE];
            match self.socket.read(&mut bytes) {
                Ok(0) => return Ok(Input::End),
                Ok(len) => self.received.extend_from_slice(&bytes[..len]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset) => return Ok(Input::End),
                Err(error) => return Err(error),
            }
            if left.is_zero() && !self.received.contains(&b'\n') {
                return Ok(Input::Nothing);
            }
        }
    }

    /// Removes the next line from the received bytes, and returns the line. Returns `None` if the line is not complete.
    fn next_input(&mut self) -> Option<Input> {
        loop {
            let Some(end) = self.received.iter().position(|byte| *byte == b'\n') else {
                if self.received.len() <= MAX_LINE {
                    return None;
                }
                self.received.clear();
                return (!std::mem::replace(&mut self.is_skipping, true)).then_some(Input::TooLong);
            };
            let mut line: Vec<u8> = self.received.drain(..=end).collect();
            if std::mem::take(&mut self.is_skipping) {
                continue;
            }
            line.pop();
            return Some(if line.len() > MAX_LINE { Input::TooLong } else { Input::Line(line) });
        }
    }
}
