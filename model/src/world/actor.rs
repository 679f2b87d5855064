//! Who makes a call and whence: the caller as the evaluator sees it, and the condition keys that follow from the principal, the
//! session, the network and the time (`iam:K-01`…`K-83`). What a service adds for its own operations is not here.

mod identity;
mod network;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::StepError;
use super::availability::{self, Column};
use super::policy::StoredPolicy;
use super::state::State;
use crate::case::StepPrincipal;
use crate::context::{Context, principal_keys};
use crate::evaluate::Caller;
use crate::name::{AccountId, Region};

use identity::{Identity, column_of, identify, role_session, service_caller, set_role_tags};
use network::{fact, set_network_keys, set_organization_keys, set_source_keys, set_time_keys};

pub(crate) use network::time_text;

/// Somebody at the door of a service.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) caller: Caller,
    /// The column of the availability matrix the caller stands in.
    pub(crate) column: Column,
    /// Session policies; `None` is not the same as an empty list (`iam:L-77`).
    pub(crate) session_policies: Option<Vec<Arc<StoredPolicy>>>,
    /// The condition keys that do not depend on the operation.
    pub(crate) keys: Context,
    /// The VPC endpoint the request came through: owner and name.
    pub(crate) through: Option<(AccountId, String)>,
    /// The Region the call goes to.
    pub(crate) region: Region,
    /// The forwarding service, such as `s3.amazonaws.com` (`svc:F-1`).
    pub(crate) via: Option<String>,
    /// Forwarding services, first to last (`iam:L-97`).
    pub(crate) chain: Vec<String>,
    /// For the trail: whether MFA was used, and when the session was made.
    pub(crate) session: SessionFacts,
}

/// Facts of a session that only the trail shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionFacts {
    pub(crate) issued: Option<Timestamp>,
    pub(crate) mfa: Option<bool>,
    /// A service that the trail names although the call is the session's own (`svc:T-3`).
    pub(crate) invoked_by: Option<&'static str>,
}

/// What the outer request's network looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network<'a> {
    /// Name of the VPC endpoint and the facts of `context:`.
    pub(crate) through: Option<&'a str>,
    pub(crate) facts: &'a BTreeMap<String, serde_json::Value>,
}

/// Since when the trail names Lambda behind a function's Decrypt (`svc:T-3`): not yet in the samples of 2021, in those of 2025.
const LAMBDA_IS_NAMED_SINCE: jiff::civil::Date = jiff::civil::date(2025, 1, 1);
/// What a step may say about its request besides the addresses, lower case.
const OUTER_FACTS: &[&str] = &[
    "aws:currenttime",
    "aws:epochtime",
    "aws:referer",
    "aws:securetransport",
    "aws:useragent",
];

impl Actor {
    /// The account, for callers that have one.
    pub(crate) fn account(&self) -> Option<&AccountId> {
        self.caller.account()
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        matches!(self.caller, Caller::Anonymous)
    }

    pub(crate) fn is_service(&self) -> bool {
        matches!(self.caller, Caller::Service { .. })
    }

    /// The actor of a step's principal, with the credentials the harness makes for it.
    pub(crate) fn of_step(
        state: &mut State,
        principal: &StepPrincipal,
        region: &Region,
        network: &Network<'_>,
    ) -> Result<Self, StepError> {
        let issued = match state.sessions.get(principal) {
            Some(issued) => *issued,
            None => {
                state.sessions.insert(principal.clone(), state.clock.now);
                state.clock.now
            }
        };
        let Identity {
            caller,
            session_policies,
            session_keys,
            mfa,
        } = identify(state, principal, issued)?;
        let column = column_of(&caller, mfa.is_some());
        let mut keys = principal_keys(&caller);
        keys.set_all(&session_keys);
        set_organization_keys(state, &mut keys, &caller);
        let through = set_network_keys(state, &mut keys, &caller, region, network)?;
        set_time_keys(state, &mut keys, region);
        for (key, value) in network.facts {
            match key.to_ascii_lowercase().as_str() {
                // Read with the endpoint, above.
                "aws:sourceip" | "aws:vpcsourceip" => {}
                fact_key if OUTER_FACTS.contains(&fact_key) => keys.set(key, fact(key, value)?),
                _ => {
                    let why =
                        "only facts of the network and the time can be said; everything else follows from the world";
                    return Err(StepError::Step(format!("context key `{key}`: {why}")));
                }
            }
        }
        availability::keep_available(&mut keys, column);
        let issued = matches!(
            column,
            Column::UserTemporary | Column::RoleSession | Column::FederatedUser
        )
        .then_some(issued);
        Ok(Self {
            caller,
            column,
            session_policies,
            keys,
            through,
            region: region.clone(),
            via: None,
            chain: Vec::new(),
            session: SessionFacts {
                issued,
                mfa,
                invoked_by: None,
            },
        })
    }

