//! May this caller do this on this key? Builds the condition keys of the operation and the key, looks for a grant, and asks the
//! evaluator (`svc:K-1`…`svc:K-27`, `svc:G-6`, `svc:G-16`). What the operation then does is not here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;

use super::grant::{Constraints, Grant, GrantPrincipalKind, GrantUse};
use super::key::{Key, KeyManager, KeyRef};
use super::table::Operation;
use crate::context::{Context, ContextValue};
use crate::evaluate::{GrantFact, GranteeKind};
use crate::name::Action;
use crate::outcome::{Check, CheckDecision, Gate, GateVerdict, PolicySet};
use crate::rule::{Rules, rule};
use crate::world::access::{self, Attached, Pair};
use crate::world::actor::Actor;
use crate::world::policy::StoredPolicy;
use crate::world::state::State;

/// A question about one key.
#[derive(Debug)]
pub(crate) struct KeyQuestion<'a> {
    pub(crate) operation: &'static Operation,
    /// The IAM action: one of the operation's permissions.
    pub(crate) action: &'a str,
    pub(crate) key: &'a Key,
    /// The alias that named the key (`svc:C-11`).
    pub(crate) alias: Option<&'a str>,
    /// For operations that have one; for CreateGrant and RetireGrant the pairs of the constraint (`svc:C-4`).
    pub(crate) encryption_context: Option<&'a BTreeMap<String, String>>,
    pub(crate) tokens: &'a [String],
    /// Other keys of the request.
    pub(crate) keys: Context,
    /// The grant asked for, by CreateGrant (`svc:G-6`).
    pub(crate) child: Option<(&'a [String], &'a Constraints)>,
    /// Another policy than the key's own: for the lockout check.
    pub(crate) policy: Option<&'a StoredPolicy>,
}

/// Decides a question.
pub(crate) fn decide(state: &State, actor: &Actor, question: &KeyQuestion<'_>) -> Check {
    let key = question.key;
    let arn = key.arn();
    let foreign = actor.account().is_some_and(|account| *account != key.at.account);
    let mut grants = find_grants(state, actor, question);
    let own_policy = key.policy.effective(&state.clock);
    let policy = question.policy.unwrap_or(own_policy);
    let mut pair = Pair {
        action: question.action,
        resource: arn.clone(),
        owner: Some(&key.at.account),
        policy: Attached::Key(policy, "key policy"),
        keys: question_keys(state, actor, question),
        grant: None,
        acl: false,
        outside_resource_control: matches!(key.manager, KeyManager::Aws(_)),
    };
    let mut check = access::decide(state, actor, &pair);
    if check.decision != CheckDecision::Allow {
        // A grant is an allow source of its own (svc:K-20); what a policy allows already needs none, so that a child grant made
        // by virtue of a policy is not limited by a parent grant (svc:G-6).
        if let Some((fact, _)) = grants.best.take() {
            pair.grant = Some(fact);
            check = access::decide(state, actor, &pair);
        }
    }
    if state.explained {
        check.rules.extend(grants.rules.into_iter().map(rule));
        name_key_rules(state, question, foreign, &mut check);
    }
    check
}

