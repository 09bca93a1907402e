//! Properties of signature verification beside OpenSSL: both agree on any key, certificate and signature, valid or not.
//!
//! All numbers, including private keys, follow from the input, so that a case is reproducible.

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint, EcPointRef, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::Public;
use zigbee_ota::mmo::{self, Digest, SoftwareCrypto};
use zigbee_ota::signature::{Certificate, PublicKey, Suite, VerifySignature};

/// Curve group of a suite in OpenSSL's arithmetic.
pub struct Reference {
    suite: Suite,
    group: EcGroup,
    order: BigNum,
    context: BigNumContext,
}

/// Number between 0 and the order, with its multiple of the generator.
pub struct Pair {
    number: BigNum,
    point: EcPoint,
}

impl Reference {
    pub fn new(suite: Suite) -> Self {
        let curve = if suite == Suite::One { Nid::SECT163K1 } else { Nid::SECT283K1 };
        let group = EcGroup::from_curve_name(curve).expect("an OpenSSL with binary curves");
        let (mut order, mut context) = (BigNum::new().expect("room"), BigNumContext::new().expect("room"));
        group.order(&mut order, &mut context).expect("an order");
        Self { suite, group, order, context }
    }

    /// Width of r, s and x in bytes.
    pub fn width(&self) -> usize {
        self.suite.signature_len() / 2
    }

    fn point(&self) -> EcPoint {
        EcPoint::new(&self.group).expect("room")
    }

    /// Encodes a point in compressed form.
    pub fn bytes(&mut self, point: &EcPointRef) -> Vec<u8> {
        let form = PointConversionForm::COMPRESSED;
        point.to_bytes(&self.group, form, &mut self.context).expect("a point")
    }

    /// Encodes a number with the width of r or s; higher bytes are cut off.
    fn padded(&self, number: &BigNum) -> Vec<u8> {
        let bytes = number.to_vec();
        let bytes = &bytes[bytes.len().saturating_sub(self.width())..];
        [&vec![0; self.width() - bytes.len()][..], bytes].concat()
    }

    /// Returns the pair of `bytes` modulo the order, never 0.
    pub fn pair(&mut self, bytes: &[u8]) -> Pair {
        let mut number = BigNum::new().expect("room");
        let bytes = BigNum::from_slice(bytes).expect("room");
        number.nnmod(&bytes, &self.order, &mut self.context).expect("a remainder");
        if number.num_bits() == 0 {
            number.add_word(1).expect("room");
        }
        let mut point = self.point();
        point.mul_generator2(&self.group, &number, &mut self.context).expect("a product");
        Pair { number, point }
    }

    pub fn sum(&mut self, one: &EcPointRef, other: &EcPointRef) -> EcPoint {
        let mut sum = self.point();
        sum.add(&self.group, one, other, &mut self.context).expect("a sum");
        sum
    }

    fn product(&mut self, factor: &[u8], point: &EcPointRef) -> EcPoint {
        let factor = BigNum::from_slice(factor).expect("room");
        let mut product = self.point();
        product.mul2(&self.group, point, &factor, &mut self.context).expect("a product");
        product
    }

    /// Returns any point of the curve, in the group or not.
    pub fn any_point(&mut self, bytes: &[u8]) -> Option<EcPoint> {
        EcPoint::from_bytes(&self.group, bytes, &mut self.context).ok()
    }

    /// Returns a key that OpenSSL's own check accepts: on the curve and of the right order.
    pub fn key(&mut self, bytes: &[u8]) -> Option<EcKey<Public>> {
        let point = self.any_point(bytes)?;
        let key = EcKey::from_public_key(&self.group, &point).ok()?;
        key.check_key().is_ok().then_some(key)
    }

