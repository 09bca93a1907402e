//! Characters that RFC 3986 allows in each part of a URI. The form of a URI is
//! `scheme ":" ["//" authority] path ["?" query] ["#" fragment]`.
//!
//! The module only checks characters and decodes no part of the URI, because the crate does not interpret the URI. The
//! module replaces the URI parsers of other crates, because the code of these parsers contains branches that panic.

use super::ImageUriError;

/// Returns the scheme of a URI: the text before the first colon (RFC 3986, section 3.1).
pub(super) fn scheme(text: &str) -> Result<&str, ImageUriError> {
    let bytes = text.as_bytes();
    let is_allowed = |at: usize, byte: u8| match byte {
        b'0'..=b'9' | b'+' | b'-' | b'.' => at > 0,
        byte => byte.is_ascii_alphabetic(),
    };
    let error = |offset| Err(ImageUriError::Syntax { offset, expected: "a scheme and a colon" });
    match (0..).zip(bytes).find(|(at, byte)| !is_allowed(*at, **byte)) {
        Some((at @ 1.., b':')) => Ok(text.split_at_checked(at).map_or("", |(scheme, _)| scheme)),
        Some((at, _)) => error(at),
        None => error(bytes.len()),
    }
}

/// Part of a URI after the scheme.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Authority,
    Path,
    Query,
    Fragment,
}

impl Part {
    fn allows(self, byte: u8) -> bool {
        match self {
            // Brackets enclose an IPv6 address.
            Self::Authority => is_path_character(byte) || matches!(byte, b'[' | b']'),
            Self::Path => is_path_character(byte) || byte == b'/',
            Self::Query | Self::Fragment => is_path_character(byte) || matches!(byte, b'/' | b'?'),
        }
    }

    /// Returns the part that begins with the character `delimiter` and may follow the part `self`; `None` if
    /// `delimiter` is a character inside `self`, or is not allowed after `self`.
    fn after(self, delimiter: u8) -> Option<Self> {
        match (self, delimiter) {
            (Self::Authority, b'/') => Some(Self::Path),
            (Self::Authority | Self::Path, b'?') => Some(Self::Query),
            (Self::Authority | Self::Path | Self::Query, b'#') => Some(Self::Fragment),
            _ => None,
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Authority => "a character of a URI's authority",
            Self::Path => "a character of a URI's path",
            Self::Query => "a character of a URI's query",
            Self::Fragment => "a character of a URI's fragment",
        }
    }
}

/// Checks the characters of all parts after the scheme, which has `scheme_len` bytes (RFC 3986, sections 3.2 to 3.5).
pub(super) fn check_after_scheme(uri: &[u8], scheme_len: usize) -> Result<(), ImageUriError> {
    let (_, rest) = uri.split_at_checked(scheme_len).unwrap_or((uri, &[]));
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let (mut part, mut rest) = match rest.strip_prefix(b"//") {
        Some(after) => (Part::Authority, after),
        None => (Part::Path, rest),
    };
    while let [first, after @ ..] = rest {
        if let Some(next) = part.after(*first) {
            (part, rest) = (next, after);
        } else if let Some(after) = strip_character(rest, |byte| part.allows(byte)) {
            rest = after;
        } else {
            let offset = uri.len().saturating_sub(rest.len());
            return Err(ImageUriError::Syntax { offset, expected: part.expected() });
        }
    }
    Ok(())
}

/// Returns the offset of the first character that a URI path does not allow.
pub(super) fn find_not_path(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match strip_character(rest, |byte| Part::Path.allows(byte)) {
            Some(after) => rest = after,
            None => return Some(bytes.len().saturating_sub(rest.len())),
        }
    }
    None
}

/// Returns the bytes without their first character, which is an escape such as `%20` or a byte for which `is_allowed`
/// returns `true`. Returns `None` if the first character is neither an escape nor an allowed byte.
fn strip_character(bytes: &[u8], is_allowed: impl Fn(u8) -> bool) -> Option<&[u8]> {
    match bytes {
        [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => Some(after),
        [byte, after @ ..] if is_allowed(*byte) => Some(after),
        _ => None,
    }
}

/// Whether a path segment allows the byte without an escape: `pchar` of RFC 3986, which is `unreserved`, `sub-delims`,
/// `:` and `@`.
fn is_path_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}
