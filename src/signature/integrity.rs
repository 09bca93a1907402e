//! Image integrity code: a file element (tag 0x0003, defined by later revisions of the specification) with a digest of
//! the bytes before the element.
//!
//! | offset | size | field | unit or value |
//! |---|---|---|---|
//! | 0 | 2 | tag | 0x0003 |
//! | 2 | 4 | length | 16 |
//! | 6 | 16 | digest | AES-MMO over the bytes that [`CodeForm`] names |
//!
//! The integrity code detects accidental damage. The integrity code proves nothing about the origin of a file, because
//! anyone can compute the code. The digest in an integrity code does not cover the bytes after the element of the
//! integrity code. In a file with an integrity code and a signature, the integrity code comes first.

use super::append_elements::ExtendedFile;
use crate::codec::Encode;
use crate::error::{DecodeError, EncodeError};
use crate::file::{Element, Image, StreamDecoder, StreamPiece, Tag};
use crate::mmo::{self, BlockCipher, Digest, MessageTooLong, Mmo, Padding, SoftwareCrypto};

/// Form of an integrity code: the bytes that the digest covers, and the padding of these bytes. In all forms, the
/// digest of an integrity code covers the file header, in which the total image size is the size of the finished file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CodeForm {
    /// Digest over all bytes before the tag of the integrity code's element, as the specification defines.
    BeforeElement,
    /// Digest over all bytes before the data of the integrity code's element; the digest covers tag and length of the
    /// element.
    BeforeData,
    /// Digest over all bytes before the tag of the integrity code's element, with [`Padding::AlwaysShort`]. If the
    /// digest covers less than 8 KiB, it equals the digest of [`BeforeElement`](Self::BeforeElement), and the result of
    /// checking the integrity code is `BeforeElement`.
    ShortPadding,
}

impl CodeForm {
    /// Returns the name of the form for output: `before-element`, `before-data` or `short-padding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeElement => "before-element",
            Self::BeforeData => "before-data",
            Self::ShortPadding => "short-padding",
        }
    }
}

/// Result of checking the integrity code of a file.
// Exhaustive: a code is absent, right or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum IntegrityCode {
    /// The file has no integrity code.
    Absent,
    /// The integrity code matches the file. The variant holds the form of the integrity code.
    Ok(CodeForm),
    /// The integrity code does not match the file in any form of [`CodeForm`], or the length of its data is not 16
    /// bytes.
    Bad,
}

