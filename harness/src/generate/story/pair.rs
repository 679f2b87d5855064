//! Pairs of steps that differ in one fact and, as far as can be known here, in the decision: another address, another moment, another
//! session of the role, a session policy, another caller, another value of a parameter. What they really come to is the model's to say.

use serde_json::{Value, json};

use super::super::fact::{self, Fact, Known};
use super::super::permit::exact_actions;
use super::super::request::{Request, Target};
use super::super::scene::{ActorKind, CallDraft, Place, Scene, StepDraft};
use super::super::statement::{Condition, Draft, Effect, Principals};
use super::super::vocabulary as words;

/// The fact in which the two steps differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    Address,
    Moment,
    Session,
    SessionPolicy,
    Context,
    Check,
    Caller,
}

/// How often each is tried first.
const DIFFERENCES: &[(u32, Difference)] = &[
    (5, Difference::Address),
    (1, Difference::Moment),
    (3, Difference::Session),
    (3, Difference::SessionPolicy),
    (3, Difference::Context),
    (8, Difference::Check),
    (4, Difference::Caller),
];

/// Which of the two steps comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As the dice fall.
    Either,
    /// The one that is to be refused: the other one changes what they are about.
    RefusedFirst,
}

impl Scene<'_, '_, '_> {
    /// The request of one who may make it, and its twin that differs in one fact and is to be refused.
    pub(super) fn pair(&mut self, mut request: Request, order: Order) -> Request {
        if request.needs.is_empty() || self.room() < 2 {
            return self.perform(request);
        }
        self.permit(&request);
        if self.dice.percent(self.settings.leaning) {
            self.lean_on_fact(&request);
        }
        let (twin, between) = self.refused_twin(&mut request);
        if let Some(duration) = between {
            // Time goes one way only.
            if self.room() > 2 {
                self.call(request.call.clone());
                self.steps.push(StepDraft::Advance(duration));
                self.call(twin);
                return request;
            }
        }
        if order == Order::RefusedFirst || self.dice.coin() {
            self.call(twin);
            self.call(request.call.clone());
        } else {
            self.call(request.call.clone());
            self.call(twin);
        }
        request
    }

    /// The twin, and how much time must pass before it where that is the difference.
    fn refused_twin(&mut self, request: &mut Request) -> (CallDraft, Option<&'static str>) {
        for _ in 0..3 {
            let found = match self.dice.weighted(DIFFERENCES) {
                Difference::Address => self.twin_by_address(request).map(|twin| (twin, None)),
                Difference::Moment => self.twin_by_moment(request).map(|twin| (twin, Some("2h"))),
                Difference::Session => self.twin_by_session(request).map(|twin| (twin, None)),
                Difference::SessionPolicy => self.twin_by_session_policy(request).map(|twin| (twin, None)),
                Difference::Context => self.twin_by_context(request).map(|twin| (twin, None)),
                Difference::Check => self.twin_by_check(request).map(|twin| (twin, None)),
                Difference::Caller => None,
            };
            if let Some(twin) = found {
                return twin;
            }
        }
        (self.twin_by_caller(request), None)
    }

    /// From inside the network it is allowed, from outside it is not: by the condition of an Allow or by a Deny.
    fn twin_by_address(&mut self, request: &mut Request) -> Option<CallDraft> {
        let signed = !matches!(
            self.actors[request.call.actor].kind,
            ActorKind::Service { .. } | ActorKind::Anonymous
        );
        if !signed || request.call.through_endpoint {
            return None;
        }
        let (inside, network) = *self.dice.pick(&[
            ("203.0.113.7", "203.0.113.0/24"),
            ("192.0.2.44", "192.0.2.0/25"),
            ("10.1.2.3", "10.0.0.0/8"),
        ]);
        let outside = format!("198.51.100.{}", 1 + self.dice.below(250));
        let condition = |operator: &str| Condition {
            operator: operator.to_owned(),
            key: "aws:SourceIp".to_owned(),
            values: vec![network.to_owned()],
        };
        let position = self.dice.position(request.needs.len());
        if self.dice.coin() {
            self.deny_when(request, position, condition("NotIpAddress"))?;
        } else {
            self.allow_only_when(request, position, condition("IpAddress"))?;
        }
        request.call.context.insert("aws:SourceIp".to_owned(), json!(inside));
        let mut twin = twin_of(request);
        twin.context.insert("aws:SourceIp".to_owned(), json!(outside));
        Some(twin)
    }

    /// Until one o'clock it is allowed.
    fn twin_by_moment(&mut self, request: &Request) -> Option<CallDraft> {
        let role = matches!(self.actors[request.call.actor].kind, ActorKind::Role { .. });
        // Credentials of a session would not live that long.
        if role || self.room() < 3 || self.propagation.is_some() {
            return None;
        }
        let day = if self.past { "06-15" } else { "11-22" };
        let noon = format!("{}-{day}T13:00:00Z", self.year);
        let condition = |operator: &str| Condition {
            operator: operator.to_owned(),
            key: "aws:CurrentTime".to_owned(),
            values: vec![noon.clone()],
        };
        let position = self.dice.position(request.needs.len());
        if self.dice.coin() {
            self.deny_when(request, position, condition("DateGreaterThan"))?;
        } else {
            self.allow_only_when(request, position, condition("DateLessThan"))?;
        }
        Some(twin_of(request))
    }

    /// One session of the role is denied by name, the other is not.
    fn twin_by_session(&mut self, request: &Request) -> Option<CallDraft> {
        let identity = self.actors[request.call.actor].identity?;
        let ActorKind::Role { session, .. } = self.actors[request.call.actor].kind.clone() else {
            return None;
        };
        let position = self.dice.position(request.needs.len());
        let need = request.needs[position].clone();
        let place = self.resource_place(&need.target)?;
        let mut other = self.actors[request.call.actor].clone();
        let name = format!("{session}-2");
        if let ActorKind::Role { session, .. } = &mut other.kind {
            *session = name.clone();
        }
        let resources = self.denied_resources(place, &need.target);
        let draft = Draft::deny(
            Principals::Aws(vec![self.session_arn(identity, &name)]),
            vec![need.action],
            resources,
        );
        self.write(place, draft);
        let mut twin = twin_of(request);
        twin.actor = self.copy_actor(request.call.actor, other);
        Some(twin)
    }

    /// The same session under a policy of its own that lets other things through.
    fn twin_by_session_policy(&mut self, request: &Request) -> Option<CallDraft> {
        let actor = request.call.actor;
        if !matches!(self.actors[actor].kind, ActorKind::Role { .. }) {
            return None;
        }
        if self.dice.below(4) == 0 {
            return Some(self.twin_by_managed_policy(request));
        }
        // What goes through without any identity policy is let through by no session policy either, but for resource policies that
        // name the session: those are near misses of their own.
        let need = request.needs[self.dice.position(request.needs.len())].clone();
        let twin_actor = self.copy_actor(actor, self.actors[actor].clone());
        let near = (*self.dice.pick(words::near_actions(&need.action))).to_owned();
        let draft = if self.dice.coin() {
            Draft::allow(Principals::Absent, vec![near], vec!["*".to_owned()])
        } else {
            let mut all = Draft::allow(Principals::Absent, vec!["*".to_owned()], vec!["*".to_owned()]);
            all.sid = Some("Ceiling".to_owned());
            self.policies.insert(Place::Session(twin_actor), vec![all]);
            Draft::deny(Principals::Absent, vec![need.action], vec!["*".to_owned()])
        };
        self.policies.entry(Place::Session(twin_actor)).or_default().push(draft);
        let mut twin = twin_of(request);
        twin.actor = twin_actor;
        Some(twin)
    }

    /// The same session under a policy of AWS that is about something else.
    fn twin_by_managed_policy(&mut self, request: &Request) -> CallDraft {
        let actor = request.call.actor;
        let on_key = request.needs.iter().any(|need| need.action.starts_with("kms:"));
        let mut other = self.actors[actor].clone();
        if let ActorKind::Role { policy_arns, .. } = &mut other.kind {
            policy_arns.push(if on_key {
                "arn:aws:iam::aws:policy/AmazonS3FullAccess"
            } else {
                words::KMS_POWER_USER
            });
        }
        let mut twin = twin_of(request);
        twin.actor = self.copy_actor(actor, other);
        twin
    }

    /// One value in the encryption context is another one.
    fn twin_by_context(&mut self, request: &Request) -> Option<CallDraft> {
        let position = request
            .needs
            .iter()
            .position(|need| !need.via_s3 && need.context.as_ref().is_some_and(|context| !context.is_empty()))?;
        let name = ["EncryptionContext", "SourceEncryptionContext"]
            .into_iter()
            .find(|name| request.call.with.contains_key(*name))?;
        let context = request.needs[position].context.clone()?;
        let (key, value) = context.into_iter().next()?;
        let known = Fact::new(format!("kms:EncryptionContext:{key}"), Known::Text(value.clone()));
        if self.dice.coin() {
            let condition = Condition {
                operator: "StringNotEquals".to_owned(),
                key: known.key.clone(),
                values: vec![value.clone()],
            };
            self.deny_when(request, position, condition)?;
        } else {
            let condition = fact::on_fact(&mut self.dice, &known, true);
            self.allow_only_when(request, position, condition)?;
        }
        let mut twin = twin_of(request);
        let other = format!("{value}-{}", self.dice.below(100));
        if let Some(Value::Object(pairs)) = twin.with.get_mut(name) {
            pairs.insert(key, json!(other));
        }
        Some(twin)
    }

    /// Somebody of the same kind and account who may everything but one of the checks: all others of this call, or all others there are.
    pub(super) fn twin_by_check(&mut self, request: &Request) -> Option<CallDraft> {
        let actor = request.call.actor;
        let kind = &self.actors[actor].kind;
        if !matches!(kind, ActorKind::User { .. } | ActorKind::Role { .. } | ActorKind::Root) {
            return None;
        }
        let account = self.actors[actor].account;
        let own = request
            .needs
            .iter()
            .all(|need| self.owner(&need.target).is_none_or(|owner| owner == account));
        if !own {
            return None;
        }
        let missing = request.needs[self.dice.position(request.needs.len())].action.clone();
        let twin = self.twin_by_caller(request);
        let identity = self.actors[twin.actor].identity?;
        if let Some(role) = request.needs.iter().find_map(|need| match need.target {
            Target::Role(role) => Some(role),
            _ => None,
        }) {
            // Only a trust policy that names the twin leaves it without that one action.
            let others: Vec<String> = exact_actions(request, &(0..request.needs.len()).collect::<Vec<_>>())
                .into_iter()
                .filter(|action| *action != missing)
                .collect();
            if others.is_empty() {
                return Some(twin);
            }
            let named = self.identity_arn(identity);
            self.write(
                Place::Trust(role),
                Draft::allow(Principals::Aws(vec![named]), others, Vec::new()),
            );
            return Some(twin);
        }
        let mut reduced = request.clone();
        reduced.call = twin.clone();
        reduced.needs.retain(|need| need.action != missing);
        for need in &request.needs {
            if let Target::Key(key) = need.target {
                self.open_key(key);
            }
        }
        if reduced.needs.is_empty() || self.dice.coin() {
            let mut rest = Draft::allow(Principals::Absent, vec![missing], vec!["*".to_owned()]);
            rest.not_action = true;
            self.write(Place::Identity(identity), rest);
        } else {
            for need in &reduced.needs {
                let resource = self.exact_resource(&need.target);
                let allow = Draft::allow(Principals::Absent, vec![need.action.clone()], vec![resource]);
                self.write(Place::Identity(identity), allow);
            }
        }
        let positions: Vec<usize> = (0..reduced.needs.len()).collect();
        if !positions.is_empty() {
            self.let_through_guardrails(&reduced, &positions);
        }
        Some(twin)
    }

    /// Whose it is; none of what has no resource.
    fn owner(&self, target: &Target) -> Option<usize> {
        match target {
            Target::Key(key) | Target::Alias(key, _) => Some(self.keys[*key].account),
            Target::Bucket(bucket) | Target::Object(bucket, _) => Some(self.buckets[*bucket].account),
            Target::Role(role) => Some(self.identities[*role].account),
            Target::Any => None,
        }
    }

    /// The key's policy leaves everything to the policies of its account.
    pub(super) fn open_key(&mut self, key: usize) {
        if self.keys[key].default_policy {
            return;
        }
        let whole = self.whole_delegation(key);
        let there = self.policies.get(&Place::Key(key)).is_some_and(|drafts| {
            drafts.iter().any(|draft| {
                draft.actions == whole.actions && draft.principals == whole.principals && draft.conditions.is_empty()
            })
        });
        if !there {
            let taken = self
                .policies
                .get(&Place::Key(key))
                .is_some_and(|drafts| drafts.iter().any(|draft| draft.sid == whole.sid));
            let sid = if taken { None } else { whole.sid.clone() };
            self.write(Place::Key(key), Draft { sid, ..whole });
        }
    }

    /// The one resource that a check is about.
    pub(super) fn exact_resource(&self, target: &Target) -> String {
        match target {
            Target::Key(key) => self.key_arn(*key),
            Target::Alias(key, alias) => {
                let account = &self.accounts[self.keys[*key].account];
                format!("arn:aws:kms:{}:{account}:{alias}", self.region)
            }
            Target::Bucket(bucket) => self.bucket_arn(*bucket),
            Target::Object(bucket, object) => format!("{}/{object}", self.bucket_arn(*bucket)),
            Target::Role(role) => self.identity_arn(*role),
            Target::Any => "*".to_owned(),
        }
    }

    /// Somebody of the same kind and account who has nothing.
    pub(super) fn twin_by_caller(&mut self, request: &Request) -> CallDraft {
        let actor = request.call.actor;
        let account = self.actors[actor].account;
        let mut twin = twin_of(request);
        twin.actor = match self.actors[actor].kind {
            ActorKind::User { .. } => self.new_user_actor(account),
            _ => self.new_role_actor(account),
        };
        if matches!(
            self.actors[actor].kind,
            ActorKind::Service { .. } | ActorKind::Anonymous
        ) {
            twin.through_endpoint = false;
        }
        twin
    }

    // ---- writing ----

    /// One check is let through only because of one fact about it: a condition on every statement that lets it through.
    pub(super) fn lean_on_fact(&mut self, request: &Request) -> Option<()> {
        if request.needs.is_empty() {
            return None;
        }
        let actor = request.call.actor;
        let position = self.dice.position(request.needs.len());
        let need = &request.needs[position];
        let serving: Vec<Place> = self
            .policies
            .iter()
            .filter(|(_, drafts)| {
                let serves = |draft: &Draft| {
                    draft
                        .serves
                        .iter()
                        .any(|(who, what)| *who == actor && *what == need.action)
                };
                drafts.iter().any(serves)
            })
            .map(|(place, _)| *place)
            .collect();
        let strictest = *serving
            .iter()
            .find(|place| matches!(place, Place::Bucket(_)))
            .or_else(|| serving.iter().find(|place| matches!(place, Place::Key(_))))
            .or_else(|| serving.first())?;
        let mut facts = self.shared_facts(request, &[position], strictest);
        if self.dice.below(3) > 0 {
            // What the call itself tells, before what everybody tells.
            let own: Vec<Fact> = facts.iter().filter(|fact| need.facts.contains(fact)).cloned().collect();
            if !own.is_empty() {
                facts = own;
            }
        }
        let condition = fact::condition(&mut self.dice, &facts, true)?;
        self.allow_only_when(request, position, condition)
    }

    /// A Deny of one check under a condition, in a policy that is asked.
    fn deny_when(&mut self, request: &Request, position: usize, condition: Condition) -> Option<()> {
        let actor = request.call.actor;
        let need = request.needs[position].clone();
        let resource_place = self.resource_place(&need.target).filter(|place| {
            // Bucket policies know no keys of KMS.
            !(matches!(place, Place::Bucket(_)) && condition.key.starts_with("kms:"))
        });
        let mut places: Vec<Place> = resource_place.into_iter().collect();
        if let Some(identity) = self.actors[actor].identity {
            places.push(Place::Identity(identity));
            if self.policies.contains_key(&Place::Boundary(identity)) {
                places.push(Place::Boundary(identity));
            }
        }
        if self.policies.contains_key(&Place::Session(actor)) {
            places.push(Place::Session(actor));
        }
        if self.organization && self.principal_arn(actor).is_some() {
            places.extend([Place::Scp(0), Place::Scp(1)]);
        }
        if places.is_empty() {
            return None;
        }
        let place = *self.dice.pick(&places);
        let principals = match place {
            Place::Key(_) | Place::Bucket(_) => self.denied_principals(actor),
            Place::Trust(_) => self.denied_principals_of_trust(actor),
            _ => Principals::Absent,
        };
        let resources = self.denied_resources(place, &need.target);
        let mut draft = Draft::deny(principals, vec![need.action], resources);
        draft.conditions.push(condition);
        self.write(place, draft);
        Some(())
    }

    /// The condition on every statement that lets the check through.
    fn allow_only_when(&mut self, request: &Request, position: usize, condition: Condition) -> Option<()> {
        let (actor, need) = (request.call.actor, &request.needs[position]);
        let mut found = false;
        for (place, drafts) in &mut self.policies {
            if matches!(place, Place::Bucket(_)) && condition.key.starts_with("kms:") {
                continue;
            }
            for draft in drafts {
                let serves = draft
                    .serves
                    .iter()
                    .any(|(who, what)| *who == actor && *what == need.action);
                // A statement that lets others through as well is left as it is.
                let own = draft.serves.iter().all(|(who, _)| *who == actor);
                if serves && own && draft.effect == Effect::Allow && draft.conditions.len() < 3 {
                    draft.conditions.push(condition.clone());
                    found = true;
                }
            }
        }
        found.then_some(())
    }

    /// The resource policy that is asked about a target.
    fn resource_place(&self, target: &Target) -> Option<Place> {
        match target {
            Target::Key(key) if !self.keys[*key].default_policy => Some(Place::Key(*key)),
            Target::Bucket(bucket) | Target::Object(bucket, _) if !self.buckets[*bucket].made => {
                Some(Place::Bucket(*bucket))
            }
            Target::Role(role) => Some(Place::Trust(*role)),
            _ => None,
        }
    }

    fn denied_resources(&mut self, place: Place, target: &Target) -> Vec<String> {
        match (place, target) {
            (Place::Trust(_), _) => Vec::new(),
            (Place::Bucket(bucket), Target::Object(_, object)) => vec![self.object_pattern(bucket, &object.clone())],
            (Place::Bucket(bucket), _) => vec![self.bucket_arn(bucket)],
            _ => vec!["*".to_owned()],
        }
    }

    /// Another actor that carries the same policies; its session policy is copied.
    fn copy_actor(&mut self, from: usize, actor: super::super::scene::Actor) -> usize {
        self.actors.push(actor);
        let copy = self.actors.len() - 1;
        if let Some(drafts) = self.policies.get(&Place::Session(from)).cloned() {
            self.policies.insert(Place::Session(copy), drafts);
        }
        copy
    }
}

fn twin_of(request: &Request) -> CallDraft {
    let mut twin = request.call.clone();
    twin.save.clear();
    twin
}
