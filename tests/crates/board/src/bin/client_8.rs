//! Firmware with a `Client<8>`.

#![no_std]
#![no_main]

use zigbee_ota_board::device::{Memory, run};

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: Memory<8> = Memory::NEW;
    run(MEMORY)
}
