//! Peripherals of the nRF51822 by their registers (nRF51 Series Reference Manual): UART, timers, flash controller; and the stack.
//!
//! QEMU differs from the chip: the flash controller is always ready, takes no time, and accepts any number of writes of a word; all
//! timers count 32 bits; an empty UART does not look at its socket again until some timer fires.

use core::arch::asm;
use core::ptr::{
    read_volatile, with_exposed_provenance as at, with_exposed_provenance_mut as at_mut, write_volatile,
};

use zigbee_ota::time::Instant;

fn read(address: usize) -> u32 {
    // SAFETY: every caller names a register or mapped memory of the chip, aligned to a word.
    unsafe { read_volatile(at(address)) }
}

fn write(address: usize, value: u32) {
    // SAFETY: every caller names a register, or RAM that nothing else uses, aligned to a word.
    unsafe { write_volatile(at_mut(address), value) }
}

/// The serial port.
pub struct Uart(());

const UART: usize = 0x4000_2000;

impl Uart {
    /// Enables the port in both directions.
    pub fn enable() -> Self {
        write(UART + 0x500, 4); // ENABLE
        write(UART, 1); // STARTRX
        write(UART + 0x008, 1); // STARTTX
        Self(())
    }

    /// Sends one byte and waits until it is out.
    pub fn send(&mut self, byte: u8) {
        write(UART + 0x11c, 0); // TXDRDY
        write(UART + 0x51c, u32::from(byte)); // TXD
        while read(UART + 0x11c) == 0 {}
    }

    /// Takes a received byte, if there is one.
    pub fn receive(&mut self) -> Option<u8> {
        if read(UART + 0x108) == 0 {
            return None;
        }
        write(UART + 0x108, 0); // RXDRDY
        Some(read(UART + 0x518).to_le_bytes()[0]) // RXD
    }
}

const TIMER0: usize = 0x4000_8000;
const TIMER1: usize = 0x4000_9000;
const TIMER2: usize = 0x4000_a000;

fn start_timer(timer: usize, prescaler: u32, bit_mode: u32) {
    write(timer + 0x504, 0); // MODE: timer
    write(timer + 0x508, bit_mode);
    write(timer + 0x510, prescaler);
    write(timer + 0x00c, 1); // CLEAR
    write(timer, 1); // START
}

fn capture(timer: usize) -> u32 {
    write(timer + 0x040, 1); // CAPTURE[0]
    read(timer + 0x540) // CC[0]
}

/// Milliseconds since the start, from TIMER0 at 1 MHz, whose 32 bits wrap around after 71 minutes.
pub struct Clock {
    last: u32,
    micros: u64,
}

impl Clock {
    /// Starts the timers.
    pub fn start() -> Self {
        start_timer(TIMER0, 4, 3);
        start_timer(TIMER1, 0, 3);
        // A tick every 10 ms, which makes QEMU look at the socket of the UART.
        write(TIMER2 + 0x540, 10_000);
        write(TIMER2 + 0x200, 1); // SHORTS: COMPARE[0] clears
        start_timer(TIMER2, 4, 0);
        Self { last: 0, micros: 0 }
    }

    /// The time now; call at least once an hour.
    pub fn now(&mut self) -> Instant {
        let now = capture(TIMER0);
        self.micros += u64::from(now.wrapping_sub(self.last));
        self.last = now;
        Instant::from_millis(self.micros / 1000)
    }
}

/// Ticks of 16 MHz, for durations below a millisecond.
pub fn ticks() -> u32 {
    capture(TIMER1)
}

/// Flash, through its controller.
pub mod flash {
    use super::{at, at_mut, read, write, write_volatile};

    /// Bytes that are erased at a time.
    pub const PAGE: u32 = 1024;

    const NVMC: usize = 0x4001_e000;

    fn wait() {
        while read(NVMC + 0x400) == 0 {}
    }

    /// 0 locks, 1 allows writes, 2 allows erasing.
    fn set_mode(mode: u32) {
        write(NVMC + 0x504, mode);
        wait();
    }

    /// Erases the page that begins at `page`; `false` if it is not blank afterwards.
    pub fn erase(page: u32) -> bool {
        set_mode(2);
        write(NVMC + 0x508, page);
        wait();
        set_mode(0);
        bytes(page, PAGE as usize).iter().all(|byte| *byte == 0xff)
    }

    /// Writes whole words, the last one padded with 0xFF. `false` if a word was not blank before or differs afterwards: a write of the
    /// same word twice, or one that would have to set bits, is an error of the caller.
    pub fn program(mut place: u32, data: &[u8]) -> bool {
        let mut is_good = true;
        set_mode(1);
        for part in data.chunks(4) {
            let mut word = [0xff; 4];
            for (byte, value) in word.iter_mut().zip(part) {
                *byte = *value;
            }
            let word = u32::from_le_bytes(word);
            is_good &= read(place as usize) == u32::MAX;
            // SAFETY: flash beyond this firmware; the controller is unlocked for writes.
            unsafe { write_volatile(at_mut(place as usize), word) };
            wait();
            is_good &= read(place as usize) == word;
            place += 4;
        }
        set_mode(0);
        is_good
    }

    /// The contents of flash. Not to be kept over a write.
    pub fn bytes(place: u32, len: usize) -> &'static [u8] {
        // SAFETY: callers name a range inside of the 256 KB of flash.
        unsafe { core::slice::from_raw_parts(core::hint::black_box(at(place as usize)), len) }
    }
}

unsafe extern "C" {
    static _stack_end: u32;
    static _stack_start: u32;
}

/// The word that marks unused stack; `cortex-m-rt` paints with it before `main`.
const PAINT: u32 = 0xcccc_cccc;

fn first_used(from: usize, to: usize) -> usize {
    (from..to).step_by(4).find(|place| read(*place) != PAINT).unwrap_or(to)
}

/// The most bytes of stack in use since the start.
pub fn stack_used() -> u32 {
    let top = (&raw const _stack_start).addr();
    (top - first_used((&raw const _stack_end).addr(), top)) as u32
}

/// Bytes of RAM that do not belong to the stack.
pub fn static_ram() -> u32 {
    ((&raw const _stack_end).addr() - 0x2000_0000) as u32
}

/// Runs `call`; with the feature `depth`, `most` keeps the most bytes of stack that it used below its caller.
#[inline(always)]
pub fn measure_stack<R>(most: &mut u32, call: impl FnOnce() -> R) -> R {
    if !cfg!(feature = "depth") {
        return call();
    }
    let top: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) top) };
    let bottom = (&raw const _stack_end).addr();
    for place in (bottom..top - 32).step_by(4) {
        write(place, PAINT);
    }
    let result = outlined(call);
    *most = (*most).max((top - first_used(bottom, top)) as u32);
    result
}

#[inline(never)]
fn outlined<R>(call: impl FnOnce() -> R) -> R {
    call()
}

/// Resets the chip.
pub fn reset() -> ! {
    loop {
        write(0xe000_ed0c, 0x05fa_0004); // AIRCR: SYSRESETREQ
    }
}

/// Starts the firmware whose vector table is at `vectors`.
pub fn boot(vectors: u32) -> ! {
    let (stack, entry) = (read(vectors as usize), read(vectors as usize + 4));
    // SAFETY: the table was verified before the image was applied; nothing of this firmware runs afterwards.
    unsafe { asm!("msr msp, {}", "bx {}", in(reg) stack, in(reg) entry, options(noreturn)) }
}

/// CRC-32 without a table: a microcontroller has more time than flash.
pub fn crc32(bytes: &[u8], mut crc: u32) -> u32 {
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1));
        }
    }
    crc
}
