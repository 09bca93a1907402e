//! How to use the crate, in a chapter for each kind of user.
//!
//! | chapter | for whom | what it shows |
//! |---|---|---|
//! | [`device`] | firmware that is upgraded | the loop, flash that takes its time, power cuts, ways to transfer, signatures |
//! | [`gateway`] | who upgrades devices | the loop, stores, policy, pacing, pages, dashboards, Unify |
//! | [`tool`] | build servers and analysers | files, containers, payloads, signing, frames, an observer |
//!
//! The loops are whole programs but for the hardware: a simulated board or network stands in for that, and each of them is
//! run as a test. These modules are there in the documentation alone.

#[doc = include_str!("device.md")]
pub mod device {}

#[doc = include_str!("gateway.md")]
pub mod gateway {}

#[doc = include_str!("tool.md")]
pub mod tool {}
