//! Where keys, aliases and grant tokens are kept, and how identifiers find them (svc:K-10, svc:K-33).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::call::Call;
use super::drawer::{Drawer, KeyPair};
use super::error::KmsError;
use super::import_operations::ImportParameters;
use super::key::Key;
use super::material::Material;
use super::operations::{Identifiers, Operation};
use super::trail::Trail;
use super::{authorize, managed_keys};
use crate::authorizer::{Context, known};
use crate::fault::Fault;
use crate::names::{AccountId, ArnParts, KeyArn, KeyId, Region};
use crate::state::{PerRegion, State};

/// How many key pairs of GenerateDataKeyPair are remembered.
const MOST_HANDED_OUT: usize = 8;

/// Everything KMS remembers.
#[derive(Debug, Clone, Default)]
pub struct Store {
    regions: PerRegion<RegionStore>,
    grant_tokens: HashMap<String, GrantAddress>,
    /// The last key pairs that GenerateDataKeyPair made: nobody needs them here, but the next world may.
    handed_out: Vec<Arc<KeyPair>>,
    /// CloudTrail-shaped events.
    pub trail: Trail,
}

/// Keys and aliases of one account in one Region.
#[derive(Debug, Clone, Default)]
pub struct RegionStore {
    /// Keys by id.
    pub(super) keys: BTreeMap<KeyId, Key>,
    /// Aliases by name, `alias/…`.
    pub(super) aliases: BTreeMap<String, Alias>,
}

/// An alias.
#[derive(Debug, Clone)]
pub struct Alias {
    /// The key behind it.
    pub(super) target: KeyId,
    /// When it was created.
    pub(super) created_at: Timestamp,
    /// When its target last changed.
    pub(super) updated_at: Timestamp,
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAddress {
    /// Owner.
    pub account: AccountId,
    /// Region.
    pub region: Region,
    /// Key id.
    pub id: KeyId,
}

/// Where a grant is.
#[derive(Debug, Clone)]
pub(super) struct GrantAddress {
    pub(super) key: KeyAddress,
    pub(super) grant_id: String,
}

/// A key found by an identifier.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub(super) address: KeyAddress,
    /// The alias name, if the identifier was an alias (svc:C-11).
    pub(super) alias: Option<String>,
}

impl KeyAddress {
    /// The ARN of the key.
    #[must_use]
    pub fn arn(&self) -> KeyArn {
        KeyArn::new(&self.region, &self.account, &self.id)
    }

    /// Reads a key ARN.
    #[must_use]
    pub fn from_arn(arn: &str) -> Option<Self> {
        let parts = ArnParts::parse(arn)?;
        if parts.partition != "aws" || parts.service != "kms" {
            return None;
        }
        Some(Self {
            account: AccountId::parse(parts.account)?,
            region: Region::parse(parts.region)?,
            id: KeyId::parse(parts.resource.strip_prefix("key/")?)?,
        })
    }
}

impl Store {
    /// A living key.
    #[must_use]
    pub fn key(&self, address: &KeyAddress, now: Timestamp) -> Option<&Key> {
        self.regions
            .get(&address.account, &address.region)?
            .keys
            .get(&address.id)
            .filter(|key| !key.is_gone(now))
    }

    /// A living key, to change.
    pub(super) fn key_mut(&mut self, address: &KeyAddress, now: Timestamp) -> Option<&mut Key> {
        self.regions
            .get_mut(&address.account, &address.region)?
            .keys
            .get_mut(&address.id)
            .filter(|key| !key.is_gone(now))
    }

    /// Keys and aliases of one account and Region, created on first use.
    pub(super) fn region_mut(&mut self, account: &AccountId, region: &Region) -> &mut RegionStore {
        self.regions.entry(account, region)
    }

    /// Keys and aliases of one account and Region.
    pub(super) fn region(&self, account: &AccountId, region: &Region) -> Option<&RegionStore> {
        self.regions.get(account, region)
    }

