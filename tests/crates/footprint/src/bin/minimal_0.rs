//! Device with the smallest use of a `Client<0>`: its settings are constants, its server is known, and it has one image.

#![no_std]
#![no_main]

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::client::{Abilities, ClientConfig, Identity, Settings};
use zigbee_ota_footprint::main_loop::{Device, resume, turn};
use zigbee_ota_footprint::opaque_board;

static mut DEVICE: Device<0, Minimal> = Device::OFF;

/// Settings of the device, of which all but the running version are the defaults.
struct Minimal;

impl Settings for Minimal {
    const ABILITIES: Abilities = Abilities::NONE;

    #[inline(always)]
    fn config(&self) -> &ClientConfig {
        const CONFIG: ClientConfig = {
            let identity = Identity::new(ImageId::new(0x1001, 1, 7));
            let mut config = ClientConfig::new(identity, Address::new(0, 1));
            config.discovery_interval = None;
            config
        };
        &CONFIG
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // SAFETY: this is the only reference.
    let (client, out) = unsafe { Device::on(&raw mut DEVICE, Minimal) };
    resume(client);
    loop {
        turn(client, out, opaque_board::verdict);
    }
}
