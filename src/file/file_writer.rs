//! Writer of OTA files. The writer computes the header length and the total image size.
//!
//! ```text
//! | header with computed lengths | element | element | ...
//! ```

use super::{Element, FileHeader};
#[cfg(feature = "std")]
use crate::codec::Encode;
use crate::codec::{Emit, Sink};
use crate::types::HardwareRange;

/// Reason why a file cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FileWriteError {
    /// The text for the header string takes more than 32 bytes (section 6.3.2.9).
    #[error("header string of {len} bytes, at most 32 fit")]
    HeaderStringTooLong {
        /// Length in bytes of the text for the header string.
        len: usize,
    },
    /// The extra bytes make the header longer than 65,535 bytes, the maximum of the 16-bit header length field.
    #[error("header of {len} bytes, at most 65535 can be counted")]
    HeaderTooLong {
        /// Length of the header in bytes.
        len: usize,
    },
    /// The file is longer than 4,294,967,295 bytes, the maximum of the 32-bit total image size.
    #[error("file of {len} bytes, at most 4294967295 can be counted")]
    FileTooLong {
        /// Length of the file in bytes. The file may be longer than the address space, because several elements may
        /// borrow the same data.
        len: u64,
    },
    /// The hardware range is empty, so no device could use the file (sections 6.3.2.13 and 6.3.2.14).
    #[error("minimum hardware version {:#06x} lies above the maximum {:#06x}", .0.min.0, .0.max.0)]
    EmptyHardwareRange(HardwareRange),
    /// An element follows a signature element, which must be the last element (section 6.3.5).
    #[error("element {element} is a signature, which must be the last element")]
    SignatureNotLast {
        /// Index of the signature element in the list of elements, counted from 0.
        element: usize,
    },
}

/// Writer of an OTA file. The written file contains the header, then the elements in the given order (section 6.3).
///
/// [`Encode`](crate::Encode) writes the file to a buffer. [`write_to`](Self::write_to) writes the file to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileWriter<'a> {
    header: FileHeader<'a>,
    elements: &'a [Element<'a>],
}

impl<'a> FileWriter<'a> {
    /// Creates a writer of a file with the header `header` and the elements `elements`. The writer replaces
    /// `header.total_size` with the length of the file.
    ///
    /// Of the bits in `header.other_control`, the writer writes only the reserved bits. Bit 1 of the written field
    /// control (device specific) is set if and only if the header has a destination (section 6.3.2.12).
    ///
    /// # Errors
    /// - [`EmptyHardwareRange`](FileWriteError::EmptyHardwareRange) if no device could use the file.
    /// - [`SignatureNotLast`](FileWriteError::SignatureNotLast) if an element follows a signature element (section
    ///   6.3.5).
    /// - [`HeaderTooLong`](FileWriteError::HeaderTooLong) if the extra bytes make the header longer than 65,535 bytes.
    /// - [`FileTooLong`](FileWriteError::FileTooLong) if the file is longer than 4,294,967,295 bytes, the maximum of
    ///   the 32-bit total image size.
    pub fn new(header: FileHeader<'a>, elements: &'a [Element<'a>]) -> Result<Self, FileWriteError> {
        let other_control = header.other_control.reserved();
        let header = FileHeader { other_control, ..header };
        if let Some(range) = header.hardware.filter(|range| range.is_empty()) {
            return Err(FileWriteError::EmptyHardwareRange(range));
        }
        if let Some((_, first)) = elements.split_last()
            && let Some(element) = first.iter().position(|element| element.tag.is_signature())
        {
            return Err(FileWriteError::SignatureNotLast { element });
        }
        let uncounted = header.extra.len().saturating_sub(header.written_extra().len());
        if uncounted > 0 {
            return Err(FileWriteError::HeaderTooLong {
                len: usize::from(u16::MAX).saturating_add(uncounted),
            });
        }
        // The sum is no `usize`: a 32-bit sum that stopped at its maximum would equal the length of the longest file.
        let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        let sizes =
            elements.iter().map(|element| count(Element::HEAD_LEN).saturating_add(count(element.data.len())));
        let len = sizes.fold(count(header.header_len()), u64::saturating_add);
        let total_size = u32::try_from(len).map_err(|_| FileWriteError::FileTooLong { len })?;
        Ok(Self { header: FileHeader { total_size, ..header }, elements })
    }

    /// Writes the file to `out`.
    ///
    /// # Errors
    /// `write_to` returns the errors of the stream `out`.
    #[cfg(feature = "std")]
    pub fn write_to(&self, mut out: impl std::io::Write) -> std::io::Result<()> {
        // Each element is written by itself. `to_vec` would copy the data of all elements, and so double the memory for
        // the data.
        out.write_all(&self.header.to_vec())?;
        self.elements.iter().try_for_each(|element| {
            out.write_all(&element.head())?;
            out.write_all(element.data)
        })
    }

    /// Returns the header as it is written, with the computed total image size.
    #[must_use]
    pub const fn header(&self) -> &FileHeader<'a> {
        &self.header
    }
}

