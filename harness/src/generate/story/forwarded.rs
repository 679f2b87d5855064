//! Services that call KMS for somebody: Lambda functions with an encrypted environment, and AWS Backup vaults.

use std::collections::BTreeMap;

use countersign_model::case::{BackupVaultSpec, FunctionGrant, FunctionSpec};
use serde_json::{Value, json};

use super::super::fact::{Fact, Known};
use super::super::request::{KmsCall, Need, Request};
use super::super::scene::{Scene, StepDraft};
use super::super::vocabulary::kms_operation;

impl Scene<'_, '_, '_> {
    /// A Lambda function: its configuration is read, written and made, and it starts.
    pub(super) fn functions(&mut self) {
        let key = self.new_key(0);
        let role = self.new_role(0);
        let mut name = format!("fn-{}", self.dice.below(1000));
        let environment: BTreeMap<String, String> = [("STAGE".to_owned(), self.phrase())].into();
        let grant = if self.dice.below(4) > 0 {
            Some(FunctionGrant::Service)
        } else {
            None
        };
        let spec = FunctionSpec {
            role: self.identities[role].name.clone(),
            region: None,
            kms_key: (self.dice.below(5) > 0).then(|| self.keys[key].name.clone()),
            environment,
            grant,
        };
        self.extras.functions.push((0, name.clone(), spec));
        let execution = self.named_session_actor(role, name.clone());
        let goal = self.steps.len() + 3 + self.dice.position(3);
        while self.steps.len() < goal && self.room() > 0 {
            match self.dice.below(10) {
                0 | 1 => {
                    let request = self.function_request("lambda:GetFunctionConfiguration", &["Decrypt"], &name, key);
                    self.perform(request);
                }
                2 | 3 => {
                    let mut request = self.function_request(
                        "lambda:UpdateFunctionConfiguration",
                        &["Encrypt", "CreateGrant"],
                        &name,
                        key,
                    );
                    let phrase = self.phrase();
                    request
                        .call
                        .with
                        .insert("Environment".to_owned(), json!({"Variables": {"STAGE": phrase}}));
                    self.perform(request);
                }
                4 => {
                    let made = format!("fn-{}", 1000 + self.dice.below(1000));
                    let mut request =
                        self.function_request("lambda:CreateFunction", &["Encrypt", "CreateGrant"], &made, key);
                    let phrase = self.phrase();
                    request
                        .call
                        .with
                        .insert("Role".to_owned(), json!(self.identity_arn(role)));
                    request
                        .call
                        .with
                        .insert("Environment".to_owned(), json!({"Variables": {"STAGE": phrase}}));
                    if self.dice.below(4) > 0 {
                        request
                            .call
                            .with
                            .insert("KMSKeyArn".to_owned(), json!(self.key_arn(key)));
                    }
                    request.needs.push(self.pass_role("lambda.amazonaws.com"));
                    self.perform(request);
                    name = made;
                }
                5 => {
                    // The execution role itself, directly.
                    let request =
                        self.kms_request(execution, kms_operation("GenerateDataKey"), key, &KmsCall::default());
                    self.perform(request);
                }
                // A function that is made by a step may never come to be: what starts is the one that is there.
                _ if name == self.extras.functions[0].1 => self.steps.push(StepDraft::Invoke {
                    function: name.clone(),
                    cold: self.dice.below(5) > 0,
                }),
                _ => {
                    let request = self.function_request("lambda:GetFunctionConfiguration", &["Decrypt"], &name, key);
                    self.perform(request);
                }
            }
        }
    }

    fn function_request(&mut self, call: &str, on_key: &[&str], function: &str, key: usize) -> Request {
        let actor = self.new_actor(0);
        let mut draft = self.bare(actor, call);
        draft.with.insert("FunctionName".to_owned(), json!(function));
        let mut needs = vec![self.any_need(call)];
        needs.extend(on_key.iter().map(|action| self.service_need(action, key, "lambda")));
        Request { call: draft, needs }
    }

    /// A check on a key that a service asks for its caller.
    fn service_need(&self, action: &str, key: usize, service: &str) -> Need {
        let mut need = self.key_need(action, key, None, None);
        need.facts
            .retain(|fact| !matches!(fact.key.as_str(), "kms:ViaService" | "kms:GrantIsForAWSResource"));
        need.facts.push(Fact::text(
            "kms:ViaService",
            format!("{service}.{}.amazonaws.com", self.region),
        ));
        need.facts.push(Fact::new("aws:ViaAWSService", Known::Bool(true)));
        if action == "CreateGrant" {
            need.facts
                .push(Fact::new("kms:GrantIsForAWSResource", Known::Bool(true)));
        }
        Need { via_s3: true, ..need }
    }

    fn pass_role(&self, service: &str) -> Need {
        let mut need = self.any_need("iam:PassRole");
        need.facts.push(Fact::text("iam:PassedToService", service));
        need
    }

    /// A backup vault: jobs run while policies change, and vaults are made.
    pub(super) fn vault(&mut self) {
        let key = self.new_key(0);
        let role = self.new_role(0);
        let name = format!("vault-{}", self.dice.below(1000));
        let spec = BackupVaultSpec {
            region: None,
            key: Some(self.keys[key].name.clone()),
        };
        self.extras.vaults.push((0, name.clone(), spec));
        if self.dice.coin() {
            self.deny_by_principal_arn(key);
        }
        if self.dice.below(5) == 0 {
            self.keys[key].state = Some("Disabled".to_owned());
        }
        let table = format!("table{}", self.dice.below(100));
        let maker = self.new_actor(0);
        let mut call = self.bare(maker, "dynamodb:CreateTable");
        call.with.insert("TableName".to_owned(), json!(table));
        call.with.insert(
            "AttributeDefinitions".to_owned(),
            json!([{"AttributeName": "id", "AttributeType": "S"}]),
        );
        call.with.insert(
            "KeySchema".to_owned(),
            json!([{"AttributeName": "id", "KeyType": "HASH"}]),
        );
        call.with.insert("BillingMode".to_owned(), json!("PAY_PER_REQUEST"));
        let needs = vec![self.any_need("dynamodb:CreateTable")];
        self.perform(Request { call, needs });
        let goal = self.steps.len() + 3;
        while self.steps.len() < goal && self.room() > 1 {
            let actor = self.new_actor(0);
            if self.dice.below(4) == 0 {
                let mut call = self.bare(actor, "backup:CreateBackupVault");
                let made = format!("vault-{}", 1000 + self.dice.below(1000));
                call.with.insert("BackupVaultName".to_owned(), json!(made));
                call.with
                    .insert("EncryptionKeyArn".to_owned(), json!(self.key_arn(key)));
                let mut needs = vec![
                    self.any_need("backup:CreateBackupVault"),
                    self.any_need("backup-storage:MountCapsule"),
                ];
                let on_key = [
                    "DescribeKey",
                    "CreateGrant",
                    "GenerateDataKey",
                    "Decrypt",
                    "RetireGrant",
                ];
                needs.extend(on_key.map(|action| self.service_need(action, key, "backup")));
                self.perform(Request { call, needs });
                continue;
            }
            let job = self.saved_name("job");
            let mut call = self.bare(actor, "backup:StartBackupJob");
            let account = self.accounts[0].clone();
            call.with.insert("BackupVaultName".to_owned(), json!(name));
            let resource = format!("arn:aws:dynamodb:{}:{account}:table/{table}", self.region);
            call.with.insert("ResourceArn".to_owned(), json!(resource));
            call.with
                .insert("IamRoleArn".to_owned(), json!(self.identity_arn(role)));
            call.save.insert(job.clone(), "BackupJobId".to_owned());
            let needs = vec![
                self.any_need("backup:StartBackupJob"),
                self.pass_role("backup.amazonaws.com"),
            ];
            self.perform(Request { call, needs });
            let reader = if self.dice.coin() { actor } else { self.new_actor(0) };
            let mut call = self.bare(reader, "backup:DescribeBackupJob");
            call.with
                .insert("BackupJobId".to_owned(), Value::String(format!("{{{{saved.{job}}}}}")));
            let needs = vec![self.any_need("backup:DescribeBackupJob")];
            self.perform(Request { call, needs });
        }
    }
}
