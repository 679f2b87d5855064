//! The decision core against the formulas of `iam:6.4` and the invariants of `iam:7.3`, over a grid of everything that can differ.

use super::*;

/// The states a limiting set can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    None,
    Allows,
    Silent,
}

/// One point of the grid.
#[derive(Debug, Clone)]
struct Point {
    caller: Caller,
    principals: Vec<&'static str>,
    identity: bool,
    boundary: Limit,
    session: Limit,
    cross: bool,
    mandatory: bool,
}

fn grid() -> Vec<Point> {
    let callers: [(Caller, &'static str, Option<&'static str>); 4] = [
        (Caller::User(user()), USER, None),
        (session_of("s"), SESSION, Some(ROLE)),
        (federated(), FEDERATED, Some(USER)),
        (root(), ROOT, None),
    ];
    let limits = [Limit::None, Limit::Allows, Limit::Silent];
    let mut points = Vec::new();
    for (caller, own, parent) in callers {
        for mask in 0..16_u8 {
            let forms = [Some(own), parent, Some(A), Some("*")];
            let principals: Vec<&str> = (0..4)
                .filter(|bit| mask & (1 << bit) != 0)
                .filter_map(|bit| forms[bit])
                .collect();
            for identity in [false, true] {
                for boundary in limits {
                    for session in limits {
                        for (cross, mandatory) in [(false, false), (false, true), (true, false), (true, true)] {
                            let is_session = matches!(caller, Caller::RoleSession(_) | Caller::FederatedUser(_));
                            let is_root = matches!(caller, Caller::Root { .. });
                            if session != Limit::None && !is_session || boundary != Limit::None && is_root {
                                continue;
                            }
                            let principals = principals.clone();
                            points.push(Point {
                                caller: caller.clone(),
                                principals,
                                identity,
                                boundary,
                                session,
                                cross,
                                mandatory,
                            });
                        }
                    }
                }
            }
        }
    }
    points
}

/// The policies of a point, owned.
struct Documents {
    identity: Option<Document>,
    boundary: Option<Document>,
    session: Option<Document>,
    resource: Document,
}

impl Point {
    fn documents(&self) -> Documents {
        let limit = |limit: Limit| match limit {
            Limit::None => None,
            Limit::Allows => Some(identity("Allow", "*")),
            Limit::Silent => Some(identity("Allow", "ec2:*")),
        };
        let kind = if self.mandatory {
            PolicyKind::Key
        } else {
            PolicyKind::Bucket
        };
        Documents {
            identity: self.identity.then(|| identity("Allow", "*")),
            boundary: limit(self.boundary),
            session: limit(self.session),
            resource: on_resource(kind, "Allow", &self.principals),
        }
    }

    fn ask(&self) -> Ask<'_> {
        let ask = if self.mandatory {
            Ask::key(&self.caller)
        } else {
            Ask::object(&self.caller)
        };
        Ask {
            owner: if self.cross { B } else { A },
            ..ask
        }
    }

    fn sets<'a>(&self, documents: &'a Documents) -> PolicySets<'a> {
        let resource = named(&documents.resource);
        PolicySets {
            identity: documents.identity.iter().map(named).collect(),
            permissions_boundary: documents.boundary.as_ref().map(named),
            session: documents.session.as_ref().map(|session| vec![named(session)]),
            resource: if self.mandatory {
                ResourcePolicy::Key(resource)
            } else {
                ResourcePolicy::Optional(resource)
            },
            ..PolicySets::default()
        }
    }

    /// The formulas L-40, L-41, L-42 in their own words. The root user is its account, so its own ARN is an account principal.
    fn formula(&self) -> bool {
        let is_root = matches!(self.caller, Caller::Root { .. });
        let names = |wanted: &str| self.principals.contains(&wanted);
        let own = match &self.caller {
            Caller::User(_) => names(USER),
            Caller::RoleSession(_) => names(SESSION),
            Caller::FederatedUser(_) => names(FEDERATED),
            _ => false,
        };
        let parent = match &self.caller {
            Caller::RoleSession(_) => names(ROLE),
            Caller::FederatedUser(_) => names(USER),
            _ => false,
        };
        let by_account = names(A) || is_root && names(ROOT);
        let wild = names("*");
        let boundary_ok = self.boundary != Limit::Silent;
        let session_ok = match self.session {
            Limit::None => !matches!(self.caller, Caller::FederatedUser(_)),
            Limit::Allows => true,
            Limit::Silent => false,
        };
        let identity_side = (self.identity || is_root) && boundary_ok && session_ok;
        if self.cross {
            return identity_side && (own || wild || parent || by_account);
        }
        own || wild || parent && boundary_ok && session_ok || identity_side && (by_account || !self.mandatory)
    }
}

