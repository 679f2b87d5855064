//! Who makes a call, as it stands in a file: exactly one of role, user, root, service, federated_user, anonymous.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PolicyText;
use crate::name::AccountId;

/// Who makes a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "PrincipalForm", into = "PrincipalForm")]
pub enum StepPrincipal {
    /// An IAM user with long-term keys, or with temporary ones when `mfa` is said.
    User {
        /// Its account, where the name alone does not say it.
        account: Option<AccountId>,
        /// User name.
        name: String,
        /// GetSessionToken credentials with or without MFA.
        mfa: Option<bool>,
    },
    /// The root user of an account.
    Root {
        /// The account; absent only where the world has one.
        account: Option<AccountId>,
    },
    /// A session of a role.
    Role {
        /// Its account, where the name alone does not say it.
        account: Option<AccountId>,
        /// Role name, without path.
        name: String,
        /// Session name; default `session`.
        session: String,
        /// Inline session policy.
        policy: Option<PolicyKey>,
        /// Managed session policies.
        policy_arns: Vec<String>,
        /// Session tags.
        tags: BTreeMap<String, String>,
        /// Source identity.
        source_identity: Option<String>,
        /// Whether the session was made with MFA.
        mfa: Option<bool>,
    },
    /// A GetFederationToken session.
    FederatedUser {
        /// Its account, where the parent's name alone does not say it.
        account: Option<AccountId>,
        /// Federated user name.
        name: String,
        /// The IAM user that made it, or `root`.
        by: String,
        /// Inline session policy.
        policy: Option<PolicyKey>,
    },
    /// An AWS service acting as itself (`svc:F-3`).
    Service {
        /// Service principal name.
        name: String,
        /// `aws:SourceArn`.
        source_arn: Option<String>,
        /// `aws:SourceAccount`.
        source_account: Option<AccountId>,
    },
    /// Nobody: the request is not signed.
    Anonymous,
}

/// A session policy, comparable so that equal principals share credentials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "PolicyText", into = "PolicyText")]
#[schemars(with = "PolicyText")]
pub struct PolicyKey {
    text: String,
    verbatim: bool,
}

impl PolicyKey {
    /// The text that goes over the wire.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl From<PolicyText> for PolicyKey {
    fn from(policy: PolicyText) -> Self {
        Self {
            text: policy.text(),
            verbatim: matches!(policy, PolicyText::Verbatim(_)),
        }
    }
}

impl From<PolicyKey> for PolicyText {
    fn from(key: PolicyKey) -> Self {
        match serde_json::from_str(&key.text) {
            Ok(serde_json::Value::Object(map)) if !key.verbatim => Self::Document(map),
            _ => Self::Verbatim(key.text),
        }
    }
}

/// A principal as written: exactly one of role, user, root, service, federated_user, anonymous.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct PrincipalForm {
    /// Role name.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Session name of the role; default `session`.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// User name.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// `true`, or the account id.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<RootForm>,
    /// A service principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<ServiceForm>,
    /// A GetFederationToken session.
    #[serde(skip_serializing_if = "Option::is_none")]
    federated_user: Option<FederatedUserForm>,
    /// `true`: the request is not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymous: Option<bool>,
    /// The principal's account, where the name alone does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    /// Inline session policy of a role session.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyText>,
    /// Managed session policies of a role session.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy_arns: Vec<String>,
    /// Session tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    /// Source identity of a role session.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
    /// Whether MFA was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa: Option<bool>,
}

/// `root: true` or `root: "111122223333"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected `true` or an account id")]
enum RootForm {
    /// The only account of the world.
    Only(bool),
    /// The account named.
    Account(AccountId),
}

/// A service principal as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceForm {
    /// Service principal name.
    name: String,
    /// `aws:SourceArn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_arn: Option<String>,
    /// `aws:SourceAccount`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_account: Option<AccountId>,
}

/// A federated user as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FederatedUserForm {
    /// Federated user name.
    name: String,
    /// The IAM user that made it, or `root`.
    by: String,
    /// Inline session policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyText>,
}

impl TryFrom<PrincipalForm> for StepPrincipal {
    type Error = String;

