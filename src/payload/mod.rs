//! Payloads of upgrade images: recognition of their format, and comparison of their own checksums.
//!
//! A valid OTA file may contain a damaged payload, which no device will start. [`payloads`] checks all payloads of a
//! file. [`PayloadReport::of`] checks the bytes of a single payload. [`PayloadKind::of`] recognises the format of a
//! payload, and checks nothing.
//!
//! The crate reports a payload as [`PayloadState::Damaged`] only if the damage is certain: the first bytes must make
//! the format certain, and the payload must contradict its own checksum or length. If the payload could be whole in
//! another variant of the format, its state is [`PayloadState::Unknown`].
//!
//! The source file of each format, in `src/payload/formats`, has its byte layout. The next table lists, for each
//! format, its checksums and the states that a payload of the format can have besides unknown.
//!
//! | kind | checksums | states |
//! |---|---|---|
//! | `silabs_gbl`, `silabs_ebl`, `silabs_ebl_encrypted` | CRC-32 of all bytes | whole, damaged |
//! | `telink_knlt` | CRC-32 of the image, and CRC-32 of all bytes if bytes follow the image | whole, damaged |
//! | `esp_image` | checksum of the segments' data, mostly a SHA-256 of all bytes | whole, damaged |
//! | `ti_oad` | CRC-32 from byte 12 on | whole, damaged |
//! | `ti_cc2530` | CRC-16 of all bytes | whole, damaged |
//! | `nordic_dfu_firmware` | SHA-256 in the init packet | whole, damaged, encrypted |
//! | `mcuboot` | SHA-256 of all bytes | whole, damaged, encrypted |
//! | `nxp_jn518x` | word sum and CRC-32 of the header, and a length | damaged, encrypted |
//! | `xz` | CRC-32 of header, index and footer; SHA-256 after it | whole, damaged |
//! | `embedded_ota_header` | checksums of the first upgrade image inside | damaged |
//! | `osram` | CRC-32 of its tables | whole, encrypted |
//! | `nxp_jn51xx`, `nxp_jn51xx_word_swapped`, `nxp_jn514x_embedded_ota_header`, `dresden_elektronik` | a length | damaged, encrypted |
//! | `silabs_gbl4` | a length | damaged |
//! | `hue_sbl`, `ubisys`, `telink_aes_f000` | | encrypted |
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
//!     "CRC-32 at byte 24 of the payload says 0xe09a4ce9, its bytes give 0x21149329; signed"
//! );
//! ```

mod covered_bytes;
mod entropy;
mod formats;
mod metadata;
mod payload_iterator;
mod report;

pub use entropy::Entropy;
pub use formats::PayloadKind;
pub(crate) use formats::{WrongByte, is_damaged_table, wrong_magic_byte};
pub use metadata::{PayloadMetadata, PayloadVersion};
pub(crate) use payload_iterator::payloads_with_bytes;
pub use payload_iterator::{Payload, payloads};
pub use report::{ChecksumKind, Damage, DamageKind, PayloadReport, PayloadState, UnknownReason};
