//! ApplyUpdateRequest, ApplyUpdateResponse and NotifyUpdateApplied (commands 0x02, 0x03 and 0x04 of the provider): the
//! commands that a requestor and its provider exchange after a download.
//!
//! | command | tag | field | type | bound |
//! |---|---|---|---|---|
//! | ApplyUpdateRequest | 0 | UpdateToken | octets | 8 to 32 |
//! | | 1 | NewVersion | unsigned 32 | |
//! | ApplyUpdateResponse | 0 | Action | unsigned 8 | |
//! | | 1 | DelayedActionTime | unsigned 32 | seconds |
//! | NotifyUpdateApplied | 0 | UpdateToken | octets | 8 to 32 |
//! | | 1 | SoftwareVersion | unsigned 32 | |

use super::error::{Field, MatterDecodeError};
use super::tlv::{self, FieldValue};
use super::tlv_fields::{FieldAt, FieldsFound};
use super::update_token::UpdateToken;
use crate::codec::{Emit, Sink};
use crate::open_enum::open_enum;

open_enum! {
    /// Provider's decision about a downloaded image (ApplyUpdateActionEnum).
    ApplyUpdateAction(u8) {
        /// The requestor applies the image after DelayedActionTime.
        PROCEED = 0 => "Proceed",
        /// The requestor sends another ApplyUpdateRequest after DelayedActionTime.
        AWAIT_NEXT_ACTION = 1 => "AwaitNextAction",
        /// The requestor discards the image, and sends no QueryImage before DelayedActionTime has passed.
        DISCONTINUE = 2 => "Discontinue",
    }
}

/// ApplyUpdateRequest: a requestor has downloaded an image, and asks its provider for permission to apply the image.
// Exhaustive: both fields are mandatory, and no revision of the cluster has added a third field to the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ApplyUpdateRequest {
    /// UpdateToken of the QueryImageResponse that offered the image.
    pub token: UpdateToken,
    /// NewVersion: version of the downloaded image.
    pub new_version: u32,
}

/// ApplyUpdateResponse: a provider's response to an [`ApplyUpdateRequest`].
// Exhaustive: both fields are mandatory, and no revision of the cluster has added a third field to the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ApplyUpdateResponse {
    /// Decision of the provider about the downloaded image.
    pub action: ApplyUpdateAction,
    /// Minimum number of seconds between the receipt of this response and the next step of the requestor, which the
    /// field `action` names.
    pub delayed_action_time: u32,
}

/// NotifyUpdateApplied: a requestor reports that it runs the new image. The provider answers with a Matter status only,
/// not with a response command.
// Exhaustive: both fields are mandatory, and no revision of the cluster has added a third field to the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotifyUpdateApplied {
    /// UpdateToken of the QueryImageResponse that offered the image.
    pub token: UpdateToken,
    /// Version of the running image.
    pub software_version: u32,
}

const REQUEST_FIELDS: &[Field] = &[Field::UpdateToken, Field::NewVersion];
const RESPONSE_FIELDS: &[Field] = &[Field::Action, Field::DelayedActionTime];
const NOTIFY_FIELDS: &[Field] = &[Field::UpdateToken, Field::SoftwareVersion];

impl ApplyUpdateRequest {
    /// Decodes the command from a TLV structure, which may have any tag.
    ///
    /// # Errors
    /// [`MatterDecodeError`] for invalid TLV, and for a field that is missing, duplicated, of a wrong type or out of
    /// bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, MatterDecodeError> {
        let fields = FieldsFound::parse("ApplyUpdateRequest", REQUEST_FIELDS, 0, bytes)?;
        Ok(Self {
            token: fields.required(Field::UpdateToken, FieldAt::token)?,
            new_version: fields.required(Field::NewVersion, FieldAt::u32)?,
        })
    }

    fn values(&self) -> [Option<FieldValue<'_>>; 2] {
        let Self { token, new_version } = self;
        token_and_version(token, *new_version)
    }
}

impl ApplyUpdateResponse {
    /// Decodes the command from a TLV structure, which may have any tag.
    ///
    /// # Errors
    /// [`MatterDecodeError`] for invalid TLV, and for a field that is missing, duplicated, of a wrong type or out of
    /// bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, MatterDecodeError> {
        let fields = FieldsFound::parse("ApplyUpdateResponse", RESPONSE_FIELDS, 0, bytes)?;
        Ok(Self {
            action: ApplyUpdateAction(fields.required(Field::Action, FieldAt::u8)?),
            delayed_action_time: fields.required(Field::DelayedActionTime, FieldAt::u32)?,
        })
    }

    fn values(&self) -> [Option<FieldValue<'_>>; 2] {
        let Self { action, delayed_action_time } = self;
        [action.0.into(), (*delayed_action_time).into()].map(FieldValue::Unsigned).map(Some)
    }
}

impl NotifyUpdateApplied {
    /// Decodes the command from a TLV structure, which may have any tag.
    ///
    /// # Errors
    /// [`MatterDecodeError`] for invalid TLV, and for a field that is missing, duplicated, of a wrong type or out of
    /// bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, MatterDecodeError> {
        let fields = FieldsFound::parse("NotifyUpdateApplied", NOTIFY_FIELDS, 0, bytes)?;
        Ok(Self {
            token: fields.required(Field::UpdateToken, FieldAt::token)?,
            software_version: fields.required(Field::SoftwareVersion, FieldAt::u32)?,
        })
    }

    fn values(&self) -> [Option<FieldValue<'_>>; 2] {
        let Self { token, software_version } = self;
        token_and_version(token, *software_version)
    }
}

/// Returns the two field values of a command that consists of an UpdateToken (context tag 0) and a version (context tag
/// 1).
fn token_and_version(token: &UpdateToken, version: u32) -> [Option<FieldValue<'_>>; 2] {
    [Some(FieldValue::Octets(token.as_bytes())), Some(FieldValue::Unsigned(version.into()))]
}

impl Emit for ApplyUpdateRequest {
    fn len(&self) -> usize {
        tlv::structure_len(&self.values())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        tlv::emit_structure(&self.values(), out);
    }
}

impl Emit for ApplyUpdateResponse {
    fn len(&self) -> usize {
        tlv::structure_len(&self.values())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        tlv::emit_structure(&self.values(), out);
    }
}

impl Emit for NotifyUpdateApplied {
    fn len(&self) -> usize {
        tlv::structure_len(&self.values())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        tlv::emit_structure(&self.values(), out);
    }
}
