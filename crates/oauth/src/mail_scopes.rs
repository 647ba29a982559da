//! Do the scopes of a token response open a mailbox? Told by the response (RFC 6749 §5.1), never by the token itself, which
//! is opaque to everybody but the mail server.

use crate::error::Error;
use crate::provider::{Dialect, Provider};
use crate::scopes;

/// What a mail client wants a token for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailUse {
    /// Reading.
    Imap,
    /// Sending.
    Smtp,
}

impl MailUse {
    fn name(self) -> &'static str {
        match self {
            Self::Imap => "IMAP",
            Self::Smtp => "SMTP",
        }
    }

    /// Microsoft's permissions for it: of a user, of an app.
    fn permissions(self) -> [&'static str; 2] {
        match self {
            Self::Imap => ["IMAP.AccessAsUser.All", "IMAP.AccessAsApp"],
            Self::Smtp => ["SMTP.Send", "SMTP.SendAsApp"],
        }
    }
}

/// Both names of the Outlook resource in the worldwide cloud.
const OUTLOOK: [&str; 2] = ["https://outlook.office.com", "https://outlook.office365.com"];
/// Whatever the app was consented to (Microsoft).
const DEFAULT: &str = ".default";
const GOOGLE_MAIL: &str = "https://mail.google.com/";

const MICROSOFT: &str = "Microsoft Entra admin center > App registrations > the app > API permissions: add IMAP.AccessAsUser.All and SMTP.Send (delegated, listed under Microsoft Graph), and ask for them as https://outlook.office.com/… (set-up guide, step 4).";
const GOOGLE: &str = "Google Cloud console > Google Auth Platform > Data access: add the scope https://mail.google.com/, and leave it ticked when linking again (set-up guide, step 3).";

impl Provider {
    /// Refuses `granted`, the scopes of a token response, when they do not serve `wanted`.
    pub fn check_mail_scopes(&self, granted: &[String], wanted: MailUse) -> Result<(), Error> {
        let provider = &*self.0;
        let fault = match &provider.dialect {
            Dialect::Microsoft(tenancy) => microsoft(granted, wanted, &tenancy.mail_resource),
            Dialect::Google => (!granted.iter().any(|scope| scope == GOOGLE_MAIL))
                .then(|| format!("it was granted without {GOOGLE_MAIL}, which Gmail wants for IMAP and SMTP")),
            Dialect::Generic => generic(granted, &provider.scopes),
        };
        let advice = match &provider.dialect {
            Dialect::Microsoft(_) => Some(MICROSOFT),
            Dialect::Google => Some(GOOGLE),
            Dialect::Generic => None,
        };
        fault.map_or(Ok(()), |why| Err(Error::NotForMail { wanted: wanted.name(), why, advice }))
    }
}

fn microsoft(granted: &[String], wanted: MailUse, mail_resource: &str) -> Option<String> {
    let is_mail = |resource: &str| {
        let resource = resource.to_ascii_lowercase();
        resource == mail_resource || OUTLOOK.contains(&resource.as_str())
    };
    let name = |scope: &str| scope.rsplit('/').next().unwrap_or_default().to_owned();
    let serves = |scope: &str| {
        let name = name(scope);
        name == DEFAULT || wanted.permissions().iter().any(|permission| permission.eq_ignore_ascii_case(&name))
    };
    let mut of_mail = granted.iter().filter(|scope| scopes::resource_of(scope).is_some_and(is_mail)).peekable();
    if of_mail.peek().is_none() {
        // A bare name, or a token of Graph that names none of it.
        return Some(format!("it is a token of another resource than {mail_resource}, most likely of Microsoft Graph"));
    }
    let [permission, _] = wanted.permissions();
    (!of_mail.any(|scope| serves(scope))).then(|| format!("it was granted without {permission}"))
}

/// Nothing is known of other providers' scopes but what was asked. Those of OpenID Connect are often not repeated.
fn generic(granted: &[String], asked: &[String]) -> Option<String> {
    let missing = asked.iter().find(|scope| !scopes::is_oidc(scope) && !granted.contains(scope))?;
    Some(format!("it was granted without {missing}, which was asked"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn list(scopes: &str) -> Vec<String> {
        scopes.split(' ').map(str::to_owned).collect()
    }

    fn fault(provider: &Provider, granted: &str, wanted: MailUse) -> Option<String> {
        provider.check_mail_scopes(&list(granted), wanted).err().map(|error| error.to_string())
    }

    fn microsoft_of(cloud: Value) -> Provider {
        Provider::microsoft(serde_json::from_value(json!({"clientId": "id", "cloud": cloud})).unwrap()).unwrap()
    }

    #[test]
    fn a_token_of_graph_is_told_from_one_of_outlook() {
        let provider = microsoft_of(json!("global"));
        let both = "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send";
        assert_eq!(fault(&provider, both, MailUse::Imap), None);
        assert_eq!(fault(&provider, &both.to_lowercase(), MailUse::Smtp), None);
        assert_eq!(fault(&provider, "openid https://outlook.office365.com/.default", MailUse::Smtp), None);
        assert_eq!(fault(&provider, "https://outlook.office.com/SMTP.SendAsApp", MailUse::Smtp), None);
        for (granted, wanted, why) in [
            ("User.Read openid profile email", MailUse::Imap, "another resource"),
            ("IMAP.AccessAsUser.All SMTP.Send", MailUse::Imap, "another resource"),
            ("https://graph.microsoft.com/IMAP.AccessAsUser.All", MailUse::Imap, "another resource"),
            ("openid", MailUse::Imap, "another resource"),
            ("https://outlook.office.com/SMTP.Send", MailUse::Imap, "without IMAP.AccessAsUser.All"),
            ("https://outlook.office.com/IMAP.AccessAsUser.All", MailUse::Smtp, "without SMTP.Send"),
            ("https://outlook.office.com/Mail.Read", MailUse::Smtp, "without SMTP.Send"),
        ] {
            let said = fault(&provider, granted, wanted).unwrap();
            assert!(said.contains(why), "{granted}: {said}");
        }
        let china = microsoft_of(json!("china"));
        assert_eq!(fault(&china, "https://partner.outlook.cn/IMAP.AccessAsUser.All", MailUse::Imap), None);
    }

    #[test]
    fn google_has_one_scope_for_both() {
        let options = json!({"clientId": "id", "clientSecret": "s"});
        let google = Provider::google(serde_json::from_value(options).unwrap()).unwrap();
        assert_eq!(fault(&google, "openid https://mail.google.com/", MailUse::Imap), None);
        assert!(fault(&google, "openid https://www.googleapis.com/auth/gmail.send", MailUse::Smtp).is_some());
    }

    #[test]
    fn others_must_have_granted_what_was_asked() {
        assert_eq!(generic(&list("mail"), &list("openid mail")), None);
        assert!(generic(&list("openid"), &list("openid mail")).is_some());
    }
}
