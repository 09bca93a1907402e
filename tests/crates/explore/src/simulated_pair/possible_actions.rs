//! Actions that are possible in a state of a simulation: the next action if all goes well, and all actions with their faults.

use super::*;

impl<const RANGES: usize> World<RANGES> {
    /// Returns the next action when all goes well.
    pub fn next_when_well(&self) -> Option<Action> {
        let kind = if !self.pending.is_empty() {
            Kind::Answer
        } else if !self.link.is_empty() {
            Kind::Deliver
        } else if !self.deferred.is_empty() {
            Kind::Serve
        } else if self.awaits_activation {
            Kind::Activate
        } else if self.has_held {
            Kind::Release
        } else if self.empty_until.is_some() {
            Kind::Refill
        } else if self.deadline().is_some() {
            Kind::Tick
        } else {
            return None;
        };
        Some(Action::new(kind, 0))
    }

    /// Fills `actions` with all possible actions, and their costs in faults, at most `left`.
    pub fn actions(&self, left: u8, actions: &mut Vec<(Action, u8)>) {
        actions.clear();
        let mut add = |kind: Kind, arg: usize, cost: u8| {
            if cost == 0 || cost <= left && self.setup.has(kind) {
                actions.push((Action::new(kind, arg as u8), cost));
            }
        };
        // An application that answers at once leaves no time for anything else.
        let is_stopped = !self.pending.is_empty() && !self.is_late;
        for index in 0..self.pending.len() {
            add(Kind::Answer, index, u8::from(index > 0));
        }
        if !is_stopped {
            for index in 0..self.link.len() {
                add(Kind::Deliver, index, u8::from(index > 0));
            }
            if !self.deferred.is_empty() {
                add(Kind::Serve, 0, 0);
            }
            if self.awaits_activation {
                add(Kind::Activate, 0, 0);
            } else {
                add(Kind::Activate, 0, 1);
            }
            if self.has_held {
                add(Kind::Release, 0, 0);
            }
            if self.empty_until.is_some() {
                add(Kind::Refill, 0, 0);
            }
            if self.deadline().is_some() {
                let is_early = !self.link.is_empty() || !self.deferred.is_empty() || self.has_held;
                add(Kind::Tick, 0, u8::from(is_early));
            }
        }
        if left == 0 {
            return;
        }
        if let Some(pending) = self.pending.first() {
            add(Kind::AnswerBadly, 0, 1);
            if matches!(pending, Pending::Store { .. } | Pending::Need(Need::Verify(..))) {
                add(Kind::AnswerBadly, 16, 1);
            }
        }
        for (index, checkpoint) in
            [Some(()), self.checkpoints[0].map(drop), self.checkpoints[1].map(drop)].iter().enumerate()
        {
            if checkpoint.is_some() {
                add(Kind::Reboot, index, 1);
            }
        }
        if is_stopped {
            add(Kind::Late, 0, 1);
            return;
        }
        self.faults_of_link(&mut add);
        add(Kind::Restart, 0, 1);
        for image in 0..self.setup.images {
            if self.shelves[image].version == 2 {
                add(Kind::Replace, image, 1);
            }
        }
        if self.shelves[0].build == 0 {
            add(Kind::Rebuild, 0, 1);
        }
        if self.empty_until.is_none() {
            add(Kind::Empty, 2, 1);
            add(Kind::Empty, 60, 1);
        }
        if self.mood == Mood::Normal {
            (1..MOODS.len()).for_each(|mood| add(Kind::Mood, mood, 1));
        }
        for kind in [
            Kind::Notify,
            Kind::NotifyAll,
            Kind::Hold,
            Kind::OtherClient,
            Kind::ConnectionLost,
            Kind::Abort,
            Kind::Query,
        ] {
            add(kind, 0, 1);
        }
        [1, 4, 120].into_iter().for_each(|minutes| add(Kind::Outage, minutes, 1));
        (0..FORGED.len()).for_each(|frame| add(Kind::Forge, frame, 1));
    }

    pub(super) fn faults_of_link(&self, add: &mut impl FnMut(Kind, usize, u8)) {
        for (index, frame) in self.link.iter().enumerate() {
            add(Kind::Lose, index, 1);
            if self.link.len() < 6 {
                add(Kind::Duplicate, index, 1);
            }
            if frame.token != TransmitToken::NONE && !frame.is_unsolicited {
                add(Kind::LoseReported, index, 1);
                add(Kind::ReportFailed, index, 1);
            }
            if frame.bytes.len() > 3 {
                add(Kind::Damage, index, 1);
            }
            if let Some(at) = image_at(frame) {
                add(Kind::AlterType, index, 1);
                // An offer of another version would be an offer of a file that these worlds do not have.
                if !(frame.to_client && frame.bytes[2] == 0x02
                    || !frame.to_client && at == 4 && frame.bytes[2] == 0x01)
                {
                    add(Kind::AlterVersion, index, 1);
                }
            }
            if frame.to_client {
                add(Kind::Stranger, index, 1);
            }
            if frame.delivery == DeliveryMode::Unicast {
                add(Kind::Broadcast, index, 1);
            }
            if !frame.to_client && is_cluster_command(&frame.bytes) {
                let is_block = frame.bytes[2] == REQUEST_BLOCK;
                let count = REFUSALS.len() + usize::from(is_block);
                (0..count).for_each(|status| add(Kind::Refuse, status << 4 | index, 1));
            }
        }
    }
}
