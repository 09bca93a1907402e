//! The examples `tcp_server` and `tcp_client`, run as people run them: whole upgrades over sockets, in real time.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use zigbee_ota::file::{Element, Header, Tag, Writer};
use zigbee_ota::{Encode, ImageId};

#[path = "common/built.rs"]
mod built;

/// A server that ends with the test.
struct Served {
    process: Child,
    address: String,
}

impl Served {
    fn new(options: &[&str], file: &Path) -> Self {
        let mut command = Command::new(built::example("tcp_server"));
        let mut process = command.args(options).arg(file).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("a first line");
        // What it prints later is read, or it would wait for a reader.
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        let address = line.trim().strip_prefix("LISTENING ").expect(&line).to_owned();
        Self { process, address }
    }

    fn client(&self, options: &[&str]) -> Output {
        let mut command = Command::new(built::example("tcp_client"));
        command.args([&self.address, "--json", "--timeout", "20", "--linger", "0"]).args(options);
        command.output().expect("it runs")
    }

    fn socket(&self) -> (TcpStream, BufReader<TcpStream>) {
        let socket = TcpStream::connect(&self.address).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let lines = BufReader::new(socket.try_clone().expect("a second handle"));
        (socket, lines)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// A folder with an image of version 7 for maker 0x1001 and type 1.
fn folder() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
    let data: Vec<u8> =
        (0..20_000_u32).map(|place| place.to_le_bytes()[0] ^ place.to_le_bytes()[1]).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let file = Writer::new(Header::new(ImageId::new(0x1001, 1, 7)), &elements).expect("small").to_vec();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image.zigbee");
    fs::write(&path, &file).expect("room");
    (folder, path, file)
}

#[test]
fn a_device_asks_downloads_and_runs_the_image() {
    let (folder, path, file) = folder();
    let served = Served::new(&["--notify", "--max-block", "50"], &path);
    let out = folder.path().join("out.bin");
    let output = served.client(&["--out", out.to_str().expect("UTF-8")]);
    let summary = summary(&output);
    assert_eq!(output.status.code(), Some(0), "{summary}");
    assert_eq!((&summary["identical"], &summary["outcome"]), (&true.into(), &"upgraded".into()));
    assert_eq!(summary["blocks"], file.len().div_ceil(50));
    assert_eq!(fs::read(out).expect("it was written"), file);
}

#[test]
fn a_device_without_an_image_says_so() {
    let (_folder, path, _) = folder();
    let served = Served::new(&[], &path);
    let output = served.client(&["--current-version", "7"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(summary(&output)["outcome"], "no_image");
}

#[test]
fn a_device_upgrades_when_the_server_orders_it() {
    let (_folder, path, _) = folder();
    let served = Served::new(&["--upgrade-after", "1"], &path);
    let output = served.client(&[]);
    let summary = summary(&output);
    assert_eq!(output.status.code(), Some(0), "{summary}");
    assert!(summary["elapsed_ms"].as_u64().expect("a number") >= 1000, "{summary}");
}

#[test]
fn damaged_lines_end_no_connection() {
    let (_folder, path, _) = folder();
    let served = Served::new(&[], &path);
    let (mut socket, mut lines) = served.socket();
    let long = [&[b'0'; 100_000][..], b"\n"].concat();
    for line in [&b"\n"[..], b"no frame\n", b"0\n", b"ff\n", b"\xff\xfe\n", b"0105\n", &long] {
        socket.write_all(line).expect("it listens");
    }
    // A block request at offset 0 for 4 bytes, in upper case and with the line end of other systems.
    socket.write_all(b"010703000110010007000000000000000 4\r\n").expect("it listens");
    socket.write_all(b"0107030001100100070000000000000004\r\n").expect("it listens");
    let mut line = String::new();
    lines.read_line(&mut line).expect("an answer");
    assert_eq!(line, "190705000110010007000000000000000 41ef1ee0b\n".replace(' ', ""));
}

#[test]
fn many_devices_are_served_while_some_misbehave() {
    let (_folder, path, _) = folder();
    let served = Served::new(&[], &path);
    // One that floods without reading, and one that never ends its line.
    let (mut flood, _) = served.socket();
    flood.set_write_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    let request = b"01070300011001000700000000000000ff\n".repeat(2000);
    for _ in 0..50 {
        if flood.write_all(&request).is_err() {
            break;
        }
    }
    let (mut endless, _) = served.socket();
    endless.write_all(&[b'0'; 50_000]).expect("it listens");
    let clients: Vec<Output> = std::thread::scope(|scope| {
        let served = &served;
        let running: Vec<_> = (0..8).map(|_| scope.spawn(|| served.client(&[]))).collect();
        running.into_iter().map(|client| client.join().expect("it ran")).collect()
    });
    for output in clients {
        assert_eq!(output.status.code(), Some(0), "{}", summary(&output));
    }
}
