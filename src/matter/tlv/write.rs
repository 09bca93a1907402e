//! Writing: every number and length in the fewest bytes that hold it.
//!
//! ```text
//! control   tag, 0 to 8   length, 0 to 8   value   18, after a container
//! ```

use super::nest::Nest;
use super::{Container, Element, Kind, Tag, TlvErrorKind, Value, WriteError};
use crate::codec::{Emit, Encode, Sink};

/// The octet that ends a container.
pub(in crate::matter) const END: u8 = 0x18;

impl Emit for Element<'_> {
    fn len(&self) -> usize {
        1_usize.saturating_add(self.tag.len()).saturating_add(self.value.len())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&[self.tag.form() << 5 | self.value.code()]);
        self.tag.emit(out);
        self.value.emit(out);
    }
}

impl Tag {
    /// Its form, in the upper three bits of a control octet.
    const fn form(self) -> u8 {
        match self {
            Self::Anonymous => 0,
            Self::Context(_) => 1,
            Self::Common(..=0xffff) => 2,
            Self::Common(_) => 3,
            Self::Implicit(..=0xffff) => 4,
            Self::Implicit(_) => 5,
            Self::Full { tag: ..=0xffff, .. } => 6,
            Self::Full { .. } => 7,
        }
    }

    const fn len(self) -> usize {
        match self.form() {
            0 => 0,
            1 => 1,
            2 | 4 => 2,
            3 | 5 => 4,
            6 => 6,
            _ => 8,
        }
    }

    fn emit(self, out: &mut Sink<'_>) {
        let number = match self {
            Self::Anonymous => return,
            Self::Context(number) => return out.array(&[number]),
            Self::Common(number) | Self::Implicit(number) => number,
            Self::Full { vendor, profile, tag } => {
                out.array(&vendor.to_le_bytes());
                out.array(&profile.to_le_bytes());
                tag
            }
        };
        match u16::try_from(number) {
            Ok(number) => out.array(&number.to_le_bytes()),
            Err(_) => out.array(&number.to_le_bytes()),
        }
    }
}

impl Value<'_> {
    /// Its type, in the lower five bits of a control octet.
    fn code(&self) -> u8 {
        match *self {
            Self::Signed(number) => signed_width(number),
            Self::Unsigned(number) => 0x04 | width(number),
            Self::Boolean(false) => 0x08,
            Self::Boolean(true) => 0x09,
            Self::Single(_) => 0x0a,
            Self::Double(_) => 0x0b,
            Self::Utf8(text) => 0x0c | width(wide(text.len())),
            Self::Octets(octets) => 0x10 | width(wide(octets.len())),
            Self::Null => 0x14,
            Self::Container(container) => container.kind.code(),
        }
    }

    fn len(&self) -> usize {
        match *self {
            Self::Signed(number) => size(signed_width(number)),
            Self::Unsigned(number) => size(width(number)),
            Self::Boolean(_) | Self::Null => 0,
            Self::Single(_) => 4,
            Self::Double(_) => 8,
            Self::Utf8(text) => counted(text.as_bytes()),
            Self::Octets(octets) => counted(octets),
            Self::Container(Container { body, .. }) => body.len().saturating_add(1),
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match *self {
            Self::Signed(number) => match signed_width(number) {
                0 => cut::<1>(number.to_le_bytes(), out),
                1 => cut::<2>(number.to_le_bytes(), out),
                2 => cut::<4>(number.to_le_bytes(), out),
                _ => out.array(&number.to_le_bytes()),
            },
            Self::Unsigned(number) => emit_unsigned(number, out),
            Self::Boolean(_) | Self::Null => {}
            Self::Single(bits) => out.array(&bits.to_le_bytes()),
            Self::Double(bits) => out.array(&bits.to_le_bytes()),
            Self::Utf8(text) => emit_counted(text.as_bytes(), out),
            Self::Octets(octets) => emit_counted(octets, out),
            Self::Container(Container { body, .. }) => {
                out.bytes(body);
                out.array(&[END]);
            }
        }
    }
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Structure => 0x15,
            Self::Array => 0x16,
            Self::List => 0x17,
        }
    }
}

const fn size(width: u8) -> usize {
    match width {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => 8,
    }
}

