//! Main loop of the device.

use core::hint::black_box;
use core::mem::MaybeUninit;

use zigbee_ota::client::{Checkpoint, Client, ClientAction, Need, RequestBuffer, Settings, VerifyResult};
use zigbee_ota::zcl::LONGEST_TO_SERVER;

use crate::opaque_board;

/// State that is in memory as long as the device runs.
pub struct Device<const RANGES: usize, S> {
    client: MaybeUninit<Client<RANGES, S>>,
    out: RequestBuffer,
}

impl<const RANGES: usize, S: Settings> Device<RANGES, S> {
    pub const OFF: Self = Self { client: MaybeUninit::uninit(), out: [0; LONGEST_TO_SERVER] };

    /// Makes the optimiser forget the state. The function is not inlined, so that the stack of the constructor is free
    /// again in the loop.
    ///
    /// # Safety
    /// The caller has the only reference to the device.
    #[inline(never)]
    pub unsafe fn on(
        this: *mut Self,
        settings: S,
    ) -> (&'static mut Client<RANGES, S>, &'static mut RequestBuffer) {
        // SAFETY: guaranteed by the caller.
        let Self { client, out } = unsafe { &mut *this };
        let client = client.write(Client::with_ranges(settings, black_box(0), opaque_board::now()));
        (black_box(client), black_box(out))
    }
}

/// Resumes from the stored checkpoint, if there is one.
#[inline(always)]
pub fn resume<const RANGES: usize, S: Settings>(client: &mut Client<RANGES, S>) {
    static STORED: [Option<Checkpoint>; 1] = [None];
    if let Some(checkpoint) = black_box(&STORED)[0] {
        client.resume(opaque_board::now(), checkpoint).ok();
    }
}

/// One round of the loop: needs, frames, events, input, time.
#[inline(always)]
pub fn turn<const RANGES: usize, S: Settings>(
    client: &mut Client<RANGES, S>,
    out: &mut RequestBuffer,
    verify: impl FnOnce() -> VerifyResult,
) {
    if let Some(need) = client.poll_need() {
        answer(client, need, verify);
    }
    if let Some(transmit) = client.poll_transmit(opaque_board::now(), out) {
        black_box((&transmit, &out));
    }
    if let Some(event) = client.poll_event() {
        black_box(&event);
    }
    black_box(client.poll_timeout());
    if let Some((meta, frame)) = opaque_board::receive() {
        match client.handle_frame(opaque_board::now(), meta, frame) {
            ClientAction::Store(block) => {
                black_box((block.offset, block.data));
                client.stored(opaque_board::now(), block.ticket, opaque_board::stored()).ok();
            }
            other => {
                black_box(&other);
            }
        }
    }
    client.handle_timeout(opaque_board::now());
    black_box(client.checkpoint());
}

#[inline(always)]
fn answer<const RANGES: usize, S: Settings>(
    client: &mut Client<RANGES, S>,
    need: Need,
    verify: impl FnOnce() -> VerifyResult,
) {
    let answered = match need {
        Need::Decide(ticket, _) => client.accept(ticket),
        Need::Prepare(ticket, _) => client.prepared(opaque_board::now(), ticket, opaque_board::prepared()),
        Need::Verify(ticket, _) => client.verified(opaque_board::now(), ticket, verify()),
        Need::Apply(ticket, _) => client.applied(opaque_board::now(), ticket, opaque_board::applied()),
        Need::FindServer(ticket, _) => {
            client.server_found(opaque_board::now(), ticket, Some(opaque_board::address()))
        }
        Need::NetworkAddress(ticket, _) => client.network_address_resolved(
            opaque_board::now(),
            ticket,
            Some(opaque_board::address().network),
        ),
        Need::IeeeAddress(ticket, _) => client.ieee_address_resolved(ticket, opaque_board::node()),
        // Keys and credentials are needed only with other settings, which `all_8` has.
        _ => Ok(()),
    };
    black_box(&answered);
}