    fn try_from(form: PrincipalForm) -> Result<Self, String> {
        let given = [
            ("role", form.role.is_some()),
            ("user", form.user.is_some()),
            ("root", form.root.is_some()),
            ("service", form.service.is_some()),
            ("federated_user", form.federated_user.is_some()),
            ("anonymous", form.anonymous.is_some()),
        ];
        let present: Vec<&str> = given.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        if present.len() != 1 {
            return Err(
                "a principal is exactly one of role, user, root, service, federated_user, anonymous".to_owned(),
            );
        }
        if form.role.is_none() {
            let extra = [
                ("session", form.session.is_some()),
                ("policy", form.policy.is_some()),
                ("policy_arns", !form.policy_arns.is_empty()),
                ("tags", !form.tags.is_empty()),
                ("source_identity", form.source_identity.is_some()),
                ("mfa", form.mfa.is_some() && form.user.is_none()),
                (
                    "account",
                    form.account.is_some() && (form.service.is_some() || form.anonymous.is_some()),
                ),
            ];
            if let Some((name, _)) = extra.iter().find(|(_, is)| *is) {
                return Err(format!("`{name}` has no meaning on `{}`", present[0]));
            }
        }
        if let Some(name) = form.role {
            return Ok(Self::Role {
                account: form.account,
                name,
                session: form.session.unwrap_or_else(|| "session".to_owned()),
                policy: form.policy.map(PolicyKey::from),
                policy_arns: form.policy_arns,
                tags: form.tags,
                source_identity: form.source_identity,
                mfa: form.mfa,
            });
        }
        if let Some(name) = form.user {
            return Ok(Self::User {
                account: form.account,
                name,
                mfa: form.mfa,
            });
        }
        if let Some(root) = form.root {
            return match root {
                RootForm::Only(true) => Ok(Self::Root { account: form.account }),
                RootForm::Only(false) => Err("`root` is `true` or an account id".to_owned()),
                RootForm::Account(account) => Ok(Self::Root { account: Some(account) }),
            };
        }
        if let Some(service) = form.service {
            return Ok(Self::Service {
                name: service.name,
                source_arn: service.source_arn,
                source_account: service.source_account,
            });
        }
        if let Some(federated) = form.federated_user {
            return Ok(Self::FederatedUser {
                account: form.account,
                name: federated.name,
                by: federated.by,
                policy: federated.policy.map(PolicyKey::from),
            });
        }
        if form.anonymous == Some(true) {
            Ok(Self::Anonymous)
        } else {
            Err("`anonymous` is `true` or absent".to_owned())
        }
    }
}

impl From<StepPrincipal> for PrincipalForm {
    fn from(principal: StepPrincipal) -> Self {
        match principal {
            StepPrincipal::User { account, name, mfa } => Self {
                user: Some(name),
                account,
                mfa,
                ..Self::default()
            },
            StepPrincipal::Root { account } => Self {
                root: Some(account.map_or(RootForm::Only(true), RootForm::Account)),
                ..Self::default()
            },
            StepPrincipal::Role {
                account,
                name,
                session,
                policy,
                policy_arns,
                tags,
                source_identity,
                mfa,
            } => Self {
                role: Some(name),
                session: Some(session),
                account,
                policy: policy.map(PolicyText::from),
                policy_arns,
                tags,
                source_identity,
                mfa,
                ..Self::default()
            },
            StepPrincipal::FederatedUser {
                account,
                name,
                by,
                policy,
            } => Self {
                federated_user: Some(FederatedUserForm {
                    name,
                    by,
                    policy: policy.map(PolicyText::from),
                }),
                account,
                ..Self::default()
            },
            StepPrincipal::Service {
                name,
                source_arn,
                source_account,
            } => Self {
                service: Some(ServiceForm {
                    name,
                    source_arn,
                    source_account,
                }),
                ..Self::default()
            },
            StepPrincipal::Anonymous => Self {
                anonymous: Some(true),
                ..Self::default()
            },
        }
    }
}

impl JsonSchema for StepPrincipal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Principal".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        PrincipalForm::json_schema(generator)
    }
}