    /// Every key of a Region, whatever account, in account order.
    pub(super) fn keys_in<'a>(&'a self, region: &'a Region, now: Timestamp) -> impl Iterator<Item = &'a Key> {
        self.regions
            .iter()
            .filter(move |((_, of), _)| *of == region)
            .flat_map(|(_, store)| store.keys.values())
            .filter(move |key| !key.is_gone(now))
    }

    /// The living keys of a multi-Region set, the key itself among them, in Region order; a single-Region key is its
    /// own set.
    pub(super) fn related(&self, address: &KeyAddress, now: Timestamp) -> Vec<KeyAddress> {
        self.regions
            .iter()
            .filter(|((account, _), _)| **account == address.account)
            .filter_map(|((account, region), store)| {
                store.keys.get(&address.id).filter(|key| !key.is_gone(now))?;
                Some(KeyAddress {
                    account: account.clone(),
                    region: region.clone(),
                    id: address.id.clone(),
                })
            })
            .collect()
    }

    /// Regions of the living replicas of a multi-Region key.
    pub(super) fn replica_regions(&self, address: &KeyAddress, now: Timestamp) -> Vec<Region> {
        let replicas = self.related(address, now).into_iter();
        replicas
            .filter(|related| {
                self.key(related, now)
                    .is_some_and(|key| key.multi_region_type() == Some("REPLICA"))
            })
            .map(|related| related.region)
            .collect()
    }

    /// `KeyMetadata` of a living key.
    pub(super) fn metadata(&self, address: &KeyAddress, now: Timestamp) -> Option<serde_json::Value> {
        let key = self.key(address, now)?;
        let replicas = if key.multi_region {
            self.replica_regions(address, now)
        } else {
            Vec::new()
        };
        Some(key.metadata(&replicas))
    }

    /// Lets time pass for a key: expiry, rotation, transient states, and the deletion that waited for replicas.
    pub(super) fn age(&mut self, address: &KeyAddress, now: Timestamp) {
        let waits = |key: &Key| key.state == super::key::KeyState::PendingReplicaDeletion;
        if self.key(address, now).is_some_and(waits) && self.replica_regions(address, now).is_empty() {
            let gone = self
                .regions
                .iter()
                .filter(|((account, region), _)| **account == address.account && **region != address.region)
                .filter_map(|(_, store)| store.keys.get(&address.id)?.deletion_date)
                .max();
            if let (Some(gone), Some(key)) = (gone, self.key_mut(address, now)) {
                key.replicas_are_gone(gone);
            }
        }
        if let Some(key) = self.key_mut(address, now) {
            key.age(now);
        }
        self.follow_primary(address, now);
    }

    /// A replica has its primary's key material, rotated when the primary's is; imported material comes by itself
    /// (svc:K-15).
    fn follow_primary(&mut self, address: &KeyAddress, now: Timestamp) {
        let Some(replica) = self
            .key(address, now)
            .filter(|key| key.multi_region_type() == Some("REPLICA"))
        else {
            return;
        };
        if replica.origin != "AWS_KMS" {
            return;
        }
        let rotated = replica.current;
        let primary = KeyAddress {
            region: replica.primary_region.clone(),
            ..address.clone()
        };
        let Some(primary) = self.key_mut(&primary, now) else {
            return;
        };
        primary.age(now);
        if primary.current == rotated {
            return;
        }
        let (materials, current, anchor) = (primary.materials.clone(), primary.current, primary.rotation_anchor);
        if let Some(key) = self.key_mut(address, now) {
            key.materials = materials;
            key.current = current;
            key.rotation_anchor = anchor;
        }
    }

    /// Remembers a key pair that was made for a caller.
    pub(super) fn hand_out(&mut self, pair: &Arc<KeyPair>) {
        if self.handed_out.len() == MOST_HANDED_OUT {
            self.handed_out.remove(0);
        }
        self.handed_out.push(Arc::clone(pair));
    }

    /// Ends the world: what is left of it are key pairs, for the keys of the next one.
    pub(crate) fn end(self, drawer: &Drawer) {
        let keys = || self.regions.iter().flat_map(|(_, store)| store.keys.values());
        let mut pairs = self.handed_out.clone();
        pairs.extend(keys().flat_map(|key| key.materials.iter().filter_map(Material::made_pair)));
        pairs.extend(keys().flat_map(|key| key.import_parameters.iter().map(ImportParameters::wrapping)));
        // Nobody may hold a pair any more when the drawer looks.
        drop(self);
        drawer.put_away(pairs);
    }