#[test]
fn decisions_equal_the_formulas() {
    let points = grid();
    assert!(points.len() > 2_752, "{} points", points.len());
    for point in &points {
        let documents = point.documents();
        let check = point.ask().of(&point.sets(&documents));
        assert_eq!(
            check.decision == CheckDecision::Allow,
            point.formula(),
            "{point:?}\n{check:#?}"
        );
    }
}

#[test]
fn invariants() {
    let deny_all = identity("Deny", "*");
    let silent = identity("Allow", "ec2:*");
    let full_access = identity("Allow", "*");
    let deny_principal = on_resource(PolicyKind::Bucket, "Deny", &["*"]);
    for point in grid() {
        let documents = point.documents();
        let base = point.ask().allows(&point.sets(&documents));
        // 1. A Deny anywhere denies.
        let mut with_deny = point.sets(&documents);
        with_deny.identity.push(named(&deny_all));
        let is_root = matches!(point.caller, Caller::Root { .. });
        assert!(is_root || !point.ask().allows(&with_deny), "{point:?}");
        // 2. Adding a limiting set never turns deny into allow, a federated user's session policy excepted.
        let mut limited = point.sets(&documents);
        limited.service_control = vec![vec![named(&silent)]];
        assert!(
            !point.ask().allows(&limited),
            "a silent SCP limits everything: {point:?}"
        );
        let mut limited = point.sets(&documents);
        limited.permissions_boundary = limited.permissions_boundary.or(Some(named(&silent)));
        assert!(is_root || base || !point.ask().allows(&limited), "{point:?}");
        // A level with FullAWSAccess changes nothing; one without policies allows nothing (iam:L-03).
        let mut open = point.sets(&documents);
        open.service_control = vec![vec![named(&full_access)], vec![named(&full_access)]];
        assert_eq!(point.ask().allows(&open), base, "{point:?}");
        let mut closed = point.sets(&documents);
        closed.service_control = vec![vec![named(&full_access)], Vec::new()];
        assert!(!point.ask().allows(&closed), "{point:?}");
        // 3. and 4. Order and number of policies in a set do not matter.
        let mut split = point.sets(&documents);
        split.identity.insert(0, named(&silent));
        split.identity.push(named(&silent));
        assert_eq!(point.ask().allows(&split), base, "{point:?}");
        // RCPs deny whatever else allows.
        let mut resource_control = point.sets(&documents);
        resource_control.resource_control = vec![vec![named(&deny_principal)]];
        assert!(!point.ask().allows(&resource_control), "{point:?}");
        // 10. Across accounts an allow needs both sides alone.
        if point.cross && base {
            let mut no_resource = point.sets(&documents);
            no_resource.resource = ResourcePolicy::None;
            assert!(!point.ask().allows(&no_resource), "{point:?}");
        }
    }
}

#[test]
fn every_denial_is_explained() {
    for point in grid() {
        let documents = point.documents();
        let check = point.ask().of(&point.sets(&documents));
        if check.decision == CheckDecision::Allow {
            assert!(check.blamed.is_none() && check.failed.is_empty() && check.message.is_none());
            continue;
        }
        let blamed = check.blamed.expect("somebody is blamed");
        assert!(check.failed.contains(&blamed), "{point:?}\n{check:#?}");
        let gate = check
            .gates
            .iter()
            .find(|gate| gate.set == blamed)
            .expect("the blamed set is a gate");
        let silent = matches!(
            gate.verdict,
            crate::outcome::GateVerdict::Silent | crate::outcome::GateVerdict::NotApplicable
        );
        assert!(silent, "{point:?}: a set that allows is not blamed\n{check:#?}");
    }
}
