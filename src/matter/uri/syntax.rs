//! The syntax of RFC 3986, as far as it says which texts are URIs: `scheme ":" ["//" authority] path ["?" query]
//! ["#" fragment]`. Written out here because parsers of the field leave panic branches; tests compare it with one.

use super::literal::is_ip_literal;
use super::{UriError, UriPart};

/// What stands before the first colon, if a scheme can be called so (section 3.1).
pub(super) fn scheme(text: &str) -> Result<&str, UriError> {
    let bytes = text.as_bytes();
    let good = |at: usize, byte: u8| match byte {
        b'0'..=b'9' | b'+' | b'-' | b'.' => at > 0,
        byte => byte.is_ascii_alphabetic(),
    };
    let end = (0..).zip(bytes).find(|(at, byte)| !good(*at, **byte));
    match end {
        Some((at @ 1.., b':')) => Ok(text.split_at_checked(at).map_or("", |(scheme, _)| scheme)),
        Some((at, _)) => Err(fault(UriPart::Scheme, at)),
        None => Err(fault(UriPart::Scheme, bytes.len())),
    }
}

/// The rest of a URI whose scheme takes `scheme` bytes (sections 3.2 to 3.5).
pub(super) fn after_scheme(uri: &[u8], scheme: usize) -> Result<(), UriError> {
    let (_, rest) = split(uri, scheme);
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let (rest, fragment) = cut(rest, b'#');
    let (rest, query) = cut(rest, b'?');
    let (authority, path) = match rest.strip_prefix(b"//") {
        Some(rest) => {
            let (authority, path) = split(rest, position(rest, b'/').unwrap_or(rest.len()));
            (Some(authority), path)
        }
        None => (None, rest),
    };
    // Where each part starts follows from what is behind it.
    let behind = |part: Option<&[u8]>| part.map_or(0, |part| part.len().saturating_add(1));
    let fragment_start = uri.len().saturating_sub(fragment.map_or(0, <[u8]>::len));
    let query_end = uri.len().saturating_sub(behind(fragment));
    let query_start = query_end.saturating_sub(query.map_or(0, <[u8]>::len));
    let path_start = query_end.saturating_sub(behind(query)).saturating_sub(path.len());
    if let Some(authority) = authority
        && let Some(at) = bad_authority(authority)
    {
        let start = path_start.saturating_sub(authority.len());
        return Err(fault(UriPart::Authority, start.saturating_add(at)));
    }
    all(UriPart::Path, path, path_start, |byte| is_pchar(byte) || byte == b'/')?;
    let loose = |byte| is_pchar(byte) || matches!(byte, b'/' | b'?');
    all(UriPart::Query, query.unwrap_or_default(), query_start, loose)?;
    all(UriPart::Fragment, fragment.unwrap_or_default(), fragment_start, loose)
}

fn fault(part: UriPart, offset: usize) -> UriError {
    UriError::Syntax { part, offset }
}

fn all(part: UriPart, bytes: &[u8], start: usize, allowed: impl Fn(u8) -> bool) -> Result<(), UriError> {
    first_bad(bytes, allowed).map_or(Ok(()), |at| Err(fault(part, start.saturating_add(at))))
}

/// The first byte that `authority` cannot have there: `[user "@"] host [":" port]`.
fn bad_authority(authority: &[u8]) -> Option<usize> {
    let (user, host) = match cut(authority, b'@') {
        (user, Some(host)) => (user, host),
        (host, None) => (&[][..], host),
    };
    if let Some(at) = first_bad(user, |byte| is_plain(byte) || byte == b':') {
        return Some(at);
    }
    let start = authority.len().saturating_sub(host.len());
    bad_host(host).map(|at| start.saturating_add(at))
}

fn bad_host(host: &[u8]) -> Option<usize> {
    let (bad, after) = match (host.strip_prefix(b"["), position(host, b']')) {
        (Some(inside), Some(end)) => {
            let (literal, _) = split(inside, end.saturating_sub(1));
            (if is_ip_literal(literal) { None } else { Some(1) }, end.saturating_add(1))
        }
        _ => {
            let end = position(host, b':').unwrap_or(host.len());
            (first_bad(split(host, end).0, is_plain), end)
        }
    };
    bad.or_else(|| {
        let (_, port) = split(host, after);
        let digits = match port {
            [b':', digits @ ..] => digits,
            [] => return None,
            _ => return Some(after),
        };
        let digit = digits.iter().position(|byte| !byte.is_ascii_digit())?;
        Some(after.saturating_add(1).saturating_add(digit))
    })
}

/// The place of the first byte that is neither `allowed` nor part of an escape such as `%20`.
pub(super) fn first_bad(bytes: &[u8], allowed: impl Fn(u8) -> bool) -> Option<usize> {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [] => return None,
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            [byte, after @ ..] if allowed(*byte) => after,
            _ => return Some(bytes.len().saturating_sub(rest.len())),
        };
    }
}

/// What a segment of a path may hold beside escapes (`pchar`).
pub(super) fn is_pchar(byte: u8) -> bool {
    is_plain(byte) || matches!(byte, b':' | b'@')
}

/// Unreserved characters and `sub-delims`.
pub(super) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted)
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

/// What stands before the first `mark`, and behind it where there is one.
pub(super) fn cut(bytes: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match position(bytes, mark) {
        Some(at) => {
            let (before, rest) = split(bytes, at);
            (before, rest.get(1..))
        }
        None => (bytes, None),
    }
}
