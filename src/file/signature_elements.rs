//! Signature and certificate elements of a signed file.
//!
//! Sections refer to ZigBee document 095264 (2011), which defines crypto suite 1 only. A signature covers all bytes of
//! the file before the signature itself, including the IEEE address of the signer.
//!
//! | tag | data bytes | suite | data |
//! |---|---|---|---|
//! | 0x0001 | 50 | 1 | signer's IEEE address (8, little endian), signature (42) |
//! | 0x0002 | 48 | 1 | certificate |
//! | 0x0005 | 80 | 2 | signer's IEEE address (8, little endian), signature (72) |
//! | 0x0006 | 74 | 2 | certificate |

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::{Element, PlacedElement, Tag};
use crate::codec::{Emit, Sink, fixed, locate};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::types::Eui64;

/// Signature element, which must be the last element of its file (section 6.3.5). Reading a signature element does not
/// verify the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// Exhaustive: every revision has these two suites, and code that verifies signatures must handle each.
pub enum SignatureElement<'a> {
    /// Signature element of crypto suite 1, tag 0x0001.
    Suite1 {
        /// IEEE address of the signer.
        signer: Eui64,
        /// Signature: the numbers r and s, 21 bytes each, big endian.
        #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::array"))]
        signature: &'a [u8; 42],
    },
    /// Signature element of crypto suite 2, tag 0x0005 (later revisions of the specification).
    Suite2 {
        /// IEEE address of the signer.
        signer: Eui64,
        /// Signature: the numbers r and s, 36 bytes each, big endian.
        #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::array"))]
        signature: &'a [u8; 72],
    },
}

/// Certificate element with the bytes of the signer's certificate, which the crate does not parse (section 6.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// Exhaustive, like `SignatureElement`.
pub enum CertificateElement<'a> {
    /// Certificate element of crypto suite 1, tag 0x0002.
    Suite1(#[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::array"))] &'a [u8; 48]),
    /// Certificate element of crypto suite 2, tag 0x0006 (later revisions of the specification).
    Suite2(#[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::array"))] &'a [u8; 74]),
}

/// Data of a signature element with a signature of `N` bytes.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawSignature<const N: usize> {
    signer: U64,
    signature: [u8; N],
}

impl<'a> SignatureElement<'a> {
    /// Reads a signature element. Returns `None` if the tag does not mark a signature.
    ///
    /// # Errors
    /// In an error of `SignatureElement::parse`, the field `item` is "signature element", and the field `offset` counts
    /// from the first byte of the header. Fails with [`Truncated`](DecodeErrorKind::Truncated) if the data is shorter
    /// than the tag requires, and with [`TrailingBytes`](DecodeErrorKind::TrailingBytes) if the data is longer.
    pub fn parse(placed: &PlacedElement<'a>) -> Result<Option<Self>, DecodeError> {
        match placed.element.tag {
            Tag::ECDSA_SIGNATURE => {
                parse_exactly("signature element", placed).map(|RawSignature { signer, signature }| {
                    Some(Self::Suite1 { signer: Eui64(signer.get()), signature })
                })
            }
            Tag::ECDSA_SIGNATURE_2 => {
                parse_exactly("signature element", placed).map(|RawSignature { signer, signature }| {
                    Some(Self::Suite2 { signer: Eui64(signer.get()), signature })
                })
            }
            _ => Ok(None),
        }
    }

    /// Returns the IEEE address of the signer, which is at the start of the element data (section 6.3.5).
    #[must_use]
    pub const fn signer(&self) -> Eui64 {
        match *self {
            Self::Suite1 { signer, .. } | Self::Suite2 { signer, .. } => signer,
        }
    }

    fn tag_and_signature(&self) -> (Tag, &'a [u8]) {
        match *self {
            Self::Suite1 { signer: _, signature } => (Tag::ECDSA_SIGNATURE, signature),
            Self::Suite2 { signer: _, signature } => (Tag::ECDSA_SIGNATURE_2, signature),
        }
    }
}

