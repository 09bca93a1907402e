//! Upgrade End (sections 6.10.9 and 6.10.10).

use super::reply::Asked;
use super::{Apply, Event, Handled, Phase, Policy, Server, Slots, TxBuffer};
use crate::time::Instant;
use crate::zcl::{CommandId, FrameControl, Status, ToClient, UpgradeEndRequest, UpgradeEndResponse};

impl<S: Slots> Server<S> {
    pub(super) fn end(
        &mut self,
        now: Instant,
        asked: Asked,
        control: FrameControl,
        request: UpgradeEndRequest,
        policy: &mut (impl Policy + ?Sized),
        out: &mut TxBuffer,
    ) -> Handled {
        let command = CommandId::UPGRADE_END_REQUEST;
        if self.config.strict
            && let Err(violation) = request.check()
        {
            return Handled::Reply(self.malformed(asked, command, violation.into(), out));
        }
        let UpgradeEndRequest { status, id } = request;
        let client = asked.client;
        if let Some(session) = self.table.enter(client) {
            session.enter(now, Phase::Ended { id, status });
        }
        self.events.push(Event::Ended { client, id, status });

        if status != Status::SUCCESS {
            // The client does not upgrade and needs no order. It hears that it was heard, if it wants to.
            return if control.contains(FrameControl::DISABLE_DEFAULT_RESPONSE) {
                Handled::Done
            } else {
                Handled::Reply(asked.default_response(command, Status::SUCCESS, out))
            };
        }
        let time = match policy.apply(client, id) {
            Apply::Now => self.clock.after(now, 0),
            Apply::AfterSeconds(seconds) => self.clock.after(now, seconds),
            Apply::At(time) => self.clock.at(now, time),
            Apply::Hold => self.clock.hold(now),
            Apply::Refuse(refusal) => {
                return Handled::Reply(asked.default_response(command, refusal.status(), out));
            }
        };
        let response = UpgradeEndResponse { target: id.into(), time };
        Handled::Reply(asked.respond(ToClient::UpgradeEnd(response), out))
    }
}
