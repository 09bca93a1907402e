//! The ZCL's global commands by which a client's attributes are read, as far as this cluster needs them.
//!
//! | command | name | payload |
//! |---|---|---|
//! | 0x00 | Read Attributes | n × id (2) |
//! | 0x01 | Read Attributes Response | n × [ id (2), status (1), and with SUCCESS: type (1), value ] |
//! | 0x02 | Write Attributes | n × [ id (2), type (1), value ] |
//! | 0x04 | Write Attributes Response | n × [ status (1), id (2) ] of what was refused, or one SUCCESS |
//! | 0x0C | Discover Attributes | first id (2), most ids wanted (1) |
//! | 0x0D | Discover Attributes Response | 1 if these are the last, else 0 (1), n × [ id (2), type (1) ] |
//!
//! Each goes in both directions. Lists are borrowed from the frame and walked when they are asked; a value says
//! nothing of its length but by its type, so a walk ends at a type that this crate does not know.

use nom::Parser;
use nom::combinator::map;

use crate::codec::{Emit, Parsed, Sink, fail, le_u8, le_u16, locate};
use crate::error::{DecodeError, DecodeErrorKind};

use super::attribute_table::{AttributeId, AttributeValue, DataType};
use super::frame::HEADER_LEN;
use super::quirks::Leniency;
use super::{Refusal, Status, Violation};

/// A global command about attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AttributeCommand<'a> {
    /// 0x00
    Read(#[cfg_attr(feature = "serde", serde(borrow))] ReadAttributes<'a>),
    /// 0x01
    ReadResponse(#[cfg_attr(feature = "serde", serde(borrow))] ReadAttributesResponse<'a>),
    /// 0x02
    Write(#[cfg_attr(feature = "serde", serde(borrow))] WriteAttributes<'a>),
    /// 0x04
    WriteResponse(#[cfg_attr(feature = "serde", serde(borrow))] WriteAttributesResponse<'a>),
    /// 0x0C
    Discover(DiscoverAttributes),
    /// 0x0D
    DiscoverResponse(#[cfg_attr(feature = "serde", serde(borrow))] DiscoverAttributesResponse<'a>),
}

impl<'a> AttributeCommand<'a> {
    /// ZCL command id of Read Attributes.
    pub const READ: u8 = 0x00;
    /// ZCL command id of Read Attributes Response.
    pub const READ_RESPONSE: u8 = 0x01;
    /// ZCL command id of Write Attributes.
    pub const WRITE: u8 = 0x02;
    /// ZCL command id of Write Attributes Response.
    pub const WRITE_RESPONSE: u8 = 0x04;
    /// ZCL command id of Discover Attributes.
    pub const DISCOVER: u8 = 0x0c;
    /// ZCL command id of Discover Attributes Response.
    pub const DISCOVER_RESPONSE: u8 = 0x0d;

    /// Its ZCL command id.
    #[must_use]
    pub const fn command(&self) -> u8 {
        match self {
            Self::Read(_) => Self::READ,
            Self::ReadResponse(_) => Self::READ_RESPONSE,
            Self::Write(_) => Self::WRITE,
            Self::WriteResponse(_) => Self::WRITE_RESPONSE,
            Self::Discover(_) => Self::DISCOVER,
            Self::DiscoverResponse(_) => Self::DISCOVER_RESPONSE,
        }
    }

    /// Whether it answers another command.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        matches!(self, Self::ReadResponse(_) | Self::WriteResponse(_) | Self::DiscoverResponse(_))
    }

    /// `None` for a global command of another kind.
    pub(super) fn parse(
        command: u8,
        input: &'a [u8],
        leniency: &mut Leniency<'a>,
    ) -> Option<(&'static str, Parsed<'a, Self>)> {
        Some(match command {
            Self::READ => {
                ("Read Attributes", pieces(input).map(|(rest, ids)| (rest, Self::Read(ReadAttributes(ids)))))
            }
            Self::READ_RESPONSE => {
                ("Read Attributes Response", Ok((&[], Self::ReadResponse(ReadAttributesResponse(input)))))
            }
            Self::WRITE => ("Write Attributes", Ok((&[], Self::Write(WriteAttributes(input))))),
            Self::WRITE_RESPONSE => (
                "Write Attributes Response",
                map(WriteAttributesResponse::parse, Self::WriteResponse).parse(input),
            ),
            Self::DISCOVER => {
                let parsed = DiscoverAttributes::parse(input, leniency);
                ("Discover Attributes", parsed.map(|(rest, command)| (rest, Self::Discover(command))))
            }
            Self::DISCOVER_RESPONSE => (
                "Discover Attributes Response",
                map(DiscoverAttributesResponse::parse, Self::DiscoverResponse).parse(input),
            ),
            _ => return None,
        })
    }
}

impl Emit for AttributeCommand<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Read(command) => command.0.as_flattened().len(),
            Self::ReadResponse(command) => command.0.len(),
            Self::Write(command) => command.0.len(),
            Self::WriteResponse(command) => command.0.as_flattened().len().max(1),
            Self::Discover(_) => 3,
            Self::DiscoverResponse(command) => command.attributes.as_flattened().len().saturating_add(1),
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match self {
            Self::Read(command) => out.bytes(command.0.as_flattened()),
            Self::ReadResponse(command) => out.bytes(command.0),
            Self::Write(command) => out.bytes(command.0),
            Self::WriteResponse(WriteAttributesResponse([])) => out.array(&[Status::SUCCESS.0]),
            Self::WriteResponse(command) => out.bytes(command.0.as_flattened()),
            Self::Discover(DiscoverAttributes { first, most }) => {
                out.array(&first.0.to_le_bytes());
                out.array(&[*most]);
            }
            Self::DiscoverResponse(command) => {
                out.array(&[u8::from(command.complete)]);
                out.bytes(command.attributes.as_flattened());
            }
        }
    }
}

/// Cuts all of `input` in pieces of one size.
fn pieces<const N: usize>(input: &[u8]) -> Parsed<'_, &[[u8; N]]> {
    match input.as_chunks() {
        (pieces, []) => Ok((&[], pieces)),
        (_, rest) => fail(rest, DecodeErrorKind::Truncated { needed: N, present: rest.len() }),
    }
}

