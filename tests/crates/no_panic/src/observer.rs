//! Calls of the observer: any frame between any addresses, with slots and without.

use core::hint::black_box;

use zigbee_ota::aps::Address;
use zigbee_ota::observer::{Conversation, ConversationSlots, Observer};
use zigbee_ota::zcl::{Frame, Quirks};

use crate::Bytes;

pub(crate) fn call(bytes: &Bytes<'_>) {
    observe(bytes, [Conversation::EMPTY; 3]);
    observe(bytes, black_box(&mut [Conversation::EMPTY; 2][..]));
}

fn observe(bytes: &Bytes<'_>, slots: impl ConversationSlots) {
    let mut observer = Observer::new(slots);
    for _ in 0..black_box(2) {
        if let Ok(frame) = Frame::decode(bytes.input, Quirks::from_bits_retain(black_box(0))) {
            let (from, to) = (Address::new(black_box(1), 1), Address::new(black_box(0), 1));
            black_box(black_box(observer.observe(from, to, &frame)).image());
        }
    }
}
