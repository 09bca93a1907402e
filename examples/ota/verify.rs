//! Subcommand `verify`: verifies the signatures and the integrity codes of files.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use serde::Serialize;
use zigbee_ota::container::ContainerKind;
use zigbee_ota::file::SignatureElement;
use zigbee_ota::signature::integrity::IntegrityCode;
use zigbee_ota::signature::{self, Accepted, Certificate, SignatureError, Suite, VerifyError, VerifyPolicy};

use crate::error::{Failure, complain};
use crate::input_files::{InputFile, expand, with};
use crate::json_output::NoFile;
use crate::terminal_escape;
use crate::trust_args::Trust;
use crate::unix_time_text;

/// Verify signature and integrity code of each file
///
/// A file passes only with a valid signature by a signer whose certificate was issued by one of the authorities of
/// --ca, and without bytes after the total image size, which no signature covers. Without --signer, every signer with
/// such a certificate is accepted; do not omit --signer if the authority also issues certificates to devices.
///
/// A certificate of suite 2 has a period of validity. If the certificate has expired or is not valid yet, the command
/// says so on standard error, and as `validity` with --json. Such a file fails only with --strict, because the clocks
/// of some signers are not set.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object per file, one per line
    #[arg(long)]
    json: bool,
    /// Fail files whose certificate is not valid at the time of --at
    #[arg(long)]
    strict: bool,
    /// Moment at which certificates must be valid: Unix seconds, or 2026-11-28T13:05:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = unix_time_text::parse)]
    at: Option<u64>,
    /// OTA files, or containers with an OTA file inside; a folder stands for the files in it and its subfolders, except
    /// .json, .md and .txt files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Result of the verification of a file. Scripts depend on the order and the types of the keys.
#[derive(Serialize)]
struct Found {
    file: String,
    integrity: &'static str,
    integrity_form: Option<&'static str>,
    signature: &'static str,
    suite: Option<u8>,
    signer: Option<String>,
    reason: Option<String>,
    /// State of the certificate of a valid signature of suite 2 at the time of the check: `valid`, `expired` or
    /// `not-yet-valid`.
    validity: Option<&'static str>,
    #[serde(skip)]
    lifetime: Option<Lifetime>,
    /// Kind of the container, and offsets of the OTA file in it.
    #[serde(skip)]
    container: Option<(ContainerKind, Range<usize>)>,
}

/// Validity of a certificate.
struct Lifetime {
    from: u64,
    /// Time at which the certificate expires; `None` if it never expires.
    until: Option<u64>,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let mut well = true;
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let at = options.at.unwrap_or_else(clock);
    for path in &expand(&options.files)? {
        let found = with(path, |opened| Found::new(path, opened, &options.trust.required(), at));
        well &= found.as_ref().is_ok_and(|found| found.is_valid(options.strict));
        if let Ok(found) = &found {
            let warnings = [found.warning(at), found.container_note()];
            warnings.into_iter().flatten().for_each(|text| complain(Failure::at(path, text)));
        }
        match (found, options.json) {
            (Ok(found), true) => {
                let line = serde_json::to_string(&found).map_err(std::io::Error::from)?;
                writeln!(out, "{}", terminal_escape::json(&line))?;
            }
            (Ok(found), false) => writeln!(out, "{}", terminal_escape::text(&found.line()))?,
            (Err(reason), true) => {
                let none = serde_json::to_string(&NoFile::new(path, reason)).map_err(std::io::Error::from)?;
                writeln!(out, "{}", terminal_escape::json(&none))?;
            }
            (Err(reason), false) => writeln!(out, "{}: {reason}", terminal_escape::path(path))?,
        }
    }
    Ok(well)
}

