//! `sts:AssumeRole`: trust policy, session tags, source identity, role chaining (iam:L-70 … iam:L-77).

use super::sessions::{self, SessionInput};
use super::{Call, StsError, write_credentials};
use crate::access::{self, Question};
use crate::authorizer::{Context, ResourcePolicyMode, known};
use crate::fault::Fault;
use crate::iam::Role;
use crate::identity::{self, Principal, Session, Via};
use crate::names::AccountId;
use crate::protocol::XmlWriter;
use crate::state::State;

/// Longest session of a role that another role assumed.
const LONGEST_CHAINED: i64 = 3600;

/// A read request.
struct Request<'a> {
    role_arn: &'a str,
    session_name: &'a str,
    external_id: Option<&'a str>,
    mfa: bool,
    /// Source identity of the new session: passed, or inherited from the caller's session.
    source_identity: Option<String>,
    /// Tags of the new session: passed, plus inherited transitive ones.
    tags: Vec<(String, String)>,
    transitive: Vec<String>,
}

/// Runs AssumeRole.
pub(super) fn run(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), StsError> {
    let request = Request::read(call)?;
    if matches!(call.caller.principal, Principal::Root { .. }) {
        return Err(StsError::new(
            "AccessDenied",
            "Roles may not be assumed by root accounts.",
        ));
    }
    let Some((account, role)) = state.iam.role_by_arn(request.role_arn) else {
        return Err(unknown_role(call, request.role_arn));
    };
    request.authorize(state, call, &account, role)?;
    // What the calling session forbids is told only to those whom the policies let through (iam:L-74).
    request.check_against_session(call.caller.session.as_deref())?;
    let chained = matches!(call.caller.principal, Principal::RoleSession { .. });
    let longest = if chained {
        role.max_session_duration.min(LONGEST_CHAINED)
    } else {
        role.max_session_duration
    };
    let duration_seconds = call.duration(3600, longest)?;
    let input = SessionInput {
        policy: call.parameters.get("Policy").map(str::to_owned),
        policy_arns: policy_arns(call),
        tags: request.tags.clone(),
        transitive_tag_keys: request.transitive.clone(),
        source_identity: request.source_identity.clone(),
        // Credentials from AssumeRole say nothing about MFA (iam:K-21).
        mfa: None,
        duration_seconds,
    };
    let session = sessions::build(state, &input).map_err(|error| StsError::new(error.code, error.message))?;
    let name = role.name.clone();
    let principal = sessions::role_principal(state, &account, &name, request.session_name)
        .ok_or_else(|| unknown_role(call, request.role_arn))?;
    let (arn, id) = (principal.arn(), principal.user_id().unwrap_or_default());
    let arrival = call.caller.arrival.without_request();
    let issued = identity::issue(state, principal, Some(session), arrival);
    write_credentials(xml, &issued);
    xml.nested("AssumedRoleUser", |xml| {
        xml.element("AssumedRoleId", &id).element("Arn", &arn);
    });
    xml.optional("SourceIdentity", request.source_identity.as_deref());
    Ok(())
}

/// `PolicyArns.member.N.arn`.
pub(super) fn policy_arns(call: &Call<'_>) -> Vec<String> {
    call.parameters
        .pairs("PolicyArns", "arn", "-")
        .into_iter()
        .map(|(arn, _)| arn)
        .collect()
}

/// aws:RequestTag/… and aws:TagKeys of session tags.
pub(super) fn tag_context(tags: &[(String, String)], context: &mut Context) {
    for (key, value) in tags {
        context.add_member("aws:RequestTag/", key, value.clone());
    }
    if !tags.is_empty() {
        context.set_many(known!("aws:tagkeys"), tags.iter().map(|(key, _)| key.clone()).collect());
    }
}

impl<'a> Request<'a> {
    fn read(call: &Call<'a>) -> Result<Self, StsError> {
        let session_name = call.required("RoleSessionName")?;
        let role_arn = call.required("RoleArn")?;
        let invalid = |error: sessions::SessionError| StsError::new(error.code, error.message);
        sessions::check_name("roleSessionName", session_name, 2, 64).map_err(invalid)?;
        if !(20..=2048).contains(&role_arn.len()) || !role_arn.starts_with("arn:") {
            return Err(StsError::new("ValidationError", format!("{role_arn} is invalid")));
        }
        let session = call.caller.session.as_deref();
        let passed = call.parameters.tags();
        let transitive: Vec<String> = call
            .parameters
            .list("TransitiveTagKeys")
            .into_iter()
            .map(str::to_owned)
            .collect();
        let (tags, transitive) = inherit(session, passed, transitive)?;
        Ok(Self {
            role_arn,
            session_name,
            external_id: call.parameters.get("ExternalId"),
            mfa: call.mfa()?,
            source_identity: call
                .parameters
                .get("SourceIdentity")
                .map(str::to_owned)
                .or_else(|| session.and_then(|session| session.source_identity.clone())),
            tags,
            transitive,
        })
    }

