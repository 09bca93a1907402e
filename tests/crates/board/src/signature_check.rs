//! Verification from flash by a maker's signer and authority: those of `tests/data/signed_files/suite1.ota`.

use zigbee_ota::Eui64;
use zigbee_ota::signature::integrity::{IntegrityChecker, IntegrityCode};
use zigbee_ota::signature::{Accepted, Authority, PublicKey, Verifier, VerifyPolicy};

use crate::chip;
use crate::semihosting::Line;

static SIGNERS: [Eui64; 1] = [Eui64(0x0012_4b00_aabb_ccdd)];
static AUTHORITIES: [Authority; 1] = [Authority {
    issuer: Eui64(0x1122_3344_5566_7701),
    key: PublicKey::Suite1([
        0x03, 0x04, 0x4e, 0x93, 0x4f, 0x8f, 0xf7, 0x16, 0xcc, 0x44, 0xed, 0xef, 0xc8, 0x33, 0x28, 0x6c, 0x72,
        0x13, 0x28, 0xd8, 0xcc, 0xfd,
    ]),
}];

/// Signature and integrity code of one file.
pub struct Signed {
    verifier: Verifier<'static>,
    integrity: IntegrityChecker,
}

impl Signed {
    /// A verification that requires a signature.
    pub fn new() -> Self {
        Self {
            verifier: Verifier::new(VerifyPolicy::required(&SIGNERS, &AUTHORITIES)),
            integrity: IntegrityChecker::new(),
        }
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.verifier.update(bytes);
        self.integrity.update(bytes);
    }

    /// Whether the file is signed by the maker's signer and no integrity code contradicts it.
    pub fn finish(mut self) -> bool {
        let (start, mut stack) = (chip::ticks(), 0);
        let result = chip::measure_stack(&mut stack, || self.verifier.finish());
        let ticks = chip::ticks().wrapping_sub(start);
        let word = match result {
            Ok(Accepted::Signed { .. }) => "signed",
            Ok(_) => "unsigned",
            Err(_) => "refused",
        };
        Line::new("SIGNATURE ").text(word).field("ticks", ticks).field("stack", stack).end();
        result.is_ok() && self.integrity.finish() != IntegrityCode::Bad
    }
}
