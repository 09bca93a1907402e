//! Table of the clients of other stacks.

use super::client::{ClientModel, OfferReaction, PageUse, Unanswered, WaitForm};
use super::wire::{HAS_IEEE, HAS_PERIOD, INVALID_FIELD, MALFORMED_COMMAND};
use crate::Micros;

const MILLI: Micros = 1000;
const SECOND: Micros = 1_000_000;
const MINUTE: Micros = 60 * SECOND;
const DAY: Micros = 24 * 60 * MINUTE;

/// Client by the letter of the specification, from which the rows below deviate.
const PLAIN: ClientModel = ClientModel {
    name: "plain",
    seen: "sections 6.10.4 to 6.10.10 of ZigBee document 095264",
    block: 64,
    fields: 0,
    first_request: None,
    spared: 0,
    pages: None,
    block_timeout: 5 * SECOND,
    block_tries: 10,
    pace: 20 * MILLI,
    query_timeout: 5 * SECOND,
    query_tries: 3,
    query_every: DAY,
    end_timeout: 10 * SECOND,
    end_tries: 4,
    unanswered: Unanswered::Upgrade,
    wait: WaitForm { needs_period: None, cancels_timer: false, ignores_period: false },
    offer: OfferReaction::Download,
    answers_notify: true,
    checks_number: false,
    numbers_zero: false,
    unexpected_block: None,
    obeys_errors: false,
    queries_in_countdown: false,
};

/// Asks with its IEEE address and the period (frames of 27 bytes); gives up after two repetitions of a block, 45 s apart;
/// a WAIT_FOR_DATA has to have 11 bytes and cancels the timer of the repetitions; the Upgrade End Request is sent once.
///
/// Seen: `zcl_ota_upgrade_commands.c` of ZBOSS r22 (nRF, ESP32-C6 and H2).
const ZBOSS: ClientModel = ClientModel {
    name: "ZBOSS",
    seen: "ZBOSS r22, zcl_ota_upgrade_commands.c",
    fields: HAS_IEEE | HAS_PERIOD,
    block_timeout: 45 * SECOND,
    block_tries: 3,
    query_tries: 1,
    end_tries: 1,
    unanswered: Unanswered::Forget,
    wait: WaitForm { needs_period: Some(INVALID_FIELD), cancels_timer: true, ignores_period: false },
    answers_notify: false,
    ..PLAIN
};

/// Blocks of 32 bytes with the period; a lost query is repeated by the periodic timer alone; a WAIT_FOR_DATA has to have
/// 11 bytes; a notify is answered with a Default Response and the query; two Upgrade End Requests.
///
/// Seen: `zcl_ota.c` of Z-Stack Home 1.2.2a.
const TI: ClientModel = ClientModel {
    name: "TI",
    seen: "Z-Stack Home 1.2.2a, zcl_ota.c",
    block: 32,
    fields: HAS_PERIOD,
    query_timeout: 45 * SECOND,
    query_tries: u8::MAX,
    query_every: 45 * SECOND,
    end_tries: 2,
    wait: WaitForm { needs_period: Some(MALFORMED_COMMAND), cancels_timer: false, ignores_period: false },
    ..PLAIN
};

/// First request of 8 bytes at offset 62, with field control 0x02 and no field behind it; pages of 512 bytes, and then
/// block requests for what a mask shows as missed; the last byte of the file is never asked for; the period of a
/// WAIT_FOR_DATA is ignored when its times are equal; a block that nobody asked for gets MALFORMED_COMMAND; only a
/// response with the number of the latest request counts.
///
/// Seen: `zclOtauClientDownload.c` of BitCloud 3.2.
const BITCLOUD: ClientModel = ClientModel {
    name: "BitCloud",
    seen: "BitCloud 3.2, zclOtauClientDownload.c",
    block: 48,
    first_request: Some((62, 8)),
    spared: 1,
    pages: Some(PageUse { size: 512, spacing: 20, silence: 600 * MILLI }),
    wait: WaitForm { needs_period: None, cancels_timer: false, ignores_period: true },
    checks_number: true,
    unexpected_block: Some(MALFORMED_COMMAND),
    ..PLAIN
};

