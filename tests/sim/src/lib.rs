//! Sim
