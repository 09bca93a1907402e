//! Properties of Matter messages, for property tests and fuzz targets.

use arbitrary::Unstructured;
use zigbee_ota::matter::{
    ApplyUpdateRequest, ApplyUpdateResponse, BdxUri, ImageHeader, ImageUri, MatterDecodeError, Metadata,
    NextStep, NodeId, NotifyUpdateApplied, QueryImage, QueryImageResponse, Requestor,
};
use zigbee_ota::time::Instant;

use super::encode_contract::bytes_of;

/// Checks the properties for any bytes, valid or not.
pub fn any_bytes(bytes: &[u8]) {
    if let Some(query) = sound(bytes, QueryImage::decode(bytes)) {
        assert_eq!(QueryImage::decode(&bytes_of(&query)), Ok(query));
    }
    if let Some(response) = sound(bytes, QueryImageResponse::decode(bytes)) {
        assert_eq!(QueryImageResponse::decode(&bytes_of(&response)), Ok(response));
        any_response(&response);
    }
    if let Some(request) = sound(bytes, ApplyUpdateRequest::decode(bytes)) {
        assert_eq!(ApplyUpdateRequest::decode(&bytes_of(&request)), Ok(request));
    }
    if let Some(response) = sound(bytes, ApplyUpdateResponse::decode(bytes)) {
        assert_eq!(ApplyUpdateResponse::decode(&bytes_of(&response)), Ok(response));
    }
    if let Some(applied) = sound(bytes, NotifyUpdateApplied::decode(bytes)) {
        assert_eq!(NotifyUpdateApplied::decode(&bytes_of(&applied)), Ok(applied));
    }
    if let Some((header, payload)) = sound(bytes, ImageHeader::parse(bytes)) {
        assert!(ImageHeader::is_at_start(bytes) && bytes.ends_with(payload));
        let again = [&bytes_of(&header), payload].concat();
        assert_eq!(ImageHeader::parse(&again), Ok((header, payload)));
        assert_eq!(header.check(), Ok(()));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        any_text(text);
    }
}

/// Returns the decoded value; an error must name an offset within the bytes, in one line.
fn sound<T>(bytes: &[u8], read: Result<T, MatterDecodeError>) -> Option<T> {
    read.inspect_err(|error| {
        assert!(error.offset <= bytes.len(), "{error}");
        assert!(!error.to_string().contains(char::is_control));
    })
    .ok()
}

/// Checks that any receiver accepts what may be sent.
fn any_response(response: &QueryImageResponse<'_>) {
    if response.check().is_ok() {
        response.offer().expect("a receiver accepts what a sender may send");
    }
    let mut requestor = Requestor::new(NodeId(0), 7, true);
    let handled = requestor.handle_response(Instant::ZERO, response);
    let delay = u64::from(response.delayed_action_time.unwrap_or(0));
    let downloads = matches!(handled, Ok(NextStep::Download(_) | NextStep::AskUser(_)));
    let least = if downloads { 0 } else { 120 };
    assert_eq!(requestor.not_before().as_millis(), delay.max(least) * 1000);
    assert!(!downloads || response.software_version > Some(7));
    if let Ok(Some(offer)) = response.offer() {
        let here = !matches!(offer.uri, ImageUri::Bdx(uri) if uri.node() != NodeId(0));
        assert_eq!(handled.is_ok(), here);
    }
}

fn any_text(text: &str) {
    match ImageUri::parse(text) {
        Ok(ImageUri::Bdx(uri)) => {
            assert_eq!((uri.to_string(), bytes_of(&uri)), (text.into(), text.into()));
            assert_eq!(BdxUri::new(uri.node(), uri.designator()), Ok(uri));
        }
        Ok(ImageUri::Other { scheme, uri }) => {
            assert!(uri == text && text.starts_with(scheme));
            assert!(BdxUri::parse(text).is_err());
        }
        Err(error) => assert!(BdxUri::parse(text).is_err() && !error.to_string().is_empty()),
    }
}

/// Generates any message, and checks that it decodes to the same value, or is refused when a field exceeds its maximum
/// length.
pub fn round_trip(seed: &[u8]) -> arbitrary::Result<()> {
    let mut u = Unstructured::new(seed);
    let bytes = match u.int_in_range(0..=5)? {
        0 => {
            let query: QueryImage<'_> = u.arbitrary()?;
            let bytes = bytes_of(&query);
            let fits = query.location.is_none_or(|text| text.len() == 2) && metadata_fit(query.metadata);
            comes_back(QueryImage::decode(&bytes), query, fits);
            bytes
        }
        1 => {
            let response: QueryImageResponse<'_> = u.arbitrary()?;
            let bytes = bytes_of(&response);
            let fits = response.image_uri.is_none_or(|text| text.len() <= 256)
                && response.software_version_string.is_none_or(|text| (1..=64).contains(&text.len()))
                && metadata_fit(response.metadata);
            comes_back(QueryImageResponse::decode(&bytes), response, fits);
            bytes
        }
        2 => {
            let request: ApplyUpdateRequest = u.arbitrary()?;
            let bytes = bytes_of(&request);
            comes_back(ApplyUpdateRequest::decode(&bytes), request, true);
            bytes
        }
        3 => {
            let response: ApplyUpdateResponse = u.arbitrary()?;
            let bytes = bytes_of(&response);
            comes_back(ApplyUpdateResponse::decode(&bytes), response, true);
            bytes
        }
        4 => {
            let applied: NotifyUpdateApplied = u.arbitrary()?;
            let bytes = bytes_of(&applied);
            comes_back(NotifyUpdateApplied::decode(&bytes), applied, true);
            bytes
        }
        _ => {
            let header: ImageHeader<'_> = u.arbitrary()?;
            let bytes = bytes_of(&header);
            let read = ImageHeader::parse(&bytes).map(|(header, _)| header);
            comes_back(read, header, header.check().is_ok());
            bytes
        }
    };
    any_bytes(&bytes);
    Ok(())
}

fn metadata_fit(metadata: Option<Metadata<'_>>) -> bool {
    metadata.is_none_or(|metadata| metadata.0.len() <= 512)
}

fn comes_back<T: PartialEq + std::fmt::Debug>(read: Result<T, MatterDecodeError>, written: T, fits: bool) {
    match read {
        Ok(read) => assert_eq!((read, fits), (written, true)),
        Err(error) => assert!(!fits && error.field.is_some(), "{written:?}: {error}"),
    }
}
