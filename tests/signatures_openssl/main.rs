//! The verification here and signing by OpenSSL against OpenSSL, by which the right answers are known.

use zigbee_ota::signature::Suite;

use properties::openssl::{CASE, Reference, any_certificate, any_signature};

#[path = "../common/properties"]
mod properties {
    pub mod openssl;
}

mod degenerate;
#[path = "../common/published_test_keys.rs"]
mod published_test_keys;
mod signing_key;

/// Cases of each law and suite: some keep a build without optimisation busy for long enough.
const CASES: u64 = if cfg!(debug_assertions) { 200 } else { 3000 };

/// Runs a law on many inputs of its own.
fn all(suite: Suite, law: fn(&mut Reference, &[u8])) {
    let mut reference = Reference::new(suite);
    for seed in 0..CASES {
        let mut input = [0; CASE];
        fastrand::Rng::with_seed(seed).fill(&mut input);
        law(&mut reference, &input);
    }
}

#[test]
fn signatures_of_suite_1() {
    all(Suite::One, any_signature);
}

#[test]
fn signatures_of_suite_2() {
    all(Suite::Two, any_signature);
}

#[test]
fn certificates_of_suite_1() {
    all(Suite::One, any_certificate);
}

#[test]
fn certificates_of_suite_2() {
    all(Suite::Two, any_certificate);
}
