//! JSON of `tshark -T json -x`.

use serde_json::{Value, json};

use crate::capture::{CapturedFrame, Counts, Key};
use crate::encoder::{
    Aps, GATEWAY, LAMP, NETWORK_KEY, Network, PAN, Security, ethernet, frame, mac, with_fcs, zep,
};
use crate::read;

const NOTIFY: &[u8] = &[0x09, 7, 0x00, 0x00, 0x64];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Object of a packet with these layers.
fn packet(layers: Value) -> Value {
    json!({ "_index": "packets-2026-11-28", "_type": "doc", "_score": null, "_source": { "layers": layers } })
}

fn about(encapsulation: &str) -> Value {
    json!({ "frame.encap_type": encapsulation, "frame.time_epoch": "1700000000.250000000", "frame.number": "1" })
}

fn found(keys: &[Key], packets: &[Value]) -> (Vec<CapturedFrame>, Counts) {
    read(keys, serde_json::to_string_pretty(packets).expect("JSON").as_bytes())
}

fn bytes(frames: Vec<CapturedFrame>) -> Vec<Vec<u8>> {
    frames.into_iter().map(|frame| frame.bytes).collect()
}

/// Shows: FLD-085
#[test]
fn the_bytes_of_a_packet_are_decoded() {
    let frame = frame(1, GATEWAY, LAMP, NOTIFY);
    let checked = with_fcs(&frame);
    let cases = [
        ("104", checked.clone()),
        ("127", frame.clone()),
        ("1", ethernet(17754, &zep(2, &checked))),
        // A link type that the module does not know, of which tshark shows the MAC frame.
        ("46", vec![1, 2, 3]),
    ];
    for (encapsulation, bytes) in cases {
        let layers = json!({
            "frame_raw": [hex(&bytes), 0, bytes.len(), 0, 1], "frame": about(encapsulation),
            "wpan_raw": [hex(&frame), 0, frame.len(), 0, 1], "wpan": { "wpan.frame_type": "0x0001" },
        });
        let (frames, counts) = found(&[Key(NETWORK_KEY)], &[packet(layers)]);
        assert_eq!(counts, Counts { frames: 1, ..Counts::default() }, "{encapsulation}");
        let [frame] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!((&frame.bytes[..], frame.pan), (NOTIFY, PAN));
        assert_eq!(frame.time.map(|time| time.as_millis()), Some(1_700_000_000_250));
    }
    // Earlier versions write the digits alone.
    let layers = json!({ "frame_raw": hex(&checked), "frame": about("104") });
    assert_eq!(bytes(found(&[Key(NETWORK_KEY)], &[packet(layers)]).0), [NOTIFY]);
}

/// Packet whose network layer tshark has decrypted to an APS frame.
fn decrypted(number: u8, aps: &[u8], zcl: Option<&[u8]>) -> Value {
    let network = Network::new(GATEWAY, LAMP, number).encrypted(number.into(), GATEWAY);
    let frame = with_fcs(&mac(number, GATEWAY, LAMP, &network.encode(aps)));
    let mut layers = json!({
        "frame_raw": [hex(&frame), 0, frame.len(), 0, 1], "frame": about("104"),
        "wpan": { "wpan.dst_pan": "0x1a62" },
        "zbee_nwk": { "zbee_nwk.src": "0x0000", "zbee_nwk.dst": "0x9a31" },
        "zbee_aps_raw": [hex(aps), 0, aps.len(), 0, 1], "zbee_aps": {},
    });
    if let Some(zcl) = zcl {
        layers["zbee_zcl_raw"] = json!([hex(zcl), 8, zcl.len(), 0, 1]);
    }
    packet(layers)
}

/// Shows: FLD-085
#[test]
fn what_tshark_has_decrypted_needs_no_key() {
    let (frames, counts) = found(&[], &[decrypted(1, &Aps::new(1).encode(NOTIFY), None)]);
    assert_eq!(counts.to_string(), "");
    let [frame] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((frame.pan, frame.from.network, frame.to.network), (PAN, GATEWAY.short, LAMP.short));
    assert_eq!(frame.bytes, NOTIFY);
    // Fragments, of which tshark shows the message beside the last one.
    let parts = (0..).zip(NOTIFY.chunks(2)).map(|(index, part)| {
        let extended = Some(if index == 0 { (1, 3) } else { (2, index) });
        let aps = Aps { extended, ..Aps::new(2) }.encode(part);
        decrypted(10 + index, &aps, (index == 2).then_some(NOTIFY))
    });
    assert_eq!(bytes(found(&[], &parts.collect::<Vec<_>>()).0), [NOTIFY]);
    // A link key that tshark alone knows.
    let security = Some(Security::link(*b"link key 4567890", 0, 7, GATEWAY));
    let aps = Aps { security, ..Aps::new(3) }.encode(NOTIFY);
    assert_eq!(bytes(found(&[], &[decrypted(20, &aps, Some(NOTIFY))]).0), [NOTIFY]);
    assert_eq!(found(&[], &[decrypted(20, &aps, None)]).1.without_link_key, 1);
}

#[test]
fn json_that_says_too_little_is_told() {
    let no_bytes = packet(json!({ "frame": about("104"), "wpan": {} }));
    let text = "2 packets have no bytes: expected the JSON of tshark -T json -x";
    assert_eq!(found(&[], &[no_bytes.clone(), no_bytes]).1.to_string(), text);
    let notify = decrypted(1, &Aps::new(1).encode(NOTIFY), None).to_string();
    for (text, frames, reason) in [
        (format!("[{notify}, {}", &notify[..40]), 1, "EOF"),
        (format!("[{notify}, 7]"), 1, "invalid type"),
        ("[".into(), 0, "EOF"),
        ("[]".into(), 0, ""),
    ] {
        let (found, counts) = read(&[], text.as_bytes());
        assert_eq!(found.len(), frames, "{text}");
        assert!(counts.to_string().contains(reason), "{counts}");
    }
}

#[test]
fn a_packet_of_any_length_takes_little_memory() {
    let mut text = br#"[{"_source":{"layers":{"frame_raw":""#.to_vec();
    text.resize(text.len() + (1 << 23), b'0');
    let stop = crate::capture::read(&text[..], &mut crate::capture::Decoder::new(&[]), &mut |_| Ok(()));
    assert!(stop.expect_err("it is too long").to_string().contains("too long"));
}
