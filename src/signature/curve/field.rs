//! Arithmetic of binary fields: polynomials over GF(2) modulo `x^M + x^t1 + x^t2 + x^t3 + 1`, in `N` limbs, lowest limb
//! first.
//!
//! ```text
//! limb 0     limb 1     ...          limb N - 1
//! x^0..x^63  x^64..     ...          up to x^(M - 1), then zeros
//! ```

/// Element of a field, or an integer: `N` limbs of 64 bits, lowest limb first.
pub(in crate::signature) type Limbs<const N: usize> = [u64; N];

/// Number of bits in a limb.
const LIMB: usize = 64;

/// Binary field of `2^M` elements.
pub(in crate::signature) trait Field<const N: usize> {
    /// Degree of the field polynomial; always odd.
    const M: usize;
    /// Exponents of the field polynomial between 0 and M.
    const TAPS: [usize; 3];
    /// Index of the bit whose sum with bit 0 is the trace of an element.
    const TRACE: usize;

    /// Multiplies two elements.
    ///
    /// Each step multiplies 3 bits of every limb of `a`, using a table of the 8 multiples of `b`. Steps of 4 bits would
    /// need a table of twice the size on the stack, and would save about a fifth of the time of a multiplication.
    fn mul(a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
        let table = multiples(b);
        let mut product = [[0; N]; 2];
        let limbs = product.as_flattened_mut();
        for shift in (0..u64::BITS).step_by(3).rev() {
            shift_by_3(limbs);
            for (place, limb) in a.iter().enumerate() {
                let three = usize::try_from(limb.wrapping_shr(shift) & 7).unwrap_or_default();
                let row = table.get(three).unwrap_or(b);
                let room = limbs.get_mut(place..).unwrap_or_default();
                room.iter_mut().zip(row).for_each(|(limb, row)| *limb ^= *row);
            }
        }
        Self::reduce(&mut product)
    }

    /// Squares an element: inserts a zero between every two bits, then reduces the result modulo the field polynomial.
    fn square(a: &Limbs<N>) -> Limbs<N> {
        let mut square = [[0; N]; 2];
        let (pairs, _) = square.as_flattened_mut().as_chunks_mut();
        for (pair, limb) in pairs.iter_mut().zip(a) {
            *pair = [spread(limb & 0xffff_ffff), spread(limb >> 32)];
        }
        Self::reduce(&mut square)
    }

    /// Squares an element `times` times.
    fn squares(a: &Limbs<N>, times: usize) -> Limbs<N> {
        (0..times).fold(*a, |a, _| Self::square(&a))
    }

    /// Inverts an element, as `a^(2^M - 2)`; the result for 0 is 0.
    fn inverse(a: &Limbs<N>) -> Limbs<N> {
        // Invariant: power = a^(2^count - 1). The bits of M - 1 are the addition chain of `count` (Itoh and Tsujii).
        let (mut power, mut count) = (*a, 1_usize);
        let target = Self::M.wrapping_sub(1);
        let below = usize::BITS.wrapping_sub(target.leading_zeros()).wrapping_sub(1);
        for bit in (0..below).rev() {
            power = Self::mul(&Self::squares(&power, count), &power);
            count = count.wrapping_mul(2);
            if target.wrapping_shr(bit) & 1 == 1 {
                power = Self::mul(&Self::square(&power), a);
                count = count.wrapping_add(1);
            }
        }
        Self::square(&power)
    }

    /// Returns a solution `z` of `z^2 + z = a` if one exists; the other solution is `z + 1`.
    fn half_trace(a: &Limbs<N>) -> Limbs<N> {
        (0..Self::M / 2).fold(*a, |sum, _| xor(&Self::squares(&sum, 2), a))
    }

    /// Whether the trace of `a` is 1; `z^2 + z = a` then has no solution.
    fn trace(a: &Limbs<N>) -> bool {
        bit(a, 0) != bit(a, Self::TRACE)
    }

    /// Whether the limbs are an element of the field: bit M and all higher bits are 0.
    fn contains(a: &Limbs<N>) -> bool {
        a.last().is_some_and(|last| last.wrapping_shr(bits_of_top(Self::M)) == 0)
    }

    /// Reduces a product modulo the field polynomial, by replacing `x^M` with the lower terms.
    fn reduce(product: &mut [Limbs<N>; 2]) -> Limbs<N> {
        let limbs = product.as_flattened_mut();
        for place in (N..N.wrapping_mul(2)).rev() {
            let limb = limbs.get_mut(place).map(core::mem::take).unwrap_or_default();
            let start = place.wrapping_mul(LIMB).wrapping_sub(Self::M);
            xor_at(limbs, start, limb);
            Self::TAPS.iter().for_each(|tap| xor_at(limbs, start.wrapping_add(*tap), limb));
        }
        let [mut low, _] = *product;
        if let Some(last) = low.last_mut() {
            let over = last.wrapping_shr(bits_of_top(Self::M));
            *last ^= over.wrapping_shl(bits_of_top(Self::M));
            xor_at(&mut low, 0, over);
            Self::TAPS.iter().for_each(|tap| xor_at(&mut low, *tap, over));
        }
        low
    }
}

