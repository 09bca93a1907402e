//! Tests of the algebraic laws of the binary fields and of the groups of points. Known keys and signatures are tested
//! in `tests/signatures`.

use super::field::{Field, Limbs, from_bytes, one, to_bytes, xor};
use super::point::{Affine, Curve, Projective};
use super::tau_adic::Digits;
use super::{K163, K283, scalar};
use std::vec::Vec;

/// Returns pseudo-random limbs and advances the seed.
fn random<const N: usize>(seed: &mut u64) -> Limbs<N> {
    core::array::from_fn(|_| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 32) << 32 | seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
    })
}

/// Returns a pseudo-random element of the field.
fn element<C: Field<N>, const N: usize>(seed: &mut u64) -> Limbs<N> {
    let mut element = random(seed);
    element[N - 1] &= (1 << (C::M % 64)) - 1;
    element
}

/// Returns a pseudo-random number below the order of the group.
fn number<C: Curve<N>, const N: usize>(seed: &mut u64) -> Limbs<N> {
    scalar::modulo(&element::<C, N>(seed), &C::ORDER)
}

fn product<C: Curve<N>, const N: usize>(factor: &Limbs<N>, point: &Affine<N>) -> Projective<N> {
    C::multiply([(factor, point)])
}

fn field_laws<C: Curve<N>, const N: usize>() {
    let mut seed = 1;
    for _ in 0..100 {
        let [a, b, c] = core::array::from_fn(|_| element::<C, N>(&mut seed));
        let product = C::mul(&a, &b);
        assert!(C::contains(&product));
        // Schoolbook multiplication: bit by bit, highest first.
        let slow = (0..C::M).rev().fold([0; N], |sum, place| {
            let twice = C::mul(&sum, &scalar::add(&one(), &one()));
            if super::field::bit(&b, place) { xor(&twice, &a) } else { twice }
        });
        assert_eq!(product, slow);
        assert_eq!(product, C::mul(&b, &a));
        assert_eq!(C::mul(&a, &C::mul(&b, &c)), C::mul(&product, &c));
        assert_eq!(C::mul(&a, &xor(&b, &c)), xor(&product, &C::mul(&a, &c)));
        assert_eq!(C::square(&a), C::mul(&a, &a));
        assert_eq!(C::squares(&a, C::M), a);
        assert_eq!(C::mul(&a, &C::inverse(&a)), one());
        let z = C::half_trace(&a);
        assert_eq!(xor(&C::square(&z), &z) == a, !C::trace(&a));
    }
    assert_eq!(C::inverse(&[0; N]), [0; N]);
}

fn scalar_laws<C: Curve<N>, const N: usize>() {
    let mut seed = 2;
    for _ in 0..20 {
        let [a, b] = core::array::from_fn(|_| number::<C, N>(&mut seed));
        let n = &C::ORDER;
        let product = scalar::multiply(&a, &b, n);
        assert_eq!(product, scalar::multiply(&b, &a, n));
        assert_eq!(scalar::multiply(&product, &scalar::inverse(&b, n), n), a);
        assert_eq!(scalar::subtract(&scalar::add(&a, &b), &b), a);
    }
    assert_eq!(scalar::inverse(&one(), &C::ORDER), one());
    let last = scalar::subtract(&C::ORDER, &one());
    assert_eq!(scalar::inverse(&last, &C::ORDER), last);
}

/// Multiplies a point by doubling and adding, as a reference for the tests.
fn slow_product<C: Curve<N>, const N: usize>(factor: &Limbs<N>, point: &Affine<N>) -> Option<Affine<N>> {
    let sum = (0..N * 64).rev().fold(C::INFINITY, |sum, place| {
        let mut sum = sum;
        if let Some(point) = C::affine(&sum) {
            C::set_double(&mut sum, &point);
        }
        if super::field::bit(factor, place) {
            C::add_to(&mut sum, point, false);
        }
        sum
    });
    C::affine(&sum)
}

