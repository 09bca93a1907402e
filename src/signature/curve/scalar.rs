//! Multi-limb integers, and integers modulo the order of a group. The lowest limb is first.
//!
//! ```text
//! limb 0 (2^0)     limb 1 (2^64)     ...
//! ```

use super::field::{Limbs, bit, is_zero, one};

/// Whether `a` is below `b`.
pub(super) fn is_below(a: &[u64], b: &[u64]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// Adds two integers; a carry out of the last limb is dropped.
pub(super) fn add<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
    let mut sum = *a;
    let mut carry = false;
    for (sum, b) in sum.iter_mut().zip(b) {
        let (low, over) = sum.overflowing_add(*b);
        let (low, again) = low.overflowing_add(u64::from(carry));
        *sum = low;
        carry = over | again;
    }
    sum
}

/// Subtracts `b` from `a`; a negative result is in two's complement.
pub(super) fn subtract<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
    let mut difference = *a;
    let mut borrow = false;
    for (difference, b) in difference.iter_mut().zip(b) {
        let (low, under) = difference.overflowing_sub(*b);
        let (low, again) = low.overflowing_sub(u64::from(borrow));
        *difference = low;
        borrow = under | again;
    }
    difference
}

/// Shifts `a` right by one bit; `top` becomes the highest bit.
pub(super) fn half<const N: usize>(a: &Limbs<N>, top: bool) -> Limbs<N> {
    let mut half = *a;
    let mut carry = u64::from(top).wrapping_shl(63);
    for limb in half.iter_mut().rev() {
        let next = limb.wrapping_shl(63);
        *limb = *limb >> 1 | carry;
        carry = next;
    }
    half
}

/// Reduces `a` modulo `n` by repeated subtraction. The number of subtractions is `a / n`, so `a` must be at most a few
/// times `n`.
pub(super) fn modulo<const N: usize>(a: &Limbs<N>, n: &Limbs<N>) -> Limbs<N> {
    let mut rest = *a;
    while !is_below(&rest, n) {
        rest = subtract(&rest, n);
    }
    rest
}

/// Multiplies two integers below `n`, modulo `n`.
pub(super) fn multiply<const N: usize>(a: &Limbs<N>, b: &Limbs<N>, n: &Limbs<N>) -> Limbs<N> {
    let places = (0..N.wrapping_mul(64)).rev();
    places.fold([0; N], |product, place| {
        let twice = modulo(&add(&product, &product), n);
        if bit(a, place) { modulo(&add(&twice, b), n) } else { twice }
    })
}

/// Inverts `a` modulo `n`, an odd prime above `a`. The function has no meaningful result for the number 0.
pub(super) fn inverse<const N: usize>(a: &Limbs<N>, n: &Limbs<N>) -> Limbs<N> {
    // Binary extended Euclidean algorithm. Invariant: u = a * x and v = a * y modulo n.
    let (mut u, mut x) = (*a, one());
    let (mut v, mut y) = (*n, [0; N]);
    while !is_zero(&u) {
        if !bit(&u, 0) {
            u = half(&u, false);
            x = if bit(&x, 0) { half(&add(&x, n), false) } else { half(&x, false) };
            continue;
        }
        if is_below(&u, &v) {
            core::mem::swap(&mut u, &mut v);
            core::mem::swap(&mut x, &mut y);
        }
        u = subtract(&u, &v);
        x = if is_below(&x, &y) { add(&x, &subtract(n, &y)) } else { subtract(&x, &y) };
    }
    y
}
