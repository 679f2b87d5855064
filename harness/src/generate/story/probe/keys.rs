//! Probes of keys: grants that pass on more than they have, grantees that nobody is, tokens, states of keys that sign or receive, replicas
//! with policies of their own.

use std::collections::BTreeMap;

use countersign_model::case::{GrantConstraintsSpec, GrantSpec};
use serde_json::{Value, json};

use super::super::super::request::{KmsCall, Request};
use super::super::super::scene::{Place, Scene, StepDraft, segment, text_blob};
use super::super::super::statement::{Draft, Principals, document};
use super::super::super::vocabulary::{REGIONS, kms_operation};
use super::members;

impl Scene<'_, '_, '_> {
    /// The holder of a grant with CreateGrant passes on what it has, more operations, or fewer constraints (`svc:G-6`).
    pub(super) fn child_grant_probe(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let holder = self.new_role_actor(0);
        self.forget_limits(holder);
        let context: BTreeMap<String, String> = [("team".to_owned(), "red".to_owned())].into();
        let constrained = self.dice.coin();
        let constraints = |with: bool| {
            with.then(|| GrantConstraintsSpec {
                encryption_context_subset: Some(context.clone()),
                ..GrantConstraintsSpec::default()
            })
        };
        let spec = GrantSpec {
            grantee_principal: self.caller_arn(holder),
            operations: vec!["CreateGrant".to_owned(), "Decrypt".to_owned()],
            constraints: constraints(constrained),
            ..GrantSpec::default()
        };
        self.add_grant(key, spec, Vec::new());
        for more in [true, false, true] {
            let child = self.new_role(0);
            let operations = if more && (!constrained || self.dice.coin()) {
                json!(["Decrypt", "Encrypt"])
            } else {
                json!(["Decrypt"])
            };
            let mut with = json!({
                "KeyId": self.key_arn(key),
                "GranteePrincipal": self.identity_arn(child),
                "Operations": operations,
            });
            if constrained && (!more || self.dice.below(3) == 0) {
                with["Constraints"] = json!({"EncryptionContextSubset": context});
            }
            self.does(holder, "kms:CreateGrant", members(with));
        }
    }

    /// A grant for nobody, or for everybody (`svc:G-2`).
    pub(super) fn ghost_grantee(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let account = self.accounts[0].clone();
        let names = [
            format!("arn:aws:iam::{account}:role/ghost-{}", self.dice.below(100)),
            format!("arn:aws:iam::{account}:user/ghost-{}", self.dice.below(100)),
            "*".to_owned(),
            format!("arn:aws:iam::{account}:root"),
        ];
        for _ in 0..2 {
            let actor = self.root_actor(0);
            let name = self.dice.pick(&names).clone();
            let with = json!({
                "KeyId": self.key_arn(key), "GranteePrincipal": name, "Operations": ["Encrypt"],
            });
            self.does(actor, "kms:CreateGrant", members(with));
        }
    }

    /// A key that signs, checks, or is given away by grant, in a state that forbids it (`svc:ST-1`, `svc:G-9`).
    pub(super) fn other_key_state(&mut self) {
        let key = self.new_key(0);
        let state = *self.dice.pick(&["Disabled", "PendingDeletion"]);
        self.keys[key].state = Some(state.to_owned());
        self.open_key(key);
        let actor = self.root_actor(0);
        let message = text_blob(&self.phrase());
        let arn = self.key_arn(key);
        match self.dice.below(4) {
            0 => {
                self.keys[key].kind = Some(("ECC_NIST_P256", "SIGN_VERIFY"));
                let with = json!({"KeyId": arn, "Message": message, "SigningAlgorithm": "ECDSA_SHA_256"});
                self.does(actor, "kms:Sign", members(with));
            }
            1 => {
                self.keys[key].kind = Some(("HMAC_256", "GENERATE_VERIFY_MAC"));
                let with = json!({"KeyId": arn, "Message": message, "MacAlgorithm": "HMAC_SHA_256"});
                self.does(actor, "kms:GenerateMac", members(with));
            }
            2 => {
                let root = self.accounts[0].root_arn();
                let with = json!({"KeyId": arn, "GranteePrincipal": root, "Operations": ["Encrypt"]});
                self.does(actor, "kms:CreateGrant", members(with));
            }
            _ => {
                for name in ["Encrypt", "GenerateDataKey"] {
                    let mut request = self.kms_request(actor, kms_operation(name), key, &KmsCall::default());
                    request.call.with.remove("DryRun");
                    self.call(request.call);
                }
            }
        }
    }

    /// A key is to be deleted, and then not; it is used in between and after (`svc:ST-4`).
    pub(super) fn cancelled_deletion(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let admin = self.root_actor(0);
        let arn = self.key_arn(key);
        let days = 7 + self.dice.below(24);
        let uses = |scene: &mut Self| {
            let mut request = scene.kms_request(admin, kms_operation("Encrypt"), key, &KmsCall::default());
            request.call.with.remove("DryRun");
            scene.call(request.call);
        };
        let schedule = json!({"KeyId": arn, "PendingWindowInDays": days});
        self.does(admin, "kms:ScheduleKeyDeletion", members(schedule));
        uses(self);
        self.does(admin, "kms:CancelKeyDeletion", members(json!({"KeyId": arn})));
        uses(self);
        if self.dice.coin() {
            self.does(admin, "kms:EnableKey", members(json!({"KeyId": arn})));
            uses(self);
        }
    }

    /// A ciphertext goes to another key, which is in no state to take it, or which the caller may not use (`svc:K-21`).
    pub(super) fn destination_state(&mut self) {
        let (from, to) = (self.new_key(0), self.new_key(0));
        self.open_key(from);
        self.open_key(to);
        let context = self.encryption_context();
        let ciphertext = self.encrypts(from, &context);
        if self.dice.below(3) > 0 {
            self.keys[to].state = Some((*self.dice.pick(&["Disabled", "PendingDeletion"])).to_owned());
        }
        let kms = KmsCall {
            context,
            ciphertext: Some(ciphertext),
            destination: Some(to),
        };
        for _ in 0..2 {
            let actor = if self.dice.coin() {
                self.root_actor(0)
            } else {
                self.new_role_actor(0)
            };
            let mut request = self.kms_request(actor, kms_operation("ReEncrypt"), from, &kms);
            request.call.with.remove("DryRun");
            self.after_near_twin(request);
        }
    }

    /// A grant is used before it has spread, with its token and without, with a made-up token, and after it has ended (`svc:G-21`, `svc:G-22`).
    pub(super) fn grant_token(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let holder = self.new_role_actor(0);
        self.forget_limits(holder);
        let slow = self.steps.is_empty() && self.dice.coin();
        let spec = GrantSpec {
            grantee_principal: self.principal_arn(holder),
            retiring_principal: Some(self.accounts[0].root_arn()),
            operations: vec!["Encrypt".to_owned(), "GenerateDataKey".to_owned()],
            ..GrantSpec::default()
        };
        let admin = self.root_actor(0);
        let (id, token) = if slow {
            self.propagation = Some("5m");
            let (grant, token) = (self.saved_name("grant"), self.saved_name("token"));
            let mut call = self.bare(admin, "kms:CreateGrant");
            call.with.insert("KeyId".to_owned(), json!(self.key_arn(key)));
            if let Ok(Value::Object(parameters)) = serde_json::to_value(&spec) {
                call.with.extend(parameters);
            }
            call.save = [
                (grant.clone(), "GrantId".to_owned()),
                (token.clone(), "GrantToken".to_owned()),
            ]
            .into();
            self.call(call);
            (format!("{{{{saved.{grant}}}}}"), format!("{{{{saved.{token}}}}}"))
        } else {
            let name = self.add_grant(key, spec, Vec::new());
            let key = segment(&self.keys[key].name);
            (
                format!("{{{{key{key}.grant.{name}.id}}}}"),
                format!("{{{{key{key}.grant.{name}.token}}}}"),
            )
        };
        let made_up = "AQpAbm9ib2R5IGV2ZXIgZ2F2ZSB0aGlzIG91dA";
        if !slow && self.dice.coin() {
            self.uses_token(holder, key, made_up);
        }
        let named = if self.dice.coin() { token.as_str() } else { "" };
        self.uses_token(holder, key, named);
        let with = json!({"KeyId": self.key_arn(key), "GrantId": id});
        let call = *self.dice.pick(&["kms:RetireGrant", "kms:RevokeGrant"]);
        self.does(admin, call, members(with));
        if slow {
            self.steps.push(StepDraft::Advance("10m"));
        }
        self.uses_token(holder, key, &token);
    }

    fn uses_token(&mut self, actor: usize, key: usize, token: &str) {
        let name = *self.dice.pick(&["Encrypt", "GenerateDataKey"]);
        let mut request = self.kms_request(actor, kms_operation(name), key, &KmsCall::default());
        request.call.with.remove("DryRun");
        if !token.is_empty() {
            request.call.with.insert("GrantTokens".to_owned(), json!([token]));
        }
        self.call(request.call);
    }

    /// A replica whose policy says otherwise than its primary's, used beside it (`svc:K-15`); or somebody who may make no keys makes one
    /// (`svc:K-22`).
    pub(super) fn replica(&mut self) {
        let others: Vec<&'static str> = REGIONS.iter().copied().filter(|one| *one != self.region).collect();
        let region = *self.dice.pick(&others);
        let primary = self.new_key(0);
        self.keys[primary].multi_region = true;
        if self.dice.below(3) == 0 {
            return self.replicates(primary, region);
        }
        let root = self.accounts[0].root_arn();
        let closed = [
            "kms:Describe*",
            "kms:Get*",
            "kms:Put*",
            "kms:List*",
            "kms:Update*",
            "kms:Replicate*",
        ];
        let statement = |actions: &[&str]| {
            let actions = actions.iter().map(|action| (*action).to_owned()).collect();
            Draft::allow(Principals::Aws(vec![root.clone()]), actions, vec!["*".to_owned()])
        };
        let (of_primary, of_replica) = if self.dice.coin() {
            (statement(&["kms:*"]), statement(&closed))
        } else {
            (statement(&closed), statement(&["kms:*"]))
        };
        self.keys[primary].default_policy = false;
        self.write(Place::Key(primary), of_primary);
        let policy = serde_json::to_value(document(&mut self.dice, &[of_replica])).unwrap_or_default();
        let admin = self.root_actor(0);
        let replica = self.saved_name("replica");
        let mut call = self.bare(admin, "kms:ReplicateKey");
        call.with = members(json!({"KeyId": self.key_arn(primary), "ReplicaRegion": region, "Policy": policy}));
        call.save.insert(replica.clone(), "ReplicaKeyMetadata.Arn".to_owned());
        self.call(call);
        let actor = self.new_role_actor(0);
        self.forget_limits(actor);
        self.may(actor, &["kms:Encrypt", "kms:GenerateDataKey"], vec!["*".to_owned()]);
        let arns = [
            (self.key_arn(primary), None),
            (format!("{{{{saved.{replica}}}}}"), Some(region)),
        ];
        for (arn, region) in arns {
            let name = *self.dice.pick(&["Encrypt", "GenerateDataKey"]);
            let mut request = self.kms_request(actor, kms_operation(name), primary, &KmsCall::default());
            request.call.with.remove("DryRun");
            request.call.with.insert("KeyId".to_owned(), json!(arn));
            request.call.region = region;
            self.call(request.call);
        }
    }

    fn replicates(&mut self, primary: usize, region: &'static str) {
        self.open_key(primary);
        let actor = self.new_user_actor(0);
        let with = [("ReplicaRegion".to_owned(), json!(region))].into_iter().collect();
        let mut request = self.keyed(actor, "ReplicateKey", primary, with, Vec::new());
        request.call.with.remove("DryRun");
        request.needs.push(self.any_need("kms:CreateKey"));
        self.after_near_twin(request);
    }

    /// Calls on aliases, each after somebody who may one of alias and key only (`svc:K-17`).
    pub(super) fn alias_calls(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let alias = format!("alias/{}", self.keys[key].name);
        self.keys[key].alias = Some(alias.clone());
        // The alias in a policy is not its key.
        let user = self.new_user_actor(0);
        self.forget_limits(user);
        let named = format!("arn:aws:kms:{}:{}:{alias}", self.region, self.accounts[0]);
        self.may(user, &["kms:Encrypt"], vec![named]);
        let plaintext = text_blob(&self.phrase());
        let with = json!({"KeyId": alias, "Plaintext": plaintext});
        self.does(user, "kms:Encrypt", members(with));
        let goal = self.steps.len() + 3;
        while self.steps.len() < goal && self.room() > 1 {
            let actor = self.new_user_actor(0);
            let request: Request = self.alias_request(actor, key);
            self.after_near_split(request);
        }
    }

    /// The same after somebody who may it on one of the two resources only: both checks have the same action.
    fn after_near_split(&mut self, request: Request) {
        let actor = request.call.actor;
        let account = self.actors[actor].account;
        let action = request.call.call.clone();
        let kept = self.dice.position(request.needs.len());
        let resource = self.exact_resource(&request.needs[kept].target);
        let twin = self.new_user_actor(account);
        self.forget_limits(twin);
        self.may(twin, &[action.as_str()], vec![resource]);
        let mut call = request.call.clone();
        call.actor = twin;
        self.call(call);
        self.permit(&request);
        self.call(request.call);
    }

    /// Boundary and session policy go: what is probed is not about them.
    pub(super) fn forget_limits(&mut self, actor: usize) {
        self.policies.remove(&Place::Session(actor));
        if let Some(identity) = self.actors[actor].identity {
            self.policies.remove(&Place::Boundary(identity));
        }
    }
}
