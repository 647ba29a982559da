//! `boolean | { … }`: an option that is switched, or told how.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// As the caller gave it. An untagged enum would take an array for the object, and forget which field of it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchOr<T> {
    /// Off, or on as usual.
    Switch(bool),
    /// On, in this way.
    Object(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for SwitchOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(PhantomData))
    }
}

struct Either<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
    type Value = SwitchOr<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean or an object")
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<SwitchOr<T>, E> {
        Ok(SwitchOr::Switch(on))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<SwitchOr<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(SwitchOr::Object)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn an_array_is_no_object() {
        let read = |json| serde_json::from_str::<SwitchOr<HashMap<String, u8>>>(json);
        assert_eq!(read("true").unwrap(), SwitchOr::Switch(true));
        assert_eq!(read(r#"{"a":1}"#).unwrap(), SwitchOr::Object(HashMap::from([("a".to_owned(), 1)])));
        for wrong in ["[]", "1", "null", r#""on""#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
