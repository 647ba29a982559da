//! ID (RFC 2971): says which program this is. NetEase's mailboxes open for nobody who keeps silent.
//!
//! ```text
//! id_params_list = "(" *(string SP nstring) ")" / nil
//! ```

use super::argument;
use super::line::Line;
use crate::error::{Error, Result};

/// RFC 2971 §3.3.
const MAX_PAIRS: usize = 30;
/// RFC 2971 §3.3.
const MAX_KEY_OCTETS: usize = 30;
/// RFC 2971 §3.3.
const MAX_VALUE_OCTETS: usize = 1024;

/// Checks what the caller wants to say; without anything it is the addon's own name.
pub(crate) fn check(pairs: Option<Vec<(String, String)>>) -> Result<Vec<(String, String)>> {
    let own = || {
        let version = env!("CARGO_PKG_VERSION");
        vec![("name".to_owned(), "email-native".to_owned()), ("version".to_owned(), version.to_owned())]
    };
    let pairs = pairs.filter(|pairs| !pairs.is_empty()).unwrap_or_else(own);
    if pairs.len() > MAX_PAIRS {
        return Err(Error::argument("clientId", "has more than 30 fields"));
    }
    for (key, value) in &pairs {
        argument::text("clientId", key)?;
        argument::text("clientId", value)?;
        if key.is_empty() || key.len() > MAX_KEY_OCTETS || value.len() > MAX_VALUE_OCTETS {
            return Err(Error::argument("clientId", "has a key of more than 30 or a value of more than 1024 octets"));
        }
    }
    Ok(pairs)
}

/// The command.
pub(crate) fn line(pairs: &[(String, String)]) -> Line {
    let mut line = Line::new("ID").arg("(");
    for (index, (key, value)) in pairs.iter().enumerate() {
        line = if index == 0 { line } else { line.text(" ") };
        line = line.string(key).string_arg(value);
    }
    line.text(")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answer() {
        let pairs = check(Some(vec![("name".into(), "Noco\"Base".into()), ("vendor".into(), "北京".into())])).unwrap();
        assert_eq!(line(&pairs).shown(), "ID (\"name\" \"Noco\\\"Base\" \"vendor\" {6}⏎北京)");
        assert!(line(&check(None).unwrap()).shown().starts_with("ID (\"name\" \"email-native\""));
    }

    #[test]
    fn id_injection() {
        for (key, value) in [("a\r\nA2 NOOP", "b"), ("a", "b\r\nc"), ("a", "b\0"), ("", "b")] {
            assert!(check(Some(vec![(key.into(), value.into())])).is_err(), "{key:?} {value:?}");
        }
    }
}
