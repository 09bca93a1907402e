//! Output of `frames`: one JSON line for each input line.

use crate::run_example::fed;
use crate::run_tool::Folder;
use crate::snapshots;

/// All forms of each OTA command, the other decoded commands, undecoded commands, and deviations.
const FRAMES: &[&str] = &[
    "s2c 0907000064",
    "0907000064",
    "s2c 09310001635f11",
    "s2c 09310002635f110101",
    "s2c 09310003635f1101012b1a0000",
    "c2s 013f01005f1101012b1a0000",
    "c2s 013f01015f1101012b1a0000feff",
    "s2c 195b02005f1101012b1a0000c2a70300",
    "s2c 19690298",
    "c2s 019303005f1101012b1a0000c0b0a00052",
    "c2s 019303035f1101012b1a0000c0b0a000528899aabbccddeefffeff",
    "c2s 01af04005f11c0ff010000000010000030e001ffff",
    "c2s 01af04015f11c0ff010000000010000030e001ffff04030201004b1200",
    "s2c 190205005f1101012b1a000001020304035a00ff",
    "s2c 19030597001a4f2d3c1a4f2d",
    "s2c 19030597001a4f2d3c1a4f2df401",
    "s2c 19040595",
    "c2s 011106005f1101012b1a0000",
    "s2c 192d075f1101012b1a00000000000000000000",
    "c2s 01490804030201004b12005f11c0ff070000000200",
    "s2c 195b09005f1101012b1a0000c2a70300",
    "s2c 19650998",
    "s2c 18730b0398",
    "s2c 08ab000600",
    "c2s 10b901 0000 00 f0 04030201004b1200 0600 00 30 01 0200 86",
    "s2c 08bb02 0600 30 01 0100 23 00000000",
    "c2s 10bb04 00",
    "c2s 10bb04 88 0600 86 0100",
    "s2c 08bc0c 0000 10",
    "c2s 10bc0d 01 0000f0 060030",
    "s2c 0d5f11070300ff",
    "c2s 01077f00ff",
    "s2c 190405950000",
    "s2c 19040598",
    "c2s 011106005f1101012b1a0000ee",
    "c2s 010703825f1101012b1a00000000000032",
    "c2s 0907000064",
];

/// Lines without a frame, and frames that do not decode: each command truncated, and each error.
const WRONG: &[&str] = &[
    "",
    "c2c 0907000064",
    "s2c 09zz000064",
    "s2c 090700006",
    "s2c 0907",
    "s2c 09070004",
    "s2c 0907000464",
    "c2s 013f0100",
    "c2s 013f01015f1101012b1a0000fe",
    "s2c 195b02005f",
    "s2c 195b02",
    "c2s 0193030000",
    "c2s 01930301",
    "c2s 019303015f1101012b1a0000c0b0a00052",
    "c2s 01af0400",
    "s2c 1902050000",
    "s2c 190205005f1101012b1a000001020304045a00ff",
    "c2s 01110600",
    "s2c 192d0700",
    "c2s 01490804",
    "s2c 195b0900",
    "s2c 18730b03",
    "s2c 08ab0006",
    "c2s 10b90100",
    "c2s 10c7010600003001 020000420161",
    "s2c 08bb02060030",
    "c2s 10bb048806",
    "s2c 08bc0c00",
    "c2s 10bc0d0100",
    "c2s 10bc0d02",
];

/// Each input line, followed by the output of the lenient reader and, where it differs, of the strict one.
#[test]
fn frame_fields_are_unchanged() {
    let folder = Folder::new();
    let lines: Vec<&str> = FRAMES.iter().chain(WRONG).copied().collect();
    folder.write("lines", lines.join("\n") + "\n");
    let [lenient, strict] = ["frames", "frames --strict"].map(|line| {
        let ran = fed(&folder, line, "lines");
        assert_eq!((ran.status, &*ran.err), (0, ""));
        ran.out.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!([lenient.len(), strict.len()], [lines.len(); 2]);
    let mut found = String::new();
    for ((line, lenient), strict) in lines.iter().zip(lenient).zip(strict) {
        found += &format!("> {line}\n{lenient}\n");
        if strict != lenient {
            found += &format!("--strict\n{strict}\n");
        }
    }
    snapshots::compare("frames.txt", &found);
}
