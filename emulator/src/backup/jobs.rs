//! Backup jobs: independent encryption of a DynamoDB table's backup under the vault key. KMS is called by the service
//! principal; the backup role is not the KMS caller (`svc:B-2`, `svc:B-3`).

use serde_json::{Value, json};

use super::{Answer, BACKUP_STORAGE, BackupError, Call, Job, Vault, context, page, refused, require, vaults};
use crate::access::{self, Question};
use crate::authorizer::known;
use crate::identity::{Caller, Via};
use crate::kms::KmsError;
use crate::kms::internal;
use crate::protocol::json as answers;
use crate::state::State;

/// The service a backup role is passed to.
const BACKUP: &str = "backup.amazonaws.com";
/// Why a job fails when KMS refuses (`svc:B-5`).
const KEY_REFUSED: &str = "KMS key is either disabled or pending deletion or access to KMS key is denied";

/// StartBackupJob: runs the whole job before it answers; a KMS refusal fails the job, not the call.
pub(super) fn start(state: &mut State, call: &Call<'_>) -> Answer {
    let body = call.body()?;
    let member = |name: &str| {
        body[name]
            .as_str()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| BackupError::new(400, "MissingParameterValueException", format!("{name} is required")))
    };
    let vault_name = member("BackupVaultName")?;
    let resource_arn = member("ResourceArn")?;
    let role_arn = member("IamRoleArn")?;
    require(state, call, "backup:StartBackupJob", &call.vault_arn(vault_name))?;
    require_role(state, call, role_arn)?;
    let vault = vaults::find(state, call, vault_name)?.clone();
    if !state.dynamodb.has_table(resource_arn) {
        return Err(BackupError::invalid(format!(
            "Resource {resource_arn} does not exist, or is of a type that this emulator cannot back up"
        )));
    }
    let failure = run(state, call, &vault).err().map(|_| KEY_REFUSED.to_owned());
    let recovery_point_arn = failure.is_none().then(|| {
        format!(
            "arn:aws:backup:{}:{}:recovery-point:{}",
            call.region,
            call.account,
            state.sources.ids.uuid()
        )
    });
    let job = Job {
        job_id: state.sources.ids.uuid().to_uppercase(),
        vault_name: vault_name.to_owned(),
        vault_arn: vault.arn,
        resource_arn: resource_arn.to_owned(),
        role_arn: role_arn.to_owned(),
        created_at: state.now(),
        recovery_point_arn,
        failure,
    };
    let mut answer = json!({
        "BackupJobId": job.job_id,
        "CreationDate": job.created_at.as_second(),
        "IsParent": false,
    });
    if let Some(arn) = &job.recovery_point_arn {
        answer["RecoveryPointArn"] = json!(arn);
    }
    let regional = state.backup.regions.entry(call.account, call.region);
    if job.recovery_point_arn.is_some()
        && let Some(vault) = regional.vaults.get_mut(vault_name)
    {
        vault.recovery_points += 1;
    }
    regional.jobs.push(job);
    Ok(answers::answer(200, answers::JSON, &answer))
}

/// DescribeBackupJob.
pub(super) fn describe(state: &mut State, call: &Call<'_>) -> Answer {
    require(state, call, "backup:DescribeBackupJob", "*")?;
    let job = state
        .backup
        .regions
        .get(call.account, call.region)
        .and_then(|regional| regional.jobs.iter().find(|job| job.job_id == call.name))
        .ok_or_else(|| BackupError::not_found(format!("Backup job {} does not exist", call.name)))?;
    Ok(answers::answer(200, answers::JSON, &document(call, job)))
}

/// ListBackupJobs, newest first; `backupVaultName`, `resourceArn` and `state` filter.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Answer {
    require(state, call, "backup:ListBackupJobs", "*")?;
    let keep = |name: &str, value: &str| call.request.query(name).is_none_or(|wanted| wanted == value);
    let jobs: Vec<Value> = state
        .backup
        .regions
        .get(call.account, call.region)
        .map(|regional| {
            regional
                .jobs
                .iter()
                .rev()
                .filter(|job| keep("backupVaultName", &job.vault_name))
                .filter(|job| keep("resourceArn", &job.resource_arn))
                .filter(|job| keep("state", state_of(job)))
                .map(|job| document(call, job))
                .collect()
        })
        .unwrap_or_default();
    let answer = page(call, "BackupJobs", jobs)?;
    Ok(answers::answer(200, answers::JSON, &answer))
}

/// The KMS part of a job: the service principal unwraps the vault's data key (`svc:B-3`).
fn run(state: &mut State, call: &Call<'_>, vault: &Vault) -> Result<(), KmsError> {
    let service = Caller::service(BACKUP_STORAGE, Some(vault.arn.clone()), Some(call.account.clone()));
    let context = context(&vault.arn);
    internal::decrypt(
        state,
        &service,
        &Via::Direct,
        call.region,
        Some(vault.key_arn.as_str()),
        &vault.wrapped_key,
        &context,
    )?;
    Ok(())
}

/// `iam:PassRole` for the backup role. Whether its trust policy lets the service in is not looked at: the rules do not say when.
fn require_role(state: &State, call: &Call<'_>, role_arn: &str) -> Result<(), BackupError> {
    let via = Via::Direct;
    let cannot_assume = || BackupError::invalid(format!("IAM Role {role_arn} cannot be assumed by AWS Backup"));
    let (account, _) = state.iam.role_by_arn(role_arn).ok_or_else(cannot_assume)?;
    if account != *call.account {
        return Err(BackupError::denied("Cross-account pass role is not allowed."));
    }
    let mut pass = Question {
        resource: role_arn,
        resource_account: Some(&account),
        ..Question::new(&call.request.caller, &via, "iam:PassRole", call.region)
    };
    pass.context.set(known!("iam:passedtoservice"), BACKUP);
    access::check(state, pass)
        .map(|_| ())
        .map_err(|refusal| refused(&refusal))
}

fn state_of(job: &Job) -> &'static str {
    if job.failure.is_none() { "COMPLETED" } else { "FAILED" }
}

fn document(call: &Call<'_>, job: &Job) -> Value {
    let mut document = json!({
        "AccountId": call.account.as_str(),
        "BackupJobId": job.job_id,
        "BackupVaultName": job.vault_name,
        "BackupVaultArn": job.vault_arn,
        "ResourceArn": job.resource_arn,
        "ResourceType": "DynamoDB",
        "IamRoleArn": job.role_arn,
        "State": state_of(job),
        "PercentDone": if job.failure.is_none() { "100.0" } else { "0.0" },
        "CreationDate": job.created_at.as_second(),
        "CompletionDate": job.created_at.as_second(),
    });
    if let Some(arn) = &job.recovery_point_arn {
        document["RecoveryPointArn"] = json!(arn);
    }
    if let Some(failure) = &job.failure {
        document["StatusMessage"] = json!(failure);
    }
    document
}
