//! Buckets with their objects, Lambda functions, backup vaults and VPC endpoints of a world at its start.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::build::{invalid, refused, unsavable};
use super::clock::Delayed;
use super::policy::StoredPolicy;
use super::state::{State, VpcEndpoint};
use super::{WorldError, resolve, symbol};
use crate::case::{
    AccountSpec, BucketSpec, FunctionGrant, FunctionSpec, ObjectSpec, PolicyText, PublicAccessBlockSpec,
};
use crate::kms;
use crate::kms::key::{Ciphertext, KeyRef};
use crate::kms::managed_key;
use crate::name::{AccountId, Region};
use crate::policy::PolicyKind;
use crate::s3::acl::CannedAcl;
use crate::s3::bucket::{
    Algorithm, Bucket, DefaultEncryption, Keeping, ObjectEncryption, ObjectVersion, Ownership, Versioning,
};
use crate::s3::customer_key::blocked_in_new_buckets;
use crate::s3::policy_resource;
use crate::services::backup::{Vault, service_grant as vault_grant, vault_data_key};
use crate::services::lambda;
use crate::services::lambda::{Encrypted, Function, service_grant as function_grant};

/// Gives the VPC endpoints of an account their ids; their policies come with [`fill`].
pub(super) fn name_endpoints(state: &mut State, id: &AccountId, account: &AccountSpec) {
    for (name, endpoint) in &account.vpc_endpoints {
        let seed = format!("{id}/{name}");
        let endpoint = VpcEndpoint {
            id: symbol::short_id("vpce-", &seed),
            vpc: symbol::short_id("vpc-", &seed),
            service: endpoint.service.clone(),
            kind: endpoint.kind,
            policy: None,
        };
        state.account_mut(id).vpc_endpoints.insert(name.clone(), endpoint);
    }
}

/// Resolves references, fills in defaults and turns names of keys into ARNs.
pub(super) fn resolve(state: &State, id: &AccountId, account: &mut AccountSpec) -> Result<(), WorldError> {
    let region = state.spec.region.clone();
    for bucket in account.buckets.values_mut() {
        bucket.region.get_or_insert_with(|| region.clone());
        bucket.ownership.get_or_insert_with(|| "BucketOwnerEnforced".to_owned());
        bucket.public_access_block.get_or_insert(PublicAccessBlockSpec {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        });
        if let Some(policy) = &bucket.policy {
            bucket.policy = Some(resolve::policy(state, policy)?);
        }
        if let Some(encryption) = &mut bucket.encryption {
            resolve_key(state, id, &mut encryption.key)?;
        }
        for object in bucket.objects.values_mut() {
            resolve_key(state, id, &mut object.key)?;
        }
    }
    for function in account.functions.values_mut() {
        function.region.get_or_insert_with(|| region.clone());
        function.grant.get_or_insert_with(FunctionGrant::default);
        function.role = resolve::text(state, &function.role)?;
        resolve_key(state, id, &mut function.kms_key)?;
        for value in function.environment.values_mut() {
            *value = resolve::text(state, value)?;
        }
    }
    for vault in account.backup_vaults.values_mut() {
        vault.region.get_or_insert_with(|| region.clone());
        resolve_key(state, id, &mut vault.key)?;
    }
    for endpoint in account.vpc_endpoints.values_mut() {
        if let Some(policy) = &endpoint.policy {
            endpoint.policy = Some(resolve::policy(state, policy)?);
        }
    }
    Ok(())
}

/// Builds all of them for one account.
pub(super) fn fill(state: &mut State, account: &AccountId) -> Result<(), WorldError> {
    let spec = state.spec.clone();
    let spec = &spec.accounts[account];
    for (name, endpoint) in &spec.vpc_endpoints {
        let policy = endpoint.policy.as_ref().map(|policy| {
            save(
                state,
                &format!("vpc_endpoint.{name}.policy"),
                policy,
                PolicyKind::VpcEndpoint,
            )
        });
        let policy = policy.transpose()?;
        if let Some(endpoint) = state.account_mut(account).vpc_endpoints.get_mut(name) {
            endpoint.policy = policy;
        }
    }
    for (name, bucket) in &spec.buckets {
        fill_bucket(state, account, name, bucket)?;
    }
    for (name, function) in &spec.functions {
        fill_function(state, account, name, function)?;
    }
    for (name, vault) in &spec.backup_vaults {
        let what = format!("backup_vault.{name}");
        let region = vault.region.clone().unwrap_or_default();
        let at = service_key(state, account, &region, vault.key.as_deref(), "backup")
            .map_err(|why| unsavable(what.as_str(), why))?;
        let arn = at.arn();
        kms::insert_service_grant(state, &at, vault_grant(&arn)).map_err(|why| unsavable(what, why))?;
        let data_key = vault_data_key(state, &at);
        let vault = Vault {
            account: account.clone(),
            region: region.clone(),
            name: name.clone(),
            key: at,
            data_key,
        };
        state.account_mut(account).vaults.insert((region, name.clone()), vault);
    }
    Ok(())
}

