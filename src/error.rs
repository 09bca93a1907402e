//! Errors of reading and of writing bytes: [`DecodeError`] if the bytes are at fault, [`EncodeError`] if the caller's
//! buffer is at fault. Sections refer to ZigBee document 095264 (2011).
//!
//! Client and server report a fault of a peer or of the radio as an event, never as an error. A caller may end the loop
//! in which it calls client or server at the first error: no frame of a peer causes an error, so no frame of a peer
//! ends this loop.
//!
//! ```text
//! DecodeError { item: name of what was read, offset: byte, kind: expected and found }
//! EncodeError   required and available length
//! ```

/// Malformed bytes: the name of the item that was read, the offset of the byte at fault, and the rule that this byte
/// breaks.
///
/// ```
/// use zigbee_ota::zcl::{Frame, Quirks};
///
/// let error = Frame::decode(&[0x19, 7, 0x05, 0x00, 0x01], Quirks::empty()).unwrap_err();
/// assert_eq!(error.to_string(), "Image Block Response, byte 4: 13 bytes expected, 1 present");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("{item}, byte {offset}: {kind}")]
pub struct DecodeError {
    /// Name of the command, header or element that was read, as the specification writes it: `Image Block Response`,
    /// `ZCL header`, `OTA header`, `OTA file`, `sub-element`, `signature element`. Serde writes the name as one word,
    /// such as `ImageBlockResponse`, `FrameHeader`, `FileHeader`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize_item"))]
    pub item: &'static str,
    /// Offset of the byte at fault, from the first byte of the frame or file.
    pub offset: usize,
    /// Rule that the bytes at `offset` break.
    pub kind: DecodeErrorKind,
}

/// Writes the name of an item as one word, so that a script can compare the name.
#[cfg(feature = "serde")]
fn serialize_item<S: serde::Serializer>(item: &&'static str, to: S) -> Result<S::Ok, S::Error> {
    struct OneWord(&'static str);

    impl core::fmt::Display for OneWord {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            self.0.split(' ').try_for_each(|word| f.write_str(word))
        }
    }

    match *item {
        "ZCL header" => to.serialize_str("FrameHeader"),
        "OTA header" => to.serialize_str("FileHeader"),
        "OTA file" => to.serialize_str("File"),
        "sub-element" => to.serialize_str("Elements"),
        "signature element" => to.serialize_str("Signature"),
        "signing certificate element" => to.serialize_str("Certificate"),
        command => to.collect_str(&OneWord(command)),
    }
}

/// Reason of a [`DecodeError`], with the expected and the found value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside a field.
    #[error("{needed} bytes expected, {present} present")]
    Truncated {
        /// Minimum number of bytes that the input must have from the byte at [`DecodeError::offset`] on.
        needed: usize,
        /// Number of bytes that the input has from the byte at [`DecodeError::offset`] on.
        present: usize,
    },
    /// A length field differs from the number of bytes after the length field.
    #[error("{declared} bytes declared, {present} present")]
    LengthMismatch {
        /// Value of the length field.
        declared: usize,
        /// Number of bytes after the length field.
        present: usize,
    },
    /// The input has bytes after the last field.
    #[error("{count} bytes after the last field")]
    TrailingBytes {
        /// Number of bytes after the last field.
        count: usize,
    },
    /// The field control announces an optional field that the input does not hold completely.
    #[error("field control announces a field of {size} bytes that is not there")]
    FieldMissing {
        /// Length in bytes of the missing field.
        size: usize,
    },
    /// The payload type of an Image Notify is 4 or more (table 22 of the specification).
    #[error("reserved payload type {0:#04x}")]
    ReservedPayloadType(u8),
    /// The status of a response is a value for which the command defines no payload.
    #[error("status {0:#04x} is not defined for this command")]
    UnexpectedStatus(u8),
    /// The length of a ZCL data type is unknown, so the decoder cannot find the attributes after a value of this type.
    #[error("data type {0:#04x} belongs to no attribute of this cluster")]
    UnknownDataType(u8),
    /// The value of a ZCL boolean is neither 0 nor 1.
    #[error("{0:#04x} is neither 0 (false) nor 1 (true)")]
    NotABoolean(u8),
    /// The first four bytes of the input are not the OTA file identifier `1E F1 EE 0B` (section 6.3.2.1).
    #[error("not an OTA file: identifier {found:#010x}, expected 0x0beef11e")]
    BadMagic {
        /// The first four bytes of the input, read as a little-endian number.
        found: u32,
    },
    /// The major (high) byte of the header version is not 1 (section 6.3.2.2).
    #[error("header version {found:#06x}, expected 0x01XX")]
    UnsupportedHeaderVersion {
        /// Value of the header version field.
        found: u16,
    },
    /// The header length is less than the length of all mandatory fields and all announced optional fields (section
    /// 6.3.2.3).
    #[error("header length {declared}, its fields take {needed}")]
    HeaderTooShort {
        /// Value of the header length field.
        declared: u16,
        /// Minimum header length: 56 bytes plus the optional fields that the field control announces.
        needed: u16,
    },
    /// The total image size is below the header length (section 6.3.2.10).
    #[error("total image size {total}, the header alone takes {header}")]
    TotalTooSmall {
        /// Value of the total image size field.
        total: u32,
        /// Value of the header length field.
        header: u16,
    },
    /// The data of a sub-element ends after the total image size (section 6.3.3.3).
    #[error("element {tag:#06x} runs past the end of the image by {by} bytes")]
    ElementOverrun {
        /// Tag of the sub-element.
        tag: u16,
        /// Number of bytes by which the sub-element exceeds the image.
        by: usize,
    },
    /// A signature element is followed by another sub-element (section 6.3.5).
    #[error("another element follows the signature, which must be the last")]
    SignatureNotLast,
}

