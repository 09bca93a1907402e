//! Reading: octets to tokens, tokens to elements that are whole.
//!
//! ```text
//! octets -> token: control, tag, value or its start -> element, its containers closed
//! ```

use super::nest::Nest;
use super::{Container, Element, ElementAt, Kind, Tag, TlvError, TlvErrorKind, Value};

impl<'a> Element<'a> {
    /// Reads the element that stands first, and gives the bytes after it.
    ///
    /// # Errors
    /// [`TlvError`] for anything in it that is no TLV, however deep.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), TlvError> {
        Self::parse_at(bytes, 0)
    }

    /// The same of bytes that start at `base` of what the caller sees.
    fn parse_at(bytes: &'a [u8], base: usize) -> Result<(Self, &'a [u8]), TlvError> {
        let mut cursor = Cursor { rest: bytes, at: base };
        let element = cursor.element(Nest::EMPTY)?;
        Ok((element, cursor.rest))
    }

    /// Reads an element that takes all of the bytes.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and [`TlvErrorKind::TrailingBytes`].
    pub fn parse_exact(bytes: &'a [u8]) -> Result<Self, TlvError> {
        Self::parse_exact_at(bytes, 0)
    }

    /// The same of bytes that start at `base` of what the caller sees.
    pub(in crate::matter) fn parse_exact_at(bytes: &'a [u8], base: usize) -> Result<Self, TlvError> {
        match Self::parse_at(bytes, base)? {
            (element, []) => Ok(element),
            (_, after) => Err(TlvError {
                offset: base.saturating_add(bytes.len()).saturating_sub(after.len()),
                kind: TlvErrorKind::TrailingBytes { count: after.len() },
            }),
        }
    }
}

impl<'a> Container<'a> {
    /// The members in their order.
    #[must_use]
    pub const fn elements(&self) -> Elements<'a> {
        Elements { cursor: Cursor { rest: self.body, at: self.offset }, nest: Nest::of(self.kind) }
    }
}

/// The members of a container in their order.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    cursor: Cursor<'a>,
    nest: Nest,
}

impl<'a> Iterator for Elements<'a> {
    type Item = ElementAt<'a>;

    fn next(&mut self) -> Option<ElementAt<'a>> {
        let offset = self.cursor.at;
        // Read before, as part of the container: it fails at the end alone.
        let element = self.cursor.element(self.nest).ok()?;
        Some(ElementAt { offset, element })
    }
}

/// The bytes not read yet, and how many were.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    rest: &'a [u8],
    at: usize,
}

/// What stands at a place.
enum Token<'a> {
    /// A whole value.
    Value(Value<'a>),
    /// The start of a container.
    Open(Kind),
    /// The end of one.
    Close,
}

