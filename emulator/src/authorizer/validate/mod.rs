//! Save-time validation, and the part of it that also makes a stored policy unusable. Here live the two
//! entry points and the order of checks; the shape of documents is in `shape`, the form of actions and
//! resources in `formats`, the wording per kind in `wording`.

mod formats;
mod shape;
mod wording;

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use self::formats::Incomplete;
use self::shape::{Shape, StatementShape};
use super::compile::last;
use super::condition::{Comparison, Operator, Quantifier};
use super::json::{JsonError, MAX_POLICY_CHARACTERS, Node, Value};
use super::policy::{PolicyError, PolicyErrorKind, PolicyKind, SaveRules};
use super::principal::PrincipalEntry;
use super::values::date_is_saved;

/// Since this day KMS refuses new key policies whose statements lack Action or Resource (errata `svc:K-14`).
const KEY_STATEMENTS_COMPLETE_SINCE: Date = date(2025, 8, 18);

/// Length and characters of a policy parameter. IAM, STS and KMS take only some characters (`iam:G-11`, `svc:P-2`);
/// Organizations, S3 and EC2 are not known to care.
pub(super) fn check_characters(kind: PolicyKind, text: &str) -> Result<(), PolicyError> {
    let refuse = |message: String, offset| {
        Err(PolicyError {
            kind: PolicyErrorKind::Characters,
            message,
            offset,
        })
    };
    if text.is_empty() {
        return refuse("the policy document is empty".to_owned(), 0);
    }
    let takes_all = matches!(
        kind,
        PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::BucketPolicy | PolicyKind::VpcEndpoint
    );
    let allowed = |character: char| takes_all || matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
    if let Some((offset, character)) = text.char_indices().find(|(_, character)| !allowed(*character)) {
        let code = u32::from(character);
        return refuse(
            format!("the policy document contains the character U+{code:04X}"),
            offset,
        );
    }
    match text.char_indices().nth(MAX_POLICY_CHARACTERS) {
        Some((offset, _)) => refuse(
            format!("the policy document is longer than {MAX_POLICY_CHARACTERS}"),
            offset,
        ),
        None => Ok(()),
    }
}

/// What the kind's service says about text that is not JSON.
pub(super) fn json_error(kind: PolicyKind, error: &JsonError) -> PolicyError {
    PolicyError {
        kind: PolicyErrorKind::Json,
        message: wording::not_json(kind).to_owned(),
        offset: error.offset,
    }
}

/// All checks of a policy that is saved now; the first that fails answers.
pub(super) fn check_saved(kind: PolicyKind, document: &Value, rules: &SaveRules<'_>) -> Result<(), PolicyError> {
    let shape = shape::read(document, false).map_err(|problem| wording::shape_problem(kind, &problem))?;
    match kind {
        PolicyKind::IdentityManaged
        | PolicyKind::IdentityInline
        | PolicyKind::Boundary
        | PolicyKind::Session
        | PolicyKind::ServiceControl => check_saved_identity(kind, &shape),
        PolicyKind::ResourceControl => check_saved_resource_control(&shape),
        PolicyKind::Trust => check_saved_trust(&shape, rules),
        PolicyKind::KeyPolicy | PolicyKind::BucketPolicy | PolicyKind::VpcEndpoint => {
            check_saved_resource(kind, &shape, rules)
        }
    }
}

/// The checks whose failure makes a stored policy unusable (errata `iam:E-22`): `iam:E-01`, `iam:E-03` to
/// `iam:E-12`, and a missing principal. A rule that states a run-time effect wins over them.
pub(super) fn check_stored(kind: PolicyKind, document: &Value) -> Result<(), PolicyError> {
    let shape = shape::read(document, true).map_err(|problem| wording::shape_problem(kind, &problem))?;
    if let Some(offset) = shape.odd_effect_case() {
        return Err(wording::legacy_parsing(offset));
    }
    let family = is_identity_family(kind);
    if family {
        check_sids_unique(&shape, wording::DUPLICATE_SID)?;
    }
    for statement in &shape.statements {
        let needs_principal = kind.has_principals() && kind != PolicyKind::ResourceControl;
        if needs_principal && statement.principal().is_none() {
            return Err(missing("Principal", PolicyErrorKind::Principal, statement));
        }
        if (family || kind == PolicyKind::ServiceControl)
            && let Some((_, value)) = statement.principal()
        {
            return Err(wording::principal_not_allowed(value.start));
        }
        // A key-policy statement without actions is merely inert (`svc:K-14`); an empty list never applies
        // (`iam:G-71`).
        if statement.action().is_none() && kind != PolicyKind::KeyPolicy {
            return Err(wording::no_actions(statement.offset));
        }
        if statement.resource().is_none() && needs_resource(kind) {
            return Err(wording::no_resources(statement.offset));
        }
        formats::check_actions(statement)?;
        // Whatever a key policy names as resource is only matched against the key (`svc:K-14`); trust policies have
        // none.
        if !matches!(kind, PolicyKind::KeyPolicy | PolicyKind::Trust) {
            formats::check_stored_resources(statement, incomplete_arns(kind))?;
        }
    }
    Ok(())
}

