//! Calls of the Matter layer: commands, URIs, image headers, and the bridge.

use core::hint::black_box;
use core::time::Duration;

use zigbee_ota::matter::bridge::{self, Unmapped};
use zigbee_ota::matter::{
    ApplyUpdateAction, ApplyUpdateRequest, ApplyUpdateResponse, BdxUri, DigestType, DownloadProtocol,
    DownloadProtocols, ImageHeader, ImageUri, NodeId, NotifyUpdateApplied, QueryImage, QueryImageResponse,
    QueryImageStatus, Requestor, UpdateToken,
};
use zigbee_ota::time::{Delay, Instant};
use zigbee_ota::zcl::{QueryNextImageRequest, QueryResponse, Refusal};
use zigbee_ota::{FileVersion, HardwareVersion, ImageId};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    query(bytes);
    response(bytes);
    apply(bytes);
    image(bytes);
    if let Ok(text) = core::str::from_utf8(bytes.input) {
        uri(bytes, text);
        to_matter(bytes, text);
    }
}

fn query(bytes: &mut Bytes<'_>) {
    black_box(DownloadProtocols::new(black_box(&[DownloadProtocol::HTTPS; 9])));
    if let Ok(query) = black_box(QueryImage::decode(bytes.input)) {
        black_box(query.check()).ok();
        black_box((query.protocols.iter().last(), query.protocols.contains(DownloadProtocol::HTTPS)));
        if let Ok(translated) = black_box(bridge::query_next_image(&query)) {
            black_box(Unmapped::is_empty(&translated.unmapped));
        }
        bytes.write(&query);
    }
    let [a, b, c] = [black_box(0), black_box(0), black_box(0)];
    let mut query = QueryImage::new(a, b, c.into(), black_box(DownloadProtocols::NONE));
    query.metadata = Some(zigbee_ota::matter::Metadata(bytes.input));
    black_box(query.check()).ok();
}

fn response(bytes: &mut Bytes<'_>) {
    if let Ok(response) = black_box(QueryImageResponse::decode(bytes.input)) {
        black_box((response.check(), response.offer())).0.ok();
        let mut requestor = Requestor::new(NodeId(black_box(0)), black_box(0), black_box(true));
        black_box(black_box(&mut requestor).handle_response(Instant::from_millis(black_box(0)), &response))
            .ok();
        black_box((requestor.not_before(), requestor.software_version()));
        let asked = ImageId::new(black_box(0), black_box(0), black_box(0));
        black_box(bridge::query_next_image_response(&response, asked, black_box(0))).ok();
        bytes.write(&response);
    }
    bytes.write(&QueryImageResponse::new(QueryImageStatus(black_box(0))));
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
        let mut requestor = Requestor::new(NodeId(black_box(0)), black_box(0), black_box(true));
        black_box(
            black_box(&mut requestor).handle_apply_response(Instant::from_millis(black_box(0)), &response),
        );
        bytes.write(&response);
    }
    if let Ok(applied) = black_box(NotifyUpdateApplied::decode(bytes.input)) {
        bytes.write(&applied);
    }
    for delay in [Delay::Forever, Delay::For(black_box(Duration::ZERO))] {
        bytes.write(&bridge::apply_update_response(black_box(delay)));
    }
    black_box(ApplyUpdateAction(black_box(0)).name());
}

fn image(bytes: &mut Bytes<'_>) {
    black_box(ImageHeader::is_at_start(bytes.input));
    black_box((DigestType(black_box(0)).digest_len(), DigestType(black_box(0)).name()));
    let [a, b] = [black_box(0), black_box(0)];
    let digest = black_box(DigestType::SHA_256);
    bytes.write(&ImageHeader::new(
        a,
        b,
        black_box(0),
        black_box("1"),
        black_box(0),
        digest,
        black_box(&[0; 32]),
    ));
    if let Ok((header, payload)) = black_box(ImageHeader::parse(bytes.input)) {
        black_box((payload, header.check(), header.suits(black_box(0)))).1.ok();
        bytes.write(&header);
    }
}

fn uri(bytes: &mut Bytes<'_>, text: &str) {
    black_box(ImageUri::parse(text)).ok();
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
    bytes.write(&bridge::query_image(&black_box(request), black_box(DownloadProtocols::NONE)));
    let mut buffer = [0; 22];
    let version = bridge::version_string(FileVersion(black_box(0)), &mut buffer);
    let Some(token) = UpdateToken::new(bytes.input) else { return };
    let refused = QueryResponse::Refused(black_box(Refusal::NO_IMAGE_AVAILABLE));
    bytes.write(&bridge::query_image_response(&black_box(refused), current, text, version, token).message);
}