/// The rules of KMS that shaped a check beyond those of the policy language.
fn name_key_rules(state: &State, question: &KeyQuestion<'_>, foreign: bool, check: &mut Check) {
    let mut rules: Vec<&'static str> = Vec::new();
    let says = |verdict: &str| check.statements.iter().any(|statement| statement.verdict == verdict);
    let key_policy_says = |verdict: &str| {
        check
            .statements
            .iter()
            .any(|statement| statement.set == PolicySet::Resource && statement.verdict == verdict)
    };
    if foreign {
        rules.extend(["svc:K-7", "svc:K-8"]);
    }
    if matches!(question.key.manager, KeyManager::Aws(_)) {
        rules.push("svc:M-2");
        if check.decision == CheckDecision::Allow {
            rules.extend(["svc:M-3", "svc:K-13"]);
        }
    }
    if question.alias.is_some() || says("resource does not match") {
        rules.push("svc:K-16");
    }
    if question.encryption_context.is_some_and(|context| !context.is_empty()) {
        rules.extend(["svc:C-4", "svc:C-5"]);
    }
    match check.decision {
        CheckDecision::Allow => {
            // Naming the role or everybody is a direct allow like naming the caller.
            if ["svc:K-3a", "svc:K-12"]
                .iter()
                .any(|direct| check.rules.contains(direct))
            {
                rules.push("svc:K-3");
            }
        }
        CheckDecision::ImplicitDeny => {
            rules.push(if state.as_of <= date(2022, 12, 31) {
                "svc:X-3"
            } else {
                "svc:X-2"
            });
            if says("action does not match") {
                rules.push("svc:K-23");
            }
            if key_policy_says("principal does not match") {
                rules.push("svc:K-7a");
            }
        }
        CheckDecision::ExplicitDeny => {
            if check.blamed == Some(PolicySet::Resource) {
                rules.extend(["svc:K-11", "svc:X-6"]);
            }
        }
    }
    check.rules.extend(rules.into_iter().map(rule));
}

/// May this caller retire this grant (`svc:G-16`)? A Deny blocks anyone; a key policy's Allow is worth nothing.
pub(crate) fn decide_retire(
    state: &State,
    actor: &Actor,
    operation: &'static Operation,
    key: &Key,
    grant: &Grant,
) -> Check {
    let mut rules: BTreeSet<&'static str> = BTreeSet::from(["svc:G-16"]);
    let quirks = &state.quirks;
    let right = retire_right(grant, actor, state);
    let mut accounts = vec![&grant.issuing_account];
    if quirks.key_owner_account_may_retire && grant.issuing_account != key.at.account {
        rules.insert("svc:G-16a");
        accounts.push(&key.at.account);
    }
    let retiring_account = grant
        .retiring
        .as_ref()
        .filter(|principal| principal.kind == GrantPrincipalKind::Account)
        .and_then(|principal| crate::name::Arn::new(principal.text.as_str()).ok()?.account());
    accounts.extend(retiring_account.as_ref());
    let own_policy = &key.policy.effective(&state.clock).document;
    let policy = StoredPolicy::silent(own_policy.clone().rights_to_retire(&accounts));
    let question = KeyQuestion {
        operation,
        action: "kms:RetireGrant",
        key,
        alias: None,
        encryption_context: grant.constraints.pairs(),
        tokens: &[],
        keys: constraint_keys(&grant.constraints),
        child: None,
        policy: None,
    };
    let pair = Pair {
        action: "kms:RetireGrant",
        resource: key.arn(),
        owner: Some(&key.at.account),
        policy: Attached::Key(&policy, "rights to retire"),
        keys: question_keys(state, actor, &question),
        grant: right.map(|kind| GrantFact {
            grantee: kind,
            name: &grant.id,
        }),
        acl: false,
        // RCPs do not reach it (iam:A-05).
        outside_resource_control: true,
    };
    let mut check = access::decide(state, actor, &pair);
    check.rules.extend(rules.into_iter().map(rule));
    check
}

/// The right that the grant itself gives to retire it: as retiring principal, or as grantee with that operation.
fn retire_right(grant: &Grant, actor: &Actor, state: &State) -> Option<GranteeKind> {
    let retiring = grant
        .retiring
        .as_ref()
        // An account as retiring principal delegates to its identities; that is the synthetic policy's part.
        .filter(|principal| principal.kind != GrantPrincipalKind::Account)
        .and_then(|principal| principal.names(&actor.caller, &state.quirks));
    let grantee = || {
        let may = grant.operations.iter().any(|operation| operation == "RetireGrant");
        may.then(|| grant.grantee_of(&actor.caller, &state.quirks)).flatten()
    };
    retiring.or_else(grantee)
}

