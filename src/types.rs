//! Identifiers of images, devices and versions, shared by OTA files and ZCL commands. Sections refer to ZigBee document
//! 095264 (2011).
//!
//! All identifiers are little endian on the wire and on disk (section 6.3.2). Enumerations are *open*: each enumeration
//! is a newtype with named constants. A value without a named constant is decoded and encoded unchanged, and prints as
//! hexadecimal.
//!
//! | type | bytes | range or constants | section |
//! |---|---|---|---|
//! | [`ManufacturerCode`] | 2 | assigned by the Zigbee Alliance, 0xFFFF = any | 6.3.2.5 |
//! | [`ImageType`] | 2 | constants, 0xFFFF = any | 6.3.2.6 |
//! | [`FileVersion`] | 4 | larger is newer, 0xFFFFFFFF = any | 6.3.2.7 |
//! | [`StackVersion`] | 2 | constants | 6.3.2.8 |
//! | [`SecurityCredentialVersion`] | 1 | constants | 6.3.2.11 |
//! | [`HardwareVersion`] | 2 | high byte version, low byte revision | 6.3.2.13 |
//! | [`Eui64`] | 8 | IEEE (MAC) address | 6.3.2.12 |
//!
//! `FromStr` of each type reads the form that its `Display` writes; see [`ParseError`].

use core::fmt;
use core::str::FromStr;

use crate::open_enum::open_enum;

/// Manufacturer code, assigned by the Zigbee Alliance (section 6.3.2.5). `Display` writes the code in hexadecimal, such
/// as `0x1001`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct ManufacturerCode(pub u16);

impl ManufacturerCode {
    /// Wildcard in a filter: every manufacturer.
    pub const ANY: Self = Self(0xffff);
}

open_enum! {
    /// Image type (section 6.3.2.6). The manufacturer defines the image types 0x0000 to 0xFFBF; the specification
    /// defines the image types 0xFFC0 to 0xFFFF.
    ImageType(u16) {
        /// Image type of a file with security credentials for a client.
        SECURITY_CREDENTIALS = 0xffc0 => "security credentials",
        /// Image type of a file with the configuration of a client.
        CONFIGURATION = 0xffc1 => "configuration",
        /// Server log.
        LOG = 0xffc2 => "log",
        /// Image type of a picture (defined by later revisions of the specification).
        PICTURE = 0xffc3 => "picture",
        /// Wildcard in a filter: every image type.
        ANY = 0xffff => "any type",
    }
}

/// Range of image types (table 6 of the specification). The four variants of `ImageTypeClass` cover all image types, so
/// no variant will be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImageTypeClass {
    /// Image types 0x0000 to 0xFFBF, which the manufacturer defines.
    Manufacturer,
    /// Image types 0xFFC0 to 0xFFC3, which the specification defines.
    Assigned,
    /// Image types 0xFFC4 to 0xFFFE, reserved for later revisions of the specification.
    Reserved,
    /// Image type 0xFFFF, which in a filter stands for every image type.
    Wildcard,
}

impl ImageType {
    /// Highest image type that a manufacturer may define.
    pub const LAST_MANUFACTURER: Self = Self(0xffbf);

    /// Returns the range that holds the image type (table 6 of the specification).
    #[must_use]
    pub const fn class(self) -> ImageTypeClass {
        match self.0 {
            0..=0xffbf => ImageTypeClass::Manufacturer,
            0xffc0..=0xffc3 => ImageTypeClass::Assigned,
            0xffc4..=0xfffe => ImageTypeClass::Reserved,
            0xffff => ImageTypeClass::Wildcard,
        }
    }
}

open_enum! {
    /// Zigbee stack version of the firmware in an image (table 8 of the specification).
    StackVersion(u16) {
        /// ZigBee 2006.
        ZIGBEE_2006 = 0x0000 => "ZigBee 2006",
        /// ZigBee 2007.
        ZIGBEE_2007 = 0x0001 => "ZigBee 2007",
        /// ZigBee PRO.
        ZIGBEE_PRO = 0x0002 => "ZigBee PRO",
        /// ZigBee IP.
        ZIGBEE_IP = 0x0003 => "ZigBee IP",
    }
}

