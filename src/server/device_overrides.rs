//! Table of devices in the field that need limits, timeouts or commands that differ from the specification. A caller
//! can replace the table of device overrides in
//! [`ServerConfig::device_overrides`](super::ServerConfig::device_overrides).

use core::num::NonZeroU8;

use crate::time::Millis;
use crate::types::{ImageId, ImageType, ManufacturerCode};

/// Override of limits, timeouts and commands for the devices of one manufacturer code, or of one image type. A caller
/// makes a row of the table of device overrides with [`new`](Self::new):
///
/// ```
/// use zigbee_ota::ImageType;
/// use zigbee_ota::server::{DeviceOverride, ServerConfig};
///
/// const ROW: DeviceOverride = {
///     let mut row = DeviceOverride::new(0x1001, ImageType::ANY, &[]);
///     row.refuse_pages = true;
///     row
/// };
/// let mut config = ServerConfig::default();
/// config.device_overrides = &[ROW];
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct DeviceOverride {
    /// Manufacturer code of the devices that need the override.
    pub manufacturer: ManufacturerCode,
    /// Image type of the devices that need the override; [`ImageType::ANY`] means all types.
    pub image_type: ImageType,
    /// Maximum number of bytes of data in a block to a device that this override is for, even if the request allows
    /// more.
    pub max_block_size: Option<NonZeroU8>,
    /// Verify timeout for the devices that this override is for. If
    /// [`ServerConfig::verify_timeout`](super::ServerConfig::verify_timeout) is longer than the verify timeout of the
    /// override, the longer timeout applies.
    pub verify_timeout: Option<Millis>,
    /// Whether the server answers an Image Page Request with UNSUP_CLUSTER_COMMAND, because the devices download better
    /// by single blocks.
    pub refuse_pages: bool,
    /// Whether the server ignores the MinimumBlockPeriod in requests. The field `ignore_min_block_period` is for
    /// devices that send a wrong MinimumBlockPeriod, or do not adopt the MinimumBlockPeriod that the server sends.
    pub ignore_min_block_period: bool,
    /// Whether the devices report only the low byte of their file version.
    pub one_byte_version: bool,
    /// URLs of public reports, or of the source of another server with the same override.
    pub reports: &'static [&'static str],
}

impl DeviceOverride {
    /// Returns a device override without any effect, whose fields the caller then sets.
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

    /// Returns whether the device override is for the manufacturer code and image type of `id`.
    pub(super) fn matches(&self, id: ImageId) -> bool {
        self.manufacturer == id.manufacturer
            && (self.image_type == ImageType::ANY || self.image_type == id.image_type)
    }

    /// Returns the first device override that is for the manufacturer code and image type of `id`. In the table of
    /// device overrides, a row for one image type comes before the row for all image types of the manufacturer code.
    pub(super) fn find(devices: &[Self], id: ImageId) -> Option<&Self> {
        devices.iter().find(|row| row.matches(id))
    }
}

const FORTY: Option<NonZeroU8> = NonZeroU8::new(40);

/// Known devices that need overrides, from public reports. The verify timeouts in the table of device overrides are
/// twice the verification times in the public reports.
pub const DEVICE_OVERRIDES: &[DeviceOverride] = &[
    // Lumi: the device reports version 24 (0x18) for a file with version 0x1818.
    DeviceOverride {
        one_byte_version: true,
        ..DeviceOverride::new(0x115f, ImageType::ANY, &["https://github.com/Koenkk/zigbee-OTA/issues/199"])
    },
    // dresden elektronik: blocks of more than 40 bytes are not delivered.
    DeviceOverride {
        max_block_size: FORTY,
        ..DeviceOverride::new(
            0x1135,
            ImageType::ANY,
            &["https://github.com/dresden-elektronik/deconz-rest-plugin/issues/166"],
        )
    },
    // Insta: the device requests 63 bytes, and a response of that length is too long for one radio frame.
    DeviceOverride {
        max_block_size: FORTY,
        ..DeviceOverride::new(0x117a, ImageType::ANY, &["https://github.com/Koenkk/zigbee2mqtt/issues/3010"])
    },
    // Busch-Jaeger: blocks of more than 40 bytes are not delivered.
    DeviceOverride {
        max_block_size: FORTY,
        ..DeviceOverride::new(
            0x112e,
            ImageType::ANY,
            &["https://github.com/dresden-elektronik/deconz-ota-plugin"],
        )
    },
    // Legrand: the device announces a MinimumBlockPeriod that it does not keep, requests pages but needs single blocks,
    // and verifies an image for half an hour.
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
    // Bosch: the device has two processors, which verify an image for an hour.
    DeviceOverride {
        verify_timeout: Some(Millis::from_secs(2 * 3600)),
        ..DeviceOverride::new(
            0x1209,
            ImageType::ANY,
            &["https://github.com/Koenkk/zigbee-herdsman-converters/issues/6657"],
        )
    },
    // Sonoff, one product: the device verifies an image for an hour.
    DeviceOverride {
        verify_timeout: Some(Millis::from_secs(2 * 3600)),
        ..DeviceOverride::new(0x1286, ImageType(8199), &["https://github.com/Koenkk/zigbee-herdsman"])
    },
];
