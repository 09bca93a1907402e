//! The server and the emulated board as processes, with power cuts.
//!
//! The flash of the emulated board is in QEMU's memory. A power cut stops the processor through QEMU's machine protocol
//! (QMP), saves flash by `memsave` (`pmemsave` does not see the address space of the chip), and kills QEMU; the next
//! start gets the saved flash as its kernel.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;

/// The longest time that a run may take: under load a download of seconds takes a quarter of a minute.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of flash.
const FLASH: u32 = 0x4_0000;

/// A running `tcp_server`.
pub struct Server {
    process: Child,
    port: u16,
}

impl Server {
    pub fn start(tools: &Path, file: &Path) -> Result<Self> {
        let mut process = Command::new(tools.join("tcp_server"))
            .arg("--notify")
            .arg(file)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("tcp_server: {error}"))?;
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().ok_or("tcp_server has no output")?);
        output.read_line(&mut line)?;
        let port = line.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port = port.ok_or_else(|| format!("tcp_server says {line:?}"))?;
        // Its events are read, so that the pipe does not fill up.
        thread::spawn(move || output.read_to_end(&mut Vec::new()));
        Ok(Self { process, port })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The output and the exit status of a run.
pub struct Report {
    pub output: String,
    pub status: Option<i32>,
}

impl Report {
    pub fn expect_status(self, status: i32, purpose: &str) -> Result<Self> {
        if self.status == Some(status) {
            return Ok(self);
        }
        Err(format!("{purpose}: exit status {:?} for {status}, after\n{}", self.status, self.output).into())
    }

    pub fn has_line(&self, start: &str) -> bool {
        self.output.lines().any(|line| line.starts_with(start))
    }

    pub fn expect_line(&self, start: &str) -> Result<()> {
        if self.has_line(start) {
            Ok(())
        } else {
            Err(format!("no line {start:?} in\n{}", self.output).into())
        }
    }

    /// Flash held `file` when the device verified it.
    pub fn expect_image(&self, file: &[u8], purpose: &str) -> Result<()> {
        let line = format!("IMAGE crc={:08x} size={}", crc32(file), file.len());
        self.expect_line(&line).map_err(|error| format!("{purpose}: {error}").into())
    }

    /// The number behind `name=` in the last line that starts with `line`.
    pub fn number(&self, line: &str, name: &str) -> Result<u64> {
        let text = self.output.lines().rev().find(|text| text.starts_with(line));
        let word =
            text.and_then(|text| text.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=')));
        let number = word.and_then(|word| word.parse().ok());
        number.ok_or_else(|| format!("no number {name} in {line} of\n{}", self.output).into())
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1)))
    })
}

/// The contents of flash after a power cut.
pub struct SavedFlash {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

/// A board with a firmware and the options of its command line, separated by commas.
pub struct Board {
    pub firmware: PathBuf,
    pub options: String,
    /// Virtual time advances with each instruction, 64 ns for one, instead of with the host's clock.
    pub counts: bool,
}

impl Board {
    fn command(&self, server: &Server, kernel: &Path) -> Command {
        let options: String = self.options.split(',').map(|option| format!(",arg={option}")).collect();
        let mut command = Command::new("qemu-system-arm");
        command.args(["-M", "microbit", "-display", "none", "-monitor", "none", "-kernel"]).arg(kernel);
        // Without `nodelay` Nagle's algorithm and delayed acknowledgements cost 44 ms for each block.
        command.args(["-serial", &format!("tcp:127.0.0.1:{},nodelay=on", server.port)]);
        command.args(["-semihosting-config", &format!("enable=on,target=native,arg=board{options}")]);
        if self.counts {
            command.args(["-icount", "shift=6"]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, server: &Server) -> Result<Report> {
        self.run_from(server, None)
    }

    pub fn run_from(&self, server: &Server, flash: Option<SavedFlash>) -> Result<Report> {
        let kernel = flash.as_ref().map_or(&*self.firmware, |flash| &flash.path);
        let mut qemu =
            self.command(server, kernel).spawn().map_err(|error| format!("qemu-system-arm: {error}"))?;
        let output = read_in_background(&mut qemu)?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = qemu.try_wait()? {
                break status.code();
            }
            if start.elapsed() > TIMEOUT {
                qemu.kill()?;
                qemu.wait()?;
                break None;
            }
            thread::sleep(Duration::from_millis(5));
        };
        Ok(Report { output: output.join().map_err(|_| "the reader failed")?, status })
    }

    /// Cuts the power after `after` milliseconds. Returns the output and, unless the device had finished before, the
    /// contents of its flash.
    pub fn run_until_cut(
        &self,
        server: &Server,
        flash: Option<SavedFlash>,
        after: u64,
    ) -> Result<(String, Option<SavedFlash>)> {
        let folder = tempfile::tempdir()?;
        let (socket, path) = (folder.path().join("qmp"), folder.path().join("flash"));
        let kernel = flash.as_ref().map_or(&*self.firmware, |flash| &flash.path);
        let mut command = self.command(server, kernel);
        command.args(["-qmp", &format!("unix:{},server=on,wait=off", socket.display())]);
        let mut qemu = command.spawn()?;
        let output = read_in_background(&mut qemu)?;
        let start = Instant::now();
        let mut machine = Machine::connect(&socket)?;
        thread::sleep(Duration::from_millis(after).saturating_sub(start.elapsed()));
        let file = path.display().to_string();
        let is_cut = machine.execute("stop", json!({})).is_ok()
            && machine
                .execute("memsave", json!({ "val": 0, "size": FLASH, "filename": file, "cpu-index": 0 }))
                .is_ok();
        qemu.kill()?;
        qemu.wait()?;
        let output = output.join().map_err(|_| "the reader failed")?;
        let is_complete = fs::metadata(&path).is_ok_and(|flash| flash.len() == u64::from(FLASH));
        Ok((output, (is_cut && is_complete).then_some(SavedFlash { _folder: folder, path })))
    }
}

fn read_in_background(qemu: &mut Child) -> Result<thread::JoinHandle<String>> {
    let mut output = qemu.stderr.take().ok_or("QEMU has no output")?;
    Ok(thread::spawn(move || {
        let mut text = Vec::new();
        output.read_to_end(&mut text).ok();
        String::from_utf8_lossy(&text).into_owned()
    }))
}

/// A connection to QEMU's machine protocol: a JSON object a line.
struct Machine {
    stream: BufReader<UnixStream>,
}

impl Machine {
    fn connect(socket: &Path) -> Result<Self> {
        let start = Instant::now();
        let stream = loop {
            match UnixStream::connect(socket) {
                Ok(stream) => break stream,
                Err(error) if start.elapsed() > TIMEOUT => return Err(error.into()),
                Err(_) => thread::sleep(Duration::from_millis(2)),
            }
        };
        stream.set_read_timeout(Some(TIMEOUT))?;
        let mut machine = Self { stream: BufReader::new(stream) };
        machine.read()?;
        machine.execute("qmp_capabilities", json!({}))?;
        Ok(machine)
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err("QEMU has ended".into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    fn execute(&mut self, command: &str, arguments: Value) -> Result<()> {
        let line = json!({ "execute": command, "arguments": arguments });
        writeln!(self.stream.get_mut(), "{line}")?;
        loop {
            let answer = self.read()?;
            if answer.get("return").is_some() {
                return Ok(());
            }
            if let Some(error) = answer.get("error") {
                return Err(format!("{command}: {error}").into());
            }
        }
    }
}
