//! TLV reader, which combines octets into tokens (a value, or the start or end of a container), and tokens into
//! complete elements.
//!
//! ```text
//! octets -> token: control, tag, value or start of a container -> element, with its containers closed
//! ```

use super::container_stack::ContainerStack;
use crate::matter::error::MatterDecodeErrorKind;

/// Fault in TLV bytes: the offset and the reason of the fault.
#[derive(Clone, Copy)]
pub(in crate::matter) struct TlvError {
    /// Offset in bytes, counted from the first byte of the caller's input.
    pub(in crate::matter) offset: usize,
    pub(in crate::matter) kind: MatterDecodeErrorKind,
}

/// Tag of an element. The reader distinguishes only the forms of tags that the commands and the metadata use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::matter) enum Tag {
    Anonymous,
    Context(u8),
    /// Tag of the common profile or of an implicit profile.
    Profile,
    FullyQualified,
}

/// Kind of a container.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::matter) enum Kind {
    Structure,
    Array,
    List,
}

/// Value of an element. For a type that no command uses for a field, the reader keeps the name of the type, but not the
/// value.
#[derive(Clone, Copy)]
pub(in crate::matter) enum Value<'a> {
    Signed,
    Unsigned(u64),
    Boolean(bool),
    Float,
    Utf8(&'a str),
    Octets(&'a [u8]),
    Null,
    Container(Container<'a>),
}

impl Value<'_> {
    /// Returns the name of the type for error texts, such as `unsigned number` or `structure`.
    pub(in crate::matter) const fn type_name(&self) -> &'static str {
        match self {
            Self::Signed => "signed number",
            Self::Unsigned(_) => "unsigned number",
            Self::Boolean(_) => "boolean",
            Self::Float => "floating point number",
            Self::Utf8(_) => "UTF-8 string",
            Self::Octets(_) => "octet string",
            Self::Null => "null",
            Self::Container(container) => container.kind.name(),
        }
    }
}

impl Kind {
    /// Returns the name of the kind of container for error texts: `structure`, `array` or `list`.
    pub(in crate::matter) const fn name(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Array => "array",
            Self::List => "list",
        }
    }
}

/// Element whose bytes the reader has read and checked completely.
#[derive(Clone, Copy)]
pub(in crate::matter) struct Element<'a> {
    /// Offset in bytes of the control octet, counted from the first byte of the caller's input.
    pub(in crate::matter) offset: usize,
    pub(in crate::matter) tag: Tag,
    pub(in crate::matter) value: Value<'a>,
}

impl<'a> Element<'a> {
    /// Parses a single element that takes all of `bytes`. `base` is the position of `bytes` in the caller's input; the
    /// parser adds `base` to all offsets.
    pub(in crate::matter) fn parse_exact(bytes: &'a [u8], base: usize) -> Result<Self, TlvError> {
        let mut cursor = Cursor { rest: bytes, at: base };
        let element = cursor.element(ContainerStack::EMPTY)?;
        match cursor.rest.len() {
            0 => Ok(element),
            count => {
                Err(TlvError { offset: cursor.at, kind: MatterDecodeErrorKind::TrailingBytes { count } })
            }
        }
    }
}

/// Container whose members were read and checked.
#[derive(Clone, Copy)]
pub(in crate::matter) struct Container<'a> {
    kind: Kind,
    /// Bytes of the members, without the octet that ends the container.
    body: &'a [u8],
    /// Offset of the first member, in bytes from the first byte of the caller's input.
    offset: usize,
}

impl<'a> Container<'a> {
    pub(in crate::matter) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the offset of the octet that ends the container.
    pub(in crate::matter) const fn end(&self) -> usize {
        self.offset.saturating_add(self.body.len())
    }

    /// Returns the members in the order of the input.
    pub(in crate::matter) fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let mut cursor = Cursor { rest: self.body, at: self.offset };
        let stack = ContainerStack::of(self.kind);
        // The members were checked when the container was read, so the only possible error here is the end of the body.
        core::iter::from_fn(move || cursor.element(stack).ok())
    }
}

/// Unread bytes, and the offset of the first unread byte.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    rest: &'a [u8],
    at: usize,
}

/// Token at one position of the input.
enum Token<'a> {
    /// Complete value.
    Value(Value<'a>),
    /// Start of a container.
    Open(Kind),
    /// End of a container.
    Close,
}

const fn invalid(offset: usize, reason: &'static str) -> TlvError {
    TlvError { offset, kind: MatterDecodeErrorKind::InvalidTlv(reason) }
}

