//! KMS: keys, grants, aliases, and the operations on them. Read first: [`table`] (what each operation needs), then `authorize`,
//! then `crypto` and `grant_operations`. Every call, direct or forwarded by S3, Lambda or AWS Backup, goes through `call`.
//!
//! The order of the steps of a call is that of `svc:K-32`: syntax, key, authorization, key state, usage, ciphertext, dry run, effect.

mod alias;
mod asymmetric;
pub(crate) mod authorize;
mod crypto;
pub(crate) mod grant;
mod grant_operations;
mod identifier;
pub(crate) mod key;
pub mod key_state;
mod key_store;
mod lifecycle;
mod manage;
pub(crate) mod managed_key;
mod material;
mod multi_region;
mod service_grant;
pub mod table;
mod trail;
mod unknown_key;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use key::KeyState;

use self::authorize::KeyQuestion;
use self::grant::Constraints;
use self::identifier::Resolved;
use self::key::{Key, KeyRef};
use self::key_state::KeyPart;
use self::table::{Operation, SpecRequirement, Usage};
use self::unknown_key::UnknownKey;
use crate::context::Context;
use crate::name::AccountId;
use crate::outcome::{Check, CheckDecision};
use crate::world::StepError;
use crate::world::actor::Actor;
use crate::world::parameters::Parameters;
use crate::world::state::State;
use crate::world::trace::{Answer, Refusal, Stop, Trace};

pub(crate) use lifecycle::pass_time;
pub(crate) use manage::default_key_policy;
pub(crate) use service_grant::{
    ServiceGrant, create_initial as create_initial_grant, create_service_grant, end_grant, insert_service_grant,
};

/// The answer to a Decrypt without a key id that is denied, and to one whose key is gone (`svc:X-4`).
const HIDDEN_KEY_MESSAGE: &str = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";

/// The texts that `svc:K-24`…`svc:K-26` record.
const INCORRECT_KEY: &str = "The key ID in the request does not identify a CMK that can perform this operation.";
const DRY_RUN: &str = "The request would have succeeded, but the DryRun option is set.";

/// Runs one KMS operation for an actor: direct, or forwarded when the actor says so.
pub(crate) fn call(state: &mut State, trace: &mut Trace, actor: &Actor, name: &str, with: Parameters<'_>) -> Answer {
    let Some(operation) = table::table().operation(name) else {
        return Err(StepError::Operation(format!("kms:{name}")).into());
    };
    trace.rule("svc:K-32");
    let mut call = Call {
        state,
        trace,
        actor,
        operation,
        with,
        log: trail::Log::default(),
    };
    if actor.is_anonymous() {
        // KMS accepts only signed requests (svc:K-12).
        return Err(Refusal::error("MissingAuthenticationTokenException", 400, None).into());
    }
    let answer = call.perform();
    let Call { log, state, trace, .. } = call;
    if !matches!(answer, Err(Stop::Step(_))) {
        trail::record(state, trace, actor, operation, &log, &answer);
    }
    answer
}

/// A KMS call made of parameters that a service fills in.
pub(crate) fn forwarded(state: &mut State, trace: &mut Trace, actor: &Actor, name: &str, with: Value) -> Answer {
    let with: Map<String, Value> = match with {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    call(
        state,
        trace,
        actor,
        name,
        Parameters::new(&format!("kms:{name}"), &with),
    )
}

/// Whether an actor could retire a grant, without doing it: AWS Backup asks this of whoever makes a vault (`svc:B-1`).
pub(crate) fn require_right_to_retire(
    state: &State,
    trace: &mut Trace,
    actor: &Actor,
    at: &KeyRef,
    grant: &str,
) -> Result<(), Stop> {
    let operation = table::table()
        .operation("RetireGrant")
        .expect("RetireGrant is in the table");
    let key = identifier::key(state, at);
    let Some(grant) = key.grants.iter().find(|other| other.id == grant) else {
        return Ok(());
    };
    let check = authorize::decide_retire(state, actor, operation, key, grant);
    if trace.check(check) {
        return Ok(());
    }
    let check = trace.last();
    let message = check.and_then(|check| check.message.clone());
    Err(Refusal::denied("AccessDeniedException", 400, message, check).into())
}

/// One call while it runs.
struct Call<'a> {
    state: &'a mut State,
    trace: &'a mut Trace,
    actor: &'a Actor,
    operation: &'static Operation,
    with: Parameters<'a>,
    log: trail::Log,
}

