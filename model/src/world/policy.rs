//! Policies as services store them: the text, the parsed document, and the unique ids that principals were bound to when it was saved
//! (`iam:P-40`, `iam:P-41`). AWS managed policies are here as data. What a document says about a request is `policy`'s business.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::Value;

use super::state::State;
use crate::name::{AccountId, Arn};
use crate::policy::{Document, PolicyError, PolicyKind, PrincipalEntry, PrincipalForm};

/// A policy that passed the checks of saving.
#[derive(Debug, Clone)]
pub(crate) struct StoredPolicy {
    pub(crate) text: String,
    pub(crate) document: Document,
    /// Principal ARN -> unique id of the user or role it named when the policy was saved.
    bound: BTreeMap<String, String>,
}

impl PartialEq for StoredPolicy {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.bound == other.bound
    }
}

impl StoredPolicy {
    /// Does what AWS does when the text is saved: checks it, looks for the principals, binds users and roles to their unique ids.
    pub(crate) fn save(state: &State, text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        let mut document = Document::save(text, kind, state.as_of)?;
        for entry in document.principals() {
            if !principal_exists(state, entry) {
                return Err(entry.unknown(kind));
            }
        }
        let bound: BTreeMap<String, String> = document
            .principals()
            .filter_map(|entry| Some((entry.text.clone(), unique_id_of(state, &entry.text)?)))
            .collect();
        document.bind(|arn| bound.get(arn).cloned());
        Ok(Self {
            text: text.to_owned(),
            document,
            bound,
        })
    }

    /// Its Deny statements, for resources whose policy can only forbid (`svc:S-4`). None if there is none.
    pub(crate) fn denies(&self) -> Option<Self> {
        let document = self.document.clone().denies();
        (!document.statements().is_empty()).then(|| Self::silent(document))
    }

    /// A policy that AWS or this model wrote; names no users or roles.
    ///
    /// # Panics
    /// When the text is not a policy of its kind: every caller gives text of this crate, and tests read all of it.
    pub(crate) fn own(text: &str, kind: PolicyKind) -> Self {
        let document = Document::parse(text, kind).expect("policies written by this crate parse; a test reads each");
        Self {
            text: text.to_owned(),
            document,
            bound: BTreeMap::new(),
        }
    }

    /// A policy without a text: for a resource that has none where one is needed, and for what is left of one.
    pub(crate) fn silent(document: Document) -> Self {
        Self {
            text: String::new(),
            document,
            bound: BTreeMap::new(),
        }
    }

    /// The text as an API read shows it: principals that are gone appear as their unique ids (`iam:P-40`, `svc:G-15`), accounts that
    /// were named by their bare ids as root ARNs (`iam:P-03`).
    pub(crate) fn shown(&self, state: &State) -> String {
        let gone = self
            .bound
            .iter()
            .filter(|(arn, id)| unique_id_of(state, arn).as_ref() != Some(id))
            .map(|(arn, id)| (arn.as_str(), id.clone()));
        let accounts = self.document.principals().filter_map(|entry| {
            Some((
                entry.text.as_str(),
                AccountId::new(entry.text.as_str()).ok()?.root_arn(),
            ))
        });
        let shown: BTreeMap<&str, String> = gone.chain(accounts).collect();
        if shown.is_empty() {
            return self.text.clone();
        }
        let Ok(mut value) = serde_json::from_str::<Value>(&self.text) else {
            return self.text.clone();
        };
        for statement in statements_mut(&mut value) {
            for member in ["Principal", "NotPrincipal"] {
                if let Some(principal) = statement.get_mut(member) {
                    replace_texts(principal, &shown);
                }
            }
        }
        value.to_string()
    }
}

/// A managed policy by ARN: AWS's own, or a customer's of the account in the ARN.
pub(crate) fn managed(state: &State, arn: &str) -> Option<Arc<StoredPolicy>> {
    if let Some(policy) = aws_managed(arn) {
        return Some(policy);
    }
    let account = Arn::new(arn).ok()?.account()?;
    Some(state.account(&account)?.managed_policies.get(arn)?.policy.clone())
}

/// An AWS managed policy of `spec/managed_policies.json`.
pub(crate) fn aws_managed(arn: &str) -> Option<Arc<StoredPolicy>> {
    AWS_MANAGED.get(arn).cloned()
}

/// The ARNs of the AWS managed policies the model knows.
#[cfg(test)]
pub(crate) fn aws_managed_arns() -> impl Iterator<Item = &'static str> {
    AWS_MANAGED.keys().map(String::as_str)
}

/// The unique id of the user or role an ARN names: also of the role behind a session ARN.
pub(crate) fn unique_id_of(state: &State, arn: &str) -> Option<String> {
    match Named::of(arn)? {
        Named::User { account, path_and_name } => {
            let (name, user) = with_path(&state.account(&account)?.users, &path_and_name, |user| &user.path)?;
            debug_assert!(path_and_name.ends_with(name));
            Some(user.unique_id.clone())
        }
        Named::Role { account, path_and_name } => {
            let (_, role) = with_path(&state.account(&account)?.roles, &path_and_name, |role| &role.path)?;
            Some(role.unique_id.clone())
        }
        Named::Session { .. } | Named::FederatedUser | Named::Account | Named::Other => None,
    }
}

