//! CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant. Grants that services make for themselves, and those that a
//! world starts with, are in `service_grant`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::authorize::{constraint_keys, decide_retire};
use super::grant::{Constraints, Grant, GrantPrincipal, GrantPrincipalKind};
use super::key::{Key, KeyRef};
use super::key_state::KeyPart;
use super::service_grant::end_grant;
use super::{Ask, Call, Opened, empty, table, validation};
use crate::context::Context;
use crate::name::AccountId;
use crate::world::parameters::Parameters;
use crate::world::policy::{Named, unique_id_exists, unique_id_of};
use crate::world::state::State;
use crate::world::symbol;
use crate::world::trace::{Answer, Refusal, Stop};

/// Grants per key (`svc:G-8`).
const MAX_GRANTS: usize = 50_000;
/// Pairs of a constraint, and characters of their values together (`svc:G-10`).
const MAX_PAIRS: usize = 8;
const MAX_PAIR_CHARACTERS: usize = 384;

/// What CreateGrant is asked for.
#[derive(Debug, Clone)]
pub(super) struct GrantRequest {
    pub(super) grantee: GrantNamed,
    pub(super) retiring: Option<GrantNamed>,
    pub(super) operations: Vec<String>,
    pub(super) constraints: Constraints,
    pub(super) name: Option<String>,
}

/// A principal of a grant by its parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GrantNamed {
    /// `GranteePrincipal`, `RetiringPrincipal`.
    Principal(String),
    /// `GranteeServicePrincipal`, `RetiringServicePrincipal`.
    Service(String),
}

