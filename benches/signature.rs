//! Benchmark of the ECDSA verification against OpenSSL. The public key of the signer is computed before the
//! measurement.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use openssl::bn::BigNum;
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use zigbee_ota::signature::{SigningKey, Suite};

const DIGEST: [u8; 16] = *b"sixteen bytes...";

fn verify(criterion: &mut Criterion) {
    for (suite, curve) in [(Suite::One, Nid::SECT163K1), (Suite::Two, Nid::SECT283K1)] {
        let width = suite.signature_len() / 2;
        let signer = SigningKey::from_bytes(&[&[0][..], &vec![0x5a; width - 1]].concat()).expect("a key");
        let signature = signer.sign_digest(&DIGEST).expect("a signature");
        let key = signer.public_key();
        let ours = || key.verify(black_box(&DIGEST), black_box(&signature));

        let group = EcGroup::from_curve_name(curve).expect("an OpenSSL with binary curves");
        let mut context = BigNumContext::new().expect("room");
        let point = EcPoint::from_bytes(&group, key.as_bytes(), &mut context).expect("a point");
        let reference = EcKey::from_public_key(&group, &point).expect("a key");
        let openssl = || {
            let (r, s) = black_box(&signature).split_at(width);
            let [r, s] = [r, s].map(|half| BigNum::from_slice(half).expect("room"));
            EcdsaSig::from_private_components(r, s)?.verify(black_box(&DIGEST), &reference)
        };

        assert!(ours() && openssl().expect("it works"));
        let name = if suite == Suite::One { "signature/suite 1" } else { "signature/suite 2" };
        let mut group = criterion.benchmark_group(name);
        group.bench_function("ours", |bencher| bencher.iter(ours));
        group.bench_function("openssl", |bencher| bencher.iter(openssl));
        group.finish();
    }
}

criterion_group!(benches, verify);
criterion_main!(benches);
