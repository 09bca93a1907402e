//! Links only when no panic branch is left in the library: reading, writing, checking,
//! constructing, and every call of client and server.
//!
//! It calls each public function with values that the optimiser knows nothing of. The panic handler calls a
//! function that exists nowhere: if any branch to it is left after optimisation, the linker says so by that name.
//! It is built and never run: `cargo build --release`, and `cargo build --profile size`.
//!
//! Formatting (`Display`, `Debug`) is left out: `core::fmt` has panic branches of its own, and no machine formats.
//! So are derived comparisons and what `bitflags` makes. `uncalled_functions.txt` lists every public function that is not called, with
//! the reason, and `.ci/check no-panic` compares it with the public interface.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use zigbee_ota::Encode;

// One module for each layer of the library.
mod client;
mod container;
mod file;
mod matter;
mod memcpy;
mod observer;
mod payload;
mod server;
mod signature;
mod types;
mod zcl;

/// Bytes to read, and room to write, of lengths nobody knows.
struct Bytes<'a> {
    input: &'a [u8],
    room: &'a mut [u8],
}

impl Bytes<'_> {
    fn write(&mut self, value: &impl Encode) {
        black_box(value.encoded_len());
        black_box(value.encode(self.room)).ok();
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let (input, mut room) = ([0; 512], [0; 512]);
    let mut bytes = Bytes { input: black_box(&input[..]), room: black_box(&mut room[..]) };
    types::call();
    file::call(&mut bytes);
    container::call(&bytes);
    payload::call(&bytes);
    zcl::call(&mut bytes);
    client::call(&mut bytes);
    server::call(&mut bytes);
    observer::call(&bytes);
    signature::call(&mut bytes);
    matter::call(&mut bytes);
    loop {
        core::hint::spin_loop();
    }
}

unsafe extern "C" {
    fn a_panic_branch_is_left_in_the_binary() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: the function does not exist, so no binary does that calls it.
    unsafe { a_panic_branch_is_left_in_the_binary() }
}
