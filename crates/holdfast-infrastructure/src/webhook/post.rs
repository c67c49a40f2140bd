//! Posts one message at a time, and says what became of it.
//!
//! A thread of its own does, for a shutdown waits for nobody who does not answer.

use std::sync::mpsc;
use std::time::Duration;

use holdfast_application::events::cloud_event::STRUCTURED_CONTENT_TYPE;
use ureq::http::{HeaderMap, Uri};
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Error};

use super::endpoint::Endpoint;
use super::networks::OnlyPublic;

/// How long a message may take, from its name being resolved to the end of the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Of an answer's body so much is read, for the connection's sake; with more of it the connection ends.
const BODY_MAX: u64 = 16 << 10;
/// The most bytes of an answer's head.
const HEAD_MAX: usize = 16 << 10;
/// How often it is asked whether to wait any longer.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is posted.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) seconds: String,
    pub(super) signatures: String,
    pub(super) body: Vec<u8>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken.
    Taken,
    /// The endpoint wants no more of them (410).
    Gone,
    /// This one was not taken: a status that says nothing about the next one.
    Refused {
        /// The status.
        status: u16,
    },
    /// The endpoint takes none at present.
    Away {
        /// Why, for people.
        fault: String,
        /// How long it wants to be left alone.
        asked: Option<Duration>,
    },
    /// It cannot be posted: it is no JSON.
    Unfit,
    /// Nobody waited any longer.
    Unknown,
}

/// Posts messages to one endpoint.
#[derive(Debug)]
pub(super) struct Poster {
    messages: mpsc::Sender<Message>,
    outcomes: mpsc::Receiver<Outcome>,
}

impl Poster {
    /// A poster with no connection yet.
    ///
    /// # Errors
    ///
    /// There can be no further thread.
    pub(super) fn start(endpoint: &Endpoint) -> std::io::Result<Self> {
        let (agent, address) = (agent(endpoint), endpoint.address.clone());
        let (messages, to_post) = mpsc::channel();
        let (tell, outcomes) = mpsc::channel();
        std::thread::Builder::new().name("webhook".to_owned()).spawn(move || {
            for message in to_post {
                if tell.send(post(&agent, &address, &message)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { messages, outcomes })
    }

    /// Posts a message. After [`Outcome::Unknown`] its answer may still come, so another poster must go on.
    pub(super) fn post(&self, message: Message, give_up: &dyn Fn() -> bool) -> Outcome {
        if self.messages.send(message).is_err() {
            return Outcome::Unknown;
        }
        loop {
            match self.outcomes.recv_timeout(LOOK_EVERY) {
                Ok(outcome) => return outcome,
                Err(mpsc::RecvTimeoutError::Timeout) if !give_up() => {}
                Err(_) => return Outcome::Unknown,
            }
        }
    }
}

/// Who speaks HTTP: without redirects and without a proxy, which would connect wherever a name leads it.
fn agent(endpoint: &Endpoint) -> Agent {
    let may_be_private = endpoint.may_be_private;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .https_only(!may_be_private)
        .tls_config(TlsConfig::builder().root_certs(endpoint.authorities.0.clone()).build())
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(ANSWER_WITHIN))
        .max_response_header_size(HEAD_MAX)
        .max_idle_connections(1)
        .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
        .build();
    if may_be_private {
        Agent::with_parts(config, DefaultConnector::default(), DefaultResolver::default())
    } else {
        Agent::with_parts(config, DefaultConnector::default(), OnlyPublic::default())
    }
}

fn post(agent: &Agent, address: &Uri, message: &Message) -> Outcome {
    let request = agent
        .post(address)
        .header("content-type", STRUCTURED_CONTENT_TYPE)
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", &message.seconds)
        .header("webhook-signature", &message.signatures);
    let mut answer = match request.send(&message.body[..]) {
        Ok(answer) => answer,
        Err(error) => return Outcome::Away { fault: words(&error), asked: None },
    };
    // The status has said it all; a body that does not end, or not in time, ends the connection and changes nothing.
    let _ = answer.body_mut().with_config().limit(BODY_MAX).read_to_vec();
    outcome(answer.status().as_u16(), answer.headers())
}

/// What an answer says.
fn outcome(status: u16, headers: &HeaderMap) -> Outcome {
    let asked = headers.get("retry-after").and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    match status {
        200..=299 => Outcome::Taken,
        410 => Outcome::Gone,
        429 | 502..=504 => Outcome::Away { fault: format!("it answers {status}"), asked },
        _ if asked.is_some() => Outcome::Away { fault: format!("it answers {status}"), asked },
        _ => Outcome::Refused { status },
    }
}

/// A failure in words, without the address, which may hold a secret.
fn words(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "it does not answer in time".to_owned(),
        Error::HostNotFound => "its name is not known".to_owned(),
        Error::Other(error) => error.to_string(),
        Error::Io(error) => format!("it is not reached: {error}"),
        Error::Tls(fault) => format!("TLS: {fault}"),
        Error::Rustls(error) => format!("TLS: {error}"),
        _ => "it does not speak HTTP as it should".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_by_its_status_and_may_ask_for_a_pause() {
        let none = HeaderMap::new();
        for status in [200, 202, 204, 299] {
            assert_eq!(outcome(status, &none), Outcome::Taken);
        }
        for status in [301, 308, 400, 404, 500] {
            assert_eq!(outcome(status, &none), Outcome::Refused { status });
        }
        assert_eq!(outcome(410, &none), Outcome::Gone);
        let mut asking = HeaderMap::new();
        asking.insert("retry-after", "7".parse().expect("a value"));
        for status in [429, 500, 503] {
            let fault = format!("it answers {status}");
            assert_eq!(outcome(status, &asking), Outcome::Away { fault, asked: Some(Duration::from_secs(7)) });
        }
        let fault = "it answers 503".to_owned();
        assert_eq!(outcome(503, &none), Outcome::Away { fault, asked: None });
    }
}
