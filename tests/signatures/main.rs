//! Integrity codes, certificates and signatures, compared with values computed by other implementations.

use proptest::prelude::*;
use zigbee_ota::container::Container;
use zigbee_ota::file::Image;
use zigbee_ota::signature::{
    AllowedSigners, SignatureRequirement, Verifier, VerifyError, VerifyPolicy, verify,
};

use properties::signature::{any_bytes, any_change, policy};

#[path = "../common/properties"]
mod properties {
    pub mod signature;
}

mod check_order;
mod file_signer;
mod signed_upgrades;
mod vectors;
#[path = "../common/vendor_corpus.rs"]
mod vendor_corpus;
mod vendor_integrity_codes;

/// Two vendor files use the tag of a signature element for other data.
///
/// Shows: SIG-022
#[test]
fn vendor_signatures_of_another_kind_are_refused() {
    for sample in vendor_corpus::samples().iter().filter(|sample| sample.is_ota()) {
        let (name, bytes) = (&sample.name, std::fs::read(&sample.path).expect("a file of the list"));
        let ota = Container::open(&bytes).expect(name).ota;
        for policy in [policy(), policy().with_signers(AllowedSigners::Any), VerifyPolicy::required(&[], &[])]
        {
            let found = verify(ota, &policy).expect_err(name);
            match found {
                VerifyError::SignatureRange => {
                    assert!(name.starts_with("signed_"), "{name}");
                    assert!(found.to_string().starts_with("not a suite 1 or 2 signature"), "{found}");
                }
                VerifyError::NoSignature => assert!(!name.starts_with("signed_"), "{name}"),
                VerifyError::File(error) => assert!(error.is_truncated(), "{name}: {error}"),
                other => panic!("{name}: {other}"),
            }
        }
        // A device without keys accepts complete files.
        let whole = Image::parse_lenient(ota).expect(name).missing() == 0;
        assert_eq!(verify(ota, &VerifyPolicy::not_used()).is_ok(), whole, "{name}");
        let mut verifier = Verifier::new(policy());
        ota.chunks(50).for_each(|piece| verifier.update(piece));
        assert_eq!(verifier.finish(), verify(ota, &policy()), "{name}");
        let either = policy().with_signatures(SignatureRequirement::Optional);
        assert_eq!(verify(ota, &either).is_ok(), whole && !name.starts_with("signed_"), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Starts from a signed file, so that the first bytes do not decide every case.
    #[test]
    fn any_bytes_are_accepted_or_refused(
        choice in 0..2_usize,
        cut in 0..300_usize,
        changes in proptest::collection::vec((0..300_usize, any::<u8>()), 0..4),
        more in proptest::collection::vec(any::<u8>(), 0..20),
        sizes in proptest::collection::vec(1..90_usize, 1..20),
    ) {
        let signed = properties::signature::SIGNED[choice];
        let mut bytes = signed[..signed.len() - cut.min(signed.len()) * (cut % 2)].to_vec();
        for (place, flip) in changes {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= flip;
            }
        }
        bytes.extend(more);
        let mut sizes = sizes.into_iter().cycle();
        any_bytes(&bytes, || sizes.next().unwrap_or(1));
    }

    #[test]
    fn any_change_of_a_signed_file_is_found(choice in 0..2_usize, place in any::<usize>(), flip in any::<u8>()) {
        any_change(choice, place, flip);
    }
}
