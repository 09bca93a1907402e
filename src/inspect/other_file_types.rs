//! Types of files that are not OTA files, each with advice for the user.
//!
//! ```text
//! first bytes, or all of a text -> ForeignKind -> what it is, and what to do
//! ```

use core::fmt;

use crate::container::{OtherTotal, candidates, with_other_total};
use crate::error::DecodeError;
use crate::file::FileHeader;
use crate::payload::PayloadKind;

/// Type of a file that is not an OTA file, neither plain nor in a known container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ForeignKind {
    /// File without any byte.
    Empty,
    /// File in which all bytes have the same value, as in erased flash.
    Erased,
    /// Pointer of Git LFS, which replaces a large file in a repository.
    GitLfsPointer,
    /// HTML or XML text, usually the error message of a web server.
    WebPage,
    /// JSON text.
    Json,
    /// Zip archive.
    Zip,
    /// File compressed by gzip.
    Gzip,
    /// Tar archive.
    Tar,
    /// File compressed by bzip2.
    Bzip2,
    /// 7-Zip archive.
    SevenZip,
    /// RAR archive.
    Rar,
    /// File compressed by Zstandard.
    Zstandard,
    /// ELF program, the output of a linker.
    Elf,
    /// UF2 image, for boot loaders that appear as a USB disk.
    Uf2,
    /// Intel HEX text.
    IntelHex,
    /// Motorola S-record text.
    SRecord,
    /// Text of hexadecimal digits.
    HexText,
    /// Text in Base64 that encodes an OTA file.
    Base64Text,
    /// Text of none of the other types.
    Text,
    /// Matter OTA image.
    MatterOta,
    /// Payload without an OTA header.
    BarePayload(PayloadKind),
    /// IKEA container with consistent fields and matching checksums, but with an OTA header whose total image size
    /// differs from the size in the container.
    IkeaOtherTotal {
        /// Total image size in the OTA header, in bytes.
        total_size: u32,
        /// Size of the OTA file according to the container, in bytes.
        size: u32,
    },
    /// File with the OTA file identifier at the first byte, and a header that cannot be read.
    BrokenHeader,
    /// File that is no known container, with at least one OTA header at a later offset.
    HeaderInside,
    /// File of no known type.
    Unknown,
}

/// Maximum number of bytes of a text that are examined. The first line of a text is sufficient to recognise the types
/// of text files that a user might take for an OTA file.
const MAX_TEXT: usize = 4096;
/// Minimum number of digits of a text with the type [`ForeignKind::HexText`]. Some words and numbers also consist of
/// hexadecimal digits only, so a text with fewer than 32 digits has the type [`ForeignKind::Text`].
const MIN_DIGITS: usize = 32;

/// Identifiers at the start of files, each with the type of the file.
const IDENTIFIERS: [(&[u8], ForeignKind); 10] = [
    (b"version https://git-lfs.github.com/spec/", ForeignKind::GitLfsPointer),
    (b"PK\x03\x04", ForeignKind::Zip),
    (b"\x1f\x8b\x08", ForeignKind::Gzip),
    (b"BZh", ForeignKind::Bzip2),
    (b"7z\xbc\xaf\x27\x1c", ForeignKind::SevenZip),
    (b"Rar!\x1a\x07", ForeignKind::Rar),
    (b"\x28\xb5\x2f\xfd", ForeignKind::Zstandard),
    (b"\x7fELF", ForeignKind::Elf),
    (b"UF2\n", ForeignKind::Uf2),
    (b"\x1e\xf1\xee\x1b", ForeignKind::MatterOta),
];

