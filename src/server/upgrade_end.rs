//! Upgrade End (sections 6.10.9 and 6.10.10): answers to clients that have downloaded an image, and unsolicited Upgrade
//! End Responses to clients on hold. Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! SUCCESS  -> access -> ServerPolicy::upgrade -> Upgrade End Response with a time, or a status
//! others   -> a Default Response, if wanted
//! release, hold -> unsolicited Upgrade End Response
//! ```

use super::access_check::check_access;
use super::response_frame::{self, RequestContext};
use super::session::Flags;
use super::{
    FileLookup, ImageStore, ResponseBuffer, Server, ServerAction, ServerEvent, ServerPolicy, Session,
    SessionSlots, UpgradeDecision,
};
use crate::aps::{Address, DeliveryMode, Transmit};
use crate::time::{Instant, ServerTime};
use crate::types::{FileVersion, ImageFilter, ImageId, StackVersion};
use crate::zcl::{
    ClientStatus, CommandId, Frame, FrameControl, ImageUpgradeStatus, Status, ToClient, UpgradeEndRequest,
    UpgradeEndResponse,
};

impl<S: SessionSlots> Server<S> {
    /// Returns whether `client` has downloaded the image `id` for the stack version `stack` and waits for an Upgrade
    /// End Response (sections 6.7.5, 6.7.6 and 6.11). The server decides whether `client` waits by the session of the
    /// client, and by the attributes of the client in `status`. After a call of [`read_status`](Self::read_status), the
    /// event [`ServerEvent::StatusReport`] contains the attributes.
    ///
    /// Returns `None` if the state of the client is unknown: the server cannot read attributes of a sleepy client, and
    /// some clients do not have the attributes. A call of [`release`](Self::release) for a client of unknown state does
    /// no harm, because a client without a downloaded image ignores the Upgrade End Response.
    #[must_use]
    pub fn is_ready_to_upgrade(
        &self,
        client: Address,
        id: ImageId,
        stack: StackVersion,
        status: Option<&ClientStatus>,
    ) -> Option<bool> {
        if self.session_for(client, id).is_some_and(|session| session.has_downloaded(id)) {
            return Some(true);
        }
        let status = status?;
        let is_waiting = matches!(
            status.status?,
            ImageUpgradeStatus::DOWNLOAD_COMPLETE | ImageUpgradeStatus::WAITING_TO_UPGRADE
        );
        // An attribute that the client does not have is no contradiction. The value 0xFFFFFFFF means that no version
        // was downloaded.
        let version = status.downloaded_version.is_none_or(|version| version == id.version);
        let stack = status.downloaded_stack.is_none_or(|downloaded| downloaded == stack);
        let manufacturer = status.manufacturer.is_none_or(|code| code == id.manufacturer);
        let image_type = status.image_type.is_none_or(|image_type| image_type == id.image_type);
        match (is_waiting && version && stack && manufacturer && image_type, status.downloaded_version) {
            (false, _) => Some(false),
            (true, Some(version)) if version != FileVersion::ANY => Some(true),
            (true, _) => None,
        }
    }

    /// Answers an Upgrade End Request.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request, and what the caller lends")]
    pub(super) fn answer_upgrade_end(
        &mut self,
        now: Instant,
        context: RequestContext,
        control: FrameControl,
        request: UpgradeEndRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        let command = CommandId::UPGRADE_END_REQUEST;
        if self.config.strict
            && let Err(violation) = request.check()
        {
            return ServerAction::Reply(self.respond_malformed(context, command, violation.into(), out));
        }
        let UpgradeEndRequest { status, id } = request;
        let client = context.client;
        let slot = self.table.select(client, id);
        let session = slot.and_then(|slot| self.table.session_at(slot));
        let (hardware, refusal) =
            (session.and_then(Session::hardware), session.and_then(Session::refusal_reason));
        let found = images.info(id, context.ieee, hardware, Some(client));
        let access = check_access(context, refusal, id, None, found.found(), policy);
        // If the store has the image, a client without a session gets a session.
        let slot = match found {
            FileLookup::NotFound => slot,
            FileLookup::Found(_) | FileLookup::Ambiguous => self.find_or_insert_session(now, context, id),
        };
        let mut released = false;
        self.events.push(ServerEvent::Ended { client, id, status });
        if let Some(slot) = slot.filter(|_| access.is_ok()) {
            self.stop_download(slot);
            if let Some(session) = self.table.session_at_mut(slot) {
                released = session.record_end(now, id, status);
            }
        }

        if status != Status::SUCCESS {
            // The client does not upgrade. The only answer is a Default Response, unless the client disabled Default
            // Responses.
            return self.acknowledge(context, control, out);
        }
        if let Err(reason) = access {
            return ServerAction::Reply(self.respond_not_authorized(context, id, command, reason, out));
        }
        let time = match policy.upgrade(client, id) {
            // The client may have missed the Upgrade End Response of `release`, so the server repeats the response.
            UpgradeDecision::Hold if released => self.clock.after(now, 0),
            UpgradeDecision::Now => self.clock.after(now, 0),
            UpgradeDecision::AfterSeconds(seconds) => self.clock.after(now, seconds),
            UpgradeDecision::At(time) => self.clock.at(now, time),
            UpgradeDecision::Hold => self.clock.hold(now),
            UpgradeDecision::Acknowledge => return self.acknowledge(context, control, out),
            UpgradeDecision::Refuse(refusal) => {
                return ServerAction::Reply(context.default_response(command, refusal.status(), out));
            }
        };
        if let Some(session) = slot.and_then(|slot| self.table.session_at_mut(slot))
            && time.then != u32::MAX
        {
            session.record_order(now, time.then.saturating_sub(time.current));
        }
        self.events.push(match time.then {
            u32::MAX if policy.is_sleepy(client) => ServerEvent::SleepyClientHeld { client, id },
            _ => ServerEvent::UpgradeScheduled { client, id, time },
        });
        let response = UpgradeEndResponse { target: id.into(), time };
        ServerAction::Reply(context.respond(ToClient::UpgradeEnd(response), out))
    }

