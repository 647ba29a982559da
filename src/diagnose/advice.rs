//! What to switch on, where: one sentence for the administrator, by provider, step and row of the error table. The steps it
//! names are those of docs/setup-microsoft.md and docs/setup-google.md.

use email_base::{Code, Failure};
use email_oauth::Kind;

use super::step::Name;

/// Whose portal it is, and what is known of the account.
pub struct Setting {
    kind: Kind,
    /// A Microsoft account of a person, of no organisation.
    personal: bool,
}

impl Setting {
    /// `kind` is the provider's; without one the hosts tell.
    pub fn new<'a>(kind: Option<Kind>, personal: bool, hosts: impl Iterator<Item = &'a str>) -> Self {
        Self { kind: kind.unwrap_or_else(|| by_hosts(hosts)), personal }
    }

    /// What helps against `failure` of a sign-in or of the mailbox behind it.
    pub fn advice(&self, step: Name, failure: &Failure) -> String {
        let sentence = match self.kind {
            Kind::Microsoft => microsoft(step, failure.code, self.personal),
            Kind::Google => google(step, failure.code),
            Kind::Generic => None,
        };
        sentence.map_or_else(|| remedy(failure), str::to_owned)
    }
}

/// The error table's own.
pub fn remedy(failure: &Failure) -> String {
    failure.code.entry().remedy.to_owned()
}

/// Exchange Online's and Gmail's names.
fn by_hosts<'a>(hosts: impl Iterator<Item = &'a str>) -> Kind {
    const MICROSOFT: [&str; 5] =
        [".office365.com", ".outlook.com", ".office365.us", ".partner.outlook.cn", "partner.outlook.cn"];
    const GOOGLE: [&str; 2] = [".gmail.com", ".googlemail.com"];
    for host in hosts {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is_of = |names: &[&str]| names.iter().any(|name| host.ends_with(name));
        if is_of(&MICROSOFT) {
            return Kind::Microsoft;
        }
        if is_of(&GOOGLE) {
            return Kind::Google;
        }
    }
    Kind::Generic
}

fn microsoft(step: Name, code: Code, personal: bool) -> Option<&'static str> {
    Some(match (code, step) {
        (Code::MailboxUnavailable | Code::TokenRefused, _) if personal => {
            "This is a personal Microsoft account that has no Outlook.com mailbox, or `user` is not its address: link an account with a mailbox at Outlook.com (set-up guide, step 8)."
        }
        (Code::MailboxUnavailable, _) => {
            "Microsoft 365 admin center > Users > Active users > the user > Mail > Manage email apps: tick IMAP; give the account an Exchange licence, and Full access if it is a shared mailbox (set-up guide, step 6)."
        }
        (Code::TokenRefused, Name::SmtpAuth) => {
            "`user` must be the mailbox that the user linked (set-up guide, step 8); if it is, tick Authenticated SMTP in Microsoft 365 admin center > Users > Active users > the user > Mail > Manage email apps (step 6)."
        }
        (Code::TokenRefused, _) => {
            "The token must be one for Outlook, not for Microsoft Graph (set-up guide, step 4), and `user` the mailbox that the user linked (step 8); then link the mailbox again."
        }
        (Code::SmtpAuthDisabled, _) => {
            "Microsoft 365 admin center > Users > Active users > the user > Mail > Manage email apps: tick Authenticated SMTP; for the organisation, Exchange admin center > Settings > Mail flow: untick Turn off SMTP AUTH protocol (set-up guide, step 6)."
        }
        (Code::BlockedByPolicy, _) => {
            "A policy of the tenant blocks the sign-in: Microsoft Entra admin center > Monitoring > Sign-in logs shows which (set-up guide, step 5)."
        }
        (Code::AuthenticationFailed | Code::MechanismUnavailable, _) => {
            "Microsoft takes no passwords for mail any more: link the mailbox with OAuth (set-up guide, step 8)."
        }
        (Code::AccessDenied, _) => {
            "Exchange admin center > Recipients > Mailboxes > the shared mailbox > Delegation: grant the user Full access, and Send as for sending (set-up guide, step 8)."
        }
        _ => return None,
    })
}

fn google(step: Name, code: Code) -> Option<&'static str> {
    Some(match (code, step) {
        (Code::MailboxUnavailable, _) => {
            "The Google account has no Gmail mailbox, or IMAP is off: Google Admin console > Apps > Google Workspace > Gmail > End User Access > POP and IMAP access (set-up guide, step 5)."
        }
        (Code::TokenRefused, Name::SmtpAuth) => {
            "`user` must be the address of the linked Google account, and the scope https://mail.google.com/ granted (set-up guide, steps 3 and 6)."
        }
        (Code::TokenRefused, _) => {
            "`user` must be the address of the linked account, the account must have a Gmail mailbox (one on another provider's address has none), and IMAP be on: Google Admin console > Apps > Google Workspace > Gmail > End User Access > POP and IMAP access (set-up guide, steps 5 and 6)."
        }
        (Code::AuthenticationFailed | Code::MechanismUnavailable, _) => {
            "Google takes no account passwords for mail: link the mailbox with OAuth (set-up guide, step 6), or use an app password."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_a_sentence_for_every_provider() {
        for kind in [Kind::Microsoft, Kind::Google, Kind::Generic] {
            for code in Code::ALL {
                for step in [Name::ImapAuth, Name::ImapMailbox, Name::SmtpAuth] {
                    let failure = Failure::new(*code, None, "x");
                    let advice = Setting { kind, personal: false }.advice(step, &failure);
                    assert!(advice.ends_with('.') && advice.len() > 10, "{code:?} {kind:?}: {advice}");
                }
            }
        }
    }

    #[test]
    fn only_the_providers_own_hosts_tell() {
        let kind = |host: &str| by_hosts([host].into_iter());
        assert_eq!(kind("outlook.office365.com"), Kind::Microsoft);
        assert_eq!(kind("IMAP.gmail.com."), Kind::Google);
        assert_eq!(kind("imap.gmail.com.evil.example"), Kind::Generic);
        assert_eq!(kind("notgmail.com"), Kind::Generic);
    }
}
