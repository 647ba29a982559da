//! From an endpoint to a [`Link`]: connect, greet, prove who we are, read the capabilities, say who the program is.
//!
//! ```text
//! connect ─► [STARTTLS] ─► greeting ─► CAPABILITY ─► AUTHENTICATE / LOGIN ─► CAPABILITY ─► ID
//!                          (implicit)   (unless told)   refused token: once more    (unless told)
//! ```
//!
//! Capabilities are taken from response codes where the server gives them there, which saves a round trip each; before
//! login also from a greeting that says which server it is. ID goes ahead of the first command and is not waited for.
//! Nothing ever goes behind AUTHENTICATE before its answer: a server that refuses would take it for the SASL exchange.

use std::time::Duration;

use async_imap::Client;
use email_base::{Call, Classify, Code, Credentials, Scrub, Secret, ServerReply, clock};
use email_net::{Connector, Endpoint, Security, Stream};

use super::capabilities::Capabilities;
use super::link::Link;
use super::renewal::Renewal;
use super::sasl::{Exchange, Mechanism, Refusal, refuse_separators};
use super::view::View;
use super::{known, login_command, refusal, reply, starttls};
use crate::command::id;
use crate::command::line::Line;
use crate::error::{Error, Result};
use crate::grammar::{Completion, CompletionStatus, ConditionKind, Event, ResponseCode, Untagged};
use crate::options::Settings;
use crate::tap::{Events, Limits, Tap, TapControl};

/// From the greeting to the end of login. Dovecot slows down refused logins to 17 s.
pub(super) const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// Events kept of one step of login: a flood before login is an attack.
const MAX_EVENTS: usize = 1000;
/// Their wire bytes. Capabilities and a refusal are some hundred.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// Connects and logs in. A refused token is reported to its source; if that has another one, it is tried once.
pub(crate) async fn log_in(settings: &Settings, call: &Call) -> Result<Link> {
    let tokens = match &settings.credentials {
        Credentials::Password { user, password } => {
            return attempt(settings, password, Scrub::of_login(user, password), call).await;
        }
        Credentials::OAuth { tokens, .. } => tokens,
    };
    let user = settings.credentials.user();
    let token = tokens.current().await.map_err(Error::Token)?;
    let with_renewal = |mut link: Link, token: &Secret| {
        link.renewal = Renewal::of(&**tokens, token);
        link
    };
    let scrub = Scrub::of_login(user, &token);
    let refused = match attempt(settings, &token, scrub.clone(), call).await {
        Err(Error::TokenRefused(reply)) => reply,
        other => return other.map(|link| with_renewal(link, &token)),
    };
    tracing::debug!(target: "imap", "the access token was refused");
    match tokens.refused(&token).await.map_err(Error::Token)? {
        Some(other) if other != token => {
            // The refused one is as secret as ever.
            let scrub = Scrub::of_login(user, &other).and(&scrub);
            attempt(settings, &other, scrub, call).await.map(|link| with_renewal(link, &other))
        }
        _ => Err(Error::TokenRefused(refused)),
    }
}

async fn attempt(settings: &Settings, proof: &Secret, scrub: Scrub, call: &Call) -> Result<Link> {
    // Unusable values are refused before any byte is sent.
    refuse_separators("auth.user", settings.credentials.user())?;
    refuse_separators("auth", proof.expose())?;
    let permit = settings.budget.connection(call).await?;
    let started = clock::now();
    let stream = settings.connector.connect(&settings.endpoint, call).await?;
    let talk = talk(settings, proof, scrub, stream, call);
    let link = clock::timeout(LOGIN_TIMEOUT, talk)
        .await
        .map_err(|_| Error::Silent { during: "login", waited: LOGIN_TIMEOUT })?;
    let mut link = link.inspect_err(|error| keep_pause(settings, error))?;
    link.permit = Some(permit);
    tracing::info!(target: "imap", host = settings.endpoint.host, ms = started.elapsed().as_millis(), "logged in");
    Ok(link)
}

/// A pause that the server asks for is for every client of the mailbox, whatever it calls its refusal.
pub(super) fn keep_pause(settings: &Settings, error: &Error) {
    // Not that of the source of tokens, and not our own guess of when a connection is free.
    let by_server = matches!(error, Error::Refused { .. } | Error::ConnectionLost { .. });
    if let Some(time) = error.retry_after().filter(|_| by_server) {
        tracing::info!(target: "imap", host = settings.endpoint.host, ms = time.as_millis(), "throttled");
        settings.budget.pause_for(time);
    }
}

