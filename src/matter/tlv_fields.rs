//! Fields of a TLV structure, found by their context tags, and checked for type and bounds.
//!
//! Each command defines a table of its fields. The position of a field in the table of its command is the context tag
//! of the field.

use core::ops::RangeInclusive;

use super::error::{Field, MatterDecodeError, MatterDecodeErrorKind, MatterRuleError};
use super::tlv::{Element, Kind, Tag, Value};
use super::update_token::UpdateToken;

/// Maximum number of fields in a structure. The image header has ten fields, and no command has more.
const MAX_FIELDS: usize = 10;

/// Inclusive bounds of the length of a string.
pub(super) type Bounds = RangeInclusive<usize>;

/// Checks the length of a string before the string is sent.
pub(super) fn check_len(field: Field, len: usize, bounds: Bounds) -> Result<(), MatterRuleError> {
    let (min, max) = bounds.into_inner();
    match len < min || len > max {
        true => Err(MatterRuleError::Length { field: field.name(), len, min, max }),
        false => Ok(()),
    }
}

/// Fields that were found in one structure.
pub(super) struct FieldsFound<'a> {
    item: &'static str,
    table: &'static [Field],
    found: [Option<Element<'a>>; MAX_FIELDS],
    /// Offset of the end of the structure, which is the offset in the error for a missing field.
    end: usize,
}

impl<'a> FieldsFound<'a> {
    /// Parses `bytes`, which must be one structure with any tag and nothing after it. The parser skips members of the
    /// structure whose tag is not in `table`, the table of the fields of the command. `base` is the position of `bytes`
    /// in the caller's input; the parser adds `base` to the offsets of errors.
    pub(super) fn parse(
        item: &'static str,
        table: &'static [Field],
        base: usize,
        bytes: &'a [u8],
    ) -> Result<Self, MatterDecodeError> {
        let element = Element::parse_exact(bytes, base).map_err(|error| MatterDecodeError {
            item,
            field: None,
            offset: error.offset,
            kind: error.kind,
        })?;
        let structure = match element.value {
            Value::Container(container) if container.kind() == Kind::Structure => container,
            other => return Err(wrong_type(item, None, base, Kind::Structure.name(), &other)),
        };
        let mut found = [None; MAX_FIELDS];
        for member in structure.elements() {
            let Tag::Context(number) = member.tag else { continue };
            let number = usize::from(number);
            let (Some(field), Some(place)) = (table.get(number), found.get_mut(number)) else { continue };
            if place.is_some() {
                let (field, offset) = (Some(field.name()), member.offset);
                return Err(MatterDecodeError {
                    item,
                    field,
                    offset,
                    kind: MatterDecodeErrorKind::Duplicate,
                });
            }
            *place = Some(member);
        }
        Ok(Self { item, table, found, end: structure.end() })
    }

    /// Returns the value of an optional field, which `read` converts, or `None` if the field is missing.
    pub(super) fn optional<T>(
        &self,
        field: Field,
        read: impl FnOnce(&FieldAt<'a>) -> Result<T, MatterDecodeError>,
    ) -> Result<Option<T>, MatterDecodeError> {
        let number = self.table.iter().position(|known| *known == field);
        match number.and_then(|number| *self.found.get(number)?) {
            Some(element) => read(&FieldAt { item: self.item, field, element }).map(Some),
            None => Ok(None),
        }
    }

    /// Returns the value of a mandatory field, which `read` converts, or an error if the field is missing.
    pub(super) fn required<T>(
        &self,
        field: Field,
        read: impl FnOnce(&FieldAt<'a>) -> Result<T, MatterDecodeError>,
    ) -> Result<T, MatterDecodeError> {
        let kind = MatterDecodeErrorKind::Missing;
        let missing =
            MatterDecodeError { item: self.item, field: Some(field.name()), offset: self.end, kind };
        self.optional(field, read)?.ok_or(missing)
    }
}

/// TLV element of a field, with the names of the command and of the field for an error.
#[derive(Clone, Copy)]
pub(super) struct FieldAt<'a> {
    item: &'static str,
    field: Field,
    element: Element<'a>,
}

impl<'a> FieldAt<'a> {
    fn fault(&self, kind: MatterDecodeErrorKind) -> MatterDecodeError {
        let field = Some(self.field.name());
        MatterDecodeError { item: self.item, field, offset: self.element.offset, kind }
    }