/// Asks for the values of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReadAttributes<'a>(
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::pieces"))] &'a [[u8; 2]],
);

impl<'a> ReadAttributes<'a> {
    /// Of ids as they stand in a frame, little endian.
    #[must_use]
    pub const fn new(ids: &'a [[u8; 2]]) -> Self {
        Self(ids)
    }

    /// The ids asked for.
    pub fn ids(self) -> impl ExactSizeIterator<Item = AttributeId> + Clone + use<'a> {
        self.0.iter().map(|id| AttributeId(u16::from_le_bytes(*id)))
    }
}

/// Tells the values of attributes, each with its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReadAttributesResponse<'a>(
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))] &'a [u8],
);

impl<'a> ReadAttributesResponse<'a> {
    /// Of records as they stand in a frame: [`AttributeRecord`]s one after the other.
    #[must_use]
    pub const fn new(records: &'a [u8]) -> Self {
        Self(records)
    }

    /// The records. Offsets of errors count from the first byte of the frame.
    #[must_use]
    pub const fn records(self) -> Records<'a, AttributeRecord> {
        Records {
            item: "Read Attributes Response",
            offset: HEADER_LEN,
            rest: self.0,
            parse: AttributeRecord::parse,
        }
    }

    /// Rules that the values break.
    ///
    /// # Errors
    /// As [`AttributeRecord::check`], of the first record that can be read and breaks a rule.
    pub fn check(&self) -> Result<(), Violation> {
        self.records().filter_map(Result::ok).try_for_each(|record| record.check())
    }
}

/// Asks to change attributes: in vain, as this cluster's are read only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WriteAttributes<'a>(
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))] &'a [u8],
);

impl<'a> WriteAttributes<'a> {
    /// Of records as they stand in a frame: id, then [`AttributeValue`], one after the other.
    #[must_use]
    pub const fn new(records: &'a [u8]) -> Self {
        Self(records)
    }

    /// The records. Offsets of errors count from the first byte of the frame.
    #[must_use]
    pub const fn records(self) -> Records<'a, (AttributeId, AttributeValue)> {
        fn parse(input: &[u8]) -> Parsed<'_, (AttributeId, AttributeValue)> {
            (map(le_u16, AttributeId), AttributeValue::parse).parse(input)
        }
        Records { item: "Write Attributes", offset: HEADER_LEN, rest: self.0, parse }
    }
}

/// Walks records; after one that cannot be read there is no other.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a, T> {
    item: &'static str,
    offset: usize,
    rest: &'a [u8],
    parse: fn(&[u8]) -> Parsed<'_, T>,
}

impl<T> Iterator for Records<'_, T> {
    type Item = Result<T, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let whole = match self.rest {
            [] => return None,
            _ => core::mem::take(&mut self.rest),
        };
        Some(locate(self.item, self.offset, whole, (self.parse)(whole)).map(|(record, rest)| {
            self.offset = self.offset.saturating_add(whole.len().saturating_sub(rest.len()));
            self.rest = rest;
            record
        }))
    }
}

/// The value of one attribute, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AttributeRecord {
    /// Which.
    pub id: AttributeId,
    /// Its value, or the status that says why there is none.
    pub value: Result<AttributeValue, Refusal>,
}

impl AttributeRecord {
    /// Rules that the value breaks. An attribute that this crate does not know breaks none.
    ///
    /// # Errors
    /// [`Violation::AttributeType`] and [`Violation::AttributeRange`] against the table of attributes.
    pub fn check(&self) -> Result<(), Violation> {
        let (Some(info), Ok(value)) = (self.id.info(), self.value) else { return Ok(()) };
        if value.data_type() != info.data_type {
            return Err(Violation::AttributeType(self.id, value.data_type()));
        }
        if value.number() > info.last {
            return Err(Violation::AttributeRange(self.id, value.number()));
        }
        Ok(())
    }

    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, (id, status)) = (map(le_u16, AttributeId), map(le_u8, Status)).parse(input)?;
        match Refusal::new(status) {
            Some(refusal) => Ok((rest, Self { id, value: Err(refusal) })),
            None => map(AttributeValue::parse, |value| Self { id, value: Ok(value) }).parse(rest),
        }
    }
}

