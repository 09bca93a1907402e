//! Process of the example `tcp_server` that is killed at the end of the test.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::example_binaries;

/// Running `tcp_server`, killed on drop.
pub struct Served {
    process: Child,
    address: String,
    lines: Mutex<Receiver<String>>,
}

impl Served {
    pub fn new(options: &[&str], file: &Path) -> Self {
        let mut command = Command::new(example_binaries::example("tcp_server"));
        command.args(options).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it runs");
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("a first line");
        // Later output is drained, because a full pipe would block the server.
        let (printed, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| printed.send(line)));
        let address = line.trim().strip_prefix("LISTENING ").expect(&line).to_owned();
        Self { process, address, lines: Mutex::new(lines) }
    }

    pub fn client(&self, options: &[&str]) -> Output {
        let mut command = Command::new(example_binaries::example("tcp_client"));
        command.args([&self.address, "--json", "--timeout", "20", "--linger", "0"]).args(options);
        command.output().expect("it runs")
    }

    pub fn socket(&self) -> (TcpStream, BufReader<TcpStream>) {
        let socket = TcpStream::connect(&self.address).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let lines = BufReader::new(socket.try_clone().expect("a second handle"));
        (socket, lines)
    }

    /// Sends a command to the server.
    #[allow(dead_code, reason = "one of the tests with this file commands no server")]
    pub fn command(&self, line: &str) {
        let mut input = self.process.stdin.as_ref().expect("piped");
        writeln!(input, "{line}").expect("it reads");
    }

    /// Returns the next output line after the first one.
    pub fn printed(&self) -> String {
        let lines = self.lines.lock().expect("no other reader failed");
        lines.recv_timeout(Duration::from_secs(10)).expect("a line")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
