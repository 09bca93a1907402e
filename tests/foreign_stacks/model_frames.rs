//! Literal frames of the models: the frames that each model sends, their causes, and their times.
//!
//! ```text
//! [name of the row]
//! 0 < 09000000 64          at 0 ms the server sends a frame to the client
//! 5 > 0107010001...        at 5 ms the client sends a frame to the server
//! 9 restart                an operation: notify, restart, swap
//! ```
//!
//! A script has the frames and operations of the model's peer; the test compares the frames that the model sends.
//! `WRITE_FRAMES=1` rewrites the files from their scripts: each changed frame then needs a reference to its source.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::{env, fs};

use zigbee_ota_sim::Micros;
use zigbee_ota_sim::foreign::{self, CLIENTS, ForeignClient, ForeignServer, SERVERS};

use crate::MILLI;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign_stacks/model_frames/");

/// File of 100 bytes: a header, and an element with the bytes 0, 1, 2 and so on.
fn file(version: u8) -> Vec<u8> {
    let mut file =
        vec![0x1e, 0xf1, 0xee, 0x0b, 0, 1, 56, 0, 0, 0, 0x01, 0x10, 0xab, 0, version, 0, 0, 0, 2, 0];
    file.resize(52, 0);
    file.extend([100, 0, 0, 0, 0, 0, 38, 0, 0, 0]);
    file.extend(0..38);
    file
}

/// Line of a script.
struct Line<'a> {
    at: Micros,
    what: &'a str,
}

/// Model under test: executes a line of the script, and returns the frames that it sends up to a time.
trait Model {
    const OWN: char;
    fn input(&mut self, now: Micros, what: &str);
    fn poll_timeout(&self) -> Option<Micros>;
    fn sends(&mut self, now: Micros) -> Vec<Vec<u8>>;
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap_or_else(|_| panic!("{pair} in {hex}"))).collect()
}

/// Writes a frame in three groups: header, payload up to its data, data.
fn hex(frame: &[u8]) -> String {
    let text = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (header, payload) = frame.split_at(frame.len().min(3));
    let (fields, data) = payload.split_at(payload.len().min(14));
    [header, fields, data].map(text).join(" ").trim_end().into()
}

/// Runs the script in `text`. Returns the script with the frames that the model sends.
fn replay<M: Model>(model: &mut M, text: &str) -> String {
    let lines = text.lines().filter(|line| !line.is_empty()).map(|line| {
        let (at, what) = line.split_once(' ').unwrap_or_else(|| panic!("{line}: no time"));
        Line { at: at.parse::<Micros>().unwrap_or_else(|_| panic!("{line}: no time")) * MILLI, what }
    });
    let lines: Vec<Line<'_>> = lines.collect();
    let end = lines.iter().map(|line| line.at).max().unwrap_or(0);
    let mut script: VecDeque<Line<'_>> =
        lines.into_iter().filter(|line| !line.what.starts_with(M::OWN)).collect();
    let (mut out, mut now) = (String::new(), 0);
    let mut write = |at: Micros, what: &str| {
        writeln!(out, "{} {what}", at / MILLI).expect("a string takes all");
    };
    loop {
        for frame in model.sends(now) {
            write(now, &format!("{} {}", M::OWN, hex(&frame)));
        }
        let timer = model.poll_timeout().map(|at| at.max(now)).filter(|at| *at <= end);
        match (script.front().map(|line| line.at), timer) {
            (Some(at), timer) if timer.is_none_or(|timer| at <= timer) => {
                now = at;
                let Some(line) = script.pop_front() else { break };
                write(at, line.what);
                model.input(now, line.what);
            }
            (_, Some(at)) => now = at,
            (_, None) => break,
        }
    }
    out
}

impl Model for ForeignServer {
    const OWN: char = '<';

    fn input(&mut self, now: Micros, what: &str) {
        match what.split_once(' ') {
            Some((">", frame)) => self.handle_frame(now, 1, &bytes(frame)),
            _ if what == "notify" => self.notify(now, 1),
            _ if what == "restart" => self.restart(now),
            _ if what == "swap" => self.set_file(Some(&file(8))),
            _ => assert_eq!(what, "end", "no operation"),
        }
    }

    fn poll_timeout(&self) -> Option<Micros> {
        Self::poll_timeout(self)
    }

    fn sends(&mut self, now: Micros) -> Vec<Vec<u8>> {
        self.handle_timeout(now);
        std::iter::from_fn(|| self.poll_transmit(now)).map(|sent| sent.frame).collect()
    }
}

impl Model for ForeignClient {
    const OWN: char = '>';

    fn input(&mut self, now: Micros, what: &str) {
        match what.split_once(' ') {
            Some(("<", frame)) => self.handle_frame(now, true, &bytes(frame)),
            _ if what == "restart" => self.restart(now + 1000 * MILLI),
            _ => assert_eq!(what, "end", "no operation"),
        }
    }

    fn poll_timeout(&self) -> Option<Micros> {
        Self::poll_timeout(self)
    }

    fn sends(&mut self, now: Micros) -> Vec<Vec<u8>> {
        self.handle_timeout(now);
        std::iter::from_fn(|| self.poll_transmit()).collect()
    }
}

/// Replays the sections of a file, one for each of `names`, and compares.
fn check(name: &str, names: &[&str], replay: impl Fn(&str, &str) -> String) {
    let path = format!("{FOLDER}{name}");
    let kept = fs::read_to_string(&path).expect("a file of the repository");
    let mut sections = kept.split("\n[").map(|section| section.trim_start_matches('['));
    let intro = sections.next().unwrap_or_default();
    let mut now = format!("{}\n", intro.trim_end());
    let mut found = Vec::new();
    for section in sections {
        let (title, script) = section.split_once("]\n").expect("a title");
        found.push(title);
        write!(now, "\n[{title}]\n{}", replay(title, script)).expect("a string takes all");
    }
    assert_eq!(found, names, "each row has a section, in the order of the table");
    let kept = format!("{}\n", kept.trim_end());
    if env::var_os("WRITE_FRAMES").is_some() {
        return fs::write(&path, now).expect("a writable file");
    }
    let difference = now.lines().zip(kept.lines()).find(|(now, kept)| now != kept);
    assert!(now == kept, "{name}: is, and was: {difference:#?}");
}

#[test]
fn servers_send_the_frames_that_were_seen() {
    let names: Vec<_> = SERVERS.iter().map(|model| model.name).collect();
    check("servers.txt", &names, |name, script| {
        replay(&mut ForeignServer::new(foreign::server(name), Some(&file(7))), script)
    });
}

#[test]
fn clients_send_the_frames_that_were_seen() {
    let names: Vec<_> = CLIENTS.iter().map(|model| model.name).collect();
    check("clients.txt", &names, |name, script| {
        let running = [0x01, 0x10, 0xab, 0, 6, 0, 0, 0];
        let client =
            ForeignClient::new(foreign::client(name), running, [8, 7, 6, 5, 4, 3, 2, 1], 1000 * MILLI);
        replay(&mut { client }, script)
    });
}

#[test]
fn each_row_says_where_it_was_seen_and_no_name_stands_twice() {
    let servers = SERVERS.iter().map(|model| (model.name, model.seen));
    let clients = CLIENTS.iter().map(|model| (model.name, model.seen));
    for rows in [servers.collect::<Vec<_>>(), clients.collect()] {
        let mut names: Vec<_> = rows.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), rows.len());
        assert!(rows.iter().all(|(_, seen)| !seen.is_empty()));
    }
}
