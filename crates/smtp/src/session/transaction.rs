//! A transaction up to the server's "go ahead" (RFC 5321 §3.3).
//!
//! ```text
//! with PIPELINING (RFC 2920):  C: [RSET] MAIL RCPT … RCPT DATA    S: [250] 250 250 … 550 354
//! without:                     each command waits for its reply
//! in chunks (RFC 3030):        the same, but nothing in DATA's place
//! ```

use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter};

use crate::dsn::Parameters;
use crate::ehlo::Extensions;
use crate::envelope::Route;
use crate::error::{Error, Result};
use crate::phase::Phase;
use crate::reply::Reply;
use crate::scope::Scope;
use crate::session::{Session, refused};
use crate::transparency::Form;

/// Commands in one flight: both their text and their replies fit into any socket's buffers, so that neither side waits
/// for the other to read (RFC 2920 §3.1).
const MAX_FLIGHT: usize = 100;

/// What a message needs, checked before anything of it is said.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) route: Route,
    pub(crate) dsn: Parameters,
    pub(crate) size: Option<u64>,
    pub(crate) smtp_utf8: bool,
    pub(crate) eight_bit: bool,
    pub(crate) form: Form,
}

impl Transaction {
    /// Whether a server with these extensions can take it.
    pub(crate) fn check(&self, offered: &Extensions) -> Result<()> {
        let missing = |extension, need| Err(Error::CapabilityMissing { extension, need });
        if self.smtp_utf8 && !offered.smtp_utf8 {
            return missing("SMTPUTF8", "an address or a header that is not ASCII");
        }
        if self.eight_bit && self.form != Form::Binary && !offered.eight_bit_mime {
            return missing("8BITMIME", "a message with 8-bit content");
        }
        if self.form == Form::Binary && !(offered.chunking && offered.binary_mime) {
            return missing("BINARYMIME", "a message with raw octets");
        }
        if !self.dsn.is_empty() && !offered.dsn {
            return missing("DSN", "a delivery notification");
        }
        match (self.size, offered.max_size) {
            (Some(size), Some(limit)) if size > limit => Err(Error::MessageTooLarge { size, limit }),
            _ => Ok(()),
        }
    }

