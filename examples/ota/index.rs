//! placeholder
use crate::failure::Failure;
use clap::Args;
use std::io::Write;
/// x
#[derive(Args)]
pub struct Options {}
pub fn run(_: &Options, _: &mut impl Write) -> Result<bool, Failure> {
    Ok(true)
}
