//! Table of frames in hexadecimal, each with its value and the pieces that the decoder reads at once.

use zigbee_ota::aps::DeliveryMode;
use zigbee_ota::time::ServerTime;
use zigbee_ota::zcl::{
    BlockBytes, BlockData, CommandId, DefaultResponse, Direction, Frame, ImageBlockRequest,
    ImageBlockResponse, ImageNotify, ImageOffer, ImagePageRequest, NotifyScope, QueryNextImageRequest,
    QueryResponse, QuerySpecificFileRequest, Refusal, Status, ToClient, ToServer, UpgradeEndRequest,
    UpgradeEndResponse, WaitForData,
};
use zigbee_ota::{Eui64, HardwareVersion, ImageFilter, ImageId, ImageType, ManufacturerCode, StackVersion};

pub struct Vector {
    pub name: &'static str,
    pub hex: &'static str,
    pub frame: Frame<'static>,
    /// Pieces of the payload, in order.
    pub pieces: &'static [Piece],
}

/// Bytes that the decoder reads at once: the offset of an error is that of the first of them.
#[derive(Clone, Copy)]
pub enum Piece {
    /// A number of bytes.
    Bytes(usize),
    /// The two bytes of a MinimumBlockPeriod that the field control announces.
    Period,
    /// Data, of the length in the byte before it.
    Data(usize),
}

use Piece::{Bytes, Data, Period};

const ID: ImageId = ImageId::new(0x115f, 0x0101, 6699);
const HIGH_ID: ImageId = ImageId::new(0x100b, 0xffbf, 0xfedc_ba98);
const NODE: Eui64 = Eui64(0x0012_4b00_0102_0304);
const HUE_ID: ImageId = ImageId::new(0x100b, 0x011f, 0x0100_2700);

pub fn all() -> Vec<Vector> {
    let commands = [
        notify(),
        query_request(),
        query_response(),
        block_request(),
        page_request(),
        block_response(),
        end_request(),
        end_response(),
        specific_request(),
        specific_response(),
        default_response(),
    ];
    commands.into_iter().flatten().collect()
}

pub fn notify() -> Vec<Vector> {
    use DeliveryMode::{Broadcast, Multicast, Unicast};

    let vector = |name, hex, sequence, delivery, jitter, scope, pieces| {
        let frame = Frame::notify(sequence, ImageNotify { jitter, scope }, delivery);
        Vector { name, hex, frame, pieces }
    };
    let (code, image_type) = (ManufacturerCode(0x115f), ImageType(0x0101));
    let one_maker = NotifyScope::Manufacturer(code);
    let one_type = NotifyScope::ImageType(code, image_type);
    let one_version = NotifyScope::NewVersion(ID.into());
    let any_version = NotifyScope::NewVersion(ImageFilter::ALL);
    vec![
        vector(
            "notify, type 0",
            "090700 0064",
            7,
            Unicast,
            100,
            NotifyScope::Everyone,
            &[Bytes(1), Bytes(1)],
        ),
        vector(
            "notify, type 1",
            "091500 01325f11",
            21,
            Unicast,
            50,
            one_maker,
            &[Bytes(1), Bytes(1), Bytes(2)],
        ),
        vector(
            "notify, type 2",
            "092300 02015f110101",
            35,
            Unicast,
            1,
            one_type,
            &[Bytes(1), Bytes(1), Bytes(2), Bytes(2)],
        ),
        vector(
            "notify, type 3",
            "093100 03635f1101012b1a0000",
            49,
            Unicast,
            99,
            one_version,
            &[Bytes(1), Bytes(1), Bytes(2), Bytes(2), Bytes(4)],
        ),
        vector(
            "notify to all, type 3",
            "193100 0363ffffffffffffffff",
            49,
            Broadcast,
            99,
            any_version,
            &[Bytes(1), Bytes(1), Bytes(2), Bytes(2), Bytes(4)],
        ),
        vector(
            "notify to a group, type 1",
            "191500 01325f11",
            21,
            Multicast,
            50,
            one_maker,
            &[Bytes(1), Bytes(1), Bytes(2)],
        ),
    ]
}

