//! Benchmark of the AES-MMO hash against its lower bound: the same chain of AES encryptions by the crate `aes`, without
//! any other work.

use std::hint::black_box;

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zigbee_ota::mmo;

/// Hashes whole blocks of 16 bytes. The function adds neither the padding nor the length of the message.
fn chain(message: &[u8]) -> [u8; 16] {
    let (blocks, _) = message.as_chunks::<16>();
    blocks.iter().fold([0; 16], |state, block| {
        let mut next = *block;
        Aes128Enc::new(&state.into()).encrypt_block((&mut next).into());
        std::array::from_fn(|place| next[place] ^ block[place])
    })
}

fn digest(criterion: &mut Criterion) {
    let message: Vec<u8> = (0..250 << 10).map(|place: usize| place.to_le_bytes()[0] ^ 0x5a).collect();
    // The padding is appended to the message of `chain`, so that `chain` and the library must compute the same hash.
    let bits = u32::try_from(message.len() * 8).expect("short").to_be_bytes();
    let padded = [&message[..], &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0], &bits, &[0, 0]].concat();
    assert_eq!(mmo::digest(&message), Ok(chain(&padded)));

    let mut group = criterion.benchmark_group("digest/250 KiB");
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("ours", |bencher| bencher.iter(|| mmo::digest(black_box(&message))));
    group.bench_function("floor", |bencher| bencher.iter(|| chain(black_box(&message))));
    group.finish();
}

criterion_group!(benches, digest);
criterion_main!(benches);
