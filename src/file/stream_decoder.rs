//! Decoder of an OTA file that arrives in pieces and is not kept in memory.
//!
//! Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! Header -> Extra ... -> Element -> Data ... -> Element -> Data ... -> Trailing ...
//!                    |                                             ^
//!                    +-- no element fits --> Raw ... --------------+     ...: as many pieces as the input is cut into
//! ```

use super::element::{TELINK_HEAD_LEN, decode_head, is_telink_form};
use super::{BodyLayout, Element, FileHeader, Tag};
use crate::error::{DecodeError, DecodeErrorKind};

/// Decoder of a file that arrives in pieces. The decoder reads the same content that
/// [`Image::parse_lenient`](super::Image::parse_lenient) reads from a whole file.
///
/// The decoder returns the same header, elements and data, regardless of how the file is cut into pieces. While the
/// known header fields arrive, the decoder stores them (at most 69 bytes). After the header, the decoder stores only
/// the tag and length of the current element. The decoder borrows all other bytes from the input.
///
/// ```
/// use zigbee_ota::file::{StreamDecoder, StreamPiece};
///
/// # use zigbee_ota::{file::{BodyLayout, Element, FileHeader, FileWriter, Tag}, Encode, ImageId};
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
    /// Number of bytes of the file that the decoder has consumed.
    consumed: u32,
    /// Total image size in bytes; 0 until the header is read.
    total: u32,
    /// Header length in bytes; 0 until the header is read.
    header_len: u16,
    layout: BodyLayout,
    /// Bytes that the decoder has consumed and keeps: the start of an incomplete header, or of the incomplete tag and
    /// length of an element.
    buffer: [u8; FileHeader::MAX_KNOWN_LEN],
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The buffer contains the first `buffered` bytes of the header. When the buffer contains `needed` bytes, the
    /// decoder can make the next check of the header.
    Header { buffered: usize, needed: usize },
    /// The decoder has read the known header fields, and `left` extra bytes of the header have not arrived yet.
    Extra { left: u32 },
    /// The buffer contains the first `buffered` bytes of an element's head, which has `needed` bytes. The head of an
    /// element consists of tag and length, and in Telink's form also of two more bytes.
    ElementHead { buffered: usize, needed: usize },
    /// The decoder has read the head of an element, and `left` data bytes of the element have not arrived yet.
    Data { left: u32 },
    /// The file has no more elements: only raw bytes up to the total image size, then trailing bytes.
    Raw,
    /// The header is invalid, and every call of `next` returns the error of the header, which the decoder has stored.
    Failed(DecodeError),
}

/// Piece of a file that a [`StreamDecoder`] returns. The decoder returns the pieces in file order. Offsets count from
/// the first byte of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum StreamPiece<'a> {
    /// Start of the header, with the known fields.
    Header {
        /// Known header fields. The field `extra` of `header` is empty, because the extra bytes follow in pieces
        /// [`Extra`](Self::Extra).
        header: FileHeader<'static>,
        /// Header length in bytes, including extra bytes.
        len: u16,
    },
    /// Some or all extra bytes of the header.
    Extra {
        /// Offset of `bytes`, counted from the first byte of the header.
        offset: u32,
        /// Extra bytes of the header; at least one.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_bytes::serialize"))]
        bytes: &'a [u8],
    },
    /// Start of an element, with the tag and the length of the element.
    Element {
        /// Offset of the tag, counted from the first byte of the header.
        offset: u32,
        /// Tag of the element, which gives the meaning of the data.
        tag: Tag,
        /// Number of data bytes. The data bytes of the element follow in pieces [`Data`](Self::Data).
        length: u32,
        /// Telink's two bytes between length and data, present only in Telink's form of an element with tag 0xF000. The
        /// field `length` does not count Telink's two bytes.
        telink_info: Option<[u8; 2]>,
    },
    /// Some or all data of the element whose start the decoder has returned last.
    Data {
        /// Offset of `bytes`, counted from the first byte of the header.
        offset: u32,
        /// Data bytes of the element; at least one.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_bytes::serialize"))]
        bytes: &'a [u8],
    },
    /// Some or all raw bytes of the body, which are not an element. After a piece of raw bytes, the decoder returns
    /// only raw bytes and trailing bytes.
    Raw {
        /// Offset of `bytes`, counted from the first byte of the header.
        offset: u32,
        /// Raw bytes of the body; at least one.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_bytes::serialize"))]
        bytes: &'a [u8],
    },
    /// Bytes after the total image size, which are not part of the file (section 6.3.2.10).
    Trailing {
        /// Trailing bytes; at least one.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_bytes::serialize"))]
        bytes: &'a [u8],
    },
}

/// `defmt::Format` is not derived, because the derive macro fails for a type with a lifetime parameter that contains a
/// `FileHeader<'static>`.
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
            Self::Element { offset, tag, length, telink_info } => {
                defmt::write!(
                    f,
                    "Element {{ offset: {=u32}, tag: {}, length: {=u32}, telink_info: {} }}",
                    offset,
                    tag,
                    length,
                    telink_info
                );
            }
            Self::Data { offset, bytes } => {
                defmt::write!(f, "Data {{ offset: {=u32}, bytes: {=[u8]} }}", offset, bytes);
            }
            Self::Raw { offset, bytes } => {
                defmt::write!(f, "Raw {{ offset: {=u32}, bytes: {=[u8]} }}", offset, bytes);
            }
            Self::Trailing { bytes } => defmt::write!(f, "Trailing {{ bytes: {=[u8]} }}", bytes),
        }
    }
}