    /// Whether a signature is valid.
    pub fn verify(&self, key: &EcKey<Public>, digest: &Digest, signature: &[u8]) -> bool {
        let (r, s) = signature.split_at(signature.len() / 2);
        let [r, s] = [r, s].map(|half| BigNum::from_slice(half).expect("room"));
        EcdsaSig::from_private_components(r, s).is_ok_and(|parts| parts.verify(digest, key).unwrap_or(false))
    }

    /// Computes the signer's key from a certificate: its digest times its point, plus the key of the authority.
    pub fn signer(&mut self, certificate: &[u8], authority: &[u8]) -> Option<Vec<u8>> {
        let point = match self.suite {
            Suite::One => &certificate[..22],
            Suite::Two => &certificate[37..],
        };
        let (point, authority) = (self.key(point)?, self.key(authority)?);
        let digest = mmo::digest(certificate).expect("short");
        let product = self.product(&digest, point.public_key());
        let sum = self.sum(&product, authority.public_key());
        (!sum.is_infinity(&self.group)).then(|| self.bytes(&sum))
    }

    /// Signs with a given `k`, which real signers must not do: `s` is `(digest + r * d) / k` modulo the order.
    pub fn sign(&mut self, private: &BigNum, k: &Pair, digest: &Digest) -> Vec<u8> {
        let (order, context) = (&self.order, &mut self.context);
        let number = || BigNum::new().expect("room");
        let (mut x, mut y, mut r, mut s) = (number(), number(), number(), number());
        k.point.affine_coordinates(&self.group, &mut x, &mut y, context).expect("no infinity");
        r.nnmod(&x, order, context).expect("a remainder");
        let mut inverse = number();
        inverse.mod_inverse(&k.number, order, context).expect("a prime order");
        let mut product = number();
        product.mod_mul(&r, private, order, context).expect("a product");
        let mut sum = number();
        let digest = BigNum::from_slice(digest).expect("room");
        sum.mod_add(&product, &digest, order, context).expect("a sum");
        s.mod_mul(&sum, &inverse, order, context).expect("a product");
        [self.padded(&r), self.padded(&s)].concat()
    }

    /// Boundary values of r and s.
    pub fn edges(&self) -> Vec<Vec<u8>> {
        let small = [0, 1, 2].map(|number| BigNum::from_u32(number).expect("room"));
        let around = [-1, 0, 1].map(|more: i32| {
            let mut number = self.order.to_owned().expect("room");
            let changed =
                if more < 0 { number.sub_word(1) } else { number.add_word(more.try_into().expect("small")) };
            changed.expect("room");
            number
        });
        let edges = small.iter().chain(&around).map(|number| self.padded(number));
        edges.chain([vec![0xff; self.width()]]).collect()
    }

    /// Returns `number` plus the order if it fits in r or s: the same number to an implementation that forgets the
    /// range check.
    pub fn beyond(&self, number: &[u8]) -> Option<Vec<u8>> {
        let mut sum = BigNum::new().expect("room");
        sum.checked_add(&BigNum::from_slice(number).expect("room"), &self.order).expect("room");
        usize::try_from(sum.num_bytes()).is_ok_and(|bytes| bytes <= self.width()).then(|| self.padded(&sum))
    }

    /// Returns the order minus `number`.
    pub fn negative(&self, number: &[u8]) -> Vec<u8> {
        let mut difference = BigNum::new().expect("room");
        difference.checked_sub(&self.order, &BigNum::from_slice(number).expect("room")).expect("room");
        self.padded(&difference)
    }

    /// Returns `number` divided by `other`, modulo the order.
    pub fn quotient(&mut self, number: &[u8], other: &[u8]) -> Vec<u8> {
        let [mut inverse, mut quotient] = [(); 2].map(|()| BigNum::new().expect("room"));
        let [number, other] = [number, other].map(|bytes| BigNum::from_slice(bytes).expect("room"));
        inverse.mod_inverse(&other, &self.order, &mut self.context).expect("a prime order");
        quotient.mod_mul(&number, &inverse, &self.order, &mut self.context).expect("a product");
        self.padded(&quotient)
    }

