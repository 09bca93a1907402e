//! Subcommand `check`: one line per file, and the exit status with and without `--strict`.

use crate::sample_folder::sample_folder;

#[test]
fn check_prints_one_line_for_each_file() {
    let folder = sample_folder();
    for (file, status, strict, line) in [
        ("plain", 0, 0, "plain: ok\n"),
        ("good", 0, 1, "in a container (salus-crc32), at byte 0"),
        (
            "raw",
            0,
            1,
            "raw: ok (note: no elements: the body is 9 raw bytes of no known form; as an element 0xeeee,",
        ),
        ("early", 0, 1, "early: ok (note: elements after the signature)\n"),
        (
            "bad",
            1,
            1,
            "bad: WRONG: the sum of the container (sonoff-100), at byte 20, is not that of its bytes",
        ),
        ("short", 1, 1, "short: WRONG: truncated: 1 of 85 bytes are missing"),
        ("text", 1, 1, "text: WRONG: OTA header, byte 0: not an OTA file"),
        ("nowhere", 1, 1, "nowhere: WRONG: "),
    ] {
        folder.ota(&format!("check {file}")).says(status, line);
        assert_eq!(folder.ota(&format!("check --strict {file}")).status, strict, "{file}");
    }
    let all = folder.ota("check plain short good");
    assert_eq!((all.status, all.out.lines().count()), (1, 3));
}
