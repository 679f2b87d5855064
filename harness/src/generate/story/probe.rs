//! Probes: small stories set for one mistake each, which the longer stories would meet too seldom. Somebody may do all but what the probe
//! is about, or a state is in place that must count. What comes of it is not decided here.

mod customers;
mod facts;
mod grants;
mod identities;
mod keys;
mod objects;
mod reading;
mod storage;

use serde_json::{Map, Value};

use super::super::request::{Need, Request};
use super::super::scene::{Place, Scene};
use super::super::statement::{Draft, Principals};

/// What is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    SelfAssumption,
    SessionOfTags,
    SelfService,
    OtherUnit,
    ChildGrant,
    GhostGrantee,
    OtherKeyState,
    CancelledDeletion,
    DestinationState,
    GrantToken,
    Replica,
    Alias,
    CustomerContext,
    ForeignObject,
    DisabledAcls,
    PublicAcls,
    AclWriting,
    PublicPolicy,
    Strangers,
    Precondition,
    TagsOfSource,
    ThroughEndpoint,
    TaggedSessions,
    SingleChecks,
    BypassedLock,
    Retirement,
    ManyPairs,
    Recreated,
    Lockout,
    RightPermission,
    SeveralKeys,
    StrangeReaders,
    SingleFacts,
    CustomerKeys,
    TaggedBuckets,
    SourceOfGrant,
    RoleOfService,
    OddKeys,
}

/// How often each is told.
const PROBES: &[(u32, Probe)] = &[
    (3, Probe::SelfAssumption),
    (3, Probe::SessionOfTags),
    (5, Probe::SelfService),
    (5, Probe::OtherUnit),
    (4, Probe::ChildGrant),
    (3, Probe::GhostGrantee),
    (4, Probe::OtherKeyState),
    (3, Probe::CancelledDeletion),
    (3, Probe::DestinationState),
    (5, Probe::GrantToken),
    (4, Probe::Replica),
    (4, Probe::Alias),
    (3, Probe::CustomerContext),
    (4, Probe::ForeignObject),
    (3, Probe::DisabledAcls),
    (6, Probe::PublicAcls),
    (4, Probe::AclWriting),
    (5, Probe::PublicPolicy),
    (3, Probe::Strangers),
    (4, Probe::Precondition),
    (5, Probe::TagsOfSource),
    (5, Probe::ThroughEndpoint),
    (3, Probe::TaggedSessions),
    (16, Probe::SingleChecks),
    (4, Probe::BypassedLock),
    (6, Probe::Retirement),
    (2, Probe::ManyPairs),
    (4, Probe::Recreated),
    (3, Probe::Lockout),
    (8, Probe::RightPermission),
    (3, Probe::SeveralKeys),
    (4, Probe::StrangeReaders),
    (14, Probe::SingleFacts),
    (7, Probe::CustomerKeys),
    (3, Probe::TaggedBuckets),
    (3, Probe::SourceOfGrant),
    (3, Probe::RoleOfService),
    (2, Probe::OddKeys),
];

impl Scene<'_, '_, '_> {
    /// One probe.
    pub(super) fn probe(&mut self) {
        match self.dice.weighted(PROBES) {
            Probe::SelfAssumption => self.self_assumption(),
            Probe::SessionOfTags => self.session_of_tags(),
            Probe::SelfService => self.self_service(),
            Probe::OtherUnit => self.other_unit(),
            Probe::ChildGrant => self.child_grant_probe(),
            Probe::GhostGrantee => self.ghost_grantee(),
            Probe::OtherKeyState => self.other_key_state(),
            Probe::CancelledDeletion => self.cancelled_deletion(),
            Probe::DestinationState => self.destination_state(),
            Probe::GrantToken => self.grant_token(),
            Probe::Replica => self.replica(),
            Probe::Alias => self.alias_calls(),
            Probe::CustomerContext => self.customer_context(),
            Probe::ForeignObject => self.foreign_object(),
            Probe::DisabledAcls => self.disabled_acls(),
            Probe::PublicAcls => self.public_acls(),
            Probe::AclWriting => self.acl_writing(),
            Probe::PublicPolicy => self.public_policy(),
            Probe::Strangers => self.strangers(),
            Probe::Precondition => self.precondition(),
            Probe::TagsOfSource => self.tags_of_source(),
            Probe::ThroughEndpoint => self.through_endpoint(),
            Probe::TaggedSessions => self.tagged_sessions(),
            Probe::SingleChecks => self.single_checks(),
            Probe::BypassedLock => self.bypassed_lock(),
            Probe::Retirement => self.retirement(),
            Probe::ManyPairs => self.many_pairs(),
            Probe::Recreated => self.recreated(),
            Probe::Lockout => self.lockout(),
            Probe::RightPermission => self.right_permission(),
            Probe::SeveralKeys => self.several_keys(),
            Probe::StrangeReaders => self.strange_readers(),
            Probe::SingleFacts => self.single_facts(),
            Probe::CustomerKeys => self.customer_keys(),
            Probe::TaggedBuckets => self.tagged_buckets(),
            Probe::SourceOfGrant => self.source_of_grant(),
            Probe::RoleOfService => self.role_of_service(),
            Probe::OddKeys => self.odd_keys(),
        }
    }

    // ---- what probes share ----

    /// An Allow in the actor's identity policies.
    pub(super) fn may(&mut self, actor: usize, actions: &[&str], resources: Vec<String>) {
        if let Some(identity) = self.actors[actor].identity {
            let actions = actions.iter().map(|action| (*action).to_owned()).collect();
            let allow = Draft::allow(Principals::Absent, actions, resources);
            self.write(Place::Identity(identity), allow);
        }
    }

    /// Makes a call as it is.
    pub(super) fn does(&mut self, actor: usize, operation: &str, with: Map<String, Value>) {
        let mut call = self.bare(actor, operation);
        call.with = with;
        self.call(call);
    }

    /// The request of one who may make it, after somebody who may everything but one of its checks.
    pub(super) fn after_near_twin(&mut self, request: Request) {
        self.permit(&request);
        if self.room() > 1
            && let Some(twin) = self.twin_by_check(&request)
        {
            self.call(twin);
        }
        self.call(request.call);
    }

    /// A call without policies on a resource.
    fn on_account(&self, actor: usize, operation: &str, with: Map<String, Value>, needs: &[&str]) -> Request {
        let mut call = self.bare(actor, operation);
        call.with = with;
        let needs: Vec<Need> = needs.iter().map(|action| self.any_need(action)).collect();
        Request { call, needs }
    }
}

/// Parameters from a JSON object.
fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
