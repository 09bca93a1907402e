//! Board: every call of the loop to it may return any value.

use core::hint::black_box;

use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, ClientConfig, CredentialResult, Identity, PrepareResult, StoreResult, VerifyResult,
};
use zigbee_ota::time::Instant;
use zigbee_ota::{Eui64, ImageId};

/// Returns a value that the optimiser cannot know.
#[inline(never)]
pub fn any<T>(value: T) -> T {
    black_box(value)
}

/// Clock.
#[inline(never)]
pub fn now() -> Instant {
    Instant::from_millis(black_box(0))
}

/// Settings in flash with unknown values in all fields.
#[inline(always)]
pub fn config() -> &'static ClientConfig {
    static ANY: ClientConfig = ClientConfig::new(Identity::new(ImageId::new(0, 0, 0)), Address::UNKNOWN);
    black_box(&ANY)
}

/// Radio: the next frame, or none.
#[inline(never)]
pub fn receive() -> Option<(FrameMeta, &'static [u8])> {
    static FRAME: [u8; 2] = [0; 2];
    let meta = FrameMeta::new(address(), black_box(DeliveryMode::Unicast));
    black_box(true).then(|| (meta.with_aps_security(black_box(false)), black_box(&FRAME[..])))
}

#[inline(never)]
pub fn address() -> Address {
    Address::new(black_box(0), black_box(0))
}

#[inline(never)]
pub fn prepared() -> PrepareResult {
    black_box(PrepareResult::Ready)
}

#[inline(never)]
pub fn stored() -> StoreResult {
    black_box(StoreResult::Ok)
}

#[inline(never)]
pub fn verdict() -> VerifyResult {
    black_box(VerifyResult::Valid)
}

#[inline(never)]
pub fn applied() -> ApplyResult {
    black_box(ApplyResult::Done)
}

#[inline(never)]
pub fn credentials() -> CredentialResult {
    black_box(CredentialResult::Ready)
}

#[inline(never)]
pub fn node() -> Option<Eui64> {
    black_box(Some(Eui64(0)))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
