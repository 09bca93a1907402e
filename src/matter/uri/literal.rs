//! Addresses in brackets (RFC 3986, section 3.2.2). Not `core`'s: its reader of IPv6 addresses has panic branches.

use super::syntax::{cut, is_plain};

/// Whether it is an IPv6 address, or `v`, digits, a dot and an address of a kind yet to come.
pub(super) fn is_ip_literal(literal: &[u8]) -> bool {
    if let [b'v' | b'V', rest @ ..] = literal {
        let (version, Some(address)) = cut(rest, b'.') else { return false };
        let digits = !version.is_empty() && version.iter().all(u8::is_ascii_hexdigit);
        let plain = address.iter().all(|byte| is_plain(*byte) || *byte == b':');
        return digits && plain && !address.is_empty();
    }
    is_ipv6(literal)
}

fn is_ipv6(address: &[u8]) -> bool {
    let gap = address.windows(2).position(|pair| pair == b"::");
    let Some(gap) = gap else { return groups(address, true) == Some(8) };
    let (head, rest) = address.split_at_checked(gap).unwrap_or_default();
    let tail = rest.strip_prefix(b"::").unwrap_or(rest);
    let (Some(head), Some(tail)) = (groups(head, false), groups(tail, true)) else { return false };
    // The gap stands for one group at the least.
    head.saturating_add(tail) < 8
}

/// How many groups of 16 bits: up to four digits each, the last two perhaps an IPv4 address.
fn groups(text: &[u8], may_end_in_ipv4: bool) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let (mut count, mut pieces) = (0_usize, text.split(|byte| *byte == b':').peekable());
    while let Some(piece) = pieces.next() {
        let digits = matches!(piece.len(), 1..=4) && piece.iter().all(u8::is_ascii_hexdigit);
        count = count.saturating_add(match digits {
            true => 1,
            false if may_end_in_ipv4 && pieces.peek().is_none() && is_ipv4(piece) => 2,
            false => return None,
        });
    }
    Some(count)
}

fn is_ipv4(text: &[u8]) -> bool {
    let octets = || text.split(|byte| *byte == b'.');
    octets().count() == 4
        && octets().all(|octet| {
            matches!(
                octet,
                [b'0'..=b'9']
                    | [b'1'..=b'9', b'0'..=b'9']
                    | [b'1', b'0'..=b'9', b'0'..=b'9']
                    | [b'2', b'0'..=b'4', b'0'..=b'9']
                    | [b'2', b'5', b'0'..=b'5']
            )
        })
}