pub fn query_request() -> Vec<Vector> {
    let vector = |name, hex, sequence, current, hardware, pieces| {
        let mut request = QueryNextImageRequest::new(current);
        request.hardware = hardware;
        let frame = Frame::to_server(sequence, ToServer::QueryNextImage(request));
        Vector { name, hex, frame, pieces }
    };
    vec![
        vector("query", "013f01 005f1101012b1a0000", 63, ID, None, &[Bytes(9)]),
        vector(
            "query, highest values",
            "014d01 010b10bfff98badcfefeff",
            77,
            HIGH_ID,
            Some(HardwareVersion(0xfffe)),
            &[Bytes(9), Bytes(2)],
        ),
    ]
}

pub fn query_response() -> Vec<Vector> {
    let vector = |name, hex, sequence, response, pieces| {
        let frame = Frame::response(sequence, ToClient::QueryNextImage(response));
        Vector { name, hex, frame, pieces }
    };
    let offer = QueryResponse::Offer(ImageOffer { id: ID, size: 239_554 });
    let none = QueryResponse::Refused(Refusal::NO_IMAGE_AVAILABLE);
    let not_you = QueryResponse::Refused(Refusal::NOT_AUTHORIZED);
    vec![
        vector("offer", "195b02 005f1101012b1a0000c2a70300", 91, offer, &[Bytes(1), Bytes(12)]),
        vector("no image", "196902 98", 105, none, &[Bytes(1)]),
        vector("not authorized", "196902 7e", 105, not_you, &[Bytes(1)]),
    ]
}

pub fn block_request() -> Vec<Vector> {
    let vector = |name, hex, sequence, request, pieces| {
        let frame = Frame::to_server(sequence, ToServer::ImageBlock(request));
        Vector { name, hex, frame, pieces }
    };
    let plain = ImageBlockRequest::new(ID, 0, 50);
    let credentials = ImageId::new(0x115f, 0xffc1, 3);
    let mut specific = plain;
    specific.id = credentials;
    specific.offset = 4660;
    specific.max_data = 63;
    specific.node = Some(NODE);
    let both = ImageBlockRequest::new(ID, 10_531_008, 82)
        .with_node(Eui64(0xffee_ddcc_bbaa_9988))
        .with_min_block_period(0xfffe);
    let hue = ImageBlockRequest::new(HUE_ID, 0x0001_75b4, 64).with_min_block_period(0);
    vec![
        vector("block request", "017703 005f1101012b1a00000000000032", 119, plain, &[Bytes(14)]),
        vector(
            "block request, node",
            "018503 015f11c1ff03000000341200003f04030201004b1200",
            133,
            specific,
            &[Bytes(14), Bytes(8)],
        ),
        vector(
            "block request, node and period",
            "019303 035f1101012b1a0000c0b0a000528899aabbccddeefffeff",
            147,
            both,
            &[Bytes(14), Bytes(8), Period],
        ),
        vector(
            "block request, period",
            "019403 020b101f0100270001b4750100400000",
            148,
            hue,
            &[Bytes(14), Period],
        ),
    ]
}

/// Test data: a step of 37, and one more every eight bytes.
const fn pattern<const N: usize>(start: u8) -> [u8; N] {
    let (mut bytes, mut at) = ([0; N], 0);
    while at < N {
        bytes[at] = (start as usize + at * 37 + at / 8) as u8;
        at += 1;
    }
    bytes
}

const DATA_32: &str = "19bd05 005f1101012b1a00002000000020
    20456a8fb4d9fe23496e93b8dd02274c7297bce1062b50759bc0e50a2f54799e";
const DATA_50: &str = "19cb05 005f1101012b1a000050c3000032
    32577ca1c6eb10355b80a5caef14395e84a9cef3183d6287add2f71c41668bb0d6fb20456a8fb4d9ff24496e93b8dd02284d";
const DATA_64: &str = "19d905 005f1101012b1a0000c0ffff7f40
    40658aafd4f91e43698eb3d8fd22476c92b7dc01264b7095bbe0052a4f7499bee4092e53789dc2e70d32577ca1c6eb10365b
    80a5caef14395f84a9cef3183d62";
const DATA_82: &str = "19e705 005f1101012b1a00003403000052
    52779cc1e60b30557ba0c5ea0f34597ea4c9ee13385d82a7cdf2173c6186abd0f61b40658aafd4f91f44698eb3d8fd22486d
    92b7dc01264b7196bbe0052a4f749abfe4092e53789dc3e80d32577ca1c6ec11";
