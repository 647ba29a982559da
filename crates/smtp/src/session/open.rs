//! From an address to a session that is signed in.
//!
//! A token that the server refuses is shown to its source once: if that has another one, the whole way is gone again on
//! a fresh connection, because after a failed AUTH servers differ on what they still take.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use email_base::clock;
use email_base::{Classify, Code, Credentials};
use email_net::{Connector, Endpoint, GreetingTime, Security};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;

use crate::budget::Connection;
use crate::ehlo::Extensions;
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::options::check_token;
use crate::phase::Phase;
use crate::refusal::Who;
use crate::reply::Reply;
use crate::scope::Scope;
use crate::session::{Session, refused, unreadable};
use crate::wire::{Io, Wire};

/// Where to, and as whom.
pub(crate) struct Target {
    pub(crate) endpoint: Endpoint,
    pub(crate) connector: Connector,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) name: Option<String>,
}

/// What the server says first.
pub(super) enum Greeting {
    /// Before STARTTLS.
    Read(Reply),
    /// Within so much time.
    Awaited(GreetingTime),
}

impl Target {
    /// Opens a session and signs in. `connection` is what the mailbox's budget allows.
    pub(crate) async fn open(&self, connection: Connection, scope: Scope<'_>) -> Result<Session> {
        match &self.credentials {
            None => self.greet(Identity::nobody(), connection, scope).await,
            Some(Credentials::Password { user, password }) => {
                let identity = Identity::of_password(user, password);
                let mut session = self.greet(identity, connection, scope).await?;
                session.authenticate(user, password, &self.endpoint, scope).await?;
                Ok(session)
            }
            Some(Credentials::OAuth { user, tokens }) => {
                let token = scope.run(Phase::Token, tokens.current()).await?.map_err(Error::Tokens)?;
                check_token(&token)?;
                let identity = Identity::of_token(user, &token);
                let mut session = self.greet(identity.clone(), connection, scope).await?;
                let refusal = match session.authenticate(user, &token, &self.endpoint, scope).await {
                    Ok(()) => return Ok(session),
                    Err(error) if error.code() == Code::TokenRefused => error,
                    Err(error) => return Err(error),
                };
                let connection = session.hang_up();
                let next = scope.run(Phase::Token, tokens.refused(&token)).await?.map_err(Error::Tokens)?;
                let Some(next) = next.filter(|next| *next != token) else { return Err(refusal) };
                tracing::debug!(target: "smtp", "the access token was refused; trying the next one");
                check_token(&next)?;
                let mut session = self.greet(identity.renewed(user, &next), connection, scope).await?;
                session.authenticate(user, &next, &self.endpoint, scope).await?;
                Ok(session)
            }
        }
    }

    /// Connection, TLS, greeting, EHLO.
    async fn greet(&self, identity: Identity, connection: Connection, scope: Scope<'_>) -> Result<Session> {
        let stream = scope.run(Phase::Connect, self.connector.connect(&self.endpoint, scope.call)).await??;
        let hello = self.client_id(stream.local_addr());
        let (stream, greeting) = match self.endpoint.tls {
            Security::StartTls => {
                let (stream, greeting) = self.start_tls(stream, &hello, &identity, scope).await?;
                (stream, Greeting::Read(greeting))
            }
            Security::Implicit | Security::None => {
                let time = stream.greeting_time();
                (stream, Greeting::Awaited(time))
            }
        };
        self.hello(stream, greeting, &hello, identity, connection, scope).await
    }

    /// Greeting and EHLO, as lettre reads them.
    pub(super) async fn hello(
        &self,
        stream: impl Io + 'static,
        greeting: Greeting,
        hello: &ClientId,
        identity: Identity,
        connection: Connection,
        scope: Scope<'_>,
    ) -> Result<Session> {
        // Without EHLO there is neither TLS nor a sign-in: only who needs neither may do without.
        let (greeting, time) = match greeting {
            Greeting::Read(reply) => (Some(reply), GreetingTime::default()),
            Greeting::Awaited(time) => (None, time),
        };
        let without = identity.who == Who::Nobody && greeting.is_none();
        let (wire, tap) = Wire::new(Box::new(stream), greeting.as_ref(), without.then(|| format!("HELO {hello}\r\n")));
        let connecting = Box::pin(AsyncSmtpConnection::connect_with_transport(Box::new(tap), hello));
        let connecting = time.run(connecting, || wire.replies() > 0);
        let connected = scope.run(Phase::Greeting, connecting).await.map_err(|error| match error {
            Error::Interrupted { why, .. } if wire.replies() > 0 => Error::interrupted(why, Phase::Ehlo),
            error => error,
        })??;
        // The greeting's or that of EHLO, whichever lettre read last.
        let phase = if wire.replies() < 2 { Phase::Greeting } else { Phase::Ehlo };
        let (lettre, reply) = match (connected, wire.take_reply()) {
            (Ok(lettre), Some(reply)) => (lettre, reply),
            (_, Some(reply)) if !reply.is_positive() => {
                return Err(refused(&reply, phase, &identity, phase.object().to_owned()));
            }
            (failed, _) => return Err(unreadable(&wire, failed.as_ref().err(), phase, &identity)),
        };
        wire.opened();
        let extensions = Extensions::parse(&reply);
        tracing::debug!(target: "smtp", host = %self.endpoint.host, extensions = extensions.lines.len(), "connected");
        Ok(Session {
            lettre,
            wire,
            extensions,
            identity,
            broken: false,
            dirty: false,
            begun: false,
            messages: 0,
            idle_since: clock::now(),
            connection,
        })
    }

    /// The EHLO name: the caller's, else the address literal of the socket (RFC 5321 §4.1.4).
    fn client_id(&self, local: Option<SocketAddr>) -> ClientId {
        if let Some(name) = &self.name {
            return ClientId::Domain(name.clone());
        }
        match local.map(|address| address.ip().to_canonical()) {
            Some(IpAddr::V4(address)) => ClientId::Ipv4(address),
            Some(IpAddr::V6(address)) => ClientId::Ipv6(address),
            None => ClientId::Ipv4(Ipv4Addr::LOCALHOST),
        }
    }
}
