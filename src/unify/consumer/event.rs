//! What the server tells, as status of images.
//!
//! ```text
//! server::Event -> the device's image -> ImageStatus -> attributes, published where they changed
//! ```

use super::Consumer;
use super::device::{Due, Managed, Tracked};
use crate::aps::Address;
use crate::server::{ServerEvent, SessionProgress};
use crate::time::Instant;
use crate::types::{FileVersion, ImageId};
use crate::unify::attribute::{LastError, Status};
use crate::unify::name::{ImageKind, Unid};
use crate::zcl::{self, ClientStatus, QueryNextImageRequest, Refusal};

impl Consumer {
    /// Takes note of what a server told.
    ///
    /// | event | becomes |
    /// |---|---|
    /// | `Queried` | `CurrentVersion`; `Size` of what was offered; `NotAuthorized`, or `NotSupported` for other hardware |
    /// | `Started`, `Progress`, `AllServed` | `DownloadInProgress`, `Size`, `Offset` |
    /// | `Ended` | `WaitingToUpgrade`, `WaitForMore`, or `Idle` with the error |
    /// | `NotServed`, `Repeats` | `Idle` with the error |
    /// | `Stalled`, `NeverEnded` | `Idle` |
    /// | `Report` | what the device tells of itself |
    ///
    /// What concerns a version that the device is not to have, or a device that is not here, changes nothing.
    pub fn handle_event(&mut self, now: Instant, event: &ServerEvent) {
        let Some(unid) = client(event).and_then(|client| self.clients.get(&client)).cloned() else { return };
        match event {
            ServerEvent::Queried { request, answer, .. } => {
                self.queried(
                    &unid,
                    request,
                    answer.as_ref().map(|offer| offer.size).map_err(|refusal| *refusal),
                );
            }
            ServerEvent::Started { id, .. } => self.downloads(&unid, *id, None),
            ServerEvent::Progress { id, progress, .. } => self.downloads(&unid, *id, Some(*progress)),
            ServerEvent::AllServed { id, .. } => {
                if let Some(tracked) = self.follows(&unid, *id) {
                    tracked.status.offset = tracked.status.size;
                }
            }
            ServerEvent::Ended { id, status, .. } => self.ended(now, &unid, *id, *status),
            ServerEvent::NotServed { id, status, .. } => {
                self.failed(&unid, *id, Some(LastError::of(*status).unwrap_or(LastError::Abort)));
            }
            ServerEvent::RepeatedDownload { id, .. } => self.failed(&unid, *id, Some(LastError::Abort)),
            ServerEvent::Stalled { id, .. } | ServerEvent::NeverEnded { id, .. } => {
                self.failed(&unid, *id, None)
            }
            ServerEvent::StatusReport { report, .. } => self.reported(&unid, report),
            _ => return,
        }
        self.refresh(now, &unid);
    }

    /// The image of a device that is to become `id`.
    fn follows(&mut self, unid: &Unid, id: ImageId) -> Option<&mut Tracked> {
        let tracked = self.devices.get_mut(unid)?.of_kind_mut(id.into())?;
        (tracked.key.is_some() && tracked.status.target == id.version).then_some(tracked)
    }

    fn queried(&mut self, unid: &Unid, request: &QueryNextImageRequest, answer: Result<u32, Refusal>) {
        let current = request.current;
        let ready = self.announcement(unid, current.into()).and_then(|(_, found)| found.ready());
        let unfit = match (ready.and_then(|file| file.info.hardware), request.hardware) {
            (Some(range), Some(hardware)) => !range.contains(hardware),
            _ => false,
        };
        let Some(tracked) =
            self.devices.get_mut(unid).and_then(|managed| managed.of_kind_mut(current.into()))
        else {
            return;
        };
        let status = &mut tracked.status;
        status.current = current.version;
        match answer {
            Ok(size) if tracked.key.is_some() => (status.size, status.offset) = (size, 0),
            Err(Refusal::NOT_AUTHORIZED) => status.last_error = LastError::NotAuthorized,
            Err(_) if unfit && tracked.key.is_some() => status.last_error = LastError::NotSupported,
            Ok(_) | Err(_) => {}
        }
    }

