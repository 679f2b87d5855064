//! Backup vaults. Creating one makes forwarded KMS calls as the creator (`svc:B-1`) and a grant for the service
//! principal (`svc:Q-7`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, BACKUP_STORAGE, BackupError, Call, INSUFFICIENT, Vault, context, page, require, tags};
use crate::fault::Fault;
use crate::identity::{Caller, Principal, Via};
use crate::kms::KmsError;
use crate::kms::internal::{self, EncryptionContext, GrantRequest};
use crate::names::KeyArn;
use crate::protocol::json as answers;
use crate::state::State;

/// What the service principal may do with the vault key.
const GRANT_OPERATIONS: &[&str] = &["Decrypt", "GenerateDataKey", "RetireGrant", "DescribeKey"];

/// CreateBackupVault.
pub(super) fn create(state: &mut State, call: &Call<'_>) -> Answer {
    let body = call.body()?;
    check_name(&call.name)?;
    let arn = call.vault_arn(&call.name);
    require(state, call, "backup:CreateBackupVault", &arn)?;
    require(state, call, "backup-storage:MountCapsule", "*").map_err(|_| BackupError::denied(INSUFFICIENT))?;
    let exists = state
        .backup
        .regions
        .get(call.account, call.region)
        .is_some_and(|regional| regional.vaults.contains_key(&call.name));
    if exists {
        return Err(BackupError::new(
            400,
            "AlreadyExistsException",
            format!("Backup vault with the same name {} already exists", call.name),
        ));
    }
    let tags = tags::read(&body["BackupVaultTags"])?;
    if !tags.is_empty() {
        require(state, call, "backup:TagResource", &arn)?;
    }
    let vault = Vault {
        tags,
        ..encrypt_vault(state, call, &arn, body["EncryptionKeyArn"].as_str())?
    };
    let answer = json!({
        "BackupVaultName": call.name,
        "BackupVaultArn": vault.arn,
        "CreationDate": vault.created_at.as_second(),
    });
    state
        .backup
        .regions
        .entry(call.account, call.region)
        .vaults
        .insert(call.name.clone(), vault);
    Ok(answers::answer(200, answers::JSON, &answer))
}

/// DescribeBackupVault.
pub(super) fn describe(state: &mut State, call: &Call<'_>) -> Answer {
    require(state, call, "backup:DescribeBackupVault", &call.vault_arn(&call.name))?;
    let vault = find(state, call, &call.name)?;
    Ok(answers::answer(200, answers::JSON, &document(&call.name, vault)))
}

/// ListBackupVaults.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Answer {
    require(state, call, "backup:ListBackupVaults", "*")?;
    let vaults: Vec<Value> = state
        .backup
        .regions
        .get(call.account, call.region)
        .map(|regional| {
            regional
                .vaults
                .iter()
                .map(|(name, vault)| document(name, vault))
                .collect()
        })
        .unwrap_or_default();
    let answer = page(call, "BackupVaultList", vaults)?;
    Ok(answers::answer(200, answers::JSON, &answer))
}

/// DeleteBackupVault; the service retires its grant.
pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Answer {
    let arn = call.vault_arn(&call.name);
    require(state, call, "backup:DeleteBackupVault", &arn)?;
    let vault = find(state, call, &call.name)?.clone();
    if vault.recovery_points > 0 {
        return Err(BackupError::new(
            400,
            "InvalidRequestException",
            "Backup vault cannot be deleted because it contains recovery points.",
        ));
    }
    let service = Caller::service(BACKUP_STORAGE, Some(arn), Some(call.account.clone()));
    let retired = internal::retire_grant(
        state,
        &service,
        &Via::Direct,
        call.region,
        &vault.key_arn,
        &vault.grant_id,
    );
    // Somebody may have revoked the grant or deleted the key before.
    drop(retired);
    if let Some(regional) = state.backup.regions.get_mut(call.account, call.region) {
        regional.vaults.remove(&call.name);
    }
    Ok(answers::empty(answers::JSON))
}

/// A vault by name.
pub(super) fn find<'a>(state: &'a State, call: &Call<'_>, name: &str) -> Result<&'a Vault, BackupError> {
    state
        .backup
        .regions
        .get(call.account, call.region)
        .and_then(|regional| regional.vaults.get(name))
        .ok_or_else(|| BackupError::not_found(format!("Backup Vault {name} does not exist")))
}

