//! Calls of the server: every input and output, with unknown slots, store and policy.

use core::hint::black_box;
use core::num::NonZeroU8;

use zigbee_ota::aps::{Address, DeliveryMode, DeliveryReport, FrameMeta, TransmitToken};
use zigbee_ota::file::FileHeader;
use zigbee_ota::server::espressif::{ImageTable, ReadRequest, Registration, ServerStatus, WrappedBinary};
use zigbee_ota::server::{
    FileLookup, ImageInfo, ImageStore, PaceDecision, QueryDecision, ReadResult, RefusalReason,
    ResponseBuffer, Server, ServerAction, ServerConfig, ServerPolicy, Session, SessionSlots, SliceStore,
    SlotStore, StandardPolicy, StoreEntry, UpgradeDecision, serve_block,
};
use zigbee_ota::time::{Instant, UtcTime};
use zigbee_ota::zcl::{
    ClientStatus, ImageBlockRequest, ImageNotify, LONGEST_TO_CLIENT, NotifyScope, QueryNextImageRequest,
    QuerySpecificFileRequest,
};
use zigbee_ota::{Eui64, HardwareVersion, ImageFilter, ImageId, ImageType, ManufacturerCode, StackVersion};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    let config = black_box(ServerConfig::default());
    let mut lent = [Session::EMPTY; 9];
    // Slots of unknown and of known number.
    let mut some = Server::new(config, black_box(&mut lent[..]));
    let mut three = Server::new(config, [Session::EMPTY; 3]);
    drive(black_box(&mut some), black_box(&mut Unknown), bytes.input);
    drive(black_box(&mut three), black_box(&mut Unknown), bytes.input);
    if let Ok(entry) = StoreEntry::parse(bytes.input) {
        black_box((entry.info(), entry.file()));
        let entries = black_box([entry; 3]);
        if let Ok(mut catalog) = SliceStore::new(black_box(&entries[..])) {
            drive(black_box(&mut some), &mut catalog, bytes.input);
        }
        let mut shelf = SlotStore::new(black_box([Some(entry), None]));
        black_box((shelf.add(entry).is_ok(), shelf.replace(entry).is_ok(), shelf.list().count()));
        drive(black_box(&mut some), &mut shelf, bytes.input);
        black_box(shelf.remove(entry.info().id, black_box(None)));
        tabled(black_box(&mut some), entry, bytes.input);
    }
}

/// Calls of the image table by index, with its own source and with a wrapped one.
fn tabled(server: &mut Server<&mut [Session]>, entry: StoreEntry<'_>, frame: &[u8]) {
    let mut source = |wanted: ReadRequest, out: &mut [u8]| {
        black_box((wanted, out));
        black_box(ReadResult::Later)
    };
    let Ok(mut table) = ImageTable::<2>::new(black_box(1), black_box(0)) else { return };
    let (image, upgrade_time, notify) = (*entry.info(), black_box(0), black_box(true));
    let registration = Registration { endpoint: 1, image, upgrade_time, source: &mut source, notify };
    black_box(table.register(black_box(0), registration).is_ok());
    black_box((table.count(), table.get(black_box(1)).is_some()));
    let mut policy = table.policy(|client, request, index| {
        black_box((client, request, index));
        black_box(QueryDecision::Offer)
    });
    let mut out: ResponseBuffer = black_box([0; LONGEST_TO_CLIENT]);
    let meta = FrameMeta::unicast(Address::new(0, 0));
    let handled =
        server.handle_frame(Instant::ZERO, meta, frame, &mut table, black_box(&mut policy), &mut out);
    black_box(matches!(handled, ServerAction::Reply(_)));
    black_box(&out);
    black_box(server.poll_event().map(|event| ServerStatus::from_event(&event)));
    black_box(server.lost_events());
    black_box(table.remove(black_box(0)));
    let header = FileHeader::new(black_box(image.id));
    if let Ok(mut wrapped) =
        WrappedBinary::new(header, black_box(0), |_, _: &mut [u8]| black_box(ReadResult::Gone))
    {
        black_box(wrapped.image());
        black_box(wrapped.read(black_box(0), &mut out));
    }
}

/// Store and policy with unknown results.
struct Unknown;

impl ImageStore for Unknown {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        fits: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        black_box((manufacturer, image_type));
        Some(info()).filter(|info| fits(info))
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        client: Option<Address>,
    ) -> FileLookup {
        black_box((id, node, hardware, client));
        black_box(FileLookup::from(black_box(Some(info()))))
    }

    fn read(
        &mut self,
        image: &ImageInfo,
        offset: u32,
        client: Option<Address>,
        out: &mut [u8],
    ) -> ReadResult {
        black_box((image, offset, client, out));
        black_box(ReadResult::Filled(0))
    }
}

fn info() -> ImageInfo {
    black_box(ImageInfo::new(&black_box(FileHeader::new(ImageId::new(0, 0, 0)))))
}

impl ServerPolicy for Unknown {
    fn is_eligible(&mut self, client: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        black_box(client);
        black_box(StandardPolicy::default()).allows(request, image)
    }

