//! What is inside an upgrade image: its format, and whether it is whole by its own sums.
//!
//! A file may be a perfect OTA file with a payload that no device will start. [`payloads`] judges those of a file,
//! [`PayloadReport::of`] bytes that are one payload; [`PayloadKind::of`] only recognises.
//!
//! Nothing is guessed. [`PayloadState::Damaged`] is said only of what its first bytes make certain, with a sum over bytes that
//! are all there by the format's own length; where another reading is possible, it is [`PayloadState::Unknown`]. The layouts
//! stand in the modules of the kinds, in the source; this is what each can tell:
//!
//! | kind | sums | states |
//! |---|---|---|
//! | `silabs_gbl`, `silabs_ebl`, `silabs_ebl_encrypted` | CRC-32 over all | whole, damaged |
//! | `telink_knlt` | CRC-32 over all | whole, damaged |
//! | `esp_image` | checksum of the segments' data, mostly a SHA-256 over all | whole, damaged |
//! | `ti_oad` | CRC-32 from byte 12 on | whole, damaged |
//! | `ti_cc2530` | CRC-16 over all | whole, damaged |
//! | `nordic_dfu_firmware` | SHA-256 in the init packet | whole, damaged, encrypted |
//! | `mcuboot` | SHA-256 over all | whole, damaged, encrypted |
//! | `nxp_jn518x` | sum and CRC-32 of the header | damaged, encrypted |
//! | `xz` | CRC-32 of header, index and footer; SHA-256 after it | whole, damaged |
//! | `embedded_ota_header` | those of the first upgrade image inside | damaged |
//! | `osram` | CRC-32 of its tables | whole, encrypted |
//! | `nxp_jn51xx`, `nxp_jn514x_embedded_ota_header`, `hue_sbl`, `ubisys`, `telink_aes_f000` | | encrypted |
//! | `nordic_dfu_init_packet`, `inovelli_f0c3`, `cortex_m_vector_table`, `zlib` | | |
//!
//! ```
//! use zigbee_ota::payload::{PayloadKind, PayloadState, ChecksumKind, PayloadReport};
//!
//! // A Gecko bootloader file with nothing in it: header and end tag.
//! let mut file = vec![0xeb, 0x17, 0xa6, 0x03, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
//! file.extend([0xfc, 0x04, 0x04, 0xfc, 4, 0, 0, 0, 0xe9, 0x4c, 0x9a, 0xe0]);
//! assert_eq!(PayloadKind::of(&file), PayloadKind::SilabsGbl);
//! assert_eq!(PayloadReport::of(&file).state, PayloadState::Whole(ChecksumKind::Crc32));
//!
//! file[13] ^= 1;
//! assert_eq!(
//!     PayloadReport::of(&file).to_string(),
//!     "CRC-32 at byte 24: 0xe09a4ce9 expected, 0x21149329 found; signed"
//! );
//! ```

mod cc2530;
mod cortex;
mod ebl;
mod entropy;
mod esp;
mod gbl;
mod hue;
mod inovelli;
mod iter;
mod jn518x;
mod jn51xx;
mod kind;
mod mcuboot;
mod metadata;
mod nested;
mod nordic;
mod oad;
mod osram;
mod read;
mod report;
mod telink;
mod ubisys;
mod xz;
mod zlib;

pub use entropy::Entropy;
pub use iter::{Payload, Payloads, payloads};
pub use kind::PayloadKind;
pub use metadata::{PayloadMetadata, PayloadVersion};
pub use report::{ChecksumKind, Damage, DamageKind, PayloadReport, PayloadState, UnknownReason};
