//! Who calls, what follows from caller and resource, and which mode the pair has. No policies.

use std::collections::BTreeMap;

use super::form::GivenContext;
use super::{Caller, ResourcePolicyMode};
use crate::authorizer::{Context, ContextValue, arn, known};
use crate::names::AccountId;

/// One request of an evaluator case.
#[derive(Clone, Debug)]
pub struct EvaluatorRequest {
    /// Who calls.
    pub caller: Caller,
    /// `service:Name`.
    pub action: String,
    /// ARN or `*`.
    pub resource: String,
    /// Given, or the account of the ARN; `None` means the caller's own.
    pub resource_account: Option<AccountId>,
    /// Given keys over derived ones.
    pub context: Context,
    /// The pairs of `kms:EncryptionContext:…` in the spelling of the request, for grant constraints.
    pub(super) encryption_context: BTreeMap<String, String>,
}

impl EvaluatorRequest {
    /// What a resource policy means for the pair (`iam:§10`, errata `iam:L-74`).
    pub(super) fn mode(&self) -> ResourcePolicyMode {
        let resource = arn::split(&self.resource);
        match resource {
            Some([_, _, "kms", _, _, name]) if name.starts_with("key/") => {
                ResourcePolicyMode::KeyPolicy { aws_managed: false }
            }
            Some([_, _, "iam", _, _, name]) if name.starts_with("role/") && self.is_assumption() => {
                ResourcePolicyMode::TrustPolicy
            }
            _ => ResourcePolicyMode::Optional,
        }
    }

    /// Whether KMS is asked for something that is no key: an alias, something of another service, or nothing at all
    /// (`svc:K-17`, `svc:K-18`).
    pub(super) fn is_keyless(&self) -> bool {
        self.is_of_service("kms") && !matches!(self.mode(), ResourcePolicyMode::KeyPolicy { .. })
    }

    /// The account that owns the resource.
    pub(super) fn owner(&self) -> Option<&AccountId> {
        self.resource_account.as_ref().or_else(|| self.caller.account())
    }

    /// Whether the action is of the service, ignoring case (`iam:M-01`).
    pub(super) fn is_of_service(&self, service: &str) -> bool {
        self.action
            .split_once(':')
            .is_some_and(|(prefix, _)| prefix.eq_ignore_ascii_case(service))
    }

    /// Whether the action is this one, ignoring case (`iam:M-01`).
    pub(super) fn is_action(&self, action: &str) -> bool {
        self.action.eq_ignore_ascii_case(action)
    }

    /// Whether KMS is asked for something about a key of another account that never works across accounts (`svc:K-8`,
    /// `svc:K-9`).
    pub(super) fn is_never_across_accounts(&self) -> bool {
        let is_foreign = match (self.caller.account(), self.owner()) {
            (Some(own), Some(owner)) => own != owner,
            _ => false,
        };
        is_foreign
            && matches!(self.mode(), ResourcePolicyMode::KeyPolicy { .. })
            && self.is_of_service("kms")
            && !super::CROSS_ACCOUNT_KEY_ACTIONS
                .iter()
                .any(|action| self.is_action(action))
    }

    /// Whether the credentials are temporary (`iam:K-20`); a user's are then those of `GetSessionToken`.
    pub(super) fn has_temporary_credentials(&self) -> bool {
        self.context.get_lower("aws:tokenissuetime").is_some()
    }

    /// What `GetSessionToken` credentials cannot do (`iam:L-78`). Tags and source identity are permissions of the
    /// `AssumeRole` call that passes them (`iam:L-74`), no calls of their own.
    pub(super) fn is_barred_from_user_sessions(&self) -> bool {
        let with_mfa = self
            .context
            .single_lower("aws:multifactorauthpresent")
            .is_some_and(|present| present.eq_ignore_ascii_case("true"));
        const OPEN: &[&str] = &[
            "sts:AssumeRole",
            "sts:GetCallerIdentity",
            "sts:SetSourceIdentity",
            "sts:TagSession",
        ];
        let is_open = OPEN.iter().any(|action| self.is_action(action));
        (self.is_of_service("iam") && !with_mfa) || (self.is_of_service("sts") && !is_open)
    }

    fn is_assumption(&self) -> bool {
        const FAMILY: &str = "sts:AssumeRole";
        let in_family = self
            .action
            .get(..FAMILY.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(FAMILY));
        in_family || self.is_action("sts:TagSession") || self.is_action("sts:SetSourceIdentity")
    }
}

