//! The server: every input and output, with slots, store and policy that it knows nothing of.

use core::hint::black_box;

use zigbee_ota::link::{Address, DeliveryMode, Meta};
use zigbee_ota::server::{
    Apply, Catalog, Config, Entry, Handled, ImageInfo, ImageStore, Pace, Policy, Read, Server, Session,
    Slots, Standard, TxBuffer, Verdict,
};
use zigbee_ota::time::{Instant, UtcTime};
use zigbee_ota::zcl::{
    ImageBlockRequest, ImageNotify, LONGEST_TO_CLIENT, NotifyScope, QueryNextImageRequest,
};
use zigbee_ota::{Eui64, ImageId, ImageType, ManufacturerCode, StackVersion};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    let config = black_box(Config::default());
    let mut lent = [Session::EMPTY; 9];
    // Of a length that nobody knows, and of one that everybody does.
    let mut some = Server::new(config, black_box(&mut lent[..]));
    let mut three = Server::new(config, [Session::EMPTY; 3]);
    drive(black_box(&mut some), black_box(&mut Unknown), bytes.input);
    drive(black_box(&mut three), black_box(&mut Unknown), bytes.input);
    if let Ok(entry) = Entry::parse(bytes.input) {
        black_box((entry.info(), entry.file()));
        let entries = black_box([entry; 3]);
        if let Ok(mut catalog) = Catalog::new(black_box(&entries[..])) {
            drive(black_box(&mut some), &mut catalog, bytes.input);
        }
    }
}

/// A store that may say anything, and a policy that may.
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

    fn info(&mut self, id: ImageId, node: Option<Eui64>) -> Option<ImageInfo> {
        black_box((id, node));
        black_box(Some(info()))
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, out: &mut [u8]) -> Read {
        black_box((image, offset, out));
        black_box(Read::Filled(0))
    }
}

fn info() -> ImageInfo {
    ImageInfo {
        id: black_box(ImageId::new(0, 0, 0)),
        size: black_box(0),
        stack: black_box(StackVersion::ZIGBEE_PRO),
        credential: black_box(None),
        destination: black_box(None),
        hardware: black_box(None),
    }
}

impl Policy for Unknown {
    fn fits(&mut self, client: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        black_box(client);
        black_box(Standard::default()).suits(request, image)
    }

    fn offer(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        found: Option<&ImageInfo>,
    ) -> Verdict {
        black_box((client, request, found));
        black_box(Verdict::Offer)
    }

    fn pace(&mut self, client: Address, request: &ImageBlockRequest, session: Option<&Session>) -> Pace {
        black_box((client, request, session));
        black_box(Pace::Send)
    }

    fn apply(&mut self, client: Address, id: ImageId) -> Apply {
        black_box((client, id));
        black_box(Apply::Now)
    }
}

fn drive<S: Slots>(server: &mut Server<S>, images: &mut impl ImageStore, frame: &[u8]) {
    let now = || Instant::from_millis(black_box(0));
    let meta = black_box(Meta::unicast(Address::new(0, 0)));
    let mut out: TxBuffer = black_box([0; LONGEST_TO_CLIENT]);
    let handled =
        server.handle_frame(now(), meta, frame, images, black_box(&mut Unknown), black_box(&mut out));
    if let Handled::Parked(parked) = black_box(handled) {
        black_box((parked.client(), parked.image(), parked.offset(), parked.wanted()));
        let transmit = server.answer(now(), black_box(parked), black_box(Ok(frame)), &mut out);
        black_box(transmit.len);
    }
    let notify = black_box(ImageNotify { jitter: 0, scope: NotifyScope::Everyone });
    black_box(server.notify(meta.from, black_box(DeliveryMode::Unicast), notify, &mut out)).ok();
    black_box(&out);
    server.set_utc(now(), black_box(Some(UtcTime(0))));
    black_box(
        server.session(meta.from).map(|session| (session.client(), session.phase(), session.last_heard())),
    );
    black_box(server.poll_event());
}
