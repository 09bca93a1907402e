//! Calls of payload detection and checks, for bytes and for files.

use core::hint::black_box;

use zigbee_ota::ImageId;
use zigbee_ota::file::Image;
use zigbee_ota::payload::{Entropy, PayloadKind, PayloadReport, payloads};

use crate::Bytes;

pub(crate) fn call(bytes: &Bytes<'_>) {
    let kind = black_box(PayloadKind::of(bytes.input));
    black_box(kind.name());
    let verdict = black_box(PayloadReport::of(bytes.input));
    black_box(verdict.state.name());
    black_box(verdict.stated.contradicts(black_box(ImageId::new(0x1001, 0x00ab, 5))));
    black_box(Entropy::of(bytes.input).looks_random());
    if let Ok(image) = Image::parse_lenient(bytes.input) {
        for payload in payloads(&image) {
            black_box((payload.is_damaged(), payload));
        }
    }
}
