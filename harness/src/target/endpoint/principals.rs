//! Credentials for the principals of a case, made through IAM and STS as anybody would: an access key for a user, a session for a role.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use countersign_model::case::{StepPrincipal, WorldSpec};
use countersign_model::name::AccountId;
use serde_json::{Value, json};

use super::administrator::{Administrators, of_iam};
use crate::differential::Binding;
use crate::target::TargetError;
use crate::target::driver::{Driver, Failure, RoleSession};
use crate::target::provision::{role_arn, unbound};

/// Credentials that were made for a case, by principal.
#[derive(Debug, Default)]
pub(super) struct Principals {
    known: BTreeMap<String, Credentials>,
}

/// What making credentials takes.
pub(super) struct Maker<'a> {
    pub(super) driver: &'a mut Driver,
    pub(super) administrators: &'a mut Administrators,
    pub(super) spec: &'a WorldSpec,
    pub(super) binding: &'a Binding,
}

impl Principals {
    /// A name may mean another principal from now on.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The principal's credentials; none for an anonymous caller.
    pub(super) async fn credentials(
        &mut self,
        principal: &StepPrincipal,
        maker: &mut Maker<'_>,
    ) -> Result<Option<Credentials>, TargetError> {
        if *principal == StepPrincipal::Anonymous {
            return Ok(None);
        }
        let name = format!("{principal:?}");
        if let Some(known) = self.known.get(&name) {
            return Ok(Some(known.clone()));
        }
        maker.administrators.relax(maker.driver).await?;
        let made = Box::pin(maker.make(principal)).await;
        maker.administrators.enforce(maker.driver).await?;
        let made = made?;
        self.known.insert(name, made.clone());
        Ok(Some(made))
    }
}

