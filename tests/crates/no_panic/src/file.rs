//! Calls of the file codec: header, split file, image, writer.

use core::hint::black_box;

use zigbee_ota::file::{
    CertificateElement, Element, Elements, FileHeader, FileName, FileWriter, HeaderControl, HeaderString,
    Image, SignatureElement, SplitFile, StreamDecoder, Tag,
};
use zigbee_ota::{HardwareVersion, ImageId};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    read_headers(bytes);
    read_parts(bytes);
    read_image(bytes);
    read_leniently(bytes);
    read_in_pieces(bytes);
    read_name(bytes);
    write(bytes);
}

fn read_headers(bytes: &mut Bytes<'_>) {
    black_box(FileHeader::parse_known(bytes.input).is_err_and(|error| error.is_truncated()));
    let parsed = [FileHeader::parse(bytes.input), FileHeader::parse_lenient(bytes.input)].map(black_box);
    for (header, _) in parsed.into_iter().flatten() {
        black_box((header.control(), header.header_len(), header.is_device_specific()));
        black_box((header.suits(HardwareVersion(black_box(0))), header.anomalies()));
        black_box((header.header_string.as_bytes(), header.header_string.to_str().ok()));
        bytes.write(&header);
    }
}

fn read_parts(bytes: &Bytes<'_>) {
    if let Ok(parts) = black_box(SplitFile::parse(bytes.input))
        && let Ok(elements) = black_box(parts.elements())
    {
        walk(elements);
    }
}

fn read_image(bytes: &Bytes<'_>) {
    black_box(Image::parse_prefix(bytes.input)).ok();
    if let Ok(image) = black_box(Image::parse(bytes.input)) {
        black_box((image.header(), image.bytes(), image.is_signed()));
        walk(image.elements());
        black_box(image.find(Tag(black_box(0))).last());
    }
}

fn read_leniently(bytes: &mut Bytes<'_>) {
    if let Ok(image) = black_box(Image::parse_lenient(bytes.input)) {
        black_box((
            image.layout(),
            image.layout().name(),
            image.raw_remainder(),
            image.trailing(),
            image.missing(),
        ));
        walk(image.elements());
        read_signature(bytes, &image);
        image.elements().for_each(|at| bytes.write(&at));
        bytes.write(&image);
    }
}

fn read_signature(bytes: &mut Bytes<'_>, image: &Image<'_>) {
    for at in image.elements() {
        if let Ok(Some(signature)) = black_box(SignatureElement::parse(&at)) {
            black_box(signature.signer());
            bytes.write(&signature);
        }
        if let Ok(Some(certificate)) = black_box(CertificateElement::parse(&at)) {
            black_box(certificate.element());
            bytes.write(&certificate);
        }
    }
    black_box(image.signature()).ok();
}

fn read_in_pieces(bytes: &Bytes<'_>) {
    let mut decoder = black_box(StreamDecoder::default());
    let mut input = bytes.input;
    while let Ok(Some(piece)) = decoder.next(&mut input) {
        black_box(piece);
    }
    black_box((decoder.buffered(), decoder.finish().ok()));
}

fn read_name(bytes: &Bytes<'_>) {
    if let Ok(text) = core::str::from_utf8(bytes.input) {
        black_box(FileName::parse(text));
    }
}

fn walk(elements: Elements<'_>) {
    for at in elements {
        black_box((at.element, at.data_offset(), at.element.tag.is_reserved(), at.element.tag.name()));
        black_box((at.element.tag.is_signature(), at.element.tag.is_manufacturer_specific()));
    }
}

fn write(bytes: &mut Bytes<'_>) {
    let id = ImageId::new(black_box(0), black_box(0), black_box(0));
    let Ok(text) = HeaderString::new(black_box("")) else { return };
    let mut header = FileHeader::new(id).with_header_string(text).with_extra(bytes.input);
    header.other_control = HeaderControl::from_bits_retain(black_box(0));
    let header = black_box(header);
    let elements = [Element { tag: Tag(black_box(0)), data: bytes.input }; 3];
    for element in black_box(&elements[..]) {
        bytes.write(element);
    }
    if let Ok(writer) = black_box(FileWriter::new(header, black_box(&elements[..]))) {
        black_box(writer.header());
        bytes.write(&writer);
    }
}
