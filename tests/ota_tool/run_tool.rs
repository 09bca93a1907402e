//! Runs of the `ota` tool in a temporary folder.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::example_binaries;

/// Required options of `create`, with the values of the documented command line.
pub const IDS: &str = "-v 0x01010110 -m 0x1001 -i 0x1011";

/// Returns the path of the tool.
pub fn tool() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| example_binaries::example("ota"))
}

/// Result of a run.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Parses each output line as JSON.
    pub fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Asserts the exit status, and that standard output or standard error contains `text`.
    #[track_caller]
    pub fn says(&self, status: i32, text: &str) -> &Self {
        let Self { status: found, out, err } = self;
        assert_eq!(*found, status, "{out}{err}");
        assert!(out.contains(text) || err.contains(text), "no {text:?} in\n{out}{err}");
        self
    }
}

/// Temporary folder of one test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect(name);
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect(name)
    }

    /// Returns the sorted names of the files in the folder.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    }

    pub fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(tool());
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    /// Runs the tool in this folder.
    pub fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Ran {
        let output = self.command(arguments).output().expect("the tool");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let status = output.status.code().expect("an exit status");
        Ran { status, out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs the tool with the blank-separated arguments of `line`.
    pub fn ota(&self, line: &str) -> Ran {
        self.run(line.split_whitespace())
    }

    /// Runs `create` with `-c` and these options; returns the bytes of the file.
    #[track_caller]
    pub fn create(&self, options: &str) -> Vec<u8> {
        let ran = self.ota(&format!("create -c created {options}"));
        assert_eq!(ran.status, 0, "{options}: {}", ran.err);
        self.read("created")
    }

    /// Runs `create` with `-c` and these options, which must write nothing; returns the result.
    #[track_caller]
    pub fn create_fails(&self, options: &str) -> Ran {
        let before = self.names();
        let ran = self.ota(&format!("create -c none {options}"));
        assert_ne!(ran.status, 0, "{options}");
        assert_eq!(self.names(), before, "{options}");
        ran
    }
}

/// CRC-32/ISO-HDLC, computed bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
}