/// The denial of a key that does not exist or may not be used from another account: nothing is told about it (`svc:K-9`, `svc:K-32`).
pub(crate) fn denied_by_resource(state: &State, actor: &Actor, action: &str, arn: &str, id: &'static str) -> Check {
    let caller = actor.caller.message_name();
    let reason = if state.as_of < date(2021, 11, 1) {
        String::new()
    } else {
        format!(" because no resource-based policy allows the {action} action")
    };
    Check {
        action: Action::new(action).expect("actions come from the table, all `service:Name`"),
        resource: arn.to_owned(),
        message: Some(format!(
            "User: {caller} is not authorized to perform: {action} on resource: {arn}{reason}"
        )),
        caller,
        via: actor.via.clone(),
        decision: CheckDecision::ImplicitDeny,
        blamed: Some(PolicySet::Resource),
        failed: BTreeSet::from([PolicySet::Resource]),
        gates: vec![Gate {
            set: PolicySet::Resource,
            verdict: GateVerdict::Silent,
            rules: Rules::from([rule(id)]),
        }],
        statements: Vec::new(),
        rules: Rules::from([rule(id)]),
    }
}

/// Whether a policy, without any grant, allows the caller to put a key policy afterwards (`svc:P-5`).
pub(crate) fn may_put_key_policy(
    state: &State,
    actor: &Actor,
    operation: &'static Operation,
    key: &Key,
    new: &StoredPolicy,
) -> Check {
    decide(
        state,
        actor,
        &KeyQuestion {
            operation,
            action: "kms:PutKeyPolicy",
            key,
            alias: None,
            encryption_context: None,
            tokens: &[],
            keys: Context::new().with("kms:PolicyName", "default"),
            child: None,
            policy: Some(new),
        },
    )
}

/// `kms:GrantConstraintType` and the pairs of a constraint (`svc:C-4`, `svc:C-14`, `svc:C-15`).
pub(crate) fn constraint_keys(constraints: &Constraints) -> Context {
    let mut keys = Context::new();
    if let Some(kind) = constraints.kind() {
        keys.set("kms:GrantConstraintType", kind);
    }
    if let Some(source) = &constraints.source_arn {
        keys.set("kms:GrantConstraintSourceArn", source.as_str());
    }
    keys
}

/// The grants that matter to a question.
struct FoundGrants<'a> {
    best: Option<(GrantFact<'a>, &'a KeyRef)>,
    rules: BTreeSet<&'static str>,
}

fn find_grants<'a>(state: &'a State, actor: &Actor, question: &KeyQuestion<'a>) -> FoundGrants<'a> {
    let mut found = FoundGrants {
        best: None,
        rules: BTreeSet::new(),
    };
    let Some(name) = question.action.strip_prefix("kms:") else {
        return found;
    };
    if !question
        .operation
        .grant_operations
        .iter()
        .any(|operation| operation == name)
    {
        return found;
    }
    let request = GrantUse {
        operation: name,
        encryption_context: question
            .operation
            .encryption_context
            .then_some(question.encryption_context)
            .flatten(),
        made_by_service: actor.is_service(),
        source_arn: actor.keys.text("aws:SourceArn"),
    };
    for grant in &question.key.grants {
        let Some(kind) = grant.grantee_of(&actor.caller, &state.quirks) else {
            continue;
        };
        if !grant.operations.iter().any(|operation| operation == name) {
            continue;
        }
        found.rules.insert("svc:G-14");
        if !grant.is_live(&state.clock, question.tokens) {
            found.rules.insert(if grant.exists() { "svc:G-21" } else { "svc:G-1" });
            continue;
        }
        if !grant.covers(&request, &state.quirks) {
            found.rules.insert("svc:G-10");
            continue;
        }
        if let Some((operations, constraints)) = question.child {
            found.rules.insert("svc:G-6");
            let narrower = operations.iter().all(|operation| grant.operations.contains(operation));
            if !narrower || !grant.constraints.admit_child(constraints) {
                found.rules.insert("svc:G-11");
                continue;
            }
        }
        if grant.constraints != Constraints::default() {
            found.rules.insert("svc:G-10");
        }
        let fact = GrantFact {
            grantee: kind,
            name: grant.name.as_deref().unwrap_or(&grant.id),
        };
        if found.best.as_ref().is_none_or(|(best, _)| kind < best.grantee) {
            found.best = Some((fact, &question.key.at));
        }
    }
    found
}

