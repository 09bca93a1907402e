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

use crate::board;

/// Storage that answers at once.
struct Flash;

impl Storage for Flash {
    fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult {
        black_box(offer);
        board::prepared()
    }

    fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult {
        black_box((offset, data));
        board::stored()
    }

    fn verify(&mut self, offer: &ImageOffer) -> VerifyResult {
        black_box(offer);
        board::verdict()
    }
}

#[inline(always)]
pub fn call<const RANGES: usize, S: Settings>(client: &mut Client<RANGES, S>) {
    client.handle_delivery(board::now(), board::any(TransmitToken::NONE), black_box(DeliveryReport::Failed));
    client.connection_lost(board::now());
    client.set_utc(board::now(), black_box(Some(UtcTime(0))));
    client.query(board::now()).ok();
    client
        .query_specific_file(board::now(), board::any(ImageId::new(0, 0, 0)), StackVersion(black_box(0)))
        .ok();
    client.set_query_interval(board::now(), black_box(Some(Millis(0))));
    client.stop_queries(board::now());
    black_box(client.activate()).ok();
    client.abort(board::now()).ok();
    black_box(client.checkpoint().map(|checkpoint| checkpoint.floor(black_box(NonZeroU32::MIN))));
    black_box((client.waiting_for(), client.progress(), client.retries(), client.pending_images()));
    black_box((client.identity(), client.server()));
    match client.poll_need() {
        Some(Need::Decide(ticket, _)) => client.refuse(board::now(), ticket).ok(),
        Some(Need::LinkKey(ticket, ..)) => {
            client.link_key_established(board::now(), ticket, black_box(true)).ok()
        }
        Some(Need::Credentials(ticket, _)) => {
            client.credentials_obtained(board::now(), ticket, board::credentials()).ok()
        }
        _ => None,
    };
    if let Some((meta, frame)) = board::receive()
        && let ClientAction::AnswerAttributes(frame) =
            client.handle_frame_with(board::now(), meta, frame, &mut Flash)
    {
        let mut out = [0; 80];
        black_box(client.attributes().answer(&frame, &mut out)).ok();
        black_box(&out);
    }
    black_box(client.poll_need_with(board::now(), &mut Flash));
}