/// Error of [`IntegrityCode::append`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AppendCodeError {
    /// The input is not exactly one valid OTA file.
    #[error(transparent)]
    File(#[from] DecodeError),
    /// The file already has an integrity code, or has a signature, which must stay the last element.
    #[error("the file has an integrity code or a signature")]
    AlreadyFinished,
    /// The output buffer is too small; nothing was written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The file has 512 MiB or more.
    #[error(transparent)]
    TooLong(#[from] MessageTooLong),
}

impl IntegrityCode {
    /// Checks the first integrity code of `image`.
    #[must_use]
    pub fn check(image: &Image<'_>) -> Self {
        let mut check = IntegrityChecker::new();
        check.update(image.bytes());
        check.finish()
    }

    /// Number of bytes that [`append`](Self::append) adds to a file.
    pub const LEN: usize = 22;

    /// Writes `file` to `out` with an integrity code as its last element, and returns the new length in bytes.
    ///
    /// The appended integrity code has the form [`CodeForm::BeforeElement`]. The method updates the total image size in
    /// the header of the file.
    ///
    /// # Errors
    /// Fails if `file` is not exactly one valid OTA file, if it already has an integrity code or a signature, or if it
    /// has 512 MiB or more. Fails if the buffer `out` is too small.
    pub fn append(file: &[u8], out: &mut [u8]) -> Result<usize, AppendCodeError> {
        let image = Image::parse(file)?;
        if image.is_signed() || image.find(Tag::IMAGE_INTEGRITY_CODE).next().is_some() {
            return Err(AppendCodeError::AlreadyFinished);
        }
        mmo::check_len(file.len())?;
        let empty = [Element { tag: Tag::IMAGE_INTEGRITY_CODE, data: &[0; 16] }];
        let len = ExtendedFile::new(&image, &empty)?.encode(out)?;
        // The digest covers the header, so the total image size in the header is updated first.
        write_digest(out, file.len(), CodeForm::BeforeElement)?;
        Ok(len)
    }
}

/// Computes the digest of an integrity code of the form `form`, and writes the digest into the integrity code whose
/// element starts at `start`.
pub(super) fn write_digest(file: &mut [u8], start: usize, form: CodeForm) -> Result<(), MessageTooLong> {
    let (before, element) = file.split_at_mut_checked(start).unwrap_or_default();
    let (head, data) = element.split_at_mut_checked(Element::HEAD_LEN).unwrap_or_default();
    let mut mmo = Mmo::new();
    mmo.update(before);
    if form == CodeForm::BeforeData {
        mmo.update(head);
    }
    let short = form == CodeForm::ShortPadding;
    let digest = mmo.finish_with(if short { Padding::AlwaysShort } else { Padding::Standard })?;
    data.iter_mut().zip(digest).for_each(|(room, byte)| *room = byte);
    Ok(())
}

/// Incremental check of a file's first integrity code. The caller passes the bytes of the file in order, in pieces of
/// any size.
#[derive(Clone, Debug)]
pub struct IntegrityChecker<C = SoftwareCrypto> {
    decoder: StreamDecoder,
    /// Hash of the received bytes before the data of the integrity code.
    mmo: Mmo<C>,
    /// Copy of the hash `mmo` at the end of the last piece that the decoder returned. If the next piece is the start of
    /// an element, `before` is the hash of all bytes before the tag of this element.
    before: Mmo<()>,
    code: Option<ReceivedCode>,
    /// Whether the next bytes of the file belong to the integrity code.
    in_code: bool,
}

/// Received part of an integrity code, and the digests with which the complete code is compared.
#[derive(Clone, Copy, Debug)]
struct ReceivedCode {
    data: [u8; 16],
    /// Number of data bytes of the integrity code's element that were received so far.
    received: usize,
    /// Value of the length field of the integrity code's element.
    length: u32,
    /// Digest that an integrity code of each form must have.
    expected: [(CodeForm, Result<Digest, MessageTooLong>); 3],
}

impl IntegrityChecker {
    /// Creates a checker to which no bytes were passed yet, with AES in software.
    #[must_use]
    pub fn new() -> Self {
        Self::with_cipher(SoftwareCrypto)
    }
}

impl Default for IntegrityChecker {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: BlockCipher> IntegrityChecker<C> {
    /// Creates a checker to which no bytes were passed yet, with the AES of `cipher`.
    #[must_use]
    pub fn with_cipher(cipher: C) -> Self {
        let mmo = Mmo::with_cipher(cipher);
        Self { decoder: StreamDecoder::new(), before: mmo.fork(()), mmo, code: None, in_code: false }
    }

    /// Adds the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut input = bytes;
        loop {
            let start = input;
            // A file that the decoder refuses has no further elements, and so no integrity code.
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
                        self.code = Some(ReceivedCode::new(length, &self.before, &mut self.mmo));
                    }
                }
                Some(StreamPiece::Data { bytes, .. }) if self.in_code => {
                    self.code.iter_mut().for_each(|code| code.push(bytes));
                }
                Some(_) => {}
            }
            if self.code.is_none() {
                self.before = self.mmo.fork(());
            }
        }
    }

    /// Returns the result for the bytes added so far, which must be the whole file.
    #[must_use]
    pub fn finish(self) -> IntegrityCode {
        self.code
            .map_or(IntegrityCode::Absent, |code| code.form().map_or(IntegrityCode::Bad, IntegrityCode::Ok))
    }
}

impl ReceivedCode {
    /// Starts the check of an integrity code. `tag` is the hash of all bytes before the tag of the element with the
    /// integrity code, and `data` is the hash of all bytes before the data of this element.
    fn new<C: BlockCipher>(length: u32, tag: &Mmo<()>, data: &mut Mmo<C>) -> Self {
        let after_head = data.fork(());
        let cipher = data.cipher();
        let mut digest = |mmo: &Mmo<()>, padding| mmo.fork(&mut *cipher).finish_with(padding);
        let expected = [
            (CodeForm::BeforeElement, digest(tag, Padding::Standard)),
            (CodeForm::BeforeData, digest(&after_head, Padding::Standard)),
            (CodeForm::ShortPadding, digest(tag, Padding::AlwaysShort)),
        ];
        Self { data: [0; 16], received: 0, length, expected }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.data.iter_mut().skip(self.received).zip(bytes).for_each(|(room, byte)| *room = *byte);
        self.received = self.received.saturating_add(bytes.len());
    }

