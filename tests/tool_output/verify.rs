//! Output of `ota verify --json` and `ota digest`.

use crate::input_files::{CA, SIGNED, shelf};
use crate::run_example::run;
use crate::run_tool::{Folder, IDS};
use crate::snapshots;

const SIGNED_2: &[u8] = include_bytes!("../data/signed_files/suite2.ota");
const CA_2: &str =
    "--ca 1122334455667702:0200ee835227f0e42e2bfd9290926eff14abcb17eb8b1ab585d14eba3e9c15b516b25cb62f";

/// Creates a file of zeros with this integrity code.
fn coded(folder: &Folder, zeros: usize, code: u128) -> Vec<u8> {
    let mut file = folder.create(&format!("{IDS} -t 0 -l {zeros} -t 3 -l 16"));
    let place = file.len() - 16;
    file[place..].copy_from_slice(&code.to_be_bytes());
    file
}

/// Signatures and integrity codes of every kind, valid and invalid.
#[test]
fn signature_and_integrity_words_are_unchanged() {
    let folder = shelf();
    folder.write("signed_2", SIGNED_2);
    let mut changed = SIGNED.to_vec();
    changed[70] ^= 1;
    folder.write("changed", changed);
    folder.write("cut", &SIGNED[..SIGNED.len() - 1]);
    folder.write("short", folder.create(&format!("{IDS} --force -t 1 -l 5")));
    folder.write("element", folder.create(&format!("{IDS} -t 0 -l 4")));
    assert_eq!(run(&folder, "ota seal -o sealed element").status, 0);
    // A code over tag and length too; and one padded like those of short files, which this file is not.
    folder.write("data", coded(&folder, 4, 0xe468_13be_4ff8_140c_3623_95d9_84d8_e91f));
    folder.write("padding", coded(&folder, 8200, 0xeefe_8d28_8c96_915f_7f68_ba16_5fb0_882c));
    folder.write("bad", coded(&folder, 4, 1));
    let mut found = String::new();
    for line in [
        format!("{CA} {CA_2} --signer 00124b00aabbccdd signed signed_2 changed cut"),
        format!("{CA} --signer 1122334455667788 signed"),
        "signed plain short sealed data padding bad text".into(),
    ] {
        let ran = run(&folder, &format!("ota verify --json {line}"));
        assert_eq!(ran.err, "");
        found += &format!("$ ota verify --json {line}\n");
        found.extend(ran.out.lines().map(snapshots::spread));
    }
    snapshots::compare("verify.txt", &found);
}

/// An external signer gets only the digest to sign.
#[test]
fn only_the_digest_is_printed() {
    let folder = shelf();
    let certificate: String =
        SIGNED[SIGNED.len() - 104..][..48].iter().map(|byte| format!("{byte:02x}")).collect();
    let ran = run(&folder, &format!("ota digest {CA} --certificate {certificate} --to prepared plain"));
    assert_eq!((ran.status, &*ran.err), (0, ""));
    snapshots::compare("digest.txt", &ran.out);
}
