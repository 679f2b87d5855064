//! Which requests may leave: those that touch only what is the run's, by name, by tag or by the journal. What they cost is `spent`'s.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::journal::Kind;
use super::super::options::{NAME_PREFIX, TAG};
use super::super::policy::keeps;
use super::super::request::Wire;
use super::spent::State;
use super::{Permit, Rails};
use crate::target::TargetError;

/// Operations of KMS that need no key of the run.
const KMS_FREE: [&str; 4] = ["GenerateRandom", "ListAliases", "ListKeys", "DescribeCustomKeyStores"];
/// What no live run sends, whoever asks: it costs, or cannot be taken back, or is not the run's alone.
const KMS_NEVER: [&str; 10] = [
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial",
    "DisconnectCustomKeyStore",
    "ImportKeyMaterial",
    "ReplicateKey",
    "RotateKeyOnDemand",
    "UpdateCustomKeyStore",
    "UpdatePrimaryRegion",
];
/// Parameters that name an entity of IAM.
const IAM_NAMES: [&str; 3] = ["GroupName", "RoleName", "UserName"];

impl Rails {
    /// What a request makes or deletes, if it may leave.
    ///
    /// # Errors
    /// [`TargetError::Unsupported`] for what is not the run's.
    pub(super) fn permit(&self, wire: &Wire, state: &State) -> Result<Permit, TargetError> {
        match wire {
            Wire::Kms { operation, with } => self.kms(operation, with, state),
            Wire::Query { operation, with } => self.query(operation, with),
            Wire::S3 {
                reads,
                bucket,
                makes_bucket,
                deletes_bucket,
            } => {
                let Some(bucket) = bucket else {
                    return if *reads {
                        Ok(Permit::default())
                    } else {
                        Err(not_ours("a bucket"))
                    };
                };
                if !bucket.starts_with(NAME_PREFIX) {
                    return if *reads {
                        Ok(Permit::default())
                    } else {
                        Err(not_ours("a bucket"))
                    };
                }
                let resource = self.resource(Kind::Bucket, bucket);
                Ok(Permit {
                    makes: makes_bucket.then(|| resource.clone()),
                    deletes: deletes_bucket.then_some(resource),
                })
            }
            Wire::Organizations => Ok(Permit::default()),
            Wire::Other => Err(TargetError::unsupported(
                "a service other than KMS, S3, IAM and STS on AWS",
            )),
        }
    }

    fn kms(&self, operation: &str, with: &Value, state: &State) -> Result<Permit, TargetError> {
        let text = |name: &str| with.get(name).and_then(Value::as_str);
        if KMS_NEVER.contains(&operation) {
            return Err(TargetError::unsupported(format!("kms:{operation} on AWS")));
        }
        if let Some(policy) = text("Policy")
            && matches!(operation, "CreateKey" | "PutKeyPolicy")
            && !keeps(policy, &self.provisioner.arn)
        {
            return Err(TargetError::unsupported(
                "a key policy that may shut the provisioner out",
            ));
        }
        if operation == "CreateKey" {
            let tags = with.get("Tags").and_then(Value::as_array);
            let token = tags.into_iter().flatten().find_map(|tag| {
                let named = tag.get("TagKey").and_then(Value::as_str) == Some(TAG);
                tag.get("TagValue").and_then(Value::as_str).filter(|_| named)
            });
            let token = token.ok_or_else(|| TargetError::unsupported("making keys outside the world on AWS"))?;
            return Ok(Permit {
                makes: Some(self.resource(Kind::Key, token)),
                deletes: None,
            });
        }
        let own_alias = |alias: &str| {
            alias
                .rsplit_once("alias/")
                .is_some_and(|(_, name)| name.starts_with(NAME_PREFIX))
        };
        let own = |key: &str| {
            let id = key.rsplit_once("key/").map_or(key, |(_, id)| id);
            state.own_keys.contains(id) || own_alias(key)
        };
        let reads = ["Get", "List", "Describe"]
            .iter()
            .any(|verb| operation.starts_with(verb));
        for member in ["KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId"] {
            if let Some(key) = text(member)
                && !own(key)
                && !reads
                && !(key.contains("alias/aws/") && ["Encrypt", "Decrypt", "ReEncrypt"].contains(&operation))
            {
                return Err(not_ours("a key"));
            }
        }
        let named = text("KeyId").is_some() || text("TargetKeyId").is_some();
        let alias = text("AliasName");
        if let Some(alias) = alias
            && !own_alias(alias)
        {
            return Err(not_ours("an alias"));
        }
        // Decrypt finds its key in the ciphertext, RetireGrant in the token: both came from keys of the run.
        let found_otherwise = ["Decrypt", "ReEncrypt", "RetireGrant", "ListRetirableGrants"].contains(&operation);
        if !named && alias.is_none() && !reads && !found_otherwise && !KMS_FREE.contains(&operation) {
            return Err(not_ours("a key"));
        }
        let alias = alias.map(|alias| self.resource(Kind::Alias, alias));
        Ok(match operation {
            "CreateAlias" => Permit {
                makes: alias,
                deletes: None,
            },
            "DeleteAlias" => Permit {
                makes: None,
                deletes: alias,
            },
            _ => Permit::default(),
        })
    }

