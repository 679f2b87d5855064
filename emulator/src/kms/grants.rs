//! Grants: what they are, whom they match, which constraints hold, which child grants they permit (svc:§4).
//! The API operations on grants are in `grant_operations`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::key::Key;
use crate::authorizer::{GranteeMatch, PrincipalResolver as _, same_service};
use crate::fault::{Fault, FaultSet};
use crate::identity::Principal;
use crate::names::{AccountId, ArnParts};
use crate::quirks::Quirks;
use crate::state::State;

/// A grant on a key (svc:G-1).
#[derive(Debug, Clone)]
pub struct Grant {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Friendly name, for idempotency (svc:G-7).
    pub name: Option<String>,
    /// Who may use the key.
    pub grantee: GrantPrincipal,
    /// Who may retire the grant.
    pub retiring: Option<GrantPrincipal>,
    /// GrantOperation names.
    pub operations: Vec<&'static str>,
    /// Constraints.
    pub constraints: Constraints,
    /// The account that made the grant.
    pub issuing_account: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on authorization sees it without a token (svc:G-21).
    pub effective_at: Timestamp,
    /// Set when it was retired or revoked: until when authorization may still see it (svc:G-21).
    pub ended_effective_at: Option<Timestamp>,
}

/// A principal of a grant, bound to the unique id of its user or role (svc:G-15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantPrincipal {
    /// An account.
    Account(AccountId),
    /// An IAM user by unique id.
    User {
        /// `AIDA…`.
        user_id: String,
        /// ARN as given.
        arn: String,
    },
    /// An IAM role by unique id.
    Role {
        /// `AROA…`.
        role_id: String,
        /// ARN as given.
        arn: String,
    },
    /// A session of a role.
    Session {
        /// ARN as given.
        arn: String,
        /// `AROA…`.
        role_id: String,
        /// Role session name.
        session_name: String,
    },
    /// A federated user by ARN.
    FederatedUser {
        /// ARN.
        arn: String,
    },
    /// An AWS service (svc:G-3).
    Service {
        /// Service principal name.
        name: String,
    },
}

/// Constraints of a grant (svc:G-10, svc:G-13).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    /// EncryptionContextEquals.
    pub equals: Option<BTreeMap<String, String>>,
    /// EncryptionContextSubset.
    pub subset: Option<BTreeMap<String, String>>,
    /// SourceArn.
    pub source_arn: Option<String>,
}

/// One use of a key that a grant might allow.
#[derive(Debug, Clone, Copy)]
pub(super) struct GrantUse<'a> {
    pub(super) principal: &'a Principal,
    /// GrantOperation name.
    pub(super) operation: &'a str,
    /// The request's context for operations that have one; `None` skips the constraint (svc:G-12).
    pub(super) encryption_context: Option<&'a BTreeMap<String, String>>,
    /// Grant tokens of the request.
    pub(super) tokens: &'a [String],
}

impl GrantPrincipal {
    /// Binds an ARN; `None` when it names nobody a grant can name (svc:G-2).
    pub(super) fn bind(state: &State, text: &str) -> Option<Self> {
        let parts = ArnParts::parse(text)?;
        let account = AccountId::parse(parts.account)?;
        if parts.partition != "aws" || !parts.region.is_empty() {
            return None;
        }
        match (parts.service, parts.resource.split_once('/')) {
            ("iam", None) if parts.resource == "root" => Some(Self::Account(account)),
            ("iam", Some(("user", _))) => state.iam.unique_id_of(text).map(|user_id| Self::User {
                user_id,
                arn: text.to_owned(),
            }),
            ("iam", Some(("role", _))) => state.iam.unique_id_of(text).map(|role_id| Self::Role {
                role_id,
                arn: text.to_owned(),
            }),
            ("sts", Some(("assumed-role", rest))) => {
                let (role_name, session_name) = rest.split_once('/')?;
                let role = state.iam.account(&account)?.roles.get(role_name)?;
                (!session_name.is_empty() && !session_name.contains('/')).then(|| Self::Session {
                    arn: text.to_owned(),
                    role_id: role.role_id.clone(),
                    session_name: session_name.to_owned(),
                })
            }
            ("sts", Some(("federated-user", name))) if !name.is_empty() => {
                Some(Self::FederatedUser { arn: text.to_owned() })
            }
            _ => None,
        }
    }

