//! URLs of files in an index.

use std::str::FromStr;

use zigbee_ota::index::is_web_url;

/// Prefix of each file's path: a URL, or a local path of the gateway.
#[derive(Clone)]
pub struct Base(String);

impl FromStr for Base {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A gateway would read a URL of any other scheme as a local path.
        if text.contains("://") && !is_web_url(text) {
            return Err("expected http://, https://, or a path of the gateway");
        }
        let slash = if text.is_empty() || text.ends_with('/') { "" } else { "/" };
        Ok(Self(format!("{text}{slash}")))
    }
}

impl Base {
    /// Returns whether a prefix was given on the command line.
    pub fn is_given(&self) -> bool {
        !self.0.is_empty()
    }

    /// Returns the URL of the file with this path in the folder.
    pub fn join(&self, place: &str) -> String {
        let Self(base) = self;
        if !is_web_url(base) {
            return format!("{base}{place}");
        }
        let names: Vec<String> = place.split('/').map(encode).collect();
        format!("{base}{}", names.join("/"))
    }
}

/// Returns the path of a URL, with its percent-encoding decoded. Returns a local path unchanged.
pub fn path(url: &str) -> String {
    if is_web_url(url) {
        decode(url.split(['?', '#']).next().unwrap_or_default())
    } else {
        url.replace('\\', "/")
    }
}

/// Percent-encodes a name like `encodeURIComponent`.
fn encode(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.first_chunk::<2>().filter(|_| *first == b'%');
        let escaped =
            escaped.and_then(|digits| crate::hex_lines::bytes(digits)).and_then(|byte| byte.first().copied());
        rest = if escaped.is_some() { &after[2..] } else { after };
        bytes.push(escaped.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