/// Whether a stored statement must say which resources it is about (errata `iam:E-22` with `iam:E-05`). The policy
/// of a resource is about that resource (`iam:G-13`); in key policies a statement without one is inert (`svc:K-14`).
fn needs_resource(kind: PolicyKind) -> bool {
    !matches!(
        kind,
        PolicyKind::Trust | PolicyKind::KeyPolicy | PolicyKind::BucketPolicy
    )
}

/// `iam:G-52`, `iam:G-53`, errata `iam:OQ-6`.
fn incomplete_arns(kind: PolicyKind) -> Incomplete {
    if kind.completes_arns() {
        Incomplete::Completed
    } else if kind == PolicyKind::Session {
        Incomplete::Refused
    } else {
        Incomplete::MatchesNothing
    }
}

/// Policies that IAM and STS check as identity policies.
fn is_identity_family(kind: PolicyKind) -> bool {
    matches!(
        kind,
        PolicyKind::IdentityManaged | PolicyKind::IdentityInline | PolicyKind::Boundary | PolicyKind::Session
    )
}

/// The order of errata `iam:E-20`.
fn check_saved_identity(kind: PolicyKind, shape: &Shape<'_>) -> Result<(), PolicyError> {
    check_id(kind, shape)?;
    check_version(kind, shape)?;
    let resource_error = formats::first_resource_error(shape);
    let too_few_colons = if resource_error.is_none() {
        formats::first_too_few_colons(shape)
    } else {
        None
    };
    if let Some(offset) = shape.odd_effect_case().or_else(|| bad_date(shape)).or(too_few_colons) {
        return Err(wording::legacy_parsing(offset));
    }
    // Organizations is not known to restrict the characters of Sids.
    if kind != PolicyKind::ServiceControl {
        check_sid_characters(shape)?;
    }
    check_sids_unique(shape, wording::DUPLICATE_SID)?;
    if let Some((_, value)) = shape.statements.iter().find_map(StatementShape::principal) {
        return Err(wording::principal_not_allowed(value.start));
    }
    if let Some(statement) = shape.statements.iter().find(|statement| !statement.has_actions()) {
        return Err(wording::no_actions(statement.offset));
    }
    if let Some(error) = resource_error {
        return Err(error);
    }
    for statement in &shape.statements {
        formats::check_actions(statement)?;
    }
    if let Some(statement) = shape.statements.iter().find(|statement| !statement.has_resources()) {
        return Err(wording::no_resources(statement.offset));
    }
    // Incomplete ARNs are completed in identity policies only (`iam:G-52`, `iam:G-53`, `iam:OQ-6`).
    if matches!(kind, PolicyKind::Session | PolicyKind::ServiceControl) {
        formats::check_complete(shape)?;
    }
    Ok(())
}

/// `iam:§1.2`: identity policies may have an Id after all (`iam:G-22`), session and organization policies may not.
fn check_id(kind: PolicyKind, shape: &Shape<'_>) -> Result<(), PolicyError> {
    let refused = matches!(
        kind,
        PolicyKind::Session | PolicyKind::ServiceControl | PolicyKind::ResourceControl
    );
    match shape.member("Id").filter(|_| refused) {
        Some(id) => Err(wording::syntax(id.start)),
        None => Ok(()),
    }
}

