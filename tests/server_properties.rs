//! Property test of the server under random frames, addresses, times and store results. The rules are shared with the
//! fuzz target `server`.

use proptest::collection::vec;
use proptest::prelude::*;

use properties::server::any_steps;

#[path = "common/properties"]
mod properties {
    pub mod server;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// After any input: no panic, no more state than the lent slots, no response larger than requested, no data beyond
    /// the end of a file or of a page, no Default Response to a broadcast or to a Default Response.
    #[test]
    fn a_server_withstands_any_inputs(seed in vec(any::<u8>(), 0..3000)) {
        any_steps(&seed);
    }
}