/// Whether a principal of a policy exists (`iam:P-43`, `svc:P-4`): accounts and services always do, users and roles only if the world
/// has them. Texts that cannot be principals (groups, wildcards) do not exist either (`iam:P-14`, `iam:P-16`).
fn principal_exists(state: &State, entry: &PrincipalEntry) -> bool {
    match &entry.form {
        PrincipalForm::User { .. } | PrincipalForm::Role { .. } => unique_id_of(state, &entry.text).is_some(),
        PrincipalForm::AssumedRole { account, role, .. } => state.role(account, role).is_some(),
        PrincipalForm::UniqueId(id) => unique_id_exists(state, id),
        PrincipalForm::Impossible => false,
        _ => true,
    }
}

/// Whether a user or role carries the id now.
pub(crate) fn unique_id_exists(state: &State, id: &str) -> bool {
    state.contents.accounts.values().any(|account| {
        account.users.values().any(|user| user.unique_id == id)
            || account.roles.values().any(|role| role.unique_id == id)
    })
}

/// What an `iam` or `sts` ARN names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// `arn:aws:iam::A:root`.
    Account,
    /// `arn:aws:iam::A:user/path/name`.
    User { account: AccountId, path_and_name: String },
    /// `arn:aws:iam::A:role/path/name`.
    Role { account: AccountId, path_and_name: String },
    /// `arn:aws:sts::A:assumed-role/role/session`.
    Session { account: AccountId, role: String },
    /// `arn:aws:sts::A:federated-user/name`.
    FederatedUser,
    /// An ARN of something else: a group, a provider, another service.
    Other,
}

impl Named {
    /// Reads an ARN; none for texts that are no ARN (`*`, an account id, a service).
    pub(crate) fn of(text: &str) -> Option<Self> {
        let arn = Arn::new(text).ok()?;
        let Some(account) = arn.account() else {
            // Identity providers of trust policies carry an account too; nothing else may lack one.
            return Some(Self::Other);
        };
        Some(match (arn.field(2), arn.field(5)) {
            ("iam", "root") => Self::Account,
            ("iam", resource) => match resource.split_once('/') {
                Some(("user", name)) => Self::User {
                    account,
                    path_and_name: format!("/{name}"),
                },
                Some(("role", name)) => Self::Role {
                    account,
                    path_and_name: format!("/{name}"),
                },
                Some(("saml-provider" | "oidc-provider", _)) => Self::FederatedUser,
                _ => Self::Other,
            },
            ("sts", resource) => match resource.split_once('/') {
                Some(("assumed-role", rest)) => match rest.split_once('/') {
                    Some((role, session)) if !session.is_empty() => Self::Session {
                        account,
                        role: role.to_owned(),
                    },
                    _ => Self::Other,
                },
                Some(("federated-user", _)) => Self::FederatedUser,
                _ => Self::Other,
            },
            _ => Self::Other,
        })
    }
}

/// The entity whose path and name make up the text.
fn with_path<'a, T>(
    entities: &'a BTreeMap<String, T>,
    path_and_name: &str,
    path: impl Fn(&T) -> &String,
) -> Option<(&'a String, &'a T)> {
    let name = path_and_name.rsplit('/').next()?;
    let (key, entity) = entities.get_key_value(name)?;
    (format!("{}{name}", path(entity)) == path_and_name).then_some((key, entity))
}

fn statements_mut(policy: &mut Value) -> Vec<&mut Value> {
    match policy.get_mut("Statement") {
        Some(Value::Array(list)) => list.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn replace_texts(value: &mut Value, replacements: &BTreeMap<&str, String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = replacements.get(text.as_str()) {
                text.clone_from(new);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| replace_texts(item, replacements)),
        Value::Object(map) => map.values_mut().for_each(|item| replace_texts(item, replacements)),
        _ => {}
    }
}

/// An entry of `spec/managed_policies.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManagedEntry {
    /// Where the text was read.
    #[expect(dead_code, reason = "kept with the data; read by people")]
    source: String,
    document: Value,
}

static AWS_MANAGED: LazyLock<BTreeMap<String, Arc<StoredPolicy>>> = LazyLock::new(|| {
    let entries: BTreeMap<String, ManagedEntry> =
        serde_json::from_str(include_str!("../../spec/managed_policies.json"))
            .expect("managed_policies.json is part of this crate and a test reads it");
    entries
        .into_iter()
        .map(|(arn, entry)| {
            (
                arn,
                Arc::new(StoredPolicy::own(&entry.document.to_string(), PolicyKind::Managed)),
            )
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aws_managed_policy_parses_and_is_named_by_its_arn() {
        let arns: Vec<&str> = aws_managed_arns().collect();
        assert!(arns.len() >= 6, "{arns:?}");
        for arn in arns {
            assert!(arn.starts_with("arn:aws:iam::aws:policy/"), "{arn}");
            assert!(aws_managed(arn).is_some());
        }
    }

    #[test]
    fn arns_are_read_for_what_they_name() {
        let account = AccountId::new("111122223333").expect("twelve digits");
        for (text, named) in [
            ("arn:aws:iam::111122223333:root", Some(Named::Account)),
            (
                "arn:aws:iam::111122223333:user/x/u",
                Some(Named::User {
                    account: account.clone(),
                    path_and_name: "/x/u".to_owned(),
                }),
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/R/s",
                Some(Named::Session {
                    account: account.clone(),
                    role: "R".to_owned(),
                }),
            ),
            ("arn:aws:iam::111122223333:group/G", Some(Named::Other)),
            ("arn:aws:sts::111122223333:assumed-role/R", Some(Named::Other)),
            ("*", None),
            ("backup.amazonaws.com", None),
        ] {
            assert_eq!(Named::of(text), named, "{text}");
        }
    }
}
