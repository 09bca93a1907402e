//! The example `upgrade`, run as people run it.

use std::process::{Command, Output};

#[path = "common/built.rs"]
mod built;

fn upgrade(arguments: &[&str]) -> Output {
    Command::new(built::example("upgrade")).args(arguments).output().expect("the example runs")
}

#[test]
fn every_way_to_transfer_ends_in_the_new_image() {
    for how in ["stop-and-wait", "window:1", "window:8", "pages", "pages:1000", "pages:1000:5", "auto"] {
        let output = upgrade(&["--json", "--loss", "0.02", "--transfer", how]);
        assert!(output.status.success(), "{how}: {output:?}");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&told["identical"], &told["outcome"]), (&true.into(), &"upgraded".into()), "{how}");
    }
    for how in ["", "window", "window:0", "window:256", "pages:0", "pages:x", "pages:9:9:9", "auto:1", "best"]
    {
        let output = upgrade(&["--transfer", how]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("window:N"), "{how}: {said}");
    }
}

#[test]
fn a_device_that_knows_an_authority_refuses_what_is_not_signed_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().expect("a path of ASCII").to_owned()
    };
    let signed = include_bytes!("common/signed/suite1.ota");
    let mut changed = *signed;
    changed[70] ^= 1;
    let (good, bad) = (write("good", signed), write("bad", &changed));
    let ca = "1122334455667701:03044e934f8ff716cc44edefc833286c721328d8ccfd";
    let trust = ["--ca", ca, "--signer", "00124b00aabbccdd"];
    let stranger = ["--ca", ca, "--signer", "00124b00aabbccde"];
    for (file, options, expected) in
        [(&good, trust, None), (&bad, trust, Some("signature")), (&good, stranger, Some("signer"))]
    {
        let output = upgrade(&[&[file.as_str()], options.as_slice()].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), expected.is_none(), "{said}");
        assert!(said.contains(expected.unwrap_or_default()), "{said}");
    }
}