    /// How ListGrants shows it: the ARN while the bound entity lives, then its unique id (svc:G-15).
    pub(super) fn display(&self, state: &State) -> String {
        match self {
            Self::Account(account) => account.root_arn(),
            Self::User { user_id, .. } => state.iam.arn_of(user_id).unwrap_or_else(|| user_id.clone()),
            Self::Role { role_id, .. } => state.iam.arn_of(role_id).unwrap_or_else(|| role_id.clone()),
            Self::Session {
                arn,
                role_id,
                session_name,
            } => match state.iam.arn_of(role_id) {
                Some(_) => arn.clone(),
                None => format!("{role_id}:{session_name}"),
            },
            Self::FederatedUser { arn } => arn.clone(),
            Self::Service { name } => name.clone(),
        }
    }

    /// How it matches a caller (svc:G-14).
    pub(super) fn matches(&self, principal: &Principal, faults: FaultSet) -> Option<GranteeMatch> {
        match (self, principal) {
            (Self::Account(account), _) if principal.account() == Some(account) => Some(GranteeMatch::Account),
            (Self::User { arn, .. } | Self::Role { arn, .. }, _)
                if faults.contains(Fault::GranteeMatchedByName) && principal.principal_arn().as_ref() == Some(arn) =>
            {
                Some(GranteeMatch::Role)
            }
            (Self::User { user_id, .. }, Principal::User { user_id: caller, .. }) if user_id == caller => {
                Some(GranteeMatch::User)
            }
            (Self::User { user_id, .. }, Principal::FederatedUser { parent, .. }) => match parent.as_ref() {
                Principal::User { user_id: caller, .. } if user_id == caller => Some(GranteeMatch::Role),
                _ => None,
            },
            (Self::Role { role_id, .. }, Principal::RoleSession { role_id: caller, .. }) if role_id == caller => {
                (!faults.contains(Fault::RoleGranteeMissesSessions)).then_some(GranteeMatch::Role)
            }
            (
                Self::Session {
                    role_id, session_name, ..
                },
                Principal::RoleSession {
                    role_id: caller,
                    session_name: caller_session,
                    ..
                },
            ) if role_id == caller => {
                let same = session_name == caller_session || faults.contains(Fault::SessionNameIgnoredInGrantee);
                same.then_some(GranteeMatch::Session)
            }
            (Self::FederatedUser { arn }, Principal::FederatedUser { .. }) if *arn == principal.arn() => {
                Some(GranteeMatch::Session)
            }
            (Self::Service { name }, Principal::Service { name: caller, .. }) if same_service(name, caller) => {
                Some(GranteeMatch::Service)
            }
            _ => None,
        }
    }
}

impl Grant {
    /// Neither retired nor revoked.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.ended_effective_at.is_none()
    }

    /// Whether authorization sees it at `now`; a token makes a fresh grant visible at once (svc:G-21).
    pub(super) fn is_effective(&self, now: Timestamp, has_token: bool, faults: FaultSet) -> bool {
        let ended = self.ended_effective_at.is_some_and(|at| at <= now);
        let begun = has_token || self.effective_at <= now;
        let revived = has_token && faults.contains(Fault::TokenRevivesEndedGrant);
        begun && (!ended || revived || faults.contains(Fault::RetiredGrantStillAllows))
    }

    /// Everything pending has propagated.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.effective_at = self.effective_at.min(now);
        self.ended_effective_at = self.ended_effective_at.map(|at| at.min(now));
    }

    /// Its entry in ListGrants (svc:G-19: never the token).
    pub(super) fn entry(&self, state: &State, key: &Key) -> Value {
        let mut entry = json!({
            "KeyId": key.arn.as_str(),
            "GrantId": self.id,
            "Name": self.name.clone().unwrap_or_default(),
            "CreationDate": super::key::seconds(self.created_at),
            "GranteePrincipal": self.grantee.display(state),
            "IssuingAccount": self.issuing_account.root_arn(),
            "Operations": self.operations,
        });
        if let Some(retiring) = &self.retiring {
            entry["RetiringPrincipal"] = json!(retiring.display(state));
        }
        if let Some(constraints) = self.constraints.to_json() {
            entry["Constraints"] = constraints;
        }
        entry
    }
}

impl Constraints {
    /// `Constraints` member; `None` when there are none.
    pub(super) fn to_json(&self) -> Option<Value> {
        let mut map = serde_json::Map::new();
        if let Some(pairs) = &self.equals {
            map.insert("EncryptionContextEquals".to_owned(), json!(pairs));
        }
        if let Some(pairs) = &self.subset {
            map.insert("EncryptionContextSubset".to_owned(), json!(pairs));
        }
        if let Some(arn) = &self.source_arn {
            map.insert("SourceArn".to_owned(), json!(arn));
        }
        (!map.is_empty()).then_some(Value::Object(map))
    }

