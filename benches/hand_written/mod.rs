//! Work by hand for nothing but speed: the floor that the library is measured against, in time and in instructions.

#![allow(dead_code, reason = "each user measures some of the jobs")]

pub mod bytes;
pub mod file;
pub mod frame;
