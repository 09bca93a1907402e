//! Edge cases of ECDSA numbers and points, and single flipped bits.

use zigbee_ota::mmo::Digest;
use zigbee_ota::signature::Suite;

use crate::properties::openssl::{Pair, Reference};

const DIGEST: Digest = *b"sixteen bytes...";

/// Returns a signer and a valid signature of [`DIGEST`].
fn signer(reference: &mut Reference) -> (Pair, Vec<u8>, Vec<u8>) {
    let [signer, k] = [&b"a signer"[..], b"a number for once"].map(|bytes| reference.pair(bytes));
    let key = reference.bytes(signer.point());
    let signature = reference.sign(signer.number(), &k, &DIGEST);
    assert!(reference.compare(&key, &DIGEST, &signature));
    (signer, key, signature)
}

#[test]
fn r_and_s_at_the_limits_are_judged_as_by_openssl() {
    for mut reference in Suite::ALL.map(Reference::new) {
        let (_, key, signature) = signer(&mut reference);
        let (r, s) = signature.split_at(reference.width());
        let edges = reference.edges();
        for edge in &edges {
            assert!(!reference.compare(&key, &DIGEST, &[edge, s].concat()));
            assert!(!reference.compare(&key, &DIGEST, &[r, edge].concat()));
            for other in &edges {
                assert!(!reference.compare(&key, &DIGEST, &[&edge[..], other].concat()));
            }
        }
        // The same numbers plus the order.
        let beyond = [r, s].map(|number| reference.beyond(number).expect("there is room above the order"));
        assert!(!reference.compare(&key, &DIGEST, &[&beyond[0], s].concat()));
        assert!(!reference.compare(&key, &DIGEST, &[r, &beyond[1]].concat()));
        let negative = [r, s].map(|number| reference.negative(number));
        assert!(reference.compare(&key, &DIGEST, &[r, &negative[1]].concat()));
        assert!(!reference.compare(&key, &DIGEST, &[&negative[0], s].concat()));
    }
}

/// The two points that the verification adds may be equal (a doubling) or cancel each other out.
#[test]
fn verification_handles_equal_and_opposite_points() {
    for mut reference in Suite::ALL.map(Reference::new) {
        let (_, _, signature) = signer(&mut reference);
        let r = signature[..reference.width()].to_vec();
        let quotient = reference.quotient(&DIGEST, &r);

        // digest = r * d
        let double = reference.pair(&quotient);
        let k = reference.pair(b"a number for once");
        let signature = reference.sign(double.number(), &k, &DIGEST);
        let key = reference.bytes(double.point());
        assert!(reference.compare(&key, &DIGEST, &signature));

        // digest = -r * d: no s is valid.
        let negative = reference.negative(&quotient);
        let vanishing = reference.pair(&negative);
        let key = reference.bytes(vanishing.point());
        let k = reference.pair(b"a number for once");
        let none = reference.sign(vanishing.number(), &k, &DIGEST);
        assert_eq!(none[reference.width()..], vec![0; reference.width()]);
        assert!(!reference.compare(&key, &DIGEST, &none));
        for s in [&r[..], &signature[reference.width()..]] {
            assert!(!reference.compare(&key, &DIGEST, &[&r[..], s].concat()));
        }
    }
}

#[test]
fn points_of_small_order_and_off_the_curve_are_invalid_keys() {
    for mut reference in Suite::ALL.map(Reference::new) {
        let (signer, key, signature) = signer(&mut reference);
        let small = reference.small();
        assert_eq!(small.len(), if key.len() == 22 { 1 } else { 3 });
        let authority = reference.pair(b"an authority");
        let issuer = reference.bytes(authority.point());
        for small in &small {
            let sum = reference.sum(signer.point(), small);
            for point in [small, &sum] {
                let point_bytes = reference.bytes(point);
                assert!(reference.any_point(&point_bytes).is_some() && reference.key(&point_bytes).is_none());
                assert!(!reference.compare(&point_bytes, &DIGEST, &signature));
                let certificate = reference.certificate(point, &[7; 37]);
                assert!(!reference.compare_certificate(&certificate, &issuer, &DIGEST, &signature));
                let good = reference.certificate(signer.point(), &[7; 37]);
                assert!(!reference.compare_certificate(&good, &point_bytes, &DIGEST, &signature));
            }
        }
        // The point at infinity, the uncompressed form, an invalid tag, an x outside the field, an x without a y.
        let mut none = 0;
        for (place, byte) in [(0, 0), (0, 4), (0, 6), (0, 0xff), (1, 8), (1, 0xff)] {
            let mut other = key.clone();
            other[place] = byte;
            assert!(!reference.compare(&other, &DIGEST, &signature));
        }
        for last in 0..=255 {
            let mut other = key.clone();
            *other.last_mut().expect("a key") = last;
            none += usize::from(reference.any_point(&other).is_none());
            assert_eq!(reference.compare(&other, &DIGEST, &signature), other == key);
        }
        assert!(none > 50, "half of all x have no y: {none}");
    }
}

#[test]
fn certificates_that_yield_infinity_or_a_doubling() {
    for mut reference in Suite::ALL.map(Reference::new) {
        let point = reference.pair(b"a point");
        let certificate = reference.certificate(point.point(), &[7; 37]);
        let negative = reference.negative_authority(&certificate, point.point());
        let mut issuer = reference.bytes(&negative);
        let signature = vec![1; reference.width() * 2];
        assert_eq!(reference.signer(&certificate, &issuer), None);
        assert!(!reference.compare_certificate(&certificate, &issuer, &DIGEST, &signature));
        // The other point with the same x equals the product, so the sum is a doubling.
        issuer[0] ^= 1;
        let product = reference.any_point(&issuer).expect("a point");
        let double = reference.sum(&product, &product);
        assert_eq!(reference.signer(&certificate, &issuer), Some(reference.bytes(&double)));
        assert!(!reference.compare_certificate(&certificate, &issuer, &DIGEST, &signature));
    }
}

/// Only some of the bits in a debug build.
#[test]
fn a_flipped_bit_is_judged_as_by_openssl() {
    let step = if cfg!(debug_assertions) { 13 } else { 1 };
    for mut reference in Suite::ALL.map(Reference::new) {
        let (_, key, signature) = signer(&mut reference);
        let all = [&key[..], &DIGEST, &signature].concat();
        for bit in (0..all.len() * 8).step_by(step) {
            let mut other = all.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            let (key, rest) = other.split_at(key.len());
            let (digest, signature) = rest.split_first_chunk().expect("16 bytes");
            assert!(!reference.compare(key, digest, signature), "bit {bit}");
        }
    }
}
