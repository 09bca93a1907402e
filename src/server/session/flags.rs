//! Flags of a session: whether the session counts as a download or a page, which fields of the session are known, and
//! what the server last sent to the client. Some flags belong to the download, and some to the client.

use bitflags::bitflags;

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in crate::server) struct Flags: u16 {
        /// The slot holds a session. The type `SessionTable` sets and removes the flag IN_USE.
        const IN_USE = 1 << 0;
        /// The session has the current state of the client, such as its block size. Exactly one session of each node
        /// has the flag PRIMARY. The type `SessionTable` moves the flag PRIMARY between the sessions of a node.
        const PRIMARY = 1 << 1;
        /// The session counts as a download in progress. The method `SessionTable::set_flag` updates the number of
        /// nodes with a download in progress.
        const DOWNLOAD = 1 << 2;
        /// A page is being sent to the client, and the session counts as a page. The method `SessionTable::set_flag`
        /// updates the number of pages.
        const PAGE = 1 << 3;
        /// The value of the field `hardware` is known.
        const HARDWARE = 1 << 4;
        /// The server released the client from a hold of the image `version`. While the flag RELEASED is set, the
        /// server answers an Upgrade End Request with the order to upgrade now where the policy decides to hold the
        /// client.
        const RELEASED = 1 << 5;
        /// The Image Page Request, or the request whose answer the server holds, came with APS security.
        const SECURED = 1 << 6;
        /// The server has reported the event `RepeatedDownload` for the present count of repeated downloads.
        const REPEATS_TOLD = 1 << 7;
        /// State of the client: the value of the field `ieee` is known.
        const IEEE = 1 << 8;
        /// State of the client: a block was sent to the client, at the time of the field `served`.
        const SERVED = 1 << 9;
        /// State of the client: the server sent the client a MinimumBlockPeriod that the requests of the client do not
        /// contain yet.
        const PERIOD_SENT = 1 << 10;
        /// State of the client: the last answer to a block request was WAIT_FOR_DATA with a waiting time of 0 seconds.
        const ZERO_WAIT = 1 << 11;
        /// State of the client: the last block to the client contained bytes that the server had already sent before,
        /// and the server sent the block before the block was due by the rate limit. While the flag EARLY_REPEAT is
        /// set, the server repeats no other block before the block is due.
        const EARLY_REPEAT = 1 << 12;
        /// The server holds answers to block requests of the download until the answers are due. The field `page` of
        /// the session describes the answers to block requests that the server holds.
        const HELD = 1 << 13;
        /// State of the client: the server does not know yet whether the last block to the client arrived.
        const UNCONFIRMED = 1 << 14;
        /// A row of the table of device overrides applies to the image type of the session. The table of device
        /// overrides does not change, so the server searches the table once for each session, not for each block.
        const OVERRIDE = 1 << 15;
    }
}

/// Flags that belong to the client, not to one of its downloads.
pub(super) const CLIENT_FLAGS: Flags = Flags::IEEE
    .union(Flags::SERVED)
    .union(Flags::PERIOD_SENT)
    .union(Flags::ZERO_WAIT)
    .union(Flags::EARLY_REPEAT)
    .union(Flags::UNCONFIRMED);
