//! The image integrity code: an element with a digest over the file before it (later revisions, tag 0x0003).
//!
//! | offset | size | field | unit or value |
//! |---|---|---|---|
//! | 0 | 2 | tag | 0x0003 |
//! | 2 | 4 | length | 16 |
//! | 6 | 16 | digest | of the bytes that [`Form`] says |
//!
//! It tells damage from the way, and nothing about who made the file: anybody can compute it. What stands after the
//! element is in no digest. A file that gets both a code and a signature gets the code first.

use super::longer::Longer;
use crate::codec::Encode;
use crate::error::{DecodeError, EncodeError};
use crate::file::{Element, Image, StreamDecoder, StreamPiece, Tag};
use crate::mmo::{self, BlockCipher, Digest, Mmo, Padding, Software, TooLong};

/// Which of the conventions in use a code follows. All count the total size of the finished file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// By the specification: over all bytes up to the element's tag.
    BeforeElement,
    /// Over all bytes up to the element's data, so that tag and length count.
    BeforeData,
    /// Over all bytes up to the element's tag, but with the short padding at any length. A file of less than 8 KiB has
    /// the same code as by the specification, and is told to have that.
    ShortPadding,
}

impl Form {
    /// A name for people and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeElement => "before-element",
            Self::BeforeData => "before-data",
            Self::ShortPadding => "short-padding",
        }
    }
}

/// What the integrity code of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Integrity {
    /// There is none.
    Absent,
    /// It is right, by this convention.
    Ok(Form),
    /// It is right by no convention, or no digest at all.
    Bad,
}

