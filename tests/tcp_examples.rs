//! Tests of the examples `tcp_server` and `tcp_client` as command line tools: whole upgrades over sockets, in real
//! time.

// These tests run in real time.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use zigbee_ota::file::{Element, FileHeader, FileWriter, Image, Tag};
use zigbee_ota::signature::integrity::IntegrityCode;
use zigbee_ota::{Encode, ImageId};

use tcp_server_process::Served;

#[path = "common/example_binaries.rs"]
mod example_binaries;
#[path = "common/tcp_server_process.rs"]
mod tcp_server_process;

fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Creates a folder with an image of version 7 for manufacturer 0x1001 and image type 1.
fn folder() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
    let data: Vec<u8> =
        (0..20_000_u32).map(|place| place.to_le_bytes()[0] ^ place.to_le_bytes()[1]).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let file =
        FileWriter::new(FileHeader::new(ImageId::new(0x1001, 1, 7)), &elements).expect("small").to_vec();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image.zigbee");
    fs::write(&path, &file).expect("room");
    (folder, path, file)
}

#[test]
fn a_device_queries_downloads_and_runs_the_image() {
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
fn a_device_may_use_a_window_or_pages() {
    let (folder, path, file) = folder();
    let served = Served::new(&[], &path);
    for how in [&["--window", "4"] as &[&str], &["--page", "1000", "--spacing", "1"], &["--auto"]] {
        let out = folder.path().join("out.bin");
        let output = served.client(&[how, &["--out", out.to_str().expect("UTF-8")]].concat());
        let summary = summary(&output);
        assert_eq!((output.status.code(), &summary["outcome"]), (Some(0), &"upgraded".into()), "{how:?}");
        assert_eq!(fs::read(out).expect("it was written"), file, "{how:?}");
    }
}

#[test]
fn a_device_without_an_offer_reports_it() {
    let (_folder, path, _) = folder();
    let served = Served::new(&[], &path);
    let output = served.client(&["--current-version", "7"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(summary(&output)["outcome"], "no_image");
}

#[test]
fn a_device_upgrades_at_the_time_of_the_upgrade_end_response() {
    let (_folder, path, _) = folder();
    let served = Served::new(&["--upgrade-after", "1"], &path);
    let output = served.client(&[]);
    let summary = summary(&output);
    assert_eq!(output.status.code(), Some(0), "{summary}");
    assert!(summary["elapsed_ms"].as_u64().expect("a number") >= 1000, "{summary}");
}

#[test]
fn a_device_with_an_authority_takes_only_signed_images() {
    let file = include_bytes!("data/signed_files/suite1.ota");
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("room");
        path
    };
    let id = Image::parse(file).expect("a file").header().id;
    let [maker, kind] = [id.manufacturer.0, id.image_type.0].map(|code| code.to_string());
    let device = ["--manufacturer-code", &maker, "--image-type", &kind, "--current-version", "0"];
    let ca = ["--ca", "1122334455667701:03044e934f8ff716cc44edefc833286c721328d8ccfd"];
    let signer = ["--signer", "00124b00aabbccdd"];
    let outcome = |served: &Served, options: &[&[&str]]| {
        let options = [&device[..], &options.concat()].concat();
        let output = served.client(&options);
        let word = summary(&output)["outcome"].as_str().expect("a word").to_owned();
        (
            output.status.code().expect("an exit status"),
            word,
            String::from_utf8(output.stderr).expect("UTF-8"),
        )
    };
    let upgraded = |served: &Served, options: &[&[&str]]| {
        let found = outcome(served, options);
        assert_eq!((found.0, found.1.as_str()), (0, "upgraded"), "{}", found.2);
    };
    let refused = |served: &Served, options: &[&[&str]], reason: &str| {
        let found = outcome(served, options);
        assert_eq!((found.0, found.1.as_str()), (1, "invalid_image"), "{}", found.2);
        assert!(found.2.contains(reason), "{}", found.2);
    };
    let served = Served::new(&[], &write("signed", file));
    upgraded(&served, &[&ca, &signer]);
    upgraded(&served, &[&ca]);
    upgraded(&served, &[]);
    refused(
        &served,
        &[&ca, &["--signer", "00124b00aabbccde"]],
        "signer 00:12:4B:00:AA:BB:CC:DD is not allowed",
    );
    refused(&served, &[&signer], "issuer 11:22:33:44:55:66:77:01 is not known");

    let mut wrong = file.to_vec();
    wrong[70] ^= 1;
    refused(&Served::new(&[], &write("wrong", &wrong)), &[&ca, &signer], "the signature is wrong");
    let mut unsigned = file[..file.len() - 110].to_vec();
    unsigned[52] = u8::try_from(unsigned.len()).expect("short");
    let served = Served::new(&[], &write("unsigned", &unsigned));
    refused(&served, &[&ca], "no signature");
    upgraded(&served, &[]);
}

#[test]
fn a_device_refuses_an_image_whose_integrity_code_is_wrong() {
    let (folder, path, file) = folder();
    let mut sealed = vec![0; file.len() + IntegrityCode::LEN];
    IntegrityCode::append(&file, &mut sealed).expect("an unsigned file");
    for (flip, status) in [(0, 0), (1, 1)] {
        sealed[1000] ^= flip;
        fs::write(&path, &sealed).expect("room");
        let output = Served::new(&["--force"], &path).client(&[]);
        assert_eq!(output.status.code(), Some(status), "{}", summary(&output));
        assert_eq!(summary(&output)["outcome"] == "invalid_image", flip == 1);
    }
    drop(folder);
}

#[test]
fn malformed_lines_do_not_end_a_connection() {
    let (_folder, path, _) = folder();
    let served = Served::new(&[], &path);
    let (mut socket, mut lines) = served.socket();
    let long = [&[b'0'; 100_000][..], b"\n"].concat();
    for line in [&b"\n"[..], b"no frame\n", b"0\n", b"ff\n", b"\xff\xfe\n", b"0105\n", &long] {
        socket.write_all(line).expect("it listens");
    }
    // Block request at offset 0 for 4 bytes, in upper case and with CR LF.
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
    // One client floods without reading, and one never ends its line.
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

/// Runs `tcp_client` with `options` against a server that calls `serve` with its one connection.
fn client_of(serve: impl FnOnce(TcpStream) + Send, options: &[&str]) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it listens").to_string();
    std::thread::scope(|scope| {
        scope.spawn(move || serve(listener.accept().expect("a client").0));
        let mut client = Command::new(example_binaries::example("tcp_client"));
        client.args([&address, "--json", "--linger", "0"]).args(options).output().expect("it runs")
    })
}

/// Asserts that the client ended because its second was over, and not much later.
fn assert_timed_out(output: &Output, started: Instant) {
    assert_eq!((output.status.code(), &summary(output)["outcome"]), (Some(1), &"timed_out".into()));
    let elapsed = summary(output)["elapsed_ms"].as_u64().expect("a number");
    assert!((1000..1500).contains(&elapsed), "{elapsed} ms");
    assert!(started.elapsed() < Duration::from_secs(60), "it was built meanwhile");
}

/// Shows: FLD-029
#[test]
fn a_server_without_line_ends_cannot_delay_the_timeout_of_a_device() {
    let drips = |mut socket: TcpStream| {
        while socket.write_all(b"0").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let started = Instant::now();
    assert_timed_out(&client_of(drips, &["--timeout", "1"]), started);
    let streams = |mut socket: TcpStream| while socket.write_all(&[b'0'; 60_000]).is_ok() {};
    let output = client_of(streams, &["--timeout", "1"]);
    assert_timed_out(&output, started);
    let complaints = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(complaints, "tcp_client: a line that is too long was passed over\n");
    // A server that reads nothing and sends nothing.
    let sleeps = |socket: TcpStream| {
        std::thread::sleep(Duration::from_secs(3));
        drop(socket);
    };
    assert_timed_out(&client_of(sleeps, &["--timeout", "1"]), started);
}

/// Shows: FLD-031
#[test]
fn ignored_frames_are_counted_by_their_reason() {
    let floods = |mut socket: TcpStream| {
        let query = b"011101005f1101012b1a0000\n";
        let block = b"1907059800\n";
        let _ = socket.write_all(&[query.repeat(3000), block.repeat(500)].concat());
        std::thread::sleep(Duration::from_millis(1500));
    };
    let output = client_of(floods, &["--timeout", "1"]);
    let complaints = String::from_utf8(output.stderr).expect("UTF-8");
    let mut lines: Vec<_> = complaints.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "tcp_client: a frame was ignored: no request waits for the frame",
            "tcp_client: a frame was ignored: no request waits for the frame (500 times)",
            "tcp_client: a frame was ignored: the frame is for a server or no command of the cluster",
            "tcp_client: a frame was ignored: the frame is for a server or no command of the cluster (3000 times)",
        ]
    );
}

/// Shows: FLD-030
#[test]
fn a_device_that_counts_down_needs_no_connection() {
    let (_folder, _, file) = folder();
    // Serves the file, sets the upgrade one second ahead, and closes the connection.
    let serve = |delay: Option<u8>| {
        let file = file.clone();
        move |mut socket: TcpStream| {
            let mut lines = BufReader::new(socket.try_clone().expect("a second handle"));
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|len| len > 0) {
                let frame: Vec<u8> = (0..line.trim().len() / 2)
                    .map(|place| u8::from_str_radix(&line[2 * place..2 * place + 2], 16).expect("digits"))
                    .collect();
                line.clear();
                let id = [0x01, 0x10, 0x01, 0x00, 0x07, 0, 0, 0];
                let len = u32::try_from(file.len()).expect("small").to_le_bytes();
                let (command, payload) = match frame[2] {
                    0x01 => (0x02, [&[0], &id[..], &len].concat()),
                    0x03 => {
                        let start = u32::from_le_bytes(frame[12..16].try_into().expect("four")) as usize;
                        let data = &file[start..file.len().min(start + usize::from(frame[16]))];
                        let size = u8::try_from(data.len()).expect("a block");
                        (0x05, [&[0], &id[..], &frame[12..16], &[size], data].concat())
                    }
                    _ => match delay {
                        Some(delay) => (0x07, [&id[..], &[0, 0, 0, 0, delay, 0, 0, 0]].concat()),
                        None => return,
                    },
                };
                let answer = [&[0x19, frame[1], command][..], &payload].concat();
                let digits: String = answer.iter().map(|byte| format!("{byte:02x}")).collect();
                socket.write_all(format!("{digits}\n").as_bytes()).expect("it listens");
                if command == 0x07 {
                    return;
                }
            }
        }
    };
    let output = client_of(serve(Some(1)), &["--timeout", "20"]);
    assert_eq!((output.status.code(), &summary(&output)["outcome"]), (Some(0), &"upgraded".into()));
    assert!(summary(&output)["elapsed_ms"].as_u64().expect("a number") >= 1000);
    // Without an upgrade time, the device still needs the server.
    let output = client_of(serve(None), &["--timeout", "20"]);
    assert_eq!((output.status.code(), &summary(&output)["outcome"]), (Some(1), &"connection_closed".into()));
}

