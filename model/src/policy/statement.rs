//! One statement: what it says, and whether it applies to a request (`iam:2`). What its effect is worth is decided elsewhere.

use super::PolicyKind;
use super::condition::{ConditionTest, Situation};
use super::notes;
use super::pattern::{ActionPattern, ResourceMatch, ResourcePattern};
use super::principal::{MatchKinds, PrincipalEntry, PrincipalForm, deny_exempts, kinds_of};
use crate::evaluate::{Caller, Request};
use crate::name::arn_fields;
use crate::quirks::{Quirks, UnresolvedNotResource};
use crate::rule::{RuleId, rule};

/// A statement's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It can allow.
    Allow,
    /// It denies.
    Deny,
}

impl Effect {
    /// The word a policy uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// An element that comes in a plain and a `Not…` form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element<T> {
    /// Whether it is the `Not…` form.
    pub(super) negated: bool,
    pub(super) entries: Vec<T>,
    pub(super) offset: usize,
}

/// A statement of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub(super) position: usize,
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) principals: Option<Element<PrincipalEntry>>,
    pub(super) actions: Option<Element<ActionPattern>>,
    pub(super) resources: Option<Element<ResourcePattern>>,
    pub(super) conditions: Vec<ConditionTest>,
}

/// A request as statements look at it, prepared once for all of them.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) quirks: &'a Quirks,
    /// Whether the caller has a permissions boundary (`iam:P-53`).
    pub(crate) has_boundary: bool,
    /// Whether the statements belong to the policy of a gateway endpoint (`iam:P-34`).
    pub(crate) at_gateway: bool,
    /// Whether the rules that mattered are wanted besides the answer; they never decide.
    pub(crate) explained: bool,
    /// Service and name of the action in lower case (`iam:M-01`).
    service: String,
    operation: String,
    /// The resource's six fields; none for `*`.
    resource: Option<[&'a str; 6]>,
    /// `s3:ListAllMyBuckets`, whose resource `*` also counts as every bucket (`iam:M-26`, `iam:OQ-14`).
    lists_buckets: bool,
}

/// What the resource of `s3:ListAllMyBuckets` counts as besides `*`.
const EVERY_BUCKET: [&str; 6] = ["arn", "aws", "s3", "", "", "*"];

impl<'a> Question<'a> {
    pub(crate) fn new(request: &'a Request<'a>, has_boundary: bool, quirks: &'a Quirks, explained: bool) -> Self {
        // The request resource is written either way (iam:OQ-14).
        let lists_buckets = matches!(request.resource, "*" | "arn:aws:s3:::*")
            && request.action.as_str().eq_ignore_ascii_case("s3:ListAllMyBuckets");
        Self {
            request,
            quirks,
            has_boundary,
            at_gateway: false,
            explained,
            service: request.action.service().to_ascii_lowercase(),
            operation: request.action.operation().to_ascii_lowercase(),
            resource: if lists_buckets {
                Some(EVERY_BUCKET)
            } else {
                arn_fields(request.resource)
            },
            lists_buckets,
        }
    }

    /// The rules that some part of a statement brings into play, if anybody wants them.
    fn noted(&self, rules: impl FnOnce() -> Vec<RuleId>) -> Vec<RuleId> {
        if self.explained { rules() } else { Vec::new() }
    }
}

/// What one statement says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applies {
    pub(crate) verdict: Verdict,
    /// How its principals match, in policies that name some.
    pub(crate) kinds: MatchKinds,
    /// The rules that mattered in matching.
    pub(crate) rules: Vec<RuleId>,
}

/// Whether a statement applies, or the one part that keeps it from applying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Applies,
    OtherPrincipal,
    OtherAction,
    OtherResource,
    /// A condition is false: its operator and key, if an explanation is wanted.
    Condition(String),
    /// A key-policy statement without Action or Resource has no effect at all (`svc:K-14`).
    Inert,
    /// More than one part does not match: the statement is about something else.
    Unrelated,
}

/// Whether one part of a statement matches, and why.
struct Part {
    matches: bool,
    rules: Vec<RuleId>,
}

impl Part {
    fn new(matches: bool, rules: impl Into<Vec<RuleId>>) -> Self {
        Self {
            matches,
            rules: rules.into(),
        }
    }
}

impl Statement {
    /// Position in the document, from 0.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The `Sid`, which never influences matching (`iam:G-33`).
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// The effect.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The entries of `Principal`; empty if there is none or it is `NotPrincipal`.
    pub fn principals(&self) -> &[PrincipalEntry] {
        self.principals
            .as_ref()
            .filter(|element| !element.negated)
            .map_or(&[], |element| &element.entries)
    }

    /// Whether the statement has `NotPrincipal`.
    pub fn has_not_principal(&self) -> bool {
        self.principals.as_ref().is_some_and(|element| element.negated)
    }

