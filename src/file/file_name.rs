//! Recommended file name of an OTA file (section 6.3.7 of ZigBee document 095264, 2011).
//!
//! ```text
//! 1001-00AB-10053519-upgradeMe.zigbee      manufacturer - image type - file version - suffix . extension
//! 1001-00AB-0001-0003-10053519.zigbee      minimum and maximum hardware version, which some vendors insert
//! ```

use core::fmt;

use crate::types::{HardwareRange, HardwareVersion, ImageId};

/// File name in the recommended form: manufacturer code, image type and file version in hexadecimal digits, then free
/// text. A `-` separates the fields of the name.
///
/// `Display` writes the recommended form with upper-case digits. A file name only helps people to sort files. If the
/// file name contradicts the header of the file, the values in the header apply.
///
/// ```
/// use zigbee_ota::ImageId;
/// use zigbee_ota::file::FileName;
///
/// let name = FileName::new(ImageId::new(0x1001, 0x00ab, 0x1005_3519)).with_suffix("upgradeMe");
/// assert_eq!(name.to_string(), "1001-00AB-10053519-upgradeMe.zigbee");
/// assert_eq!(FileName::parse("1001-00AB-10053519-upgradeMe.zigbee"), Some(name));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct FileName<'a> {
    /// Manufacturer code, image type and file version in the name.
    pub id: ImageId,
    /// Minimum and maximum hardware version, which some vendors insert between image type and file version.
    pub hardware: Option<HardwareRange>,
    /// Free text between file version and extension; may be empty.
    pub suffix: &'a str,
    /// Extension: the text after the last dot of the file name, recommended to be `zigbee`. The extension is empty if
    /// the file name has no dot.
    pub extension: &'a str,
}

impl<'a> FileName<'a> {
    /// Recommended extension of a file name.
    pub const EXTENSION: &'static str = "zigbee";

    /// Creates a file name with the recommended extension, without hardware versions or suffix.
    #[must_use]
    pub const fn new(id: ImageId) -> Self {
        Self { id, hardware: None, suffix: "", extension: Self::EXTENSION }
    }

    /// Returns this file name with the free text `suffix` between file version and extension.
    #[must_use]
    pub const fn with_suffix(self, suffix: &'a str) -> Self {
        Self { suffix, ..self }
    }

    /// Reads a file name without folders. Returns `None` unless the name starts with three numbers of 4, 4 and 8
    /// hexadecimal digits.
    ///
    /// `FileName::parse` also accepts a name that deviates from the recommended form in one or more of these ways:
    ///
    /// - lower-case digits
    /// - `_` instead of `-` between two fields of the name
    /// - a space or a dot instead of `-` before the free text
    /// - an extension other than `zigbee`, or no extension
    /// - two hardware versions of 4 hexadecimal digits between image type and file version
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let (manufacturer, rest) = hex_number(name, 4)?;
        let (image_type, rest) = hex_number(after_separator(rest)?, 4)?;
        let (hardware, rest) = match hardware_range(rest) {
            Some((range, rest)) => (Some(range), rest),
            None => (None, rest),
        };
        let (version, rest) = hex_number(after_separator(rest)?, 8)?;
        let (rest, extension) = split_extension(rest);
        let suffix = if rest.is_empty() { rest } else { rest.strip_prefix(['-', '_', ' ', '.'])? };
        let id = ImageId::new(u16::try_from(manufacturer).ok()?, u16::try_from(image_type).ok()?, version);
        Some(Self { id, hardware, suffix, extension })
    }
}

/// Splits `rest` at its last dot. Returns the text before and the text after the last dot.
fn split_extension(rest: &str) -> (&str, &str) {
    // The code does not use `rsplit_once`, because the string search of `core` has panic branches.
    let dot = rest.bytes().rposition(|byte| byte == b'.');
    let split = dot.and_then(|dot| rest.split_at_checked(dot));
    split.and_then(|(rest, extension)| Some((rest, extension.strip_prefix('.')?))).unwrap_or((rest, ""))
}

