//! ApplyUpdateRequest, ApplyUpdateResponse and NotifyUpdateApplied (commands 0x02 to 0x04 of the provider): from an image that
//! was downloaded to one that runs.
//!
//! | command | tag | field | type | bound |
//! |---|---|---|---|---|
//! | ApplyUpdateRequest | 0 | UpdateToken | octets | 8 to 32 |
//! | | 1 | NewVersion | unsigned 32 | |
//! | ApplyUpdateResponse | 0 | Action | unsigned 8 | |
//! | | 1 | DelayedActionTime | unsigned 32 | seconds |
//! | NotifyUpdateApplied | 0 | UpdateToken | octets | 8 to 32 |
//! | | 1 | SoftwareVersion | unsigned 32 | |

use super::error::{Field, Item, Malformed};
use super::fields::{self, Found};
use super::tlv::Value;
use super::token::UpdateToken;
use crate::codec::{Emit, Sink};
use crate::open_enum::open_enum;

open_enum! {
    /// What to do with an image that was downloaded (ApplyUpdateActionEnum).
    Action(u8) {
        /// Apply it, after the delay.
        PROCEED = 0 => "Proceed",
        /// Ask again, after the delay.
        AWAIT_NEXT_ACTION = 1 => "AwaitNextAction",
        /// Give it up, and ask no sooner than after the delay for another.
        DISCONTINUE = 2 => "Discontinue",
    }
}

/// A requestor holds an image, and asks whether to apply it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ApplyUpdateRequest {
    /// The token of the answer that offered the image.
    pub token: UpdateToken,
    /// NewVersion: the version of the image that is to be applied.
    pub new_version: u32,
}

/// The provider's answer to an [`ApplyUpdateRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ApplyUpdateResponse {
    /// What to do.
    pub action: Action,
    /// Seconds from this answer, before which it must not be done.
    pub delayed_action_time: u32,
}

/// A requestor runs the image. The answer is a status without fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotifyUpdateApplied {
    /// The token of the answer that offered the image.
    pub token: UpdateToken,
    /// The version that runs now.
    pub software_version: u32,
}

const REQUEST: &[Field] = &[Field::UpdateToken, Field::NewVersion];
const RESPONSE: &[Field] = &[Field::Action, Field::DelayedActionTime];
const NOTIFY: &[Field] = &[Field::UpdateToken, Field::SoftwareVersion];

impl ApplyUpdateRequest {
    /// Reads the command's structure, whatever tag it has.
    ///
    /// # Errors
    /// [`Malformed`] for what is no TLV, for a field that is missing, there twice, of another type or out of bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let found = Found::read(Item::ApplyUpdateRequest, REQUEST, 0, bytes)?;
        Ok(Self {
            token: found.required(Field::UpdateToken)?.token()?,
            new_version: found.required(Field::NewVersion)?.u32()?,
        })
    }
}

impl ApplyUpdateResponse {
    /// Reads the command's structure, whatever tag it has.
    ///
    /// # Errors
    /// [`Malformed`] for what is no TLV, for a field that is missing, there twice, of another type or out of bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let found = Found::read(Item::ApplyUpdateResponse, RESPONSE, 0, bytes)?;
        Ok(Self {
            action: Action(found.required(Field::Action)?.u8()?),
            delayed_action_time: found.required(Field::DelayedActionTime)?.u32()?,
        })
    }

    fn values(&self) -> [Option<Value<'_>>; 2] {
        [self.action.0.into(), self.delayed_action_time.into()].map(Value::Unsigned).map(Some)
    }
}

impl NotifyUpdateApplied {
    /// Reads the command's structure, whatever tag it has.
    ///
    /// # Errors
    /// [`Malformed`] for what is no TLV, for a field that is missing, there twice, of another type or out of bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let found = Found::read(Item::NotifyUpdateApplied, NOTIFY, 0, bytes)?;
        Ok(Self {
            token: found.required(Field::UpdateToken)?.token()?,
            software_version: found.required(Field::SoftwareVersion)?.u32()?,
        })
    }
}

/// The fields of the two commands that have a token and a version.
fn token_and_version(token: &UpdateToken, version: u32) -> [Option<Value<'_>>; 2] {
    [Some(Value::Octets(token.as_bytes())), Some(Value::Unsigned(version.into()))]
}

impl Emit for ApplyUpdateRequest {
    fn len(&self) -> usize {
        fields::len(&token_and_version(&self.token, self.new_version))
    }

    fn emit(&self, out: &mut Sink<'_>) {
        fields::emit(&token_and_version(&self.token, self.new_version), out);
    }
}

impl Emit for ApplyUpdateResponse {
    fn len(&self) -> usize {
        fields::len(&self.values())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        fields::emit(&self.values(), out);
    }
}

impl Emit for NotifyUpdateApplied {
    fn len(&self) -> usize {
        fields::len(&token_and_version(&self.token, self.software_version))
    }

    fn emit(&self, out: &mut Sink<'_>) {
        fields::emit(&token_and_version(&self.token, self.software_version), out);
    }
}
