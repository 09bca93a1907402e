//! QueryImage (command 0x00 of the provider): a requestor's query for an update.
//!
//! | tag | field | type | bound |
//! |---|---|---|---|
//! | 0 | VendorID | unsigned 16 | |
//! | 1 | ProductID | unsigned 16 | |
//! | 2 | SoftwareVersion | unsigned 32 | the running version |
//! | 3 | ProtocolsSupported | array of unsigned 8 | at most 8 |
//! | 4 | HardwareVersion | unsigned 16 | optional |
//! | 5 | Location | UTF-8 | optional, 2 bytes |
//! | 6 | RequestorCanConsent | boolean | optional, default false |
//! | 7 | MetadataForProvider | octets | optional, at most 512 |

use core::fmt;

use super::error::{Field, MatterDecodeError, MatterRuleError};
use super::inline_bytes::InlineBytes;
use super::metadata::Metadata;
use super::tlv::{self, FieldValue};
use super::tlv_fields::{Bounds, FieldAt, FieldsFound, check_len};
use crate::codec::{Emit, Sink};
use crate::open_enum::open_enum;

open_enum! {
    /// Protocol by which an image is downloaded (DownloadProtocolEnum).
    DownloadProtocol(u8) {
        /// Bulk Data Exchange, synchronous transfer.
        BDX_SYNCHRONOUS = 0 => "BDXSynchronous",
        /// Bulk Data Exchange, asynchronous transfer.
        BDX_ASYNCHRONOUS = 1 => "BDXAsynchronous",
        /// HTTP over TLS.
        HTTPS = 2 => "HTTPS",
        /// Protocol defined by the vendor.
        VENDOR_SPECIFIC = 3 => "VendorSpecific",
    }
}

/// ProtocolsSupported, a field of QueryImage: up to eight download protocols, in the order in which the requestor lists
/// them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DownloadProtocols(
    #[cfg_attr(feature = "arbitrary", arbitrary(with = |u: &mut _| InlineBytes::arbitrary(0, u)))]
    InlineBytes<MAX_PROTOCOLS>,
);

/// Maximum number of members of ProtocolsSupported.
const MAX_PROTOCOLS: usize = 8;

impl DownloadProtocols {
    /// Empty list of protocols.
    pub const NONE: Self = Self(InlineBytes::EMPTY);

    /// Copies a list of protocols. Returns `None` for more than eight protocols.
    #[must_use]
    pub fn new(protocols: &[DownloadProtocol]) -> Option<Self> {
        let mut all = Self::NONE;
        protocols.iter().all(|protocol| all.0.push(protocol.0)).then_some(all)
    }

    /// Returns the protocols in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = DownloadProtocol> + '_ {
        self.0.as_slice().iter().copied().map(DownloadProtocol)
    }

    /// Returns whether the list contains `protocol`.
    #[must_use]
    pub fn contains(&self, protocol: DownloadProtocol) -> bool {
        self.iter().any(|own| own == protocol)
    }
}

impl fmt::Debug for DownloadProtocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// QueryImage: a requestor asks its provider for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct QueryImage<'a> {
    /// Vendor id of the requestor.
    pub vendor: u16,
    /// Product id of the requestor.
    pub product: u16,
    /// Version that the requestor runs.
    pub software_version: u32,
    /// Protocols by which the requestor can download an image.
    pub protocols: DownloadProtocols,
    /// Hardware version of the requestor.
    pub hardware_version: Option<u16>,
    /// Country code of the requestor's location, two letters (ISO 3166-1 alpha-2).
    pub location: Option<&'a str>,
    /// RequestorCanConsent: whether the requestor can ask its user for consent; `None` means no.
    pub can_consent: Option<bool>,
    /// MetadataForProvider: vendor-defined data.
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
    /// Creates a query with only the mandatory fields.
    #[must_use]
    pub const fn new(vendor: u16, product: u16, software_version: u32, protocols: DownloadProtocols) -> Self {
        Self {
            vendor,
            product,
            software_version,
            protocols,
            hardware_version: None,
            location: None,
            can_consent: None,
            metadata: None,
        }
    }

    /// Decodes the command from a TLV structure, which may have any tag.
    ///
    /// # Errors
    /// [`MatterDecodeError`] for invalid TLV, and for a field that is missing, duplicated, of a wrong type or out of
    /// bounds.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, MatterDecodeError> {
        let fields = FieldsFound::parse("QueryImage", FIELDS, 0, bytes)?;
        let mut protocols = DownloadProtocols::NONE;
        fields.required(Field::ProtocolsSupported, |at| {
            at.numbers(MAX_PROTOCOLS, |number| protocols.0.push(number))
        })?;
        Ok(Self {
            vendor: fields.required(Field::VendorId, FieldAt::u16)?,
            product: fields.required(Field::ProductId, FieldAt::u16)?,
            software_version: fields.required(Field::SoftwareVersion, FieldAt::u32)?,
            protocols,
            hardware_version: fields.optional(Field::HardwareVersion, FieldAt::u16)?,
            location: fields.optional(Field::Location, |at| at.text(LOCATION))?,
            can_consent: fields.optional(Field::RequestorCanConsent, FieldAt::boolean)?,
            metadata: fields.optional(Field::MetadataForProvider, |at| at.octets(METADATA))?.map(Metadata),
        })
    }

    /// Checks the rules that a sender of the query must follow, and that the encoder does not enforce by itself.
    ///
    /// # Errors
    /// [`MatterRuleError`] for a location that is not two bytes long, and for metadata that are too long or are no list
    /// of TLV elements with fully-qualified tags.
    pub fn check(&self) -> Result<(), MatterRuleError> {
        if let Some(location) = self.location {
            check_len(Field::Location, location.len(), LOCATION)?;
        }
        self.metadata.map_or(Ok(()), |metadata| metadata.check(Field::MetadataForProvider))
    }

    fn values(&self) -> [Option<FieldValue<'_>>; 8] {
        let Self {
            vendor,
            product,
            software_version,
            protocols,
            hardware_version,
            location,
            can_consent,
            metadata,
        } = self;
        [
            Some(FieldValue::Unsigned((*vendor).into())),
            Some(FieldValue::Unsigned((*product).into())),
            Some(FieldValue::Unsigned((*software_version).into())),
            Some(FieldValue::Numbers(protocols.0.as_slice())),
            hardware_version.map(|version| FieldValue::Unsigned(version.into())),
            location.map(FieldValue::Utf8),
            can_consent.map(FieldValue::Boolean),
            metadata.map(|metadata| FieldValue::Octets(metadata.0)),
        ]
    }
}

impl Emit for QueryImage<'_> {
    fn len(&self) -> usize {
        tlv::structure_len(&self.values())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        tlv::emit_structure(&self.values(), out);
    }
}
