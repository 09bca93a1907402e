//! Minimal hand-written implementations, made only for speed: the floor against which the times and the instruction
//! counts of the library are measured.

#![allow(dead_code, reason = "each user measures some of the jobs")]

pub mod bytes;
pub mod file;
pub mod frame;
