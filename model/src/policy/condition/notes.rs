//! Which rules a condition test brings into play for a request, whether it holds or not, so that the trace can name them. One table:
//! a rule, and when it matters. Nothing here decides.

use super::keys::{KeyType, KnownKey, known_key};
use super::operator::{Base, Matcher};
use super::{ConditionTest, Qualifier};
use crate::context::{ContextValue, is_multivalued};
use crate::evaluate::{Caller, Request};
use crate::policy::{Effect, PolicyKind};
use crate::rule::{RuleId, rule};

/// Where a test stands: the request, and the statement around it.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Situation<'a> {
    pub(in crate::policy) request: &'a Request<'a>,
    pub(in crate::policy) effect: Effect,
    pub(in crate::policy) kind: PolicyKind,
}

/// Everything a row may look at.
struct Look<'a> {
    test: &'a ConditionTest,
    present: Option<&'a ContextValue>,
    known: Option<&'static KnownKey>,
    situation: Situation<'a>,
}

impl ConditionTest {
    /// The rules of one test.
    pub(in crate::policy) fn notes(&self, situation: Situation<'_>) -> Vec<RuleId> {
        let context = situation.request.context;
        let look = Look {
            test: self,
            present: context.get_lowercase(&self.lookup),
            known: known_key(&self.lookup),
            situation,
        };
        let mut rules: Vec<RuleId> = look.known.iter().map(|known| known.rule.clone()).collect();
        rules.extend(
            NOTES
                .iter()
                .filter(|(_, matters)| matters(&look))
                .map(|(id, _)| rule(id)),
        );
        if self.operator.base.variables() || self.operator.base == Base::Bool {
            rules.extend(self.values.iter().flat_map(|value| value.template.notes(context)));
        }
        rules
    }

    /// The rules of a whole block (`iam:C-10`, `iam:C-12`, `iam:C-94`).
    pub(in crate::policy) fn block_notes(tests: &[Self]) -> Vec<RuleId> {
        let mut rules = Vec::new();
        if tests.is_empty() {
            return rules;
        }
        rules.push(rule("iam:C-13"));
        if tests.len() > 1 {
            rules.push(rule("iam:C-10"));
        }
        let repeated = |wanted: fn(&Self, &Self) -> bool| {
            tests.iter().enumerate().any(|(position, test)| {
                tests[..position]
                    .iter()
                    .any(|other| other.lookup == test.lookup && (wanted(test, other) || wanted(other, test)))
            })
        };
        if repeated(|_, _| true) {
            rules.push(rule("iam:C-12"));
        }
        if repeated(|one, other| one.operator.qualifier == Qualifier::ForAllValues && other.operator.base == Base::Null)
        {
            rules.push(rule("iam:C-94"));
        }
        rules
    }
}

/// A rule and when it matters.
type Row = (&'static str, fn(&Look<'_>) -> bool);