open_enum! {
    /// Security credentials that a client needs before it installs an image (table 9 of the specification, and later
    /// revisions).
    ///
    /// The values of the security credential versions are not in the order of the Smart Energy versions: a larger value
    /// need not be a newer version.
    SecurityCredentialVersion(u8) {
        /// Security credentials of Smart Energy 1.0.
        SE_1_0 = 0x00 => "SE 1.0",
        /// Security credentials of Smart Energy 1.1.
        SE_1_1 = 0x01 => "SE 1.1",
        /// Security credentials of Smart Energy 2.0.
        SE_2_0 = 0x02 => "SE 2.0",
        /// Security credentials of Smart Energy 1.2 (defined by later revisions of the specification).
        SE_1_2 = 0x03 => "SE 1.2",
    }
}

/// File version (section 6.3.2.7): an unsigned number; the file with the larger number is newer.
///
/// The recommended layout (table 7 of the specification) is four bytes, most significant first: application release,
/// application build, stack release, stack build, each as two decimal digits. `Display` writes 0x10053519 as
/// `1.0 b05, stack 3.5 b19`. `Display` writes a file version with a nibble above 9 in hexadecimal, as `0x0000000a`.
/// `FromStr` reads the form with decimal digits, `1.0 b05, stack 3.5 b19`, and the hexadecimal form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct FileVersion(pub u32);

impl FileVersion {
    /// In a filter, the wildcard for every version; in an attribute, the value for an unknown version.
    pub const ANY: Self = Self(0xffff_ffff);

    /// Returns the bytes of the recommended layout: application release, application build, stack release, stack build
    /// (table 7 of the specification).
    #[must_use]
    pub const fn parts(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// Whether all eight nibbles of the file version are decimal digits, as in the recommended layout.
    #[must_use]
    pub fn is_bcd(self) -> bool {
        self.parts().iter().all(|byte| byte >> 4 <= 9 && byte & 0x0f <= 9)
    }
}

impl fmt::Display for FileVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_bcd() {
            return write!(f, "{:#010x}", self.0);
        }
        let [release, build, stack_release, stack_build] = self.parts();
        write!(f, "{:x}.{:x} b{build:02x}, ", release >> 4, release & 0x0f)?;
        write!(f, "stack {:x}.{:x} b{stack_build:02x}", stack_release >> 4, stack_release & 0x0f)
    }
}

impl FromStr for FileVersion {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bcd = || {
            // `split_once` is avoided: its search in `core` has panic branches.
            let (application, rest) = text.split_at_checked("1.0 b05".len())?;
            let [release, build] = release_and_build(application)?;
            let [stack_release, stack_build] = release_and_build(rest.strip_prefix(", stack ")?)?;
            Some(u32::from_be_bytes([release, build, stack_release, stack_build]))
        };
        let expected = "file version: expected the form `1.0 b05, stack 3.5 b19` or `0x10053519`";
        prefixed_hex(text).or_else(bcd).map(Self).ok_or(ParseError { expected })
    }
}

/// Converts a text of the form `1.0 b05` to two BCD bytes: the release and the build.
fn release_and_build(text: &str) -> Option<[u8; 2]> {
    let [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', b' ', b'b', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] =
        text.as_bytes()
    else {
        return None;
    };
    let bcd = |high: &u8, low: &u8| (high & 0x0f) << 4 | (low & 0x0f);
    Some([bcd(major, minor), bcd(tens, ones)])
}

/// Hardware version (table 10 of the specification): the high byte is the version, and the low byte is the revision.
/// Two hardware versions are compared as numbers of 16 bits. `Display` writes version and revision in decimal, such as
/// `1.2`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct HardwareVersion(pub u16);

impl HardwareVersion {
    /// Returns the version (high byte) and the revision (low byte) of the hardware version.
    #[must_use]
    pub const fn parts(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

impl FromStr for HardwareVersion {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let read = || {
            let (version, rest) = decimal(text)?;
            let (revision, rest) = decimal(rest.strip_prefix(".")?)?;
            rest.is_empty().then_some(Self(u16::from_be_bytes([version, revision])))
        };
        read().ok_or(ParseError { expected: "hardware version: expected the form `1.2`" })
    }
}

/// Reads a decimal number of at most 255 from the start of `text`; returns the number and the text after the number.
fn decimal(text: &str) -> Option<(u8, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(count)?;
    digits.parse().ok().map(|number| (number, rest))
}

impl fmt::Display for HardwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [version, revision] = self.parts();
        write!(f, "{version}.{revision}")
    }
}

