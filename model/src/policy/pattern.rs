//! Patterns: globs, action patterns, resource patterns. Everything here is linear in practice and never recurses, because patterns
//! and texts come from untrusted hands.

use super::PolicyKind;
use super::variable::{Syntax, Template};
use crate::context::Context;
use crate::name::arn_fields;
use crate::rule::RuleId;

/// One symbol of a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    /// This character.
    Exactly(char),
    /// `?`: exactly one character, never zero (`iam:M-23`).
    AnyOne,
    /// `*`: any run of characters, also an empty one (`iam:M-22`, `iam:C-61`).
    AnyRun,
}

/// Whether a pattern matches a whole text. Two pointers: on a mismatch the last `*` takes one character more.
pub(super) fn glob(pattern: &[Symbol], text: &str) -> bool {
    glob_by(pattern, text, |expected, actual| expected == actual)
}

/// The same with another idea of equal characters.
pub(super) fn glob_by(pattern: &[Symbol], text: &str, equal: impl Fn(char, char) -> bool) -> bool {
    let mut position = 0;
    let mut rest = text.chars();
    // Behind the last `*` seen: where its pattern continues, and what text it has not taken yet.
    let mut last_run = None;
    loop {
        let advanced = match pattern.get(position) {
            None => rest.as_str().is_empty(),
            Some(Symbol::AnyRun) => {
                last_run = Some((position + 1, rest.clone()));
                true
            }
            Some(symbol) => {
                let mut ahead = rest.clone();
                let fits = ahead.next().is_some_and(|actual| match symbol {
                    Symbol::Exactly(expected) => equal(*expected, actual),
                    _ => true,
                });
                if fits {
                    rest = ahead;
                }
                fits
            }
        };
        if advanced {
            if position == pattern.len() {
                return true;
            }
            position += 1;
            continue;
        }
        let Some((behind, untaken)) = &mut last_run else {
            return false;
        };
        if untaken.next().is_none() {
            return false;
        }
        position = *behind;
        rest = untaken.clone();
    }
}

/// One entry of `Action` or `NotAction` (`iam:G-40`, `iam:M-01`…`M-05`). Variables are literal here (`iam:G-43`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ActionPattern {
    pub(super) text: String,
    pub(super) offset: usize,
    shape: ActionShape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ActionShape {
    /// `*`
    Everything,
    /// `service:name`, lower case; the service is literal.
    Named { service: String, name: Vec<Symbol> },
    /// Neither: matches nothing.
    Nothing,
}

impl ActionPattern {
    pub(super) fn parse(text: &str, offset: usize) -> Self {
        let lowercase = text.to_ascii_lowercase();
        let shape = match lowercase.split_once(':') {
            _ if text == "*" => ActionShape::Everything,
            Some((service, name)) => ActionShape::Named {
                service: service.to_owned(),
                name: wildcards(name),
            },
            None => ActionShape::Nothing,
        };
        Self {
            text: text.to_owned(),
            offset,
            shape,
        }
    }

    /// Whether an action given in lower case matches.
    pub(super) fn matches(&self, service: &str, name: &str) -> bool {
        match &self.shape {
            ActionShape::Everything => true,
            ActionShape::Named {
                service: expected,
                name: pattern,
            } => expected == service && glob(pattern, name),
            ActionShape::Nothing => false,
        }
    }
}

fn wildcards(text: &str) -> Vec<Symbol> {
    text.chars()
        .map(|character| match character {
            '*' => Symbol::AnyRun,
            '?' => Symbol::AnyOne,
            other => Symbol::Exactly(other),
        })
        .collect()
}

/// One entry of `Resource` or `NotResource` (`iam:G-50`…`G-55`, `iam:M-20`…`M-29`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResourcePattern {
    pub(super) text: String,
    pub(super) offset: usize,
    shape: ResourceShape,
    /// Whether the document's version knows variables (`iam:G-23`).
    knows_variables: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ResourceShape {
    /// `*`
    Everything,
    /// Six fields.
    Arn(Box<ArnShape>),
    /// Not an ARN, or one that never matches.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ArnShape {
    /// None for `*`; otherwise literal.
    partition: Option<String>,
    service: String,
    region: Vec<Symbol>,
    account: Vec<Symbol>,
    resource: Template,
    /// A variable before the fifth colon: matches nothing (`iam:G-55`). One after it that has no value counts all the same (`iam:V-11`).
    has_early_variable: bool,
}

/// What a resource pattern says about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResourceMatch {
    Matches,
    Differs,
    /// A variable has no value, so the pattern names nothing (`iam:V-10`, `iam:V-11`).
    Unresolved,
}

impl ResourcePattern {
    pub(super) fn parse(text: &str, offset: usize, kind: PolicyKind, variables: bool) -> Self {
        let shape = if text == "*" {
            ResourceShape::Everything
        } else {
            arn_shape(text, kind, variables).map_or(ResourceShape::Nothing, |arn| ResourceShape::Arn(Box::new(arn)))
        };
        Self {
            text: text.to_owned(),
            offset,
            shape,
            knows_variables: variables,
        }
    }

