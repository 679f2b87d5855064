//! Calls that hand out credentials: an access key for a user, a session for a role or a federated user. They are not operations of a case.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};

use super::{Clients, Driver, Failure, UNPARSABLE, failure};
use crate::target::TargetError;
use crate::target::connector::{Facts, chain_of};

/// IAM and STS are global; their calls are signed for this Region.
const GLOBAL: &str = "us-east-1";
/// Who made the credentials, for the SDKs.
const PROVIDER: &str = "countersign-target";

/// A session of a role.
#[derive(Debug, Clone, Default)]
pub(crate) struct RoleSession {
    /// ARN of the role.
    pub(crate) role_arn: String,
    /// Session name.
    pub(crate) session: String,
    /// Inline session policy.
    pub(crate) policy: Option<String>,
    /// Managed session policies.
    pub(crate) policy_arns: Vec<String>,
    /// Session tags.
    pub(crate) tags: Vec<(String, String)>,
    /// Source identity.
    pub(crate) source_identity: Option<String>,
}

/// Credentials, or the target's refusal; the outer error is ours.
pub(crate) type Issued = Result<Result<Credentials, Failure>, TargetError>;

impl Driver {
    /// An access key for a user.
    ///
    /// # Errors
    /// [`TargetError::Transport`] and [`TargetError::Adapter`]; a refusal by the target is the inner error.
    pub(crate) async fn create_access_key(&mut self, by: &Credentials, user: &str) -> Issued {
        let clients = self.signed_by(by, "iam:CreateAccessKey");
        match Box::pin(clients.iam.create_access_key().user_name(user).send()).await {
            Ok(output) => match output.access_key() {
                Some(key) => Ok(Ok(Credentials::new(
                    key.access_key_id(),
                    key.secret_access_key(),
                    None,
                    None,
                    PROVIDER,
                ))),
                None => Ok(Err(without("AccessKey"))),
            },
            Err(error) => Ok(Err(
                failure(error).map_err(|error| self.line.take_fault().unwrap_or(error))?
            )),
        }
    }

    /// A session of a role.
    ///
    /// # Errors
    /// As for [`Driver::create_access_key`].
    pub(crate) async fn assume_role(&mut self, by: &Credentials, session: &RoleSession) -> Issued {
        let tags = session
            .tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<Vec<Tag>, _>>()
            .map_err(|error| TargetError::adapter(chain_of(&error)))?;
        let clients = self.signed_by(by, "sts:AssumeRole");
        let request = clients
            .sts
            .assume_role()
            .role_arn(&session.role_arn)
            .role_session_name(&session.session)
            .set_policy(session.policy.clone())
            .set_policy_arns(descriptors(&session.policy_arns))
            .set_tags((!tags.is_empty()).then_some(tags))
            .set_source_identity(session.source_identity.clone());
        match Box::pin(request.send()).await {
            Ok(output) => Ok(given(output.credentials())),
            Err(error) => Ok(Err(
                failure(error).map_err(|error| self.line.take_fault().unwrap_or(error))?
            )),
        }
    }

    /// A session of a federated user.
    ///
    /// # Errors
    /// As for [`Driver::create_access_key`].
    pub(crate) async fn get_federation_token(&mut self, by: &Credentials, name: &str, policy: Option<&str>) -> Issued {
        let clients = self.signed_by(by, "sts:GetFederationToken");
        let request = clients
            .sts
            .get_federation_token()
            .name(name)
            .set_policy(policy.map(str::to_owned));
        match Box::pin(request.send()).await {
            Ok(output) => Ok(given(output.credentials())),
            Err(error) => Ok(Err(
                failure(error).map_err(|error| self.line.take_fault().unwrap_or(error))?
            )),
        }
    }

    /// Clients whose calls are signed with these credentials.
    fn signed_by(&mut self, credentials: &Credentials, operation: &str) -> Arc<Clients> {
        let clock = self.line.facts().clock;
        *self.line.facts() = Facts {
            operation: operation.to_owned(),
            credentials: Some(credentials.clone()),
            clock,
            region: GLOBAL.to_owned(),
            ..Facts::default()
        };
        self.clients(GLOBAL, true)
    }
}

fn descriptors(arns: &[String]) -> Option<Vec<PolicyDescriptorType>> {
    let of = |arn: &String| PolicyDescriptorType::builder().arn(arn).build();
    (!arns.is_empty()).then(|| arns.iter().map(of).collect())
}

fn given(credentials: Option<&aws_sdk_sts::types::Credentials>) -> Result<Credentials, Failure> {
    let credentials = credentials.ok_or_else(|| without("Credentials"))?;
    Ok(Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
        Some(credentials.session_token().to_owned()),
        None,
        PROVIDER,
    ))
}

/// An answer that says success and gives nothing.
fn without(member: &str) -> Failure {
    Failure {
        code: Some(UNPARSABLE.to_owned()),
        message: Some(format!("the answer has no `{member}`")),
    }
}
