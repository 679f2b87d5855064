//! A policy document, parsed once and evaluated many times.

use jiff::civil::Date;
use serde_json::json;

use super::condition::{ConditionTest, Operator};
use super::draft::{Draft, Members, items, scalar, text};
use super::json::{Json, Node};
use super::pattern::{ActionPattern, ResourcePattern};
use super::statement::Element;
use super::validation;
use super::{Effect, PolicyError, PolicyKind, PrincipalEntry, PrincipalForm, Statement};
use crate::name::AccountId;

/// A policy that the evaluator can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    kind: PolicyKind,
    statements: Vec<Statement>,
}

impl Document {
    /// Reads a stored document. Legacy texts that AWS would no longer save are read by their legacy rules (`iam:G-06`).
    ///
    /// # Errors
    /// A document that fails its own grammar is unusable: evaluating it is an error, never a silent allow (`iam:E-22`).
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        let node = validation::read(text, kind)?;
        let draft = validation::usable(&node, kind)?;
        Ok(Self::build(&draft, kind))
    }

    /// Reads a document that somebody wants to save on a given date, with every check AWS makes then, except whether the named
    /// principals exist: see [`Document::principals`].
    ///
    /// # Errors
    /// The first error AWS reports, in AWS's order (`iam:E-20`) and words.
    pub fn save(text: &str, kind: PolicyKind, as_of: Date) -> Result<Self, PolicyError> {
        validation::characters_and_size(text, kind, as_of)?;
        let node = validation::read(text, kind)?;
        let draft = validation::savable(&node, kind, as_of)?;
        Ok(Self::build(&draft, kind))
    }

    /// A document without statements: for a key whose policy is silent about everything.
    pub fn empty(kind: PolicyKind) -> Self {
        Self {
            kind,
            statements: Vec::new(),
        }
    }

    /// Its Deny statements alone: for a resource whose policy can only forbid (`svc:S-4`, `svc:G-16`).
    #[must_use]
    pub(crate) fn denies(mut self) -> Self {
        self.statements.retain(|statement| statement.effect() == Effect::Deny);
        self
    }

    /// What a key policy says about kms:RetireGrant: its Deny statements count, its Allow is worth nothing, and the accounts that have
    /// a say in it may let their identities do it (`svc:G-16` c, d). No account, no delegation.
    #[must_use]
    pub(crate) fn rights_to_retire(self, accounts: &[&AccountId]) -> Self {
        let position = self.statements.len();
        let mut rights = self.denies();
        let text = json!({"Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": accounts.iter().map(|account| account.as_str()).collect::<Vec<_>>()},
            "Action": "kms:RetireGrant",
            "Resource": "*",
        }});
        if !accounts.is_empty() {
            let delegation = Self::parse(&text.to_string(), rights.kind).expect("a policy of this crate's own making");
            rights.statements.extend(
                delegation
                    .statements
                    .into_iter()
                    .map(|statement| Statement { position, ..statement }),
            );
        }
        rights
    }

    /// The kind of policy it is.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// Its statements in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Every entry of `Principal` and `NotPrincipal`. Whoever saves the document checks that the users and roles exist
    /// (`iam:P-43`, `svc:P-4`) and refuses with [`PrincipalEntry::unknown`].
    pub fn principals(&self) -> impl Iterator<Item = &PrincipalEntry> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(|element| &element.entries)
    }

    /// Replaces the ARNs of users and roles by their unique ids, as saving does, so that the entry dies with the entity
    /// (`iam:P-40`, `iam:P-41`). `None` leaves an entry as it is. ARNs in condition values are never converted (`iam:P-42`).
    pub fn bind(&mut self, mut id_of: impl FnMut(&str) -> Option<String>) {
        for entry in self.principals_mut() {
            if matches!(entry.form, PrincipalForm::User { .. } | PrincipalForm::Role { .. })
                && let Some(id) = id_of(&entry.text)
            {
                entry.form = PrincipalForm::UniqueId(id);
            }
        }
    }

    /// Replaces canonical user ids by the accounts they belong to, which only the world knows (`iam:P-12`).
    pub fn bind_canonical_users(&mut self, mut account_of: impl FnMut(&str) -> Option<AccountId>) {
        for entry in self.principals_mut() {
            if let PrincipalForm::CanonicalUser(id) = &entry.form
                && let Some(account) = account_of(id)
            {
                entry.form = PrincipalForm::Account(account);
            }
        }
    }

    fn principals_mut(&mut self) -> impl Iterator<Item = &mut PrincipalEntry> {
        self.statements
            .iter_mut()
            .filter_map(|statement| statement.principals.as_mut())
            .flat_map(|element| &mut element.entries)
    }

    /// INVARIANT: the draft has passed `validation::usable` or `validation::savable`, so every value has the type its element needs;
    /// what does not is skipped here without effect.
    fn build(draft: &Draft<'_>, kind: PolicyKind) -> Self {
        // Variables exist in version 2012-10-17 only; a missing version is 2008-10-17 (iam:G-21, iam:G-23).
        let variables = draft.members.last("Version").and_then(|member| text(&member.value)) == Some("2012-10-17");
        let statements = draft
            .statements
            .iter()
            .enumerate()
            .map(|(position, members)| statement(position, members, kind, variables))
            .collect();
        Self { kind, statements }
    }
}