impl Emit for FileWriter<'_> {
    fn len(&self) -> usize {
        usize::try_from(self.header.total_size).unwrap_or(usize::MAX)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        self.header.emit(out);
        self.elements.iter().for_each(|element| element.emit(out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::file::{HeaderAnomalies, HeaderControl, Image, Tag};
    use crate::types::{Eui64, HardwareVersion, ImageId};
    use std::vec::Vec;

    const HEADER: FileHeader<'static> = FileHeader::new(ImageId::new(0x1001, 0x00ab, 0x1005_3519));

    fn written(writer: &FileWriter<'_>) -> Vec<u8> {
        let mut file = std::vec![0; writer.encoded_len()];
        assert_eq!(writer.encode(&mut file), Ok(file.len()));
        #[cfg(feature = "std")]
        {
            let mut streamed = Vec::new();
            writer.write_to(&mut streamed).unwrap();
            assert_eq!(streamed, file);
            let mut full = &mut streamed[1..];
            assert_eq!(writer.write_to(&mut full).unwrap_err().kind(), std::io::ErrorKind::WriteZero);
        }
        file
    }

    /// Shows: FILE-037
    #[test]
    fn the_total_size_counts_header_and_elements() {
        let signature = Element { tag: Tag::ECDSA_SIGNATURE, data: &[1; 50] };
        for count in 0..=5 {
            let plain = std::vec![Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 9] }; count];
            let signed = [&plain[..], &[signature]].concat();
            for (elements, total) in [(&plain, 56 + 15 * count), (&signed, 56 + 15 * count + 56)] {
                let writer = FileWriter::new(FileHeader { total_size: 1, ..HEADER }, elements).unwrap();
                let file = written(&writer);
                assert_eq!(file.len(), total);
                assert_eq!(file[52..56], u32::try_from(total).unwrap().to_le_bytes());
                assert_eq!(writer.header().total_size, u32::try_from(total).unwrap());
            }
        }
    }

    /// Shows: FILE-013
    #[test]
    fn the_header_length_is_the_offset_of_the_first_element() {
        let range = HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) };
        let elements = [Element { tag: Tag(0xf0f0), data: &[] }];
        for (destination, hardware, extra, offset) in [
            (None, None, &[][..], 56_u8),
            (Some(Eui64(1)), None, &[], 64),
            (None, Some(range), &[1, 2], 62),
            (Some(Eui64(1)), Some(range), &[0; 7], 75),
        ] {
            let file = written(
                &FileWriter::new(FileHeader { destination, hardware, extra, ..HEADER }, &elements).unwrap(),
            );
            assert_eq!(file[6..8], [offset, 0]);
            assert_eq!(file[usize::from(offset)..], [0xf0, 0xf0, 0, 0, 0, 0]);
        }
    }

    /// Shows: FILE-042
    #[test]
    fn a_file_is_device_specific_with_its_destination_only() {
        let header = FileHeader { other_control: HeaderControl(0xffff), ..HEADER };
        assert_eq!(
            header.anomalies(),
            HeaderAnomalies { destination_missing: true, reserved_bits: true, ..HeaderAnomalies::default() }
        );
        let file = written(&FileWriter::new(header, &[]).unwrap());
        assert_eq!(file[8..10], [0xf8, 0xff]);
        assert!(!Image::parse(&file).unwrap().header().is_device_specific());

        let header = FileHeader { destination: Some(Eui64(7)), ..header };
        let file = written(&FileWriter::new(header, &[]).unwrap());
        assert_eq!(file[8..10], [0xfa, 0xff]);
        assert_eq!(Image::parse(&file).unwrap().header().destination, Some(Eui64(7)));
    }

    /// Shows: FILE-045
    #[test]
    fn a_file_for_no_hardware_is_refused_and_readable() {
        let range = HardwareRange { min: HardwareVersion(2), max: HardwareVersion(1) };
        let header = FileHeader { hardware: Some(range), total_size: 60, ..HEADER };
        let error = FileWriter::new(header, &[]).unwrap_err();
        assert_eq!(error, FileWriteError::EmptyHardwareRange(range));
        assert_eq!(
            std::string::ToString::to_string(&error),
            "minimum hardware version 0x0002 lies above the maximum 0x0001"
        );
        let mut file = [0; 60];
        header.encode(&mut file).unwrap();
        let image = Image::parse(&file).unwrap();
        assert_eq!(
            image.header().anomalies(),
            HeaderAnomalies { hardware_range_empty: true, ..HeaderAnomalies::default() }
        );
        assert!((0..=u16::MAX).all(|hardware| !image.header().suits(HardwareVersion(hardware))));
        assert_eq!(
            FileWriter::new(
                FileHeader { hardware: Some(HardwareRange { min: range.max, ..range }), ..header },
                &[]
            )
            .map(|writer| writer.encoded_len()),
            Ok(60)
        );
    }

    #[test]
    fn lengths_that_their_field_cannot_count_are_refused() {
        let extra = std::vec![0; 65_535 - 60 + 1];
        let range = HardwareRange { min: HardwareVersion(0), max: HardwareVersion(1) };
        let header = FileHeader { hardware: Some(range), extra: &extra, ..HEADER };
        assert_eq!(FileWriter::new(header, &[]), Err(FileWriteError::HeaderTooLong { len: 65_536 }));
        let longest = FileHeader { extra: &extra[1..], ..header };
        let file = written(&FileWriter::new(longest, &[]).unwrap());
        assert_eq!(Image::parse(&file).unwrap().header().extra.len(), 65_475);
        let mut cut = std::vec![0; 65_535];
        assert_eq!(
            header.encode(&mut cut),
            Ok(65_535),
            "a header alone writes the extra bytes that its length field can count"
        );
    }

    /// All elements borrow the same data, so the test needs memory for only 16 MiB of the 4 GiB that the writer counts.
    #[test]
    fn a_file_is_as_long_as_its_size_field_can_count_and_no_longer() {
        let data = std::vec![0; 0x0100_0000 - 6];
        let elements = std::vec![Element { tag: Tag::UPGRADE_IMAGE, data: &data }; 256];
        assert_eq!(
            FileWriter::new(HEADER, &elements),
            Err(FileWriteError::FileTooLong { len: 0x1_0000_0038 })
        );
        let writer = FileWriter::new(HEADER, &elements[1..]).unwrap();
        assert_eq!((writer.encoded_len(), writer.header().total_size), (0xff00_0038, 0xff00_0038));

        let longest = [&elements[1..], &[Element { tag: Tag(0xf000), data: &data[..0x00ff_ffc1] }]].concat();
        let writer = FileWriter::new(HEADER, &longest).unwrap();
        assert_eq!((writer.encoded_len(), writer.header().total_size), (0xffff_ffff, 0xffff_ffff));
        let longer = [&elements[1..], &[Element { tag: Tag(0xf000), data: &data[..0x00ff_ffc2] }]].concat();
        let error = FileWriter::new(HEADER, &longer).unwrap_err();
        assert_eq!(error, FileWriteError::FileTooLong { len: 0x1_0000_0000 });
        assert_eq!(
            std::string::ToString::to_string(&error),
            "file of 4294967296 bytes, at most 4294967295 can be counted"
        );
    }
}
