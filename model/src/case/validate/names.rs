//! Names: what the world and the steps define, and whether every name and `{{…}}` reference leads to exactly one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::load::{Problem, ProblemKind};
use super::super::reference::{Reference, ReferenceKind, TextPart, parse_text};
use super::super::tree::{Node, NodeValue};
use super::super::{AccountSpec, Case, Step, StepPrincipal};
use super::{MOST_PROBLEMS, entries, members};
use crate::name::AccountId;

/// Calls that make something a later step may name: operation, kind, parameter.
const MAKERS: [(&str, ReferenceKind, &str); 6] = [
    ("iam:CreateUser", ReferenceKind::User, "UserName"),
    ("iam:CreateRole", ReferenceKind::Role, "RoleName"),
    ("iam:CreateGroup", ReferenceKind::Group, "GroupName"),
    ("iam:CreatePolicy", ReferenceKind::ManagedPolicy, "PolicyName"),
    ("s3:CreateBucket", ReferenceKind::Bucket, "Bucket"),
    ("lambda:CreateFunction", ReferenceKind::Function, "FunctionName"),
];

pub(super) fn check(document: &Node, case: &Case, text: &str, found: &mut Vec<Problem>) {
    let mut checker = Checker {
        names: Names::of(case),
        saved: BTreeSet::new(),
        text,
        found,
    };
    let Some(world) = document.get("world") else {
        checker.texts(document.get("evaluate"));
        return;
    };
    checker.world(world, case);
    checker.texts(Some(world));
    let nodes = document.get("steps").map_or(&[][..], Node::entries);
    for (step, node) in case.steps.iter().zip(nodes) {
        checker.step(step, node);
    }
}

/// Which accounts have a name, for every kind.
struct Names {
    of_world: BTreeMap<(ReferenceKind, String), BTreeSet<AccountId>>,
    /// Made by a step: its account is known only when the case runs.
    made: BTreeSet<(ReferenceKind, String)>,
    grants: BTreeSet<(String, String)>,
    accounts: BTreeSet<AccountId>,
    organization: bool,
}

impl Names {
    fn of(case: &Case) -> Self {
        let mut names = Self {
            of_world: BTreeMap::new(),
            made: BTreeSet::new(),
            grants: BTreeSet::new(),
            accounts: BTreeSet::new(),
            organization: case.world.as_ref().is_some_and(|world| world.organization.is_some()),
        };
        for (id, account) in case.world.iter().flat_map(|world| &world.accounts) {
            names.accounts.insert(id.clone());
            for (kind, name) in named(account) {
                names
                    .of_world
                    .entry((kind, name.to_owned()))
                    .or_default()
                    .insert(id.clone());
            }
            for (key, spec) in &account.keys {
                names
                    .grants
                    .extend(spec.grants.keys().map(|grant| (key.clone(), grant.clone())));
            }
        }
        for step in &case.steps {
            let Step::Call(call) = step else { continue };
            for (operation, kind, parameter) in MAKERS {
                if call.call.as_str() == operation
                    && let Some(name) = call.with.get(parameter).and_then(serde_json::Value::as_str)
                {
                    names.made.insert((kind, name.to_owned()));
                }
            }
        }
        names
    }

    /// The accounts that have the name.
    fn accounts_of(&self, kind: ReferenceKind, name: &str) -> Option<&BTreeSet<AccountId>> {
        self.of_world.get(&(kind, name.to_owned()))
    }

    fn all_of(&self, kind: ReferenceKind) -> impl Iterator<Item = &str> {
        self.of_world
            .keys()
            .filter(move |(of, _)| *of == kind)
            .map(|(_, name)| name.as_str())
    }
}

/// Every name of an account with its kind.
fn named(account: &AccountSpec) -> impl Iterator<Item = (ReferenceKind, &str)> {
    fn of<T>(kind: ReferenceKind, map: &BTreeMap<String, T>) -> impl Iterator<Item = (ReferenceKind, &str)> {
        map.keys().map(move |name| (kind, name.as_str()))
    }
    of(ReferenceKind::User, &account.users)
        .chain(of(ReferenceKind::Role, &account.roles))
        .chain(of(ReferenceKind::Group, &account.groups))
        .chain(of(ReferenceKind::ManagedPolicy, &account.managed_policies))
        .chain(of(ReferenceKind::Key, &account.keys))
        .chain(of(ReferenceKind::Bucket, &account.buckets))
        .chain(of(ReferenceKind::Function, &account.functions))
        .chain(of(ReferenceKind::BackupVault, &account.backup_vaults))
        .chain(of(ReferenceKind::VpcEndpoint, &account.vpc_endpoints))
}

