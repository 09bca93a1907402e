//! Calls of the client: every input, answer, API call and output, in any state.

use core::hint::black_box;
use core::num::{NonZeroU8, NonZeroU32};

use zigbee_ota::aps::{Address, DeliveryMode, DeliveryReport, FrameMeta, Transmit, TransmitToken};
use zigbee_ota::client::{
    AcceptedVersions, ApplyResult, Checkpoint, CheckpointStage, Client, ClientAction, ClientConfig,
    ClientEvent, CredentialResult, HeaderFacts, Identity, LinkKeyPolicy, Need, PendingImages, PrepareResult,
    RequestBuffer, Storage, StoreResult, TransferMode, UpgradeEndFallback, VerifyResult,
};
use zigbee_ota::time::{Instant, Millis, ServerTime, UtcTime};
use zigbee_ota::zcl::{ImageOffer, LONGEST_TO_SERVER, UpgradeActivationPolicy};
use zigbee_ota::{Eui64, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    let _ = black_box(Transmit::new(address(), black_box(0), black_box(DeliveryMode::Unicast)));
    black_box(FrameMeta::new(address(), black_box(DeliveryMode::Unicast)));
    let mut client = Client::new(black_box(config()), black_box(1), now());
    let mut in_order = Client::<0>::with_ranges(black_box(config()), black_box(1), now());
    // The optimiser forgets the state here, so the calls must be free of panic branches in any state.
    every_call(black_box(&mut client), bytes);
    every_call(black_box(&mut in_order), bytes);
}

fn every_call<const RANGES: usize>(client: &mut Client<RANGES>, bytes: &mut Bytes<'_>) {
    inputs(client, bytes.input);
    answers(client, bytes.input);
    wishes(client);
    outputs(client);
    attributes(client, bytes);
    blocking(client, bytes.input);
}

fn now() -> Instant {
    Instant::from_millis(black_box(0))
}

fn address() -> Address {
    Address::new(black_box(0), black_box(0))
}

fn meta() -> FrameMeta {
    black_box(FrameMeta::unicast(address()).with_aps_security(black_box(false)).with_relays(black_box(0)))
}

fn config() -> ClientConfig {
    let mut identity = Identity::new(black_box(ImageId::new(0, 0, 0)));
    identity.hardware = black_box(Some(HardwareVersion(0)));
    identity.node = black_box(Some(Eui64(0)));
    let mut config = ClientConfig::new(identity, address()).with_transfer(black_box(TransferMode::Auto));
    config.max_block_size = black_box(NonZeroU8::MIN);
    config.write_size = black_box(NonZeroU8::MIN);
    config.min_block_period = black_box(Millis(0));
    config.upgrade_end_fallback = black_box(UpgradeEndFallback::Apply);
    config.accepted_versions = black_box(AcceptedVersions::Any);
    config.link_key = black_box(LinkKeyPolicy::NotRequired);
    config.activation_policy = black_box(UpgradeActivationPolicy::SERVER);
    config.discovery_interval = black_box(Some(Millis(0)));
    config.replace_refusing_server = black_box(false);
    config.cluster_revision = black_box(0);
    config.supports_block_period = black_box(false);
    config.image_stamp = black_box(None);
    config.accept_reversed_destination = black_box(false);
    config.max_pause = black_box(Some(Millis(0)));
    config.pause_interval = black_box(Millis(0));
    config.query_spread = black_box(Millis(0));
    config.max_finite_wait = black_box(Millis(0));
    config.max_unchecked_countdown = black_box(Millis(0));
    config.max_prepare_attempts = black_box(0);
    config.report_skipped_offers = black_box(false);
    if black_box(false) { config.with_zigbee_3(black_box(0)) } else { config }
}

fn inputs<const RANGES: usize>(client: &mut Client<RANGES>, frame: &[u8]) {
    black_box(client.handle_frame(now(), meta(), frame) == ClientAction::Done);
    black_box(&mut *client).handle_timeout(now());
    let report = black_box(DeliveryReport::Failed);
    black_box(&mut *client).handle_delivery(now(), black_box(TransmitToken::NONE), report);
    black_box(&mut *client).connection_lost(now());
    black_box(client).set_utc(now(), black_box(Some(UtcTime(0))));
}

