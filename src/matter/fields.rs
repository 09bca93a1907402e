//! Structures of fields with numbers: found by the number and judged on the way in, written in their order.
//!
//! A message is a table of its fields, whose place is their context tag.

use core::ops::RangeInclusive;

use super::error::{Field, Item, Malformed, MalformedKind};
use super::tlv::{END, Element, ElementAt, Kind, Tag, Value};
use super::token::UpdateToken;
use crate::codec::{Emit, Sink};

/// The most fields that a structure has: those of the image header.
const MOST: usize = 10;

/// The fields of one structure, the first of each number.
pub(super) struct Found<'a> {
    item: Item,
    table: &'static [Field],
    at: [Option<ElementAt<'a>>; MOST],
    /// Where the structure ends.
    end: usize,
}

impl<'a> Found<'a> {
    /// Reads an element that is a structure, whatever its own tag, and takes all of `bytes`, which start at `base` of
    /// what the caller sees. Members that are not in the table are passed over.
    pub(super) fn read(
        item: Item,
        table: &'static [Field],
        base: usize,
        bytes: &'a [u8],
    ) -> Result<Self, Malformed> {
        let element = Element::parse_exact_at(bytes, base).map_err(|error| Malformed::tlv(item, error))?;
        let structure = match element.value {
            Value::Container(container) if container.kind() == Kind::Structure => container,
            other => return Err(wrong_type(item, None, base, Kind::Structure.name(), &other)),
        };
        let mut at = [None; MOST];
        for found in structure.elements() {
            let Tag::Context(number) = found.element.tag else { continue };
            let number = usize::from(number);
            let (Some(field), Some(place)) = (table.get(number), at.get_mut(number)) else { continue };
            if place.is_some() {
                let (field, offset) = (Some(*field), found.offset);
                return Err(Malformed { item, field, offset, kind: MalformedKind::Twice });
            }
            *place = Some(found);
        }
        Ok(Self { item, table, at, end: structure.end() })
    }

    /// A field that may be there.
    pub(super) fn optional(&self, field: Field) -> Option<FieldAt<'a>> {
        let number = self.table.iter().position(|known| *known == field)?;
        let ElementAt { offset, element } = (*self.at.get(number)?)?;
        Some(FieldAt { item: self.item, field, offset, value: element.value })
    }

    /// A field that must be there.
    pub(super) fn required(&self, field: Field) -> Result<FieldAt<'a>, Malformed> {
        let missing =
            Malformed { item: self.item, field: Some(field), offset: self.end, kind: MalformedKind::Missing };
        self.optional(field).ok_or(missing)
    }
}

/// A field that was found.
#[derive(Clone, Copy)]
pub(super) struct FieldAt<'a> {
    item: Item,
    field: Field,
    offset: usize,
    value: Value<'a>,
}

impl<'a> FieldAt<'a> {
    pub(super) fn fault(&self, kind: MalformedKind) -> Malformed {
        Malformed { item: self.item, field: Some(self.field), offset: self.offset, kind }
    }

    fn wrong_type(&self, expected: &'static str) -> Malformed {
        wrong_type(self.item, Some(self.field), self.offset, expected, &self.value)
    }

    pub(super) fn u64(&self) -> Result<u64, Malformed> {
        match self.value {
            Value::Unsigned(number) => Ok(number),
            _ => Err(self.wrong_type("unsigned number")),
        }
    }

    pub(super) fn u32(&self) -> Result<u32, Malformed> {
        let value = self.u64()?;
        u32::try_from(value).map_err(|_| self.too_large(value, u32::MAX.into()))
    }

    pub(super) fn u16(&self) -> Result<u16, Malformed> {
        let value = self.u64()?;
        u16::try_from(value).map_err(|_| self.too_large(value, u16::MAX.into()))
    }

    pub(super) fn u8(&self) -> Result<u8, Malformed> {
        let value = self.u64()?;
        u8::try_from(value).map_err(|_| self.too_large(value, u8::MAX.into()))
    }

    fn too_large(&self, value: u64, most: u64) -> Malformed {
        self.fault(MalformedKind::OutOfRange { value, most })
    }

    pub(super) fn boolean(&self) -> Result<bool, Malformed> {
        match self.value {
            Value::Boolean(truth) => Ok(truth),
            _ => Err(self.wrong_type("boolean")),
        }
    }

    pub(super) fn text(&self, bounds: Bounds) -> Result<&'a str, Malformed> {
        let Value::Utf8(text) = self.value else { return Err(self.wrong_type("UTF-8 string")) };
        self.bounded(text.len(), bounds).map(|()| text)
    }

    pub(super) fn octets(&self, bounds: Bounds) -> Result<&'a [u8], Malformed> {
        let Value::Octets(octets) = self.value else { return Err(self.wrong_type("octet string")) };
        self.bounded(octets.len(), bounds).map(|()| octets)
    }

    pub(super) fn token(&self) -> Result<UpdateToken, Malformed> {
        let (min, max) = (UpdateToken::MIN, UpdateToken::MAX);
        let octets = self.octets(min..=max)?;
        let wrong = self.fault(MalformedKind::Length { len: octets.len(), min, max });
        UpdateToken::new(octets).ok_or(wrong)
    }

    /// Numbers of 8 bits, each given to `push`, which says whether there is room for it.
    pub(super) fn numbers(&self, most: usize, mut push: impl FnMut(u8) -> bool) -> Result<(), Malformed> {
        let Value::Container(array) = self.value else { return Err(self.wrong_type("array")) };
        if array.kind() != Kind::Array {
            return Err(self.wrong_type("array"));
        }
        for ElementAt { offset, element } in array.elements() {
            let member = FieldAt { offset, value: element.value, ..*self };
            if !push(member.u8()?) {
                return self.bounded(array.elements().count(), 0..=most);
            }
        }
        Ok(())
    }

    fn bounded(&self, len: usize, bounds: Bounds) -> Result<(), Malformed> {
        let (min, max) = bounds.into_inner();
        match len >= min && len <= max {
            true => Ok(()),
            false => Err(self.fault(MalformedKind::Length { len, min, max })),
        }
    }
}

/// How long text or bytes may be.
pub(super) type Bounds = RangeInclusive<usize>;

fn wrong_type(
    item: Item,
    field: Option<Field>,
    offset: usize,
    expected: &'static str,
    found: &Value<'_>,
) -> Malformed {
    let kind = MalformedKind::WrongType { expected, found: found.type_name() };
    Malformed { item, field, offset, kind }
}

/// Bytes of an anonymous structure of these values, whose places are their tags.
pub(super) fn len(values: &[Option<Value<'_>>]) -> usize {
    members(values).map(|member| member.len()).fold(2, usize::saturating_add)
}

/// Writes them.
pub(super) fn emit(values: &[Option<Value<'_>>], out: &mut Sink<'_>) {
    out.array(&[0x15]);
    members(values).for_each(|member| member.emit(out));
    out.array(&[END]);
}

fn members<'v>(values: &'v [Option<Value<'v>>]) -> impl Iterator<Item = Element<'v>> {
    (0..=u8::MAX)
        .zip(values)
        .filter_map(|(number, value)| Some(Element { tag: Tag::Context(number), value: (*value)? }))
}
