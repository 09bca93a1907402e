//! The command line tool of `examples/ota`, run as people run it.

#[path = "../common/built.rs"]
mod built;
mod corpus;
mod create;
mod files;
mod index;
mod info;
mod look;
mod payload;
#[cfg(feature = "openssl")]
#[path = "../common/published.rs"]
mod published;
mod reconstruct;
#[path = "../common/samples.rs"]
mod samples;
mod sign;
mod tool;
mod verify;
