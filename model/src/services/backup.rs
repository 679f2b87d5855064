//! AWS Backup: a vault's key is used by `backup-storage.amazonaws.com` as itself, by a grant it got when the vault was made
//! (`svc:B-1`…`svc:B-6`, `svc:F-3`).

use std::collections::BTreeMap;

use serde_json::json;

use super::{Call, empty};
use crate::context::Context;
use crate::kms;
use crate::kms::grant::Constraints;
use crate::kms::key::{Ciphertext, KeyManager, KeyRef};
use crate::kms::managed_key;
use crate::name::{AccountId, Arn, Region};
use crate::world::StepError;
use crate::world::actor::Actor;
use crate::world::parameters::Parameters;
use crate::world::state::State;
use crate::world::symbol;
use crate::world::trace::{Answer, Refusal, Stop, Trace};

/// The service that uses a vault's key (`svc:B-3`).
pub(crate) const BACKUP_STORAGE: &str = "backup-storage.amazonaws.com";
/// The failure of a job whose vault key cannot be used (`svc:B-5`).
const KEY_UNUSABLE: &str = "KMS key is either disabled or pending deletion or access to KMS key is denied";

/// A backup vault.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vault {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
    pub(crate) key: KeyRef,
    /// The encrypted data key of the vault.
    pub(crate) data_key: String,
}

impl Vault {
    pub(crate) fn arn(&self) -> String {
        format!(
            "arn:aws:backup:{}:{}:backup-vault:{}",
            self.region, self.account, self.name
        )
    }
}

/// A backup job; it ran when it was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// `COMPLETED` or `FAILED`.
    pub(crate) state: &'static str,
    pub(crate) message: Option<&'static str>,
}

/// Runs one AWS Backup operation.
pub(crate) fn call(state: &mut State, trace: &mut Trace, actor: &Actor, name: &str, with: Parameters<'_>) -> Answer {
    let mut call = Call {
        state,
        trace,
        actor,
        with,
        denied_code: "AccessDeniedException",
        denied_status: 403,
    };
    match name {
        "CreateBackupVault" => call.create_backup_vault(),
        "StartBackupJob" => call.start_backup_job(),
        "DescribeBackupJob" => call.describe_backup_job(),
        other => Err(StepError::Operation(format!("backup:{other}")).into()),
    }
}

/// The grant that the service gets for a vault (`svc:B-4`, `svc:Q-7`).
pub(crate) fn service_grant(key: &str) -> kms::ServiceGrant<'_> {
    kms::ServiceGrant {
        key,
        grantee: BACKUP_STORAGE.to_owned(),
        retiring: None,
        operations: ["Decrypt", "GenerateDataKey", "RetireGrant", "DescribeKey"]
            .map(str::to_owned)
            .to_vec(),
        constraints: Constraints::default(),
        name: None,
    }
}

/// The encrypted data key that a vault keeps. Its encryption context is not known; the model uses none.
pub(crate) fn vault_data_key(state: &mut State, key: &KeyRef) -> String {
    let seed = state.next_seed("vault");
    let blob = symbol::blob("ciphertext", &seed, 96);
    let ciphertext = Ciphertext {
        key: key.clone(),
        algorithm: "SYMMETRIC_DEFAULT".to_owned(),
        encryption_context: BTreeMap::new(),
        plaintext: symbol::blob("plaintext", &seed, 32),
    };
    state.ciphertexts.insert(blob.as_str().into(), ciphertext.into());
    blob
}