/// Reads two hardware versions of 4 hexadecimal digits each. Returns the range of hardware versions, and the text that
/// follows in the file name.
fn hardware_range(rest: &str) -> Option<(HardwareRange, &str)> {
    let (min, rest) = hex_number(after_separator(rest)?, 4)?;
    let (max, rest) = hex_number(after_separator(rest)?, 4)?;
    let version = |number| u16::try_from(number).ok().map(HardwareVersion);
    Some((HardwareRange { min: version(min)?, max: version(max)? }, rest))
}

/// Removes the separator between two numbers of a file name. Returns the text after the separator, or `None` if `rest`
/// starts with no separator.
fn after_separator(rest: &str) -> Option<&str> {
    rest.strip_prefix(['-', '_'])
}

/// Reads a number of exactly `digits` hexadecimal digits. Returns the number and the text that follows the number in
/// `text`.
fn hex_number(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    let all_digits = number.bytes().all(|byte| byte.is_ascii_hexdigit());
    let more_digits = rest.starts_with(|next: char| next.is_ascii_hexdigit());
    let number = u32::from_str_radix(number, 16).ok().filter(|_| all_digits && !more_digits)?;
    Some((number, rest))
}

impl fmt::Display for FileName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, hardware, suffix, extension } = *self;
        write!(f, "{:04X}-{:04X}-", id.manufacturer.0, id.image_type.0)?;
        if let Some(HardwareRange { min, max }) = hardware {
            write!(f, "{:04X}-{:04X}-", min.0, max.0)?;
        }
        write!(f, "{:08X}", id.version.0)?;
        let [dash, dot] =
            [(suffix, "-"), (extension, ".")].map(|(text, mark)| if text.is_empty() { "" } else { mark });
        write!(f, "{dash}{suffix}{dot}{extension}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const ID: ImageId = ImageId::new(0x1001, 0x00ab, 0x1005_3519);

    /// Shows: FILE-062
    #[test]
    fn a_name_is_three_numbers_and_a_suffix() {
        let name = FileName { suffix: "upgradeMe", ..FileName::new(ID) };
        assert_eq!(name.to_string(), "1001-00AB-10053519-upgradeMe.zigbee");
        assert_eq!(FileName::new(ID).to_string(), "1001-00AB-10053519.zigbee");
        assert_eq!(FileName::new(ImageId::new(0, 0, 0)).to_string(), "0000-0000-00000000.zigbee");
    }

    /// Shows: FILE-063
    #[test]
    fn names_read_back_with_their_suffix() {
        let plain = FileName::new(ID);
        for (text, expected) in [
            ("1001-00AB-10053519-upgradeMe.zigbee", FileName { suffix: "upgradeMe", ..plain }),
            ("1001-00AB-10053519.zigbee", plain),
            ("1001-00ab-10053519.zigbee", plain),
            ("1001_00AB_10053519_a-b_c.ota", FileName { suffix: "a-b_c", extension: "ota", ..plain }),
            ("1001-00AB-10053519-spo-fmi4.ota.zigbee", FileName { suffix: "spo-fmi4.ota", ..plain }),
            ("1001-00AB-10053519 (1).zigbee", FileName { suffix: "(1)", ..plain }),
            ("1001-00AB-10053519", FileName { extension: "", ..plain }),
            (
                "1001-00AB-0000-0004-10053519-x.zigbee",
                FileName {
                    hardware: Some(HardwareRange { min: HardwareVersion(0), max: HardwareVersion(4) }),
                    suffix: "x",
                    ..plain
                },
            ),
        ] {
            assert_eq!(FileName::parse(text), Some(expected), "{text}");
            assert_eq!(FileName::parse(&expected.to_string()), Some(expected), "{text}");
        }
    }

    #[test]
    fn names_in_another_form_are_not_read() {
        for text in [
            "",
            "foo.zigbee",
            "1001-00AB.zigbee",
            "1001-00AB-1005351.zigbee",
            "1001-00AB-100535199.zigbee",
            "1001-00AB-10053519upgradeMe.zigbee",
            "101-00AB-10053519.zigbee",
            "+001-00AB-10053519.zigbee",
            "1001-00AB-0004-10053519.zigbee",
            "1001-00AG-10053519.zigbee",
            "10\u{e9}1-00AB-10053519.zigbee",
            "a1001-00AB-10053519.zigbee",
        ] {
            assert_eq!(FileName::parse(text), None, "{text}");
        }
    }
}