    /// Remembers a grant token.
    pub(super) fn add_grant_token(&mut self, token: String, address: GrantAddress) {
        self.grant_tokens.insert(token, address);
    }

    /// What a grant token stands for.
    pub(super) fn grant_token(&self, token: &str) -> Option<&GrantAddress> {
        self.grant_tokens.get(token)
    }

    /// Everything pending has propagated.
    pub fn settle(&mut self, now: Timestamp) {
        for key in self.regions.values_mut().flat_map(|store| store.keys.values_mut()) {
            key.policy.settle();
            key.tags.settle();
            key.alias_names.settle();
            key.settle(now);
            for grant in &mut key.grants {
                grant.settle(now);
            }
        }
    }

    /// Puts a key into a state AWS cannot produce on demand (contract: `arrange`). False when there is no such key.
    pub fn arrange_state(
        &mut self,
        address: &KeyAddress,
        state: super::key::KeyState,
        now: Timestamp,
        seed: [u8; 32],
    ) -> bool {
        use super::key::KeyState;
        let Some(key) = self.key_mut(address, now) else {
            return false;
        };
        let pending = matches!(state, KeyState::PendingDeletion | KeyState::PendingReplicaDeletion);
        key.deletion_date = match (pending, key.deletion_date) {
            (true, Some(date)) => Some(date),
            (true, None) => now.checked_add(jiff::SignedDuration::from_hours(30 * 24)).ok(),
            (false, _) => None,
        };
        key.pending_window_days = None;
        key.transient = None;
        key.state = state;
        let works = matches!(state, KeyState::Enabled | KeyState::Disabled);
        if works && key.origin == "EXTERNAL" && key.current_material().is_none() {
            // Such a key has what was imported into it.
            let material = Material::generated(&key.id, seed);
            match key.materials.get_mut(key.current) {
                Some(place) => *place = material,
                None => key.materials.push(material),
            }
        }
        true
    }
}

/// Finds the key an identifier names, for the operation's forms (svc:K-10). The answer's key exists; an unknown
/// foreign key is a denial, an unknown own one is not found (svc:K-32).
///
/// # Errors
/// NotFoundException, InvalidArnException or AccessDeniedException.
pub(super) fn resolve(
    state: &mut State,
    call: &Call<'_>,
    operation: &Operation,
    action: &str,
    identifier: &str,
) -> Result<Resolved, KmsError> {
    resolve_with(state, call, operation, action, identifier, Context::new)
}

/// [`resolve`] for operations with condition keys of their own, which count before a foreign key is refused (svc:K-9).
/// `extra` is asked for them only then.
///
/// # Errors
/// Those of [`resolve`].
pub(super) fn resolve_with(
    state: &mut State,
    call: &Call<'_>,
    operation: &Operation,
    action: &str,
    identifier: &str,
    extra: impl Fn() -> Context,
) -> Result<Resolved, KmsError> {
    let foreign = |state: &State, arn: &str| {
        let mut extra = extra();
        // The alias is the caller's word, whether or not it leads to a key (svc:C-11).
        let name = ArnParts::parse(arn).map(|parts| parts.resource);
        if let Some(alias) = name.filter(|name| name.starts_with("alias/"))
            && operation.has_condition_key("kms:requestalias")
        {
            extra.set(known!("kms:requestalias"), alias);
        }
        Err(authorize::foreign_denial(state, call, operation, action, arn, extra))
    };
    let located = match locate(state, call, operation.identifiers, identifier) {
        Ok(located) => located,
        Err(Unlocated::Own(error)) => return Err(error),
        Err(Unlocated::Foreign(arn)) => return foreign(state, &arn),
    };
    let own = call.caller.account() == Some(&located.address.account);
    let now = state.now();
    state.kms.age(&located.address, now);
    // The key's own address rather than the one just read: it shares its text with the key.
    let found = state.kms.key(&located.address, now).map(|key| Resolved {
        address: key.address(),
        alias: located.alias,
    });
    let arn = || located.address.arn();
    match (found, own) {
        (Some(found), true) => Ok(found),
        // Services have no account: for them every key is foreign and every operation is decided by policy.
        (Some(found), false)
            if operation.cross_account
                || call.caller.account().is_none()
                || state.case.faults.contains(Fault::ForeignOperationsAllowed) =>
        {
            Ok(found)
        }
        (None, true) => Err(KmsError::not_found(format!("Key '{}' does not exist", arn()))),
        (_, false) => foreign(state, arn().as_str()),
    }
}