/// `iam:G-21`, errata `iam:OQ-3`: only managed policies must be of the new version; SCPs and RCPs must say so.
fn check_version(kind: PolicyKind, shape: &Shape<'_>) -> Result<(), PolicyError> {
    let must_be_new = matches!(
        kind,
        PolicyKind::IdentityManaged | PolicyKind::Boundary | PolicyKind::ServiceControl | PolicyKind::ResourceControl
    );
    let version = shape.member("Version");
    if must_be_new && version.and_then(Value::as_text) != Some("2012-10-17") {
        return Err(wording::old_version(version.map_or(0, |value| value.start)));
    }
    Ok(())
}

/// `iam:G-15`, `iam:E-21`.
fn check_saved_resource_control(shape: &Shape<'_>) -> Result<(), PolicyError> {
    check_id(PolicyKind::ResourceControl, shape)?;
    check_version(PolicyKind::ResourceControl, shape)?;
    if let Some(offset) = shape.odd_effect_case().or_else(|| bad_date(shape)) {
        return Err(wording::legacy_parsing(offset));
    }
    check_sids_unique(shape, wording::DUPLICATE_SID)?;
    for statement in &shape.statements {
        if statement.effect() != Some("Deny") {
            return Err(wording::of(
                PolicyErrorKind::Effect,
                "RCP statements must have the effect Deny",
                statement.offset,
            ));
        }
        match statement.principal() {
            Some(("Principal", value)) if value.as_text() == Some("*") => {}
            Some((_, value)) => {
                return Err(wording::of(
                    PolicyErrorKind::Principal,
                    "RCP statements must have the principal \"*\"",
                    value.start,
                ));
            }
            None => return Err(missing("Principal", PolicyErrorKind::Principal, statement)),
        }
        match statement.action() {
            Some(("Action", value)) => {
                if let Some(bare) = value.as_list().iter().find(|item| item.as_text() == Some("*")) {
                    return Err(wording::of(
                        PolicyErrorKind::Action,
                        "RCP actions must name a service",
                        bare.start,
                    ));
                }
            }
            Some((_, value)) => {
                return Err(wording::of(
                    PolicyErrorKind::Action,
                    "RCP statements must not have NotAction",
                    value.start,
                ));
            }
            None => return Err(wording::no_actions(statement.offset)),
        }
        if !statement.has_actions() {
            return Err(wording::no_actions(statement.offset));
        }
        if !statement.has_resources() {
            return Err(wording::no_resources(statement.offset));
        }
        formats::check_actions(statement)?;
    }
    if let Some(error) = formats::first_resource_error(shape) {
        return Err(error);
    }
    formats::check_complete(shape)
}

/// `iam:E-13` to `iam:E-19`, in the order of the identity errors they stand for (errata `iam:E-20`).
fn check_saved_trust(shape: &Shape<'_>, rules: &SaveRules<'_>) -> Result<(), PolicyError> {
    check_legacy(PolicyKind::Trust, shape)?;
    check_sid_characters(shape)?;
    check_sids_unique(shape, wording::DUPLICATE_SID_ELSEWHERE)?;
    for statement in &shape.statements {
        if let Some(value) = statement.member("Resource") {
            return Err(wording::of(
                PolicyErrorKind::Resource,
                "Has prohibited field Resource",
                value.start,
            ));
        }
        if let Some(value) = statement.member("NotResource") {
            let message = "AssumeRole policy must not contain resources.";
            return Err(wording::of(PolicyErrorKind::Resource, message, value.start));
        }
    }
    check_principal_clauses(PolicyKind::Trust, shape, rules)?;
    for statement in &shape.statements {
        if !statement.has_actions() {
            return Err(missing("Action", PolicyErrorKind::Action, statement));
        }
    }
    shape.statements.iter().try_for_each(formats::check_trust_actions)
}