/// Query of a client that runs version 1 of the image in `folder`, request for 48 bytes of version 7, and Upgrade End
/// Request.
const QUERY: &str = "010101000110010001000000";
const BLOCK: &str = "0102030001100100070000000000000030";
const END: &str = "010306000110010007000000";

/// Sends a frame, and returns the answer.
fn ask((socket, lines): &mut (TcpStream, BufReader<TcpStream>), frame: &str) -> String {
    socket.write_all(format!("{frame}\n").as_bytes()).expect("it listens");
    let mut line = String::new();
    lines.read_line(&mut line).expect("an answer");
    line.trim().to_owned()
}

/// Returns the next output line with this event, within the time of `printed`.
fn event(served: &Served, name: &str) -> Value {
    loop {
        let line: Value = serde_json::from_str(&served.printed()).expect("JSON");
        if line["event"] == name {
            return line;
        }
    }
}

/// A file that is dropped into a folder is offered within three seconds; one that is overwritten with other bytes ends the
/// downloads of the image, and one that is removed is offered no longer.
///
/// Shows: FLD-053
#[test]
fn a_folder_is_followed() {
    let (folder, path, file) = folder();
    let shelf = folder.path().join("shelf");
    fs::create_dir(&shelf).expect("room");
    fs::write(shelf.join("notes.txt"), "no firmware").expect("room");
    let served = Served::new(&["--json"], &shelf);
    let rejected = event(&served, "file_rejected");
    assert!(rejected["reason"].as_str().expect("a text").contains("notes.txt"), "{rejected}");
    let mut device = served.socket();
    assert_eq!(ask(&mut device, QUERY), "19010298");
    fs::copy(&path, shelf.join("image.zigbee")).expect("room");
    let dropped = Instant::now();
    while ask(&mut device, QUERY) == "19010298" {
        assert!(dropped.elapsed() < Duration::from_secs(3), "not offered");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(event(&served, "file_added")["path"], shelf.join("image.zigbee").to_str().expect("UTF-8"));
    assert!(ask(&mut device, BLOCK).starts_with("190205000110"));

    let other: Vec<u8> =
        file.iter().enumerate().map(|(at, byte)| if at < 100 { *byte } else { !byte }).collect();
    fs::write(shelf.join("image.zigbee"), other).expect("room");
    assert_eq!(event(&served, "file_replaced")["previous"]["version"], 7);
    assert_eq!(event(&served, "cancelled")["client"]["network"], 1);
    assert!(ask(&mut device, BLOCK).starts_with("19020595"), "ABORT, and no mixture");
    fs::remove_file(shelf.join("image.zigbee")).expect("it is there");
    event(&served, "file_removed");
    assert_eq!(ask(&mut device, QUERY), "19010298");
}

/// Each command is answered by an event, and has its effect on the devices.
#[test]
fn the_operator_commands_the_gateway() {
    let (_folder, path, _) = folder();
    let served = Served::new(&["--json", "--upgrade-after", "9"], &path);
    let mut device = served.socket();
    assert!(ask(&mut device, QUERY).starts_with("190102000110"));
    let answer = |command: &str, name: &str| {
        served.command(command);
        event(&served, name)
    };
    assert_eq!(answer("files", "file")["info"]["id"]["version"], 7);
    assert_eq!(event(&served, "files")["count"], 1);
    let listed = answer("devices", "device");
    assert_eq!((&listed["client"]["network"], &listed["connected"]), (&1.into(), &true.into()));
    assert_eq!(listed["downloads"][0]["phase"]["Offered"]["version"], 7, "{listed}");
    assert_eq!(event(&served, "devices")["count"], 1);

    let mut received = |expected: &str| {
        let mut line = String::new();
        device.1.read_line(&mut line).expect("a frame");
        assert!(line.starts_with(expected), "{line}");
    };
    assert_eq!(answer("notify", "notified")["count"], 1);
    received("09");
    assert_eq!(answer("notify 0x0001/1", "notified")["count"], 1);
    received("09");
    // A device that ends its download is held, told to upgrade, and held again.
    assert_eq!(answer("hold", "hold")["count"], 0);
    device.0.write_all(format!("{BLOCK}\n{END}\n").as_bytes()).expect("it listens");
    received("190205");
    received("190307011001000700000000000000ffffffff");
    assert_eq!(answer("release", "released")["count"], 1);
    received("19");
    assert_eq!(answer("hold", "hold")["count"], 1);
    received("19");

    assert_eq!(answer("forget 1", "forgotten")["client"]["network"], 1);
    assert_eq!(answer("forget 1", "command_failed")["reason"], "the device is not known");
    device.0.write_all(format!("{QUERY}\n").as_bytes()).expect("it listens");
    received("190102");
    assert_eq!(answer("cancel 1/1", "cancelled")["client"]["network"], 1);
    device.0.write_all(format!("{BLOCK}\n").as_bytes()).expect("it listens");
    received("19020595");
    for (command, reason) in [
        ("cancel 0x0001/1", "the device has no download"),
        ("cancel", "cancel needs the ADDRESS of a device, such as 0x0001/1"),
        ("forget lamp", "lamp is no ADDRESS, such as 0x0001/1"),
        ("notify 77", "the device is not known"),
        ("hold 1", "1 was not expected after hold"),
        ("upgrade", "upgrade is no command; help lists them"),
    ] {
        let failed = answer(command, "command_failed");
        assert_eq!((&failed["command"], &failed["reason"]), (&command.into(), &reason.into()));
    }
    served.command("");
    let help = answer("help", "help");
    assert!(help["commands"].as_array().expect("a list").len() >= 7, "{help}");
}

/// Without a reader of its output, and with a closed input, the gateway continues to serve, and later reports the
/// number of lost lines.
#[test]
fn a_gateway_that_nobody_listens_to_does_not_stall() {
    let (_folder, path, _) = folder();
    let mut command = Command::new(example_binaries::example("tcp_server"));
    command.arg("--json").arg(&path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("it runs");
    let mut output = BufReader::new(process.stdout.take().expect("piped"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a first line");
    let address = line.trim().strip_prefix("LISTENING ").expect("its address");
    let socket = TcpStream::connect(address).expect("it listens");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let mut device = (socket.try_clone().expect("a handle"), BufReader::new(socket));
    for _ in 0..7_000 {
        assert!(ask(&mut device, QUERY).starts_with("190102"));
    }
    // Most of the events fit in the pipe and the queue; the others are counted as soon as there is room.
    let reader =
        thread::spawn(move || output.lines().map_while(Result::ok).find(|line| line.contains("lines_lost")));
    let start = Instant::now();
    while !reader.is_finished() {
        assert!(start.elapsed() < Duration::from_secs(20), "lost lines are not counted");
        ask(&mut device, QUERY);
    }
    let lost: Value = serde_json::from_str(&reader.join().expect("it read").expect("a line")).expect("JSON");
    assert!(lost["count"].as_u64().expect("a number") > 0, "{lost}");
    process.kill().expect("it runs");
    process.wait().expect("it ends");
}

/// Median time of 100 answers to an honest device.
fn round_trip(device: &mut (TcpStream, BufReader<TcpStream>)) -> Duration {
    let mut times: Vec<_> = (0..100)
        .map(|_| {
            let start = Instant::now();
            assert!(ask(device, BLOCK).starts_with("190205"));
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// Four devices send requests for pages without a pause, as many as their sockets take.
///
/// Shows: FLD-044
#[test]
fn floods_do_not_keep_an_honest_device_waiting() {
    let (_folder, path, _) = folder();
    // Blocks of 1 byte are refused, and blocks of 16 bytes are sent by pages.
    for size in ["01", "10"] {
        let served = Served::new(&[], &path);
        let mut honest = served.socket();
        // A machine that is busy with other tests is not measured by its best moment.
        let quiet = round_trip(&mut honest).max(Duration::from_micros(100));
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                let (mut socket, mut lines) = served.socket();
                let stop = &stop;
                let page = format!("01020400011001000700000000000000{size}ffff0000\n").repeat(8);
                socket.set_write_timeout(Some(Duration::from_millis(20))).expect("a timeout");
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let _ = socket.write_all(page.as_bytes());
                    }
                });
                lines.get_ref().set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
                scope.spawn(move || {
                    let mut bytes = [0; 4096];
                    while !stop.load(Ordering::Relaxed) {
                        let _ = lines.read(&mut bytes);
                    }
                });
            }
            thread::sleep(Duration::from_millis(300));
            let flooded = round_trip(&mut honest);
            stop.store(true, Ordering::Relaxed);
            assert!(flooded < 20 * quiet, "{flooded:?} instead of {quiet:?}");
        });
        let after = round_trip(&mut honest);
        assert!(after < 20 * quiet, "{after:?} instead of {quiet:?} after the flood");
    }
}
