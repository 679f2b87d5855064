//! Grants: what the store holds, and whether a grant covers a request (`svc:G-10`…`svc:G-15`). Who may make, retire or revoke one
//! is decided in `kms::authorize` and `kms::grant_operations`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::evaluate::{Caller, GranteeKind};
use crate::name::AccountId;
use crate::policy::grantee_kind;
use crate::quirks::Quirks;
use crate::world::clock::{Clock, Moment};

/// A grant (`svc:G-1`).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grant {
    pub(crate) id: String,
    /// Every token given out for it: a repeated CreateGrant with the same name gives a new one (`svc:G-7`).
    pub(crate) tokens: BTreeSet<String>,
    pub(crate) name: Option<String>,
    pub(crate) grantee: GrantPrincipal,
    pub(crate) retiring: Option<GrantPrincipal>,
    pub(crate) operations: Vec<String>,
    pub(crate) constraints: Constraints,
    pub(crate) issuing_account: AccountId,
    pub(crate) created: Timestamp,
    /// When it takes effect.
    pub(crate) from: Moment,
    /// When its end takes effect, once it is retired or revoked.
    pub(crate) until: Option<Moment>,
}

/// The grantee or the retiring principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrantPrincipal {
    /// As it was given: an ARN, or a service's name.
    pub(crate) text: String,
    /// The unique id of the user or role behind it when the grant was made (`svc:G-15`).
    pub(crate) bound: Option<String>,
    pub(crate) kind: GrantPrincipalKind,
}

/// What a grant's principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantPrincipalKind {
    /// An account's root ARN.
    Account,
    /// An IAM user.
    User,
    /// An IAM role.
    Role,
    /// A role session.
    Session,
    /// A federated user.
    FederatedUser,
    /// A service (`svc:G-3`).
    Service,
}

/// `GrantConstraints` (`svc:G-10`, `svc:G-13`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Constraints {
    pub(crate) equals: Option<BTreeMap<String, String>>,
    pub(crate) subset: Option<BTreeMap<String, String>>,
    pub(crate) source_arn: Option<String>,
}

/// What a request shows of itself to a grant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrantUse<'a> {
    /// The grant operation, such as `ReEncryptFrom`.
    pub(crate) operation: &'a str,
    /// The encryption context, for operations that have one.
    pub(crate) encryption_context: Option<&'a BTreeMap<String, String>>,
    /// Whether a service calls: only its calls are held to a source (`svc:G-13`).
    pub(crate) made_by_service: bool,
    /// `aws:SourceArn` of the call, which fits no constraint when it is absent.
    pub(crate) source_arn: Option<&'a str>,
}

impl Grant {
    /// Whether API reads show it.
    pub(crate) fn exists(&self) -> bool {
        self.until.is_none()
    }

    /// Whether it is in effect: propagated, or named by a token it gave out. A retired or revoked grant lingers as long as a new one
    /// takes to begin, for whoever presents its token too (`svc:G-21`).
    pub(crate) fn is_live(&self, clock: &Clock, tokens: &[String]) -> bool {
        let begun = self.from.has_come(clock) || tokens.iter().any(|token| self.tokens.contains(token));
        let ended = self.until.is_some_and(|until| until.has_come(clock));
        begun && !ended
    }

    /// How the grantee names this caller, if it does. `current` tells the unique id that the caller's user or role has now.
    pub(crate) fn grantee_of(&self, caller: &Caller, quirks: &Quirks) -> Option<GranteeKind> {
        self.grantee.names(caller, quirks)
    }

    /// Whether operation and constraints cover the use (`svc:G-12`).
    pub(crate) fn covers(&self, request: &GrantUse<'_>, quirks: &Quirks) -> bool {
        if !self.operations.iter().any(|operation| operation == request.operation) {
            return false;
        }
        // RetireGrant ignores every constraint; CreateGrant constrains the child, not the request (svc:G-11, svc:G-12).
        if matches!(request.operation, "RetireGrant" | "CreateGrant") {
            return true;
        }
        if let Some(wanted) = &self.constraints.source_arn
            && request.made_by_service
            && request.source_arn != Some(wanted)
        {
            return false;
        }
        match request.encryption_context {
            Some(context) => self.constraints.hold(context, quirks),
            // DescribeKey and the operations of asymmetric keys have no context: constraints are not looked at.
            None => true,
        }
    }
}

impl GrantPrincipal {
    /// How this principal names the caller, if it does. A principal bound to an id names only the entity that carries it.
    pub(crate) fn names(&self, caller: &Caller, quirks: &Quirks) -> Option<GranteeKind> {
        if self.kind == GrantPrincipalKind::Service {
            return self.names_service(caller).then_some(GranteeKind::Service);
        }
        if let Some(bound) = &self.bound
            && caller_unique_id(caller) != Some(bound.as_str())
        {
            return None;
        }
        grantee_kind(caller, &self.text, quirks)
    }

    /// A service is named by its plain or its regional name: what ListGrants shows can stand for several principals (`svc:G-3`).
    fn names_service(&self, caller: &Caller) -> bool {
        let Caller::Service { name, names } = caller else {
            return false;
        };
        let plain = plain_service_name(&self.text);
        std::iter::once(name)
            .chain(names)
            .any(|name| *name == self.text || plain_service_name(name) == plain)
    }
}

