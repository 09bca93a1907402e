//! Global ZCL commands that read, write and discover attributes, as far as the OTA Upgrade cluster needs these
//! commands.
//!
//! | command | name | payload |
//! |---|---|---|
//! | 0x00 | Read Attributes | n × id (2) |
//! | 0x01 | Read Attributes Response | n × [ id (2), status (1), and with SUCCESS: type (1), value ] |
//! | 0x02 | Write Attributes | n × [ id (2), type (1), value ] |
//! | 0x04 | Write Attributes Response | n × [ status (1), id (2) ] of the refused attributes, or a single SUCCESS (1) |
//! | 0x0C | Discover Attributes | first id (2), maximum number of ids (1) |
//! | 0x0D | Discover Attributes Response | discovery complete: 0 or 1 (1), n × [ id (2), type (1) ] |
//!
//! Each command can go from a server to a client, and from a client to a server. A list of records borrows the bytes of
//! the frame, and its iterator decodes one record at each step. The data type of a value determines the length of the
//! value, so the iteration ends at a record of an unknown data type.

use core::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::codec::{Emit, FieldReader, Parsed, Sink, fail, le_u8, le_u16, locate};
use crate::error::{DecodeError, DecodeErrorKind};

use super::attribute_table::{AttributeId, AttributeValue, DataType};
use super::decoder_quirks::Leniency;
use super::frame::HEADER_LEN;
use super::{Refusal, Status, Violation};

/// ZCL command id of Read Attributes.
const READ: u8 = 0x00;
/// ZCL command id of Read Attributes Response.
pub(super) const READ_RESPONSE: u8 = 0x01;
/// ZCL command id of Write Attributes.
pub(super) const WRITE: u8 = 0x02;
/// ZCL command id of Write Attributes Response.
pub(super) const WRITE_RESPONSE: u8 = 0x04;
/// ZCL command id of Discover Attributes.
const DISCOVER: u8 = 0x0c;
/// ZCL command id of Discover Attributes Response.
pub(super) const DISCOVER_RESPONSE: u8 = 0x0d;