fn point_laws<C: Curve<N>, const N: usize>() {
    let mut seed = 3;
    let on_curve = |Affine { x, y }: &Affine<N>| {
        let x2 = C::square(x);
        let right = xor(&xor(&C::mul(&x2, x), &one()), &if C::A { x2 } else { [0; N] });
        xor(&C::square(y), &C::mul(x, y)) == right
    };
    assert!(on_curve(&C::BASE) && C::is_of_group(&C::BASE));
    assert_eq!(C::affine(&product::<C, N>(&C::ORDER, &C::BASE)), None);
    let last = scalar::subtract(&C::ORDER, &one());
    let negative = Affine { x: C::BASE.x, y: xor(&C::BASE.x, &C::BASE.y) };
    assert_eq!(C::affine(&product::<C, N>(&last, &C::BASE)), Some(negative));
    assert_eq!(C::affine(&product::<C, N>(&[0; N], &C::BASE)), None);
    assert_eq!(C::affine(&product::<C, N>(&one(), &C::BASE)), Some(C::BASE));
    for round in 0..12 {
        let [a, b] = core::array::from_fn(|_| number::<C, N>(&mut seed));
        // Small factors and factors just below the order are also tested.
        let a = if round < 4 { from_bytes(&[round * 3]) } else { a };
        let b = if round % 4 == 1 { scalar::subtract(&C::ORDER, &from_bytes(&[round])) } else { b };
        let Some(point) = C::affine(&product::<C, N>(&b, &C::BASE)) else { panic!("infinity") };
        assert_eq!(Some(point), slow_product::<C, N>(&b, &C::BASE));
        assert!(on_curve(&point) && C::is_of_group(&point));
        let both = C::affine(&C::multiply([(&a, &C::BASE), (&b, &point)]));
        let sum = scalar::modulo(&scalar::add(&a, &scalar::multiply(&b, &b, &C::ORDER)), &C::ORDER);
        assert_eq!(both, slow_product::<C, N>(&sum, &C::BASE));

        let bytes = &mut [0; 37][..if N == 3 { 22 } else { 37 }];
        C::compressed(&point, bytes);
        assert_eq!(C::point(bytes), Some(point));
        bytes[0] ^= 1;
        let negative = Affine { x: point.x, y: xor(&point.x, &point.y) };
        assert_eq!(C::point(bytes), Some(negative));
        bytes[0] |= 4;
        assert_eq!(C::point(bytes), None);
        // The same x plus a multiple of the field polynomial is not reduced, so it is not a valid form.
        for times in 0..4 {
            C::compressed(&point, bytes);
            for place in C::TAPS.into_iter().chain([0, C::M]).map(|place| place + times) {
                let byte = bytes.len() - 1 - place / 8;
                bytes[byte] ^= 1 << (place % 8);
            }
            assert_eq!(C::point(bytes), None, "a point has one form");
        }
    }
}

/// Checks the non-adjacent form: of two neighbouring digits one is 0.
fn digit_laws<C: Curve<N>, const N: usize>() {
    let mut seed = 5;
    for _ in 0..20 {
        let mut digits = Digits::ZERO;
        digits.set_to(&number::<C, N>(&mut seed), C::M, C::A);
        let places: Vec<_> = Digits::places(C::M).map(|place| digits.at(place)).collect();
        assert!(places.windows(2).all(|pair| pair.contains(&0)), "{places:?}");
        assert!(places.contains(&1) && places.contains(&-1));
    }
}

/// Checks that a point of the curve is in the group if and only if the order multiplies it to infinity.
fn group_laws<C: Curve<N>, const N: usize>() {
    let (mut seed, mut of_group, mut of_curve) = (4, 0, 0_usize);
    while of_curve < 60 {
        let x = element::<C, N>(&mut seed);
        let sum = xor(&C::plus_a(&x), &C::square(&C::inverse(&x)));
        let z = C::half_trace(&sum);
        let solved = xor(&C::square(&z), &z) == sum;
        let point = Affine { x, y: C::mul(&x, &z) };
        let bytes = &mut [2; 37][..if N == 3 { 22 } else { 37 }];
        to_bytes(&x, &mut bytes[1..]);
        let read = C::point(bytes);
        if !solved {
            assert_eq!(read, None);
            continue;
        }
        let expected = C::affine(&product::<C, N>(&C::ORDER, &point)).is_none();
        assert_eq!((C::is_of_group(&point), read.is_some()), (expected, expected));
        of_curve += 1;
        of_group += usize::from(expected);
    }
    // About every second (cofactor 2) or fourth point (cofactor 4) of the curve is in the group.
    let cofactor = if C::A { 2 } else { 4 };
    assert!((of_curve / cofactor).abs_diff(of_group) < 15, "{of_group} of {of_curve}");
    assert!(C::point(&[2; 1]).is_none() && C::point(&[]).is_none(), "x = 0 is of order 2");
    let mut wide = [0xff; 37];
    wide[0] = 2;
    assert!(C::point(&wide[..if N == 3 { 22 } else { 37 }]).is_none(), "not of the field");
}

#[test]
fn field_arithmetic_satisfies_the_field_laws() {
    field_laws::<K163, 3>();
    field_laws::<K283, 5>();
}

#[test]
fn scalar_arithmetic_satisfies_the_laws_modulo_the_order() {
    scalar_laws::<K163, 3>();
    scalar_laws::<K283, 5>();
}

#[test]
fn point_arithmetic_agrees_with_double_and_add() {
    point_laws::<K163, 3>();
    point_laws::<K283, 5>();
}

#[test]
fn tau_adic_digits_are_non_adjacent() {
    digit_laws::<K163, 3>();
    digit_laws::<K283, 5>();
}

#[test]
fn group_membership_agrees_with_the_order() {
    group_laws::<K163, 3>();
    group_laws::<K283, 5>();
}
