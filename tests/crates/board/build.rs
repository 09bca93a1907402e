//! The linker script: a firmware at the start of flash, or with `BOARD_SLOT=1` one that runs where the slot holds it.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-env-changed=BOARD_SLOT");
    println!("cargo:rerun-if-env-changed=BOARD_VERSION");
    if env::var_os("CARGO_FEATURE_FIRMWARE").is_none() {
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let flash = match env::var_os("BOARD_SLOT") {
        Some(_) => "ORIGIN = 0x00020100, LENGTH = 125K",
        None => "ORIGIN = 0, LENGTH = 128K",
    };
    let memory = format!("MEMORY {{ FLASH : {flash}\n RAM : ORIGIN = 0x20000000, LENGTH = 16K }}\n");
    fs::write(out.join("memory.x"), memory).expect("a folder of cargo's");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}