/// A caller as the form names it, and the keys that follow from it.
pub(super) struct FormCaller {
    pub(super) caller: Caller,
    derived: Vec<(&'static str, String)>,
}

impl FormCaller {
    /// A service calling as itself (`iam:K-06` to `iam:K-08`).
    pub(super) fn service(name: String) -> Self {
        let derived = vec![
            ("aws:principalisawsservice", "true".to_owned()),
            ("aws:principalservicename", name.clone()),
            ("aws:principalservicenameslist", name.clone()),
        ];
        Self {
            caller: Caller::Service { name },
            derived,
        }
    }

    /// A caller with a token of an identity provider (`iam:P-11`, `iam:K-23`).
    pub(super) fn web_identity(provider: String) -> Self {
        Self {
            derived: vec![("aws:federatedprovider", provider.clone())],
            caller: Caller::WebIdentity { provider },
        }
    }

    /// A federated user of whom is known which user made it (`iam:P-04`); `None` when one of both is none.
    pub(super) fn federated_user(session: &str, maker: &str, given: &GivenContext) -> Option<Self> {
        let mut named = Self::parse(session, given)?;
        let maker_arn = maker;
        let maker = Self::parse(maker, given)?.caller;
        let Caller::FederatedUser {
            parent_user, account, ..
        } = &mut named.caller
        else {
            return None;
        };
        if maker.account() != Some(&*account) {
            return None;
        }
        *parent_user = match maker {
            Caller::User { .. } => Some((maker_arn.to_owned(), String::new())),
            Caller::Root { .. } => None,
            _ => return None,
        };
        Some(named)
    }