/// A key by symbolic name becomes an ARN; a reference is replaced; anything else stays as typed.
fn resolve_key(state: &State, account: &AccountId, key: &mut Option<String>) -> Result<(), WorldError> {
    if let Some(text) = key {
        *text = match state.contents.key_names.get(&(account.clone(), text.clone())) {
            Some(at) => at.arn(),
            None => resolve::text(state, text)?,
        };
    }
    Ok(())
}

fn save(state: &State, what: &str, policy: &PolicyText, kind: PolicyKind) -> Result<Arc<StoredPolicy>, WorldError> {
    StoredPolicy::save(state, &policy.text(), kind)
        .map(Arc::new)
        .map_err(|error| refused(what, &error))
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Buckets.

fn fill_bucket(state: &mut State, owner: &AccountId, name: &str, spec: &BucketSpec) -> Result<(), WorldError> {
    let what = format!("bucket.{name}");
    if state.bucket(name).is_some() {
        return Err(unsavable(what, "bucket names are unique across accounts"));
    }
    let policy = match &spec.policy {
        Some(policy) => Some(save(state, &format!("{what}.policy"), policy, PolicyKind::Bucket)?),
        None => None,
    };
    let foreign = policy
        .as_ref()
        .and_then(|policy| policy_resource::foreign_resource(&policy.document, name));
    if let Some(resource) = foreign {
        let why = format!("{}: `{resource}`", policy_resource::INVALID_RESOURCE);
        return Err(unsavable(format!("{what}.policy"), why));
    }
    let ownership_text = spec.ownership.clone().unwrap_or_default();
    let ownership = Ownership::named(&ownership_text).ok_or_else(|| {
        invalid(
            format!("{what}.ownership"),
            format!("`{ownership_text}` is not an Object Ownership"),
        )
    })?;
    let acl = canned_acl(&what, spec.acl.as_deref())?;
    if ownership == Ownership::BucketOwnerEnforced && acl != CannedAcl::Private {
        return Err(unsavable(
            format!("{what}.acl"),
            "the bucket does not allow ACLs (svc:S-4)",
        ));
    }
    let versioning = match spec.versioning.as_deref() {
        None => Versioning::Never,
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        Some(other) => {
            return Err(invalid(
                format!("{what}.versioning"),
                format!("`{other}` is not Enabled or Suspended"),
            ));
        }
    };
    let encryption = match &spec.encryption {
        None => DefaultEncryption::default(),
        Some(encryption) => DefaultEncryption {
            algorithm: algorithm(&format!("{what}.encryption"), &encryption.sse)?,
            key: encryption.key.clone(),
            bucket_key: encryption.bucket_key,
        },
    };
    let bucket = Bucket {
        name: name.to_owned(),
        owner: owner.clone(),
        region: spec.region.clone().unwrap_or_default(),
        encryption,
        blocks_customer_keys: spec
            .sse_c_blocked
            .unwrap_or_else(|| blocked_in_new_buckets(state.as_of)),
        policy: Delayed::new(policy),
        public_access_block: spec.public_access_block,
        ownership_controls: Some(ownership),
        acl,
        versioning,
        tags: Delayed::new(spec.tags.clone()),
        requester_pays: spec.requester_pays == Some(true),
        abac: spec.abac == Some(true),
        object_lock: false,
        website: None,
        logging: None,
        objects: BTreeMap::new(),
        uploads: BTreeMap::new(),
    };
    state.contents.buckets.insert(name.to_owned(), bucket.clone().into());
    for (key, object) in &spec.objects {
        let version = object_of_spec(state, &bucket, key, object)?;
        if let Some(bucket) = state.contents.buckets.get_mut(name) {
            bucket.put(key, version);
        }
    }
    Ok(())
}

fn object_of_spec(
    state: &mut State,
    bucket: &Bucket,
    key: &str,
    spec: &ObjectSpec,
) -> Result<ObjectVersion, WorldError> {
    let what = format!("bucket.{}.objects.{key}", bucket.name);
    let owner = spec.owner.clone().unwrap_or_else(|| bucket.owner.clone());
    if owner != bucket.owner && bucket.ownership() == Ownership::BucketOwnerEnforced {
        return Err(unsavable(
            format!("{what}.owner"),
            "the bucket's owner owns every object (svc:S-4)",
        ));
    }
    let acl = canned_acl(&what, spec.acl.as_deref())?;
    if bucket.ownership() == Ownership::BucketOwnerEnforced
        && !matches!(acl, CannedAcl::Private | CannedAcl::BucketOwnerFullControl)
    {
        return Err(unsavable(
            format!("{what}.acl"),
            "the bucket does not allow ACLs (svc:S-4)",
        ));
    }
    let (algorithm, key_text) = match (&spec.sse, &spec.key) {
        (Some(sse), key) => (algorithm(&format!("{what}.sse"), sse)?, key.clone()),
        (None, Some(key)) => (Algorithm::Kms, Some(key.clone())),
        (None, None) => (bucket.encryption.algorithm, bucket.encryption.key.clone()),
    };
    let encryption = if algorithm == Algorithm::Aes256 {
        ObjectEncryption::S3
    } else {
        let at = service_key(state, &owner, &bucket.region, key_text.as_deref(), "s3")
            .map_err(|why| unsavable(what.as_str(), why))?;
        if state.key(&at).is_some_and(|key| !key.is_symmetric_encryption()) {
            return Err(unsavable(what, "SSE-KMS needs a symmetric encryption key (svc:S-11)"));
        }
        let bucket_key = algorithm == Algorithm::Kms && bucket.encryption.bucket_key;
        let arn = if bucket_key {
            bucket.arn()
        } else {
            bucket.object_arn(key)
        };
        crate::s3::initial_encryption(state, algorithm, &at, bucket_key, arn)
    };
    let version_id = if bucket.versioning == Versioning::Enabled {
        let id = symbol::opaque_id("version", &what);
        state.symbol(id)
    } else {
        "null".to_owned()
    };
    Ok(ObjectVersion {
        version_id,
        delete_marker: false,
        body: STANDARD.encode(&spec.body),
        encryption,
        tags: spec.tags.clone(),
        acl,
        owner,
        keeping: Keeping::default(),
    })
}

fn canned_acl(what: &str, name: Option<&str>) -> Result<CannedAcl, WorldError> {
    match name {
        None => Ok(CannedAcl::Private),
        Some(name) => CannedAcl::named(name)
            .ok_or_else(|| invalid(format!("{what}.acl"), format!("`{name}` is not a canned ACL"))),
    }
}

fn algorithm(what: &str, name: &str) -> Result<Algorithm, WorldError> {
    Algorithm::named(name).ok_or_else(|| invalid(what, format!("`{name}` is not AES256, aws:kms or aws:kms:dsse")))
}

/// The key a service uses for somebody: the given one, or the AWS managed key of the account.
fn service_key(
    state: &mut State,
    account: &AccountId,
    region: &Region,
    text: Option<&str>,
    service: &str,
) -> Result<KeyRef, String> {
    let Some(text) = text else {
        return Ok(managed_key::ensure(state, account, region, service));
    };
    let by_alias = |name: &str| {
        let found = state
            .contents
            .aliases
            .iter()
            .find(|(at, _)| at.account == *account && at.region == *region && at.name == name);
        found.and_then(|(_, alias)| alias.target.latest().clone())
    };
    let found = state
        .contents
        .keys
        .keys()
        .find(|key| key.arn() == text || (key.account == *account && key.region == *region && key.id == text))
        .cloned()
        .or_else(|| by_alias(text));
    match found {
        None => Err(format!("there is no key `{text}`")),
        Some(key) if key.region != *region => Err(format!("the key `{text}` is in another Region")),
        Some(key) => Ok(key),
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Functions.

fn fill_function(state: &mut State, account: &AccountId, name: &str, spec: &FunctionSpec) -> Result<(), WorldError> {
    let what = format!("function.{name}");
    let role = spec.role.rsplit('/').next().unwrap_or(&spec.role).to_owned();
    let role_id = state.role(account, &role).map(|role| role.unique_id.clone());
    let role_id = role_id.ok_or_else(|| invalid(format!("{what}.role"), format!("no role is named `{role}`")))?;
    if let Some(name) = spec.environment.keys().find(|name| !lambda::is_variable_name(name)) {
        return Err(unsavable(
            what.as_str(),
            format!("Lambda takes no variable called `{name}`"),
        ));
    }
    let region = spec.region.clone().unwrap_or_default();
    let mut function = Function {
        account: account.clone(),
        region: region.clone(),
        name: name.to_owned(),
        role,
        role_id,
        key_text: spec.kms_key.clone(),
        environment: spec.environment.clone(),
        encrypted: None,
    };
    if !function.environment.is_empty() {
        let at = service_key(state, account, &region, spec.kms_key.as_deref(), "lambda")
            .map_err(|why| unsavable(what.as_str(), why))?;
        let ciphertext = symbol::blob("ciphertext", &what, 96);
        let plaintext = STANDARD.encode(serde_json::json!(function.environment).to_string());
        let content = Ciphertext {
            key: at.clone(),
            algorithm: "SYMMETRIC_DEFAULT".to_owned(),
            encryption_context: function.context(),
            plaintext,
        };
        state.ciphertexts.insert(ciphertext.as_str().into(), content.into());
        let grant = if spec.grant == Some(FunctionGrant::Service) {
            let arn = at.arn();
            let grant = function_grant(state, &function, &arn);
            Some(kms::insert_service_grant(state, &at, grant).map_err(|why| unsavable(what, why))?)
        } else {
            None
        };
        function.encrypted = Some(Encrypted {
            key: at,
            ciphertext,
            grant,
        });
    }
    state
        .account_mut(account)
        .functions
        .insert((region, name.to_owned()), function);
    Ok(())
}