/// Global ZCL command that concerns attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AttributeCommand<'a> {
    /// Read Attributes (command id 0x00).
    Read(#[cfg_attr(feature = "serde", serde(borrow))] ReadAttributes<'a>),
    /// Read Attributes Response (command id 0x01).
    ReadResponse(#[cfg_attr(feature = "serde", serde(borrow))] ReadAttributesResponse<'a>),
    /// Write Attributes (command id 0x02).
    Write(#[cfg_attr(feature = "serde", serde(borrow))] WriteAttributes<'a>),
    /// Write Attributes Response (command id 0x04).
    WriteResponse(#[cfg_attr(feature = "serde", serde(borrow))] WriteAttributesResponse<'a>),
    /// Discover Attributes (command id 0x0C).
    Discover(DiscoverAttributes),
    /// Discover Attributes Response (command id 0x0D).
    DiscoverResponse(#[cfg_attr(feature = "serde", serde(borrow))] DiscoverAttributesResponse<'a>),
}

impl<'a> AttributeCommand<'a> {
    /// Returns the ZCL command id of this command.
    #[must_use]
    pub const fn command(&self) -> u8 {
        match self {
            Self::Read(_) => READ,
            Self::ReadResponse(_) => READ_RESPONSE,
            Self::Write(_) => WRITE,
            Self::WriteResponse(_) => WRITE_RESPONSE,
            Self::Discover(_) => DISCOVER,
            Self::DiscoverResponse(_) => DISCOVER_RESPONSE,
        }
    }

    /// Returns whether this command is a response.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        match self {
            Self::Read(_) | Self::Write(_) | Self::Discover(_) => false,
            Self::ReadResponse(_) | Self::WriteResponse(_) | Self::DiscoverResponse(_) => true,
        }
    }

    /// Reads the payload of Read Attributes, Write Attributes or Discover Attributes (guide, "Fast paths"). Returns
    /// `None` for a response and for a command that does not concern attributes.
    pub(super) fn read_question(command: u8, input: &mut FieldReader<'a>) -> Option<Self> {
        Some(match command {
            READ => {
                let (ids, half) = input.take_rest().as_chunks();
                if !half.is_empty() {
                    // The payload ends in the middle of an attribute id, after one byte. The read past the end of the
                    // input marks the input as too short.
                    input.u8();
                }
                Self::Read(ReadAttributes(ids))
            }
            WRITE => Self::Write(WriteAttributes(input.take_rest())),
            DISCOVER => {
                let first = AttributeId(input.u16());
                Self::Discover(DiscoverAttributes { first, max_count: input.u8() })
            }
            _ => return None,
        })
    }

    /// Checks the attribute values in this command against the data types and maximums in
    /// [`ATTRIBUTES`](super::ATTRIBUTES). Only a Read Attributes Response can carry valid attribute values of the OTA
    /// Upgrade cluster, because all attributes of the cluster are read only.
    pub(super) fn check(&self) -> Result<(), Violation> {
        match self {
            Self::ReadResponse(response) => response.check(),
            Self::Read(_)
            | Self::Write(_)
            | Self::WriteResponse(_)
            | Self::Discover(_)
            | Self::DiscoverResponse(_) => Ok(()),
        }
    }

    /// Parses the payload of the global command `command`. Returns `None` if the command does not concern attributes.
    pub(super) fn parse(
        command: u8,
        input: &'a [u8],
        leniency: &mut Leniency<'a>,
    ) -> Option<(&'static str, Parsed<'a, Self>)> {
        Some(match command {
            READ => {
                ("Read Attributes", chunks(input).map(|(rest, ids)| (rest, Self::Read(ReadAttributes(ids)))))
            }
            READ_RESPONSE => {
                ("Read Attributes Response", Ok((&[], Self::ReadResponse(ReadAttributesResponse(input)))))
            }
            WRITE => ("Write Attributes", Ok((&[], Self::Write(WriteAttributes(input))))),
            WRITE_RESPONSE => (
                "Write Attributes Response",
                map(WriteAttributesResponse::parse, Self::WriteResponse).parse(input),
            ),
            DISCOVER => {
                let parsed = DiscoverAttributes::parse(input, leniency);
                ("Discover Attributes", parsed.map(|(rest, command)| (rest, Self::Discover(command))))
            }
            DISCOVER_RESPONSE => (
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
            Self::Read(ReadAttributes(ids)) => ids.as_flattened().len(),
            Self::ReadResponse(ReadAttributesResponse(records)) => records.len(),
            Self::Write(WriteAttributes(records)) => records.len(),
            Self::WriteResponse(WriteAttributesResponse(records)) => records.as_flattened().len().max(1),
            Self::Discover(_) => 3,
            Self::DiscoverResponse(DiscoverAttributesResponse { complete: _, attributes }) => {
                attributes.as_flattened().len().saturating_add(1)
            }
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match self {
            Self::Read(ReadAttributes(ids)) => out.bytes(ids.as_flattened()),
            Self::ReadResponse(ReadAttributesResponse(records)) => out.bytes(records),
            Self::Write(WriteAttributes(records)) => out.bytes(records),
            Self::WriteResponse(WriteAttributesResponse([])) => out.array(&[Status::SUCCESS.0]),
            Self::WriteResponse(WriteAttributesResponse(records)) => out.bytes(records.as_flattened()),
            Self::Discover(DiscoverAttributes { first, max_count }) => {
                out.array(&first.0.to_le_bytes());
                out.array(&[*max_count]);
            }
            Self::DiscoverResponse(DiscoverAttributesResponse { complete, attributes }) => {
                out.array(&[u8::from(*complete)]);
                out.bytes(attributes.as_flattened());
            }
        }
    }
}

impl fmt::Display for AttributeCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let malformed = |f: &mut fmt::Formatter<'_>, error: DecodeError| {
            write!(f, "malformed from byte {}", error.offset)
        };
        match self {
            Self::Read(read) => list(f, "Read Attributes", read.ids(), |f, id| id.fmt(f)),
            Self::ReadResponse(response) => {
                list(f, "Read Attributes Response", response.records(), |f, record| match record {
                    Ok(record) => record.fmt(f),
                    Err(error) => malformed(f, error),
                })
            }
            Self::Write(write) => list(f, "Write Attributes", write.records(), |f, record| match record {
                Ok((id, value)) => write!(f, "{id} {value}"),
                Err(error) => malformed(f, error),
            }),
            Self::WriteResponse(response) => {
                list(f, "Write Attributes Response", response.refused(), |f, (id, status)| {
                    write!(f, "{id} {status}")
                })
            }
            Self::Discover(DiscoverAttributes { first, max_count }) => {
                write!(f, "Discover Attributes, at most {max_count} from {:#06x}", first.0)
            }
            Self::DiscoverResponse(response) => {
                let title = match response.complete {
                    true => "Discover Attributes Response, complete",
                    false => "Discover Attributes Response, incomplete",
                };
                list(f, title, response.attributes(), |f, (id, data_type)| write!(f, "{id} ({data_type})"))
            }
        }
    }
}

/// Writes `title` and `items` as `Title: one, two`, or as `Title: none` without items.
fn list<T>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    items: impl Iterator<Item = T>,
    show: impl Fn(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(title)?;
    let mut separator = ": ";
    for item in items {
        f.write_str(separator)?;
        show(f, item)?;
        separator = ", ";
    }
    if separator == ": " { f.write_str(": none") } else { Ok(()) }
}

/// Splits the whole of `input` into chunks of `N` bytes.
fn chunks<const N: usize>(input: &[u8]) -> Parsed<'_, &[[u8; N]]> {
    match input.as_chunks() {
        (chunks, []) => Ok((&[], chunks)),
        (_, rest) => fail(rest, DecodeErrorKind::Truncated { needed: N, present: rest.len() }),
    }
}

/// Read Attributes: a request for the values of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReadAttributes<'a>(
    #[cfg_attr(feature = "arbitrary", arbitrary(with = generate::chunks))]
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::pieces"))]
    &'a [[u8; 2]],
);

