//! Sample firmware in two versions, with a layout like that of a linker: code of 16-bit words, calls with relative
//! distances, and tables of addresses. Moving a function changes references all over the image.

use fastrand::Rng;

/// Number of functions in the old version.
const FUNCTIONS: usize = 420;
/// Flash address of the firmware.
const START: u32 = 0x0801_0000;

/// Part of a function.
#[derive(Clone)]
enum Part {
    Word(u16),
    /// Call of the function with this index.
    Call(usize),
    /// Address of the function with this index.
    Address(usize),
    Number(u32),
}

#[derive(Clone)]
struct Function {
    name: usize,
    parts: Vec<Part>,
}

/// Returns the firmware that the device runs.
pub fn old() -> Vec<u8> {
    link(&functions(), "1.0.0")
}

/// Returns the next version of the firmware. Some functions are at other addresses, changed or new, and some constants
/// have other values.
pub fn new() -> Vec<u8> {
    let mut functions = functions();
    let mut random = Rng::with_seed(2);
    // One module is linked at another address.
    let moved: Vec<Function> = functions.drain(100..130).collect();
    functions.splice(300..300, moved);
    for _ in 0..12 {
        let function = random.usize(..functions.len());
        let Function { parts, .. } = &mut functions[function];
        let place = random.usize(..parts.len());
        parts.splice(place..place, body(&mut random, 6, FUNCTIONS));
    }
    for _ in 0..30 {
        let function = random.usize(..functions.len());
        if let Some(number) =
            functions[function].parts.iter_mut().find(|part| matches!(part, Part::Number(_)))
        {
            *number = Part::Number(random.u32(..1000));
        }
    }
    for added in 0..4 {
        let parts = body(&mut random, 90, FUNCTIONS);
        functions.insert(80 * added + 7, Function { name: FUNCTIONS + added, parts });
    }
    link(&functions, "1.0.1")
}

fn functions() -> Vec<Function> {
    let mut random = Rng::with_seed(1);
    let function = |name| {
        let words = random.usize(20..260);
        Function { name, parts: body(&mut random, words, FUNCTIONS) }
    };
    (0..FUNCTIONS).map(function).collect()
}

/// Generates code from a small set of instructions, with occasional calls and constants.
fn body(random: &mut Rng, words: usize, functions: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    for _ in 0..words {
        let common = random.u16(..64) * random.u16(..64);
        parts.push(match random.u8(..24) {
            0 | 1 => Part::Call(random.usize(..functions)),
            2 => Part::Address(random.usize(..functions)),
            3 => Part::Number(random.u32(..5000)),
            _ => Part::Word(0x4600 ^ common.wrapping_mul(0x0109)),
        });
    }
    parts
}

/// Links the image: vector table, functions, and the version as text.
fn link(functions: &[Function], version: &str) -> Vec<u8> {
    let table = 4 * 16;
    let mut addresses = vec![0; functions.len()];
    let mut place = START + table;
    for Function { name, parts } in functions {
        addresses[*name] = place;
        place += parts.iter().map(size).sum::<u32>();
    }
    let mut image = Vec::new();
    for vector in 0..16 {
        image.extend(addresses[vector * 20].to_le_bytes());
    }
    for part in functions.iter().flat_map(|function| &function.parts) {
        let here = START + u32::try_from(image.len()).expect("a small image");
        match part {
            Part::Word(word) => image.extend(word.to_le_bytes()),
            Part::Call(name) => image.extend(call(here, addresses[*name]).to_le_bytes()),
            Part::Address(name) => image.extend(addresses[*name].to_le_bytes()),
            Part::Number(number) => image.extend(number.to_le_bytes()),
        }
    }
    image.extend_from_slice(version.as_bytes());
    image
}

const fn size(part: &Part) -> u32 {
    match part {
        Part::Word(_) => 2,
        Part::Call(_) | Part::Address(_) | Part::Number(_) => 4,
    }
}

/// Encodes a call in two 16-bit words. As in Thumb code, each word contains 11 bits of the distance.
const fn call(from: u32, to: u32) -> u32 {
    let distance = to.wrapping_sub(from + 4) >> 1;
    let (high, low) = (distance >> 11 & 0x7ff, distance & 0x7ff);
    (0xf000 | high) | (0xf800 | low) << 16
}
