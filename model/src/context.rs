//! The request context: condition keys with their values, and which principal keys exist for which caller (`iam:K-01`…`K-11`).
//! How a condition reads them lives in `policy::condition`; what KMS and S3 add lives with those services.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::{SmolStr, StrExt as _};

use crate::evaluate::Caller;

/// The value of a condition key. Whether a key holds one value or a list is a property of the key, not of the request (`iam:C-04`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextValue {
    /// A single-valued key.
    One(SmolStr),
    /// A multivalued key; the list may be empty, which counts as null (`iam:C-05`).
    Many(Vec<String>),
    /// Two tags whose keys differ only in case collide on this key; no value can be relied on (`iam:C-02`, `iam:OQ-15`).
    Ambiguous,
}

impl From<&str> for ContextValue {
    fn from(text: &str) -> Self {
        Self::One(SmolStr::new(text))
    }
}

impl From<String> for ContextValue {
    fn from(text: String) -> Self {
        Self::One(text.into())
    }
}

impl From<bool> for ContextValue {
    fn from(truth: bool) -> Self {
        Self::One(SmolStr::new_static(if truth { "true" } else { "false" }))
    }
}

impl From<Vec<String>> for ContextValue {
    fn from(list: Vec<String>) -> Self {
        Self::Many(list)
    }
}

/// One key as it was given. Most names and values are short, and there are dozens in every check: such texts stand where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// The name without case.
    // INVARIANT: ASCII lower case.
    key: SmolStr,
    /// The spelling given, for messages and traces.
    spelling: SmolStr,
    value: ContextValue,
}

/// The keys of one request. Key names compare without case, tag-key parts included (`iam:C-01`).
/// Every check has a copy of its caller's with some keys more: copies share the entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    // INVARIANT: sorted by the length of the key, then by the key, each key once: most comparisons are of lengths.
    entries: Vec<Arc<Entry>>,
}

impl Context {
    /// No keys at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key, replacing an earlier value.
    pub fn set(&mut self, key: &str, value: impl Into<ContextValue>) {
        self.put(Arc::new(Entry {
            key: key.to_ascii_lowercase_smolstr(),
            spelling: SmolStr::new(key),
            value: value.into(),
        }));
    }

    /// Sets every key of another context.
    pub fn set_all(&mut self, other: &Self) {
        for entry in &other.entries {
            self.put(Arc::clone(entry));
        }
    }

    /// The same, for building a context in one expression.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<ContextValue>) -> Self {
        self.set(key, value);
        self
    }

    /// Sets one key per entry of a map whose keys are case-sensitive, such as tags or an encryption context:
    /// `prefix/name` (or `prefix:name`). Names that differ only in case make the key ambiguous (`iam:C-02`, `iam:OQ-15`).
    pub fn set_family<'a>(&mut self, prefix: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (name, value) in pairs {
            let key = format!("{prefix}{name}");
            match seen.insert(key.to_ascii_lowercase(), name) {
                Some(other) if other != name => self.set(&key, ContextValue::Ambiguous),
                _ => self.set(&key, value),
            }
        }
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        if let Ok(place) = self.place_of(&lower_case(key)) {
            self.entries.remove(place);
        }
    }

    /// Keeps the keys, given in lower case, of which something is true.
    pub(crate) fn retain(&mut self, mut is_kept: impl FnMut(&str) -> bool) {
        self.entries.retain(|entry| is_kept(&entry.key));
    }

    /// The value of a key given in any case.
    pub fn get(&self, key: &str) -> Option<&ContextValue> {
        self.get_lowercase(&lower_case(key))
    }

    /// The value of a key that is already lower case.
    pub(crate) fn get_lowercase(&self, key: &str) -> Option<&ContextValue> {
        let place = self.place_of(key).ok()?;
        Some(&self.entries[place].value)
    }

    /// The value of a single-valued key.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(ContextValue::One(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether a boolean key is present and true.
    pub fn is_true(&self, key: &str) -> bool {
        self.text(key).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Every key in the spelling given, with its value, sorted without case.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        sorted(self.entries.iter()).map(|entry| (entry.spelling.as_str(), &entry.value))
    }

    /// The keys whose names start with a prefix (without case), sorted: the rest of the name as spelled, and the value.
    pub fn family<'a>(&'a self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a ContextValue)> {
        let length = prefix.len();
        let lower = lower_case(prefix);
        sorted(self.entries.iter().filter(move |entry| entry.key.starts_with(&*lower)))
            .map(move |entry| (&entry.spelling[length..], &entry.value))
    }

    fn put(&mut self, entry: Arc<Entry>) {
        match self.place_of(&entry.key) {
            Ok(place) => self.entries[place] = entry,
            Err(place) => self.entries.insert(place, entry),
        }
    }

    /// Where a key in lower case stands, or would stand.
    fn place_of(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| {
            entry
                .key
                .len()
                .cmp(&key.len())
                .then_with(|| entry.key.as_str().cmp(key))
        })
    }
}