impl Constraints {
    /// The value of `kms:GrantConstraintType` (`svc:C-14`).
    pub(crate) fn kind(&self) -> Option<&'static str> {
        match (&self.equals, &self.subset) {
            (Some(_), _) => Some("EncryptionContextEquals"),
            (None, Some(_)) => Some("EncryptionContextSubset"),
            (None, None) => None,
        }
    }

    /// The pairs of the encryption-context constraint.
    pub(crate) fn pairs(&self) -> Option<&BTreeMap<String, String>> {
        self.equals.as_ref().or(self.subset.as_ref())
    }

    /// Whether a request's context satisfies them (`svc:G-10`, `svc:G-10a`).
    pub(crate) fn hold(&self, context: &BTreeMap<String, String>, quirks: &Quirks) -> bool {
        let has =
            |pairs: &BTreeMap<String, String>| pairs.iter().all(|(key, value)| has_pair(context, key, value, quirks));
        let equals = self
            .equals
            .as_ref()
            .is_none_or(|pairs| has(pairs) && context.len() == pairs.len());
        let subset = self.subset.as_ref().is_none_or(has);
        equals && subset
    }

    /// Whether a child's constraints are at least as strict as these (`svc:G-11`).
    pub(crate) fn admit_child(&self, child: &Self) -> bool {
        let source = self.source_arn.is_none() || self.source_arn == child.source_arn;
        let context = match (&self.equals, &self.subset) {
            (Some(pairs), _) => child.equals.as_ref() == Some(pairs),
            (None, Some(pairs)) => child
                .pairs()
                .is_some_and(|own| pairs.iter().all(|(key, value)| own.get(key) == Some(value))),
            (None, None) => true,
        };
        source && context
    }
}

fn has_pair(context: &BTreeMap<String, String>, key: &str, value: &str, quirks: &Quirks) -> bool {
    if quirks.grant_constraint_key_case_insensitive {
        context
            .iter()
            .any(|(own, text)| own.eq_ignore_ascii_case(key) && text == value)
    } else {
        context.get(key).is_some_and(|text| text == value)
    }
}

/// `lambda.ap-northeast-1.amazonaws.com` and `lambda.amazonaws.com` are the same service.
fn plain_service_name(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The unique id of the user or role behind a caller.
fn caller_unique_id(caller: &Caller) -> Option<&str> {
    match caller {
        Caller::User(user) => user.unique_id.as_deref(),
        Caller::RoleSession(session) => session.role.unique_id.as_deref(),
        Caller::FederatedUser(federated) => match &federated.parent {
            crate::evaluate::Parent::User(user) => user.unique_id.as_deref(),
            crate::evaluate::Parent::Root(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn equals(of: &[(&str, &str)]) -> Constraints {
        Constraints {
            equals: Some(pairs(of)),
            ..Constraints::default()
        }
    }

    fn subset(of: &[(&str, &str)]) -> Constraints {
        Constraints {
            subset: Some(pairs(of)),
            ..Constraints::default()
        }
    }

    #[test]
    fn equals_wants_exactly_the_pairs_and_subset_at_least_them() {
        // svc:G-10
        let quirks = Quirks::default();
        let it = [("Department", "IT")];
        let more = [("Department", "IT"), ("Purpose", "Test")];
        for (constraints, context, holds) in [
            (equals(&it), pairs(&it), true),
            (equals(&it), pairs(&more), false),
            (equals(&it), pairs(&[]), false),
            (subset(&it), pairs(&more), true),
            (subset(&it), pairs(&[("Department", "it")]), false),
            (Constraints::default(), pairs(&[]), true),
        ] {
            assert_eq!(
                constraints.hold(&context, &quirks),
                holds,
                "{constraints:?} {context:?}"
            );
        }
    }

    #[test]
    fn the_case_of_constraint_keys_is_a_switch() {
        // svc:G-10a, svc:Q-1
        let context = pairs(&[("department", "IT")]);
        let constraints = subset(&[("Department", "IT")]);
        assert!(constraints.hold(&context, &Quirks::default()));
        assert!(!constraints.hold(
            &context,
            &Quirks {
                grant_constraint_key_case_insensitive: false,
                ..Quirks::default()
            }
        ));
    }

    #[test]
    fn a_child_is_at_least_as_strict_as_its_parent() {
        // svc:G-11
        let it = [("D", "IT")];
        let more = [("D", "IT"), ("P", "x")];
        for (parent, child, admitted) in [
            (Constraints::default(), Constraints::default(), true),
            (Constraints::default(), equals(&it), true),
            (subset(&it), Constraints::default(), false),
            (subset(&it), subset(&more), true),
            (subset(&it), equals(&it), true),
            (subset(&more), subset(&it), false),
            (equals(&it), equals(&it), true),
            (equals(&it), subset(&it), false),
            (equals(&it), equals(&more), false),
        ] {
            assert_eq!(parent.admit_child(&child), admitted, "{parent:?} {child:?}");
        }
    }
}