const DATA_255: &str = "19f505 000b10bfff98badcfefe010000ff
    00254a6f94b9de03294e7398bde2072c52779cc1e60b30557ba0c5ea0f34597ea4c9ee13385d82a7cdf2173c6186abd0f61b
    40658aafd4f91f44698eb3d8fd22486d92b7dc01264b7196bbe0052a4f749abfe4092e53789dc3e80d32577ca1c6ec11365b
    80a5caef153a5f84a9cef3183e6388add2f71c41678cb1d6fb20456a90b5daff24496e93b9de03284d7297bce2072c51769b
    c0e50b30557a9fc4e90e34597ea3c8ed12375d82a7ccf1163b6086abd0f51a3f6489afd4f91e43688db2d8fd22476c91b6db
    01264b7095badf042a4f7499bee3082d53789dc2e70c31567ca1c6eb10355a7fa5caef14395e83a8cef3183d6287acd1f71c
    41668bb0d5";

pub fn block_response() -> Vec<Vector> {
    let vector = |name, hex, sequence, response, pieces| {
        let frame = Frame::response(sequence, ToClient::ImageBlock(response));
        Vector { name, hex, frame, pieces }
    };
    let data = |id, offset, data: &'static [u8]| {
        let data = BlockBytes::new(data).expect("at most 255 bytes");
        ImageBlockResponse::Data(BlockData { id, offset, data })
    };
    let wait = |current, then| ImageBlockResponse::Wait(WaitForData::new(ServerTime { current, then }));
    let data_32 = data(ID, 32, const { &pattern::<32>(0x20) });
    let data_50 = data(ID, 50_000, const { &pattern::<50>(0x32) });
    let data_64 = data(ID, 0x7fff_ffc0, const { &pattern::<64>(0x40) });
    let data_82 = data(ID, 820, const { &pattern::<82>(0x52) });
    let data_255 = data(HIGH_ID, 510, const { &pattern::<255>(0x00) });
    vec![
        vector(
            "block of 0",
            "190205 005f1101012b1a00000102030400",
            2,
            data(ID, 0x0403_0201, &[]),
            &[Bytes(1), Bytes(13)],
        ),
        vector(
            "block of 1",
            "190205 005f1101012b1a000001020304015a",
            2,
            data(ID, 0x0403_0201, &[0x5a]),
            &[Bytes(1), Bytes(13), Data(1)],
        ),
        vector("block of 32", DATA_32, 189, data_32, &[Bytes(1), Bytes(13), Data(32)]),
        vector("block of 50", DATA_50, 203, data_50, &[Bytes(1), Bytes(13), Data(50)]),
        vector("block of 64", DATA_64, 217, data_64, &[Bytes(1), Bytes(13), Data(64)]),
        vector("block of 82", DATA_82, 231, data_82, &[Bytes(1), Bytes(13), Data(82)]),
        vector("block of 255", DATA_255, 245, data_255, &[Bytes(1), Bytes(13), Data(255)]),
        vector("wait", "190305 97001a4f2d3c1a4f2d", 3, wait(760_158_720, 760_158_780), &[Bytes(1), Bytes(8)]),
        vector("abort", "190405 95", 4, ImageBlockResponse::Abort, &[Bytes(1)]),
    ]
}

pub fn end_request() -> Vec<Vector> {
    let vector = |name, hex, sequence, status, id| {
        let frame = Frame::to_server(sequence, ToServer::UpgradeEnd(UpgradeEndRequest { status, id }));
        Vector { name, hex, frame, pieces: &[Bytes(9)] }
    };
    vec![
        vector("end", "011106 005f1101012b1a0000", 17, Status::SUCCESS, ID),
        vector("end, more wanted", "011f06 990b10bfff98badcfe", 31, Status::REQUIRE_MORE_IMAGE, HIGH_ID),
        vector("end, invalid", "011206 965f1101012b1a0000", 18, Status::INVALID_IMAGE, ID),
        vector("end, aborted", "011306 955f1101012b1a0000", 19, Status::ABORT, ID),
    ]
}

pub fn end_response() -> Vec<Vector> {
    let vector = |name, hex, sequence, target, time| {
        let frame = Frame::response(sequence, ToClient::UpgradeEnd(UpgradeEndResponse { target, time }));
        Vector { name, hex, frame, pieces: &[Bytes(16)] }
    };
    let utc = ServerTime { current: 760_158_720, then: 760_162_320 };
    let in_a_minute = ServerTime { current: 0, then: 60 };
    vec![
        vector("upgrade now", "192d07 5f1101012b1a00000000000000000000", 45, ID.into(), ServerTime::NOW),
        vector("upgrade at", "193b07 0b10bfff98badcfe001a4f2d10284f2d", 59, HIGH_ID.into(), utc),
        vector("upgrade all", "193c07 ffffffffffffffff000000003c000000", 60, ImageFilter::ALL, in_a_minute),
    ]
}