/// IEEE address of a device (EUI-64, also called MAC or long address), as a number.
///
/// `Display` writes the most significant byte first: `01:23:45:67:89:AB:CD:EF`. `FromStr` reads the form with colons
/// and the form `0x0123456789ABCDEF`. On the wire and in a file the address is little endian: `EF CD AB 89 67 45 23
/// 01`.
#[doc(alias("EUI64", "mac address", "long address", "IEEE address"))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Eui64(pub u64);

impl fmt::Display for Eui64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0.to_be_bytes();
        write!(f, "{first:02X}")?;
        rest.iter().try_for_each(|byte| write!(f, ":{byte:02X}"))
    }
}

impl FromStr for Eui64 {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let expected = "IEEE address: expected the form `01:23:45:67:89:AB:CD:EF` or `0x0123456789ABCDEF`";
        let pairs = || {
            let first = hex_digits(text, 2)?;
            let (address, rest) = (0..7).try_fold(first, |(address, rest), _| {
                let (byte, rest) = hex_digits(rest.strip_prefix(":")?, 2)?;
                Some((address << 8 | byte, rest))
            })?;
            rest.is_empty().then_some(address)
        };
        prefixed_hex(text).or_else(pairs).map(Self).ok_or(ParseError { expected })
    }
}

impl FromStr for ManufacturerCode {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let expected = "manufacturer code: expected the form `0x1001`";
        prefixed_hex(text).map(Self).ok_or(ParseError { expected })
    }
}

impl fmt::Display for ManufacturerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

impl fmt::Debug for ManufacturerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManufacturerCode({:#06x})", self.0)
    }
}

impl fmt::Debug for FileVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileVersion({:#010x})", self.0)
    }
}

impl fmt::Debug for HardwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HardwareVersion({:#06x})", self.0)
    }
}

impl fmt::Debug for Eui64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Eui64({self})")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for ManufacturerCode {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "ManufacturerCode({=u16:#06x})", self.0);
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for FileVersion {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "FileVersion({=u32:#010x})", self.0);
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for HardwareVersion {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "HardwareVersion({=u16:#06x})", self.0);
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Eui64 {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Eui64({=u64:#018x})", self.0);
    }
}

/// Identity of a firmware image: manufacturer, image type and version, which together identify an image on a server
/// (section 6.10.6.4).
///
/// `Display` writes the three numbers in hexadecimal, such as `1001-00AB-10053519`. The fields of an `ImageId` hold no
/// wildcards: a command that selects several images carries an [`ImageFilter`].
// Exhaustive: the three fields are fixed by the wire format.
#[doc(alias = "firmware")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageId {
    /// Manufacturer code of the image.
    pub manufacturer: ManufacturerCode,
    /// Image type of the image. The manufacturer usually assigns one image type to each product; for files that are no
    /// firmware, such as a log, the specification defines the image types.
    pub image_type: ImageType,
    /// File version of the image.
    pub version: FileVersion,
}

impl ImageId {
    /// Creates an identity from manufacturer code, image type and file version.
    #[must_use]
    pub const fn new(manufacturer: u16, image_type: u16, version: u32) -> Self {
        Self {
            manufacturer: ManufacturerCode(manufacturer),
            image_type: ImageType(image_type),
            version: FileVersion(version),
        }
    }
}

impl FromStr for ImageId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let read = || {
            let (manufacturer, rest) = hex_digits(text, 4)?;
            let (image_type, rest) = hex_digits(rest.strip_prefix("-")?, 4)?;
            let (version, rest) = hex_digits(rest.strip_prefix("-")?, 8)?;
            let id = Self::new(narrow(manufacturer)?, narrow(image_type)?, narrow(version)?);
            rest.is_empty().then_some(id)
        };
        read().ok_or(ParseError { expected: "image identity: expected the form `1001-00AB-10053519`" })
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}-{:04X}-{:08X}", self.manufacturer.0, self.image_type.0, self.version.0)
    }
}

