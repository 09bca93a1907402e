//! The recommended name of a file (section 6.3.7).
//!
//! ```text
//! 1001-00AB-10053519-upgradeMe.zigbee      manufacturer - image type - file version - text . extension
//! 1001-00AB-0001-0003-10053519.zigbee      with the hardware versions that some vendors put in
//! ```

use core::fmt;

use crate::types::{HardwareRange, HardwareVersion, ImageId};

/// A file name in the recommended form: manufacturer code, image type and file version in hexadecimal, then text, joined
/// by `-` (section 6.3.7).
///
/// `Display` writes that form with upper-case digits. It is an aid for sorting: where name and header disagree, the
/// header is right.
///
/// ```
/// use zigbee_ota::ImageId;
/// use zigbee_ota::file::FileName;
///
/// let id = ImageId::new(0x1001, 0x00ab, 0x1005_3519);
/// let name = FileName { suffix: "upgradeMe", ..FileName::new(id) };
/// assert_eq!(name.to_string(), "1001-00AB-10053519-upgradeMe.zigbee");
/// assert_eq!(FileName::parse("1001-00AB-10053519-upgradeMe.zigbee"), Some(name));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FileName<'a> {
    /// Manufacturer code, image type and file version.
    pub id: ImageId,
    /// Minimum and maximum hardware version, which some vendors put between image type and file version.
    pub hardware: Option<HardwareRange>,
    /// Free text between file version and extension; may be empty.
    pub suffix: &'a str,
    /// What follows the last dot, by rights `zigbee`. Empty means that there is no dot.
    pub extension: &'a str,
}

impl FileName<'static> {
    /// The recommended extension.
    pub const EXTENSION: &'static str = "zigbee";

    /// The name of a file without free text.
    #[must_use]
    pub const fn new(id: ImageId) -> Self {
        Self { id, hardware: None, suffix: "", extension: Self::EXTENSION }
    }
}

impl<'a> FileName<'a> {
    /// Reads the base name of a file, without folders; `None` when it does not start with the three numbers in 4, 4 and
    /// 8 digits.
    ///
    /// Taken as well: lower-case digits, `_` for `-`, a space or a dot before the text, another extension or none, and
    /// two hardware versions of 4 digits between image type and file version.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let (manufacturer, rest) = number(name, 4)?;
        let (image_type, rest) = number(next(rest)?, 4)?;
        let (hardware, rest) = match hardware(rest) {
            Some((range, rest)) => (Some(range), rest),
            None => (None, rest),
        };
        let (version, rest) = number(next(rest)?, 8)?;
        let (rest, extension) = split_extension(rest);
        let suffix = if rest.is_empty() { rest } else { rest.strip_prefix(['-', '_', ' ', '.'])? };
        let id = ImageId::new(u16::try_from(manufacturer).ok()?, u16::try_from(image_type).ok()?, version);
        Some(Self { id, hardware, suffix, extension })
    }
}

/// Splits at the last dot, which is left out.
fn split_extension(rest: &str) -> (&str, &str) {
    // Not `rsplit_once`: the search of `core` has panic branches.
    let dot = rest.bytes().rposition(|byte| byte == b'.');
    let split = dot.and_then(|dot| rest.split_at_checked(dot));
    split.and_then(|(rest, extension)| Some((rest, extension.strip_prefix('.')?))).unwrap_or((rest, ""))
}

/// Two hardware versions of 4 digits.
fn hardware(rest: &str) -> Option<(HardwareRange, &str)> {
    let (min, rest) = number(next(rest)?, 4)?;
    let (max, rest) = number(next(rest)?, 4)?;
    let version = |digits| u16::try_from(digits).ok().map(HardwareVersion);
    Some((HardwareRange { min: version(min)?, max: version(max)? }, rest))
}

/// What follows a separator of numbers.
fn next(rest: &str) -> Option<&str> {
    rest.strip_prefix(['-', '_'])
}

/// Exactly so many hexadecimal digits, and what follows them.
fn number(text: &str, digits: usize) -> Option<(u32, &str)> {
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
    fn names_are_three_numbers_and_text() {
        let name = FileName { suffix: "upgradeMe", ..FileName::new(ID) };
        assert_eq!(name.to_string(), "1001-00AB-10053519-upgradeMe.zigbee");
        assert_eq!(FileName::new(ID).to_string(), "1001-00AB-10053519.zigbee");
        assert_eq!(FileName::new(ImageId::new(0, 0, 0)).to_string(), "0000-0000-00000000.zigbee");
    }

    /// Shows: FILE-063
    #[test]
    fn names_read_back_and_the_rest_is_the_suffix() {
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
    fn other_names_are_none() {
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