    /// Returns the form in which the integrity code matches the file; `None` if the code is incomplete, does not have
    /// 16 bytes, or matches in no form.
    fn form(&self) -> Option<CodeForm> {
        let whole = self.received == self.data.len() && self.length == 16;
        let matching = self.expected.iter().find(|(_, digest)| *digest == Ok(self.data));
        matching.filter(|_| whole).map(|(form, _)| *form)
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

    fn of(file: &[u8]) -> IntegrityCode {
        let whole = IntegrityCode::check(&Image::parse(file).unwrap());
        for size in [1, 5, 61, 62, 63] {
            let mut check = IntegrityChecker::new();
            file.chunks(size).for_each(|piece| check.update(piece));
            assert_eq!(check.finish(), whole, "in pieces of {size} bytes");
        }
        whole
    }

    /// Returns a file with `len` bytes of image data and an integrity code of the form `form`.
    fn coded(len: usize, form: CodeForm) -> Vec<u8> {
        let (data, code) = (std::vec![7; len], [0; 16]);
        let mut file = written(&[
            Element { tag: Tag::UPGRADE_IMAGE, data: &data },
            Element { tag: Tag::IMAGE_INTEGRITY_CODE, data: &code },
        ]);
        let place = file.len() - 16;
        let mut mmo = Mmo::new();
        mmo.update(&file[..if form == CodeForm::BeforeData { place } else { place - 6 }]);
        let short = form == CodeForm::ShortPadding;
        let padding = if short { Padding::AlwaysShort } else { Padding::Standard };
        file[place..].copy_from_slice(&mmo.finish_with(padding).unwrap());
        file
    }

    #[test]
    fn each_form_is_recognised() {
        for (form, name) in [
            (CodeForm::BeforeElement, "before-element"),
            (CodeForm::BeforeData, "before-data"),
            (CodeForm::ShortPadding, "short-padding"),
        ] {
            assert_eq!(form.name(), name);
            let mut file = coded(9_000, form);
            assert_eq!(of(&file), IntegrityCode::Ok(form));
            // Below 8 KiB the standard and the short padding give the same digest.
            let short = if form == CodeForm::BeforeData { form } else { CodeForm::BeforeElement };
            assert_eq!(of(&coded(100, form)), IntegrityCode::Ok(short));
            for place in [0x0a, 52, 56, 70, 9_070, file.len() - 1] {
                file[place] ^= 0x10;
                // Some of the tested changes make the structure of the file invalid.
                if let Ok(image) = Image::parse(&file) {
                    assert_eq!(IntegrityCode::check(&image), IntegrityCode::Bad, "byte {place}");
                }
                file[place] ^= 0x10;
            }
        }
    }

    #[test]
    fn an_absent_code_is_not_a_bad_one() {
        let image = Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 9] };
        assert_eq!(of(&written(&[image])), IntegrityCode::Absent);
        for data in [&[][..], &[0; 15], &[0; 17]] {
            let code = Element { tag: Tag::IMAGE_INTEGRITY_CODE, data };
            assert_eq!(of(&written(&[image, code])), IntegrityCode::Bad);
        }
    }

    #[test]
    fn the_start_of_a_longer_element_is_a_bad_code() {
        let mut file = coded(100, CodeForm::BeforeElement);
        // Both the total image size and the length of the element declare one byte more than is present.
        let (total, length) = (52, file.len() - 20);
        file[total] += 1;
        file[length] += 1;
        let mut mmo = Mmo::new();
        mmo.update(&file[..length - 2]);
        let place = file.len() - 16;
        file[place..].copy_from_slice(&mmo.finish_with(Padding::Standard).unwrap());
        assert_eq!(IntegrityCode::check(&Image::parse_lenient(&file).unwrap()), IntegrityCode::Bad);
    }

    #[test]
    fn append_adds_a_code_by_the_specification() {
        let image = Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 9_000] };
        let file = written(&[image]);
        let mut out = std::vec![0xee; file.len() + 30];
        assert_eq!(IntegrityCode::append(&file, &mut out), Ok(file.len() + IntegrityCode::LEN));
        let (sealed, after) = out.split_at(file.len() + IntegrityCode::LEN);
        assert_eq!(sealed, coded(9_000, CodeForm::BeforeElement));
        assert_eq!(after, [0xee; 8]);

        let mut out = std::vec![0xee; 20_000];
        assert_eq!(IntegrityCode::append(sealed, &mut out), Err(AppendCodeError::AlreadyFinished));
        let signed = written(&[image, Element { tag: Tag::ECDSA_SIGNATURE, data: &[0; 50] }]);
        assert_eq!(IntegrityCode::append(&signed, &mut out), Err(AppendCodeError::AlreadyFinished));
        assert!(matches!(IntegrityCode::append(&file[1..], &mut out), Err(AppendCodeError::File(_))));
        let room = EncodeError::NoRoom { needed: 9_084, available: 9_083 };
        assert_eq!(IntegrityCode::append(&file, &mut out[..9_083]), Err(AppendCodeError::Encode(room)));
        assert_eq!(out, [0xee; 20_000], "an error leaves the buffer unchanged");
    }
}