async fn talk(settings: &Settings, proof: &Secret, scrub: Scrub, stream: Stream, call: &Call) -> Result<Link> {
    let is_far = stream.peer_addr().is_some_and(|peer| !peer.ip().is_loopback());
    let (stream, upgraded) = secured(stream, &settings.endpoint, &settings.connector, &scrub, call).await?;
    let mut stage = Stage::greeted(stream, settings.limits, upgraded, scrub).await?;
    loop {
        let offered = stage.capabilities.has("ID");
        match stage.authenticate(settings, proof).await? {
            Outcome::LoggedIn(mut link) => {
                link.is_far = is_far;
                introduce(&mut link, settings, offered).await?;
                return Ok(*link);
            }
            Outcome::Misjudged(back) => {
                stage = *back;
                stage.ask_capabilities().await?;
            }
        }
    }
}

/// The stream as it may be logged in on, and whether STARTTLS has used up the greeting.
pub(super) async fn secured(
    stream: Stream,
    endpoint: &Endpoint,
    connector: &Connector,
    scrub: &Scrub,
    call: &Call,
) -> Result<(Stream, bool)> {
    let upgraded = endpoint.tls == Security::StartTls;
    let stream =
        if upgraded { starttls::upgrade(stream, connector, &endpoint.host, scrub, call).await? } else { stream };
    if !stream.is_encrypted() && endpoint.tls != Security::None {
        return Err(Error::Internal("a login without TLS"));
    }
    Ok((stream, upgraded))
}

/// CAPABILITY, unless the server has told by itself; ID and ENABLE, whose answers are not waited for.
async fn introduce(link: &mut Link, settings: &Settings, id_offered: bool) -> Result<()> {
    let mut introduced = false;
    let ask = Line::new("CAPABILITY");
    if link.view.capabilities.is_empty() {
        link.cork();
        let tag = link.send(&ask).await?;
        if id_offered {
            say_who(link, settings).await?;
        }
        link.uncork("CAPABILITY").await?;
        link.answer(&tag, &ask, &mut |_| {}).await?;
        introduced = id_offered;
    }
    link.cork();
    if !introduced && (id_offered || link.has("ID")) {
        say_who(link, settings).await?;
    }
    link.enable_utf8().await?;
    link.uncork("ID").await
}

/// ID. What the server says of itself, or against it, is nobody's concern.
async fn say_who(link: &mut Link, settings: &Settings) -> Result<()> {
    let tag = link.send(&id::line(&settings.client_id)).await?;
    link.disregard(tag);
    Ok(())
}

/// A connection before login.
pub(super) struct Stage {
    client: Client<Tap<Stream>>,
    events: Events,
    control: TapControl,
    capabilities: Capabilities,
    /// What is going to be told to the server.
    scrub: Scrub,
    /// They are those of the server that the greeting names; itself it has not said so.
    assumed: bool,
}

/// How an attempt to log in ended, if not by an error.
enum Outcome {
    LoggedIn(Box<Link>),
    /// The server cannot do what it was assumed to.
    Misjudged(Box<Stage>),
}

impl Stage {
    /// The greeting is read, and the capabilities are known.
    pub(super) async fn greeted(stream: Stream, limits: Limits, greeted: bool, scrub: Scrub) -> Result<Self> {
        let time = stream.greeting_time();
        let mut stage = Self::new(stream, limits, greeted, scrub);
        if !greeted {
            time.run(Box::pin(stage.greeting()), || false).await??;
        }
        if stage.capabilities.is_empty() {
            stage.ask_capabilities().await?;
        }
        Ok(stage)
    }

    /// LOGOUT (RFC 9051 §6.1.3); whatever comes, it is over.
    pub(super) async fn leave(&mut self) {
        let run = self.client.run_command_and_check_ok("LOGOUT", None);
        let _ = self.events.drive(run, |_| {}).await;
    }