struct Checker<'a> {
    names: Names,
    saved: BTreeSet<String>,
    text: &'a str,
    found: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    /// Names inside the world: buckets are unique everywhere, and what one entity names of another must be there.
    fn world(&mut self, world: &Node, case: &Case) {
        let mut key_ids = BTreeSet::new();
        for (account_key, account) in world.get("accounts").map_or(&[][..], Node::members) {
            let Ok(id) = AccountId::new(account_key.text.as_str()) else {
                continue;
            };
            for kind in ["users", "groups", "roles"] {
                for (_, entity) in members(account, kind) {
                    for attached in entries(entity, "attached") {
                        self.managed_policy(attached, &id);
                    }
                    if let Some(boundary) = entity.get("permissions_boundary") {
                        self.managed_policy(boundary, &id);
                    }
                    for group in entries(entity, "groups") {
                        self.name_in(group, ReferenceKind::Group, &id);
                    }
                }
            }
            for (_, key) in members(account, "keys") {
                if let Some(primary) = key.get("replica_of") {
                    self.name_in(primary, ReferenceKind::Key, &id);
                }
                if let Some(node) = key.get("id")
                    && let Some(text) = node.text()
                    && !key_ids.insert((id.clone(), text.to_owned()))
                    && key.get("replica_of").is_none()
                {
                    self.report(
                        ProblemKind::Duplicate(format!("two keys have the id `{text}`")),
                        node.label(),
                    );
                }
            }
            for (bucket_key, bucket) in members(account, "buckets") {
                let accounts = self.names.accounts_of(ReferenceKind::Bucket, &bucket_key.text);
                if accounts.is_some_and(|accounts| accounts.len() > 1 && accounts.first() != Some(&id)) {
                    let kind =
                        ProblemKind::Duplicate(format!("two accounts have a bucket named `{}`", bucket_key.text));
                    self.report(kind, bucket_key.span.clone());
                }
                let used = bucket
                    .get("encryption")
                    .and_then(|encryption| encryption.get("key"))
                    .into_iter();
                let of_objects = members(bucket, "objects")
                    .iter()
                    .filter_map(|(_, object)| object.get("key"));
                for key in used.chain(of_objects).collect::<Vec<_>>() {
                    self.key(key, &id);
                }
            }
            for (_, function) in members(account, "functions") {
                if let Some(role) = function.get("role") {
                    self.name_in(role, ReferenceKind::Role, &id);
                }
                if let Some(key) = function.get("kms_key") {
                    self.key(key, &id);
                }
            }
            for (_, vault) in members(account, "backup_vaults") {
                if let Some(key) = vault.get("key") {
                    self.key(key, &id);
                }
            }
        }
        let organization = case.world.as_ref().and_then(|world| world.organization.as_ref());
        if let Some(root) = world
            .get("organization")
            .and_then(|node| node.get("root"))
            .filter(|_| organization.is_some())
        {
            self.unit(root, &mut BTreeSet::new());
        }
    }

    /// An account stands in one place of the organization.
    fn unit(&mut self, unit: &Node, seen: &mut BTreeSet<String>) {
        for account in entries(unit, "accounts") {
            let Some(text) = account.text() else { continue };
            if !seen.insert(text.to_owned()) {
                self.report(
                    ProblemKind::Duplicate(format!("the account `{text}` stands twice in the organization")),
                    account.label(),
                );
            }
        }
        for (_, below) in members(unit, "units") {
            self.unit(below, seen);
        }
    }

    fn step(&mut self, step: &Step, node: &Node) {
        match step {
            Step::Call(call) => {
                if let Some(principal) = node.get("as") {
                    self.principal(&call.principal, principal);
                }
                if let (Some(name), Some(through)) = (&call.through, node.get("through")) {
                    self.name(ReferenceKind::VpcEndpoint, name, None, through.label());
                }
            }
            Step::Invoke(invoke) => {
                let span = node
                    .get("invoke")
                    .and_then(|invoke| invoke.get("function"))
                    .map_or_else(|| node.label(), Node::label);
                self.name(ReferenceKind::Function, &invoke.function, invoke.account.as_ref(), span);
            }
            Step::Arrange(_) => {
                for (key, _) in members(node, "arrange") {
                    if let Some(name) = key
                        .text
                        .strip_prefix("key.")
                        .and_then(|rest| rest.strip_suffix(".state"))
                    {
                        self.name(ReferenceKind::Key, name, None, key.span.clone());
                    }
                }
            }
            Step::Advance(_) | Step::Settle { .. } => {}
        }
        for (name, member) in node.members() {
            // What a step saves, its own expectation may already name.
            if name.text == "expect" {
                self.saved
                    .extend(members(node, "save").iter().map(|(key, _)| key.text.clone()));
            }
            self.texts(Some(member));
        }
        self.saved
            .extend(members(node, "save").iter().map(|(key, _)| key.text.clone()));
    }

    fn principal(&mut self, principal: &StepPrincipal, node: &Node) {
        let place = |member: &str| node.get(member).map_or_else(|| node.label(), Node::label);
        match principal {
            StepPrincipal::User { account, name, .. } => {
                self.name(ReferenceKind::User, name, account.as_ref(), place("user"))
            }
            StepPrincipal::Role { account, name, .. } => {
                self.name(ReferenceKind::Role, name, account.as_ref(), place("role"))
            }
            StepPrincipal::FederatedUser { account, by, .. } if by != "root" => {
                self.name(ReferenceKind::User, by, account.as_ref(), place("federated_user"));
            }
            StepPrincipal::FederatedUser { account, .. } => {
                self.one_account(account.as_ref(), "federated_user", node.label())
            }
            StepPrincipal::Root { account } => self.one_account(account.as_ref(), "root", place("root")),
            StepPrincipal::Service { .. } | StepPrincipal::Anonymous => {}
        }
    }

    /// The account may be left out only where there is one.
    fn one_account(&mut self, account: Option<&AccountId>, word: &str, span: Range<usize>) {
        match account {
            Some(id) if !self.names.accounts.contains(id) => self.unknown("account", id.as_str(), span, Vec::new()),
            None if self.names.accounts.len() > 1 => {
                let accounts = list(&self.names.accounts);
                self.report(
                    ProblemKind::AmbiguousAccount {
                        kind: word.to_owned(),
                        name: word.to_owned(),
                        accounts,
                    },
                    span,
                );
            }
            _ => {}
        }
    }

    /// A key in the world: a symbolic name, a reference, an ARN, an id or an alias.
    fn key(&mut self, node: &Node, account: &AccountId) {
        let Some(text) = node.text() else { return };
        let looks_given =
            text.contains("{{") || text.starts_with("arn:") || text.starts_with("alias/") || text.starts_with("mrk-");
        let is_id = text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4;
        if looks_given || is_id {
            return;
        }
        let here = self
            .names
            .accounts_of(ReferenceKind::Key, text)
            .is_some_and(|accounts| accounts.contains(account));
        if !here {
            self.name(ReferenceKind::Key, text, None, node.label());
        }
    }

    /// A managed policy: an ARN, a reference, or a name of the same account.
    fn managed_policy(&mut self, node: &Node, account: &AccountId) {
        if node
            .text()
            .is_some_and(|text| !text.starts_with("arn:") && !text.contains("{{"))
        {
            self.name_in(node, ReferenceKind::ManagedPolicy, account);
        }
    }

    /// A name that must be in this very account.
    fn name_in(&mut self, node: &Node, kind: ReferenceKind, account: &AccountId) {
        if let Some(text) = node.text().filter(|text| !text.contains("{{")) {
            self.name(kind, text, Some(account), node.label());
        }
    }

    fn name(&mut self, kind: ReferenceKind, name: &str, account: Option<&AccountId>, span: Range<usize>) {
        if self.found.len() >= MOST_PROBLEMS {
            return;
        }
        let word = kind.word().replace('_', " ");
        match (self.names.accounts_of(kind, name), account) {
            (Some(accounts), Some(account)) if accounts.contains(account) => {}
            (Some(accounts), None) if accounts.len() == 1 => {}
            _ if self.names.made.contains(&(kind, name.to_owned())) => {}
            (Some(accounts), None) => {
                let kind = ProblemKind::AmbiguousAccount {
                    kind: word,
                    name: name.to_owned(),
                    accounts: list(accounts),
                };
                self.report(kind, span);
            }
            (Some(accounts), Some(_)) => {
                let help = format!("it stands in {}", list(accounts));
                let kind = ProblemKind::UnknownName {
                    kind: format!("{word} of this account"),
                    name: name.to_owned(),
                };
                self.found.push(Problem::new(kind, span).help(help));
            }
            (None, _) => {
                let known = self.names.all_of(kind).map(str::to_owned).collect();
                self.unknown(&word, name, span, known);
            }
        }
    }

    fn unknown(&mut self, kind: &str, name: &str, span: Range<usize>, known: Vec<String>) {
        let problem = Problem::new(
            ProblemKind::UnknownName {
                kind: kind.to_owned(),
                name: name.to_owned(),
            },
            span,
        );
        let hinted = problem.clone().nearest(name, known.iter().map(String::as_str));
        self.found.push(match (&hinted.help, known.is_empty()) {
            (None, false) if known.len() <= 8 => problem.help(format!("there is {}", known.join(", "))),
            _ => hinted,
        });
    }

    /// Every reference of every text below.
    fn texts(&mut self, node: Option<&Node>) {
        let Some(node) = node else { return };
        match &node.value {
            NodeValue::Text(text) => self.references(text, node),
            NodeValue::List(entries) => entries.iter().for_each(|entry| self.texts(Some(entry))),
            NodeValue::Map(members) => members.iter().for_each(|(_, member)| self.texts(Some(member))),
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => {}
        }
    }

    fn references(&mut self, text: &str, node: &Node) {
        if !text.contains("{{") {
            return;
        }
        match parse_text(text) {
            Ok(parts) => {
                for part in parts {
                    if let TextPart::Reference {
                        reference,
                        offset,
                        length,
                    } = part
                    {
                        // The place is looked for only where it is needed: a long text may hold very many references.
                        if self.found.len() < MOST_PROBLEMS && !self.leads_somewhere(&reference) {
                            let span = self.part_of(node, text.get(offset..offset + length));
                            self.reference(&reference, span);
                        }
                    }
                }
            }
            Err(error) => {
                let span = self.part_of(node, text.get(error.offset..error.offset + error.length));
                self.report(ProblemKind::BadReference(error.to_string()), span);
            }
        }
    }

    /// Whether nothing is wrong with a reference; what is, `reference` tells.
    fn leads_somewhere(&self, reference: &Reference) -> bool {
        let account = reference.account.as_ref();
        let named = |kind| match (self.names.accounts_of(kind, &reference.name), account) {
            (Some(accounts), Some(account)) => accounts.contains(account),
            (Some(accounts), None) => accounts.len() == 1,
            (None, _) => false,
        };
        match reference.kind {
            ReferenceKind::Saved => self.saved.contains(&reference.name),
            ReferenceKind::Organization => self.names.organization,
            ReferenceKind::Root | ReferenceKind::Alias | ReferenceKind::FederatedUser => match account {
                Some(account) => self.names.accounts.contains(account),
                None => self.names.accounts.len() <= 1,
            },
            kind => {
                let grant = reference.part.as_ref().filter(|(word, _)| word == "grant");
                let has_grant = |(_, grant): &(String, String)| {
                    self.names.grants.contains(&(reference.name.clone(), grant.clone()))
                };
                named(kind) && grant.is_none_or(has_grant)
            }
        }
    }

    /// The place of a part of a text, if it stands there unchanged; else of the whole text.
    fn part_of(&self, node: &Node, part: Option<&str>) -> Range<usize> {
        let written = self.text.get(node.span.clone()).unwrap_or("");
        match part.and_then(|part| Some((written.find(part)?, part.len()))) {
            Some((start, length)) => node.span.start + start..node.span.start + start + length,
            None => node.span.clone(),
        }
    }

    fn reference(&mut self, reference: &Reference, span: Range<usize>) {
        if self.found.len() >= MOST_PROBLEMS {
            return;
        }
        let account = reference.account.as_ref();
        match reference.kind {
            ReferenceKind::Saved => {
                if !self.saved.contains(&reference.name) {
                    let known = self.saved.iter().cloned().collect();
                    self.unknown("value saved by an earlier step", &reference.name, span, known);
                }
            }
            ReferenceKind::Organization => {
                if !self.names.organization {
                    self.unknown("organization", "organization", span, Vec::new());
                }
            }
            ReferenceKind::Root | ReferenceKind::Alias | ReferenceKind::FederatedUser => {
                self.one_account(account, reference.kind.word(), span);
            }
            kind => {
                self.name(kind, &reference.name, account, span.clone());
                if let Some((word, grant)) = &reference.part
                    && word == "grant"
                    && !self.names.grants.contains(&(reference.name.clone(), grant.clone()))
                {
                    let known = self
                        .names
                        .grants
                        .iter()
                        .filter(|(key, _)| *key == reference.name)
                        .map(|(_, name)| name.clone());
                    let known = known.collect();
                    self.unknown("grant", grant, span, known);
                }
            }
        }
    }

    fn report(&mut self, kind: ProblemKind, span: Range<usize>) {
        self.found.push(Problem::new(kind, span));
    }
}

fn list(accounts: &BTreeSet<AccountId>) -> String {
    accounts.iter().map(AccountId::as_str).collect::<Vec<_>>().join(" and ")
}