fn answers<const RANGES: usize>(client: &mut Client<RANGES>, frame: &[u8]) {
    if let ClientAction::Store(block) = black_box(client.handle_frame(now(), meta(), frame)) {
        black_box((block.offset, block.data));
        black_box(black_box(&mut *client).stored(now(), block.ticket, black_box(StoreResult::Ok))).ok();
    }
    let client = black_box(client);
    let result = match black_box(client.poll_need()) {
        None => Ok(()),
        Some(Need::Decide(ticket, _)) if black_box(true) => black_box(client).accept(ticket),
        Some(Need::Decide(ticket, _)) => black_box(client).refuse(now(), ticket),
        Some(Need::Prepare(ticket, _)) => {
            black_box(client).prepared(now(), ticket, black_box(PrepareResult::Ready))
        }
        Some(Need::Verify(ticket, _)) => {
            black_box(client).verified(now(), ticket, black_box(VerifyResult::Valid))
        }
        Some(Need::Apply(ticket, _)) => {
            black_box(client).applied(now(), ticket, black_box(ApplyResult::Done))
        }
        Some(Need::FindServer(ticket, _)) => {
            black_box(client).server_found(now(), ticket, black_box(Some(address())))
        }
        Some(Need::NetworkAddress(ticket, _)) => {
            black_box(client).network_address_resolved(now(), ticket, black_box(Some(0)))
        }
        Some(Need::IeeeAddress(ticket, _)) => {
            black_box(client).ieee_address_resolved(ticket, black_box(Some(Eui64(0))))
        }
        Some(Need::LinkKey(ticket, ..)) => {
            black_box(client).link_key_established(now(), ticket, black_box(true))
        }
        Some(Need::Credentials(ticket, _)) => {
            black_box(client).credentials_obtained(now(), ticket, black_box(CredentialResult::Ready))
        }
        Some(need) => black_box(client).decline(now(), need),
    };
    black_box(result).ok();
}

fn wishes<const RANGES: usize>(client: &mut Client<RANGES>) {
    black_box(black_box(&mut *client).query(now())).ok();
    let (id, stack) = black_box((ImageId::new(0, 0, 0), StackVersion(0)));
    black_box(black_box(&mut *client).query_specific_file(now(), id, stack)).ok();
    let header = HeaderFacts::new(stack, black_box(Some(SecurityCredentialVersion(0))));
    let mut checkpoint = Checkpoint::new(ImageOffer { id, size: black_box(0) }, black_box(0));
    checkpoint.header = black_box(Some(header));
    checkpoint.stage = black_box(CheckpointStage::Verified);
    checkpoint.pending_images = black_box(PendingImages::NONE);
    let checkpoint = black_box(checkpoint).floor(black_box(NonZeroU32::MIN));
    let stored = black_box(checkpoint.to_bytes());
    let checkpoint = black_box(Checkpoint::from_bytes(&stored)).unwrap_or(checkpoint);
    black_box(black_box(&mut *client).resume(now(), checkpoint)).ok();
    black_box(&mut *client).set_query_interval(now(), black_box(Some(Millis(0))));
    black_box(&mut *client).stop_queries(now());
    black_box(&mut *client).set_server(now(), address());
    black_box(black_box(&mut *client).activate()).ok();
    black_box(black_box(client).abort(now())).ok();
}

fn outputs<const RANGES: usize>(client: &mut Client<RANGES>) {
    let mut out: RequestBuffer = black_box([0; LONGEST_TO_SERVER]);
    black_box(black_box(&mut *client).poll_transmit(now(), &mut out));
    black_box(&out);
    if let Some(ClientEvent::DownloadPaused(reason, _)) = black_box(black_box(&mut *client).poll_event()) {
        black_box(reason.outcome());
    }
    black_box((client.lost_events(), client.failed_image()));
    let time = black_box(ServerTime { current: 0, then: 0 });
    black_box(time.agrees_with(black_box(UtcTime(0)), black_box(0)));
    let client = black_box(&*client);
    black_box((client.poll_timeout(), client.waiting_for(), client.progress(), client.checkpoint()));
    black_box((client.retries(), client.identity(), client.pending_images(), client.server()));
}

fn attributes<const RANGES: usize>(client: &mut Client<RANGES>, bytes: &mut Bytes<'_>) {
    if let ClientAction::AnswerAttributes(frame) = black_box(client.handle_frame(now(), meta(), bytes.input))
    {
        black_box(black_box(&*client).attributes().answer(&frame, bytes.room)).ok();
    }
}

/// Storage with unknown results.
struct Flash;

impl Storage for Flash {
    fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult {
        black_box(offer);
        black_box(PrepareResult::Ready)
    }

    fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult {
        black_box((offset, data));
        black_box(StoreResult::Ok)
    }

    fn verify(&mut self, offer: &ImageOffer) -> VerifyResult {
        black_box(offer);
        black_box(VerifyResult::Valid)
    }
}

fn blocking<const RANGES: usize>(client: &mut Client<RANGES>, frame: &[u8]) {
    black_box(
        black_box(&mut *client).handle_frame_with(now(), meta(), frame, &mut Flash) == ClientAction::Done,
    );
    black_box(black_box(client).poll_need_with(now(), &mut Flash));
}
