//! Frames between the client and the server of a simulation: sending, arrival, and answers of the server.

use super::*;

impl<const RANGES: usize> World<RANGES> {
    pub(super) fn send_to_client(&mut self, transmit: &Transmit, out: &[u8], is_unsolicited: bool) {
        let mut bytes = out[..transmit.len].to_vec();
        // Its Default Responses repeat the number of the request.
        if self.setup.habit == Habit::OwnNumbers && !is_unsolicited && is_cluster_command(&bytes) {
            bytes[1] = self.own_number;
            self.own_number = self.own_number.wrapping_add(1);
        }
        self.note_response(&bytes);
        self.say(|| format!("server sends {} ({:?})", hex(&bytes), transmit.delivery));
        let (delivery, token) = (transmit.delivery, transmit.token);
        self.link.push(Flying { to_client: true, is_unsolicited, bytes, delivery, token });
    }

    /// Records the permissions that follow from a frame to the client.
    pub(super) fn note_response(&mut self, frame: &[u8]) {
        if is_cluster_command(frame) && frame[2] == RESPONSE_END && le32(frame, 15) != u32::MAX {
            self.is_ordered = true;
        }
        let is_refusal = match frame {
            [_, _, DEFAULT_RESPONSE, REQUEST_BLOCK | REQUEST_PAGE, NO_IMAGE] => is_default_response(frame),
            [_, _, RESPONSE_BLOCK, NO_IMAGE] => is_cluster_command(frame),
            _ => false,
        };
        if is_refusal {
            self.times_refused = ENOUGH_REFUSED.min(self.times_refused + 1);
        }
    }

    /// Polls both until nothing more comes. `silently`: no Default Response may come.
    pub(super) fn pump(&mut self, silently: bool) -> Checked {
        for _ in 0..100 {
            let mut is_busy = self.pump_client(silently)?;
            is_busy |= self.pump_server()?;
            if !is_busy {
                return self.check_rest();
            }
        }
        Err("client and server never come to rest".into())
    }

    pub(super) fn pump_client(&mut self, silently: bool) -> Result<bool, String> {
        let mut is_busy = false;
        let mut out = [0; zcl::LONGEST_TO_SERVER];
        while let Some(need) = self.client.poll_need() {
            is_busy = true;
            self.say(|| format!("need {need:?}"));
            self.check_need(need)?;
            self.pending.push(Pending::Need(need));
        }
        let mut sent = 0;
        while let Some(transmit) = self.client.poll_transmit(self.now, &mut out) {
            (is_busy, sent) = (true, sent + 1);
            let bytes = out[..transmit.len].to_vec();
            ensure!(sent < 20, "the client sends without end");
            ensure!(
                !(silently && is_default_response(&bytes)),
                "the client answers what must not be answered: {}",
                hex(&bytes)
            );
            self.check_request(&bytes)?;
            self.say(|| format!("client sends {}", hex(&bytes)));
            let (delivery, token) = (transmit.delivery, transmit.token);
            self.link.push(Flying { to_client: false, is_unsolicited: false, bytes, delivery, token });
        }
        ensure!(self.client.lost_events() == 0, "the client loses an event");
        while let Some(event) = self.client.poll_event() {
            is_busy = true;
            self.say(|| format!("client tells {event:?}"));
            if let Some(news) = event_words::of(&event) {
                self.news = news;
            }
            self.awaits_activation = match event {
                ClientEvent::WaitingForActivation => true,
                ClientEvent::Ended(_) | ClientEvent::CountingDown(_) | ClientEvent::WaitingForUpgradeEnd => {
                    false
                }
                _ => self.awaits_activation,
            };
            match event {
                ClientEvent::Started(_) => {
                    ensure!(!self.is_open, "a start before the end of the last one");
                    self.is_open = true;
                    (self.is_ordered, self.times_asked, self.times_refused) = (false, 0, 0);
                }
                ClientEvent::ImageRetained(_) | ClientEvent::FileReplaced(_) => self.is_open = false,
                ClientEvent::DownloadPaused(PauseReason::ImageGone, _) => {
                    ensure!(
                        self.times_refused >= ENOUGH_REFUSED,
                        "the image counts as gone after {} refusals",
                        self.times_refused
                    );
                    self.times_refused = 0;
                }
                ClientEvent::Ended(outcome) => {
                    self.is_open = false;
                    if outcome.id().is_some() && self.runs[0] >= 2 && self.runs[self.setup.images - 1] >= 2 {
                        self.is_upgraded = true;
                    }
                }
                _ => {}
            }
        }
        Ok(is_busy)
    }

