//! A server that is shaken: the law that a fuzz target tries, too.

use proptest::collection::vec;
use proptest::prelude::*;

use properties::server::any_steps;

#[path = "common/properties"]
mod properties {
    pub mod server;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever comes: no panic, no more state than was lent, no answer above what a client takes, no data past the
    /// end of a file or of a page, no Default Response to a broadcast or to a Default Response.
    #[test]
    fn a_server_bears_whatever_comes(seed in vec(any::<u8>(), 0..3000)) {
        any_steps(&seed);
    }
}
