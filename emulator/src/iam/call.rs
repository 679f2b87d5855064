//! One IAM call: its parameters, the entity it is about, and the question whether the caller may.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::IamError;
use super::operations::Operation;
use super::store::{Account, PolicyAttachments, Store};
use crate::access::{self, Question};
use crate::authorizer::{Context, Policy, PolicyKind, SaveRules, known};
use crate::fault::Fault;
use crate::identity::{Caller, Via};
use crate::names::{AccountId, Region};
use crate::protocol::query::Parameters;
use crate::state::State;

/// Most tags on a user, role or policy.
const MOST_TAGS: usize = 50;

/// IAM actions that a fault does not ask for.
const UNASKED: &[(&str, Fault)] = &[
    ("CreateAccessKey", Fault::CreateAccessKeyUnasked),
    ("UpdateAssumeRolePolicy", Fault::TrustPolicyChangeUnasked),
    ("DeleteUserPermissionsBoundary", Fault::BoundaryRemovalUnasked),
    ("AttachUserPolicy", Fault::AttachUserPolicyUnasked),
];

/// The circumstances of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) caller: &'a Caller,
    pub(super) account: &'a AccountId,
    pub(super) parameters: &'a Parameters,
    pub(super) operation: &'static Operation,
}

/// What a policy can be attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
    Role,
    /// Operations that are about none of them.
    Other,
}

impl Kind {
    /// `user`, as in ARNs and messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Other => "policy",
        }
    }

    /// `User`, as in messages about duplicates.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
            Self::Other => "Policy",
        }
    }

    /// The parameter that names it.
    pub(super) fn parameter(self) -> &'static str {
        match self {
            Self::User => "UserName",
            Self::Group => "GroupName",
            Self::Role => "RoleName",
            Self::Other => "PolicyName",
        }
    }

    /// Longest name.
    fn longest_name(self) -> usize {
        match self {
            Self::User | Self::Role => 64,
            Self::Group | Self::Other => 128,
        }
    }
}

impl<'a> Call<'a> {
    /// A mandatory parameter.
    pub(super) fn required(&self, name: &str) -> Result<&'a str, IamError> {
        self.parameters.get(name).ok_or_else(|| IamError::missing(name))
    }

    /// The name parameter of the operation's entity.
    pub(super) fn entity_name(&self) -> Result<&'a str, IamError> {
        let kind = self.operation.kind;
        let name = self.required(kind.parameter())?;
        check_name(kind.parameter(), name, kind.longest_name())?;
        Ok(name)
    }

    /// `PolicyName` of an inline or managed policy.
    pub(super) fn policy_name(&self) -> Result<&'a str, IamError> {
        let name = self.required("PolicyName")?;
        check_name("PolicyName", name, 128)?;
        Ok(name)
    }

    /// `Path`, `/` by default.
    pub(super) fn path(&self) -> Result<&'a str, IamError> {
        let path = self.parameters.get("Path").unwrap_or("/");
        let legal = path.starts_with('/')
            && path.ends_with('/')
            && path.len() <= 512
            && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
            && (path.len() == 1 || !path.contains("//"));
        if legal {
            return Ok(path);
        }
        Err(IamError::new(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
             characters and/or / characters.",
        ))
    }

    /// `Tags`.
    pub(super) fn tags(&self) -> Result<BTreeMap<String, String>, IamError> {
        let mut tags = BTreeMap::new();
        for (key, value) in self.parameters.tags() {
            if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
                return Err(IamError::new(
                    "ValidationError",
                    format!("The tag `{key}` has an invalid length."),
                ));
            }
            if key.to_ascii_lowercase().starts_with("aws:") {
                return Err(IamError::new(
                    "InvalidInput",
                    "Tag keys beginning with aws: are reserved.",
                ));
            }
            if tags.keys().any(|have: &String| have.eq_ignore_ascii_case(&key)) {
                return Err(IamError::new(
                    "InvalidInput",
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                ));
            }
            tags.insert(key, value);
        }
        if tags.len() > MOST_TAGS {
            return Err(too_many_tags());
        }
        Ok(tags)
    }

    /// The entity's full ARN if it exists, else the ARN it would have at `/`.
    pub(super) fn arn_of(&self, state: &State, kind: Kind, name: &str) -> String {
        let known = state.iam.account(self.account).and_then(|account| match kind {
            Kind::User => account.users.get(name).map(|user| user.arn.clone()),
            Kind::Group => account.groups.get(name).map(|group| group.arn.clone()),
            Kind::Role => account.roles.get(name).map(|role| role.arn.clone()),
            Kind::Other => None,
        });
        known.unwrap_or_else(|| format!("arn:aws:iam::{}:{}/{name}", self.account, kind.word()))
    }

    /// Authorizes the call's own action on a resource.
    pub(super) fn authorize(&self, state: &State, resource: &str, context: Context) -> Result<(), IamError> {
        self.authorize_as(state, self.operation.name, resource, context)
    }

    /// Authorizes `iam:ACTION` on a resource; tags of users and roles are in the context.
    pub(super) fn authorize_as(
        &self,
        state: &State,
        action: &str,
        resource: &str,
        mut context: Context,
    ) -> Result<(), IamError> {
        if state.case.faults.contains(Fault::OwnPolicyUnasked)
            && action == "PutUserPolicy"
            && self.caller.arn() == resource
        {
            return Ok(());
        }
        if UNASKED
            .iter()
            .any(|(name, fault)| *name == action && state.case.faults.contains(*fault))
        {
            return Ok(());
        }
        let renamed = action == "PutUserPolicy" && state.case.faults.contains(Fault::PutUserPolicyAsksToRead);
        let action = if renamed { "GetUserPolicy" } else { action };
        let region = Region::global();
        let action = format!("iam:{action}");
        let tags = tags_of(&state.iam, self.account, resource);
        for (key, value) in tags.into_iter().flatten() {
            context.add_member("iam:ResourceTag/", key, value.clone());
        }
        let mut question = Question::new(self.caller, &Via::Direct, &action, &region);
        question.resource = resource;
        question.resource_account = Some(self.account);
        question.resource_tags = tags;
        question.context = context;
        access::check(state, question)
            .map(|_| ())
            .map_err(|refusal| IamError::refused(&refusal))
    }

    /// Checks and compiles a policy document that is saved now.
    pub(super) fn save(&self, state: &State, kind: PolicyKind, text: &str) -> Result<Arc<Policy>, IamError> {
        let rules = SaveRules {
            as_of: state.as_of(),
            principals: &state.iam,
        };
        Policy::save(kind, text, &rules)
            .map(Arc::new)
            .map_err(|error| IamError::policy(&error))
    }
}