#[rustfmt::skip]
const NOTES: &[Row] = &[
    ("iam:C-01", |look| look.is_spelled_otherwise()),
    ("iam:C-02", |look| matches!(look.present, Some(ContextValue::Ambiguous))),
    ("iam:C-03", |look| look.test.operator.base == Base::StringEqualsIgnoreCase || look.differs_in_case()),
    ("iam:C-04", |look| look.is_list()),
    ("iam:C-05", |look| look.has_empty_text()),
    ("iam:OQ-16", |look| look.has_empty_text()),
    ("iam:C-30", |look| matches!(look.test.operator.base, Base::Numeric(_))),
    ("iam:C-31", |look| look.is_date()),
    ("iam:C-32", |look| look.is_date() && look.any_value(is_digits)),
    ("iam:OQ-19", |look| look.is_date() && look.any_value(|text| text.len() == 4 && is_digits(text))),
    ("iam:C-34", |look| look.test.operator.base == Base::Bool),
    ("iam:OQ-20", |look| look.test.operator.base == Base::Bool && look.any_value(|text| text.contains("${"))),
    ("iam:C-35", |look| look.test.operator.base == Base::IpAddress),
    ("iam:C-36", |look| look.test.operator.base == Base::Binary),
    ("iam:C-38", |look| look.is_of_another_type()),
    ("iam:C-41", |look| look.is_plain() && look.test.operator.negated && look.test.operator.if_exists),
    ("iam:C-42", |look| look.is_plain() && look.test.operator.negated),
    ("iam:C-50", |look| look.is_arn_operator()),
    ("iam:C-51", |look| look.is_arn_operator() && look.any_value(|text| fields(text, 1..3).any(is_wild))),
    ("iam:C-52", |look| look.test.operator.base_name.starts_with("ArnEquals") || look.test.operator.base_name.starts_with("ArnNotEquals")),
    ("iam:C-53", |look| look.is_arn_operator() && (look.any_value(is_short) || look.any_request_value(is_short))),
    ("iam:OQ-23", |look| look.is_arn_operator() && look.any_value(|text| text == "*")),
    ("iam:C-54", |look| look.is_arn_operator() && look.any_value(|text| fields(text, 5..6).any(is_wild))),
    ("iam:C-55", |look| look.is_text_operator() && look.is_of_type(KeyType::Arn)),
    ("iam:C-60", |look| look.test.operator.base == Base::StringEquals && look.any_value(is_wild)),
    ("iam:C-61", |look| look.test.operator.base == Base::StringLike && look.any_value(is_wild)),
    ("iam:C-62", |look| look.test.operator.base.wildcards() && look.any_value(|text| text.contains("${*}"))),
    ("iam:C-63", |look| look.is_text_operator() && (look.any_value(has_edge_space) || look.any_request_value(has_edge_space))),
    ("iam:C-70", |look| look.test.operator.base == Base::Null && look.is_plain()),
    ("iam:C-71", |look| look.test.operator.base == Base::Null && look.is_plain() && look.test.values.len() > 1),
    ("iam:C-73", |look| look.test.operator.base == Base::Null && look.any_value(|text| !matches!(text, "true" | "false"))),
    ("iam:G-73", |look| look.has_no_values()),
    ("iam:C-80", |look| look.has_no_values() && look.is_plain() && !look.test.operator.negated && !look.test.operator.if_exists),
    ("iam:OQ-24", |look| look.has_no_values() && look.is_plain() && !look.test.operator.negated && !look.test.operator.if_exists),
    ("iam:C-81", |look| look.has_no_values() && look.test.operator.qualifier == Qualifier::ForAllValues),
    ("iam:C-82", |look| look.has_no_values() && look.test.operator.qualifier == Qualifier::ForAnyValue),
    ("iam:C-83", |look| look.has_no_values() && look.is_plain() && look.test.operator.if_exists),
    ("iam:C-84", |look| look.has_no_values() && look.is_plain() && look.test.operator.negated),
    ("iam:C-90", |look| !look.is_plain() && look.test.operator.base != Base::Null),
    ("iam:OQ-22", |look| !look.is_plain() && look.test.operator.negated),
    ("iam:C-91", |look| !look.is_plain() && !look.is_text_operator() && look.test.operator.base != Base::Null),
    ("iam:C-92", |look| !look.is_plain() && !look.is_list() && look.test.operator.base != Base::Null),
    ("iam:C-93", |look| look.is_plain() && look.is_list() && look.test.operator.base != Base::Null),
    ("iam:C-95", |look| !look.is_plain() && look.test.operator.base == Base::StringEquals),
    ("iam:OQ-17", |look| look.test.operator.base == Base::StringEqualsIgnoreCase && look.any_value(|text| !text.is_ascii())),
    ("iam:G-63", |look| look.known.is_none() && look.test.lookup.starts_with("aws:")),
    ("iam:P-17", |look| look.reads("aws:principalarn") && look.any_value(|text| text.contains("role/aws-reserved/sso.amazonaws.com"))),
    ("iam:P-42", |look| look.reads("aws:principalarn") && look.situation.kind.names_principals()),
    ("iam:V-02", |look| look.any_value(|text| text.contains("${"))),
    ("iam:V-03", |look| !matches!(look.situation.kind, PolicyKind::Inline | PolicyKind::Managed) && look.any_value(|text| text.contains("${"))),
    ("iam:A-03", |look| ["aws:resourcetag/", "s3:existingobjecttag/"].iter().any(|family| look.test.lookup.starts_with(family))),
    ("iam:OQ-12", |look| look.is_service() && UNCERTAIN_FOR_SERVICES.contains(&look.test.lookup.as_str())),
    ("iam:OQ-29", |look| look.reads("aws:multifactorauthage")),
    ("iam:OQ-30", |look| look.reads("aws:sourceip") && look.situation.request.via.is_some()),
    ("iam:OQ-41", |look| look.test.lookup.starts_with("aws:calledvia")),
    ("iam:K-90", |look| look.known.is_some_and(|known| SESSION_PROPERTIES.contains(&known.rule.as_str()))),
    ("iam:K-91", |look| look.test.lookup.starts_with("aws:principaltag/") && matches!(look.situation.request.caller, Caller::RoleSession(_))),
    ("iam:K-92", |look| TAG_FAMILIES.iter().any(|family| look.test.lookup.starts_with(family))),
    ("iam:K-94", |look| look.reads("aws:principalarn") && look.any_value(|text| text.ends_with(":root"))),
    ("iam:K-95", |look| look.reads("aws:principalarn") && look.any_value(|text| text.contains(":assumed-role/"))),
    ("iam:K-96", |look| look.is_service() && look.reads("aws:principalorgid")),
    ("iam:K-97", |look| look.is_service() && look.situation.effect == Effect::Deny && look.test.operator.negated && NETWORK_KEYS.contains(&look.test.lookup.as_str())),
    ("svc:C-29", |look| look.acts_on_keys() && (look.reads("aws:tagkeys") || look.test.lookup.starts_with("aws:requesttag/"))),
    ("svc:C-30", |look| look.acts_on_keys() && matches!(look.test.lookup.as_str(), "aws:sourcearn" | "aws:sourceaccount")),
    ("svc:C-31", |look| look.situation.request.via.is_some() && NETWORK_KEYS.contains(&look.test.lookup.as_str())),
    ("iam:K-98", |look| !look.is_service() && matches!(look.test.lookup.as_str(), "aws:sourcearn" | "aws:sourceaccount")),
];

