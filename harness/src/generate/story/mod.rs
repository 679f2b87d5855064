//! The stories that cases tell: who does what in which order. Here the stories are chosen and the turns they share live; each kind
//! has its own file.

mod crossing;
mod forwarded;
mod grant;
mod identity;
mod keeping;
mod keyring;
mod kms;
mod manage;
mod object;
mod pair;
mod people;
mod probe;
mod public;
mod service;
mod session;
mod settings;
mod writing;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fact::{self, Fact};
use super::request::{KmsCall, Request};
use super::scene::{ActorKind, CallDraft, Place, Scene};
use super::statement::{Draft, Principals};
use super::vocabulary::{CRYPTOGRAPHIC, KmsOperation, READING, kms_operation};

/// The kinds of story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    KeyUse,
    GrantLife,
    ObjectLife,
    Multipart,
    ServiceCall,
    KeyManagement,
    KeyPolicyChange,
    BucketChange,
    IdentityChange,
    PublicBucket,
    AssumeRole,
    Functions,
    Vault,
    AccountLevel,
    PolicyWriting,
    OtherKeys,
    KeyUpkeep,
    BucketSettings,
    BucketLife,
    LockedObject,
    OddObjects,
    People,
    Probe,
}

/// How often each is told.
const STORIES: &[(u32, Story)] = &[
    (22, Story::KeyUse),
    (24, Story::GrantLife),
    (24, Story::ObjectLife),
    (5, Story::Multipart),
    (12, Story::ServiceCall),
    (7, Story::KeyManagement),
    (5, Story::KeyPolicyChange),
    (4, Story::BucketChange),
    (5, Story::IdentityChange),
    (6, Story::PublicBucket),
    (3, Story::AssumeRole),
    (6, Story::Functions),
    (6, Story::Vault),
    (5, Story::AccountLevel),
    (3, Story::PolicyWriting),
    (7, Story::OtherKeys),
    (11, Story::KeyUpkeep),
    (13, Story::BucketSettings),
    (3, Story::BucketLife),
    (5, Story::LockedObject),
    (9, Story::OddObjects),
    (13, Story::People),
    (80, Story::Probe),
];

