//! Whether a device may run a file: what it checks before it reports the end of a download.

use zigbee_ota::file::Image;
use zigbee_ota::signature::Verifier;
use zigbee_ota::signature::integrity::IntegrityCode;

use crate::authority_arg::Trust;

/// Bytes that are read back at once.
const READ: usize = 256;

/// Whether the file in `flash` is signed by whom `trust` names, where it names somebody, and its integrity code right,
/// where it has one.
pub fn check(trust: &Trust, flash: &[u8]) -> Result<(), String> {
    let Trust { authorities, signers } = trust;
    if !(authorities.is_empty() && signers.is_empty()) {
        // As it would be read back from flash that is no memory.
        let mut verifier = Verifier::new(trust.required());
        flash.chunks(READ).for_each(|piece| verifier.update(piece));
        verifier.finish().map_err(|error| error.to_string())?;
    }
    match Image::parse_lenient(flash).map(|image| IntegrityCode::check(&image)) {
        Ok(IntegrityCode::Bad) => Err("its integrity code is wrong".into()),
        _ => Ok(()),
    }
}