impl Call<'_> {
    pub(super) fn create_grant(&mut self) -> Answer {
        let with = self.with;
        let principal = |principal: &str, service: &str| -> Result<Option<GrantNamed>, Stop> {
            match (with.text(principal)?, with.text(service)?) {
                (Some(text), None) => Ok(Some(GrantNamed::Principal(text.to_owned()))),
                (None, Some(text)) => Ok(Some(GrantNamed::Service(text.to_owned()))),
                (None, None) => Ok(None),
                (Some(_), Some(_)) => Err(validation(None)),
            }
        };
        // Exactly one grantee (svc:G-2).
        self.trace.rule("svc:G-2");
        let grantee = principal("GranteePrincipal", "GranteeServicePrincipal")?.ok_or_else(|| validation(None))?;
        let request = GrantRequest {
            grantee,
            retiring: principal("RetiringPrincipal", "RetiringServicePrincipal")?,
            operations: with.texts("Operations")?.unwrap_or_default(),
            constraints: constraints_of(with)?,
            name: with.text("Name")?.map(str::to_owned),
        };
        if matches!(request.grantee, GrantNamed::Service(_))
            && (request.constraints.source_arn.is_none() || request.retiring.is_none())
        {
            return Err(validation(None));
        }
        self.create_grant_of(request)
    }

    pub(super) fn create_grant_of(&mut self, request: GrantRequest) -> Answer {
        self.trace.rule("svc:G-4");
        check_syntax(&request)?;
        let opened = self.open("KeyId", "kms:CreateGrant")?;
        self.log_grant(&request);
        let pairs = request.constraints.pairs().cloned();
        let ask = Ask {
            encryption_context: pairs.as_ref(),
            keys: request_keys(&request),
            child: Some((&request.operations, &request.constraints)),
            hidden: false,
        };
        self.trace.rule("svc:G-5");
        self.authorize("kms:CreateGrant", &opened, ask)?;
        self.trace.rule("svc:G-9");
        self.state_permits(&opened.key, KeyPart::Subject)?;
        check_for_key(&request, self.key(&opened.key))?;
        let grantee = principal_of(self.state, &request.grantee)?;
        let retiring = request
            .retiring
            .as_ref()
            .map(|retiring| principal_of(self.state, retiring))
            .transpose()?;
        let grants = &self.key(&opened.key).grants;
        let existing = grants.iter().filter(|grant| grant.exists()).count();
        // The quota is named where it bears on the answer: at the last grant that fits, and after it.
        if existing + 1 >= MAX_GRANTS {
            self.trace.rule("svc:G-8");
        }
        if existing >= MAX_GRANTS {
            return Err(Refusal::error("LimitExceededException", 400, None).into());
        }
        self.dry_run_ends()?;
        let issuing_account = self.own_account()?;
        let seed = self.state.next_seed("grant");
        let token = self.state.symbol(symbol::grant_token(&seed));
        let new = Grant {
            id: symbol::grant_id(&seed),
            tokens: BTreeSet::from([token.clone()]),
            name: request.name,
            grantee,
            retiring,
            operations: request.operations,
            constraints: request.constraints,
            issuing_account,
            created: self.state.clock.now,
            from: self.state.clock.moment(),
            until: None,
        };
        let id = self.store_grant(&opened, new, &token);
        self.log.respond(json!({"grantId": id}));
        Ok(json!({"GrantId": id, "GrantToken": token}))
    }

    /// Adds a grant, or gives a new token to the one of the same name and parameters (`svc:G-7`).
    fn store_grant(&mut self, opened: &Opened, new: Grant, token: &str) -> String {
        let same = |old: &&mut Grant| {
            old.exists()
                && old.name.is_some()
                && old.name == new.name
                && old.grantee == new.grantee
                && old.retiring == new.retiring
                && old.operations.iter().collect::<BTreeSet<_>>() == new.operations.iter().collect::<BTreeSet<_>>()
                && old.constraints == new.constraints
        };
        if let Some(old) = self.key_mut(&opened.key).grants.iter_mut().find(same) {
            old.tokens.insert(token.to_owned());
            let id = old.id.clone();
            return id;
        }
        let id = new.id.clone();
        self.state.symbol(id.clone());
        self.key_mut(&opened.key).grants.push(new);
        id
    }

    pub(super) fn list_grants(&mut self) -> Answer {
        let opened = self.open("KeyId", "kms:ListGrants")?;
        let id = self.with.text("GrantId")?;
        let grantee = self.with.text("GranteePrincipal")?;
        self.authorize("kms:ListGrants", &opened, Ask::default())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.trace.rule("svc:G-19");
        let state = &*self.state;
        let key = self.key(&opened.key);
        let shown: Vec<Value> = key
            .grants
            .iter()
            .filter(|grant| grant.exists())
            .filter(|grant| id.is_none_or(|id| grant.id == id))
            .filter(|grant| grantee.is_none_or(|grantee| grant.grantee.text == grantee))
            .map(|grant| show(state, key, grant))
            .collect();
        if grant_ids_appear(&shown) {
            self.trace.rule("svc:G-15");
        }
        Ok(json!({"Grants": shown, "Truncated": false}))
    }

    pub(super) fn list_retirable_grants(&mut self) -> Answer {
        let principal = self.with.needed_text("RetiringPrincipal")?.to_owned();
        let account = crate::name::Arn::new(principal.as_str())
            .ok()
            .and_then(|arn| arn.account());
        self.trace.rule("svc:G-19");
        // Nothing here has a policy of its own: the identity policies are asked before anything else (svc:K-18).
        self.authorize_identity("kms:ListRetirableGrants", "*".to_owned(), Context::new())?;
        if account.is_none() || account.as_ref() != self.account() {
            // Only principals of the own account may be asked about (svc:K-8).
            let check =
                super::authorize::denied_by_resource(self.state, self.actor, "kms:ListRetirableGrants", "*", "svc:K-8");
            return Err(self.denied(check, false));
        }
        let state = &*self.state;
        let shown: Vec<Value> = state
            .contents
            .keys
            .values()
            .filter(|key| key.at.region == self.actor.region)
            .flat_map(|key| key.grants.iter().map(move |grant| (key, grant)))
            .filter(|(_, grant)| {
                grant.exists()
                    && grant
                        .retiring
                        .as_ref()
                        .is_some_and(|retiring| retiring.text == principal)
            })
            .map(|(key, grant)| show(state, key, grant))
            .collect();
        Ok(json!({"Grants": shown, "Truncated": false}))
    }

    pub(super) fn retire_grant(&mut self) -> Answer {
        let (key, id) = self.grant_to_retire()?;
        self.log.additional = Some(json!({"grantId": id}));
        let check = {
            let key = self.key(&key);
            let grant = key
                .grants
                .iter()
                .find(|grant| grant.id == id)
                .expect("the grant was found a moment ago");
            decide_retire(self.state, self.actor, self.operation, key, grant)
        };
        self.trace.rule("svc:G-17");
        self.require(check, false)?;
        self.state_permits(&key, KeyPart::Subject)?;
        self.dry_run_ends()?;
        end_grant(self.state, &key, &id);
        Ok(empty())
    }

    /// By token, or by key ARN and id (`svc:G-17`).
    fn grant_to_retire(&mut self) -> Result<(KeyRef, String), Stop> {
        if let Some(token) = self.with.text("GrantToken")? {
            let found = self
                .state
                .contents
                .keys
                .values()
                .filter(|key| key.at.region == self.actor.region)
                .find_map(|key| {
                    let grant = key.grants.iter().find(|grant| grant.tokens.contains(token))?;
                    Some((key.at.clone(), grant.id.clone(), grant.exists()))
                });
            self.trace.rule("svc:G-22");
            let Some((key, id, exists)) = found else {
                return Err(Refusal::error("InvalidGrantTokenException", 400, None).into());
            };
            self.log.keys.push(key.clone());
            if !exists {
                // A token that was given out is not malformed when its grant is gone: the grant is what is not found.
                return Err(grant_not_found(&id));
            }
            return Ok((key, id));
        }
        if !self.with.has("KeyId") || !self.with.has("GrantId") {
            return Err(validation(None));
        }
        let opened = self.open("KeyId", "kms:RetireGrant")?;
        let id = self.with.needed_text("GrantId")?.to_owned();
        if !self
            .key(&opened.key)
            .grants
            .iter()
            .any(|grant| grant.exists() && grant.id == id)
        {
            return Err(grant_not_found(&id));
        }
        Ok((opened.key, id))
    }

    pub(super) fn revoke_grant(&mut self) -> Answer {
        let opened = self.open("KeyId", "kms:RevokeGrant")?;
        let id = self.with.needed_text("GrantId")?.to_owned();
        self.log.request("grantId", json!(id));
        self.trace.rule("svc:G-18");
        self.authorize("kms:RevokeGrant", &opened, Ask::default())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        if !self
            .key(&opened.key)
            .grants
            .iter()
            .any(|grant| grant.exists() && grant.id == id)
        {
            return Err(grant_not_found(&id));
        }
        self.dry_run_ends()?;
        end_grant(self.state, &opened.key, &id);
        Ok(empty())
    }

    fn log_grant(&mut self, request: &GrantRequest) {
        self.log.request("operations", json!(request.operations));
        match &request.grantee {
            GrantNamed::Principal(text) => self.log.request("granteePrincipal", json!(text)),
            GrantNamed::Service(text) => self.log.request("granteeServicePrincipal", json!(text)),
        }
        if let Some(constraints) = show_constraints(&request.constraints, true) {
            self.log.request("constraints", constraints);
        }
    }
}

