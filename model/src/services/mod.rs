//! The services around KMS and S3, as far as their flows touch KMS: Lambda environment variables, AWS Backup vaults, and the IAM and STS
//! calls that change who may do what. DynamoDB is here only as something to back up.

pub(crate) mod backup;
pub(crate) mod dynamodb;
pub(crate) mod iam;
pub(crate) mod lambda;
pub(crate) mod sts;

use serde_json::Value;

use crate::case::Decision;
use crate::context::Context;
use crate::name::AccountId;
use crate::world::access::{self, Attached, Pair};
use crate::world::actor::Actor;
use crate::world::parameters::Parameters;
use crate::world::policy::StoredPolicy;
use crate::world::state::State;
use crate::world::trace::{Refusal, Stop, Trace};

/// One call of a service of this room, while it runs.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) trace: &'a mut Trace,
    pub(crate) actor: &'a Actor,
    pub(crate) with: Parameters<'a>,
    /// The code of a denial: `AccessDenied` for IAM and STS, `AccessDeniedException` for the JSON services (`iam:R-10`).
    pub(crate) denied_code: &'static str,
    pub(crate) denied_status: u16,
}

impl Call<'_> {
    /// The caller's account: these services act in it. Callers without one are not known to them.
    fn own_account(&self) -> Result<AccountId, Stop> {
        self.actor
            .account()
            .cloned()
            .ok_or_else(|| Refusal::error("MissingAuthenticationToken", 403, None).into())
    }

    /// A check that identity policies decide.
    fn authorize(&mut self, action: &str, resource: String, keys: Context) -> Result<(), Stop> {
        let owner = self.own_account()?;
        let pair = Pair::identity(action, resource, Some(&owner)).with_keys(keys);
        let check = access::decide(self.state, self.actor, &pair);
        self.require(check)
    }

    /// A check under a role's trust policy.
    fn authorize_trust(
        &mut self,
        action: &str,
        resource: String,
        owner: &AccountId,
        trust: &StoredPolicy,
        keys: Context,
    ) -> Result<(), Stop> {
        let pair = Pair {
            policy: Attached::Trust(trust, "trust policy"),
            ..Pair::identity(action, resource, Some(owner)).with_keys(keys)
        };
        let check = access::decide(self.state, self.actor, &pair);
        self.require(check)
    }

    fn require(&mut self, check: crate::outcome::Check) -> Result<(), Stop> {
        if self.trace.check(check) {
            return Ok(());
        }
        let check = self.trace.last();
        let refusal = check.and_then(unfit_credentials).unwrap_or_else(|| {
            let message = check.and_then(|check| check.message.clone());
            Refusal::denied(self.denied_code, self.denied_status, message, check)
        });
        // The code of credentials that IAM does not take is no service's word for a denial.
        if refusal.decision == Decision::Deny {
            self.trace.rule("iam:R-10");
        }
        Err(refusal.into())
    }
}

/// Credentials that IAM or STS does not take at all (`iam:L-78`): IAM says so with an error of its own, STS with a text of its own.
fn unfit_credentials(check: &crate::outcome::Check) -> Option<Refusal> {
    if !check.rules.contains("iam:L-78") {
        return None;
    }
    if check.action.service() == "iam" {
        let message = "The security token included in the request is invalid.".to_owned();
        return Some(Refusal::error("InvalidClientTokenId", 403, Some(message)));
    }
    let message = format!("Cannot call {} with session credentials", check.action.operation());
    Some(Refusal::denied("AccessDenied", 403, Some(message), Some(check)))
}

/// `aws:RequestTag/…` and `aws:TagKeys` of tags in the request.
fn request_tag_keys<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Context {
    let mut keys = Context::new();
    let names: Vec<String> = pairs.clone().map(|(key, _)| key.to_owned()).collect();
    // No tags are no key at all (iam:K-71, iam:C-05).
    if !names.is_empty() {
        keys.set("aws:TagKeys", names);
    }
    keys.set_family("aws:RequestTag/", pairs);
    keys
}

fn empty() -> Value {
    serde_json::json!({})
}
