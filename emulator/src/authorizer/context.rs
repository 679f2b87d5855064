//! The request context: lower-cased condition keys with one or several values. Which keys a call has is
//! decided by its builder; here live only storage and lookup.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use crate::names::{AccountId, Region};

/// The value of a context key (`iam:§3.1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// A single-valued key. Numbers, dates, booleans, addresses are their text.
    Single(Words),
    /// A multi-valued key (`ArrayOf…`, `iam:C-04`), whatever the number of values.
    Many(Box<[String]>),
    /// Several names that differ only by case fell on the key (`iam:C-02`, `iam:OQ-15`): present, but
    /// equal to nothing.
    Conflicting,
}

/// The text of a single-valued key. Most texts of a request are constants or belong to something that lives on: copying
/// them a question is what a question would spend most of its time with.
#[derive(Clone, Debug)]
pub enum Words {
    /// A constant.
    Fixed(&'static str),
    /// A name that others hold too.
    Shared(Arc<str>),
    /// Made for this question.
    Own(String),
}

impl Words {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Shared(text) => text,
            Self::Own(text) => text,
        }
    }
}

impl Deref for Words {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Words {}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::Own(text)
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Self::Own(text.to_owned())
    }
}

impl From<&AccountId> for Words {
    fn from(account: &AccountId) -> Self {
        Self::Shared(account.shared())
    }
}

impl From<&Region> for Words {
    fn from(region: &Region) -> Self {
        Self::Shared(region.shared())
    }
}

impl From<Arc<str>> for Words {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

/// A condition key whose hash the compiler knows; see `known!`.
#[derive(Clone, Copy, Debug)]
pub struct KnownKey {
    text: &'static str,
    hash: u64,
}

impl KnownKey {
    /// A key in lower case. For constants: another letter case does not compile there.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            assert!(
                bytes[at].is_ascii() && !bytes[at].is_ascii_uppercase(),
                "a known key is in lower case"
            );
            at += 1;
        }
        Self {
            text,
            hash: hash_of(text),
        }
    }
}

/// A condition key that the code names: checked and hashed by the compiler.
macro_rules! known {
    ($key:literal) => {
        const { $crate::authorizer::KnownKey::new($key) }
    };
}
pub(crate) use known;

/// The name of a condition key in lower case, and its hash.
#[derive(Clone, Debug)]
pub struct KeyName {
    text: Cow<'static, str>,
    hash: u64,
}

impl From<KnownKey> for KeyName {
    #[inline]
    fn from(key: KnownKey) -> Self {
        Self {
            text: Cow::Borrowed(key.text),
            hash: key.hash,
        }
    }
}

impl From<&'static str> for KeyName {
    fn from(text: &'static str) -> Self {
        Self::lower(Cow::Borrowed(text))
    }
}

impl From<String> for KeyName {
    fn from(text: String) -> Self {
        Self::lower(Cow::Owned(text))
    }
}

impl KeyName {
    fn lower(text: Cow<'static, str>) -> Self {
        let text = if is_lower(&text) {
            text
        } else if text.is_ascii() {
            let mut text = text.into_owned();
            text.make_ascii_lowercase();
            Cow::Owned(text)
        } else {
            Cow::Owned(text.to_lowercase())
        };
        Self {
            hash: hash_of(&text),
            text,
        }
    }
}

/// Place for the global condition keys of a call and some of its service's. No more: memory allocators serve pieces of up
/// to a kibibyte much faster than larger ones, and every question needs these.
const USUAL_KEYS: usize = 32;

/// The condition keys of one request. Key names are case-insensitive (`iam:C-01`).
// INVARIANT: keys are lower case; no key occurs twice; value n and hash n are those of key n.
#[derive(Clone, Debug, Default)]
pub struct Context {
    keys: Vec<Cow<'static, str>>,
    values: Vec<ContextValue>,
    /// Scanning a few numbers that lie side by side is faster than any search by text.
    hashes: Vec<u64>,
}

impl Context {
    /// No keys at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a single-valued key, replacing what was there.
    #[inline]
    pub fn set(&mut self, key: impl Into<KeyName>, value: impl Into<Words>) {
        self.put(key.into(), ContextValue::Single(value.into()));
    }

    /// Sets a single-valued key to a constant, replacing what was there.
    #[inline]
    pub fn set_fixed(&mut self, key: impl Into<KeyName>, value: &'static str) {
        self.put(key.into(), ContextValue::Single(Words::Fixed(value)));
    }

    /// Sets a boolean key as its text.
    #[inline]
    pub fn set_bool(&mut self, key: impl Into<KeyName>, value: bool) {
        self.set_fixed(key, if value { "true" } else { "false" });
    }

    /// Sets a multi-valued key, replacing what was there. An empty list is present but null (`iam:C-05`).
    pub fn set_many(&mut self, key: impl Into<KeyName>, values: Vec<String>) {
        self.put(key.into(), ContextValue::Many(values.into()));
    }

    /// Sets a key to a value of any sort, replacing what was there.
    pub fn set_value(&mut self, key: impl Into<KeyName>, value: ContextValue) {
        self.put(key.into(), value);
    }

