//! Which document cannot be used, by which rule, and where (`iam:E-22`). Whether it can is `validate`'s.

use std::fmt;

use super::PolicySets;
use crate::authorizer::json;
use crate::authorizer::policy::{Policy, PolicyError, PolicyErrorKind};
use crate::authorizer::request::{AttachedPolicy, PolicyLevel};

/// A document that stops the evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableDocument {
    /// Its place in the case: `identity[0]`, `service_control[1][0]`, `resource`, …
    pub document: String,
    /// The rule that makes it unusable, such as `iam:E-01`.
    pub rule: &'static str,
    /// The place in the document as a JSON pointer, or `byte N` where the text is not JSON.
    pub place: String,
    /// IAM's words for it.
    pub message: String,
}

impl fmt::Display for UnusableDocument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            document,
            rule,
            place,
            message,
        } = self;
        write!(formatter, "{document} is unusable by {rule} at {place}: {message}")
    }
}

/// The first document of a case that cannot be used, in the order of the form. All given documents are policies
/// that apply, so each of them stops the evaluation, whoever calls.
pub(super) fn find(sets: &PolicySets, resource: Option<&Policy>) -> Option<UnusableDocument> {
    let boundary = sets.boundary.as_ref().map(|boundary| boundary.policy.as_ref());
    let endpoint = sets.endpoint.as_ref().map(|endpoint| endpoint.policy.as_ref());
    let (document, policy) = in_list("identity", &sets.identity)
        .or_else(|| alone("permissions_boundary", boundary))
        .or_else(|| in_list("session", sets.session.as_deref().unwrap_or_default()))
        .or_else(|| alone("resource", resource))
        .or_else(|| in_levels("service_control", &sets.service_control))
        .or_else(|| in_levels("resource_control", &sets.resource_control))
        .or_else(|| alone("vpc_endpoint", endpoint))?;
    let error = policy.unusable()?;
    Some(UnusableDocument {
        document,
        rule: rule_of(error),
        place: place_of(policy.text(), error.offset),
        message: error.message.clone(),
    })
}

fn alone<'a>(name: &str, policy: Option<&'a Policy>) -> Option<(String, &'a Policy)> {
    policy
        .filter(|policy| policy.unusable().is_some())
        .map(|policy| (name.to_owned(), policy))
}

fn in_list<'a>(name: &str, policies: &'a [AttachedPolicy]) -> Option<(String, &'a Policy)> {
    policies
        .iter()
        .enumerate()
        .find(|(_, attached)| attached.policy.unusable().is_some())
        .map(|(index, attached)| (format!("{name}[{index}]"), attached.policy.as_ref()))
}

fn in_levels<'a>(name: &str, levels: &'a [PolicyLevel]) -> Option<(String, &'a Policy)> {
    levels
        .iter()
        .enumerate()
        .find_map(|(index, level)| in_list(&format!("{name}[{index}]"), &level.policies))
}

/// The rule behind a refusal, whatever the words of the kind of policy (errata `iam:E-22`): kind of error, what
/// its text contains, rule. First row wins.
const RULES: &[(PolicyErrorKind, &str, &str)] = &[
    (PolicyErrorKind::Characters, "", "iam:G-11"),
    (PolicyErrorKind::Json, "", "iam:E-01"),
    (PolicyErrorKind::Syntax, "", "iam:E-01"),
    (PolicyErrorKind::Version, "", "iam:E-01"),
    (PolicyErrorKind::LegacyParsing, "", "iam:E-03"),
    (PolicyErrorKind::Sid, "", "iam:E-04"),
    (PolicyErrorKind::Effect, "", "iam:E-01"),
    (PolicyErrorKind::Action, "must contain actions", "iam:E-05"),
    (PolicyErrorKind::Action, "prefaced by a vendor", "iam:E-06"),
    (PolicyErrorKind::Action, "", "iam:E-07"),
    (PolicyErrorKind::Resource, "must contain resources", "iam:E-05"),
    (PolicyErrorKind::Resource, "ARN format", "iam:E-08"),
    (PolicyErrorKind::Resource, "Partition", "iam:E-09"),
    (PolicyErrorKind::Resource, "fully qualified", "iam:E-10"),
    (PolicyErrorKind::Resource, "", "iam:E-11"),
    (PolicyErrorKind::Principal, "should not specify", "iam:E-12"),
    (PolicyErrorKind::Principal, "", "iam:E-16"),
    (PolicyErrorKind::InvalidPrincipal, "", "iam:E-01"),
    (PolicyErrorKind::Condition, "", "iam:E-01"),
];

pub(super) fn rule_of(error: &PolicyError) -> &'static str {
    RULES
        .iter()
        .find(|(kind, part, _)| *kind == error.kind && error.message.contains(part))
        .map_or("iam:E-22", |(_, _, rule)| rule)
}

/// The JSON pointer of the innermost value that covers the byte.
pub(super) fn place_of(text: &str, offset: usize) -> String {
    let Ok(document) = json::parse(text) else {
        return format!("byte {offset}");
    };
    let mut pointer = String::new();
    let mut value = &document;
    // A document nests no deeper than the reader allows, and every turn goes one level down.
    loop {
        let next = match &value.node {
            json::Node::Object(members) => members
                .iter()
                .find(|member| (member.name_start..member.value.end).contains(&offset))
                .map(|member| (member.name.replace('~', "~0").replace('/', "~1"), &member.value)),
            json::Node::Array(items) => items
                .iter()
                .enumerate()
                .find(|(_, item)| (item.start..item.end).contains(&offset))
                .map(|(index, item)| (index.to_string(), item)),
            _ => None,
        };
        let Some((step, inner)) = next else {
            return if pointer.is_empty() { "/".to_owned() } else { pointer };
        };
        pointer.push('/');
        pointer.push_str(&step);
        value = inner;
    }
}