impl Maker<'_> {
    async fn make(&mut self, principal: &StepPrincipal) -> Result<Credentials, TargetError> {
        let missing = || TargetError::adapter(format!("the account of the principal {principal:?} is not known"));
        match principal {
            StepPrincipal::User { account, name, .. } => self.key_of(account.as_ref().ok_or_else(missing)?, name).await,
            StepPrincipal::Root { account } => {
                let account = account.as_ref().ok_or_else(missing)?;
                self.administrators.prepare(self.driver, account).await?;
                self.administrators.of(account)
            }
            StepPrincipal::Role {
                account,
                name,
                session,
                policy,
                policy_arns,
                tags,
                source_identity,
                ..
            } => {
                let account = account.as_ref().ok_or_else(missing)?;
                let policy = policy
                    .as_ref()
                    .map(|policy| self.binding.outward_text(policy.text()).map(Cow::into_owned))
                    .transpose()
                    .map_err(unbound)?;
                let session = RoleSession {
                    role_arn: self.arn_of_role(account, name).await?,
                    session: session.clone(),
                    policy,
                    policy_arns: policy_arns.clone(),
                    tags: tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
                    source_identity: source_identity.clone(),
                };
                self.session_of(account, name, &session).await
            }
            StepPrincipal::FederatedUser {
                account,
                name,
                by,
                policy,
            } => {
                let account = account.as_ref().ok_or_else(missing)?;
                let parent = if by == "root" {
                    self.administrators.prepare(self.driver, account).await?;
                    self.administrators.of(account)?
                } else {
                    self.key_of(account, by).await?
                };
                let policy = policy.as_ref().map(|policy| policy.text());
                let issued = self.driver.get_federation_token(&parent, name, policy).await?;
                issued.map_err(|_| TargetError::unsupported("a federated user whose parent may not make the session"))
            }
            StepPrincipal::Service { .. } | StepPrincipal::Anonymous => {
                Err(TargetError::unsupported("service_principals"))
            }
        }
    }

    async fn key_of(&mut self, account: &AccountId, user: &str) -> Result<Credentials, TargetError> {
        self.administrators.prepare(self.driver, account).await?;
        let administrator = self.administrators.of(account)?;
        let issued = self.driver.create_access_key(&administrator, user).await?;
        issued.map_err(|failure| refused(format!("an access key of user `{user}`"), failure))
    }

    /// The role's ARN: its path is known from the world, or asked for.
    async fn arn_of_role(&mut self, account: &AccountId, name: &str) -> Result<String, TargetError> {
        if let Some(holdings) = self.spec.accounts.get(account)
            && holdings.roles.contains_key(name)
        {
            return Ok(role_arn(account, holdings, name));
        }
        self.administrators.prepare(self.driver, account).await?;
        let administrator = self.administrators.of(account)?;
        let with = json!({"RoleName": name});
        let answer = self.driver.call(of_iam("GetRole", &with, &administrator)).await?;
        let output = answer
            .result
            .map_err(|failure| refused(format!("role `{name}`"), failure))?;
        let arn = output.pointer("/Role/Arn").and_then(Value::as_str);
        arn.map(str::to_owned)
            .ok_or_else(|| TargetError::adapter(format!("GetRole of `{name}` answers without an ARN")))
    }

    /// A session of the role, whatever its trust policy says: where that binds whoever asks, it lets Countersign's user in for the moment
    /// of the call and is then put back.
    async fn session_of(
        &mut self,
        account: &AccountId,
        role: &str,
        session: &RoleSession,
    ) -> Result<Credentials, TargetError> {
        let assumer = self.administrators.assumer(self.driver, account).await?;
        let what = || format!("a session of role `{role}`");
        if !self.administrators.is_bound_by_trust()
            && let Ok(credentials) = self.driver.assume_role(&assumer, session).await?
        {
            return Ok(credentials);
        }
        let administrator = self.administrators.of(account)?;
        let with = json!({"RoleName": role});
        let answer = self.driver.call(of_iam("GetRole", &with, &administrator)).await?;
        let trust = answer
            .result
            .ok()
            .and_then(|output| output.pointer("/Role/AssumeRolePolicyDocument").cloned())
            .ok_or_else(|| TargetError::adapter(format!("GetRole of `{role}` answers without a trust policy")))?;
        let open = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": self.administrators.assumer_arn(account)},
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        }]});
        self.put_trust(&administrator, role, &open.to_string()).await?;
        let issued = self.driver.assume_role(&assumer, session).await;
        let trust = trust.as_str().map_or_else(|| trust.to_string(), decoded);
        self.put_trust(&administrator, role, &trust).await?;
        issued?.map_err(|failure| refused(what(), failure))
    }

    async fn put_trust(&mut self, by: &Credentials, role: &str, trust: &str) -> Result<(), TargetError> {
        let with = json!({"RoleName": role, "PolicyDocument": trust});
        let answer = self.driver.call(of_iam("UpdateAssumeRolePolicy", &with, by)).await?;
        answer
            .result
            .map(|_| ())
            .map_err(|failure| refused(format!("trust policy of role `{role}`"), failure))
    }
}

/// The target refuses what any case needs: a difference, in the words of world building.
fn refused(what: String, failure: Failure) -> TargetError {
    TargetError::Provisioning {
        what,
        code: failure.code.unwrap_or_default(),
        message: failure.message.unwrap_or_default(),
    }
}

/// IAM gives documents percent-encoded.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        let byte = bytes
            .get(position + 1..position + 3)
            .filter(|_| bytes[position] == b'%')
            .and_then(|digits| {
                let digits = std::str::from_utf8(digits).ok()?;
                u8::from_str_radix(digits, 16).ok()
            });
        position += if byte.is_some() { 3 } else { 1 };
        decoded.push(byte.unwrap_or_else(|| bytes[position - 1]));
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn documents_are_decoded() {
        assert_eq!(decoded("%7B%22a%22%3A1%7D"), "{\"a\":1}");
        assert_eq!(decoded("{\"a\": \"100%\"}"), "{\"a\": \"100%\"}");
        assert_eq!(decoded("%zz%4"), "%zz%4");
    }
}
