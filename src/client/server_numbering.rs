//! Detection of servers that number their answers by a counter of their own, instead of repeating the sequence number
//! of the request.
//!
//! ```text
//!   Echoes --answer to a query with another number; three consecutive blocks with another number-----> Own
//!     ^                                                                                                    |
//!     +---------- a block with the number of its request; another server ---------------------------------+
//! ```
//!
//! ZCL demands that an answer repeats the sequence number of its request. Servers of TI Z-Stack and of the library
//! zsmartsystems number their answers by a counter of their own. From a server that numbers its answers by a counter of
//! its own, the client accepts the answers WAIT_FOR_DATA and ABORT with any sequence number. The sequence number in a
//! response of a server with a counter of its own does not show which attempt the response answers.
//!
//! The client stores only the sequence number of the latest attempt of a request. After a few lost frames, the counter
//! of a server that numbers its answers itself is a little below the sequence numbers of the client, where the sequence
//! numbers of earlier attempts are as well. A response to a repeated request is therefore evidence only if the response
//! has the sequence number of the latest attempt.

/// Number of consecutive Image Block Responses with another sequence number than the request, after which the client
/// assumes that the server numbers its answers by a counter of its own. A single Image Block Response with another
/// sequence number may be the late answer to an earlier attempt of the request.
const OWN_AFTER: u8 = 3;

/// Number of consecutive Image Block Responses with another sequence number than their requests, at most [`OWN_AFTER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerNumbering(u8);

impl ServerNumbering {
    /// State for a new server, from which the client expects answers that repeat the sequence number of the request.
    pub(super) const UNKNOWN: Self = Self(0);

    /// Returns whether the server is known to number its answers by a counter of its own.
    pub(super) const fn is_own(self) -> bool {
        self.0 >= OWN_AFTER
    }

    /// Counts a block that answers an open block request. `matches` says whether the Image Block Response has the
    /// sequence number of its request. A block for which this is unknown (`None`) changes nothing.
    pub(super) fn count_data(&mut self, matches: Option<bool>) {
        self.0 = match matches {
            Some(true) => 0,
            Some(false) => self.0.saturating_add(1).min(OWN_AFTER),
            None => self.0,
        };
    }

    /// Records an answer to a query. `matches` is `true` if the answer has the sequence number of the query.
    pub(super) fn record_query(&mut self, matches: bool) {
        self.0 = if matches { 0 } else { OWN_AFTER };
    }
}
