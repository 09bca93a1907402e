//! Connection to an MQTT broker.

use std::time::Duration;

use crate::output_lines;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use zigbee_ota::unify::{MqttMessage, TopicFilter};

/// Maximum size in bytes of an MQTT packet: the maximum of MQTT, because a whole image is one packet.
const LONGEST_PACKET: usize = 268_435_455;

/// Maximum number of requests (publications and subscriptions) that wait to be sent over the connection.
const REQUESTS: usize = 64;

/// Pause between the loss of a connection and the next attempt to connect.
const PAUSE: Duration = Duration::from_secs(1);

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Event of the connection.
pub enum ConnectionEvent {
    /// The connection was made or restored, and has no subscriptions yet.
    Connected,
    Message(MqttMessage),
}

pub struct Broker {
    client: AsyncClient,
    received: UnboundedReceiver<ConnectionEvent>,
    task: JoinHandle<()>,
}

impl Broker {
    /// Connects to a broker. The first event is [`ConnectionEvent::Connected`].
    pub async fn connect(name: &str, (host, port): &(String, u16)) -> Result<Self, Failure> {
        let mut options = MqttOptions::new(format!("{name}-{}", std::process::id()), host, *port);
        options.set_max_packet_size(LONGEST_PACKET, LONGEST_PACKET);
        options.set_keep_alive(Duration::from_secs(30));
        let (client, mut connection) = AsyncClient::new(options, REQUESTS);
        let (events, received) = unbounded_channel();
        let first = connection.poll().await;
        let first = first.map_err(|error| format!("no broker at {host}:{port}: {error}; see --help"))?;
        forward(first, &events);
        let task = tokio::spawn(run_connection(connection, events));
        Ok(Self { client, received, task })
    }

    pub async fn next(&mut self) -> Option<ConnectionEvent> {
        self.received.recv().await
    }

    pub async fn publish(&self, message: MqttMessage) -> Result<(), Failure> {
        let MqttMessage { topic, payload, retain } = message;
        Ok(self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await?)
    }

    pub async fn subscribe(&self, filter: &TopicFilter) -> Result<(), Failure> {
        Ok(self.client.subscribe(filter.as_str(), QoS::AtLeastOnce).await?)
    }

    pub async fn unsubscribe(&self, filter: &TopicFilter) -> Result<(), Failure> {
        Ok(self.client.unsubscribe(filter.as_str()).await?)
    }

    /// Ends the connection after all messages were sent.
    pub async fn leave(&mut self) {
        if self.client.disconnect().await.is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(10), &mut self.task).await;
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs the connection until the program ends it. If the connection is lost, the function restores it.
async fn run_connection(mut connection: EventLoop, events: UnboundedSender<ConnectionEvent>) {
    let mut is_ending = false;
    loop {
        match connection.poll().await {
            Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => is_ending = true,
            Ok(event) => forward(event, &events),
            Err(_) if is_ending => return,
            Err(error) => {
                output_lines::complain(format_args!("unify: connection lost: {error}"));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn forward(event: Event, events: &UnboundedSender<ConnectionEvent>) {
    let event = match event {
        Event::Incoming(Packet::ConnAck(_)) => ConnectionEvent::Connected,
        Event::Incoming(Packet::Publish(publish)) => ConnectionEvent::Message(MqttMessage {
            topic: publish.topic,
            payload: publish.payload.to_vec(),
            retain: publish.retain,
        }),
        _ => return,
    };
    // If the receiver no longer exists, the program is about to end.
    let _ = events.send(event);
}

pub fn address(text: &str) -> Result<(String, u16), &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("expected HOST:PORT")?;
    Ok((host.to_owned(), port.parse().map_err(|_| "expected a port from 0 to 65535 after the host")?))
}