/// Keys that calls of services may or may not carry (`iam:OQ-12`).
const UNCERTAIN_FOR_SERVICES: &[&str] = &[
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:securetransport",
    "aws:sourceip",
    "aws:useragent",
    "aws:userid",
];

/// The rules of keys that are fixed when a session is made (`iam:K-90`).
const SESSION_PROPERTIES: &[&str] = &[
    "iam:K-20", "iam:K-21", "iam:K-22", "iam:K-23", "iam:K-24", "iam:K-25", "iam:K-26", "iam:K-27", "iam:K-28",
    "iam:K-29", "iam:K-30",
];

const TAG_FAMILIES: &[&str] = &["aws:principaltag/", "aws:requesttag/", "aws:resourcetag/"];

const NETWORK_KEYS: &[&str] = &[
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:vpcsourceip",
];

impl Look<'_> {
    fn is_plain(&self) -> bool {
        self.test.operator.qualifier == Qualifier::None
    }

    fn is_text_operator(&self) -> bool {
        matches!(
            self.test.operator.base.matcher(),
            Matcher::Text | Matcher::TextIgnoringCase
        )
    }

    fn is_arn_operator(&self) -> bool {
        self.test.operator.base == Base::Arn
    }

    fn is_date(&self) -> bool {
        matches!(self.test.operator.base, Base::Date(_))
    }

    fn has_no_values(&self) -> bool {
        self.test.values.is_empty() && self.test.operator.base != Base::Null
    }

    fn is_service(&self) -> bool {
        matches!(self.situation.request.caller, Caller::Service { .. })
    }

    fn acts_on_keys(&self) -> bool {
        self.situation.request.action.service().eq_ignore_ascii_case("kms")
    }

    fn reads(&self, key: &str) -> bool {
        self.test.lookup == key
    }

    fn is_of_type(&self, kind: KeyType) -> bool {
        self.known.is_some_and(|known| known.kind == kind)
    }

    /// A list by the type of the key, or by what the request holds.
    fn is_list(&self) -> bool {
        is_multivalued(&self.test.lookup) || matches!(self.present, Some(ContextValue::Many(_)))
    }

    /// The request spells the key otherwise than the policy.
    fn is_spelled_otherwise(&self) -> bool {
        let mut spellings = self.situation.request.context.iter();
        spellings.any(|(key, _)| key != self.test.key && key.eq_ignore_ascii_case(&self.test.key))
    }

    /// The operator's type is not the key's (`iam:C-38`). A String operator on an ARN key is a matter of its own (`iam:C-55`).
    fn is_of_another_type(&self) -> bool {
        let Some(known) = self.known else { return false };
        match (self.test.operator.base, known.kind) {
            (Base::Null, _) | (Base::Binary, _) => false,
            (Base::Numeric(_), kind) => !matches!(kind, KeyType::Number | KeyType::Date),
            (Base::Date(_), kind) => kind != KeyType::Date,
            (Base::Bool, kind) => kind != KeyType::Bool,
            (Base::IpAddress, kind) => kind != KeyType::Address,
            (Base::Arn, kind) => kind != KeyType::Arn,
            (_, kind) => !matches!(kind, KeyType::Text | KeyType::Arn),
        }
    }

    fn any_value(&self, wanted: fn(&str) -> bool) -> bool {
        self.test.values().any(wanted)
    }

    fn any_request_value(&self, wanted: fn(&str) -> bool) -> bool {
        match self.present {
            Some(ContextValue::One(text)) => wanted(text),
            Some(ContextValue::Many(list)) => list.iter().any(|text| wanted(text)),
            Some(ContextValue::Ambiguous) | None => false,
        }
    }

    /// Policy and request hold the same text but for its case.
    fn differs_in_case(&self) -> bool {
        let Some(ContextValue::One(requested)) = self.present else {
            return false;
        };
        let mut values = self.test.values();
        self.is_text_operator() && values.any(|text| text != requested && text.eq_ignore_ascii_case(requested))
    }

    /// An empty text or an empty list stands on either side.
    fn has_empty_text(&self) -> bool {
        self.any_value(str::is_empty)
            || self.any_request_value(str::is_empty)
            || matches!(self.present, Some(ContextValue::Many(list)) if list.is_empty())
    }
}

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_edge_space(text: &str) -> bool {
    text.trim() != text
}