impl Scene<'_, '_, '_> {
    /// Tells one story, and more until the case has its least number of steps.
    pub(super) fn tell(&mut self) {
        self.maybe_open_endpoint();
        // Each round adds at least one step or ends the telling.
        while self.steps.len() < self.settings.least_steps as usize {
            let before = self.steps.len();
            match self.dice.weighted(STORIES) {
                Story::KeyUse => self.key_use(),
                Story::GrantLife => self.grant_life(),
                Story::ObjectLife => self.object_life(),
                Story::Multipart => self.multipart(),
                Story::ServiceCall => self.service_call(),
                Story::KeyManagement => self.key_management(),
                Story::KeyPolicyChange => self.key_policy_change(),
                Story::BucketChange => self.bucket_change(),
                Story::IdentityChange => self.identity_change(),
                Story::PublicBucket => self.public_bucket(),
                Story::Functions if self.settings.services => self.functions(),
                Story::Vault if self.settings.services => self.vault(),
                Story::Functions | Story::Vault => self.key_use(),
                Story::AssumeRole => self.assume_role(),
                Story::AccountLevel => self.account_level(),
                Story::PolicyWriting => self.policy_writing(),
                Story::OtherKeys => self.other_key_use(),
                Story::KeyUpkeep => self.key_upkeep(),
                Story::BucketSettings => self.bucket_settings(),
                Story::BucketLife => self.bucket_comes_and_goes(),
                Story::LockedObject => self.locked_object(),
                Story::OddObjects => self.odd_objects(),
                Story::People => self.people(),
                Story::Probe if self.settings.probes => self.probe(),
                Story::Probe => self.key_use(),
            }
            if self.steps.len() == before {
                break;
            }
        }
    }

    // ---- turns that stories share ----

    /// An account for a caller: the second one a little less than half of the time, where there is one.
    fn caller_account(&mut self) -> usize {
        if self.crosses() && self.dice.below(9) < 4 {
            self.other_account()
        } else {
            0
        }
    }

    /// Makes the request, with policies that let it through and perhaps something that breaks.
    fn perform(&mut self, mut request: Request) -> Request {
        if request.call.save.is_empty() && self.room() > 1 && self.dice.percent(self.settings.pair) {
            return self.pair(request, pair::Order::Either);
        }
        self.dress(&mut request);
        self.permit(&request);
        if self.dice.percent(self.settings.leaning) {
            self.lean_on_fact(&request);
        }
        self.disturb(&request);
        self.call(request.call.clone());
        request
    }

    /// Makes the request with policies that let it through; nothing is broken on purpose.
    fn perform_unbroken(&mut self, request: Request) -> Request {
        self.permit(&request);
        self.call(request.call.clone());
        request
    }

    /// Gives the call its network: an address or the VPC endpoint, mostly neither.
    fn dress(&mut self, request: &mut Request) {
        let service = request.call.call.split(':').next().unwrap_or_default().to_owned();
        let signed = self.has_network(request.call.actor);
        if self.endpoint.is_some_and(|(serves, _)| serves == service) && signed && self.dice.coin() {
            request.call.through_endpoint = true;
        } else if signed && self.dice.below(10) == 0 {
            let address = *self.dice.pick(&["203.0.113.7", "192.0.2.44", "10.1.2.3"]);
            request.call.context.insert("aws:SourceIp".to_owned(), json!(address));
        }
    }

    /// A VPC endpoint in one case of sixteen, with no policy, one for everybody, or a narrow one.
    fn maybe_open_endpoint(&mut self) {
        if self.settings.noise == 0 || self.dice.below(16) > 0 {
            return;
        }
        let gateway = self.dice.coin();
        self.endpoint = Some((if gateway || self.dice.coin() { "s3" } else { "kms" }, gateway));
        let mut draft = match self.dice.below(4) {
            0 => return,
            1 => Draft::allow(Principals::Everyone, vec!["*".to_owned()], vec!["*".to_owned()]),
            2 => Draft::allow(
                Principals::Everyone,
                vec!["s3:Get*".to_owned(), "kms:Decrypt".to_owned()],
                vec!["*".to_owned()],
            ),
            _ => {
                let account = self.accounts[0].root_arn();
                Draft::allow(
                    Principals::Aws(vec![account]),
                    vec!["s3:*".to_owned(), "kms:*".to_owned()],
                    vec!["*".to_owned()],
                )
            }
        };
        if self.dice.below(3) == 0 {
            let facts = [
                Fact::text("aws:PrincipalAccount", self.accounts[0].as_str()),
                Fact::text("aws:RequestedRegion", self.region),
            ];
            let holds = self.dice.coin();
            draft.conditions.extend(fact::condition(&mut self.dice, &facts, holds));
        }
        self.write(Place::Endpoint, draft);
    }

    /// Somebody who is allowed to encrypts; the ciphertext is saved under the returned name.
    fn encrypts(&mut self, key: usize, context: &BTreeMap<String, String>) -> String {
        let account = self.keys[key].account;
        let maker = match self.dice.below(5) {
            0 | 1 => self.root_actor(account),
            2 => self.new_user_actor(account),
            _ => {
                let role = self.new_role(account);
                self.named_session_actor(role, "maker".to_owned())
            }
        };
        let kms = KmsCall {
            context: context.clone(),
            ..KmsCall::default()
        };
        let mut request = self.kms_request(maker, kms_operation("Encrypt"), key, &kms);
        request.call.with.remove("DryRun");
        let name = self.saved_name("ciphertext");
        request.call.save.insert(name.clone(), "CiphertextBlob".to_owned());
        self.perform_unbroken(request);
        name
    }

    /// An operation of a caller on a key: cryptographic mostly, reading once in a while.
    fn some_operation(&mut self) -> &'static KmsOperation {
        if self.dice.below(7) == 0 {
            return self.dice.pick(READING);
        }
        let weights = [(3, 0), (6, 1), (5, 2), (2, 3), (3, 4)];
        &CRYPTOGRAPHIC[self.dice.weighted(&weights)]
    }

    /// The same request with a near miss: another session, a stranger, another context, another name of the key.
    fn twist(&mut self, request: &Request) {
        let mut call = request.call.clone();
        call.save.clear();
        let actor = call.actor;
        let identity = self.actors[actor].identity;
        let context_name = ["EncryptionContext", "SourceEncryptionContext"]
            .into_iter()
            .find(|name| call.with.contains_key(*name));
        match self.dice.below(8) {
            0 | 1 if matches!(self.actors[actor].kind, ActorKind::Role { .. }) => {
                if let Some(identity) = identity {
                    call.actor = self.session_actor(identity);
                }
            }
            2 | 3 if context_name.is_some() => {
                let wrong = self.some_encryption_context();
                match (context_name, self.dice.below(3)) {
                    (Some(name), 0) => {
                        call.with.remove(name);
                    }
                    (Some(name), 1) => {
                        if let Some(Value::Object(pairs)) = call.with.get_mut(name) {
                            pairs.extend(wrong.into_iter().map(|(key, value)| (key, json!(value))));
                        }
                    }
                    (Some(name), _) => {
                        call.with.insert(name.to_owned(), json!(wrong));
                    }
                    (None, _) => {}
                }
            }
            4 => {
                let account = self.actors[actor].account;
                call.actor = self.root_actor(account);
            }
            5 if !call.through_endpoint => {
                call.context.insert("aws:SourceIp".to_owned(), json!("198.51.100.9"));
            }
            6 if self.crosses() => {
                let account = 1 - self.actors[actor].account.min(1);
                call.actor = self.new_role_actor(account);
            }
            7 if call.with.contains_key("KeyId") => self.misname_key(&mut call),
            _ => {
                let account = self.actors[actor].account;
                call.actor = self.new_actor(account);
            }
        }
        if !self.has_network(call.actor) {
            call.through_endpoint = false;
            call.context.clear();
        }
        self.call(call);
    }

    /// Another name in `KeyId`: a bare id, which is looked up in the caller's account (`svc:K-10`), a sibling, an unknown key or alias.
    fn misname_key(&mut self, call: &mut CallDraft) {
        let given = call
            .with
            .get("KeyId")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let siblings: Vec<usize> = (0..self.keys.len())
            .filter(|key| !given.contains(&self.key_arn(*key)))
            .collect();
        let name = match self.dice.below(6) {
            0 | 1 if given.ends_with(".arn}}") => given.replace(".arn}}", ".id}}"),
            2 | 3 if !siblings.is_empty() => {
                let sibling = *self.dice.pick(&siblings);
                self.key_arn(sibling)
            }
            4 => format!("alias/nobody-{}", self.dice.below(100)),
            _ => format!("1234abcd-12ab-34cd-56ef-1234567890{:02x}", self.dice.below(256)),
        };
        call.with.insert("KeyId".to_owned(), json!(name));
    }

    /// Twists the request as often as the settings say.
    fn perhaps_twist(&mut self, request: &Request) {
        if self.dice.percent(self.settings.twist) && self.room() > 0 {
            self.twist(request);
        }
    }
}
