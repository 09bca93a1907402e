//! The guide: a chapter for each kind of user, and chapters of reference.
//!
//! | chapter | reader | content |
//! |---|---|---|
//! | [`device`] | firmware engineers | the loop, flash that takes its time, power cuts, transfer modes, signatures |
//! | [`gateway`] | gateway engineers | the loop, stores, policies, rate limits, pages, dashboards, Unify |
//! | [`tool`] | authors of build servers and analysers | files, containers, payloads, signing, frames, downloads in a capture |
//! | [`examples`] | everybody | the tools that come with the crate, and their commands |
//! | [`security`] | everybody | what addresses, codes, signatures and checkpoints prove |
//! | [`glossary`] | everybody | one word for one thing |
//! | [`specification`] | readers of the specification | its sections, those of ZCL 8, and the modules here |
//! | [`measurements`] | everybody | time, flash, RAM, goodput |
//! | [`guarantees`] | everybody | each promise and the command that shows it |
//! | [`contributing`] | contributors | the map of the source, recipes, rules |
//!
//! The loops of the first three chapters are whole programs except for the hardware, which a simulated board or network replaces; each is
//! run as a test. These modules exist in the documentation only.

#[doc = include_str!("device.md")]
pub mod device {}

#[doc = include_str!("gateway.md")]
pub mod gateway {}

#[doc = include_str!("tool.md")]
pub mod tool {}

#[doc = include_str!("examples.md")]
pub mod examples {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("glossary.md")]
pub mod glossary {}

#[doc = include_str!("specification.md")]
pub mod specification {}

#[doc = include_str!("measurements.md")]
pub mod measurements {}

#[doc = include_str!("guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("contributing.md")]
pub mod contributing {}

#[doc = include_str!("fast_paths.md")]
pub mod fast_paths {}