impl<'a> CertificateElement<'a> {
    /// Reads a certificate element. Returns `None` if the tag does not mark a certificate.
    ///
    /// # Errors
    /// `CertificateElement::parse` returns the same errors as [`SignatureElement::parse`], but the field `item` of an
    /// error is "signing certificate element".
    pub fn parse(placed: &PlacedElement<'a>) -> Result<Option<Self>, DecodeError> {
        match placed.element.tag {
            Tag::ECDSA_CERTIFICATE => {
                parse_exactly("signing certificate element", placed).map(|bytes| Some(Self::Suite1(bytes)))
            }
            Tag::ECDSA_CERTIFICATE_2 => {
                parse_exactly("signing certificate element", placed).map(|bytes| Some(Self::Suite2(bytes)))
            }
            _ => Ok(None),
        }
    }

    /// Returns the tag and data of this certificate element.
    #[must_use]
    pub const fn element(&self) -> Element<'a> {
        match *self {
            Self::Suite1(data) => Element { tag: Tag::ECDSA_CERTIFICATE, data },
            Self::Suite2(data) => Element { tag: Tag::ECDSA_CERTIFICATE_2, data },
        }
    }
}

/// Reads the data of an element as a `T`. The data must be exactly as long as a `T`.
fn parse_exactly<'a, T>(item: &'static str, placed: &PlacedElement<'a>) -> Result<&'a T, DecodeError>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    let (offset, data) = (placed.data_offset(), placed.element.data);
    match locate(item, offset, data, fixed(data))? {
        (value, []) => Ok(value),
        (_, rest) => {
            let offset = offset.saturating_add(size_of::<T>());
            Err(DecodeError { item, offset, kind: DecodeErrorKind::TrailingBytes { count: rest.len() } })
        }
    }
}

impl Emit for SignatureElement<'_> {
    fn len(&self) -> usize {
        let (_, signature) = self.tag_and_signature();
        [Element::HEAD_LEN, size_of::<Eui64>(), signature.len()].into_iter().fold(0, usize::saturating_add)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let (tag, signature) = self.tag_and_signature();
        let length = size_of::<Eui64>().saturating_add(signature.len());
        out.array(&super::element::encode_head(tag, u32::try_from(length).unwrap_or(u32::MAX)));
        out.array(&self.signer().0.to_le_bytes());
        out.bytes(signature);
    }
}

