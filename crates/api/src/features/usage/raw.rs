//! JSON that is not known beforehand: objects as their author wrote them, bounded, with every key told once.

use std::borrow::Cow;
use std::fmt;

use finops_contract::ErrorCode;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de::DeserializeSeed};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::reject::Reject;

/// The most fields that one object may have.
const MAX_FIELDS: usize = 256;
/// How deep metadata may nest.
pub(super) const MAX_DEPTH: usize = 16;
/// How long metadata may be, as JSON text.
const MAX_METADATA: usize = 32 * 1024;

/// An object's fields in their order, values as their text.
#[derive(Debug)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// `malformed_json`, `duplicate_field`, `validation_failed` for what is no object or has too many fields.
    pub(super) fn read(text: &'a str, pointer: &str) -> Result<Self, Reject> {
        serde_json::from_str(text).map_err(|error| Reject::json(&error, pointer))
    }

    /// The fields, but for those that are null: those are as good as absent.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().filter(|(_, value)| value.get() != "null").map(|(name, value)| (name.as_ref(), *value))
    }

    /// The value of a field that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.fields().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(24);
                while let Some(Key(name)) = map.next_key()? {
                    if fields.len() == MAX_FIELDS {
                        return Err(de::Error::custom("too many fields"));
                    }
                    if fields.iter().any(|(known, _)| *known == name) {
                        return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    fields.push((name, map.next_value()?));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Any JSON value, no deeper than [`MAX_DEPTH`], every key once, no text that the database could not hold.
///
/// # Errors
/// `metadata_too_deep`, `duplicate_field`, `malformed_json`, `validation_failed`.
pub(super) fn bounded(raw: &RawValue, pointer: &str) -> Result<Value, Reject> {
    if raw.get().len() > MAX_METADATA {
        return Err(Reject::new(ErrorCode::PayloadTooLarge, pointer, format!("must be at most {MAX_METADATA} bytes")));
    }
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    Bounded { depth: 0 }.deserialize(&mut reader).map_err(|error| Reject::json(&error, pointer))
}

/// What a value that nests too deeply is refused with; [`Reject::json`] knows it.
pub(super) const TOO_DEEP: &str = "nests too deeply";

#[derive(Clone, Copy)]
struct Bounded {
    depth: usize,
}

impl Bounded {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH { Err(E::custom(TOO_DEEP)) } else { Ok(Self { depth: self.depth + 1 }) }
    }
}

impl<'de> DeserializeSeed<'de> for Bounded {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        if text.contains('\0') { Err(E::custom("must not hold NUL")) } else { Ok(Value::String(text.to_owned())) }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if name.contains('\0') {
                return Err(de::Error::custom("must not hold NUL"));
            }
            if object.contains_key(&name) {
                return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
            }
            let value = map.next_value_seed(inner)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::ErrorCode;
    use serde_json::value::RawValue;

    use super::{Object, bounded};

    fn value(text: &str) -> Result<serde_json::Value, ErrorCode> {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        bounded(raw, "/metadata").map_err(|reject| reject.code)
    }

    #[test]
    fn fields_keep_their_text() {
        let object = Object::read(r#"{"cost":1.10e-3,"a\u0062":"x","none":null}"#, "").unwrap();
        assert_eq!(object.get("cost").unwrap().get(), "1.10e-3");
        assert_eq!(object.get("ab").unwrap().get(), r#""x""#);
        assert!(object.get("none").is_none());
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for (text, code) in [
            (r#"{"a":1,"a":2}"#, ErrorCode::DuplicateField),
            (r#"{"a":1,"\u0061":2}"#, ErrorCode::DuplicateField),
            (r#"{"a":1"#, ErrorCode::MalformedJson),
            ("[1]", ErrorCode::ValidationFailed),
            ("7", ErrorCode::ValidationFailed),
        ] {
            assert_eq!(Object::read(text, "").unwrap_err().code, code, "{text}");
        }
        let many: Vec<String> = (0..300).map(|n| format!("\"f{n}\":1")).collect();
        assert_eq!(Object::read(&format!("{{{}}}", many.join(",")), "").unwrap_err().code, ErrorCode::ValidationFailed);
    }

    #[test]
    fn metadata_is_bounded() {
        let nest = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(value(&nest(16)).is_ok());
        assert_eq!(value(&nest(17)), Err(ErrorCode::MetadataTooDeep));
        assert_eq!(value(&nest(10_000)), Err(ErrorCode::MetadataTooDeep));
        assert_eq!(value(r#"{"a":{"b":1,"b":2}}"#), Err(ErrorCode::DuplicateField));
        assert_eq!(value("1e400"), Err(ErrorCode::ValidationFailed));
        assert_eq!(value(r#""a\u0000b""#), Err(ErrorCode::ValidationFailed));
        assert_eq!(value(&format!("\"{}\"", "a".repeat(40_000))), Err(ErrorCode::PayloadTooLarge));
    }
}
