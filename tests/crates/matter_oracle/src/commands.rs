//! Commands written by this crate and read field by field by rs-matter, and the reverse.

use arbitrary::{Arbitrary, Unstructured};
use proptest::collection::vec;
use proptest::prelude::*;
use rs_matter::dm::clusters::decl::ota_software_update_provider as theirs;
use rs_matter::dm::clusters::ota_req::parse_bdx_url;
use rs_matter::tlv::{TLVElement, TLVTag, TLVWriteParent};
use rs_matter::utils::storage::WriteBuf;
use zigbee_ota::Encode;
use zigbee_ota::matter::{
    ApplyUpdateAction, ApplyUpdateRequest, ApplyUpdateResponse, BdxUri, NodeId, NotifyUpdateApplied,
    QueryImage, QueryImageResponse, QueryImageStatus, UpdateToken,
};

fn generated<'a, T: Arbitrary<'a>>(seed: &'a [u8]) -> Option<T> {
    T::arbitrary(&mut Unstructured::new(seed)).ok()
}

fn query_reads_alike(query: &QueryImage<'_>) {
    let bytes = query.to_vec();
    let read = theirs::QueryImageRequest::new(TLVElement::new(&bytes));
    assert_eq!(read.vendor_id().unwrap(), query.vendor);
    assert_eq!(read.product_id().unwrap(), query.product);
    assert_eq!(read.software_version().unwrap(), query.software_version);
    let protocols = read.protocols_supported().unwrap();
    let named: Vec<_> = query.protocols.iter().filter(|protocol| protocol.name().is_some()).collect();
    let numbers = protocols.iter().filter_map(Result::ok).map(|protocol| protocol as u8);
    assert!(numbers.eq(named.iter().map(|protocol| protocol.0)));
    assert_eq!(read.hardware_version().unwrap(), query.hardware_version);
    assert_eq!(read.location().unwrap(), query.location);
    assert_eq!(read.requestor_can_consent().unwrap(), query.can_consent);
    let metadata = read.metadata_for_provider().unwrap().map(|metadata| metadata.0);
    assert_eq!(metadata, query.metadata.map(|metadata| metadata.0));
}

fn response_reads_alike(response: &QueryImageResponse<'_>) {
    let bytes = response.to_vec();
    let read = theirs::QueryImageResponse::new(TLVElement::new(&bytes));
    match response.status.name() {
        Some(_) => assert_eq!(read.status().unwrap() as u8, response.status.0),
        None => assert!(
            read.status().is_err(),
            "a status without a name is kept by this crate and refused by rs-matter"
        ),
    }
    assert_eq!(read.delayed_action_time().unwrap(), response.delayed_action_time);
    assert_eq!(read.image_uri().unwrap(), response.image_uri);
    assert_eq!(read.software_version().unwrap(), response.software_version);
    assert_eq!(read.software_version_string().unwrap(), response.software_version_string);
    let token = read.update_token().unwrap().map(|token| token.0);
    assert_eq!(token, response.update_token.as_ref().map(UpdateToken::as_bytes));
    assert_eq!(read.user_consent_needed().unwrap(), response.user_consent_needed);
    let metadata = read.metadata_for_requestor().unwrap().map(|metadata| metadata.0);
    assert_eq!(metadata, response.metadata.map(|metadata| metadata.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn queries_read_alike(seed in vec(any::<u8>(), 0..400)) {
        if let Some(query) = generated(&seed) {
            query_reads_alike(&query);
        }
    }

    #[test]
    fn responses_read_alike(seed in vec(any::<u8>(), 0..400)) {
        if let Some(response) = generated(&seed) {
            response_reads_alike(&response);
        }
    }

    #[test]
    fn apply_commands_read_alike(seed in vec(any::<u8>(), 60..100)) {
        if let Some(request) = generated::<ApplyUpdateRequest>(&seed) {
            let bytes = request.to_vec();
            let read = theirs::ApplyUpdateRequestRequest::new(TLVElement::new(&bytes));
            prop_assert_eq!(read.update_token().unwrap().0, request.token.as_bytes());
            prop_assert_eq!(read.new_version().unwrap(), request.new_version);
        }
        if let Some(applied) = generated::<NotifyUpdateApplied>(&seed) {
            let bytes = applied.to_vec();
            let read = theirs::NotifyUpdateAppliedRequest::new(TLVElement::new(&bytes));
            prop_assert_eq!(read.update_token().unwrap().0, applied.token.as_bytes());
            prop_assert_eq!(read.software_version().unwrap(), applied.software_version);
        }
        for action in [ApplyUpdateAction::PROCEED, ApplyUpdateAction::AWAIT_NEXT_ACTION, ApplyUpdateAction::DISCONTINUE] {
            let delayed_action_time = u32::from_le_bytes([seed[0], seed[1], seed[2], seed[3]]);
            let response = ApplyUpdateResponse { action, delayed_action_time };
            let bytes = response.to_vec();
            let read = theirs::ApplyUpdateResponse::new(TLVElement::new(&bytes));
            prop_assert_eq!(read.action().unwrap() as u8, action.0);
            prop_assert_eq!(read.delayed_action_time().unwrap(), delayed_action_time);
        }
    }

    #[test]
    fn bdx_uris_read_alike(node in any::<u64>(), designator in "[a-z/%]{1,20}") {
        if let Ok(uri) = BdxUri::new(NodeId(node), &designator) {
            let text = uri.to_string();
            prop_assert_eq!(parse_bdx_url(&text).ok(), Some((node, designator.as_str())));
        }
    }
}

#[test]
fn a_response_of_rs_matter_is_read() {
    let mut room = [0; 200];
    let mut buffer = WriteBuf::new(&mut room);
    let uri = "bdx://00112233AABBCCDD/0";
    let parent = TLVWriteParent::new("response", &mut buffer);
    let builder = theirs::QueryImageResponseBuilder::new(parent, &TLVTag::Anonymous).unwrap();
    builder
        .status(theirs::StatusEnum::UpdateAvailable)
        .unwrap()
        .delayed_action_time(None)
        .unwrap()
        .image_uri(Some(uri))
        .unwrap()
        .software_version(Some(0x1010_3519))
        .unwrap()
        .software_version_string(Some("1.0"))
        .unwrap()
        .update_token(Some(rs_matter::tlv::Octets(&[7; 32])))
        .unwrap()
        .user_consent_needed(Some(true))
        .unwrap()
        .metadata_for_requestor(None)
        .unwrap()
        .end()
        .unwrap();
    let bytes = buffer.as_slice();
    let token = UpdateToken::new(&[7; 32]).unwrap();
    let mut expected = QueryImageResponse::available(uri, 0x1010_3519, "1.0", token);
    expected.user_consent_needed = Some(true);
    assert_eq!(expected.status, QueryImageStatus::UPDATE_AVAILABLE);
    assert_eq!(QueryImageResponse::decode(bytes), Ok(expected));
    assert_eq!(expected.to_vec(), bytes);
}
