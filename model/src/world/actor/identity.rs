//! Who a principal of a step is: the caller, its session's policies and the condition keys that follow from it (`iam:K-01`…`K-46`).
//! Where the request comes from is `network`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::network::{set_source_keys, time_text};
use crate::case::{StepPrincipal, legal};
use crate::context::Context;
use crate::evaluate::{self, Caller, Parent};
use crate::name::{AccountId, Partition, Region};
use crate::policy::PolicyKind;
use crate::world::StepError;
use crate::world::availability::Column;
use crate::world::policy::StoredPolicy;
use crate::world::state::State;

/// Who a principal is, before the network and the time are added.
pub(super) struct Identity {
    pub(super) caller: Caller,
    pub(super) session_policies: Option<Vec<Arc<StoredPolicy>>>,
    pub(super) session_keys: Context,
    /// Given for sessions only.
    pub(super) mfa: Option<bool>,
}

impl Identity {
    fn plain(caller: Caller, session_keys: Context) -> Self {
        Self {
            caller,
            session_policies: None,
            session_keys,
            mfa: None,
        }
    }
}

pub(super) fn identify(state: &mut State, principal: &StepPrincipal, issued: Timestamp) -> Result<Identity, StepError> {
    if let Some(illegal) = legal::of_principal(principal).into_iter().next() {
        // STS would not make such a session (the loader says so with a place).
        return Err(StepError::Caller(illegal.why));
    }
    let missing = |what: String| StepError::Caller(what);
    let account_of = |account: &Option<AccountId>| {
        account
            .clone()
            .ok_or_else(|| StepError::Caller("the account of the principal is not known".to_owned()))
    };
    match principal {
        StepPrincipal::User { account, name, mfa } => {
            let account = account_of(account)?;
            let user = user(state, &account, name).ok_or_else(|| missing(format!("user `{name}` in {account}")))?;
            let mut keys = Context::new();
            set_user_tags(state, &mut keys, &account, name);
            if let Some(mfa) = mfa {
                set_session_times(state, &mut keys, issued, Some(*mfa));
            }
            Ok(Identity {
                caller: Caller::User(user),
                session_policies: None,
                session_keys: keys,
                mfa: *mfa,
            })
        }
        StepPrincipal::Root { account } => Ok(Identity::plain(
            Caller::Root {
                account: account_of(account)?,
                partition: Partition::default(),
                assumed: false,
            },
            Context::new(),
        )),
        StepPrincipal::Role {
            account,
            name,
            session,
            policy,
            policy_arns,
            tags,
            source_identity,
            mfa,
        } => {
            let account = account_of(account)?;
            let caller = role_session(state, &account, name, session)
                .ok_or_else(|| missing(format!("role `{name}` in {account}")))?;
            let mut keys = Context::new();
            set_role_tags(state, &mut keys, &account, name, tags);
            set_session_times(state, &mut keys, issued, *mfa);
            if let Some(identity) = source_identity {
                keys.set("aws:SourceIdentity", identity.as_str());
            }
            let session_policies = session_policies(state, policy.as_ref().map(|policy| policy.text()), policy_arns)?;
            Ok(Identity {
                caller,
                session_policies,
                session_keys: keys,
                mfa: *mfa,
            })
        }
        StepPrincipal::FederatedUser {
            account,
            name,
            by,
            policy,
        } => {
            let account = account_of(account)?;
            let mut keys = Context::new();
            let parent = if by == "root" {
                Parent::Root(account)
            } else {
                let parent = user(state, &account, by).ok_or_else(|| missing(format!("user `{by}` in {account}")))?;
                set_user_tags(state, &mut keys, &account, by);
                Parent::User(parent)
            };
            keys.set("aws:TokenIssueTime", time_text(issued));
            let session_policies = session_policies(state, policy.as_ref().map(|policy| policy.text()), &[])?;
            let caller = Caller::FederatedUser(evaluate::FederatedUser {
                parent,
                name: name.clone(),
            });
            Ok(Identity {
                caller,
                session_policies,
                session_keys: keys,
                mfa: None,
            })
        }
        StepPrincipal::Service {
            name,
            source_arn,
            source_account,
        } => {
            let caller = service_caller(name, &state.spec.region);
            let mut keys = Context::new();
            set_source_keys(state, &mut keys, source_arn.as_deref(), source_account.as_ref());
            Ok(Identity::plain(caller, keys))
        }
        StepPrincipal::Anonymous => Ok(Identity::plain(Caller::Anonymous, Context::new())),
    }
}

