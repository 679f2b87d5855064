//! Put and Delete of permissions boundaries.

use super::call::{Call, Kind, boundary_context, check_modifiable};
use super::error::IamError;
use crate::authorizer::Context;
use crate::protocol::XmlWriter;
use crate::state::State;

/// `iam:Put{User,Role}PermissionsBoundary`.
pub(super) fn put(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let arn = call.required("PermissionsBoundary")?;
    super::managed::check_arn(arn)?;
    let mut context = Context::new();
    boundary_context(Some(arn), &mut context);
    change(state, call, context, Some(arn))
}

/// `iam:Delete{User,Role}PermissionsBoundary`.
pub(super) fn delete(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let mut context = Context::new();
    existing_boundary(state, call, name, &mut context);
    change(state, call, context, None)
}

/// A boundary that is passed must be a managed policy that exists.
pub(super) fn check_boundary(state: &State, arn: Option<&str>) -> Result<(), IamError> {
    match arn {
        Some(arn) if !state.iam.has_managed_policy(arn) => Err(IamError::new(
            "NoSuchEntity",
            format!("Policy {arn} does not exist or is not attachable."),
        )),
        _ => Ok(()),
    }
}

/// iam:PermissionsBoundary of an entity that has one, as decisions see it.
pub(super) fn existing_boundary(state: &State, call: &Call<'_>, name: &str, context: &mut Context) {
    let now = state.now();
    let boundary = state
        .iam
        .account(call.account)
        .and_then(|account| match call.operation.kind {
            Kind::User => account.users.get(name)?.permissions_boundary.visible(now).as_deref(),
            Kind::Role => account.roles.get(name)?.permissions_boundary.visible(now).as_deref(),
            Kind::Group | Kind::Other => None,
        });
    boundary_context(boundary, context);
}

fn change(state: &mut State, call: &Call<'_>, context: Context, arn: Option<&str>) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let kind = call.operation.kind;
    call.authorize(state, &call.arn_of(state, kind, name), context)?;
    check_modifiable(state, call.account, kind, name)?;
    check_boundary(state, arn)?;
    let when = state.change_time();
    let account = state.iam.account_mut(call.account);
    let boundary = match kind {
        Kind::User => account.users.get_mut(name).map(|user| &mut user.permissions_boundary),
        Kind::Role => account.roles.get_mut(name).map(|role| &mut role.permissions_boundary),
        Kind::Group | Kind::Other => None,
    };
    let boundary = boundary.ok_or_else(|| IamError::no_such(kind.word(), name))?;
    if boundary.current().is_none() && arn.is_none() {
        let message = format!("{} {name} does not have a permissions boundary.", kind.title());
        return Err(IamError::new("NoSuchEntity", message));
    }
    boundary.change(arn.map(str::to_owned), when);
    Ok(())
}
