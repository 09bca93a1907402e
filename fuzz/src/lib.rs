//! What the targets try: the laws that property tests try, too.

#[path = "../../tests/laws"]
pub mod laws {
    pub mod bytes;
    pub mod client;
    pub mod container;
    pub mod duel;
    pub mod file;
    pub mod frame;
    pub mod matter;
    pub mod observer;
    #[cfg(feature = "openssl")]
    pub mod openssl;
    pub mod payload;
    pub mod server;
    pub mod signature;
    pub mod stream;
    pub mod unify;
    pub mod written;
}
