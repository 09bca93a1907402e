//! A file that comes in pieces: decoded as it arrives, without being kept.
//!
//! ```text
//! FileHeader -> Extra -> Element -> Data ... -> Element -> Data ... -> After
//!                      |                                            ^
//!                      +-- no element fits --> RawRemainder ... ------------+       pieces; ... are as many as the input is cut into
//! ```

use super::element::{TELINK_HEAD_LEN, is_telink, tag_and_length};
use super::{BodyLayout, Element, FileHeader, Tag};
use crate::error::{DecodeError, DecodeErrorKind};

/// Reads a file of which only a few bytes are there at a time, as
/// [`Image::parse_lenient`](super::Image::parse_lenient) reads a whole one.
///
/// Its pieces are the same however the file is cut. It keeps the known header fields while they arrive (at most 69
/// bytes) and later the tag and length of one element; everything else is lent from the input.
///
/// ```
/// use zigbee_ota::file::{StreamPiece, StreamDecoder};
///
/// # use zigbee_ota::{file::{Element, FileHeader, BodyLayout, Tag, FileWriter}, Encode, ImageId};
/// # let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 30] }];
/// # let mut file = [0; 92];
/// # FileWriter::new(FileHeader::new(ImageId::new(0x1001, 0x00ab, 5)), &elements)?.encode(&mut file)?;
/// let mut decoder = StreamDecoder::new();
/// let mut firmware: Vec<u8> = Vec::new();
/// for mut input in file.chunks(16) {
///     while let Some(piece) = decoder.next(&mut input)? {
///         match piece {
///             StreamPiece::Header { header, .. } => println!("{}, {} bytes", header.id, header.total_size),
///             StreamPiece::Element { tag, length, .. } => println!("{tag}: {length} bytes"),
///             StreamPiece::Data { bytes, .. } => firmware.extend(bytes),
///             _ => {}
///         }
///     }
/// }
/// assert_eq!(decoder.finish(), Ok(BodyLayout::Elements));
/// assert_eq!(firmware, [7; 30]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StreamDecoder {
    state: State,
    /// Bytes of the file that were taken in.
    taken: u32,
    /// The total image size, once the header is known.
    total: u32,
    /// The header length, once the header is known.
    header_len: u16,
    layout: BodyLayout,
    /// What of the header or of an element's head was taken in.
    buffer: [u8; FileHeader::MAX_KNOWN_LEN],
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// `held` bytes of the known header fields are in the buffer; `needed` are as many as tell how it goes on.
    Header { held: usize, needed: usize },
    /// `left` bytes are still to come before the first element.
    Extra { left: u32 },
    /// `held` bytes of an element's tag and length are in the buffer, and of Telink's two when `needed` says so.
    Head { held: usize, needed: usize },
    /// `left` bytes of an element's data are still to come.
    Data { left: u32 },
    /// No element follows: raw bytes up to the total image size, then what is after the file.
    Rest,
    /// What the header says cannot be.
    Broken(DecodeError),
}

/// A part of a file in its order, with its place in bytes from the first byte of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum StreamPiece<'a> {
    /// The header is known.
    Header {
        /// Its known fields; `extra` is empty.
        header: FileHeader<'static>,
        /// Bytes of the header, extra ones included.
        len: u16,
    },
    /// Some of the header's extra bytes.
    Extra {
        /// Where they stand.
        offset: u32,
        /// Never none.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_bytes::serialize"))]
        bytes: &'a [u8],
    },
    /// An element starts.
    Element {
        /// Where its tag stands.
        offset: u32,
        /// What its data is.
        tag: Tag,
        /// Bytes of its data, which follow as [`Data`](Self::Data).
        length: u32,
        /// The two bytes between length and data in Telink's form of tag 0xF000.
        info: Option<[u8; 2]>,
    },
    /// Some data of the element that started last.
    Data {
        /// Where it stands.
        offset: u32,
        /// Never none.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_bytes::serialize"))]
        bytes: &'a [u8],
    },
    /// Some raw bytes of the body that are no element, up to the end of the file.
    Rest {
        /// Where they stand.
        offset: u32,
        /// Never none.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_bytes::serialize"))]
        bytes: &'a [u8],
    },
    /// Some bytes after the total image size; no part of the image (section 6.3.2.10). They follow each other.
    After {
        /// Never none.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_bytes::serialize"))]
        bytes: &'a [u8],
    },
}

