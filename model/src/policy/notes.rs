//! Which rules the principal, action and resource of a statement bring into play for a request, whether they match or not, so that
//! the trace can name them. Tables of a rule and when it matters; nothing here decides.

use super::pattern::{ActionPattern, ResourcePattern};
use super::principal::{PrincipalEntry, PrincipalForm};
use super::{Effect, PolicyKind};
use crate::context::Context;
use crate::evaluate::Caller;
use crate::rule::{RuleId, rule};

/// The rules of an `Action` or `NotAction`.
pub(super) fn of_actions(patterns: &[ActionPattern], negated: bool) -> Vec<RuleId> {
    let any = |wanted: fn(&str) -> bool| patterns.iter().any(|pattern| wanted(&pattern.text));
    let matters = [
        (negated, "iam:M-03"),
        (negated, "iam:M-04"),
        (negated && any(|text| text.contains('*')), "iam:M-05"),
        (any(is_odd_action), "iam:G-42"),
        (any(|text| text.contains("${")), "iam:G-43"),
        (any(|text| text.contains("${")), "iam:V-02"),
    ];
    pick(matters)
}

/// The rules of one entry of a `Resource` or `NotResource`.
pub(super) fn of_resource(pattern: &ResourcePattern, kind: PolicyKind, context: &Context) -> Vec<RuleId> {
    let text = pattern.text.as_str();
    if text == "*" {
        return vec![rule("iam:M-20")];
    }
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let sixth = fields.get(5).copied().unwrap_or_default();
    let is_wild = |text: &str| text.contains(['*', '?']);
    let incomplete = fields.len() < 6;
    let variable = text.contains("${");
    let early = fields.iter().take(5).any(|field| field.contains("${"));
    let matters = [
        (is_wild(sixth), "iam:M-22"),
        (text.contains('?'), "iam:M-23"),
        (is_wild(text), "iam:OQ-13"),
        (sixth.bytes().any(|byte| byte.is_ascii_uppercase()), "iam:M-24"),
        (
            fields.get(2) == Some(&"s3") && !incomplete && !sixth.contains('/'),
            "iam:M-29",
        ),
        (
            incomplete && matches!(kind, PolicyKind::Managed | PolicyKind::Inline),
            "iam:G-52",
        ),
        (incomplete && !kind.is_identity(), "iam:OQ-6"),
        (early && pattern.knows_variables(), "iam:G-55"),
        (variable, "iam:G-23"),
        (variable && !pattern.knows_variables(), "iam:V-15"),
        (variable && !pattern.knows_variables() && is_wild(text), "iam:G-24"),
        (pattern.needs_a_value(), "iam:V-10"),
    ];
    let mut rules = pick(matters);
    rules.extend(pattern.variable_notes(context));
    if variable && !matches!(kind, PolicyKind::Managed | PolicyKind::Inline) {
        rules.push(rule("iam:V-03"));
    }
    rules
}

/// The rules of the entries of a `Principal` or `NotPrincipal`.
pub(super) fn of_principals(
    entries: &[PrincipalEntry],
    effect: Effect,
    kind: PolicyKind,
    caller: &Caller,
) -> Vec<RuleId> {
    let mut rules = Vec::new();
    if entries.len() > 1 {
        rules.push(rule("iam:P-13"));
    }
    for entry in entries {
        rules.push(form_rule(&entry.form));
        rules.extend(of_form(entry, effect, kind, caller));
    }
    rules
}

