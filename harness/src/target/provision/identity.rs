//! Users, roles, groups and their policies.

use std::collections::BTreeMap;

use countersign_model::case::PolicyText;
use countersign_model::name::AccountId;
use serde_json::{Value, json};

use super::{Provisioner, list_of_tags, role_arn};
use crate::target::TargetError;

impl<'a> Provisioner<'a> {
    /// Users and roles, still without policies: policies may name their unique ids, and trust policies each other.
    pub(super) async fn principals(&mut self) -> Result<(), TargetError> {
        for (account, spec) in &self.spec.accounts {
            for (name, user) in &spec.users {
                let parameters =
                    json!({"UserName": name, "Path": user.path, "Tags": list_of_tags(&user.tags, "Key", "Value")});
                let output = self
                    .iam(account, "iam:CreateUser", parameters, &format!("user `{name}`"))
                    .await?;
                let arn = format!(
                    "arn:aws:iam::{account}:user{}{name}",
                    user.path.as_deref().unwrap_or("/")
                );
                self.bind_unique_id(&arn, &output, "/User/UserId")?;
            }
            for (name, role) in &spec.roles {
                let what = format!("role `{name}`");
                let output = if let Some(service) = &role.service_linked {
                    let output = self
                        .iam(
                            account,
                            "iam:CreateServiceLinkedRole",
                            json!({"AWSServiceName": service}),
                            &what,
                        )
                        .await?;
                    if output.pointer("/Role/RoleName").and_then(Value::as_str) != Some(name.as_str()) {
                        return Err(TargetError::adapter(format!(
                            "{what} is not the name of the service-linked role of `{service}`"
                        )));
                    }
                    output
                } else {
                    let parameters = json!({
                        "RoleName": name,
                        "Path": role.path,
                        "AssumeRolePolicyDocument": self.first_trust(account, name),
                        "Tags": list_of_tags(&role.tags, "Key", "Value"),
                    });
                    self.iam(account, "iam:CreateRole", parameters, &what).await?
                };
                let arn = output
                    .pointer("/Role/Arn")
                    .and_then(Value::as_str)
                    .map_or_else(|| role_arn(account, spec, name), str::to_owned);
                self.bind_unique_id(&arn, &output, "/Role/RoleId")?;
            }
        }
        Ok(())
    }

    pub(super) async fn identity_policies(&mut self) -> Result<(), TargetError> {
        for (account, spec) in &self.spec.accounts {
            for (name, document) in &spec.managed_policies {
                let parameters = json!({"PolicyName": name, "PolicyDocument": document.text()});
                self.iam(
                    account,
                    "iam:CreatePolicy",
                    parameters,
                    &format!("managed policy `{name}`"),
                )
                .await?;
            }
            for (name, group) in &spec.groups {
                let what = format!("group `{name}`");
                self.iam(
                    account,
                    "iam:CreateGroup",
                    json!({"GroupName": name, "Path": group.path}),
                    &what,
                )
                .await?;
                self.policies_of(account, "Group", name, &group.policies, &group.attached, None)
                    .await?;
            }
            for (name, user) in &spec.users {
                self.policies_of(
                    account,
                    "User",
                    name,
                    &user.policies,
                    &user.attached,
                    user.permissions_boundary.as_deref(),
                )
                .await?;
                for group in &user.groups {
                    let parameters = json!({"GroupName": group, "UserName": name});
                    self.iam(
                        account,
                        "iam:AddUserToGroup",
                        parameters,
                        &format!("membership of `{name}` in `{group}`"),
                    )
                    .await?;
                }
            }
            for (name, role) in &spec.roles {
                if role.service_linked.is_some() {
                    continue;
                }
                self.policies_of(
                    account,
                    "Role",
                    name,
                    &role.policies,
                    &role.attached,
                    role.permissions_boundary.as_deref(),
                )
                .await?;
            }
        }
        Ok(())
    }

    /// Trust policies name each other's roles, and functions are only made with a role that Lambda may assume: so they come later.
    pub(super) async fn trust_policies(&mut self) -> Result<(), TargetError> {
        for (account, spec) in &self.spec.accounts {
            for (name, role) in &spec.roles {
                let first = self.first_trust(account, name).to_string();
                let last = role
                    .trust
                    .as_ref()
                    .map_or_else(|| own_account_trust(account).to_string(), PolicyText::text);
                if role.service_linked.is_some() || last == first {
                    continue;
                }
                let parameters = json!({"RoleName": name, "PolicyDocument": last});
                self.iam(
                    account,
                    "iam:UpdateAssumeRolePolicy",
                    parameters,
                    &format!("trust policy of `{name}`"),
                )
                .await?;
            }
        }
        Ok(())
    }

    /// The trust policy that a role is made with.
    fn first_trust(&self, account: &AccountId, name: &str) -> Value {
        let mut trust = own_account_trust(account);
        let runs_functions = self.spec.accounts.values().any(|holdings| {
            holdings
                .functions
                .values()
                .any(|function| function.role.rsplit('/').next() == Some(name))
        });
        if runs_functions {
            trust["Statement"][0]["Principal"]["Service"] = json!("lambda.amazonaws.com");
        }
        trust
    }

    async fn policies_of(
        &mut self,
        account: &AccountId,
        kind: &str,
        name: &str,
        inline: &BTreeMap<String, PolicyText>,
        attached: &[String],
        boundary: Option<&str>,
    ) -> Result<(), TargetError> {
        let entity = format!("{kind}Name");
        for (policy, document) in inline {
            let parameters = json!({&entity: name, "PolicyName": policy, "PolicyDocument": document.text()});
            self.iam(
                account,
                &format!("iam:Put{kind}Policy"),
                parameters,
                &format!("policy `{policy}` of `{name}`"),
            )
            .await?;
        }
        for arn in attached {
            let parameters = json!({&entity: name, "PolicyArn": arn});
            self.iam(
                account,
                &format!("iam:Attach{kind}Policy"),
                parameters,
                &format!("policy `{arn}` of `{name}`"),
            )
            .await?;
        }
        if let Some(arn) = boundary {
            let parameters = json!({&entity: name, "PermissionsBoundary": arn});
            self.iam(
                account,
                &format!("iam:Put{kind}PermissionsBoundary"),
                parameters,
                &format!("boundary of `{name}`"),
            )
            .await?;
        }
        Ok(())
    }
}

fn own_account_trust(account: &AccountId) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": account.root_arn()}, "Action": "sts:AssumeRole"}],
    })
}
