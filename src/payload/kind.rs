//! What a payload is, by its first bytes.
//!
//! ```text
//! bytes -> the marks of each kind, the surest first -> PayloadKind; Unknown where none fits
//! ```

use core::fmt;

use super::{cc2530, cortex, ebl, esp, gbl, hue, inovelli, jn51xx, jn518x, mcuboot, nested, nordic};
use super::{oad, osram, telink, xz, zlib};

/// The format of a payload; each has a module of its own with its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PayloadKind {
    /// Gecko bootloader file of Silicon Labs: tags and a CRC-32.
    SilabsGbl,
    /// Ember bootloader file, version 2: tags and a CRC-32.
    SilabsEbl,
    /// The same, encrypted.
    SilabsEblEncrypted,
    /// Telink image, `KNLT`: a size and a CRC-32.
    TelinkKnlt,
    /// Telink image, encrypted with AES; only the element's form tells.
    TelinkAes,
    /// ESP-IDF application image: segments, a checksum, mostly a SHA-256.
    EspImage,
    /// TI's image for over-the-air download, CC13xx and CC26xx: a header with a CRC-32.
    TiOad,
    /// TI's image for the CC2530: 8051 code with a CRC-16 and a preamble inside.
    TiCc2530,
    /// NXP JN516x image, with or without encryption.
    NxpJn51xx,
    /// NXP JN514x image, known by the OTA header at its byte 8.
    NxpJn514x,
    /// NXP JN518x or K32W image: a header with a sum and a CRC-32.
    NxpJn518x,
    /// Nordic's init packet, which has the hash of the firmware in the next element.
    NordicInit,
    /// The firmware after an init packet.
    NordicFirmware,
    /// MCUboot image, as of the nRF Connect SDK: a header, the image, and a SHA-256.
    Mcuboot,
    /// Second boot loader image of Philips Hue.
    HueSbl,
    /// Firmware of ubisys, described by an element before it.
    Ubisys,
    /// Firmware and tables of Osram and Ledvance.
    Osram,
    /// Firmware of Inovelli's radar module.
    Inovelli,
    /// An xz stream.
    Xz,
    /// A zlib stream.
    Zlib,
    /// A second OTA file.
    EmbeddedOta,
    /// Bare Cortex-M code: a vector table that can be one.
    CortexM,
    /// Nothing known.
    Unknown,
}

impl PayloadKind {
    /// What `bytes` are, as far as they tell themselves. Looks at a constant number of bytes at most, however many
    /// there are; what a kind needs that is known by its surroundings ([`TelinkAes`](Self::TelinkAes),
    /// [`NordicFirmware`](Self::NordicFirmware), [`Ubisys`](Self::Ubisys)) is the business of [`payloads`](super::payloads).
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            _ if gbl::is(bytes) => Self::SilabsGbl,
            _ if ebl::is(bytes) => Self::SilabsEbl,
            _ if ebl::is_encrypted(bytes) => Self::SilabsEblEncrypted,
            _ if telink::is(bytes) => Self::TelinkKnlt,
            _ if esp::is(bytes) => Self::EspImage,
            _ if oad::is(bytes) => Self::TiOad,
            _ if jn51xx::is(bytes) => Self::NxpJn51xx,
            _ if jn518x::is(bytes) => Self::NxpJn518x,
            _ if nested::is_jn514x(bytes) => Self::NxpJn514x,
            _ if nested::is(bytes) => Self::EmbeddedOta,
            _ if mcuboot::is(bytes) => Self::Mcuboot,
            _ if xz::is(bytes) => Self::Xz,
            _ if hue::is(bytes) => Self::HueSbl,
            _ if inovelli::is(bytes) => Self::Inovelli,
            _ if osram::is(bytes) => Self::Osram,
            _ if nordic::is(bytes) => Self::NordicInit,
            // From here on less than four bytes tell.
            _ if cc2530::is(bytes) => Self::TiCc2530,
            _ if cortex::is(bytes) => Self::CortexM,
            _ if zlib::is(bytes) => Self::Zlib,
            _ => Self::Unknown,
        }
    }

    /// A short name, such as `silabs_gbl` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SilabsGbl => "silabs_gbl",
            Self::SilabsEbl => "silabs_ebl",
            Self::SilabsEblEncrypted => "silabs_ebl_encrypted",
            Self::TelinkKnlt => "telink_knlt",
            Self::TelinkAes => "telink_aes_f000",
            Self::EspImage => "esp_image",
            Self::TiOad => "ti_oad",
            Self::TiCc2530 => "ti_cc2530",
            Self::NxpJn51xx => "nxp_jn51xx",
            Self::NxpJn514x => "nxp_jn514x_embedded_ota_header",
            Self::NxpJn518x => "nxp_jn518x",
            Self::NordicInit => "nordic_dfu_init_packet",
            Self::NordicFirmware => "nordic_dfu_firmware",
            Self::Mcuboot => "mcuboot",
            Self::HueSbl => "hue_sbl",
            Self::Ubisys => "ubisys",
            Self::Osram => "osram",
            Self::Inovelli => "inovelli_f0c3",
            Self::Xz => "xz",
            Self::Zlib => "zlib",
            Self::EmbeddedOta => "embedded_ota_header",
            Self::CortexM => "cortex_m_vector_table",
            Self::Unknown => "unknown",
        }
    }

    /// Whether its first bytes alone leave no doubt, so that it is looked for in any element.
    pub(super) const fn is_marked(self) -> bool {
        !matches!(self, Self::Unknown | Self::Zlib)
    }
}

impl fmt::Display for PayloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
