//! Device with a plain `Client<8>`.

#![no_std]
#![no_main]

use zigbee_ota::client::ClientConfig;
use zigbee_ota_footprint::board;
use zigbee_ota_footprint::device::{Device, resume, turn};

static mut DEVICE: Device<8, &ClientConfig> = Device::OFF;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // SAFETY: this is the only reference.
    let (client, out) = unsafe { Device::on(&raw mut DEVICE, board::config()) };
    resume(client);
    loop {
        turn(client, out, board::verdict);
    }
}