/// Not derived: that fails beside a lifetime for what holds a `'static`.
#[cfg(feature = "defmt")]
impl defmt::Format for StreamPiece<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self {
            Self::Header { header, len } => {
                defmt::write!(f, "Header {{ header: {}, len: {=u16} }}", header, len);
            }
            Self::Extra { offset, bytes } => {
                defmt::write!(f, "Extra {{ offset: {=u32}, bytes: {=[u8]} }}", offset, bytes);
            }
            Self::Element { offset, tag, length, info } => {
                defmt::write!(
                    f,
                    "Element {{ offset: {=u32}, tag: {}, length: {=u32}, info: {} }}",
                    offset,
                    tag,
                    length,
                    info
                );
            }
            Self::Data { offset, bytes } => {
                defmt::write!(f, "Data {{ offset: {=u32}, bytes: {=[u8]} }}", offset, bytes);
            }
            Self::Rest { offset, bytes } => {
                defmt::write!(f, "Rest {{ offset: {=u32}, bytes: {=[u8]} }}", offset, bytes);
            }
            Self::After { bytes } => defmt::write!(f, "After {{ bytes: {=[u8]} }}", bytes),
        }
    }
}

impl StreamDecoder {
    /// A decoder before the first byte of a file.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Header { held: 0, needed: IDENTIFIER_LEN },
            taken: 0,
            total: 0,
            header_len: 0,
            layout: BodyLayout::Elements,
            buffer: [0; FileHeader::MAX_KNOWN_LEN],
        }
    }

    /// Takes bytes from the front of `input` and returns what they are; `None` when `input` is used up.
    ///
    /// # Errors
    /// Those of [`FileHeader::parse_known`] but [`Truncated`](DecodeErrorKind::Truncated), as soon as they are known, and
    /// again at each later call. Nothing after the header is an error.
    pub fn next<'b, 'i: 'b>(
        &'b mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<StreamPiece<'b>>, DecodeError> {
        loop {
            match self.state {
                State::Broken(error) => return Err(error),
                _ if input.is_empty() => return Ok(None),
                State::Header { held, needed } => {
                    let held = self.hold(input, held, needed);
                    self.state = State::Header { held, needed };
                    if held == needed
                        && let Some(header) = self.read_header(held)?
                    {
                        return Ok(Some(header));
                    }
                }
                State::Extra { left: 0 } | State::Data { left: 0 } => self.state = self.next_element(),
                State::Extra { left } => {
                    let (offset, bytes) = self.take(input, left);
                    self.state = State::Extra { left: left.saturating_sub(count(bytes)) };
                    return Ok(Some(StreamPiece::Extra { offset, bytes }));
                }
                State::Head { held, needed } => {
                    let held = self.hold(input, held, needed);
                    self.state = State::Head { held, needed };
                    if held == needed && self.head_is_whole(held) {
                        return Ok(Some(self.read_head(held)));
                    }
                }
                State::Data { left } => {
                    let (offset, bytes) = self.take(input, left);
                    self.state = State::Data { left: left.saturating_sub(count(bytes)) };
                    return Ok(Some(StreamPiece::Data { offset, bytes }));
                }
                State::Rest if self.taken == self.total => {
                    return Ok(Some(StreamPiece::After { bytes: core::mem::take(input) }));
                }
                State::Rest => {
                    let (offset, bytes) = self.take(input, self.left());
                    return Ok(Some(StreamPiece::Rest { offset, bytes }));
                }
            }
        }
    }

    /// Ends the file; says how its body is laid out, which is never [`BodyLayout::Truncated`].
    ///
    /// # Errors
    /// [`Truncated`](DecodeErrorKind::Truncated) at byte 0: of "OTA header" when the header is not complete, of
    /// "OTA file" when bytes are missing to the total image size. What [`next`](Self::next) said before.
    pub fn finish(&self) -> Result<BodyLayout, DecodeError> {
        let (item, needed) = match self.state {
            State::Broken(error) => return Err(error),
            // The identifier alone tells whether it is a file, but no header is that short.
            State::Header { needed: ..=FileHeader::MIN_LEN, .. } => ("OTA header", FileHeader::MIN_LEN),
            State::Header { .. } => ("OTA header", usize::from(FileHeader::declared_len(&self.buffer))),
            State::Extra { left: 1.. } => ("OTA header", usize::from(self.header_len)),
            _ if self.left() == 0 => return Ok(self.layout),
            _ => ("OTA file", wide(self.total)),
        };
        let kind = DecodeErrorKind::Truncated { needed, present: wide(self.taken) };
        Err(DecodeError { item, offset: 0, kind })
    }

    /// The last bytes that were taken in and are in no piece yet: of a header or of an element's head that is not
    /// complete. Where the file ends here, they are a part of it all the same.
    #[must_use]
    pub fn held(&self) -> &[u8] {
        match self.state {
            State::Header { held, .. } | State::Head { held, .. } => {
                self.buffer.get(..held).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// Reads the header if enough of it is there, or finds out how much that is.
    fn read_header(&mut self, held: usize) -> Result<Option<StreamPiece<'static>>, DecodeError> {
        match FileHeader::parse_start(self.buffer.get(..held).unwrap_or_default()) {
            Ok((header, len)) => {
                (self.total, self.header_len) = (header.total_size, len);
                self.state = State::Extra { left: u32::from(len).saturating_sub(self.taken) };
                Ok(Some(StreamPiece::Header { header, len }))
            }
            Err(DecodeError { kind: DecodeErrorKind::Truncated { needed, .. }, .. }) => {
                self.state = State::Header { held, needed };
                Ok(None)
            }
            Err(error) => {
                self.state = State::Broken(error);
                Err(error)
            }
        }
    }

    /// What follows the header or an element.
    fn next_element(&mut self) -> State {
        match self.left() {
            0 => State::Rest,
            left if wide(left) < Element::HEAD_LEN => self.raw_from(self.taken),
            _ => State::Head { held: 0, needed: Element::HEAD_LEN },
        }
    }

    /// Whether the `held` bytes are all that stands before an element's data; otherwise waits for Telink's two.
    fn head_is_whole(&mut self, held: usize) -> bool {
        let (tag, length) = self.head();
        let left_over = self.left().checked_sub(length);
        let whole = held != Element::HEAD_LEN || !left_over.is_some_and(|left| is_telink(tag, left));
        if !whole {
            self.state = State::Head { held, needed: TELINK_HEAD_LEN };
        }
        whole
    }

    /// Starts the element whose head is in the buffer, or the raw bytes that were taken for one.
    fn read_head(&mut self, held: usize) -> StreamPiece<'_> {
        let offset = self.taken.saturating_sub(u32::try_from(held).unwrap_or_default());
        let (tag, length) = self.head();
        if length > self.left() {
            self.state = self.raw_from(offset);
            return StreamPiece::Rest { offset, bytes: self.buffer.get(..held).unwrap_or_default() };
        }
        let info = self.buffer.get(Element::HEAD_LEN..held).and_then(|info| info.first_chunk()).copied();
        if info.is_some() {
            self.layout = BodyLayout::TelinkF000;
        }
        self.state = State::Data { left: length };
        StreamPiece::Element { offset, tag, length, info }
    }

    /// Tag and length in the buffer.
    fn head(&self) -> (Tag, u32) {
        self.buffer.first_chunk().map(tag_and_length).unwrap_or((Tag(0), 0))
    }

    /// From `offset` on there are no elements any more.
    fn raw_from(&mut self, offset: u32) -> State {
        self.layout = BodyLayout::raw_from(wide(offset), usize::from(self.header_len));
        State::Rest
    }

    /// Bytes of the file that are still to come.
    const fn left(&self) -> u32 {
        self.total.saturating_sub(self.taken)
    }

    /// Takes at most `most` bytes; returns where they stand, and them.
    fn take<'i>(&mut self, input: &mut &'i [u8], most: u32) -> (u32, &'i [u8]) {
        let offset = self.taken;
        let (bytes, rest) = input.split_at_checked(wide(most)).unwrap_or((input, &[]));
        *input = rest;
        self.taken = offset.saturating_add(count(bytes));
        (offset, bytes)
    }

    /// Takes bytes into the buffer, which has `held`, until it has `needed`; returns how many it has.
    fn hold(&mut self, input: &mut &[u8], held: usize, needed: usize) -> usize {
        let wanted = u32::try_from(needed.saturating_sub(held)).unwrap_or_default();
        let (_, bytes) = self.take(input, wanted);
        let room = self.buffer.get_mut(held..).and_then(|room| room.get_mut(..bytes.len()));
        room.unwrap_or_default().iter_mut().zip(bytes).for_each(|(room, byte)| *room = *byte);
        held.saturating_add(bytes.len())
    }
}

impl Default for StreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of the file identifier.
const IDENTIFIER_LEN: usize = 4;

/// How many these are: never more than the `u32` that was asked for.
fn count(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// As a length in memory.
fn wide(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