/// Failure to write a value into the buffer of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is shorter than the encoded value; the contents of the buffer are unchanged.
    #[error("{needed} bytes of room needed, {available} available")]
    NoRoom {
        /// Length of the encoded value in bytes.
        needed: usize,
        /// Length of the buffer in bytes.
        available: usize,
    },
}

impl EncodeError {
    /// Creates a `NoRoom` error. As a separate function, `no_room` keeps the code of its callers short.
    #[cold]
    #[inline(never)]
    pub(crate) const fn no_room(needed: usize, available: usize) -> Self {
        Self::NoRoom { needed, available }
    }
}

impl DecodeError {
    /// Whether the input is only too short: the decoder may succeed if more bytes follow the bytes of this input.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::Truncated { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn an_error_says_what_was_expected_and_found() {
        use DecodeErrorKind as Kind;

        for (kind, text) in [
            (Kind::Truncated { needed: 4, present: 3 }, "4 bytes expected, 3 present"),
            (Kind::LengthMismatch { declared: 64, present: 63 }, "64 bytes declared, 63 present"),
            (Kind::FieldMissing { size: 8 }, "field control announces a field of 8 bytes that is not there"),
            (Kind::ReservedPayloadType(4), "reserved payload type 0x04"),
            (Kind::UnexpectedStatus(1), "status 0x01 is not defined for this command"),
            (Kind::UnknownDataType(0x42), "data type 0x42 belongs to no attribute of this cluster"),
            (Kind::NotABoolean(2), "0x02 is neither 0 (false) nor 1 (true)"),
            (
                Kind::BadMagic { found: 0x464c_457f },
                "not an OTA file: identifier 0x464c457f, expected 0x0beef11e",
            ),
            (Kind::UnsupportedHeaderVersion { found: 0x0200 }, "header version 0x0200, expected 0x01XX"),
            (Kind::HeaderTooShort { declared: 56, needed: 57 }, "header length 56, its fields take 57"),
            (Kind::TotalTooSmall { total: 55, header: 56 }, "total image size 55, the header alone takes 56"),
            (
                Kind::ElementOverrun { tag: 0xf000, by: 2 },
                "element 0xf000 runs past the end of the image by 2 bytes",
            ),
            (Kind::SignatureNotLast, "another element follows the signature, which must be the last"),
        ] {
            assert_eq!(kind.to_string(), text);
            let truncated = matches!(kind, Kind::Truncated { .. });
            assert_eq!(DecodeError { item: "OTA file", offset: 0, kind }.is_truncated(), truncated);
        }
    }
}
