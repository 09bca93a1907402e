//! Comparison of zigbee-ota's Matter commands with rs-matter: commands field by field with the code that rs-matter generates
//! of the cluster definition, and TLV elements of any kind beside the fields with its TLV reader and writer.
//! `.ci/check matter-oracle` runs it.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod unknown_tlv_elements;
