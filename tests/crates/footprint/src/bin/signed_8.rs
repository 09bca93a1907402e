//! Device with a `Client` that accepts only signed files.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::mem::MaybeUninit;

use zigbee_ota::Eui64;
use zigbee_ota::client::{ClientConfig, VerifyResult};
use zigbee_ota::signature::{
    AllowedSigners, Authority, PublicKey, SignatureRequirement, Verifier, VerifyPolicy,
};
use zigbee_ota_footprint::main_loop::{Device, resume, turn};
use zigbee_ota_footprint::opaque_board;

static mut DEVICE: Device<8, &ClientConfig> = Device::OFF;
static mut VERIFIER: MaybeUninit<Verifier<'static>> = MaybeUninit::uninit();

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // SAFETY: this is the only reference.
    let (client, out) = unsafe { Device::on(&raw mut DEVICE, opaque_board::config()) };
    resume(client);
    loop {
        turn(client, out, verify);
    }
}

/// Verifies the file that is read back from flash, in pieces.
#[inline(never)]
fn verify() -> VerifyResult {
    static SIGNERS: [Eui64; 1] = [Eui64(0)];
    static AUTHORITIES: [Authority; 2] = [
        Authority { issuer: Eui64(0), key: PublicKey::Suite1([2; 22]) },
        Authority { issuer: Eui64(0), key: PublicKey::Suite2([2; 37]) },
    ];
    static PIECE: [u8; 2] = [0; 2];
    let mut policy = VerifyPolicy::required(black_box(&SIGNERS), black_box(&AUTHORITIES))
        .with_signatures(black_box(SignatureRequirement::Optional))
        .with_signers(black_box(AllowedSigners::Any));
    policy.now = black_box(Some(0));
    let place = &raw mut VERIFIER;
    // SAFETY: this is the only reference.
    let verifier = unsafe { &mut *place }.write(Verifier::new(policy));
    while black_box(true) {
        verifier.update(black_box(&PIECE));
    }
    match verifier.finish() {
        Ok(valid) => {
            black_box(&valid);
            VerifyResult::Valid
        }
        Err(invalid) => {
            black_box(&invalid);
            VerifyResult::Invalid
        }
    }
}
