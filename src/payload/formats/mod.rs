//! Table of payload formats: the macro call `formats!`. Each payload format has a row in the macro call `formats!`;
//! related formats share a source file.
//!
//! ```text
//! bytes -> recogniser of each row, from top to bottom -> PayloadKind -> check of that row -> PayloadReport
//! ```
//!
//! The source file of a format starts with the byte layout, and contains a function that recognises the format, mostly
//! named `is`, and a function that compares the checksums, mostly named `check`. A recogniser, the function that
//! recognises a format, reads at most a constant number of bytes of the payload.

pub(super) mod cortex_m;
pub(super) mod dresden;
pub(super) mod embedded_ota;
pub(super) mod esp_image;
pub(super) mod hue_sbl;
pub(super) mod inovelli;
pub(super) mod mcuboot;
pub(super) mod nordic_dfu;
pub(super) mod nxp_jn518x;
pub(super) mod nxp_jn51xx;
pub(super) mod osram;
pub(super) mod silabs_ebl;
pub(super) mod silabs_gbl;
pub(super) mod silabs_gbl4;
pub(super) mod telink;
pub(super) mod ti_cc2530;
pub(super) mod ti_oad;
pub(super) mod ubisys;
pub(crate) mod wrong_magic_byte;
pub(super) mod xz;
pub(super) mod zlib;

mod read_fields;

pub(crate) use osram::is_damaged_table;
pub(crate) use wrong_magic_byte::WrongByte;

use core::fmt;

use super::PayloadReport;
use super::report::check_unknown;