impl<'a> Cursor<'a> {
    fn element(&mut self, stack: ContainerStack) -> Result<Element<'a>, TlvError> {
        let offset = self.at;
        let (tag, token) = self.token()?;
        let value = match token {
            Token::Close => return Err(invalid(offset, "an end of container where none is open")),
            Token::Value(value) => value,
            Token::Open(kind) => Value::Container(self.container(kind)?),
        };
        stack.check_tag(tag).map_err(|reason| invalid(offset, reason))?;
        Ok(Element { offset, tag, value })
    }

    /// Reads and checks the members of a container whose start was just read, up to the end of the container.
    fn container(&mut self, kind: Kind) -> Result<Container<'a>, TlvError> {
        let (start, mut stack) = (*self, ContainerStack::of(kind));
        loop {
            let offset = self.at;
            let at = |reason| invalid(offset, reason);
            match self.token()? {
                (_, Token::Close) => stack = stack.pop(),
                (tag, Token::Value(_)) => stack.check_tag(tag).map_err(at)?,
                (tag, Token::Open(inner)) => {
                    stack.check_tag(tag).map_err(at)?;
                    stack = stack.push(inner).map_err(at)?;
                }
            }
            if stack.is_empty() {
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
            width @ 0x00..=0x03 => self.unsigned(width).map(|_| Value::Signed)?,
            width @ 0x04..=0x07 => Value::Unsigned(self.unsigned(width)?),
            0x08 => Value::Boolean(false),
            0x09 => Value::Boolean(true),
            0x0a => self.array::<4>().map(|_| Value::Float)?,
            0x0b => self.array::<8>().map(|_| Value::Float)?,
            width @ 0x0c..=0x0f => {
                let octets = self.octets(width)?;
                let text = core::str::from_utf8(octets);
                Value::Utf8(text.map_err(|_| invalid(start, "text that is not UTF-8"))?)
            }
            width @ 0x10..=0x13 => Value::Octets(self.octets(width)?),
            0x14 => Value::Null,
            super::STRUCTURE => return Ok((tag, Token::Open(Kind::Structure))),
            0x16 => return Ok((tag, Token::Open(Kind::Array))),
            0x17 => return Ok((tag, Token::Open(Kind::List))),
            super::END_OF_CONTAINER if tag == Tag::Anonymous => return Ok((tag, Token::Close)),
            _ => return Err(invalid(start, "a control octet without a meaning")),
        };
        Ok((tag, Token::Value(value)))
    }

    /// Reads a tag, whose form is in the upper three bits of the control octet.
    fn tag(&mut self, form: u8) -> Result<Tag, TlvError> {
        Ok(match form {
            0 => Tag::Anonymous,
            1 => {
                let [number] = self.array()?;
                Tag::Context(number)
            }
            2 | 4 => self.array::<2>().map(|_| Tag::Profile)?,
            3 | 5 => self.array::<4>().map(|_| Tag::Profile)?,
            form => {
                let ([_vendor, _], [_profile, _]) = (self.array()?, self.array()?);
                match form {
                    6 => self.array::<2>().map(|_| Tag::FullyQualified)?,
                    _ => self.array::<4>().map(|_| Tag::FullyQualified)?,
                }
            }
        })
    }

    /// Reads a length field, and then as many bytes as this length field says.
    fn octets(&mut self, width: u8) -> Result<&'a [u8], TlvError> {
        let len = self.unsigned(width)?;
        let split = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let (octets, rest) = split.ok_or_else(|| self.truncated(len))?;
        *self = Self { rest, at: self.at.saturating_add(octets.len()) };
        Ok(octets)
    }

    /// Reads a number of 1, 2, 4 or 8 bytes, selected by the lowest two bits of `width`.
    fn unsigned(&mut self, width: u8) -> Result<u64, TlvError> {
        Ok(match width & 0b11 {
            0 => {
                let [number] = self.array()?;
                number.into()
            }
            1 => u16::from_le_bytes(self.array()?).into(),
            2 => u32::from_le_bytes(self.array()?).into(),
            _ => u64::from_le_bytes(self.array()?),
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TlvError> {
        let needed = u64::try_from(N).unwrap_or(u64::MAX);
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated(needed))?;
        *self = Self { rest, at: self.at.saturating_add(N) };
        Ok(*head)
    }

    fn truncated(&self, needed: u64) -> TlvError {
        let kind = MatterDecodeErrorKind::Truncated { needed, present: self.rest.len() };
        TlvError { offset: self.at, kind }
    }
}
