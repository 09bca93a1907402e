//! Matter encoding compared with rs-matter: TLV elements with its reader and writer, commands with its generated
//! cluster code. Run by `.ci/check matter-oracle`.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod tlv;