fn sorted<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> impl Iterator<Item = &'a Arc<Entry>> {
    let mut sorted: Vec<_> = entries.collect();
    sorted.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    sorted.into_iter()
}

fn lower_case(key: &str) -> Cow<'_, str> {
    if key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(key.to_ascii_lowercase())
    } else {
        Cow::Borrowed(key)
    }
}

/// Keys that are multivalued by type, lower case (`iam:C-04`, `iam:K-04`…`K-83`, `svc:C-5`, `svc:C-12`, `svc:C-13`).
const MULTIVALUED: &[&str] = &[
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "kms:resourcealiases",
    "s3:requestobjecttagkeys",
    "sts:transitivetagkeys",
];

/// Whether a key is multivalued by type. Unknown keys are single-valued.
pub fn is_multivalued(key: &str) -> bool {
    MULTIVALUED.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// The keys that follow from who calls, per the availability matrix of `iam:K-01`…`K-11` and `iam:K-62`.
///
/// A forwarding flow overwrites `aws:ViaAWSService`; session facts (`K-20`…`K-30`), tags and organization keys are the world's to add.
/// Identities whose unique id is unknown have no `aws:userid`.
pub fn principal_keys(caller: &Caller) -> Context {
    let mut keys = Context::new().with("aws:ViaAWSService", false);
    if let Some(account) = caller.account() {
        keys.set("aws:PrincipalAccount", account.as_str());
        keys.set("aws:PrincipalIsAWSService", false);
    }
    match caller {
        Caller::User(user) => {
            keys.set("aws:PrincipalArn", user.arn());
            keys.set("aws:PrincipalType", "User");
            keys.set("aws:username", user.name.as_str());
            if let Some(id) = &user.unique_id {
                keys.set("aws:userid", id.as_str());
            }
        }
        Caller::RoleSession(session) => {
            // The role's ARN with its path, never the session ARN (iam:K-95).
            keys.set("aws:PrincipalArn", session.role.arn());
            keys.set("aws:PrincipalType", "AssumedRole");
            // Some session of the role has an id too, if no name that anybody knows (iam:K-10).
            if let Some(id) = &session.role.unique_id {
                let name = session.name.as_deref().unwrap_or_default();
                keys.set("aws:userid", format!("{id}:{name}"));
            }
        }
        Caller::FederatedUser(federated) => {
            keys.set("aws:PrincipalArn", caller.message_name());
            keys.set("aws:PrincipalType", "FederatedUser");
            keys.set("aws:userid", format!("{}:{}", federated.account(), federated.name));
        }
        Caller::Root {
            account,
            partition,
            assumed,
        } => {
            keys.set("aws:PrincipalArn", format!("arn:{partition}:iam::{account}:root"));
            keys.set("aws:PrincipalType", "Account");
            keys.set("aws:userid", account.as_str());
            if *assumed {
                keys.set("aws:AssumedRoot", true);
            }
        }
        Caller::Service { name, names } => {
            keys.set("aws:PrincipalIsAWSService", true);
            keys.set("aws:PrincipalServiceName", name.as_str());
            if !names.is_empty() {
                keys.set("aws:PrincipalServiceNamesList", names.clone());
            }
        }
        Caller::Federated { provider } => keys.set("aws:FederatedProvider", provider.as_str()),
        Caller::Anonymous => {
            keys.set("aws:PrincipalAccount", "anonymous");
            keys.set("aws:PrincipalType", "Anonymous");
            keys.set("aws:userid", "anonymous");
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case_tag_keys_included() {
        // iam:C-01
        let context = Context::new().with("aws:RequestTag/TagKey1", "V");
        assert_eq!(context.text("AWS:requesttag/tagkey1"), Some("V"));
        assert_eq!(
            context
                .family("aws:RequestTag/")
                .map(|(name, _)| name)
                .collect::<Vec<_>>(),
            ["TagKey1"]
        );
    }

    #[test]
    fn tags_that_differ_only_in_case_are_ambiguous() {
        // iam:C-02, iam:OQ-15
        let mut context = Context::new();
        context.set_family("aws:ResourceTag/", [("ec2", "test1"), ("EC2", "test2"), ("team", "a")]);
        assert_eq!(context.get("aws:ResourceTag/ec2"), Some(&ContextValue::Ambiguous));
        assert_eq!(context.text("aws:resourcetag/TEAM"), Some("a"));
    }
}