/// Key, bucket and endpoint policies (`svc:P-2` to `svc:P-4`), in the order of errata `iam:E-20`: what the whole
/// document must be comes before what each statement must have. A Version may be missing (errata `iam:OQ-3`).
fn check_saved_resource(kind: PolicyKind, shape: &Shape<'_>, rules: &SaveRules<'_>) -> Result<(), PolicyError> {
    check_legacy(kind, shape)?;
    let is_bucket = kind == PolicyKind::BucketPolicy;
    let duplicate = if is_bucket {
        wording::DUPLICATE_SID_ELSEWHERE
    } else {
        wording::DUPLICATE_SID
    };
    // KMS takes repeated Sids: key policies that have them are in use.
    if kind != PolicyKind::KeyPolicy {
        check_sids_unique(shape, duplicate)?;
    }
    check_principal_clauses(kind, shape, rules)?;
    let may_be_incomplete = kind == PolicyKind::KeyPolicy && rules.as_of < KEY_STATEMENTS_COMPLETE_SINCE;
    let lacks = |has: bool| !has && !may_be_incomplete;
    if let Some(statement) = shape.statements.iter().find(|statement| lacks(statement.has_actions())) {
        return Err(missing("Action", PolicyErrorKind::Action, statement));
    }
    // Whatever a key policy names as resource is only matched against the key (`svc:K-14`).
    if kind != PolicyKind::KeyPolicy {
        for statement in &shape.statements {
            formats::check_stored_resources(statement, Incomplete::MatchesNothing)
                .and_then(|()| formats::check_services_named(statement))
                .map_err(|error| {
                    if is_bucket {
                        wording::bucket_resource(&error)
                    } else {
                        error
                    }
                })?;
        }
    }
    for statement in &shape.statements {
        formats::check_actions(statement).map_err(|error| {
            if is_bucket {
                wording::bucket_action(&error)
            } else {
                error
            }
        })?;
    }
    if let Some(statement) = shape
        .statements
        .iter()
        .find(|statement| lacks(statement.has_resources()))
    {
        return Err(missing("Resource", PolicyErrorKind::Resource, statement));
    }
    if kind == PolicyKind::KeyPolicy {
        shape.statements.iter().try_for_each(check_context_operators)?;
    }
    Ok(())
}

/// `iam:E-03` without ARNs: the spelling of effects, for which trust and bucket policies have words of their own
/// (`iam:E-16`), and date values (`iam:G-66`).
fn check_legacy(kind: PolicyKind, shape: &Shape<'_>) -> Result<(), PolicyError> {
    if matches!(kind, PolicyKind::Trust | PolicyKind::BucketPolicy) {
        shape.statements.iter().try_for_each(check_effect)?;
    }
    match shape.odd_effect_case().or_else(|| bad_date(shape)) {
        Some(offset) => Err(wording::legacy_parsing(offset)),
        None => Ok(()),
    }
}

/// `iam:E-16` to `iam:E-18`, `iam:P-50`, `iam:P-51`: every statement says whom it means, in a form that may be saved.
fn check_principal_clauses(kind: PolicyKind, shape: &Shape<'_>, rules: &SaveRules<'_>) -> Result<(), PolicyError> {
    for statement in &shape.statements {
        let (name, value) = statement
            .principal()
            .ok_or_else(|| missing("Principal", PolicyErrorKind::Principal, statement))?;
        let refusal = match (name, statement.effect(), kind) {
            ("NotPrincipal", Some("Allow"), _) => Some(wording::ALLOW_NOT_PRINCIPAL),
            ("NotPrincipal", _, PolicyKind::Trust) => Some("AssumeRole policy must not contain NotPrincipal field."),
            _ => None,
        };
        if let Some(message) = refusal {
            return Err(wording::of(PolicyErrorKind::Principal, message, value.start));
        }
        check_principals(kind, value, rules)?;
    }
    Ok(())
}

/// `ForAllValues` on an encryption-context pair lets requests without context through; KMS refuses it
/// (`svc:C-4`).
fn check_context_operators(statement: &StatementShape<'_>) -> Result<(), PolicyError> {
    for (operator, key) in statement.conditions() {
        let for_all = Operator::parse(&operator.name)
            .is_some_and(|operator| operator.quantifier == Some(Quantifier::ForAllValues));
        if for_all && key.name.to_lowercase().starts_with("kms:encryptioncontext:") {
            return Err(wording::of(
                PolicyErrorKind::Condition,
                wording::FOR_ALL_CONTEXT_VALUES,
                key.name_start,
            ));
        }
    }
    Ok(())
}

/// `iam:E-16`, outside the identity family.
fn check_effect(statement: &StatementShape<'_>) -> Result<(), PolicyError> {
    match statement.effect() {
        Some("Allow" | "Deny") => Ok(()),
        Some(word) => Err(wording::of(
            PolicyErrorKind::Effect,
            &format!("Invalid effect: {word}"),
            statement.offset,
        )),
        None => Err(missing("Effect", PolicyErrorKind::Effect, statement)),
    }
}