    /// The pairs of whichever encryption-context constraint there is.
    pub(super) fn pairs(&self) -> Option<&BTreeMap<String, String>> {
        self.equals.as_ref().or(self.subset.as_ref())
    }

    /// kms:GrantConstraintType (svc:C-14).
    pub(super) fn constraint_type(&self) -> Option<&'static str> {
        match (&self.equals, &self.subset) {
            (Some(_), _) => Some("EncryptionContextEquals"),
            (None, Some(_)) => Some("EncryptionContextSubset"),
            (None, None) => None,
        }
    }

    /// Whether a request's context fulfils the constraint (svc:G-10).
    fn hold_for(&self, context: &BTreeMap<String, String>, quirks: &Quirks, faults: FaultSet) -> bool {
        let exact = self.equals.as_ref().is_none_or(|pairs| {
            (pairs.len() == context.len() || faults.contains(Fault::GrantEqualsAsSubset))
                && contains_all(context, pairs, quirks.grant_constraint_key_case_insensitive)
        });
        let subset = self.subset.as_ref().is_none_or(|pairs| {
            (pairs.len() == context.len() || !faults.contains(Fault::GrantSubsetAsEquals))
                && contains_all(context, pairs, quirks.grant_constraint_key_case_insensitive)
        });
        exact && subset
    }

    /// Whether a child with constraints `child` is at least as strict as this parent (svc:G-11).
    fn permit_child(&self, child: &Self, quirks: &Quirks) -> bool {
        let insensitive = quirks.grant_constraint_key_case_insensitive;
        let context = match (&self.equals, &self.subset) {
            (Some(parent), _) => child
                .equals
                .as_ref()
                .is_some_and(|pairs| pairs.len() == parent.len() && contains_all(pairs, parent, insensitive)),
            (None, Some(parent)) => child
                .pairs()
                .is_some_and(|pairs| contains_all(pairs, parent, insensitive)),
            (None, None) => true,
        };
        context && (self.source_arn.is_none() || self.source_arn == child.source_arn)
    }
}

/// The most favourable live grant that allows this use (svc:K-20, svc:G-24).
pub(super) fn best_match(state: &State, key: &Key, wanted: GrantUse<'_>) -> Option<GranteeMatch> {
    let faults = state.case.faults;
    candidates(state, key, wanted)
        .filter(|(grant, _)| match wanted.encryption_context {
            Some(context) if !faults.contains(Fault::GrantConstraintIgnored) => {
                grant.constraints.hold_for(context, &state.case.quirks, faults)
            }
            // Only DescribeKey has neither a context nor a child's constraint.
            None if faults.contains(Fault::GrantConstraintOnDescribeKey) && wanted.operation == "DescribeKey" => {
                grant.constraints.pairs().is_none()
            }
            _ => true,
        })
        .map(|(_, how)| how)
        .min_by_key(|how| rank(*how))
}

/// The most favourable live grant that allows making `child_operations` under `child` (svc:G-6).
pub(super) fn best_parent(
    state: &State,
    key: &Key,
    principal: &Principal,
    tokens: &[String],
    child_operations: &[&str],
    child: &Constraints,
) -> Option<GranteeMatch> {
    let wanted = GrantUse {
        principal,
        operation: "CreateGrant",
        encryption_context: None,
        tokens,
    };
    let faults = state.case.faults;
    candidates(state, key, wanted)
        .filter(|(grant, _)| {
            faults.contains(Fault::ChildGrantUnlimited)
                || child_operations
                    .iter()
                    .all(|operation| grant.operations.contains(operation))
        })
        .filter(|(grant, _)| {
            faults.contains(Fault::GrantConstraintIgnored)
                || faults.contains(Fault::ChildGrantUnlimited)
                || grant.constraints.permit_child(child, &state.case.quirks)
        })
        .map(|(_, how)| how)
        .min_by_key(|how| rank(*how))
}

/// Live grants with the operation whose grantee is the caller and whose SourceArn, if any, holds (svc:G-13).
fn candidates<'a>(
    state: &'a State,
    key: &'a Key,
    wanted: GrantUse<'a>,
) -> impl Iterator<Item = (&'a Grant, GranteeMatch)> {
    let now = state.now();
    let faults = state.case.faults;
    key.grants.iter().filter_map(move |grant| {
        let has_operation =
            grant.operations.contains(&wanted.operation) || faults.contains(Fault::GrantOperationIgnored);
        let source_holds = source_holds(grant, wanted.principal) || faults.contains(Fault::GrantSourceIgnored);
        if !has_operation || !source_holds || faults.contains(Fault::GrantsInert) {
            return None;
        }
        let how = grant.grantee.matches(wanted.principal, faults)?;
        let has_token = || {
            !faults.contains(Fault::GrantTokenIgnored)
                && wanted.tokens.iter().any(|token| {
                    state.kms.grant_token(token).is_some_and(|address| {
                        address.grant_id == grant.id && address.key.id == key.id && address.key.account == key.account
                    })
                })
        };
        grant.is_effective(now, has_token(), faults).then_some((grant, how))
    })
}