/// A key that a parameter named.
#[derive(Debug, Clone)]
struct Opened {
    key: KeyRef,
    alias: Option<String>,
}

/// What an authorization question needs beyond the key.
#[derive(Debug, Default)]
struct Ask<'a> {
    encryption_context: Option<&'a BTreeMap<String, String>>,
    keys: Context,
    child: Option<(&'a [String], &'a Constraints)>,
    /// The answer hides the key (`svc:X-4`).
    hidden: bool,
}

impl Call<'_> {
    fn perform(&mut self) -> Answer {
        match self.operation.name.as_str() {
            "Encrypt" => self.encrypt(),
            "Decrypt" => self.decrypt(),
            "ReEncrypt" => self.re_encrypt(),
            "GenerateDataKey" => self.generate_data_key(true),
            "GenerateDataKeyWithoutPlaintext" => self.generate_data_key(false),
            "GenerateRandom" => self.generate_random(),
            "CreateGrant" => self.create_grant(),
            "ListGrants" => self.list_grants(),
            "ListRetirableGrants" => self.list_retirable_grants(),
            "RetireGrant" => self.retire_grant(),
            "RevokeGrant" => self.revoke_grant(),
            "CreateAlias" => self.create_alias(),
            "UpdateAlias" => self.update_alias(),
            "DeleteAlias" => self.delete_alias(),
            "ListAliases" => self.list_aliases(),
            "CreateKey" => self.create_key(),
            "DescribeKey" => self.describe_key(),
            "ListKeys" => self.list_keys(),
            "PutKeyPolicy" => self.put_key_policy(),
            "GetKeyPolicy" => self.get_key_policy(),
            "EnableKey" => self.enable_key(true),
            "DisableKey" => self.enable_key(false),
            "ScheduleKeyDeletion" => self.schedule_key_deletion(),
            "CancelKeyDeletion" => self.cancel_key_deletion(),
            "TagResource" => self.tag_resource(),
            "UntagResource" => self.untag_resource(),
            "ListResourceTags" => self.list_resource_tags(),
            "GetKeyRotationStatus" => self.get_key_rotation_status(),
            "EnableKeyRotation" => self.enable_key_rotation(true),
            "DisableKeyRotation" => self.enable_key_rotation(false),
            "UpdateKeyDescription" => self.update_key_description(),
            "Sign" => self.sign(),
            "Verify" => self.verify(),
            "GenerateMac" => self.generate_mac(),
            "VerifyMac" => self.verify_mac(),
            "GetPublicKey" => self.get_public_key(),
            "DeriveSharedSecret" => self.derive_shared_secret(),
            "Encapsulate" => self.encapsulate(),
            "Decapsulate" => self.decapsulate(),
            "GenerateDataKeyPair" => self.generate_data_key_pair(true),
            "GenerateDataKeyPairWithoutPlaintext" => self.generate_data_key_pair(false),
            "GetParametersForImport" => self.get_parameters_for_import(),
            "ImportKeyMaterial" => self.import_key_material(),
            "DeleteImportedKeyMaterial" => self.delete_imported_key_material(),
            "RotateKeyOnDemand" => self.rotate_key_on_demand(),
            "ListKeyRotations" => self.list_key_rotations(),
            "ListKeyPolicies" => self.list_key_policies(),
            "GetKeyLastUsage" => self.get_key_last_usage(),
            "ReplicateKey" => self.replicate_key(),
            "UpdatePrimaryRegion" => self.update_primary_region(),
            "CreateCustomKeyStore" => self.create_custom_key_store(),
            "ConnectCustomKeyStore" => self.connect_custom_key_store(true),
            "DisconnectCustomKeyStore" => self.connect_custom_key_store(false),
            "UpdateCustomKeyStore" => self.update_custom_key_store(),
            "DeleteCustomKeyStore" => self.delete_custom_key_store(),
            "DescribeCustomKeyStores" => self.describe_custom_key_stores(),
            other => Err(StepError::Operation(format!("kms:{other}")).into()),
        }
    }

    fn account(&self) -> Option<&AccountId> {
        self.actor.account()
    }

    /// The caller's account, for operations that make or list something of the account. A service principal has none to do so in.
    fn own_account(&self) -> Result<AccountId, Stop> {
        self.account()
            .cloned()
            .ok_or_else(|| Refusal::error("AccessDeniedException", 400, None).into())
    }

    fn key(&self, at: &KeyRef) -> &Key {
        identifier::key(self.state, at)
    }

    fn is_foreign(&self, at: &KeyRef) -> bool {
        self.account().is_some_and(|account| *account != at.account)
    }

    /// The key that a parameter names (`svc:K-10`, step 2 of `svc:K-32`).
    fn open(&mut self, parameter: &str, action: &str) -> Result<Opened, Stop> {
        let text = self.with.needed_text(parameter)?.to_owned();
        self.trace.rule("svc:K-10");
        self.log.key_text = Some(text.clone());
        match identifier::resolve(
            self.state,
            self.operation,
            self.actor.account(),
            &self.actor.region,
            &text,
        )? {
            Resolved::Found { key, alias } => {
                self.log.keys.push(key.clone());
                Ok(Opened { key, alias })
            }
            Resolved::ForeignUnknown { arn, account } => {
                debug_assert!(Some(&account) != self.account());
                let unknown = UnknownKey {
                    operation: self.operation,
                    action,
                    arn: &arn,
                    account: &account,
                    with: self.with,
                };
                let check = unknown.denial(self.state, self.actor)?;
                Err(self.denied(check, false))
            }
        }
    }

    /// Asks and records (step 3 of `svc:K-32`).
    fn authorize(&mut self, action: &str, opened: &Opened, ask: Ask<'_>) -> Result<(), Stop> {
        let tokens = self.grant_tokens()?;
        let check = {
            let question = KeyQuestion {
                operation: self.operation,
                action,
                key: identifier::key(self.state, &opened.key),
                alias: opened.alias.as_deref(),
                encryption_context: ask.encryption_context,
                tokens: &tokens,
                keys: ask.keys,
                child: ask.child,
                policy: None,
            };
            authorize::decide(self.state, self.actor, &question)
        };
        self.require(check, ask.hidden)
    }

    /// Asks for a permission that only identity policies give (`svc:K-18`).
    fn authorize_identity(&mut self, action: &str, resource: String, keys: Context) -> Result<(), Stop> {
        let actor = self.actor;
        self.authorize_identity_as(actor, action, resource, keys)
    }

    /// The same for the actor as it appears in another Region.
    fn authorize_identity_as(
        &mut self,
        actor: &Actor,
        action: &str,
        resource: String,
        keys: Context,
    ) -> Result<(), Stop> {
        let mut keys = keys;
        authorize::set_caller_account(actor, &mut keys);
        let pair = crate::world::access::Pair::identity(action, resource, actor.account()).with_keys(keys);
        let check = crate::world::access::decide(self.state, actor, &pair);
        self.trace.rule("svc:K-18");
        self.require(check, false)
    }

    fn require(&mut self, check: Check, hidden: bool) -> Result<(), Stop> {
        if check.decision == CheckDecision::Allow {
            self.trace.check(check);
            Ok(())
        } else {
            Err(self.denied(check, hidden))
        }
    }

    /// The answer to a denied check: `AccessDeniedException`, HTTP 400 (`svc:K-31`, `svc:X-1`).
    fn denied(&mut self, check: Check, hidden: bool) -> Stop {
        self.trace.rule("svc:K-31");
        self.trace.rule(if hidden { "svc:X-4" } else { "svc:X-1" });
        self.log.denied = check.message.clone();
        let message = if hidden {
            Some(HIDDEN_KEY_MESSAGE.to_owned())
        } else {
            check.message.clone()
        };
        let refusal = Refusal::denied("AccessDeniedException", 400, message, Some(&check));
        self.trace.check(check);
        refusal.into()
    }

    /// The tokens of the request. One that no grant ever gave out is malformed (`svc:G-22`).
    fn grant_tokens(&self) -> Result<Vec<String>, Stop> {
        let tokens = self.with.texts("GrantTokens")?.unwrap_or_default();
        let known = |token: &String| {
            self.state
                .contents
                .keys
                .values()
                .any(|key| key.grants.iter().any(|grant| grant.tokens.contains(token)))
        };
        if tokens.iter().all(known) {
            Ok(tokens)
        } else {
            Err(Refusal::error("InvalidGrantTokenException", 400, None).into())
        }
    }

    /// Step 4 of `svc:K-32`: the key's state.
    fn state_permits(&mut self, at: &KeyRef, part: KeyPart) -> Result<(), Stop> {
        match key_state::state_error(&self.operation.name, identifier::key(self.state, at), part) {
            None => Ok(()),
            Some((code, message)) => {
                self.trace.rule("svc:ST-1");
                self.trace.rule("svc:ST-2");
                Err(Refusal::error(&code, 400, message).into())
            }
        }
    }

    /// Step 5 of `svc:K-32`: what the key is for and what it is (`svc:K-24`).
    fn usage_permits(&mut self, at: &KeyRef, algorithm: Option<&str>) -> Result<(), Stop> {
        let key = identifier::key(self.state, at);
        let arn = key.arn();
        if let Usage::OneOf(usages) = &self.operation.usage
            && !usages.contains(&key.usage)
        {
            let message = format!(
                "{arn} key usage is {} which is not valid for {}.",
                key.usage, self.operation.name
            );
            self.trace.rule("svc:K-24");
            return Err(Refusal::error("InvalidKeyUsageException", 400, message).into());
        }
        if let Some(algorithm) = algorithm
            && !key.algorithms().contains(&algorithm)
        {
            let message = format!("Algorithm {algorithm} is incompatible with key spec {}.", key.spec);
            self.trace.rule("svc:K-24");
            return Err(Refusal::error("InvalidKeyUsageException", 400, message).into());
        }
        let right_spec = match &self.operation.spec {
            SpecRequirement::OneOf {
                origin,
                no_custom_key_store,
                ..
            } => {
                self.operation.spec.admits_spec(&key.spec)
                    && origin.as_ref().is_none_or(|origin| *origin == key.origin)
                    && !(*no_custom_key_store && key.in_custom_key_store())
            }
            SpecRequirement::Imported => key.origin == "EXTERNAL",
            SpecRequirement::MultiRegionPrimary => key.multi_region && key.replica_of.is_none(),
            requirement => requirement.admits_spec(&key.spec),
        };
        if right_spec {
            return Ok(());
        }
        self.trace.rule("svc:K-24");
        let code = if self.operation.cryptographic {
            "InvalidKeyUsageException"
        } else {
            "UnsupportedOperationException"
        };
        Err(Refusal::error(code, 400, None).into())
    }

    /// Step 7 of `svc:K-32`: a dry run ends here (`svc:K-26`).
    fn dry_run_ends(&mut self) -> Result<(), Stop> {
        if self.operation.dry_run && self.with.is_true("DryRun")? {
            self.trace.rule("svc:K-26");
            return Err(Refusal::error("DryRunOperationException", 400, DRY_RUN.to_owned()).into());
        }
        Ok(())
    }

    fn key_mut(&mut self, at: &KeyRef) -> &mut Key {
        self.state
            .contents
            .keys
            .get_mut(at)
            .expect("an opened key stays in the state during its call")
    }
}

/// A `ValidationException` (`svc:K-32` step 1).
fn validation(message: impl Into<Option<String>>) -> Stop {
    Refusal::error("ValidationException", 400, message).into()
}

fn empty() -> Value {
    json!({})
}