/// Why a file gets no integrity code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// It is no file by the letter.
    #[error(transparent)]
    File(#[from] DecodeError),
    /// It has a code, or a signature, which must be the last element.
    #[error("the file has an integrity code or a signature")]
    Finished,
    /// The buffer is too small; nothing was written.
    #[error(transparent)]
    Room(#[from] EncodeError),
    /// 512 MiB or more.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

impl Integrity {
    /// Checks the first integrity code of `image`.
    #[must_use]
    pub fn of(image: &Image<'_>) -> Self {
        let mut check = Check::new();
        check.update(image.bytes());
        check.finish()
    }

    /// Bytes that [`append`](Self::append) adds to a file.
    pub const LEN: usize = 22;

    /// Writes `file` to `out` with an integrity code by the specification after its last element; returns the length.
    ///
    /// # Errors
    /// When `file` is not exactly one file by the letter, has a code or a signature, is too long, or `out` too small.
    pub fn append(file: &[u8], out: &mut [u8]) -> Result<usize, CodeError> {
        let image = Image::parse(file)?;
        if image.is_signed() || image.find(Tag::IMAGE_INTEGRITY_CODE).next().is_some() {
            return Err(CodeError::Finished);
        }
        mmo::fits(file.len())?;
        let empty = [Element { tag: Tag::IMAGE_INTEGRITY_CODE, data: &[0; 16] }];
        let len = Longer::new(&image, &empty)?.encode(out)?;
        // The total size in the header is the new one by now, and is in the digest.
        write(out, file.len(), Form::BeforeElement)?;
        Ok(len)
    }
}

/// Writes the digest by `form` into the code whose element starts at `start`.
pub(super) fn write(file: &mut [u8], start: usize, form: Form) -> Result<(), TooLong> {
    let (before, element) = file.split_at_mut_checked(start).unwrap_or_default();
    let (head, data) = element.split_at_mut_checked(Element::HEAD_LEN).unwrap_or_default();
    let mut mmo = Mmo::new();
    mmo.update(before);
    if form == Form::BeforeData {
        mmo.update(head);
    }
    let short = form == Form::ShortPadding;
    let digest = mmo.finish_with(if short { Padding::AlwaysShort } else { Padding::Standard })?;
    data.iter_mut().zip(digest).for_each(|(room, byte)| *room = byte);
    Ok(())
}

/// Checks the first integrity code of a file that comes in pieces of any size, in their order.
#[derive(Clone, Debug)]
pub struct Check<C = Software> {
    decoder: StreamDecoder,
    /// Of all bytes so far, up to the data of the code.
    mmo: Mmo<C>,
    /// As it was after the last piece that is known: where an element starts, if the next one does.
    before: Mmo<()>,
    code: Option<Code>,
    /// Whether the data that comes is the code.
    in_code: bool,
}

/// What was found of a code, and what it should be.
#[derive(Clone, Copy, Debug)]
struct Code {
    data: [u8; 16],
    /// Bytes of data so far, and by the element's length.
    held: usize,
    length: u32,
    right: [(Form, Result<Digest, TooLong>); 3],
}

impl Check {
    /// Before the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self::with_cipher(Software)
    }
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: BlockCipher> Check<C> {
    /// Before the first byte, by another AES.
    #[must_use]
    pub fn with_cipher(cipher: C) -> Self {
        let mmo = Mmo::with_cipher(cipher);
        Self { decoder: StreamDecoder::new(), before: mmo.over(()), mmo, code: None, in_code: false }
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut input = bytes;
        loop {
            let start = input;
            // What the decoder refuses is no file, and has no code.
            let piece = self.decoder.next(&mut input).unwrap_or_default();
            let taken = start.len().saturating_sub(input.len());
            if self.code.is_none() {
                self.mmo.update(start.get(..taken).unwrap_or_default());
            }
            match piece {
                None => return,
                Some(StreamPiece::Element { tag, length, .. }) => {
                    self.in_code = tag == Tag::IMAGE_INTEGRITY_CODE && self.code.is_none();
                    if self.in_code {
                        self.code = Some(Code::new(length, &self.before, &mut self.mmo));
                    }
                }
                Some(StreamPiece::Data { bytes, .. }) if self.in_code => {
                    self.code.iter_mut().for_each(|code| code.push(bytes));
                }
                Some(_) => {}
            }
            if self.code.is_none() {
                self.before = self.mmo.over(());
            }
        }
    }

    /// What the code says of the bytes given, which are the whole file.
    #[must_use]
    pub fn finish(self) -> Integrity {
        self.code.map_or(Integrity::Absent, |code| code.form().map_or(Integrity::Bad, Integrity::Ok))
    }
}

impl Code {
    /// A code whose data starts here, after the bytes of `data`; its tag stands after those of `tag`.
    fn new<C: BlockCipher>(length: u32, tag: &Mmo<()>, data: &mut Mmo<C>) -> Self {
        let after_head = data.over(());
        let cipher = data.cipher();
        let mut digest = |mmo: &Mmo<()>, padding| mmo.over(&mut *cipher).finish_with(padding);
        let right = [
            (Form::BeforeElement, digest(tag, Padding::Standard)),
            (Form::BeforeData, digest(&after_head, Padding::Standard)),
            (Form::ShortPadding, digest(tag, Padding::AlwaysShort)),
        ];
        Self { data: [0; 16], held: 0, length, right }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.data.iter_mut().skip(self.held).zip(bytes).for_each(|(room, byte)| *room = *byte);
        self.held = self.held.saturating_add(bytes.len());
    }

    /// By which convention it is right.
    fn form(&self) -> Option<Form> {
        let whole = self.held == self.data.len() && self.length == 16;
        let right = self.right.iter().find(|(_, digest)| *digest == Ok(self.data));
        right.filter(|_| whole).map(|(form, _)| *form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{FileHeader, FileWriter};
    use crate::types::ImageId;
    use std::vec::Vec;

    const HEADER: FileHeader<'static> = FileHeader::new(ImageId::new(0x1001, 0x00ab, 5));

    fn written(elements: &[Element<'_>]) -> Vec<u8> {
        let writer = FileWriter::new(HEADER, elements).unwrap();
        let mut file = std::vec![0; writer.encoded_len()];
        writer.encode(&mut file).unwrap();
        file
    }

    fn of(file: &[u8]) -> Integrity {
        let whole = Integrity::of(&Image::parse(file).unwrap());
        for size in [1, 5, 61, 62, 63] {
            let mut check = Check::new();
            file.chunks(size).for_each(|piece| check.update(piece));
            assert_eq!(check.finish(), whole, "in pieces of {size} bytes");
        }
        whole
    }

    /// A file of `len` bytes of data, with a code by `form`.
    fn coded(len: usize, form: Form) -> Vec<u8> {
        let (data, code) = (std::vec![7; len], [0; 16]);
        let mut file = written(&[
            Element { tag: Tag::UPGRADE_IMAGE, data: &data },
            Element { tag: Tag::IMAGE_INTEGRITY_CODE, data: &code },
        ]);
        let place = file.len() - 16;
        let mut mmo = Mmo::new();
        mmo.update(&file[..if form == Form::BeforeData { place } else { place - 6 }]);
        let short = form == Form::ShortPadding;
        let padding = if short { Padding::AlwaysShort } else { Padding::Standard };
        file[place..].copy_from_slice(&mmo.finish_with(padding).unwrap());
        file
    }

    #[test]
    fn each_form_is_told() {
        for (form, name) in [
            (Form::BeforeElement, "before-element"),
            (Form::BeforeData, "before-data"),
            (Form::ShortPadding, "short-padding"),
        ] {
            assert_eq!(form.name(), name);
            let mut file = coded(9_000, form);
            assert_eq!(of(&file), Integrity::Ok(form));
            // In a short file the two paddings are one.
            let short = if form == Form::BeforeData { form } else { Form::BeforeElement };
            assert_eq!(of(&coded(100, form)), Integrity::Ok(short));
            for place in [0x0a, 52, 56, 70, 9_070, file.len() - 1] {
                file[place] ^= 0x10;
                // Some of these are no file any more.
                if let Ok(image) = Image::parse(&file) {
                    assert_eq!(Integrity::of(&image), Integrity::Bad, "byte {place}");
                }
                file[place] ^= 0x10;
            }
        }
    }

    #[test]
    fn no_code_is_no_bad_one() {
        let image = Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 9] };
        assert_eq!(of(&written(&[image])), Integrity::Absent);
        for data in [&[][..], &[0; 15], &[0; 17]] {
            let code = Element { tag: Tag::IMAGE_INTEGRITY_CODE, data };
            assert_eq!(of(&written(&[image, code])), Integrity::Bad);
        }
    }

    #[test]
    fn the_start_of_a_longer_element_is_no_code() {
        let mut file = coded(100, Form::BeforeElement);
        // Both the file and the element go on for a byte that is not there.
        let (total, length) = (52, file.len() - 20);
        file[total] += 1;
        file[length] += 1;
        let mut mmo = Mmo::new();
        mmo.update(&file[..length - 2]);
        let place = file.len() - 16;
        file[place..].copy_from_slice(&mmo.finish_with(Padding::Standard).unwrap());
        assert_eq!(Integrity::of(&Image::parse_lenient(&file).unwrap()), Integrity::Bad);
    }

    #[test]
    fn a_code_is_appended_by_the_specification() {
        let image = Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 9_000] };
        let file = written(&[image]);
        let mut out = std::vec![0xee; file.len() + 30];
        assert_eq!(Integrity::append(&file, &mut out), Ok(file.len() + Integrity::LEN));
        let (sealed, after) = out.split_at(file.len() + Integrity::LEN);
        assert_eq!(sealed, coded(9_000, Form::BeforeElement));
        assert_eq!(after, [0xee; 8]);

        let mut out = std::vec![0xee; 20_000];
        assert_eq!(Integrity::append(sealed, &mut out), Err(CodeError::Finished));
        let signed = written(&[image, Element { tag: Tag::ECDSA_SIGNATURE, data: &[0; 50] }]);
        assert_eq!(Integrity::append(&signed, &mut out), Err(CodeError::Finished));
        assert!(matches!(Integrity::append(&file[1..], &mut out), Err(CodeError::File(_))));
        let room = EncodeError::NoRoom { needed: 9_084, available: 9_083 };
        assert_eq!(Integrity::append(&file, &mut out[..9_083]), Err(CodeError::Room(room)));
        assert_eq!(out, [0xee; 20_000], "nothing is written by an error");
    }
}