pub(super) fn column_of(caller: &Caller, temporary: bool) -> Column {
    match caller {
        Caller::User(_) if temporary => Column::UserTemporary,
        Caller::User(_) => Column::UserLongTerm,
        Caller::RoleSession(_) => Column::RoleSession,
        Caller::FederatedUser(_) => Column::FederatedUser,
        Caller::Root { .. } => Column::Root,
        Caller::Service { .. } | Caller::Federated { .. } => Column::Service,
        Caller::Anonymous => Column::Anonymous,
    }
}

pub(super) fn user(state: &State, account: &AccountId, name: &str) -> Option<evaluate::User> {
    let user = state.user(account, name)?;
    Some(evaluate::User {
        account: account.clone(),
        partition: Partition::default(),
        path: user.path.clone(),
        name: name.to_owned(),
        unique_id: Some(user.unique_id.clone()),
    })
}

pub(super) fn role_session(state: &State, account: &AccountId, name: &str, session: &str) -> Option<Caller> {
    let role = state.role(account, name)?;
    Some(Caller::RoleSession(evaluate::RoleSession {
        role: evaluate::Role {
            account: account.clone(),
            partition: Partition::default(),
            path: Some(role.path.clone()),
            name: name.to_owned(),
            unique_id: Some(role.unique_id.clone()),
        },
        name: Some(session.to_owned()),
        service_linked: role.service_linked.is_some(),
    }))
}

/// A service principal with the names of its regional service (`iam:K-08`).
pub(super) fn service_caller(name: &str, region: &Region) -> Caller {
    let names = match name.strip_suffix(".amazonaws.com") {
        Some(service) if !service.contains('.') => vec![name.to_owned(), format!("{service}.{region}.amazonaws.com")],
        _ => vec![name.to_owned()],
    };
    Caller::Service {
        name: name.to_owned(),
        names,
    }
}

/// The session policies, parsed. AWS would refuse a bad one when the session is made, so that there would be no caller.
pub(super) fn session_policies(
    state: &mut State,
    inline: Option<&str>,
    managed: &[String],
) -> Result<Option<Vec<Arc<StoredPolicy>>>, StepError> {
    if inline.is_none() && managed.is_empty() {
        return Ok(None);
    }
    let mut policies = Vec::new();
    if let Some(text) = inline {
        let policy = match state.session_policies.get(text) {
            // What it says does not depend on the world: it names no principal.
            Some(known) => Arc::clone(known),
            None => {
                let policy = StoredPolicy::save(state, text, PolicyKind::Session)
                    .map_err(|refusal| StepError::Caller(format!("its session policy is refused: {refusal}")))?;
                let policy = Arc::new(policy);
                state.session_policies.insert(text.into(), Arc::clone(&policy));
                policy
            }
        };
        policies.push(policy);
    }
    for arn in managed {
        let policy = crate::world::policy::managed(state, arn)
            .ok_or_else(|| StepError::Caller(format!("its session policy `{arn}` does not exist")))?;
        policies.push(policy);
    }
    Ok(Some(policies))
}

pub(super) fn set_user_tags(state: &State, keys: &mut Context, account: &AccountId, name: &str) {
    if let Some(user) = state.user(account, name) {
        let tags = user.tags.effective(&state.clock);
        keys.set_family(
            "aws:PrincipalTag/",
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        );
    }
}

/// Role tags overlaid by session tags; a session tag wins over a role tag whose key differs only in case (`iam:K-05`, `iam:K-91`).
pub(super) fn set_role_tags(
    state: &State,
    keys: &mut Context,
    account: &AccountId,
    name: &str,
    session: &BTreeMap<String, String>,
) {
    let Some(role) = state.role(account, name) else { return };
    let own = role.tags.effective(&state.clock);
    let kept = own
        .iter()
        .filter(|(key, _)| !session.keys().any(|other| other.eq_ignore_ascii_case(key)));
    keys.set_family(
        "aws:PrincipalTag/",
        kept.chain(session).map(|(key, value)| (key.as_str(), value.as_str())),
    );
}

/// When a session was made and whether with MFA (`iam:K-20`…`K-22`).
pub(super) fn set_session_times(state: &State, keys: &mut Context, issued: Timestamp, mfa: Option<bool>) {
    keys.set("aws:TokenIssueTime", time_text(issued));
    if let Some(present) = mfa {
        keys.set("aws:MultiFactorAuthPresent", present);
        if present {
            let age = state.clock.now.duration_since(issued).as_secs().max(0);
            keys.set("aws:MultiFactorAuthAge", age.to_string());
        }
    }
}