impl Found {
    fn new(path: &Path, opened: &InputFile<'_>, policy: &VerifyPolicy<'_>, at: u64) -> Self {
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
        let uncovered = found.as_ref().ok().and_then(|_| uncovered(opened));
        let signature = match &found {
            Ok(Accepted::Signed { .. }) if uncovered.is_some() => "invalid",
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
        let signed = suite.filter(|_| signature == "valid");
        let lifetime = signed.and_then(|suite| Lifetime::new(opened, suite));
        Self {
            file: path.to_string_lossy().into_owned(),
            integrity,
            integrity_form,
            signature,
            suite: suite.map(|suite| if suite == Suite::One { 1 } else { 2 }),
            signer: element.map(|element| format!("{:016x}", element.signer().0)),
            reason: found.err().map(|reason| reason.to_string()).or(uncovered),
            validity: lifetime.as_ref().map(|lifetime| lifetime.word(at)),
            lifetime,
            container: (opened.container.kind != ContainerKind::None).then(|| {
                (opened.container.kind, opened.offset()..opened.offset() + opened.image.bytes().len())
            }),
        }
    }

    /// Returns the remark about the bytes of a container, which the signature of the file inside does not cover.
    fn container_note(&self) -> Option<String> {
        let (kind, Range { start, end }) = self.container.as_ref().filter(|_| self.signature == VALID)?;
        let last = end.saturating_sub(1);
        Some(format!(
            "note: the signature covers bytes {start} to {last}, and not the container ({kind}) around them"
        ))
    }

    fn is_valid(&self, strict: bool) -> bool {
        let is_current = self.validity.is_none_or(|word| word == VALID);
        self.signature == "valid" && self.integrity != "bad" && (is_current || !strict)
    }

    /// Returns the remark about a certificate that is not valid at the time `at`.
    fn warning(&self, at: u64) -> Option<String> {
        let (word, lifetime) = (self.validity.filter(|word| *word != VALID)?, self.lifetime.as_ref()?);
        let word = word.replace('-', " ");
        let until = lifetime
            .until
            .map_or("for ever".into(), |until| format!("until {}", unix_time_text::text(until)));
        let (from, at) = (unix_time_text::text(lifetime.from), unix_time_text::text(at));
        Some(format!("the signer's certificate is {word} at {at}: it is valid from {from} {until}"))
    }

    fn line(&self) -> String {
        let mut line = format!("{}: signature {}", self.file, self.signature);
        if let (Some(suite), Some(signer)) = (self.suite, &self.signer) {
            line += &format!(", suite {suite}, signer {signer}");
        }
        if let Some(reason) = self.reason.as_ref().filter(|_| self.signature != "absent") {
            line += &format!(" ({reason})");
        }
        line += &format!("; integrity code {}", self.integrity);
        line + &self.integrity_form.map(|form| format!(" ({form})")).unwrap_or_default()
    }
}

/// Word for a certificate that is valid at the time of the check.
const VALID: &str = "valid";

impl Lifetime {
    /// Returns the validity of the certificate by which a signature of this suite is verified: the first certificate of
    /// the suite in the file.
    fn new(opened: &InputFile<'_>, suite: Suite) -> Option<Self> {
        let element = opened.image.find(suite.certificate_tag()).next()?;
        let certificate = Certificate::from_bytes(element.element.data)?;
        Some(Self { from: certificate.valid_from()?, until: certificate.valid_until() })
    }

    fn word(&self, at: u64) -> &'static str {
        match self.until {
            _ if at < self.from => "not-yet-valid",
            Some(until) if at >= until => "expired",
            _ => VALID,
        }
    }
}

/// Returns the remark about bytes that follow the OTA file and belong to no container; `None` without such bytes.
fn uncovered(opened: &InputFile<'_>) -> Option<String> {
    let (file, given) = (opened.image.bytes().len(), opened.container.ota.len());
    let more = given.checked_sub(file).filter(|more| *more > 0)?;
    let start = opened.offset() + file;
    Some(format!(
        "{more} bytes behind the total image size, from byte {start} on, are covered by no signature"
    ))
}

/// Returns whether the file has a certificate by which a signature could be verified.
fn has_certificate(opened: &InputFile<'_>) -> bool {
    opened.image.elements().any(|at| Suite::ALL.iter().any(|suite| at.element.tag == suite.certificate_tag()))
}