/// Adds two elements; subtraction is the same operation.
pub(super) fn xor<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
    let mut sum = *a;
    xor_to(&mut sum, b);
    sum
}

/// Adds `b` to `sum`.
pub(super) fn xor_to<const N: usize>(sum: &mut Limbs<N>, b: &Limbs<N>) {
    sum.iter_mut().zip(b).for_each(|(sum, b)| *sum ^= *b);
}

/// Returns the bit of a number at the index `place`; bit 0 is the lowest bit.
pub(super) fn bit(limbs: &[u64], place: usize) -> bool {
    let shift = u32::try_from(place % LIMB).unwrap_or_default();
    limbs.get(place / LIMB).is_some_and(|limb| limb.wrapping_shr(shift) & 1 == 1)
}

pub(super) fn is_zero(limbs: &[u64]) -> bool {
    limbs.iter().all(|limb| *limb == 0)
}

/// Returns the number 1.
pub(super) fn one<const N: usize>() -> Limbs<N> {
    let mut one = [0; N];
    one.first_mut().into_iter().for_each(|limb| *limb = 1);
    one
}

/// Reads a big-endian number of at most `8 * N` bytes.
pub(super) fn from_bytes<const N: usize>(bytes: &[u8]) -> Limbs<N> {
    let mut limbs = [0; N];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.rchunks(8)) {
        *limb = bytes.iter().fold(0, |limb: u64, byte| limb.wrapping_shl(8) | u64::from(*byte));
    }
    limbs
}

/// Writes the number big endian, with leading zeros up to the length of `bytes`.
pub(super) fn to_bytes<const N: usize>(limbs: &Limbs<N>, bytes: &mut [u8]) {
    for (bytes, limb) in bytes.rchunks_mut(8).zip(limbs) {
        bytes.iter_mut().rev().zip(limb.to_le_bytes()).for_each(|(room, byte)| *room = byte);
    }
}

/// Returns the number of bits below bit M in the last limb.
fn bits_of_top(m: usize) -> u32 {
    u32::try_from(m % LIMB).unwrap_or_default()
}

/// XORs `limb`, shifted left by `place` bits, into `limbs`. XOR is the addition of the binary field.
fn xor_at(limbs: &mut [u64], place: usize, limb: u64) {
    let shift = u32::try_from(place % LIMB).unwrap_or_default();
    if let Some(low) = limbs.get_mut(place / LIMB) {
        *low ^= limb.wrapping_shl(shift);
    }
    if shift > 0
        && let Some(high) = limbs.get_mut((place / LIMB).wrapping_add(1))
    {
        *high ^= limb.wrapping_shr(u64::BITS.wrapping_sub(shift));
    }
}

/// Shifts all limbs left by 3 bits.
fn shift_by_3(limbs: &mut [u64]) {
    let mut carry = 0;
    for limb in limbs {
        let next = *limb >> 61;
        *limb = limb.wrapping_shl(3) | carry;
        carry = next;
    }
}

/// Returns the products of `b` and each polynomial below `x^3`. The highest 2 bits of the last limb of `b` must be 0.
fn multiples<const N: usize>(b: &Limbs<N>) -> [Limbs<N>; 8] {
    // The products are made in place, because a microcontroller has little stack for copies.
    let mut products = [[0; N]; 8];
    if let Some(one) = products.get_mut(1) {
        *one = *b;
    }
    for factor in 1..4_usize {
        let (known, rest) = products.split_at_mut(factor.wrapping_mul(2));
        if let (Some(product), [even, odd, ..]) = (known.get(factor), rest) {
            let mut carry = 0;
            for (place, (even, odd)) in even.iter_mut().zip(odd).enumerate() {
                let limb = product.get(place).copied().unwrap_or_default();
                *even = limb.wrapping_shl(1) | core::mem::replace(&mut carry, limb >> 63);
                *odd = *even ^ b.get(place).copied().unwrap_or_default();
            }
        }
    }
    products
}

/// Spreads 32 bits to 64 bits, with a zero above each original bit.
fn spread(bits: u64) -> u64 {
    let steps = [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ];
    steps.into_iter().fold(bits, |bits, (shift, mask): (u32, u64)| (bits | bits.wrapping_shl(shift)) & mask)
}