impl Emit for AttributeRecord {
    fn len(&self) -> usize {
        self.value.map_or(0, |value| value.len()).saturating_add(3)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&self.id.0.to_le_bytes());
        match self.value {
            Ok(value) => {
                out.array(&[Status::SUCCESS.0]);
                value.emit(out);
            }
            Err(refusal) => out.array(&[refusal.status().0]),
        }
    }
}

/// Tells which attributes were not written; none, when the list is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WriteAttributesResponse<'a>(
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::pieces"))] &'a [[u8; 3]],
);

impl<'a> WriteAttributesResponse<'a> {
    /// Of records as they stand in a frame: status, then id, little endian.
    #[must_use]
    pub const fn new(records: &'a [[u8; 3]]) -> Self {
        Self(records)
    }

    /// What was refused, and why.
    pub fn refused(self) -> impl ExactSizeIterator<Item = (AttributeId, Status)> + Clone + use<'a> {
        self.0
            .iter()
            .map(|&[status, low, high]| (AttributeId(u16::from_le_bytes([low, high])), Status(status)))
    }

    fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        match input {
            [] => fail(input, DecodeErrorKind::Truncated { needed: 1, present: 0 }),
            [status] if Status(*status) == Status::SUCCESS => Ok((&[], Self(&[]))),
            _ => map(pieces, Self).parse(input),
        }
    }
}

/// Asks which attributes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DiscoverAttributes {
    /// The first id that counts.
    pub first: AttributeId,
    /// The most attributes to tell in one response.
    pub most: u8,
}

impl DiscoverAttributes {
    fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, (first, most)) = (map(le_u16, AttributeId), le_u8).parse(input)?;
        let (rest, ()) = leniency.open_end(rest)?;
        Ok((rest, Self { first, most }))
    }
}

/// Tells which attributes there are, in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DiscoverAttributesResponse<'a> {
    /// Whether there are no others after these.
    pub complete: bool,
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::pieces"))]
    attributes: &'a [[u8; 3]],
}

impl<'a> DiscoverAttributesResponse<'a> {
    /// Of records as they stand in a frame: id, little endian, then data type.
    #[must_use]
    pub const fn new(complete: bool, attributes: &'a [[u8; 3]]) -> Self {
        Self { complete, attributes }
    }

    /// The attributes with their types.
    pub fn attributes(self) -> impl ExactSizeIterator<Item = (AttributeId, DataType)> + Clone + use<'a> {
        self.attributes.iter().map(|&[low, high, data_type]| {
            (AttributeId(u16::from_le_bytes([low, high])), DataType(data_type))
        })
    }

    fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        let (rest, complete) = match le_u8(input)? {
            (rest, flag @ (0 | 1)) => (rest, flag == 1),
            (_, other) => return fail(input, DecodeErrorKind::NotABoolean(other)),
        };
        map(pieces, |attributes| Self { complete, attributes }).parse(rest)
    }
}

#[cfg(feature = "arbitrary")]
mod generate {
    use arbitrary::{Arbitrary, Result, Unstructured};

    use super::{DiscoverAttributesResponse, ReadAttributes, WriteAttributesResponse};

    /// Up to fifteen pieces.
    fn pieces<'a, const N: usize>(u: &mut Unstructured<'a>) -> Result<&'a [[u8; N]]> {
        let wanted = usize::from(u8::arbitrary(u)? & 0x0f).saturating_mul(N);
        let len = wanted.min(u.len());
        Ok(u.bytes(len)?.as_chunks().0)
    }

    impl<'a> Arbitrary<'a> for ReadAttributes<'a> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            pieces(u).map(Self)
        }
    }

    impl<'a> Arbitrary<'a> for WriteAttributesResponse<'a> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            pieces(u).map(Self)
        }
    }

    impl<'a> Arbitrary<'a> for DiscoverAttributesResponse<'a> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Ok(Self { complete: u.arbitrary()?, attributes: pieces(u)? })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "arbitrary")]
    #[test]
    fn made_lists_have_up_to_fifteen_pieces() {
        for (first, attributes) in [(0x00, 0), (0x02, 2), (0xf2, 2), (0xff, 15)] {
            let bytes = [&[first][..], &[6, 0].repeat(20)].concat();
            let made: ReadAttributes<'_> =
                arbitrary::Arbitrary::arbitrary(&mut arbitrary::Unstructured::new(&bytes)).unwrap();
            assert!(made.ids().eq([AttributeId(6)].repeat(attributes)), "{first:#04x}");
        }
    }
}