    /// Returns points of small order: those of x = 0 and, with the cofactor 4, x = 1.
    pub fn small(&mut self) -> Vec<EcPoint> {
        let forms = [[2, 0], [2, 1], [3, 1]];
        let bytes = forms.map(|[sign, x]| [&[sign][..], &vec![0; self.width() - 1], &[x]].concat());
        bytes.iter().filter_map(|bytes| self.any_point(bytes)).collect()
    }

    /// Checks that both agree on a key and a signature; returns the result.
    #[track_caller]
    pub fn compare(&mut self, key: &[u8], digest: &Digest, signature: &[u8]) -> bool {
        let reference = self.key(key);
        let ours = PublicKey::from_bytes(key).expect("22 or 37 bytes");
        assert_eq!(ours.is_valid(), reference.is_some(), "key {key:02x?}");
        let right = reference.is_some_and(|reference| self.verify(&reference, digest, signature));
        let found = ours.verify(digest, signature);
        assert_eq!(found, right, "key {key:02x?}, digest {digest:02x?}, signature {signature:02x?}");
        right
    }

    /// Checks that both derive the same key from a certificate, and agree on a signature by it; returns the result.
    #[track_caller]
    pub fn compare_certificate(
        &mut self,
        certificate: &[u8],
        authority: &[u8],
        digest: &Digest,
        signature: &[u8],
    ) -> bool {
        let signer = self.signer(certificate, authority);
        let ours = Certificate::from_bytes(certificate).expect("48 or 74 bytes");
        let authority = PublicKey::from_bytes(authority).expect("22 or 37 bytes");
        let found = ours.signer_key(&authority);
        assert_eq!(found.as_ref().map(PublicKey::as_bytes), signer.as_deref(), "{ours:?}, {authority:?}");
        let key = signer.and_then(|signer| self.key(&signer));
        let right = key.is_some_and(|key| self.verify(&key, digest, signature));
        let found = SoftwareCrypto.verify(self.suite, digest, &ours, &authority, signature);
        assert_eq!(found.is_ok(), right, "{ours:?}, {authority:?}, signature {signature:02x?}");
        right
    }

    /// Builds a certificate with a point; `rest` has the other bytes.
    pub fn certificate(&mut self, point: &EcPointRef, rest: &[u8]) -> Vec<u8> {
        let point = self.bytes(point);
        match self.suite {
            Suite::One => [&point, &rest[..26]].concat(),
            Suite::Two => [&rest[..37], &point].concat(),
        }
    }

    /// Returns the authority for which a certificate gives the point at infinity.
    pub fn negative_authority(&mut self, certificate: &[u8], point: &EcPointRef) -> EcPoint {
        let digest = mmo::digest(certificate).expect("short");
        let mut product = self.product(&digest, point);
        product.invert2(&self.group, &mut self.context).expect("a point");
        product
    }

    /// Returns the private key that belongs to a certificate.
    pub fn private(&mut self, certificate: &[u8], point: &Pair, authority: &Pair) -> BigNum {
        let digest = BigNum::from_slice(&mmo::digest(certificate).expect("short")).expect("room");
        let [mut product, mut sum] = [(); 2].map(|()| BigNum::new().expect("room"));
        let (order, context) = (&self.order, &mut self.context);
        product.mod_mul(&digest, &point.number, order, context).expect("a product");
        sum.mod_add(&product, &authority.number, order, context).expect("a sum");
        sum
    }
}

impl Pair {
    pub fn number(&self) -> &BigNum {
        &self.number
    }

    pub fn point(&self) -> &EcPoint {
        &self.point
    }
}

/// Reader of the input, with zeros after its end.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut taken = [0; N];
        let (head, rest) = self.0.split_at(N.min(self.0.len()));
        taken[..head.len()].copy_from_slice(head);
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    /// Flips bits of a byte; returns whether there were any to flip.
    fn flip(&mut self, bytes: &mut [u8]) -> bool {
        let [place, flip] = self.take();
        let place = usize::from(place) % bytes.len();
        bytes[place] ^= flip;
        flip != 0
    }
}

