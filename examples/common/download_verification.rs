//! Verification of a downloaded file by a device, before the device reports the end of the download.

use zigbee_ota::file::Image;
use zigbee_ota::signature::Verifier;
use zigbee_ota::signature::integrity::IntegrityCode;

use crate::trust_args::Trust;

/// Number of bytes per read from flash.
const READ: usize = 256;

/// Verifies the signature of the file in `flash`, if `trust` names an authority, and its integrity code, if it has one.
pub fn check(trust: &Trust, flash: &[u8]) -> Result<(), String> {
    let Trust { authorities, signers } = trust;
    if !(authorities.is_empty() && signers.is_empty()) {
        // The program reads the file in pieces, because a device whose flash is not memory-mapped does so.
        let mut verifier = Verifier::new(trust.required());
        flash.chunks(READ).for_each(|piece| verifier.update(piece));
        verifier.finish().map_err(|error| error.to_string())?;
    }
    match Image::parse_lenient(flash).map(|image| IntegrityCode::check(&image)) {
        Ok(IntegrityCode::Bad) => Err("its integrity code is wrong".into()),
        _ => Ok(()),
    }
}