fn missing(field: &str, kind: PolicyErrorKind, statement: &StatementShape<'_>) -> PolicyError {
    wording::of(kind, &format!("Missing required field {field}"), statement.offset)
}

/// `iam:E-16`, `iam:E-17`: every principal must be well-formed and, if it is a user or role, exist (`iam:P-43`).
/// Endpoints are configured before there is anybody to name (contract), so existence is not asked there.
fn check_principals(kind: PolicyKind, value: &Value, rules: &SaveRules<'_>) -> Result<(), PolicyError> {
    let Some(members) = value.as_object() else {
        // The shape has seen to it that only `"*"` gets here.
        return Ok(());
    };
    if members.iter().all(|member| member.value.as_list().is_empty()) {
        let message = "Missing required field Principal cannot be empty!";
        return Err(wording::of(PolicyErrorKind::Principal, message, value.start));
    }
    let must_exist = kind != PolicyKind::VpcEndpoint;
    for member in members {
        for item in member.value.as_list() {
            let Some(text) = item.as_text() else { continue };
            // Partitions share no principals (`iam:P-19`).
            let is_foreign = member.name == "AWS" && text.starts_with("arn:") && !text.starts_with("arn:aws:");
            let exists = !is_foreign
                && match PrincipalEntry::read(&member.name, text, Some(rules.principals)) {
                    None | Some(PrincipalEntry::Nobody(_)) => false,
                    Some(PrincipalEntry::User { bound_to, .. } | PrincipalEntry::Role { bound_to, .. }) => {
                        !must_exist || bound_to.is_some()
                    }
                    Some(PrincipalEntry::Service(name)) => kind != PolicyKind::Trust || may_be_service(&name),
                    Some(PrincipalEntry::UniqueId(id)) => !must_exist || rules.principals.arn_of(&id).is_some(),
                    Some(PrincipalEntry::CanonicalUser { account, .. }) => {
                        account.is_some() && kind == PolicyKind::BucketPolicy
                    }
                    Some(_) => true,
                };
            if !exists {
                return Err(wording::invalid_principal(kind, &member.name, text, item.start));
            }
        }
    }
    Ok(())
}

/// Domains under which services have their principals. Which names there are below them is not known here.
const SERVICE_DOMAINS: &[&str] = &[".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal"];

fn may_be_service(name: &str) -> bool {
    SERVICE_DOMAINS.iter().any(|domain| name.ends_with(domain))
}

/// `iam:G-30`: IAM's Sids are alphanumeric.
fn check_sid_characters(shape: &Shape<'_>) -> Result<(), PolicyError> {
    for statement in &shape.statements {
        if let Some((sid, offset)) = statement.sid()
            && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(wording::of(PolicyErrorKind::Sid, wording::SID_CHARACTERS, offset));
        }
    }
    Ok(())
}

/// `iam:E-04`: empty Sids do not collide, others do, with letter case (`iam:OQ-5`).
fn check_sids_unique(shape: &Shape<'_>, message: &str) -> Result<(), PolicyError> {
    let mut seen = BTreeSet::new();
    for (sid, offset) in shape.statements.iter().filter_map(StatementShape::sid) {
        if !sid.is_empty() && !seen.insert(sid) {
            return Err(wording::of(PolicyErrorKind::Sid, message, offset));
        }
    }
    Ok(())
}

/// `iam:G-66`: only date values are checked on save.
fn bad_date(shape: &Shape<'_>) -> Option<usize> {
    shape.statements.iter().find_map(bad_date_of)
}

fn bad_date_of(statement: &StatementShape<'_>) -> Option<usize> {
    statement.conditions().find_map(|(operator, key)| {
        let operator = Operator::parse(&operator.name)?;
        if !matches!(operator.comparison, Comparison::Date(_)) {
            return None;
        }
        let bad = |value: &&Value| match &value.node {
            Node::Text(text) | Node::Number(text) => !date_is_saved(text),
            _ => true,
        };
        key.value.as_list().iter().find(bad).map(|value| value.start)
    })
}

/// The value of the last member of a name, for `shape` and `formats`.
fn member<'a>(members: &'a [super::json::Member], name: &str) -> Option<&'a Value> {
    last(members, name)
}
