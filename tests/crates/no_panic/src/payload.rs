//! Calls of the module `payload`: recognition and check, of a payload alone and of a whole file.

use core::hint::black_box;

use zigbee_ota::ImageId;
use zigbee_ota::file::Image;
use zigbee_ota::payload::{Entropy, PayloadKind, PayloadReport, payloads};

use crate::Bytes;

pub(crate) fn call(bytes: &Bytes<'_>) {
    let kind = black_box(PayloadKind::of(bytes.input));
    black_box(kind.name());
    let report = black_box(PayloadReport::of(bytes.input));
    black_box(report.state.name());
    black_box(report.metadata.contradicts(black_box(ImageId::new(0x1001, 0x00ab, 5))));
    black_box(Entropy::of(bytes.input).looks_random());
    if let Ok(image) = Image::parse_lenient(bytes.input) {
        for payload in payloads(&image) {
            black_box((payload.is_damaged(), payload));
        }
    }
}