    fn wrong_type(&self, expected: &'static str) -> MatterDecodeError {
        let field = Some(self.field.name());
        wrong_type(self.item, field, self.element.offset, expected, &self.element.value)
    }

    pub(super) fn u64(&self) -> Result<u64, MatterDecodeError> {
        match self.element.value {
            Value::Unsigned(number) => Ok(number),
            _ => Err(self.wrong_type("unsigned number")),
        }
    }

    pub(super) fn u32(&self) -> Result<u32, MatterDecodeError> {
        let value = self.u64()?;
        u32::try_from(value).map_err(|_| self.too_large(value, u32::MAX.into()))
    }

    pub(super) fn u16(&self) -> Result<u16, MatterDecodeError> {
        let value = self.u64()?;
        u16::try_from(value).map_err(|_| self.too_large(value, u16::MAX.into()))
    }

    pub(super) fn u8(&self) -> Result<u8, MatterDecodeError> {
        let value = self.u64()?;
        u8::try_from(value).map_err(|_| self.too_large(value, u8::MAX.into()))
    }

    fn too_large(&self, value: u64, max: u64) -> MatterDecodeError {
        self.fault(MatterDecodeErrorKind::OutOfRange { value, max })
    }

    pub(super) fn boolean(&self) -> Result<bool, MatterDecodeError> {
        match self.element.value {
            Value::Boolean(value) => Ok(value),
            _ => Err(self.wrong_type("boolean")),
        }
    }

    pub(super) fn text(&self, bounds: Bounds) -> Result<&'a str, MatterDecodeError> {
        let Value::Utf8(text) = self.element.value else { return Err(self.wrong_type("UTF-8 string")) };
        self.check_len(text.len(), bounds).map(|()| text)
    }

    pub(super) fn octets(&self, bounds: Bounds) -> Result<&'a [u8], MatterDecodeError> {
        let Value::Octets(octets) = self.element.value else { return Err(self.wrong_type("octet string")) };
        self.check_len(octets.len(), bounds).map(|()| octets)
    }

    pub(super) fn token(&self) -> Result<UpdateToken, MatterDecodeError> {
        let (min, max) = (UpdateToken::MIN, UpdateToken::MAX);
        let octets = self.octets(min..=max)?;
        let wrong = self.fault(MatterDecodeErrorKind::Length { len: octets.len(), min, max });
        UpdateToken::new(octets).ok_or(wrong)
    }

    /// Passes each member of an array of 8-bit numbers to `push`. `push` returns `false` if it has already taken `max`
    /// members, and so has no room for another member.
    pub(super) fn numbers(
        &self,
        max: usize,
        mut push: impl FnMut(u8) -> bool,
    ) -> Result<(), MatterDecodeError> {
        let Value::Container(array) = self.element.value else { return Err(self.wrong_type("array")) };
        if array.kind() != Kind::Array {
            return Err(self.wrong_type("array"));
        }
        for element in array.elements() {
            let member = FieldAt { element, ..*self };
            if !push(member.u8()?) {
                return self.check_len(array.elements().count(), 0..=max);
            }
        }
        Ok(())
    }

    fn check_len(&self, len: usize, bounds: Bounds) -> Result<(), MatterDecodeError> {
        let (min, max) = bounds.into_inner();
        match len < min || len > max {
            true => Err(self.fault(MatterDecodeErrorKind::Length { len, min, max })),
            false => Ok(()),
        }
    }
}

fn wrong_type(
    item: &'static str,
    field: Option<&'static str>,
    offset: usize,
    expected: &'static str,
    found: &Value<'_>,
) -> MatterDecodeError {
    let kind = MatterDecodeErrorKind::WrongType { expected, found: found.type_name() };
    MatterDecodeError { item, field, offset, kind }
}
