//! Device with a `Client` of which every public function is called.

#![no_std]
#![no_main]

use zigbee_ota::client::ClientConfig;
use zigbee_ota_footprint::main_loop::{Device, resume, turn};
use zigbee_ota_footprint::{every_client_call, opaque_board};

static mut DEVICE: Device<8, &ClientConfig> = Device::OFF;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // SAFETY: this is the only reference.
    let (client, out) = unsafe { Device::on(&raw mut DEVICE, opaque_board::config()) };
    resume(client);
    loop {
        turn(client, out, opaque_board::verdict);
        every_client_call::call(client);
    }
}