    /// After STARTTLS the greeting is over.
    fn new(stream: Stream, limits: Limits, greeted: bool, scrub: Scrub) -> Self {
        let make = if greeted { Tap::after_greeting } else { Tap::new };
        let (tap, events, control) = make(stream, limits);
        Self { client: Client::new(tap), events, control, capabilities: Capabilities::default(), scrub, assumed: false }
    }

    async fn greeting(&mut self) -> Result<()> {
        let Self { client, events, control, .. } = self;
        let mut read = std::pin::pin!(client.read_response());
        // Whatever comes first decides: a line that is no greeting never reaches async-imap.
        let (first, is_read) = tokio::select! {
            biased;
            event = events.next() => (event, false),
            _ = &mut read => (events.try_next(), true),
        };
        let greeting = match first {
            Some(Event::Untagged(Untagged::Condition(greeting))) => greeting,
            Some(_) => return Err(Error::protocol("it does not greet as an IMAP server")),
            None => return Err(super::lost(control, "greeting", None, None)),
        };
        match greeting.kind {
            ConditionKind::Ok => {
                // async-imap must have seen it, else it would take it for an answer. Its end is met by what comes next.
                if !is_read {
                    let _ = read.await;
                }
                if let Some(ResponseCode::Capability(words)) = &greeting.code {
                    self.capabilities = Capabilities::new(words);
                } else {
                    self.capabilities = known::capabilities(&greeting.text);
                    self.assumed = true;
                }
                Ok(())
            }
            ConditionKind::Bye => Err(Error::ConnectionLost {
                during: "greeting",
                bye: Some(reply::of_condition(&greeting, &self.scrub)),
            }),
            // Whose mailbox it would be nobody knows: the credentials of this client have not been asked for.
            ConditionKind::Preauth => Err(Error::protocol("it greets with PREAUTH: logged in, but as whom?")),
            ConditionKind::No | ConditionKind::Bad => Err(Error::protocol("it does not greet as an IMAP server")),
        }
    }

    async fn ask_capabilities(&mut self) -> Result<()> {
        self.assumed = false;
        let mut seen = Seen::default();
        let run = self.client.run_command_and_check_ok("CAPABILITY", None);
        let run = self.events.drive_weighed(run, |event, bytes| seen.keep(event, bytes)).await;
        let seen = seen.events;
        for event in &seen {
            if let Event::Untagged(Untagged::Capability(words)) = event {
                self.capabilities = Capabilities::new(words);
            }
        }
        match run {
            Ok(()) => Ok(()),
            Err(error) => Err(match completion(&seen) {
                Some(done) => refusal::error("CAPABILITY", reply::of_completion(done, &self.scrub)),
                None => self.lost_or_bye("CAPABILITY", &seen, error),
            }),
        }
    }

    /// Proves who we are, by the best way that both sides have.
    async fn authenticate(self, settings: &Settings, proof: &Secret) -> Result<Outcome> {
        let Self { client, mut events, control, capabilities, scrub, assumed } = self;
        let user = settings.credentials.user();
        let mut seen = Seen::default();
        let way = choose(&capabilities, &settings.credentials)?;
        tracing::debug!(target: "imap", mechanism = way.map_or("LOGIN", Mechanism::name), "logging in");
        let mut challenge = Refusal::default();
        let session = match way {
            Some(mechanism) => {
                let response =
                    mechanism.initial_response(user, proof, &settings.endpoint.host, settings.endpoint.port)?;
                let (exchange, command, refused) = Exchange::new(mechanism, response, capabilities.has("SASL-IR"));
                challenge = refused;
                let run = client.authenticate(command.expose(), exchange);
                events.drive_weighed(run, |event, bytes| seen.keep(event, bytes)).await
            }
            None => {
                let line = Line::new("LOGIN").string_arg(user).string_arg(proof.expose());
                let limit = capabilities.non_synchronizing_limit();
                login_command::log_in(client, &mut events, &control, (line.segments()?, limit), &mut seen).await
            }
        };
        let seen = seen.events;
        match session {
            Ok(session) => {
                // Those from before login are forgotten (RFC 9051 §6.2.2).
                let mut view = View { scrub, ..View::default() };
                for event in &seen {
                    match event {
                        Event::Untagged(data) => view.observe(data),
                        Event::Completion(Completion { code: Some(code), .. }) => view.code(code),
                        _ => {}
                    }
                }
                let mut link =
                    Link::new(session, events, control, view, settings.names.clone(), settings.quirks.clone());
                link.parts = settings.parts.clone();
                link.departed = settings.departed.clone();
                link.budget = Some(settings.budget.clone());
                link.max_literal_bytes = settings.limits.max_literal_bytes as u64;
                Ok(Outcome::LoggedIn(Box::new(link)))
            }
            Err((_, client))
                if assumed && completion(&seen).is_some_and(|done| done.status == CompletionStatus::Bad) =>
            {
                Ok(Outcome::Misjudged(Box::new(Self { client, events, control, capabilities, scrub, assumed })))
            }
            Err((error, _client)) => Err(match completion(&seen) {
                Some(done) => refused_login(&settings.credentials, done, challenge.take(), &scrub),
                None => super::lost(&control, "login", farewell(&seen, &scrub), Some(error)),
            }),
        }
    }

