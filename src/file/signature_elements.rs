//! The elements of a signed file: the signer's certificate, and the signature over everything before it.
//!
//! | tag | data bytes | suite | data |
//! |---|---|---|---|
//! | 0x0001 | 50 | 1 | signer's IEEE address (8, little endian), signature (42) |
//! | 0x0002 | 48 | 1 | certificate |
//! | 0x0005 | 80 | 2 | signer's IEEE address (8, little endian), signature (72) |
//! | 0x0006 | 74 | 2 | certificate |

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::{Element, Image, PlacedElement, Tag};
use crate::codec::{Emit, Sink, fixed, locate};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::types::Eui64;

/// A signature element (section 6.3.5), which is the last one of its file. Whether the signature is right is another
/// question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SignatureElement<'a> {
    /// Crypto suite 1, tag 0x0001.
    Suite1 {
        /// Who signed the file.
        signer: Eui64,
        /// The numbers r and s, 21 bytes each, big endian.
        #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::array"))]
        signature: &'a [u8; 42],
    },
    /// Crypto suite 2, tag 0x0005 (later revisions).
    Suite2 {
        /// Who signed the file.
        signer: Eui64,
        /// The numbers r and s, 36 bytes each, big endian.
        #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::array"))]
        signature: &'a [u8; 72],
    },
}

/// A signer's certificate (section 6.3.6), kept as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CertificateElement<'a> {
    /// Crypto suite 1, tag 0x0002.
    Suite1(#[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::array"))] &'a [u8; 48]),
    /// Crypto suite 2, tag 0x0006 (later revisions).
    Suite2(#[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes::array"))] &'a [u8; 74]),
}

/// The data of a signature element with a signature of `N` bytes.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Data<const N: usize> {
    signer: U64,
    signature: [u8; N],
}

impl Tag {
    /// Whether this is a signature, of either crypto suite.
    #[must_use]
    pub const fn is_signature(self) -> bool {
        matches!(self.0, 0x0001 | 0x0005)
    }
}

impl<'a> SignatureElement<'a> {
    /// Reads a signature element; `None` when its tag is another one.
    ///
    /// # Errors
    /// Of "signature element", in bytes from the first byte of the header:
    /// [`Truncated`](DecodeErrorKind::Truncated) or [`TrailingBytes`](DecodeErrorKind::TrailingBytes) when the data is
    /// shorter or longer than the tag asks for.
    pub fn parse(at: &PlacedElement<'a>) -> Result<Option<Self>, DecodeError> {
        match at.element.tag {
            Tag::ECDSA_SIGNATURE => exactly("signature element", at).map(|Data { signer, signature }| {
                Some(Self::Suite1 { signer: Eui64(signer.get()), signature })
            }),
            Tag::ECDSA_SIGNATURE_2 => exactly("signature element", at).map(|Data { signer, signature }| {
                Some(Self::Suite2 { signer: Eui64(signer.get()), signature })
            }),
            _ => Ok(None),
        }
    }

    /// Who signed the file: the IEEE address at the start of the element (section 6.3.5).
    #[must_use]
    pub const fn signer(&self) -> Eui64 {
        match *self {
            Self::Suite1 { signer, .. } | Self::Suite2 { signer, .. } => signer,
        }
    }

    fn tag_and_signature(&self) -> (Tag, &'a [u8]) {
        match *self {
            Self::Suite1 { signature, .. } => (Tag::ECDSA_SIGNATURE, signature),
            Self::Suite2 { signature, .. } => (Tag::ECDSA_SIGNATURE_2, signature),
        }
    }
}

impl<'a> CertificateElement<'a> {
    /// Reads a certificate element; `None` when its tag is another one.
    ///
    /// # Errors
    /// As of [`SignatureElement::parse`], of "signing certificate element".
    pub fn parse(at: &PlacedElement<'a>) -> Result<Option<Self>, DecodeError> {
        match at.element.tag {
            Tag::ECDSA_CERTIFICATE => {
                exactly("signing certificate element", at).map(|bytes| Some(Self::Suite1(bytes)))
            }
            Tag::ECDSA_CERTIFICATE_2 => {
                exactly("signing certificate element", at).map(|bytes| Some(Self::Suite2(bytes)))
            }
            _ => Ok(None),
        }
    }

    /// The element, to be written.
    #[must_use]
    pub const fn element(&self) -> Element<'a> {
        match *self {
            Self::Suite1(data) => Element { tag: Tag::ECDSA_CERTIFICATE, data },
            Self::Suite2(data) => Element { tag: Tag::ECDSA_CERTIFICATE_2, data },
        }
    }
}

impl<'a> Image<'a> {
    /// The signature of the file; `None` when there is none. Nothing in the header tells (section 6.3.2.4).
    ///
    /// # Errors
    /// Those of [`SignatureElement::parse`]; [`SignatureNotLast`](DecodeErrorKind::SignatureNotLast) at the first
    /// signature element when another element follows it, a second signature too (section 6.3.5).
    pub fn signature(&self) -> Result<Option<SignatureElement<'a>>, DecodeError> {
        let mut elements = self.elements();
        let Some(at) = elements.find(|at| at.element.tag.is_signature()) else { return Ok(None) };
        if elements.next().is_some() {
            let kind = DecodeErrorKind::SignatureNotLast;
            return Err(DecodeError { item: "signature element", offset: at.offset, kind });
        }
        SignatureElement::parse(&at)
    }
}