    /// Matches the fields of a requested ARN; none stands for the resource `*`, which only a literal `*` matches (`iam:M-25`).
    pub(super) fn matches(&self, requested: Option<&[&str; 6]>, context: &Context) -> ResourceMatch {
        let matched = match (&self.shape, requested) {
            (ResourceShape::Everything, _) => true,
            (ResourceShape::Nothing, _) => false,
            (ResourceShape::Arn(pattern), None) => {
                // A variable without value is one whatever is requested (iam:V-11).
                if pattern.resource.resolve(context).is_none() {
                    return ResourceMatch::Unresolved;
                }
                false
            }
            (ResourceShape::Arn(pattern), Some([_, partition, service, region, account, resource])) => {
                let Some(resource_pattern) = pattern.resource.resolve(context) else {
                    return ResourceMatch::Unresolved;
                };
                !pattern.has_early_variable
                    && pattern.partition.as_ref().is_none_or(|expected| expected == partition)
                    && pattern.service == *service
                    && glob(&pattern.region, region)
                    && glob(&pattern.account, account)
                    && glob(&resource_pattern, resource)
            }
        };
        if matched {
            ResourceMatch::Matches
        } else {
            ResourceMatch::Differs
        }
    }

    /// Whether variables are replaced in it at all.
    pub(super) fn knows_variables(&self) -> bool {
        self.knows_variables
    }

    /// Whether it has a variable without a default, so that it may match nothing (`iam:V-10`).
    pub(super) fn needs_a_value(&self) -> bool {
        matches!(&self.shape, ResourceShape::Arn(arn) if arn.resource.needs_a_value())
    }

    /// The rules about variables that it brings into play.
    pub(super) fn variable_notes(&self, context: &Context) -> Vec<RuleId> {
        match &self.shape {
            ResourceShape::Arn(arn) => arn.resource.notes(context),
            ResourceShape::Everything | ResourceShape::Nothing => Vec::new(),
        }
    }
}

fn arn_shape(text: &str, kind: PolicyKind, variables: bool) -> Option<ArnShape> {
    let mut fields: Vec<&str> = text.splitn(6, ':').collect();
    // Incomplete ARNs are completed in identity policies only (iam:G-52, iam:OQ-6); never in session policies (iam:G-53).
    if matches!(kind, PolicyKind::Managed | PolicyKind::Inline) && fields.len() >= 3 {
        fields.resize(6, "*");
    }
    let [arn, partition, service, region, account, resource] = fields.try_into().ok()?;
    if arn != "arn" {
        return None;
    }
    let has_early_variable = variables
        && [partition, service, region, account]
            .iter()
            .any(|field| field.contains("${"));
    Some(ArnShape {
        partition: (partition != "*").then(|| partition.to_owned()),
        service: service.to_owned(),
        region: wildcards(region),
        account: wildcards(account),
        resource: Template::parse(
            resource,
            Syntax {
                wildcards: true,
                variables,
            },
        ),
        has_early_variable,
    })
}

