//! The example `downloads`, on lines as a sniffer would write them.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::example_binaries::example;
use crate::recovered_images::BLOCKS;
use crate::traffic_recorder::{file, upgrade};

fn run(lines: &str) -> (String, String) {
    let mut command = Command::new(example("downloads"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(lines.as_bytes()).expect("it reads all"));
        child.wait_with_output().expect("it ends")
    });
    assert!(output.status.success());
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    (out, err)
}

#[test]
fn it_tells_the_progress_of_each_device() {
    let lines = [
        // Offer of 8 bytes, request, block, the same request after 2 s, the same block, WAIT_FOR_DATA for the rest.
        "0 0x0000/1 0x1234/1 190702000110ab000200000008000000",
        "1.5 0x1234/1 0x0000/1 010803000110ab00020000000000000004",
        "1.75 0x0000/1 0x1234/1 190805000110ab0002000000000000000400010203",
        // Meanwhile an end, which the device takes back by the next request.
        "3 0x1234/1 0x0000/1 010e06960110ab0002000000",
        "3.75 0x1234/1 0x0000/1 010903000110ab00020000000000000004",
        "4 0x0000/1 0x1234/1 190905000110ab0002000000000000000400010203",
        "5 0x1234/1 0x0000/1 010a03000110ab00020000000400000004",
        "5.5 0x0000/1 0x1234/1 190a05970000000005000000",
        "6 0x5678/3 0x0000/1 010706950110ab0003000000",
        "6 0x5678/3 0x0000/1 010803000110ab00030000000000000004",
        "6 0x5678/3 0x0000/1 010706950110ab0003000000",
        "hello",
        "7 0x1234/1 0x0000/1 0109",
        "7 0x1234/1 0x0000/1 010",
        "7 1234/1 0x0000/1 01",
    ];
    let (out, err) = run(&lines.join("\n"));
    let expected = "\
0x1234/1 downloads 1001-00AB-00000002
  4 bytes, 50 %
  1 B/s, longest silence 2000 ms
  1 of 3 requests repeated
  4 bytes sent again, 1 waits
  1 gaps in 2 blocks
0x5678/3 downloads 1001-00AB-00000003
  0 bytes, of an unknown number
  0 B/s, longest silence 0 ms
  0 of 1 requests repeated
  0 bytes sent again, 0 waits
  0 gaps in 0 blocks
  ended: ABORT
";
    assert_eq!(out, expected);
    let complaints: Vec<&str> = err.lines().map(|line| &line[..8]).collect();
    assert_eq!(complaints, ["line 12:", "line 13:", "line 14:", "line 15:"], "{err}");
}

#[test]
fn it_reads_a_whole_upgrade() {
    let air = upgrade(&file(2000, 7), &[BLOCKS], &mut || 1);
    let lines = (0..).zip(&air).map(|(number, sent)| {
        let hex: String = sent.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}.{} {} {} {hex}\n", number / 10, number % 10, sent.from, sent.to)
    });
    let (out, err) = run(&lines.collect::<String>());
    assert!(out.starts_with("0x1234/1 downloads 1001-00AB-00000007\n  2000 bytes, 100 %\n"), "{out}");
    assert!(out.contains("  0 gaps in ") && out.ends_with("  ended: SUCCESS\n"), "{out}");
    assert_eq!(err, "");
}

/// A newcomer reads the program as a whole: without blank lines, comments, `use` and modules, it has at most 50 lines.
#[test]
fn it_has_at_most_fifty_lines_of_its_own() {
    let text = include_str!("../../examples/downloads.rs");
    let is_own = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !["//", "use ", "mod ", "#[path"].iter().any(|start| line.starts_with(start))
    };
    let own = text.lines().filter(is_own).count();
    assert!((20..=50).contains(&own), "{own} lines");
}
