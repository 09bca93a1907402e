//! Runs of one hot path, by the library or by its floor: `hot_path NAME ours|floor TIMES`.
//!
//! The setup does not depend on `TIMES`, so that the difference between two runs under callgrind is the path alone. Floor and library
//! see the same bytes, and the setup asserts that both produce the same.

use std::env;
use std::process::ExitCode;

use zigbee_ota_instructions::{MOST, PATHS};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, variant, times] = &arguments[..] else {
        eprintln!("usage: hot_path NAME ours|floor TIMES");
        return ExitCode::from(2);
    };
    let Some(path) = PATHS.iter().find(|path| path.name == name) else {
        eprintln!("no path {name}; there are {:?}", PATHS.map(|path| path.name));
        return ExitCode::from(2);
    };
    let run = match variant.as_str() {
        "ours" => path.ours,
        "floor" => path.floor,
        _ => {
            eprintln!("{variant} is neither ours nor floor");
            return ExitCode::from(2);
        }
    };
    match times.parse() {
        Ok(times) if times <= MOST => {
            run(times);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{times} is no number up to {MOST}");
            ExitCode::from(2)
        }
    }
}
