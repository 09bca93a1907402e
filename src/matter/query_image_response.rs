//! QueryImageResponse (command 0x01 of the provider): the availability and the location of an image.
//!
//! | tag | field | type | bound | presence |
//! |---|---|---|---|---|
//! | 0 | Status | unsigned 8 | | mandatory |
//! | 1 | DelayedActionTime | unsigned 32 | seconds | only with Busy |
//! | 2 | ImageURI | UTF-8 | at most 256 | required with UpdateAvailable |
//! | 3 | SoftwareVersion | unsigned 32 | | required with UpdateAvailable |
//! | 4 | SoftwareVersionString | UTF-8 | 1 to 64 | required with UpdateAvailable |
//! | 5 | UpdateToken | octets | 8 to 32 | required with UpdateAvailable |
//! | 6 | UserConsentNeeded | boolean | | optional |
//! | 7 | MetadataForRequestor | octets | at most 512 | optional |
//!
//! The decoder requires only the field Status. A sender checks by [`check`](QueryImageResponse::check) that the
//! response has the fields that UpdateAvailable requires, and DelayedActionTime only with Busy; for a receiver,
//! [`offer`](QueryImageResponse::offer) requires only ImageURI, SoftwareVersion and UpdateToken.

use super::error::{Field, MatterDecodeError, MatterRuleError};
use super::metadata::Metadata;
use super::tlv::{self, FieldValue};
use super::tlv_fields::{Bounds, FieldAt, FieldsFound, check_len};
use super::update_token::UpdateToken;
use super::uri::ImageUri;
use crate::codec::{Emit, Sink};
use crate::open_enum::open_enum;

open_enum! {
    /// Availability of an image (StatusEnum of QueryImageResponse).
    QueryImageStatus(u8) {
        /// An image is available. The response contains the location of the image.
        UPDATE_AVAILABLE = 0 => "UpdateAvailable",
        /// The provider is busy; the requestor queries again later.
        BUSY = 1 => "Busy",
        /// No image is available.
        NOT_AVAILABLE = 2 => "NotAvailable",
        /// An image is available, but not by any protocol that the requestor supports.
        PROTOCOL_NOT_SUPPORTED = 3 => "DownloadProtocolNotSupported",
    }
}

/// QueryImageResponse: a provider's response to a [`QueryImage`](super::QueryImage).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "OTA provider")]
#[non_exhaustive]
pub struct QueryImageResponse<'a> {
    /// Availability of an image.
    pub status: QueryImageStatus,
    /// Minimum number of seconds between the receipt of this response and the next query or the start of the download.
    pub delayed_action_time: Option<u32>,
    /// Location of the image, as text; [`ImageUri::parse`] classifies it.
    pub image_uri: Option<&'a str>,
    /// Version of the image.
    pub software_version: Option<u32>,
    /// Version of the image as text for people.
    pub software_version_string: Option<&'a str>,
    /// Token that the requestor repeats in the commands ApplyUpdateRequest and NotifyUpdateApplied of the update.
    pub update_token: Option<UpdateToken>,
    /// UserConsentNeeded: whether the user must consent before the download. A requestor that cannot ask its user for
    /// consent ignores the field UserConsentNeeded.
    pub user_consent_needed: Option<bool>,
    /// MetadataForRequestor: vendor-defined data.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub metadata: Option<Metadata<'a>>,
}

const FIELDS: &[Field] = &[
    Field::Status,
    Field::DelayedActionTime,
    Field::ImageUri,
    Field::SoftwareVersion,
    Field::SoftwareVersionString,
    Field::UpdateToken,
    Field::UserConsentNeeded,
    Field::MetadataForRequestor,
];

const URI: Bounds = 0..=ImageUri::MAX;
const VERSION_STRING: Bounds = 1..=64;
const METADATA: Bounds = 0..=Metadata::MAX;

/// Image that a provider offers: the fields of a response with the status UpdateAvailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct UpdateOffer<'a> {
    /// Location of the image.
    pub uri: ImageUri<'a>,
    /// Version of the image.
    pub version: u32,
    /// Version of the image as text for people; `None` if the provider omitted the field, although the specification
    /// requires it.
    pub version_string: Option<&'a str>,
    /// Token that the requestor repeats in the commands ApplyUpdateRequest and NotifyUpdateApplied of the update.
    pub token: UpdateToken,
}

impl<'a> QueryImageResponse<'a> {
    /// Creates a response with only a status.
    #[must_use]
    pub const fn new(status: QueryImageStatus) -> Self {
        Self {
            status,
            delayed_action_time: None,
            image_uri: None,
            software_version: None,
            software_version_string: None,
            update_token: None,
            user_consent_needed: None,
            metadata: None,
        }
    }