fn of_form(entry: &PrincipalEntry, effect: Effect, kind: PolicyKind, caller: &Caller) -> Vec<RuleId> {
    let text = entry.text.as_str();
    let form = &entry.form;
    let allows = effect == Effect::Allow;
    let account = matches!(form, PrincipalForm::Account(_));
    let role_name = match form {
        PrincipalForm::Role { name, .. } => Some(name),
        PrincipalForm::AssumedRole { role, .. } => Some(role),
        _ => None,
    };
    let user_or_role = matches!(form, PrincipalForm::User { .. } | PrincipalForm::Role { .. });
    let name = text.rsplit('/').next().unwrap_or_default();
    let regional = matches!(form, PrincipalForm::Service(name) if is_regional(name));
    let regional_caller = matches!(caller, Caller::Service { name, .. } if is_regional(name));
    let service = matches!(form, PrincipalForm::Service(_));
    let caller_role = match caller {
        Caller::RoleSession(session) => Some(&session.role.name),
        _ => None,
    };
    let without_account = matches!(caller, Caller::Service { .. } | Caller::Federated { .. });
    let in_path = matches!(form, PrincipalForm::Role { path, .. } if path != "/");
    let bound = matches!(form, PrincipalForm::UniqueId(_));
    let matters = [
        (regional, "iam:P-10"),
        (service && (regional || regional_caller), "iam:P-60"),
        (service && kind == PolicyKind::Trust, "iam:P-61"),
        (
            user_or_role && name.bytes().any(|byte| byte.is_ascii_uppercase()),
            "iam:P-18",
        ),
        (
            role_name
                .zip(caller_role)
                .is_some_and(|(left, right)| left != right && left.eq_ignore_ascii_case(right)),
            "iam:OQ-10",
        ),
        (text.contains(":assumed-role/") || in_path, "iam:P-20"),
        (text.contains(":assumed-role/"), "iam:OQ-40"),
        (entry.member == "CanonicalUser", "iam:P-12"),
        (bound, "iam:P-40"),
        (bound && kind != PolicyKind::Trust, "iam:P-41"),
        (account, "iam:A-02"),
        (account && allows, "iam:P-33"),
        (account && allows && !matches!(caller, Caller::Root { .. }), "iam:P-31"),
        (account && !allows, "iam:P-32"),
        (
            matches!(form, PrincipalForm::AwsEveryone) && without_account,
            "iam:OQ-9",
        ),
        (
            text.starts_with("arn:") && !text.starts_with("arn:aws:") || caller.is_of_other_partition(),
            "iam:P-19",
        ),
        (entry.member == "Service" && text == "*", "iam:P-15"),
        (text.contains(":group/"), "iam:P-16"),
    ];
    pick(matters)
}

/// `x.REGION.amazonaws.com`.
fn is_regional(service: &str) -> bool {
    service
        .strip_suffix(".amazonaws.com")
        .is_some_and(|rest| rest.contains('.') && rest.contains('-'))
}

/// Characters that no action of AWS has (`iam:G-42`).
fn is_odd_action(text: &str) -> bool {
    !text
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || matches!(character, ':' | '*' | '?' | '-' | '.'))
}

fn pick<const COUNT: usize>(matters: [(bool, &'static str); COUNT]) -> Vec<RuleId> {
    matters
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, id)| rule(id))
        .collect()
}

/// The rule that gives a principal form its meaning.
fn form_rule(form: &PrincipalForm) -> RuleId {
    match form {
        PrincipalForm::Everyone => rule("iam:P-01"),
        PrincipalForm::AwsEveryone => rule("iam:P-02"),
        PrincipalForm::Account(_) => rule("iam:P-03"),
        PrincipalForm::User { .. } => rule("iam:P-04"),
        PrincipalForm::Role { .. } => rule("iam:P-05"),
        PrincipalForm::AssumedRole { .. } => rule("iam:P-06"),
        PrincipalForm::FederatedUser { .. } => rule("iam:P-07"),
        PrincipalForm::UniqueId(_) => rule("iam:P-08"),
        PrincipalForm::Service(_) => rule("iam:P-09"),
        PrincipalForm::Federated(_) => rule("iam:P-11"),
        PrincipalForm::CanonicalUser(_) => rule("iam:P-12"),
        PrincipalForm::Impossible => rule("iam:P-14"),
    }
}
