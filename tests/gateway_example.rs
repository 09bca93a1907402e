//! Tests of the example `gateway` with the example `tcp_client` as its devices: upgrades over sockets, in real time, from a
//! folder that other programs change.

// These tests run in real time.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::{Encode, ImageId};

#[path = "common/example_binaries.rs"]
mod example_binaries;

/// A file of an image with 20,000 bytes of firmware.
fn image(version: u32, fill: u8) -> Vec<u8> {
    let firmware: Vec<u8> = (0..20_000_u32).map(|place| place.to_le_bytes()[0] ^ fill).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &firmware }];
    let writer = FileWriter::new(FileHeader::new(ImageId::new(0x1001, 1, version)), &elements);
    writer.expect("small").to_vec()
}

/// Running example `gateway`, killed on drop.
struct Served {
    process: Child,
    input: ChildStdin,
    events: Receiver<Value>,
    address: String,
    folder: tempfile::TempDir,
}

impl Served {
    fn new(options: &[&str], files: &[(&str, Vec<u8>)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("room");
        }
        let mut command = Command::new(example_binaries::example("gateway"));
        command.args(options).arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it runs");
        let input = process.stdin.take().expect("piped");
        let out = BufReader::new(process.stdout.take().expect("piped"));
        let (printed, events) = channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| {
                let event: Value =
                    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                printed.send(event)
            })
        });
        let mut served = Self { process, input, events, address: String::new(), folder };
        let listening = served.wait_for("listening");
        served.address = listening["address"].as_str().expect("an address").to_owned();
        served
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it reads");
    }

    /// Returns the next event of this name.
    fn wait_for(&self, name: &str) -> Value {
        loop {
            let event = self.events.recv_timeout(Duration::from_secs(30));
            let event = event.unwrap_or_else(|error| panic!("{name}: {error}"));
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Starts a device that runs version 1.
    fn device(&self, options: &[&str]) -> Child {
        let mut command = Command::new(example_binaries::example("tcp_client"));
        command.args([&self.address, "--json", "--linger", "0"]).args(options);
        command.stdout(Stdio::piped()).spawn().expect("it runs")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the exit status of a device and its summary.
fn outcome(device: Child) -> (Option<i32>, Value) {
    let output = device.wait_with_output().expect("it ran");
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("a summary"))
}

/// Runs a program of the system.
fn run(program: &str, arguments: &[&Path]) {
    assert!(Command::new(program).args(arguments).status().expect("a program of the system").success());
}

/// Shows: FLD-054
#[test]
fn devices_upgrade_from_the_folder() {
    let mut served =
        Served::new(&[], &[("image.zigbee", image(7, 0)), ("notes.txt", b"no firmware".to_vec())]);
    assert_eq!(served.wait_for("file_added")["id"]["version"], 7);
    assert!(served.wait_for("file_rejected")["reason"].as_str().expect("a text").contains("notes.txt"));
    let devices: Vec<_> =
        [&["--window", "4"] as &[&str], &["--page", "1000", "--spacing", "1"], &[], &["--auto"]]
            .map(|how| served.device(how))
            .into();
    for device in devices {
        let (status, summary) = outcome(device);
        assert_eq!((status, &summary["outcome"]), (Some(0), &"upgraded".into()), "{summary}");
    }
    assert_eq!(served.wait_for("ended")["status"], 0);
    served.command(r#"{"command":"status"}"#);
    assert!(served.wait_for("status")["phases"]["downloaded"].is_number());
    served.command("nonsense");
    assert!(served.wait_for("bad_command")["reason"].is_string());
}

#[test]
fn an_operator_releases_devices_that_hold() {
    let mut served = Served::new(&["--hold"], &[("image.zigbee", image(7, 0))]);
    served.wait_for("file_added");
    let device = served.device(&[]);
    assert_eq!(served.wait_for("ended")["status"], 0);
    served.command(r#"{"command":"status"}"#);
    assert_eq!(served.wait_for("status")["phases"]["downloaded"], 1);
    assert_eq!(served.wait_for("executed")["command"]["command"], "status");
    served.command(r#"{"command":"release"}"#);
    let executed = served.wait_for("executed");
    assert_eq!((&executed["command"]["command"], &executed["has_effect"]), (&"release".into(), &true.into()));
    assert_eq!(outcome(device).0, Some(0));
}

#[test]
fn an_operator_cancels_a_download() {
    let mut served = Served::new(&["--hold"], &[("image.zigbee", image(7, 0))]);
    served.wait_for("file_added");
    let device = served.device(&[]);
    let client = served.wait_for("started")["client"].clone();
    served.command(&serde_json::json!({"command": "cancel", "client": client}).to_string());
    let cancelled = served.wait_for("cancelled");
    assert_eq!(cancelled["client"], client);
    let (status, summary) = outcome(device);
    assert_eq!(status, Some(1), "{summary}");
}

/// Other programs change the folder while devices download: no device runs a mixture of two files.
///
/// Shows: FLD-053
#[cfg(unix)]
#[test]
fn the_folder_changes_while_devices_download() {
    let served = Served::new(&[], &[("image.zigbee", image(7, 0))]);
    served.wait_for("file_added");
    let outside = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = outside.path().join(name);
        fs::write(&path, bytes).expect("room");
        path
    };
    // Both devices download slowly, and wait for a gateway that has no image for a moment.
    let start = || {
        let out = outside.path().join(format!("out-{}", fastrand::u64(..)));
        let device =
            served.device(&["--out", out.to_str().expect("UTF-8"), "--block", "16", "--timeout", "15"]);
        served.wait_for("started");
        (device, out)
    };

    // `cp` over the file: the same image with other bytes, and then another version.
    let (device, out) = start();
    run("cp", &[&write("other", &image(7, 0x55)), &served.path("image.zigbee")]);
    let replaced = served.wait_for("file_replaced");
    assert_eq!(replaced["id"], replaced["previous"]);
    let (status, summary) = outcome(device);
    assert!(
        status != Some(0) || fs::read(&out).expect("an image") == image(7, 0x55),
        "{summary}: a mixture of two files"
    );

    // `mv` over the file: a new version.
    let (device, out) = start();
    run("mv", &[&write("newer", &image(8, 0x11)), &served.path("image.zigbee")]);
    assert_eq!(served.wait_for("file_replaced")["id"]["version"], 8);
    let (status, summary) = outcome(device);
    if status == Some(0) {
        let got = fs::read(&out).expect("an image");
        assert!(got == image(8, 0x11) || got == image(7, 0x55), "{summary}: a mixture of two files");
    }

    // `truncate`: the file is no longer served, until it is whole again.
    let (device, out) = start();
    run("truncate", &[Path::new("--size=5000"), &served.path("image.zigbee")]);
    assert_eq!(served.wait_for("file_removed")["id"]["version"], 8);
    let (status, summary) = outcome(device);
    assert!(status != Some(0) || fs::read(&out).expect("an image") == image(8, 0x11), "{summary}");
    run("cp", &[&write("whole", &image(9, 0x22)), &served.path("image.zigbee")]);
    assert_eq!(served.wait_for("file_added")["id"]["version"], 9);
    let (device, out) = start();
    let (status, summary) = outcome(device);
    assert_eq!((status, &summary["identical"]), (Some(0), &true.into()), "{summary}");
    assert_eq!(fs::read(&out).expect("an image"), image(9, 0x22));
}