    /// Reads an ARN or `anonymous`. Given context keys may tell more: the unique id and the role's path.
    pub(super) fn parse(name: &str, given: &GivenContext) -> Option<Self> {
        if name == "anonymous" {
            return Some(Self {
                caller: Caller::Anonymous,
                derived: vec![
                    ("aws:principalaccount", name.to_owned()),
                    ("aws:principaltype", "Anonymous".to_owned()),
                    ("aws:userid", name.to_owned()),
                ],
            });
        }
        let ["arn", partition, service, "", account, resource] = arn::split(name)? else {
            return None;
        };
        let account = AccountId::parse(account)?;
        let mut derived = vec![
            ("aws:principalaccount", account.as_str().to_owned()),
            ("aws:principalisawsservice", "false".to_owned()),
        ];
        let mut derive = |key, value: &str| derived.push((key, value.to_owned()));
        let unique_id = given_text(given, "aws:userid").map_or("", |id| id.split(':').next().unwrap_or_default());
        let (word, rest) = resource.split_once('/').unwrap_or((resource, ""));
        let last = rest.rsplit('/').next().unwrap_or_default();
        let caller = match (service, word) {
            ("iam", "root") if resource == "root" => {
                derive("aws:principalarn", name);
                derive("aws:principaltype", "Account");
                derive("aws:userid", account.as_str());
                Caller::Root {
                    account,
                    partition: partition.to_owned(),
                    assumed: is_true(given, "aws:assumedroot"),
                }
            }
            ("iam", "user") if !last.is_empty() => {
                derive("aws:principalarn", name);
                derive("aws:principaltype", "User");
                derive("aws:username", last);
                derive("aws:userid", SOME_USER_ID);
                Caller::User {
                    account,
                    arn: name.to_owned(),
                    unique_id: unique_id.to_owned(),
                }
            }
            ("iam", "role") if !last.is_empty() => {
                derive("aws:principalarn", name);
                derive("aws:principaltype", "AssumedRole");
                derive("aws:userid", &format!("{SOME_ROLE_ID}:session"));
                Caller::RoleSession {
                    // Some session, name unknown: no session ARN of a policy is without name, so none is equal.
                    arn: format!("arn:{partition}:sts::{account}:assumed-role/{last}/"),
                    role_arn: name.to_owned(),
                    role_path_known: true,
                    role_unique_id: unique_id.to_owned(),
                    service_linked: is_service_linked(rest),
                    account,
                }
            }
            ("sts", "assumed-role") => {
                let (role, session) = rest.split_once('/')?;
                if role.is_empty() || session.is_empty() || session.contains('/') {
                    return None;
                }
                let pathless = format!("arn:{partition}:iam::{account}:role/{role}");
                let with_path = given_text(given, "aws:principalarn").filter(|arn| is_role_named(arn, &pathless));
                let role_arn = with_path.unwrap_or(&pathless).to_owned();
                derive("aws:principalarn", &role_arn);
                derive("aws:principaltype", "AssumedRole");
                derive("aws:userid", &format!("{SOME_ROLE_ID}:{session}"));
                Caller::RoleSession {
                    arn: name.to_owned(),
                    service_linked: role_arn
                        .split_once(":role/")
                        .is_some_and(|(_, path_and_name)| is_service_linked(path_and_name)),
                    role_path_known: with_path.is_some(),
                    role_arn,
                    role_unique_id: unique_id.to_owned(),
                    account,
                }
            }
            ("sts", "federated-user") if !rest.is_empty() => {
                derive("aws:principalarn", name);
                derive("aws:principaltype", "FederatedUser");
                derive("aws:userid", &format!("{account}:{rest}"));
                Caller::FederatedUser {
                    account,
                    arn: name.to_owned(),
                    // Some user whose policies are given; the form does not say which, so no policy names it.
                    parent_user: Some((String::new(), String::new())),
                }
            }
            _ => return None,
        };
        Some(Self { caller, derived })
    }
}

/// Derived keys first, then what the case gives: a value wins, null removes. Two given keys that differ only
/// by case conflict (`iam:C-02`).
pub(super) fn build_context(named: &FormCaller, owner: Option<&AccountId>, given: &GivenContext) -> Context {
    let mut context = Context::new();
    context.set_bool(known!("aws:viaawsservice"), false);
    for (key, value) in &named.derived {
        context.set_value(*key, typed(key, &ContextValue::Single(value.clone().into())));
    }
    if let Some(owner) = owner {
        context.set(known!("aws:resourceaccount"), owner.as_str());
    }
    let mut seen: BTreeMap<String, ContextValue> = BTreeMap::new();
    for (key, value) in given {
        let key = key.to_lowercase();
        match value {
            None => context.remove(&key),
            Some(value) => {
                let value = typed(&key, value);
                seen.entry(key)
                    .and_modify(|have| *have = ContextValue::Conflicting)
                    .or_insert(value);
            }
        }
    }
    for (key, value) in seen {
        context.set_value(key, value);
    }
    context
}

/// Whether the key is one of a family whose members callers name: tags and encryption contexts.
pub(super) fn is_family_member(key: &str) -> bool {
    key.contains('/')
        || key
            .get(..ENCRYPTION_CONTEXT.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(ENCRYPTION_CONTEXT))
}

const ENCRYPTION_CONTEXT: &str = "kms:EncryptionContext:";

/// The pairs of the encryption context, with the names as the case spells them.
pub(super) fn encryption_context(given: &GivenContext) -> BTreeMap<String, String> {
    given
        .iter()
        .filter_map(|(key, value)| {
            let start = key.get(..ENCRYPTION_CONTEXT.len())?;
            let name = &key[ENCRYPTION_CONTEXT.len()..];
            match value {
                Some(ContextValue::Single(text)) if start.eq_ignore_ascii_case(ENCRYPTION_CONTEXT) => {
                    Some((name.to_owned(), text.as_str().to_owned()))
                }
                _ => None,
            }
        })
        .collect()
}

/// Keys that are multi-valued by type (`iam:C-04`, `iam:§5.1`, `svc:§3`), in lower case and in order.
const MULTIVALUED_KEYS: &[&str] = &[
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
    "logs:loggeneratingresourcearns",
    "s3:requestobjecttagkeys",
    "sts:transitivetagkeys",
];

/// A scalar for a key that is multi-valued by type is a set of one.
fn typed(key: &str, value: &ContextValue) -> ContextValue {
    match value {
        ContextValue::Single(text) if MULTIVALUED_KEYS.binary_search(&key).is_ok() => {
            ContextValue::Many([text.as_str().to_owned()].into())
        }
        other => other.clone(),
    }
}

/// Users and sessions always have an id (`iam:K-10`); an ARN does not tell which, so no policy names these.
const SOME_USER_ID: &str = "AIDAUNKNOWNUNKNOWNUN";
const SOME_ROLE_ID: &str = "AROAUNKNOWNUNKNOWNUN";

/// Whether a given key is true.
fn is_true(given: &GivenContext, wanted: &str) -> bool {
    given_text(given, wanted).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// The text of a single-valued given key, any letter case.
fn given_text<'a>(given: &'a GivenContext, wanted: &str) -> Option<&'a str> {
    given.iter().find_map(|(key, value)| match value {
        Some(ContextValue::Single(text)) if key.eq_ignore_ascii_case(wanted) => Some(text.as_str()),
        _ => None,
    })
}

/// Whether `arn` is a role of the same partition, account and name as the role ARN without path.
fn is_role_named(arn: &str, pathless: &str) -> bool {
    crate::authorizer::principal::same_role_but_for_path(arn, pathless)
}

/// `iam:L-48`: the path of service-linked roles is reserved.
fn is_service_linked(path_and_name: &str) -> bool {
    path_and_name.starts_with("aws-service-role/")
}

#[cfg(test)]
mod tests {
    use super::MULTIVALUED_KEYS;

    #[test]
    fn multivalued_keys_are_lower_case_and_sorted() {
        assert!(MULTIVALUED_KEYS.is_sorted());
        assert!(MULTIVALUED_KEYS.iter().all(|key| *key == key.to_lowercase()));
    }
}
