//! What `{{…}}` references stand for, and in which account a name lives. The grammar is in `case::reference`; `steps` finds the references
//! of a step.

mod steps;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::ReferenceError;
use super::state::State;
use crate::case::PolicyText;
use crate::case::reference::{Reference, ReferenceKind, TextPart, parse_text};
use crate::name::AccountId;

pub(super) use steps::step;

/// Replaces every reference in a text.
pub(crate) fn text(state: &State, text: &str) -> Result<String, ReferenceError> {
    if !refers(text) {
        return Ok(text.to_owned());
    }
    let parts = parse_text(text)?;
    if let [TextPart::Literal(literal)] = parts.as_slice() {
        return Ok(literal.clone());
    }
    let mut resolved = String::with_capacity(text.len());
    for part in parts {
        match part {
            TextPart::Literal(literal) => resolved.push_str(&literal),
            TextPart::Reference { reference, .. } => resolved.push_str(&value(state, &reference)?),
        }
    }
    Ok(resolved)
}

/// Replaces every reference in every text of a value, names of members included.
pub(crate) fn json(state: &State, value: &Value) -> Result<Value, ReferenceError> {
    Ok(match value {
        Value::String(given) => Value::String(text(state, given)?),
        Value::Array(items) => Value::Array(items.iter().map(|item| json(state, item)).collect::<Result<_, _>>()?),
        Value::Object(members) => Value::Object(map(state, members)?),
        other => other.clone(),
    })
}

pub(crate) fn map(state: &State, members: &Map<String, Value>) -> Result<Map<String, Value>, ReferenceError> {
    if !members.iter().any(|(name, value)| refers(name) || has_reference(value)) {
        return Ok(members.clone());
    }
    if members.keys().any(|name| refers(name)) {
        return members
            .iter()
            .map(|(name, value)| Ok((text(state, name)?, json(state, value)?)))
            .collect();
    }
    // The names stay where they are.
    let mut resolved = members.clone();
    for value in resolved.values_mut().filter(|value| has_reference(value)) {
        *value = json(state, value)?;
    }
    Ok(resolved)
}

