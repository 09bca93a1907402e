//! Writing a file: sizes are counted here, never given.
//!
//! ```text
//! | header, its lengths counted | element | element | ...
//! ```

use super::{Element, FileHeader, HeaderControl};
#[cfg(feature = "std")]
use crate::codec::Encode;
use crate::codec::{Emit, Sink};
use crate::error::EncodeError;

/// A file to be written by [`Encode`](crate::Encode): header, then the elements in their order (section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileWriter<'a> {
    header: FileHeader<'a>,
    elements: &'a [Element<'a>],
    len: usize,
}

impl<'a> FileWriter<'a> {
    /// Prepares a file; `header.total_size` is replaced by the length of the file.
    ///
    /// Of `header.other_control` only reserved bits are kept: a file is device specific when it has a destination,
    /// and only then (section 6.3.2.12).
    ///
    /// # Errors
    /// [`EncodeError::TooLong`]: of "OTA header" when the extra bytes make the header longer than 65,535
    /// bytes, of "OTA file" when the file is longer than its 32-bit total image size can tell, which bounds each
    /// element as well. [`EncodeError::EmptyHardwareRange`] when the file would suit no device,
    /// [`EncodeError::SignatureNotLast`] when an element follows a signature (section 6.3.5).
    pub fn new(header: FileHeader<'a>, elements: &'a [Element<'a>]) -> Result<Self, EncodeError> {
        let other_control = header.other_control.difference(HeaderControl::all());
        let header = FileHeader { other_control, ..header };
        if let Some(range) = header.hardware.filter(|range| range.is_empty()) {
            return Err(EncodeError::EmptyHardwareRange(range));
        }
        if let Some((_, first)) = elements.split_last()
            && let Some(element) = first.iter().position(|element| element.tag.is_signature())
        {
            return Err(EncodeError::SignatureNotLast { element });
        }
        let uncounted = header.extra.len().saturating_sub(header.written_extra().len());
        if uncounted > 0 {
            let max = usize::from(u16::MAX);
            return Err(EncodeError::TooLong { item: "OTA header", len: max.saturating_add(uncounted), max });
        }
        let sizes = elements.iter().map(|element| Element::HEAD_LEN.saturating_add(element.data.len()));
        let len = sizes.fold(header.header_len(), usize::saturating_add);
        let Ok(total_size) = u32::try_from(len) else {
            let max = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
            return Err(EncodeError::TooLong { item: "OTA file", len, max });
        };
        Ok(Self { header: FileHeader { total_size, ..header }, elements, len })
    }

    /// Writes the file to `out`, which gets all of it or an error.
    ///
    /// # Errors
    /// Those of `out`.
    #[cfg(feature = "std")]
    pub fn write_to(&self, mut out: impl std::io::Write) -> std::io::Result<()> {
        // Element by element: what they hold may be large, and is in memory once already.
        out.write_all(&self.header.to_vec())?;
        self.elements.iter().try_for_each(|element| {
            out.write_all(&element.head())?;
            out.write_all(element.data)
        })
    }

    /// The header as it is written.
    #[must_use]
    pub const fn header(&self) -> &FileHeader<'a> {
        &self.header
    }
}

impl Emit for FileWriter<'_> {
    fn len(&self) -> usize {
        self.len
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
    use crate::file::{HeaderAnomalies, Image, Tag};
    use crate::types::{Eui64, HardwareRange, HardwareVersion, ImageId};
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
        let header = FileHeader { other_control: HeaderControl::from_bits_retain(0xffff), ..HEADER };
        assert_eq!(header.anomalies(), HeaderAnomalies::DESTINATION_MISSING | HeaderAnomalies::RESERVED_BITS);
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
        assert_eq!(error, EncodeError::EmptyHardwareRange(range));
        assert_eq!(
            std::string::ToString::to_string(&error),
            "minimum hardware version 0x0002 lies above the maximum 0x0001"
        );
        let mut file = [0; 60];
        header.encode(&mut file).unwrap();
        let image = Image::parse(&file).unwrap();
        assert_eq!(image.header().anomalies(), HeaderAnomalies::HARDWARE_RANGE_EMPTY);
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
    fn what_a_length_field_cannot_tell_is_refused() {
        let extra = std::vec![0; 65_535 - 60 + 1];
        let range = HardwareRange { min: HardwareVersion(0), max: HardwareVersion(1) };
        let header = FileHeader { hardware: Some(range), extra: &extra, ..HEADER };
        assert_eq!(
            FileWriter::new(header, &[]),
            Err(EncodeError::TooLong { item: "OTA header", len: 65_536, max: 65_535 })
        );
        let longest = FileHeader { extra: &extra[1..], ..header };
        let file = written(&FileWriter::new(longest, &[]).unwrap());
        assert_eq!(Image::parse(&file).unwrap().header().extra.len(), 65_475);
        let mut cut = std::vec![0; 65_535];
        assert_eq!(header.encode(&mut cut), Ok(65_535), "a header alone writes what its length can tell");

        let data = std::vec![0; 0x0100_0000 - 6];
        let elements = std::vec![Element { tag: Tag::UPGRADE_IMAGE, data: &data }; 256];
        assert_eq!(
            FileWriter::new(HEADER, &elements),
            Err(EncodeError::TooLong { item: "OTA file", len: 0x1_0000_0038, max: 0xffff_ffff })
        );
        assert_eq!(FileWriter::new(HEADER, &elements[1..]).unwrap().encoded_len(), 0xff00_0038);
    }
}
