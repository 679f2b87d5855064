//! The questions Lambda asks before it acts: the caller's own permission, `iam:PassRole`, and whether Lambda may
//! assume the execution role.

use super::{Call, LambdaError};
use crate::access::{self, Question, Refusal};
use crate::authorizer::known;
use crate::identity::Via;
use crate::state::State;

/// Lambda's service principal.
const LAMBDA: &str = "lambda.amazonaws.com";

/// The caller's permission for the operation itself; `arn` is `*` for operations without a function.
pub(super) fn require(state: &State, call: &Call<'_>, arn: &str) -> Result<(), LambdaError> {
    require_action(state, call, call.action, arn)
}

/// The same for another action that the request also takes.
pub(super) fn require_action(state: &State, call: &Call<'_>, action: &str, arn: &str) -> Result<(), LambdaError> {
    let via = Via::Direct;
    let owner = call.function.as_ref().map(|function| &function.account);
    let question = Question {
        resource: arn,
        resource_account: owner,
        ..Question::new(&call.request.caller, &via, action, &call.request.region)
    };
    access::check(state, question)
        .map(|_| ())
        .map_err(|refusal| denied(&refusal))
}

/// `iam:PassRole` for the execution role. Whether its trust policy lets the service in is not looked at: the rules do not say when.
pub(super) fn require_role(state: &State, call: &Call<'_>, role_arn: &str) -> Result<(), LambdaError> {
    let via = Via::Direct;
    let cannot_assume = || LambdaError::invalid("The role defined for the function cannot be assumed by Lambda.");
    let own = call.account()?;
    let (account, _) = state.iam.role_by_arn(role_arn).ok_or_else(cannot_assume)?;
    if account != *own {
        return Err(LambdaError::new(
            403,
            "AccessDeniedException",
            "Cross-account pass role is not allowed.",
        ));
    }
    let mut pass = Question {
        resource: role_arn,
        resource_account: Some(&account),
        ..Question::new(&call.request.caller, &via, "iam:PassRole", &call.request.region)
    };
    pass.context.set(known!("iam:passedtoservice"), LAMBDA);
    access::check(state, pass)
        .map(|_| ())
        .map_err(|refusal| denied(&refusal))
}

/// A refused pair as Lambda tells it.
pub(super) fn denied(refusal: &Refusal) -> LambdaError {
    match refusal {
        Refusal::Denied { message, .. } => LambdaError::new(403, "AccessDeniedException", message.clone()),
        Refusal::Unusable(_) => LambdaError::new(500, "ServiceException", "The service encountered an internal error."),
    }
}
