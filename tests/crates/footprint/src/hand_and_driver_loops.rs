//! The same device twice: the loop by hand as in the guide, and the loop of the driver. Storage, radio and clock are
//! opaque in both, and both answer attributes, save their state in each turn, and resume.

use core::hint::black_box;

use zigbee_ota::ImageId;
use zigbee_ota::aps::{DeliveryMode, Transmit};
use zigbee_ota::client::{
    ApplyResult, Checkpoint, Client, ClientAction, ClientEvent, FailedImage, Need, PrepareResult,
    RequestBuffer, Storage, StoreResult, VerifyResult,
};
use zigbee_ota::device::{Board, DeviceStorage, FrameBuffer, Input, SavedState};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::{ImageOffer, LONGEST_ATTRIBUTES};

use crate::opaque_board;

/// Storage that is opaque.
pub struct Flash;

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

static STORED: [(Option<Checkpoint>, Option<FailedImage>); 1] = [(None, None)];

impl DeviceStorage for Flash {
    fn load(&mut self) -> SavedState {
        let (checkpoint, failed_image) = black_box(&STORED)[0];
        SavedState::new(checkpoint, failed_image)
    }

    fn save(&mut self, state: &SavedState) {
        black_box(state);
    }
}

/// Board that is opaque.
pub struct Opaque;

impl Board for Opaque {
    fn now(&mut self) -> Instant {
        opaque_board::now()
    }

    fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        black_box((transmit, frame));
    }

    fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        black_box((deadline, &frame));
        let (meta, _) = opaque_board::receive()?;
        Some(Input::Frame(meta, black_box(0)))
    }

    fn apply(&mut self, image: ImageId) -> ApplyResult {
        black_box(image);
        opaque_board::applied()
    }

    fn on_event(&mut self, event: &ClientEvent) {
        black_box(event);
    }
}

/// The loop by hand: needs, frames, events, state, input, time.
#[inline(always)]
pub fn turn_by_hand(client: &mut Client<0>, out: &mut RequestBuffer, frame: &mut FrameBuffer) {
    client.handle_timeout(opaque_board::now());
    while let Some(need) = client.poll_need_with(opaque_board::now(), &mut Flash) {
        match need {
            Need::Decide(ticket, _) => client.accept(ticket).ok(),
            Need::Apply(ticket, image) => {
                black_box((client.checkpoint(), client.failed_image(), image));
                client.applied(opaque_board::now(), ticket, opaque_board::applied()).ok()
            }
            need => client.decline(opaque_board::now(), need).ok(),
        };
    }
    while let Some(transmit) = client.poll_transmit(opaque_board::now(), out) {
        black_box((&transmit, &out));
    }
    while let Some(event) = client.poll_event() {
        black_box(&event);
    }
    black_box((client.checkpoint(), client.failed_image()));
    black_box((client.poll_timeout(), &frame));
    let Some((meta, _)) = opaque_board::receive() else { return };
    let frame = frame.get(..black_box(0)).unwrap_or_default();
    if let ClientAction::AnswerAttributes(question) =
        client.handle_frame_with(opaque_board::now(), meta, frame, &mut Flash)
    {
        let mut answer = [0; LONGEST_ATTRIBUTES];
        if let Ok(Some(len)) = client.attributes().answer(&question, &mut answer) {
            let _ = black_box((&Transmit::new(meta.from, len, DeliveryMode::Unicast), &answer));
        }
    }
}
