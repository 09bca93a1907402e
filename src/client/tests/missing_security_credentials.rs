//! Tests of images for security credentials that the device does not have, and of fetching the security credentials.

use super::query_specific_file::{CREDENTIALS, credentials_file, with_node_address};
use super::*;

/// A client whose device has the credential version `own`, and that has verified an image for the credential version
/// `needed`.
fn verified_image(own: Option<u8>, needed: u8) -> Script {
    let credential = own.map(SecurityCredentialVersion);
    let mut script = Script::querying(ClientConfig { credential, ..with_node_address() });
    script.receive(OFFER);
    let file = file(|header| header.credential = Some(SecurityCredentialVersion(needed)));
    let ticket = script.download(OFFERED, &file);
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    script
}

/// Shows: CLI-104, CLI-105
#[test]
fn an_image_for_other_credentials_waits_for_them() {
    // The versions in order of age: Smart Energy 1.0 is 0, 1.1 is 1, 1.2 is 3, and 2.0 is 2.
    for (own, needed, fits) in [
        (Some(1), 2, false),
        (Some(2), 1, true),
        (Some(3), 2, false),
        (Some(2), 3, true),
        (Some(1), 1, true),
        (None, 0, false),
        (Some(9), 9, true),
        (Some(2), 9, false),
        (Some(9), 0, false),
    ] {
        let mut script = verified_image(own, needed);
        if fits {
            script.assert_sends("01 03 06 00 5F11 0101 2C1A0000");
            continue;
        }
        script.advance_to(10_000_000).assert_silent();
        let Need::Credentials(ticket, version) = script.expect_need() else { panic!("{own:?} {needed}") };
        assert_eq!((version.0, script.client.poll_need()), (needed, None));
        assert_eq!(script.status(), 0x02);
        script.client.credentials_obtained(script.now, ticket, CredentialResult::Ready).unwrap();
        script.assert_sends("01 03 06 00 5F11 0101 2C1A0000");
    }
    let mut script = verified_image(None, 2);
    let Need::Credentials(ticket, _) = script.expect_need() else { panic!("no need for credentials") };
    script.client.credentials_obtained(script.now, ticket, CredentialResult::Missing).unwrap();
    script.assert_sends("01 03 06 95 5F11 0101 2C1A0000");
    script.receive("18 03 0B 06 00");
    assert_eq!(script.expect_end(), Outcome::NoCredentials);
}

/// Shows: CLI-146
#[test]
fn credentials_are_fetched_while_the_image_waits() {
    let mut script = verified_image(Some(1), 2);
    let Need::Credentials(early, _) = script.expect_need() else { panic!("no need for credentials") };
    script.client.query_specific_file(script.now, CREDENTIALS, StackVersion::ZIGBEE_PRO).unwrap();
    script.assert_sends("01 03 08 EFCDAB8967452301 5F11 C0FF 07000000 0200");
    assert_eq!(script.status(), 0x02, "the image is kept");
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(3, 0x09, CREDENTIALS, 100));
    let ticket = script.download(CREDENTIALS, &credentials_file());
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    script.assert_sends("01 06 06 00 5F11 C0FF 07000000");
    script.receive("18 06 0B 06 00");
    assert_eq!(script.expect_end(), Outcome::Received(CREDENTIALS));

    assert_eq!(
        script.client.credentials_obtained(script.now, early, CredentialResult::Ready),
        Err(StaleTicket)
    );
    let Need::Credentials(ticket, version) = script.expect_need() else {
        panic!("the image no longer waits for credentials")
    };
    assert_eq!(version, SecurityCredentialVersion::SE_2_0);
    script.client.credentials_obtained(script.now, ticket, CredentialResult::Ready).unwrap();
    script.assert_sends("01 07 06 00 5F11 0101 2C1A0000");
    script.receive("19 07 07 5F11 0101 2C1A0000 00000000 00000000");
    let ticket = script.advance_to(0).expect_apply();
    script.client.applied(script.now, ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.expect_end(), Outcome::Upgraded(OFFERED));

    // A restart during the fetch loses the credentials file, but not the image.
    let mut script = verified_image(Some(1), 2);
    script.client.query_specific_file(script.now, CREDENTIALS, StackVersion::ZIGBEE_PRO).unwrap();
    script.transmit();
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(3, 0x09, CREDENTIALS, 100));
    script.accept().prepare();
    let checkpoint = script.client.checkpoint().expect("the image");
    assert_eq!((checkpoint.offer.id, checkpoint.stage), (OFFERED, CheckpointStage::Verified));
    let mut script = Script::new(with_node_address());
    script.client.resume(at(0), checkpoint).unwrap();
    assert!(matches!(script.expect_need(), Need::Credentials(_, SecurityCredentialVersion::SE_2_0)));

    // If the credentials cannot be fetched, the image continues to wait.
    for failure in ["19 03 09 98", "18 03 0B 08 81"] {
        let mut script = verified_image(Some(1), 2);
        script.client.query_specific_file(script.now, CREDENTIALS, StackVersion::ZIGBEE_PRO).unwrap();
        script.transmit();
        script.receive(failure);
        assert!(matches!(script.expect_need(), Need::Credentials(..)), "{failure}");
    }
}

/// Storage whose calls all succeed.
struct GoodStorage;

impl Storage for GoodStorage {
    fn prepare(&mut self, _: &ImageOffer) -> PrepareResult {
        PrepareResult::Ready
    }

    fn write(&mut self, _: u32, _: &[u8]) -> StoreResult {
        StoreResult::Ok
    }

    fn verify(&mut self, _: &ImageOffer) -> VerifyResult {
        VerifyResult::Valid
    }
}

/// Shows: FLD-022
#[test]
fn a_need_that_follows_from_a_need_of_the_storage_is_returned_by_the_same_call() {
    let mut script = Script::querying(with_node_address());
    script.receive(OFFER);
    script.accept();
    let mut storage = GoodStorage;
    assert_eq!(script.client.poll_need_with(script.now, &mut storage), None, "storage is prepared");
    let file = file(|header| header.credential = Some(SecurityCredentialVersion::SE_2_0));
    for (sequence, start) in [(1, 0), (2, 64)] {
        assert_eq!(script.transmit().expect("a request").1[1], sequence);
        let block =
            block(sequence, OFFERED, start, &file[start as usize..file.len().min(start as usize + 64)]);
        let meta = FrameMeta::unicast(SERVER);
        assert_eq!(
            script.client.handle_frame_with(script.now, meta, &block, &mut storage),
            ClientAction::Done
        );
    }
    let need = script.client.poll_need_with(script.now, &mut storage);
    assert!(matches!(need, Some(Need::Credentials(_, SecurityCredentialVersion::SE_2_0))), "{need:?}");
}