    /// Answers an Upgrade End Request with a Default Response SUCCESS, unless the request disables Default Responses.
    fn acknowledge(
        &self,
        context: RequestContext,
        control: FrameControl,
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        if control.contains(FrameControl::DISABLE_DEFAULT_RESPONSE) {
            return ServerAction::Done;
        }
        let command = CommandId::UPGRADE_END_REQUEST;
        ServerAction::Reply(context.default_response(command, Status::SUCCESS, out))
    }

    /// Writes an unsolicited Upgrade End Response to `out`. The Upgrade End Response orders its receivers to upgrade
    /// after `seconds` seconds. The order to upgrade applies to each receiver that has downloaded an image that
    /// `target` matches. A response by multicast or broadcast makes many clients upgrade at the same time (section
    /// 6.10.10.3). With wildcards in `target`, one Upgrade End Response is valid for several images; clients that do
    /// not understand wildcards ignore the response.
    ///
    /// A sleepy client can miss the Upgrade End Response, but repeats its Upgrade End Request within an hour. If the
    /// session of the client shows a downloaded image that `target` matches, the server answers the repeated Upgrade
    /// End Request with the order to upgrade, even if the policy still returns [`UpgradeDecision::Hold`].
    #[doc(alias("activate", "emberAfOtaServerSendUpgradeCommandCallback"))]
    pub fn release(
        &mut self,
        now: Instant,
        to: Address,
        delivery: DeliveryMode,
        target: ImageFilter,
        seconds: u32,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        for session in self.table.sessions_mut().filter(|session| {
            let is_receiver = delivery != DeliveryMode::Unicast || session.client() == to;
            is_receiver && target.matches(session.id()) && session.has_downloaded(session.id())
        }) {
            session.flags.insert(Flags::RELEASED);
            session.record_order(now, seconds);
        }
        let time = self.clock.after(now, seconds);
        self.write_upgrade_end_response(to, delivery, UpgradeEndResponse { target, time }, out)
    }

    /// Writes an unsolicited Upgrade End Response to `out` that revokes an earlier [`release`](Self::release). If a
    /// client counts down to the upgrade to an image that `target` matches, the Upgrade End Response stops the
    /// countdown, and the client waits for another Upgrade End Response.
    pub fn hold(
        &mut self,
        now: Instant,
        to: Address,
        delivery: DeliveryMode,
        target: ImageFilter,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        for session in self.table.sessions_mut().filter(|session| {
            let is_receiver = delivery != DeliveryMode::Unicast || session.client() == to;
            is_receiver && target.matches(session.id())
        }) {
            session.record_hold();
        }
        let time: ServerTime = self.clock.hold(now);
        self.write_upgrade_end_response(to, delivery, UpgradeEndResponse { target, time }, out)
    }

    /// Writes an unsolicited Upgrade End Response to `out`.
    fn write_upgrade_end_response(
        &mut self,
        to: Address,
        delivery: DeliveryMode,
        response: UpgradeEndResponse,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let frame = Frame::response(self.next_sequence(), ToClient::UpgradeEnd(response));
        let len = response_frame::write_frame(&frame, out);
        self.unsolicited_transmit(to, len, delivery)
    }
}