/// The condition keys of the operation and of the key (`svc:3`), those that the table says exist.
fn question_keys(state: &State, actor: &Actor, question: &KeyQuestion<'_>) -> Context {
    let operation = question.operation;
    let mut keys = Context::new();
    for (name, value) in question.keys.iter() {
        keys.set(name, value.clone());
    }
    set_caller_account(actor, &mut keys);
    if let (Some(alias), true) = (question.alias, operation.has_key("kms:RequestAlias")) {
        keys.set("kms:RequestAlias", alias);
    }
    if let (Some(context), true) = (
        question.encryption_context,
        operation.has_key("kms:EncryptionContextKeys"),
    ) {
        keys.set_family(
            "kms:EncryptionContext:",
            context.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        );
        // No pairs are no key at all (iam:C-05).
        if !context.is_empty() {
            keys.set(
                "kms:EncryptionContextKeys",
                ContextValue::Many(context.keys().cloned().collect()),
            );
        }
    }
    if operation.has_key("kms:GrantIsForAWSResource") {
        keys.set("kms:GrantIsForAWSResource", actor.via.is_some());
    }
    set_key_properties(state, operation, question.key, &mut keys);
    keys
}

/// `kms:CallerAccount` (`svc:C-1`): absent for service principals.
pub(crate) fn set_caller_account(actor: &Actor, keys: &mut Context) {
    if let Some(account) = actor.account() {
        keys.set("kms:CallerAccount", account.as_str());
    }
}

/// The properties of the key (`svc:C-2`, `svc:C-12`).
fn set_key_properties(state: &State, operation: &Operation, key: &Key, keys: &mut Context) {
    if operation.has_resource_key("kms:KeySpec") {
        set_key_request_properties(
            keys,
            &key.spec,
            &key.usage,
            &key.origin,
            key.multi_region,
            key.replica_of.is_some(),
        );
    }
    if operation.has_resource_key("kms:ResourceAliases") {
        let names: Vec<String> = state
            .contents
            .aliases
            .iter()
            .filter(|(_, alias)| alias.target.effective(&state.clock).as_ref() == Some(&key.at))
            .map(|(at, _)| at.name.clone())
            .collect();
        if !names.is_empty() {
            keys.set("kms:ResourceAliases", names);
        }
    }
    if operation.has_resource_key("aws:ResourceTag/${TagKey}") {
        let tags = key.tags.effective(&state.clock);
        keys.set_family(
            "aws:ResourceTag/",
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        );
    }
}

/// `kms:KeySpec` and its kin, also under their old names; of a key, or of the key asked for by CreateKey (`svc:K-19`).
pub(crate) fn set_key_request_properties(
    keys: &mut Context,
    spec: &str,
    usage: &str,
    origin: &str,
    multi_region: bool,
    replica: bool,
) {
    keys.set("kms:KeySpec", spec);
    keys.set("kms:CustomerMasterKeySpec", spec);
    keys.set("kms:KeyUsage", usage);
    keys.set("kms:CustomerMasterKeyUsage", usage);
    keys.set("kms:KeyOrigin", origin);
    keys.set("kms:MultiRegion", multi_region);
    if multi_region {
        keys.set("kms:MultiRegionKeyType", if replica { "REPLICA" } else { "PRIMARY" });
    }
}
