//! Conversion of a server's events to the status of images on devices.
//!
//! ```text
//! ServerEvent -> image of the device -> ImageStatus -> attributes, published if they have changed
//! ```

use super::Consumer;
use super::device_state::{DeviceState, Due, ImageState};
use crate::aps::Address;
use crate::server::{ServerEvent, SessionProgress};
use crate::time::Instant;
use crate::types::{FileVersion, ImageId};
use crate::unify::identifiers::{ImageKind, Unid};
use crate::unify::image_attribute::{LastError, OtaStatus};
use crate::zcl::{self, ClientStatus, QueryNextImageRequest, Refusal};

impl Consumer {
    /// Handles an event of the server, and publishes the changes of the status that follow from the event.
    ///
    /// | event | published |
    /// |---|---|
    /// | `Queried` | `CurrentVersion`; `Size` of the offered image; `NotAuthorized`, or `NotSupported` for other hardware |
    /// | `Started`, `Progress`, `AllServed` | `DownloadInProgress`, `Size`, `Offset` |
    /// | `Ended` | `WaitingToUpgrade`, `WaitForMore`, or `Idle` with the error |
    /// | `NotServed`, `RepeatedDownload`, `Cancelled` | `Idle` with the error |
    /// | `Stalled`, `NeverEnded` | `Idle` |
    /// | `StatusReport` | `CurrentVersion`, `Status` and `Offset` of the report |
    ///
    /// The method ignores the events of a client that is no device of the consumer. An event about a download of
    /// another version than the target version changes no attribute. If the event `NotServed` concerns an image that
    /// another image or file has replaced, the consumer sends the client one more Image Notify.
    pub fn handle_event(&mut self, now: Instant, event: &ServerEvent) {
        let Some(unid) = client_of(event).and_then(|client| self.clients.get(&client)).cloned() else {
            return;
        };
        match event {
            ServerEvent::Queried { request, answer, .. } => {
                let size = answer.as_ref().map(|offer| offer.size).map_err(|refusal| *refusal);
                self.on_queried(&unid, request, size);
            }
            ServerEvent::Started { id, .. } => self.on_progress(&unid, *id, None),
            ServerEvent::Progress { id, progress, .. } => self.on_progress(&unid, *id, Some(*progress)),
            ServerEvent::AllServed { id, .. } => {
                if let Some(image) = self.image_with_target(&unid, *id) {
                    image.status.offset = image.status.size;
                }
            }
            ServerEvent::Ended { id, status, .. } => self.on_ended(now, &unid, *id, *status),
            ServerEvent::NotServed { id, status, .. } => {
                let state = self.devices.get_mut(&unid);
                if let Some(image) = state.and_then(|state| state.image_of_kind_mut((*id).into())) {
                    image.record_refusal(*id);
                }
                let error = LastError::from_zcl(*status).unwrap_or(LastError::Abort);
                self.on_failed(&unid, *id, Some(error));
            }
            ServerEvent::RepeatedDownload { id, .. } | ServerEvent::Cancelled { id, .. } => {
                self.on_failed(&unid, *id, Some(LastError::Abort));
            }
            ServerEvent::Stalled { id, .. } | ServerEvent::NeverEnded { id, .. } => {
                self.on_failed(&unid, *id, None);
            }
            ServerEvent::StatusReport { report, .. } => self.on_report(&unid, report),
            ServerEvent::QueriedSpecificFile { .. }
            | ServerEvent::Waiting { .. }
            | ServerEvent::Undelivered { .. }
            | ServerEvent::PageDropped { .. }
            | ServerEvent::UpgradeScheduled { .. }
            | ServerEvent::SleepyClientHeld { .. }
            | ServerEvent::DefaultResponse { .. }
            | ServerEvent::Malformed { .. } => return,
        }
        self.refresh(now, &unid);
    }

    /// Returns the state of the device's image with the manufacturer code and the image type of `id`. Returns `None`
    /// unless an announcement determines the target version of the image, and the target version is the version of
    /// `id`.
    fn image_with_target(&mut self, unid: &Unid, id: ImageId) -> Option<&mut ImageState> {
        let image = self.devices.get_mut(unid)?.image_of_kind_mut(id.into())?;
        (image.key.is_some() && image.status.target == id.version).then_some(image)
    }

    fn on_queried(&mut self, unid: &Unid, request: &QueryNextImageRequest, answer: Result<u32, Refusal>) {
        let current = request.current;
        let ready = self.announcement(unid, current.into()).and_then(|(_, found)| found.ready_file());
        let is_wrong_hardware = match (ready.and_then(|file| file.info.hardware), request.hardware) {
            (Some(range), Some(hardware)) => !range.contains(hardware),
            _ => false,
        };
        let state = self.devices.get_mut(unid);
        let Some(image) = state.and_then(|state| state.image_of_kind_mut(current.into())) else { return };
        image.record_query();
        let status = &mut image.status;
        status.current = current.version;
        match answer {
            Ok(size) if image.key.is_some() => (status.size, status.offset) = (size, 0),
            Err(Refusal::NOT_AUTHORIZED) => status.last_error = LastError::NotAuthorized,
            Err(_) if is_wrong_hardware && image.key.is_some() => status.last_error = LastError::NotSupported,
            Ok(_) | Err(_) => {}
        }
    }

