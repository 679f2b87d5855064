//! Making, describing and changing keys: CreateKey, DescribeKey, ListKeys, the key policy, states, tags, rotation.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::authorize::{may_put_key_policy, set_key_request_properties};
use super::key::{Key, KeyManager, KeyRef, KeyState, Material, usages_of_spec};
use super::key_state::KeyPart;
use super::table::table;
use super::{Ask, Call, Opened, empty, validation};
use crate::context::{Context, ContextValue};
use crate::name::AccountId;
use crate::outcome::CheckDecision;
use crate::policy::{PolicyError, PolicyErrorKind, PolicyKind};
use crate::rule::RuleId;
use crate::world::clock::Delayed;
use crate::world::policy::StoredPolicy;
use crate::world::symbol;
use crate::world::trace::{Answer, Refusal, Stop};

/// The answer to a policy that would lock its author out (`svc:P-5`).
const LOCKOUT: &str = "The new key policy will not allow you to update the key policy in the future.";

/// The key policy that the API gives a key without one (`svc:P-7`).
pub(crate) fn default_key_policy(account: &AccountId) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": account.root_arn()},
            "Action": "kms:*",
            "Resource": "*"
        }]
    })
    .to_string()
}

/// The longest policy text the API takes; the quota of a key policy is smaller (`svc:P-1`).
const LONGEST_POLICY: usize = 131_072;

/// The length that the API asks of `Policy`, before anything is read (step 1 of `svc:K-32`).
pub(super) fn check_policy_length(text: &str) -> Result<(), Stop> {
    match text.chars().count() {
        0 => Err(validation(
            "1 validation error detected: Value '' at 'policy' failed to satisfy constraint: Member must have length greater than \
             or equal to 1"
                .to_owned(),
        )),
        1..=LONGEST_POLICY => Ok(()),
        // The answer repeats the whole text; nothing is claimed about it.
        _ => Err(validation(None)),
    }
}

/// What CreateKey is asked for, with the defaults filled in.
struct NewKey {
    spec: String,
    usage: String,
    origin: String,
    multi_region: bool,
    tags: Option<BTreeMap<String, String>>,
    policy: Option<String>,
    bypass: Option<bool>,
    description: String,
    custom_key_store: Option<String>,
}