    fn query(&self, operation: &str, with: &BTreeMap<String, String>) -> Result<Permit, TargetError> {
        let reads = ["Get", "List"].iter().any(|verb| operation.starts_with(verb));
        if reads {
            return Ok(Permit::default());
        }
        if operation.starts_with("AssumeRole") {
            let arn = with.get("RoleArn").map(String::as_str).unwrap_or_default();
            let role = arn.rsplit('/').next().unwrap_or_default();
            let ours = arn.contains(&format!(":{}:role/", self.options.account)) && role.starts_with(NAME_PREFIX);
            return if ours {
                Ok(Permit::default())
            } else {
                Err(not_ours("a role"))
            };
        }
        let named: Vec<&str> = IAM_NAMES
            .iter()
            .filter_map(|name| with.get(*name).map(String::as_str))
            .collect();
        if named.iter().any(|name| !name.starts_with(NAME_PREFIX)) {
            return Err(not_ours("a user, role or group"));
        }
        let first = named.first().copied();
        let policy = match operation {
            "CreatePolicy" => with
                .get("PolicyName")
                .filter(|name| name.starts_with(NAME_PREFIX))
                .map(|name| {
                    let path = with.get("Path").map_or("/", String::as_str);
                    format!("arn:aws:iam::{}:policy{path}{name}", self.options.account)
                }),
            "DeletePolicy" | "CreatePolicyVersion" | "DeletePolicyVersion" | "SetDefaultPolicyVersion" => with
                .get("PolicyArn")
                .filter(|arn| arn.rsplit('/').next().is_some_and(|name| name.starts_with(NAME_PREFIX)))
                .cloned(),
            _ if first.is_none() => return Err(TargetError::unsupported(format!("iam:{operation} on AWS"))),
            _ => None,
        };
        let about_policies = operation.ends_with("Policy") && matches!(operation, "CreatePolicy" | "DeletePolicy")
            || operation.contains("PolicyVersion");
        if about_policies && policy.is_none() {
            return Err(not_ours("a policy"));
        }
        if matches!(operation, "CreateUser" | "CreateRole" | "CreatePolicy") {
            let tagged = with
                .iter()
                .any(|(name, value)| name.starts_with("Tags.member.") && name.ends_with(".Key") && value == TAG);
            if !tagged {
                return Err(TargetError::unsupported(
                    "making users, roles and policies outside the world on AWS",
                ));
            }
        }
        let entity = |kind| first.map(|name| self.resource(kind, name));
        let (makes, deletes) = match operation {
            "CreateUser" => (entity(Kind::User), None),
            "CreateRole" => (entity(Kind::Role), None),
            "CreateGroup" => (entity(Kind::Group), None),
            "CreatePolicy" => (policy.map(|arn| self.resource(Kind::Policy, &arn)), None),
            "DeleteUser" => (None, entity(Kind::User)),
            "DeleteRole" => (None, entity(Kind::Role)),
            "DeleteGroup" => (None, entity(Kind::Group)),
            "DeletePolicy" => (None, policy.map(|arn| self.resource(Kind::Policy, &arn))),
            _ => (None, None),
        };
        Ok(Permit { makes, deletes })
    }
}

fn not_ours(what: &str) -> TargetError {
    TargetError::unsupported(format!("touching {what} that is not the run's on AWS"))
}