impl<'a> ReadAttributes<'a> {
    /// Creates a Read Attributes command from encoded attribute ids, such as
    /// `AttributeId::FILE_OFFSET.0.to_le_bytes()`.
    ///
    /// The attribute ids are byte arrays, because a Read Attributes command borrows them from a frame, where they are
    /// not aligned for `u16`.
    #[must_use]
    pub const fn new(ids: &'a [[u8; 2]]) -> Self {
        Self(ids)
    }

    /// Returns the ids of the requested attributes.
    pub fn ids(self) -> impl ExactSizeIterator<Item = AttributeId> + Clone + use<'a> {
        self.0.iter().map(|id| AttributeId(u16::from_le_bytes(*id)))
    }
}

/// Read Attributes Response: for each requested attribute a status, and with SUCCESS the value of the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReadAttributesResponse<'a>(
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))] &'a [u8],
);

impl<'a> ReadAttributesResponse<'a> {
    /// Creates a Read Attributes Response from encoded [`AttributeRecord`]s, one after the other.
    #[must_use]
    pub const fn new(records: &'a [u8]) -> Self {
        Self(records)
    }

    /// Returns the records of the Read Attributes Response. At the first malformed record, the iterator returns an
    /// error and ends. The offset in an error of the iterator counts from the first byte of the frame.
    pub fn records(self) -> impl Iterator<Item = Result<AttributeRecord, DecodeError>> + Clone + use<'a> {
        Records {
            item: "Read Attributes Response",
            offset: HEADER_LEN,
            rest: self.0,
            parse: AttributeRecord::parse,
        }
    }

    /// Checks the attribute values in this response against the data types and maximums in
    /// [`ATTRIBUTES`](super::ATTRIBUTES).
    ///
    /// # Errors
    /// The first error that [`AttributeRecord::check`] returns for a well-formed record of the response.
    pub fn check(&self) -> Result<(), Violation> {
        self.records().filter_map(Result::ok).try_for_each(|record| record.check())
    }
}