/// aws:RequestTag/… and aws:TagKeys of tags that are passed.
pub(super) fn tag_context(tags: &BTreeMap<String, String>, context: &mut Context) {
    for (key, value) in tags {
        context.add_member("aws:RequestTag/", key, value.clone());
    }
    if !tags.is_empty() {
        context.set_many(known!("aws:tagkeys"), tags.keys().cloned().collect());
    }
}

/// `iam:PermissionsBoundary`.
pub(super) fn boundary_context(arn: Option<&str>, context: &mut Context) {
    if let Some(arn) = arn {
        context.set(known!("iam:permissionsboundary"), arn);
    }
}

/// Inline and attached policies of an entity, as IAM shows them.
pub(super) fn attachments<'a>(account: &'a Account, kind: Kind, name: &str) -> Option<&'a PolicyAttachments> {
    match kind {
        Kind::User => account.users.get(name).map(|user| user.policies.current()),
        Kind::Group => account.groups.get(name).map(|group| group.policies.current()),
        Kind::Role => account.roles.get(name).map(|role| role.policies.current()),
        Kind::Other => None,
    }
}

/// Changes the policies of an entity; decisions see that late (svc:K-28).
pub(super) fn change_attachments(
    state: &mut State,
    call: &Call<'_>,
    name: &str,
    change: impl FnOnce(&mut PolicyAttachments),
) {
    let when = state.change_time();
    let account = state.iam.account_mut(call.account);
    let attachments = match call.operation.kind {
        Kind::User => account.users.get_mut(name).map(|user| &mut user.policies),
        Kind::Group => account.groups.get_mut(name).map(|group| &mut group.policies),
        Kind::Role => account.roles.get_mut(name).map(|role| &mut role.policies),
        Kind::Other => None,
    };
    if let Some(attachments) = attachments {
        attachments.update(when, change);
    }
}

/// Refuses changes to service-linked and reserved roles, after authorization (errata svc:N-7).
pub(super) fn check_modifiable(state: &State, account: &AccountId, kind: Kind, name: &str) -> Result<(), IamError> {
    let role = state.iam.account(account).and_then(|account| account.roles.get(name));
    if kind == Kind::Role && role.is_some_and(super::store::Role::is_protected) {
        return Err(IamError::new(
            "UnmodifiableEntity",
            format!(
                "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
            ),
        ));
    }
    Ok(())
}

/// Tags after adding `more`, names ignoring case.
pub(super) fn merge_tags(
    current: &BTreeMap<String, String>,
    more: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, IamError> {
    let mut merged = current.clone();
    merged.retain(|key, _| !more.keys().any(|new| new.eq_ignore_ascii_case(key)));
    merged.extend(more);
    if merged.len() > MOST_TAGS {
        Err(too_many_tags())
    } else {
        Ok(merged)
    }
}

/// Names of users, groups, roles and policies.
pub(super) fn check_name(parameter: &str, name: &str, longest: usize) -> Result<(), IamError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    if !name.is_empty() && name.len() <= longest && name.bytes().all(legal) {
        return Ok(());
    }
    let mut parameter = parameter.to_owned();
    parameter[..1].make_ascii_lowercase();
    Err(IamError::new(
        "ValidationError",
        format!(
            "The specified value for {parameter} is invalid. It must contain only alphanumeric characters and/or the \
             following: +=,.@_-"
        ),
    ))
}

fn tags_of<'a>(store: &'a Store, account: &AccountId, arn: &str) -> Option<&'a BTreeMap<String, String>> {
    let account = store.account(account)?;
    let name = arn.rsplit('/').next()?;
    match arn.splitn(6, ':').nth(5)?.split('/').next()? {
        "user" => account
            .users
            .get(name)
            .filter(|user| user.arn == arn)
            .map(|user| &user.tags),
        "role" => account
            .roles
            .get(name)
            .filter(|role| role.arn == arn)
            .map(|role| &role.tags),
        "policy" => account.policies.get(arn).map(|policy| &policy.tags),
        _ => None,
    }
}

fn too_many_tags() -> IamError {
    IamError::new(
        "LimitExceeded",
        format!("Cannot exceed quota for TagsPerEntity: {MOST_TAGS}"),
    )
}
