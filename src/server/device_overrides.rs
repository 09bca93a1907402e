//! Devices in the field that a server does well to treat otherwise. The table is data: a caller can give another in
//! [`ServerConfig::device_overrides`](super::ServerConfig::device_overrides).

use core::num::NonZeroU8;

use crate::time::Millis;
use crate::types::{ImageId, ImageType, ManufacturerCode};

/// How to treat certain devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceOverride {
    /// Whose they are.
    pub manufacturer: ManufacturerCode,
    /// Which of them; [`ImageType::ANY`] for all.
    pub image_type: ImageType,
    /// The most bytes of data that they take in a block, whatever they ask for.
    pub max_block_size: Option<NonZeroU8>,
    /// How long they are silent after the last byte before they say that they have it, where that is longer than
    /// [`ServerConfig::verify_timeout`](super::ServerConfig::verify_timeout).
    pub verify_timeout: Option<Millis>,
    /// They ask for pages and do better with blocks: an Image Page Request is answered as unsupported.
    pub refuse_pages: bool,
    /// What they say of their MinimumBlockPeriod is wrong, or they do not take another one on: it is not looked at.
    pub ignore_min_block_period: bool,
    /// They tell only the last byte of the version they run.
    pub one_byte_version: bool,
    /// The public reports, or the sources of a server that does so.
    pub reports: &'static [&'static str],
}

impl DeviceOverride {
    /// A device with nothing to treat otherwise, to start a row of the table from.
    #[must_use]
    pub const fn new(manufacturer: u16, image_type: ImageType, reports: &'static [&'static str]) -> Self {
        Self {
            manufacturer: ManufacturerCode(manufacturer),
            image_type,
            max_block_size: None,
            verify_timeout: None,
            refuse_pages: false,
            ignore_min_block_period: false,
            one_byte_version: false,
            reports,
        }
    }

    /// Whether the row is about `id`.
    #[must_use]
    pub(super) fn matches(&self, id: ImageId) -> bool {
        self.manufacturer == id.manufacturer
            && (self.image_type == ImageType::ANY || self.image_type == id.image_type)
    }

    /// The first row of `device_overrides` about `id`: put those of one image type before those of a maker.
    #[must_use]
    pub(super) fn find(devices: &[Self], id: ImageId) -> Option<&Self> {
        devices.iter().find(|row| row.matches(id))
    }
}

const FORTY: Option<NonZeroU8> = NonZeroU8::new(40);

/// The devices known to need it.
pub const DEVICE_OVERRIDES: &[DeviceOverride] = &[
    // Lumi: reports 24 where its file says 0x1818.
    DeviceOverride {
        one_byte_version: true,
        ..DeviceOverride::new(0x115f, ImageType::ANY, &["https://github.com/Koenkk/zigbee-OTA/issues/199"])
    },
    // dresden elektronik: larger blocks do not arrive.
    DeviceOverride {
        max_block_size: FORTY,
        ..DeviceOverride::new(
            0x1135,
            ImageType::ANY,
            &["https://github.com/dresden-elektronik/deconz-rest-plugin/issues/166"],
        )
    },
    // Insta: 63 asked for, and the answer is too long for the radio.
    DeviceOverride {
        max_block_size: FORTY,
        ..DeviceOverride::new(0x117a, ImageType::ANY, &["https://github.com/Koenkk/zigbee2mqtt/issues/3010"])
    },
    // Busch-Jaeger: as dresden elektronik.
    DeviceOverride {
        max_block_size: FORTY,
        ..DeviceOverride::new(
            0x112e,
            ImageType::ANY,
            &["https://github.com/dresden-elektronik/deconz-ota-plugin"],
        )
    },
    // Legrand: announces a MinimumBlockPeriod that is not there, is served blocks where it asks for pages, and is
    // given half an hour to check.
    DeviceOverride {
        ignore_min_block_period: true,
        refuse_pages: true,
        verify_timeout: Some(Millis::from_secs(3600)),
        ..DeviceOverride::new(
            0x1021,
            ImageType::ANY,
            &[
                "https://github.com/Koenkk/zigbee2mqtt/issues/28217",
                "https://github.com/zigbeefordomoticz/Domoticz-Zigbee",
                "https://github.com/Koenkk/zigbee-herdsman",
            ],
        )
    },
    // Bosch: two processors, an hour.
    DeviceOverride {
        verify_timeout: Some(Millis::from_secs(2 * 3600)),
        ..DeviceOverride::new(
            0x1209,
            ImageType::ANY,
            &["https://github.com/Koenkk/zigbee-herdsman-converters/issues/6657"],
        )
    },
    // Sonoff, one product: an hour.
    DeviceOverride {
        verify_timeout: Some(Millis::from_secs(2 * 3600)),
        ..DeviceOverride::new(0x1286, ImageType(8199), &["https://github.com/Koenkk/zigbee-herdsman"])
    },
];