/// The data of an element as a structure of exactly its length.
fn exactly<'a, T>(item: &'static str, at: &PlacedElement<'a>) -> Result<&'a T, DecodeError>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    let (offset, data) = (at.data_offset(), at.element.data);
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
        out.array(&super::element::head(tag, u32::try_from(length).unwrap_or(u32::MAX)));
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
    use crate::error::EncodeError;
    use crate::file::{FileHeader, FileWriter};
    use crate::types::ImageId;
    use std::vec::Vec;

    const HEADER: FileHeader<'static> = FileHeader::new(ImageId::new(0x1001, 0x00ab, 5));
    const SIGNER: Eui64 = Eui64(0x0123_4567_89ab_cdef);

    fn encoded(value: &impl Encode) -> Vec<u8> {
        let mut bytes = std::vec![0; value.encoded_len()];
        assert_eq!(value.encode(&mut bytes), Ok(bytes.len()));
        bytes
    }

    /// A file with these elements, by the writer.
    fn file(elements: &[Element<'_>]) -> Vec<u8> {
        encoded(&FileWriter::new(HEADER, elements).unwrap())
    }

    fn at(tag: Tag, data: &[u8]) -> PlacedElement<'_> {
        let length = u32::try_from(data.len()).unwrap();
        PlacedElement { offset: 100, length, info: None, element: Element { tag, data } }
    }

    /// Shows: FILE-057, FILE-059
    #[test]
    fn a_signature_is_the_signers_address_and_so_many_bytes() {
        let (one, two) = ([0x51; 42], [0x52; 72]);
        let one = SignatureElement::Suite1 { signer: SIGNER, signature: &one };
        let two = SignatureElement::Suite2 { signer: SIGNER, signature: &two };
        for (element, len, start) in [(one, 56, [1, 0, 50, 0, 0, 0]), (two, 86, [5, 0, 80, 0, 0, 0])] {
            let bytes = encoded(&element);
            assert_eq!((bytes.len(), &bytes[..6]), (len, &start[..]));
            assert_eq!(bytes[6..14], [0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01]);
            let read = at(Tag(u16::from(start[0])), &bytes[6..]);
            assert_eq!(SignatureElement::parse(&read), Ok(Some(element)));
            assert_eq!(element.signer(), SIGNER);

            let short = DecodeErrorKind::Truncated { needed: len - 6, present: len - 7 };
            assert_eq!(
                SignatureElement::parse(&at(read.element.tag, &bytes[6..len - 1])),
                Err(DecodeError { item: "signature element", offset: 106, kind: short })
            );
            let kind = DecodeErrorKind::TrailingBytes { count: 1 };
            assert_eq!(
                SignatureElement::parse(&at(read.element.tag, &[&bytes[6..], &[0]].concat())),
                Err(DecodeError { item: "signature element", offset: 100 + len, kind })
            );
        }
        assert_eq!(SignatureElement::parse(&at(Tag::ECDSA_CERTIFICATE, &[0; 50])), Ok(None));
    }

    /// Shows: FILE-060, FILE-061
    #[test]
    fn a_certificate_is_so_many_bytes_that_are_kept() {
        let bytes: [u8; 74] = core::array::from_fn(|i| u8::try_from(i).unwrap() ^ 0xa5);
        let (one, _) = bytes.split_first_chunk().unwrap();
        for (certificate, len, start) in [
            (CertificateElement::Suite1(one), 54, [2, 0, 48, 0, 0, 0]),
            (CertificateElement::Suite2(&bytes), 80, [6, 0, 74, 0, 0, 0]),
        ] {
            let written = encoded(&certificate);
            assert_eq!((written.len(), &written[..6]), (len, &start[..]));
            assert_eq!(written[6..], bytes[..len - 6]);
            let read = at(certificate.element().tag, &written[6..]);
            assert_eq!(CertificateElement::parse(&read), Ok(Some(certificate)));
            for wrong in [&written[6..len - 1], &[&written[6..], &[0]].concat()] {
                let error = CertificateElement::parse(&at(read.element.tag, wrong)).unwrap_err();
                assert_eq!(error.item, "signing certificate element", "{error}");
            }
        }
        assert_eq!(CertificateElement::parse(&at(Tag::ECDSA_SIGNATURE, &[0; 48])), Ok(None));
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
                Err(EncodeError::SignatureNotLast { element: 0 })
            );
            let mut bytes = [signed.clone(), bytes].concat();
            bytes[52] = u8::try_from(bytes.len()).unwrap();
            let error = Image::parse(&bytes).unwrap().signature().unwrap_err();
            let kind = DecodeErrorKind::SignatureNotLast;
            assert_eq!(error, DecodeError { item: "signature element", offset: 66, kind });
        }
    }
}
