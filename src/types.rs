//! The numbers that name an image, a device and a version, in the file and in every command alike.
//!
//! All are little endian on the wire and on disk (section 6.3.2). Enumerations are *open*: a newtype with
//! constants, so that a value nobody has named yet survives a round trip and prints as hexadecimal.
//!
//! | type | bytes | unit or range | section |
//! |---|---|---|---|
//! | [`ManufacturerCode`] | 2 | assigned by the Alliance, 0xFFFF = any | 6.3.2.5 |
//! | [`ImageType`] | 2 | see its constants, 0xFFFF = any | 6.3.2.6 |
//! | [`FileVersion`] | 4 | larger is newer, 0xFFFFFFFF = any | 6.3.2.7 |
//! | [`StackVersion`] | 2 | see its constants | 6.3.2.8 |
//! | [`SecurityCredentialVersion`] | 1 | see its constants | 6.3.2.11 |
//! | [`HardwareVersion`] | 2 | high byte version, low byte revision | 6.3.2.13 |
//! | [`Eui64`] | 8 | IEEE address | 6.3.2.12 |

use core::fmt;
use core::str::FromStr;

use crate::open_enum::open_enum;

/// Manufacturer code, assigned by the Alliance (section 6.3.2.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct ManufacturerCode(pub u16);

impl ManufacturerCode {
    /// Matches every manufacturer where a command filters by it.
    pub const ANY: Self = Self(0xffff);
}

open_enum! {
    /// Image type (section 6.3.2.6): 0x0000 to 0xFFBF are the manufacturer's own, the last 64 are assigned.
    ImageType(u16) {
        /// Client security credentials.
        SECURITY_CREDENTIALS = 0xffc0 => "security credentials",
        /// Client configuration.
        CONFIGURATION = 0xffc1 => "configuration",
        /// Server log.
        LOG = 0xffc2 => "log",
        /// Picture (later revisions).
        PICTURE = 0xffc3 => "picture",
        /// Matches every image type where a command filters by it.
        ANY = 0xffff => "any type",
    }
}

/// What a range of image types is for (table 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImageTypeClass {
    /// 0x0000 to 0xFFBF: the manufacturer gives it a meaning.
    Manufacturer,
    /// 0xFFC0 to 0xFFC3: a meaning that the specification gives.
    Assigned,
    /// 0xFFC4 to 0xFFFE: no meaning yet.
    Reserved,
    /// 0xFFFF.
    Wildcard,
}

impl ImageType {
    /// The highest type a manufacturer may use.
    pub const LAST_MANUFACTURER: Self = Self(0xffbf);

    /// Which range this type lies in (table 6).
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
    /// Zigbee stack version an image contains (table 8).
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
    /// Security credential version a client needs before it installs an image (table 9 and later revisions).
    ///
    /// The values are in order of assignment, not of age: never compare them as numbers.
    SecurityCredentialVersion(u8) {
        /// Smart Energy 1.0.
        SE_1_0 = 0x00 => "SE 1.0",
        /// Smart Energy 1.1.
        SE_1_1 = 0x01 => "SE 1.1",
        /// Smart Energy 2.0.
        SE_2_0 = 0x02 => "SE 2.0",
        /// Smart Energy 1.2 (later revisions).
        SE_1_2 = 0x03 => "SE 1.2",
    }
}

/// File version (section 6.3.2.7): an unsigned number, the larger one is the newer file.
///
/// Its recommended layout is four bytes, most significant first: application release, application build,
/// stack release, stack build, each read as two decimal digits. `Display` writes `1.0 b05, stack 3.5 b19` for
/// 0x10053519 and plain hexadecimal where a nibble is no decimal digit; `FromStr` reads both back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct FileVersion(pub u32);

impl FileVersion {
    /// Matches every version where a command filters by it; "unknown" in an attribute.
    pub const ANY: Self = Self(0xffff_ffff);

    /// Application release, application build, stack release, stack build (table 7).
    #[must_use]
    pub const fn parts(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// Whether all eight nibbles are decimal digits, so that the recommended layout can be read.
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

/// A text that is no file version: neither `1.0 b05, stack 3.5 b19` nor `0x` and up to eight digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("not a file version: expected the form `1.0 b05, stack 3.5 b19` or `0x10053519`")]
pub struct ParseVersionError;

impl FromStr for FileVersion {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            let plain = !digits.starts_with('+');
            return u32::from_str_radix(digits, 16).ok().filter(|_| plain).map(Self).ok_or(ParseVersionError);
        }
        // Not `split_once`: the search of `core` has panic branches.
        let (application, rest) = text.split_at_checked("1.0 b05".len()).ok_or(ParseVersionError)?;
        let stack = rest.strip_prefix(", stack ").ok_or(ParseVersionError)?;
        let [release, build] = release_and_build(application)?;
        let [stack_release, stack_build] = release_and_build(stack)?;
        Ok(Self(u32::from_be_bytes([release, build, stack_release, stack_build])))
    }
}

