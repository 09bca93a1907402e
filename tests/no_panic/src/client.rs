//! The client: every input, answer, wish and output, in any state.

use core::hint::black_box;
use core::num::NonZeroU8;

use zigbee_ota::client::{
    Applied, Client, Config, Handled, Identity, Need, Prepared, Stored, TxBuffer, Unanswered, Verdict,
};
use zigbee_ota::link::{Address, Meta};
use zigbee_ota::time::{Instant, Millis, UtcTime};
use zigbee_ota::zcl::LONGEST_TO_SERVER;
use zigbee_ota::{Eui64, HardwareVersion, ImageId};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    let mut client = Client::new(black_box(config()), black_box(1), now());
    // What the optimiser knew of the state it forgets here: what follows must hold in any.
    let client = black_box(&mut client);
    inputs(client, bytes.input);
    answers(client, bytes.input);
    wishes(client);
    outputs(client);
}

fn now() -> Instant {
    Instant::from_millis(black_box(0))
}

fn config() -> Config {
    let identity = Identity {
        current: black_box(ImageId::new(0, 0, 0)),
        hardware: black_box(Some(HardwareVersion(0))),
        node: black_box(Some(Eui64(0))),
    };
    let plain = Config::new(identity, black_box(Address::new(0, 0)));
    Config {
        max_data: black_box(NonZeroU8::MIN),
        block_pause: black_box(Millis(0)),
        unanswered: black_box(Unanswered::Apply),
        ..plain
    }
}

fn inputs(client: &mut Client, frame: &[u8]) {
    let meta = black_box(Meta::unicast(Address::new(0, 0)));
    black_box(client.handle_frame(now(), meta, frame) == Handled::Done);
    black_box(&mut *client).handle_timeout(now());
    black_box(client).set_utc(now(), black_box(Some(UtcTime(0))));
}

fn answers(client: &mut Client, frame: &[u8]) {
    let meta = black_box(Meta::unicast(Address::new(0, 0)));
    if let Handled::Store(block) = black_box(client.handle_frame(now(), meta, frame)) {
        black_box((block.offset, block.data));
        black_box(black_box(&mut *client).stored(now(), block.ticket, black_box(Stored::Ok))).ok();
    }
    let client = black_box(client);
    let result = match black_box(client.poll_need()) {
        None => Ok(()),
        Some(Need::Decide(ticket, _)) if black_box(true) => black_box(client).accept(ticket),
        Some(Need::Decide(ticket, _)) => black_box(client).refuse(now(), ticket),
        Some(Need::Prepare(ticket, _)) => {
            black_box(client).prepared(now(), ticket, black_box(Prepared::Ready))
        }
        Some(Need::Verify(ticket, _)) => black_box(client).verified(now(), ticket, black_box(Verdict::Valid)),
        Some(Need::Apply(ticket, _)) => black_box(client).applied(now(), ticket, black_box(Applied::Done)),
    };
    black_box(result).ok();
}

fn wishes(client: &mut Client) {
    black_box(black_box(&mut *client).query(now())).ok();
    black_box(black_box(client).abort(now())).ok();
}

fn outputs(client: &mut Client) {
    let mut out: TxBuffer = black_box([0; LONGEST_TO_SERVER]);
    black_box(black_box(&mut *client).poll_transmit(now(), &mut out));
    black_box(&out);
    black_box(black_box(&mut *client).poll_event());
    let client = black_box(&*client);
    black_box((client.poll_timeout(), client.waiting_for(), client.progress()));
    black_box((client.requests_repeated(), client.identity()));
}
