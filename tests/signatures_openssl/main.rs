//! Comparison of the signature verification of this crate with OpenSSL, and signatures and certificates by OpenSSL.

use zigbee_ota::signature::Suite;

use properties::openssl::{CASE, Reference, any_certificate, any_signature};

#[path = "../common/properties"]
mod properties {
    pub mod openssl;
}

mod certificates;
mod ecdsa_edge_cases;
#[path = "../common/published_test_keys.rs"]
mod published_test_keys;
mod signing_key;

/// Number of cases of each property and suite. A debug build needs 0.1 s for a case, and has few: the fuzz target
/// `signature_openssl`, which is optimised, tries more.
const CASES: u64 = if cfg!(debug_assertions) { 25 } else { 3000 };

/// Runs a property on pseudo-random inputs.
fn all(suite: Suite, law: fn(&mut Reference, &[u8])) {
    let mut reference = Reference::new(suite);
    for seed in 0..CASES {
        let mut input = [0; CASE];
        fastrand::Rng::with_seed(seed).fill(&mut input);
        law(&mut reference, &input);
    }
}

#[test]
fn signatures_of_suite_1_verify_as_by_openssl() {
    all(Suite::One, any_signature);
}

#[test]
fn signatures_of_suite_2_verify_as_by_openssl() {
    all(Suite::Two, any_signature);
}

#[test]
fn certificates_of_suite_1_yield_the_key_of_openssl() {
    all(Suite::One, any_certificate);
}

#[test]
fn certificates_of_suite_2_yield_the_key_of_openssl() {
    all(Suite::Two, any_certificate);
}