/// Write Attributes: a request to change attributes. Every client refuses Write Attributes, because the attributes of
/// the OTA Upgrade cluster are read only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WriteAttributes<'a>(
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))] &'a [u8],
);

impl<'a> WriteAttributes<'a> {
    /// Creates a Write Attributes command from encoded records, one after the other. A record of Write Attributes is an
    /// attribute id followed by an [`AttributeValue`].
    #[must_use]
    pub const fn new(records: &'a [u8]) -> Self {
        Self(records)
    }

    /// Returns the attribute ids and values of the Write Attributes command. At the first malformed record, the
    /// iterator returns an error and ends. The offset in an error of the iterator counts from the first byte of the
    /// frame.
    pub fn records(
        self,
    ) -> impl Iterator<Item = Result<(AttributeId, AttributeValue), DecodeError>> + Clone + use<'a> {
        fn parse(input: &[u8]) -> Parsed<'_, (AttributeId, AttributeValue)> {
            (map(le_u16, AttributeId), AttributeValue::parse).parse(input)
        }
        Records { item: "Write Attributes", offset: HEADER_LEN, rest: self.0, parse }
    }
}

/// Iterator over the records of a frame, whose lengths vary. At a malformed record, the iterator returns the error of
/// the record and ends.
#[derive(Clone, Copy, Debug)]
struct Records<'a, T> {
    item: &'static str,
    /// Offset of `rest`, in bytes from the first byte of the frame.
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

/// Record of a Read Attributes Response: the value of one attribute, or the reason why the value is missing.
// Exhaustive: the ZCL fixes the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AttributeRecord {
    /// Id of the attribute.
    pub id: AttributeId,
    /// Value of the attribute, or the status with which the client refused to give the value.
    pub value: Result<AttributeValue, Refusal>,
}

impl AttributeRecord {
    /// Checks the attribute value against the data type and maximum in [`ATTRIBUTES`](super::ATTRIBUTES). `check`
    /// accepts every value of an attribute that is not in [`ATTRIBUTES`](super::ATTRIBUTES).
    ///
    /// # Errors
    /// [`Violation::AttributeType`] if the data type differs from the data type of the attribute in
    /// [`ATTRIBUTES`](super::ATTRIBUTES). [`Violation::AttributeRange`] if the value is above the maximum of the
    /// attribute.
    pub fn check(&self) -> Result<(), Violation> {
        let Self { id, value } = *self;
        let (Some(info), Ok(value)) = (id.info(), value) else { return Ok(()) };
        if value.data_type() != info.data_type {
            return Err(Violation::AttributeType(id, value.data_type()));
        }
        if value.number() > info.max {
            return Err(Violation::AttributeRange(id, value.number()));
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
        let Self { id: _, value } = self;
        value.map_or(0, |value| value.len()).saturating_add(3)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { id, value } = self;
        out.array(&id.0.to_le_bytes());
        match value {
            Ok(value) => {
                out.array(&[Status::SUCCESS.0]);
                value.emit(out);
            }
            Err(refusal) => out.array(&[refusal.status().0]),
        }
    }
}

impl fmt::Display for AttributeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, value } = self;
        match value {
            Ok(value) => write!(f, "{id} {value}"),
            Err(refusal) => write!(f, "{id} {refusal}"),
        }
    }
}

