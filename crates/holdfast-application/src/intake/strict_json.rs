//! Reads bytes as one JSON text, strictly: a member named twice is refused, because two readers would choose
//! differently, and so is a text that would take far more memory than it has bytes.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The most values of a text: a batch of 16 MiB has fewer, while as many bytes of `{"":0}` would take a gigabyte.
const VALUES_MAX: usize = 1_000_000;

/// Reads `bytes` as one JSON value in UTF-8.
///
/// # Errors
///
/// A sentence about what is wrong, and where.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err("the text begins with a byte order mark".to_owned());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let left = Cell::new(VALUES_MAX);
    let value = Strict(&left).deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// How many values there may still be.
#[derive(Clone, Copy)]
struct Strict<'l>(&'l Cell<usize>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.0.get().checked_sub(1);
        self.0.set(left.ok_or_else(|| D::Error::custom(format_args!("there are more than {VALUES_MAX} values")))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is too large"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = array.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the member {name:?} stands there twice")));
            }
            let value = object.next_value_seed(self)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_read() {
        assert_eq!(parse(br#" {"a":[1,"x",null]} "#), Ok(serde_json::json!({"a": [1, "x", null]})));
    }

    #[test]
    fn a_text_of_more_values_than_any_request_needs_is_refused() {
        let zeros = |count: usize| format!("[{}0]", "0,".repeat(count));
        assert!(parse(zeros(VALUES_MAX - 2).as_bytes()).is_ok());
        let refused = parse(zeros(VALUES_MAX - 1).as_bytes()).expect_err("one too many");
        assert!(refused.starts_with("there are more than 1000000 values at line 1 column "), "{refused}");
    }

    #[test]
    fn what_is_not_one_clean_text_is_refused() {
        let deep = "[".repeat(500);
        let texts: [&[u8]; 13] = [
            b"",
            b"{",
            b"{}{}",
            b"{} x",
            b"\xEF\xBB\xBF{}",
            b"\xFF\xFE{\0}\0",
            b"{\"a\":1,\"a\":2}",
            b"[{\"a\":1,\"\\u0061\":2}]",
            b"{\"a\":\"\xC3\x28\"}",
            b"{\"a\":\"\\ud800\"}",
            b"[1e400]",
            b"{'a':1}",
            deep.as_bytes(),
        ];
        for text in texts {
            assert!(parse(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }
}
