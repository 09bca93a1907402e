//! Table of the servers of other stacks.

use super::server::{BusyWait, Numbering, OtherImage, Overload, PageService, ServerModel, Sessions, Stray};
use super::wire::{ABORT, INVALID_FIELD, MALFORMED_COMMAND, NO_IMAGE_AVAILABLE};
use crate::Micros;

const MILLI: Micros = 1000;
const SECOND: Micros = 1_000_000;

/// Query Specific File Request.
const QUERY_SPECIFIC_FILE: u8 = 0x08;
/// First command that the cluster does not assign.
const UNASSIGNED: u8 = 0x0a;

/// Server by the letter of the specification, from which the rows below deviate.
const PLAIN: ServerModel = ServerModel {
    name: "plain",
    seen: "sections 6.10.4 to 6.10.10 of ZigBee document 095264",
    sessions: Sessions::NotNeeded,
    numbering: Numbering::OfRequest,
    other_image: OtherImage::Refused,
    block: 64,
    past_the_end: false,
    overload: Overload::Answers,
    delay: 10 * MILLI,
    between: 0,
    pages: PageService::Served { keeps_spacing: true, least_spacing: 0, drops_others: false, endless: false },
    busy: None,
    order: 0,
    tells_uptime: false,
    long_notify: false,
    notifies_again: false,
    asks_default_response: false,
    needs_period: false,
    unknown_end: None,
    truncated: Some(MALFORMED_COMMAND),
    ignored: &[],
    orders_failed: false,
};

/// Serves a client only after an operator's notify and the client's query; one request at a time, 250 ms between two
/// blocks; pages run to their end with the number of their request, and other requests are dropped meanwhile. A session
/// ends 60 s after a notify without a query, after 150 s without a block request, and at a truncated request.
///
/// Seen: zigbee-herdsman 11.1.1 over the line protocol, and its `src/controller/helpers/ota.ts`.
const HERDSMAN: ServerModel = ServerModel {
    name: "zigbee-herdsman",
    seen: "zigbee-herdsman 11.1.1 over the line protocol; src/controller/helpers/ota.ts",
    sessions: Sessions::Needed {
        query_within: 60 * SECOND,
        silence: 150 * SECOND,
        serves_before_query: false,
        answers_queries: false,
        keeps_file: true,
        stray: Stray::Silence,
    },
    other_image: OtherImage::AsAsked,
    block: 50,
    overload: Overload::Drops,
    between: 250 * MILLI,
    pages: PageService::Served { keeps_spacing: false, least_spacing: 0, drops_others: true, endless: true },
    order: 1,
    truncated: Some(INVALID_FIELD),
    ignored: &[QUERY_SPECIFIC_FILE],
    ..PLAIN
};

/// As zigbee-herdsman with its setting `responseDelay` at 0: no time between two blocks.
///
/// Seen: as zigbee-herdsman; zigbee2mqtt sets the delay from its configuration.
const HERDSMAN_FAST: ServerModel = ServerModel { name: "zigbee-herdsman fast", between: 0, ..HERDSMAN };

/// Serves the version that it has now, with the id of that version, whatever is asked for; drops a repeated number while
/// busy; answers queries at any time of a session; calls a request beyond the end malformed and ends the session; 30 s
/// without a request end the session; a block request outside of one gets ABORT. A truncated or an unknown request gets no
/// answer; every Upgrade End Request gets an order, with the id of the present file.
///
/// Seen: zigpy 2.4.0 over the line protocol, and its `zigpy/ota/manager.py`.
const ZIGPY: ServerModel = ServerModel {
    name: "zigpy",
    seen: "zigpy 2.4.0 over the line protocol; zigpy/ota/manager.py",
    sessions: Sessions::Needed {
        query_within: 30 * SECOND,
        silence: 30 * SECOND,
        serves_before_query: true,
        answers_queries: true,
        keeps_file: false,
        stray: Stray::Abort,
    },
    other_image: OtherImage::AsFile,
    block: 50,
    overload: Overload::DropsRepeats,
    needs_period: true,
    truncated: None,
    ignored: &[QUERY_SPECIFIC_FILE, UNASSIGNED],
    orders_failed: true,
    ..PLAIN
};

/// As zigpy, without an answer to page requests.
///
/// Seen: zigpy before its pull request 1431 of January 2025.
const ZIGPY_2024: ServerModel = ServerModel {
    name: "zigpy 2024",
    seen: "zigpy before pull request 1431",
    block: 40,
    pages: PageService::Ignored,
    ..ZIGPY
};

