//! Whole device with a `Client<0>` and the loop by hand.

#![no_std]
#![no_main]

use zigbee_ota::client::ClientConfig;
use zigbee_ota::device::FrameBuffer;
use zigbee_ota_footprint::hand_and_driver_loops::turn_by_hand;
use zigbee_ota_footprint::main_loop::{Device, resume};
use zigbee_ota_footprint::opaque_board;

static mut DEVICE: Device<0, ClientConfig> = Device::OFF;
static mut FRAME: FrameBuffer = [0; size_of::<FrameBuffer>()];

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let frame = &raw mut FRAME;
    // SAFETY: these are the only references.
    let ((client, out), frame) =
        unsafe { (Device::on(&raw mut DEVICE, *opaque_board::config()), &mut *frame) };
    resume(client);
    loop {
        turn_by_hand(client, out, frame);
    }
}