/// An identifier that leads to no key.
enum Unlocated {
    /// With the error for it.
    Own(KmsError),
    /// In another account: a denial that names this ARN.
    Foreign(String),
}

fn locate(state: &mut State, call: &Call<'_>, forms: Identifiers, identifier: &str) -> Result<Resolved, Unlocated> {
    if identifier.starts_with("arn:") {
        return locate_arn(state, call, forms, identifier);
    }
    let invalid = || Unlocated::Own(KmsError::not_found(format!("Invalid keyId '{identifier}'")));
    let account = call.caller.account().ok_or_else(invalid)?;
    if identifier.starts_with("alias/") && forms == Identifiers::KeyOrAlias {
        return locate_alias(state, call, account, identifier);
    }
    let id = KeyId::parse(identifier).ok_or_else(invalid)?;
    let address = KeyAddress {
        account: account.clone(),
        region: call.region.clone(),
        id,
    };
    Ok(Resolved { address, alias: None })
}

fn locate_arn(state: &mut State, call: &Call<'_>, forms: Identifiers, identifier: &str) -> Result<Resolved, Unlocated> {
    let invalid = || {
        Unlocated::Own(KmsError::new(
            "InvalidArnException",
            format!("Invalid arn {identifier}"),
        ))
    };
    let parts = ArnParts::parse(identifier).ok_or_else(invalid)?;
    let account = AccountId::parse(parts.account).ok_or_else(invalid)?;
    let region = Region::parse(parts.region).ok_or_else(invalid)?;
    if parts.partition != "aws" || parts.service != "kms" {
        return Err(invalid());
    }
    if region != *call.region {
        return Err(Unlocated::Own(KmsError::not_found(format!("Invalid arn {region}"))));
    }
    if let Some(id) = parts.resource.strip_prefix("key/") {
        let unknown = || Unlocated::Own(KmsError::not_found(format!("Invalid keyId '{id}'")));
        let id = KeyId::parse(id).ok_or_else(unknown)?;
        return Ok(Resolved {
            address: KeyAddress { account, region, id },
            alias: None,
        });
    }
    match forms {
        Identifiers::KeyOrAlias if parts.resource.starts_with("alias/") => {
            locate_alias(state, call, &account, parts.resource)
        }
        _ => Err(invalid()),
    }
}

fn locate_alias(state: &mut State, call: &Call<'_>, account: &AccountId, name: &str) -> Result<Resolved, Unlocated> {
    let region = call.region;
    let own = call.caller.account() == Some(account);
    if own && let Some(service) = name.strip_prefix("alias/aws/") {
        // Naming a predefined alias makes its key (svc:M-1).
        managed_keys::ensure(state, account, region, service);
    }
    let now = state.now();
    let target = state.kms.region(account, region).and_then(|store| {
        let alias = store.aliases.get(name)?;
        store
            .keys
            .get(&alias.target)
            .filter(|key| !key.is_gone(now))
            .map(|key| key.id.clone())
    });
    let arn = format!("arn:aws:kms:{region}:{account}:{name}");
    match target {
        Some(id) => Ok(Resolved {
            address: KeyAddress {
                account: account.clone(),
                region: region.clone(),
                id,
            },
            alias: Some(name.to_owned()),
        }),
        None if own => Err(Unlocated::Own(KmsError::not_found(format!(
            "Alias {arn} is not found."
        )))),
        None => Err(Unlocated::Foreign(arn)),
    }
}