    /// The tests of the condition block.
    pub fn conditions(&self) -> &[ConditionTest] {
        &self.conditions
    }

    /// The action patterns as written, and whether they stand under `NotAction`; none if the statement has neither.
    pub fn action_patterns(&self) -> Option<(bool, Vec<&str>)> {
        let element = self.actions.as_ref()?;
        Some((
            element.negated,
            element.entries.iter().map(|pattern| pattern.text.as_str()).collect(),
        ))
    }

    /// The resource patterns as written, and whether they stand under `NotResource`; none if the statement has neither.
    pub fn resource_patterns(&self) -> Option<(bool, Vec<&str>)> {
        let element = self.resources.as_ref()?;
        Some((
            element.negated,
            element.entries.iter().map(|pattern| pattern.text.as_str()).collect(),
        ))
    }

    /// Whether the statement applies: principal, action, resource and condition all match; absent elements match.
    pub(crate) fn applies(&self, kind: PolicyKind, question: &Question<'_>) -> Applies {
        if kind == PolicyKind::Key && (self.actions.is_none() || self.resources.is_none()) {
            return Applies {
                verdict: Verdict::Inert,
                kinds: MatchKinds::default(),
                rules: vec![rule("svc:K-14")],
            };
        }
        let (principal, kinds) = self.principal_part(kind, question);
        let action = self.action_part(question);
        let resource = self.resource_part(kind, question);
        let verdict = match (principal.matches, action.matches, resource.matches) {
            (true, true, true) => Verdict::Applies,
            (false, true, true) => Verdict::OtherPrincipal,
            (true, false, true) => Verdict::OtherAction,
            (true, true, false) => Verdict::OtherResource,
            _ => {
                return Applies {
                    verdict: Verdict::Unrelated,
                    kinds: MatchKinds::default(),
                    rules: Vec::new(),
                };
            }
        };
        let mut applies = Applies {
            verdict,
            kinds,
            rules: principal.rules,
        };
        applies.rules.extend(action.rules);
        applies.rules.extend(resource.rules);
        if applies.verdict == Verdict::Applies {
            self.check_conditions(kind, question, &mut applies);
        }
        applies
    }

    /// Every test must hold; the first that does not silences the statement (`iam:C-10`, `iam:C-13`).
    fn check_conditions(&self, kind: PolicyKind, question: &Question<'_>, applies: &mut Applies) {
        applies
            .rules
            .extend(question.noted(|| ConditionTest::block_notes(&self.conditions)));
        let situation = Situation {
            request: question.request,
            effect: self.effect,
            kind,
        };
        for test in &self.conditions {
            applies.rules.extend(question.noted(|| test.notes(situation)));
            let held = test.holds(question.request.context, question.quirks);
            applies.rules.extend(held.rules);
            if !held.holds {
                let which = || format!("{} {}", test.operator(), test.key());
                applies.verdict = Verdict::Condition(if question.explained { which() } else { String::new() });
                return;
            }
        }
    }

    fn principal_part(&self, kind: PolicyKind, question: &Question<'_>) -> (Part, MatchKinds) {
        let Some(element) = &self.principals else {
            let everybody = kind.is_identity() || kind == PolicyKind::ServiceControl;
            let rules = if everybody { vec![rule("iam:A-01")] } else { Vec::new() };
            return (Part::new(true, rules), MatchKinds::default());
        };
        let caller = question.request.caller;
        let in_trust_policy = kind == PolicyKind::Trust;
        let mut kinds = kinds_of(&element.entries, caller, in_trust_policy, question.quirks);
        let mut rules = question.noted(|| {
            // The entries that match; where none does, all of them say why not.
            let matching: Vec<PrincipalEntry> = element
                .entries
                .iter()
                .filter(|entry| entry.form.matches(caller, in_trust_policy, question.quirks).is_some())
                .cloned()
                .collect();
            let telling = if matching.is_empty() {
                &element.entries
            } else {
                &matching
            };
            notes::of_principals(telling, self.effect, kind, caller)
        });
        if element.entries.len() > 1 {
            rules.push(rule("iam:P-13"));
        }
        if element.entries.is_empty() {
            rules.push(rule("iam:G-71"));
        }
        if question.at_gateway {
            // At a gateway endpoint the account means its root user only.
            rules.push(rule("iam:L-91"));
            if kinds.account {
                rules.push(rule("iam:P-34"));
                kinds.account = matches!(caller, Caller::Root { .. });
            }
        }
        if !element.negated {
            return (Part::new(kinds.any(), rules), kinds);
        }
        if element.entries.is_empty() {
            // Names nobody to except: it never applies, like every empty list (iam:G-71).
            return (Part::new(false, rules), kinds);
        }
        if self.effect == Effect::Deny {
            rules.extend(["iam:P-52", "iam:P-53", "iam:L-87", "iam:OQ-11"].map(rule));
            let is_account = |entry: &PrincipalEntry| matches!(entry.form, PrincipalForm::Account(_));
            if element.entries.iter().all(is_account) {
                rules.push(rule("iam:P-55"));
            }
        }
        let exempt = match self.effect {
            // Named at any level is excluded; a star excludes everybody.
            Effect::Allow => {
                rules.push(rule("iam:P-50"));
                kinds.any()
            }
            // Whoever has a boundary is always hit.
            Effect::Deny => !question.has_boundary && deny_exempts(caller, kinds, question.quirks),
        };
        let everybody = MatchKinds {
            wild: !exempt,
            ..MatchKinds::default()
        };
        (Part::new(!exempt, rules), everybody)
    }

