//! Fuzz targets as functions of bytes. The binaries of `fuzz` call them, and `tests/fuzz_seeds.rs` replays their seeds.

use arbitrary::Unstructured;

use super::{
    capture, client, client_and_server, container, file, file_stream, frame, index, inspect, matter,
    observer, payload, server, signature, unify, written_files,
};

/// Function of a fuzz target.
pub type Target = fn(&[u8]);

/// All fuzz targets, by the name of binary and seed folder.
pub const ALL: &[(&str, Target)] = &[
    ("capture", capture),
    ("client", client),
    ("container", container),
    ("lossy_link", lossy_link),
    ("file", file),
    ("file_structured", file_structured),
    ("frame", frame),
    ("frame_structured", frame_structured),
    ("index", index),
    ("matter", matter),
    ("observer", observer),
    ("payload", payload),
    ("server", server),
    ("signature", signature),
    #[cfg(feature = "openssl")]
    ("signature_openssl", signature_openssl),
    ("stream", stream),
    ("unify", unify),
];

/// Captures of any bytes, as a file, as a packet and as MAC frames: no panic, and a packet that is heard twice gives no frame more.
pub fn capture(bytes: &[u8]) {
    capture::any_input(bytes);
    capture::any_mac_frames(bytes);
}

/// Client under any inputs; one or a few bytes encode an input, and the properties are checked after each.
pub fn client(inputs: &[u8]) {
    client::any_inputs(inputs);
}

/// Container detection and inspection of any bytes: the container is split or refused without a panic, and every candidate is a
/// decodable header.
pub fn container(bytes: &[u8]) {
    container::any_bytes(bytes);
    inspect::any_bytes(bytes);
}

/// Client against server over a link whose faults the bytes encode, one byte for each frame: it ends in the right image
/// or in an outcome with a reason.
pub fn lossy_link(script: &[u8]) {
    client_and_server::any_script(script);
}

/// File decoding of any bytes: header, split file and image decode or fail without a panic, elements tile the body, and
/// encoding restores the bytes.
pub fn file(bytes: &[u8]) {
    file::any_bytes(bytes);
}

/// File encoding of generated headers and elements, and decoding of generated files of any layout, whole and in pieces.
pub fn file_structured(seed: &[u8]) {
    let (header, elements) = written_files::generated(seed);
    written_files::round_trip(header, &elements);
    if let Ok((sample, sizes)) = Unstructured::new(seed).arbitrary() {
        written_files::any_sample(&sample, sizes);
    }
}

/// Frame decoding of any bytes without a panic: strict and lenient decoder agree where both succeed, and encoding
/// restores every bit.
pub fn frame(bytes: &[u8]) {
    frame::any_bytes(bytes);
}

/// Frame encoding of generated messages, and decoding to the same value; some inputs generate no message.
pub fn frame_structured(seed: &[u8]) {
    if let Ok(frame) = frame::generated(seed) {
        frame::round_trip(&frame);
    }
}

/// Index reading of any bytes: no panic, what is read is written again the same, and a device gets an entry that fits.
pub fn index(bytes: &[u8]) {
    index::any_bytes(bytes);
}

/// Matter decoding of any bytes without a panic (TLV, commands, image header, ImageURI), and encoding of generated
/// messages.
pub fn matter(bytes: &[u8]) {
    matter::any_bytes(bytes);
    // A seed that is too short generates no message.
    matter::round_trip(bytes).ok();
}

/// Observer of any frames between a few clients and servers: matched requests were sent by that client, and the last
/// matching request is never missed.
pub fn observer(bytes: &[u8]) {
    observer::any_steps(bytes);
}

/// Payload detection in any bytes, alone and inside a file: detection and check agree without a panic, and damage lies
/// within the payload.
pub fn payload(bytes: &[u8]) {
    payload::any_bytes(bytes);
    inspect::any_bytes(bytes);
}

/// Server under any frames, addresses, delivery reports, pauses and store results.
pub fn server(bytes: &[u8]) {
    server::any_steps(bytes);
}

/// Signature verification of any bytes, and of a signed file with any changed byte: no panic, the same result in pieces
/// as from memory, and only the unchanged file is valid. The first bytes of the input encode the change.
pub fn signature(input: &[u8]) {
    signature::any_bytes(input, file_stream::sizes(input.len() as u64));
    if let [choice, high, low, flip, ..] = *input {
        signature::any_change(choice.into(), u16::from_be_bytes([high, low]).into(), flip);
    }
}

/// Signature verification beside OpenSSL, for keys, certificates and signatures of both suites with any change. The
/// first byte selects suite and property; the others encode the numbers of the signer and the change.
#[cfg(feature = "openssl")]
pub fn signature_openssl(input: &[u8]) {
    use std::cell::RefCell;

    use super::openssl::{Reference, any_certificate, any_signature};
    use zigbee_ota::signature::Suite;

    thread_local! {
        static REFERENCES: RefCell<[Reference; 2]> = RefCell::new(Suite::ALL.map(Reference::new));
    }
    let Some((choice, input)) = input.split_first() else { return };
    let law = if choice & 2 == 0 { any_signature } else { any_certificate };
    REFERENCES.with_borrow_mut(|[one, two]| law(if choice & 1 == 0 { one } else { two }, input));
}

/// Stream decoding of any bytes in pieces, with the same result as for the whole file. The first byte encodes the
/// pieces.
pub fn stream(input: &[u8]) {
    if let Some((seed, file)) = input.split_first() {
        file_stream::any_split(file, file_stream::sizes(u64::from(*seed)));
        file_stream::any_split(file, || 1);
    }
}

/// Unify decoding of any bytes (name, topic, filter, date-time, payload), and any inputs of a consumer.
pub fn unify(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        unify::any_text(text);
    }
    unify::any_payload(bytes);
    unify::any_inputs(bytes);
}