impl Call<'_> {
    pub(super) fn create_key(&mut self) -> Answer {
        let new = self.new_key()?;
        let account = self.own_account()?;
        let keys = create_key_context(&new);
        self.trace.rule("svc:K-19");
        self.authorize_identity("kms:CreateKey", "*".to_owned(), keys)?;
        if let Some(tags) = new.tags.as_ref().filter(|tags| !tags.is_empty()) {
            self.authorize_identity("kms:TagResource", "*".to_owned(), tag_context(Some(tags), tags.keys()))?;
        }
        if new.multi_region {
            self.authorize_service_linked_role(&account)?;
        }
        if let Some(id) = &new.custom_key_store
            && self.connected_key_store(id)?.name() != new.origin
        {
            return Err(validation(None));
        }
        let seed = self.state.next_seed(&format!("{account}/{}", self.actor.region));
        let id = symbol::key_id(&seed, new.multi_region);
        let at = KeyRef {
            account: account.clone(),
            region: self.actor.region.clone(),
            id,
        };
        let policy = match &new.policy {
            Some(text) => self.save_key_policy(text)?,
            None => {
                self.trace.rule("svc:P-7");
                StoredPolicy::own(&default_key_policy(&account), PolicyKind::Key)
            }
        };
        let key = Key {
            at: at.clone(),
            state: if new.origin == "EXTERNAL" {
                KeyState::PendingImport
            } else {
                KeyState::Enabled
            },
            spec: new.spec,
            usage: new.usage,
            origin: new.origin,
            multi_region: new.multi_region,
            replica_of: None,
            manager: KeyManager::Customer,
            description: new.description,
            rotation_enabled: false,
            policy: Delayed::new(Arc::new(policy)),
            tags: Delayed::new(new.tags.unwrap_or_default()),
            grants: Vec::new(),
            deletion: None,
            material: Material {
                custom_key_store: new.custom_key_store,
                ..Material::default()
            },
        };
        if new.policy.is_some() && new.bypass != Some(true) {
            self.check_lockout(&key, key.policy.latest())?;
        }
        self.state.symbol(at.id.clone());
        self.state.symbol(at.arn());
        self.log.keys.push(at.clone());
        let output = json!({"KeyMetadata": metadata(&key)});
        self.state.contents.keys.insert(at, key.into());
        Ok(output)
    }

    fn new_key(&mut self) -> Result<NewKey, Stop> {
        let with = self.with;
        let spec = with
            .text("KeySpec")?
            .or(with.text("CustomerMasterKeySpec")?)
            .unwrap_or("SYMMETRIC_DEFAULT")
            .to_owned();
        let usages = usages_of_spec(&spec).ok_or_else(|| validation(None))?;
        let usage = match with.text("KeyUsage")? {
            Some(usage) if usages.contains(&usage) => usage.to_owned(),
            Some(usage) => {
                return Err(validation(format!(
                    "KeyUsage {usage} is not compatible with KeySpec {spec}"
                )));
            }
            None if spec == "SYMMETRIC_DEFAULT" => "ENCRYPT_DECRYPT".to_owned(),
            None => {
                self.trace.rule("svc:N-6");
                return Err(validation(
                    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
                        .to_owned(),
                ));
            }
        };
        let origin = with.text("Origin")?.unwrap_or("AWS_KMS").to_owned();
        let custom_key_store = with.text("CustomKeyStoreId")?.map(str::to_owned);
        let in_store = matches!(origin.as_str(), "AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE");
        if !in_store && !matches!(origin.as_str(), "AWS_KMS" | "EXTERNAL") {
            return Err(validation(None));
        }
        // A store and the origin that goes with it come together, and such a key is a symmetric one of one Region.
        if in_store != custom_key_store.is_some()
            || (in_store && (spec != "SYMMETRIC_DEFAULT" || with.is_true("MultiRegion")?))
        {
            return Err(validation(None));
        }
        let policy = with.policy("Policy")?;
        policy.as_deref().map_or(Ok(()), check_policy_length)?;
        Ok(NewKey {
            spec,
            usage,
            origin,
            multi_region: with.is_true("MultiRegion")?,
            tags: with.tags("Tags", "TagKey", "TagValue")?,
            policy,
            bypass: with.boolean("BypassPolicyLockoutSafetyCheck")?,
            description: with.text("Description")?.unwrap_or_default().to_owned(),
            custom_key_store,
        })
    }

    /// A multi-Region key needs the service-linked role (`svc:K-19`).
    fn authorize_service_linked_role(&mut self, account: &AccountId) -> Result<(), Stop> {
        let role = format!(
            "arn:aws:iam::{account}:role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
        );
        self.authorize_identity(
            "iam:CreateServiceLinkedRole",
            role,
            Context::new().with("iam:AWSServiceName", "mrk.kms.amazonaws.com"),
        )
    }

    /// Checks and binds a key policy (`svc:P-1`…`svc:P-4`).
    pub(super) fn save_key_policy(&mut self, text: &str) -> Result<StoredPolicy, Stop> {
        self.trace.rule("svc:P-3");
        StoredPolicy::save(self.state, text, PolicyKind::Key).map_err(|error| {
            self.trace.rules.insert(error.rule.clone());
            policy_refusal(&error).into()
        })
    }

    /// The new policy must let its author put a key policy afterwards (`svc:P-5`).
    pub(super) fn check_lockout(&mut self, key: &Key, new: &StoredPolicy) -> Result<(), Stop> {
        self.trace.rule("svc:P-5");
        let operation = table().operation("PutKeyPolicy").expect("PutKeyPolicy is in the table");
        let check = may_put_key_policy(self.state, self.actor, operation, key, new);
        if check.decision == CheckDecision::Allow {
            return Ok(());
        }
        // The question was KMS's own: nobody was allowed or denied anything under the rules of evaluation, or told of a denial (`svc:X-…`).
        let decides = |id: &RuleId| id.as_str().starts_with("svc:") && !id.as_str().starts_with("svc:X-");
        let of_kms = check.rules.into_iter().filter(decides);
        self.trace.rules.extend(of_kms);
        Err(Refusal::error("MalformedPolicyDocumentException", 400, LOCKOUT.to_owned()).into())
    }

    pub(super) fn describe_key(&mut self) -> Answer {
        let opened = self.open("KeyId", "kms:DescribeKey")?;
        self.authorize("kms:DescribeKey", &opened, Ask::default())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        Ok(json!({"KeyMetadata": metadata(self.key(&opened.key))}))
    }

    pub(super) fn list_keys(&mut self) -> Answer {
        let account = self.own_account()?;
        self.authorize_identity("kms:ListKeys", "*".to_owned(), Context::new())?;
        let keys: Vec<Value> = self
            .state
            .contents
            .keys
            .keys()
            .filter(|at| at.account == account && at.region == self.actor.region)
            .map(|at| json!({"KeyId": at.id, "KeyArn": at.arn()}))
            .collect();
        Ok(json!({"Keys": keys, "Truncated": false}))
    }

    pub(super) fn put_key_policy(&mut self) -> Answer {
        let name = self.with.text("PolicyName")?.unwrap_or("default").to_owned();
        let text = self.with.policy("Policy")?.ok_or_else(|| validation(None))?;
        if !self.with.has("KeyId") {
            // What is missing is told before what is too short.
            return Err(validation(None));
        }
        check_policy_length(&text)?;
        let bypass = self.with.boolean("BypassPolicyLockoutSafetyCheck")?;
        if name == "AWS_RAM" {
            self.trace.rule("svc:K-34");
            return Err(validation(
                "The AWS_RAM policy can only be managed by the RAM service.".to_owned(),
            ));
        }
        if name != "default" {
            return Err(validation(None));
        }
        let opened = self.open("KeyId", "kms:PutKeyPolicy")?;
        let mut keys = Context::new().with("kms:PolicyName", name);
        if let Some(bypass) = bypass {
            keys.set("kms:BypassPolicyLockoutSafetyCheck", bypass);
        }
        self.trace.rule("svc:P-6");
        self.authorize("kms:PutKeyPolicy", &opened, Ask { keys, ..Ask::default() })?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        let policy = self.save_key_policy(&text)?;
        if bypass != Some(true) {
            let key = self.key(&opened.key).clone();
            self.check_lockout(&key, &policy)?;
        }
        let state = &mut *self.state;
        let key = state
            .contents
            .keys
            .get_mut(&opened.key)
            .expect("an opened key stays in the state during its call");
        key.policy.set(&mut state.clock, Arc::new(policy));
        Ok(empty())
    }

    pub(super) fn get_key_policy(&mut self) -> Answer {
        let name = self.with.text("PolicyName")?.unwrap_or("default").to_owned();
        let opened = self.open("KeyId", "kms:GetKeyPolicy")?;
        let keys = Context::new().with("kms:PolicyName", name.as_str());
        self.authorize("kms:GetKeyPolicy", &opened, Ask { keys, ..Ask::default() })?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        if name != "default" {
            self.trace.rule("svc:K-34");
            return Err(Refusal::error("NotFoundException", 400, None).into());
        }
        let policy = self.key(&opened.key).policy.latest();
        Ok(json!({"Policy": policy.shown(self.state), "PolicyName": name}))
    }

    pub(super) fn enable_key(&mut self, enabled: bool) -> Answer {
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.trace.rule("svc:ST-4");
        self.key_mut(&opened.key).state = if enabled { KeyState::Enabled } else { KeyState::Disabled };
        Ok(empty())
    }

    pub(super) fn schedule_key_deletion(&mut self) -> Answer {
        let days = self.with.integer("PendingWindowInDays")?.unwrap_or(30);
        if !(7..=30).contains(&days) {
            return Err(validation(None));
        }
        self.trace.rule("svc:C-20");
        let opened = self
            .open_and_authorize(Context::new().with("kms:ScheduleKeyDeletionPendingWindowInDays", days.to_string()))?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.trace.rule("svc:ST-4");
        let has_replicas = self
            .state
            .contents
            .keys
            .values()
            .any(|key| key.replica_of.as_ref() == Some(&opened.key));
        let due = self
            .state
            .clock
            .now
            .checked_add(SignedDuration::from_hours(24 * days))
            .unwrap_or(jiff::Timestamp::MAX);
        let key = self.key_mut(&opened.key);
        key.state = if has_replicas {
            KeyState::PendingReplicaDeletion
        } else {
            KeyState::PendingDeletion
        };
        key.deletion = Some(due);
        let state = key.state;
        Ok(json!({"KeyId": opened.key.arn(), "KeyState": state.name(), "PendingWindowInDays": days}))
    }

    pub(super) fn cancel_key_deletion(&mut self) -> Answer {
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.trace.rule("svc:ST-4");
        let key = self.key_mut(&opened.key);
        key.state = KeyState::Disabled;
        key.deletion = None;
        Ok(json!({"KeyId": opened.key.arn()}))
    }

    pub(super) fn tag_resource(&mut self) -> Answer {
        let tags = self
            .with
            .tags("Tags", "TagKey", "TagValue")?
            .ok_or_else(|| validation(None))?;
        let opened = self.open_and_authorize(tag_context(Some(&tags), tags.keys()))?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.change_tags(&opened, |own| own.extend(tags));
        Ok(empty())
    }

    pub(super) fn untag_resource(&mut self) -> Answer {
        let names = self.with.texts("TagKeys")?.ok_or_else(|| validation(None))?;
        let opened = self.open_and_authorize(tag_context(None, names.iter()))?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.change_tags(&opened, |own| own.retain(|name, _| !names.contains(name)));
        Ok(empty())
    }

    fn change_tags(&mut self, opened: &Opened, change: impl FnOnce(&mut BTreeMap<String, String>)) {
        let state = &mut *self.state;
        let key = state
            .contents
            .keys
            .get_mut(&opened.key)
            .expect("an opened key stays in the state during its call");
        key.tags.change(&mut state.clock, change);
    }

    pub(super) fn list_resource_tags(&mut self) -> Answer {
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        let tags: Vec<Value> = self
            .key(&opened.key)
            .tags
            .latest()
            .iter()
            .map(|(key, value)| json!({"TagKey": key, "TagValue": value}))
            .collect();
        Ok(json!({"Tags": tags, "Truncated": false}))
    }

    pub(super) fn get_key_rotation_status(&mut self) -> Answer {
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        Ok(json!({"KeyRotationEnabled": self.key(&opened.key).rotation_enabled}))
    }

    pub(super) fn enable_key_rotation(&mut self, enabled: bool) -> Answer {
        let mut keys = Context::new();
        if enabled && let Some(days) = self.with.integer("RotationPeriodInDays")? {
            if !(90..=2560).contains(&days) {
                return Err(validation(None));
            }
            keys.set("kms:RotationPeriodInDays", days.to_string());
        }
        let opened = self.open_and_authorize(keys)?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        let period = self.with.integer("RotationPeriodInDays")?;
        let key = self.key_mut(&opened.key);
        key.rotation_enabled = enabled;
        key.material.rotation_period = period.filter(|_| enabled);
        Ok(empty())
    }

    pub(super) fn update_key_description(&mut self) -> Answer {
        let description = self.with.needed_text("Description")?.to_owned();
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.key_mut(&opened.key).description = description;
        Ok(empty())
    }

    /// For operations with one permission of their own name on `KeyId`.
    pub(super) fn open_and_authorize(&mut self, keys: Context) -> Result<Opened, Stop> {
        let action = format!("kms:{}", self.operation.name);
        let opened = self.open("KeyId", &action)?;
        self.authorize(&action, &opened, Ask { keys, ..Ask::default() })?;
        Ok(opened)
    }
}