    /// Creates a response with the status UpdateAvailable and the fields that UpdateAvailable requires.
    #[must_use]
    pub const fn available(uri: &'a str, version: u32, version_string: &'a str, token: UpdateToken) -> Self {
        Self {
            image_uri: Some(uri),
            software_version: Some(version),
            software_version_string: Some(version_string),
            update_token: Some(token),
            ..Self::new(QueryImageStatus::UPDATE_AVAILABLE)
        }
    }

    /// Decodes the command from a TLV structure, which may have any tag.
    ///
    /// # Errors
    /// [`MatterDecodeError`] for invalid TLV, for a missing status, and for a field that is duplicated, of a wrong type
    /// or out of bounds.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, MatterDecodeError> {
        let fields = FieldsFound::parse("QueryImageResponse", FIELDS, 0, bytes)?;
        Ok(Self {
            status: QueryImageStatus(fields.required(Field::Status, FieldAt::u8)?),
            delayed_action_time: fields.optional(Field::DelayedActionTime, FieldAt::u32)?,
            image_uri: fields.optional(Field::ImageUri, |at| at.text(URI))?,
            software_version: fields.optional(Field::SoftwareVersion, FieldAt::u32)?,
            software_version_string: fields
                .optional(Field::SoftwareVersionString, |at| at.text(VERSION_STRING))?,
            update_token: fields.optional(Field::UpdateToken, FieldAt::token)?,
            user_consent_needed: fields.optional(Field::UserConsentNeeded, FieldAt::boolean)?,
            metadata: fields.optional(Field::MetadataForRequestor, |at| at.octets(METADATA))?.map(Metadata),
        })
    }

    /// Checks the rules that a sender of the response must follow, and that the encoder does not enforce by itself.
    ///
    /// # Errors
    /// [`MatterRuleError`] in these cases: a field that UpdateAvailable requires is missing; DelayedActionTime is
    /// present with another status than Busy; the ImageURI is no URI; the length or the form of a text or of the
    /// metadata is wrong.
    pub fn check(&self) -> Result<(), MatterRuleError> {
        if self.delayed_action_time.is_some() && self.status != QueryImageStatus::BUSY {
            return Err(MatterRuleError::Delay(self.status));
        }
        if let Some(uri) = self.image_uri {
            check_len(Field::ImageUri, uri.len(), URI)?;
        }
        if let Some(text) = self.software_version_string {
            check_len(Field::SoftwareVersionString, text.len(), VERSION_STRING)?;
        }
        self.image_uri.map(ImageUri::parse).transpose()?;
        if let Some(UpdateOffer { version_string: None, .. }) = self.offer()? {
            return Err(MatterRuleError::Missing(Field::SoftwareVersionString.name()));
        }
        self.metadata.map_or(Ok(()), |metadata| metadata.check(Field::MetadataForRequestor))
    }

    /// Returns the offered image, or `None` if the status is not UpdateAvailable.
    ///
    /// `offer` accepts a response without SoftwareVersionString, because no step of the update depends on this field.
    ///
    /// # Errors
    /// [`MatterRuleError`] if ImageURI, SoftwareVersion or UpdateToken is missing in a response with UpdateAvailable,
    /// or if the ImageURI is no URI.
    pub fn offer(&self) -> Result<Option<UpdateOffer<'a>>, MatterRuleError> {
        if self.status != QueryImageStatus::UPDATE_AVAILABLE {
            return Ok(None);
        }
        let missing = |field: Field| MatterRuleError::Missing(field.name());
        let uri = self.image_uri.ok_or(missing(Field::ImageUri))?;
        Ok(Some(UpdateOffer {
            uri: ImageUri::parse(uri)?,
            version: self.software_version.ok_or(missing(Field::SoftwareVersion))?,
            version_string: self.software_version_string,
            token: self.update_token.ok_or(missing(Field::UpdateToken))?,
        }))
    }

    fn values(&self) -> [Option<FieldValue<'_>>; 8] {
        let Self {
            status,
            delayed_action_time,
            image_uri,
            software_version,
            software_version_string,
            update_token,
            user_consent_needed,
            metadata,
        } = self;
        [
            Some(FieldValue::Unsigned(status.0.into())),
            delayed_action_time.map(|seconds| FieldValue::Unsigned(seconds.into())),
            image_uri.map(FieldValue::Utf8),
            software_version.map(|version| FieldValue::Unsigned(version.into())),
            software_version_string.map(FieldValue::Utf8),
            update_token.as_ref().map(|token| FieldValue::Octets(token.as_bytes())),
            user_consent_needed.map(FieldValue::Boolean),
            metadata.map(|metadata| FieldValue::Octets(metadata.0)),
        ]
    }
}

impl Emit for QueryImageResponse<'_> {
    fn len(&self) -> usize {
        tlv::structure_len(&self.values())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        tlv::emit_structure(&self.values(), out);
    }
}