/// Reads `1.0 b05` into its two BCD bytes.
fn release_and_build(text: &str) -> Result<[u8; 2], ParseVersionError> {
    let [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', b' ', b'b', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] =
        text.as_bytes()
    else {
        return Err(ParseVersionError);
    };
    let digits = |high: &u8, low: &u8| (high & 0x0f) << 4 | (low & 0x0f);
    Ok([digits(major, minor), digits(tens, ones)])
}

/// Hardware version (table 10): high byte version, low byte revision, compared as one number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct HardwareVersion(pub u16);

impl HardwareVersion {
    /// Version (high byte) and revision (low byte).
    #[must_use]
    pub const fn parts(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for HardwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [version, revision] = self.parts();
        write!(f, "{version}.{revision}")
    }
}

/// IEEE address of a device, as the number whose most significant byte is written first.
///
/// On the wire and in a file it is little endian: `01:23:45:67:89:AB:CD:EF` is stored `EF CD AB 89 67 45 23 01`.
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

/// Which image: what identifies a file uniquely on a server (section 6.10.6.4). Holds no wildcard by meaning:
/// a command that filters carries an [`ImageFilter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageId {
    /// Who made it.
    pub manufacturer: ManufacturerCode,
    /// For which of the maker's products, or which kind of file.
    pub image_type: ImageType,
    /// Which version of it.
    pub version: FileVersion,
}

impl ImageId {
    /// An id of its three numbers.
    #[must_use]
    pub const fn new(manufacturer: u16, image_type: u16, version: u32) -> Self {
        Self {
            manufacturer: ManufacturerCode(manufacturer),
            image_type: ImageType(image_type),
            version: FileVersion(version),
        }
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}-{:04X}-{:08X}", self.manufacturer.0, self.image_type.0, self.version.0)
    }
}

/// Which images a server means, each field a value or its wildcard (section 6.10.10.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageFilter {
    /// One maker, or [`ManufacturerCode::ANY`].
    pub manufacturer: ManufacturerCode,
    /// One type, or [`ImageType::ANY`].
    pub image_type: ImageType,
    /// One version, or [`FileVersion::ANY`].
    pub version: FileVersion,
}

impl ImageFilter {
    /// Every image of every maker.
    pub const ALL: Self =
        Self { manufacturer: ManufacturerCode::ANY, image_type: ImageType::ANY, version: FileVersion::ANY };

    /// Whether `image` is meant: each field equal or a wildcard.
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

/// The hardware an image fits: `min` to `max`, both ends included (sections 6.3.2.13 and 6.3.2.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HardwareRange {
    /// The oldest hardware that fits.
    pub min: HardwareVersion,
    /// The newest hardware that fits. Below `min`, nothing fits.
    pub max: HardwareVersion,
}

impl HardwareRange {
    /// Whether `hardware` lies in the range.
    #[must_use]
    pub fn contains(self, hardware: HardwareVersion) -> bool {
        self.min <= hardware && hardware <= self.max
    }

    /// Whether no hardware at all lies in the range.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.min > self.max
    }
}

/// Ranges that are not empty.
#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for HardwareRange {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let (one, other): (HardwareVersion, HardwareVersion) = u.arbitrary()?;
        Ok(Self { min: one.min(other), max: one.max(other) })
    }
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
        for text in
            ["", "0x", "0x+1", "0x123456789", "1.0 b5, stack 3.5 b19", "1.0 b05", "1.0 b05, stack 3.5 b1x"]
        {
            assert_eq!(text.parse::<FileVersion>(), Err(ParseVersionError), "{text}");
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

    #[test]
    fn numbers_are_shown_in_hexadecimal_also_to_who_debugs() {
        use std::format;

        assert_eq!(format!("{:?}", ManufacturerCode(0x1001)), "ManufacturerCode(0x1001)");
        assert_eq!(format!("{:?}", FileVersion(0x0a)), "FileVersion(0x0000000a)");
        assert_eq!(format!("{:?}", HardwareVersion(3)), "HardwareVersion(0x0003)");
        assert_eq!(format!("{:?}", Eui64(1)), "Eui64(00:00:00:00:00:00:00:01)");
        // A number with a name has both, one without its number alone.
        assert_eq!(format!("{:?}", StackVersion::ZIGBEE_PRO), "StackVersion(0x2 ZigBee PRO)");
        assert_eq!(format!("{:?}", StackVersion(9)), "StackVersion(0x9)");
    }
}
