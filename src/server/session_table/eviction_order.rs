//! Order in which a session table evicts sessions: an order by the time of the last frame for each class of sessions.
//!
//! ```text
//! evicted first   idle_ages: oldest <-> ... <-> newest     download_ages: ...     page_ages: ...     evicted last
//! ```

use super::SessionTable;
use crate::server::session::{Flags, Links, NO_SLOT};
use crate::server::{Session, SessionSlots};

/// Order of sessions by the time of their last frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct AgeOrder {
    pub(super) newest: u16,
    pub(super) oldest: u16,
}

impl AgeOrder {
    pub(super) const EMPTY: Self = Self { newest: NO_SLOT, oldest: NO_SLOT };
}

/// Class of sessions, in the order of eviction. The session table keeps a separate order by age for each class of
/// sessions. To free a slot, the table evicts the oldest session of the first class that contains a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgeClass {
    /// Session without a download in progress.
    Idle,
    /// Session with a download in progress, by single blocks.
    Download,
    /// Session with a page that is being sent.
    Page,
}

impl AgeClass {
    pub(super) const fn of(flags: Flags) -> Self {
        if flags.contains(Flags::PAGE) {
            Self::Page
        } else if flags.contains(Flags::DOWNLOAD) {
            Self::Download
        } else {
            Self::Idle
        }
    }
}

impl<S: SessionSlots> SessionTable<S> {
    /// Returns the slot of the session that the table evicts first: the oldest session of the first class of sessions
    /// that is not empty.
    pub(super) fn oldest(&self) -> Option<u16> {
        let oldest = [self.idle_ages, self.download_ages, self.page_ages].map(|order| order.oldest);
        oldest.into_iter().find(|index| *index != NO_SLOT)
    }

    /// Returns the slot of the session of a node that the table evicts first: the oldest idle session, else the oldest
    /// session without a page, else the oldest session.
    pub(super) fn oldest_of_node(&self, network: u16) -> Option<u16> {
        let order = |session: &Session| match AgeClass::of(session.flags) {
            AgeClass::Idle => (0_u8, session.last_heard()),
            AgeClass::Download => (1, session.last_heard()),
            AgeClass::Page => (2, session.last_heard()),
        };
        self.slots_of_node(network).min_by_key(|(_, session)| order(session)).map(|(index, _)| index)
    }

    /// Returns the order by age of the sessions of a class.
    const fn ages_mut(&mut self, class: AgeClass) -> &mut AgeOrder {
        match class {
            AgeClass::Idle => &mut self.idle_ages,
            AgeClass::Download => &mut self.download_ages,
            AgeClass::Page => &mut self.page_ages,
        }
    }

    /// Appends a slot to the order by age of its class as the newest slot.
    pub(super) fn append_newest(&mut self, index: u16) {
        let Some(class) = self.session_in(index).map(|session| AgeClass::of(session.flags)) else { return };
        let older = core::mem::replace(&mut self.ages_mut(class).newest, index);
        if let Some(session) = self.session_in_mut(index) {
            (session.links.older, session.links.newer) = (older, NO_SLOT);
        }
        match self.session_in_mut(older) {
            Some(session) => session.links.newer = index,
            None => self.ages_mut(class).oldest = index,
        }
    }

    /// Removes a slot from the order by age of its class.
    pub(super) fn unlink_from_ages(&mut self, index: u16) {
        let Some((class, links)) =
            self.session_in(index).map(|session| (AgeClass::of(session.flags), session.links))
        else {
            return;
        };
        let Links { newer, older, .. } = links;
        match self.session_in_mut(newer) {
            Some(session) => session.links.older = older,
            None => self.ages_mut(class).newest = older,
        }
        match self.session_in_mut(older) {
            Some(session) => session.links.newer = newer,
            None => self.ages_mut(class).oldest = newer,
        }
    }
}