/// Offset and bytes of the identifier of a tar archive.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// Returns whether `text` starts with `count` hexadecimal digits.
fn starts_with_digits(text: &[u8], count: usize) -> bool {
    text.get(..count).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

impl ForeignKind {
    /// Returns the type of the file `bytes`, and the offset of an OTA header inside the file, if any. `bytes` must be
    /// neither a plain OTA file nor a known container around an OTA file.
    pub(super) fn of(bytes: &[u8]) -> (Self, usize) {
        let Some((first, rest)) = bytes.split_first() else {
            return (Self::Empty, 0);
        };
        if bytes.starts_with(&FileHeader::MAGIC.to_le_bytes()) {
            return (Self::BrokenHeader, 0);
        }
        if let Some(OtherTotal { offset, total_size, size }) = with_other_total(bytes) {
            return (Self::IkeaOtherTotal { total_size, size }, offset);
        }
        let known = IDENTIFIERS.iter().find(|(identifier, _)| bytes.starts_with(identifier));
        if let Some((_, kind)) = known {
            return (*kind, 0);
        }
        let (tar, ustar) = TAR;
        if bytes.get(tar..).is_some_and(|bytes| bytes.starts_with(ustar)) {
            return (Self::Tar, 0);
        }
        if let Some(kind) = Self::of_text(bytes) {
            return (kind, 0);
        }
        if rest.iter().all(|byte| byte == first) {
            return (Self::Erased, 0);
        }
        match PayloadKind::of(bytes) {
            // Only two bytes identify a zlib stream, too few to recognise a whole file.
            PayloadKind::Unknown | PayloadKind::Zlib => {}
            kind => return (Self::BarePayload(kind), 0),
        }
        let inside = candidates(bytes).next();
        inside.map_or((Self::Unknown, 0), |candidate| (Self::HeaderInside, candidate.offset))
    }

    /// Returns the type of the text `bytes`. Returns `None` if `bytes` are no text.
    fn of_text(bytes: &[u8]) -> Option<Self> {
        let start = bytes.get(..MAX_TEXT).unwrap_or(bytes);
        let text = match core::str::from_utf8(start) {
            Ok(text) => text,
            // The limit may cut a character at the end of the text.
            Err(error) if error.error_len().is_none() => {
                core::str::from_utf8(start.get(..error.valid_up_to())?).ok()?
            }
            Err(_) => return None,
        };
        if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r' | '\u{c}')) {
            return None;
        }
        let text = text.trim_start_matches('\u{feff}').trim();
        let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
        Some(match text.as_bytes() {
            [b'<', ..] => Self::WebPage,
            [b'{' | b'[', ..] => Self::Json,
            [b':', rest @ ..] if starts_with_digits(rest, 8) => Self::IntelHex,
            [b'S', b'0'..=b'9', rest @ ..] if starts_with_digits(rest, 4) => Self::SRecord,
            // The Base64 text of the OTA file identifier starts with these five letters.
            bytes if bytes.starts_with(b"HvHuC") => Self::Base64Text,
            _ if digits.clone().count() >= MIN_DIGITS
                && digits.clone().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                Self::HexText
            }
            _ => Self::Text,
        })
    }

    /// Returns the short name of the file type for tools and scripts, such as `git-lfs-pointer`, `zip` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Erased => "erased",
            Self::GitLfsPointer => "git-lfs-pointer",
            Self::WebPage => "web-page",
            Self::Json => "json",
            Self::Zip => "zip",
            Self::Gzip => "gzip",
            Self::Tar => "tar",
            Self::Bzip2 => "bzip2",
            Self::SevenZip => "7z",
            Self::Rar => "rar",
            Self::Zstandard => "zstandard",
            Self::Elf => "elf",
            Self::Uf2 => "uf2",
            Self::IntelHex => "intel-hex",
            Self::SRecord => "s-record",
            Self::HexText => "hex-text",
            Self::Base64Text => "base64-text",
            Self::Text => "text",
            Self::MatterOta => "matter-ota",
            Self::BarePayload(_) => "bare-payload",
            Self::IkeaOtherTotal { .. } => "ikea-other-total",
            Self::BrokenHeader => "broken-header",
            Self::HeaderInside => "header-inside",
            Self::Unknown => "unknown",
        }
    }

    /// Writes the type of the file and advice for the user. `error` says why no OTA header can be read at byte 0, and
    /// `offset` is the offset of an OTA header elsewhere in the file.
    pub(super) fn write(self, f: &mut fmt::Formatter<'_>, error: &DecodeError, offset: usize) -> fmt::Result {
        f.write_str(match self {
            Self::GitLfsPointer => "a Git LFS pointer: fetch the file itself (git lfs pull)",
            Self::Zip => "a zip archive: unpack it, the OTA file may be inside",
            Self::Gzip => "a file compressed by gzip: unpack it first (gzip -d)",
            Self::Tar => "a tar archive: unpack it, the OTA file may be inside (tar -xf)",
            Self::Bzip2 => "a file compressed by bzip2: unpack it first (bzip2 -d)",
            Self::SevenZip => "a 7-Zip archive: unpack it, the OTA file may be inside",
            Self::Rar => "a RAR archive: unpack it, the OTA file may be inside",
            Self::Zstandard => "a file compressed by Zstandard: unpack it first (zstd -d)",
            Self::Elf => "an ELF program: make a binary image of it (objcopy -O binary), which `ota create` wraps",
            Self::Uf2 => "a UF2 image: convert it to a binary image, which `ota create` wraps",
            Self::WebPage => "a web page (HTML or XML), not the file: the download failed, fetch it again from another address",
            Self::Json => "a JSON text: an index of files, or an answer of a web server instead of the file",
            Self::IntelHex => "an Intel HEX text: convert it to a binary image (objcopy -I ihex -O binary)",
            Self::SRecord => "a Motorola S-record text: convert it to a binary image (objcopy -I srec -O binary)",
            Self::HexText => "a text of hexadecimal digits: convert it to bytes (xxd -r -p)",
            Self::Base64Text => "a Base64 text: decode it first (base64 -d)",
            Self::MatterOta => "a Matter OTA image, not a Zigbee one: a device takes it over Matter only",
            Self::BarePayload(kind) => {
                return write!(f, "a bare {kind} image without an OTA header: `ota create` wraps it");
            }
            Self::IkeaOtherTotal { total_size, size } => {
                return write!(
                    f,
                    "an ikea-ngis container, whole by its own sums, with {size} bytes of OTA file at byte {offset}, but \
                     the OTA header there says {total_size}: a device would take a part of the file; ask for another one"
                );
            }
            Self::HeaderInside => {
                return write!(
                    f,
                    "no OTA header at byte 0 and no known container, but one at byte {offset}: see `ota candidates`"
                );
            }
            Self::Empty => return write!(f, "{error}; the file is empty: fetch it again"),
            Self::Erased => return write!(f, "{error}; all bytes are equal, as erased flash is"),
            Self::Text => return write!(f, "{error}; the file is a text"),
            Self::BrokenHeader | Self::Unknown => return write!(f, "{error}"),
        })
    }
}