/// Filter by which a server selects images: each field is a value or its wildcard (section 6.10.10.2).
// Exhaustive: the three fields are fixed by the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageFilter {
    /// Manufacturer code, or [`ManufacturerCode::ANY`].
    pub manufacturer: ManufacturerCode,
    /// Image type, or [`ImageType::ANY`].
    pub image_type: ImageType,
    /// File version, or [`FileVersion::ANY`].
    pub version: FileVersion,
}

impl ImageFilter {
    /// Filter that selects every image of every manufacturer.
    pub const ALL: Self =
        Self { manufacturer: ManufacturerCode::ANY, image_type: ImageType::ANY, version: FileVersion::ANY };

    /// Whether the filter selects `image`: each field of the filter is a wildcard or equals the field of `image`.
    #[must_use]
    pub fn matches(self, image: ImageId) -> bool {
        (self.manufacturer == ManufacturerCode::ANY || self.manufacturer == image.manufacturer)
            && (self.image_type == ImageType::ANY || self.image_type == image.image_type)
            && (self.version == FileVersion::ANY || self.version == image.version)
    }
}

impl From<ImageId> for ImageFilter {
    fn from(id: ImageId) -> Self {
        Self { manufacturer: id.manufacturer, image_type: id.image_type, version: id.version }
    }
}

/// Hardware versions that an image fits: from `min` to `max`, both included (sections 6.3.2.13 and 6.3.2.14).
// Exhaustive: the two fields are fixed by the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HardwareRange {
    /// Oldest hardware version that the image fits.
    pub min: HardwareVersion,
    /// Newest hardware version that the image fits. The range of hardware versions is empty if `max` is below `min`.
    pub max: HardwareVersion,
}

impl HardwareRange {
    /// Whether `hardware` lies in the range.
    #[must_use]
    pub fn contains(self, hardware: HardwareVersion) -> bool {
        self.min <= hardware && hardware <= self.max
    }

    /// Whether no hardware version lies between `min` and `max`.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.min > self.max
    }
}

/// Generates only ranges that hold at least one hardware version.
#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for HardwareRange {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let (one, other): (HardwareVersion, HardwareVersion) = u.arbitrary()?;
        Ok(Self { min: one.min(other), max: one.max(other) })
    }
}

/// Error of `FromStr`: the text does not have the form that the type's `Display` writes.
///
/// ```
/// use zigbee_ota::{Eui64, ImageId};
///
/// assert_eq!("1001-00AB-10053519".parse(), Ok(ImageId::new(0x1001, 0x00ab, 0x1005_3519)));
/// assert_eq!("0x00158d0001234567".parse(), Ok(Eui64(0x0015_8d00_0123_4567)));
/// let error = "1001".parse::<ImageId>().unwrap_err();
/// assert_eq!(error.to_string(), "not a valid image identity: expected the form `1001-00AB-10053519`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("not a valid {expected}")]
pub struct ParseError {
    /// Name of the type, and the form that its text must have.
    pub(crate) expected: &'static str,
}

/// Reads `0x` and at least one hexadecimal digit, as a number that fits `T`.
pub(crate) fn prefixed_hex<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    // `from_str_radix` accepts a sign, and `0x+1` is no number.
    let unsigned = !digits.starts_with('+');
    u64::from_str_radix(digits, 16).ok().filter(|_| unsigned).and_then(narrow)
}

/// Reads `count` hexadecimal digits from the start of `text`; returns the number and the text after the digits.
fn hex_digits(text: &str, count: usize) -> Option<(u64, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    let unsigned = !digits.starts_with('+');
    u64::from_str_radix(digits, 16).ok().filter(|_| unsigned).map(|number| (number, rest))
}

