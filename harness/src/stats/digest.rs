//! A digest of anything that can be serialized, made on the way, without a JSON form in between: equal JSON forms have equal digests,
//! whatever the order of members. It lives as long as a run; what is written down is hashed by [`super::stable_hash`].

use std::fmt;

use serde::Serialize;
use serde::ser::{self, Serializer};

/// The digest; none of what cannot be serialized.
pub(crate) fn digest(value: &impl Serialize) -> Option<u64> {
    value.serialize(Digest).ok()
}

const START: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// Takes one more word in.
fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(FACTOR);
    mixed ^ (mixed >> 32)
}

fn of_bytes(kind: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words
        .iter()
        .fold(mix(START, kind), |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(mix(hash, last), bytes.len() as u64)
}

fn of_text(text: &str) -> u64 {
    of_bytes(1, text.as_bytes())
}

/// Numbers are equal as they are written: `1` is one number, whatever its type.
fn of_whole(number: i128) -> u64 {
    of_bytes(2, &number.to_le_bytes())
}

/// Makes the digest of one value.
struct Digest;

/// Makes the digest of a list.
struct List(u64);

/// Makes the digest of members in any order.
struct Members {
    sum: u64,
    name: u64,
    /// The variant around them, if any.
    variant: Option<u64>,
}

/// What has no digest.
#[derive(Debug)]
struct Unserializable;

impl fmt::Display for Unserializable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no digest")
    }
}

impl std::error::Error for Unserializable {}

impl ser::Error for Unserializable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl Members {
    fn new(variant: Option<u64>) -> Self {
        Self {
            sum: 3,
            name: 0,
            variant,
        }
    }

    fn add(&mut self, name: u64, value: u64) {
        self.sum = self.sum.wrapping_add(mix(mix(START, name), value));
    }

    fn done(self) -> u64 {
        let digest = mix(START, self.sum);
        self.variant.map_or(digest, |variant| of_variant(variant, digest))
    }
}

/// A variant with content is an object of one member.
fn of_variant(name: u64, content: u64) -> u64 {
    let mut members = Members::new(None);
    members.add(name, content);
    members.done()
}

type Made = Result<u64, Unserializable>;

impl Serializer for Digest {
    type Ok = u64;
    type Error = Unserializable;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = ser::Impossible<u64, Unserializable>;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    fn serialize_bool(self, value: bool) -> Made {
        Ok(mix(START, 4 + u64::from(value)))
    }

    fn serialize_i8(self, value: i8) -> Made {
        Ok(of_whole(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Made {
        Ok(of_whole(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Made {
        Ok(of_whole(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Made {
        Ok(of_whole(value.into()))
    }

    fn serialize_u8(self, value: u8) -> Made {
        Ok(of_whole(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Made {
        Ok(of_whole(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Made {
        Ok(of_whole(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Made {
        Ok(of_whole(value.into()))
    }

    fn serialize_f32(self, value: f32) -> Made {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Made {
        Ok(of_bytes(6, &value.to_bits().to_le_bytes()))
    }

    fn serialize_char(self, value: char) -> Made {
        Ok(of_text(value.encode_utf8(&mut [0; 4])))
    }

    fn serialize_str(self, value: &str) -> Made {
        Ok(of_text(value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Made {
        Ok(of_bytes(7, value))
    }

    fn serialize_none(self) -> Made {
        Ok(mix(START, 8))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Made {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Made {
        Ok(of_text(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Made {
        Ok(of_variant(of_text(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Unserializable> {
        Ok(List(mix(START, 9)))
    }

    fn serialize_tuple(self, length: usize) -> Result<List, Unserializable> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<List, Unserializable> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unserializable> {
        // No format of ours has one.
        Err(Unserializable)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, Unserializable> {
        Ok(Members::new(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, Unserializable> {
        Ok(Members::new(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members, Unserializable> {
        Ok(Members::new(Some(of_text(variant))))
    }
}

impl List {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        self.0 = mix(self.0, value.serialize(Digest)?);
        Ok(())
    }
}

impl ser::SerializeSeq for List {
    type Ok = u64;
    type Error = Unserializable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        self.add(value)
    }

    fn end(self) -> Made {
        Ok(self.0)
    }
}

impl ser::SerializeTuple for List {
    type Ok = u64;
    type Error = Unserializable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        self.add(value)
    }

    fn end(self) -> Made {
        Ok(self.0)
    }
}

impl ser::SerializeTupleStruct for List {
    type Ok = u64;
    type Error = Unserializable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        self.add(value)
    }

    fn end(self) -> Made {
        Ok(self.0)
    }
}

impl ser::SerializeMap for Members {
    type Ok = u64;
    type Error = Unserializable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unserializable> {
        self.name = key.serialize(Digest)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        let value = value.serialize(Digest)?;
        self.add(self.name, value);
        Ok(())
    }

    fn end(self) -> Made {
        Ok(self.done())
    }
}

impl ser::SerializeStruct for Members {
    type Ok = u64;
    type Error = Unserializable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unserializable> {
        self.add(of_text(name), value.serialize(Digest)?);
        Ok(())
    }

    fn end(self) -> Made {
        Ok(self.done())
    }
}

impl ser::SerializeStructVariant for Members {
    type Ok = u64;
    type Error = Unserializable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unserializable> {
        self.add(of_text(name), value.serialize(Digest)?);
        Ok(())
    }

    fn end(self) -> Made {
        Ok(self.done())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::digest;

    #[test]
    fn equal_values_have_one_digest_and_others_their_own() {
        assert_eq!(
            digest(&json!({"a": 1, "b": [1, 2]})),
            digest(&json!({"b": [1, 2], "a": 1})),
            "members have no order"
        );
        let different = [
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(1),
            json!(-1),
            json!(1.5),
            json!(""),
            json!("1"),
            json!("12345678"),
            json!("12345678\u{0}"),
            json!([]),
            json!([1]),
            json!([1, 2]),
            json!([2, 1]),
            json!([[1], 2]),
            json!({}),
            json!({"a": 1}),
            json!({"a": "1"}),
            json!({"b": 1}),
            json!({"a": 1, "b": 2}),
            json!({"a": 2, "b": 1}),
            json!({"a": {"b": 1}}),
        ];
        let digests: BTreeSet<_> = different.iter().map(digest).collect();
        assert_eq!(digests.len(), different.len());
        assert!(!digests.contains(&None));
    }
}
