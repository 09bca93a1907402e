//! ARM semihosting: options from the command line, report lines to the debugger's output, and the exit status of QEMU.

use core::arch::asm;

const WRITE0: usize = 0x04;
const GET_CMDLINE: usize = 0x15;
const EXIT_EXTENDED: usize = 0x20;

/// # Safety
/// `argument` is the argument that `operation` expects.
unsafe fn call(operation: usize, argument: usize) -> usize {
    let result;
    // SAFETY: the caller's promise.
    unsafe { asm!("bkpt 0xab", inlateout("r0") operation => result, in("r1") argument, options(nostack)) };
    result
}

/// Ends QEMU with `status`.
pub fn exit(status: usize) -> ! {
    const APPLICATION_EXIT: usize = 0x20026;
    let block = [APPLICATION_EXIT, status];
    loop {
        // SAFETY: a block of two words.
        unsafe { call(EXIT_EXTENDED, block.as_ptr().addr()) };
    }
}

/// A report line, written piece by piece, so that it takes little stack.
pub struct Line(());

impl Line {
    /// A line that begins with `text`.
    pub fn new(text: &str) -> Self {
        Self(()).text(text)
    }

    /// Appends `text`.
    pub fn text(self, text: &str) -> Self {
        for part in text.as_bytes().chunks(15) {
            let mut bytes = [0; 16];
            for (place, byte) in bytes.iter_mut().zip(part) {
                *place = *byte;
            }
            // SAFETY: at least one zero follows the text.
            unsafe { call(WRITE0, bytes.as_ptr().addr()) };
        }
        self
    }

    /// Appends ` name=number`.
    pub fn field(self, name: &str, mut number: u32) -> Self {
        let mut digits = [0; 10];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.text(" ").text(name).text("=").text(core::str::from_utf8(&digits[first..]).unwrap_or("?"))
    }

    /// Appends `number` as eight hexadecimal digits.
    pub fn hex(self, number: u32) -> Self {
        let digits =
            [7, 6, 5, 4, 3, 2, 1, 0].map(|digit| b"0123456789abcdef"[(number >> (4 * digit) & 15) as usize]);
        self.text(core::str::from_utf8(&digits).unwrap_or("?"))
    }

    /// Ends the line.
    pub fn end(self) {
        self.text("\n");
    }
}

/// `name=number` words of the command line.
pub struct Options {
    bytes: [u8; 160],
    len: usize,
}

impl Options {
    /// Reads the command line; none where it does not fit.
    pub fn read() -> Self {
        let mut bytes = [0; 160];
        let mut block = [bytes.as_mut_ptr().addr(), bytes.len()];
        // SAFETY: the block names the buffer and its length.
        let failed = unsafe { call(GET_CMDLINE, block.as_mut_ptr().addr()) };
        let bytes = core::hint::black_box(bytes);
        let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
        Self { bytes, len: if failed == 0 { len } else { 0 } }
    }

    /// The number behind `name=`.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.bytes[..self.len].split(|byte| *byte == b' ').find_map(|word| {
            let digits = word.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            core::str::from_utf8(digits).ok()?.parse().ok()
        })
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let (file, line) = info.location().map_or(("?", 0), |place| (place.file(), place.line()));
    Line::new("PANIC ").text(file).field("line", line).end();
    exit(101)
}
