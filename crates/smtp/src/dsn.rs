//! Delivery status notifications: parameters of MAIL and RCPT (RFC 3461 §4).
//!
//! ```text
//! RCPT: NOTIFY=NEVER / NOTIFY=SUCCESS,FAILURE,DELAY
//! MAIL: RET=FULL / RET=HDRS    ENVID=<xtext>
//! ```

use lettre::transport::smtp::extension::{MailParameter, RcptParameter};

use crate::error::Error;
use crate::options::{Dsn, Notify, Return};

/// RFC 3461 §4.4. Stops a line that is longer than a server takes.
const MAX_ENVID: usize = 100;

/// Checked, ready for the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) mail: Vec<MailParameter>,
    pub(crate) rcpt: Vec<RcptParameter>,
}

impl Parameters {
    /// From the caller's wish.
    pub(crate) fn new(dsn: Option<&Dsn>) -> Result<Self, Error> {
        let Some(dsn) = dsn else { return Ok(Self::default()) };
        let mut parameters = Self::default();
        if let Some(ret) = dsn.ret {
            let word = match ret {
                Return::Full => "FULL",
                Return::Hdrs => "HDRS",
            };
            parameters.mail.push(mail("RET", word));
        }
        if let Some(envid) = &dsn.envid {
            if envid.is_empty() || envid.len() > MAX_ENVID || !envid.bytes().all(|b| (b' '..=b'~').contains(&b)) {
                return Err(Error::Argument { what: "dsn.envid", why: "is not 1 to 100 printable ASCII characters" });
            }
            parameters.mail.push(mail("ENVID", envid));
        }
        if let Some(words) = notify(dsn.notify.as_deref().unwrap_or_default())? {
            parameters.rcpt.push(RcptParameter::Other { keyword: "NOTIFY".to_owned(), value: Some(words) });
        }
        Ok(parameters)
    }

    /// Whether the server must offer DSN.
    pub(crate) fn is_empty(&self) -> bool {
        self.mail.is_empty() && self.rcpt.is_empty()
    }
}

fn mail(keyword: &str, value: &str) -> MailParameter {
    MailParameter::Other { keyword: keyword.to_owned(), value: Some(value.to_owned()) }
}

fn notify(wanted: &[Notify]) -> Result<Option<String>, Error> {
    if wanted.is_empty() {
        return Ok(None);
    }
    if wanted.contains(&Notify::Never) {
        if wanted.iter().any(|word| *word != Notify::Never) {
            return Err(Error::Argument { what: "dsn.notify", why: "has other words beside \"never\"" });
        }
        return Ok(Some("NEVER".to_owned()));
    }
    let words = [(Notify::Success, "SUCCESS"), (Notify::Failure, "FAILURE"), (Notify::Delay, "DELAY")];
    let chosen: Vec<&str> = words.iter().filter(|(word, _)| wanted.contains(word)).map(|(_, text)| *text).collect();
    Ok(Some(chosen.join(",")))
}

#[cfg(test)]
mod tests {
    use lettre::transport::smtp::commands::{Mail, Rcpt};

    use super::*;

    fn lines(dsn: &Dsn) -> (String, String) {
        let parameters = Parameters::new(Some(dsn)).unwrap();
        let to = lettre::Address::new_dangerous("b", "c");
        (Mail::new(None, parameters.mail).to_string(), Rcpt::new(to, parameters.rcpt).to_string())
    }

    #[test]
    fn rendered_as_the_rfc_says() {
        let all = Dsn {
            notify: Some(vec![Notify::Delay, Notify::Success, Notify::Failure, Notify::Success]),
            ret: Some(Return::Hdrs),
            envid: Some("a+b=c d".to_owned()),
        };
        let (mail, rcpt) = lines(&all);
        assert_eq!(mail, "MAIL FROM:<> RET=HDRS ENVID=a+2Bb+3Dc+20d\r\n");
        assert_eq!(rcpt, "RCPT TO:<b@c> NOTIFY=SUCCESS,FAILURE,DELAY\r\n");
        let never = Dsn { notify: Some(vec![Notify::Never]), ret: Some(Return::Full), envid: None };
        assert_eq!(lines(&never), ("MAIL FROM:<> RET=FULL\r\n".into(), "RCPT TO:<b@c> NOTIFY=NEVER\r\n".into()));
        assert!(Parameters::new(Some(&Dsn::default())).unwrap().is_empty());
    }

    #[test]
    fn injection_through_envid() {
        for envid in ["", "a\r\nRCPT TO:<x@y>", "a\0", "ä", "a\x01", "\x7f", &"a".repeat(101)] {
            let dsn = Dsn { envid: Some(envid.to_owned()), ..Dsn::default() };
            assert!(Parameters::new(Some(&dsn)).is_err(), "{envid:?}");
        }
        let mixed = Dsn { notify: Some(vec![Notify::Never, Notify::Delay]), ..Dsn::default() };
        assert!(Parameters::new(Some(&mixed)).is_err());
    }
}