/// SourceArn is looked at only when a service calls (svc:G-13).
fn source_holds(grant: &Grant, principal: &Principal) -> bool {
    match (&grant.constraints.source_arn, principal) {
        (Some(expected), Principal::Service { source_arn, .. }) => source_arn.as_ref() == Some(expected),
        _ => true,
    }
}

/// Lower is better for the caller: direct, then role (boundary and session limit), then account (identity needed).
fn rank(how: GranteeMatch) -> u8 {
    match how {
        GranteeMatch::User | GranteeMatch::Session | GranteeMatch::Service => 0,
        GranteeMatch::Role => 1,
        GranteeMatch::Account => 2,
    }
}

/// Whether `context` has every pair of `pairs`; names by case or not (svc:G-10a), values always by case.
fn contains_all(context: &BTreeMap<String, String>, pairs: &BTreeMap<String, String>, insensitive: bool) -> bool {
    pairs.iter().all(|(name, value)| {
        context.get(name) == Some(value)
            || insensitive
                && context
                    .iter()
                    .any(|(have, of)| of == value && have.to_lowercase() == name.to_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(items: &[(&str, &str)]) -> BTreeMap<String, String> {
        items
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn equals(items: &[(&str, &str)]) -> Constraints {
        Constraints {
            equals: Some(pairs(items)),
            ..Constraints::default()
        }
    }

    fn subset(items: &[(&str, &str)]) -> Constraints {
        Constraints {
            subset: Some(pairs(items)),
            ..Constraints::default()
        }
    }

    #[test]
    fn constraints_hold_as_in_g_10() {
        let quirks = Quirks::default();
        let sensitive = Quirks {
            grant_constraint_key_case_insensitive: false,
            ..Quirks::default()
        };
        let it = pairs(&[("D", "IT")]);
        let more = pairs(&[("D", "IT"), ("P", "x")]);
        for (constraints, context, expected) in [
            (equals(&[("D", "IT")]), &it, true),
            (equals(&[("D", "IT")]), &more, false),
            (equals(&[("D", "IT")]), &pairs(&[]), false),
            (subset(&[("D", "IT")]), &more, true),
            (subset(&[("D", "IT")]), &pairs(&[("P", "x")]), false),
            (equals(&[("D", "it")]), &it, false),
        ] {
            assert_eq!(
                constraints.hold_for(context, &quirks, FaultSet::EMPTY),
                expected,
                "{constraints:?} {context:?}"
            );
        }
        let lower = equals(&[("d", "IT")]);
        assert!(
            lower.hold_for(&it, &quirks, FaultSet::EMPTY),
            "svc:G-10a, API reference"
        );
        assert!(
            !lower.hold_for(&it, &sensitive, FaultSet::EMPTY),
            "svc:G-10a, developer guide"
        );
    }

    #[test]
    fn children_are_at_least_as_strict_as_in_g_11() {
        let quirks = Quirks::default();
        let none = Constraints::default();
        let parent = subset(&[("D", "IT")]);
        for (parent, child, expected) in [
            (&none, &none, true),
            (&parent, &none, false),
            (&parent, &subset(&[("D", "IT"), ("P", "x")]), true),
            (&parent, &equals(&[("D", "IT")]), true),
            (&parent, &subset(&[("P", "x")]), false),
            (&equals(&[("D", "IT")]), &equals(&[("D", "IT")]), true),
            (&equals(&[("D", "IT")]), &equals(&[("D", "IT"), ("P", "x")]), false),
            (&equals(&[("D", "IT")]), &subset(&[("D", "IT")]), false),
        ] {
            assert_eq!(parent.permit_child(child, &quirks), expected, "{parent:?} -> {child:?}");
        }
    }

    #[test]
    fn regional_service_names_stand_for_the_service() {
        assert!(same_service("lambda.us-east-1.amazonaws.com", "lambda.amazonaws.com"));
        assert!(!same_service("lambda.amazonaws.com", "backup.amazonaws.com"));
    }
}