impl StreamDecoder {
    /// Creates a decoder for a file of which no byte has arrived yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Header { buffered: 0, needed: IDENTIFIER_LEN },
            consumed: 0,
            total: 0,
            header_len: 0,
            layout: BodyLayout::Elements,
            buffer: [0; FileHeader::MAX_KNOWN_LEN],
        }
    }

    /// Consumes bytes from the front of `input` and returns the next piece of the file. Returns `None` if `input` is
    /// empty, or if the decoder has consumed all bytes of `input` but needs more bytes for the next piece.
    ///
    /// Call `next` in a loop until it returns `None`, and then start the loop again with the next bytes of the file as
    /// `input`.
    ///
    /// # Termination
    /// Every call of `next` that returns a piece consumes at least one byte of `input`, so a loop that calls `next`
    /// until it returns `None` ends. The decoder cannot detect the last piece, because any number of trailing bytes may
    /// follow the file. Call [`finish`](Self::finish) after the last byte.
    /// # Errors
    /// `next` returns the errors of [`FileHeader::parse_known`] except [`Truncated`](DecodeErrorKind::Truncated), as
    /// soon as the bytes at fault have arrived. After an error, each later call of `next` returns the same error. Bytes
    /// after the header never make `next` fail.
    pub fn next<'b, 'i: 'b>(
        &'b mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<StreamPiece<'b>>, DecodeError> {
        loop {
            match self.state {
                State::Failed(error) => return Err(error),
                _ if input.is_empty() => return Ok(None),
                State::Header { buffered, needed } => {
                    let buffered = self.fill_buffer(input, buffered, needed);
                    self.state = State::Header { buffered, needed };
                    if buffered == needed
                        && let Some(header) = self.read_header(buffered)?
                    {
                        return Ok(Some(header));
                    }
                }
                State::Extra { left: 0 } | State::Data { left: 0 } => {
                    self.state = self.start_of_next_element()
                }
                State::Extra { left } => {
                    let (offset, bytes) = self.take(input, left);
                    self.state = State::Extra { left: left.saturating_sub(count(bytes)) };
                    return Ok(Some(StreamPiece::Extra { offset, bytes }));
                }
                State::ElementHead { buffered, needed } => {
                    let buffered = self.fill_buffer(input, buffered, needed);
                    self.state = State::ElementHead { buffered, needed };
                    if buffered == needed && self.is_head_complete(buffered) {
                        return Ok(Some(self.read_element_head(buffered)));
                    }
                }
                State::Data { left } => {
                    let (offset, bytes) = self.take(input, left);
                    self.state = State::Data { left: left.saturating_sub(count(bytes)) };
                    return Ok(Some(StreamPiece::Data { offset, bytes }));
                }
                State::Raw if self.consumed == self.total => {
                    return Ok(Some(StreamPiece::Trailing { bytes: core::mem::take(input) }));
                }
                State::Raw => {
                    let (offset, bytes) = self.take(input, self.left());
                    return Ok(Some(StreamPiece::Raw { offset, bytes }));
                }
            }
        }
    }

    /// Ends the decoding after the last byte of the file, and returns the layout of the body. `finish` never returns
    /// [`BodyLayout::Truncated`], because `finish` fails for a truncated file.
    ///
    /// # Errors
    /// If [`next`](Self::next) has failed before, `finish` returns the error of `next`. If the file is incomplete,
    /// `finish` fails with [`Truncated`](DecodeErrorKind::Truncated) and the offset 0. The field `item` of the error
    /// `Truncated` is "OTA header" if the header is incomplete, and "OTA file" if bytes after the header are missing.
    pub fn finish(&self) -> Result<BodyLayout, DecodeError> {
        let (item, needed) = match self.state {
            State::Failed(error) => return Err(error),
            // At first, `needed` is 4, the length of the identifier, but even the shortest header has 56 bytes.
            State::Header { needed: ..=FileHeader::MIN_LEN, .. } => ("OTA header", FileHeader::MIN_LEN),
            State::Header { .. } => ("OTA header", usize::from(FileHeader::declared_len(&self.buffer))),
            State::Extra { left: 1.. } => ("OTA header", usize::from(self.header_len)),
            _ if self.left() == 0 => return Ok(self.layout),
            _ => ("OTA file", to_usize(self.total)),
        };
        let kind = DecodeErrorKind::Truncated { needed, present: to_usize(self.consumed) };
        Err(DecodeError { item, offset: 0, kind })
    }

    /// Returns the bytes that the decoder has consumed but has not returned in a piece yet. The buffered bytes are the
    /// start of an incomplete header, or of the incomplete tag and length of an element. If no more input arrives, the
    /// buffered bytes are the last bytes of the file.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        match self.state {
            State::Header { buffered, .. } | State::ElementHead { buffered, .. } => {
                self.buffer.get(..buffered).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// Reads the header from the buffer. Returns `None` if the buffer contains too few bytes, and stores the needed
    /// number of bytes in the state of the decoder.
    fn read_header(&mut self, buffered: usize) -> Result<Option<StreamPiece<'static>>, DecodeError> {
        match FileHeader::parse_known_and_len(self.buffer.get(..buffered).unwrap_or_default()) {
            Ok((header, len)) => {
                (self.total, self.header_len) = (header.total_size, len);
                self.state = State::Extra { left: u32::from(len).saturating_sub(self.consumed) };
                Ok(Some(StreamPiece::Header { header, len }))
            }
            Err(DecodeError { kind: DecodeErrorKind::Truncated { needed, .. }, .. }) => {
                self.state = State::Header { buffered, needed };
                Ok(None)
            }
            Err(error) => {
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    /// Returns the state of the decoder at the end of the header or of an element: what follows is an element, raw
    /// bytes, or the end of the file.
    fn start_of_next_element(&mut self) -> State {
        match self.left() {
            0 => State::Raw,
            left if to_usize(left) < Element::HEAD_LEN => self.start_of_raw_bytes(self.consumed),
            _ => State::ElementHead { buffered: 0, needed: Element::HEAD_LEN },
        }
    }

    /// Returns whether the buffer contains all bytes before the data of the element. If the element has Telink's form
    /// and the two bytes between length and data are missing, `is_head_complete` changes the state of the decoder, so
    /// that the decoder waits for the two bytes.
    fn is_head_complete(&mut self, buffered: usize) -> bool {
        let (tag, length) = self.tag_and_length();
        let left_over = self.left().checked_sub(length);
        let is_telink = left_over.is_some_and(|left_over| is_telink_form(tag, left_over));
        let complete = buffered != Element::HEAD_LEN || !is_telink;
        if !complete {
            self.state = State::ElementHead { buffered, needed: TELINK_HEAD_LEN };
        }
        complete
    }

    /// Returns the piece [`StreamPiece::Element`] for the element whose tag and length are in the buffer. If the
    /// element would run past the end of the file, `read_element_head` returns the buffered bytes as raw bytes.
    fn read_element_head(&mut self, buffered: usize) -> StreamPiece<'_> {
        let offset = self.consumed.saturating_sub(u32::try_from(buffered).unwrap_or_default());
        let (tag, length) = self.tag_and_length();
        if length > self.left() {
            self.state = self.start_of_raw_bytes(offset);
            return StreamPiece::Raw { offset, bytes: self.buffer.get(..buffered).unwrap_or_default() };
        }
        let info = self.buffer.get(Element::HEAD_LEN..buffered).and_then(|info| info.first_chunk()).copied();
        if info.is_some() {
            self.layout = BodyLayout::TelinkF000;
        }
        self.state = State::Data { left: length };
        StreamPiece::Element { offset, tag, length, telink_info: info }
    }

    /// Returns the tag and length at the start of the buffer.
    fn tag_and_length(&self) -> (Tag, u32) {
        self.buffer.first_chunk().map(decode_head).unwrap_or((Tag(0), 0))
    }

    /// Returns the state of the decoder for a file that contains raw bytes from the offset `offset` on.
    fn start_of_raw_bytes(&mut self, offset: u32) -> State {
        self.layout = BodyLayout::raw_from(to_usize(offset), usize::from(self.header_len));
        State::Raw
    }

    /// Returns the number of bytes of the file that the decoder has not consumed yet.
    const fn left(&self) -> u32 {
        self.total.saturating_sub(self.consumed)
    }

    /// Consumes at most `most` bytes of `input`. Returns the offset of the consumed bytes in the file, and the consumed
    /// bytes.
    fn take<'i>(&mut self, input: &mut &'i [u8], most: u32) -> (u32, &'i [u8]) {
        let offset = self.consumed;
        let (bytes, rest) = input.split_at_checked(to_usize(most)).unwrap_or((input, &[]));
        *input = rest;
        self.consumed = offset.saturating_add(count(bytes));
        (offset, bytes)
    }

    /// Copies bytes of `input` to the buffer until the buffer contains `needed` bytes or `input` ends. Returns the
    /// number of bytes in the buffer.
    fn fill_buffer(&mut self, input: &mut &[u8], buffered: usize, needed: usize) -> usize {
        let wanted = u32::try_from(needed.saturating_sub(buffered)).unwrap_or_default();
        let (_, bytes) = self.take(input, wanted);
        let room = self.buffer.get_mut(buffered..).and_then(|room| room.get_mut(..bytes.len()));
        room.unwrap_or_default().iter_mut().zip(bytes).for_each(|(room, byte)| *room = *byte);
        buffered.saturating_add(bytes.len())
    }
}

impl Default for StreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Length of the file identifier in bytes.
const IDENTIFIER_LEN: usize = 4;

/// Returns the length of `bytes`. The length fits into a `u32`, because the decoder computes as a `u32` how many bytes
/// it takes from the input.
fn count(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn to_usize(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
