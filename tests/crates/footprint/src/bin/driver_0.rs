//! Whole device with a `Driver` of a `Client<0>`.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::mem::MaybeUninit;

use zigbee_ota::device::Driver;
use zigbee_ota_footprint::hand_and_driver_loops::{Flash, Opaque};
use zigbee_ota_footprint::opaque_board;

static mut DRIVER: MaybeUninit<Driver<Flash, 0>> = MaybeUninit::uninit();

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let place = &raw mut DRIVER;
    // SAFETY: this is the only reference.
    let driver = on(unsafe { &mut *place });
    loop {
        driver.step(&mut Opaque);
    }
}

/// Creates the driver. The function is not inlined, so that no copy of the driver stays on the stack of the loop.
#[inline(never)]
fn on(place: &'static mut MaybeUninit<Driver<Flash, 0>>) -> &'static mut Driver<Flash, 0> {
    black_box(place.write(Driver::start(*opaque_board::config(), black_box(0), Flash, opaque_board::now())))
}
