//! A connection to a broker of MQTT.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use zigbee_ota::unify::{Filter, Message};

/// The most bytes that MQTT has room for: an image comes in one packet.
const LONGEST_PACKET: usize = 268_435_455;

/// Requests that wait for the connection.
const REQUESTS: usize = 64;

/// Pause before a connection that was lost is made again.
const PAUSE: Duration = Duration::from_secs(1);

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the broker sent.
pub enum Happening {
    /// The connection is there again, without what was subscribed to.
    Connected,
    Message(Message),
}

pub struct Broker {
    client: AsyncClient,
    happenings: UnboundedReceiver<Happening>,
    task: JoinHandle<()>,
}

impl Broker {
    /// Connects; the first [`Happening`] is that it is so.
    pub async fn connect(name: &str, (host, port): &(String, u16)) -> Result<Self, Failure> {
        let mut options = MqttOptions::new(format!("{name}-{}", std::process::id()), host, *port);
        options.set_max_packet_size(LONGEST_PACKET, LONGEST_PACKET);
        options.set_keep_alive(Duration::from_secs(30));
        let (client, mut connection) = AsyncClient::new(options, REQUESTS);
        let (happened, happenings) = unbounded_channel();
        let first = connection.poll().await;
        let first = first.map_err(|error| format!("no broker at {host}:{port}: {error}; see --help"))?;
        tell(first, &happened);
        let task = tokio::spawn(carry(connection, happened));
        Ok(Self { client, happenings, task })
    }

    pub async fn next(&mut self) -> Option<Happening> {
        self.happenings.recv().await
    }

    pub async fn publish(&self, message: Message) -> Result<(), Failure> {
        let Message { topic, payload, retain } = message;
        Ok(self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await?)
    }

    pub async fn subscribe(&self, filter: &Filter) -> Result<(), Failure> {
        Ok(self.client.subscribe(filter.as_str(), QoS::AtLeastOnce).await?)
    }

    pub async fn unsubscribe(&self, filter: &Filter) -> Result<(), Failure> {
        Ok(self.client.unsubscribe(filter.as_str()).await?)
    }

    /// Ends the connection once all is sent.
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

/// Keeps the connection, until it is left.
async fn carry(mut connection: EventLoop, happened: UnboundedSender<Happening>) {
    let mut leaves = false;
    loop {
        match connection.poll().await {
            Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => leaves = true,
            Ok(event) => tell(event, &happened),
            Err(_) if leaves => return,
            Err(error) => {
                eprintln!("unify: connection lost: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn tell(event: Event, happened: &UnboundedSender<Happening>) {
    let happening = match event {
        Event::Incoming(Packet::ConnAck(_)) => Happening::Connected,
        Event::Incoming(Packet::Publish(publish)) => Happening::Message(Message {
            topic: publish.topic,
            payload: publish.payload.to_vec(),
            retain: publish.retain,
        }),
        _ => return,
    };
    // Who does not listen any more is about to end.
    let _ = happened.send(happening);
}

pub fn address(text: &str) -> Result<(String, u16), &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("expected HOST:PORT")?;
    Ok((host.to_owned(), port.parse().map_err(|_| "expected a port from 0 to 65535 after the host")?))
}