/// Defines [`PayloadKind`] and its functions from the table of formats. `PayloadKind::of` calls the recognisers of the
/// formats in the order of the table, until a recogniser accepts the payload.
///
/// The table of formats is a macro call, because no function can define an enum. If the variants, names, recognisers
/// and checks were written in separate places, they could disagree.
macro_rules! formats {
    ($($(#[$doc:meta])* $kind:ident = $name:literal: $check:path $(, if $is:path)?;)*) => {
        /// Format of a payload. The source file of each format, in `src/payload/formats`, has its byte layout.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum PayloadKind {
            $($(#[$doc])* $kind,)*
        }

        impl PayloadKind {
            /// All payload formats, including [`Unknown`](Self::Unknown).
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Recognises the format of `bytes`. The recognition reads at most a constant number of bytes of a payload,
            /// however long the payload is.
            ///
            /// `PayloadKind::of` never returns [`TelinkAes`](Self::TelinkAes) or
            /// [`NordicFirmware`](Self::NordicFirmware), and returns [`Ubisys`](Self::Ubisys) only for firmware of
            /// ubisys that starts with `FRS0`. Only [`payloads`](super::payloads) recognises encrypted Telink images,
            /// Nordic firmware and other firmware of ubisys, by the elements around the payload.
            #[must_use]
            pub fn of(bytes: &[u8]) -> Self {
                $($(if $is(bytes) { return Self::$kind; })?)*
                Self::Unknown
            }

            /// Returns the short name of the format for tools and scripts, such as `silabs_gbl` or `unknown`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// Returns the report about `bytes`, which must be a payload of the format `self`.
            pub(super) fn check(self, bytes: &[u8]) -> PayloadReport<'_> {
                match self {
                    $(Self::$kind => $check(bytes),)*
                }
            }
        }
    };
}

// The formats with the most magic bytes come first. If payloads of format A can contain the magic bytes of format B,
// format A comes before format B.
formats! {
    /// Gecko bootloader file of Silicon Labs, with tags and a CRC-32.
    SilabsGbl = "silabs_gbl": silabs_gbl::check, if silabs_gbl::is;
    /// Ember bootloader file of version 2, with tags and a CRC-32.
    SilabsEbl = "silabs_ebl": silabs_ebl::check, if silabs_ebl::is;
    /// Encrypted Ember bootloader file of version 2, with tags and a CRC-32.
    SilabsEblEncrypted = "silabs_ebl_encrypted": silabs_ebl::check_encrypted, if silabs_ebl::is_encrypted;
    /// Telink image with the magic bytes `KNLT`, a size and a CRC-32.
    TelinkKnlt = "telink_knlt": telink::check, if telink::is;
    /// ESP-IDF application image, with segments and a checksum. Most ESP-IDF images also have a SHA-256.
    EspImage = "esp_image": esp_image::check, if esp_image::is;
    /// TI image for over-the-air download to CC13xx and CC26xx, with a CRC-32 in the header.
    TiOad = "ti_oad": ti_oad::check, if ti_oad::is;
    /// Container of Silicon Labs for series 3 parts, with tags inside.
    SilabsGbl4 = "silabs_gbl4": silabs_gbl4::check, if silabs_gbl4::is;
    /// NXP JN516x image, plain or encrypted.
    NxpJn51xx = "nxp_jn51xx": nxp_jn51xx::check, if nxp_jn51xx::is;
    /// NXP JN516x image with the bytes of each 32-bit word in reverse order.
    NxpJn51xxSwapped = "nxp_jn51xx_word_swapped": nxp_jn51xx::check_swapped, if nxp_jn51xx::is_swapped;
    /// NXP JN518x or K32W image, with a word sum and a CRC-32 in the header.
    NxpJn518x = "nxp_jn518x": nxp_jn518x::check, if nxp_jn518x::is;
    /// NXP JN514x image, recognised by its first word, and by the OTA header at byte 8 or the length of the image.
    NxpJn514x = "nxp_jn514x_embedded_ota_header": embedded_ota::check_jn514x, if embedded_ota::is_jn514x;
    /// OTA file inside an OTA file.
    EmbeddedOta = "embedded_ota_header": embedded_ota::check_nested, if embedded_ota::is;
    /// MCUboot image, as the nRF Connect SDK makes it: a header, the image, and a SHA-256.
    Mcuboot = "mcuboot": mcuboot::check, if mcuboot::is;
    /// Firmware of dresden elektronik.
    Dresden = "dresden_elektronik": dresden::check, if dresden::is;
    /// xz stream.
    Xz = "xz": xz::check, if xz::is;
    /// Image for the second boot loader of Philips Hue.
    HueSbl = "hue_sbl": hue_sbl::check, if hue_sbl::is;
    /// Firmware of the radar module in Inovelli's switches.
    Inovelli = "inovelli_f0c3": inovelli::check, if inovelli::is;
    /// Firmware or tables of Osram and Ledvance.
    Osram = "osram": osram::check, if osram::is;
    /// Firmware of ubisys, which an earlier element describes, or which starts with `FRS0`.
    Ubisys = "ubisys": ubisys::check, if ubisys::is;
    /// Nordic init packet, which contains the hash of the firmware in the next element.
    NordicInit = "nordic_dfu_init_packet": nordic_dfu::check, if nordic_dfu::is;

    // The formats below have one or two magic bytes. `TiCc2530` and `CortexM` also require a matching length or
    // matching vectors, which fewer than one in 2^30 random payloads has. `Zlib` has no such requirement, see
    // `is_searched_in_all_elements`.

    /// TI image for the CC2530: 8051 code that contains a CRC-16 and a preamble.
    TiCc2530 = "ti_cc2530": ti_cc2530::check, if ti_cc2530::is;
    /// Bare Cortex-M code, recognised by a plausible vector table.
    CortexM = "cortex_m_vector_table": cortex_m::check, if cortex_m::is;
    /// zlib stream.
    Zlib = "zlib": zlib::check, if zlib::is;

    // Formats without a recogniser: the elements around the payload show the format.

    /// Telink image that is encrypted with AES. Only the layout of its element
    /// ([`BodyLayout::TelinkF000`](crate::file::BodyLayout::TelinkF000)) shows that a payload is an encrypted Telink
    /// image.
    TelinkAes = "telink_aes_f000": telink::check_encrypted;
    /// Nordic firmware in the element after an init packet.
    NordicFirmware = "nordic_dfu_firmware": nordic_dfu::check_firmware;
    /// Payload whose format is none of the other variants.
    Unknown = "unknown": check_unknown;
}

impl PayloadKind {
    /// Returns whether [`payloads`](super::payloads) reports this format in elements with any tag, not only in upgrade
    /// images.
    ///
    /// A zlib stream is recognised by its first byte, by four possible values of its second byte, and by three possible
    /// types of its first block. One in 22,000 elements with random data would therefore be recognised as a zlib
    /// stream. The recogniser of every other format compares at least as many bits as the three magic bytes of Hue's
    /// format, so at most one in 16 million elements with random data would be recognised as a payload of the format.
    pub(super) const fn is_searched_in_all_elements(self) -> bool {
        !matches!(self, Self::Unknown | Self::Zlib)
    }
}

impl fmt::Display for PayloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// The table in the documentation of the module `payload` names each format exactly once.
    #[test]
    fn the_documented_table_names_each_format_once() {
        let documentation = include_str!("../mod.rs");
        let (_, table) = documentation.split_once("//! | kind | checksums | states |\n").unwrap();
        let rows = table.lines().skip(1).take_while(|line| line.starts_with("//! |"));
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        let mut documented: Vec<_> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let known = PayloadKind::ALL.iter().filter(|kind| **kind != PayloadKind::Unknown);
        let mut names: Vec<_> = known.map(|kind| kind.name()).collect();
        documented.sort_unstable();
        names.sort_unstable();
        assert_eq!(documented, names);
    }
}
