//! Long texts that cross the language border beside the JSON of a page, not inside it.
//!
//! Reading a body of 100 KB out of JSON costs the JavaScript thread a hundred times what copying it costs. So inside
//! [`collect`], a field with `#[serde(serialize_with = "email_base::text::beside")]` serialises as the index of its text
//! in a list, when it is long; anywhere else, and when it is short, as the text itself.

use std::cell::RefCell;

use serde::{Serialize as _, Serializer};

/// Shorter texts stay in the JSON: a string object of their own would cost more.
const MIN_BYTES: usize = 512;

thread_local! {
    static TEXTS: RefCell<Option<Vec<Text>>> = const { RefCell::new(None) };
}

/// A text in the form that a JavaScript engine keeps it in, so that handing it over is one copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// One byte a character.
    Ascii(String),
    /// Two bytes a UTF-16 code unit.
    Utf16(Vec<u16>),
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        if text.is_ascii() { Self::Ascii(text.to_owned()) } else { Self::Utf16(text.encode_utf16().collect()) }
    }
}

/// Runs `serialise`, and gives its result with the texts that were set aside, in order of their indices.
pub fn collect<T>(serialise: impl FnOnce() -> T) -> (T, Vec<Text>) {
    let outer = TEXTS.replace(Some(Vec::new()));
    let result = serialise();
    (result, TEXTS.replace(outer).unwrap_or_default())
}

/// For `serialize_with`, on an optional text.
pub fn beside<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match text {
        Some(text) => one_beside(text, serializer),
        None => serializer.serialize_none(),
    }
}

/// For `serialize_with`, on a text that is always there.
pub fn one_beside<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let index = TEXTS.with_borrow_mut(|texts| {
        let texts = texts.as_mut().filter(|_| text.len() >= MIN_BYTES)?;
        texts.push(Text::from(text));
        Some(texts.len() - 1)
    });
    match index {
        Some(index) => serializer.serialize_u64(index as u64),
        None => text.serialize(serializer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize)]
    struct Row {
        #[serde(serialize_with = "beside")]
        html: Option<String>,
    }

    fn json(html: Option<&str>) -> String {
        serde_json::to_string(&Row { html: html.map(str::to_owned) }).unwrap()
    }

    #[test]
    fn short_texts_and_texts_outside_a_page_stay_inside() {
        let long = "x".repeat(MIN_BYTES);
        assert_eq!(json(Some(&long)), format!(r#"{{"html":"{long}"}}"#));
        let (inside, texts) = collect(|| [json(Some("short")), json(None)]);
        assert_eq!(inside, [r#"{"html":"short"}"#, r#"{"html":null}"#]);
        assert!(texts.is_empty());
    }

    #[test]
    fn long_texts_go_beside_in_their_narrowest_form() {
        let texts = ["a", "你"].map(|c| c.repeat(MIN_BYTES));
        let (rows, beside) = collect(|| texts.each_ref().map(|text| json(Some(text))));
        assert_eq!(rows, [r#"{"html":0}"#, r#"{"html":1}"#]);
        assert_eq!(beside[0], Text::Ascii("a".repeat(MIN_BYTES)));
        assert_eq!(beside[1], Text::Utf16("你".encode_utf16().cycle().take(MIN_BYTES).collect()));
    }
}
