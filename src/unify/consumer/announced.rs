//! What is announced, and the images that were fetched of it.
//!
//! ```text
//! Place -> Announced { info, version, key, fetch: Unneeded | Asked | Failed | Checking(file) | Ready(file) | Refused }
//! ```

use alloc::vec::Vec;

use super::device::Managed;
use super::{Action, Consumer, unsubscribe};
use crate::server::{ImageInfo, StoreEntry};
use crate::time::{Instant, Millis};
use crate::types::FileVersion;
use crate::unify::attribute::LastError;
use crate::unify::filter::Filter;
use crate::unify::ignored::Ignored;
use crate::unify::payload::Info;
use crate::unify::topic::{Place, Target};

/// What is announced for one place.
#[derive(Clone, Debug)]
pub(super) struct Announced {
    pub(super) info: Info,
    pub(super) version: FileVersion,
    /// Tells this announcement from an earlier one for the same place.
    pub(super) key: u32,
    pub(super) fetch: Fetch,
}

/// How far the image is here.
#[derive(Clone, Debug)]
pub(super) enum Fetch {
    /// No device needs it, or none did.
    Unneeded,
    /// It was asked for.
    Asked { until: Instant },
    /// It did not come.
    Failed { retry_at: Instant },
    /// The caller checks it.
    Checking(File),
    /// It can be offered.
    Ready(File),
    /// It is none that can be offered.
    Refused,
}

#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) info: ImageInfo,
    pub(super) bytes: Vec<u8>,
}

impl File {
    /// Reads what came in. Bytes after the total image size are not kept.
    fn read(payload: &[u8], key: u32) -> Option<Self> {
        let entry = StoreEntry::parse(payload).ok()?;
        Some(Self { info: ImageInfo { key, ..*entry.info() }, bytes: entry.file().to_vec() })
    }
}

impl Announced {
    pub(super) const fn is_asked(&self) -> bool {
        matches!(self.fetch, Fetch::Asked { .. })
    }

    /// The image, where it can be offered.
    pub(super) const fn ready(&self) -> Option<&File> {
        match &self.fetch {
            Fetch::Ready(file) => Some(file),
            _ => None,
        }
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.fetch {
            Fetch::Asked { until: at } | Fetch::Failed { retry_at: at } => Some(at),
            _ => None,
        }
    }

    /// Ends what took too long. Tells whether the image is no longer waited for.
    pub(super) fn expire(&mut self, now: Instant, retry: Millis) -> bool {
        let (next, ended) = match self.fetch {
            Fetch::Asked { until } if until <= now => (Fetch::Failed { retry_at: now.plus(retry) }, true),
            Fetch::Failed { retry_at } if retry_at <= now => (Fetch::Unneeded, false),
            _ => return false,
        };
        self.fetch = next;
        ended
    }
}

/// An image that came in and is to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    place: Place,
    key: u32,
}

impl Fetched {
    /// Which image, and for whom.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }
}

/// Answer to [`Action::Verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FileVerdict {
    /// The image may be offered.
    Valid,
    /// It may not. It is fetched again when it is announced again.
    Invalid,
}

impl Consumer {
    /// The OTA file to be checked, as many bytes as its total image size; `None` when it was withdrawn or replaced since.
    #[must_use]
    pub fn image(&self, fetched: &Fetched) -> Option<&[u8]> {
        match self.announced.get(&fetched.place)? {
            Announced { key, fetch: Fetch::Checking(file) | Fetch::Ready(file), .. }
                if *key == fetched.key =>
            {
                Some(&file.bytes)
            }
            _ => None,
        }
    }

    /// Answers [`Action::Verify`]. Devices hear of an image that is good; one that was withdrawn or replaced since is
    /// passed over.
    pub fn verified(&mut self, now: Instant, fetched: &Fetched, verdict: FileVerdict) {
        let Some(announced) = self.announced.get_mut(&fetched.place).filter(|found| found.key == fetched.key)
        else {
            return;
        };
        match (core::mem::replace(&mut announced.fetch, Fetch::Refused), verdict) {
            (Fetch::Checking(file), FileVerdict::Valid) => {
                announced.fetch = Fetch::Ready(file);
                self.refresh_place(now, &fetched.place);
            }
            (Fetch::Checking(_), FileVerdict::Invalid) => self.refused(now, &fetched.place, fetched.key),
            (other, _) => announced.fetch = other,
        }
    }

    pub(super) fn info(&mut self, now: Instant, place: Place, payload: &[u8]) -> Result<(), Ignored> {
        if let Target::Device(unid) = &place.target
            && !self.devices.contains_key(unid)
        {
            return Err(Ignored::NotHere(place));
        }
        if payload.is_empty() {
            self.take_away(&place);
            self.refresh_place(now, &place);
            return Ok(());
        }
        let info = Info::read(payload)?;
        let version = info.file_version()?;
        match self.announced.get_mut(&place) {
            // The same image: it is not fetched again, unless the one that came was no good.
            Some(announced) if announced.version == version => {
                announced.info = info;
                if matches!(announced.fetch, Fetch::Refused) {
                    announced.fetch = Fetch::Unneeded;
                }
            }
            _ => {
                self.take_away(&place);
                self.next_key = self.next_key.wrapping_add(1);
                let announced = Announced { info, version, key: self.next_key, fetch: Fetch::Unneeded };
                self.announced.insert(place.clone(), announced);
            }
        }
        self.refresh_place(now, &place);
        Ok(())
    }

    pub(super) fn data(&mut self, now: Instant, place: Place, payload: &[u8]) -> Result<(), Ignored> {
        let Some(announced) = self.announced.get_mut(&place).filter(|announced| announced.is_asked()) else {
            return Err(Ignored::Unasked(place));
        };
        unsubscribe(&mut self.actions, self.config, &Filter::data(&place));
        let (key, version) = (announced.key, announced.version);
        let good = |file: &File| {
            let at = |managed: &Managed, unid| managed.takes(unid, &place, &file.info);
            file.info.id.version == version && self.devices.iter().any(|(unid, managed)| at(managed, unid))
        };
        match File::read(payload, key).filter(good) {
            Some(file) => {
                announced.fetch = Fetch::Checking(file);
                self.actions.push_back(Action::Verify(Fetched { place, key }));
            }
            None => {
                announced.fetch = Fetch::Refused;
                self.refused(now, &place, key);
            }
        }
        Ok(())
    }

    /// Tells that the image is not good of all devices that were to have it.
    fn refused(&mut self, now: Instant, place: &Place, key: u32) {
        for managed in self.devices.values_mut() {
            managed.fail(&place.uiid, key, LastError::InvalidImage);
        }
        self.refresh_place(now, place);
    }

    /// Drops what was announced for a place.
    pub(super) fn take_away(&mut self, place: &Place) {
        if self.announced.remove(place).is_some_and(|announced| announced.is_asked()) {
            self.unsubscribe(&Filter::data(place));
        }
    }

    fn refresh_place(&mut self, now: Instant, place: &Place) {
        match &place.target {
            Target::Device(unid) => self.refresh(now, unid),
            Target::All => self.refresh_those(now, |managed| managed.status(&place.uiid).is_some()),
        }
    }
}