/// Fewer than six fields.
fn is_short(text: &str) -> bool {
    text.splitn(6, ':').count() < 6
}

/// Some fields of an ARN.
fn fields(text: &str, wanted: std::ops::Range<usize>) -> impl Iterator<Item = &str> {
    text.splitn(6, ':').skip(wanted.start).take(wanted.len())
}

#[cfg(test)]
mod tests {
    use super::super::Operator;
    use super::*;
    use crate::context::Context;

    /// Which rule speaks of a list without values depends on its operator (`iam:C-80`…`iam:C-84`).
    #[test]
    fn lists_without_values_have_a_rule_each() {
        let context = Context::new();
        let action = crate::name::Action::new("s3:GetObject").expect("an action");
        let request = crate::evaluate::Request {
            caller: &crate::evaluate::Caller::Anonymous,
            action: &action,
            resource: "arn:aws:s3:::data/a.txt",
            resource_account: None,
            context: &context,
            via: None,
            as_of: jiff::civil::date(2026, 11, 22),
        };
        let about_lists = ["iam:C-80", "iam:C-81", "iam:C-82", "iam:C-83", "iam:C-84"];
        for (operator, values, expected) in [
            ("StringEquals", &[][..], Some("iam:C-80")),
            ("ForAllValues:StringEquals", &[], Some("iam:C-81")),
            ("ForAnyValue:StringEquals", &[], Some("iam:C-82")),
            ("StringEqualsIfExists", &[], Some("iam:C-83")),
            ("StringNotEquals", &[], Some("iam:C-84")),
            ("StringEquals", &["x"], None),
            ("StringNotEquals", &["x"], None),
        ] {
            let parsed = Operator::parse(operator).expect("an operator");
            let values = values.iter().map(|&value: &&str| value.to_owned()).collect();
            let situation = Situation {
                request: &request,
                effect: crate::policy::Effect::Allow,
                kind: crate::policy::PolicyKind::Inline,
            };
            let notes = ConditionTest::new(parsed, operator, "app:k", values, true).notes(situation);
            let spoken: Vec<&str> = notes
                .iter()
                .map(|rule| rule.as_str())
                .filter(|rule| about_lists.contains(rule))
                .collect();
            assert_eq!(spoken, Vec::from_iter(expected), "{operator}");
        }
    }
}