    fn mail(&self, offered: &Extensions) -> Mail {
        let mut parameters = Vec::new();
        if let Some(size) = self.size.filter(|_| offered.size) {
            parameters.push(MailParameter::Size(usize::try_from(size).unwrap_or(usize::MAX)));
        }
        if self.form == Form::Binary {
            let value = Some("BINARYMIME".to_owned());
            parameters.push(MailParameter::Other { keyword: "BODY".to_owned(), value });
        } else if self.eight_bit {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if self.smtp_utf8 {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        parameters.extend(self.dsn.mail.iter().cloned());
        Mail::new(self.route.from.as_ref().map(|from| from.address.clone()), parameters)
    }
}

/// Commands that go out together.
#[derive(Debug)]
pub(crate) struct Flight {
    steps: Vec<Step>,
    text: String,
}

#[derive(Debug)]
struct Step {
    phase: Phase,
    line: String,
}

impl Flight {
    fn new(steps: Vec<Step>) -> Self {
        Self { text: steps.iter().map(|step| step.line.as_str()).collect(), steps }
    }

    /// As it goes to the wire.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl Session {
    /// MAIL, RCPT, DATA. The server now waits for the message; the n-th error is its refusal of the n-th recipient.
    ///
    /// After a refusal the session stays usable: the next transaction resets it.
    pub(crate) async fn begin(&mut self, transaction: &Transaction, scope: Scope<'_>) -> Result<Vec<Option<Error>>> {
        transaction.check(&self.extensions)?;
        let mut steps = self.steps(transaction);
        if self.dirty {
            steps.insert(0, Step { phase: Phase::Reset, line: Rset.to_string() });
        }
        let size = if self.extensions.pipelining { MAX_FLIGHT } else { 1 };
        let mut progress = Progress::default();
        while !steps.is_empty() && !progress.is_hopeless(transaction.route.to.len()) {
            let later = steps.split_off(size.min(steps.len()));
            let flight = Flight::new(std::mem::replace(&mut steps, later));
            let first = flight.steps.first().map_or(Phase::Mail, |step| step.phase);
            let reply = self.command(flight.text(), first, scope).await?;
            self.land(&flight, Some(reply), &mut progress, transaction, scope).await?;
        }
        self.conclude(progress, transaction.form)
    }

    /// The same as one flight that may follow a message; `None` if it may not.
    pub(crate) fn flight(&self, transaction: &Transaction) -> Option<Flight> {
        let fits = self.extensions.pipelining && transaction.route.to.len() + 2 <= MAX_FLIGHT;
        (fits && transaction.check(&self.extensions).is_ok()).then(|| Flight::new(self.steps(transaction)))
    }

    /// Whether a flight followed the last message.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Reads the replies to that flight. As [`Session::begin`].
    pub(crate) async fn begun(
        &mut self,
        flight: &Flight,
        transaction: &Transaction,
        scope: Scope<'_>,
    ) -> Result<Vec<Option<Error>>> {
        self.begun = false;
        let mut progress = Progress::default();
        self.land(flight, None, &mut progress, transaction, scope).await?;
        self.conclude(progress, transaction.form)
    }

    fn steps(&self, transaction: &Transaction) -> Vec<Step> {
        let mut steps = Vec::with_capacity(transaction.route.to.len() + 3);
        steps.push(Step { phase: Phase::Mail, line: transaction.mail(&self.extensions).to_string() });
        for recipient in &transaction.route.to {
            let command = Rcpt::new(recipient.address.clone(), transaction.dsn.rcpt.clone());
            steps.push(Step { phase: Phase::Rcpt, line: command.to_string() });
        }
        if !transaction.form.is_chunked() {
            steps.push(Step { phase: Phase::Data, line: Data.to_string() });
        }
        steps
    }

    /// Reads a flight's replies; the first may have been read already.
    async fn land(
        &mut self,
        flight: &Flight,
        mut first: Option<Reply>,
        progress: &mut Progress,
        transaction: &Transaction,
        scope: Scope<'_>,
    ) -> Result<()> {
        for step in &flight.steps {
            let reply = match first.take() {
                Some(reply) => reply,
                None => self.reply(step.phase, scope).await?,
            };
            if reply.is_closing() {
                return Err(self.refused(&reply, step.phase));
            }
            self.note(reply, step.phase, progress, transaction)?;
        }
        Ok(())
    }

    fn note(&mut self, reply: Reply, phase: Phase, progress: &mut Progress, transaction: &Transaction) -> Result<()> {
        let accepted = self.accept(&reply, phase);
        match phase {
            Phase::Reset => {
                self.broken |= accepted.is_err();
                accepted?;
                self.dirty = false;
            }
            Phase::Mail => {
                self.dirty = true;
                progress.sender = accepted.err();
            }
            Phase::Rcpt => {
                let address = transaction.route.to.get(progress.recipients.len()).map(|to| to.address.to_string());
                let what = format!("the recipient {}", address.unwrap_or_default());
                let refusal = accepted.err().map(|_| refused(&reply, phase, &self.identity, what));
                progress.accepted += usize::from(refusal.is_none());
                progress.recipients.push(refusal);
            }
            _ => progress.data = Some(reply),
        }
        Ok(())
    }

    /// What all the replies together mean.
    fn conclude(&mut self, progress: Progress, form: Form) -> Result<Vec<Option<Error>>> {
        let go_ahead = progress.data.as_ref().is_some_and(|reply| reply.code == 354);
        // A server that wants the message of a refused transaction would get an empty one: better none.
        self.broken |= go_ahead && (progress.sender.is_some() || progress.accepted == 0);
        if let Some(refusal) = progress.sender {
            return Err(refusal);
        }
        if progress.accepted == 0 {
            let refusals = progress.recipients.into_iter().flatten();
            return Err(all_refused(refusals.collect()));
        }
        match progress.data {
            // The first chunk needs nobody's leave.
            None if form.is_chunked() => Ok(progress.recipients),
            Some(_) if go_ahead => Ok(progress.recipients),
            Some(reply) if !reply.is_positive() => Err(self.refused(&reply, Phase::Data)),
            reply => {
                self.broken = true;
                let detail = format!("it answered DATA with {}", reply.map_or(0, |reply| reply.code));
                Err(Error::Protocol { phase: Phase::Data.doing(), detail })
            }
        }
    }
}

#[derive(Debug, Default)]
struct Progress {
    sender: Option<Error>,
    recipients: Vec<Option<Error>>,
    accepted: usize,
    data: Option<Reply>,
}

impl Progress {
    /// Nothing can come of it any more.
    fn is_hopeless(&self, recipients: usize) -> bool {
        self.sender.is_some() || (self.recipients.len() == recipients && self.accepted == 0)
    }
}

/// The first refusal that may pass with time, else the first, told with how many there are.
fn all_refused(mut refusals: Vec<Error>) -> Error {
    use email_base::Classify;
    let count = refusals.len();
    let index = refusals.iter().position(Classify::retryable).unwrap_or(0);
    let mut error = if index < count { refusals.swap_remove(index) } else { Error::NoRecipients };
    if let Error::Refused { what, .. } = &mut error
        && count > 1
    {
        *what = format!("all {count} recipients, {}", what.strip_prefix("the recipient ").unwrap_or(what));
    }
    error
}
