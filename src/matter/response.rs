//! QueryImageResponse (command 0x01 of the provider): whether there is an update, and where.
//!
//! | tag | field | type | bound | with UpdateAvailable |
//! |---|---|---|---|---|
//! | 0 | Status | unsigned 8 | | always there |
//! | 1 | DelayedActionTime | unsigned 32 | seconds | only with Busy |
//! | 2 | ImageURI | UTF-8 | at most 256 | required |
//! | 3 | SoftwareVersion | unsigned 32 | | required |
//! | 4 | SoftwareVersionString | UTF-8 | 1 to 64 | required |
//! | 5 | UpdateToken | octets | 8 to 32 | required |
//! | 6 | UserConsentNeeded | boolean | | optional |
//! | 7 | MetadataForRequestor | octets | at most 512 | optional |
//!
//! A message that breaks the rules of the last column can be read all the same: [`check`](QueryImageResponse::check) is for
//! who sends it, [`answer`](QueryImageResponse::answer) for who received it.

use super::error::{Field, Item, Malformed, Status, Violation};
use super::fields::{self, Bounds, Found};
use super::metadata::Metadata;
use super::tlv::Value;
use super::token::UpdateToken;
use super::uri::ImageUri;
use super::within;
use crate::codec::{Emit, Sink};

/// A provider's answer to a [`QueryImage`](super::QueryImage).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QueryImageResponse<'a> {
    /// Whether there is an image.
    pub status: Status,
    /// Seconds from this answer until the requestor may ask again or start to download.
    pub delayed_action_time: Option<u32>,
    /// Where the image is; [`ImageUri::parse`] says what it means.
    pub image_uri: Option<&'a str>,
    /// The version of the image.
    pub software_version: Option<u32>,
    /// The version for people.
    pub software_version_string: Option<&'a str>,
    /// What ties the further commands of this update to this answer.
    pub update_token: Option<UpdateToken>,
    /// Whether the user must consent before the download. Means something only to a requestor that can ask.
    pub user_consent_needed: Option<bool>,
    /// What the image's maker has to say to the requestor.
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

/// What an answer means to who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Answer<'a> {
    /// There is an image.
    Available(Offer<'a>),
    /// There is none now: Busy, NotAvailable, DownloadProtocolNotSupported, or a status without a name.
    Nothing(Status),
}

/// An image that a provider offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Offer<'a> {
    /// Where it is.
    pub uri: ImageUri<'a>,
    /// Its version.
    pub version: u32,
    /// Its version for people, which some providers forget.
    pub version_string: Option<&'a str>,
    /// What ties the further commands to this offer.
    pub token: UpdateToken,
}

impl<'a> QueryImageResponse<'a> {
    /// An answer of a status alone.
    #[must_use]
    pub const fn new(status: Status) -> Self {
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

    /// An answer that offers an image.
    #[must_use]
    pub const fn available(uri: &'a str, version: u32, version_string: &'a str, token: UpdateToken) -> Self {
        Self {
            image_uri: Some(uri),
            software_version: Some(version),
            software_version_string: Some(version_string),
            update_token: Some(token),
            ..Self::new(Status::UPDATE_AVAILABLE)
        }
    }

    /// Reads the command's structure, whatever tag it has.
    ///
    /// # Errors
    /// [`Malformed`] for what is no TLV, for a status that is missing, for a field that is there twice, of another type or
    /// out of bounds.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let found = Found::read(Item::QueryImageResponse, FIELDS, 0, bytes)?;
        Ok(Self {
            status: Status(found.required(Field::Status)?.u8()?),
            delayed_action_time: found.optional(Field::DelayedActionTime).map(|at| at.u32()).transpose()?,
            image_uri: found.optional(Field::ImageUri).map(|at| at.text(URI)).transpose()?,
            software_version: found.optional(Field::SoftwareVersion).map(|at| at.u32()).transpose()?,
            software_version_string: found
                .optional(Field::SoftwareVersionString)
                .map(|at| at.text(VERSION_STRING))
                .transpose()?,
            update_token: found.optional(Field::UpdateToken).map(|at| at.token()).transpose()?,
            user_consent_needed: found
                .optional(Field::UserConsentNeeded)
                .map(|at| at.boolean())
                .transpose()?,
            metadata: found
                .optional(Field::MetadataForRequestor)
                .map(|at| at.octets(METADATA).map(Metadata))
                .transpose()?,
        })
    }

    /// Rules that the values break, for who sends it: all of them.
    ///
    /// # Errors
    /// A field that UpdateAvailable asks for is missing, DelayedActionTime is there without Busy, the ImageURI is none,
    /// text or metadata are too long or of the wrong form.
    pub fn check(&self) -> Result<(), Violation> {
        if self.delayed_action_time.is_some() && self.status != Status::BUSY {
            return Err(Violation::Delay(self.status));
        }
        within(Field::ImageUri, self.image_uri.map(str::len), URI)?;
        within(Field::SoftwareVersionString, self.software_version_string.map(str::len), VERSION_STRING)?;
        self.image_uri.map(ImageUri::parse).transpose()?;
        if let Answer::Available(Offer { version_string: None, .. }) = self.answer()? {
            return Err(Violation::Missing(Field::SoftwareVersionString));
        }
        Metadata::check(self.metadata, Field::MetadataForRequestor)
    }

    /// What it means to who received it. A missing version string is borne, as nothing depends on it.
    ///
    /// # Errors
    /// UpdateAvailable without a place, a version or a token, or with a place that is no URI.
    pub fn answer(&self) -> Result<Answer<'a>, Violation> {
        if self.status != Status::UPDATE_AVAILABLE {
            return Ok(Answer::Nothing(self.status));
        }
        let missing = Violation::Missing;
        let uri = self.image_uri.ok_or(missing(Field::ImageUri))?;
        Ok(Answer::Available(Offer {
            uri: ImageUri::parse(uri)?,
            version: self.software_version.ok_or(missing(Field::SoftwareVersion))?,
            version_string: self.software_version_string,
            token: self.update_token.ok_or(missing(Field::UpdateToken))?,
        }))
    }

    fn values(&self) -> [Option<Value<'_>>; 8] {
        [
            Some(Value::Unsigned(self.status.0.into())),
            self.delayed_action_time.map(|seconds| Value::Unsigned(seconds.into())),
            self.image_uri.map(Value::Utf8),
            self.software_version.map(|version| Value::Unsigned(version.into())),
            self.software_version_string.map(Value::Utf8),
            self.update_token.as_ref().map(|token| Value::Octets(token.as_bytes())),
            self.user_consent_needed.map(Value::Boolean),
            self.metadata.map(|metadata| Value::Octets(metadata.0)),
        ]
    }
}

impl Emit for QueryImageResponse<'_> {
    fn len(&self) -> usize {
        fields::len(&self.values())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        fields::emit(&self.values(), out);
    }
}