/// Blocks of 48 bytes with the period, five seconds and ten tries; two Upgrade End Requests, then it upgrades; queries
/// every five minutes.
///
/// Seen: `zigbee/ota/ota.c` of the Telink SDK, also over the line protocol.
const TELINK: ClientModel = ClientModel {
    name: "Telink",
    seen: "Telink SDK, zigbee/ota/ota.c",
    block: 48,
    fields: HAS_PERIOD,
    query_tries: 1,
    query_every: 5 * MINUTE,
    end_tries: 2,
    ..PLAIN
};

/// Blocks of 63 bytes with the period; a block is asked for again after 10 s, a query and an Upgrade End Request after
/// 60 s; ten errors end the download; so does an error in a Default Response.
///
/// Seen: `ota-client.c` of the Simplicity SDK, and logs of its products.
const SILABS: ClientModel = ClientModel {
    name: "Silicon Labs",
    seen: "Simplicity SDK, ota-client.c",
    block: 63,
    fields: HAS_PERIOD,
    block_timeout: 10 * SECOND,
    query_timeout: 60 * SECOND,
    query_tries: 10,
    query_every: 5 * MINUTE,
    end_timeout: 60 * SECOND,
    end_tries: 10,
    obeys_errors: true,
    ..PLAIN
};

/// Every request has the number 0; a query is repeated after 6.5 s.
///
/// Seen: captures of OSRAM's lamps.
const OSRAM: ClientModel = ClientModel {
    name: "OSRAM",
    seen: "captures of OSRAM's lamps",
    block: 50,
    query_timeout: 6_500 * MILLI,
    numbers_zero: true,
    ..PLAIN
};

/// One request at a time, blocks of 223 bytes; a lost block is asked for again after 5 s; a notify during the countdown
/// leads to a query, and the offer to a Default Response INVALID_FIELD.
///
/// Seen: a capture of espressif's example.
const ESPRESSIF: ClientModel = ClientModel {
    name: "espressif",
    seen: "capture of espressif's example",
    block: 223,
    fields: HAS_IEEE | HAS_PERIOD,
    queries_in_countdown: true,
    ..PLAIN
};

/// 70 ms from a block to the next request; a lost block is asked for again after 3 s.
///
/// Seen: logs of IKEA's devices.
const IKEA: ClientModel = ClientModel {
    name: "IKEA",
    seen: "logs of IKEA's devices",
    block: 63,
    block_timeout: 3 * SECOND,
    pace: 70 * MILLI,
    ..PLAIN
};

/// The Upgrade End Request is repeated each 6 s, with new numbers, until it is answered.
///
/// Seen: logs of Eurotronic's thermostats.
const EUROTRONIC: ClientModel = ClientModel {
    name: "Eurotronic",
    seen: "logs of Eurotronic's thermostats",
    block: 50,
    end_timeout: 6 * SECOND,
    end_tries: u8::MAX,
    unanswered: Unanswered::Forget,
    ..PLAIN
};

/// Queries once a day, and refuses what is offered by an Upgrade End Request with INVALID_IMAGE.
///
/// Seen: logs of Sinope's thermostats.
const SINOPE: ClientModel = ClientModel {
    name: "Sinope",
    seen: "logs of Sinope's thermostats",
    offer: OfferReaction::Refuse,
    ..PLAIN
};

/// Clients of other stacks; the first is the measure of the others.
pub const CLIENTS: &[ClientModel] =
    &[PLAIN, ZBOSS, TI, BITCLOUD, TELINK, SILABS, OSRAM, ESPRESSIF, IKEA, EUROTRONIC, SINOPE];