pub fn default_response() -> Vec<Vector> {
    let vector = |name, hex, sequence, direction, command, status| {
        let frame = Frame::default_response(sequence, direction, DefaultResponse { command, status });
        Vector { name, hex, frame, pieces: &[Bytes(1), Bytes(1)] }
    };
    let [to_server, to_client] = [Direction::ToServer, Direction::ToClient];
    vec![
        vector(
            "no image for a block",
            "18730b 0398",
            115,
            to_client,
            CommandId::IMAGE_BLOCK_REQUEST,
            Status::NO_IMAGE_AVAILABLE,
        ),
        vector(
            "no pages",
            "18810b 0481",
            129,
            to_client,
            CommandId::IMAGE_PAGE_REQUEST,
            Status::UNSUP_CLUSTER_COMMAND,
        ),
        vector(
            "no files for one device",
            "188f0b 0881",
            143,
            to_client,
            CommandId::QUERY_SPECIFIC_FILE_REQUEST,
            Status::UNSUP_CLUSTER_COMMAND,
        ),
        vector(
            "malformed block request",
            "18770b 0380",
            119,
            to_client,
            CommandId::IMAGE_BLOCK_REQUEST,
            Status::MALFORMED_COMMAND,
        ),
        // A lamp sends this for correct responses, and continues its download.
        vector(
            "malformed block response",
            "10780b 0580",
            120,
            to_server,
            CommandId::IMAGE_BLOCK_RESPONSE,
            Status::MALFORMED_COMMAND,
        ),
        vector(
            "malformed notify",
            "109d0b 0080",
            157,
            to_server,
            CommandId::IMAGE_NOTIFY,
            Status::MALFORMED_COMMAND,
        ),
    ]
}

pub fn page_request() -> Vec<Vector> {
    let vector = |name, hex, sequence, request, pieces| {
        let frame = Frame::to_server(sequence, ToServer::ImagePage(request));
        Vector { name, hex, frame, pieces }
    };
    let plain = ImagePageRequest::new(ID, 0, 50, 1024, 0);
    let specific =
        ImagePageRequest::new(ImageId::new(0x115f, 0xffc0, 1), 4096, 48, 480, 0xffff).with_node(NODE);
    vec![
        vector("page request", "01a104 005f1101012b1a0000000000003200040000", 161, plain, &[Bytes(18)]),
        vector(
            "page request, node",
            "01af04 015f11c0ff010000000010000030e001ffff04030201004b1200",
            175,
            specific,
            &[Bytes(18), Bytes(8)],
        ),
    ]
}

pub fn specific_request() -> Vec<Vector> {
    let vector = |name, hex, sequence, image_type| {
        let id = ImageId::new(0x115f, image_type, 7);
        let request = QuerySpecificFileRequest { node: NODE, id, stack: StackVersion::ZIGBEE_PRO };
        let frame = Frame::to_server(sequence, ToServer::QuerySpecificFile(request));
        Vector { name, hex, frame, pieces: &[Bytes(18)] }
    };
    vec![
        vector("credentials wanted", "014908 04030201004b12005f11c0ff070000000200", 73, 0xffc0),
        vector("log wanted", "015708 04030201004b12005f11c2ff070000000200", 87, 0xffc2),
    ]
}

pub fn specific_response() -> Vec<Vector> {
    let vector = |name, hex, sequence, response, pieces| {
        let frame = Frame::response(sequence, ToClient::QuerySpecificFile(response));
        Vector { name, hex, frame, pieces }
    };
    let id = ImageId::new(0x115f, 0xffc0, 7);
    let offer = QueryResponse::Offer(ImageOffer { id, size: 321 });
    let none = QueryResponse::Refused(Refusal::NO_IMAGE_AVAILABLE);
    let not_you = QueryResponse::Refused(Refusal::NOT_AUTHORIZED);
    vec![
        vector("credentials", "194909 005f11c0ff0700000041010000", 73, offer, &[Bytes(1), Bytes(12)]),
        vector("no credentials", "196509 98", 101, none, &[Bytes(1)]),
        vector("credentials not for you", "196509 7e", 101, not_you, &[Bytes(1)]),
    ]
}
