//! Worst stack of a program for Cortex-M0, from its instructions: the frame of each function and the functions that it
//! calls.
//!
//! | instruction | effect |
//! |---|---|
//! | `push {..}` | the frame grows by 4 bytes for each register |
//! | `sub sp, #n` | the frame grows by n bytes |
//! | `ldr rX, =-n` and `add sp, rX` | the frame grows by n bytes |
//! | `bl f`, or `ldr rX, =f` and `blx rX` | the frame of `f` comes on top |
//! | `blx rX` with another address | every function whose address is a constant anywhere may be called |
//! | `b f`, a tail call | the frame of `f` takes the place of the frame |
//!
//! All growth in a function counts, wherever it stands, so that the result is never too small.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use crate::elf_reader::Elf;

/// Function of the program.
struct Function {
    name: String,
    /// Bytes of the frame.
    frame: u32,
    /// Addresses of the functions that it calls.
    calls: Vec<u32>,
    /// Addresses of the functions that it jumps to.
    tail_calls: Vec<u32>,
    /// Whether it calls a function by an address that is no constant of its own.
    calls_any: bool,
    /// Constants that it loads; one that is the address of a function may reach such a call.
    constants: Vec<u32>,
}

/// Deepest path: bytes, and the functions from the first one down.
#[derive(Clone, Default)]
pub struct Depth {
    pub bytes: u32,
    pub path: Vec<(String, u32)>,
}

/// Returns the deepest path from the function `entry` on.
pub fn worst(elf: &Elf, entry: &str) -> Result<Depth, Box<dyn Error>> {
    let symbols = elf.symbols()?;
    // Mapping symbols tell where code ends and constants begin.
    let mut kinds: BTreeMap<u32, bool> = BTreeMap::new();
    for symbol in &symbols {
        match symbol.name.get(..2) {
            Some("$t") => drop(kinds.insert(symbol.address, true)),
            Some("$d") => drop(kinds.insert(symbol.address, false)),
            _ => {}
        }
    }
    let is_code = |address| kinds.range(..=address).next_back().is_none_or(|(_, is_code)| *is_code);
    let mut functions = BTreeMap::new();
    for symbol in symbols.iter().filter(|symbol| symbol.is_function && symbol.len > 0) {
        let function = scan(elf, &symbol.name, symbol.address, symbol.len, &is_code)?;
        functions.insert(symbol.address, function);
    }
    let constants: BTreeSet<u32> =
        functions.values().flat_map(|function| &function.constants).copied().collect();
    let by_address: Vec<u32> =
        functions.keys().copied().filter(|address| constants.contains(&(address | 1))).collect();
    for function in functions.values_mut().filter(|function| function.calls_any) {
        function.calls.extend(&by_address);
    }
    let start = symbols.iter().find(|symbol| symbol.is_function && symbol.name == entry);
    let start = start.ok_or_else(|| format!("no function {entry}"))?;
    depth(&functions, start.address, &mut BTreeMap::new(), &mut Vec::new())
}