    fn lost_or_bye(&self, verb: &'static str, seen: &[Event], error: async_imap::error::Error) -> Error {
        super::lost(&self.control, verb, farewell(seen, &self.scrub), Some(error))
    }
}

/// The mechanism; `None` is the LOGIN command.
fn choose(capabilities: &Capabilities, credentials: &Credentials) -> Result<Option<Mechanism>> {
    let offers = |mechanism: Mechanism| capabilities.has_mechanism(mechanism.name());
    match credentials {
        Credentials::OAuth { .. } => [Mechanism::OAuthBearer, Mechanism::XOAuth2]
            .into_iter()
            .find(|mechanism| offers(*mechanism))
            .map(Some)
            .ok_or_else(|| Error::MechanismUnavailable("the server offers neither OAUTHBEARER nor XOAUTH2".to_owned())),
        Credentials::Password { .. } if offers(Mechanism::Plain) => Ok(Some(Mechanism::Plain)),
        Credentials::Password { .. } if capabilities.has("LOGINDISABLED") => {
            Err(Error::MechanismUnavailable("the server takes no passwords".to_owned()))
        }
        Credentials::Password { .. } => Ok(None),
    }
}

/// What a refused login means. Only what says nothing else is the fault of the proof.
fn refused_login(credentials: &Credentials, done: &Completion, challenge: Option<String>, scrub: &Scrub) -> Error {
    let said = reply::of_completion(done, scrub);
    match refusal::row(&said) {
        Code::CommandRejected if done.status == CompletionStatus::Bad => refusal::error("login", said),
        // By its code: the proof was good. A sentence of denial says nothing else than that it was not.
        Code::AccessDenied if refusal::row_of_code(&said).is_some() => refusal::error("login", said),
        Code::CommandRejected | Code::AuthenticationFailed | Code::AccessDenied => match credentials {
            Credentials::Password { .. } => Error::AuthenticationFailed(said),
            Credentials::OAuth { .. } => Error::TokenRefused(with_challenge(said, challenge, scrub)),
        },
        Code::MechanismUnavailable => Error::MechanismUnavailable(said.text),
        _ => refusal::error("login", said),
    }
}

/// The JSON of a refused token says more than the NO after it.
fn with_challenge(said: Box<ServerReply>, challenge: Option<String>, scrub: &Scrub) -> Box<ServerReply> {
    match challenge.filter(|challenge| !challenge.trim().is_empty()) {
        Some(challenge) => {
            let text = format!("{} {}", said.text, scrub.clean(&challenge));
            Box::new(ServerReply::new(said.status, &text, said.code))
        }
        None => said,
    }
}

/// What came during one step of login.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) events: Vec<Event>,
    bytes: usize,
    /// A completion was kept beyond the limits.
    overflowed: bool,
}

impl Seen {
    /// Beyond the limits nothing is kept but one completion: the step is over with it.
    pub(super) fn keep(&mut self, event: Event, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        let has_room = self.events.len() < MAX_EVENTS && self.bytes <= MAX_EVENT_BYTES;
        let ends = !self.overflowed && matches!(event, Event::Completion(_));
        self.overflowed |= !has_room && ends;
        if has_room || ends {
            self.events.push(event);
        }
    }
}

fn completion(seen: &[Event]) -> Option<&Completion> {
    seen.iter().find_map(|event| match event {
        Event::Completion(completion) => Some(completion),
        _ => None,
    })
}

