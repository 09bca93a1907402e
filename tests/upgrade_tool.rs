//! Tests of the example `upgrade` as a command line tool.

use std::process::{Command, Output, Stdio};

use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::{Encode, ImageId};

#[path = "common/example_binaries.rs"]
mod example_binaries;

fn upgrade(arguments: &[&str]) -> Output {
    Command::new(example_binaries::example("upgrade")).args(arguments).output().expect("the example runs")
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let output = upgrade(&[&["--json"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_transfer_mode_upgrades() {
    for how in [
        &["--loss", "0.02"] as &[&str],
        &["--window", "8", "--loss", "0.02"],
        &["--page", "4096", "--burst", "200"],
        &["--page", "1000", "--spacing", "21", "--hops", "3"],
        &["--auto", "--hops", "2", "--loss", "0.05"],
        &["--auto", "--cut-power-at", "50"],
        &["--latency", "30", "--block", "200", "--window", "4"],
        &[
            "--hops",
            "2",
            "--block",
            "255",
            "--fragment-window",
            "1",
            "--fragment-pause",
            "20",
            "--loss",
            "0.01",
        ],
        &["--aps-acks", "--loss", "0.01"],
    ] {
        let told = json(how);
        assert_eq!((&told["identical"], &told["outcome"]), (&true.into(), &"upgraded".into()), "{how:?}");
        let cuts = u64::from(how.contains(&"--cut-power-at"));
        assert_eq!(told["power_cuts"], cuts, "{how:?}");
    }
}

/// A file version that means "any" in requests is named as the cause.
#[test]
fn a_version_that_no_server_offers_is_named() {
    let folder = tempfile::tempdir().expect("room");
    let path = folder.path().join("any");
    let header = FileHeader::new(ImageId::new(0x1001, 0x00ab, u32::MAX));
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 9] }];
    std::fs::write(&path, FileWriter::new(header, &elements).expect("small").to_vec()).expect("room");
    let output = upgrade(&[path.to_str().expect("UTF-8")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(": file version 0xffffffff stands for any version"), "{said}");
}

/// A reader that closes the pipe, as `head` does, causes no panic.
#[test]
fn a_closed_pipe_is_no_error() {
    for arguments in [&["--help"] as &[&str], &["--compare"], &[]] {
        let mut command = Command::new(example_binaries::example("upgrade"));
        let mut tool =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        drop(tool.stdout.take());
        let ended = tool.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && !said.contains("panic"), "{arguments:?}: {said}");
    }
}

#[test]
fn contradictory_options_are_refused_with_a_reason() {
    for (how, reason) in [
        (&["--window", "0"] as &[&str], "1 to 9"),
        (&["--window", "4", "--auto"], "cannot be used with"),
        (&["--page", "0"], "--page"),
        (&["--spacing", "5"], "--page"),
        (&["--fragment-window", "9"], "1..=8"),
        (&["--hops", "2", "--latency", "5"], "cannot be used with"),
        (&["--cut-power-at", "101"], "--cut-power-at"),
    ] {
        let output = upgrade(how);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(reason), "{how:?}: {said}");
    }
}

/// Pages reach the limit that the server sets for them, and a window pays off at a slow server.
#[test]
fn the_transfer_modes_are_compared_on_one_link() {
    let told = json(&["--compare", "--server-delay", "20"]);
    let modes = told.as_array().unwrap();
    let of_mode = |name: &str, field: &str| {
        let mode = modes.iter().find(|mode| mode["mode"] == name).unwrap();
        assert!(mode["frames"].as_u64().unwrap() > 1000);
        mode[field].as_f64().unwrap()
    };
    let share = |name: &str| of_mode(name, "share_of_limit");
    // The server sends a block of 64 bytes every 10 ms, which is slower than the channel.
    let of_server = |name: &str| of_mode(name, "goodput_bytes_per_s") / 6400.0;
    assert!(of_server("page 4096") > 0.9 && of_server("auto") > 0.9, "{told}");
    assert!(share("window 4") > 2.0 * share("stop-and-wait"), "{told}");
    let plain = json(&["--compare", "--latency", "10"]);
    assert!(plain[0]["share_of_limit"].is_null(), "there is no channel to share");
    let table = upgrade(&["--compare"]);
    assert!(table.status.success() && String::from_utf8_lossy(&table.stdout).contains("window 8"));
}

#[test]
fn a_device_with_an_authority_refuses_other_signers() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().expect("a path of ASCII").to_owned()
    };
    let signed = include_bytes!("data/signed_files/suite1.ota");
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