/// Length of an input that determines all of a case.
pub const CASE: usize = 256;

/// Checks that a correct signature is valid, and that both agree on any modification of it and of its key.
pub fn any_signature(reference: &mut Reference, input: &[u8]) {
    let mut input = Input(input);
    let choice = input.byte();
    let [signer, k] = [input.take::<36>(), input.take()].map(|bytes| reference.pair(&bytes));
    let (mut digest, mut key) = (input.take(), reference.bytes(signer.point()));
    let mut signature = reference.sign(signer.number(), &k, &digest);
    let width = reference.width();
    let zero = signature.chunks(width).any(|half| half.iter().all(|byte| *byte == 0));
    assert_eq!(reference.compare(&key, &digest, &signature), !zero);
    match choice % 8 {
        0 => {
            input.flip(&mut signature);
        }
        1 => {
            input.flip(&mut digest);
        }
        2 => {
            input.flip(&mut key);
        }
        3 => {
            let edges = reference.edges();
            let [r, s] = [input.byte(), input.byte()].map(usize::from);
            // Beyond the boundary values the number stays as it is.
            for (half, choice) in signature.chunks_mut(width).zip([r, s]) {
                if let Some(edge) = edges.get(choice % (edges.len() + 1)) {
                    half.copy_from_slice(edge);
                }
            }
        }
        4 => {
            let small = reference.small();
            let other = &small[usize::from(input.byte()) % small.len()];
            let sum = reference.sum(signer.point(), other);
            key = reference.bytes(&sum);
        }
        5 => {
            let half = usize::from(input.byte() & 1) * width;
            if let Some(beyond) = reference.beyond(&signature[half..half + width]) {
                signature[half..half + width].copy_from_slice(&beyond);
            }
        }
        6 => {
            // The order minus s is valid, too.
            let other = reference.negative(&signature[width..]);
            signature[width..].copy_from_slice(&other);
            assert_eq!(reference.compare(&key, &digest, &signature), !zero);
        }
        _ => {
            let any = input.take::<37>();
            key = any[..key.len()].to_vec();
            key[0] = 2 | key[0] & 1;
            key[1] &= 7;
        }
    }
    reference.compare(&key, &digest, &signature);
}

/// Checks that both derive the same signer from a certificate, and from any modification of it.
pub fn any_certificate(reference: &mut Reference, input: &[u8]) {
    let mut input = Input(input);
    let choice = input.byte();
    let [point, authority, k] =
        [input.take::<36>(), input.take(), input.take()].map(|bytes| reference.pair(&bytes));
    let mut certificate = reference.certificate(point.point(), &input.take::<37>());
    let mut issuer = reference.bytes(authority.point());
    let digest = input.take();
    let private = reference.private(&certificate, &point, &authority);
    let mut signature = reference.sign(&private, &k, &digest);
    let right = reference.compare_certificate(&certificate, &issuer, &digest, &signature);
    let zero = signature.chunks(reference.width()).any(|half| half.iter().all(|byte| *byte == 0));
    assert_eq!(right, !zero && private.num_bits() > 0);
    match choice % 4 {
        0 => {
            let other = input.flip(&mut certificate);
            assert!(!other || !reference.compare_certificate(&certificate, &issuer, &digest, &signature));
            return;
        }
        1 => {
            input.flip(&mut issuer);
        }
        2 => {
            input.flip(&mut signature);
        }
        _ => {
            let small = reference.small();
            let other = &small[usize::from(input.byte()) % small.len()];
            let sum = reference.sum(point.point(), other);
            certificate = reference.certificate(&sum, &input.take::<37>());
        }
    }
    reference.compare_certificate(&certificate, &issuer, &digest, &signature);
}