/// Matches an ARN pattern whose variables are already filled in, as the Arn operators do: both sides split into six parts, each
/// part a glob, all of them wildcards (`iam:C-50`…`C-54`). None when either side has fewer than six parts.
pub(super) fn arn_like(pattern: &[Symbol], value: &str) -> Option<bool> {
    let value = arn_fields(value)?;
    let parts: Vec<&[Symbol]> = pattern.splitn(6, |symbol| *symbol == Symbol::Exactly(':')).collect();
    if parts.len() != 6 {
        return None;
    }
    Some(parts.iter().zip(value).all(|(part, text)| glob(part, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a?c", "ac", false),
            ("a?c", "abc", true),
            ("*b*", "aaabaaa", true),
            ("*abc", "ababc", true),
            ("*abc", "ababcx", false),
            ("a*b*c", "a--b--b--c", true),
            ("?", "é", true),
            ("**", "x", true),
        ] {
            assert_eq!(glob(&wildcards(pattern), text), expected, "{pattern} against {text}");
        }
        // Hostile patterns end quickly.
        let pattern = wildcards(&"*a".repeat(2_000));
        assert!(!glob(&pattern, &"a".repeat(1_999)));
    }

    #[test]
    fn vectors_of_actions() {
        for (id, pattern, action, expected) in [
            ("AG-01", "*", "s3:getobject", true),
            ("AG-02", "s3:*", "s3:getobject", true),
            ("AG-02", "s3:*", "s3express:createsession", false),
            ("AG-03", "S3:GETobject", "s3:getobject", true),
            ("AG-04", "s3:Get*Tagging", "s3:getobjecttagging", true),
            ("AG-04", "s3:Get*Tagging", "s3:getobject", false),
            ("AG-05", "s3:?etObject", "s3:getobject", true),
            ("AG-06", "s3:GetObject?", "s3:getobject", false),
            ("AG-09", "s3:GetObject,PutObject", "s3:getobject", false),
            ("VV-13", "s3:${aws:username}", "s3:getobject", false),
            (
                "svc:K-23",
                "kms:GenerateDataKey*",
                "kms:generatedatakeywithoutplaintext",
                true,
            ),
            ("svc:K-23", "kms:Get*", "kms:generatedatakey", false),
            ("svc:K-23", "kms:ReEncrypt*", "kms:reencryptfrom", true),
            ("svc:K-23", "kms:Revoke*", "kms:retiregrant", false),
        ] {
            let (service, name) = action.split_once(':').expect("an action");
            assert_eq!(
                ActionPattern::parse(pattern, 0).matches(service, name),
                expected,
                "{id}: {pattern} against {action}"
            );
        }
    }

    #[test]
    fn vectors_of_resources() {
        let managed = PolicyKind::Managed;
        for (id, kind, pattern, resource, expected) in [
            ("RG-01", managed, "*", "arn:aws:s3:::b/k", true),
            ("RG-01", managed, "*", "*", true),
            ("RG-02", managed, "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", true),
            ("RG-02", managed, "arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y", true),
            ("RG-02", managed, "arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("RG-02", managed, "arn:aws:s3:::b/*", "arn:aws:s3:::bb/k", false),
            ("RG-03", managed, "arn:aws:s3:::b*", "arn:aws:s3:::b", true),
            ("RG-03", managed, "arn:aws:s3:::b*", "arn:aws:s3:::b/k", true),
            ("RG-03", managed, "arn:aws:s3:::b*", "arn:aws:s3:::bb/k", true),
            (
                "RG-04",
                managed,
                "arn:aws:s3:::b/*/test/*",
                "arn:aws:s3:::b/1///test///object.jpg",
                true,
            ),
            (
                "RG-04",
                managed,
                "arn:aws:s3:::b/*/test/*",
                "arn:aws:s3:::b//test/o",
                true,
            ),
            (
                "RG-04",
                managed,
                "arn:aws:s3:::b/*/test/*",
                "arn:aws:s3:::b/test/o",
                false,
            ),
            (
                "RG-05",
                managed,
                "arn:aws:s3:::b/????-test",
                "arn:aws:s3:::b/2024-test",
                true,
            ),
            (
                "RG-05",
                managed,
                "arn:aws:s3:::b/????-test",
                "arn:aws:s3:::b/24-test",
                false,
            ),
            (
                "RG-06",
                managed,
                "arn:aws:kms:*:111111111111:key/*",
                "arn:aws:kms:us-east-1:111111111111:key/1",
                true,
            ),
            (
                "RG-06",
                managed,
                "arn:aws:kms:*:111111111111:key/*",
                "arn:aws:kms:us-east-1:222222222222:key/1",
                false,
            ),
            (
                "RG-06",
                managed,
                "arn:aws:kms:*:111111111111:key/*",
                "arn:aws:kms:us-east-1:111111111111:alias/x",
                false,
            ),
            (
                "RG-07",
                managed,
                "arn:aws:kms:us-*:111111111111:key/*",
                "arn:aws:kms:us-east-1:111111111111:key/1",
                true,
            ),
            (
                "RG-08",
                managed,
                "arn:aws:logs:us-east-1:111111111111:log-group:*",
                "arn:aws:logs:us-east-1:111111111111:log-group:a:log-stream:b",
                true,
            ),
            ("RG-09", managed, "arn:aws:s3:::b/K", "arn:aws:s3:::b/k", false),
            ("RG-10", managed, "arn:aws:ec2:*:*:instance/*", "*", false),
            (
                "RG-12",
                managed,
                "arn:aws:sqs",
                "arn:aws:sqs:us-east-1:111111111111:q",
                true,
            ),
            (
                "G-53",
                PolicyKind::Session,
                "arn:aws:sqs",
                "arn:aws:sqs:us-east-1:111111111111:q",
                false,
            ),
            (
                "OQ-6",
                PolicyKind::Bucket,
                "arn:aws:sqs",
                "arn:aws:sqs:us-east-1:111111111111:q",
                false,
            ),
            ("RG-13", managed, "arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", true),
            ("RG-13", managed, "arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", false),
            ("G-51", managed, "arn:*:s3:::b", "arn:aws-cn:s3:::b", true),
            ("G-51", managed, "arn:aws*:s3:::b", "arn:aws-cn:s3:::b", false),
            (
                "G-55",
                managed,
                "arn:aws:sns:us-east-1:${aws:PrincipalAccount}:t",
                "arn:aws:sns:us-east-1:111111111111:t",
                false,
            ),
        ] {
            let parsed = ResourcePattern::parse(pattern, 0, kind, true);
            let fields = (resource != "*").then(|| arn_fields(resource).expect("an ARN"));
            let matched = parsed.matches(fields.as_ref(), &Context::new()) == ResourceMatch::Matches;
            assert_eq!(matched, expected, "{id}: {pattern} against {resource}");
        }
    }
}