    /// Adds one member of a family of keys such as `aws:PrincipalTag/` + tag key or
    /// `kms:EncryptionContext:` + pair key. Two members whose names differ only by case make the key
    /// [`ContextValue::Conflicting`] (`iam:C-02`).
    pub fn add_member(&mut self, family: &str, name: &str, value: impl Into<Words>) {
        let key = KeyName::from([family, name].concat());
        let value = match self.position(&key.text, key.hash) {
            Some(_) => ContextValue::Conflicting,
            None => ContextValue::Single(value.into()),
        };
        self.put(key, value);
    }

    /// Removes a key; absent keys are fine.
    pub fn remove(&mut self, key: &str) {
        let key = KeyName::from(key.to_owned());
        if let Some(at) = self.position(&key.text, key.hash) {
            self.keys.swap_remove(at);
            self.values.swap_remove(at);
            self.hashes.swap_remove(at);
        }
    }

    /// The value of a key, any letter case.
    pub fn get(&self, key: &str) -> Option<&ContextValue> {
        if is_lower(key) {
            return self.get_lower(key);
        }
        self.get_lower(&key.to_lowercase())
    }

    /// The value of a key that is known to be lower case.
    pub fn get_lower(&self, key: &str) -> Option<&ContextValue> {
        self.get_hashed(key, hash_of(key))
    }

    /// The value of a key that is known to be lower case, by its hash: the hot path.
    #[inline]
    pub(crate) fn get_hashed(&self, key: &str, hash: u64) -> Option<&ContextValue> {
        self.values.get(self.position(key, hash)?)
    }

    /// The text of a single-valued key; `None` when absent, multi-valued or conflicting (`iam:V-04`).
    #[inline]
    pub fn single_lower(&self, key: &str) -> Option<&str> {
        match self.get_lower(key)? {
            ContextValue::Single(text) => Some(text),
            ContextValue::Many(_) | ContextValue::Conflicting => None,
        }
    }

    /// All keys (lower case) with their values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        let mut pairs: Vec<(&str, &ContextValue)> = self.keys.iter().map(AsRef::as_ref).zip(&self.values).collect();
        pairs.sort_unstable_by_key(|(key, _)| *key);
        pairs.into_iter()
    }

    fn put(&mut self, key: KeyName, value: ContextValue) {
        if let Some(at) = self.position(&key.text, key.hash) {
            self.values[at] = value;
            return;
        }
        if self.keys.is_empty() {
            self.keys.reserve(USUAL_KEYS);
            self.values.reserve(USUAL_KEYS);
            self.hashes.reserve(USUAL_KEYS);
        }
        self.hashes.push(key.hash);
        self.keys.push(key.text);
        self.values.push(value);
    }

    #[inline]
    fn position(&self, key: &str, hash: u64) -> Option<usize> {
        let mut from = 0;
        loop {
            let at = from + self.hashes.get(from..)?.iter().position(|have| *have == hash)?;
            if self.keys.get(at)? == key {
                return Some(at);
            }
            from = at + 1;
        }
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.keys.len() == other.keys.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Context {}

/// FNV-1a. Keys come from policies and requests of one test world: nobody gains by colliding, and a collision only
/// costs a comparison.
pub(crate) const fn hash_of(key: &str) -> u64 {
    let bytes = key.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

fn is_lower(key: &str) -> bool {
    !key.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::{Context, ContextValue, hash_of};

    #[test]
    fn keys_are_found_in_any_letter_case() {
        let mut context = Context::new();
        context.set("aws:SourceIp", "203.0.113.5");
        context.set_many("aws:TagKeys", vec!["a".into()]);
        assert_eq!(context.single_lower("aws:sourceip"), Some("203.0.113.5"));
        assert!(context.get("AWS:SourceIP").is_some());
        assert_eq!(context.single_lower("aws:tagkeys"), None);
        context.remove("AWS:SOURCEIP");
        assert_eq!(context.get("aws:SourceIp"), None);
    }

    #[test]
    fn members_that_differ_by_case_conflict() {
        let mut context = Context::new();
        context.add_member("aws:RequestTag/", "ec2", "test1");
        assert_eq!(context.single_lower("aws:requesttag/ec2"), Some("test1"));
        context.add_member("aws:RequestTag/", "EC2", "test2");
        assert_eq!(context.get("aws:RequestTag/ec2"), Some(&ContextValue::Conflicting));
    }

    #[test]
    fn both_lookups_agree_whatever_was_set_and_removed() {
        let mut context = Context::new();
        for index in 0..200_usize {
            let key = format!("k{}", index * 7919 % 61);
            match index % 3 {
                0 => context.remove(&key),
                1 => context.set(key, index.to_string()),
                _ => context.add_member("k", &key[1..], "x"),
            }
            for number in 0..61 {
                let key = format!("k{number}");
                assert_eq!(context.get_hashed(&key, hash_of(&key)), context.get_lower(&key));
            }
        }
        assert!(context.iter().is_sorted_by_key(|(key, _)| key.to_owned()));
    }
}
