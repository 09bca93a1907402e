//! Calls of two stores as one, of the policy of an operator, and of the summaries of sessions.

use core::hint::black_box;

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::gateway::{GatewayCommand, HoldPolicy, SessionReport, SessionSummary, StorePair};
use zigbee_ota::server::{
    ImageStore, Server, ServerConfig, ServerPolicy, Session, SliceStore, SlotStore, StoreEntry,
};
use zigbee_ota::time::Instant;

use crate::Bytes;

pub(crate) fn call(bytes: &Bytes<'_>) {
    let Ok(entry) = StoreEntry::parse(bytes.input) else { return };
    let entries = black_box([entry; 2]);
    let Ok(slice) = SliceStore::new(black_box(&entries)) else { return };
    let mut slots = SlotStore::new(black_box([Some(entry), None]));
    let mut pair = StorePair::new(slice, StorePair::new(slice, &mut slots));
    let id = black_box(ImageId::new(1, 2, 3));
    let found = pair.find(id.manufacturer, id.image_type, &mut |image| black_box(image).size > 0);
    black_box(found);
    let mut out = [0; 9];
    if let Some(image) = pair.info(id, black_box(None), black_box(None), black_box(None)).found() {
        black_box(pair.read(black_box(image), black_box(0), black_box(None), &mut out));
    }
    let mut policy = HoldPolicy::new(black_box(true));
    policy.note_command(&black_box(GatewayCommand::notify(black_box(None))));
    black_box(policy.upgrade(black_box(Address::new(0, 1)), id));
    let server = black_box(Server::new(ServerConfig::default(), [Session::EMPTY; 3]));
    black_box(SessionSummary::of(&server));
    for session in server.sessions() {
        black_box(SessionReport::new(Instant::from_millis(black_box(0)), session));
    }
}