    /// The trust policy is mandatory for all three actions (errata iam:L-74).
    fn authorize(&self, state: &State, call: &Call<'_>, account: &AccountId, role: &Role) -> Result<(), StsError> {
        let itself =
            matches!(&call.caller.principal, Principal::RoleSession { role_id, .. } if *role_id == role.role_id);
        if itself && state.case.faults.contains(Fault::RoleTrustsItself) {
            return Ok(());
        }
        let mut actions = vec!["sts:AssumeRole"];
        let faults = state.case.faults;
        if !self.tags.is_empty() && !faults.contains(Fault::SessionTagsUnasked) {
            actions.push("sts:TagSession");
        }
        if self.source_identity.is_some() && !faults.contains(Fault::SourceIdentityUnasked) {
            actions.push("sts:SetSourceIdentity");
        }
        let now = state.now();
        for action in actions {
            let mut question = Question::new(call.caller, &Via::Direct, action, call.region);
            question.resource = self.role_arn;
            question.resource_account = Some(account);
            question.mode = ResourcePolicyMode::TrustPolicy;
            question.resource_policy = Some(role.trust.visible(now));
            question.resource_tags = Some(&role.tags);
            question.context = self.context(call);
            access::check(state, question).map_err(|refusal| StsError::refused(&refusal))?;
        }
        Ok(())
    }

    /// A source identity sticks; another value is refused (iam:K-24).
    fn check_against_session(&self, session: Option<&Session>) -> Result<(), StsError> {
        match session.and_then(|session| session.source_identity.as_ref()) {
            Some(kept) if self.source_identity.as_ref() != Some(kept) => Err(StsError::new(
                "AccessDenied",
                "The source identity of the calling session cannot be changed.",
            )),
            _ => Ok(()),
        }
    }

    /// iam:§5.3.
    fn context(&self, call: &Call<'_>) -> Context {
        let mut context = Context::new();
        context.set(known!("sts:rolesessionname"), self.session_name);
        if let Some(id) = self.external_id {
            context.set(known!("sts:externalid"), id);
        }
        if let Some(identity) = &self.source_identity {
            context.set(known!("sts:sourceidentity"), identity.clone());
        }
        if !self.transitive.is_empty() {
            context.set_many(known!("sts:transitivetagkeys"), self.transitive.clone());
        }
        tag_context(&self.tags, &mut context);
        if self.mfa && call.caller.session.is_none() {
            context.set_bool(known!("aws:multifactorauthpresent"), true);
            context.set(known!("aws:multifactorauthage"), "0");
        }
        context
    }
}

/// Tags of a session and the keys of those that stick.
type TagsAndTransitive = (Vec<(String, String)>, Vec<String>);

/// Inherited transitive tags come first; passing a value for one fails (iam:K-91).
fn inherit(
    session: Option<&Session>,
    passed: Vec<(String, String)>,
    mut transitive: Vec<String>,
) -> Result<TagsAndTransitive, StsError> {
    if let Some(unknown) = transitive
        .iter()
        .find(|key| !passed.iter().any(|(name, _)| name.eq_ignore_ascii_case(key)))
    {
        return Err(StsError::new(
            "InvalidParameterValue",
            format!("The specified transitive tag key {unknown} must be included in the requested tags."),
        ));
    }
    let inherited: Vec<(String, String)> = session
        .into_iter()
        .flat_map(|session| {
            session
                .tags
                .iter()
                .filter(|(key, _)| session.transitive_tag_keys.contains(&key.to_ascii_lowercase()))
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if passed
        .iter()
        .any(|(key, _)| inherited.iter().any(|(have, _)| have.eq_ignore_ascii_case(key)))
    {
        return Err(StsError::new(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from \
             the calling session.",
        ));
    }
    transitive.extend(inherited.iter().map(|(key, _)| key.clone()));
    Ok((inherited.into_iter().chain(passed).collect(), transitive))
}

fn unknown_role(call: &Call<'_>, arn: &str) -> StsError {
    StsError::new(
        "AccessDenied",
        format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            call.caller.arn()
        ),
    )
}
