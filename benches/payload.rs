//! Benchmark of recognising and of checking payloads. The time of a recognition must not depend on the size of the
//! payload. The floor of a check is the computation of the checksum alone.

use std::hint::black_box;

use crc::{CRC_16_XMODEM, CRC_32_ISO_HDLC, Crc, Table};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest, Sha256};
use zigbee_ota::payload::{PayloadKind, PayloadReport, PayloadState};

const KIB: usize = 1024;

static CRC_32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);
static CRC_16: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// Generates bytes that resemble machine code: only a few of the 256 byte values occur.
fn code(size: usize) -> Vec<u8> {
    (0..size).map(|place| (place * place % 23).to_le_bytes()[0]).collect()
}

fn le(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("small").to_le_bytes()
}

/// Generates a Gecko bootloader file with one program.
fn gbl(size: usize) -> Vec<u8> {
    let mut bytes = [0x03a6_17eb, 8, 0x0300_0000, 0, 0xfe01_01fe].map(u32::to_le_bytes).concat();
    bytes.extend(le(size));
    bytes.extend(code(size));
    bytes.extend([0xfc04_04fc_u32, 4].map(u32::to_le_bytes).concat());
    bytes.extend(CRC_32.checksum(&bytes).to_le_bytes());
    bytes
}

/// Generates an Ember bootloader file with tags of 2 KiB.
fn ebl(size: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 140, 2, 2, 0xe3, 0x50];
    bytes.extend(code(136));
    for piece in code(size).chunks(2048) {
        bytes.extend([0xfd, 0x03]);
        bytes.extend(u16::try_from(piece.len()).expect("short").to_be_bytes());
        bytes.extend(piece);
    }
    bytes.extend([0xfc, 0x04, 0, 4]);
    bytes.extend(CRC_32.checksum(&bytes).to_le_bytes());
    bytes
}

fn telink(size: usize) -> Vec<u8> {
    let mut bytes = code(size);
    bytes[6..12].copy_from_slice(b"\x5d\x02KNLT");
    bytes[24..28].copy_from_slice(&le(size + 4));
    bytes.extend((!CRC_32.checksum(&bytes)).to_le_bytes());
    bytes
}

/// Generates an ESP image with one segment and a SHA-256.
fn esp(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; 32];
    bytes[..2].copy_from_slice(&[0xe9, 1]);
    bytes[23] = 1;
    bytes[28..32].copy_from_slice(&le(size));
    bytes.extend([0x32, 0x54, 0xcd, 0xab]);
    bytes.extend(code(size - 4));
    let checksum = bytes[32..].iter().fold(0xef, |sum, byte| sum ^ byte);
    bytes.resize((bytes.len() | 15) + 1, 0);
    *bytes.last_mut().expect("some") = checksum;
    bytes.extend(Sha256::digest(&bytes));
    bytes
}

fn cc2530(size: usize) -> Vec<u8> {
    let mut bytes = code(size);
    bytes[0] = 2;
    bytes[0x8a..0x8c].fill(0xff);
    bytes[0x8c..0x90].copy_from_slice(&le(size));
    let mut digest = CRC_16.digest();
    digest.update(&bytes[..0x88]);
    digest.update(&bytes[0x8c..size - 2]);
    let sum = digest.finalize() ^ u16::from_be_bytes([bytes[size - 2], bytes[size - 1]]);
    bytes[0x88..0x8a].copy_from_slice(&sum.to_le_bytes());
    bytes
}

type Build = fn(usize) -> Vec<u8>;
type Floor = fn(&[u8]) -> u64;

const KINDS: [(PayloadKind, Build, Floor); 5] = [
    (PayloadKind::SilabsGbl, gbl, |bytes| CRC_32.checksum(bytes).into()),
    (PayloadKind::SilabsEbl, ebl, |bytes| CRC_32.checksum(bytes).into()),
    (PayloadKind::TelinkKnlt, telink, |bytes| CRC_32.checksum(bytes).into()),
    (PayloadKind::EspImage, esp, |bytes| Sha256::digest(bytes)[0].into()),
    (PayloadKind::TiCc2530, cc2530, |bytes| CRC_16.checksum(bytes).into()),
];

fn check(criterion: &mut Criterion) {
    for (kind, build, floor) in KINDS {
        let bytes = build(250 * KIB);
        let report = PayloadReport::of(&bytes);
        assert!(report.kind == kind && matches!(report.state, PayloadState::Whole(_)), "{kind}: {report}");
        let mut group = criterion.benchmark_group(format!("payload/check {kind} 250 KiB"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("ours", |bencher| bencher.iter(|| PayloadReport::of(black_box(&bytes))));
        group.bench_function("floor", |bencher| bencher.iter(|| floor(black_box(&bytes))));
        group.finish();
    }
}

fn recognise(criterion: &mut Criterion) {
    let unknown = (PayloadKind::Unknown, code as Build);
    let kinds = KINDS.map(|(kind, build, _)| (kind, build));
    for (kind, build) in kinds.into_iter().chain([unknown]) {
        for kib in [1, 1000] {
            let bytes = build(kib * KIB);
            assert_eq!(PayloadKind::of(&bytes), kind);
            let name = format!("payload/recognise {kind}");
            let mut group = criterion.benchmark_group(name);
            group.bench_function(format!("{kib} KiB"), |bencher| {
                bencher.iter(|| PayloadKind::of(black_box(&bytes)));
            });
            group.finish();
        }
    }
}

criterion_group!(payloads, recognise, check);
criterion_main!(payloads);
