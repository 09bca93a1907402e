//! Subcommand `verify`: signatures and integrity codes of files.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use zigbee_ota::file::SignatureElement;
use zigbee_ota::signature::integrity::IntegrityCode;
use zigbee_ota::signature::{self, Accepted, SignatureError, Suite, VerifyError, VerifyPolicy};

use crate::error::Failure;
use crate::input::{InputFile, with};
use crate::json::NoFile;
use crate::trust_args::Trust;

/// Verify signature and integrity code of each file
///
/// Only a file with a valid signature passes: by a signer whose certificate was issued by one of the given authorities.
/// Without --signer every such signer is accepted, which is too wide for an authority that gives every device a
/// certificate.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object per file, one per line
    #[arg(long)]
    json: bool,
    /// OTA files, or containers with an OTA file inside
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Result of a file; key order and types are a contract with scripts.
#[derive(Serialize)]
struct Found {
    file: String,
    integrity: &'static str,
    integrity_form: Option<&'static str>,
    signature: &'static str,
    suite: Option<u8>,
    signer: Option<String>,
    reason: Option<String>,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let mut well = true;
    for path in &options.files {
        let found = with(path, |opened| Found::new(path, opened, &options.trust.required()));
        well &= found.as_ref().is_ok_and(Found::is_valid);
        match (found, options.json) {
            (Ok(found), true) => {
                writeln!(out, "{}", serde_json::to_string(&found).map_err(std::io::Error::from)?)?
            }
            (Ok(found), false) => found.say(out)?,
            (Err(reason), true) => {
                let none = NoFile::new(path, reason);
                writeln!(out, "{}", serde_json::to_string(&none).map_err(std::io::Error::from)?)?;
            }
            (Err(reason), false) => writeln!(out, "{}: {reason}", path.display())?,
        }
    }
    Ok(well)
}

impl Found {
    fn new(path: &Path, opened: &InputFile<'_>, policy: &VerifyPolicy<'_>) -> Self {
        let (integrity, integrity_form) = match IntegrityCode::check(&opened.image) {
            IntegrityCode::Absent => ("absent", None),
            IntegrityCode::Ok(form) => ("ok", Some(form.name())),
            IntegrityCode::Bad => ("bad", None),
        };
        let element = opened.image.signature().ok().flatten();
        let suite = element.map(|element| match element {
            SignatureElement::Suite1 { .. } => Suite::One,
            SignatureElement::Suite2 { .. } => Suite::Two,
        });
        let found = signature::verify(opened.image.bytes(), policy);
        let signature = match &found {
            Ok(Accepted::Signed { .. }) => "valid",
            Ok(_) | Err(VerifyError::NoSignature) => "absent",
            Err(VerifyError::Signature(SignatureError::UnsupportedSuite)) => "unsupported",
            Err(VerifyError::SignatureRange | VerifyError::SignatureLength { .. })
                if !has_certificate(opened) =>
            {
                "unsupported"
            }
            Err(_) => "invalid",
        };
        Self {
            file: path.to_string_lossy().into_owned(),
            integrity,
            integrity_form,
            signature,
            suite: suite.map(|suite| if suite == Suite::One { 1 } else { 2 }),
            signer: element.map(|element| format!("{:016x}", element.signer().0)),
            reason: found.err().map(|reason| reason.to_string()),
        }
    }

    fn is_valid(&self) -> bool {
        self.signature == "valid" && self.integrity != "bad"
    }

    fn say(&self, out: &mut impl Write) -> std::io::Result<()> {
        write!(out, "{}: signature {}", self.file, self.signature)?;
        if let (Some(suite), Some(signer)) = (self.suite, &self.signer) {
            write!(out, ", suite {suite}, signer {signer}")?;
        }
        if let Some(reason) = self.reason.as_ref().filter(|_| self.signature != "absent") {
            write!(out, " ({reason})")?;
        }
        write!(out, "; integrity code {}", self.integrity)?;
        writeln!(out, "{}", self.integrity_form.map(|form| format!(" ({form})")).unwrap_or_default())
    }
}

/// Whether the file has a certificate that a signature could belong to.
fn has_certificate(opened: &InputFile<'_>) -> bool {
    opened.image.elements().any(|at| Suite::ALL.iter().any(|suite| at.element.tag == suite.certificate_tag()))
}