fn farewell(seen: &[Event], scrub: &Scrub) -> Option<Box<ServerReply>> {
    seen.iter().find_map(|event| match event {
        Event::Untagged(Untagged::Condition(condition)) if condition.kind == ConditionKind::Bye => {
            Some(reply::of_condition(condition, scrub))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use email_net::{ConnectOptions, Proxy};
    use email_testkit::Mock;

    use super::*;
    use crate::grammar::Continuation;
    use crate::options::Options;

    const SERVER: &str = "\
        S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\n\
        C: {tag} AUTHENTICATE PLAIN {response}\n\
        S: {tag} OK [CAPABILITY IMAP4rev1 ID IDLE] welcome\n\
        C: {id} ID (\"name\" \"email-native\" \"version\" \"{version}\")\n\
        C: {tag} NOOP\n\
        S: {id} OK ID completed\n\
        S: {tag} OK\n\
        C: {tag} IDLE\n\
        S: {tag} NO not now\n\
        C: {tag} IDLE\n\
        S: {tag} BAD not at all\n\
        X: eof\n";

    async fn link(mock: &Mock) -> Link {
        let connect = ConnectOptions { ca: Vec::new(), proxy: Proxy::Direct, connect_timeout: None };
        let endpoint = Endpoint { host: "localhost".into(), port: mock.port(), tls: Security::None };
        let credentials = Credentials::Password { user: "ada".into(), password: "secret".into() };
        let options = Options::new(endpoint, Connector::new(&connect).unwrap(), credentials);
        log_in(&options.try_into().unwrap(), &Call::default()).await.unwrap()
    }

    /// A session lives for days: each answer that nobody takes would stay for as long.
    #[tokio::test]
    async fn answers_to_id_and_to_a_refused_idle_do_not_pile_up() {
        let mock = Mock::start(async |listener| listener.accept().await.play(SERVER).await);
        let mut link = link(&mock).await;
        link.run_quietly(&Line::new("NOOP")).await.unwrap();
        assert_eq!(link.kept_answers(), 0, "ID");
        for _ in 0..2 {
            assert!(link.begin_idle(&Line::new("IDLE")).await.unwrap().is_none());
            assert_eq!(link.kept_answers(), 0, "IDLE");
        }
        drop(link);
        mock.finished().await;
    }

    #[tokio::test]
    async fn an_idle_that_the_server_has_ended_is_not_ended_again() {
        const END: &str = "C: {idle} IDLE\nS: + idling\nS: {idle} OK terminated\nC: {tag} NOOP\nS: {tag} OK\n";
        let (login, _) = SERVER.split_once("C: {id}").unwrap();
        let login = login.replace(" ID ", " ");
        let mock = Mock::start(async move |listener| {
            listener.accept().await.play(&(login + END + END + "X: eof\n")).await;
        });
        let mut link = link(&mock).await;
        // What ends it else: a call, or the cleaning up after one that was given up.
        for by_settling in [false, true] {
            let line = Line::new("IDLE");
            let tag = link.begin_idle(&line).await.unwrap().unwrap();
            while link.is_idling() {
                link.listen().await.unwrap();
            }
            if by_settling {
                assert!(link.settle().await);
            } else {
                link.end_idle(&tag, &line).await.unwrap();
            }
            link.run_quietly(&Line::new("NOOP")).await.unwrap();
        }
        drop(link);
        mock.finished().await;
    }

    #[test]
    fn what_comes_before_login_is_bounded_by_bytes() {
        let event = || Event::Continuation(Continuation { text: String::new() });
        let mut seen = Seen::default();
        seen.keep(event(), 50 << 20);
        seen.keep(event(), 1);
        assert!(seen.events.is_empty());
        let mut seen = Seen::default();
        (0..2 * MAX_EVENTS).for_each(|_| seen.keep(event(), 10));
        assert_eq!(seen.events.len(), MAX_EVENTS);
        // A login behind a flood is not waited for in vain.
        let done = || Completion { tag: "L1".into(), status: CompletionStatus::Ok, code: None, text: String::new() };
        (0..10).for_each(|_| seen.keep(Event::Completion(done()), 10));
        assert_eq!(seen.events.len(), MAX_EVENTS + 1);
    }
}
