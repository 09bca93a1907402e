//! The tool itself, and a folder to run it in.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::example_binaries;

/// What every file needs; the numbers of the documented call.
pub const IDS: &str = "-v 0x01010110 -m 0x1001 -i 0x1011";

/// The tool.
pub fn tool() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| example_binaries::example("ota"))
}

/// What a run of the tool left.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Each line of the output as JSON.
    pub fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Asserts the exit status and that one of the streams says `text`.
    #[track_caller]
    pub fn says(&self, status: i32, text: &str) -> &Self {
        let Self { status: found, out, err } = self;
        assert_eq!(*found, status, "{out}{err}");
        assert!(out.contains(text) || err.contains(text), "no {text:?} in\n{out}{err}");
        self
    }
}

/// A folder of its own for one test.
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

    /// The names in it, sorted.
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

    /// Runs the tool with what is between the blanks of `line`.
    pub fn ota(&self, line: &str) -> Ran {
        self.run(line.split_whitespace())
    }

    /// The bytes of the file that `create` makes with these options beside `-c`.
    #[track_caller]
    pub fn create(&self, options: &str) -> Vec<u8> {
        let ran = self.ota(&format!("create -c created {options}"));
        assert_eq!(ran.status, 0, "{options}: {}", ran.err);
        self.read("created")
    }

    /// `create` with these options beside `-c` writes nothing; what it says then.
    #[track_caller]
    pub fn create_fails(&self, options: &str) -> Ran {
        let before = self.names();
        let ran = self.ota(&format!("create -c none {options}"));
        assert_ne!(ran.status, 0, "{options}");
        assert_eq!(self.names(), before, "{options}");
        ran
    }
}

/// ISO-HDLC, bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
}
