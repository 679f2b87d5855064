//! The request context: lower-cased condition keys with one or several values. Which keys a call has is
//! decided by its builder; here live only storage and lookup.

use std::borrow::Cow;

/// The value of a context key (`iam:§3.1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// A single-valued key. Numbers, dates, booleans, addresses are their text.
    Single(String),
    /// A multi-valued key (`ArrayOf…`, `iam:C-04`), whatever the number of values.
    Many(Vec<String>),
    /// Several names that differ only by case fell on the key (`iam:C-02`, `iam:OQ-15`): present, but
    /// equal to nothing.
    Conflicting,
}

/// Place for the global condition keys of a call and some of its service's. No more: memory allocators serve pieces of up
/// to a kibibyte much faster than larger ones, and every question needs these.
const USUAL_KEYS: usize = 32;

/// The condition keys of one request. Key names are case-insensitive (`iam:C-01`).
// INVARIANT: keys are sorted and lower case; no key occurs twice; value n and hash n are those of key n.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.put(lower(key.into()), ContextValue::Single(value.into()));
    }

    /// Sets a boolean key as its text.
    pub fn set_bool(&mut self, key: impl Into<Cow<'static, str>>, value: bool) {
        self.set(key, if value { "true" } else { "false" });
    }

    /// Sets a multi-valued key, replacing what was there. An empty list is present but null (`iam:C-05`).
    pub fn set_many(&mut self, key: impl Into<Cow<'static, str>>, values: Vec<String>) {
        self.put(lower(key.into()), ContextValue::Many(values));
    }

    /// Sets a key to a value of any sort, replacing what was there.
    pub fn set_value(&mut self, key: impl Into<Cow<'static, str>>, value: ContextValue) {
        self.put(lower(key.into()), value);
    }

    /// Adds one member of a family of keys such as `aws:PrincipalTag/` + tag key or
    /// `kms:EncryptionContext:` + pair key. Two members whose names differ only by case make the key
    /// [`ContextValue::Conflicting`] (`iam:C-02`).
    pub fn add_member(&mut self, family: &str, name: &str, value: impl Into<String>) {
        let key = lower(Cow::Owned(format!("{family}{name}")));
        let value = ContextValue::Single(value.into());
        let value = match self.position(&key) {
            Ok(_) => ContextValue::Conflicting,
            Err(_) => value,
        };
        self.put(key, value);
    }

    /// Removes a key; absent keys are fine.
    pub fn remove(&mut self, key: &str) {
        let key = lower(Cow::Owned(key.to_owned()));
        if let Ok(at) = self.position(&key) {
            self.keys.remove(at);
            self.values.remove(at);
            self.hashes.remove(at);
        }
    }

    /// The value of a key, any letter case.
    pub fn get(&self, key: &str) -> Option<&ContextValue> {
        if key.bytes().any(|byte| byte.is_ascii_uppercase()) || !key.is_ascii() {
            return self.get_lower(&key.to_lowercase());
        }
        self.get_lower(key)
    }

    /// The value of a key that is known to be lower case.
    pub fn get_lower(&self, key: &str) -> Option<&ContextValue> {
        self.position(key).ok().map(|at| &self.values[at])
    }

    /// The value of a key that is known to be lower case, by its hash: the hot path.
    #[inline]
    pub(crate) fn get_hashed(&self, key: &str, hash: u64) -> Option<&ContextValue> {
        let mut from = 0;
        loop {
            let at = from + self.hashes.get(from..)?.iter().position(|have| *have == hash)?;
            if self.keys.get(at)? == key {
                return self.values.get(at);
            }
            from = at + 1;
        }
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
        self.keys.iter().map(AsRef::as_ref).zip(&self.values)
    }

    fn put(&mut self, key: Cow<'static, str>, value: ContextValue) {
        match self.position(&key) {
            Ok(at) => self.values[at] = value,
            Err(at) => {
                if self.keys.is_empty() {
                    self.keys.reserve(USUAL_KEYS);
                    self.values.reserve(USUAL_KEYS);
                    self.hashes.reserve(USUAL_KEYS);
                }
                self.hashes.insert(at, hash_of(&key));
                self.keys.insert(at, key);
                self.values.insert(at, value);
            }
        }
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.keys.binary_search_by(|have| have.as_ref().cmp(key))
    }
}

/// FNV-1a. Keys come from policies and requests of one test world: nobody gains by colliding, and a collision only
/// costs a comparison.
pub(crate) fn hash_of(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn lower(key: Cow<'static, str>) -> Cow<'static, str> {
    if key.is_ascii() && !key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return key;
    }
    Cow::Owned(key.to_lowercase())
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