/// 20 ms between two blocks of a page at least; ABORT to a request for another image; ABORT to an Upgrade End Request of a
/// client that has asked for nothing since the start of the server; upgrade after 5 s.
///
/// Seen: `std_otau_plugin.cpp` of the OTA plugin of deCONZ.
const DECONZ: ServerModel = ServerModel {
    name: "deCONZ",
    seen: "OTA plugin of deCONZ, std_otau_plugin.cpp",
    other_image: OtherImage::Aborted,
    block: 50,
    pages: PageService::Served {
        keeps_spacing: true,
        least_spacing: 20 * MILLI,
        drops_others: false,
        endless: false,
    },
    order: 5,
    unknown_end: Some(ABORT),
    ..PLAIN
};

/// Serves blocks without a query; no pages.
///
/// Seen: `zcl_ota_upgrade_srv_commands.c` of ZBOSS r22 (nRF, ESP32-C6 and H2).
const ZBOSS: ServerModel = ServerModel {
    name: "ZBOSS",
    seen: "ZBOSS r22, zcl_ota_upgrade_srv_commands.c",
    truncated: Some(INVALID_FIELD),
    pages: PageService::Unsupported,
    ..PLAIN
};

/// Blocks of 32 bytes; numbers its answers by a counter of its own; no pages; upgrade after 60 s, told as milliseconds
/// since the start of the server and that number plus 60.
///
/// Seen: `zcl_ota.c` of Z-Stack Home 1.2.2a.
const TI: ServerModel = ServerModel {
    name: "TI",
    seen: "Z-Stack Home 1.2.2a, zcl_ota.c",
    numbering: Numbering::Own,
    block: 32,
    pages: PageService::Unsupported,
    order: 60,
    tells_uptime: true,
    ..PLAIN
};

/// As TI, with a host that has no data for a while now and then: WAIT_FOR_DATA of 11 bytes.
///
/// Seen: as TI.
const TI_BUSY: ServerModel =
    ServerModel { name: "TI, busy", busy: Some(BusyWait { every: 16, seconds: 2 }), ..TI };

/// As TI, with the numbers of the requests: what the own numbers are compared with. Seen nowhere.
const TI_ECHOING: ServerModel = ServerModel {
    name: "TI, echoing",
    seen: "nowhere: the measure for TI",
    numbering: Numbering::OfRequest,
    ..TI
};

/// Blocks and pages; an Image Notify of payload type 0 carries all ten bytes.
///
/// Seen: BitCloud 3.2, `zclOtauServer.c`.
const BITCLOUD: ServerModel = ServerModel {
    name: "BitCloud",
    seen: "BitCloud 3.2, zclOtauServer.c",
    long_notify: true,
    order: 0,
    ..PLAIN
};

/// Blocks of up to 255 bytes; no pages: one UNSUP_CLUSTER_COMMAND, and then blocks.
///
/// Seen: XBee 3 modules and their manual.
const DIGI: ServerModel = ServerModel {
    name: "Digi",
    seen: "XBee 3 modules and their manual",
    block: 255,
    pages: PageService::Unsupported,
    ..PLAIN
};

/// Blocks of 48 bytes, also where the file ends before, and beyond its end; no pages; upgrade after 60 s.
///
/// Seen: `zigbee/ota/ota.c` of the Telink SDK over the line protocol.
const TELINK: ServerModel = ServerModel {
    name: "Telink",
    seen: "Telink SDK over the line protocol; zigbee/ota/ota.c",
    block: 48,
    past_the_end: true,
    truncated: Some(NO_IMAGE_AVAILABLE),
    pages: PageService::Unsupported,
    order: 60,
    ..PLAIN
};

/// Blocks of 223 bytes in three fragments, 302 ms each; upgrade after 5 s, with a second notify, by broadcast, while the
/// client counts down.
///
/// Seen: a capture of espressif's example, server and client.
const ESPRESSIF: ServerModel = ServerModel {
    name: "espressif",
    seen: "capture of espressif's example",
    block: 223,
    delay: 300 * MILLI,
    pages: PageService::Unsupported,
    order: 5,
    notifies_again: true,
    ..PLAIN
};

/// Numbers its answers itself, and asks for a Default Response to each.
///
/// Seen: com.zsmartsystems.zigbee, the stack of openHAB.
const ZSMART: ServerModel = ServerModel {
    name: "zsmartsystems",
    seen: "com.zsmartsystems.zigbee",
    numbering: Numbering::Own,
    block: 60,
    asks_default_response: true,
    ..PLAIN
};

/// Servers of other stacks; the first is the measure of the others.
pub const SERVERS: &[ServerModel] = &[
    PLAIN,
    HERDSMAN,
    HERDSMAN_FAST,
    ZIGPY,
    ZIGPY_2024,
    DECONZ,
    ZBOSS,
    TI,
    TI_BUSY,
    TI_ECHOING,
    BITCLOUD,
    DIGI,
    TELINK,
    ESPRESSIF,
    ZSMART,
];