    /// The same caller as another Region sees it: for operations that reach into two (`svc:K-22`).
    pub(crate) fn in_region(&self, region: &Region) -> Self {
        let mut there = self.clone();
        there.region = region.clone();
        there.keys.set("aws:RequestedRegion", region.as_str());
        there
    }

    /// The same principal, forwarded by a service to another one in a Region (`svc:F-1`, `svc:F-2`, `iam:L-95`, `iam:L-96`).
    pub(crate) fn forwarded_by(&self, state: &State, service: &str, region: &Region) -> Self {
        let mut forwarded = self.clone();
        let principal = format!("{service}.amazonaws.com");
        forwarded.region = region.clone();
        forwarded.through = None;
        forwarded.keys.set("aws:ViaAWSService", true);
        forwarded
            .keys
            .set("kms:ViaService", format!("{service}.{region}.amazonaws.com"));
        forwarded.keys.set("aws:RequestedRegion", region.as_str());
        availability::forward(&mut forwarded.keys);
        if !state.quirks.forwarded_call_keeps_source_ip {
            forwarded.keys.remove("aws:SourceIp");
        }
        if self.column == Column::UserLongTerm {
            // A user without temporary credentials has no MFA key; on a forwarded call it is there and false (iam:K-21).
            forwarded.keys.set("aws:MultiFactorAuthPresent", false);
        }
        forwarded.chain.push(principal.clone());
        // AWS Backup is not among the services that fill the key (iam:K-60); S3 and Lambda by switch (svc:Q-5).
        if matches!(service, "s3" | "lambda") && state.quirks.called_via_on_s3_and_lambda {
            forwarded.keys.set("aws:CalledVia", forwarded.chain.clone());
            forwarded.keys.set("aws:CalledViaFirst", forwarded.chain[0].as_str());
            forwarded.keys.set("aws:CalledViaLast", principal.as_str());
        }
        forwarded.via = Some(principal);
        forwarded
    }

    /// A service that calls for itself (`svc:F-3`): no account of the customer's, no network.
    pub(crate) fn service(
        state: &State,
        name: &str,
        region: &Region,
        source_arn: Option<&str>,
        source_account: Option<&AccountId>,
    ) -> Self {
        let caller = service_caller(name, region);
        let mut keys = principal_keys(&caller);
        set_source_keys(state, &mut keys, source_arn, source_account);
        set_time_keys(state, &mut keys, region);
        availability::keep_available(&mut keys, Column::Service);
        Self {
            caller,
            column: Column::Service,
            session_policies: None,
            keys,
            through: None,
            region: region.clone(),
            via: None,
            chain: Vec::new(),
            session: SessionFacts::default(),
        }
    }

    /// A session of an execution role that Lambda made: an ordinary role session (`svc:F-4`, `svc:L-4`).
    pub(crate) fn lambda_runtime(
        state: &State,
        account: &AccountId,
        role: &str,
        session: &str,
        region: &Region,
    ) -> Option<Self> {
        let caller = role_session(state, account, role, session)?;
        let mut keys = principal_keys(&caller);
        set_role_tags(state, &mut keys, account, role, &BTreeMap::new());
        keys.set("aws:TokenIssueTime", time_text(state.clock.now));
        keys.set(
            "lambda:SourceFunctionArn",
            format!("arn:aws:lambda:{region}:{account}:function:{session}"),
        );
        set_organization_keys(state, &mut keys, &caller);
        set_time_keys(state, &mut keys, region);
        if state.quirks.lambda_runtime_decrypt_via_service {
            keys.set("kms:ViaService", format!("lambda.{region}.amazonaws.com"));
        }
        availability::keep_available(&mut keys, Column::RoleSession);
        Some(Self {
            caller,
            column: Column::RoleSession,
            session_policies: None,
            keys,
            through: None,
            region: region.clone(),
            via: None,
            chain: Vec::new(),
            session: SessionFacts {
                issued: Some(state.clock.now),
                mfa: None,
                invoked_by: (state.as_of >= LAMBDA_IS_NAMED_SINCE).then_some("lambda.amazonaws.com"),
            },
        })
    }
}