fn narrow<T: TryFrom<u64>>(number: u64) -> Option<T> {
    T::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    /// Shows: FILE-024
    #[test]
    fn a_wildcard_manufacturer_matches_every_code() {
        let image = ImageId::new(0x1001, 0x00ab, 1);
        assert!(ImageFilter::ALL.matches(image));
        assert!(ImageFilter::from(image).matches(image));
        let maker = ImageFilter { manufacturer: ManufacturerCode(0x1001), ..ImageFilter::ALL };
        assert!(maker.matches(image));
        assert!(!maker.matches(ImageId::new(0x1002, 0x00ab, 1)));
        let version = ImageFilter { version: FileVersion(2), ..ImageFilter::ALL };
        assert!(!version.matches(image));
        let image_type = ImageFilter { image_type: ImageType(0x00ac), ..ImageFilter::ALL };
        assert!(!image_type.matches(image));
    }

    /// Shows: FILE-025, FILE-026, FILE-027
    #[test]
    fn image_types_fall_into_their_ranges() {
        use ImageTypeClass::{Assigned, Manufacturer, Reserved, Wildcard};
        let expected = [
            (0x0000, Manufacturer),
            (0x1234, Manufacturer),
            (0xffbf, Manufacturer),
            (0xffc0, Assigned),
            (0xffc1, Assigned),
            (0xffc2, Assigned),
            (0xffc3, Assigned),
            (0xffc4, Reserved),
            (0xfffe, Reserved),
            (0xffff, Wildcard),
        ];
        for (value, class) in expected {
            assert_eq!(ImageType(value).class(), class, "{value:#06x}");
        }
        assert_eq!(usize::from(ImageType::LAST_MANUFACTURER.0) + 1, 0x1_0000 - 64);
        assert_eq!(ImageType::SECURITY_CREDENTIALS.0, 0xffc0);
        assert_eq!(ImageType::CONFIGURATION.0, 0xffc1);
        assert_eq!(ImageType::LOG.0, 0xffc2);
    }

    const A: FileVersion = FileVersion(0x1005_3519);
    const B: FileVersion = FileVersion(0x1010_3519);
    const C: FileVersion = FileVersion(0x1010_3701);

    /// Shows: FILE-028
    #[test]
    fn the_larger_version_is_the_newer_one() {
        assert!(A < B && B < C);
        assert!(FileVersion(0xffff_fffe) > FileVersion(0x7fff_ffff), "compared unsigned");
    }

    /// Shows: FILE-029, FILE-030
    #[test]
    fn versions_read_as_release_and_build() {
        assert_eq!(A.parts(), [0x10, 0x05, 0x35, 0x19]);
        for (version, text) in
            [(A, "1.0 b05, stack 3.5 b19"), (B, "1.0 b10, stack 3.5 b19"), (C, "1.0 b10, stack 3.7 b01")]
        {
            assert_eq!(version.to_string(), text);
            assert_eq!(text.parse(), Ok(version));
        }
    }

    /// Shows: FILE-031
    #[test]
    fn versions_that_are_not_decimal_read_as_hexadecimal() {
        let version = FileVersion(0x0000_000a);
        assert!(!version.is_bcd());
        assert_eq!(version.to_string(), "0x0000000a");
        assert_eq!("0x0000000a".parse(), Ok(version));
        assert!(version > FileVersion(9));
        let expected = "file version: expected the form `1.0 b05, stack 3.5 b19` or `0x10053519`";
        for text in
            ["", "0x", "0x+1", "0x123456789", "1.0 b5, stack 3.5 b19", "1.0 b05", "1.0 b05, stack 3.5 b1x"]
        {
            assert_eq!(text.parse::<FileVersion>(), Err(ParseError { expected }), "{text}");
        }
    }

    /// Shows: FILE-033
    #[test]
    fn stack_versions_have_names_and_stay_open() {
        assert_eq!(StackVersion(0), StackVersion::ZIGBEE_2006);
        assert_eq!(StackVersion(1), StackVersion::ZIGBEE_2007);
        assert_eq!(StackVersion(2).name(), Some("ZigBee PRO"));
        assert_eq!(StackVersion(3), StackVersion::ZIGBEE_IP);
        for reserved in [4, 0xffff] {
            assert_eq!(StackVersion(reserved).name(), None);
            assert_eq!(StackVersion(reserved).0, reserved);
        }
        assert_eq!(StackVersion(4).to_string(), "0x0004");
    }

    #[test]
    fn hardware_fits_a_range_with_both_ends() {
        let range = HardwareRange { min: HardwareVersion(0x0101), max: HardwareVersion(0x0203) };
        for (hardware, fits) in
            [(0x0100, false), (0x0101, true), (0x01ff, true), (0x0203, true), (0x0204, false)]
        {
            assert_eq!(range.contains(HardwareVersion(hardware)), fits, "{hardware:#06x}");
        }
        assert_eq!(HardwareVersion(0x0102).parts(), [1, 2]);
    }

    #[test]
    fn addresses_print_most_significant_byte_first() {
        assert_eq!(Eui64(0x0123_4567_89ab_cdef).to_string(), "01:23:45:67:89:AB:CD:EF");
        assert_eq!(ImageId::new(0x1001, 0xab, 0x1005_3519).to_string(), "1001-00AB-10053519");
    }

    /// Asserts that `text` is read as `value`, and that each text in `wrong` is refused.
    fn reads<T: FromStr<Err = ParseError> + PartialEq + fmt::Debug>(text: &str, value: T, wrong: &[&str]) {
        assert_eq!(text.parse(), Ok(value), "{text}");
        for wrong in wrong {
            assert!(wrong.parse::<T>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn text_that_display_writes_is_read_back() {
        let address = Eui64(0x0123_4567_89ab_cdef);
        reads(
            &address.to_string(),
            address,
            &["", "01:23:45:67:89:AB:CD", "01:23:45:67:89:AB:CD:EF:", "01-23"],
        );
        reads("01:23:45:67:89:ab:cd:ef", address, &["+1:23:45:67:89:AB:CD:EF", "0123456789ABCDEF"]);
        reads("0x0123456789abcdef", address, &["0x", "0x+1", "0x10000000000000000", "0x01é"]);
        let id = ImageId::new(0x1001, 0xab, 0x1005_3519);
        reads(
            &id.to_string(),
            id,
            &["1001-00AB", "1001-00AB-1005351", "1001-00AB-100535190", "1001:00AB:10053519"],
        );
        let code = ManufacturerCode(0x1001);
        reads(&code.to_string(), code, &["1001", "0x10000", "0xG"]);
        let hardware = HardwareVersion(0x01ff);
        assert_eq!(hardware.to_string(), "1.255");
        reads("1.255", hardware, &["1", "1.", ".1", "1.256", "1.1.1", "+1.1", "1.-1"]);
    }

    #[test]
    fn open_enumerations_are_read_by_name_and_by_number() {
        reads("ZigBee PRO", StackVersion::ZIGBEE_PRO, &["zigbee pro", "", "PRO"]);
        reads("0x0002", StackVersion::ZIGBEE_PRO, &["2", "0x10000"]);
        reads("0x0009", StackVersion(9), &[]);
        reads("any type", ImageType::ANY, &["any"]);
        let error = "9".parse::<StackVersion>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "not a valid StackVersion: expected its name or a number such as `0x1f`"
        );
    }

    #[test]
    fn debug_writes_numbers_in_hexadecimal() {
        use std::format;

        assert_eq!(format!("{:?}", ManufacturerCode(0x1001)), "ManufacturerCode(0x1001)");
        assert_eq!(format!("{:?}", FileVersion(0x0a)), "FileVersion(0x0000000a)");
        assert_eq!(format!("{:?}", HardwareVersion(3)), "HardwareVersion(0x0003)");
        assert_eq!(format!("{:?}", Eui64(1)), "Eui64(00:00:00:00:00:00:00:01)");
        // Debug writes the number, and the name if the number has one.
        assert_eq!(format!("{:?}", StackVersion::ZIGBEE_PRO), "StackVersion(0x2 ZigBee PRO)");
        assert_eq!(format!("{:?}", StackVersion(9)), "StackVersion(0x9)");
    }
}
