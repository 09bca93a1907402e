//! Keys, certificates and signatures of both suites, right or with any change: the verification says what OpenSSL says.
//! The input tells the numbers of the signer and the change; its first byte tells suite and law.

#![no_main]

use std::cell::RefCell;

use zigbee_ota::signature::Suite;
use zigbee_ota_fuzz::laws::openssl::{Reference, any_certificate, any_signature};

thread_local! {
    static REFERENCES: RefCell<[Reference; 2]> = RefCell::new(Suite::ALL.map(Reference::new));
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((choice, input)) = input.split_first() else { return };
    let law = if choice & 2 == 0 { any_signature } else { any_certificate };
    REFERENCES.with_borrow_mut(|[one, two]| law(if choice & 1 == 0 { one } else { two }, input));
});