    fn action_part(&self, question: &Question<'_>) -> Part {
        let Some(element) = &self.actions else {
            return Part::new(true, []);
        };
        if element.entries.is_empty() {
            return empty_list(element.negated, question.quirks);
        }
        let matched = element
            .entries
            .iter()
            .find(|pattern| pattern.matches(&question.service, &question.operation));
        let rules = question.noted(|| {
            let mut rules = notes::of_actions(&element.entries, element.negated);
            let is_wild = |pattern: &ActionPattern| pattern.text.contains(['*', '?']);
            let by_wildcard = matched.map_or_else(|| element.entries.iter().any(is_wild), is_wild);
            rules.push(if by_wildcard {
                rule("iam:M-02")
            } else {
                rule("iam:M-01")
            });
            rules
        });
        Part::new(matched.is_some() != element.negated, rules)
    }

    fn resource_part(&self, kind: PolicyKind, question: &Question<'_>) -> Part {
        let Some(element) = &self.resources else {
            // In a resource policy: the resource the policy is attached to.
            return Part::new(true, [rule("iam:G-13")]);
        };
        if element.entries.is_empty() {
            return empty_list(element.negated, question.quirks);
        }
        let context = question.request.context;
        let mut unresolved = false;
        let mut matched = None;
        for pattern in &element.entries {
            match pattern.matches(question.resource.as_ref(), context) {
                ResourceMatch::Matches => {
                    matched = Some(pattern);
                    break;
                }
                ResourceMatch::Unresolved => unresolved = true,
                ResourceMatch::Differs => {}
            }
        }
        let mut part = if element.negated {
            self.not_resource(matched.is_some(), unresolved, question)
        } else {
            plain_resource(matched, unresolved)
        };
        part.rules.extend(question.noted(|| match matched {
            Some(pattern) => notes::of_resource(pattern, kind, context),
            None => {
                let entries = element.entries.iter();
                entries
                    .flat_map(|pattern| notes::of_resource(pattern, kind, context))
                    .collect()
            }
        }));
        if question.lists_buckets {
            part.rules.extend([rule("iam:M-26"), rule("iam:OQ-14")]);
        }
        if question.resource.is_none() && !element.negated {
            part.rules.push(rule("iam:M-25"));
        }
        part
    }

    /// `NotResource` matches when no entry does (`iam:M-27`, `iam:M-28`); a variable without value makes that disputed (`iam:V-11`).
    fn not_resource(&self, matched: bool, unresolved: bool, question: &Question<'_>) -> Part {
        if matched || !unresolved {
            let about = if question.resource.is_none() {
                rule("iam:M-28")
            } else {
                rule("iam:M-27")
            };
            return Part::new(!matched, [about]);
        }
        let applies = match question.quirks.unresolved_not_resource {
            UnresolvedNotResource::FailClosed => self.effect == Effect::Deny,
            UnresolvedNotResource::Applies => true,
            UnresolvedNotResource::Void => false,
        };
        Part::new(applies, [rule("iam:V-11"), rule("iam:OQ-27")])
    }
}

fn plain_resource(matched: Option<&ResourcePattern>, unresolved: bool) -> Part {
    match matched {
        Some(pattern) if pattern.text == "*" => Part::new(true, [rule("iam:M-20")]),
        Some(_) => Part::new(true, [rule("iam:M-21")]),
        None if unresolved => Part::new(false, [rule("iam:V-10")]),
        None => Part::new(false, [rule("iam:M-21")]),
    }
}

/// An empty list never applies (`iam:G-71`); an empty `Not…` list is disputed (`iam:G-72`).
fn empty_list(negated: bool, quirks: &Quirks) -> Part {
    if negated {
        Part::new(quirks.empty_not_list_applies, [rule("iam:G-72"), rule("iam:OQ-7")])
    } else {
        Part::new(false, [rule("iam:G-71")])
    }
}
