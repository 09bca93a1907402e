//! What zigbee-ota reads and writes of Matter, shown to rs-matter: elements of TLV by its reader and writer, commands by what it
//! generates of the cluster's definition. `.ci/check matter-oracle` runs it.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod tlv;
