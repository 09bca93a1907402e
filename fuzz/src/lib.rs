//! What the targets try: the laws that property tests try, too. `properties::fuzz_targets` has a function for each target, of which its
//! binary is a call.
//!
//! Each target starts from the files of its folder in `seeds`: some made to begin with, under names that say what they
//! are; some that a long run found, the smallest that reach what the others do not, under the names that libFuzzer gave them.
//!
//! An input that broke a law is put there, too, once the law holds again: `cp artifacts/TARGET/crash-… seeds/TARGET/NAME`,
//! where NAME says what broke, made small first by `cargo fuzz tmin TARGET artifacts/TARGET/crash-…`. From then on every
//! `cargo test` of the library replays it (`tests/fuzz_seeds.rs`).

#[path = "../../tests/common/properties"]
pub mod properties {
    pub mod encode_contract;
    pub mod client;
    pub mod container;
    pub mod lossy_link;
    pub mod file;
    pub mod frame;
    pub mod matter;
    pub mod observer;
    #[cfg(feature = "openssl")]
    pub mod openssl;
    pub mod payload;
    pub mod server;
    pub mod signature;
    pub mod file_stream;
    pub mod fuzz_targets;
    pub mod unify;
    pub mod written_files;
}
