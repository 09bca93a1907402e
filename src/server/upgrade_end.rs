//! Upgrade End (sections 6.10.9 and 6.10.10): what clients hear when they have an image, and orders to those who wait.
//!
//! ```text
//! SUCCESS  -> ServerPolicy::upgrade -> Upgrade End Response with a time, or a status     others -> a Default Response, if wanted
//! release, hold -> Upgrade End Response that nobody asked for
//! ```

use super::reply::{self, RequestContext};
use super::session::Flags;
use super::{
    ResponseBuffer, Server, ServerAction, ServerEvent, ServerPolicy, Session, SessionPhase, SessionSlots,
    UpgradeDecision,
};
use crate::aps::{Address, DeliveryMode, Transmit};
use crate::time::{Instant, ServerTime};
use crate::types::{FileVersion, ImageFilter, ImageId, StackVersion};
use crate::zcl::{
    ClientStatus, CommandId, Frame, FrameControl, ImageUpgradeStatus, Status, ToClient, UpgradeEndRequest,
    UpgradeEndResponse,
};

impl<S: SessionSlots> Server<S> {
    /// Returns whether `client` has downloaded the image `id` for the stack version `stack` and waits for an Upgrade End
    /// Response (sections 6.7.5, 6.7.6 and 6.11), judged by its session and by the attributes in `status`, which
    /// [`ServerEvent::StatusReport`] carries after [`read_status`](Self::read_status).
    ///
    /// `None` if that is unknown: a sleepy client cannot be read, and some clients lack the attributes. Releasing it does no
    /// harm: a client without a downloaded image ignores the Upgrade End Response.
    #[must_use]
    pub fn is_ready_to_upgrade(
        &self,
        client: Address,
        id: ImageId,
        stack: StackVersion,
        status: Option<&ClientStatus>,
    ) -> Option<bool> {
        if self.session(client).is_some_and(|session| session.has_downloaded(id)) {
            return Some(true);
        }
        let status = status?;
        let is_waiting = matches!(
            status.status?,
            ImageUpgradeStatus::DOWNLOAD_COMPLETE | ImageUpgradeStatus::WAITING_TO_UPGRADE
        );
        // Attributes that the client does not have cannot contradict. 0xFFFFFFFF means that no version was downloaded.
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

    pub(super) fn end(
        &mut self,
        now: Instant,
        asked: RequestContext,
        control: FrameControl,
        request: UpgradeEndRequest,
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        let command = CommandId::UPGRADE_END_REQUEST;
        if self.config.strict
            && let Err(violation) = request.check()
        {
            return ServerAction::Reply(self.malformed(asked, command, violation.into(), out));
        }
        let UpgradeEndRequest { status, id } = request;
        let client = asked.client;
        let slot = self.table.enter(client);
        let before = slot.and_then(|slot| self.table.at(slot));
        let released = before.is_some_and(|session| session.flags.contains(Flags::RELEASED))
            && before.is_some_and(|session| session.has_downloaded(id));
        if let Some(slot) = slot {
            self.move_on(now, slot, SessionPhase::Ended { id, status });
        }
        self.events.push(ServerEvent::Ended { client, id, status });

        if status != Status::SUCCESS {
            // The client does not upgrade and needs no order. It hears that it was heard, if it wants to.
            return self.acknowledge(asked, control, out);
        }
        let time = match policy.upgrade(client, id) {
            // The order that it may have missed.
            UpgradeDecision::Hold if released => self.clock.after(now, 0),
            UpgradeDecision::Now => self.clock.after(now, 0),
            UpgradeDecision::AfterSeconds(seconds) => self.clock.after(now, seconds),
            UpgradeDecision::At(time) => self.clock.at(now, time),
            UpgradeDecision::Hold => self.clock.hold(now),
            UpgradeDecision::Acknowledge => return self.acknowledge(asked, control, out),
            UpgradeDecision::Refuse(refusal) => {
                return ServerAction::Reply(asked.default_response(command, refusal.status(), out));
            }
        };
        let mark = if released { Flags::RELEASED } else { Flags::empty() };
        if let Some(session) = slot.and_then(|slot| self.table.at_mut(slot)) {
            session.flags.insert(mark);
        }
        self.events.push(match time.then {
            u32::MAX if policy.is_sleepy(client) => ServerEvent::SleepyClientHeld { client, id },
            _ => ServerEvent::UpgradeScheduled { client, id, time },
        });
        let response = UpgradeEndResponse { target: id.into(), time };
        ServerAction::Reply(asked.respond(ToClient::UpgradeEnd(response), out))
    }

    fn acknowledge(
        &self,
        asked: RequestContext,
        control: FrameControl,
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        if control.contains(FrameControl::DISABLE_DEFAULT_RESPONSE) {
            return ServerAction::Done;
        }
        let command = CommandId::UPGRADE_END_REQUEST;
        ServerAction::Reply(asked.default_response(command, Status::SUCCESS, out))
    }

    /// Writes an Upgrade End Response to `out` that nobody asked for: clients that hold one of the images in `target`
    /// upgrade in so many seconds, together when it goes to many (section 6.10.10.3). Wildcards in `target` make one
    /// order serve several images; clients whose makers understand none take it not.
    ///
    /// A client that sleeps can miss it. It asks again within the hour, and those that have a slot and hold such an
    /// image are told to upgrade then even if the policy says [`UpgradeDecision::Hold`] still.
    pub fn release(
        &mut self,
        now: Instant,
        to: Address,
        delivery: DeliveryMode,
        target: ImageFilter,
        seconds: u32,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let released = |session: &Session| match session.phase() {
            SessionPhase::Ended { id, status: Status::SUCCESS } => target.matches(id),
            _ => false,
        };
        let to_all = delivery != DeliveryMode::Unicast;
        if let Some(slot) = self.table.find(to).filter(|_| !to_all) {
            if self.table.at(slot).is_some_and(released) {
                self.table.set(slot, Flags::RELEASED, true);
            }
        } else if to_all {
            for session in self.table.sessions_mut().filter(|session| released(session)) {
                session.flags.insert(Flags::RELEASED);
            }
        }
        let time = self.clock.after(now, seconds);
        self.order(to, delivery, UpgradeEndResponse { target, time }, out)
    }

    /// Writes an Upgrade End Response that tells clients to wait on, where they were told to upgrade later.
    pub fn hold(
        &mut self,
        now: Instant,
        to: Address,
        delivery: DeliveryMode,
        target: ImageFilter,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        for session in self.table.sessions_mut() {
            if delivery != DeliveryMode::Unicast || session.client == to {
                session.flags.remove(Flags::RELEASED);
            }
        }
        let time: ServerTime = self.clock.hold(now);
        self.order(to, delivery, UpgradeEndResponse { target, time }, out)
    }

    fn order(
        &mut self,
        to: Address,
        delivery: DeliveryMode,
        response: UpgradeEndResponse,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let frame = Frame::response(self.next_sequence(), ToClient::UpgradeEnd(response));
        let len = reply::write(&frame, out);
        self.of_own_accord(to, len, delivery)
    }
}
