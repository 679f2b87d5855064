//! IAM: users, groups, roles, policies, over the Query protocol. This file routes one request to its operation.
//! What the policies mean is the authorizer's.

mod absent;
mod access_keys;
mod attachments;
mod boundaries;
mod call;
mod error;
mod groups;
mod inline_policies;
mod managed;
mod operations;
mod policy_versions;
mod render;
mod roles;
mod service_linked_roles;
mod store;
mod tags;
mod users;

pub use store::{AccessKey, Account, Group, ManagedPolicy, PolicyAttachments, PolicyVersion, Role, Store, User};

pub(crate) use error::IamError;

use crate::identity::Principal;
use crate::protocol::error::IAM_NAMESPACE;
use crate::protocol::query::{self, Parameters};
use crate::protocol::{Authenticated, Response, XmlWriter};
use crate::state::State;
use call::Call;

/// API version of IAM.
const VERSION: &str = "2010-05-08";

/// Answers one verified IAM request.
pub fn handle(state: &mut State, request: &Authenticated) -> Response {
    let mut xml = XmlWriter::new();
    let result = read(request).and_then(|(parameters, operation)| {
        let account = entitled_account(request)?;
        let call = Call {
            caller: &request.caller,
            account,
            parameters: &parameters,
            operation,
        };
        (operation.run)(state, &call, &mut xml).map(|()| operation)
    });
    match result {
        Ok(operation) => query::success(
            IAM_NAMESPACE,
            operation.name,
            &request.request_id,
            operation.has_result,
            |result| {
                result.append(&xml);
            },
        ),
        Err(error) => query::failure(
            IAM_NAMESPACE,
            error.status,
            error.code,
            &error.message,
            &request.request_id,
        ),
    }
}

fn read(request: &Authenticated) -> Result<(Parameters, &'static operations::Operation), IamError> {
    let form = std::str::from_utf8(&request.body).ok().and_then(Parameters::read);
    let parameters = form.ok_or_else(|| IamError::new("MalformedInput", "The request body is not a valid form."))?;
    let name = parameters.get("Action").unwrap_or_default();
    let version = parameters.get("Version").unwrap_or(VERSION);
    match operations::find(name) {
        Some(operation) if version == VERSION => Ok((parameters, operation)),
        _ => Err(IamError::new(
            "InvalidAction",
            format!("Could not find operation {name} for version {version}"),
        )),
    }
}

/// The caller's account; federated users and GetSessionToken credentials without MFA may not call IAM (iam:L-78).
fn entitled_account(request: &Authenticated) -> Result<&crate::names::AccountId, IamError> {
    let refused = || {
        IamError::new(
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
    };
    let without_mfa = request
        .caller
        .session
        .as_ref()
        .is_some_and(|session| session.mfa_authenticated_at.is_none());
    match &request.caller.principal {
        Principal::FederatedUser { .. } => Err(refused()),
        Principal::User { .. } if without_mfa => Err(refused()),
        principal => principal
            .account()
            .ok_or_else(|| IamError::new("AccessDenied", "This caller has no account to manage.")),
    }
}