impl Call<'_> {
    fn create_backup_vault(&mut self) -> Answer {
        let account = self.own_account()?;
        let name = self.with.needed_text("BackupVaultName")?.to_owned();
        let given = self.with.text("EncryptionKeyArn")?.map(str::to_owned);
        let region = self.actor.region.clone();
        let arn = format!("arn:aws:backup:{region}:{account}:backup-vault:{name}");
        self.trace.rule("svc:B-1");
        self.authorize("backup:CreateBackupVault", arn.clone(), Context::new())?;
        self.authorize("backup-storage:MountCapsule", "*".to_owned(), Context::new())
            .map_err(vault_failure)?;
        let at = (region.clone(), name.clone());
        if self
            .state
            .account(&account)
            .is_some_and(|account| account.vaults.contains_key(&at))
        {
            return Err(Refusal::error("AlreadyExistsException", 400, None).into());
        }
        let key_text = match given {
            Some(text) => text,
            None => managed_key::ensure(self.state, &account, &region, "backup").arn(),
        };
        let key = self.take_key(&key_text)?;
        let data_key = vault_data_key(self.state, &key);
        let vault = Vault {
            account: account.clone(),
            region,
            name: name.clone(),
            key,
            data_key,
        };
        self.state.account_mut(&account).vaults.insert(at, vault);
        Ok(json!({"BackupVaultName": name, "BackupVaultArn": arn}))
    }

    /// The calls that AWS Backup makes as the creator: it describes the key, gets its grant, tries the key, and needs the right to retire
    /// (`svc:B-1`). The AWS managed key's policy covers only some of them, so that only those are made (`svc:M-7`).
    fn take_key(&mut self, key_text: &str) -> Result<KeyRef, Stop> {
        let forwarded = self.actor.forwarded_by(self.state, "backup", &self.actor.region);
        let managed = self
            .state
            .contents
            .keys
            .values()
            .any(|key| key.arn() == key_text && matches!(key.manager, KeyManager::Aws(_)));
        self.trace.rule("svc:F-5");
        if !managed {
            let with = json!({"KeyId": key_text});
            kms::forwarded(self.state, self.trace, &forwarded, "DescribeKey", with).map_err(vault_failure)?;
        }
        let grant = kms::create_service_grant(self.state, self.trace, &forwarded, service_grant(key_text))
            .map_err(vault_failure)?;
        let output = kms::forwarded(
            self.state,
            self.trace,
            &forwarded,
            "GenerateDataKey",
            json!({"KeyId": key_text, "KeySpec": "AES_256"}),
        )
        .map_err(vault_failure)?;
        let arn = output["KeyId"].as_str().unwrap_or_default().to_owned();
        let decrypt = json!({"KeyId": arn, "CiphertextBlob": output["CiphertextBlob"]});
        kms::forwarded(self.state, self.trace, &forwarded, "Decrypt", decrypt).map_err(vault_failure)?;
        let key = self.state.contents.keys.keys().find(|key| key.arn() == arn).cloned();
        let key = key.expect("GenerateDataKey answers with the ARN of a key that exists");
        if !managed {
            kms::require_right_to_retire(self.state, self.trace, &forwarded, &key, &grant).map_err(vault_failure)?;
        }
        Ok(key)
    }

    /// A job starts if its caller may start it and pass the role; whether it succeeds is the key's matter (`svc:B-3`, `svc:B-5`).
    fn start_backup_job(&mut self) -> Answer {
        let account = self.own_account()?;
        let name = self.with.needed_text("BackupVaultName")?.to_owned();
        let role = self.with.needed_text("IamRoleArn")?.to_owned();
        let resource = self.with.needed_text("ResourceArn")?.to_owned();
        let at = (self.actor.region.clone(), name);
        let arn = format!("arn:aws:backup:{}:{account}:backup-vault:{}", at.0, at.1);
        self.authorize("backup:StartBackupJob", arn, Context::new())?;
        self.authorize(
            "iam:PassRole",
            role,
            Context::new().with("iam:PassedToService", "backup.amazonaws.com"),
        )?;
        let vault = self
            .state
            .account(&account)
            .and_then(|account| account.vaults.get(&at))
            .cloned();
        let vault = vault.ok_or_else(|| Stop::from(Refusal::error("ResourceNotFoundException", 400, None)))?;
        if !self.is_table(&resource) {
            return Err(Refusal::error("InvalidParameterValueException", 400, None).into());
        }
        let seed = self.state.next_seed("job");
        let id = symbol::key_id(&seed, false).to_uppercase();
        let id = self.state.symbol(id);
        let job = self.run_job(&vault)?;
        self.state.account_mut(&account).jobs.insert(id.clone(), job);
        Ok(json!({"BackupJobId": id}))
    }

    /// Whether the ARN is that of a DynamoDB table: the only kind of resource that is modelled here (`svc:B-2`).
    fn is_table(&self, resource: &str) -> bool {
        let Ok(arn) = Arn::new(resource) else { return false };
        let (Some(account), Some(name)) = (arn.account(), arn.field(5).strip_prefix("table/")) else {
            return false;
        };
        let Ok(region) = Region::new(arn.field(3)) else {
            return false;
        };
        arn.field(2) == "dynamodb"
            && self
                .state
                .account(&account)
                .is_some_and(|account| account.tables.contains(&(region, name.to_owned())))
    }

    /// The service decrypts the vault's data key as itself, for the vault (`svc:B-3`, `svc:B-6`).
    fn run_job(&mut self, vault: &Vault) -> Result<Job, Stop> {
        for id in ["svc:B-2", "svc:B-3", "svc:B-4", "svc:B-6"] {
            self.trace.rule(id);
        }
        let service = Actor::service(
            self.state,
            BACKUP_STORAGE,
            &vault.region,
            Some(&vault.arn()),
            Some(&vault.account),
        );
        let with = json!({"KeyId": vault.key.arn(), "CiphertextBlob": vault.data_key});
        match kms::forwarded(self.state, self.trace, &service, "Decrypt", with) {
            Ok(_) => Ok(Job {
                state: "COMPLETED",
                message: None,
            }),
            Err(Stop::Refused(_)) => {
                self.trace.rule("svc:B-5");
                Ok(Job {
                    state: "FAILED",
                    message: Some(KEY_UNUSABLE),
                })
            }
            Err(step) => Err(step),
        }
    }

    fn describe_backup_job(&mut self) -> Answer {
        let account = self.own_account()?;
        let id = self.with.needed_text("BackupJobId")?.to_owned();
        self.authorize("backup:DescribeBackupJob", "*".to_owned(), Context::new())?;
        let Some(job) = self.state.account(&account).and_then(|account| account.jobs.get(&id)) else {
            return Err(Refusal::error("ResourceNotFoundException", 400, None).into());
        };
        // The vault's key, whatever the source uses, decided what became of the job.
        self.trace.rule("svc:B-2");
        self.trace.rule("svc:B-5");
        let mut output = empty();
        output["BackupJobId"] = json!(id);
        output["State"] = json!(job.state);
        if let Some(message) = job.message {
            output["StatusMessage"] = json!(message);
        }
        Ok(output)
    }
}

/// What Backup says when its storage service or KMS refuses the creator of a vault (source of `svc:B-1`).
const INSUFFICIENT: &str = "Insufficient privileges to perform this action.";

fn vault_failure(stop: Stop) -> Stop {
    match stop {
        Stop::Refused(refusal) if refusal.code.as_deref() == Some("AccessDeniedException") => Stop::Refused(Refusal {
            status: 403,
            message: Some(INSUFFICIENT.to_owned()),
            ..refusal
        }),
        Stop::Refused(refusal) => Stop::Refused(Refusal {
            stops_at: refusal.stops_at,
            ..Refusal::error("InvalidParameterValueException", 400, None)
        }),
        step => step,
    }
}
