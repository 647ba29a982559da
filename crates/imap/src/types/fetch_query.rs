//! What of a message `fetch` is to bring.

use email_base::SwitchOr;
use email_mime::ParseOptions;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// Longest field name taken: RFC 5322 §2.1.1 lets a line have 998 characters, and a command line has to stay short.
const MAX_FIELD_NAME: usize = 127;

/// Most field names taken: they all go into one command line.
const MAX_FIELD_NAMES: usize = 100;

/// The `FetchQuery` of the public API, checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FetchQuery {
    /// Flags and keywords.
    #[serde(deserialize_with = "switch")]
    pub flags: bool,
    /// INTERNALDATE.
    #[serde(deserialize_with = "switch")]
    pub internal_date: bool,
    /// RFC822.SIZE.
    #[serde(deserialize_with = "switch")]
    pub size: bool,
    /// ENVELOPE.
    #[serde(deserialize_with = "switch")]
    pub envelope: bool,
    /// BODYSTRUCTURE.
    #[serde(deserialize_with = "switch")]
    pub body_structure: bool,
    /// None, all, or the fields named.
    pub headers: HeaderFields,
    /// The raw message.
    #[serde(deserialize_with = "switch")]
    pub source: bool,
    /// The parsed message.
    pub message: MessageDetail,
}

/// Which header fields are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HeaderFields {
    /// None.
    #[default]
    None,
    /// The whole header.
    All,
    /// These, by RFC 5322 `field-name`; never empty.
    Named(Vec<String>),
}

/// Whether the message is to be parsed, and how.
#[derive(Debug, Clone, Default)]
pub enum MessageDetail {
    /// No.
    #[default]
    None,
    /// Yes.
    Parsed(ParseOptions),
}

impl FetchQuery {
    /// Whether the whole raw message has to come over the wire.
    pub fn needs_source(&self) -> bool {
        self.source || matches!(self.message, MessageDetail::Parsed(_))
    }

    /// Whether a message, or its header, is taken apart.
    pub(crate) fn needs_parsing(&self) -> bool {
        let from_source = self.source && (self.envelope || self.body_structure);
        from_source || self.headers != HeaderFields::None || matches!(self.message, MessageDetail::Parsed(_))
    }
}

/// `undefined` is left out by JSON and `null` is taken for the same.
fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}

impl<'de> Deserialize<'de> for HeaderFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "`headers` is a boolean or a list of header field names")]
        enum Form {
            Switch(bool),
            Named(Vec<String>),
        }
        Ok(match Option::<Form>::deserialize(deserializer)? {
            None | Some(Form::Switch(false)) => Self::None,
            Some(Form::Switch(true)) => Self::All,
            Some(Form::Named(names)) => {
                check_field_names(&names).map_err(D::Error::custom)?;
                if names.is_empty() { Self::None } else { Self::Named(names) }
            }
        })
    }
}

impl<'de> Deserialize<'de> for MessageDetail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<SwitchOr<ParseOptions>>::deserialize(deserializer)? {
            None | Some(SwitchOr::Switch(false)) => Self::None,
            Some(SwitchOr::Switch(true)) => Self::Parsed(ParseOptions::default()),
            Some(SwitchOr::Object(options)) => Self::Parsed(options),
        })
    }
}

/// RFC 5322 §3.6.8: `field-name = 1*ftext`, printable ASCII without the colon. Quotes and braces are refused beside:
/// no registered field has them, and they mean something in a command.
fn check_field_names(names: &[String]) -> Result<(), String> {
    if names.len() > MAX_FIELD_NAMES {
        return Err(format!("`headers` names more than {MAX_FIELD_NAMES} fields; use true for all"));
    }
    match names.iter().position(|name| !is_field_name(name)) {
        Some(index) => Err(format!("`headers[{index}]` is not a header field name")),
        None => Ok(()),
    }
}

/// Whether `name` can stand in a header and, bare, in a command.
pub(crate) fn is_field_name(name: &str) -> bool {
    let special = |b| matches!(b, b':' | b'"' | b'\\' | b'(' | b')' | b'{' | b'%' | b'*' | b']');
    (1..=MAX_FIELD_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && !special(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(json: &str) -> Result<FetchQuery, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_form_of_the_contract() {
        let all = query(r#"{"flags":true,"headers":["Subject","X-Spam-Flag"],"message":{"attachments":"content"}}"#);
        let all = all.unwrap();
        assert!(all.flags && !all.size && all.needs_source());
        assert_eq!(all.headers, HeaderFields::Named(vec!["Subject".into(), "X-Spam-Flag".into()]));
        let none = query(r#"{"headers":[],"message":false,"source":null}"#).unwrap();
        assert!(!none.needs_source() && none.headers == HeaderFields::None);
        assert_eq!(query(r#"{"headers":true}"#).unwrap().headers, HeaderFields::All);
    }

    #[test]
    fn command_injection_by_field_name() {
        for name in ["", "Sub ject", "a\\r\\nA1 LOGOUT", "a)] BODY[", "a:", "ünï", "{5}", "a\\\"b", "a\\u0000"] {
            let error = query(&format!(r#"{{"headers":["Subject","{name}"]}}"#)).unwrap_err().to_string();
            assert!(error.contains("`headers[1]`"), "{name}: {error}");
        }
    }

    #[test]
    fn a_misspelt_field_is_refused_not_ignored() {
        assert!(query(r#"{"flag":true}"#).is_err());
        assert!(query(r#"{"flags":"yes"}"#).is_err());
        assert!(query(r#"{"headers":[7]}"#).is_err());
    }
}