/// The condition keys of a CreateGrant (`svc:C-13`…`svc:C-17`).
fn request_keys(request: &GrantRequest) -> Context {
    let mut keys = constraint_keys(&request.constraints);
    keys.set("kms:GrantOperations", request.operations.clone());
    match &request.grantee {
        GrantNamed::Principal(text) => keys.set("kms:GranteePrincipal", text.as_str()),
        GrantNamed::Service(text) => keys.set("kms:GranteeServicePrincipal", text.as_str()),
    }
    match &request.retiring {
        Some(GrantNamed::Principal(text)) => keys.set("kms:RetiringPrincipal", text.as_str()),
        Some(GrantNamed::Service(text)) => keys.set("kms:RetiringServicePrincipal", text.as_str()),
        None => {}
    }
    keys
}

/// What can be refused without looking at the key (`svc:G-4`, `svc:G-10`).
pub(super) fn check_syntax(request: &GrantRequest) -> Result<(), Stop> {
    let known = table::table().all_grant_operations();
    if request.operations.is_empty()
        || request
            .operations
            .iter()
            .any(|operation| !known.contains(operation.as_str()))
    {
        return Err(validation(None));
    }
    let constraints = &request.constraints;
    if constraints.equals.is_some() && constraints.subset.is_some() {
        return Err(validation(None));
    }
    if let Some(pairs) = constraints.pairs() {
        let characters: usize = pairs.values().map(|value| value.chars().count()).sum();
        if pairs.len() > MAX_PAIRS || characters > MAX_PAIR_CHARACTERS {
            return Err(validation(None));
        }
    }
    Ok(())
}

/// What depends on the key: the operations it can do, and constraints that need an encryption context (`svc:G-4`, `svc:G-10`).
pub(super) fn check_for_key(request: &GrantRequest, key: &Key) -> Result<(), Stop> {
    if request.constraints.pairs().is_some() && !key.is_symmetric_encryption() {
        return Err(validation(
            "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.".to_owned(),
        ));
    }
    let possible = table::table().grant_operations(key.grant_type());
    if request.operations.iter().all(|operation| possible.contains(operation)) {
        Ok(())
    } else {
        Err(validation(None))
    }
}

