//! Text of frames for a log.

use zigbee_ota::zcl::{Frame, Quirks};

use crate::{hex, vector_table};

#[test]
fn a_frame_is_one_line() {
    let expected = [
        ("090700 0064", "#7 to client: Image Notify, jitter 100, for all"),
        ("091500 01325f11", "#21 to client: Image Notify, jitter 50, for manufacturer 0x115f"),
        ("092300 02015f110101", "#35 to client: Image Notify, jitter 1, for 115F-0101-*"),
        ("093100 0363ffff01012b1a0000", "#49 to client: Image Notify, jitter 99, of new *-0101-00001A2B"),
        (
            "014d01 010b10bfff98badcfe0201",
            "#77 to server: Query Next Image Request, runs 100B-FFBF-FEDCBA98, hardware 1.2",
        ),
        (
            "195b02 005f1101012b1a0000c2a70300",
            "#91 to client: Query Next Image Response, 115F-0101-00001A2B of 239554 bytes",
        ),
        ("196902 98", "#105 to client: Query Next Image Response, NO_IMAGE_AVAILABLE"),
        (
            "019303 035f1101012b1a0000c0b0a000528899aabbccddeefffeff",
            "#147 to server: Image Block Request, 115F-0101-00001A2B from 10531008, at most 82 bytes, \
             for FF:EE:DD:CC:BB:AA:99:88, block period 65534",
        ),
        (
            "01a104 005f1101012b1a0000000000003200040a00",
            "#161 to server: Image Page Request, 115F-0101-00001A2B from 0, 1024 bytes, \
             at most 50 every 10 ms",
        ),
        (
            "190205 005f1101012b1a000001020304015a",
            "#2 to client: Image Block Response, 115F-0101-00001A2B from 67305985, 1 bytes",
        ),
        (
            "190305 97001a4f2d3c1a4f2dfa00",
            "#3 to client: Image Block Response, WAIT_FOR_DATA at 760158780, now 760158720, block period 250",
        ),
        ("190305 97000000000a000000", "#3 to client: Image Block Response, WAIT_FOR_DATA in 10 s"),
        ("190405 950000", "#4 to client: Image Block Response, ABORT [ABORT_WITH_MORE, 2 trailing bytes]"),
        ("190405 98", "#4 to client: Image Block Response, NO_IMAGE_AVAILABLE [STATUS_ONLY_BLOCK_RESPONSE]"),
        (
            "018103 825f1101012b1a00000000000032ee",
            "#129 to server: Image Block Request, 115F-0101-00001A2B from 0, at most 50 bytes \
             [PERIOD_BIT_WITHOUT_FIELD | TRAILING_BYTES, reserved bits 0x80, 1 trailing bytes]",
        ),
        (
            "011f06 990b10bfff98badcfe",
            "#31 to server: Upgrade End Request, 100B-FFBF-FEDCBA98: REQUIRE_MORE_IMAGE",
        ),
        (
            "193c07 ffffffffffffffff00000000ffffffff",
            "#60 to client: Upgrade End Response, *-*-* until further notice",
        ),
        (
            "014908 04030201004b12005f11c0ff070000000200",
            "#73 to server: Query Specific File Request, 115F-FFC0-00000007 for 00:12:4B:00:01:02:03:04, \
             stack ZigBee PRO",
        ),
        ("196509 7e", "#101 to client: Query Specific File Response, NOT_AUTHORIZED"),
        ("18730b 0398", "#115 to client: Default Response to command 0x03: NO_IMAGE_AVAILABLE"),
        ("08ab00 060055aa", "#171 to client: Read Attributes: ImageUpgradeStatus, 0xaa55"),
        ("08ab00", "#171 to client: Read Attributes: none"),
        (
            "10c701 0600003001 020086 000000f004030201004b1200 010000",
            "#199 to server: Read Attributes Response: ImageUpgradeStatus 0x01, \
             CurrentFileVersion UNSUPPORTED_ATTRIBUTE, UpgradeServerID 00:12:4B:00:01:02:03:04, \
             malformed from byte 26",
        ),
        ("08ab02 06003005", "#171 to client: Write Attributes: ImageUpgradeStatus 0x05"),
        ("10ab04 880600", "#171 to server: Write Attributes Response: ImageUpgradeStatus READ_ONLY"),
        ("08ab0c 06000a", "#171 to client: Discover Attributes, at most 10 from 0x0006"),
        (
            "10ab0d 01060030",
            "#171 to server: Discover Attributes Response, complete: ImageUpgradeStatus (enum8)",
        ),
        ("090703 00", "#7 to client: Image Block Request in the wrong direction, 1 bytes"),
        ("01070a", "#7 to server: unassigned command 0x0a, 0 bytes"),
        ("0d5f110703 00", "#7 to client: command 0x03 of manufacturer 0x115f, 1 bytes"),
        ("08070a 00", "#7 to client: global command 0x0a, 1 bytes"),
        ("020703", "#7 to server: command 0x03 of reserved frame type 2, 0 bytes"),
    ];
    for (text, line) in expected {
        let bytes = hex(text);
        let frame = Frame::decode(&bytes, Quirks::all()).expect(text);
        assert_eq!(frame.to_string(), line);
        assert!(line.ends_with(&frame.message.to_string()) || line.contains('['));
    }
}

#[test]
fn the_line_of_a_command_begins_with_its_name() {
    for vector in vector_table::all() {
        if let Some(command) = vector.frame.command() {
            assert!(vector.frame.message.to_string().starts_with(&command.to_string()), "{}", vector.name);
        }
    }
}
