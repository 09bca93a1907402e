//! Calls of the Matter layer: TLV, commands, URIs, image headers, and the bridge.

use core::hint::black_box;
use core::time::Duration;

use zigbee_ota::matter::bridge::{self, Place, VersionText};
use zigbee_ota::matter::tlv::{Element, Kind, Tag, Value, Writer};
use zigbee_ota::matter::{
    Action, ApplyUpdateRequest, ApplyUpdateResponse, BdxUri, DigestType, DownloadProtocol, ImageHeader,
    ImageUri, Metadata, NodeId, NotifyUpdateApplied, Protocols, QueryImage, QueryImageResponse, Requestor,
    Status, UpdateToken,
};
use zigbee_ota::time::{Delay, Instant};
use zigbee_ota::zcl::{QueryNextImageRequest, QueryResponse, Refusal};
use zigbee_ota::{FileVersion, HardwareVersion, ImageId};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    tlv(bytes);
    query(bytes);
    response(bytes);
    apply(bytes);
    image(bytes);
    if let Ok(text) = core::str::from_utf8(bytes.input) {
        uri(bytes, text);
        to_matter(bytes, text);
    }
}

fn tlv(bytes: &mut Bytes<'_>) {
    black_box(Element::parse_exact(bytes.input)).ok();
    if let Ok((element, after)) = black_box(Element::parse(bytes.input)) {
        black_box((after, element.value.type_name()));
        bytes.write(&element);
        if let Value::Container(container) = element.value {
            black_box((container.kind().name(), container.body()));
            container.elements().for_each(|at| bytes.write(&at.element));
        }
        let mut writer = Writer::new(bytes.room);
        let _ = black_box(&mut writer).open(black_box(Tag::Anonymous), black_box(Kind::List));
        let _ = black_box(&mut writer).put(black_box(element.tag), element.value);
        let _ = black_box(&mut writer).close();
        black_box(writer.finish()).ok();
    }
}

fn query(bytes: &mut Bytes<'_>) {
    black_box(Protocols::new(black_box(&[DownloadProtocol::HTTPS; 9])));
    if let Ok(query) = black_box(QueryImage::decode(bytes.input)) {
        black_box(query.check()).ok();
        black_box((query.protocols.iter().last(), query.protocols.contains(DownloadProtocol::HTTPS)));
        black_box(query.metadata.map(|metadata| metadata.elements().is_ok()));
        black_box(bridge::query_next_image(&query)).ok();
        bytes.write(&query);
    }
    black_box(Metadata(bytes.input).elements()).ok();
}

fn response(bytes: &mut Bytes<'_>) {
    if let Ok(response) = black_box(QueryImageResponse::decode(bytes.input)) {
        black_box((response.check(), response.answer())).0.ok();
        let mut requestor = Requestor::new(NodeId(black_box(0)), black_box(true));
        black_box(black_box(&mut requestor).handle(Instant::from_millis(black_box(0)), &response)).ok();
        black_box(requestor.not_before());
        let asked = ImageId::new(black_box(0), black_box(0), black_box(0));
        black_box(bridge::query_next_image_response(&response, asked, black_box(0))).ok();
        bytes.write(&response);
    }
    bytes.write(&QueryImageResponse::new(Status(black_box(0))));
    if let Some(token) = black_box(UpdateToken::new(bytes.input)) {
        bytes.write(&QueryImageResponse::available(black_box(""), black_box(0), black_box(""), token));
    }
}

fn apply(bytes: &mut Bytes<'_>) {
    if let Ok(request) = black_box(ApplyUpdateRequest::decode(bytes.input)) {
        black_box(request.token.as_bytes());
        bytes.write(&request);
    }
    if let Ok(response) = black_box(ApplyUpdateResponse::decode(bytes.input)) {
        black_box((response.action.name(), bridge::upgrade_time(&response)));
        bytes.write(&response);
    }
    if let Ok(applied) = black_box(NotifyUpdateApplied::decode(bytes.input)) {
        bytes.write(&applied);
    }
    for delay in [Delay::Forever, Delay::For(black_box(Duration::ZERO))] {
        bytes.write(&bridge::apply_update_response(black_box(delay)));
    }
    black_box(Action(black_box(0)).name());
}

fn image(bytes: &mut Bytes<'_>) {
    black_box(ImageHeader::is_at_start(bytes.input));
    black_box((DigestType(black_box(0)).digest_len(), DigestType(black_box(0)).name()));
    if let Ok((header, payload)) = black_box(ImageHeader::parse(bytes.input)) {
        black_box((payload, header.check(), header.suits(black_box(0)))).1.ok();
        bytes.write(&header);
    }
}

fn uri(bytes: &mut Bytes<'_>, text: &str) {
    if let Ok(ImageUri::Other(other)) = black_box(ImageUri::parse(text)) {
        black_box((other.scheme(), other.as_str()));
    }
    for uri in [BdxUri::parse(text), BdxUri::new(NodeId(black_box(0)), text)] {
        if let Ok(uri) = black_box(uri) {
            black_box((uri.node(), uri.designator(), uri.check_provider(NodeId(black_box(0))))).2.ok();
            bytes.write(&uri);
        }
    }
}

fn to_matter(bytes: &mut Bytes<'_>, text: &str) {
    let current = ImageId::new(black_box(0), black_box(0), black_box(0));
    let mut request = QueryNextImageRequest::new(current);
    request.hardware = black_box(Some(HardwareVersion(0)));
    bytes.write(&bridge::query_image(&black_box(request), black_box(Protocols::NONE)));
    let version = VersionText::new(FileVersion(black_box(0)));
    let Some(token) = UpdateToken::new(bytes.input) else { return };
    let place = Place { uri: text, version_string: version.as_str(), token };
    let refused = QueryResponse::Refused(black_box(Refusal::NO_IMAGE_AVAILABLE));
    bytes.write(&bridge::query_image_response(&black_box(refused), place).message);
}
