//! Calls of the lowest layer: identifiers, time, addresses.

use core::hint::black_box;
use core::time::Duration;

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::time::{Instant, Millis, ServerTime, TimeField, UtcTime};
use zigbee_ota::{
    Eui64, FileVersion, HardwareRange, HardwareVersion, ImageFilter, ImageId, ImageType, ManufacturerCode,
    SecurityCredentialVersion, StackVersion,
};

pub(crate) fn call() {
    numbers();
    images();
    time();
    black_box(FrameMeta::unicast(Address::new(black_box(0), black_box(0))));
}

fn numbers() {
    let version = FileVersion(black_box(0));
    black_box((version.parts(), version.is_bcd()));
    black_box(black_box("").parse::<FileVersion>()).ok();
    black_box(black_box("").parse::<HardwareVersion>()).ok();
    black_box(black_box("").parse::<ManufacturerCode>()).ok();
    black_box(black_box("").parse::<ImageType>()).ok();
    black_box(black_box("").parse::<StackVersion>()).ok();
    black_box(black_box("").parse::<SecurityCredentialVersion>()).ok();
    black_box(black_box("").parse::<Eui64>()).ok();
    black_box(black_box("").parse::<ImageId>()).ok();
    let image_type = ImageType(black_box(0));
    black_box((image_type.class(), image_type.name()));
    black_box((StackVersion(black_box(0)).name(), SecurityCredentialVersion(black_box(0)).name()));
    let hardware = HardwareVersion(black_box(0));
    black_box(hardware.parts());
    let range = HardwareRange { min: hardware, max: HardwareVersion(black_box(0)) };
    black_box((range.contains(hardware), range.is_empty()));
}

fn images() {
    let id = ImageId::new(black_box(0), black_box(0), black_box(0));
    let filter = black_box(ImageFilter::from(id));
    black_box(filter.matches(black_box(id)));
}

fn time() {
    let instant = Instant::from_millis(black_box(0));
    let later = instant.after(black_box(Duration::ZERO));
    let span = black_box(later.since(instant)).max(Millis::from_secs(black_box(0)));
    black_box((later.as_millis(), later.plus(span), Duration::from(span), Duration::from(later)));
    black_box(Instant::from(black_box(Duration::ZERO)));
    black_box(Millis::try_from(black_box(Duration::ZERO))).ok();
    let utc = UtcTime::from_unix(black_box(0));
    black_box(black_box(UtcTime(0)).advance(instant, later));
    let time = ServerTime { current: black_box(0), then: black_box(0) };
    black_box(time.delay(black_box(TimeField::Request), black_box(utc), black_box(0))).ok();
    black_box(ServerTime::after_seconds(black_box(0)));
}