    pub(super) fn pump_server(&mut self) -> Result<bool, String> {
        let mut is_busy = false;
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let mut store = self.store();
        let mut sent = 0;
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut store, &mut out) {
            (is_busy, sent) = (true, sent + 1);
            ensure!(sent < 40, "the server sends without end");
            if transmit.to == CLIENT {
                self.check_response(None, &out[..transmit.len])?;
                self.send_to_client(&transmit, &out, false);
            }
        }
        is_busy |= self.pump_foreign();
        if self.mood == Mood::Later && !store.reads_later {
            self.mood = Mood::Normal;
        }
        ensure!(self.server.lost_events() == 0, "the server loses an event");
        while let Some(event) = self.server.poll_event() {
            is_busy = true;
            self.say(|| format!("server tells {event:?}"));
            match event {
                ServerEvent::UpgradeScheduled { client: CLIENT, time, .. } => {
                    self.has_held |= time.then == u32::MAX
                }
                ServerEvent::SleepyClientHeld { client: CLIENT, .. } => self.has_held = true,
                _ => {}
            }
        }
        Ok(is_busy)
    }

    pub(super) fn pump_foreign(&mut self) -> bool {
        let mut is_busy = false;
        while let Some(sent) =
            self.foreign.as_mut().and_then(|foreign| foreign.poll_transmit(micros(self.now)))
        {
            is_busy = true;
            let bytes = sent.frame;
            let delivery = if sent.to.is_some() { DeliveryMode::Unicast } else { DeliveryMode::Broadcast };
            let is_unsolicited = is_cluster_command(&bytes) && bytes[2] == NOTIFY;
            self.note_response(&bytes);
            self.say(|| format!("server sends {} ({delivery:?})", hex(&bytes)));
            let token = TransmitToken::NONE;
            self.link.push(Flying { to_client: true, is_unsolicited, bytes, delivery, token });
        }
        is_busy
    }

    pub(super) fn arrive(&mut self, frame: &Flying, from: Address) -> Checked {
        self.advance(self.now.plus(HOP))?;
        let receiver = if frame.to_client { "client" } else { "server" };
        self.say(|| format!("{receiver} gets {}", hex(&frame.bytes)));
        if frame.to_client { self.arrive_at_client(frame, from) } else { self.arrive_at_server(frame, from) }
    }

    pub(super) fn arrive_at_client(&mut self, frame: &Flying, from: Address) -> Checked {
        let is_answered = frame.delivery == DeliveryMode::Unicast && !is_default_response(&frame.bytes);
        let before = self.client.clone();
        let action = self.client.handle_frame(self.now, FrameMeta::new(from, frame.delivery), &frame.bytes);
        let lent = match action {
            ClientAction::Store(block) => Some((block.ticket, block.offset, block.data.to_vec())),
            other => {
                let text = format!("{other:?}");
                self.say(|| text);
                None
            }
        };
        if from != SERVER && self.client.server() == SERVER {
            let is_same = text_without_origin(&self.client) == text_without_origin(&before);
            ensure!(lent.is_none() && is_same, "a stranger's frame changes the client");
        }
        if let Some((ticket, offset, data)) = lent {
            self.check_lent(ticket, offset, &data)?;
        }
        self.pump(!is_answered)
    }

    pub(super) fn arrive_at_server(&mut self, frame: &Flying, from: Address) -> Checked {
        if let Some(foreign) = &mut self.foreign {
            if frame.delivery == DeliveryMode::Unicast {
                foreign.handle_frame(micros(self.now), from.network, &frame.bytes);
            }
            return self.pump(false);
        }
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let mut store = self.store();
        let mut mood = self.mood;
        let mut gateway = Gateway { upgrade: self.setup.upgrade, mood: &mut mood };
        let meta = FrameMeta::new(from, frame.delivery);
        let action =
            self.server.handle_frame(self.now, meta, &frame.bytes, &mut store, &mut gateway, &mut out);
        self.mood = if mood == Mood::Later && !store.reads_later { Mood::Normal } else { mood };
        let is_page =
            is_cluster_command(&frame.bytes) && frame.bytes[2] == REQUEST_PAGE && frame.bytes.len() > 18;
        let page = is_page.then(|| {
            let offset = le32(&frame.bytes, 12);
            (offset, offset + u32::from(le16(&frame.bytes, 17)), frame.bytes[16])
        });
        match action {
            ServerAction::Reply(transmit) => {
                ensure!(frame.delivery == DeliveryMode::Unicast, "the server answers a broadcast");
                ensure!(!is_default_response(&frame.bytes), "the server answers a Default Response");
                self.check_response(Some(&frame.bytes), &out[..transmit.len])?;
                self.send_to_client(&transmit, &out, false);
                self.page = page.unwrap_or(self.page);
            }
            ServerAction::Deferred(deferred) => self.deferred.push((deferred, page)),
            ServerAction::Done | ServerAction::Ignored(_) => {}
        }
        self.pump(false)
    }

    /// Answers the request at `index` by a Default Response with the status of the given number, or by an Image Block
    /// Response NO_IMAGE_AVAILABLE, as some servers do.
    pub(super) fn refuse(&mut self, index: usize, status: usize) -> Checked {
        let request = self.link.remove(index);
        let bytes = match REFUSALS.get(status) {
            Some(status) => vec![0x18, request.bytes[1], DEFAULT_RESPONSE, request.bytes[2], *status],
            None => vec![0x19, request.bytes[1], RESPONSE_BLOCK, NO_IMAGE],
        };
        self.note_response(&bytes);
        self.say(|| format!("server sends {}", hex(&bytes)));
        let (delivery, token) = (DeliveryMode::Unicast, TransmitToken::NONE);
        self.link.push(Flying { to_client: true, is_unsolicited: false, bytes, delivery, token });
        self.pump(false)
    }

    pub(super) fn unsolicited(&mut self, transmit: &Transmit, out: &[u8]) -> Checked {
        self.send_to_client(transmit, out, true);
        self.pump(false)
    }

    pub(super) fn serve_deferred(&mut self, index: usize) -> Checked {
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let (deferred, page) = self.deferred.remove(index);
        self.page = page.unwrap_or(self.page);
        let id = deferred.image().id;
        let image = self.setup.image(id).ok_or("a deferred request for no image")?;
        let file = self.setup.file(image, id.version.0, self.shelves[image].build);
        let data = &file[deferred.offset() as usize..][..usize::from(deferred.max_len())];
        let is_here = self.store().entry(id).is_some();
        let data = if is_here { Ok(data) } else { Err(NotReady::Gone) };
        let transmit = self.server.answer(self.now, deferred, data, &mut out);
        self.send_to_client(&transmit, &out, false);
        self.pump(false)
    }

    /// Another client, which downloads an image that is or was in the store.
    pub(super) fn other_client(&mut self) -> Checked {
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let mut store = self.store();
        let mut mood = Mood::Normal;
        let mut gateway = Gateway { upgrade: self.setup.upgrade, mood: &mut mood };
        let [manufacturer, image_type] = [MANUFACTURER, TYPES[0]].map(u16::to_le_bytes);
        let version = self.shelves[0].version.to_le_bytes();
        let mut request = vec![0x01, 9, REQUEST_BLOCK, 0];
        request.extend(manufacturer.into_iter().chain(image_type).chain(version).chain([0, 0, 0, 0, 16]));
        let meta = FrameMeta::unicast(OTHER);
        // The answer goes to a node that these worlds do not have.
        let _ = self.server.handle_frame(self.now, meta, &request, &mut store, &mut gateway, &mut out);
        self.pump(false)
    }
}
