//! Who makes a call and whence: the caller as the evaluator sees it, and the condition keys that follow from the principal, the
//! session, the network and the time (`iam:K-01`…`K-83`). What a service adds for its own operations is not here.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::StepError;
use super::availability::{self, Column};
use super::policy::StoredPolicy;
use super::state::State;
use crate::case::{StepPrincipal, VpcEndpointKind, legal};
use crate::context::{Context, ContextValue, principal_keys};
use crate::evaluate::{self, Caller, Parent};
use crate::name::{AccountId, Region};
use crate::policy::PolicyKind;

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
#[derive(Debug, Clone, Default)]
pub(crate) struct Network<'a> {
    /// Name of the VPC endpoint and the facts of `context:`.
    pub(crate) through: Option<&'a str>,
    pub(crate) facts: BTreeMap<String, serde_json::Value>,
}

/// Since when the trail names Lambda behind a function's Decrypt (`svc:T-3`): not yet in the samples of 2021, in those of 2025.
const LAMBDA_IS_NAMED_SINCE: jiff::civil::Date = jiff::civil::date(2025, 1, 1);
/// The value of `aws:UserAgent` where a step does not say one; only its presence means something.
const USER_AGENT: &str = "countersign";
/// What a step may say about its request besides the addresses, lower case.
const OUTER_FACTS: &[&str] = &[
    "aws:currenttime",
    "aws:epochtime",
    "aws:referer",
    "aws:securetransport",
    "aws:useragent",
];
/// The address of a caller that does not say one.
const LOOPBACK: &str = "127.0.0.1";

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
        let issued = *state.sessions.entry(principal.clone()).or_insert(state.clock.now);
        let Identity {
            caller,
            session_policies,
            session_keys,
            mfa,
        } = identify(state, principal, issued)?;
        let column = column_of(&caller, mfa.is_some());
        let mut keys = principal_keys(&caller);
        merge(&mut keys, &session_keys);
        set_organization_keys(state, &mut keys, &caller);
        let through = set_network_keys(state, &mut keys, &caller, region, network)?;
        set_time_keys(state, &mut keys, region);
        for (key, value) in &network.facts {
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

/// Who a principal is, before the network and the time are added.
struct Identity {
    caller: Caller,
    session_policies: Option<Vec<Arc<StoredPolicy>>>,
    session_keys: Context,
    /// Given for sessions only.
    mfa: Option<bool>,
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

fn identify(state: &State, principal: &StepPrincipal, issued: Timestamp) -> Result<Identity, StepError> {
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

fn column_of(caller: &Caller, temporary: bool) -> Column {
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

fn user(state: &State, account: &AccountId, name: &str) -> Option<evaluate::User> {
    let user = state.user(account, name)?;
    Some(evaluate::User {
        account: account.clone(),
        path: user.path.clone(),
        name: name.to_owned(),
        unique_id: Some(user.unique_id.clone()),
    })
}

fn role_session(state: &State, account: &AccountId, name: &str, session: &str) -> Option<Caller> {
    let role = state.role(account, name)?;
    Some(Caller::RoleSession(evaluate::RoleSession {
        role: evaluate::Role {
            account: account.clone(),
            path: Some(role.path.clone()),
            name: name.to_owned(),
            unique_id: Some(role.unique_id.clone()),
        },
        name: Some(session.to_owned()),
        service_linked: role.service_linked.is_some(),
    }))
}

/// A service principal with the names of its regional service (`iam:K-08`).
fn service_caller(name: &str, region: &Region) -> Caller {
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
fn session_policies(
    state: &State,
    inline: Option<&str>,
    managed: &[String],
) -> Result<Option<Vec<Arc<StoredPolicy>>>, StepError> {
    if inline.is_none() && managed.is_empty() {
        return Ok(None);
    }
    let mut policies = Vec::new();
    if let Some(text) = inline {
        let policy = StoredPolicy::save(state, text, PolicyKind::Session)
            .map_err(|refusal| StepError::Caller(format!("its session policy is refused: {refusal}")))?;
        policies.push(Arc::new(policy));
    }
    for arn in managed {
        let policy = super::policy::managed(state, arn)
            .ok_or_else(|| StepError::Caller(format!("its session policy `{arn}` does not exist")))?;
        policies.push(policy);
    }
    Ok(Some(policies))
}

fn set_user_tags(state: &State, keys: &mut Context, account: &AccountId, name: &str) {
    if let Some(user) = state.user(account, name) {
        let tags = user.tags.effective(&state.clock);
        keys.set_family(
            "aws:PrincipalTag/",
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        );
    }
}

/// Role tags overlaid by session tags; a session tag wins over a role tag whose key differs only in case (`iam:K-05`, `iam:K-91`).
fn set_role_tags(
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
fn set_session_times(state: &State, keys: &mut Context, issued: Timestamp, mfa: Option<bool>) {
    keys.set("aws:TokenIssueTime", time_text(issued));
    if let Some(present) = mfa {
        keys.set("aws:MultiFactorAuthPresent", present);
        if present {
            let age = state.clock.now.duration_since(issued).as_secs().max(0);
            keys.set("aws:MultiFactorAuthAge", age.to_string());
        }
    }
}

/// `aws:SourceArn` and its kin, for services that call because of a resource (`iam:K-80`…`K-83`, `svc:C-30`).
fn set_source_keys(state: &State, keys: &mut Context, arn: Option<&str>, account: Option<&AccountId>) {
    if let Some(arn) = arn {
        keys.set("aws:SourceArn", arn);
    }
    if let Some(account) = account {
        keys.set("aws:SourceAccount", account.as_str());
        if let Some(organization) = &state.contents.organization
            && let Some(path) = organization.path(account)
        {
            keys.set("aws:SourceOrgID", organization.id.as_str());
            keys.set("aws:SourceOrgPaths", vec![path.to_owned()]);
        }
    }
}

/// `iam:K-03`, `iam:K-04`.
fn set_organization_keys(state: &State, keys: &mut Context, caller: &Caller) {
    if let (Some(account), Some(organization)) = (caller.account(), &state.contents.organization)
        && let Some(path) = organization.path(account)
    {
        keys.set("aws:PrincipalOrgID", organization.id.as_str());
        keys.set("aws:PrincipalOrgPaths", vec![path.to_owned()]);
    }
}

/// `iam:K-40`…`K-46`: an address, or the facts of the VPC endpoint that the request came through.
fn set_network_keys(
    state: &State,
    keys: &mut Context,
    caller: &Caller,
    region: &Region,
    network: &Network<'_>,
) -> Result<Option<(AccountId, String)>, StepError> {
    let address = network
        .facts
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("aws:SourceIp"))
        .map(|(_, value)| value);
    let vpc_address = network
        .facts
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("aws:VpcSourceIp"))
        .map(|(_, value)| value);
    let Some(name) = network.through else {
        keys.set(
            "aws:SourceIp",
            address.map_or(Ok(LOOPBACK.into()), |value| fact("aws:SourceIp", value))?,
        );
        return Ok(None);
    };
    let owner = find_endpoint(state, name, caller.account())
        .ok_or_else(|| StepError::Step(format!("no VPC endpoint is named `{name}`")))?;
    let endpoint = &state.contents.accounts[&owner].vpc_endpoints[name];
    keys.set("aws:SourceVpce", endpoint.id.as_str());
    keys.set("aws:SourceVpc", endpoint.vpc.as_str());
    keys.set(
        "aws:SourceVpcArn",
        format!("arn:aws:ec2:{region}:{owner}:vpc/{}", endpoint.vpc),
    );
    keys.set("aws:VpceAccount", owner.as_str());
    if let Some(organization) = &state.contents.organization
        && let Some(path) = organization.path(&owner)
    {
        keys.set("aws:VpceOrgID", organization.id.as_str());
        keys.set("aws:VpceOrgPaths", vec![path.to_owned()]);
    }
    if let Some(value) = vpc_address.or(address) {
        keys.set("aws:VpcSourceIp", fact("aws:VpcSourceIp", value)?);
    }
    debug_assert!(matches!(
        endpoint.kind,
        VpcEndpointKind::Gateway | VpcEndpointKind::Interface
    ));
    Ok(Some((owner, name.to_owned())))
}

/// The endpoint of a name: the caller's own account first, else the only account that has one.
fn find_endpoint(state: &State, name: &str, caller: Option<&AccountId>) -> Option<AccountId> {
    let mut owners: Vec<&AccountId> = state
        .contents
        .accounts
        .iter()
        .filter(|(_, account)| account.vpc_endpoints.contains_key(name))
        .map(|(id, _)| id)
        .collect();
    if let Some(own) = owners.iter().position(|owner| Some(*owner) == caller) {
        return Some(owners.swap_remove(own).clone());
    }
    match owners.as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    }
}

/// `iam:K-64`…`K-68`: present for everybody.
fn set_time_keys(state: &State, keys: &mut Context, region: &Region) {
    keys.set("aws:CurrentTime", time_text(state.clock.now));
    keys.set("aws:EpochTime", state.clock.now.as_second().to_string());
    keys.set("aws:SecureTransport", true);
    keys.set("aws:RequestedRegion", region.as_str());
    keys.set("aws:UserAgent", USER_AGENT);
}

/// A time as condition values show it: seconds, `Z`.
pub(crate) fn time_text(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn fact(key: &str, value: &serde_json::Value) -> Result<ContextValue, StepError> {
    match value {
        serde_json::Value::String(text) => Ok(text.as_str().into()),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => Ok(value.to_string().into()),
        serde_json::Value::Array(items) => Ok(ContextValue::Many(
            items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect(),
        )),
        _ => Err(StepError::Step(format!(
            "context key `{key}` is a text, a number, a boolean or a list of them"
        ))),
    }
}

fn merge(into: &mut Context, from: &Context) {
    for (key, value) in from.iter() {
        into.set(key, value.clone());
    }
}
