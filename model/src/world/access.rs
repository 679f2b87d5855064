//! May this actor do this? Gathers the policies that apply to one (action, resource) pair, adds the resource's condition keys and
//! asks `evaluate::decide`. The one place from which the flows ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actor::Actor;
use super::policy::{StoredPolicy, managed};
use super::state::{IdentityPolicies, OrganizationPolicy, State};
use crate::context::Context;
use crate::evaluate::{self, Caller, GrantFact, Parent, PolicyRef, PolicySets, Request, ResourcePolicy, VpcEndpoint};
use crate::name::{AccountId, Action, Arn};
use crate::outcome::Check;
use crate::policy::PrincipalForm;
use crate::rule::rule;

/// One pair to decide, with what its service knows about it.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    /// The IAM action.
    pub(crate) action: &'a str,
    /// The resource ARN, or `*`.
    pub(crate) resource: String,
    /// Who owns the resource; none for pairs on `*`.
    pub(crate) owner: Option<&'a AccountId>,
    /// The resource's policy.
    pub(crate) policy: Attached<'a>,
    /// Keys of the operation and the resource.
    pub(crate) keys: Context,
    /// A grant that matches.
    pub(crate) grant: Option<GrantFact<'a>>,
    /// Whether an S3 ACL allows it.
    pub(crate) acl: bool,
    /// RCPs do not reach it: AWS managed keys and kms:RetireGrant (`iam:A-05`).
    pub(crate) outside_resource_control: bool,
}

/// The policy of a resource and its part.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attached<'a> {
    /// None.
    Nothing,
    /// A bucket policy and its like.
    Optional(&'a StoredPolicy, &'a str),
    /// A key policy.
    Key(&'a StoredPolicy, &'a str),
    /// A trust policy.
    Trust(&'a StoredPolicy, &'a str),
}

impl<'a> Pair<'a> {
    /// A pair that identity policies alone decide.
    pub(crate) fn identity(action: &'a str, resource: String, owner: Option<&'a AccountId>) -> Self {
        Self {
            action,
            resource,
            owner,
            policy: Attached::Nothing,
            keys: Context::new(),
            grant: None,
            acl: false,
            outside_resource_control: false,
        }
    }

    pub(crate) fn with_keys(mut self, keys: Context) -> Self {
        self.keys = keys;
        self
    }
}

/// Services that RCPs cover, as far as the model has them (`iam:L-02`).
const RESOURCE_CONTROL_SERVICES: &[&str] = &["s3", "kms", "sts", "sqs", "secretsmanager", "dynamodb", "logs", "ecr"];

/// Decides one pair for an actor with everything that is in effect now.
pub(crate) fn decide(state: &State, actor: &Actor, pair: &Pair<'_>) -> Check {
    let action = Action::new(pair.action).expect("the flows ask for actions of their own tables, all `service:Name`");
    let gathered = Gathered::of(state, actor);
    let caller_account = actor.account();
    let mut keys = actor.keys.clone();
    keys.set_all(&pair.keys);
    let owner = pair.owner.or(caller_account);
    if let Some(owner) = owner {
        if keys.get("aws:ResourceAccount").is_none() {
            keys.set("aws:ResourceAccount", owner.as_str());
        }
        if let Some(organization) = &state.contents.organization
            && let Some(path) = organization.path(owner)
        {
            keys.set("aws:ResourceOrgID", organization.id.as_str());
            keys.set("aws:ResourceOrgPaths", vec![path.to_owned()]);
        }
    }
    let (endpoint_policy, endpoint_kind) = endpoint(state, actor, action.service());
    let sets = PolicySets {
        identity: gathered.identity.iter().map(Source::refer).collect(),
        permissions_boundary: gathered.boundary.as_ref().map(Source::refer),
        session: gathered
            .session
            .as_ref()
            .map(|policies| policies.iter().map(Source::refer).collect()),
        resource: match pair.policy {
            Attached::Nothing => ResourcePolicy::None,
            Attached::Optional(policy, name) => ResourcePolicy::Optional(refer(policy, name, None)),
            Attached::Key(policy, name) => ResourcePolicy::Key(refer(policy, name, None)),
            Attached::Trust(policy, name) => ResourcePolicy::Trust(refer(policy, name, None)),
        },
        service_control: levels(
            state,
            caller_account,
            |membership| &membership.service_control,
            &gathered.organization_arns,
        ),
        resource_control: if RESOURCE_CONTROL_SERVICES.contains(&action.service()) && !pair.outside_resource_control {
            levels(
                state,
                owner,
                |membership| &membership.resource_control,
                &gathered.organization_arns,
            )
        } else {
            Vec::new()
        },
        vpc_endpoint: endpoint_kind.map(|kind| VpcEndpoint {
            kind,
            policy: endpoint_policy.map(|(policy, name)| refer(policy, name, None)),
        }),
        grant: pair.grant,
        acl: pair.acl,
    };
    let request = Request {
        caller: &actor.caller,
        action: &action,
        resource: &pair.resource,
        resource_account: owner,
        context: &keys,
        via: actor.via.as_deref(),
        as_of: state.as_of,
    };
    if !state.explained {
        return evaluate::decide_unexplained(&request, &sets, &state.quirks);
    }
    let mut check = evaluate::decide(&request, &sets, &state.quirks);
    name_service_rules(state, actor, &mut check);
    check
}