    fn is_authorized(&mut self, client: Address, id: ImageId, image: Option<&ImageInfo>) -> bool {
        black_box((client, id, image));
        black_box(true)
    }

    fn ieee(&mut self, client: Address) -> Option<Eui64> {
        black_box(client);
        black_box(Some(Eui64(0)))
    }

    fn hardware(&mut self, client: Address, id: ImageId) -> Option<HardwareVersion> {
        black_box((client, id));
        black_box(Some(HardwareVersion(0)))
    }

    fn refusal_reason(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        image: &ImageInfo,
    ) -> RefusalReason {
        black_box(client);
        let reason = black_box(StandardPolicy::default()).refusal_reason_of(request, image);
        black_box(reason).unwrap_or(black_box(RefusalReason::Policy))
    }

    fn offer(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        found: Option<&ImageInfo>,
    ) -> QueryDecision {
        black_box((client, request, found));
        black_box(QueryDecision::Offer)
    }

    fn pace(
        &mut self,
        client: Address,
        request: &ImageBlockRequest,
        session: Option<&Session>,
    ) -> PaceDecision {
        black_box((client, request, session));
        black_box(PaceDecision::Send)
    }

    fn upgrade(&mut self, client: Address, id: ImageId) -> UpgradeDecision {
        black_box((client, id));
        black_box(UpgradeDecision::Now)
    }

    fn is_sleepy(&mut self, client: Address) -> bool {
        black_box(client);
        black_box(false)
    }

    fn offer_repeated(&mut self, client: Address, id: ImageId, times: u8) -> QueryDecision {
        black_box((client, id, times));
        black_box(QueryDecision::Offer)
    }

    fn accepts_version_wildcard(&mut self, _: Address, request: &QuerySpecificFileRequest) -> bool {
        black_box(request);
        black_box(true)
    }
}

fn drive<S: SessionSlots>(server: &mut Server<S>, images: &mut impl ImageStore, frame: &[u8]) {
    let now = || Instant::from_millis(black_box(0));
    let meta = black_box(FrameMeta::unicast(Address::new(0, 0)).with_ieee(Some(Eui64(0))));
    let mut out: ResponseBuffer = black_box([0; LONGEST_TO_CLIENT]);
    let handled =
        server.handle_frame(now(), meta, frame, images, black_box(&mut Unknown), black_box(&mut out));
    if let ServerAction::Deferred(parked) = black_box(handled) {
        black_box((parked.client(), parked.image(), parked.offset(), parked.max_len()));
        let transmit = server.answer(now(), black_box(parked), black_box(Ok(frame)), &mut out);
        black_box(transmit.len);
    }
    let notify = black_box(ImageNotify { jitter: 0, scope: NotifyScope::Everyone });
    let notified =
        black_box(server.notify(meta.from, black_box(DeliveryMode::Unicast), notify, &mut out)).ok();
    black_box(&out);
    black_box(server.poll_transmit(now(), images, &mut out).is_some());
    black_box(server.abort_page(now(), meta.from, &mut out).is_some());
    black_box(server.cancel(meta.from, black_box(ImageFilter::ALL)));
    black_box(server.moved(black_box(0), black_box(1)));
    black_box(server.forget(black_box(1)));
    server.reset_repeats(black_box(0));
    let target = black_box(ImageFilter::ALL);
    let way = black_box(DeliveryMode::Broadcast);
    black_box(server.release(now(), meta.from, way, target, black_box(0), &mut out)).len;
    black_box(server.hold(now(), meta.from, way, target, &mut out)).len;
    black_box(server.read_status(meta.from, &mut out)).len;
    server.handle_delivery(
        now(),
        notified.map_or(TransmitToken::NONE, |sent| sent.token),
        black_box(DeliveryReport::Failed),
    );
    server.handle_timeout(now());
    black_box(server.poll_timeout());
    let request = black_box(ImageBlockRequest::new(ImageId::new(0, 0, 0), 0, 0));
    black_box(serve_block(black_box(0), &request, black_box(NonZeroU8::MAX), images, &mut out));
    server.set_utc(now(), black_box(Some(UtcTime(0))));
    for session in server.sessions() {
        black_box((
            session.progress(),
            session.max_block_size(),
            session.has_page(),
            session.has_downloaded(request.id),
        ));
        black_box((session.manufacturer(), session.image_type(), session.ieee(), session.hardware()));
    }
    let report = black_box(ClientStatus::default());
    let stack = black_box(StackVersion::ZIGBEE_PRO);
    black_box(server.is_ready_to_upgrade(meta.from, request.id, stack, Some(&report)));
    black_box(info().is_for(black_box(None)));
    black_box(
        server.session(meta.from).map(|session| (session.client(), session.phase(), session.last_heard())),
    );
    black_box(server.session_for(meta.from, request.id).map(Session::phase));
    black_box(FileLookup::NotFound.found());
    black_box(FrameMeta::unicast(meta.from).with_ieee(black_box(Some(Eui64(0)))));
    black_box(server.poll_event());
}