impl Emit for CertificateElement<'_> {
    fn len(&self) -> usize {
        self.element().len()
    }

    fn emit(&self, out: &mut Sink<'_>) {
        self.element().emit(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::file::{FileHeader, FileWriteError, FileWriter, Image};
    use crate::types::ImageId;
    use std::vec::Vec;

    const HEADER: FileHeader<'static> = FileHeader::new(ImageId::new(0x1001, 0x00ab, 5));
    const SIGNER: Eui64 = Eui64(0x0123_4567_89ab_cdef);

    fn encoded(value: &impl Encode) -> Vec<u8> {
        let mut bytes = std::vec![0; value.encoded_len()];
        assert_eq!(value.encode(&mut bytes), Ok(bytes.len()));
        bytes
    }

    /// A file with `elements`, made by the writer.
    fn file(elements: &[Element<'_>]) -> Vec<u8> {
        encoded(&FileWriter::new(HEADER, elements).unwrap())
    }

    fn placed(tag: Tag, data: &[u8]) -> PlacedElement<'_> {
        let length = u32::try_from(data.len()).unwrap();
        PlacedElement { offset: 100, length, telink_info: None, element: Element { tag, data } }
    }

    /// Shows: FILE-057, FILE-059
    #[test]
    fn a_signature_is_the_address_of_the_signer_and_a_fixed_number_of_bytes() {
        let (one, two) = ([0x51; 42], [0x52; 72]);
        let one = SignatureElement::Suite1 { signer: SIGNER, signature: &one };
        let two = SignatureElement::Suite2 { signer: SIGNER, signature: &two };
        for (element, len, start) in [(one, 56, [1, 0, 50, 0, 0, 0]), (two, 86, [5, 0, 80, 0, 0, 0])] {
            let bytes = encoded(&element);
            assert_eq!((bytes.len(), &bytes[..6]), (len, &start[..]));
            assert_eq!(bytes[6..14], [0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01]);
            let read = placed(Tag(u16::from(start[0])), &bytes[6..]);
            assert_eq!(SignatureElement::parse(&read), Ok(Some(element)));
            assert_eq!(element.signer(), SIGNER);

            let short = DecodeErrorKind::Truncated { needed: len - 6, present: len - 7 };
            assert_eq!(
                SignatureElement::parse(&placed(read.element.tag, &bytes[6..len - 1])),
                Err(DecodeError { item: "signature element", offset: 106, kind: short })
            );
            let kind = DecodeErrorKind::TrailingBytes { count: 1 };
            assert_eq!(
                SignatureElement::parse(&placed(read.element.tag, &[&bytes[6..], &[0]].concat())),
                Err(DecodeError { item: "signature element", offset: 100 + len, kind })
            );
        }
        assert_eq!(SignatureElement::parse(&placed(Tag::ECDSA_CERTIFICATE, &[0; 50])), Ok(None));
    }

    /// Shows: FILE-060, FILE-061
    #[test]
    fn a_certificate_is_a_fixed_number_of_bytes_that_are_kept() {
        let bytes: [u8; 74] = core::array::from_fn(|i| u8::try_from(i).unwrap() ^ 0xa5);
        let (one, _) = bytes.split_first_chunk().unwrap();
        for (certificate, len, start) in [
            (CertificateElement::Suite1(one), 54, [2, 0, 48, 0, 0, 0]),
            (CertificateElement::Suite2(&bytes), 80, [6, 0, 74, 0, 0, 0]),
        ] {
            let written = encoded(&certificate);
            assert_eq!((written.len(), &written[..6]), (len, &start[..]));
            assert_eq!(written[6..], bytes[..len - 6]);
            let read = placed(certificate.element().tag, &written[6..]);
            assert_eq!(CertificateElement::parse(&read), Ok(Some(certificate)));
            for wrong in [&written[6..len - 1], &[&written[6..], &[0]].concat()] {
                let error = CertificateElement::parse(&placed(read.element.tag, wrong)).unwrap_err();
                assert_eq!(error.item, "signing certificate element", "{error}");
            }
        }
        assert_eq!(CertificateElement::parse(&placed(Tag::ECDSA_SIGNATURE, &[0; 48])), Ok(None));
    }

    /// Shows: FILE-058
    #[test]
    fn a_signature_is_the_last_element() {
        let signature = Element { tag: Tag::ECDSA_SIGNATURE, data: &[1; 50] };
        let other = Element { tag: Tag::UPGRADE_IMAGE, data: &[1; 4] };
        let signed = file(&[other, signature]);
        let read = Image::parse(&signed).unwrap().signature().unwrap().unwrap();
        assert_eq!(
            read,
            SignatureElement::Suite1 { signer: Eui64(0x0101_0101_0101_0101), signature: &[1; 42] }
        );
        assert_eq!(Image::parse(&file(&[other, other])).unwrap().signature(), Ok(None));

        let later = Element { tag: Tag::ECDSA_SIGNATURE_2, data: &[1; 80] };
        for (after, bytes) in [(other, encoded(&other)), (later, encoded(&later))] {
            assert_eq!(
                FileWriter::new(HEADER, &[signature, after]),
                Err(FileWriteError::SignatureNotLast { element: 0 })
            );
            let mut bytes = [signed.clone(), bytes].concat();
            bytes[52] = u8::try_from(bytes.len()).unwrap();
            let error = Image::parse(&bytes).unwrap().signature().unwrap_err();
            let kind = DecodeErrorKind::SignatureNotLast;
            assert_eq!(error, DecodeError { item: "signature element", offset: 66, kind });
        }
    }
}