    fn on_progress(&mut self, unid: &Unid, id: ImageId, progress: Option<SessionProgress>) {
        let ready = self.announcement(unid, id.into()).and_then(|(_, found)| found.ready_file());
        let size = ready.map_or(0, |file| file.info.size);
        let Some(image) = self.image_with_target(unid, id) else { return };
        image.status.status = OtaStatus::DownloadInProgress;
        image.status.size = size;
        image.status.offset = progress.map_or(0, |progress| progress.reached);
    }

    fn on_ended(&mut self, now: Instant, unid: &Unid, id: ImageId, status: zcl::Status) {
        let utc = self.utc(now);
        let due = self.devices.get(unid).map_or(Due::Now, |state| state.due(id, utc));
        let Some(image) = self.image_with_target(unid, id) else { return };
        image.status.last_error = LastError::from_zcl(status).unwrap_or(LastError::Abort);
        image.status.status = match status {
            zcl::Status::SUCCESS => OtaStatus::WaitingToUpgrade,
            zcl::Status::REQUIRE_MORE_IMAGE => OtaStatus::WaitForMore,
            _ => OtaStatus::Idle,
        };
        if status != zcl::Status::SUCCESS {
            return;
        }
        image.set_hold(due);
        // The device now has all images of the set, and activates them together.
        let images = self.devices.get_mut(unid).into_iter().flat_map(|state| state.images.values_mut());
        for other in images.filter(|image| image.status.status == OtaStatus::WaitForMore) {
            other.status.status = OtaStatus::WaitingToUpgrade;
            other.status.last_error = LastError::Success;
        }
    }

    fn on_failed(&mut self, unid: &Unid, id: ImageId, error: Option<LastError>) {
        let Some(image) = self.image_with_target(unid, id) else { return };
        image.status.status = OtaStatus::Idle;
        image.status.last_error = error.unwrap_or(image.status.last_error);
    }

    fn on_report(&mut self, unid: &Unid, report: &ClientStatus) {
        let state = self.devices.get_mut(unid);
        let Some(image) = state.and_then(|state| reported_image(state, report)) else { return };
        let is_known = |version: &FileVersion| *version != FileVersion::ANY;
        let status = &mut image.status;
        if let Some(current) = report.current_version.filter(is_known) {
            status.current = current;
        }
        if let Some(reported) = report.status.and_then(OtaStatus::from_zcl) {
            status.status = reported;
        }
        let is_downloading = status.status == OtaStatus::DownloadInProgress;
        if let Some(offset) = report.file_offset.filter(|offset| is_downloading && *offset != u32::MAX) {
            status.offset = offset;
        }
        // After a restart, the gateway learns from the report that the device has the image on hold.
        if status.status == OtaStatus::WaitingToUpgrade && report.downloaded_version == Some(status.target) {
            image.mark_held();
        }
    }
}

/// Returns the image that the attributes in an event `StatusReport` concern: the only image of the device or, if the
/// device has several images, the image with the manufacturer code and image type in the attributes.
fn reported_image<'a>(state: &'a mut DeviceState, report: &ClientStatus) -> Option<&'a mut ImageState> {
    if let (1, Some(only)) = (state.images.len(), state.images.keys().next().cloned()) {
        return state.images.get_mut(&only);
    }
    let (manufacturer, image_type) = (report.manufacturer?, report.image_type?);
    state.image_of_kind_mut(ImageKind { manufacturer, image_type })
}

/// Returns the client of an event, or `None` if the event does not concern the status of an image.
fn client_of(event: &ServerEvent) -> Option<Address> {
    match event {
        ServerEvent::Queried { client, .. }
        | ServerEvent::Started { client, .. }
        | ServerEvent::Progress { client, .. }
        | ServerEvent::AllServed { client, .. }
        | ServerEvent::Ended { client, .. }
        | ServerEvent::NotServed { client, .. }
        | ServerEvent::RepeatedDownload { client, .. }
        | ServerEvent::Cancelled { client, .. }
        | ServerEvent::Stalled { client, .. }
        | ServerEvent::NeverEnded { client, .. }
        | ServerEvent::StatusReport { client, .. } => Some(*client),
        ServerEvent::QueriedSpecificFile { .. }
        | ServerEvent::Waiting { .. }
        | ServerEvent::Undelivered { .. }
        | ServerEvent::PageDropped { .. }
        | ServerEvent::UpgradeScheduled { .. }
        | ServerEvent::SleepyClientHeld { .. }
        | ServerEvent::DefaultResponse { .. }
        | ServerEvent::Malformed { .. } => None,
    }
}
