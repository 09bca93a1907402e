//! The guide: a chapter for each kind of user, and chapters of reference.
//!
//! | chapter | reader | content |
//! |---|---|---|
//! | [`device`] | firmware engineers | the loop of calls, flash that writes in the background, power cuts, transfer modes, signatures |
//! | [`gateway`] | gateway engineers | the loop of calls, stores, policies, rate limits, pages, dashboards, Unify |
//! | [`build_server_and_analyser`] | authors of build servers and analysers | files, containers, payloads, signing, frames, downloads in a capture |
//! | [`examples`] | everybody | the tools that come with the crate, and their commands |
//! | [`security`] | everybody | what addresses, codes, signatures and checkpoints prove |
//! | [`glossary`] | everybody | the terms of this crate, with one term for each thing |
//! | [`specification`] | readers of the specification | the sections of the OTA specification, the same sections in ZCL 8, and the modules that implement them |
//! | [`measurements`] | everybody | time, flash, RAM, goodput |
//! | [`guarantees`] | everybody | each guarantee, and the command that checks it |
//! | [`contributing`] | contributors | the map of the source, recipes for common changes, rules of the project |
//! | [`fast_paths`] | contributors | the tasks that are implemented twice, and the measured gain of each fast implementation |
//!
//! Each loop of calls in the chapters on devices and gateways is a whole program, in which a simulated board or network
//! takes the place of the hardware. All examples of the guide are run as tests. The modules of the guide exist in the
//! documentation only.

#[doc = include_str!("device.md")]
pub mod device {}

#[doc = include_str!("gateway.md")]
pub mod gateway {}

#[doc = include_str!("build_server_and_analyser.md")]
pub mod build_server_and_analyser {}

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