fn statement(position: usize, members: &Members<'_>, kind: PolicyKind, variables: bool) -> Statement {
    // The last Effect counts (iam:G-06).
    let effect = match members.last("Effect").and_then(|member| text(&member.value)) {
        Some("Allow") => Effect::Allow,
        _ => Effect::Deny,
    };
    Statement {
        position,
        sid: members
            .last("Sid")
            .and_then(|member| text(&member.value))
            .map(str::to_owned),
        effect,
        principals: element(members, "Principal", "NotPrincipal", principal_entries),
        actions: element(members, "Action", "NotAction", |node| {
            texts(node)
                .map(|(text, offset)| ActionPattern::parse(text, offset))
                .collect()
        }),
        resources: element(members, "Resource", "NotResource", |node| {
            texts(node)
                .map(|(text, offset)| ResourcePattern::parse(text, offset, kind, variables))
                .collect()
        }),
        conditions: members
            .all("Condition")
            .flat_map(|member| condition_tests(&member.value, variables))
            .collect(),
    }
}

/// Reads an element that has a `Not…` form. Several of the same name are concatenated (`iam:G-06`).
fn element<T>(members: &Members<'_>, plain: &str, negated: &str, read: impl Fn(&Node) -> Vec<T>) -> Option<Element<T>> {
    let name = if members.has(plain) { plain } else { negated };
    let offset = members.all(name).next()?.offset;
    let entries = members.all(name).flat_map(|member| read(&member.value)).collect();
    Some(Element {
        negated: name == negated,
        entries,
        offset,
    })
}

/// The strings of a value or list; `null` inside a list is ignored (`iam:G-10` as corrected).
fn texts(node: &Node) -> impl Iterator<Item = (&str, usize)> {
    items(node)
        .into_iter()
        .filter_map(|item| text(item).map(|text| (text, item.offset)))
}

fn principal_entries(node: &Node) -> Vec<PrincipalEntry> {
    match &node.value {
        Json::String(text) => {
            let form = if text == "*" {
                PrincipalForm::Everyone
            } else {
                PrincipalForm::Impossible
            };
            vec![PrincipalEntry {
                form,
                member: "*".to_owned(),
                text: text.clone(),
                offset: node.offset,
            }]
        }
        Json::Object(members) => members
            .iter()
            .flat_map(|member| {
                texts(&member.value).map(|(text, offset)| PrincipalEntry {
                    form: PrincipalForm::under(&member.key, text).unwrap_or(PrincipalForm::Impossible),
                    member: member.key.clone(),
                    text: text.to_owned(),
                    offset,
                })
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The tests of a condition block; an unknown operator can only be here with no keys under it, which says nothing (`iam:G-62`).
fn condition_tests(node: &Node, variables: bool) -> Vec<ConditionTest> {
    let Json::Object(operators) = &node.value else {
        return Vec::new();
    };
    let mut tests = Vec::new();
    for written in operators {
        let (Some(operator), Json::Object(keys)) = (Operator::parse(&written.key), &written.value.value) else {
            continue;
        };
        for key in keys {
            let values = items(&key.value).into_iter().filter_map(scalar).collect();
            tests.push(ConditionTest::new(operator, &written.key, &key.key, values, variables));
        }
    }
    tests
}