/// Reads the instructions of one function.
fn scan(
    elf: &Elf,
    name: &str,
    start: u32,
    len: u32,
    is_code: &impl Fn(u32) -> bool,
) -> Result<Function, Box<dyn Error>> {
    let mut function = Function {
        name: name.into(),
        frame: 0,
        calls: Vec::new(),
        tail_calls: Vec::new(),
        calls_any: false,
        constants: Vec::new(),
    };
    let range = start..start + len;
    // Last known values of the low registers, for frames that no immediate can hold.
    let mut registers = [None; 8];
    let mut address = start;
    while address < range.end {
        if !is_code(address) {
            address += 2;
            continue;
        }
        let code = elf.halfword(address)?;
        let register = usize::from(code >> 8 & 7);
        match code {
            // push, with the bit of the link register
            0xb400..=0xb5ff => function.frame += 4 * (code & 0x1ff).count_ones(),
            // sub sp, #imm7
            0xb080..=0xb0ff => function.frame += 4 * u32::from(code & 0x7f),
            // movs rX, #imm8
            0x2000..=0x27ff => registers[register] = Some(u32::from(code & 0xff)),
            // ldr rX, [pc, #imm8]
            0x4800..=0x4fff => {
                let constant = elf.word((address + 4 & !3) + 4 * u32::from(code & 0xff))?;
                registers[register] = Some(constant);
                function.constants.push(constant);
            }
            // lsls rX, rY, #imm5
            0x0000..=0x07ff => {
                let (to, from) = (usize::from(code & 7), usize::from(code >> 3 & 7));
                registers[to] = registers[from].map(|value| value << (code >> 6 & 0x1f));
            }
            // mvns rX, rY
            0x43c0..=0x43ff => {
                registers[usize::from(code & 7)] = registers[usize::from(code >> 3 & 7)].map(|v| !v)
            }
            // rsbs rX, rY, #0
            0x4240..=0x427f => {
                registers[usize::from(code & 7)] =
                    registers[usize::from(code >> 3 & 7)].map(u32::wrapping_neg);
            }
            // add sp, rX
            code if code & 0xff87 == 0x4485 => {
                let value = registers.get(usize::from(code >> 3 & 0xf)).copied().flatten();
                let value = value.ok_or_else(|| format!("{name}: unknown frame at {address:#x}"))?;
                function.frame += u32::try_from(-i64::from(value as i32)).unwrap_or(0);
            }
            // blx rX, which is shorter than two calls by bl of one function
            code if code & 0xff87 == 0x4780 => {
                let value = registers.get(usize::from(code >> 3 & 0xf)).copied().flatten();
                match value.filter(|value| value & 1 == 1) {
                    Some(target) => function.calls.push(target & !1),
                    None => function.calls_any = true,
                }
            }
            // b, conditional and not
            0xd000..=0xddff | 0xe000..=0xe7ff => {
                let offset = match code {
                    0xe000.. => i32::from((code << 5) as i16 >> 4),
                    _ => i32::from(code as i8) * 2,
                };
                let target = (address + 4).wrapping_add_signed(offset);
                if !range.contains(&target) {
                    function.tail_calls.push(target);
                }
            }
            // bl
            0xf000..=0xf7ff => {
                let low = elf.halfword(address + 2)?;
                if low & 0xd000 == 0xd000 {
                    let sign = u32::from(code >> 10 & 1);
                    let [i1, i2] = [13, 11].map(|bit| !(u32::from(low >> bit) ^ sign) & 1);
                    let offset = sign << 24
                        | i1 << 23
                        | i2 << 22
                        | u32::from(code & 0x3ff) << 12
                        | u32::from(low & 0x7ff) << 1;
                    let offset = (offset << 7) as i32 >> 7;
                    let target = (address + 4).wrapping_add_signed(offset);
                    if !range.contains(&target) {
                        function.calls.push(target);
                    }
                }
                address += 2;
            }
            _ => {}
        }
        address += 2;
    }
    Ok(function)
}

/// Returns the deepest path from the function at `address` on. `open` has the functions that led there.
fn depth(
    functions: &BTreeMap<u32, Function>,
    address: u32,
    known: &mut BTreeMap<u32, Depth>,
    open: &mut Vec<u32>,
) -> Result<Depth, Box<dyn Error>> {
    if let Some(depth) = known.get(&address) {
        return Ok(depth.clone());
    }
    let function = functions.get(&address).ok_or_else(|| format!("no function at {address:#x}"))?;
    if open.contains(&address) {
        return Err(format!("{} calls itself", function.name).into());
    }
    open.push(address);
    let mut worst = Depth { bytes: function.frame, path: vec![(function.name.clone(), function.frame)] };
    for (calls, frame) in [(&function.calls, function.frame), (&function.tail_calls, 0)] {
        for call in calls {
            let below = depth(functions, *call, known, open)?;
            if frame + below.bytes > worst.bytes {
                let path = [vec![(function.name.clone(), frame)], below.path].concat();
                worst = Depth { bytes: frame + below.bytes, path };
            }
        }
    }
    open.pop();
    known.insert(address, worst.clone());
    Ok(worst)
}
