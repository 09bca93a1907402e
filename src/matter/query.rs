//! QueryImage (command 0x00 of the provider): a requestor asks for an update.
//!
//! | tag | field | type | bound |
//! |---|---|---|---|
//! | 0 | VendorID | unsigned 16 | |
//! | 1 | ProductID | unsigned 16 | |
//! | 2 | SoftwareVersion | unsigned 32 | the one that runs |
//! | 3 | ProtocolsSupported | array of unsigned 8 | at most 8 |
//! | 4 | HardwareVersion | unsigned 16 | optional |
//! | 5 | Location | UTF-8 | optional, 2 bytes |
//! | 6 | RequestorCanConsent | boolean | optional, false without |
//! | 7 | MetadataForProvider | octets | optional, at most 512 |

use core::fmt;

use super::error::{Field, Item, Malformed, Violation};
use super::few::Few;
use super::fields::{self, Bounds, Found};
use super::metadata::Metadata;
use super::tlv::{Container, Kind, Value};
use super::within;
use crate::codec::{Emit, Sink};
use crate::open_enum::open_enum;

open_enum! {
    /// How an image can be fetched (DownloadProtocolEnum).
    DownloadProtocol(u8) {
        /// BDX, driven by one side.
        BDX_SYNCHRONOUS = 0 => "BDXSynchronous",
        /// BDX, driven by both sides.
        BDX_ASYNCHRONOUS = 1 => "BDXAsynchronous",
        /// HTTP over TLS.
        HTTPS = 2 => "HTTPS",
        /// Something that vendor and product agree on.
        VENDOR_SPECIFIC = 3 => "VendorSpecific",
    }
}

/// Up to eight download protocols, in the requestor's order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Protocols(Few<{ Self::MAX }>);

impl Protocols {
    /// The most protocols that a query names.
    pub const MAX: usize = 8;
    /// None.
    pub const NONE: Self = Self(Few::EMPTY);

    /// `None` for more than eight.
    #[must_use]
    pub fn new(protocols: &[DownloadProtocol]) -> Option<Self> {
        let mut all = Self::NONE;
        protocols.iter().all(|protocol| all.0.push(protocol.0)).then_some(all)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = DownloadProtocol> + '_ {
        self.0.get().iter().copied().map(DownloadProtocol)
    }

    /// Whether one of them is `protocol`.
    #[must_use]
    pub fn contains(&self, protocol: DownloadProtocol) -> bool {
        self.iter().any(|own| own == protocol)
    }

    /// The members of an array of TLV: each an anonymous unsigned number of one byte.
    fn members(&self) -> Few<{ 2 * Self::MAX }> {
        const UNSIGNED8: u8 = 0x04;
        let mut members = Few::EMPTY;
        self.iter().for_each(|protocol| {
            // There is room for eight.
            let _ = members.push(UNSIGNED8) && members.push(protocol.0);
        });
        members
    }
}

impl fmt::Debug for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Protocols {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let (all, count): ([DownloadProtocol; Self::MAX], _) =
            (u.arbitrary()?, u.int_in_range(0..=Self::MAX)?);
        all.get(..count).and_then(Self::new).ok_or(arbitrary::Error::IncorrectFormat)
    }
}

/// A requestor asks whether there is an image for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QueryImage<'a> {
    /// Who made it.
    pub vendor: u16,
    /// Which of the vendor's products it is.
    pub product: u16,
    /// The version that it runs.
    pub software_version: u32,
    /// How it can fetch an image.
    pub protocols: Protocols,
    /// Its own hardware, where it tells.
    pub hardware_version: Option<u16>,
    /// The country it stands in, two letters, where it tells.
    pub location: Option<&'a str>,
    /// Whether it can ask its user for consent, where it tells; it cannot where it does not.
    pub can_consent: Option<bool>,
    /// What its maker has to say to the provider.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub metadata: Option<Metadata<'a>>,
}

const FIELDS: &[Field] = &[
    Field::VendorId,
    Field::ProductId,
    Field::SoftwareVersion,
    Field::ProtocolsSupported,
    Field::HardwareVersion,
    Field::Location,
    Field::RequestorCanConsent,
    Field::MetadataForProvider,
];

const LOCATION: Bounds = 2..=2;
const METADATA: Bounds = 0..=Metadata::MAX;

impl<'a> QueryImage<'a> {
    /// Reads the command's structure, whatever tag it has.
    ///
    /// # Errors
    /// [`Malformed`] for what is no TLV, for a field that is missing, there twice, of another type or out of bounds.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let found = Found::read(Item::QueryImage, FIELDS, 0, bytes)?;
        let mut protocols = Protocols::NONE;
        let listed = found.required(Field::ProtocolsSupported)?;
        listed.numbers(Protocols::MAX, |number| protocols.0.push(number))?;
        Ok(Self {
            vendor: found.required(Field::VendorId)?.u16()?,
            product: found.required(Field::ProductId)?.u16()?,
            software_version: found.required(Field::SoftwareVersion)?.u32()?,
            protocols,
            hardware_version: found.optional(Field::HardwareVersion).map(|at| at.u16()).transpose()?,
            location: found.optional(Field::Location).map(|at| at.text(LOCATION)).transpose()?,
            can_consent: found.optional(Field::RequestorCanConsent).map(|at| at.boolean()).transpose()?,
            metadata: found
                .optional(Field::MetadataForProvider)
                .map(|at| at.octets(METADATA).map(Metadata))
                .transpose()?,
        })
    }

    /// Rules that the values break, for who sends it.
    ///
    /// # Errors
    /// A location that has not two bytes, metadata that are too long or no list.
    pub fn check(&self) -> Result<(), Violation> {
        within(Field::Location, self.location.map(str::len), LOCATION)?;
        Metadata::check(self.metadata, Field::MetadataForProvider)
    }

    fn values<'v>(&'v self, protocols: &'v Few<{ 2 * Protocols::MAX }>) -> [Option<Value<'v>>; 8] {
        [
            Some(Value::Unsigned(self.vendor.into())),
            Some(Value::Unsigned(self.product.into())),
            Some(Value::Unsigned(self.software_version.into())),
            Some(Value::Container(Container::written(Kind::Array, protocols.get()))),
            self.hardware_version.map(|version| Value::Unsigned(version.into())),
            self.location.map(Value::Utf8),
            self.can_consent.map(Value::Boolean),
            self.metadata.map(|metadata| Value::Octets(metadata.0)),
        ]
    }
}

impl Emit for QueryImage<'_> {
    fn len(&self) -> usize {
        fields::len(&self.values(&self.protocols.members()))
    }

    fn emit(&self, out: &mut Sink<'_>) {
        fields::emit(&self.values(&self.protocols.members()), out);
    }
}
