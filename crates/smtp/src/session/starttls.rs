//! The lines before TLS (RFC 3207 §4): they prove nothing, so nothing of them is kept but the greeting's code.
//!
//! ```text
//! S: 220 …    C: EHLO    S: 250-… STARTTLS …    C: STARTTLS    S: 220    C: TLS
//! ```
//!
//! There is no way on in clear text: no STARTTLS, no session.

use email_net::{ClearDialogue, Stream};
use lettre::transport::smtp::extension::ClientId;

use crate::ehlo::Extensions;
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::phase::Phase;
use crate::reply::{Assembler, Reply};
use crate::scope::Scope;
use crate::session::{Target, refused};

impl Target {
    /// The encrypted stream, and the greeting that came before it.
    pub(super) async fn start_tls(
        &self,
        stream: Stream,
        hello: &ClientId,
        identity: &Identity,
        scope: Scope<'_>,
    ) -> Result<(Stream, Reply)> {
        let time = stream.greeting_time();
        let mut clear = Clear { dialogue: ClearDialogue::new(stream), scope };
        let positive = |reply: Reply, phase: Phase| {
            if reply.is_positive() {
                Ok(reply)
            } else {
                Err(refused(&reply, phase, identity, phase.object().to_owned()))
            }
        };
        let greeting = positive(time.run(Box::pin(clear.reply(Phase::Greeting)), || false).await??, Phase::Greeting)?;
        let offered = positive(clear.ask(&format!("EHLO {hello}"), Phase::Ehlo).await?, Phase::Ehlo)?;
        if !Extensions::parse(&offered).starttls {
            return Err(Error::StartTlsUnavailable { server: None });
        }
        let go_ahead = clear.ask("STARTTLS", Phase::StartTls).await?;
        if go_ahead.code != 220 {
            return Err(Error::StartTlsUnavailable { server: Some(Box::new(go_ahead.to_server(&identity.scrub))) });
        }
        let handshake = clear.dialogue.start_tls(&self.connector, &self.endpoint.host, scope.call);
        Ok((scope.run(Phase::StartTls, handshake).await??, greeting))
    }
}

struct Clear<'a> {
    dialogue: ClearDialogue,
    scope: Scope<'a>,
}

impl Clear<'_> {
    async fn ask(&mut self, line: &str, phase: Phase) -> Result<Reply> {
        self.scope.run(phase, self.dialogue.write_line(line)).await??;
        self.reply(phase).await
    }

    async fn reply(&mut self, phase: Phase) -> Result<Reply> {
        let dialogue = &mut self.dialogue;
        let reading = async {
            let mut assembler = Assembler::default();
            loop {
                let line = dialogue.read_line().await?;
                match assembler.push(&line) {
                    Ok(Some(reply)) => return Ok(reply),
                    Ok(None) => {}
                    Err(what) => return Err(Error::malformed(phase, what)),
                }
            }
        };
        self.scope.run(phase, reading).await?
    }
}
