//! Builds a case's world on the target through the API, as each account's administrator (its root user, where there is one), in a fixed order. What the target chose on the way
//! is bound. The order matters: a policy that would stand in the way of the provisioner is put last.

mod identity;
mod keys;
mod memory;
mod plain;
mod recovery;
mod services;
mod storage;

use aws_credential_types::Credentials;
use countersign_model::case::{AccountSpec, BucketSpec, Case, KeySpec, WorldSpec};
use countersign_model::name::{AccountId, Region};
use countersign_model::world::World;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::control::ControlPlane;
use super::driver::{Answer, Driver};
use super::{Settling, TargetError};
use crate::differential::{Binding, BindingError};
pub(super) use keys::is_imported;
use memory::Source;
pub(super) use memory::{Memory, Recall};

/// Secret of every account's root user on the embedded target.
const ROOT_SECRET: &str = "test";
/// IAM is global; its calls are signed for this Region.
const GLOBAL: &str = "us-east-1";
/// Codes by which a target says that it does not have an operation.
const NOT_THERE: [&str; 4] = [
    "NotImplemented",
    "UnknownOperationException",
    "InvalidAction",
    "UnknownOperation",
];

/// By what means a world is built: they differ from target to target.
pub(super) struct Means<'a> {
    /// Credentials of somebody who may do everything in an account.
    pub(super) administrator: &'a dyn Fn(&AccountId) -> Result<Credentials, TargetError>,
    /// Puts states in place that the API cannot produce, where there is such a way.
    pub(super) control: Option<&'a ControlPlane>,
    /// Whether what AWS gives a new bucket by default is put explicitly.
    pub(super) explicit_defaults: bool,
    /// Whether `BypassPolicyLockoutSafetyCheck` may be sent. Without it a policy that locks the administrator out is refused.
    pub(super) bypass_lockout_check: bool,
    /// How late what was made is seen; none where it is seen at once.
    pub(super) settling: Option<Settling>,
}

/// A world that was built.
pub(super) struct BuiltWorld {
    /// All that the target chose.
    pub(super) binding: Binding,
    /// The time it is then.
    pub(super) clock: Timestamp,
    /// What other worlds can be made of, where it is remembered.
    pub(super) memory: Option<Memory>,
}

/// Builds the world: where changes propagate late, what a later call needs is waited for. With a `recall` it is made of the world that was built before, where that can be.
///
/// # Errors
/// [`TargetError::Provisioning`] naming what the target refuses; [`TargetError::Unsupported`] for what it does not have.
pub(super) async fn provision(
    driver: &mut Driver,
    means: &Means<'_>,
    case: &Case,
    world: &World,
    recall: Option<Recall<'_>>,
) -> Result<BuiltWorld, TargetError> {
    let mut provisioner = Provisioner {
        recall,
        driver,
        means,
        case,
        world,
        spec: world.resolved_spec(),
        binding: Binding::default(),
        clock: world.now(),
    };
    for symbol in world.initial_symbols().unique_ids.values() {
        provisioner.binding.declare(symbol);
    }
    provisioner.keys().await?;
    provisioner.principals().await?;
    provisioner.identity_policies().await?;
    provisioner.buckets().await?;
    provisioner.functions().await?;
    provisioner.trust_policies().await?;
    provisioner.vaults().await?;
    provisioner.grants().await?;
    provisioner.bucket_policies().await?;
    provisioner.key_states().await?;
    provisioner.before_key_policies()?;
    provisioner.key_policies().await?;
    provisioner.arranged_states().await?;
    provisioner.come_true().await?;
    Ok(BuiltWorld {
        binding: provisioner.binding,
        clock: provisioner.clock,
        memory: provisioner.recall.and_then(Recall::into_memory),
    })
}

/// The root user of an account.
pub(super) fn root(account: &AccountId) -> Credentials {
    Credentials::new(account.as_str(), ROOT_SECRET, None, None, "countersign-root")
}

/// The ARN of a function's execution role, which a Case names or gives whole.
pub(super) fn role_arn(account: &AccountId, spec: &AccountSpec, role: &str) -> String {
    if role.starts_with("arn:") {
        return role.to_owned();
    }
    let path = spec
        .roles
        .get(role)
        .and_then(|role| role.path.as_deref())
        .unwrap_or("/");
    format!("arn:aws:iam::{account}:role{path}{role}")
}

struct Provisioner<'a> {
    driver: &'a mut Driver,
    means: &'a Means<'a>,
    case: &'a Case,
    world: &'a World,
    spec: &'a WorldSpec,
    binding: Binding,
    /// The time on the target.
    clock: Timestamp,
    recall: Option<Recall<'a>>,
}

