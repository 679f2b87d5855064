//! Breaks an allowed path: an explicit Deny somewhere, a condition that fails, a policy that names the neighbour. Each breakage is one
//! small mistake of the kind people make; whether it really changes the decision is for the model to say.

use countersign_model::case::GrantConstraintsSpec;

use super::fact;
use super::permit::operation_name;
use super::request::{Need, Request, Target};
use super::scene::{ActorKind, Place, Scene};
use super::statement::{Draft, Effect, Principals};
use super::vocabulary as words;

/// What can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breakage {
    ExplicitDeny,
    FailingCondition,
    MissingStatement,
    NearAction,
    NearResource,
    NearPrincipal,
    NarrowBoundary,
    NarrowSession,
    NarrowOrganization,
    NearGrant,
    KeyState,
    InvertedElement,
    PowerUser,
}

/// How often each is tried.
const BREAKAGES: &[(u32, Breakage)] = &[
    (26, Breakage::ExplicitDeny),
    (14, Breakage::FailingCondition),
    (14, Breakage::MissingStatement),
    (8, Breakage::NearAction),
    (7, Breakage::NearResource),
    (8, Breakage::NearPrincipal),
    (8, Breakage::NarrowBoundary),
    (8, Breakage::NarrowSession),
    (8, Breakage::NarrowOrganization),
    (10, Breakage::NearGrant),
    (5, Breakage::KeyState),
    (4, Breakage::InvertedElement),
    (2, Breakage::PowerUser),
];