/// The request keys of CreateKey carry the defaults of what was left out (`svc:K-19`, `svc:C-2`, `svc:C-19`).
fn create_key_context(new: &NewKey) -> Context {
    let mut keys = match &new.tags {
        Some(tags) => tag_context(Some(tags), tags.keys()),
        None => Context::new(),
    };
    set_key_request_properties(&mut keys, &new.spec, &new.usage, &new.origin, new.multi_region, false);
    if let Some(bypass) = new.bypass {
        keys.set("kms:BypassPolicyLockoutSafetyCheck", bypass);
    }
    keys
}

/// `aws:RequestTag/…` and `aws:TagKeys` (`svc:C-29`).
pub(super) fn tag_context<'a>(
    tags: Option<&BTreeMap<String, String>>,
    names: impl Iterator<Item = &'a String>,
) -> Context {
    let mut keys = Context::new().with("aws:TagKeys", ContextValue::Many(names.cloned().collect()));
    if let Some(tags) = tags {
        keys.set_family(
            "aws:RequestTag/",
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        );
    }
    keys
}

pub(super) fn metadata(key: &Key) -> Value {
    let mut metadata = json!({
        "KeyId": key.at.id,
        "Arn": key.arn(),
        "AWSAccountId": key.at.account,
        "KeyState": key.state.name(),
        "Enabled": key.state == KeyState::Enabled,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        "Origin": key.origin,
        "KeyManager": if key.manager == KeyManager::Customer { "CUSTOMER" } else { "AWS" },
        "MultiRegion": key.multi_region,
    });
    if !key.description.is_empty() {
        metadata["Description"] = json!(key.description);
    }
    metadata
}

/// The refusal of a key policy (`svc:P-1`, `svc:P-4`).
fn policy_refusal(error: &PolicyError) -> Refusal {
    let message = (!error.message.is_empty()).then(|| error.message.clone());
    let code = match error.kind {
        PolicyErrorKind::TooLong | PolicyErrorKind::PackedTooLarge => "LimitExceededException",
        PolicyErrorKind::Characters => "ValidationException",
        PolicyErrorKind::Malformed | PolicyErrorKind::InvalidPrincipal => "MalformedPolicyDocumentException",
    };
    Refusal::error(code, 400, message)
}