impl<'a> Provisioner<'a> {
    async fn iam(
        &mut self,
        account: &AccountId,
        call: &str,
        parameters: Value,
        what: &str,
    ) -> Result<Value, TargetError> {
        let region = Region::new(GLOBAL).unwrap_or_default();
        self.call(account, &region, call, parameters, what).await
    }

    /// A call as the account's root user. Members that are null are left out; texts are translated.
    async fn call(
        &mut self,
        account: &AccountId,
        region: &Region,
        call: &str,
        parameters: Value,
        what: &str,
    ) -> Result<Value, TargetError> {
        let with = match self.outward(&without_null(parameters))? {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        let answer = Box::pin(self.make(account, region, call, &with)).await?;
        if is_missing(&answer) {
            return Err(TargetError::unsupported(call));
        }
        accepted(answer, what)
    }

    /// What AWS calls the flag that lets a policy lock its author out; absent where it may not be sent.
    fn bypass(&self) -> Option<bool> {
        self.means.bypass_lockout_check.then_some(true)
    }

    fn bind(&mut self, symbol: &str, output: &Value, pointer: &str) -> Result<(), TargetError> {
        let value = output
            .pointer(pointer)
            .and_then(Value::as_str)
            .ok_or_else(|| TargetError::adapter(format!("the target's answer has no `{pointer}`")))?;
        self.binding
            .bind(symbol, value)
            .map_err(|error| TargetError::Provisioning {
                what: format!("`{pointer}`"),
                code: "Binding".to_owned(),
                message: error.to_string(),
            })
    }

    fn bind_unique_id(&mut self, arn: &str, output: &Value, pointer: &str) -> Result<(), TargetError> {
        match self.world.initial_symbols().unique_ids.get(arn) {
            Some(symbol) => self.bind(symbol, output, pointer),
            None => Err(TargetError::adapter(format!(
                "the model gives no unique id for `{arn}`"
            ))),
        }
    }

    fn outward(&self, value: &Value) -> Result<Value, TargetError> {
        self.binding.outward_json(value.clone()).map_err(unbound)
    }

    fn region(&self, region: Option<&'a Region>) -> &'a Region {
        region.unwrap_or(&self.spec.region)
    }

    fn all_keys(&self) -> Vec<(&'a AccountId, &'a str, &'a KeySpec)> {
        let accounts = self.spec.accounts.iter();
        accounts
            .flat_map(|(account, spec)| spec.keys.iter().map(move |(name, key)| (account, name.as_str(), key)))
            .collect()
    }

    fn all_buckets(&self) -> Vec<(&'a AccountId, &'a str, &'a BucketSpec)> {
        let accounts = self.spec.accounts.iter();
        accounts
            .flat_map(|(account, spec)| {
                spec.buckets
                    .iter()
                    .map(move |(name, bucket)| (account, name.as_str(), bucket))
            })
            .collect()
    }
}

/// Whether the target says that it does not have the operation.
pub(super) fn is_missing(answer: &Answer) -> bool {
    answer
        .result
        .as_ref()
        .is_err_and(|failure| failure.code.as_deref().is_some_and(|code| NOT_THERE.contains(&code)))
}

/// A symbol that was never bound.
pub(super) fn unbound(error: BindingError) -> TargetError {
    match error {
        BindingError::Unbound { symbol } => TargetError::Unbound { symbol },
        other => TargetError::adapter(other.to_string()),
    }
}

fn accepted(answer: Answer, what: &str) -> Result<Value, TargetError> {
    let status = answer.status;
    answer.result.map_err(|failure| TargetError::Provisioning {
        what: what.to_owned(),
        code: failure.code.unwrap_or_else(|| status.to_string()),
        message: failure.message.unwrap_or_default(),
    })
}

fn list_of_tags(tags: &std::collections::BTreeMap<String, String>, key: &str, value: &str) -> Value {
    if tags.is_empty() {
        return Value::Null;
    }
    tags.iter()
        .map(|(name, text)| json!({key: name, value: text}))
        .collect()
}

/// The object without its members that are null.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use countersign_model::case::RoleSpec;

    use super::*;

    #[test]
    fn a_role_arn_has_the_path() {
        let account = AccountId::new("111122223333").expect("twelve digits");
        let mut spec = AccountSpec::default();
        spec.roles.insert(
            "fn".to_owned(),
            RoleSpec {
                path: Some("/service/".to_owned()),
                ..Default::default()
            },
        );
        assert_eq!(
            role_arn(&account, &spec, "fn"),
            "arn:aws:iam::111122223333:role/service/fn"
        );
        assert_eq!(
            role_arn(&account, &spec, "other"),
            "arn:aws:iam::111122223333:role/other"
        );
        assert_eq!(
            role_arn(&account, &spec, "arn:aws:iam::1:role/x"),
            "arn:aws:iam::1:role/x"
        );
    }
}