/// The rules about services that call for themselves, for somebody, or as a role (`svc:F-1`…`svc:F-7`).
fn name_service_rules(state: &State, actor: &Actor, check: &mut Check) {
    let mut rules = Vec::new();
    if actor.via.is_some() {
        rules.extend(["svc:F-1", "svc:F-2"]);
    }
    if actor.is_service() {
        rules.push("svc:F-3");
    }
    if let Caller::RoleSession(session) = &actor.caller
        && let Some(role) = state.role(&session.role.account, &session.role.name)
        && role
            .trust
            .latest()
            .document
            .principals()
            .any(|entry| matches!(entry.form, PrincipalForm::Service(_)))
    {
        // A role that a service assumes is a role like any other.
        rules.extend(["svc:F-4", "iam:P-63"]);
    }
    if let Some(organization) = &state.contents.organization
        && actor.account() == Some(&organization.management_account)
    {
        // No SCP binds it.
        rules.push("iam:L-49");
    }
    for statement in check
        .statements
        .iter()
        .filter(|statement| statement.effect == "Deny" && statement.verdict == "applies")
    {
        // A negated operator on a key that is not there.
        if statement.rules.contains("iam:C-41") || statement.rules.contains("iam:C-42") {
            rules.push("svc:F-6");
        }
        if actor.is_service() && statement.principal.as_deref() == Some("wild") {
            rules.push("svc:F-7");
        }
    }
    check.rules.extend(rules.into_iter().map(rule));
}

/// The endpoint a request came through, if the service of the action is the endpoint's (`iam:L-90`, `iam:L-92`).
fn endpoint<'a>(
    state: &'a State,
    actor: &'a Actor,
    service: &str,
) -> (
    Option<(&'a StoredPolicy, &'a str)>,
    Option<crate::case::VpcEndpointKind>,
) {
    let Some((owner, name)) = &actor.through else {
        return (None, None);
    };
    let Some(endpoint) = state.account(owner).and_then(|account| account.vpc_endpoints.get(name)) else {
        return (None, None);
    };
    if endpoint.service != service {
        return (None, None);
    }
    (
        endpoint.policy.as_deref().map(|policy| (policy, name.as_str())),
        Some(endpoint.kind),
    )
}

/// The levels of an account's organization; none where nothing binds it: outside, or the management account (`iam:L-49`).
fn levels<'a>(
    state: &'a State,
    account: Option<&AccountId>,
    of: impl Fn(&'a super::state::Membership) -> &'a Vec<Vec<OrganizationPolicy>>,
    arns: &'a BTreeMap<String, Arn>,
) -> Vec<Vec<PolicyRef<'a>>> {
    let Some(organization) = &state.contents.organization else {
        return Vec::new();
    };
    let Some(account) = account else { return Vec::new() };
    if *account == organization.management_account {
        return Vec::new();
    }
    let Some(membership) = organization.members.get(account) else {
        return Vec::new();
    };
    of(membership)
        .iter()
        .map(|level| {
            level
                .iter()
                .map(|policy| refer(&policy.policy, &policy.name, arns.get(&policy.arn)))
                .collect()
        })
        .collect()
}