/// Write Attributes Response: the attributes that the client refused to write. A Write Attributes Response without
/// refused attributes means that the client wrote all attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WriteAttributesResponse<'a>(
    #[cfg_attr(feature = "arbitrary", arbitrary(with = generate::chunks))]
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::pieces"))]
    &'a [[u8; 3]],
);

impl<'a> WriteAttributesResponse<'a> {
    /// Creates a Write Attributes Response from encoded records. A record of the Write Attributes Response is a status
    /// followed by a little-endian attribute id.
    #[must_use]
    pub const fn new(records: &'a [[u8; 3]]) -> Self {
        Self(records)
    }

    /// Returns the id of each refused attribute with the status of the refusal.
    pub fn refused(self) -> impl ExactSizeIterator<Item = (AttributeId, Status)> + Clone + use<'a> {
        self.0
            .iter()
            .map(|&[status, low, high]| (AttributeId(u16::from_le_bytes([low, high])), Status(status)))
    }

    fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        match input {
            [] => fail(input, DecodeErrorKind::Truncated { needed: 1, present: 0 }),
            [status] if Status(*status) == Status::SUCCESS => Ok((&[], Self(&[]))),
            _ => map(chunks, Self).parse(input),
        }
    }
}

/// Discover Attributes: a request for the ids of the attributes that a device has.
// Exhaustive: the ZCL fixes the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DiscoverAttributes {
    /// Lowest attribute id that the Discover Attributes Response may contain.
    pub first: AttributeId,
    /// Maximum number of attributes in the Discover Attributes Response.
    pub max_count: u8,
}

impl DiscoverAttributes {
    fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, (first, max_count)) = (map(le_u16, AttributeId), le_u8).parse(input)?;
        let (rest, ()) = leniency.ignore_trailing(rest)?;
        Ok((rest, Self { first, max_count }))
    }
}

/// Discover Attributes Response: the ids and data types of attributes, in ascending order of id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DiscoverAttributesResponse<'a> {
    /// `true` if the device has no attribute with a higher id than the attributes in the response.
    pub complete: bool,
    #[cfg_attr(feature = "arbitrary", arbitrary(with = generate::chunks))]
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::pieces"))]
    attributes: &'a [[u8; 3]],
}

impl<'a> DiscoverAttributesResponse<'a> {
    /// Creates a Discover Attributes Response from encoded records. A record of the Discover Attributes Response is a
    /// little-endian attribute id followed by a data type.
    #[must_use]
    pub const fn new(complete: bool, attributes: &'a [[u8; 3]]) -> Self {
        Self { complete, attributes }
    }

    /// Returns the ids and data types of the attributes in the Discover Attributes Response.
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
        map(chunks, |attributes| Self { complete, attributes }).parse(rest)
    }
}

#[cfg(feature = "arbitrary")]
mod generate {
    use arbitrary::{Arbitrary, Result, Unstructured};

    /// Generates a list of up to fifteen chunks of `N` bytes.
    pub(super) fn chunks<'a, const N: usize>(u: &mut Unstructured<'a>) -> Result<&'a [[u8; N]]> {
        let wanted = usize::from(u8::arbitrary(u)? & 0x0f).saturating_mul(N);
        let len = wanted.min(u.len());
        Ok(u.bytes(len)?.as_chunks().0)
    }
}

#[cfg(all(test, feature = "arbitrary"))]
mod tests {
    use super::*;

    #[test]
    fn generated_lists_have_up_to_fifteen_chunks() {
        for (first, attributes) in [(0x00, 0), (0x02, 2), (0xf2, 2), (0xff, 15)] {
            let bytes = [&[first][..], &[6, 0].repeat(20)].concat();
            let made: ReadAttributes<'_> =
                arbitrary::Arbitrary::arbitrary(&mut arbitrary::Unstructured::new(&bytes)).unwrap();
            assert!(made.ids().eq([AttributeId(6)].repeat(attributes)), "{first:#04x}");
        }
    }
}