    fn downloads(&mut self, unid: &Unid, id: ImageId, progress: Option<SessionProgress>) {
        let ready = self.announcement(unid, id.into()).and_then(|(_, found)| found.ready());
        let size = ready.map_or(0, |file| file.info.size);
        let Some(tracked) = self.follows(unid, id) else { return };
        tracked.status.status = Status::DownloadInProgress;
        tracked.status.size = size;
        tracked.status.offset = progress.map_or(0, |progress| progress.reached);
    }

    fn ended(&mut self, now: Instant, unid: &Unid, id: ImageId, status: zcl::Status) {
        let utc = self.utc(now);
        let due = self.devices.get(unid).map_or(Due::Now, |managed| managed.due(id, utc));
        let Some(tracked) = self.follows(unid, id) else { return };
        tracked.status.last_error = LastError::of(status).unwrap_or(LastError::Abort);
        tracked.status.status = match status {
            zcl::Status::SUCCESS => Status::WaitingToUpgrade,
            zcl::Status::REQUIRE_MORE_IMAGE => Status::WaitForMore,
            _ => Status::Idle,
        };
        if status != zcl::Status::SUCCESS {
            return;
        }
        tracked.ordered(due);
        // All are there now, and are applied together.
        let others = self.devices.get_mut(unid).into_iter().flat_map(|managed| managed.images.values_mut());
        for other in others.filter(|other| other.status.status == Status::WaitForMore) {
            other.status.status = Status::WaitingToUpgrade;
            other.status.last_error = LastError::Success;
        }
    }

    fn failed(&mut self, unid: &Unid, id: ImageId, error: Option<LastError>) {
        let Some(tracked) = self.follows(unid, id) else { return };
        tracked.status.status = Status::Idle;
        tracked.status.last_error = error.unwrap_or(tracked.status.last_error);
    }

    fn reported(&mut self, unid: &Unid, report: &ClientStatus) {
        let Some(tracked) = self.devices.get_mut(unid).and_then(|managed| meant(managed, report)) else {
            return;
        };
        let known = |version: &FileVersion| *version != FileVersion::ANY;
        let status = &mut tracked.status;
        if let Some(current) = report.current_version.filter(known) {
            status.current = current;
        }
        if let Some(told) = report.status.and_then(Status::of) {
            status.status = told;
        }
        let downloads = status.status == Status::DownloadInProgress;
        if let Some(offset) = report.file_offset.filter(|offset| downloads && *offset != u32::MAX) {
            status.offset = offset;
        }
        // A gateway that has started anew learns so who waits.
        if status.status == Status::WaitingToUpgrade && report.downloaded_version == Some(status.target) {
            tracked.hold();
        }
    }
}

/// The image that a report is about: the file that it names, or the only one of the device.
fn meant<'a>(managed: &'a mut Managed, report: &ClientStatus) -> Option<&'a mut Tracked> {
    if let (1, Some(only)) = (managed.images.len(), managed.images.keys().next().cloned()) {
        return managed.images.get_mut(&only);
    }
    let (manufacturer, image_type) = (report.manufacturer?, report.image_type?);
    managed.of_kind_mut(ImageKind { manufacturer, image_type })
}

/// Whom an event is about.
fn client(event: &ServerEvent) -> Option<Address> {
    match event {
        ServerEvent::Queried { client, .. }
        | ServerEvent::Started { client, .. }
        | ServerEvent::Progress { client, .. }
        | ServerEvent::AllServed { client, .. }
        | ServerEvent::Ended { client, .. }
        | ServerEvent::NotServed { client, .. }
        | ServerEvent::RepeatedDownload { client, .. }
        | ServerEvent::Stalled { client, .. }
        | ServerEvent::NeverEnded { client, .. }
        | ServerEvent::StatusReport { client, .. } => Some(*client),
        _ => None,
    }
}
