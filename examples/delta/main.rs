//! Delta update: an OTA file contains a patch between two firmware versions in an element with a manufacturer-specific
//! tag. The device applies the patch during the download: it reads the old firmware from the running slot, and writes
//! the new firmware to the second slot.
//!
//! `cargo run --release --example delta` prints the saved bytes and time. Exit status 0 when the second slot holds
//! exactly the new firmware, otherwise 1.
//!
//! ```text
//!   build server   old, new --> bsdiff --> deflate, in parts of 4 KB --> element 0xF0DE of an OTA file
//!                                                                            |
//!   device         block by block:   Client --> StreamDecoder --> Applier: inflate --> patch --> page --> slot 2
//!                                                                                      ^
//!                                                                         slot 1 (running) is read in place
//! ```
//!
//! The device holds neither the patch nor a firmware in RAM; the size of `Applier` does not depend on the size of the
//! images. Before the first write, the applier checks that the patch is for the running firmware. After the last write,
//! the applier checks that the result is the new firmware. The device does not store the file itself, so after a
//! restart an interrupted download starts again from the beginning.

use std::process::ExitCode;

use zigbee_ota::client::Client;
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::{Encode, FileVersion, ImageId};

use patch_applier::{Applier, Fault};
use patch_format::TAG;
use simulated_upgrade::{Ran, drive};

#[path = "../common/output_lines.rs"]
mod output_lines;
#[path = "patch_applier.rs"]
mod patch_applier;
#[path = "patch_format.rs"]
mod patch_format;
#[path = "sample_firmware.rs"]
mod sample_firmware;
#[path = "simulated_upgrade.rs"]
mod simulated_upgrade;

const RUNS: ImageId = ImageId::new(0x1001, 0x00ab, 0x0001_0000);

fn main() -> ExitCode {
    let (old, new) = (sample_firmware::old(), sample_firmware::new());
    let whole = file(Tag::UPGRADE_IMAGE, &new);
    let delta = file(TAG, &patch_format::make(&old, &new));
    match upgrade(&old, &whole, &delta) {
        Ok((by_whole, by_delta, slot)) if slot == new => {
            let seconds = |ran: &Ran| f64::from(ran.download.0) / 1000.0;
            let saved = |part: f64, all: f64| 100.0 * (1.0 - part / all);
            output_lines::line(format_args!("firmware: {} bytes, then {} bytes", old.len(), new.len()));
            output_lines::line(format_args!(
                "file with the firmware: {} bytes, {:.1} s in the simulation",
                whole.len(),
                seconds(&by_whole)
            ));
            output_lines::line(format_args!(
                "file with the patch: {} bytes, {:.1} s in the simulation",
                delta.len(),
                seconds(&by_delta)
            ));
            output_lines::line(format_args!(
                "saved: {:.1} % of the bytes, {:.1} % of the time",
                saved(delta.len() as f64, whole.len() as f64),
                saved(seconds(&by_delta), seconds(&by_whole))
            ));
            output_lines::line(format_args!(
                "memory of the device: {} bytes to apply it, {} bytes for the client",
                size_of::<Applier<'_>>(),
                size_of::<Client>()
            ));
            output_lines::line(format_args!("identical: yes"));
            ExitCode::SUCCESS
        }
        Ok(_) => fail("the second slot does not hold the new firmware"),
        Err(reason) => fail(&reason),
    }
}

fn fail(reason: &str) -> ExitCode {
    output_lines::complain(format_args!("delta: {reason}"));
    ExitCode::FAILURE
}

/// Builds an OTA file whose version is one above the running version.
fn file(tag: Tag, data: &[u8]) -> Vec<u8> {
    let header = FileHeader::new(ImageId { version: FileVersion(RUNS.version.0 + 1), ..RUNS });
    FileWriter::new(header, &[Element { tag, data }]).expect("its bytes can be counted").to_vec()
}

/// Upgrades one device with the whole firmware, and another device with the patch. Returns the results of both
/// upgrades, and the contents of the second slot after the patch.
fn upgrade(old: &[u8], whole: &[u8], delta: &[u8]) -> Result<(Ran, Ran, Vec<u8>), String> {
    let mut stored = Vec::new();
    let by_whole = drive(RUNS, whole, &mut |block| {
        stored.extend_from_slice(block);
        true
    })?;
    if stored != whole {
        return Err("the whole file did not come over".into());
    }
    let mut applier = Applier::new(old);
    let mut fault = None;
    let by_delta = drive(RUNS, delta, &mut |block| match applier.take(block) {
        Ok(()) => true,
        Err(found) => {
            fault = Some(found);
            false
        }
    });
    match (by_delta, fault) {
        (Ok(by_delta), None) => {
            let slot = applier.finish().map_err(|fault: Fault| fault.to_string())?;
            Ok((by_whole, by_delta, slot))
        }
        (Err(reason), None) => Err(reason),
        (_, Some(fault)) => Err(fault.to_string()),
    }
}
