//! Fuzz targets of zigbee-ota. The binary of each target calls one function of `properties::fuzz_targets`. The property
//! tests check the same properties.
//!
//! Each target starts from the files of its folder in `seeds`. Files with descriptive names are hand-made inputs. Files
//! with names by libFuzzer are from long runs: the smallest inputs that reach additional code.
//!
//! An input that violated a property becomes a seed once the bug is fixed: minimise it by
//! `cargo fuzz tmin TARGET artifacts/TARGET/crash-…`, then `cp artifacts/TARGET/crash-… seeds/TARGET/NAME`, where NAME
//! says what failed. From then on, every `cargo test` of the library repeats this input (`tests/fuzz_seeds.rs`).

#[path = "../../tests/common/properties"]
pub mod properties {
    pub mod capture;
    pub mod client;
    pub mod client_and_server;
    pub mod container;
    pub mod encode_contract;
    pub mod file;
    pub mod file_stream;
    pub mod frame;
    pub mod fuzz_targets;
    pub mod image_assembly;
    pub mod index;
    pub mod inspect;
    pub mod matter;
    pub mod observer;
    #[cfg(feature = "openssl")]
    pub mod openssl;
    pub mod payload;
    pub mod server;
    pub mod signature;
    pub mod unify;
    pub mod written_files;
}
