//! Lambda functions and AWS Backup vaults.

use countersign_model::case::{FunctionGrant, FunctionSpec};
use countersign_model::name::{AccountId, Region};
use serde_json::{Value, json};

use super::{Provisioner, role_arn};
use crate::target::TargetError;

impl<'a> Provisioner<'a> {
    pub(super) async fn functions(&mut self) -> Result<(), TargetError> {
        let spec = self.spec;
        for (account, holdings) in &spec.accounts {
            for (name, function) in &holdings.functions {
                let region = self.region(function.region.as_ref());
                let role = role_arn(account, holdings, &function.role);
                let parameters = json!({
                    "FunctionName": name,
                    "Role": role,
                    "KMSKeyArn": function.kms_key,
                    "Environment": (!function.environment.is_empty()).then(|| json!({"Variables": function.environment})),
                });
                let what = format!("function `{name}`");
                self.call(account, region, "lambda:CreateFunction", parameters, &what)
                    .await?;
                if function.grant.unwrap_or_default() == FunctionGrant::None && !function.environment.is_empty() {
                    let role_name = role.rsplit('/').next().unwrap_or(&role).to_owned();
                    self.revoke_function_grant(account, region, name, &role_name, function)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// Configuring a function makes Lambda's grant; a function without it is one whose grant was revoked.
    async fn revoke_function_grant(
        &mut self,
        account: &AccountId,
        region: &Region,
        name: &str,
        role: &str,
        function: &FunctionSpec,
    ) -> Result<(), TargetError> {
        let what = format!("grant of function `{name}`");
        let key = match &function.kms_key {
            Some(arn) => self.outward(&json!(arn))?,
            None => {
                let output = self
                    .call(
                        account,
                        region,
                        "kms:DescribeKey",
                        json!({"KeyId": "alias/aws/lambda"}),
                        &what,
                    )
                    .await?;
                output.pointer("/KeyMetadata/Arn").cloned().unwrap_or(Value::Null)
            }
        };
        let owner = key
            .as_str()
            .and_then(|arn| arn.split(':').nth(4))
            .and_then(|owner| AccountId::new(owner).ok());
        let owner = owner.unwrap_or_else(|| account.clone());
        let grantee = format!("arn:aws:sts::{account}:assumed-role/{role}/{name}");
        let output = self
            .call(&owner, region, "kms:ListGrants", json!({"KeyId": key}), &what)
            .await?;
        let grants = output
            .get("Grants")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        for grant in grants {
            if grant.get("GranteePrincipal").and_then(Value::as_str) == Some(grantee.as_str()) {
                let parameters = json!({"KeyId": key, "GrantId": grant.get("GrantId")});
                self.call(&owner, region, "kms:RevokeGrant", parameters, &what).await?;
            }
        }
        Ok(())
    }

    /// Creating a vault makes its grant (`svc:Q-7`).
    pub(super) async fn vaults(&mut self) -> Result<(), TargetError> {
        let spec = self.spec;
        for (account, holdings) in &spec.accounts {
            for (name, vault) in &holdings.backup_vaults {
                let region = self.region(vault.region.as_ref());
                let parameters = json!({"BackupVaultName": name, "EncryptionKeyArn": vault.key});
                self.call(
                    account,
                    region,
                    "backup:CreateBackupVault",
                    parameters,
                    &format!("backup vault `{name}`"),
                )
                .await?;
            }
        }
        Ok(())
    }
}