impl Scene<'_, '_, '_> {
    /// Breaks as many things on the path of a request as the settings say, often none.
    pub(super) fn disturb(&mut self, request: &Request) {
        let [none, one, two, three] = self.settings.breakages;
        let wanted = self.dice.weighted(&[(none, 0), (one, 1), (two, 2), (three, 3)]);
        for _ in 0..wanted {
            self.break_once(request);
        }
    }

    /// Breaks one thing on the path of a request. What does not apply is drawn again, a few times.
    pub(super) fn break_once(&mut self, request: &Request) {
        if request.needs.is_empty() {
            return;
        }
        let position = self.dice.position(request.needs.len());
        for _ in 0..6 {
            let breakage = self.dice.weighted(BREAKAGES);
            if self.apply(breakage, request, position) {
                return;
            }
        }
        self.explicit_deny(request, position);
    }

    fn apply(&mut self, breakage: Breakage, request: &Request, position: usize) -> bool {
        let need = &request.needs[position];
        match breakage {
            Breakage::ExplicitDeny => self.explicit_deny(request, position),
            Breakage::FailingCondition => self.failing_condition(request, position),
            Breakage::MissingStatement => self.missing_statement(request.call.actor, need),
            Breakage::NearAction => self.near_action(request.call.actor, need),
            Breakage::NearResource => self.near_resource(request.call.actor, need),
            Breakage::NearPrincipal => self.near_principal(request.call.actor, need),
            Breakage::NarrowBoundary => self.narrow_boundary(request, position),
            Breakage::NarrowSession => self.narrow_session(request, position),
            Breakage::NarrowOrganization => self.narrow_organization(request, position),
            Breakage::NearGrant => self.near_grant(request.call.actor, need),
            Breakage::KeyState => self.key_state(need),
            Breakage::InvertedElement => self.inverted_element(request.call.actor, need),
            Breakage::PowerUser => self.power_user(request.call.actor, need),
        }
    }

    // ---- the breakages ----

    /// A Deny that hits the caller, in one of the policies that are asked; four times in ten under a condition that holds.
    pub(super) fn explicit_deny(&mut self, request: &Request, position: usize) -> bool {
        let actor = request.call.actor;
        let need = &request.needs[position];
        let resource_place = match need.target {
            Target::Key(key) if !self.keys[key].default_policy => Some(Place::Key(key)),
            Target::Bucket(bucket) | Target::Object(bucket, _) if !self.buckets[bucket].made => {
                Some(Place::Bucket(bucket))
            }
            Target::Role(role) => Some(Place::Trust(role)),
            _ => None,
        };
        let mut places: Vec<(u32, Option<Place>)> = Vec::new();
        places.push((if resource_place.is_some() { 10 } else { 0 }, resource_place));
        if let Some(identity) = self.actors[actor].identity {
            places.push((9, Some(Place::Identity(identity))));
            places.push((2, Some(Place::Boundary(identity))));
        }
        if self.may_have_session_policy(actor) {
            places.push((2, Some(Place::Session(actor))));
        }
        if self.organization {
            if self.principal_arn(actor).is_some() {
                places.push((4, Some(Place::Scp(self.actors.len() % 2))));
            }
            places.push((4, Some(Place::Rcp(self.actors.len() % 2))));
        }
        if places.iter().all(|(weight, _)| *weight == 0) {
            return false;
        }
        let Some(place) = self.dice.weighted(&places) else {
            return false;
        };
        let (principals, resources) = match place {
            Place::Key(_) => (self.denied_principals(actor), vec!["*".to_owned()]),
            Place::Bucket(bucket) => (self.denied_principals(actor), vec![self.denied_resource(bucket, need)]),
            Place::Trust(_) => (self.denied_principals_of_trust(actor), Vec::new()),
            Place::Rcp(_) => (Principals::Star, vec!["*".to_owned()]),
            _ => (Principals::Absent, vec![self.own_resource(need)]),
        };
        let action = self.denied_action(need, matches!(place, Place::Bucket(_) | Place::Trust(_)));
        let mut draft = Draft::deny(principals, vec![action], resources);
        if matches!(need.target, Target::Any) && matches!(place, Place::Identity(_)) && self.dice.below(4) == 0 {
            // Everything but a key: what has no resource is not that key (`iam:M-28`).
            draft.not_resource = true;
            draft.resources = vec![format!("arn:aws:kms:{}:{}:key/*", self.region, self.accounts[0])];
        }
        if self.dice.below(10) < 4 || matches!(draft.principals, Principals::Everyone) && self.dice.coin() {
            let facts = self.some_facts(request, &[position], place);
            draft.conditions.extend(fact::condition(&mut self.dice, &facts, true));
        }
        self.guard_place(place, need);
        self.write(place, draft);
        true
    }

    /// A boundary or session policy that comes into being by a Deny must allow the rest, or it would deny everything silently.
    fn guard_place(&mut self, place: Place, need: &Need) {
        if matches!(place, Place::Boundary(_) | Place::Session(_)) && !self.policies.contains_key(&place) {
            let service = need.action.split(':').next().unwrap_or("kms");
            let actions = if self.dice.coin() {
                vec!["*".to_owned()]
            } else {
                vec!["kms:*".to_owned(), "s3:*".to_owned()]
            };
            let mut draft = Draft::allow(Principals::Absent, actions, vec!["*".to_owned()]);
            draft.sid = Some(format!("Ceiling{}", service.to_ascii_uppercase()));
            self.write(place, draft);
        }
    }

    fn failing_condition(&mut self, request: &Request, position: usize) -> bool {
        let need = &request.needs[position];
        let Some((place, index)) = self.serving(request.call.actor, &need.action, |_, _| true) else {
            return false;
        };
        let facts = self.some_facts(request, &[position], place);
        let Some(condition) = fact::condition(&mut self.dice, &facts, false) else {
            return false;
        };
        let Some(draft) = self.policies.get_mut(&place).and_then(|list| list.get_mut(index)) else {
            return false;
        };
        draft.conditions.push(condition);
        true
    }

    fn missing_statement(&mut self, actor: usize, need: &Need) -> bool {
        if let Some((place, index)) = self.serving(actor, &need.action, |_, _| true) {
            if let Some(list) = self.policies.get_mut(&place) {
                list.remove(index);
            }
            return true;
        }
        match (self.actors[actor].identity, &need.target) {
            (Some(identity), _) if !self.identities[identity].attached.is_empty() => {
                self.identities[identity].attached.clear();
                true
            }
            (_, Target::Key(key)) => {
                let key = *key;
                let named: Vec<String> = self.serving_grants(key, actor, &need.action);
                let Some(name) = named.first() else { return false };
                self.keys[key].grants.remove(name);
                true
            }
            _ => false,
        }
    }

    fn near_action(&mut self, actor: usize, need: &Need) -> bool {
        let bucket_policy = |place: &Place| matches!(place, Place::Bucket(_) | Place::Trust(_));
        let Some((place, index)) = self.serving(actor, &need.action, |place, draft| {
            !bucket_policy(place) && !draft.not_action
        }) else {
            return false;
        };
        let near = (*self.dice.pick(words::near_actions(&need.action))).to_owned();
        let action = need.action.clone();
        let Some(draft) = self.policies.get_mut(&place).and_then(|list| list.get_mut(index)) else {
            return false;
        };
        draft.actions.retain(|written| !covers(written, &action));
        if !draft.actions.contains(&near) {
            draft.actions.push(near);
        }
        true
    }

    fn near_resource(&mut self, actor: usize, need: &Need) -> bool {
        let in_identity =
            |place: &Place, _: &Draft| matches!(place, Place::Identity(_) | Place::Boundary(_) | Place::Session(_));
        let Some((place, index)) = self.serving(actor, &need.action, in_identity) else {
            return false;
        };
        let resources = match &need.target {
            Target::Key(key) => {
                let account = self.accounts[self.keys[*key].account].clone();
                let region = self.region;
                let alias = self.keys[*key]
                    .alias
                    .clone()
                    .unwrap_or_else(|| format!("alias/{}", self.keys[*key].name));
                let siblings: Vec<usize> = (0..self.keys.len()).filter(|one| one != key).collect();
                match self.dice.below(5) {
                    0 | 1 => vec![format!("arn:aws:kms:{region}:{account}:{alias}")],
                    2 if !siblings.is_empty() => {
                        let sibling = *self.dice.pick(&siblings);
                        vec![self.key_arn(sibling)]
                    }
                    3 => vec![format!("arn:aws:kms:{region}:{account}:key/mrk-*")],
                    _ => vec![format!("arn:aws:kms:{region}:{}:key/*", words::MANAGEMENT_ACCOUNT)],
                }
            }
            Target::Object(bucket, object) => match self.dice.below(6) {
                // What is no variable is text (`iam:V-14`), and a key of many values is no variable (`iam:V-04`).
                4 => vec![format!("{}/${{aws:username*", self.bucket_arn(*bucket))],
                5 => vec![format!("{}/${{aws:TagKeys}}*", self.bucket_arn(*bucket))],
                // The bucket instead of what is in it (`svc:S-26`).
                0 => vec![self.bucket_arn(*bucket)],
                // A variable that has a value for users only (`iam:V-10`).
                3 => vec![format!("{}/${{aws:username}}/*", self.bucket_arn(*bucket))],
                1 => vec![format!("{}/{object}/*", self.bucket_arn(*bucket))],
                _ => vec![format!("arn:aws:s3:::other-{}/*", self.dice.pick(words::BUCKET_USES))],
            },
            Target::Bucket(bucket) => vec![format!("{}/*", self.bucket_arn(*bucket))],
            Target::Alias(key, _) => vec![self.key_arn(*key)],
            Target::Role(role) => {
                let account = self.accounts[self.identities[*role].account].clone();
                vec![format!(
                    "arn:aws:iam::{account}:role/{}-*",
                    self.dice.pick(words::ROLES)
                )]
            }
            Target::Any => vec![format!("arn:aws:kms:{}:{}:key/*", self.region, self.accounts[0])],
        };
        let Some(draft) = self.policies.get_mut(&place).and_then(|list| list.get_mut(index)) else {
            return false;
        };
        draft.resources = resources;
        true
    }

    /// The neighbour is named instead: another session, a sibling, the account, another account.
    fn near_principal(&mut self, actor: usize, need: &Need) -> bool {
        let in_resource = |place: &Place, draft: &Draft| {
            matches!(place, Place::Key(_) | Place::Bucket(_) | Place::Trust(_))
                && matches!(draft.principals, Principals::Aws(_) | Principals::Service(_))
        };
        let Some((place, index)) = self.serving(actor, &need.action, in_resource) else {
            return false;
        };
        let principals = match self.actors[actor].kind.clone() {
            ActorKind::Service { name, .. } => {
                let other = words::SERVICES
                    .iter()
                    .find(|one| **one != name)
                    .copied()
                    .unwrap_or("sns.amazonaws.com");
                if self.dice.coin() {
                    Principals::Service(vec![other.to_owned()])
                } else {
                    self.account_principals(0)
                }
            }
            ActorKind::Role { session, .. } => match (self.dice.below(4), self.actors[actor].identity) {
                (0 | 1, Some(identity)) => Principals::Aws(vec![self.session_arn(identity, &format!("{session}2"))]),
                (2, _) => self.account_principals(self.actors[actor].account),
                _ => self.sibling_principals(actor),
            },
            _ if self.crosses() && self.dice.coin() => {
                let other = 1 - self.actors[actor].account.min(1);
                self.account_principals(other)
            }
            _ => self.sibling_principals(actor),
        };
        let Some(draft) = self.policies.get_mut(&place).and_then(|list| list.get_mut(index)) else {
            return false;
        };
        draft.principals = principals;
        true
    }

    fn narrow_boundary(&mut self, request: &Request, position: usize) -> bool {
        let Some(identity) = self.actors[request.call.actor].identity else {
            return false;
        };
        self.narrow(Place::Boundary(identity), request, position)
    }

    fn narrow_session(&mut self, request: &Request, position: usize) -> bool {
        let actor = request.call.actor;
        self.may_have_session_policy(actor) && self.narrow(Place::Session(actor), request, position)
    }

    /// A ceiling that lets other things through: another action, another resource, or the right ones under a failing condition.
    fn narrow(&mut self, place: Place, request: &Request, position: usize) -> bool {
        let need = &request.needs[position];
        let mut kept: Vec<Draft> = self.policies.get(&place).cloned().unwrap_or_default();
        kept.retain(|draft| {
            !draft
                .serves
                .iter()
                .any(|(actor, action)| *actor == request.call.actor && *action == need.action)
        });
        let service = if need.action.starts_with("kms:") {
            "s3:*"
        } else {
            "kms:*"
        };
        let mut draft = Draft::allow(Principals::Absent, vec![service.to_owned()], vec!["*".to_owned()]);
        match self.dice.below(4) {
            0 => draft
                .actions
                .push((*self.dice.pick(words::near_actions(&need.action))).to_owned()),
            1 => {
                draft.actions = vec![need.action.clone()];
                let facts = self.some_facts(request, &[position], place);
                match fact::condition(&mut self.dice, &facts, false) {
                    Some(condition) => draft.conditions.push(condition),
                    None => draft.actions = vec![service.to_owned()],
                }
            }
            2 => {
                draft.not_action = true;
                draft.actions = vec![need.action.clone(), "iam:*".to_owned()];
            }
            _ => {}
        }
        kept.push(draft);
        self.policies.insert(place, kept);
        true
    }

    /// An SCP list without the action, an SCP or RCP Deny.
    fn narrow_organization(&mut self, request: &Request, position: usize) -> bool {
        if !self.organization || self.principal_arn(request.call.actor).is_none() {
            return false;
        }
        let need = &request.needs[position];
        let node = usize::from(self.dice.coin());
        match self.dice.below(3) {
            0 => {
                self.scp_without_full_access.insert(node);
                let service = if need.action.starts_with("kms:") {
                    "s3:*"
                } else {
                    "kms:*"
                };
                let draft = Draft::allow(
                    Principals::Absent,
                    vec![service.to_owned(), "iam:*".to_owned()],
                    vec!["*".to_owned()],
                );
                self.write(Place::Scp(node), draft);
            }
            1 => {
                let mut draft = Draft::deny(Principals::Absent, vec![need.action.clone()], vec!["*".to_owned()]);
                if self.dice.coin() {
                    let facts = self.some_facts(request, &[position], Place::Scp(node));
                    draft.conditions.extend(fact::condition(&mut self.dice, &facts, true));
                }
                self.write(Place::Scp(node), draft);
            }
            _ => {
                let mut draft = Draft::deny(Principals::Star, vec![need.action.clone()], vec!["*".to_owned()]);
                let facts = self.some_facts(request, &[position], Place::Rcp(node));
                draft.conditions.extend(fact::condition(&mut self.dice, &facts, true));
                self.write(Place::Rcp(node), draft);
            }
        }
        true
    }

    fn near_grant(&mut self, actor: usize, need: &Need) -> bool {
        let Target::Key(key) = need.target else { return false };
        let names = self.serving_grants(key, actor, &need.action);
        let Some(name) = names.first() else { return false };
        let wrong = self.some_encryption_context();
        let choice = self.dice.below(4);
        let grantee = match (self.actors[actor].kind.clone(), self.actors[actor].identity) {
            (ActorKind::Role { session, .. }, Some(identity)) => {
                Some(self.session_arn(identity, &format!("{session}-other")))
            }
            (_, Some(_)) => {
                let account = self.actors[actor].account;
                let sibling = self.sibling(actor, account);
                Some(self.identity_arn(sibling))
            }
            _ => None,
        };
        let other_kind = self.keys[key].kind.is_some();
        let Some(grant) = self.keys[key].grants.get_mut(name) else {
            return false;
        };
        match choice {
            0 | 1 if need.context.is_some() => {
                grant.spec.constraints = Some(if choice == 0 {
                    GrantConstraintsSpec {
                        encryption_context_equals: Some(wrong),
                        ..GrantConstraintsSpec::default()
                    }
                } else {
                    GrantConstraintsSpec {
                        encryption_context_subset: Some(wrong),
                        ..GrantConstraintsSpec::default()
                    }
                });
            }
            2 => {
                let name = operation_name(&need.action);
                grant.spec.operations.retain(|operation| *operation != name);
                let near = match name.as_str() {
                    _ if other_kind => "DescribeKey",
                    "Decrypt" => "Encrypt",
                    _ => "Decrypt",
                };
                if !grant.spec.operations.iter().any(|operation| operation == near) {
                    grant.spec.operations.push(near.to_owned());
                }
            }
            _ => match grantee {
                Some(arn) => grant.spec.grantee_principal = Some(arn),
                None => return false,
            },
        }
        true
    }

    fn key_state(&mut self, need: &Need) -> bool {
        let Target::Key(key) = need.target else { return false };
        if self.keys[key].state.is_some() {
            return false;
        }
        let state = self.dice.weighted(&[(7, "Disabled"), (2, "PendingDeletion")]);
        self.keys[key].state = Some(state.to_owned());
        true
    }

    /// NotAction or NotResource where the plain element was meant.
    fn inverted_element(&mut self, actor: usize, need: &Need) -> bool {
        let identity =
            |place: &Place, draft: &Draft| matches!(place, Place::Identity(_)) && draft.effect == Effect::Allow;
        let Some((place, index)) = self.serving(actor, &need.action, identity) else {
            return false;
        };
        let (action, unknown) = (self.dice.coin(), self.dice.below(4) == 0);
        let Some(draft) = self.policies.get_mut(&place).and_then(|list| list.get_mut(index)) else {
            return false;
        };
        if action {
            draft.not_action = !draft.not_action;
        } else if draft.resources != ["*"] {
            draft.not_resource = true;
            if unknown && need.action.starts_with("s3:") {
                // A variable that sessions have no value for (`iam:V-11`).
                draft.resources = vec!["arn:aws:s3:::nobody/${aws:username}/*".to_owned()];
            }
        } else {
            return false;
        }
        true
    }

    /// The managed policy that reads like key usage and is none (`svc:K-23`).
    fn power_user(&mut self, actor: usize, need: &Need) -> bool {
        let Some(identity) = self.actors[actor].identity else {
            return false;
        };
        if !need.action.starts_with("kms:") {
            return false;
        }
        self.identities[identity]
            .attached
            .insert(words::KMS_POWER_USER.to_owned());
        self.missing_statement(actor, need)
    }

    // ---- finding and naming ----

    /// A random allow statement on the path of (actor, action).
    fn serving(
        &mut self,
        actor: usize,
        action: &str,
        suits: impl Fn(&Place, &Draft) -> bool,
    ) -> Option<(Place, usize)> {
        let mut found: Vec<(Place, usize)> = Vec::new();
        for (place, drafts) in &self.policies {
            for (index, draft) in drafts.iter().enumerate() {
                let on_path = draft.serves.iter().any(|(who, what)| *who == actor && what == action);
                if on_path && draft.effect == Effect::Allow && suits(place, draft) {
                    found.push((*place, index));
                }
            }
        }
        if found.is_empty() {
            None
        } else {
            Some(*self.dice.pick(&found))
        }
    }

    fn serving_grants(&self, key: usize, actor: usize, action: &str) -> Vec<String> {
        self.keys[key]
            .grants
            .iter()
            .filter(|(_, grant)| grant.serves.iter().any(|(who, what)| *who == actor && what == action))
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn may_have_session_policy(&self, actor: usize) -> bool {
        matches!(
            self.actors[actor].kind,
            ActorKind::Role { .. } | ActorKind::Federated { .. }
        )
    }
}

/// Whether an action pattern written here covers an action: enough for the forms that `permit` writes.
fn covers(written: &str, action: &str) -> bool {
    let written = written.to_ascii_lowercase();
    let action = action.to_ascii_lowercase();
    match written.find(['*', '?']) {
        Some(end) => action.starts_with(&written[..end]),
        None => written == action,
    }
}