/// The identity side of one actor, owned so that the evaluator can borrow it.
struct Gathered {
    identity: Vec<Source>,
    boundary: Option<Source>,
    session: Option<Vec<Source>>,
    organization_arns: BTreeMap<String, Arn>,
}

struct Source {
    policy: Arc<StoredPolicy>,
    name: String,
    arn: Option<Arn>,
}

impl Source {
    fn refer(&self) -> PolicyRef<'_> {
        refer(&self.policy, &self.name, self.arn.as_ref())
    }
}

fn refer<'a>(policy: &'a StoredPolicy, name: &'a str, arn: Option<&'a Arn>) -> PolicyRef<'a> {
    PolicyRef {
        document: &policy.document,
        name,
        arn,
    }
}

impl Gathered {
    /// Own inline and managed policies, the groups', the boundary, the session's (`iam:L-02`).
    fn of(state: &State, actor: &Actor) -> Self {
        let (identity, boundary) = match &actor.caller {
            Caller::User(user) => user_policies(state, &user.account, &user.name),
            Caller::FederatedUser(federated) => match &federated.parent {
                Parent::User(user) => user_policies(state, &user.account, &user.name),
                Parent::Root(_) => (Vec::new(), None),
            },
            Caller::RoleSession(session) => role_policies(state, &session.role.account, &session.role.name),
            _ => (Vec::new(), None),
        };
        let session = actor.session_policies.as_ref().map(|policies| {
            policies
                .iter()
                .enumerate()
                .map(|(position, policy)| Source {
                    policy: policy.clone(),
                    name: format!("session policy {position}"),
                    arn: None,
                })
                .collect()
        });
        let organization_arns = state
            .contents
            .organization
            .iter()
            .flat_map(|organization| organization.members.values())
            .flat_map(|member| member.service_control.iter().chain(&member.resource_control).flatten())
            .filter_map(|policy| Some((policy.arn.clone(), Arn::new(policy.arn.as_str()).ok()?)))
            .collect();
        Self {
            identity,
            boundary,
            session,
            organization_arns,
        }
    }
}

fn user_policies(state: &State, account: &AccountId, name: &str) -> (Vec<Source>, Option<Source>) {
    let Some(user) = state.user(account, name) else {
        return (Vec::new(), None);
    };
    let own = user.identity.effective(&state.clock);
    let mut sources = sources(state, own, "");
    for group_name in &own.groups {
        if let Some(group) = state
            .account(account)
            .and_then(|account| account.groups.get(group_name))
        {
            sources.extend(self::sources(
                state,
                group.identity.effective(&state.clock),
                &format!("{group_name}/"),
            ));
        }
    }
    (sources, boundary(state, own))
}

fn role_policies(state: &State, account: &AccountId, name: &str) -> (Vec<Source>, Option<Source>) {
    let Some(role) = state.role(account, name) else {
        return (Vec::new(), None);
    };
    let own = role.identity.effective(&state.clock);
    (sources(state, own, ""), boundary(state, own))
}

fn sources(state: &State, of: &IdentityPolicies, prefix: &str) -> Vec<Source> {
    let inline = of.inline.iter().map(|(name, policy)| Source {
        policy: policy.clone(),
        name: format!("{prefix}{name}"),
        arn: None,
    });
    let attached = of.attached.iter().filter_map(|arn| managed_source(state, arn));
    inline.chain(attached).collect()
}

fn boundary(state: &State, of: &IdentityPolicies) -> Option<Source> {
    managed_source(state, of.permissions_boundary.as_ref()?)
}

fn managed_source(state: &State, arn: &str) -> Option<Source> {
    Some(Source {
        policy: managed(state, arn)?,
        name: arn.to_owned(),
        arn: Arn::new(arn).ok(),
    })
}