/// Reads a principal of a grant and binds it to the user or role it names (`svc:G-2`, `svc:G-15`).
pub(super) fn principal_of(state: &State, named: &GrantNamed) -> Result<GrantPrincipal, Stop> {
    let text = match named {
        GrantNamed::Service(text) => {
            return Ok(GrantPrincipal {
                text: text.clone(),
                bound: None,
                kind: GrantPrincipalKind::Service,
            });
        }
        GrantNamed::Principal(text) => text,
    };
    let invalid = || Stop::from(Refusal::error("InvalidArnException", 400, None));
    let (kind, bound) = match Named::of(text) {
        Some(Named::Account) => (GrantPrincipalKind::Account, None),
        Some(Named::User { .. }) => (
            GrantPrincipalKind::User,
            Some(unique_id_of(state, text).ok_or_else(invalid)?),
        ),
        Some(Named::Role { .. }) => (
            GrantPrincipalKind::Role,
            Some(unique_id_of(state, text).ok_or_else(invalid)?),
        ),
        Some(Named::Session { account, role }) => (
            GrantPrincipalKind::Session,
            Some(role_id(state, &account, &role).ok_or_else(invalid)?),
        ),
        Some(Named::FederatedUser) if text.contains(":federated-user/") => (GrantPrincipalKind::FederatedUser, None),
        _ => return Err(invalid()),
    };
    Ok(GrantPrincipal {
        text: text.clone(),
        bound,
        kind,
    })
}

fn role_id(state: &State, account: &AccountId, role: &str) -> Option<String> {
    Some(state.role(account, role)?.unique_id.clone())
}

pub(super) fn constraints_of(with: Parameters<'_>) -> Result<Constraints, Stop> {
    let Some(inner) = with.inside("Constraints")? else {
        return Ok(Constraints::default());
    };
    let some = |pairs: Option<BTreeMap<String, String>>| pairs.filter(|pairs| !pairs.is_empty());
    Ok(Constraints {
        equals: some(inner.text_map("EncryptionContextEquals")?),
        subset: some(inner.text_map("EncryptionContextSubset")?),
        source_arn: inner.text("SourceArn")?.map(str::to_owned),
    })
}

/// An entry of ListGrants. Never a token (`svc:G-19`).
fn show(state: &State, key: &Key, grant: &Grant) -> Value {
    let mut entry = json!({
        "KeyId": key.arn(),
        "GrantId": grant.id,
        "GranteePrincipal": show_principal(state, &grant.grantee),
        "Operations": grant.operations,
        "IssuingAccount": grant.issuing_account.root_arn(),
    });
    if let Some(retiring) = &grant.retiring {
        entry["RetiringPrincipal"] = json!(show_principal(state, retiring));
    }
    if let Some(name) = &grant.name {
        entry["Name"] = json!(name);
    }
    if let Some(constraints) = show_constraints(&grant.constraints, false) {
        entry["Constraints"] = constraints;
    }
    entry
}

/// A principal that is gone appears as its id (`svc:G-15`).
fn show_principal(state: &State, principal: &GrantPrincipal) -> String {
    match &principal.bound {
        Some(id) if !unique_id_exists(state, id) => match principal.kind {
            GrantPrincipalKind::Session => {
                let session = principal.text.rsplit('/').next().unwrap_or_default();
                format!("{id}:{session}")
            }
            _ => id.clone(),
        },
        _ => principal.text.clone(),
    }
}

/// Under API names, or as the trail shows them.
fn show_constraints(constraints: &Constraints, in_trail: bool) -> Option<Value> {
    let name = |api: &'static str, trail: &'static str| if in_trail { trail } else { api };
    let mut shown = serde_json::Map::new();
    if let Some(pairs) = &constraints.equals {
        shown.insert(
            name("EncryptionContextEquals", "encryptionContextEquals").to_owned(),
            json!(pairs),
        );
    }
    if let Some(pairs) = &constraints.subset {
        shown.insert(
            name("EncryptionContextSubset", "encryptionContextSubset").to_owned(),
            json!(pairs),
        );
    }
    if let Some(source) = &constraints.source_arn {
        shown.insert(name("SourceArn", "sourceArn").to_owned(), json!(source));
    }
    (!shown.is_empty()).then_some(Value::Object(shown))
}

fn grant_ids_appear(shown: &[Value]) -> bool {
    shown.iter().any(|entry| {
        ["GranteePrincipal", "RetiringPrincipal"].iter().any(|member| {
            entry[*member]
                .as_str()
                .is_some_and(|text| text.starts_with("AROA") || text.starts_with("AIDA"))
        })
    })
}

fn grant_not_found(id: &str) -> Stop {
    Refusal::error("NotFoundException", 400, format!("Grant ID {id} not found")).into()
}