impl<'a> Cursor<'a> {
    fn element(&mut self, nest: Nest) -> Result<Element<'a>, TlvError> {
        let start = self.at;
        let (tag, token) = self.token()?;
        let value = match token {
            Token::Close => return Err(TlvError { offset: start, kind: TlvErrorKind::NothingOpen }),
            Token::Value(value) => value,
            Token::Open(kind) => Value::Container(self.container(kind)?),
        };
        nest.allow(tag).map_err(|kind| TlvError { offset: start, kind })?;
        Ok(Element { tag, value })
    }

    /// The members up to the end of the container that was just opened, each looked at.
    fn container(&mut self, kind: Kind) -> Result<Container<'a>, TlvError> {
        let (start, mut nest) = (*self, Nest::of(kind));
        loop {
            let offset = self.at;
            let at = |kind| TlvError { offset, kind };
            match self.token()? {
                (_, Token::Close) => nest = nest.close(),
                (tag, Token::Value(_)) => nest.allow(tag).map_err(at)?,
                (tag, Token::Open(inner)) => {
                    nest.allow(tag).map_err(at)?;
                    nest = nest.open(inner).map_err(at)?;
                }
            }
            if nest.is_empty() {
                let len = offset.saturating_sub(start.at);
                let (body, _) = start.rest.split_at_checked(len).unwrap_or_default();
                return Ok(Container { kind, body, offset: start.at });
            }
        }
    }

    fn token(&mut self) -> Result<(Tag, Token<'a>), TlvError> {
        let start = self.at;
        let [control] = self.array()?;
        let tag = self.tag(control >> 5)?;
        let value = match control & 0x1f {
            0x00 => Value::Signed(i8::from_le_bytes(self.array()?).into()),
            0x01 => Value::Signed(i16::from_le_bytes(self.array()?).into()),
            0x02 => Value::Signed(i32::from_le_bytes(self.array()?).into()),
            0x03 => Value::Signed(i64::from_le_bytes(self.array()?)),
            width @ 0x04..=0x07 => Value::Unsigned(self.unsigned(width)?),
            0x08 => Value::Boolean(false),
            0x09 => Value::Boolean(true),
            0x0a => Value::Single(u32::from_le_bytes(self.array()?)),
            0x0b => Value::Double(u64::from_le_bytes(self.array()?)),
            width @ 0x0c..=0x0f => {
                let octets = self.octets(width)?;
                let text = core::str::from_utf8(octets);
                Value::Utf8(text.map_err(|_| TlvError { offset: start, kind: TlvErrorKind::NotUtf8 })?)
            }
            width @ 0x10..=0x13 => Value::Octets(self.octets(width)?),
            0x14 => Value::Null,
            0x15 => return Ok((tag, Token::Open(Kind::Structure))),
            0x16 => return Ok((tag, Token::Open(Kind::Array))),
            0x17 => return Ok((tag, Token::Open(Kind::List))),
            0x18 if tag == Tag::Anonymous => return Ok((tag, Token::Close)),
            _ => return Err(TlvError { offset: start, kind: TlvErrorKind::Control(control) }),
        };
        Ok((tag, Token::Value(value)))
    }

    /// A tag of the form in the upper three bits of the control octet.
    fn tag(&mut self, form: u8) -> Result<Tag, TlvError> {
        Ok(match form {
            0 => Tag::Anonymous,
            1 => {
                let [number] = self.array()?;
                Tag::Context(number)
            }
            2 => Tag::Common(self.number16()?.into()),
            3 => Tag::Common(u32::from_le_bytes(self.array()?)),
            4 => Tag::Implicit(self.number16()?.into()),
            5 => Tag::Implicit(u32::from_le_bytes(self.array()?)),
            form => {
                let (vendor, profile) = (self.number16()?, self.number16()?);
                let tag = match form {
                    6 => self.number16()?.into(),
                    _ => u32::from_le_bytes(self.array()?),
                };
                Tag::Full { vendor, profile, tag }
            }
        })
    }

    /// Text or bytes after their length.
    fn octets(&mut self, width: u8) -> Result<&'a [u8], TlvError> {
        let len = self.unsigned(width)?;
        let split = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let (octets, rest) = split.ok_or_else(|| self.truncated(len))?;
        *self = Self { rest, at: self.at.saturating_add(octets.len()) };
        Ok(octets)
    }

    /// A number of 1, 2, 4 or 8 bytes, as the lowest two bits of `width` say.
    fn unsigned(&mut self, width: u8) -> Result<u64, TlvError> {
        Ok(match width & 0b11 {
            0 => {
                let [number] = self.array()?;
                number.into()
            }
            1 => self.number16()?.into(),
            2 => u32::from_le_bytes(self.array()?).into(),
            _ => u64::from_le_bytes(self.array()?),
        })
    }

    fn number16(&mut self) -> Result<u16, TlvError> {
        self.array().map(u16::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TlvError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated(wide(N)))?;
        *self = Self { rest, at: self.at.saturating_add(N) };
        Ok(*head)
    }

    fn truncated(&self, needed: u64) -> TlvError {
        TlvError { offset: self.at, kind: TlvErrorKind::Truncated { needed, present: self.rest.len() } }
    }
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
