//! Calls of every client function that the main loop does not need.

use core::hint::black_box;
use core::num::NonZeroU32;

use zigbee_ota::aps::{DeliveryReport, TransmitToken};
use zigbee_ota::client::{
    Client, ClientAction, Need, PrepareResult, Settings, Storage, StoreResult, VerifyResult,
};
use zigbee_ota::time::{Millis, UtcTime};
use zigbee_ota::zcl::ImageOffer;
use zigbee_ota::{ImageId, StackVersion};

use crate::opaque_board;

/// Storage that answers at once.
struct Flash;

impl Storage for Flash {
    fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult {
        black_box(offer);
        opaque_board::prepared()
    }

    fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult {
        black_box((offset, data));
        opaque_board::stored()
    }

    fn verify(&mut self, offer: &ImageOffer) -> VerifyResult {
        black_box(offer);
        opaque_board::verdict()
    }
}

#[inline(always)]
pub fn call<const RANGES: usize, S: Settings>(client: &mut Client<RANGES, S>) {
    client.handle_delivery(
        opaque_board::now(),
        opaque_board::any(TransmitToken::NONE),
        black_box(DeliveryReport::Failed),
    );
    client.connection_lost(opaque_board::now());
    client.set_utc(opaque_board::now(), black_box(Some(UtcTime(0))));
    client.query(opaque_board::now()).ok();
    client
        .query_specific_file(
            opaque_board::now(),
            opaque_board::any(ImageId::new(0, 0, 0)),
            StackVersion(black_box(0)),
        )
        .ok();
    client.set_query_interval(opaque_board::now(), black_box(Some(Millis(0))));
    client.stop_queries(opaque_board::now());
    black_box(client.activate()).ok();
    client.abort(opaque_board::now()).ok();
    black_box(client.checkpoint().map(|checkpoint| checkpoint.floor(black_box(NonZeroU32::MIN))));
    black_box((client.waiting_for(), client.progress(), client.retries(), client.pending_images()));
    black_box((client.identity(), client.server()));
    match client.poll_need() {
        Some(Need::Decide(ticket, _)) => client.refuse(opaque_board::now(), ticket).ok(),
        Some(Need::LinkKey(ticket, ..)) => {
            client.link_key_established(opaque_board::now(), ticket, black_box(true)).ok()
        }
        Some(Need::Credentials(ticket, _)) => {
            client.credentials_obtained(opaque_board::now(), ticket, opaque_board::credentials()).ok()
        }
        _ => None,
    };
    if let Some((meta, frame)) = opaque_board::receive()
        && let ClientAction::AnswerAttributes(frame) =
            client.handle_frame_with(opaque_board::now(), meta, frame, &mut Flash)
    {
        let mut out = [0; 80];
        black_box(client.attributes().answer(&frame, &mut out)).ok();
        black_box(&out);
    }
    black_box(client.poll_need_with(opaque_board::now(), &mut Flash));
}
