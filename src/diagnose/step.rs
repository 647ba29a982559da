//! One step's outcome, and the report of all, as the contract spells them.

use std::time::Duration;

use email_base::clock::{self, Instant};
use email_base::{Classify, Failure};
use serde::{Serialize, Serializer};

use crate::reply::Wire;

/// The steps, in the contract's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    AppCredentials,
    Token,
    TokenScopes,
    ImapConnect,
    ImapTls,
    ImapAuth,
    ImapMailbox,
    SmtpConnect,
    SmtpTls,
    SmtpAuth,
}

/// The contract's `DiagnosisStep`.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    step: Name,
    ok: bool,
    ms: u64,
    #[serde(serialize_with = "as_mail_error")]
    error: Option<Failure>,
    advice: Option<String>,
}

impl Step {
    pub fn is_ok(&self) -> bool {
        self.ok
    }

    #[cfg(test)]
    pub fn name(&self) -> Name {
        self.step
    }
}

/// What `diagnose` resolves to.
#[derive(Debug, Serialize)]
pub struct Report {
    ok: bool,
    steps: Vec<Step>,
}

impl Report {
    /// Whatever order they came in.
    pub fn new(mut steps: Vec<Step>) -> Self {
        steps.sort_by_key(|step| step.step);
        Self { ok: steps.iter().all(Step::is_ok), steps }
    }
}

/// A step that has begun.
pub struct Running {
    step: Name,
    started: Instant,
}

impl Running {
    pub fn begin(step: Name) -> Self {
        Self { step, started: clock::now() }
    }

    pub fn elapsed(&self) -> Duration {
        clock::now().saturating_duration_since(self.started)
    }

    /// It went well.
    pub fn ok(self) -> Step {
        self.ended(None, None)
    }

    /// It went well, with something to know.
    pub fn ok_but(self, note: String) -> Step {
        self.ended(None, Some(note))
    }

    /// It failed; `advice` says what to switch on, where.
    pub fn failed(self, error: impl Into<Failure>, advice: impl Into<String>) -> Step {
        self.ended(Some(error.into()), Some(advice.into()))
    }

    fn ended(self, error: Option<Failure>, advice: Option<String>) -> Step {
        let ms = u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX);
        let code = error.as_ref().map_or("", |error| error.code().as_str());
        tracing::info!(target: "diagnose", step = ?self.step, ok = error.is_none(), code, ms, "step");
        Step { step: self.step, ok: error.is_none(), ms, error, advice }
    }
}

fn as_mail_error<S: Serializer>(error: &Option<Failure>, serializer: S) -> Result<S::Ok, S::Error> {
    error.as_ref().map(Wire).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_in_the_contracts_order_and_as_good_as_its_worst_step() {
        let failure = Failure::new(email_base::Code::TokenRefused, None, "no");
        let steps = vec![
            Running::begin(Name::SmtpAuth).failed(failure, "Do it."),
            Running::begin(Name::ImapTls).ok(),
            Running::begin(Name::AppCredentials).ok(),
        ];
        let report = Report::new(steps);
        let names: Vec<_> = report.steps.iter().map(Step::name).collect();
        assert_eq!(names, [Name::AppCredentials, Name::ImapTls, Name::SmtpAuth]);
        let json = serde_json::to_value(&report).unwrap_or_default();
        assert_eq!((&json["ok"], &json["steps"][2]["step"]), (&false.into(), &"smtp-auth".into()));
        assert_eq!(json["steps"][2]["error"]["code"], "TOKEN_REFUSED");
        assert_eq!(json["steps"][1]["error"], serde_json::Value::Null);
    }
}