/// Whether a text may have references in it.
fn refers(text: &str) -> bool {
    text.contains("{{")
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => refers(text),
        Value::Array(items) => items.iter().any(has_reference),
        Value::Object(members) => members.iter().any(|(name, value)| refers(name) || has_reference(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

pub(crate) fn policy(state: &State, policy: &PolicyText) -> Result<PolicyText, ReferenceError> {
    Ok(match policy {
        PolicyText::Verbatim(given) => PolicyText::Verbatim(text(state, given)?),
        PolicyText::Document(members) => PolicyText::Document(map(state, members)?),
    })
}

/// What a reference stands for.
fn value(state: &State, reference: &Reference) -> Result<String, ReferenceError> {
    let name = reference.name.as_str();
    match reference.kind {
        ReferenceKind::Saved => state
            .saved
            .get(name)
            .cloned()
            .ok_or_else(|| ReferenceError::NotSaved(name.to_owned())),
        ReferenceKind::Organization => organization(state, reference),
        ReferenceKind::Root => {
            let account = match &reference.account {
                Some(account) => account.clone(),
                None => the_only_account(state, &reference.to_string())?,
            };
            Ok(if reference.field == "arn" {
                account.root_arn()
            } else {
                account.to_string()
            })
        }
        ReferenceKind::FederatedUser => {
            let account = match &reference.account {
                Some(account) => account.clone(),
                None => the_only_account(state, &reference.to_string())?,
            };
            Ok(if reference.field == "arn" {
                format!("arn:aws:sts::{account}:federated-user/{name}")
            } else {
                name.to_owned()
            })
        }
        ReferenceKind::Alias => alias(state, reference),
        _ => named(state, reference),
    }
}

/// Something that the world has under a name.
fn named(state: &State, reference: &Reference) -> Result<String, ReferenceError> {
    let name = reference.name.as_str();
    let owners = match &reference.account {
        Some(account) => owners(state, reference.kind, name)
            .into_iter()
            .filter(|owner| owner == account)
            .collect(),
        None => owners(state, reference.kind, name),
    };
    let account = the_account(state, &reference.to_string(), reference.kind, name, &owners)?;
    if reference.field == "name" {
        return Ok(name.to_owned());
    }
    let unknown = || unknown(state, &reference.to_string(), reference.kind, name);
    let region = |own: Option<&crate::name::Region>| own.unwrap_or(&state.spec.region).to_string();
    let spec = state.spec.accounts.get(&account);
    Ok(match reference.kind {
        ReferenceKind::User => {
            let path = match (state.user(&account, name), spec.and_then(|spec| spec.users.get(name))) {
                (Some(user), _) => user.path.clone(),
                (None, Some(user)) => user.path.clone().unwrap_or_else(|| "/".to_owned()),
                (None, None) => return Err(unknown()),
            };
            let arn = format!("arn:aws:iam::{account}:user{path}{name}");
            if reference.field == "arn" {
                arn
            } else {
                let current = state.user(&account, name).map(|user| user.unique_id.clone());
                current
                    .or_else(|| state.initial_symbols.unique_ids.get(&arn).cloned())
                    .ok_or_else(unknown)?
            }
        }
        ReferenceKind::Role => role(state, reference, &account)?,
        ReferenceKind::Group => {
            let path = state
                .account(&account)
                .and_then(|account| account.groups.get(name))
                .map(|group| group.path.clone());
            let path = path
                .or_else(|| spec?.groups.get(name)?.path.clone())
                .unwrap_or_else(|| "/".to_owned());
            format!("arn:aws:iam::{account}:group{path}{name}")
        }
        ReferenceKind::ManagedPolicy => state
            .account(&account)
            .and_then(|own| own.managed_policies.iter().find(|(_, policy)| policy.name == name))
            .map_or_else(
                || format!("arn:aws:iam::{account}:policy/{name}"),
                |(arn, _)| arn.clone(),
            ),
        ReferenceKind::Key => {
            let key = state
                .contents
                .key_names
                .get(&(account.clone(), name.to_owned()))
                .ok_or_else(unknown)?;
            match (&reference.part, reference.field.as_str()) {
                (Some((_, grant)), field) => {
                    let found = state
                        .initial_symbols
                        .grants
                        .iter()
                        .find(|initial| initial.account == account && initial.key == name && initial.name == *grant)
                        .ok_or_else(|| ReferenceError::Unknown {
                            reference: reference.to_string(),
                            kind: "grant".to_owned(),
                            name: grant.clone(),
                            nearest: nearest(
                                grant,
                                state.initial_symbols.grants.iter().map(|initial| initial.name.as_str()),
                            ),
                        })?;
                    if field == "id" {
                        found.grant_id.clone()
                    } else {
                        found.grant_token.clone()
                    }
                }
                (None, "arn") => key.arn(),
                (None, "id") => key.id.clone(),
                (None, "region") => key.region.to_string(),
                _ => key.account.to_string(),
            }
        }
        ReferenceKind::Bucket => match &reference.part {
            Some((_, key)) => format!("arn:aws:s3:::{name}/{key}"),
            None => format!("arn:aws:s3:::{name}"),
        },
        ReferenceKind::Function => {
            let own = spec
                .and_then(|spec| spec.functions.get(name))
                .and_then(|function| function.region.as_ref());
            let made = state
                .account(&account)
                .and_then(|own| own.functions.keys().find(|(_, function)| function == name));
            let at = made.map(|(region, _)| region).or(own);
            format!("arn:aws:lambda:{}:{account}:function:{name}", region(at))
        }
        ReferenceKind::BackupVault => {
            let own = spec
                .and_then(|spec| spec.backup_vaults.get(name))
                .and_then(|vault| vault.region.as_ref());
            let made = state
                .account(&account)
                .and_then(|own| own.vaults.keys().find(|(_, vault)| vault == name));
            let at = made.map(|(region, _)| region).or(own);
            format!("arn:aws:backup:{}:{account}:backup-vault:{name}", region(at))
        }
        ReferenceKind::VpcEndpoint => {
            let endpoint = state
                .account(&account)
                .and_then(|own| own.vpc_endpoints.get(name))
                .ok_or_else(unknown)?;
            match reference.field.as_str() {
                "id" => endpoint.id.clone(),
                "vpc" => endpoint.vpc.clone(),
                _ => format!("arn:aws:ec2:{}:{account}:vpc-endpoint/{}", region(None), endpoint.id),
            }
        }
        _ => return Err(unknown()),
    })
}

fn role(state: &State, reference: &Reference, account: &AccountId) -> Result<String, ReferenceError> {
    let name = reference.name.as_str();
    let spec = state.spec.accounts.get(account).and_then(|spec| spec.roles.get(name));
    let path = match (state.role(account, name), spec) {
        (Some(role), _) => role.path.clone(),
        (None, Some(role)) => role.path.clone().unwrap_or_else(|| "/".to_owned()),
        (None, None) => return Err(unknown(state, &reference.to_string(), reference.kind, name)),
    };
    let arn = format!("arn:aws:iam::{account}:role{path}{name}");
    let unique_id = || {
        let current = state.role(account, name).map(|role| role.unique_id.clone());
        current
            .or_else(|| state.initial_symbols.unique_ids.get(&arn).cloned())
            .ok_or_else(|| unknown(state, &reference.to_string(), reference.kind, name))
    };
    Ok(match (&reference.part, reference.field.as_str()) {
        (Some((_, session)), "arn") => format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
        (Some((_, session)), _) => format!("{}:{session}", unique_id()?),
        (None, "arn") => arn.clone(),
        (None, _) => unique_id()?,
    })
}

/// An alias in the world's Region, whether it exists or not.
fn alias(state: &State, reference: &Reference) -> Result<String, ReferenceError> {
    if reference.field == "name" {
        return Ok(reference.name.clone());
    }
    let having: Vec<AccountId> = state
        .contents
        .aliases
        .keys()
        .filter(|at| at.name == reference.name)
        .map(|at| at.account.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let account = match (&reference.account, having.as_slice()) {
        (Some(account), _) => account.clone(),
        (None, [only]) => only.clone(),
        (None, _) => the_only_account(state, &reference.to_string())?,
    };
    let existing = state
        .contents
        .aliases
        .keys()
        .find(|at| at.account == account && at.name == reference.name);
    let region = existing.map_or(&state.spec.region, |at| &at.region);
    Ok(format!("arn:aws:kms:{region}:{account}:{}", reference.name))
}

fn organization(state: &State, reference: &Reference) -> Result<String, ReferenceError> {
    let names = state
        .organization_names
        .as_ref()
        .ok_or_else(|| ReferenceError::Unknown {
            reference: reference.to_string(),
            kind: "organization".to_owned(),
            name: String::new(),
            nearest: None,
        })?;
    Ok(if reference.field == "id" {
        names.id.clone()
    } else {
        names.root_id.clone()
    })
}

/// The accounts in which something has a name, now or at the start.
pub(crate) fn owners(state: &State, kind: ReferenceKind, name: &str) -> Vec<AccountId> {
    let mut owners: BTreeSet<AccountId> = BTreeSet::new();
    for (id, account) in &state.contents.accounts {
        let has = match kind {
            ReferenceKind::User => account.users.contains_key(name),
            ReferenceKind::Role => account.roles.contains_key(name),
            ReferenceKind::Group => account.groups.contains_key(name),
            ReferenceKind::ManagedPolicy => account.managed_policies.values().any(|policy| policy.name == name),
            ReferenceKind::Function => account.functions.keys().any(|(_, function)| function == name),
            ReferenceKind::BackupVault => account.vaults.keys().any(|(_, vault)| vault == name),
            ReferenceKind::VpcEndpoint => account.vpc_endpoints.contains_key(name),
            _ => false,
        };
        if has {
            owners.insert(id.clone());
        }
    }
    // What the world had at the start can be named even after it is gone.
    for (id, account) in &state.spec.accounts {
        let has = match kind {
            ReferenceKind::User => account.users.contains_key(name),
            ReferenceKind::Role => account.roles.contains_key(name),
            ReferenceKind::Group => account.groups.contains_key(name),
            ReferenceKind::ManagedPolicy => account.managed_policies.contains_key(name),
            ReferenceKind::Function => account.functions.contains_key(name),
            ReferenceKind::BackupVault => account.backup_vaults.contains_key(name),
            ReferenceKind::VpcEndpoint => account.vpc_endpoints.contains_key(name),
            ReferenceKind::Key => account.keys.contains_key(name),
            ReferenceKind::Bucket => account.buckets.contains_key(name),
            _ => false,
        };
        if has {
            owners.insert(id.clone());
        }
    }
    if kind == ReferenceKind::Bucket
        && let Some(bucket) = state.bucket(name)
    {
        owners.insert(bucket.owner.clone());
    }
    owners.into_iter().collect()
}

fn the_account(
    state: &State,
    reference: &str,
    kind: ReferenceKind,
    name: &str,
    owners: &[AccountId],
) -> Result<AccountId, ReferenceError> {
    match owners {
        [only] => Ok(only.clone()),
        [] => Err(unknown(state, reference, kind, name)),
        several => Err(ReferenceError::Ambiguous {
            reference: reference.to_owned(),
            kind: kind.word().to_owned(),
            name: name.to_owned(),
            accounts: several.iter().map(ToString::to_string).collect(),
        }),
    }
}

/// The account of a world that has one.
fn the_only_account(state: &State, reference: &str) -> Result<AccountId, ReferenceError> {
    let mut accounts = state.spec.accounts.keys();
    match (accounts.next(), accounts.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(ReferenceError::Ambiguous {
            reference: reference.to_owned(),
            kind: "root".to_owned(),
            name: "root".to_owned(),
            accounts: state.spec.accounts.keys().map(ToString::to_string).collect(),
        }),
    }
}

fn unknown(state: &State, reference: &str, kind: ReferenceKind, name: &str) -> ReferenceError {
    ReferenceError::Unknown {
        reference: reference.to_owned(),
        kind: kind.word().to_owned(),
        name: name.to_owned(),
        nearest: nearest(name, names(state, kind).iter().map(String::as_str)),
    }
}

fn names(state: &State, kind: ReferenceKind) -> BTreeSet<String> {
    state
        .spec
        .accounts
        .values()
        .flat_map(|account| -> Vec<&String> {
            match kind {
                ReferenceKind::User => account.users.keys().collect(),
                ReferenceKind::Role => account.roles.keys().collect(),
                ReferenceKind::Group => account.groups.keys().collect(),
                ReferenceKind::ManagedPolicy => account.managed_policies.keys().collect(),
                ReferenceKind::Key => account.keys.keys().collect(),
                ReferenceKind::Bucket => account.buckets.keys().collect(),
                ReferenceKind::Function => account.functions.keys().collect(),
                ReferenceKind::BackupVault => account.backup_vaults.keys().collect(),
                ReferenceKind::VpcEndpoint => account.vpc_endpoints.keys().collect(),
                _ => Vec::new(),
            }
        })
        .cloned()
        .collect()
}

/// The candidate that differs least, if it is close.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance * 2 <= candidate.chars().count().max(2))
        .map(|(_, candidate)| candidate.to_owned())
}

/// Edit distance over characters; long names are cut, so that it stays cheap.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, character) in left.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