/// How many bytes a number takes: 1, 2, 4 or 8, as a power of two.
const fn width(number: u64) -> u8 {
    match number {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xffff_ffff => 2,
        _ => 3,
    }
}

const fn signed_width(number: i64) -> u8 {
    match number {
        -0x80..=0x7f => 0,
        number if number >= -0x8000 && number < 0x8000 => 1,
        number if number >= -0x8000_0000 && number < 0x8000_0000 => 2,
        _ => 3,
    }
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Bytes of a length and of what it counts.
fn counted(octets: &[u8]) -> usize {
    octets.len().saturating_add(size(width(wide(octets.len()))))
}

fn emit_counted(octets: &[u8], out: &mut Sink<'_>) {
    emit_unsigned(wide(octets.len()), out);
    out.bytes(octets);
}

fn emit_unsigned(number: u64, out: &mut Sink<'_>) {
    match width(number) {
        0 => cut::<1>(number.to_le_bytes(), out),
        1 => cut::<2>(number.to_le_bytes(), out),
        2 => cut::<4>(number.to_le_bytes(), out),
        _ => out.array(&number.to_le_bytes()),
    }
}

/// The lowest bytes of a number that the others only repeat.
fn cut<const N: usize>(number: [u8; 8], out: &mut Sink<'_>) {
    if let Some((low, _)) = number.split_first_chunk::<N>() {
        out.array(low);
    }
}

/// Writes elements one after the other, in containers or not.
///
/// Nothing that breaks a rule of TLV is written; that the members of a structure differ in their tags is left to the
/// caller. The module has an [example](super).
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
    nest: Nest,
}

impl<'a> Writer<'a> {
    /// Writes from the start of `out`.
    #[must_use]
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0, nest: Nest::EMPTY }
    }

    /// Writes an element, a container that was read among them.
    ///
    /// # Errors
    /// [`WriteError::Rule`] for a tag that the container around it does not allow, [`WriteError::Encode`] without room.
    pub fn put(&mut self, tag: Tag, value: Value<'_>) -> Result<(), WriteError> {
        self.nest.allow(tag).map_err(WriteError::Rule)?;
        let len = Element { tag, value }.encode(self.room())?;
        self.len = self.len.saturating_add(len);
        Ok(())
    }

    /// Starts a container.
    ///
    /// # Errors
    /// As [`put`](Self::put), and [`TlvErrorKind::TooDeep`] inside 16 others.
    pub fn open(&mut self, tag: Tag, kind: Kind) -> Result<(), WriteError> {
        self.nest.allow(tag).map_err(WriteError::Rule)?;
        let inside = self.nest.open(kind).map_err(WriteError::Rule)?;
        let len = Opening { tag, kind }.encode(self.room())?;
        (self.len, self.nest) = (self.len.saturating_add(len), inside);
        Ok(())
    }

    /// Ends the container that was started last.
    ///
    /// # Errors
    /// [`TlvErrorKind::NothingOpen`], or no room.
    pub fn close(&mut self) -> Result<(), WriteError> {
        if self.nest.is_empty() {
            return Err(WriteError::Rule(TlvErrorKind::NothingOpen));
        }
        let len = Closing.encode(self.room())?;
        (self.len, self.nest) = (self.len.saturating_add(len), self.nest.close());
        Ok(())
    }

    /// The bytes that were written.
    ///
    /// # Errors
    /// [`WriteError::StillOpen`].
    pub fn finish(self) -> Result<&'a [u8], WriteError> {
        if !self.nest.is_empty() {
            return Err(WriteError::StillOpen);
        }
        Ok(self.out.split_at_checked(self.len).map_or(&[], |(written, _)| written))
    }

    fn room(&mut self) -> &mut [u8] {
        self.out.split_at_mut_checked(self.len).map_or(&mut [], |(_, room)| room)
    }
}

struct Opening {
    tag: Tag,
    kind: Kind,
}

impl Emit for Opening {
    fn len(&self) -> usize {
        self.tag.len().saturating_add(1)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&[self.tag.form() << 5 | self.kind.code()]);
        self.tag.emit(out);
    }
}

struct Closing;

impl Emit for Closing {
    fn len(&self) -> usize {
        1
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&[END]);
    }
}
