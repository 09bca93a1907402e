//! The fuzz targets: what each tries of any bytes. The binaries of `fuzz` call them, and `tests/fuzz_seeds.rs` replays their
//! seeds.

use arbitrary::Unstructured;

use super::{
    client, container, file, file_stream, frame, lossy_link, matter, observer, payload, server, signature,
    unify, written_files,
};

/// What a target tries.
pub type Target = fn(&[u8]);

/// Each by the name of its binary and of its folder of seeds.
pub const ALL: &[(&str, Target)] = &[
    ("client", client),
    ("container", container),
    ("lossy_link", lossy_link),
    ("file", file),
    ("file_structured", file_structured),
    ("frame", frame),
    ("frame_structured", frame_structured),
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

/// A client and whatever may happen to it, a byte or a few for each happening: the laws say what must hold after each.
pub fn client(happenings: &[u8]) {
    client::any_life(happenings);
}

/// Any bytes as a container: cut into the OTA file and what is around it, or refused, without a panic; and every
/// candidate a readable header.
pub fn container(bytes: &[u8]) {
    container::any_bytes(bytes);
}

/// A client against a server over a link whose every frame has the fate that a byte tells: it ends in the right image or
/// in an outcome with a reason.
pub fn lossy_link(script: &[u8]) {
    lossy_link::any_script(script);
}

/// Any bytes as a file: header, parts and image read or refused without a panic, elements that tile the body, and
/// the same bytes written again.
pub fn file(bytes: &[u8]) {
    file::any_bytes(bytes);
}

/// Any header and elements, written and read again; any shape of file, by the letter or not, read as it was made,
/// whole and in pieces. The input is what `arbitrary` makes them of.
pub fn file_structured(seed: &[u8]) {
    let (header, elements) = written_files::generated(seed);
    written_files::round_trip(header, &elements);
    if let Ok((sample, sizes)) = Unstructured::new(seed).arbitrary() {
        written_files::any_sample(&sample, sizes);
    }
}

/// Any bytes as a frame: read or refused without a panic, alike by strict and lenient readers where both can, and
/// written again without the loss of a bit.
pub fn frame(bytes: &[u8]) {
    frame::any_bytes(bytes);
}

/// Any message, written and read again. The input is what `arbitrary` makes the frame of; of some it makes none.
pub fn frame_structured(seed: &[u8]) {
    if let Ok(frame) = frame::generated(seed) {
        frame::round_trip(&frame);
    }
}

/// Any bytes as Matter's: TLV, commands, an image header, an ImageURI, read or refused without a panic, and written
/// again; and messages that `arbitrary` makes of them, written and read again.
pub fn matter(bytes: &[u8]) {
    matter::any_bytes(bytes);
    // Too short a seed makes no message.
    matter::round_trip(bytes).ok();
}

/// An observer of any frames between a few clients and servers: what it says that a frame answers was asked, by that
/// client, and what was asked last is never missed.
pub fn observer(bytes: &[u8]) {
    observer::any_steps(bytes);
}

/// Any bytes as a payload, and as a file with payloads: recognised and judged alike, without a panic, and every damage at
/// a place that is there.
pub fn payload(bytes: &[u8]) {
    payload::any_bytes(bytes);
}

/// A server under any frames from any addresses, deliveries, pauses and answers of its store, as the input says.
pub fn server(bytes: &[u8]) {
    server::any_steps(bytes);
}

/// Any bytes as a file, and a signed file with any change: verified without a panic, in pieces as from memory, and
/// refused unless it is what was signed. The first bytes of the input tell the change.
pub fn signature(input: &[u8]) {
    signature::any_bytes(input, file_stream::sizes(input.len() as u64));
    if let [choice, high, low, flip, ..] = *input {
        signature::any_change(choice.into(), u16::from_be_bytes([high, low]).into(), flip);
    }
}

/// Keys, certificates and signatures of both suites, right or with any change: the verification says what OpenSSL says.
/// The input tells the numbers of the signer and the change; its first byte tells suite and law.
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

/// Any bytes as a file in pieces: it reads as the whole one, however it is cut. The first byte of the input tells where.
pub fn stream(input: &[u8]) {
    if let Some((seed, file)) = input.split_first() {
        file_stream::any_split(file, file_stream::sizes(u64::from(*seed)));
        file_stream::any_split(file, || 1);
    }
}

/// Any bytes as a name, topic, filter, moment or payload of Unify's, and as what happens to a consumer.
pub fn unify(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        unify::any_text(text);
    }
    unify::any_payload(bytes);
    unify::any_life(bytes);
}