/// The calls of `svc:B-1` as the creator: DescribeKey, CreateGrant, GenerateDataKey, Decrypt, and the right to retire the grant.
/// An AWS managed key, named or not, is used through its own policy, so that only CreateGrant, GenerateDataKey and Decrypt
/// are asked (`svc:M-7`).
fn encrypt_vault(state: &mut State, call: &Call<'_>, arn: &str, key: Option<&str>) -> Result<Vault, BackupError> {
    let asking = asking(state, call);
    let (caller, region) = (&asking, call.region);
    let via = Via::Forwarded {
        service: "backup",
        region: region.clone(),
    };
    let managed = match key {
        Some(key) => internal::named_managed_key(state, caller, &via, region, key),
        None => internal::managed_key(state, call.account, region, "backup"),
    };
    let is_managed = managed.is_some();
    let key_id = match managed {
        Some(managed) => managed,
        None => {
            let key = key.unwrap_or("alias/aws/backup");
            internal::describe_key(state, caller, &via, region, key)
                .map_err(kms_failure)?
                .arn
        }
    };
    let context = context(arn);
    let grant = internal::create_grant(
        state,
        caller,
        &via,
        region,
        key_id.as_str(),
        &GrantRequest {
            grantee_principal: BACKUP_STORAGE.to_owned(),
            retiring_principal: Some(BACKUP_STORAGE.to_owned()),
            operations: GRANT_OPERATIONS.to_vec(),
            ..GrantRequest::default()
        },
    )
    .map_err(kms_failure)?;
    let used = use_key(
        state,
        call,
        &via,
        &key_id,
        &context,
        (!is_managed).then_some(grant.grant_id.as_str()),
    );
    let data_key = match used {
        Ok(data_key) => data_key,
        Err(error) => {
            // A refused creation leaves nothing behind.
            internal::forget_grant(state, &grant.key_arn, &grant.grant_id);
            return Err(kms_failure(error));
        }
    };
    Ok(Vault {
        arn: arn.to_owned(),
        key_arn: grant.key_arn,
        wrapped_key: data_key.ciphertext,
        grant_id: grant.grant_id,
        created_at: state.now(),
        recovery_points: 0,
        tags: BTreeMap::new(),
    })
}

/// Who asks KMS: the creator of the vault, and under `backup-asks-as-account` the account's root user.
fn asking(state: &State, call: &Call<'_>) -> Caller {
    let caller = call.request.caller.clone();
    if !state.case.faults.contains(Fault::BackupAsksAsAccount) {
        return caller;
    }
    Caller {
        principal: Principal::Root {
            account: call.account.clone(),
        },
        session: None,
        ..caller
    }
}

/// A data key for the vault, tried at once, and the right to retire the grant.
fn use_key(
    state: &mut State,
    call: &Call<'_>,
    via: &Via,
    key_id: &KeyArn,
    context: &EncryptionContext,
    grant_id: Option<&str>,
) -> Result<internal::DataKey, KmsError> {
    let asking = asking(state, call);
    let (caller, region) = (&asking, call.region);
    let data_key = internal::generate_data_key(state, caller, via, region, key_id.as_str(), context)?;
    internal::decrypt(
        state,
        caller,
        via,
        region,
        Some(key_id.as_str()),
        &data_key.ciphertext,
        context,
    )?;
    if let Some(grant_id) = grant_id {
        internal::may_retire_grant(state, caller, via, region, key_id, grant_id)?;
    }
    Ok(data_key)
}

fn kms_failure(error: KmsError) -> BackupError {
    if error.is_access_denied() {
        BackupError::denied(INSUFFICIENT)
    } else {
        BackupError::invalid(error.message)
    }
}

fn check_name(name: &str) -> Result<(), BackupError> {
    let legal = (2..=50).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if legal {
        Ok(())
    } else {
        Err(BackupError::invalid(
            "Vault name must be 2 to 50 characters of letters, digits, '-', '_' and '.'",
        ))
    }
}

fn document(name: &str, vault: &Vault) -> Value {
    json!({
        "BackupVaultName": name,
        "BackupVaultArn": vault.arn,
        "EncryptionKeyArn": vault.key_arn.as_str(),
        "CreationDate": vault.created_at.as_second(),
        "NumberOfRecoveryPoints": vault.recovery_points,
        "Locked": false,
    })
}
